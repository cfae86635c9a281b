//! What was found as JSON, CSV, and a page for people.

use std::fmt::Write as _;

use dataflow_anomaly::{Episode, Kind};
use jiff::Timestamp;
use serde::Serialize;

use super::{Detection, Nab};
use crate::quantity::{self, count, duration, percent};
use crate::table::Table;

/// So many episodes are shown to people: the most striking ones.
const EPISODES_SHOWN: usize = 30;

#[derive(Serialize)]
struct Found<'a> {
    trace: TraceFacts<'a>,
    detector: &'static str,
    threshold: f64,
    knows_future: bool,
    points: Vec<Point>,
    episodes: Vec<EpisodeFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nab: Option<Nab>,
}

#[derive(Serialize)]
struct TraceFacts<'a> {
    source: &'a str,
    start: Timestamp,
    interval_seconds: u32,
    intervals: usize,
    unit: String,
    missing_intervals: usize,
    /// No alarms are raised in so many intervals at the beginning.
    probation_intervals: usize,
}

/// One interval in which something is wrong, as it could be told at its time.
#[derive(Serialize)]
struct Point {
    time: Timestamp,
    score: f64,
    kind: Kind,
    load: Option<f64>,
    expected: Option<f64>,
}

#[derive(Serialize)]
struct EpisodeFacts {
    start: Timestamp,
    end: Timestamp,
    kind: Kind,
    peak_score: f64,
    load: Option<f64>,
    expected: Option<f64>,
}

pub(super) fn json(detection: &Detection) -> String {
    let load = &detection.load;
    let found = Found {
        trace: TraceFacts {
            source: &detection.source,
            start: load.start(),
            interval_seconds: load.step().seconds(),
            intervals: load.len(),
            unit: load.unit().to_string(),
            missing_intervals: load.missing(),
            probation_intervals: detection.probation,
        },
        detector: detection.detector.name(),
        threshold: detection.threshold,
        knows_future: detection.knows_future,
        points: points(detection),
        episodes: detection.episodes.iter().map(|episode| facts(detection, episode)).collect(),
        nab: detection.nab,
    };
    // No key or value can fail to be written.
    serde_json::to_string_pretty(&found).unwrap_or_default() + "\n"
}

fn points(detection: &Detection) -> Vec<Point> {
    let flagged = |(index, load): (usize, Option<f64>)| {
        let verdict = detection.verdicts.get(index)?;
        let kind = verdict.kind?;
        let score = *detection.scores.get(index)?;
        let score = match kind {
            // What is missing is known, not guessed.
            Kind::MissingData => 1.0,
            // It may be known by its length alone.
            Kind::Outage => score.max(detection.threshold),
            _ => score,
        };
        Some(Point { time: detection.load.time(index), score, kind, load, expected: verdict.expected })
    };
    detection.load.values().enumerate().filter_map(flagged).collect()
}

fn facts(detection: &Detection, episode: &Episode) -> EpisodeFacts {
    EpisodeFacts {
        start: detection.load.time(episode.intervals.start),
        end: detection.load.time(episode.intervals.end),
        kind: episode.kind,
        peak_score: episode.peak_score,
        load: episode.load,
        expected: episode.expected,
    }
}

/// One row per episode, at full precision; what is not known is empty.
pub(super) fn csv(detection: &Detection) -> String {
    let mut text = String::from("start,end,kind,peak_score,load,expected\n");
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for episode in &detection.episodes {
        let EpisodeFacts { start, end, kind, peak_score, load, expected } = facts(detection, episode);
        let _ = writeln!(text, "{start},{end},{kind},{peak_score},{},{}", number(load), number(expected));
    }
    text
}

