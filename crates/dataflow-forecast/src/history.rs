//! What models may look at: a past load with its gaps marked, what else was measured with it, and finer loads inside
//! of its intervals.
//!
//! A [`History`] owns a whole trace; a [`View`] is a stretch of it, and a model never gets anything else. Loads are in
//! the unit of the series, one per step. Whatever belongs to an interval is known at its end and not before.

use std::ops::Range;

use dataflow_series::{Series, Step};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A quantity measured beside the load, such as the requests of one status class: one finite value per interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Exogenous {
    /// What it is called, in words that users know.
    pub name: String,
    /// One value per interval, gaps filled from the past.
    pub values: Vec<f64>,
}

/// A whole trace as models see it.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    series: Series,
    /// Whether the load of an interval was missing and had to be filled; empty where none was.
    missing: Vec<bool>,
    exogenous: Vec<Exogenous>,
    /// The loads of so many equal parts of each interval, in order; empty where nothing finer is known.
    inside: Vec<f64>,
    parts: usize,
}

/// Columns that do not belong to the series they were put beside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// A column has another length than the series.
    #[error("the column {column} has {got} values, but the series has {expected} intervals")]
    Length {
        /// Name of the column.
        column: String,
        /// Values needed.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// A column holds a value that is not finite.
    #[error("the column {column} holds a value that is not finite, at interval {interval}")]
    NotFinite {
        /// Name of the column.
        column: String,
        /// The interval, counted from 0.
        interval: usize,
    },
}

/// A stretch of a history: all that a model may see.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    start: Timestamp,
    step: Step,
    time_zone: &'a TimeZone,
    values: &'a [f64],
    missing: &'a [bool],
    exogenous: &'a [Exogenous],
    /// The place of the first interval within the exogenous columns.
    offset: usize,
    inside: &'a [f64],
    parts: usize,
}

impl History {
    /// A history of a load alone, nothing of which was missing.
    pub fn new(series: Series) -> Self {
        Self { series, missing: Vec::new(), exogenous: Vec::new(), inside: Vec::new(), parts: 0 }
    }

    /// Marks the intervals whose load was missing and had to be filled.
    ///
    /// # Errors
    /// When there is not one mark per interval.
    pub fn with_missing(mut self, missing: Vec<bool>) -> Result<Self, HistoryError> {
        check_length("missing", missing.len(), self.series.len())?;
        self.missing = if missing.contains(&true) { missing } else { Vec::new() };
        Ok(self)
    }

    /// Adds a quantity measured beside the load.
    ///
    /// # Errors
    /// When it has not one finite value per interval.
    pub fn with_exogenous(mut self, column: Exogenous) -> Result<Self, HistoryError> {
        check_length(&column.name, column.values.len(), self.series.len())?;
        check_finite(&column.name, &column.values)?;
        self.exogenous.push(column);
        Ok(self)
    }

    /// Adds the loads of `parts` equal parts of each interval, in order.
    ///
    /// # Errors
    /// When there are not so many finite values per interval.
    pub fn with_inside(mut self, parts: usize, loads: Vec<f64>) -> Result<Self, HistoryError> {
        check_length("inside", loads.len(), self.series.len() * parts)?;
        check_finite("inside", &loads)?;
        (self.inside, self.parts) = (loads, parts);
        Ok(self)
    }

    /// The loads, gaps filled.
    pub const fn series(&self) -> &Series {
        &self.series
    }

    /// The quantities measured beside the load.
    pub fn exogenous(&self) -> &[Exogenous] {
        &self.exogenous
    }

    /// All of it, with calendars read in `time_zone`.
    pub fn view<'a>(&'a self, time_zone: &'a TimeZone) -> View<'a> {
        View {
            start: self.series.start(),
            step: self.series.step(),
            time_zone,
            values: self.series.values(),
            missing: &self.missing,
            exogenous: &self.exogenous,
            offset: 0,
            inside: &self.inside,
            parts: self.parts,
        }
    }
}

fn check_length(column: &str, got: usize, expected: usize) -> Result<(), HistoryError> {
    if got == expected { Ok(()) } else { Err(HistoryError::Length { column: column.to_owned(), expected, got }) }
}

fn check_finite(column: &str, values: &[f64]) -> Result<(), HistoryError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(interval) => Err(HistoryError::NotFinite { column: column.to_owned(), interval }),
        None => Ok(()),
    }
}

