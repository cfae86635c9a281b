//! A load on a regular grid: with gaps ([`Observed`]) and without ([`Series`]).
//!
//! Interval `i` covers `start + i·step` up to, but without, `start + (i + 1)·step`. Every operation takes time in
//! proportion to the length of the series.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::Step;

/// What one number of a series counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Requests that arrived in the interval.
    Requests,
    /// Bytes sent in the interval.
    Bytes,
    /// A load whose unit only its owner knows.
    Value,
}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Requests => "requests",
            Self::Bytes => "bytes",
            Self::Value => "value",
        })
    }
}

/// Why a series could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// A value is negative, infinite or not a number.
    #[error("interval {index} holds {value}, but a load is a finite number of at least zero")]
    NotALoad {
        /// Index of the interval, from 0.
        index: usize,
        /// The value found.
        value: f64,
    },
    /// The new step is no whole multiple of the old one.
    #[error("{to} is not a whole multiple of the trace's own interval of {from}")]
    NotAMultiple {
        /// The series' step.
        from: Step,
        /// The step asked for.
        to: Step,
    },
    /// Fewer values than one whole new interval.
    #[error("an interval of {to} is longer than the trace ({seconds} s)")]
    TooShort {
        /// The step asked for.
        to: Step,
        /// The length of the trace in seconds.
        seconds: u64,
    },
    /// Nothing was observed.
    #[error("every interval of the trace is missing")]
    AllMissing,
    /// The factor is no usable one.
    #[error("the load cannot be multiplied by {factor}; a factor is a finite number above zero")]
    NotAFactor {
        /// The factor asked for.
        factor: f64,
    },
    /// The season is no whole number of intervals.
    #[error("a season of {season} is not a whole multiple of the trace's interval of {step}")]
    SeasonNotAMultiple {
        /// The series' step.
        step: Step,
        /// The season asked for.
        season: Step,
    },
    /// No whole interval lies within the window.
    #[error("no whole interval of the trace ({start} to {end}) lies within the window {from} to {to}")]
    OutsideWindow {
        /// Where the window starts.
        from: Timestamp,
        /// Where the window ends.
        to: Timestamp,
        /// Where the trace starts.
        start: Timestamp,
        /// Where the trace ends.
        end: Timestamp,
    },
}

/// A text that names no unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a measure; write bytes, requests or value")]
pub struct UnitError(String);

impl FromStr for Unit {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text {
            "requests" => Ok(Self::Requests),
            "bytes" => Ok(Self::Bytes),
            "value" => Ok(Self::Value),
            _ => Err(UnitError(text.to_owned())),
        }
    }
}

/// A load on a regular grid that may have gaps: a missing interval is `None`, which is not zero.
#[derive(Debug, Clone)]
pub struct Observed {
    start: Timestamp,
    step: Step,
    unit: Unit,
    /// A missing interval is stored as NaN, never shown as such.
    values: Vec<f64>,
}

/// A load on a regular grid without gaps; only [`Observed::fill`] makes one, from data that may have some.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    start: Timestamp,
    step: Step,
    unit: Unit,
    values: Vec<f64>,
}

impl PartialEq for Observed {
    /// Missing intervals are equal to each other, which NaN is not.
    fn eq(&self, other: &Self) -> bool {
        (self.start, self.step, self.unit, self.len()) == (other.start, other.step, other.unit, other.len())
            && self.values().eq(other.values())
    }
}

impl Observed {
    /// A series from `start`, one value per `step`, where `None` is missing.
    ///
    /// # Errors
    /// When a value is negative, infinite or not a number.
    pub fn new(
        start: Timestamp,
        step: Step,
        unit: Unit,
        values: impl IntoIterator<Item = Option<f64>>,
    ) -> Result<Self, SeriesError> {
        let values = values
            .into_iter()
            .enumerate()
            .map(|(index, value)| match value {
                None => Ok(f64::NAN),
                Some(value) if is_load(value) => Ok(value),
                Some(value) => Err(SeriesError::NotALoad { index, value }),
            })
            .collect::<Result<Vec<f64>, SeriesError>>()?;
        Ok(Self::from_raw(start, step, unit, values))
    }

    /// As [`Observed::new`] from values that were checked where they were read; NaN is a missing interval.
    pub(crate) const fn from_raw(start: Timestamp, step: Step, unit: Unit, values: Vec<f64>) -> Self {
        Self { start, step, unit, values }
    }

    /// The values, NaN where an interval is missing.
    pub(crate) fn raw(&self) -> &[f64] {
        &self.values
    }

    /// The instant at which the first interval begins.
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// The length of one interval.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// What one value counts.
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// Number of intervals, missing ones included.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no interval at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of an interval; `None` where it is missing or outside the series.
    pub fn get(&self, index: usize) -> Option<f64> {
        self.values.get(index).copied().filter(|value| !value.is_nan())
    }

