//! What scripts may rely on: the JSON of `compare`, the columns of its files, and the same bytes on any thread count.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{json, names, run, stderr, stdout};

const TRACE: &str = "synthetic:nasa-like?days=3";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn the_json_has_the_keys_of_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let result = json(folder.path(), &["compare", TRACE]);
    assert_eq!(keys(&result), ["bound", "elapsed_seconds", "forecast", "observe", "runs", "trace"]);
    assert_eq!(
        keys(&result["trace"]),
        ["interval_seconds", "missing_ticks", "source", "start", "ticks", "total", "unit"]
    );
    assert_eq!(keys(&result["forecast"]), ["coverage_95", "mae", "mase", "model"]);
    assert_eq!(keys(&result["bound"]), ["cooldown_and_steps", "no_cooldown"]);
    assert_eq!(keys(&result["elapsed_seconds"]), ["forecast", "ingest", "optimum", "simulate"]);
    assert_eq!(result["trace"]["ticks"], 3 * 1_440);
    assert_eq!(result["trace"]["interval_seconds"], 60);
    assert_eq!(result["observe"], "previous");
    assert_eq!(result["forecast"]["model"], "ridge");
    let runs = result["runs"].as_array().expect("runs");
    let policies: Vec<&str> = runs.iter().filter_map(|run| run["policy"].as_str()).collect();
    assert_eq!(
        policies,
        ["fixed", "reactive", "predictive", "hybrid", "hpa:tuned", "quantile", "quantile:tuned", "optimal"]
    );
    for run in runs {
        assert_eq!(
            keys(run),
            [
                "actions",
                "cost",
                "dropped",
                "dropped_share",
                "elasticity",
                "gap_to_optimum",
                "mean_utilization",
                "policy",
                "saving_vs_fixed",
                "server_ticks",
                "service"
            ]
        );
        assert_eq!(
            keys(&run["elasticity"]),
            ["accuracy_over", "accuracy_under", "instability", "regret", "speedup", "time_over", "time_under"]
        );
        assert_eq!(
            keys(&run["service"]),
            ["changes_per_day", "cost_per_million", "days", "flaps_per_day", "late_seconds", "slo_days", "slo_target"]
        );
        assert_eq!(keys(&run["cost"]), ["scale", "server", "total", "violation"]);
        assert_eq!(keys(&run["actions"]), ["in", "out"]);
    }
}

#[test]
fn every_value_of_the_json_has_the_type_of_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let result = json(folder.path(), &["compare", TRACE]);
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let count = Value::is_u64;
    let at = |path: &str| result.pointer(path).unwrap_or_else(|| panic!("there is no {path}"));
    for path in ["/observe", "/trace/source", "/trace/start", "/trace/unit", "/forecast/model"] {
        assert!(text(at(path)), "{path}: {}", at(path));
    }
    for path in ["/trace/interval_seconds", "/trace/missing_ticks", "/trace/ticks"] {
        assert!(count(at(path)), "{path}: {}", at(path));
    }
    assert!(number(at("/trace/total")) > 0.0);
    assert!(at("/trace/start").as_str().and_then(|start| start.strip_suffix('Z')).is_some(), "an instant in UTC");
    for section in ["/forecast", "/bound", "/elapsed_seconds"] {
        let values = at(section).as_object().expect("an object").iter();
        for (key, value) in values.filter(|(key, _)| *key != "model") {
            assert!(number(value).is_finite(), "{section}/{key}: {value}");
        }
    }
    for run in at("/runs").as_array().expect("a list") {
        assert!(text(&run["policy"]), "{run}");
        for key in ["dropped", "dropped_share", "gap_to_optimum", "mean_utilization", "saving_vs_fixed"] {
            assert!(run[key].is_f64(), "{key} of {run}");
        }
        for part in ["scale", "server", "total", "violation"] {
            assert!(run["cost"][part].is_f64(), "{part} of {run}");
        }
        for key in [&run["server_ticks"], &run["actions"]["in"], &run["actions"]["out"]] {
            assert!(count(key), "{run}");
        }
    }
}

#[test]
fn figures_that_are_not_defined_are_empty_in_csv_and_null_in_json() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("numbers.txt"), "0\n".repeat(20)).expect("writable");
    // Servers that cost nothing and no load make the least possible cost nothing, but a change costs something.
    let free = ["compare", "numbers.txt", "--policies", "fixed,fixed:2", "--set", "cost_parameters.server_cost=0"];
    let dear = [&free[..], &["--set", "cost_parameters.scale_cost=1"]].concat();
    let comma_separated = stdout(folder.path(), &[&dear[..], &["--format", "csv"]].concat());
    let result = json(folder.path(), &dear);
    let mut reader = csv::Reader::from_reader(comma_separated.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let gap = header.iter().position(|column| column == "gap_to_optimum").expect("a column");
    let mut undefined = 0;
    for (record, run) in reader.records().zip(result["runs"].as_array().expect("runs")) {
        let record = record.expect("a row");
        assert!(!record.iter().any(|cell| ["inf", "-inf", "NaN"].contains(&cell)), "{record:?}");
        assert_eq!(record[gap].is_empty(), run["gap_to_optimum"].is_null(), "{record:?}");
        undefined += usize::from(record[gap].is_empty());
    }
    assert!(undefined > 0, "{comma_separated}");
}

