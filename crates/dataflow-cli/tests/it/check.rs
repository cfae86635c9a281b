//! The gate: within a budget, over it, what differs, and what is no budget at all.

use std::fs;
use std::path::Path;

use crate::{json, run, stderr, stdout};

const TRACE: &str = "synthetic:nasa-like?days=4";

fn write_sides(folder: &Path) {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("writable");
    write("main.yaml", "quantile: {level: 0.9}\n");
    write("lower.yaml", "quantile: {level: 0.6}\n");
    write("hours.yaml", "simulation: {interval: 1h}\n");
}

fn arguments<'a>(baseline: &'a str, candidate: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["check", TRACE, "--baseline", baseline, "--candidate", candidate, "--quiet"], rest].concat()
}

#[test]
fn a_change_within_its_budget_passes_and_one_over_it_fails_with_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_sides(folder);
    let text = stdout(folder, &arguments("main.yaml", "lower.yaml", &["--max-cost", "+500%"]));
    assert!(text.starts_with("## lower.yaml is within its budget"), "{text}");
    assert!(text.contains("| quantile.level") && text.contains("0.9") && text.contains("0.6"), "{text}");
    let output = run(folder, &arguments("main.yaml", "lower.yaml", &["--max-dropped", "0%", "--max-cost", "+500%"]));
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.starts_with("error: lower.yaml exceeds its budget: dropped "), "{message}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("over its budget"), "the table is printed all the same");
}

#[test]
fn the_same_settings_differ_in_nothing_whatever_happens() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_sides(folder);
    let limits =
        ["--max-cost", "+0%", "--max-late", "+0%", "--max-churn", "+0", "--replicates", "3", "--startup-spread", "0.5"];
    let result = json(folder, &arguments("main.yaml", "main.yaml", &limits));
    assert_eq!(result["passed"], true);
    assert_eq!(result["settings"], serde_json::json!([]));
    for measure in result["measures"].as_array().expect("measures") {
        assert_eq!(measure["difference"], 0.0, "{measure}");
        assert_eq!(measure["difference_replicated"], serde_json::json!({"mean": 0.0, "low": 0.0, "high": 0.0}));
        let chance = &measure["chance_within"];
        assert!(*chance == 1.0 || measure["name"] == "dropped" && chance.is_null(), "{measure}");
    }
}

#[test]
fn replicates_are_the_same_on_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_sides(folder);
    let of = |threads: &str| {
        let rest = [
            "--max-cost",
            "+500%",
            "--replicates",
            "4",
            "--replicate-by",
            "noise",
            "--format",
            "csv",
            "--threads",
            threads,
        ];
        stdout(folder, &arguments("main.yaml", "lower.yaml", &rest))
    };
    assert_eq!(of("1"), of("2"));
}

#[test]
fn bad_checks_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_sides(folder);
    let cost = ["--max-cost", "+2%"];
    let cases: [(Vec<&str>, &str); 8] = [
        (arguments("main.yaml", "lower.yaml", &[]), "--max-cost"),
        (arguments("none.yaml", "lower.yaml", &cost), "--baseline none.yaml"),
        (arguments("main.yaml", "none.yaml", &cost), "--candidate none.yaml"),
        (arguments("main.yaml", "hours.yaml", &cost), "--interval"),
        (arguments("main.yaml", "lower.yaml", &["--max-cost", "-2%"]), "+2%"),
        (arguments("main.yaml", "lower.yaml", &["--max-cost", "+2%", "--config", "main.yaml"]), "--config main.yaml"),
        (arguments("main.yaml", "lower.yaml", &["--max-cost", "+2%", "--replicates", "0"]), "--replicates"),
        (arguments("main.yaml", "lower.yaml", &["--max-cost", "+2%", "--policy", "quantil"]), "did you mean quantile"),
    ];
    for (arguments, told) in cases {
        let output = run(folder, &arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(told), "{arguments:?}: {message}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_example_workflow_is_yaml_that_runs_the_check() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/check-workflow.yaml");
    let text = fs::read_to_string(path).expect("the example is there");
    let workflow: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
    let steps = workflow["jobs"]["check"]["steps"].as_array().expect("steps");
    let runs: Vec<&str> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    assert!(runs.iter().any(|run| run.contains("cargo install")), "{runs:?}");
    let check = runs.iter().find(|run| run.contains("dataflow check")).expect("a step that checks");
    assert!(check.contains("GITHUB_STEP_SUMMARY") && check.contains("pipefail"), "{check}");
    // Every flag of the example is one that the program has.
    let folder = tempfile::tempdir().expect("a folder");
    let help = stdout(folder.path(), &["check", "--help"]);
    let flags =
        check[check.find("dataflow check").unwrap_or(0)..].split_whitespace().filter(|word| word.starts_with("--"));
    for flag in flags {
        assert!(help.contains(flag), "{flag}");
    }
}
