//! The forms of exponential smoothing: how error, trend and season enter.
//!
//! Source: Hyndman, Koehler, Ord, Snyder, *Forecasting with Exponential Smoothing* (2008), table 2.1 and section 10.1.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the one-step error enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ErrorKind {
    /// As a difference, with the same spread at every level.
    Additive,
    /// As a share of the forecast.
    Multiplicative,
}

/// How the trend goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Trend {
    None,
    /// With the same slope for ever.
    Additive,
    /// With a slope that dies away.
    Damped,
}

/// How the profile of a season enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Season {
    None,
    /// As differences from the level.
    Additive,
    /// As factors of the level.
    Multiplicative,
}

/// One form, written as in the source: `ETS(M,Ad,A)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Form {
    pub(crate) error: ErrorKind,
    pub(crate) trend: Trend,
    pub(crate) season: Season,
}

impl Form {
    /// Every form that is chosen from. Left out are multiplicative trends, which explode, and an additive error with a
    /// multiplicative season, whose variance is infinite; so do `forecast` for R and statsforecast.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let trends = [Trend::None, Trend::Additive, Trend::Damped];
        let seasons = [Season::None, Season::Additive, Season::Multiplicative];
        let every = seasons.into_iter().flat_map(move |season| {
            trends.into_iter().flat_map(move |trend| {
                [ErrorKind::Additive, ErrorKind::Multiplicative].map(move |error| Self { error, trend, season })
            })
        });
        every.filter(|form| form.error == ErrorKind::Multiplicative || form.season != Season::Multiplicative)
    }

    /// Whether loads of zero have no place in it.
    pub(crate) fn needs_positive(self) -> bool {
        self.error == ErrorKind::Multiplicative || self.season == Season::Multiplicative
    }

    /// The free numbers that a fit determines, the error's variance among them; `slots` are those of the profile.
    pub(crate) fn parameters(self, slots: usize) -> usize {
        let trend = match self.trend {
            Trend::None => 0,
            Trend::Additive => 2,
            Trend::Damped => 3,
        };
        // A weight, and one deviation per slot but for the last, which follows from the others.
        let season = if self.season == Season::None { 0 } else { slots };
        3 + trend + season
    }
}

impl fmt::Display for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = if self.error == ErrorKind::Additive { "A" } else { "M" };
        let trend = match self.trend {
            Trend::None => "N",
            Trend::Additive => "A",
            Trend::Damped => "Ad",
        };
        let season = match self.season {
            Season::None => "N",
            Season::Additive => "A",
            Season::Multiplicative => "M",
        };
        write!(formatter, "ETS({error},{trend},{season})")
    }
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::all().find(|form| form.to_string() == text).ok_or_else(|| format!("there is no form {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_forms_are_allowed_and_are_read_back() {
        let all: Vec<Form> = Form::all().collect();
        assert_eq!(all.len(), 15);
        for form in all {
            assert_eq!(form.to_string().parse(), Ok(form));
        }
        assert!("ETS(A,N,M)".parse::<Form>().is_err());
    }

    #[test]
    fn parameters_are_counted_as_in_the_source() {
        // α, ℓ, σ²; with φ, β, b; with γ and 23 deviations.
        assert_eq!("ETS(A,N,N)".parse::<Form>().unwrap().parameters(24), 3);
        assert_eq!("ETS(M,Ad,M)".parse::<Form>().unwrap().parameters(24), 30);
    }
}
