//! The reference's own results on loads made by a formula, reproduced through the command line.
//!
//! Cases are read from the folder that `DATAFLOW_SEED_GOLDEN` names, from the shared folder beside the project where
//! there is one, or else from the project's own `golden/reference`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::json;

/// Relative difference allowed between two sums of the same terms in another order.
const TOLERANCE: f64 = 1e-9;

const REFERENCE_FILE: &str = "random_seed: 42
cost_parameters: {server_cost: 0.05, scale_cost: 0.20, violation_cost: 0.000005, startup_time: 3, capacity_per_server: 1200000}
thresholds:
  reactive: {high: 0.75, low: 0.30}
  predictive: {high: 0.70, low: 0.35}
  hybrid: {out: 0.75, in: 0.40, emergency: 0.90, hysteresis_time: 15}
simulation: {cooldown_minutes: 5, min_servers: 1, max_servers: 5, interval: \"1min\"}
forecasting: {model: \"bilstm_attention\", window_size: 60}
";

fn cases() -> Vec<Value> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let beside = project.join("../shared/golden/seed");
    let folder = match std::env::var_os("DATAFLOW_SEED_GOLDEN") {
        Some(folder) => PathBuf::from(folder),
        None if beside.join("synthetic.json").is_file() => beside,
        None => project.join("golden/reference"),
    };
    let file = folder.join("synthetic.json");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let document: Value = serde_json::from_str(&text).expect("the golden file is JSON");
    document["cases"].as_array().expect("cases are a list").clone()
}

/// The loads that a case's shape and seed describe.
fn loads(shape: &str, seed: u64, ticks: u64) -> Vec<u64> {
    const EDGES: [u64; 10] =
        [900_000, 1_800_000, 2_700_000, 3_600_000, 4_500_000, 360_000, 720_000, 1_080_000, 1_200_000, 2_400_000];
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let load = |tick: u64| {
        let minute = tick % 1_440;
        let wave = if minute < 720 { minute } else { 1_440 - minute };
        let random = draw();
        match shape {
            "diurnal" => 600_000 + 5_000 * wave + random % 900_000,
            "bursts" => {
                let jump = if draw() % 97 == 0 { 3_200_000 } else { 0 };
                let hour = if (tick / 60) % 7 == 3 { 2_500_000 } else { 0 };
                800_000 + random % 700_000 + jump + hour
            }
            "outage" if (500..640).contains(&tick) => 0,
            "outage" => 1_000_000 + 4_000 * wave + random % 1_500_000,
            "edges" => EDGES[(random % 10) as usize],
            other => panic!("no shape {other}"),
        }
    };
    (0..ticks).map(load).collect()
}

/// The forecasts that a case's name and parameters describe, as a file for `--forecast`.
fn forecast_file(case: &Value, loads: &[u64]) -> String {
    let name = case["policy"].as_str().expect("cases have a policy");
    let parameter = |key: &str| case["params"][key].as_f64().unwrap_or(0.0);
    let width = parameter("z") * parameter("resid_std_ddof0");
    let (mean, deviation) = (parameter("anomaly_mean"), parameter("anomaly_std_ddof0"));
    let mut text = String::from("mean,lower,upper,anomaly\n");
    for (tick, &load) in loads.iter().enumerate() {
        let source = match name {
            _ if name.contains("perfect_next") => (tick + 1).min(loads.len() - 1),
            _ if name.contains("lag1") => tick.saturating_sub(1),
            _ => tick,
        };
        let forecast = loads[source] as f64;
        let load = load as f64;
        let anomaly = match name {
            _ if name.ends_with("mean3sd") => load > mean + 3.0 * deviation,
            _ if name.ends_with("mean1sd") => load > mean + deviation,
            _ if name.ends_with("every97") => tick % 97 == 0,
            _ => false,
        };
        writeln!(text, "{forecast},{},{},{anomaly}", forecast - width, forecast + width).expect("writing to a string");
    }
    text
}

fn assert_close(what: &str, got: &Value, expected: &Value) {
    let (got, expected) = (got.as_f64().expect("a number"), expected.as_f64().expect("a number"));
    assert!((got - expected).abs() <= TOLERANCE * expected.abs().max(1.0), "{what}: {got} is not {expected}");
}

#[test]
fn every_synthetic_case_comes_out_as_in_the_reference() {
    let cases = cases();
    assert!(!cases.is_empty());
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    std::fs::write(folder.join("config.yaml"), REFERENCE_FILE).expect("writable");
    for case in &cases {
        let name = case["policy"].as_str().expect("cases have a policy");
        let policy = match name {
            "Reactive" => "reactive".to_owned(),
            _ if name.starts_with("Fixed_") => name.replace("Fixed_", "fixed:"),
            _ if name.starts_with("Predictive") => "predictive".to_owned(),
            _ => "hybrid".to_owned(),
        };
        let shape = case["shape"].as_str().expect("cases have a shape");
        let numbers = (case["seed"].as_u64(), case["ticks"].as_u64());
        let (Some(seed), Some(ticks)) = numbers else { panic!("{name} has no seed or ticks") };
        let loads = loads(shape, seed, ticks);
        let text: Vec<String> = loads.iter().map(u64::to_string).collect();
        std::fs::write(folder.join("load.txt"), text.join(" ")).expect("writable");
        std::fs::write(folder.join("forecast.csv"), forecast_file(case, &loads)).expect("writable");
        let arguments = [
            "compare",
            "load.txt",
            "--step",
            "1m",
            "--config",
            "config.yaml",
            "--observe",
            "current",
            "--policies",
            &policy,
            "--forecast",
            "forecast.csv",
            "--set",
            "thresholds.hybrid.hysteresis_time=0",
        ];
        let result = json(folder, &arguments);
        let run = &result["runs"][0];
        let what = format!("{shape} {name}");
        assert_close(&what, &result["trace"]["total"], &case["load_sum"]);
        assert_close(&what, &run["cost"]["total"], &case["total_cost"]);
        assert_close(&what, &run["cost"]["server"], &case["server_cost"]);
        assert_close(&what, &run["cost"]["scale"], &case["scale_cost"]);
        assert_close(&what, &run["cost"]["violation"], &case["violation_cost"]);
        assert_close(&what, &run["dropped"], &case["total_dropped"]);
        assert_close(&what, &run["mean_utilization"], &case["mean_utilization"]);
        assert_eq!(run["server_ticks"], case["sum_servers_provisioned"], "{what}");
        assert_eq!(run["actions"]["out"], case["n_scale_out"], "{what}");
        assert_eq!(run["actions"]["in"], case["n_scale_in"], "{what}");
    }
}
