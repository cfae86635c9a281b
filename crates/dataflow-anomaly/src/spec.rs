//! The one list of detectors.

use std::fmt;
use std::str::FromStr;

use dataflow_series::{Observed, did_you_mean};

use crate::detector::{Detector, DetectorSettings};
use crate::ensemble::Ensemble;
use crate::forecast_residual::ForecastResidual;
use crate::half_space_trees::HalfSpaceTrees;
use crate::isolation_forest;
use crate::matrix_profile::LeftMatrixProfile;
use crate::relative_entropy::RelativeEntropy;
use crate::seasonal_mad::SeasonalResidual;
use crate::spectral_residual::SpectralResidual;
use crate::surprise::Calibrated;
use crate::windowed_gaussian::WindowedGaussian;
use crate::z_score::RollingZScore;

/// A detector by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DetectorSpec {
    /// Three views of how a value differs from its past, added up; one alarm per episode.
    Ensemble,
    /// Distance from the rolling mean in standard deviations.
    ZScore,
    /// Robust distance from the same time of earlier days.
    SeasonalMad,
    /// How soon random cuts set a value apart.
    IsolationForest,
    /// What stands out once the smooth part of the spectrum is taken away.
    SpectralResidual,
    /// Distance from a forecast, among the errors of earlier forecasts.
    ForecastResidual,
    /// Few values of the last window in the same cells of random trees.
    HalfSpaceTrees,
    /// Distance of the last stretch from the most similar one before.
    MatrixProfile,
    /// The tail of a normal distribution over a long window.
    WindowedGaussian,
    /// The spread of the last values against every spread seen before.
    RelativeEntropy,
}

impl DetectorSpec {
    /// Every detector.
    pub const ALL: &'static [Self] = &[
        Self::Ensemble,
        Self::ZScore,
        Self::SeasonalMad,
        Self::IsolationForest,
        Self::SpectralResidual,
        Self::ForecastResidual,
        Self::HalfSpaceTrees,
        Self::MatrixProfile,
        Self::WindowedGaussian,
        Self::RelativeEntropy,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ensemble => "ensemble",
            Self::ZScore => "z-score",
            Self::SeasonalMad => "seasonal-mad",
            Self::IsolationForest => "isolation-forest",
            Self::SpectralResidual => "spectral-residual",
            Self::ForecastResidual => "forecast-residual",
            Self::HalfSpaceTrees => "half-space-trees",
            Self::MatrixProfile => "matrix-profile",
            Self::WindowedGaussian => "windowed-gaussian",
            Self::RelativeEntropy => "relative-entropy",
        }
    }

    /// What it does, in a few words.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Ensemble => {
                "how rare it is for its hour, beside all that was seen about it, and as a change of level; one alarm per episode"
            }
            Self::ZScore => "distance from the rolling mean, in standard deviations",
            Self::SeasonalMad => "robust distance from the same time of earlier days and the present level",
            Self::IsolationForest => "how soon random cuts set a value and its change apart from the past",
            Self::SpectralResidual => "what stands out once the smooth part of the spectrum is taken away",
            Self::ForecastResidual => "distance from a forecast, judged by the errors of earlier forecasts",
            Self::HalfSpaceTrees => "how few of the last values fell into the same cells of random trees",
            Self::MatrixProfile => "distance of the last stretch from the most similar one before",
            Self::WindowedGaussian => "tail of a normal distribution over the last 6,400 values",
            Self::RelativeEntropy => "spread of the last 52 values, against every spread seen before",
        }
    }

    /// A detector that has seen nothing yet.
    pub fn build(self, settings: &DetectorSettings) -> Box<dyn Detector> {
        match self {
            Self::Ensemble => Box::new(Ensemble::new(settings)),
            Self::ZScore => Box::new(RollingZScore::new(settings)),
            Self::SeasonalMad => Box::new(Calibrated::new(SeasonalResidual::new(settings))),
            Self::IsolationForest => Box::new(isolation_forest::streaming(settings)),
            Self::SpectralResidual => Box::new(Calibrated::new(SpectralResidual::new())),
            Self::ForecastResidual => Box::new(Calibrated::new(ForecastResidual::new(settings))),
            Self::HalfSpaceTrees => Box::new(Calibrated::new(HalfSpaceTrees::new(settings))),
            Self::MatrixProfile => Box::new(Calibrated::new(LeftMatrixProfile::new(settings))),
            Self::WindowedGaussian => Box::new(WindowedGaussian::new(settings)),
            Self::RelativeEntropy => Box::new(RelativeEntropy::new(settings)),
        }
    }

    /// Whether batch use differs from streaming use, see [`Self::build_on`].
    pub const fn learns_in_batch(self) -> bool {
        matches!(self, Self::IsolationForest)
    }

    /// The detector as it is used on a whole series at once, where that differs from streaming use: it has learnt from
    /// all of `series`, so its scores of the same values, from the first one on, know the future.
    pub fn build_on(self, series: &Observed, settings: &DetectorSettings) -> Option<Box<dyn Detector>> {
        match self {
            Self::IsolationForest => Some(Box::new(isolation_forest::Grown::on(series, settings))),
            _ => None,
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
