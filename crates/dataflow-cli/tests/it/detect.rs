//! `dataflow detect`: its screens, its contract for scripts, its score by labels, and what it refuses.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::{json, names, run, stderr, stdout};

const DAY: usize = 288;
/// Where the load of the planted trace is four times as high for three intervals, and where it is nothing for two hours.
const SPIKE: usize = 6 * DAY + 140;
const OUTAGE: usize = 8 * DAY + 120;

/// Ten days of five minutes with a daily wave, a spike and an outage.
fn plant(folder: &Path) {
    let mut text = String::from("time,value\n");
    for index in 0..10 * DAY {
        // A wave of parabolas, the same on every machine.
        let part = (index % DAY) as f64 / DAY as f64;
        let load = 200.0 + 1_200.0 * part * (1.0 - part) + (index * 7_919 % 101) as f64 / 4.0;
        let load = match index {
            SPIKE..=SPIKE_END => 4.0 * load,
            OUTAGE..=OUTAGE_END => 0.0,
            _ => load,
        };
        writeln!(text, "{},{load}", 1_700_006_400 + 300 * index).expect("text");
    }
    fs::write(folder.join("load.csv"), text).expect("writable");
}
const SPIKE_END: usize = SPIKE + 2;
const OUTAGE_END: usize = OUTAGE + 23;

fn time(index: usize) -> String {
    jiff::Timestamp::from_second(1_700_006_400 + 300 * index as i64).expect("a time").to_string()
}

#[test]
fn screens() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    plant(folder);
    // Arguments that all subcommands share are in their own snapshots.
    let help = stdout(folder, &["detect", "-h"]);
    let own: Vec<&str> =
        help.lines().skip_while(|line| *line != "Detection:").take_while(|line| *line != "Settings:").collect();
    insta::assert_snapshot!("detect_help", own.join("\n"));
    let seasonal = ["detect", "load.csv", "--detector", "seasonal-mad", "--time-zone", "Europe/Berlin"];
    insta::assert_snapshot!("detect_table", stdout(folder, &seasonal));
    insta::assert_snapshot!("detect_markdown", stdout(folder, &[&seasonal[..], &["--format", "markdown"]].concat()));
}

#[test]
fn every_detector_finds_what_is_planted_and_tells_it_in_the_same_form() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    plant(folder);
    for detector in ["ensemble", "seasonal_mad", "forecast-residual", "matrix-profile", "half-space-trees"] {
        let found = json(folder, &["detect", "load.csv", "--detector", detector, "-o", "scores.csv"]);
        assert_eq!(found["detector"], detector.replace('_', "-"));
        let points = found["points"].as_array().expect("a list");
        for point in points {
            let score = point["score"].as_f64().expect("a score");
            assert!(score <= 1.0 && point["kind"].is_string() && point["time"].is_string(), "{point}");
        }
        let has = |kind: &str, start: usize| {
            let episodes = found["episodes"].as_array().expect("a list");
            episodes.iter().any(|episode| episode["kind"] == kind && episode["start"] == time(start).as_str())
        };
        assert!(has("spike", SPIKE) && has("outage", OUTAGE), "{detector}: {}", found["episodes"]);
        let scores = fs::read_to_string(folder.join("scores.csv")).expect("the scores");
        let mut lines = scores.lines();
        assert_eq!(lines.next(), Some("time,load,expected,score,kind"));
        assert_eq!(lines.count(), 10 * DAY);
    }
}

#[test]
fn labels_score_the_detector() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    plant(folder);
    let windows = |shift: usize| {
        [(SPIKE, SPIKE + 20), (OUTAGE, OUTAGE + 30)].map(|(from, to)| (time(from - shift), time(to - shift)))
    };
    let [first, second] = windows(1);
    fs::write(folder.join("right.csv"), format!("start,end\n{},{}\n{},{}\n", first.0, first.1, second.0, second.1))
        .expect("writable");
    let [first, second] = windows(300);
    let wrong = format!(r#"{{"data/load.csv": [["{}", "{}"], ["{}", "{}"]]}}"#, first.0, first.1, second.0, second.1);
    fs::write(folder.join("wrong.json"), wrong).expect("writable");
    let score = |labels: &str| {
        let found = json(folder, &["detect", "load.csv", "--detector", "seasonal-mad", "--labels", labels]);
        found["nab"]["standard"].as_f64().expect("a score")
    };
    let (right, wrong) = (score("right.csv"), score("wrong.json"));
    assert!(right > 70.0 && wrong < 10.0, "{right} and {wrong}");
    // In any order, within the time to learn from, and within each other.
    let [first, second] = windows(1);
    for (name, others) in [("order.json", [(10, 20), (12, 15)]), ("nested.json", [(10, 2 * DAY), (20, 30)])] {
        let others = others.map(|(from, to)| [time(from), time(to)]);
        let all = [&second, &first].map(|(from, to)| [from.clone(), to.clone()]).into_iter().chain(others);
        let all: Vec<String> = all.map(|[from, to]| format!(r#"["{from}", "{to}"]"#)).collect();
        fs::write(folder.join(name), format!("[{}]", all.join(", "))).expect("writable");
        assert!(score(name) > 30.0, "{name}: {}", score(name));
    }
}

#[test]
fn the_picture_names_every_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    plant(folder);
    stdout(folder, &["detect", "load.csv", "--detector", "seasonal-mad", "--plot", "found.svg"]);
    let svg = fs::read_to_string(folder.join("found.svg")).expect("the picture");
    for words in ["spike", "outage", "missing data", "alarm from 0.5", "expected load", "learning"] {
        assert!(svg.contains(words), "{words}");
    }
    stdout(folder, &["detect", "load.csv", "--detector", "seasonal-mad", "--plot", "found.png"]);
    assert!(fs::read(folder.join("found.png")).expect("the picture").starts_with(b"\x89PNG"));
}

#[test]
fn the_beginning_of_a_window_knows_what_came_before_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    plant(folder);
    let window = format!("{}..", time(SPIKE - 3));
    let found = json(folder, &["detect", "load.csv", "--detector", "seasonal-mad", "--window", &window]);
    assert_eq!(found["trace"]["probation_intervals"], 0);
    assert_eq!(found["episodes"][0]["start"], time(SPIKE).as_str());
}

