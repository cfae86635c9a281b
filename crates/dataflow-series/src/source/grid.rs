//! From rows with times to a regular grid: rows that are one request each are summed, rows that are one interval each
//! are put where their time says.

use std::collections::HashMap;

use jiff::Timestamp;

use super::INTERVALS_MAX;
use super::error::{Place, Problem, SourceError, unusable};
use crate::log::Reach;
use crate::{Observed, SeriesError, Step, Unit};

/// Requests and bytes per interval, from rows in any order.
pub(super) struct EventBins {
    interval: Step,
    bins: HashMap<i64, Bin>,
    reach: Reach,
}

#[derive(Clone, Copy, Default)]
struct Bin {
    requests: f64,
    bytes: f64,
}

/// Both loads of a table with one row per request.
pub(super) struct Events {
    pub(super) requests: Observed,
    pub(super) bytes: Observed,
}

impl EventBins {
    /// Intervals begin at whole multiples of their length since 1970, UTC.
    pub(super) fn new(interval: Step) -> Self {
        Self { interval, bins: HashMap::new(), reach: Reach::NOTHING }
    }

    pub(super) fn add(&mut self, second: i64, bytes: f64) {
        self.reach.add(second);
        let bin = self.bins.entry(second.div_euclid(i64::from(self.interval.seconds()))).or_default();
        bin.requests += 1.0;
        bin.bytes += bytes;
    }

    /// From the first interval with a row to the last one; an interval between them without any row is zero.
    pub(super) fn finish(self, name: &str) -> Result<Events, SourceError> {
        let (Some(first), Some(last)) = (self.bins.keys().min().copied(), self.bins.keys().max().copied()) else {
            return Err(unusable(name, "has no row below its header"));
        };
        check_interval(name, self.interval, self.reach)?;
        let seconds = i64::from(self.interval.seconds());
        let start = first * seconds;
        let length = grid_length(name, start, last * seconds, self.interval)?;
        let mut requests = vec![0.0; length];
        let mut bytes = vec![0.0; length];
        for (index, bin) in self.bins {
            requests[(index - first) as usize] = bin.requests;
            bytes[(index - first) as usize] = bin.bytes;
        }
        let start = instant(start);
        Ok(Events {
            requests: Observed::from_raw(start, self.interval, Unit::Requests, requests),
            bytes: Observed::from_raw(start, self.interval, Unit::Bytes, bytes),
        })
    }
}

/// Refuses an interval that is longer than the time from the first request's minute to the last one's.
pub(super) fn check_interval(name: &str, interval: Step, reach: Reach) -> Result<(), SourceError> {
    let seconds = reach.whole_minutes();
    if seconds < u64::from(interval.seconds()) {
        let source = SeriesError::TooShort { to: interval, seconds };
        return Err(SourceError::Series { name: name.to_owned(), source });
    }
    Ok(())
}

/// The rows of one file of which each is one interval, in rising order of time.
pub(super) struct RegularRows {
    name: String,
    seconds: Vec<i64>,
    /// NaN is a gap.
    values: Vec<f64>,
    /// Columns read besides the load, in their order; NaN is a gap.
    extras: Vec<Vec<f64>>,
    lines: LineNumbers,
    has_lines: bool,
    /// Rows of the same time are added up.
    sums: bool,
}

impl RegularRows {
    /// `has_lines` tells whether places are lines (of a text) or rows (of a binary table).
    pub(super) fn new(name: &str, has_lines: bool, extras: usize) -> Self {
        Self {
            name: name.to_owned(),
            seconds: Vec::new(),
            values: Vec::new(),
            extras: vec![Vec::new(); extras],
            lines: LineNumbers::default(),
            has_lines,
            sums: false,
        }
    }

    /// Takes rows of the same time for parts of one.
    pub(super) fn sum_rows_of_one_time(&mut self) {
        self.sums = true;
    }

    /// The time of the last row.
    pub(super) fn last(&self) -> Option<i64> {
        self.seconds.last().copied()
    }

