//! What a trace tells of each interval besides its load: the answers by status class, and bytes or requests, whichever
//! is not the load. Models may learn from it; it is known no earlier than the load.

use jiff::Timestamp;

use super::write::COUNTS;
use crate::log::Row;
use crate::{Observed, SeriesError, Step, Unit};

/// One more column of a trace, on the grid of its load.
#[derive(Debug, Clone, PartialEq)]
pub struct Extra {
    /// Its name, as `dataflow ingest` writes it: `requests`, `bytes`, `success`, `no_change`, `redirected`, `not_found`
    /// or `error`.
    pub name: &'static str,
    /// What it counts per interval.
    pub values: Observed,
}

impl Extra {
    fn new(name: &'static str, start: Timestamp, step: Step, values: Vec<f64>) -> Self {
        let unit = if name == "bytes" { Unit::Bytes } else { Unit::Requests };
        Self { name, values: Observed::from_raw(start, step, unit, values) }
    }

    pub(super) fn resample(self, step: Step) -> Result<Self, SeriesError> {
        Ok(Self { values: self.values.resample(step)?, ..self })
    }
}

/// The columns of traffic but that of the load.
pub(super) fn of_rows(rows: &[(Timestamp, Option<Row>)], step: Step, load: Unit) -> Vec<Extra> {
    let Some((start, _)) = rows.first() else { return Vec::new() };
    let column = |(name, count): &(&'static str, fn(&Row) -> u64)| {
        let values = rows.iter().map(|(_, row)| row.as_ref().map_or(f64::NAN, |row| count(row) as f64)).collect();
        Extra::new(name, *start, step, values)
    };
    COUNTS.iter().filter(|(name, _)| *name != load.to_string()).map(column).collect()
}

/// The places of all columns of `dataflow ingest` but that of the load, where a table has every one of its status
/// classes: then it is such a table, and not one that means something else by `error`.
pub(super) fn places(columns: &[String], load: Unit) -> [Option<usize>; COUNTS.len()] {
    let find = |wanted: &str| columns.iter().position(|column| column.trim().eq_ignore_ascii_case(wanted));
    let found = COUNTS.map(|(name, _)| find(name));
    let is_whole = COUNTS.iter().zip(&found).all(|((name, _), place)| place.is_some() || is_load_name(name));
    let mut places = if is_whole { found } else { [None; COUNTS.len()] };
    for ((name, _), place) in COUNTS.iter().zip(&mut places) {
        if *name == load.to_string() {
            *place = None;
        }
    }
    places
}

fn is_load_name(name: &str) -> bool {
    [Unit::Bytes, Unit::Requests].iter().any(|unit| unit.to_string() == name)
}

/// Columns read from a table, by their places among those of `dataflow ingest`.
pub(super) fn of_columns(start: Timestamp, step: Step, columns: Vec<(usize, Vec<f64>)>) -> Vec<Extra> {
    columns.into_iter().map(|(place, values)| Extra::new(COUNTS[place].0, start, step, values)).collect()
}
