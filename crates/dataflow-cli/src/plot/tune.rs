//! The picture of `dataflow tune`: cost against dropped load of all that was tried, and what the change is worth on the
//! training part and on the part held back.

use std::path::Path;

use super::axis::{Scale, number_ticks};
use super::drawing::{Anchor, Drawing};
use super::palette::{DROP, INK, OUT, Paint, RULE, SERVER, SOFT_INK};
use super::{Form, MARGIN, WIDTH, shortened, write_drawing};
use crate::command::tune::{Part, PartScore, Point, TuneFacts, closing, value};
use crate::failure::Failure;
use crate::quantity::{count, grouped, percent};

const LEFT: f64 = 96.0;
const RIGHT: f64 = 740.0;
const TOP: f64 = 130.0;
const BOTTOM: f64 = 480.0;
/// Costs further above the bound than this many times the gap of the old settings are left out.
const GAPS_SHOWN: f64 = 1.12;
/// Likewise dropped shares, in multiples of the larger of the old and the new one.
const DROPS_SHOWN: f64 = 1.25;
const BARS_LEFT: f64 = 890.0;
const BAR: f64 = 17.0;

/// Draws what was found into `path`.
///
/// # Errors
/// When the ending is neither `.svg` nor `.png`, or the file cannot be written.
pub(crate) fn write(facts: &TuneFacts, path: &Path) -> Result<(), Failure> {
    write_drawing(&lay_out(facts), Form::of(path)?, path)
}

pub(super) fn lay_out(facts: &TuneFacts) -> Drawing {
    let title = format!("{} tuned on {}", shortened(&facts.policy, 40), shortened(&facts.trace.source, 60));
    let headline = closing(facts);
    let mut drawing =
        Drawing { width: WIDTH, height: 0.0, title: title.clone(), description: headline.clone(), marks: Vec::new() };
    drawing.bold((MARGIN, 34.0), title, 22.0, Anchor::Start, INK);
    drawing.text((MARGIN, 62.0), shortened(&headline, 190), 13.0, Anchor::Start, INK);
    scatter(&mut drawing, facts);
    bars(&mut drawing, facts);
    drawing.height = changes(&mut drawing, facts, BOTTOM + 76.0);
    drawing
}

/// Where costs and dropped shares lie on the paper.
struct Frame {
    dropped: Scale,
    cost: Scale,
}

impl Frame {
    fn of(facts: &TuneFacts) -> Self {
        let Part { before, after, bound, .. } = &facts.training;
        let most_cost = bound + GAPS_SHOWN * (before.cost.max(after.cost) - bound).max(0.05 * bound);
        let least_cost = (bound - 0.08 * (most_cost - bound)).max(0.0);
        let dropped = before.dropped_share.max(after.dropped_share).max(facts.max_dropped.unwrap_or(0.0));
        let most_dropped = if dropped > 0.0 { DROPS_SHOWN * dropped } else { 0.01 };
        Self {
            dropped: Scale { values: (0.0, most_dropped.min(1.0)), pixels: (LEFT, RIGHT) },
            cost: Scale { values: (least_cost, most_cost), pixels: (BOTTOM, TOP) },
        }
    }

    fn at(&self, score: PartScore) -> (f64, f64) {
        (self.dropped.at(score.dropped_share), self.cost.at(score.cost))
    }

    fn holds(&self, score: PartScore) -> bool {
        score.cost <= self.cost.values.1 && score.dropped_share <= self.dropped.values.1
    }
}

fn scatter(drawing: &mut Drawing, facts: &TuneFacts) {
    let frame = Frame::of(facts);
    drawing.bold((MARGIN, TOP - 26.0), "Cost against dropped load, training part", 15.0, Anchor::Start, INK);
    axes(drawing, &frame);
    let (shown, hidden): (Vec<&Point>, Vec<&Point>) = facts.attempts.iter().partition(|point| frame.holds(point.score));
    for point in shown {
        dot(drawing, frame.at(point.score), 2.0, SOFT_INK.at(0.35));
    }
    let front: Vec<(f64, f64)> =
        facts.front.iter().filter(|point| frame.holds(point.score)).map(|point| frame.at(point.score)).collect();
    // Between two settings nothing is known to be had, so the front goes in steps.
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for point in &front {
        if let Some(last) = steps.last().copied() {
            steps.push((last.0, point.1));
        }
        steps.push(*point);
    }
    drawing.line(steps, SERVER, 1.5);
    for point in front {
        dot(drawing, point, 3.0, SERVER);
    }
    limits(drawing, facts, &frame);
    let Part { before, after, .. } = &facts.training;
    label(drawing, frame.at(*before), "as it stands", DROP);
    label(drawing, frame.at(*after), "tuned", OUT);
    let left_out = match hidden.len() {
        0 => String::new(),
        more => format!("; {} dearer or dropping more are left out", count(more)),
    };
    let words = format!("each dot: settings tried on the whole part{left_out}; blue: nothing beats them in both");
    drawing.text((LEFT, BOTTOM + 44.0), words, 11.0, Anchor::Start, SOFT_INK);
}

