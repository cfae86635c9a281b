//! What `dataflow detect` found: the load beside the expected one with every episode marked by colour, shape and word,
//! and below it the scores with the threshold from which they are alarms.

use std::path::Path;

use dataflow_anomaly::{Episode, Kind};

use super::axis::Scale;
use super::drawing::{Anchor, Drawing};
use super::forecast::{LEFT, RIGHT, axis_unit, number_axis, time_axis, wrapped};
use super::palette::{FALL, FORECAST, INK, LOAD, MISSING, OUTAGE, Paint, RULE, SHIFT, SOFT_INK, SPIKE};
use super::{Form, MARGIN, WIDTH, shortened, write_drawing};
use crate::aggregate::{Extent, split};
use crate::command::detect::Detection;
use crate::failure::Failure;
use crate::quantity::{count, duration};

const LOAD_HEIGHT: f64 = 300.0;
const SCORE_HEIGHT: f64 = 110.0;
/// Rows of words above the load, one for each of the kinds' labels that would overlap.
const LANES: usize = 3;
const LANE_HEIGHT: f64 = 16.0;
/// Stretches of time that can be told apart.
const BUCKETS: usize = 1_080;
/// The width of a character of a label.
const CHARACTER: f64 = 6.4;
/// The load panel is cut at so many times the height that all but the highest thousandth of loads need.
const HEADROOM: f64 = 3.0;

/// The axes of both panels.
struct Frame {
    time: Scale,
    load: Scale,
    score: Scale,
    /// The top of the load panel.
    top: f64,
}

/// Some successive intervals, drawn as one.
struct Bucket {
    /// Where it begins and ends, in pixels.
    span: (f64, f64),
    /// `None` where every load is missing.
    load: Option<Extent>,
    expected: Option<f64>,
    score: f64,
}

/// Draws what was found into `path`.
///
/// # Errors
/// When the ending is neither `.svg` nor `.png`, or the file cannot be written.
pub(crate) fn write_anomalies(detection: &Detection, path: &Path) -> Result<(), Failure> {
    let form = Form::of(path)?;
    write_drawing(&lay_out(detection), form, path)
}

fn lay_out(detection: &Detection) -> Drawing {
    let interval = duration(u64::from(detection.load.step().seconds()));
    let title = format!("Anomalies in {}, intervals of {interval}", shortened(&detection.source, 60));
    let headline = detection.headline();
    let mut drawing =
        Drawing { width: WIDTH, height: 0.0, title: title.clone(), description: headline.clone(), marks: Vec::new() };
    drawing.bold((MARGIN, 34.0), title, 22.0, Anchor::Start, INK);
    let mut y = 62.0;
    for line in wrapped(&headline, 165) {
        drawing.text((MARGIN, y), line, 14.0, Anchor::Start, INK);
        y += 20.0;
    }
    drawing.text((MARGIN, y + 2.0), facts(detection), 12.0, Anchor::Start, SOFT_INK);
    legend(&mut drawing, y + 32.0);

    let top = y + 72.0 + LANES as f64 * LANE_HEIGHT;
    let (bottom, score_top) = (top + LOAD_HEIGHT, top + LOAD_HEIGHT + 72.0);
    let most = most_shown(detection);
    let frame = Frame {
        time: Scale { values: (0.0, detection.load.len() as f64), pixels: (LEFT, RIGHT) },
        load: Scale { values: (0.0, if most > 0.0 { most * 1.05 } else { 1.0 }), pixels: (bottom, top) },
        score: Scale { values: (0.0, 1.0), pixels: (score_top + SCORE_HEIGHT, score_top) },
        top,
    };
    let buckets = buckets(detection, &frame);
    shade(&mut drawing, detection, &frame);
    axes(&mut drawing, detection, &frame, most);
    loads(&mut drawing, &buckets, &frame);
    marks(&mut drawing, detection, &frame);
    words(&mut drawing, detection, &frame);
    scores(&mut drawing, detection, &buckets, &frame);
    drawing.height = score_top + SCORE_HEIGHT + 32.0 + MARGIN;
    drawing
}

