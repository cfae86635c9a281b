//! `dataflow tune`: its screens, its contract for scripts, the settings it writes, and what it refuses.

use std::fs;

use crate::{json, names, run, stderr, stdout};

const TRACE: &str = "synthetic:nasa-like?days=6";

#[test]
fn screens() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let help = stdout(folder, &["tune", "-h"]);
    let own: Vec<&str> =
        help.lines().skip_while(|line| *line != "Tuning:").take_while(|line| *line != "Settings:").collect();
    insta::assert_snapshot!("tune_help", own.join("\n"));
    let arguments = ["tune", TRACE, "--policy", "reactive", "--evaluations", "60"];
    insta::assert_snapshot!("tune_table", stdout(folder, &arguments));
    insta::assert_snapshot!("tune_csv", stdout(folder, &[&arguments[..], &["--format", "csv"]].concat()));
}

#[test]
fn the_tuned_settings_cost_what_was_said_on_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let arguments = ["tune", TRACE, "--policy", "reactive", "--evaluations", "60", "--quiet"];
    let on = |threads: &str, more: &[&str]| json(folder, &[&arguments[..], &["--threads", threads], more].concat());
    let found = on("1", &["-o", "tuned.yaml", "--plot", "tuned.svg"]);
    assert_eq!(found, on("3", &[]));
    assert_ne!(found, on("1", &["--seed", "7"]));
    assert_eq!(names(folder), ["tuned.svg", "tuned.yaml"]);
    let part = &found["held_back"];
    let cost = |part: &serde_json::Value| part["cost"].as_f64().expect("a cost");
    assert!(cost(&found["training"]["after"]) < cost(&found["training"]["before"]));
    assert!(part["bound"].as_f64() <= part["after"]["cost"].as_f64());
    assert!(!found["front"].as_array().expect("a list").is_empty());
    let start = part["start"].as_str().expect("a time");
    let window = format!("{start}..");
    let compared =
        ["compare", TRACE, "--policies", "reactive", "--config", "tuned.yaml", "--window", &window, "--quiet"];
    let compared = json(folder, &compared);
    assert_eq!(compared["runs"][0]["cost"]["total"], part["after"]["cost"]);
    let settings = fs::read_to_string(folder.join("tuned.yaml")).expect("written");
    assert!(settings.contains("# dataflow tune, from "), "{settings}");
}

#[test]
fn a_limit_of_dropped_load_is_kept_on_the_training_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["tune", TRACE, "--policy", "reactive", "--evaluations", "80", "--quiet", "--max-dropped", "0.5%"];
    let found = json(folder.path(), &arguments);
    assert!(found["training"]["after"]["dropped_share"].as_f64() <= Some(0.005), "{found}");
    let arguments = ["tune", TRACE, "--policy", "reactive", "--evaluations", "10", "--max-dropped", "0"];
    let warned = stderr(&run(folder.path(), &arguments));
    assert!(warned.contains("warning: nothing that was tried drops as little as 0%"), "{warned}");
}

#[test]
fn a_number_near_an_end_of_its_range_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let vary = ["--vary", "thresholds.reactive.low=0.2..0.25", "--evaluations", "40"];
    let message = stderr(&run(folder.path(), &[&["tune", TRACE, "--policy", "reactive"][..], &vary].concat()));
    assert!(message.contains("note: thresholds.reactive.low lies near an end of its range, 0.2 to 0.25"), "{message}");
}

#[test]
fn what_cannot_be_tuned_is_told_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for (arguments, words) in [
        (&["--policy", "optimal"][..], "there is nothing to search: this policy has no numbers"),
        (&["--policy", "reactiv"], "did you mean reactive?"),
        (&["--policy", "hpa:there-is-none.yaml"], "there-is-none.yaml"),
        (
            &["--policy", "reactive", "--vary", "thresholds.reactive.hihg=0.2..0.3"],
            "did you mean thresholds.reactive.high?",
        ),
        (&["--policy", "reactive", "--vary", "thresholds.reactive.high=0.3..0.2"], "is empty"),
        (
            &["--policy", "reactive", "--vary", "thresholds.reactive.high=0..1"],
            "expected a share of the capacity above 0",
        ),
        (&["--policy", "reactive", "--vary", "cost_parameters.server_cost=0.1..0.2"], "cannot be tuned by it"),
        (&["--policy", "reactive", "--window", "..40m"], "needs at least 60"),
        (&["--holdout", "0.95"], "expected a share above 0 and below 0.9"),
        (&["--max-dropped", "two"], "expected a share such as 0.1%"),
        (&["--evaluations", "0"], "expected a whole number from 1"),
        (&["--plot", "tuned.pdf"], ".svg or .png"),
    ] {
        let output = run(folder, &[&["tune", TRACE, "-o", "tuned.yaml"], arguments].concat());
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{message}");
        assert!(message.contains(words), "{arguments:?}\n{message}");
        assert!(names(folder).is_empty());
    }
}
