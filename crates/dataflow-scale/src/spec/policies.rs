//! Policies by name, as `--policies` lists them, and how each is built from the settings.

use std::fmt;
use std::str::FromStr;

use dataflow_series::{Step, did_you_mean};

use super::settings::Settings;
use crate::policy::{Fixed, Hybrid, Policy, Predictive, QuantileBaseStock, Reactive, Replay};

/// A policy as data: what it is, without the settings it runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicySpec {
    /// Always this many servers; `None` is as many as allowed.
    Fixed(Option<u32>),
    /// The reference's thresholds on the newest known load.
    Reactive,
    /// The reference's thresholds on the forecast.
    Predictive,
    /// The reference's thresholds on the forecast's interval, with anomalies and emergencies.
    Hybrid,
    /// Enough servers for a quantile of the forecast, held a while.
    Quantile,
    /// The replay of the optimum's plan.
    Optimal,
}

/// Why a text names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no policy{suggestion}; there are {}, and fixed:N of N servers", names().join(", "))]
pub struct PolicyNameError {
    name: String,
    suggestion: String,
}

/// The names of the policies compared by default, which are all but `fixed:N`.
fn names() -> [String; 6] {
    PolicySpec::DEFAULT.map(|policy| policy.to_string())
}

impl PolicySpec {
    /// The policies compared where none are named: the reference's and our best.
    pub const DEFAULT: [Self; 6] =
        [Self::Fixed(None), Self::Reactive, Self::Predictive, Self::Hybrid, Self::Quantile, Self::Optimal];

    /// Whether it acts on forecasts.
    pub const fn uses_forecast(self) -> bool {
        matches!(self, Self::Predictive | Self::Hybrid | Self::Quantile)
    }

    /// The policy at intervals of this length; `plan` is the optimum's, servers provisioned in each tick.
    pub fn build(self, settings: &Settings, step: Step, plan: &[u32]) -> Box<dyn Policy> {
        match self {
            Self::Fixed(servers) => Box::new(Fixed(servers.unwrap_or(settings.max_servers))),
            Self::Reactive => Box::new(Reactive(settings.reactive)),
            Self::Predictive => Box::new(Predictive(settings.predictive)),
            Self::Hybrid => Box::new(Hybrid::new(settings.hybrid(step))),
            Self::Quantile => Box::new(QuantileBaseStock::new(step.ticks(settings.quantile_hold_seconds))),
            Self::Optimal => Box::new(Replay(plan.to_vec())),
        }
    }
}

impl fmt::Display for PolicySpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(Some(servers)) => write!(formatter, "fixed:{servers}"),
            Self::Fixed(None) => formatter.write_str("fixed"),
            Self::Reactive => formatter.write_str("reactive"),
            Self::Predictive => formatter.write_str("predictive"),
            Self::Hybrid => formatter.write_str("hybrid"),
            Self::Quantile => formatter.write_str("quantile"),
            Self::Optimal => formatter.write_str("optimal"),
        }
    }
}

impl FromStr for PolicySpec {
    type Err = PolicyNameError;

    fn from_str(text: &str) -> Result<Self, PolicyNameError> {
        let text = text.trim();
        if let Some(servers) = text.strip_prefix("fixed:").and_then(|servers| servers.parse().ok()) {
            return Ok(Self::Fixed(Some(servers)));
        }
        Self::DEFAULT.into_iter().find(|policy| policy.to_string() == text).ok_or_else(|| PolicyNameError {
            name: text.to_owned(),
            suggestion: did_you_mean(text, names().iter().map(String::as_str)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_is_written() {
        for policy in PolicySpec::DEFAULT.into_iter().chain([PolicySpec::Fixed(Some(3))]) {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        let error = "reactiv".parse::<PolicySpec>().unwrap_err().to_string();
        assert!(error.contains("did you mean reactive?"), "{error}");
        assert!("fixed:-1".parse::<PolicySpec>().is_err());
    }
}