#[test]
fn the_configuration_that_was_used_is_written_and_gives_the_same_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    // Requests do not fit the default servers, so that capacity and price are changed to fit.
    let trace = ["compare", TRACE, "--measure", "requests", "--policies", "fixed,reactive"];
    let first = json(folder, &[&trace[..], &["--out", "results", "--set", "simulation.max_servers=6"]].concat());
    let again = json(folder, &[&trace[..], &["--config", "results/configuration.yaml"]].concat());
    assert_eq!(first["runs"], again["runs"]);
    assert_ne!(first["runs"], json(folder, &trace)["runs"], "the configuration matters here");
    let written = fs::read_to_string(folder.join("results/configuration.yaml")).expect("it is there");
    assert!(written.contains("max_servers: 6  # --set simulation.max_servers=6"), "{written}");
    assert!(!written.contains("capacity_per_server: 1200000/min"), "{written}");
}

#[test]
fn the_figures_of_a_run_hold_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let result = json(folder.path(), &["compare", TRACE]);
    let (free, limited) = (number(&result["bound"]["no_cooldown"]), number(&result["bound"]["cooldown_and_steps"]));
    assert!(free <= limited);
    let runs = result["runs"].as_array().expect("runs");
    let fixed = number(&runs[0]["cost"]["total"]);
    for run in runs {
        let cost = &run["cost"];
        let total = number(&cost["total"]);
        let parts = number(&cost["server"]) + number(&cost["scale"]) + number(&cost["violation"]);
        assert!((total - parts).abs() <= 1e-9 * total, "{run}");
        assert!((number(&run["gap_to_optimum"]) - (total / free - 1.0)).abs() < 1e-12, "{run}");
        assert!((number(&run["saving_vs_fixed"]) - (1.0 - total / fixed)).abs() < 1e-12, "{run}");
        assert!(total >= free - 1e-9 * free, "{run}");
        let share = number(&run["dropped"]) / number(&result["trace"]["total"]);
        assert!((number(&run["dropped_share"]) - share).abs() < 1e-12, "{run}");
    }
    assert_eq!(runs[7]["cost"]["total"], result["bound"]["cooldown_and_steps"]);
    let hold_still = ["reactive", "predictive", "hybrid"];
    for run in runs.iter().filter(|run| hold_still.iter().any(|policy| run["policy"] == *policy)) {
        assert!(number(&run["cost"]["total"]) >= limited, "{run}");
    }
}

#[test]
fn savings_are_against_fixed_even_where_it_is_not_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let alone = json(folder.path(), &["compare", TRACE, "--policies", "reactive,fixed:2,reactive"]);
    let all = json(folder.path(), &["compare", TRACE]);
    assert_eq!(alone["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(alone["runs"][0], all["runs"][1]);
    assert_eq!(alone["forecast"], Value::Null, "no policy here forecasts");
}

#[test]
fn the_results_are_the_same_on_any_number_of_threads() {
    let run = |threads: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = ["compare", TRACE, "--threads", threads, "--out", "results", "--format", "csv"];
        let printed = stdout(folder.path(), &arguments);
        let results = folder.path().join("results");
        let read = |name: &str| fs::read(results.join(name)).expect("the file is there");
        let mut comparison: Value = serde_json::from_slice(&read("comparison.json")).expect("JSON");
        comparison["elapsed_seconds"].take();
        assert_eq!(
            names(&results),
            ["comparison.json", "configuration.yaml", "costs.csv", "plot.svg", "report.html", "timeline.csv"]
        );
        (printed, comparison, ["configuration.yaml", "costs.csv", "plot.svg", "timeline.csv"].map(read))
    };
    let (one, two) = (run("1"), run("2"));
    assert_eq!(one.0, two.0);
    assert_eq!(one.1, two.1);
    assert!(one.2 == two.2, "the files differ");
}

