//! The picture of a leader board: errors of all models beside the noise floor, and of the best one its forecasts with
//! their bands, its errors, and where its band failed.

mod bands;
mod board;
mod coverage;
mod errors;

use std::ops::Range;
use std::path::Path;

use dataflow_forecast::{HeldOut, Rows};

use super::axis::{Scale, number_ticks, time_ticks};
use super::drawing::{Anchor, Drawing};
use super::palette::{INK, RULE, SOFT_INK};
use super::{Form, MARGIN, WIDTH, shortened, write_drawing};
use crate::command::forecast::{Board, HorizonFacts, ModelFacts, headline};
use crate::failure::Failure;
use crate::quantity::{Prefix, count, duration, prefix, unit_name};

/// Left and right end of panels over the whole width.
pub(super) const LEFT: f64 = 84.0;
pub(super) const RIGHT: f64 = WIDTH - MARGIN;
/// About half of the width of a label on a time axis.
const LABEL_HALF: f64 = 24.0;

/// The best model of a board, at its furthest horizon.
struct Best<'a> {
    facts: &'a ModelFacts,
    scores: &'a HorizonFacts,
    held_out: &'a HeldOut,
    rows: Rows<'a>,
    unit: &'a str,
}

/// Draws a board into `path`.
///
/// # Errors
/// When the ending is neither `.svg` nor `.png`, or the file cannot be written.
pub(crate) fn write_board(board: &Board, path: &Path) -> Result<(), Failure> {
    let form = Form::of(path)?;
    write_drawing(&lay_out(board), form, path)
}

fn lay_out(board: &Board) -> Drawing {
    let trace = &board.trace;
    let interval = duration(u64::from(trace.interval_seconds));
    let title = format!("Forecasts of {}, intervals of {interval}", shortened(&trace.source, 60));
    let told = headline(board);
    let mut drawing =
        Drawing { width: WIDTH, height: 0.0, title: title.clone(), description: told.clone(), marks: Vec::new() };
    drawing.bold((MARGIN, 34.0), title, 22.0, Anchor::Start, INK);
    let mut y = 62.0;
    for line in wrapped(&told, 165) {
        drawing.text((MARGIN, y), line, 14.0, Anchor::Start, INK);
        y += 20.0;
    }
    let held_out = duration(board.holdout_ticks as u64 * u64::from(trace.interval_seconds));
    let facts = format!(
        "{} {} held out: the last {held_out}",
        count(board.holdout_ticks),
        if board.holdout_ticks == 1 { "interval" } else { "intervals" }
    );
    drawing.text((MARGIN, y + 2.0), facts, 12.0, Anchor::Start, SOFT_INK);
    let mut bottom = board::draw(&mut drawing, board, y + 34.0);
    if let Some(best) = Best::of(board) {
        bottom = bands::draw(&mut drawing, &best, bottom + 34.0);
        bottom = errors::draw(&mut drawing, &best, bottom + 34.0);
        bottom = coverage::draw(&mut drawing, &best, bottom + 34.0);
    }
    drawing.height = bottom + MARGIN;
    drawing
}

impl<'a> Best<'a> {
    fn of(board: &'a Board) -> Option<Self> {
        let facts = board.models.iter().find(|facts| !facts.horizons.is_empty())?;
        let (scores, held_out) = (facts.horizons.last()?, &facts.trial.as_ref()?.held_out);
        let rows = held_out.for_targets(scores.horizon)?;
        Some(Self { facts, scores, held_out, rows, unit: &board.trace.unit })
    }

    /// How far ahead the forecasts shown are made, in words.
    fn ahead(&self) -> String {
        match self.scores.horizon {
            1 => "the next interval".to_owned(),
            horizon => format!("{horizon} intervals ahead"),
        }
    }

    /// Seconds since 1970 from the beginning of one held-out interval to the end of another.
    fn seconds(&self, window: &Range<usize>) -> Range<i64> {
        self.held_out.time(window.start).as_second()..self.held_out.time(window.end).as_second()
    }
}

/// Words in lines of at most so many characters.
pub(super) fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= most {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Horizontal rules and their numbers on the left, from 0 up and, where the scale goes below, down.
pub(super) fn number_axis(drawing: &mut Drawing, scale: Scale, across: (f64, f64), prefix: Prefix) {
    let (low, high) = (scale.values.0 / prefix.factor, scale.values.1 / prefix.factor);
    let below = number_ticks(-low, 3).into_iter().filter(|value| *value > 0.0).map(|value| -value);
    for value in number_ticks(high, 4).into_iter().chain(below) {
        let y = scale.at(value * prefix.factor);
        drawing.line(vec![(across.0, y), (across.1, y)], RULE, 0.5);
        let label = format!("{}", (value * 1e9).round() / 1e9).replace('-', "−");
        drawing.text((across.0 - 8.0, y), label, 11.0, Anchor::End, SOFT_INK);
    }
}

/// Vertical rules at round moments and their labels below.
pub(super) fn time_axis(drawing: &mut Drawing, seconds: &Range<i64>, across: (f64, f64), (top, bottom): (f64, f64)) {
    let moments = Scale { values: (seconds.start as f64, seconds.end as f64), pixels: across };
    for tick in time_ticks(seconds, ((across.1 - across.0) / 70.0) as usize) {
        let x = moments.at(tick.second as f64);
        drawing.line(vec![(x, top), (x, bottom)], RULE, 0.5);
        let anchor = match x {
            _ if x < across.0 + LABEL_HALF => Anchor::Start,
            _ if x > across.1 - LABEL_HALF => Anchor::End,
            _ => Anchor::Middle,
        };
        drawing.text((x, bottom + 12.0), tick.label, 11.0, anchor, SOFT_INK);
        if let Some(date) = tick.date {
            drawing.text((x, bottom + 25.0), date, 11.0, anchor, SOFT_INK);
        }
    }
}

/// The unit of a number axis, above it.
pub(super) fn axis_unit(unit: &str, largest: f64) -> (Prefix, String) {
    let prefix = prefix(largest);
    (prefix, unit_name(unit, prefix))
}
