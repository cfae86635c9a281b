//! Costs of crossed settings: lines for one number, heat maps for two, a small map for every choice of the others for
//! more. One scale of colours for all maps.

use std::path::Path;

use super::super::axis::{Scale, number_ticks};
use super::super::drawing::{Anchor, Drawing};
use super::super::palette::{COLD, DROP, FORECAST, HOT, IN, INK, OUT, PAPER, Paint, RULE, SCALE, SERVER, SOFT_INK};
use super::super::{Form, MARGIN, WIDTH, shortened, write_drawing};
use super::titled;
use crate::command::sweep::{Crossed, LeverFacts};
use crate::failure::Failure;
use crate::quantity::grouped;

const TOP: f64 = 132.0;
/// Room for the labels of rows, for the title above and for those of columns below.
const LABELS: f64 = 78.0;
const HEAD: f64 = 24.0;
const FOOT: f64 = 46.0;
const CELL_MOST: f64 = 84.0;
const CELL_HEIGHT: (f64, f64) = (6.0, 40.0);
/// More maps than these are no picture any more.
const MAPS_MOST: usize = 24;
const COLUMNS_MOST: usize = 3;
/// Cells of this width have room for their cost.
const READABLE: f64 = 38.0;
/// As many labels as these along an axis.
const LABELS_MOST: usize = 12;

/// The colours of lines, one policy after the other.
const PAINTS: [Paint; 6] = [SERVER, DROP, OUT, SCALE, FORECAST, IN];

/// Draws the costs into `path`.
///
/// # Errors
/// When the ending is neither `.svg` nor `.png`, or the file cannot be written.
pub(crate) fn write(crossed: &Crossed, path: &Path) -> Result<(), Failure> {
    let drawing = if crossed.facts.levers.len() == 1 { lines(crossed) } else { maps(crossed) };
    write_drawing(&drawing, Form::of(path)?, path)
}

/// One map: a subject, and which choice of the other levers.
struct Map<'a> {
    title: String,
    rows: &'a LeverFacts,
    columns: &'a LeverFacts,
    costs: Vec<Option<f64>>,
}

fn maps(crossed: &Crossed) -> Drawing {
    let levers = &crossed.facts.levers;
    let (rows, columns) = (&levers[0], &levers[1]);
    let maps = all_maps(crossed, rows, columns);
    let hidden = maps.len().saturating_sub(MAPS_MOST);
    let left_out = if hidden > 0 { format!(" {hidden} more maps are left out.") } else { String::new() };
    let words = format!(
        "Cost by {} (down) and {} (across), in the configured currency; darker is dearer, on one scale of ratios.{left_out}",
        rows.short_name(),
        columns.short_name()
    );
    let mut drawing = titled("Costs", &words, &crossed.facts);
    let shown = &maps[..maps.len().min(MAPS_MOST)];
    let all = || shown.iter().flat_map(|map| map.costs.iter().flatten()).copied().filter(|cost| *cost > 0.0);
    let range = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    // Maps of one subject stand below each other where there is a column for each.
    let subjects = crossed.facts.subjects().len();
    let across = if subjects <= COLUMNS_MOST { subjects.min(shown.len()).max(1) } else { COLUMNS_MOST };
    let width = (WIDTH - 2.0 * MARGIN) / across as f64;
    let cell = (((width - LABELS - 24.0) / columns.values.len() as f64).min(CELL_MOST), {
        (320.0 / rows.values.len() as f64).clamp(CELL_HEIGHT.0, CELL_HEIGHT.1)
    });
    let height = HEAD + cell.1 * rows.values.len() as f64 + FOOT;
    for (index, map) in shown.iter().enumerate() {
        let corner = (MARGIN + width * (index % across) as f64, TOP + height * (index / across) as f64);
        draw_map(&mut drawing, map, corner, cell, range);
    }
    drawing.height = TOP + height * shown.len().div_ceil(across) as f64 + 10.0;
    drawing
}

fn all_maps<'a>(crossed: &'a Crossed, rows: &'a LeverFacts, columns: &'a LeverFacts) -> Vec<Map<'a>> {
    let others = &crossed.facts.levers[2..];
    // The last lever changes fastest, so the cells of one map lie so many apart.
    let choices: usize = others.iter().map(|lever| lever.values.len()).product();
    let mut maps = Vec::new();
    for choice in 0..choices {
        for (subject, name) in crossed.facts.subjects().into_iter().enumerate() {
            let values = crossed.cells.get(choice).map(|cell| &cell.values[2..]).unwrap_or_default();
            let where_ = others
                .iter()
                .zip(values)
                .map(|(lever, value)| format!(", {} {}", lever.short_name(), lever.text(*value)));
            let title = format!("{}{}", shortened(name, 36), where_.collect::<String>());
            let costs = crossed.costs(subject).skip(choice).step_by(choices).collect();
            maps.push(Map { title, rows, columns, costs });
        }
    }
    maps
}

