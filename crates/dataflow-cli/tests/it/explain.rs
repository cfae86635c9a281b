//! `dataflow explain` and `dataflow regret`: why a policy scaled, and where the money went.

use crate::{json, run, stderr, stdout};

const TRACE: &str = "synthetic:steady?days=2";

#[test]
fn the_parts_of_a_regret_add_up_and_are_those_of_compare() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let regret = json(folder, &["regret", TRACE, "--policies", "reactive,quantile,hpa"]);
    let compared = json(folder, &["compare", TRACE, "--policies", "reactive,quantile,hpa"]);
    for (policy, run) in
        regret["policies"].as_array().expect("policies").iter().zip(compared["runs"].as_array().unwrap())
    {
        assert_eq!(policy["policy"], run["policy"]);
        assert_eq!(policy["cost"], run["cost"]["total"]);
        let parts = policy["parts"].as_array().expect("parts");
        let sum: f64 = parts.iter().filter_map(|part| part["cost"].as_f64()).sum();
        let total = policy["regret"].as_f64().expect("a regret");
        assert!((sum - total).abs() < 1e-6 * total.max(1.0), "{policy}");
    }
    assert_eq!(regret["bound"], compared["bound"]["no_cooldown"]);
}

#[test]
fn a_regret_is_a_table_a_picture_and_what_is_worth_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let arguments = ["regret", TRACE, "--policies", "quantile", "--worth", "--plot", "regret.svg"];
    insta::assert_snapshot!("regret_table", stdout(folder, &arguments));
    let picture = std::fs::read_to_string(folder.join("regret.svg")).expect("a picture");
    for words in ["Where the money went", "start-up time", "buffer", "least possible"] {
        assert!(picture.contains(words), "{words}");
    }
    let one_thread = stdout(folder, &[&arguments[..], &["--threads", "1", "--format", "json"]].concat());
    let two_threads = stdout(folder, &[&arguments[..], &["--threads", "2", "--format", "json"]].concat());
    assert_eq!(one_thread, two_threads);
}

#[test]
fn a_tick_is_explained_with_its_chain_of_reasons() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let arguments = ["explain", TRACE, "--policy", "hpa", "--mistakes", "3"];
    let worst = json(folder, &arguments);
    let decided = worst["mistakes"][0]["decided_at"].as_str().expect("a time");
    insta::assert_snapshot!("explain_table", stdout(folder, &[&arguments[..], &["--at", decided]].concat()));
    let told = json(folder, &[&arguments[..], &["--at", decided]].concat());
    let reasons = told["at"]["reasons"].as_array().expect("reasons");
    assert!(reasons.iter().any(|reason| reason.as_str().is_some_and(|text| text.contains("target"))), "{reasons:?}");
    assert_eq!(told["at"]["time"], decided);
    let costs: Vec<f64> = told["mistakes"].as_array().unwrap().iter().filter_map(|one| one["cost"].as_f64()).collect();
    assert!(costs.len() == 3 && costs.windows(2).all(|pair| pair[0] >= pair[1]), "{costs:?}");
}

#[test]
fn the_timeline_tells_what_the_optimum_did_and_what_was_paid_beyond_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let arguments = ["compare", TRACE, "--policies", "reactive", "--timeline", "ticks.csv"];
    let compared = json(folder, &arguments);
    let mut reader = csv::Reader::from_path(folder.join("ticks.csv")).expect("a timeline");
    let header = reader.headers().expect("a header").clone();
    assert_eq!(header.iter().skip(11).collect::<Vec<_>>(), ["optimum_provisioned", "excess_cost"]);
    let excess: f64 = reader.records().map(|row| row.unwrap()[12].parse::<f64>().expect("a number")).sum();
    let run = compared["runs"][0]["cost"]["total"].as_f64().unwrap();
    let bound = compared["bound"]["no_cooldown"].as_f64().unwrap();
    assert!((excess - (run - bound)).abs() < 1e-6 * run, "{excess}");
}

#[test]
fn what_cannot_be_explained_is_one_clear_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for (arguments, words) in [
        (&["explain", TRACE, "--at", "2001-01-01"][..], "--at 2001-01-01: expected a time within the trace, from"),
        (&["explain", TRACE, "--at", "noon"], "--at noon: expected a time such as"),
        (&["explain", TRACE, "--policy", "hpq"], "did you mean hpa?"),
        (&["regret", TRACE, "--policies", "optimal"], "--policies optimal: the replay of the optimum knows the future"),
        (&["regret", TRACE, "--policies", "fixed:tuned"], "fixed has no numbers to learn"),
        (&["regret", TRACE, "--plot", "regret.pdf"], "regret.pdf"),
    ] {
        let output = run(folder, arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(words) && output.stdout.is_empty(), "{arguments:?}: {message}");
    }
}

/// A stabilization window that holds servers for ten minutes is a delay, whoever wrote it down.
#[test]
fn the_delays_of_a_manifest_are_lifted_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = concat!("hpa:", env!("CARGO_MANIFEST_DIR"), "/../../examples/hpa.yaml");
    let regret = json(folder.path(), &["regret", TRACE, "--policies", &format!("{manifest},newsvendor")]);
    for policy in regret["policies"].as_array().expect("policies") {
        let part = |cause: &str| {
            let parts = policy["parts"].as_array().expect("parts").iter();
            parts.filter(|part| part["cause"] == cause).find_map(|part| part["cost"].as_f64()).expect("a cost")
        };
        assert!(part("delays") != 0.0, "{policy}");
        let sum: f64 = policy["parts"].as_array().unwrap().iter().filter_map(|part| part["cost"].as_f64()).sum();
        assert!((sum - policy["regret"].as_f64().unwrap()).abs() < 1e-6 * sum.abs().max(1.0));
    }
}
