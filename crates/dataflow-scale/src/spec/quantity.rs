//! Quantities as people write them in a configuration: rates (`1200000/min`), times (`3m`) and shares.

use std::fmt;

use dataflow_series::{Step, parse_duration_seconds};

/// Longer times than a year are taken for a mistake in the unit.
pub(super) const SECONDS_MAX: f64 = 366.0 * 86_400.0;

/// An amount per time (`0.05/min`) or, written as a bare number, per tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The amount, finite and at least zero.
    pub amount: f64,
    /// The time in which it accrues, in seconds; `None` is one tick, whatever its length.
    pub per_seconds: Option<f64>,
}

impl Rate {
    /// The amount in one tick of this length.
    pub fn per_tick(self, step: Step) -> f64 {
        match self.per_seconds {
            None => self.amount,
            Some(seconds) => self.amount * (f64::from(step.seconds()) / seconds),
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let Some((amount, unit)) = text.split_once('/') else {
            return Some(Self { amount: parse_amount(text)?, per_seconds: None });
        };
        let unit = unit.trim();
        let written =
            if unit.starts_with(|first: char| first.is_ascii_digit()) { unit.to_owned() } else { format!("1{unit}") };
        let seconds = parse_duration_seconds(&written).ok().filter(|seconds| *seconds > 0.0)?;
        Some(Self { amount: parse_amount(amount)?, per_seconds: Some(seconds) })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.per_seconds {
            None => write!(formatter, "{}", self.amount),
            Some(60.0) => write!(formatter, "{}/min", self.amount),
            Some(3_600.0) => write!(formatter, "{}/h", self.amount),
            Some(seconds) => write!(formatter, "{}/{seconds}s", self.amount),
        }
    }
}

/// A finite number of at least zero.
pub(super) fn parse_amount(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|amount: &f64| amount.is_finite() && *amount >= 0.0)
}

/// A time in seconds: with its unit (`90s`, `3m`), or a bare number of minutes as the reference writes it.
pub(super) fn parse_seconds(text: &str) -> Option<f64> {
    let minutes: Option<f64> = text.trim().parse().ok();
    let seconds = match minutes {
        Some(minutes) => minutes * 60.0,
        None => parse_duration_seconds(text).ok()?,
    };
    (0.0..=SECONDS_MAX).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_with_a_unit_follows_the_interval_and_a_bare_one_does_not() {
        let quarter = Step::from_seconds(900).unwrap();
        assert_eq!(Rate::parse("1200000/min").unwrap().per_tick(Step::MINUTE), 1_200_000.0);
        assert_eq!(Rate::parse("1200000/min").unwrap().per_tick(quarter), 18_000_000.0);
        assert_eq!(Rate::parse("3 / 1h").unwrap().per_tick(quarter), 0.75);
        assert_eq!(Rate::parse("0.05").unwrap().per_tick(quarter), 0.05);
        for wrong in ["-1", "nan", "inf/min", "1/", "1/parsec", "1/0s", "", "five", "-1/min"] {
            assert_eq!(Rate::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_bare_time_is_in_minutes() {
        assert_eq!(parse_seconds("3"), Some(180.0));
        assert_eq!(parse_seconds("90s"), Some(90.0));
        assert_eq!(parse_seconds("0"), Some(0.0));
        for wrong in ["-3", "-3m", "soon", "", "nan", "1e300", "367d"] {
            assert_eq!(parse_seconds(wrong), None, "{wrong}");
        }
    }
}
