//! Agreement with the reference simulator: costs to 1e-9, actions and server counts by their SHA-256.
//!
//! Reads every `*.json` of the folder that `DATAFLOW_SEED_GOLDEN` names (default `../shared/golden/seed` where it is
//! there, else `golden/reference`). Cases with a `slice` need the NASA trace, found by `DATAFLOW_DATA`.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use dataflow_scale::optimum::{StepLimits, under_limits};
use dataflow_scale::policy::{Fixed, Hybrid, HybridThresholds, Predictive, Reactive, UtilizationThresholds};
use dataflow_scale::{Fleet, ForecastTrack, Observe, Outcome, Policy, Prices, Scenario, Timeline, simulate};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

#[test]
fn agrees_with_the_reference_simulator() {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder()).expect("the golden folder can be read") {
        let path = entry.expect("a folder entry").path();
        if path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
    }
    files.sort();
    let minutes = nasa_requests_per_minute();
    let (mut checked, mut skipped) = (0, 0);
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a golden file can be read");
        let golden: Value = serde_json::from_str(&text).expect("a golden file is JSON");
        // Other results of the reference (its neural networks, say) lie in the same folder.
        let cases = golden["cases"].as_array().into_iter().flatten();
        for case in cases.filter(|case| case["policy"].is_string()) {
            let name = case["policy"].as_str().expect("a case names its policy");
            let Some(load) = load_of(case, minutes.as_deref()) else {
                skipped += 1;
                continue;
            };
            let config = if case["config"].is_object() { &case["config"] } else { &golden["config"] };
            check(&format!("{}: {name} {}", file.display(), case["params"]), case, config, &load);
            checked += 1;
        }
    }
    assert!(checked > 0, "no golden case was found in {}", folder().display());
    if skipped > 0 {
        eprintln!(
            "SKIPPED {skipped} of {} golden cases: they need the NASA trace, set DATAFLOW_DATA",
            checked + skipped
        );
    }
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder() -> PathBuf {
    let shared = project().join("../shared/golden/seed");
    let usual = if shared.is_dir() { shared } else { project().join("golden/reference") };
    // Tests run in the folder of their crate; a relative path is meant from the project's.
    std::env::var_os("DATAFLOW_SEED_GOLDEN").map_or(usual, |folder| project().join(folder))
}

/// Whole minutes of the NASA trace, from its first second; `None` where the data is not at hand.
fn nasa_requests_per_minute() -> Option<Vec<f64>> {
    let data = std::env::var_os("DATAFLOW_DATA").map_or_else(|| project().join("../shared/data"), PathBuf::from);
    let file = std::fs::File::open(data.join("nasa_requests_per_second.tar.bz2")).ok()?;
    let mut archive = tar::Archive::new(bzip2::read::MultiBzDecoder::new(file));
    for entry in archive.entries().expect("the archive can be read") {
        let mut entry = entry.expect("an archive entry");
        if entry.path().expect("an entry's path").file_name().is_some_and(|name| name == "workload.txt") {
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("the workload is text");
            let seconds: Vec<f64> = text.split_whitespace().map(|count| count.parse().expect("a count")).collect();
            return Some(seconds.chunks_exact(60).map(|minute| minute.iter().sum()).collect());
        }
    }
    panic!("the archive holds no workload.txt");
}

fn load_of(case: &Value, minutes: Option<&[f64]>) -> Option<Vec<f64>> {
    let load: Vec<f64> = if let Some(shape) = case["shape"].as_str() {
        made_by_formula(shape, case["seed"].as_u64().expect("a seed"), case["ticks"].as_u64().expect("ticks"))
    } else {
        let bound = |index: usize| case["slice"][index].as_u64().expect("a slice") as usize;
        let factor = case["factor"].as_f64().expect("a factor");
        let slice = &minutes?[bound(0)..bound(1)];
        slice.iter().map(|requests| (requests * 18943.0) * factor).collect()
    };
    for (index, expected) in case["load_first5"].as_array().into_iter().flatten().enumerate() {
        assert_eq!(Some(load[index]), expected.as_f64(), "load {index} of {}", case["policy"]);
    }
    Some(load)
}

