//! What the compiler does not check: every source file opens with what it is for, and none grows without end.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

/// A file longer than this has more than one room in it.
const LINES_MAX: usize = 600;

/// Checks all Rust files that git tracks.
pub(crate) fn run() -> anyhow::Result<()> {
    let listing = Command::new("git").args(["ls-files", "*.rs"]).output().context("cannot run git ls-files")?;
    let mut complaints = Vec::new();
    for file in String::from_utf8_lossy(&listing.stdout).lines().filter(|file| Path::new(file).is_file()) {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
        if !text.trim_start_matches("#![no_main]").trim_start().starts_with("//!") {
            complaints.push(format!("{file}: does not open with `//!` and what it is for"));
        }
        let lines = text.lines().count();
        if lines > LINES_MAX {
            complaints
                .push(format!("{file}: {lines} lines, more than {LINES_MAX}: split it by what its parts are for"));
        }
    }
    if !complaints.is_empty() {
        bail!("tidy:\n{}", complaints.join("\n"));
    }
    Ok(())
}