#[test]
fn the_timeline_adds_up_to_the_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let result = json(folder.path(), &["compare", TRACE, "--timeline", "ticks.csv"]);
    let mut reader = csv::Reader::from_path(folder.path().join("ticks.csv")).expect("a CSV file");
    let header: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    assert_eq!(
        header.join(","),
        "policy,tick,time,load,provisioned,ready,change,reason,server_cost,scale_cost,violation_cost,\
         optimum_provisioned,excess_cost"
    );
    let runs = result["runs"].as_array().expect("runs");
    let mut sums = vec![(0_u64, 0.0, 0_u64); runs.len()];
    for record in reader.records() {
        let record = record.expect("a row");
        let run = runs.iter().position(|run| run["policy"] == record[0]).expect("a policy of the table");
        let cost = |column: usize| record[column].parse::<f64>().expect("a number");
        assert_eq!(record[1].parse(), Ok(sums[run].0), "ticks ascend");
        assert!(!record[7].is_empty(), "every decision has a reason");
        sums[run].0 += 1;
        sums[run].1 += cost(8) + cost(9) + cost(10);
        sums[run].2 += record[4].parse::<u64>().expect("a count");
    }
    for (run, (ticks, cost, servers)) in runs.iter().zip(sums) {
        assert_eq!(result["trace"]["ticks"], ticks);
        assert_eq!(run["server_ticks"], servers);
        assert!((number(&run["cost"]["total"]) - cost).abs() < 1e-6, "{run}");
    }
}

#[test]
fn the_seed_makes_another_synthetic_trace_and_the_same_one_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let total = |arguments: &[&str]| {
        let fixed = ["compare", TRACE, "--policies", "fixed"];
        json(folder.path(), &[&fixed, arguments].concat())["trace"]["total"].clone()
    };
    assert_eq!(total(&["--seed", "7"]), total(&["--set", "random_seed=7"]));
    assert_ne!(total(&["--seed", "7"]), total(&[]));
    assert_eq!(total(&["--seed", "1995"]), total(&[]));
}

#[test]
fn scale_window_and_interval_change_the_load_as_they_say() {
    let folder = tempfile::tempdir().expect("a folder");
    write_numbers(folder.path());
    let trace = |arguments: &[&str]| {
        let fixed = ["compare", "numbers.txt", "--step", "1m", "--start", "2024-03-01", "--policies", "fixed"];
        json(folder.path(), &[&fixed, arguments].concat())["trace"].clone()
    };
    assert_eq!(trace(&[])["total"], 120.0 * 1_000_000.0);
    assert_eq!(trace(&[])["start"], "2024-03-01T00:00:00Z");
    assert_eq!(trace(&["--scale", "2.5"])["total"], 2.5 * 120.0 * 1_000_000.0);
    assert_eq!(trace(&["--interval", "15m"])["ticks"], 8);
    assert_eq!(trace(&["--window", "1h..30m"])["ticks"], 30);
    assert_eq!(trace(&["--window", "1h..30m"])["start"], "2024-03-01T01:00:00Z");
    assert_eq!(trace(&["--measure", "requests"])["unit"], "requests");
}

#[test]
fn rates_keep_their_meaning_at_any_interval_and_bare_numbers_are_per_tick() {
    let folder = tempfile::tempdir().expect("a folder");
    write_numbers(folder.path());
    let server_cost = |arguments: &[&str]| {
        let fixed = ["compare", "numbers.txt", "--step", "1m", "--policies", "fixed:1"];
        number(&json(folder.path(), &[&fixed, arguments].concat())["runs"][0]["cost"]["server"])
    };
    let per_minute = server_cost(&[]);
    assert!((per_minute - 120.0 * 0.05).abs() < 1e-9);
    assert!((server_cost(&["--interval", "15m"]) - per_minute).abs() < 1e-9);
    let per_tick = server_cost(&["--interval", "15m", "--set", "cost_parameters.server_cost=0.05"]);
    assert!((per_tick - 8.0 * 0.05).abs() < 1e-9);
}

#[test]
fn an_optimum_that_takes_too_much_memory_is_said_to_be_unknown_even_when_quiet() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("numbers.txt"), "10000000\n".repeat(200)).expect("writable");
    let arguments = [
        &["compare", "numbers.txt", "--step", "1m", "--policies", "fixed,optimal"][..],
        &[
            "--set",
            "simulation.max_servers=1000000",
            "--set",
            "cost_parameters.startup_time=100m",
            "--set",
            "cost_parameters.capacity_per_server=1",
        ],
    ]
    .concat();
    let table = stdout(folder.path(), &[&arguments[..], &["--quiet"]].concat());
    assert!(table.contains("limits it is not known, it would take too much memory: `optimal` replays"), "{table}");
    let output = run(folder.path(), &arguments);
    assert!(stderr(&output).contains("MB of memory (at most 2048): fewer servers"), "{}", stderr(&output));
    let fits = stdout(folder.path(), &["compare", "numbers.txt", "--step", "1m", "--policies", "optimal"]);
    assert!(!fits.contains("not known"), "{fits}");
}

/// Two hours of a million each minute.
fn write_numbers(folder: &Path) {
    fs::write(folder.join("numbers.txt"), "1000000\n".repeat(120)).expect("writable");
}
