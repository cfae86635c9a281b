//! The last forecasts of the best model with their bands, and the loads that came.

use super::super::MARGIN;
use super::super::axis::Scale;
use super::super::drawing::{Anchor, Drawing};
use super::super::palette::{DROP, FORECAST, INK, LOAD, MISSING, SOFT_INK};
use super::{Best, LEFT, RIGHT, axis_unit, number_axis, time_axis};
use dataflow_forecast::band_levels;

const HEIGHT: f64 = 240.0;
/// So many intervals can be told apart.
const INTERVALS: usize = 560;

/// Draws the last intervals from `top` down and returns where they end.
pub(super) fn draw(drawing: &mut Drawing, best: &Best<'_>, top: f64) -> f64 {
    let end = best.held_out.len();
    let window = end.saturating_sub(INTERVALS)..end;
    let loads = &best.held_out.loads()[window.clone()];
    let mean = &best.rows.mean[window.clone()];
    let band = |coverage: f64| {
        let (lower, upper) = band_levels(coverage);
        Some((best.rows.quantile(lower)?.get(window.clone())?, best.rows.quantile(upper)?.get(window.clone())?))
    };
    let upper = band(0.95).map_or(mean, |(_, upper)| upper);
    let seen = loads.iter().chain(mean).filter(|load| load.is_finite()).copied().fold(0.0, f64::max);
    // A band that is wider than everything seen is cut, or nothing else could be told apart.
    let most = upper.iter().filter(|load| load.is_finite()).copied().fold(seen, f64::max).min(1.6 * seen);
    let (prefix, unit) = axis_unit(best.unit, most);
    let title = format!("The last forecasts by {}, {}", best.facts.model, best.ahead());
    drawing.bold((MARGIN, top), title, 15.0, Anchor::Start, INK);
    legend(drawing, top);
    let (panel, bottom) = (top + 42.0, top + 42.0 + HEIGHT);
    drawing.text((LEFT, panel - 14.0), format!("{unit}, times in UTC"), 11.0, Anchor::Start, SOFT_INK);
    let scale = Scale { values: (0.0, if most > 0.0 { most * 1.03 } else { 1.0 }), pixels: (bottom, panel) };
    let time = Scale { values: (0.0, window.len() as f64), pixels: (LEFT, RIGHT) };
    shade_missing(drawing, loads, time, (panel, bottom));
    number_axis(drawing, scale, (LEFT, RIGHT), prefix);
    time_axis(drawing, &best.seconds(&window), (LEFT, RIGHT), (panel, bottom));
    let points = |values: &[f64]| -> Vec<(f64, f64)> {
        values.iter().enumerate().map(|(index, value)| (time.at(index as f64 + 0.5), scale.at(*value))).collect()
    };
    for (coverage, opacity) in [(0.95, 0.22), (0.8, 0.28)] {
        if let Some((lower, upper)) = band(coverage) {
            let mut outline = points(upper);
            outline.extend(points(lower).into_iter().rev());
            drawing.polygon(outline, FORECAST.at(opacity));
        }
    }
    drawing.line(points(mean), FORECAST, 1.0);
    let indexed: Vec<(usize, f64)> = loads.iter().copied().enumerate().collect();
    for stretch in
        indexed.chunk_by(|one, other| one.1.is_nan() == other.1.is_nan()).filter(|stretch| !stretch[0].1.is_nan())
    {
        let line = stretch.iter().map(|(index, load)| (time.at(*index as f64 + 0.5), scale.at(*load))).collect();
        drawing.line(line, LOAD, 0.75);
    }
    if let Some((lower, upper)) = band(0.95) {
        for (index, load) in indexed.into_iter().filter(|(index, load)| *load > upper[*index] || *load < lower[*index])
        {
            let (x, y) = (time.at(index as f64 + 0.5), scale.at(load));
            drawing.rectangle((x - 1.5, y - 1.5), (x + 1.5, y + 1.5), DROP);
        }
    }
    bottom + 30.0
}

fn legend(drawing: &mut Drawing, y: f64) {
    let entries = [
        ("load", LOAD),
        ("forecast", FORECAST),
        ("80% band", FORECAST.at(0.45)),
        ("95% band", FORECAST.at(0.22)),
        ("outside the 95% band", DROP),
    ];
    let mut x = RIGHT - 510.0;
    for (name, paint) in entries {
        drawing.rectangle((x, y - 5.0), (x + 12.0, y + 5.0), paint);
        drawing.text((x + 17.0, y), name, 12.0, Anchor::Start, INK);
        x += 36.0 + 6.4 * name.len() as f64;
    }
}

fn shade_missing(drawing: &mut Drawing, loads: &[f64], time: Scale, (top, bottom): (f64, f64)) {
    let mut start = 0;
    for gap in loads.chunk_by(|one, other| one.is_nan() == other.is_nan()) {
        if gap[0].is_nan() {
            drawing.rectangle((time.at(start as f64), top), (time.at((start + gap.len()) as f64), bottom), MISSING);
        }
        start += gap.len();
    }
}
