//! A load on a regular grid: with gaps ([`Observed`]) and without ([`Series`]).

use std::fmt;

use jiff::Timestamp;

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
}

/// A load on a regular grid that may have gaps: a missing interval is `None`, which is not zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    start: Timestamp,
    step: Step,
    unit: Unit,
    /// A missing interval is stored as NaN, never shown as such.
    values: Vec<f64>,
}

/// A load on a regular grid without gaps; only [`Observed::fill`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    start: Timestamp,
    step: Step,
    unit: Unit,
    values: Vec<f64>,
}

/// How missing intervals are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fill {
    /// By zero: nothing arrived.
    Zero,
    /// By the last value seen (the first one seen, before it).
    Hold,
    /// By the straight line between the neighbours.
    Interpolate,
    /// By the value one season (so many intervals) before, or after it where there is none before; what no season
    /// reaches is interpolated.
    Seasonal(usize),
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
                Some(value) if value >= 0.0 && value.is_finite() => Ok(value),
                Some(value) => Err(SeriesError::NotALoad { index, value }),
            })
            .collect::<Result<Vec<f64>, SeriesError>>()?;
        Ok(Self { start, step, unit, values })
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
}

impl Series {
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

    /// The instant at which interval `index` begins.
    pub fn time(&self, index: usize) -> Timestamp {
        let seconds = self.start.as_second() + index as i64 * i64::from(self.step.seconds());
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    }
}
