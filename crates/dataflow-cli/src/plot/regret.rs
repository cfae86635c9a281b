//! The picture of `dataflow regret`: the parts of each policy's regret as bars to both sides of zero, and what accuracy,
//! faster starts and a buffer are worth as curves.

use std::path::Path;

use super::axis::{Scale, number_ticks};
use super::drawing::{Anchor, Drawing};
use super::palette::{DROP, FORECAST, IN, INK, OUT, Paint, RULE, SCALE, SERVER, SOFT_INK};
use super::{Form, MARGIN, WIDTH, shortened, write_drawing};
use crate::command::regret::{PolicyRegret, RegretFacts, WorthFacts, advice};
use crate::failure::Failure;
use crate::quantity::{duration, grouped, percent};

const LEFT: f64 = 190.0;
const RIGHT: f64 = WIDTH - MARGIN - 90.0;
const ROW: f64 = 30.0;
const BAR: f64 = 18.0;
const CURVE_HEIGHT: f64 = 190.0;
/// From one line of words to the next.
const LINE: f64 = 18.0;
/// A colour for each part, in their order.
const PAINTS: [Paint; 7] = [SCALE, IN, OUT, SOFT_INK, FORECAST, SERVER, DROP];

/// Draws the regret of all policies into `path`.
///
/// # Errors
/// When the ending is neither `.svg` nor `.png`, or the file cannot be written.
pub(crate) fn write(facts: &RegretFacts, path: &Path) -> Result<(), Failure> {
    write_drawing(&lay_out(facts), Form::of(path)?, path)
}

fn lay_out(facts: &RegretFacts) -> Drawing {
    let title = format!("Where the money went on {}", shortened(&facts.trace.source, 70));
    let words = format!(
        "Cost above the least possible, {}, by what is to blame. Parts to the left of zero kept a policy from dearer mistakes.",
        grouped(facts.bound)
    );
    let mut drawing =
        Drawing { width: WIDTH, height: 0.0, title: title.clone(), description: words.clone(), marks: Vec::new() };
    drawing.bold((MARGIN, 34.0), title, 22.0, Anchor::Start, INK);
    drawing.text((MARGIN, 62.0), words, 13.0, Anchor::Start, INK);
    legend(&mut drawing, facts, 92.0);
    let mut y = bars(&mut drawing, facts, 124.0);
    for policy in &facts.policies {
        y = curves(&mut drawing, policy, y);
    }
    drawing.height = y;
    drawing
}

fn legend(drawing: &mut Drawing, facts: &RegretFacts, y: f64) {
    let Some(policy) = facts.policies.first() else { return };
    let mut x = MARGIN;
    for (part, paint) in policy.parts.iter().zip(PAINTS) {
        drawing.rectangle((x, y - 5.0), (x + 12.0, y + 5.0), paint);
        drawing.text((x + 17.0, y), part.cause, 12.0, Anchor::Start, INK);
        x += 42.0 + 7.0 * part.cause.len() as f64;
    }
}

fn bars(drawing: &mut Drawing, facts: &RegretFacts, top: f64) -> f64 {
    let sum =
        |policy: &PolicyRegret, sign: f64| -> f64 { policy.parts.iter().map(|part| (part.cost * sign).max(0.0)).sum() };
    let most = |sign: f64| facts.policies.iter().map(|policy| sum(policy, sign)).fold(0.0, f64::max);
    let scale = Scale { values: (-most(-1.0), most(1.0).max(f64::MIN_POSITIVE)), pixels: (LEFT, RIGHT) };
    let bottom = top + ROW * facts.policies.len() as f64;
    let reach = scale.values.1.max(-scale.values.0);
    let marks = number_ticks(reach, 6)
        .into_iter()
        .flat_map(|value| [-value, value])
        .filter(|value| value.is_sign_positive() || *value < 0.0);
    for value in marks.filter(|value| (scale.values.0..=scale.values.1).contains(value)) {
        let x = scale.at(value);
        drawing.line(vec![(x, top), (x, bottom + 4.0)], RULE, 0.5);
        drawing.text((x, bottom + 14.0), grouped(value), 11.0, Anchor::Middle, SOFT_INK);
    }
    for (index, policy) in facts.policies.iter().enumerate() {
        let middle = top + ROW * (index as f64 + 0.5);
        drawing.text((LEFT - 10.0, middle), shortened(&policy.policy, 22), 13.0, Anchor::End, INK);
        drawing.text((WIDTH - MARGIN, middle), grouped(policy.regret), 13.0, Anchor::End, INK);
        let (mut above, mut below) = (0.0, 0.0);
        for (part, paint) in policy.parts.iter().zip(PAINTS) {
            let edge = if part.cost > 0.0 { &mut above } else { &mut below };
            let (from, to) = (scale.at(*edge), scale.at(*edge + part.cost));
            *edge += part.cost;
            drawing.rectangle((from.min(to), middle - BAR / 2.0), (from.max(to), middle + BAR / 2.0), paint);
        }
    }
    let zero = scale.at(0.0);
    drawing.line(vec![(zero, top), (zero, bottom + 4.0)], INK, 1.0);
    drawing.text((WIDTH - MARGIN, top - 10.0), "regret", 11.0, Anchor::End, SOFT_INK);
    bottom + 40.0
}