    /// The values in order; `None` is a missing interval.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Option<f64>> + '_ {
        self.values.iter().map(|value| if value.is_nan() { None } else { Some(*value) })
    }

    /// Number of missing intervals.
    pub fn missing(&self) -> usize {
        self.values.iter().filter(|value| value.is_nan()).count()
    }

    /// The sum of what was observed.
    pub fn total(&self) -> f64 {
        self.values.iter().filter(|value| !value.is_nan()).sum()
    }

    /// The instant at which interval `index` begins; the index may lie beyond the end.
    pub fn time(&self, index: usize) -> Timestamp {
        time_of(self.start, self.step, index)
    }

    /// The instant at which the last interval ends.
    pub fn end(&self) -> Timestamp {
        self.time(self.len())
    }

    /// Sums to a longer interval. The new intervals start at the series' own first instant. An interval of which any
    /// part is missing is missing, as its sum is unknown; a last incomplete one is dropped.
    ///
    /// # Errors
    /// When `step` is no whole multiple of the series' own, or longer than the series.
    pub fn resample(&self, step: Step) -> Result<Self, SeriesError> {
        let values = summed(&self.values, self.step, step)?;
        Ok(Self { step, values, ..*self })
    }

    /// Multiplies every value.
    ///
    /// # Errors
    /// When the factor is not a finite number above zero, or a product overflows.
    pub fn scale(&self, factor: f64) -> Result<Self, SeriesError> {
        Ok(Self { values: scaled(&self.values, factor)?, ..*self })
    }

    /// The whole intervals that lie within `window`; it may reach beyond the series on either side.
    ///
    /// # Errors
    /// When there is no such interval.
    pub fn window(&self, window: Range<Timestamp>) -> Result<Self, SeriesError> {
        let range = intervals_within(self.start, self.step, self.len(), &window)?;
        Ok(Self { start: self.time(range.start), values: self.values[range].to_vec(), ..*self })
    }
}

impl Series {
    /// From values of which none is missing.
    pub(crate) const fn from_raw(start: Timestamp, step: Step, unit: Unit, values: Vec<f64>) -> Self {
        Self { start, step, unit, values }
    }

    /// The instant at which the first interval begins.
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// The length of one interval.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// What one value counts.
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// The values in order, all finite and at least zero.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of intervals.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no interval at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The sum of all values.
    pub fn total(&self) -> f64 {
        self.values.iter().sum()
    }

    /// The instant at which interval `index` begins; the index may lie beyond the end.
    pub fn time(&self, index: usize) -> Timestamp {
        time_of(self.start, self.step, index)
    }

    /// The instant at which the last interval ends.
    pub fn end(&self) -> Timestamp {
        self.time(self.len())
    }

    /// The whole intervals that lie within `window`; it may reach beyond the series on either side.
    ///
    /// # Errors
    /// When there is no such interval.
    pub fn window(&self, window: Range<Timestamp>) -> Result<Self, SeriesError> {
        let range = intervals_within(self.start, self.step, self.len(), &window)?;
        Ok(Self { start: self.time(range.start), values: self.values[range].to_vec(), ..*self })
    }
}

impl From<Series> for Observed {
    fn from(series: Series) -> Self {
        Self { start: series.start, step: series.step, unit: series.unit, values: series.values }
    }
}

/// Whether a number may be a load.
pub(crate) fn is_load(value: f64) -> bool {
    value >= 0.0 && value.is_finite()
}

