//! What is asked of the generator, and its written form `NAME?seed=…&days=…&step=…&start=…`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::Shape;
use crate::Step;

/// The seed that is used when none is given.
pub const DEFAULT_SEED: u64 = 1995;

/// The longest trace, in days: ten years.
const DAYS_MAX: f64 = 3_653.0;

/// The most intervals of one trace: 115 days of seconds.
const INTERVALS_MAX: f64 = 10_000_000.0;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// Which synthetic trace to make. Equal requests make equal traces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SyntheticRequest {
    /// The shape of the load.
    pub shape: Shape,
    /// The seed of everything random in it.
    pub seed: u64,
    /// The length in days of 24 hours, more than 0; only whole intervals are made.
    pub days: f64,
    /// The length of one interval: a divisor or a multiple of one minute.
    pub step: Step,
    /// The instant at which the first interval begins.
    pub start: Timestamp,
}

/// Why no synthetic trace can be made as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntheticError {
    /// There is no shape of this name.
    #[error("there is no synthetic trace {name:?}; expected one of {}", Shape::names())]
    UnknownShape {
        /// The name given.
        name: String,
    },
    /// There is no such key after the question mark.
    #[error(
        "a synthetic trace has no setting {key:?}; expected seed, days, step or start, as in nasa-like?seed=7&days=14"
    )]
    UnknownKey {
        /// The key given.
        key: String,
    },
    /// A key without `=value`.
    #[error("the setting {key:?} of a synthetic trace has no value; write {key}=VALUE")]
    NoValue {
        /// The key given.
        key: String,
    },
    /// A key was given twice.
    #[error("the setting {key:?} of a synthetic trace is given twice; keep one")]
    Twice {
        /// The key given.
        key: String,
    },
    /// A value cannot be used.
    #[error("{key}={value} cannot be used for a synthetic trace; expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value given.
        value: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// The trace would have more intervals than fit in memory.
    #[error(
        "{days} days of {step} are {intervals} intervals; at most {INTERVALS_MAX} are made: ask for fewer days or a longer step"
    )]
    TooLong {
        /// The days asked for.
        days: f64,
        /// The step asked for.
        step: Step,
        /// The number of intervals.
        intervals: f64,
    },
}

const EXPECTED_SEED: &str = "a whole number from 0 to 18446744073709551615";
const EXPECTED_DAYS: &str = "a number of days of at least one interval and at most 3653, such as 7 or 0.5";
const EXPECTED_STEP: &str = "a divisor or a multiple of one minute, such as 1s, 15s, 1m or 1h";
const EXPECTED_START: &str = "an instant with its time zone, such as 1995-07-01T04:00:00Z";

impl SyntheticRequest {
    /// The shape with its own default length, one-minute intervals and the default seed and start
    /// (1 July 1995, midnight in Florida).
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            seed: DEFAULT_SEED,
            days: shape.default_days(),
            step: Step::MINUTE,
            start: Timestamp::constant(804_571_200, 0),
        }
    }

    /// Number of whole intervals asked for.
    ///
    /// # Errors
    /// When the length, the step or the start is outside what can be made.
    pub fn intervals(&self) -> Result<usize, SyntheticError> {
        let days = || SyntheticError::Value { key: "days", value: self.days.to_string(), expected: EXPECTED_DAYS };
        if !(self.days > 0.0 && self.days <= DAYS_MAX) {
            return Err(days());
        }
        let step = self.step.seconds();
        if !step.is_multiple_of(60) && !60_u32.is_multiple_of(step) {
            return Err(SyntheticError::Value { key: "step", value: self.step.to_string(), expected: EXPECTED_STEP });
        }
        let intervals = (self.days * SECONDS_PER_DAY / f64::from(step)).floor();
        if intervals < 1.0 {
            return Err(days());
        }
        if intervals > INTERVALS_MAX {
            return Err(SyntheticError::TooLong { days: self.days, step: self.step, intervals });
        }
        let end = self.start.as_second().checked_add((self.days * SECONDS_PER_DAY) as i64);
        if end.is_none_or(|second| Timestamp::from_second(second).is_err()) {
            return Err(SyntheticError::Value {
                key: "start",
                value: self.start.to_string(),
                expected: "an instant from which the days asked for end before the year 10000",
            });
        }
        Ok(intervals as usize)
    }
}