/// The three curves of a policy, side by side, with what pays below.
fn curves(drawing: &mut Drawing, policy: &PolicyRegret, top: f64) -> f64 {
    let Some(worth) = &policy.worth else { return top };
    drawing.bold((MARGIN, top), format!("What is worth what to {}", policy.policy), 15.0, Anchor::Start, INK);
    // A sentence a line: all of them together are wider than the paper.
    for (index, sentence) in advice(policy, worth).iter().enumerate() {
        drawing.text((MARGIN, top + 22.0 + LINE * index as f64), sentence, 12.0, Anchor::Start, INK);
    }
    let most = [&worth.accuracy, &worth.start_up, &worth.buffer]
        .into_iter()
        .flatten()
        .map(|worth| worth.cost)
        .fold(policy.cost, f64::max)
        .min(2.5 * policy.cost);
    let panels: [Panel<'_>; 3] = [
        ("forecasts, from naive to perfect", &worth.accuracy, &percent),
        ("start-up time", &worth.start_up, &|seconds| duration(seconds as u64)),
        ("buffer, servers more", &worth.buffer, &percent),
    ];
    let shown: Vec<_> = panels.into_iter().filter(|(_, points, _)| points.len() > 1).collect();
    let width = (WIDTH - 2.0 * MARGIN) / 3.0;
    let panel = top + 44.0 + 3.0 * LINE;
    let bottom = panel + CURVE_HEIGHT;
    for (index, (name, points, label)) in shown.into_iter().enumerate() {
        let left = MARGIN + width * index as f64 + 52.0;
        let cost = Scale { values: (0.0, most), pixels: (bottom, panel) };
        curve(drawing, (name, points, label), cost, (left, left + width - 80.0));
    }
    bottom + 56.0
}

type Panel<'a> = (&'a str, &'a [WorthFacts], &'a dyn Fn(f64) -> String);

fn curve(drawing: &mut Drawing, (name, points, label): Panel<'_>, cost: Scale, (left, right): (f64, f64)) {
    let (bottom, top) = cost.pixels;
    drawing.text((left, top - 14.0), format!("cost by {name}"), 12.0, Anchor::Start, INK);
    for value in number_ticks(cost.values.1, 4) {
        let y = cost.at(value);
        drawing.line(vec![(left, y), (right, y)], RULE, 0.5);
        drawing.text((left - 6.0, y), grouped(value), 11.0, Anchor::End, SOFT_INK);
    }
    let ends = |of: fn(f64, f64) -> f64, start| points.iter().map(|point| point.at).fold(start, of);
    let across =
        Scale { values: (ends(f64::min, f64::INFINITY), ends(f64::max, f64::NEG_INFINITY)), pixels: (left, right) };
    let mut last_label = f64::NEG_INFINITY;
    for point in points {
        let x = across.at(point.at);
        if x - last_label > 46.0 {
            drawing.text((x, bottom + 14.0), label(point.at), 11.0, Anchor::Middle, SOFT_INK);
            last_label = x;
        }
    }
    let line = |cost_of: fn(&WorthFacts) -> f64| -> Vec<(f64, f64)> {
        points.iter().map(|point| (across.at(point.at), cost.at(cost_of(point)))).collect()
    };
    drawing.line(line(|point| point.bound), SOFT_INK, 1.0);
    drawing.line(line(|point| point.cost), SERVER, 2.0);
    for (x, y) in line(|point| point.cost) {
        drawing.rectangle((x - 2.5, y - 2.5), (x + 2.5, y + 2.5), SERVER);
    }
    if let Some(last) = points.last() {
        drawing.text((right, cost.at(last.bound) + 11.0), "least possible", 11.0, Anchor::End, SOFT_INK);
    }
}
