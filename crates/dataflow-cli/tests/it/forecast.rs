//! `dataflow forecast`: its screens, its contract for scripts, model files, bad input, and the cache of `compare`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{command, json, names, run, stderr, stdout};

/// A week of quarter hours, quick for every model.
const TRACE: [&str; 4] = ["forecast", "synthetic:diurnal?days=10", "--interval", "30m"];
const SIMPLE: [&str; 2] = ["--model", "exponential-smoothing,ridge"];

fn simple(more: &[&'static str]) -> Vec<&'static str> {
    [&TRACE[..], &SIMPLE, more].concat()
}

/// Text whose timings, the last two columns of a table, are masked; so is the space that they take.
fn masked(text: &str) -> String {
    let mask = |line: &str| {
        let mut cells: Vec<&str> = line.split_whitespace().filter(|cell| *cell != "|").collect();
        match cells.first() {
            Some(first) if first.starts_with("|-") => "|-".to_owned(),
            Some(_) if cells.ends_with(&["update", "µs"]) => cells.join(" "),
            Some(_) if cells.get(1).is_some_and(|cell| cell.parse::<f64>().is_ok()) => {
                cells.truncate(cells.len() - 2);
                cells.join(" ") + " …"
            }
            _ => line.to_owned(),
        }
    };
    text.lines().map(mask).collect::<Vec<_>>().join("\n")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Everything but how long it took.
fn without_times(mut board: Value) -> Value {
    for facts in board["models"].as_array_mut().expect("models") {
        (facts["fit_seconds"], facts["update_microseconds"]) = (Value::Null, Value::Null);
    }
    board
}

#[test]
fn screens() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let help = stdout(folder, &["forecast", "--help"]);
    let (before, list) = help.split_once("--model <LIST>").expect("the models");
    let (list, after) = list.split_once("--all").expect("what comes after them");
    assert!(list.contains("ridge: A regularised linear model"), "{list}");
    insta::assert_snapshot!("forecast_help", format!("{before}--model <LIST> …\n\n      --all{after}"));
    // Models whose figures do not change when better ones come.
    let board = [&TRACE[..], &["--model", "exponential-smoothing"]].concat();
    insta::assert_snapshot!("forecast_table", masked(&stdout(folder, &board)));
    insta::assert_snapshot!(
        "forecast_markdown",
        masked(&stdout(folder, &[&board[..], &["--format", "markdown"]].concat()))
    );
}

#[test]
fn the_json_has_the_keys_of_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let board = json(folder.path(), &simple(&["--horizons", "1,12"]));
    assert_eq!(keys(&board), ["fleet", "holdout_ticks", "models", "noise_floor", "noise_floor_rmse", "trace"]);
    assert_eq!(board["holdout_ticks"], 96);
    assert!(number(&board["noise_floor_rmse"]) > 0.0);
    let models = board["models"].as_array().expect("models");
    assert_eq!(models.len(), 4, "those asked for, and both yardsticks");
    let mut last = 0.0;
    for facts in models {
        for key in ["fit_seconds", "update_microseconds", "fleet_cost"] {
            assert!(number(&facts[key]) > 0.0, "{key} of {facts}");
        }
        assert!(facts["model"].is_string() && facts["settings"]["seed"].is_u64());
        assert_eq!(facts["sees_the_future"], false);
        assert_eq!(facts["problem"], Value::Null);
        for (scores, horizon) in facts["horizons"].as_array().expect("horizons").iter().zip([1, 12]) {
            assert_eq!(scores["horizon"], horizon);
            for key in ["mae", "rmse", "r2", "mape", "smape", "mase", "bias"] {
                assert!(number(&scores[key]).is_finite(), "{key} of {scores}");
            }
            assert_eq!(keys(&scores["pinball"]), ["0.5", "0.9", "0.95"]);
            assert_eq!(keys(&scores["coverage"]), ["0.8", "0.95"]);
            assert_eq!(keys(&scores["width"]), ["0.8", "0.95"]);
            let all = ["coverage", "above", "below"].iter().map(|part| number(&scores[part]["0.95"])).sum::<f64>();
            assert!((all - 1.0).abs() < 1e-9, "every load lies within, above or below: {scores}");
            let hours = scores["coverage_by_hour"].as_array().expect("hours");
            assert_eq!(hours.len(), 24);
            assert_eq!(hours.iter().map(|hour| number(&hour["count"])).sum::<f64>(), number(&scores["count"]));
        }
        let rmse = number(&facts["horizons"][1]["rmse"]);
        assert!(rmse >= last, "the best of the furthest horizon comes first");
        last = rmse;
        let fleet = &facts["fleet"]["quantile"];
        assert_eq!(fleet["cost"], facts["fleet_cost"]);
        let regret = number(&fleet["cost"]) / number(&board["fleet"]["optimum"]) - 1.0;
        assert!((number(&fleet["regret"]) - regret).abs() < 1e-12 && regret >= 0.0, "{fleet}");
    }
}

#[test]
fn the_results_are_the_same_on_any_number_of_threads() {
    let run = |threads: &'static str| {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = simple(&["--threads", threads, "--out", "results", "--intervals", "1h"]);
        let arguments: Vec<&str> =
            arguments.into_iter().filter(|word| *word != "--interval" && *word != "30m").collect();
        stdout(folder.path(), &arguments);
        let results = folder.path().join("results");
        assert_eq!(names(&results), ["backtest.csv", "board.csv", "board.json", "forecasts.csv", "plot.svg"]);
        let board = fs::read_to_string(results.join("board.json")).expect("the board");
        let files = ["backtest.csv", "forecasts.csv", "plot.svg"]
            .map(|name| fs::read(results.join(name)).expect("it is there"));
        (without_times(serde_json::from_str(&board).expect("JSON")), files)
    };
    let (one, two) = (run("1"), run("2"));
    assert_eq!(one.0, two.0);
    assert!(one.1 == two.1, "the files differ");
}

