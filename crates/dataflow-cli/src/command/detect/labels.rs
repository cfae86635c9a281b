//! Files of labels: windows of time in which something was truly wrong, as JSON in the benchmark's layout, as a plain
//! list, or as CSV.

use std::ops::RangeInclusive;
use std::path::Path;

use dataflow_anomaly::nab::{Corpus, LabelledSeries, Profile, Row, Sweep};
use dataflow_series::Observed;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{Detection, Nab};
use crate::failure::Failure;
use crate::world::instant;

/// What a file should hold.
const EXPECTED: &str = "windows of true anomalies, as JSON [[START, END], …] or {\"file\": [[START, END], …]}, or as CSV \
                        with the columns start,end";

/// The windows of a file as intervals of the trace, and a word on those that lie outside of it.
///
/// # Errors
/// When the file cannot be read, holds something else, or none of its windows lies within the trace.
pub(super) fn read(
    path: &Path,
    detection: &Detection,
) -> Result<(Vec<RangeInclusive<usize>>, Option<String>), Failure> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Input(format!("{name}: the labels cannot be read: {error}; expected {EXPECTED}")))?;
    let begin = text.trim_start_matches('\u{feff}').trim_start();
    let zone = &detection.time_zone;
    let windows = if begin.starts_with(['[', '{']) {
        from_json(begin, &name, &detection.source, zone)?
    } else {
        from_csv(&text, &name, zone)?
    };
    if windows.is_empty() {
        return Err(Failure::Input(format!("{name}: holds no window; expected {EXPECTED}")));
    }
    let load = &detection.load;
    let within = |window: &(Timestamp, Timestamp)| intervals(load, *window);
    let inside: Vec<RangeInclusive<usize>> = windows.iter().filter_map(within).collect();
    let outside = windows.len() - inside.len();
    if inside.is_empty() {
        let (start, end) = windows[0];
        return Err(Failure::Input(format!(
            "{name}: no window lies within the trace ({} to {}); the first one is {start} to {end}: give the labels of \
             this trace, and --time-zone where their times are local",
            load.start(),
            load.end()
        )));
    }
    let note = (outside > 0)
        .then(|| format!("{name}: {outside} of {} windows lie outside of the trace and do not count", windows.len()));
    Ok((inside, note))
}

/// The benchmark's scores of the alarms, on this one trace.
pub(super) fn score(detection: &Detection, windows: Vec<RangeInclusive<usize>>) -> Nab {
    let row = |(index, value): (usize, Option<f64>)| {
        let time = detection.load.time(index);
        Row { stamp: time.to_string(), text: String::new(), time, value }
    };
    let rows = detection.load.values().enumerate().map(row).collect();
    let series = vec![LabelledSeries::new(detection.source.clone(), rows, windows)];
    let corpus = Corpus { series, profiles: Profile::published().to_vec() };
    let scores = [detection.scores.clone()];
    let [standard, low_fp, low_fn] =
        Profile::published().map(|profile| Sweep::new(&corpus, &scores, &profile).at(detection.threshold));
    Nab { standard, reward_low_FP_rate: low_fp, reward_low_FN_rate: low_fn }
}

/// The intervals that begin within a window; `None` where there is none.
fn intervals(load: &Observed, (start, end): (Timestamp, Timestamp)) -> Option<RangeInclusive<usize>> {
    let step = i128::from(load.step().seconds()) * 1_000_000_000;
    let since_start = |instant: Timestamp| instant.as_nanosecond() - load.start().as_nanosecond();
    let first = (-(-since_start(start)).div_euclid(step)).max(0);
    let last = since_start(end).div_euclid(step).min(load.len() as i128 - 1);
    (first <= last).then_some(first as usize..=last as usize)
}

/// `[[start, end], …]`, or an object of such lists by file, of which the trace's own is taken.
fn from_json(text: &str, name: &str, source: &str, zone: &TimeZone) -> Result<Vec<(Timestamp, Timestamp)>, Failure> {
    let json: Value = serde_json::from_str(text)
        .map_err(|error| Failure::Input(format!("{name}: is no JSON: {error}; expected {EXPECTED}")))?;
    let list = match &json {
        Value::Object(files) => {
            let is_own = |file: &str| Path::new(file).file_name() == Path::new(source).file_name();
            let own = files.iter().find(|(file, _)| is_own(file)).or(files.iter().next().filter(|_| files.len() == 1));
            own.map(|(_, windows)| windows).ok_or_else(|| {
                Failure::Input(format!(
                    "{name}: holds windows of {} files but none of {source}; expected an entry that ends with its name, \
                     or a list of windows alone",
                    files.len()
                ))
            })?
        }
        list => list,
    };
    let wrong = |place: usize, found: &Value| {
        Failure::Input(format!("{name}, window {}: expected [START, END], found {found}", place + 1))
    };
    let Value::Array(list) = list else {
        return Err(Failure::Input(format!("{name}: expected {EXPECTED}")));
    };
    let window = |(place, found): (usize, &Value)| match found.as_array().map(Vec::as_slice) {
        Some([Value::String(start), Value::String(end)]) => {
            pair(start, end, zone, || format!("{name}, window {}", place + 1))
        }
        _ => Err(wrong(place, found)),
    };
    list.iter().enumerate().map(window).collect()
}