    /// Adds a row that must come after the one before; `None` is a gap.
    pub(super) fn add(
        &mut self,
        line: u64,
        second: i64,
        value: Option<f64>,
        extras: &[Option<f64>],
    ) -> Result<(), SourceError> {
        if self.sums && self.last() == Some(second) {
            if let (Some(sum), Some(value)) = (self.values.last_mut(), value) {
                *sum = if sum.is_nan() { value } else { *sum + value };
            }
            return Ok(());
        }
        self.lines.add(line);
        match self.last() {
            Some(previous) if previous == second => {
                return Err(self.wrong(self.seconds.len(), Problem::Duplicate(instant(second))));
            }
            Some(previous) if previous > second => {
                let problem = Problem::Unsorted { time: instant(second), previous: instant(previous) };
                return Err(self.wrong(self.seconds.len(), problem));
            }
            _ => {}
        }
        self.seconds.push(second);
        self.values.push(value.unwrap_or(f64::NAN));
        for (column, value) in self.extras.iter_mut().zip(extras) {
            column.push(value.unwrap_or(f64::NAN));
        }
        Ok(())
    }

    fn wrong(&self, row: usize, problem: Problem) -> SourceError {
        let line = self.lines.line(row);
        let place = if self.has_lines { Place::Line(line) } else { Place::Row(line) };
        SourceError::At { name: self.name.clone(), place, problem }
    }
}

/// One series from the rows of one or many files, whatever the order of the files, and the values of each extra column.
/// Times that no row has are missing. Without a `step` it is the commonest distance of two rows.
pub(super) fn regular(
    name: &str,
    mut files: Vec<RegularRows>,
    step: Option<Step>,
    unit: Unit,
) -> Result<(Observed, Vec<Vec<f64>>), SourceError> {
    if let Some(empty) = files.iter().find(|file| file.seconds.is_empty()) {
        return Err(unusable(&empty.name, "has no row below its header"));
    }
    files.sort_by_key(|file| file.seconds[0]);
    for pair in files.windows(2) {
        if pair[0].last() >= pair[1].seconds.first().copied() {
            let problem = format!("covers times that {} covers too; keep each time in one file", pair[0].name);
            return Err(unusable(&pair[1].name, problem));
        }
    }
    let step = match step {
        Some(step) => step,
        None => commonest_distance(name, &files)?,
    };
    let seconds = i64::from(step.seconds());
    let start = files[0].seconds[0];
    let last = files.last().and_then(RegularRows::last).unwrap_or(start);
    let length = grid_length(name, start, last, step)?;
    let mut values = vec![f64::NAN; length];
    let mut extras = vec![values.clone(); files[0].extras.len()];
    for file in &files {
        for (row, (second, value)) in file.seconds.iter().zip(&file.values).enumerate() {
            let since_start = second - start;
            if since_start % seconds != 0 {
                let problem = Problem::OffGrid { time: instant(*second), step, start: instant(start) };
                return Err(file.wrong(row, problem));
            }
            let index = (since_start / seconds) as usize;
            values[index] = *value;
            for (extra, column) in extras.iter_mut().zip(&file.extras) {
                extra[index] = column[row];
            }
        }
    }
    Ok((Observed::from_raw(instant(start), step, unit, values), extras))
}

fn commonest_distance(name: &str, files: &[RegularRows]) -> Result<Step, SourceError> {
    let mut counts: HashMap<i64, usize> = HashMap::new();
    let mut previous = None;
    let mut rows = 0;
    for second in files.iter().flat_map(|file| &file.seconds) {
        if let Some(previous) = previous.replace(second) {
            *counts.entry(second - previous).or_default() += 1;
        }
        rows += 1;
    }
    // Of equally common distances the shortest one, whose grid can hold the most rows.
    let distance =
        counts.into_iter().max_by_key(|(distance, count)| (*count, -*distance)).map(|(distance, _)| distance);
    distance
        .and_then(|distance| u32::try_from(distance).ok())
        .and_then(Step::from_seconds)
        .ok_or_else(|| SourceError::StepUnknown { name: name.to_owned(), rows })
}

/// Replaces every run of silent intervals that lasts at least `silence` by a gap: a server that says nothing for so
/// long was not running or not logged.
pub(super) fn silence_as_gap(observed: &Observed, silence: Step, is_silent: impl Fn(usize) -> bool) -> Observed {
    let intervals = silence.seconds().div_ceil(observed.step().seconds()) as usize;
    let mut values = observed.raw().to_vec();
    let mut begin = 0;
    for end in 0..=values.len() {
        if end < values.len() && is_silent(end) {
            continue;
        }
        if end - begin >= intervals {
            values[begin..end].fill(f64::NAN);
        }
        begin = end + 1;
    }
    Observed::from_raw(observed.start(), observed.step(), observed.unit(), values)
}

