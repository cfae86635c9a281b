//! Where the bands of the best model failed: by hour of the day and by horizon.

use super::super::MARGIN;
use super::super::axis::Scale;
use super::super::drawing::{Anchor, Drawing};
use super::super::palette::{DROP, FORECAST, INK, Paint, RULE, SERVER, SOFT_INK};
use super::{Best, LEFT, RIGHT};

const HEIGHT: f64 = 150.0;
/// Where the hours end and the horizons begin.
const SPLIT: (f64, f64) = (760.0, 850.0);
/// The share of loads that a 95% band leaves outside on each side.
const EACH_SIDE: f64 = 0.025;
const BANDS: [(&str, f64, Paint); 2] = [("0.95", 0.95, FORECAST), ("0.8", 0.8, SERVER)];

/// Draws both from `top` down and returns where they end.
pub(super) fn draw(drawing: &mut Drawing, best: &Best<'_>, top: f64) -> f64 {
    let title =
        format!("May the band be trusted? Loads outside the 95% band of {}, {}", best.facts.model, best.ahead());
    drawing.bold((MARGIN, top), title, 15.0, Anchor::Start, INK);
    let (panel, bottom) = (top + 42.0, top + 42.0 + HEIGHT);
    hours(drawing, best, (panel, bottom));
    horizons(drawing, best, (panel, bottom));
    bottom + 34.0
}

fn hours(drawing: &mut Drawing, best: &Best<'_>, (top, bottom): (f64, f64)) {
    let hours = &best.scores.coverage_by_hour;
    let most = hours.iter().flat_map(|hour| [hour.above, hour.below]).fold(2.0 * EACH_SIDE, f64::max) * 1.1;
    let scale = Scale { values: (-most, most), pixels: (bottom, top) };
    let across = Scale { values: (0.0, 24.0), pixels: (LEFT, SPLIT.0) };
    drawing.text((LEFT, top - 14.0), "by hour of the day, local clock", 11.0, Anchor::Start, SOFT_INK);
    let mut x = LEFT + 190.0;
    for (paint, name) in [(DROP, "above the band"), (SERVER, "below the band")] {
        drawing.rectangle((x, top - 19.0), (x + 12.0, top - 9.0), paint);
        drawing.text((x + 17.0, top - 14.0), name, 12.0, Anchor::Start, INK);
        x += 120.0;
    }
    drawing.text((SPLIT.0, top - 14.0), "dashed: 2.5% on each side, as promised", 11.0, Anchor::End, SOFT_INK);
    let unit = if most > 0.12 { 0.1 } else { 0.025 };
    let marks = (most / unit) as i32;
    for share in (-marks..=marks).map(|mark| f64::from(mark) * unit) {
        let y = scale.at(share);
        drawing.line(vec![(LEFT, y), (SPLIT.0, y)], RULE, 0.5);
        drawing.text(
            (LEFT - 8.0, y),
            format!("{}%", (share.abs() * 1000.0).round() / 10.0),
            11.0,
            Anchor::End,
            SOFT_INK,
        );
    }
    for hour in hours {
        let (from, to) = (across.at(f64::from(hour.hour) + 0.15), across.at(f64::from(hour.hour) + 0.85));
        drawing.rectangle((from, scale.at(hour.above)), (to, scale.at(0.0)), DROP.at(0.85));
        drawing.rectangle((from, scale.at(0.0)), (to, scale.at(-hour.below)), SERVER.at(0.85));
    }
    for hour in (0..=24).step_by(3) {
        drawing.text((across.at(f64::from(hour)), bottom + 13.0), format!("{hour}:00"), 11.0, Anchor::Middle, SOFT_INK);
    }
    drawing.line(vec![(LEFT, scale.at(0.0)), (SPLIT.0, scale.at(0.0))], INK, 0.5);
    for side in [EACH_SIDE, -EACH_SIDE] {
        drawing.dashes((LEFT, scale.at(side)), (SPLIT.0, scale.at(side)), INK, 0.75);
    }
}

fn horizons(drawing: &mut Drawing, best: &Best<'_>, (top, bottom): (f64, f64)) {
    let scores = &best.facts.horizons;
    let held = scores.iter().flat_map(|scores| BANDS.iter().filter_map(|(name, ..)| scores.coverage.get(*name)));
    let least = held.copied().fold(0.7, f64::min);
    let scale = Scale { values: (least, 1.0), pixels: (bottom, top) };
    drawing.text(
        (SPLIT.1, top - 14.0),
        "share of loads within the bands, by steps ahead",
        11.0,
        Anchor::Start,
        SOFT_INK,
    );
    let unit = if least < 0.4 { 0.2 } else { 0.1 };
    for mark in 0..=(1.0 / unit) as u32 {
        let share = f64::from(mark) * unit;
        if share + 1e-9 >= least {
            drawing.line(vec![(SPLIT.1, scale.at(share)), (RIGHT, scale.at(share))], RULE, 0.5);
            drawing.text(
                (SPLIT.1 - 8.0, scale.at(share)),
                format!("{:.0}%", share * 100.0),
                11.0,
                Anchor::End,
                SOFT_INK,
            );
        }
    }
    let place = |index: usize| SPLIT.1 + (RIGHT - SPLIT.1) * (index as f64 + 0.5) / scores.len() as f64;
    for (name, promised, paint) in BANDS {
        drawing.dashes((SPLIT.1, scale.at(promised)), (RIGHT, scale.at(promised)), paint, 1.0);
        let name_of_band = format!("{}% band", promised * 100.0);
        drawing.text((SPLIT.1 + 4.0, scale.at(promised) + 9.0), name_of_band, 11.0, Anchor::Start, paint);
        let points: Vec<(f64, f64)> = scores
            .iter()
            .enumerate()
            .filter_map(|(index, scores)| Some((place(index), scale.at(*scores.coverage.get(name)?))))
            .collect();
        for (x, y) in &points {
            drawing.rectangle((x - 3.5, y - 3.5), (x + 3.5, y + 3.5), paint);
        }
        drawing.line(points, paint, 1.0);
    }
    let every = scores.len().div_ceil(8).max(1);
    for (index, scores) in scores.iter().enumerate().step_by(every) {
        drawing.text((place(index), bottom + 13.0), format!("+{}", scores.horizon), 11.0, Anchor::Middle, SOFT_INK);
    }
}
