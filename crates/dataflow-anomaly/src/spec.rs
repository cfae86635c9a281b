//! The one list of detectors.

use std::fmt;
use std::str::FromStr;

use dataflow_series::did_you_mean;

use crate::detector::{Detector, DetectorSettings};
use crate::z_score::RollingZScore;

/// A detector by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DetectorSpec {
    /// Distance from the rolling mean in standard deviations.
    ZScore,
}

impl DetectorSpec {
    /// Every detector.
    pub const ALL: &'static [Self] = &[Self::ZScore];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ZScore => "z-score",
        }
    }

    /// What it does, in a few words.
    pub const fn description(self) -> &'static str {
        match self {
            Self::ZScore => "distance from the rolling mean, in standard deviations",
        }
    }

    /// A detector that has seen nothing yet.
    pub fn build(self, settings: &DetectorSettings) -> Box<dyn Detector> {
        match self {
            Self::ZScore => Box::new(RollingZScore::new(settings)),
        }
    }
}

impl fmt::Display for DetectorSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// No detector has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: there is no such detector{}; there are {}", did_you_mean(name, names()), names().collect::<Vec<_>>().join(", "))]
pub struct UnknownDetector {
    name: String,
}

fn names() -> impl Iterator<Item = &'static str> {
    DetectorSpec::ALL.iter().map(|spec| spec.name())
}

impl FromStr for DetectorSpec {
    type Err = UnknownDetector;

    fn from_str(text: &str) -> Result<Self, UnknownDetector> {
        let name = text.trim().to_lowercase().replace('_', "-");
        Self::ALL
            .iter()
            .copied()
            .find(|spec| spec.name() == name)
            .ok_or_else(|| UnknownDetector { name: text.to_owned() })
    }
}