/// Number of intervals from one that begins at `start` to one that begins at `last`, checked to be sensible.
fn grid_length(name: &str, start: i64, last: i64, step: Step) -> Result<usize, SourceError> {
    let intervals = last.abs_diff(start) / u64::from(step.seconds()) + 1;
    if intervals > INTERVALS_MAX {
        let (start, end) = (instant(start), instant(last));
        return Err(SourceError::TooLong { name: name.to_owned(), start, end, step, intervals });
    }
    Ok(intervals as usize)
}

pub(super) fn instant(second: i64) -> Timestamp {
    let clamped = second.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(clamped).unwrap_or(Timestamp::MAX)
}

/// The line of every row, kept small: rows mostly follow line by line, so only the exceptions are stored.
#[derive(Default)]
struct LineNumbers {
    rows: u64,
    /// From this row on, the line is the row's index plus the second number.
    from: Vec<(u64, u64)>,
}

impl LineNumbers {
    fn add(&mut self, line: u64) {
        let distance = line.saturating_sub(self.rows);
        if self.from.last().is_none_or(|(_, last)| *last != distance) {
            self.from.push((self.rows, distance));
        }
        self.rows += 1;
    }

    fn line(&self, row: usize) -> u64 {
        let row = row as u64;
        let after = self.from.partition_point(|(from, _)| *from <= row);
        after.checked_sub(1).map_or(row, |index| row + self.from[index].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(seconds: &[i64]) -> RegularRows {
        let mut rows = RegularRows::new("test", true, 0);
        for (index, second) in seconds.iter().enumerate() {
            rows.add(index as u64 + 2, *second, Some(*second as f64), &[]).unwrap();
        }
        rows
    }

    #[test]
    fn the_step_is_the_commonest_distance_and_missing_rows_are_gaps() {
        let (observed, _) = regular("test", vec![rows(&[60, 120, 300, 360])], None, Unit::Value).unwrap();
        assert_eq!(observed.step(), Step::MINUTE);
        let values: Vec<_> = observed.values().collect();
        assert_eq!(values, [Some(60.0), Some(120.0), None, None, Some(300.0), Some(360.0)]);
        assert!(matches!(regular("test", vec![rows(&[60])], None, Unit::Value), Err(SourceError::StepUnknown { .. })));
    }

    #[test]
    fn files_are_joined_in_the_order_of_their_times() {
        let (observed, _) = regular("test", vec![rows(&[120, 180]), rows(&[0, 60])], None, Unit::Value).unwrap();
        assert_eq!(observed.values().flatten().collect::<Vec<_>>(), [0.0, 60.0, 120.0, 180.0]);
        let overlap = regular("test", vec![rows(&[0, 60, 120]), rows(&[120, 180])], None, Unit::Value);
        assert!(overlap.unwrap_err().to_string().contains("keep each time in one file"));
    }

    #[test]
    fn rows_off_the_grid_and_endless_grids_are_refused() {
        let error = regular("test", vec![rows(&[0, 60, 120, 190])], None, Unit::Value).unwrap_err().to_string();
        assert!(error.starts_with("test, line 5: 1970-01-01T00:03:10Z does not lie on the grid of 1m"), "{error}");
        let error = regular("test", vec![rows(&[0, 4_000_000_000])], Some(Step::SECOND), Unit::Value).unwrap_err();
        assert!(matches!(error, SourceError::TooLong { .. }), "{error}");
    }

    #[test]
    fn long_silences_become_gaps_and_short_ones_stay() {
        let values = [0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        let observed = Observed::from_raw(instant(0), Step::MINUTE, Unit::Requests, values.to_vec());
        let silence = Step::from_seconds(120).unwrap();
        let gapped = silence_as_gap(&observed, silence, |index| values[index] == 0.0);
        let expected = [None, None, Some(1.0), Some(0.0), Some(1.0), None, None, None];
        assert_eq!(gapped.values().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn line_numbers_survive_blank_lines() {
        let mut lines = LineNumbers::default();
        for line in [2, 3, 5, 6, 9] {
            lines.add(line);
        }
        assert_eq!((0..5).map(|row| lines.line(row)).collect::<Vec<_>>(), [2, 3, 5, 6, 9]);
    }
}
