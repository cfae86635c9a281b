//! Nothing that a policy does depends on a load that it cannot know yet, gaps in the trace included.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::{json, stdout};

/// Minutes seen, then a gap, then other loads.
const GAP: std::ops::Range<usize> = 1_000..1_200;
const TICKS: usize = 1_600;

/// A table with a gap, whose loads from the end of the gap on are multiplied.
fn write_trace(folder: &Path, name: &str, factor: usize) {
    let mut text = String::from("time,value\n");
    for minute in (0..TICKS).filter(|minute| !GAP.contains(minute)) {
        let load = 700_000 + (minute * 7_919) % 900_000 + 500_000 * usize::from(minute % 240 > 120);
        let load = if minute >= GAP.end { load * factor } else { load };
        writeln!(text, "{},{load}", 60 * minute).expect("text");
    }
    fs::write(folder.join(name), text).expect("the trace is written");
}

#[test]
fn decisions_before_and_in_a_gap_do_not_depend_on_what_comes_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    write_trace(folder.path(), "one.csv", 1);
    write_trace(folder.path(), "two.csv", 5);
    let detectors = ["forecast", "ensemble", "matrix-profile", "forecast-residual", "z-score"];
    for (fill, detector) in ["seasonal", "interpolate", "hold", "zero", "seasonal:1h"].into_iter().zip(detectors) {
        let servers = |trace: &str| {
            let arguments = ["compare", trace, "--fill", fill, "--policies", "reactive,predictive,hybrid,quantile"];
            stdout(folder.path(), &[&arguments[..], &["--detector", detector, "--timeline", "ticks.csv"]].concat());
            let timeline = fs::read_to_string(folder.path().join("ticks.csv")).expect("a timeline");
            let mut servers = Vec::new();
            for row in timeline.lines().skip(1) {
                let cells: Vec<&str> = row.split(',').collect();
                let tick: usize = cells[1].parse().expect("a tick");
                if tick <= GAP.end {
                    servers.push(format!("{} {tick} {}", cells[0], cells[4]));
                }
            }
            servers
        };
        let (one, two) = (servers("one.csv"), servers("two.csv"));
        assert_eq!(one.len(), 4 * (GAP.end + 1), "--fill {fill}");
        assert!(one == two, "--fill {fill}: decisions differ before anything of the change could be known");
    }
}

#[test]
fn load_that_was_never_seen_is_in_no_total() {
    let folder = tempfile::tempdir().expect("a folder");
    write_trace(folder.path(), "gap.csv", 1);
    let text = fs::read_to_string(folder.path().join("gap.csv")).expect("the trace");
    let seen: f64 = text.lines().skip(1).filter_map(|row| row.split(',').nth(1)?.parse::<f64>().ok()).sum();
    let trace = &json(folder.path(), &["compare", "gap.csv"])["trace"];
    assert_eq!(trace["total"].as_f64(), Some(seen));
    assert_eq!(trace["missing_ticks"], GAP.len());
}
