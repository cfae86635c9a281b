//! The step of a series, durations written by people (`90s`, `1min`, `1h30m`), and the second an instant lies in.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use jiff::Timestamp;

/// The length of one interval of a series, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(NonZeroU32);

/// The second since 1970 in which an instant lies, before 1970 too, where `as_second` rounds a fraction up.
pub(crate) fn whole_second(instant: Timestamp) -> i64 {
    instant.as_second() - i64::from(instant.subsec_nanosecond() < 0)
}

/// Why a text is no usable duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// The text is not a duration at all.
    #[error("{0:?} is not a duration; write a number with a unit, such as 90s, 1m or 1h30m")]
    NotADuration(String),
    /// The duration is negative.
    #[error("the duration {0:?} is negative")]
    Negative(String),
    /// The duration must be a whole, positive number of seconds that fits 32 bits.
    #[error("{0:?} is not a whole number of seconds of at least one second")]
    NotAStep(String),
}

impl Step {
    /// One second.
    pub const SECOND: Self = Self(NonZeroU32::MIN);
    /// One minute.
    pub const MINUTE: Self = Self(NonZeroU32::new(60).unwrap());
    /// One hour.
    pub const HOUR: Self = Self(NonZeroU32::new(3_600).unwrap());
    /// One day of 24 hours.
    pub const DAY: Self = Self(NonZeroU32::new(86_400).unwrap());
    /// One week of seven days.
    pub const WEEK: Self = Self(NonZeroU32::new(604_800).unwrap());

    /// A step of so many seconds; `None` for zero.
    pub const fn from_seconds(seconds: u32) -> Option<Self> {
        match NonZeroU32::new(seconds) {
            Some(seconds) => Some(Self(seconds)),
            None => None,
        }
    }

    /// The step in seconds.
    pub const fn seconds(self) -> u32 {
        self.0.get()
    }

    /// How many ticks of this step a duration takes, rounded up.
    pub fn ticks(self, duration_seconds: f64) -> u32 {
        // Binary numbers are a little off the decimal ones that people write: 16.1 minutes come to a hair more than 966
        // seconds, which is no reason for a whole tick more.
        const ROUNDING: f64 = 1e-9;
        (duration_seconds / f64::from(self.seconds()) * (1.0 - ROUNDING)).ceil() as u32
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        match seconds {
            _ if seconds.is_multiple_of(86_400) => write!(formatter, "{}d", seconds / 86_400),
            _ if seconds.is_multiple_of(3_600) => write!(formatter, "{}h", seconds / 3_600),
            _ if seconds.is_multiple_of(60) => write!(formatter, "{}m", seconds / 60),
            _ => write!(formatter, "{seconds}s"),
        }
    }
}

impl FromStr for Step {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let seconds = parse_duration_seconds(text)?;
        if seconds.fract() != 0.0 || seconds < 1.0 || seconds > f64::from(u32::MAX) {
            return Err(DurationError::NotAStep(text.to_owned()));
        }
        Self::from_seconds(seconds as u32).ok_or_else(|| DurationError::NotAStep(text.to_owned()))
    }
}

/// Reads a duration such as `3m`, `1min`, `1h30m`, `2d` or `0s`, in seconds.
///
/// # Errors
/// When the text is no duration with a unit, or a negative one.
pub fn parse_duration_seconds(text: &str) -> Result<f64, DurationError> {
    let span: jiff::Span = text.trim().parse().map_err(|_| DurationError::NotADuration(text.to_owned()))?;
    let duration = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| DurationError::NotADuration(text.to_owned()))?;
    if duration.is_negative() {
        return Err(DurationError::Negative(text.to_owned()));
    }
    Ok(duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_cut_off_before_1970_too() {
        for (time, second) in
            [("1969-12-31T23:59:58.5Z", -2), ("1969-12-31T23:59:58Z", -2), ("1970-01-01T00:00:01.9Z", 1)]
        {
            assert_eq!(whole_second(time.parse().unwrap()), second, "{time}");
        }
    }

    #[test]
    fn durations_are_read_in_the_units_people_write() {
        for (text, seconds) in
            [("1min", 60.0), ("1m", 60.0), ("90s", 90.0), ("1h30m", 5400.0), ("2d", 172_800.0), ("0s", 0.0)]
        {
            assert_eq!(parse_duration_seconds(text), Ok(seconds), "{text}");
        }
        assert!(matches!(parse_duration_seconds("-3m"), Err(DurationError::Negative(_))));
        assert!(matches!(parse_duration_seconds("soon"), Err(DurationError::NotADuration(_))));
        assert!(matches!("0s".parse::<Step>(), Err(DurationError::NotAStep(_))));
    }

    #[test]
    fn durations_become_ticks_rounded_up() {
        assert_eq!(Step::MINUTE.ticks(180.0), 3);
        assert_eq!(Step::MINUTE.ticks(181.0), 4);
        assert_eq!(Step::MINUTE.ticks(0.0), 0);
        assert_eq!(Step::SECOND.ticks(0.001), 1);
        assert_eq!(Step::SECOND.ticks(31_622_400.5), 31_622_401, "half a second of a year still counts");
    }

    #[test]
    fn decimal_minutes_take_no_tick_more_than_they_are() {
        for tenth in 0..=6_000_u32 {
            let minutes: f64 = format!("{}.{}", tenth / 10, tenth % 10).parse().unwrap();
            assert_eq!(Step::SECOND.ticks(minutes * 60.0), tenth * 6, "{minutes} minutes");
        }
    }
}