impl fmt::Display for SyntheticRequest {
    /// The written form with every setting, which makes the same trace again.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shape, seed, days, step, start } = self;
        write!(formatter, "{shape}?seed={seed}&days={days}&step={step}&start={start}")
    }
}

impl FromStr for SyntheticRequest {
    type Err = SyntheticError;

    /// Reads what follows `synthetic:`, such as `nasa-like`, `steady?days=2` or `diurnal?seed=7&days=14&step=5m`.
    fn from_str(text: &str) -> Result<Self, SyntheticError> {
        let (name, settings) = text.split_once('?').unwrap_or((text, ""));
        let mut request = Self::new(name.parse()?);
        let mut seen: Vec<&str> = Vec::new();
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
            request.set(key, value)?;
            if seen.contains(&key) {
                return Err(SyntheticError::Twice { key: key.to_owned() });
            }
            seen.push(key);
        }
        request.intervals()?;
        Ok(request)
    }
}

impl SyntheticRequest {
    fn set(&mut self, key: &str, value: &str) -> Result<(), SyntheticError> {
        if !["seed", "days", "step", "start"].contains(&key) {
            return Err(SyntheticError::UnknownKey { key: key.to_owned() });
        }
        if value.is_empty() {
            return Err(SyntheticError::NoValue { key: key.to_owned() });
        }
        let wrong = |key, expected| SyntheticError::Value { key, value: value.to_owned(), expected };
        match key {
            "seed" => self.seed = value.parse().map_err(|_| wrong("seed", EXPECTED_SEED))?,
            "days" => self.days = value.parse().map_err(|_| wrong("days", EXPECTED_DAYS))?,
            "step" => self.step = value.parse().map_err(|_| wrong("step", EXPECTED_STEP))?,
            _ => self.start = value.parse().map_err(|_| wrong("start", EXPECTED_START))?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_starts_at_local_midnight() {
        let request: SyntheticRequest = "nasa-like".parse().unwrap();
        assert_eq!(request.to_string(), "nasa-like?seed=1995&days=58&step=1m&start=1995-07-01T04:00:00Z");
        assert_eq!(request.intervals(), Ok(58 * 1440));
    }

    #[test]
    fn the_written_form_is_read_back() {
        for text in ["steady?days=2", "diurnal?seed=7&days=0.5&step=15s", "on-off?start=2024-01-01T00:00:00Z&seed=0"] {
            let request: SyntheticRequest = text.parse().unwrap();
            assert_eq!(request.to_string().parse(), Ok(request), "{text}");
        }
    }

    #[test]
    fn errors_say_what_was_expected() {
        for (text, part) in [
            ("nasa", "one of nasa-like, steady, diurnal, flash-crowd, step, on-off"),
            ("", "one of nasa-like"),
            ("steady?speed=3", "no setting \"speed\"; expected seed, days, step or start"),
            ("steady?seed", "write seed=VALUE"),
            ("steady?seed=1&seed=2", "given twice"),
            ("steady?seed=-1", "a whole number from 0"),
            ("steady?days=0", "a number of days"),
            ("steady?days=NaN", "a number of days"),
            ("steady?days=inf", "a number of days"),
            ("steady?days=0.0001", "at least one interval"),
            ("steady?step=7s", "a divisor or a multiple of one minute"),
            ("steady?step=90s", "a divisor or a multiple of one minute"),
            ("steady?days=3000&step=1s", "fewer days or a longer step"),
            ("steady?start=yesterday", "an instant with its time zone"),
            ("steady?start=9999-12-30T00:00:00Z", "before the year 10000"),
        ] {
            let message = text.parse::<SyntheticRequest>().unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
