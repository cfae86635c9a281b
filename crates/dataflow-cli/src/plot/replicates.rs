//! What replicates say of each policy: a dot at the mean cost, a bar over 95% of the replicates, and figures beside them.

use super::axis::{Scale, number_ticks};
use super::drawing::{Anchor, Drawing};
use super::palette::{FORECAST, INK, RULE, SERVER, SOFT_INK};
use super::{MARGIN, WIDTH, shortened};
use crate::quantity::{grouped, percent};
use crate::replicates::{ReplicateFacts, interval};
use crate::story::OPTIMAL;

const LEFT: f64 = 150.0;
const RIGHT: f64 = 680.0;
const ROW: f64 = 25.0;
/// Right edges of the columns of figures.
const COLUMNS: [f64; 4] = [825.0, 965.0, 1050.0, WIDTH - MARGIN];

/// Draws the intervals from `top` down and returns where they end.
pub(super) fn draw(drawing: &mut Drawing, facts: &ReplicateFacts, top: f64) -> f64 {
    drawing.bold((MARGIN, top), "How sure that is", 15.0, Anchor::Start, INK);
    drawing.text((LEFT + 28.0, top), &facts.words, 12.0, Anchor::Start, SOFT_INK);
    let order = facts.ranked();
    let rows = top + 42.0;
    let bottom = rows + ROW * order.len() as f64;
    let scale = Scale { values: axis_range(facts), pixels: (LEFT, RIGHT) };
    axis(drawing, scale, rows, bottom);
    for (x, head) in COLUMNS.into_iter().zip(["95% of costs", "above optimum", "cheapest", "beats the next"]) {
        drawing.text((x, rows - 12.0), head, 11.0, Anchor::End, SOFT_INK);
    }
    for (rank, place) in order.iter().enumerate() {
        let run = &facts.runs[*place];
        let middle = rows + ROW * (rank as f64 + 0.5);
        // What knows the future is no rival.
        let paint = if run.policy == OPTIMAL { FORECAST } else { SERVER };
        let cost = run.cost;
        drawing.text((LEFT - 10.0, middle), shortened(&run.policy, 18), 13.0, Anchor::End, INK);
        let (low, mean, high) = (scale.at(cost.low), scale.at(cost.mean), scale.at(cost.high));
        drawing.line(vec![(low, middle), (high, middle)], paint, 2.0);
        for end in [low, high] {
            drawing.line(vec![(end, middle - 4.0), (end, middle + 4.0)], paint, 2.0);
        }
        drawing.rectangle((mean - 4.0, middle - 4.0), (mean + 4.0, middle + 4.0), paint);
        let cheapest = if run.policy == OPTIMAL { "–".to_owned() } else { percent(run.cheapest) };
        let next = order.get(rank + 1).map(|next| percent(facts.chance_cheaper[*place][*next]));
        let texts = [interval(cost, grouped), interval(run.regret, percent), cheapest, next.unwrap_or("–".to_owned())];
        for (x, text) in COLUMNS.into_iter().zip(texts) {
            drawing.text((x, middle), text, 12.0, Anchor::End, INK);
        }
    }
    bottom + 34.0
}

/// From below the least end of an interval to above the greatest; from 0 where that is not far.
fn axis_range(facts: &ReplicateFacts) -> (f64, f64) {
    let ends = || facts.runs.iter().flat_map(|run| [run.cost.low, run.cost.high]).filter(|end| end.is_finite());
    let (least, most) = (ends().fold(f64::INFINITY, f64::min), ends().fold(0.0, f64::max));
    let margin = 0.06 * (most - least).max(most * 0.01).max(f64::MIN_POSITIVE);
    let low = least - margin;
    (if low < most / 3.0 || !low.is_finite() { 0.0 } else { low }, most + margin)
}

fn axis(drawing: &mut Drawing, scale: Scale, top: f64, bottom: f64) {
    let (low, high) = scale.values;
    // Ticks are as far apart as those of an axis from 0 that is as long.
    let apart = number_ticks(high - low, 5).get(1).copied().unwrap_or(high);
    let first = (low / apart).ceil();
    for index in 0..8 {
        let value = (first + f64::from(index)) * apart;
        if value > high {
            break;
        }
        let x = scale.at(value);
        drawing.line(vec![(x, top), (x, bottom + 4.0)], RULE, 0.5);
        drawing.text((x, bottom + 14.0), grouped(value), 11.0, Anchor::Middle, SOFT_INK);
    }
}
