//! The command as a user runs it: its screens, its contract for scripts, bad input, interrupts, and the golden cases.

mod bad_input;
mod check;
mod cloud;
mod columns;
mod configuration;
mod contract;
mod detect;
mod explain;
mod explore;
mod forecast;
mod golden;
mod hostile;
mod ingest;
mod look_ahead;
mod manifests;
mod prometheus;
mod remote;
mod replicates;
mod screens;
#[path = "../../../dataflow-remote/tests/it/server.rs"]
mod server;
mod sweep;
mod tune;
mod weights;

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A command that runs `dataflow` in `folder`, with no settings from the environment.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dataflow"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).env("NO_COLOR", "1").env_remove("COLUMNS");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("DATAFLOW_")) {
            command.env_remove(name);
        }
    }
    // The servers of the tests are on this machine.
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    // Nothing that was made before, and nothing left in the home of who runs the tests.
    command.env("DATAFLOW_CACHE_DIR", "");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the command starts")
}

/// Standard output of a run that must succeed.
fn stdout(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("results are text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The JSON of a run that must succeed.
fn json(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let text = stdout(folder, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&text).expect("the result is JSON")
}

/// Names of the files in a folder, sorted, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