#[test]
fn several_intervals_are_judged_in_one_go_as_each_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = ["forecast", "synthetic:diurnal?days=8", "--model", "ridge", "--plot", "plot.svg"];
    let both = json(folder.path(), &[&trace[..], &["--intervals", "1h,30m"]].concat());
    assert_eq!(names(folder.path()), ["plot-1h.svg", "plot-30m.svg"]);
    let boards = both["intervals"].as_array().expect("boards");
    assert_eq!(
        boards.iter().map(|board| number(&board["trace"]["interval_seconds"])).collect::<Vec<_>>(),
        [1_800.0, 3_600.0]
    );
    let alone = json(folder.path(), &[&trace[..], &["--interval", "1h"]].concat());
    assert_eq!(without_times(boards[1].clone()), without_times(alone));
}

#[test]
fn a_model_goes_on_from_its_file_as_if_it_had_never_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_hours(folder, "past.csv", 0..240);
    write_hours(folder, "all.csv", 0..260);
    write_hours(folder, "later.csv", 240..260);
    let fit = |trace: &str, save: &str, forecasts: &str| {
        stdout(folder, &["forecast", trace, "--model", "exponential-smoothing", "--save", save, "-o", forecasts]);
    };
    fit("past.csv", "past.model", "next.csv");
    let go_on =
        |more: &[&str]| stdout(folder, &[&["forecast", "--load", "past.model", "--format", "csv"], more].concat());
    let written = fs::read_to_string(folder.join("next.csv")).expect("forecasts");
    assert_eq!(go_on(&[]), written, "from the end of its own past");
    let extended = go_on(&["all.csv", "--save", "later.model"]);
    assert_ne!(extended, written);
    assert_eq!(go_on(&["later.csv"]), extended, "it needs to be told no more than what came later");
    let again = stdout(folder, &["forecast", "--load", "later.model", "--format", "csv"]);
    assert_eq!(again, extended);
    assert!(extended.contains(",1970-01-11T20:00:00Z,1,"), "{extended}");
    let output = run(folder, &["forecast", "past.csv", "--load", "past.model"]);
    assert!(stderr(&output).contains("holds nothing after the model's past"), "{}", stderr(&output));
}