fn facts(detection: &Detection) -> String {
    let load = &detection.load;
    let step = u64::from(load.step().seconds());
    let sight = if detection.knows_future { " · it has learnt from the whole trace" } else { "" };
    let learning = match detection.probation as u64 * step {
        0 => String::new(),
        seconds => format!(" · the first {} are for learning", duration(seconds)),
    };
    format!(
        "{} from {} · {} intervals · {}{sight}{learning}",
        duration(load.len() as u64 * step),
        load.start().to_string().replace('T', " ").replace('Z', " UTC"),
        count(load.len()),
        detection.detector.description(),
    )
}

/// The highest load of the panel: one enormous load must not press all others to the ground.
fn most_shown(detection: &Detection) -> f64 {
    let mut loads: Vec<f64> = detection.load.values().flatten().collect();
    if loads.is_empty() {
        return 0.0;
    }
    loads.sort_by(f64::total_cmp);
    let usual = loads[(loads.len() - 1) * 999 / 1_000];
    let highest = loads[loads.len() - 1];
    if usual > 0.0 { highest.min(HEADROOM * usual) } else { highest }
}

fn buckets(detection: &Detection, frame: &Frame) -> Vec<Bucket> {
    split(0..detection.load.len(), BUCKETS)
        .map(|range| {
            let known: Vec<f64> = range.clone().filter_map(|index| detection.load.get(index)).collect();
            let expected: Vec<f64> =
                detection.verdicts[range.clone()].iter().filter_map(|verdict| verdict.expected).collect();
            Bucket {
                span: (frame.time.at(range.start as f64), frame.time.at(range.end as f64)),
                load: (!known.is_empty()).then(|| Extent::of(known.into_iter())),
                expected: (!expected.is_empty()).then(|| Extent::of(expected.into_iter()).mean),
                score: detection.scores[range].iter().copied().fold(0.0, f64::max),
            }
        })
        .collect()
}

const fn paint(kind: Kind) -> Paint {
    match kind {
        Kind::Spike => SPIKE,
        Kind::Drop => FALL,
        Kind::LevelShift => SHIFT,
        Kind::Outage => OUTAGE,
        Kind::MissingData => MISSING,
    }
}

/// Where an episode begins and ends, in pixels, wide enough to be seen.
fn span(episode: &Episode, frame: &Frame) -> (f64, f64) {
    let (from, to) = (frame.time.at(episode.intervals.start as f64), frame.time.at(episode.intervals.end as f64));
    (from, to.max(from + 1.0))
}

/// Episodes as bands through both panels, and the time of learning.
fn shade(drawing: &mut Drawing, detection: &Detection, frame: &Frame) {
    for episode in &detection.episodes {
        let (from, to) = span(episode, frame);
        // A band of a pixel or two must be darker to be seen.
        let opacity = if to - from < 3.0 { 0.4 } else { 0.14 };
        let paint = if episode.kind == Kind::MissingData { MISSING } else { paint(episode.kind).at(opacity) };
        for (top, bottom) in [(frame.top, frame.load.pixels.0), (frame.score.pixels.1, frame.score.pixels.0)] {
            drawing.rectangle((from, top), (to, bottom), paint);
        }
    }
    if detection.probation > 0 {
        let end = frame.time.at(detection.probation as f64);
        for (top, bottom) in [(frame.top, frame.load.pixels.0), (frame.score.pixels.1, frame.score.pixels.0)] {
            drawing.dashes((end, top), (end, bottom), SOFT_INK, 0.75);
        }
        drawing.text((end - 5.0, frame.top + 9.0), "learning", 10.0, Anchor::End, SOFT_INK);
    }
}

