//! Configuration files, variables and flags: which wins, and what `config` does.

use std::fs;
use std::path::Path;

use crate::{command, json, names, run, stderr, stdout};

/// The servers that `fixed` pays for in each tick, which is `simulation.max_servers`.
fn max_servers(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> u64 {
    fs::write(folder.join("numbers.txt"), "1000000\n".repeat(10)).expect("writable");
    let fixed = ["compare", "numbers.txt", "--step", "1m", "--policies", "fixed", "--format", "json"];
    let output = command(folder, &[&fixed, arguments].concat())
        .envs(variables.iter().copied())
        .output()
        .expect("the command starts");
    assert!(output.status.success(), "{}", stderr(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    result["runs"][0]["server_ticks"].as_u64().expect("a count") / 10
}

#[test]
fn each_layer_wins_over_the_one_below() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let variable = [("DATAFLOW_SIMULATION__MAX_SERVERS", "9")];
    assert_eq!(max_servers(folder, &[], &[]), 5);
    fs::write(folder.join("dataflow.yaml"), "simulation: {max_servers: 7}\n").expect("writable");
    assert_eq!(max_servers(folder, &[], &[]), 7);
    fs::write(folder.join("other.yaml"), "simulation: {max_servers: 6}\n").expect("writable");
    assert_eq!(max_servers(folder, &["--config", "other.yaml"], &[]), 6);
    fs::write(folder.join(".env"), "OTHER=x y z\nDATAFLOW_SIMULATION__MAX_SERVERS=8\n").expect("writable");
    assert_eq!(max_servers(folder, &[], &[]), 8);
    assert_eq!(max_servers(folder, &[], &variable), 9);
    assert_eq!(max_servers(folder, &["--set", "simulation.max_servers=10"], &variable), 10);
}

#[test]
fn a_wrong_variable_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let refused = |variable: (&str, &str)| {
        let output = command(folder, &["compare", "--quiet"]).envs([variable]).output().expect("the command starts");
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    let message = refused(("DATAFLOW_SIMULATION__MAX_SERVERS", "many"));
    assert!(message.contains("environment variable DATAFLOW_SIMULATION__MAX_SERVERS"), "{message}");
    assert!(message.contains("expected a whole number"), "{message}");
    let message = refused(("DATAFLOW_SIMULATION__MAX_SERVER", "3"));
    assert!(message.contains("did you mean simulation.max_servers?"), "{message}");
    let message = refused(("DATAFLOW_MAX_SERVERS", "2"));
    assert!(message.contains("variable DATAFLOW_MAX_SERVERS: there is no such setting"), "{message}");
    assert!(message.contains("did you mean DATAFLOW_SIMULATION__MAX_SERVERS?"), "{message}");
    fs::write(folder.join(".env"), "DATAFLOW_SIMULATION_MAX_SERVERS=2\n").expect("writable");
    let output = run(folder, &["compare", "--quiet"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(".env: DATAFLOW_SIMULATION_MAX_SERVERS: there is no"), "{}", stderr(&output));
    fs::write(folder.join(".env"), "DATAFLOW_SIMULATION__MAX_SERVERS=few\n").expect("writable");
    let output = run(folder, &["compare", "--quiet"]);
    assert!(stderr(&output).contains(".env: DATAFLOW_SIMULATION__MAX_SERVERS"), "{}", stderr(&output));
}

#[test]
fn the_default_file_is_written_once_checked_and_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    assert_eq!(stdout(folder, &["config", "init", "-"]), {
        stdout(folder, &["config", "init"]);
        fs::read_to_string(folder.join("dataflow.yaml")).expect("it was written")
    });
    assert_eq!(names(folder), ["dataflow.yaml"]);
    assert!(stdout(folder, &["config", "check"]).contains("right"));
    fs::write(folder.join("dataflow.yaml"), "simulation: {min_servers: 9}\n").expect("writable");
    let again = run(folder, &["config", "init"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("--force"), "{}", stderr(&again));
    let check = run(folder, &["config", "check"]);
    assert_eq!(check.status.code(), Some(2));
    assert!(stderr(&check).contains("dataflow.yaml:1: simulation.min_servers is 9"), "{}", stderr(&check));
    stdout(folder, &["config", "init", "--force"]);
    stdout(folder, &["config", "check", "dataflow.yaml"]);
}

#[cfg(not(feature = "neural"))]
#[test]
fn a_model_that_this_build_lacks_is_replaced_with_a_warning_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("config.yaml"), "forecasting: {model: \"bilstm_attention\", window_size: 60}\n")
        .expect("writable");
    fs::write(folder.join("numbers.txt"), "1000000\n".repeat(100)).expect("writable");
    let output = run(folder, &["compare", "numbers.txt", "--step", "1m", "--config", "config.yaml"]);
    assert!(output.status.success());
    let message = stderr(&output);
    assert_eq!(message.matches("warning: ").count(), 1, "{message}");
    assert!(
        message.contains("config.yaml:1: forecasting.model: the model bilstm-attention needs a build"),
        "{message}"
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("by ridge"));
    let refused = run(folder, &["compare", "numbers.txt", "--step", "1m", "--forecast", "bilstm-attention"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--features neural"), "{}", stderr(&refused));
}

#[test]
fn the_default_file_changes_no_result() {
    let folder = tempfile::tempdir().expect("a folder");
    // Requests for which the default capacity, meant for bytes, would be absurd.
    let arguments = ["compare", "synthetic:diurnal?days=1", "--measure", "requests", "--quiet"];
    let without = json(folder.path(), &arguments);
    stdout(folder.path(), &["config", "init"]);
    let with = json(folder.path(), &arguments);
    assert_eq!(with["runs"], without["runs"]);
}

#[test]
fn bare_rates_of_a_file_are_told_where_its_interval_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("numbers.txt"), "1000000\n".repeat(100)).expect("writable");
    let note = |rates: &str| {
        let file = format!("simulation: {{interval: 1m}}\ncost_parameters: {rates}\n");
        fs::write(folder.join("config.yaml"), file).expect("writable");
        let fixed = ["compare", "numbers.txt", "--step", "15m", "--config", "config.yaml", "--policies", "fixed"];
        let output = run(folder, &fixed);
        assert!(output.status.success(), "{}", stderr(&output));
        let message = stderr(&output);
        assert!(message.contains("15m is kept"), "{message}");
        message
    };
    let bare = note("{server_cost: 0.05, capacity_per_server: 1200000}");
    let told =
        "what the file says of cost_parameters.capacity_per_server and cost_parameters.server_cost is taken per 15m";
    assert!(bare.contains(told), "{bare}");
    let timed = note("{server_cost: 0.05/min, capacity_per_server: 1200000/min}");
    assert!(!timed.contains("what the file says"), "{timed}");
}

#[test]
fn the_schema_names_the_models_that_the_checker_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let schema: serde_json::Value = serde_json::from_str(&stdout(folder, &["config", "schema"])).expect("JSON");
    let model = &schema["properties"]["forecasting"]["properties"]["model"];
    let names: Vec<&str> = model["enum"].as_array().expect("a list").iter().filter_map(|name| name.as_str()).collect();
    assert!(names.contains(&"ridge") && names.contains(&"bilstm_attention"), "{names:?}");
    for name in names.into_iter().chain(["nope"]) {
        fs::write(folder.join("config.yaml"), format!("forecasting: {{model: {name}}}\n")).expect("writable");
        let taken = run(folder, &["config", "check", "config.yaml"]).status.success();
        assert_eq!(taken, name != "nope", "{name}");
    }
}
