//! The errors of the best model over the held-out part, and how they are spread.

use super::super::MARGIN;
use super::super::axis::{Scale, number_ticks};
use super::super::drawing::{Anchor, Drawing};
use super::super::palette::{FORECAST, INK, RULE, SOFT_INK};
use super::{Best, LEFT, RIGHT, axis_unit, number_axis, time_axis};

const HEIGHT: f64 = 170.0;
/// Where the errors over time end and their histogram begins.
const SPLIT: (f64, f64) = (850.0, 930.0);
const BINS: usize = 41;
/// Errors beyond this share of all are drawn at the edge.
const SHOWN_SHARE: f64 = 0.995;

/// Draws the errors from `top` down and returns where they end.
pub(super) fn draw(drawing: &mut Drawing, best: &Best<'_>, top: f64) -> f64 {
    let errors: Vec<f64> = best.rows.mean.iter().zip(best.held_out.loads()).map(|(mean, load)| load - mean).collect();
    let most = reach(&errors);
    let (prefix, unit) = axis_unit(best.unit, most);
    drawing.bold((MARGIN, top), format!("Errors of {}, {}", best.facts.model, best.ahead()), 15.0, Anchor::Start, INK);
    let (panel, bottom) = (top + 42.0, top + 42.0 + HEIGHT);
    drawing.text((LEFT, panel - 14.0), format!("load above forecast, {unit}"), 11.0, Anchor::Start, SOFT_INK);
    let scale = Scale { values: (-most, most), pixels: (bottom, panel) };
    number_axis(drawing, scale, (LEFT, SPLIT.0), prefix);
    time_axis(drawing, &best.seconds(&(0..errors.len())), (LEFT, SPLIT.0), (panel, bottom));
    over_time(drawing, &errors, scale);
    drawing.line(vec![(LEFT, scale.at(0.0)), (SPLIT.0, scale.at(0.0))], INK, 0.5);
    histogram(drawing, &errors, most, prefix.factor, (panel, bottom));
    drawing.text((SPLIT.1, panel - 14.0), format!("how many errors, by size in {unit}"), 11.0, Anchor::Start, SOFT_INK);
    bottom + 30.0
}

/// How far the axis reaches: nearly all errors lie within.
fn reach(errors: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = errors.iter().filter(|error| error.is_finite()).map(|error| error.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let place = (sizes.len() as f64 * SHOWN_SHARE) as usize;
    let most = sizes.get(place.min(sizes.len().saturating_sub(1))).copied().unwrap_or(1.0) * 1.1;
    if most > 0.0 && most.is_finite() { most } else { 1.0 }
}

/// The least and the largest error of each pixel.
fn over_time(drawing: &mut Drawing, errors: &[f64], scale: Scale) {
    let width = SPLIT.0 - LEFT;
    let per_bucket = errors.len().div_ceil(width as usize).max(1);
    let time = Scale { values: (0.0, errors.len() as f64), pixels: (LEFT, SPLIT.0) };
    for (index, bucket) in errors.chunks(per_bucket).enumerate() {
        let known = || bucket.iter().filter(|error| error.is_finite()).copied();
        let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
        if low > high {
            continue;
        }
        let from = time.at((index * per_bucket) as f64);
        let to = time.at(((index + 1) * per_bucket) as f64);
        // Stems from zero, as thin as the room allows.
        let middle = f64::midpoint(from, to);
        let half = ((to - from) / 2.0).clamp(0.25, 0.75);
        drawing.rectangle((middle - half, scale.at(high.max(0.0))), (middle + half, scale.at(low.min(0.0))), FORECAST);
    }
}

fn histogram(drawing: &mut Drawing, errors: &[f64], most: f64, factor: f64, (top, bottom): (f64, f64)) {
    let mut counts = [0_usize; BINS];
    for error in errors.iter().filter(|error| error.is_finite()) {
        let place = (f64::midpoint(error / most, 1.0) * BINS as f64).floor().clamp(0.0, (BINS - 1) as f64) as usize;
        counts[place] += 1;
    }
    let largest = counts.iter().max().copied().unwrap_or(1).max(1) as f64;
    let across = Scale { values: (-most, most), pixels: (SPLIT.1, RIGHT) };
    for value in number_ticks(most / factor, 3).into_iter().flat_map(|value| [-value, value]) {
        let x = across.at(value * factor);
        drawing.line(vec![(x, top), (x, bottom)], RULE, 0.5);
        if value != 0.0 || x > SPLIT.1 {
            let label = format!("{}", (value * 1e9).round() / 1e9 + 0.0).replace('-', "−");
            drawing.text((x, bottom + 12.0), label, 11.0, Anchor::Middle, SOFT_INK);
        }
    }
    let width = (RIGHT - SPLIT.1) / BINS as f64;
    for (place, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
        let left = SPLIT.1 + place as f64 * width;
        let height = (count as f64 / largest * (bottom - top)).max(0.5);
        drawing.rectangle((left, bottom - height), (left + width - 0.5, bottom), FORECAST.at(0.75));
    }
    let zero = across.at(0.0);
    drawing.line(vec![(zero, top), (zero, bottom)], INK, 0.5);
}
