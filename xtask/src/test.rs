//! `cargo xtask test`: the checks a change must pass, in the order in which they fail fastest.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::measure::data_folder;
use crate::{fuzz, tidy};

/// Everything that packages hold. Not all features there are: one needs the compiler of a graphics card.
const FULL: [&str; 2] = ["--features", "dataflow-cli/full"];

/// Runs every check and stops at the first that fails.
pub(crate) fn run(fuzz_seconds: u64) -> anyhow::Result<()> {
    step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    tidy::run()?;
    let lints = ["--", "--deny", "warnings"];
    step("lints", cargo(&["clippy", "--workspace", "--all-targets"]).args(FULL).args(lints))?;
    step("tests, default features", &mut tests(&[]))?;
    step("tests, full", &mut tests(&FULL))?;
    step("examples in documentation", cargo(&["test", "--workspace", "--doc"]).args(FULL))?;
    step(
        "documentation",
        cargo(&["doc", "--workspace", "--no-deps"]).args(FULL).env("RUSTDOCFLAGS", "--deny warnings"),
    )?;
    if fuzz_seconds > 0 {
        fuzz::run(fuzz_seconds)?;
    }
    // Test runners hide what a passing test prints, so what could not be tested is said here.
    for skipped in skipped() {
        eprintln!("SKIPPED {skipped}");
    }
    Ok(())
}

/// What the tests could not look at on this machine.
fn skipped() -> Vec<&'static str> {
    let mut skipped = Vec::new();
    if !data_folder().is_dir() {
        skipped.push("all tests on real traces: set DATAFLOW_DATA to the folder that holds them");
    }
    let browser = std::env::var_os("DATAFLOW_CHROMIUM").unwrap_or_else(|| "chromium".into());
    if Command::new(browser).arg("--version").output().is_err() {
        skipped.push("the tests of the report in a browser: install Chromium, or set DATAFLOW_CHROMIUM to its path");
    }
    skipped
}

/// The tests of the workspace, by cargo-nextest where it is installed.
fn tests(features: &[&str]) -> Command {
    let nextest = cargo(&["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    let mut command = if nextest {
        cargo(&["nextest", "run", "--workspace", "--no-fail-fast"])
    } else {
        cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])
    };
    command.args(features);
    command
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

fn step(name: &str, command: &mut Command) -> anyhow::Result<()> {
    eprintln!("== {name}");
    let start = Instant::now();
    let status = command.status().with_context(|| format!("{name}: cannot start {command:?}"))?;
    if !status.success() {
        bail!("{name} failed: {command:?}");
    }
    eprintln!("== {name}: passed in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
