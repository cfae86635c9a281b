//! Sobol indices: for each setting which share of the variance of the cost it explains alone, and in all.

use std::path::Path;

use super::super::axis::Scale;
use super::super::drawing::{Anchor, Drawing};
use super::super::palette::{INK, RULE, SCALE, SERVER, SOFT_INK};
use super::super::{Form, MARGIN, WIDTH, shortened, write_drawing};
use super::titled;
use crate::command::sweep::{Drawn, Interval, Subject};
use crate::failure::Failure;
use crate::quantity::{count, grouped, percent};

const TOP: f64 = 128.0;
const LEFT: f64 = 340.0;
const RIGHT: f64 = WIDTH - MARGIN - 120.0;
const ROW: f64 = 34.0;
const BAR: f64 = 11.0;

/// Draws the indices for every policy and for the optimum into `path`.
///
/// # Errors
/// When the ending is neither `.svg` nor `.png`, or the file cannot be written.
pub(crate) fn write(drawn: &Drawn, path: &Path) -> Result<(), Failure> {
    let words = format!(
        "Share of the variance of the cost that a setting explains alone (blue) and with others (orange); lines: 95% \
         intervals; {} draws.",
        count(drawn.draws)
    );
    let mut drawing = titled("What moves the cost", &words, &drawn.facts);
    let mut y = TOP;
    for subject in &drawn.subjects {
        y = panel(&mut drawing, subject, y) + 34.0;
    }
    drawing.height = y;
    write_drawing(&drawing, Form::of(path)?, path)
}

fn panel(drawing: &mut Drawing, subject: &Subject, top: f64) -> f64 {
    let scale = Scale { values: (0.0, 1.0), pixels: (LEFT, RIGHT) };
    let title = format!("{}, {} on average", shortened(&subject.policy, 50), grouped(subject.mean_cost));
    drawing.bold((MARGIN, top), title, 15.0, Anchor::Start, INK);
    let rows = top + 18.0;
    let bottom = rows + ROW * subject.indices.len() as f64;
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let x = scale.at(share);
        drawing.line(vec![(x, rows), (x, bottom)], RULE, 0.5);
        drawing.text((x, bottom + 10.0), percent(share), 11.0, Anchor::Middle, SOFT_INK);
    }
    let mut order: Vec<usize> = (0..subject.indices.len()).collect();
    order.sort_by(|left, right| subject.indices[*right].total.value.total_cmp(&subject.indices[*left].total.value));
    for (row, index) in order.into_iter().enumerate() {
        let indices = &subject.indices[index];
        let middle = rows + ROW * (row as f64 + 0.5);
        drawing.text((LEFT - 10.0, middle), shortened(&indices.name, 48), 12.0, Anchor::End, INK);
        for (interval, y, paint) in
            [(indices.first, middle - BAR / 2.0 - 1.0, SERVER), (indices.total, middle + BAR / 2.0 + 1.0, SCALE)]
        {
            let Interval { value, low, high } = interval;
            drawing.rectangle((LEFT, y - BAR / 2.0), (scale.at(value).max(LEFT + 0.5), y + BAR / 2.0), paint);
            drawing.line(vec![(scale.at(low), y), (scale.at(high), y)], INK, 1.0);
            drawing.text((scale.at(value.max(high)) + 8.0, y), format!("{value:.2}"), 10.0, Anchor::Start, SOFT_INK);
        }
    }
    bottom
}