impl<'a> View<'a> {
    /// A whole series without gaps, with calendars read in `time_zone`.
    pub fn of(series: &'a Series, time_zone: &'a TimeZone) -> Self {
        Self {
            start: series.start(),
            step: series.step(),
            time_zone,
            values: series.values(),
            missing: &[],
            exogenous: &[],
            offset: 0,
            inside: &[],
            parts: 0,
        }
    }

    /// The first `length` intervals (all of them if there are fewer).
    #[must_use]
    pub fn first(self, length: usize) -> Self {
        self.slice(0..length)
    }

    /// The intervals of a range, cut at the end of this view.
    #[must_use]
    pub fn slice(self, range: Range<usize>) -> Self {
        let until = range.end.min(self.values.len());
        let from = range.start.min(until);
        Self {
            start: self.time(from),
            values: &self.values[from..until],
            missing: if self.missing.is_empty() { &[] } else { &self.missing[from..until] },
            offset: self.offset + from,
            inside: &self.inside[from * self.parts..until * self.parts],
            ..self
        }
    }

    /// Number of intervals.
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no interval at all.
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The instant at which the first interval begins.
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// The instant at which an interval begins.
    pub fn time(&self, interval: usize) -> Timestamp {
        let ahead = SignedDuration::from_secs(i64::from(self.step.seconds()).saturating_mul(interval as i64));
        self.start.saturating_add(ahead).unwrap_or(self.start)
    }

    /// The length of one interval.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// The zone whose clocks the traffic follows.
    pub const fn time_zone(&self) -> &'a TimeZone {
        self.time_zone
    }

    /// The loads, finite and at least zero; those of missing intervals are filled from the past.
    pub const fn values(&self) -> &'a [f64] {
        self.values
    }

    /// Whether the load of an interval was missing and had to be filled.
    pub fn is_missing(&self, interval: usize) -> bool {
        self.missing.get(interval).copied().unwrap_or(false)
    }

    /// The quantities measured beside the load: name, and one value per interval.
    pub fn exogenous(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a [f64])> + use<'a> {
        let (from, until) = (self.offset, self.offset + self.values.len());
        self.exogenous.iter().map(move |column| (column.name.as_str(), &column.values[from..until]))
    }

    /// The loads of equal parts inside of the intervals, as the number of parts and `parts` loads per interval in
    /// order; `None` where nothing finer is known.
    pub const fn inside(&self) -> Option<(usize, &'a [f64])> {
        if self.parts == 0 { None } else { Some((self.parts, self.inside)) }
    }
}

#[cfg(test)]
mod tests {
    use dataflow_series::{Fill, Observed, Unit};

    use super::*;

    fn history() -> History {
        let observed = Observed::new(
            Timestamp::UNIX_EPOCH,
            Step::MINUTE,
            Unit::Requests,
            (0..4).map(|load| Some(f64::from(load))),
        );
        History::new(observed.unwrap().fill(Fill::Zero).unwrap())
    }

    #[test]
    fn a_slice_cuts_every_column_alike() {
        let history = history()
            .with_missing(vec![false, true, false, false])
            .and_then(|history| history.with_inside(2, (0..8).map(f64::from).collect()))
            .and_then(|history| {
                history.with_exogenous(Exogenous { name: "bytes".to_owned(), values: vec![5.0, 6.0, 7.0, 8.0] })
            })
            .unwrap();
        let zone = TimeZone::UTC;
        let view = history.view(&zone).slice(1..3);
        assert_eq!(view.values(), [1.0, 2.0]);
        assert_eq!(view.start().as_second(), 60);
        assert_eq!([view.is_missing(0), view.is_missing(1), view.is_missing(2)], [true, false, false]);
        assert_eq!(view.exogenous().collect::<Vec<_>>(), [("bytes", &[6.0, 7.0][..])]);
        assert_eq!(view.inside(), Some((2, &[2.0, 3.0, 4.0, 5.0][..])));
        let last = view.slice(1..9).slice(0..1);
        assert_eq!((last.values(), last.exogenous().next()), (&[2.0][..], Some(("bytes", &[7.0][..]))));
        assert!(view.slice(7..9).is_empty());
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        assert!(history().with_missing(vec![true]).is_err());
        assert!(history().with_inside(3, vec![1.0; 11]).is_err());
        let column = Exogenous { name: "errors".to_owned(), values: vec![1.0, f64::NAN, 1.0, 1.0] };
        let error = history().with_exogenous(column).unwrap_err().to_string();
        assert!(error.contains("errors") && error.contains("interval 1"), "{error}");
    }
}
