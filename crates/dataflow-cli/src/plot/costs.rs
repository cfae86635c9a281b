//! What each policy cost, as stacked bars beside their figures, with the least costs possible as lines.

use super::axis::{Scale, number_ticks};
use super::drawing::{Anchor, Drawing};
use super::palette::{DROP, INK, PAPER, Paint, RULE, SCALE, SERVER, SOFT_INK};
use super::{MARGIN, WIDTH, shortened};
use crate::comparison::{Comparison, RunFacts};
use crate::quantity::{grouped, percent};
use crate::story;

const LEFT: f64 = 150.0;
const RIGHT: f64 = 760.0;
const ROW: f64 = 25.0;
const BAR: f64 = 16.0;
/// Right edges of the columns of figures.
const COLUMNS: [f64; 4] = [850.0, 950.0, 1065.0, WIDTH - MARGIN];

/// Draws the costs from `top` down and returns where they end.
pub(super) fn draw(drawing: &mut Drawing, comparison: &Comparison, top: f64) -> f64 {
    let mut runs: Vec<&RunFacts> = comparison.runs.iter().collect();
    runs.sort_by(|one, other| one.cost.total.total_cmp(&other.cost.total));
    drawing.bold((MARGIN, top), "Cost by policy", 15.0, Anchor::Start, INK);
    legend(drawing, top);
    let limit = story::cost_axis_limit(comparison);
    let scale = Scale { values: (0.0, limit), pixels: (LEFT, RIGHT) };
    let rows = top + 58.0;
    let bottom = rows + ROW * runs.len() as f64;
    axis(drawing, scale, rows, bottom);
    heads(drawing, rows - 12.0);
    let best = story::best(comparison).map(|run| run.policy.as_str());
    for (index, run) in runs.iter().enumerate() {
        let middle = rows + ROW * (index as f64 + 0.5);
        bar(drawing, run, scale, middle);
        figures(drawing, run, middle, best == Some(run.policy.as_str()));
    }
    bounds(drawing, comparison, scale, rows, bottom);
    bottom + 34.0
}

fn legend(drawing: &mut Drawing, y: f64) {
    let entries = [(SERVER, "servers"), (SCALE, "scaling"), (DROP, "dropped load")];
    let mut x = LEFT;
    for (paint, name) in entries {
        drawing.rectangle((x, y - 5.0), (x + 12.0, y + 5.0), paint);
        drawing.text((x + 17.0, y), name, 12.0, Anchor::Start, INK);
        x += 38.0 + 6.3 * name.len() as f64;
    }
    drawing.text((RIGHT, y), "in the configured currency", 11.0, Anchor::End, SOFT_INK);
}

fn axis(drawing: &mut Drawing, scale: Scale, top: f64, bottom: f64) {
    for value in number_ticks(scale.values.1, 5) {
        let x = scale.at(value);
        drawing.line(vec![(x, top), (x, bottom + 4.0)], RULE, 0.5);
        drawing.text((x, bottom + 14.0), grouped(value), 11.0, Anchor::Middle, SOFT_INK);
    }
}

fn heads(drawing: &mut Drawing, y: f64) {
    for (x, head) in COLUMNS.into_iter().zip(["total cost", "saving", "above optimum", "load dropped"]) {
        drawing.text((x, y), head, 11.0, Anchor::End, SOFT_INK);
    }
}

fn bar(drawing: &mut Drawing, run: &RunFacts, scale: Scale, middle: f64) {
    let (top, bottom) = (middle - BAR / 2.0, middle + BAR / 2.0);
    let mut sum = 0.0;
    for (cost, paint) in [(run.cost.server, SERVER), (run.cost.scale, SCALE), (run.cost.violation, DROP)] {
        let (from, to) = (scale.at(sum), scale.at(sum + cost));
        if to > from {
            drawing.rectangle((from, top), (to, bottom), paint);
        }
        sum += cost;
    }
    if sum > scale.values.1 {
        cut(drawing, scale.pixels.1, top, bottom);
    }
}

/// Marks a bar that goes on beyond the axis: two slanted gaps near its end.
fn cut(drawing: &mut Drawing, end: f64, top: f64, bottom: f64) {
    for x in [end - 26.0, end - 19.0] {
        drawing.polygon(vec![(x, bottom), (x + 3.0, bottom), (x + 8.0, top), (x + 5.0, top)], PAPER);
    }
    drawing.text((end + 5.0, f64::midpoint(top, bottom)), "cut", 10.0, Anchor::Start, SOFT_INK);
}

fn figures(drawing: &mut Drawing, run: &RunFacts, y: f64, best: bool) {
    let saving = if run.policy == "fixed" { "–".to_owned() } else { percent(run.saving_vs_fixed) };
    let gap = match run.gap_to_optimum {
        gap if gap > 0.0 => format!("+{}", percent(gap)),
        gap => percent(gap),
    };
    let texts = [grouped(run.cost.total), saving, gap, percent(run.dropped_share)];
    let mut write = |x: f64, text: String, anchor: Anchor, paint: Paint| {
        if best {
            drawing.bold((x, y), text, 13.0, anchor, paint);
        } else {
            drawing.text((x, y), text, 13.0, anchor, paint);
        }
    };
    write(LEFT - 10.0, shortened(&run.policy, 18), Anchor::End, INK);
    for (x, text) in COLUMNS.into_iter().zip(texts) {
        write(x, text, Anchor::End, INK);
    }
}

fn bounds(drawing: &mut Drawing, comparison: &Comparison, scale: Scale, top: f64, bottom: f64) {
    let bound = comparison.bound;
    // Labels go where there is more room; the line that a label would cross is the shorter one.
    let to_the_right = scale.at(bound.no_cooldown) < f64::midpoint(LEFT, RIGHT);
    let (above_free, above_limited) = if to_the_right { (34.0, 19.0) } else { (19.0, 34.0) };
    let lines = [
        (Some(bound.no_cooldown), "least possible", above_free),
        (bound.cooldown_and_steps, "least possible under cooldown and step limits", above_limited),
    ];
    let mut last_x = None;
    for (cost, name, above) in lines {
        let Some(cost) = cost.filter(|cost| cost.is_finite() && *cost <= scale.values.1) else { continue };
        let x = scale.at(cost);
        // Two lines in one place would fill each other's gaps.
        let below = if last_x.is_some_and(|last: f64| (last - x).abs() < 3.0) { top } else { bottom };
        last_x = Some(x);
        drawing.dashes((x, top - above), (x, below), INK, 1.0);
        let (x, anchor) = if to_the_right { (x + 5.0, Anchor::Start) } else { (x - 5.0, Anchor::End) };
        drawing.text((x, top - above + 2.0), format!("{name}: {}", grouped(cost)), 11.0, anchor, INK);
    }
}