fn axes(drawing: &mut Drawing, frame: &Frame) {
    let (least, most) = frame.cost.values;
    for cost in number_ticks(most, 7).into_iter().filter(|cost| *cost >= least) {
        let y = frame.cost.at(cost);
        drawing.line(vec![(LEFT, y), (RIGHT, y)], RULE, 0.5);
        drawing.text((LEFT - 8.0, y), grouped(cost), 11.0, Anchor::End, SOFT_INK);
    }
    for share in number_ticks(frame.dropped.values.1, 6) {
        let x = frame.dropped.at(share);
        drawing.line(vec![(x, TOP), (x, BOTTOM + 4.0)], RULE, 0.5);
        drawing.text((x, BOTTOM + 14.0), percent(share), 11.0, Anchor::Middle, SOFT_INK);
    }
    drawing.text((RIGHT, BOTTOM + 29.0), "share of the load dropped", 11.0, Anchor::End, SOFT_INK);
    drawing.text((LEFT, TOP - 10.0), "cost, in the configured currency", 11.0, Anchor::Start, SOFT_INK);
}

/// The least possible cost, and the most load that may be dropped.
fn limits(drawing: &mut Drawing, facts: &TuneFacts, frame: &Frame) {
    let bound = frame.cost.at(facts.training.bound);
    drawing.dashes((LEFT, bound), (RIGHT, bound), INK, 1.0);
    let words = format!("least possible: {}", grouped(facts.training.bound));
    drawing.text((RIGHT - 4.0, bound - 9.0), words, 11.0, Anchor::End, INK);
    if let Some(limit) = facts.max_dropped {
        let x = frame.dropped.at(limit);
        drawing.dashes((x, TOP), (x, BOTTOM), DROP, 1.0);
        drawing.text((x + 5.0, TOP + 8.0), format!("at most {}", percent(limit)), 11.0, Anchor::Start, DROP);
    }
}

fn dot(drawing: &mut Drawing, (x, y): (f64, f64), radius: f64, paint: Paint) {
    const CORNERS: usize = 12;
    let corner = |index: usize| {
        let angle = std::f64::consts::TAU * index as f64 / CORNERS as f64;
        (x + radius * angle.cos(), y + radius * angle.sin())
    };
    drawing.polygon((0..CORNERS).map(corner).collect(), paint);
}

fn label(drawing: &mut Drawing, at: (f64, f64), text: &str, paint: Paint) {
    dot(drawing, at, 6.0, paint);
    let (x, anchor) = if at.0 > RIGHT - 90.0 { (at.0 - 10.0, Anchor::End) } else { (at.0 + 10.0, Anchor::Start) };
    drawing.bold((x, at.1 - 9.0), text, 12.0, anchor, paint);
}

/// Costs per day of both parts, so that parts of different lengths can be compared.
fn bars(drawing: &mut Drawing, facts: &TuneFacts) {
    let right = WIDTH - MARGIN - 60.0;
    let days = |part: &Part| (part.ticks as f64 * f64::from(facts.trace.interval_seconds) / 86_400.0).max(1e-9);
    let parts = [("training", &facts.training), ("held back", &facts.held_back)];
    let costs = |part: &Part| [part.before.cost, part.after.cost, part.bound].map(|cost| cost / days(part));
    let most = parts.iter().flat_map(|(_, part)| costs(part)).fold(0.0, f64::max);
    let scale = Scale { values: (0.0, most), pixels: (BARS_LEFT, right) };
    drawing.bold((BARS_LEFT - 100.0, TOP - 26.0), "Cost per day", 15.0, Anchor::Start, INK);
    let mut y = TOP + 6.0;
    for (name, part) in parts {
        drawing.bold((BARS_LEFT - 100.0, y), name, 12.0, Anchor::Start, INK);
        let saving = format!(
            "saving {}, load dropped {} → {}",
            percent(part.saving()),
            percent(part.before.dropped_share),
            percent(part.after.dropped_share)
        );
        drawing.text((BARS_LEFT, y), saving, 11.0, Anchor::Start, SOFT_INK);
        for ((words, paint), cost) in
            [("as it stands", DROP), ("tuned", OUT), ("least possible", INK)].into_iter().zip(costs(part))
        {
            y += BAR + 7.0;
            drawing.text((BARS_LEFT - 8.0, y), words, 11.0, Anchor::End, INK);
            drawing.rectangle((BARS_LEFT, y - BAR / 2.0), (scale.at(cost), y + BAR / 2.0), paint.at(0.85));
            drawing.text((scale.at(cost) + 6.0, y), grouped(cost), 11.0, Anchor::Start, INK);
        }
        y += 46.0;
    }
}

/// What was changed, a line each; returns where they end.
fn changes(drawing: &mut Drawing, facts: &TuneFacts, top: f64) -> f64 {
    let mut y = top;
    drawing.bold(
        (MARGIN, y),
        "Changes, and what setting one back alone would cost on the training part",
        15.0,
        Anchor::Start,
        INK,
    );
    for change in &facts.changes {
        y += 22.0;
        drawing.text((MARGIN, y), shortened(&change.name, 60), 12.0, Anchor::Start, INK);
        let words = format!("{} → {}", value(change.from, change.unit), value(change.to, change.unit));
        drawing.text((520.0, y), words, 12.0, Anchor::Start, INK);
        let more = change.set_back.cost / facts.training.after.cost - 1.0;
        if more.is_finite() {
            drawing.text((RIGHT, y), format!("+{}", percent(more)), 12.0, Anchor::End, INK);
        }
    }
    if facts.changes.is_empty() {
        y += 22.0;
        drawing.text((MARGIN, y), "none is worth it", 12.0, Anchor::Start, SOFT_INK);
    }
    y + 30.0
}
