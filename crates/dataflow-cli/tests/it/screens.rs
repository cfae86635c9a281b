//! What the user sees: help, tables, notes.

use crate::{command, run, stderr, stdout};

const TRACE: &str = "synthetic:steady?days=2";

#[test]
fn help_texts() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    insta::assert_snapshot!("help", stdout(folder, &["--help"]));
    insta::assert_snapshot!("help_compare", stdout(folder, &["compare", "--help"]));
    insta::assert_snapshot!("help_config", stdout(folder, &["config", "--help"]));
    let program = run(folder, &[]);
    assert!(stderr(&program).contains("Usage: dataflow"), "run with nothing, it tells how it is used");
}

#[test]
fn every_subcommand_has_an_example_in_its_help() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = stdout(folder.path(), &["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Descriptions that are wrapped go on further to the right.
    let commands = commands.filter(|line| !line.starts_with("   "));
    let mut seen = 0;
    for name in commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        let help = stdout(folder.path(), &[name, "--help"]);
        assert!(help.contains("Example") && help.contains(&format!("dataflow {name}")), "{name}");
        seen += 1;
    }
    assert!(seen >= 4);
}

#[test]
fn tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    insta::assert_snapshot!("table", stdout(folder, &["compare", TRACE]));
    insta::assert_snapshot!("markdown", stdout(folder, &["compare", TRACE, "--format", "markdown"]));
    // At full precision, so without forecasts, whose last digits may differ from machine to machine.
    let exact = ["compare", TRACE, "--format", "csv", "--policies", "fixed,fixed:3,reactive,optimal"];
    insta::assert_snapshot!("csv", stdout(folder, &exact));
}

#[test]
fn run_with_nothing_it_says_what_it_uses_and_how_to_give_a_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &["compare", "--policies", "fixed"]);
    assert!(output.status.success());
    let message = stderr(&output);
    assert!(message.contains("synthetic:nasa-like") && message.contains("dataflow compare access.log"), "{message}");
    let output = run(folder.path(), &["compare", "--policies", "fixed", "--quiet"]);
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_capacity_that_does_not_fit_is_sized_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["compare", "synthetic:steady?days=1", "--measure", "requests", "--policies", "fixed"];
    let message = stderr(&run(folder.path(), &arguments));
    assert!(message.contains("note: a server is taken to serve"), "{message}");
    assert!(message.contains("--set cost_parameters.capacity_per_server"), "{message}");
    let given = [&arguments[..], &["--set", "cost_parameters.capacity_per_server=20/min"]].concat();
    let message = stderr(&run(folder.path(), &given));
    assert!(!message.contains("a server is taken"), "{message}");
}

#[test]
fn there_are_no_colours_unless_a_terminal_shows_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plain = command(folder.path(), &["compare", TRACE, "--policies", "fixed"]);
    let output = plain.env_remove("NO_COLOR").output().expect("the command starts");
    assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
}

#[test]
fn completions_and_manual_pages_are_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(folder, &["completions", shell]).contains("compare"), "{shell}");
    }
    assert!(stdout(folder, &["man"]).contains(".TH dataflow"));
    assert!(stdout(folder, &["man", "compare"]).contains("observe"));
    assert_eq!(run(folder, &["man", "explode"]).status.code(), Some(2));
}