#[test]
fn model_files_that_cannot_be_used_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_hours(folder, "past.csv", 0..240);
    stdout(folder, &["forecast", "past.csv", "--model", "ridge", "--save", "ridge.model"]);
    let bytes = fs::read(folder.join("ridge.model")).expect("a model");
    fs::write(folder.join("cut.model"), &bytes[..bytes.len() / 2]).expect("writable");
    let mut damaged = bytes.clone();
    damaged[bytes.len() - 9] ^= 1;
    fs::write(folder.join("damaged.model"), damaged).expect("writable");
    write_hours(folder, "late.csv", 300..400);
    for (arguments, expected) in [
        (&["--load", "past.csv"][..], "past.csv: this is not a forecast model written by dataflow"),
        (&["--load", "cut.model"], "cut.model: this model file is cut or damaged"),
        (&["--load", "damaged.model"], "damaged.model: this model file is cut or damaged"),
        (&["--load", "absent.model"], "absent.model: the model cannot be read"),
        (
            &["late.csv", "--load", "ridge.model"],
            "late.csv: does not continue the model's past, which ends at 1970-01-11",
        ),
        (&["past.csv", "--load", "ridge.model", "--interval", "2h"], "give --interval 1h"),
        (&["past.csv", "--model", "ridge,naive", "--save", "two.model"], "--save: name the one model to keep"),
    ] {
        let output = run(folder, &[&["forecast"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn bad_arguments_are_refused_before_any_work() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, expected) in [
        (&["--horizons", "0"][..], "expected steps ahead from 1"),
        (&["--holdout", "1.5"], "expected a share between 0 and 1"),
        (&["--holdout", "0"], "hold out at least one interval"),
        (&["--refit", "sometimes"], "expected never, or a number of intervals"),
        (&["--model", "prophet"], "there is no forecast model \"prophet\"; the models are naive"),
        (&["--bands", "wide"], "rolling"),
        (&["--plot", "plot.pdf"], "a plot is written as .svg or .png"),
        (&["-o", "forecasts.xls"], "forecasts.xls"),
    ] {
        let output = run(folder.path(), &[&["forecast", "synthetic:steady?days=2"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    }
    let mut stdin = command(folder.path(), &["forecast", "-", "--intervals", "1m,1h"]);
    assert!(stderr(&stdin.output().expect("it starts")).contains("standard input can be read only once"));
}

/// Each of these once crashed some forecasting program.
#[test]
fn odd_loads_are_judged_or_refused_clearly() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let wave = |hour: usize| if hour % 24 > 8 { 900.0 } else { 300.0 };
    let write = |name: &str, load: &dyn Fn(usize) -> String, hours: usize| {
        let mut text = String::from("time,value\n");
        for hour in 0..hours {
            writeln!(text, "{},{}", hour * 3_600, load(hour)).expect("text");
        }
        fs::write(folder.join(name), text).expect("writable");
    };
    write("tiny.csv", &|hour| wave(hour).to_string(), 12);
    write("short.csv", &|hour| wave(hour).to_string(), 40);
    write("constant.csv", &|_| "500".to_owned(), 240);
    write("spike.csv", &|hour| if hour == 150 { "1e18".to_owned() } else { wave(hour).to_string() }, 240);
    write("missing.csv", &|_| String::new(), 240);
    write("nan.csv", &|hour| if hour == 150 { "NaN".to_owned() } else { wave(hour).to_string() }, 240);
    write("negative.csv", &|hour| if hour == 150 { "-5".to_owned() } else { wave(hour).to_string() }, 240);
    let forecast = |name: &str| run(folder, &["forecast", name, "--format", "json"]);
    for name in ["missing.csv", "nan.csv", "negative.csv"] {
        let output = forecast(name);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(stderr(&output).contains(name) && output.stdout.is_empty(), "{name}: {}", stderr(&output));
    }
    let tiny = run(folder, &["forecast", "tiny.csv", "--horizons", "1"]);
    assert_eq!(tiny.status.code(), Some(2));
    assert!(stderr(&tiny).contains("no model could be judged") && tiny.stdout.is_empty(), "{}", stderr(&tiny));
    // Too short for a day's season: those models are told on the board, the rest goes on.
    let short: Value =
        serde_json::from_slice(&run(folder, &["forecast", "short.csv", "--horizons", "1", "--format", "json"]).stdout)
            .expect("JSON");
    let problems: Vec<&str> =
        short["models"].as_array().expect("models").iter().filter_map(|facts| facts["problem"].as_str()).collect();
    assert!(problems.iter().any(|problem| problem.contains("needs at least")), "{short}");
    for name in ["constant.csv", "spike.csv"] {
        let output = forecast(name);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        let board: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        for facts in board["models"].as_array().expect("models") {
            let scored = facts["horizons"].as_array().is_some_and(|horizons| !horizons.is_empty());
            assert!(scored || facts["problem"].is_string(), "{name}: {facts}");
            for scores in facts["horizons"].as_array().expect("horizons") {
                assert!(number(&scores["rmse"]).is_finite(), "{name}: {scores}");
            }
        }
    }
    // Nothing is below a floor that a simple model is below too.
    let constant: Value = serde_json::from_slice(&forecast("constant.csv").stdout).expect("JSON");
    assert_eq!(constant["noise_floor"]["holds"], false);
    assert_eq!(constant["noise_floor_rmse"], Value::Null);
    assert!(!constant.to_string().contains("refused"), "{constant}");
}

#[test]
fn missing_loads_are_not_scored() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = String::from("time,requests\n");
    for hour in (0..240).filter(|hour| !(220..226).contains(hour)) {
        writeln!(text, "{},{}", hour * 3_600, 400 + (hour * 37) % 101).expect("text");
    }
    fs::write(folder.path().join("gap.csv"), text).expect("writable");
    let board = json(folder.path(), &["forecast", "gap.csv", "--horizons", "1", "--backtest", "held-out.csv"]);
    assert_eq!(board["holdout_ticks"], 48);
    assert_eq!(board["models"][0]["horizons"][0]["count"], 42);
    let rows = fs::read_to_string(folder.path().join("held-out.csv")).expect("rows");
    let naive: Vec<&str> = rows.lines().filter(|row| row.starts_with("naive,")).collect();
    assert_eq!((naive.len(), naive.iter().filter(|row| row.contains(",1,,")).count()), (48, 6));
}

#[test]
fn forecasts_from_the_cache_are_those_that_were_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let compare = |more: &[&str]| {
        let fixed = [
            "compare",
            "synthetic:diurnal?days=4",
            "--policies",
            "quantile",
            "--timeline",
            "ticks.csv",
            "--format",
            "csv",
        ];
        let output = command(folder, &[&fixed[..], more].concat())
            .env("DATAFLOW_CACHE_DIR", "kept")
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{}", stderr(&output));
        let ticks = fs::read(folder.join("ticks.csv")).expect("ticks");
        ((output.stdout.clone(), ticks), stderr(&output).contains("--no-cache makes them anew"))
    };
    let (made, was_kept) = compare(&[]);
    assert!(!was_kept);
    let entries = names(&folder.join("kept"));
    assert_eq!(entries.len(), 1);
    let again = compare(&[]);
    assert!(again.1 && again.0 == made, "the cache gives the same");
    let anew = compare(&["--no-cache"]);
    assert!(!anew.1 && anew.0 == made);
    assert!(!compare(&["--forecast", "naive"]).1, "another model");
    let entry = folder.join("kept").join(&entries[0]);
    let mut bytes = fs::read(&entry).expect("an entry");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&entry, bytes).expect("writable");
    let mended = compare(&[]);
    assert!(!mended.1 && mended.0 == made, "a damaged entry is made anew");
    assert!(compare(&[]).1);
}

fn write_hours(folder: &Path, name: &str, hours: std::ops::Range<usize>) {
    let mut text = String::from("time,requests\n");
    for hour in hours {
        writeln!(text, "{},{}", hour * 3_600, 400 + 200 * usize::from(hour % 24 > 8) + (hour * 37) % 101)
            .expect("text");
    }
    fs::write(folder.join(name), text).expect("writable");
}
