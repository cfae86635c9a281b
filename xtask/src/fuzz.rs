//! Builds the fuzz target with coverage counters, on stable Rust, and runs it for a while.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// What LLVM's coverage pass needs to make the counters that libFuzzer reads.
const COVERAGE_FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];
/// Long enough for several lines, short enough for many runs per second.
const INPUT_BYTES_MAX: u32 = 2048;

/// Fuzzes the log readers for so many seconds.
///
/// # Errors
/// When the target does not build, or when it finds an input that breaks the reader.
pub(crate) fn run(seconds: u64) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the project's folder")?;
    let work = root.join("target/fuzz");
    let binary = build(root, &work)?;
    for folder in ["corpus", "artifacts"] {
        std::fs::create_dir_all(work.join(folder))?;
    }
    let status = Command::new(binary)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-artifact_prefix={}/artifacts/", work.display()))
        .args(["-timeout=10", "-print_final_stats=1", "-verbosity=0"])
        .arg(work.join("corpus"))
        .arg(root.join("fuzz/seeds"))
        .status()?;
    if !status.success() {
        bail!("the fuzzer found an input that breaks the log readers; it is in {}", work.join("artifacts").display());
    }
    Ok(())
}

fn build(root: &Path, work: &Path) -> anyhow::Result<PathBuf> {
    // With an explicit target the flags do not reach build scripts, which are linked without libFuzzer.
    let target = host()?;
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--target", &target, "--manifest-path"])
        .arg(root.join("fuzz/Cargo.toml"))
        .arg("--target-dir")
        .arg(work)
        .env("CARGO_ENCODED_RUSTFLAGS", COVERAGE_FLAGS.join("\x1f"))
        .status()?;
    if !status.success() {
        bail!("the fuzz target does not build");
    }
    Ok(work.join(target).join("release/access_logs"))
}

/// The machine's own target, such as `x86_64-unknown-linux-gnu`.
fn host() -> anyhow::Result<String> {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV tells no host")?;
    Ok(host.to_owned())
}
