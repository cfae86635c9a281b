//! How far each number alone moves the cost: bars around the cost as it stands, the widest first.

use std::path::Path;

use super::super::axis::Scale;
use super::super::drawing::{Anchor, Drawing};
use super::super::palette::{DROP, INK, RULE, SERVER, SOFT_INK};
use super::super::{Form, MARGIN, WIDTH, shortened, write_drawing};
use super::titled;
use crate::command::sweep::Single;
use crate::failure::Failure;
use crate::quantity::{grouped, percent};

const TOP: f64 = 128.0;
const LEFT: f64 = 340.0;
const ROW: f64 = 26.0;
const BAR: f64 = 16.0;
/// Room for the words at both ends of a bar.
const END: f64 = 110.0;

/// Draws the tornado of every policy and of the optimum into `path`.
///
/// # Errors
/// When the ending is neither `.svg` nor `.png`, or the file cannot be written.
pub(crate) fn write(single: &Single, path: &Path) -> Result<(), Failure> {
    let words = "Cost with one setting at its least (blue) and at its greatest value (orange), the others as they are.";
    let mut drawing = titled("One setting at a time", words, &single.facts);
    let mut y = TOP;
    for subject in 0..single.present.len() {
        y = panel(&mut drawing, single, subject, y) + 30.0;
    }
    drawing.height = y;
    write_drawing(&drawing, Form::of(path)?, path)
}

fn panel(drawing: &mut Drawing, single: &Single, subject: usize, top: f64) -> f64 {
    let named = &single.present[subject];
    let present = named.cost.unwrap_or(f64::NAN);
    let ends = |index: usize| [&single.ends[index].low, &single.ends[index].high].map(|end| end.costs[subject]);
    let all = (0..single.ends.len()).flat_map(ends).flatten().chain([present]);
    let range = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), cost| (low.min(cost), high.max(cost)));
    let scale = Scale { values: range, pixels: (LEFT + END, WIDTH - MARGIN - END) };
    let title = format!("{}, {} as it stands", shortened(&named.policy, 50), grouped(present));
    drawing.bold((MARGIN, top), title, 15.0, Anchor::Start, INK);
    let mut y = top + 8.0;
    for index in single.by_width(subject) {
        y += ROW;
        let lever = &single.facts.levers[index];
        drawing.text((LEFT - 10.0, y), shortened(&lever.name, 48), 12.0, Anchor::End, INK);
        let values = [single.ends[index].low.value, single.ends[index].high.value];
        for ((cost, value), paint) in ends(index).into_iter().zip(values).zip([SERVER, DROP]) {
            let Some(cost) = cost else { continue };
            let (from, to) = (scale.at(present.min(cost)), scale.at(present.max(cost)));
            drawing.rectangle((from, y - BAR / 2.0), (to.max(from + 0.5), y + BAR / 2.0), paint.at(0.85));
            let share = cost / present - 1.0;
            let sign = if share > 0.0 { "+" } else { "" };
            let words = format!("{} ({sign}{})", lever.text(value), percent(share));
            // Both ends may lie on one side: the words of the nearer one go to the other.
            let other = ends(index).into_iter().flatten().find(|other| *other != cost).unwrap_or(present);
            let is_right = if (cost > present) == (other > present) { cost > other } else { cost > present };
            let nearest = scale.at(present.min(cost).min(other));
            let (x, anchor) = if is_right { (to + 6.0, Anchor::Start) } else { (nearest - 6.0, Anchor::End) };
            drawing.text((x, y), words, 11.0, anchor, SOFT_INK);
        }
    }
    let middle = scale.at(present);
    drawing.line(vec![(middle, top + 16.0), (middle, y + ROW / 2.0)], INK, 1.0);
    drawing.line(vec![(MARGIN, y + ROW / 2.0 + 8.0), (WIDTH - MARGIN, y + ROW / 2.0 + 8.0)], RULE, 0.5);
    y + ROW / 2.0
}
