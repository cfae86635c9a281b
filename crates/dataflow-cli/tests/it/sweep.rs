//! `dataflow sweep`: its screens, its contract for scripts, its plots, and what it refuses.

use crate::{json, names, run, stderr, stdout};

const TRACE: &str = "synthetic:nasa-like?days=2";

#[test]
fn screens() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let help = stdout(folder, &["sweep", "-h"]);
    let own: Vec<&str> =
        help.lines().skip_while(|line| *line != "Sweep:").take_while(|line| *line != "Settings:").collect();
    insta::assert_snapshot!("sweep_help", own.join("\n"));
    insta::assert_snapshot!("sweep_table", stdout(folder, &["sweep", TRACE, "--policy", "reactive"]));
    let csv = ["sweep", TRACE, "--policy", "fixed", "--vary", "simulation.max_servers=1..3:3", "--format", "csv"];
    insta::assert_snapshot!("sweep_csv", stdout(folder, &csv));
    let single = ["sweep", TRACE, "--policy", "reactive", "--one-at-a-time", "--format", "markdown"];
    insta::assert_snapshot!("sweep_one_at_a_time", stdout(folder, &single));
    insta::assert_snapshot!("sweep_sobol", stdout(folder, &["sweep", TRACE, "--policy", "reactive", "--sobol", "32"]));
}

#[test]
fn cells_cost_what_compare_says_on_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let start_up = ["--vary", "cost_parameters.startup_time=0,4m", "--quiet"];
    let arguments = ["sweep", TRACE, "--policy", "reactive,hybrid", "--vary", "simulation.max_servers=3,6"];
    let arguments = [&arguments[..], &start_up].concat();
    let on = |threads: &str| stdout(folder, &[&arguments[..], &["--threads", threads, "--format", "json"]].concat());
    assert_eq!(on("1"), on("3"));
    let found = json(folder, &arguments);
    let cells = found["cells"].as_array().expect("a list");
    assert_eq!(cells.len(), 4);
    let settings = ["--set", "simulation.max_servers=6", "--set", "cost_parameters.startup_time=4m", "--quiet"];
    let compared = json(folder, &[&["compare", TRACE, "--policies", "reactive,hybrid"][..], &settings].concat());
    assert_eq!(cells[3]["values"], serde_json::json!([6.0, 240.0]));
    assert_eq!(cells[3]["bound"], compared["bound"]["no_cooldown"]);
    for run in 0..2 {
        assert_eq!(cells[3]["runs"][run]["cost"], compared["runs"][run]["cost"]);
    }
}

#[test]
fn every_question_is_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let two = ["--vary", "simulation.max_servers=3,6", "--vary", "thresholds.reactive.high=0.2,0.7"];
    let low = ["--vary", "thresholds.reactive.low=0.1,0.3"];
    for (index, more) in [&two[..2], &two[..], &[&two[..], &low].concat(), &["--one-at-a-time"], &["--sobol", "16"]]
        .into_iter()
        .enumerate()
    {
        let file = format!("{index}.svg");
        let drawn = ["sweep", TRACE, "--policy", "reactive", "--quiet", "--plot", &file];
        stdout(folder, &[&drawn[..], more].concat());
        let svg = std::fs::read_to_string(folder.join(&file)).expect("drawn");
        assert!(svg.contains("least possible"), "{more:?}");
    }
    assert_eq!(names(folder).len(), 5);
}

#[test]
fn what_cannot_be_swept_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for (arguments, words) in [
        (&["--vary", "simulation.interval=1m,5m"][..], "it changes the trace"),
        (&["--vary", "simulation.max_serves=1,2"], "did you mean simulation.max_servers?"),
        (&["--vary", "simulation.max_servers=two"], "expected a whole number"),
        (&["--vary", "simulation.max_servers=2..9"], "expected LOW..HIGH:N"),
        (&["--vary", "simulation.max_servers=2,3", "--vary", "simulation.max_servers=4"], "varied twice"),
        (&["--vary", "simulation.max_servers=2", "--one-at-a-time"], "two values or more"),
        (&["--vary", "quantile.level=0.1..0.9:9999", "--vary", "quantile.hold=1..9:9999"], "more than 1,000,000 cells"),
        (&["--sobol", "3"], "expected a whole number from 8"),
        (&["--policy", "hybird"], "did you mean hybrid?"),
        (&["--plot", "sweep.pdf"], ".svg or .png"),
        (&["--sobol", "8", "--vary", "thresholds.reactive.low=0.1,0.9"], "some draws may not be together"),
    ] {
        let output = run(folder, &[&["sweep", TRACE], arguments].concat());
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{message}");
        assert!(message.contains(words), "{arguments:?}\n{message}");
    }
    assert!(names(folder).is_empty());
}