fn axes(drawing: &mut Drawing, detection: &Detection, frame: &Frame, most: f64) {
    let load = &detection.load;
    let seconds = load.start().as_second()..load.end().as_second();
    let (prefix, unit) = axis_unit(&load.unit().to_string(), most);
    number_axis(drawing, frame.load, (LEFT, RIGHT), prefix);
    time_axis(drawing, &seconds, (LEFT, RIGHT), (frame.top, frame.load.pixels.0));
    let cut = load.values().flatten().any(|load| load > frame.load.values.1);
    let cut = if cut { "; higher loads are cut" } else { "" };
    let head = format!("{unit} per {}, times in UTC{cut}", crate::quantity::per_interval(load.step().seconds()));
    drawing.text((MARGIN, frame.top - 12.0 - LANES as f64 * LANE_HEIGHT), head, 11.0, Anchor::Start, SOFT_INK);
    let (bottom, top) = frame.score.pixels;
    for value in [0.0, 0.5, 1.0] {
        let y = frame.score.at(value);
        drawing.line(vec![(LEFT, y), (RIGHT, y)], RULE, 0.5);
        drawing.text((LEFT - 8.0, y), format!("{value}"), 11.0, Anchor::End, SOFT_INK);
    }
    time_axis(drawing, &seconds, (LEFT, RIGHT), (top, bottom));
    drawing.text((MARGIN, top - 14.0), "anomaly score: 0 as usual, 1 never seen", 11.0, Anchor::Start, SOFT_INK);
}

fn loads(drawing: &mut Drawing, buckets: &[Bucket], frame: &Frame) {
    let middle = |bucket: &Bucket| f64::midpoint(bucket.span.0, bucket.span.1);
    for stretch in buckets.chunk_by(|one, other| one.expected.is_some() == other.expected.is_some()) {
        let line = stretch.iter().filter_map(|bucket| Some((middle(bucket), frame.load.at(bucket.expected?))));
        drawing.line(line.collect(), FORECAST, 1.0);
    }
    for stretch in buckets.chunk_by(|one, other| one.load.is_some() == other.load.is_some()) {
        let known: Vec<(f64, Extent)> =
            stretch.iter().filter_map(|bucket| Some((middle(bucket), bucket.load?))).collect();
        let edge = |(x, load): &(f64, Extent), value: fn(&Extent) -> f64| (*x, frame.load.at(value(load)));
        let upper = known.iter().map(|place| edge(place, |load| load.most));
        let lower = known.iter().rev().map(|place| edge(place, |load| load.least));
        drawing.polygon(upper.chain(lower).collect(), LOAD.at(0.28));
        drawing.line(known.iter().map(|place| edge(place, |load| load.mean)).collect(), LOAD, 0.75);
    }
}

/// A shape for every episode, at its load.
fn marks(drawing: &mut Drawing, detection: &Detection, frame: &Frame) {
    for episode in &detection.episodes {
        let (from, to) = span(episode, frame);
        let y = frame.load.at(episode.load.unwrap_or(0.0));
        mark(drawing, episode.kind, (f64::midpoint(from, to), y));
    }
}

/// Triangles for what goes up or down, a square for a shift, a cross for an outage; gaps are seen as gaps.
fn mark(drawing: &mut Drawing, kind: Kind, (x, y): (f64, f64)) {
    const HALF: f64 = 4.5;
    let paint = paint(kind);
    match kind {
        Kind::Spike => drawing.polygon(vec![(x - HALF, y + HALF), (x + HALF, y + HALF), (x, y - HALF)], paint),
        Kind::Drop => drawing.polygon(vec![(x - HALF, y - HALF), (x + HALF, y - HALF), (x, y + HALF)], paint),
        Kind::LevelShift => drawing.rectangle((x - 3.5, y - 3.5), (x + 3.5, y + 3.5), paint),
        Kind::Outage => {
            drawing.line(vec![(x - HALF, y - HALF), (x + HALF, y + HALF)], paint, 2.0);
            drawing.line(vec![(x - HALF, y + HALF), (x + HALF, y - HALF)], paint, 2.0);
        }
        Kind::MissingData => {}
    }
}