/// The four shapes of `synthetic.json`, by the formula stated there.
fn made_by_formula(shape: &str, seed: u64, ticks: u64) -> Vec<f64> {
    let mut state = seed;
    let mut draw = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let edges =
        [900_000, 1_800_000, 2_700_000, 3_600_000, 4_500_000, 360_000, 720_000, 1_080_000, 1_200_000, 2_400_000];
    let load = |tick: u64| {
        let random = draw();
        let minute = tick % 1440;
        let triangle = minute.min(1440 - minute);
        match shape {
            "diurnal" => 600_000 + 5_000 * triangle + random % 900_000,
            "bursts" => {
                let spike = if draw().is_multiple_of(97) { 3_200_000 } else { 0 };
                let plateau = if (tick / 60) % 7 == 3 { 2_500_000 } else { 0 };
                800_000 + random % 700_000 + spike + plateau
            }
            "outage" if (500..640).contains(&tick) => 0,
            "outage" => 1_000_000 + 4_000 * triangle + random % 1_500_000,
            "edges" => edges[(random % 10) as usize],
            other => panic!("unknown shape {other}"),
        }
    };
    (0..ticks).map(load).map(|load| load as f64).collect()
}

fn check(name: &str, case: &Value, config: &Value, load: &[f64]) {
    let (fleet, prices) = world_of(config);
    // The reference's own optimizer, limited to one step and with its own timing, is never better than ours.
    if case["policy"].as_str().is_some_and(|policy| policy.starts_with("DP_")) {
        let one_step = StepLimits { out: Some(1), r#in: Some(1) };
        let plan = under_limits(&fleet, &prices, load, &one_step, &mut |_| {}).expect("a small fleet");
        let theirs = case["total_cost"].as_f64().expect("a total cost");
        assert!(plan.cost <= theirs * (1.0 + 1e-9), "{name}: ours costs {}, the reference's {theirs}", plan.cost);
        return;
    }
    let forecast = forecast_of(case, load);
    let scenario = Scenario {
        fleet: &fleet,
        prices: &prices,
        load,
        known: load,
        observe: Observe::Current,
        forecast: forecast.as_ref(),
    };
    let mut policy = policy_of(case, config);
    let mut timeline = Timeline::default();
    let outcome = simulate(&scenario, policy.as_mut(), Some(&mut timeline)).expect("the forecast covers the trace");
    check_outcome(name, case, &outcome);
    check_ticks(name, case, &timeline);
    let mut again = policy_of(case, config);
    assert_eq!(simulate(&scenario, again.as_mut(), None), Ok(outcome), "{name}: without a timeline");
}

fn world_of(config: &Value) -> (Fleet, Prices) {
    let number = |section: &str, key: &str| config[section][key].as_f64().unwrap_or_else(|| panic!("{section}.{key}"));
    let fleet = Fleet {
        capacity: number("cost_parameters", "capacity_per_server"),
        startup_ticks: number("cost_parameters", "startup_time") as u32,
        cooldown_ticks: number("simulation", "cooldown_minutes") as u32,
        min_servers: number("simulation", "min_servers") as u32,
        max_servers: number("simulation", "max_servers") as u32,
    };
    let prices = Prices {
        server: number("cost_parameters", "server_cost"),
        scale: number("cost_parameters", "scale_cost"),
        violation: number("cost_parameters", "violation_cost"),
    };
    (fleet, prices)
}

fn policy_of(case: &Value, config: &Value) -> Box<dyn Policy> {
    let name = case["policy"].as_str().expect("a policy");
    let limit = |policy: &str, key: &str| config["thresholds"][policy][key].as_f64().expect("a threshold");
    let limits = |policy: &str| UtilizationThresholds { high: limit(policy, "high"), low: limit(policy, "low") };
    if let Some(servers) = name.strip_prefix("Fixed_") {
        Box::new(Fixed(servers.parse().expect("a number of servers")))
    } else if name == "Reactive" {
        Box::new(Reactive(limits("reactive")))
    } else if name.starts_with("Predictive") {
        Box::new(Predictive(limits("predictive")))
    } else if name.starts_with("Hybrid") {
        Box::new(Hybrid::new(HybridThresholds {
            out: limit("hybrid", "out"),
            r#in: limit("hybrid", "in"),
            emergency: limit("hybrid", "emergency"),
            // The reference reads its hysteresis time but never uses it.
            hysteresis_ticks: 0,
        }))
    } else {
        panic!("unknown policy {name}")
    }
}

/// The forecasts and anomaly flags that the case's name and parameters describe.
fn forecast_of(case: &Value, load: &[f64]) -> Option<ForecastTrack> {
    let name = case["policy"].as_str().expect("a policy");
    if !name.starts_with("Predictive") && !name.starts_with("Hybrid") {
        return None;
    }
    let last = load.len() - 1;
    let mean: Vec<f64> = if name.contains("perfect_next") {
        (0..=last).map(|tick| load[(tick + 1).min(last)]).collect()
    } else if name.contains("naive_lag1") {
        (0..=last).map(|tick| load[tick.saturating_sub(1)]).collect()
    } else {
        load.to_vec()
    };
    let parameter = |key: &str| case["params"][key].as_f64().unwrap_or(0.0);
    let half_width = parameter("z") * parameter("resid_std_ddof0");
    let (average, deviation) = (parameter("anomaly_mean"), parameter("anomaly_std_ddof0"));
    let flag = |(tick, value): (usize, &f64)| match name.split("anom_").nth(1) {
        None | Some("none") => false,
        Some("mean3sd") => *value > average + 3.0 * deviation,
        Some("mean1sd") => *value > average + deviation,
        Some("every97") => tick % 97 == 0,
        Some(other) => panic!("unknown anomaly rule {other}"),
    };
    Some(ForecastTrack {
        lower: mean.iter().map(|mean| mean - half_width).collect(),
        upper: mean.iter().map(|mean| mean + half_width).collect(),
        quantiles: Vec::new(),
        anomaly: load.iter().enumerate().map(flag).collect(),
        mean,
    })
}

fn check_outcome(name: &str, case: &Value, outcome: &Outcome) {
    for (key, ours) in [
        ("total_cost", outcome.cost.total()),
        ("server_cost", outcome.cost.server),
        ("scale_cost", outcome.cost.scale),
        ("violation_cost", outcome.cost.violation),
        ("total_dropped", outcome.dropped),
        ("load_sum", outcome.offered),
        ("mean_utilization", outcome.mean_utilization),
    ] {
        let theirs = case[key].as_f64().unwrap_or_else(|| panic!("{name}: {key}"));
        assert!((ours - theirs).abs() <= 1e-9 * theirs.abs(), "{name}: {key} is {ours}, the reference has {theirs}");
    }
    for (key, ours) in [
        ("n_scale_out", outcome.scale_outs as u64),
        ("n_scale_in", outcome.scale_ins as u64),
        ("sum_servers_provisioned", outcome.server_ticks),
        ("sum_servers_active", outcome.ready_ticks),
        ("max_provisioned", u64::from(outcome.most_provisioned)),
        ("min_active", u64::from(outcome.fewest_ready)),
        ("n_minutes_violating", outcome.ticks_with_drops as u64),
    ] {
        assert_eq!(Some(ours), case[key].as_u64(), "{name}: {key}");
    }
}

fn check_ticks(name: &str, case: &Value, timeline: &Timeline) {
    for (key, ours) in [
        ("sha256_actions_csv", sha256_of_list(&timeline.change)),
        ("sha256_provisioned_csv", sha256_of_list(&timeline.provisioned)),
        ("sha256_active_csv", sha256_of_list(&timeline.ready)),
    ] {
        assert_eq!(Some(ours.as_str()), case[key].as_str(), "{name}: {key}");
    }
}

/// The SHA-256, in hexadecimal, of the numbers joined by commas.
fn sha256_of_list(numbers: &[impl ToString]) -> String {
    let list = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    Sha256::digest(list.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