/// Rows of `start,end`, with or without that header.
fn from_csv(text: &str, name: &str, zone: &TimeZone) -> Result<Vec<(Timestamp, Timestamp)>, Failure> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let mut windows = Vec::new();
    for (place, record) in reader.records().enumerate() {
        let record = record.map_err(|error| Failure::Input(format!("{name}: {error}; expected {EXPECTED}")))?;
        let line = record.position().map_or(0, csv::Position::line);
        let (Some(start), Some(end)) = (record.get(0), record.get(1)) else {
            return Err(Failure::Input(format!("{name}, line {line}: expected START,END, found {record:?}")));
        };
        let is_header = place == 0 && start.trim_start_matches('\u{feff}').eq_ignore_ascii_case("start");
        if !is_header {
            windows.push(pair(start, end, zone, || format!("{name}, line {line}"))?);
        }
    }
    Ok(windows)
}

fn pair(
    start: &str,
    end: &str,
    zone: &TimeZone,
    place: impl Fn() -> String,
) -> Result<(Timestamp, Timestamp), Failure> {
    let read = |text: &str| {
        let wrong = || format!("{}: {text:?} is no time; expected one such as 2014-02-27T18:50:00Z", place());
        instant(text.trim(), zone, "labels").map_err(|_| Failure::Input(wrong()))
    };
    let (from, until) = (read(start)?, read(end)?);
    if until < from {
        return Err(Failure::Input(format!("{}: ends ({end}) before it starts ({start})", place())));
    }
    Ok((from, until))
}

#[cfg(test)]
mod tests {
    use dataflow_series::{Step, Unit};

    use super::*;

    fn windows(text: &str) -> Result<Vec<(Timestamp, Timestamp)>, Failure> {
        if text.starts_with(['[', '{']) {
            from_json(text, "labels", "data/own.csv", &TimeZone::UTC)
        } else {
            from_csv(text, "labels", &TimeZone::UTC)
        }
    }

    #[test]
    fn every_form_names_the_same_windows() {
        let expected = windows("2024-01-01T00:00:00Z,2024-01-01T01:00:00Z").unwrap();
        for text in [
            "start,end\n2024-01-01,2024-01-01 01:00\n",
            r#"[["2024-01-01 00:00:00.000000", "2024-01-01 01:00:00.000000"]]"#,
            r#"{"only.csv": [["2024-01-01", "2024-01-01T01:00:00Z"]]}"#,
            r#"{"a.csv": [], "real/own.csv": [["2024-01-01", "2024-01-01T01:00:00Z"]]}"#,
        ] {
            assert_eq!(windows(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, place) in [
            ("start,end\nnoon,2024-01-01", "line 2"),
            ("2024-01-02,2024-01-01", "before it starts"),
            ("2024-01-02", "line 1"),
            (r#"[["2024-01-01"]]"#, "window 1"),
            (r#"{"a.csv": [], "b.csv": []}"#, "own.csv"),
            (r#"{"a.csv": 3}"#, "expected windows"),
            ("[[", "no JSON"),
        ] {
            let failure = windows(text).unwrap_err().to_string();
            assert!(failure.starts_with("labels") && failure.contains(place), "{text}: {failure}");
        }
    }

    #[test]
    fn a_window_holds_the_intervals_that_begin_in_it() {
        let loads = vec![Some(1.0); 10];
        let load = Observed::new(Timestamp::UNIX_EPOCH, Step::MINUTE, Unit::Value, loads).unwrap();
        let second = |second: i64| Timestamp::from_second(second).unwrap();
        assert_eq!(intervals(&load, (second(61), second(180))), Some(2..=3));
        assert_eq!(intervals(&load, (second(-90), second(1_000_000))), Some(0..=9));
        assert_eq!(intervals(&load, (second(61), second(62))), None);
        assert_eq!(intervals(&load, (second(600), second(700))), None);
    }
}
