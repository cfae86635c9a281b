//! Budgets of a gate: how much a candidate may cost, drop, be late or change, by itself or against the baseline.

use dataflow_series::parse_duration_seconds;

use crate::quantity::{duration, grouped, percent};
use crate::replicates::share;

/// What is held to a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// In the currency of the prices.
    Cost,
    /// Share of the load that was dropped.
    Dropped,
    /// Seconds in which any load was dropped.
    Late,
    /// Changes of the number of servers per day.
    Churn,
}

/// The most that is allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Limit {
    /// By itself, in the unit of the measure.
    Level(f64),
    /// So much more than the baseline, in the unit of the measure.
    More(f64),
    /// So much more than the baseline, as a share of it.
    MoreByShare(f64),
    /// A share of the time of the trace.
    ShareOfTime(f64),
}

impl Measure {
    pub(super) const ALL: [Self; 4] = [Self::Cost, Self::Dropped, Self::Late, Self::Churn];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Dropped => "dropped",
            Self::Late => "late",
            Self::Churn => "churn",
        }
    }

    /// What it counts.
    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::Cost => "cost, in the currency of the prices",
            Self::Dropped => "load dropped",
            Self::Late => "time in which any load was dropped",
            Self::Churn => "changes per day",
        }
    }

    /// A value as people read it.
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Cost | Self::Churn => grouped(value),
            Self::Dropped => percent(value),
            Self::Late if value < 0.0 => format!("−{}", duration(-value as u64)),
            Self::Late => duration(value as u64),
        }
    }

    /// Reads a limit: `+2%` and `+5m` are against the baseline, others are levels; a bare share of cost or churn can only
    /// be meant against it.
    pub(super) fn limit(self, text: &str) -> Result<Limit, String> {
        let found = match text.strip_prefix('+') {
            Some(rest) if rest.ends_with('%') => share(rest).map(Limit::MoreByShare),
            Some(rest) => self.amount(rest).map(Limit::More),
            None => match (self, text.ends_with('%')) {
                (Self::Cost | Self::Churn, true) => share(text).map(Limit::MoreByShare),
                (Self::Late, true) => share(text).map(Limit::ShareOfTime),
                _ => self.amount(text).map(Limit::Level),
            },
        };
        let is_amount = |limit: &Limit| match limit {
            Limit::Level(amount) | Limit::More(amount) | Limit::MoreByShare(amount) | Limit::ShareOfTime(amount) => {
                *amount >= 0.0 && amount.is_finite()
            }
        };
        // More than all of the load can never be dropped: such a budget would hold nothing.
        let is_possible =
            |limit: &Limit| self != Self::Dropped || !matches!(limit, Limit::Level(level) if *level > 1.0);
        found.filter(is_amount).filter(is_possible).ok_or_else(|| format!("expected {}", self.expected()))
    }

    fn amount(self, text: &str) -> Option<f64> {
        match self {
            Self::Cost | Self::Churn => text.parse().ok(),
            Self::Dropped => share(text),
            Self::Late => parse_duration_seconds(text).ok(),
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Cost => "+2% or +50 more than the baseline, or an amount such as 5000",
            Self::Dropped => "a share of the load such as 0.1%, or +10% more than the baseline",
            Self::Late => "a time such as 30m, a share of the time such as 0.5%, or +10% or +5m more than the baseline",
            Self::Churn => "+10% or +5 more changes per day than the baseline, or a number of them such as 40",
        }
    }
}

impl Limit {
    /// The most that the candidate may have where the baseline has so much, over so many seconds.
    pub(super) fn most(self, baseline: f64, seconds: f64) -> f64 {
        match self {
            Self::Level(level) => level,
            Self::More(amount) => baseline + amount,
            Self::MoreByShare(share) => baseline * (1.0 + share),
            Self::ShareOfTime(share) => share * seconds,
        }
    }

    /// Whether the candidate is within it, give or take the rounding of sums.
    pub(super) fn allows(self, baseline: f64, candidate: f64, seconds: f64) -> bool {
        candidate <= self.most(baseline, seconds) * (1.0 + 1e-12)
    }

    /// As the user might have written it.
    pub(super) fn text(self, measure: Measure) -> String {
        match self {
            Self::Level(level) => measure.text(level),
            Self::More(amount) => format!("+{}", measure.text(amount)),
            Self::MoreByShare(share) => format!("+{}", percent(share)),
            Self::ShareOfTime(share) => format!("{} of the time", percent(share)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read_as_levels_or_against_the_baseline() {
        let cases = [
            (Measure::Cost, "+2%", Limit::MoreByShare(0.02)),
            (Measure::Cost, "2%", Limit::MoreByShare(0.02)),
            (Measure::Cost, "+50", Limit::More(50.0)),
            (Measure::Cost, "5000", Limit::Level(5000.0)),
            (Measure::Dropped, "0.1%", Limit::Level(0.001)),
            (Measure::Dropped, "+10%", Limit::MoreByShare(0.1)),
            (Measure::Late, "30m", Limit::Level(1_800.0)),
            (Measure::Late, "+5m", Limit::More(300.0)),
            (Measure::Late, "1%", Limit::ShareOfTime(0.01)),
            (Measure::Churn, "40", Limit::Level(40.0)),
        ];
        for (measure, text, expected) in cases {
            assert_eq!(measure.limit(text), Ok(expected), "{text}");
        }
        for (measure, text) in
            [(Measure::Cost, "-2%"), (Measure::Cost, "cheap"), (Measure::Late, "30"), (Measure::Dropped, "")]
        {
            assert!(measure.limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_allows_exactly_what_it_says() {
        assert!(Limit::MoreByShare(0.02).allows(100.0, 102.0, 0.0));
        assert!(!Limit::MoreByShare(0.02).allows(100.0, 102.1, 0.0));
        assert!(Limit::Level(0.0).allows(5.0, 0.0, 0.0) && !Limit::Level(0.0).allows(5.0, 0.1, 0.0));
        assert!(Limit::ShareOfTime(0.5).allows(0.0, 30.0, 60.0) && !Limit::ShareOfTime(0.5).allows(0.0, 31.0, 60.0));
    }
}