fn time_of(start: Timestamp, step: Step, index: usize) -> Timestamp {
    let seconds = (index as i64).saturating_mul(i64::from(step.seconds()));
    start.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Sums of `to / from` values each; NaN where any of them is.
fn summed(values: &[f64], from: Step, to: Step) -> Result<Vec<f64>, SeriesError> {
    if !to.seconds().is_multiple_of(from.seconds()) {
        return Err(SeriesError::NotAMultiple { from, to });
    }
    let width = (to.seconds() / from.seconds()) as usize;
    if values.len() < width {
        return Err(SeriesError::TooShort { to, seconds: values.len() as u64 * u64::from(from.seconds()) });
    }
    let sums: Vec<f64> = values.chunks_exact(width).map(|part| part.iter().sum()).collect();
    match sums.iter().position(|sum| sum.is_infinite()) {
        Some(index) => Err(SeriesError::NotALoad { index, value: f64::INFINITY }),
        None => Ok(sums),
    }
}

fn scaled(values: &[f64], factor: f64) -> Result<Vec<f64>, SeriesError> {
    if !factor.is_finite() || factor <= 0.0 {
        return Err(SeriesError::NotAFactor { factor });
    }
    let products: Vec<f64> = values.iter().map(|value| value * factor).collect();
    match products.iter().position(|product| product.is_infinite()) {
        Some(index) => Err(SeriesError::NotALoad { index, value: f64::INFINITY }),
        None => Ok(products),
    }
}

/// The indices of the intervals that lie wholly within the window.
fn intervals_within(
    start: Timestamp,
    step: Step,
    length: usize,
    window: &Range<Timestamp>,
) -> Result<Range<usize>, SeriesError> {
    let nanoseconds = i128::from(step.seconds()) * 1_000_000_000;
    let since_start = |instant: Timestamp| instant.as_nanosecond() - start.as_nanosecond();
    let clamp = |index: i128| index.clamp(0, length as i128) as usize;
    let first = clamp(-(-since_start(window.start)).div_euclid(nanoseconds));
    let last = clamp(since_start(window.end).div_euclid(nanoseconds));
    if first < last {
        return Ok(first..last);
    }
    let end = time_of(start, step, length);
    Err(SeriesError::OutsideWindow { from: window.start, to: window.end, start, end })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minutes(values: Vec<Option<f64>>) -> Observed {
        Observed::new("1995-07-01T04:00:00Z".parse().unwrap(), Step::MINUTE, Unit::Requests, values).unwrap()
    }

    fn plus(observed: &Observed, seconds: i64) -> Timestamp {
        observed.start() + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn resampling_sums_and_keeps_gaps_as_gaps() {
        let observed = minutes(vec![Some(1.0), Some(2.0), None, Some(4.0), Some(5.0), Some(6.0), Some(7.0)]);
        let step = Step::from_seconds(120).unwrap();
        let resampled = observed.resample(step).unwrap();
        assert_eq!(resampled.values().collect::<Vec<_>>(), [Some(3.0), None, Some(11.0)]);
        assert_eq!((resampled.start(), resampled.step()), (observed.start(), step));
        assert_eq!(observed.resample(Step::MINUTE), Ok(observed.clone()));
        let from = Step::MINUTE;
        let to = Step::from_seconds(90).unwrap();
        assert_eq!(observed.resample(to), Err(SeriesError::NotAMultiple { from, to }));
        assert_eq!(observed.resample(Step::HOUR), Err(SeriesError::TooShort { to: Step::HOUR, seconds: 420 }));
    }

    #[test]
    fn a_window_keeps_the_whole_intervals_within_it() {
        let observed = minutes((0..10).map(|minute| Some(f64::from(minute))).collect());
        let part = observed.window(plus(&observed, 61)..plus(&observed, 299)).unwrap();
        assert_eq!(part.values().collect::<Vec<_>>(), [Some(2.0), Some(3.0)]);
        assert_eq!(part.start(), plus(&observed, 120));
        assert_eq!(observed.window(Timestamp::MIN..Timestamp::MAX), Ok(observed.clone()));
        let outside = observed.window(plus(&observed, 600)..plus(&observed, 900));
        assert!(matches!(outside, Err(SeriesError::OutsideWindow { .. })));
        assert!(observed.window(plus(&observed, 1)..plus(&observed, 119)).is_err(), "no whole interval");
    }

    #[test]
    fn what_is_no_load_or_no_factor_is_refused() {
        for value in [-1.0, f64::NAN, f64::INFINITY] {
            let made = Observed::new(Timestamp::UNIX_EPOCH, Step::SECOND, Unit::Value, [Some(0.0), Some(value)]);
            assert!(matches!(made, Err(SeriesError::NotALoad { index: 1, .. })), "{value}");
            assert!(matches!(minutes(vec![Some(1.0)]).scale(value), Err(SeriesError::NotAFactor { .. })), "{value}");
        }
        assert!(matches!(minutes(vec![Some(1e300)]).scale(1e300), Err(SeriesError::NotALoad { index: 0, .. })));
        let huge = minutes(vec![Some(f64::MAX), Some(f64::MAX)]);
        let overflowed = huge.resample(Step::from_seconds(120).unwrap());
        assert!(matches!(overflowed, Err(SeriesError::NotALoad { index: 0, .. })));
    }

    proptest! {
        #[test]
        fn resampling_keeps_the_total_of_whole_intervals(
            values in prop::collection::vec(0_u32..1_000_000, 1..300), width in 1_u32..20,
        ) {
            let observed = minutes(values.iter().map(|value| Some(f64::from(*value))).collect());
            let step = Step::from_seconds(60 * width).unwrap();
            let whole = values.len() / width as usize * width as usize;
            prop_assert_eq!(observed.resample(step).is_ok(), whole > 0);
            if let Ok(resampled) = observed.resample(step) {
                let expected: u64 = values[..whole].iter().map(|value| u64::from(*value)).sum();
                prop_assert_eq!(resampled.total(), expected as f64);
                prop_assert_eq!(resampled.len(), values.len() / width as usize);
            }
        }

        #[test]
        fn a_window_of_a_window_is_the_window_of_both(
            edges in prop::array::uniform4(-1_000_i64..8_000), length in 1_usize..120,
        ) {
            let observed = minutes((0..length).map(|minute| Some(minute as f64)).collect());
            let at = |seconds| plus(&observed, seconds);
            let [a, b, c, d] = edges;
            let both = at(a.max(c))..at(b.min(d));
            let twice = observed.window(at(a)..at(b)).and_then(|part| part.window(at(c)..at(d)));
            prop_assert_eq!(twice.ok(), observed.window(both).ok());
        }
    }
}