#[test]
fn what_cannot_be_used_is_refused_with_one_clear_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    plant(folder);
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("writable");
    write("short.txt", &"5 ".repeat(30));
    write("elsewhere.csv", "2001-01-01,2001-01-02\n");
    write("bad.json", r#"[["2023-11-15", "2023-11-16"], ["2023-11-15"]]"#);
    write("prose.csv", "start,end\nnoon,night\n");
    let before = names(folder);
    for (arguments, words) in [
        (&["load.csv", "--detector", "seasonal-mat"][..], &["seasonal-mat", "seasonal-mad"][..]),
        (&["short.txt"], &["30 intervals", "at least 50"]),
        (&["load.csv", "--threshold", "1.5"], &["--threshold", "at most 1"]),
        (&["load.csv", "--threshold", "NaN"], &["--threshold", "above 0"]),
        (&["load.csv", "--batch", "--detector", "z-score"], &["--batch", "isolation-forest"]),
        (&["load.csv", "--labels", "none.json"], &["none.json", "cannot be read"]),
        (&["load.csv", "--labels", "elsewhere.csv"], &["elsewhere.csv", "no window lies within"]),
        (&["load.csv", "--labels", "bad.json"], &["bad.json", "window 2", "[START, END]"]),
        (&["load.csv", "--labels", "prose.csv"], &["prose.csv", "line 2", "no time"]),
        (&["load.csv", "--plot", "found.pdf"], &["found.pdf", ".svg or .png"]),
    ] {
        let output = run(folder, &[&["--quiet", "detect"], arguments, &["-o", "scores.csv"]].concat());
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        for word in words {
            assert!(message.contains(word), "{arguments:?} without {word:?}: {message}");
        }
        assert_eq!(names(folder), before, "{arguments:?}");
    }
}

#[test]
fn a_forest_in_batch_use_takes_the_nominal_share_for_anomalies_and_says_that_it_knows_the_future() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    plant(folder);
    let output = run(folder, &["detect", "load.csv", "--detector", "isolation-forest", "--batch", "--format", "json"]);
    assert!(stderr(&output).contains("whole trace"), "{}", stderr(&output));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["knows_future"], true);
    let share = found["points"].as_array().expect("a list").len() as f64 / (10 * DAY) as f64;
    assert!((0.03..0.07).contains(&share), "{share}");
}

#[test]
fn hybrid_acts_on_the_alarms_of_the_detector_asked_for_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    plant(folder);
    let compare = ["compare", "load.csv", "--policies", "hybrid", "--timeline", "ticks.csv"];
    let decisions = |arguments: &[&str]| {
        stdout(folder, &[&compare[..], arguments].concat());
        let rows = fs::read_to_string(folder.join("ticks.csv")).expect("a timeline");
        rows.lines().filter(|row| row.contains("anomaly in the newest load")).map(str::to_owned).collect::<Vec<_>>()
    };
    let ticks =
        |rows: &[String]| rows.iter().filter_map(|row| row.split(',').nth(1)?.parse().ok()).collect::<Vec<usize>>();
    let by_detector = decisions(&["--detector", "seasonal-mad"]);
    assert!(by_detector.iter().all(|row| row.contains("(seasonal-mad: 0.") && row.contains("alarm from 0.5)")));
    // The load of a tick is known at the next one; what is missing of the load is no reason to add servers.
    let ticks_of_detector = ticks(&by_detector);
    assert!(ticks_of_detector.contains(&(SPIKE + 1)), "{ticks_of_detector:?}");
    assert!(
        !ticks_of_detector.iter().any(|tick| (OUTAGE + 1..=OUTAGE_END + 1).contains(tick)),
        "{ticks_of_detector:?}"
    );
    assert_eq!(decisions(&["--set", "forecasting.anomaly_detector=seasonal_mad"]), by_detector);
    assert!(decisions(&[]).iter().all(|row| row.contains("quantile of its forecast")));

    let refused = run(folder, &["compare", "load.csv", "--detector", "seasonal-mat"]);
    let message = stderr(&refused);
    assert_eq!(refused.status.code(), Some(2));
    assert!(message.contains("--detector seasonal-mat") && message.contains("seasonal-mad"), "{message}");
}