/// The kinds of the most striking episodes, above the load, as far as there is room.
fn words(drawing: &mut Drawing, detection: &Detection, frame: &Frame) {
    let mut episodes: Vec<&Episode> = detection.episodes.iter().collect();
    let weight = |episode: &Episode| (episode.peak_score, episode.intervals.len());
    episodes.sort_by(|one, other| {
        let (one, other) = (weight(one), weight(other));
        other.0.total_cmp(&one.0).then(other.1.cmp(&one.1))
    });
    let mut taken: Vec<Vec<(f64, f64)>> = vec![Vec::new(); LANES];
    for episode in episodes {
        let (from, to) = span(episode, frame);
        let middle = f64::midpoint(from, to);
        let name = episode.kind.name();
        let half = CHARACTER * name.len() as f64 / 2.0 + 4.0;
        let x = middle.clamp(LEFT + half, RIGHT - half);
        let is_free = |lane: &Vec<(f64, f64)>| lane.iter().all(|(left, right)| x + half < *left || x - half > *right);
        let Some(lane) = taken.iter().position(is_free) else { continue };
        taken[lane].push((x - half, x + half));
        let y = frame.top - 9.0 - lane as f64 * LANE_HEIGHT;
        let ink = if episode.kind == Kind::MissingData { SOFT_INK } else { paint(episode.kind) };
        drawing.text((x, y), name, 11.0, Anchor::Middle, ink);
    }
}

fn scores(drawing: &mut Drawing, detection: &Detection, buckets: &[Bucket], frame: &Frame) {
    let base = frame.score.pixels.0;
    for stretch in buckets.chunk_by(|one, other| (one.score > 0.0) == (other.score > 0.0)) {
        if stretch[0].score > 0.0 {
            let steps = stretch.iter().flat_map(|bucket| {
                let y = frame.score.at(bucket.score);
                [(bucket.span.0, y), (bucket.span.1, y)]
            });
            let (from, to) = (stretch[0].span.0, stretch[stretch.len() - 1].span.1);
            drawing.polygon([(from, base)].into_iter().chain(steps).chain([(to, base)]).collect(), LOAD.at(0.35));
        }
    }
    for bucket in buckets.iter().filter(|bucket| bucket.score >= detection.threshold) {
        let (from, to) = bucket.span;
        drawing.rectangle((from, frame.score.at(bucket.score)), (to.max(from + 1.0), base), SPIKE.at(0.75));
    }
    let y = frame.score.at(detection.threshold);
    drawing.dashes((LEFT, y), (RIGHT, y), SPIKE, 1.0);
    let text = format!("alarm from {}", detection.threshold);
    drawing.text((RIGHT, frame.score.pixels.1 - 14.0), text, 11.0, Anchor::End, SPIKE);
}

fn legend(drawing: &mut Drawing, y: f64) {
    let mut x = MARGIN;
    for (name, paint) in [("load", LOAD), ("expected load", FORECAST)] {
        drawing.line(vec![(x, y), (x + 14.0, y)], paint, 2.0);
        drawing.text((x + 20.0, y), name, 12.0, Anchor::Start, INK);
        x += 44.0 + CHARACTER * name.len() as f64;
    }
    for kind in Kind::ALL {
        drawing.rectangle(
            (x, y - 7.0),
            (x + 16.0, y + 7.0),
            if kind == Kind::MissingData { MISSING } else { paint(kind).at(0.14) },
        );
        mark(drawing, kind, (x + 8.0, y));
        drawing.text((x + 22.0, y), kind.name(), 12.0, Anchor::Start, INK);
        x += 46.0 + CHARACTER * kind.name().len() as f64;
    }
}