fn draw_map(drawing: &mut Drawing, map: &Map<'_>, (x, y): (f64, f64), (width, height): (f64, f64), range: (f64, f64)) {
    let (left, top) = (x + LABELS, y + HEAD);
    drawing.bold((left, y + 8.0), &map.title, 14.0, Anchor::Start, INK);
    let across = map.columns.values.len();
    for (index, cost) in map.costs.iter().enumerate() {
        let from = (left + width * (index % across) as f64, top + height * (index / across) as f64);
        let to = (from.0 + width - 1.0, from.1 + height - 1.0);
        let Some(cost) = cost else {
            drawing.rectangle(from, to, RULE);
            continue;
        };
        let share = ratio_share(*cost, range);
        drawing.rectangle(from, to, COLD.mixed_with(HOT, share));
        if width >= READABLE && height >= 14.0 {
            let ink = if share > 0.5 { PAPER } else { INK };
            let middle = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
            drawing.text(middle, grouped(*cost), 12.0, Anchor::Middle, ink);
        }
    }
    let bottom = top + height * map.rows.values.len() as f64;
    for (index, value) in thinned(&map.rows.values) {
        let middle = top + height * (index as f64 + 0.5);
        drawing.text((left - 8.0, middle), map.rows.text(value), 11.0, Anchor::End, INK);
    }
    for (index, value) in thinned(&map.columns.values) {
        let middle = left + width * (index as f64 + 0.5);
        drawing.text((middle, bottom + 10.0), map.columns.text(value), 11.0, Anchor::Middle, INK);
    }
    drawing.text((left, bottom + 26.0), map.columns.short_name(), 11.0, Anchor::Start, SOFT_INK);
    drawing.text((left - 8.0, y + 12.0), map.rows.short_name(), 11.0, Anchor::End, SOFT_INK);
}

/// Where a cost lies between the least and the greatest, by ratios.
fn ratio_share(cost: f64, (least, most): (f64, f64)) -> f64 {
    if most > least && cost > 0.0 { ((cost / least).ln() / (most / least).ln()).clamp(0.0, 1.0) } else { 0.0 }
}

/// The values that have room for a label, with their places.
fn thinned(values: &[f64]) -> impl Iterator<Item = (usize, f64)> {
    let every = values.len().div_ceil(LABELS_MOST).max(1);
    values.iter().copied().enumerate().step_by(every)
}

/// What policies and the optimum cost along the values of one number.
fn lines(crossed: &Crossed) -> Drawing {
    let lever = &crossed.facts.levers[0];
    let words = format!("Cost by {}, in the configured currency.", lever.name);
    let mut drawing = titled("Costs", &words, &crossed.facts);
    let (left, right, bottom) = (MARGIN + LABELS, WIDTH - 190.0, TOP + 340.0);
    let costs: Vec<Vec<Option<f64>>> =
        (0..crossed.facts.subjects().len()).map(|subject| crossed.costs(subject).collect()).collect();
    let most = costs.iter().flatten().flatten().copied().fold(0.0, f64::max);
    let height = Scale { values: (0.0, most), pixels: (bottom, TOP) };
    // Places, not values, are spread evenly: values may lie any number of powers apart.
    let last = (lever.values.len() - 1).max(1) as f64;
    let place = Scale { values: (0.0, last), pixels: (left, right) };
    for cost in number_ticks(most, 6) {
        let y = height.at(cost);
        drawing.line(vec![(left, y), (right, y)], RULE, 0.5);
        drawing.text((left - 8.0, y), grouped(cost), 11.0, Anchor::End, SOFT_INK);
    }
    for (index, value) in thinned(&lever.values) {
        drawing.text((place.at(index as f64), bottom + 14.0), lever.text(value), 11.0, Anchor::Middle, INK);
    }
    let mut labelled: Vec<f64> = Vec::new();
    for (subject, (name, costs)) in crossed.facts.subjects().into_iter().zip(&costs).enumerate() {
        let paint = if subject == crossed.facts.policies.len() { INK } else { PAINTS[subject % PAINTS.len()] };
        let points: Vec<(f64, f64)> = costs
            .iter()
            .enumerate()
            .filter_map(|(index, cost)| Some((place.at(index as f64), height.at((*cost)?))))
            .collect();
        let Some(end) = points.last().copied() else { continue };
        drawing.line(points, paint, 2.0);
        let mut y = end.1;
        while labelled.iter().any(|other| (other - y).abs() < 14.0) {
            y -= 14.0;
        }
        labelled.push(y);
        drawing.bold((end.0 + 8.0, y), shortened(name, 26), 12.0, Anchor::Start, paint);
    }
    drawing.height = bottom + 44.0;
    drawing
}