pub(super) fn page(detection: &Detection, is_document: bool) -> String {
    let mut text = String::new();
    for (name, fact) in lines(detection) {
        let _ = if is_document { writeln!(text, "- {name}: {fact}") } else { writeln!(text, "{name:<10}{fact}") };
    }
    let _ = writeln!(text, "\n{}\n", detection.headline());
    if !detection.episodes.is_empty() {
        let table = episodes(detection);
        text.push_str(&if is_document { table.markdown() } else { table.text() });
        let hidden = detection.episodes.len().saturating_sub(EPISODES_SHOWN);
        if hidden > 0 {
            let _ = writeln!(text, "\n{} weaker ones are left out; --format csv shows all.", count(hidden));
        }
        text.push_str(
            "\nScore: 0 as usual to 1. Load: where it was furthest from the expected one; of level shifts and outages the \
             mean.\nExpected: from the same time of earlier days and the present level.\n",
        );
    }
    if let Some(nab) = detection.nab {
        let Nab { standard, reward_low_FP_rate: low_fp, reward_low_FN_rate: low_fn } = nab;
        let _ = writeln!(
            text,
            "\nBy the rules of the Numenta Anomaly Benchmark, on this trace alone and at this threshold (0 no alarm at all, \
             100 perfect):\nstandard {standard:.1}, rewarding few false alarms {low_fp:.1}, rewarding few misses {low_fn:.1}."
        );
    }
    text
}

/// What is known of the trace and the detector: names and facts.
fn lines(detection: &Detection) -> Vec<(&'static str, String)> {
    let load = &detection.load;
    let step = u64::from(load.step().seconds());
    let missing = match load.missing() {
        0 => "none missing".to_owned(),
        missing => format!("{} missing", count(missing)),
    };
    let alarms = points(detection).iter().filter(|point| point.kind != Kind::MissingData).count();
    let sight = if detection.knows_future { "; it has learnt from the whole trace" } else { "" };
    let mut lines = vec![
        ("trace", detection.source.clone()),
        ("time", format!("{} to {}", local(detection, 0), local(detection, load.len()))),
        ("intervals", format!("{} of {}, {missing}", count(load.len()), duration(step))),
        ("detector", format!("{}: {}{sight}", detection.detector, detection.detector.description())),
        (
            "alarms",
            format!(
                "{} ({} of intervals), from a score of {}",
                count(alarms),
                percent(alarms as f64 / load.len() as f64),
                detection.threshold
            ),
        ),
    ];
    if detection.probation > 0 {
        lines.push(("learning", format!("the first {}, without alarms", duration(step * detection.probation as u64))));
    }
    lines
}

fn episodes(detection: &Detection) -> Table {
    let zone = local_zone(detection);
    let header =
        [format!("start ({zone})").as_str(), "length", "kind", "peak score", "load", "expected"].map(str::to_owned);
    let mut table = Table::new(header);
    let unit = detection.load.unit().to_string();
    let step = u64::from(detection.load.step().seconds());
    let amount = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| quantity::load(value, &unit));
    let mut shown: Vec<&Episode> = detection.episodes.iter().collect();
    // What is known by its length alone has the least score of an alarm, and is what people must see first.
    let is_lasting = |episode: &Episode| matches!(episode.kind, Kind::Outage | Kind::MissingData);
    let score = |episode: &Episode| if is_lasting(episode) { 1.0 } else { episode.peak_score };
    shown.sort_by(|one, other| {
        score(other).total_cmp(&score(one)).then(other.intervals.len().cmp(&one.intervals.len()))
    });
    shown.truncate(EPISODES_SHOWN);
    shown.sort_by_key(|episode| episode.intervals.start);
    for episode in shown {
        table.push(&[
            local(detection, episode.intervals.start),
            duration(step * episode.intervals.len() as u64),
            episode.kind.to_string(),
            format!("{:.3}", episode.peak_score),
            amount(episode.load),
            amount(episode.expected),
        ]);
    }
    table
}

/// The beginning of an interval by the clocks of the trace.
fn local(detection: &Detection, index: usize) -> String {
    let time = detection.load.time(index).to_zoned_datetime(detection.time_zone.clone());
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn local_zone(detection: &Detection) -> String {
    detection.time_zone.iana_name().unwrap_or("local").to_owned()
}
