//! The list of all models: their names, what they are, and how to make them. The command line and the configuration
//! read nothing else.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use dataflow_series::did_you_mean;
use serde::{Deserialize, Serialize};

use crate::boosted_trees::{BoostedQuantiles, BoostedTrees};
use crate::combination::Combination;
use crate::conformal::{Calibration, Conformal};
use crate::ets::Ets;
use crate::exponential_smoothing::ExponentialSmoothing;
use crate::model::{FitError, MeanModel, Model, Progress};
use crate::mstl::Mstl;
use crate::naive::{Drift, Naive, SeasonalNaive};
#[cfg(feature = "neural")]
use crate::neural::{Architecture, Neural, ReferenceModel, WeightsError};
use crate::ridge::Ridge;
use crate::rvfl::Rvfl;
use crate::sarimax::Sarimax;
use crate::seasonal_autoregression::SeasonalAutoregression;
use crate::theta::Theta;

/// A model by name. Written and read (also by serde) as in [`ModelSpec::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
#[non_exhaustive]
pub enum ModelSpec {
    /// The last load seen.
    Naive,
    /// The last load seen, moved on by the mean change.
    Drift,
    /// The load one season before.
    SeasonalNaive,
    /// Smoothed level and daily profile.
    ExponentialSmoothing,
    /// Exponential smoothing, its form chosen automatically.
    Ets,
    /// Two lines of opposite curvature.
    Theta,
    /// Several seasons taken off, the rest smoothed.
    Mstl,
    /// The regularised linear model.
    Ridge,
    /// Random vector functional link: one hidden layer.
    Rvfl,
    /// Two hidden layers.
    DeepRvfl,
    /// Ten hidden layers, each with a read-out of its own.
    EnsembleDeepRvfl,
    /// The same with empirical modes as inputs.
    EmdEnsembleDeepRvfl,
    /// Gradient-boosted trees for the expected load.
    BoostedTrees,
    /// Gradient-boosted trees for quantiles.
    BoostedQuantiles,
    /// Two autoregressions with the day and the week, averaged.
    SeasonalAutoregression,
    /// Seasonal ARIMA or harmonic regression, in state-space form.
    Sarimax,
    /// The weighted mean of several models.
    Combination,
    /// The one of several models that forecast the last days best.
    Auto,
    /// Bidirectional LSTM; needs the feature `neural`.
    Bilstm,
    /// Bidirectional LSTM pooled by additive attention; needs the feature `neural`.
    BilstmAttention,
    /// Transformer encoder; needs the feature `neural`.
    Transformer,
}

/// What every model is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelSettings {
    /// How intervals learn.
    pub calibration: Calibration,
    /// Seed of the models that draw random numbers. The same seed gives the same forecasts on any number of threads.
    pub seed: u64,
}

/// No model has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no forecast model {0:?}{suggestion}; the models are {names}", names = ModelSpec::ALL.map(ModelSpec::name).join(", "), suggestion = did_you_mean(.0, ModelSpec::ALL.map(ModelSpec::name)))]
pub struct UnknownModel(pub String);

impl ModelSpec {
    /// Every model, the simplest first.
    pub const ALL: [Self; 21] = [
        Self::Naive,
        Self::Drift,
        Self::SeasonalNaive,
        Self::ExponentialSmoothing,
        Self::Ets,
        Self::Theta,
        Self::Mstl,
        Self::Ridge,
        Self::Rvfl,
        Self::DeepRvfl,
        Self::EnsembleDeepRvfl,
        Self::EmdEnsembleDeepRvfl,
        Self::BoostedTrees,
        Self::BoostedQuantiles,
        Self::SeasonalAutoregression,
        Self::Sarimax,
        Self::Combination,
        Self::Auto,
        Self::Bilstm,
        Self::BilstmAttention,
        Self::Transformer,
    ];

    /// The name by which users call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Naive => "naive",
            Self::Drift => "drift",
            Self::SeasonalNaive => "seasonal-naive",
            Self::ExponentialSmoothing => "exponential-smoothing",
            Self::Ets => "ets",
            Self::Theta => "theta",
            Self::Mstl => "mstl",
            Self::Ridge => "ridge",
            Self::Rvfl => "rvfl",
            Self::DeepRvfl => "deep-rvfl",
            Self::EnsembleDeepRvfl => "ensemble-deep-rvfl",
            Self::EmdEnsembleDeepRvfl => "emd-ensemble-deep-rvfl",
            Self::BoostedTrees => "boosted-trees",
            Self::BoostedQuantiles => "boosted-quantiles",
            Self::SeasonalAutoregression => "seasonal-autoregression",
            Self::Combination => "combination",
            Self::Auto => "auto",
            Self::Bilstm => "bilstm",
            Self::BilstmAttention => "bilstm-attention",
            Self::Transformer => "transformer",
            Self::Sarimax => "sarimax",
        }
    }

    /// One sentence on what it does.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Naive => "The last load seen.",
            Self::Drift => "The last load seen, moved on by the mean change of the past.",
            Self::SeasonalNaive => {
                "The load at the same time one day before (one week, where steps are half a day or longer)."
            }
            Self::ExponentialSmoothing => "A smoothed level plus a smoothed daily profile, without a trend.",
            Self::Ets => {
                "Exponential smoothing, with or without trend and daily season chosen by the corrected AIC as far ahead as is asked."
            }
            Self::Theta => "A smoothed level that half follows the trend, on loads without their daily season.",
            Self::Mstl => "Daily and weekly seasons taken off by local regression, the rest smoothed.",
            Self::Ridge => "A regularised linear model on recent loads, rolling means, earlier days and the calendar.",
            Self::Rvfl => "The linear model's inputs and 100 random hidden units, read out by ridge regression.",
            Self::DeepRvfl => "As rvfl, with two layers of 100 random hidden units.",
            Self::EnsembleDeepRvfl => "Ten layers of 100 random hidden units, each read out on its own, averaged.",
            Self::EmdEnsembleDeepRvfl => "As ensemble-deep-rvfl, with the empirical modes of the last loads as inputs.",
            Self::BoostedTrees => "Gradient-boosted trees on the linear model's inputs, by the likelihood of counts.",
            Self::BoostedQuantiles => {
                "Gradient-boosted trees for five quantiles of the load; the median is the forecast."
            }
            Self::SeasonalAutoregression => {
                "The mean of two autoregressions, one with the usual level of every hour of the week, one with many lags."
            }
            Self::Combination => {
                "The mean of several models, weighted by the errors that each made in the last seven days."
            }
            Self::Auto => {
                "The one of seasonal-naive, exponential-smoothing, ridge, boosted-trees and combination that erred least lately."
            }
            Self::Bilstm => "A neural network of two bidirectional LSTM layers (feature neural).",
            Self::BilstmAttention => "A bidirectional LSTM with eight heads of additive attention (feature neural).",
            Self::Transformer => "A small Transformer encoder (feature neural).",
            Self::Sarimax => {
                "Seasonal ARIMA, or a regression on waves of day and week with ARIMA errors; orders found by themselves."
            }
        }
    }

    /// Whether this build has the feature that the model needs.
    pub const fn is_built(self) -> bool {
        cfg!(feature = "neural") || !self.is_neural()
    }

    /// Whether it is a neural network, which trains for minutes and may take weights from a file instead.
    pub const fn is_neural(self) -> bool {
        matches!(self, Self::Bilstm | Self::BilstmAttention | Self::Transformer)
    }

    /// The model itself, with conformal quantiles.
    ///
    /// # Errors
    /// When this build lacks the feature that the model needs.
    pub fn model(self, settings: ModelSettings) -> Result<Box<dyn Model>, FitError> {
        self.watched_model(settings, None)
    }

    /// As [`ModelSpec::model`], with someone to be told how far a network's training is; other models tell nothing.
    ///
    /// # Errors
    /// As [`ModelSpec::model`].
    pub fn watched_model(
        self,
        settings: ModelSettings,
        progress: Option<Progress>,
    ) -> Result<Box<dyn Model>, FitError> {
        let mean_model: Box<dyn MeanModel> = match self {
            Self::Naive => Box::new(Naive),
            Self::Drift => Box::new(Drift),
            Self::SeasonalNaive => Box::new(SeasonalNaive),
            Self::ExponentialSmoothing => Box::new(ExponentialSmoothing),
            Self::Ets => Box::new(Ets),
            Self::Theta => Box::new(Theta),
            Self::Mstl => Box::new(Mstl),
            Self::Ridge => Box::new(Ridge::new()),
            Self::Rvfl => Box::new(Rvfl::single(settings.seed)),
            Self::DeepRvfl => Box::new(Rvfl::deep(settings.seed)),
            Self::EnsembleDeepRvfl => Box::new(Rvfl::ensemble(settings.seed)),
            Self::EmdEnsembleDeepRvfl => Box::new(Rvfl::ensemble_with_modes(settings.seed)),
            Self::BoostedTrees => Box::new(BoostedTrees::new(settings.seed)),
            Self::BoostedQuantiles => Box::new(BoostedQuantiles::new(settings.seed)),
            Self::Combination => Box::new(Combination::average(settings.seed)),
            Self::Auto => Box::new(Combination::best(settings.seed)),
            Self::SeasonalAutoregression => Box::new(SeasonalAutoregression),
            #[cfg(feature = "neural")]
            Self::Bilstm => Box::new(Neural::new(Architecture::Bilstm, settings.seed).with_progress(progress)),
            #[cfg(feature = "neural")]
            Self::BilstmAttention => {
                Box::new(Neural::new(Architecture::BilstmAttention, settings.seed).with_progress(progress))
            }
            #[cfg(feature = "neural")]
            Self::Transformer => {
                Box::new(Neural::new(Architecture::Transformer, settings.seed).with_progress(progress))
            }
            #[cfg(not(feature = "neural"))]
            Self::Bilstm | Self::BilstmAttention | Self::Transformer => {
                drop(progress);
                return Err(FitError::NotBuilt { model: self.name(), feature: "neural" });
            }
            Self::Sarimax => Box::new(Sarimax),
        };
        Ok(Box::new(Conformal::new(mean_model, settings.calibration)))
    }

    /// A network with the weights of a PyTorch file, with conformal quantiles: it looks at twelve intervals
    /// of bytes and status classes, forecasts one step ahead, learns nothing, and cannot be saved.
    ///
    /// # Errors
    /// When the model is no network, this build lacks the feature, or the file does not hold its weights.
    pub fn with_weights(self, path: &Path, calibration: Calibration) -> Result<Box<dyn Model>, FitError> {
        #[cfg(feature = "neural")]
        {
            let architecture = match self {
                Self::Bilstm => Architecture::Bilstm,
                Self::BilstmAttention => Architecture::BilstmAttention,
                Self::Transformer => Architecture::Transformer,
                _ => return Err(self.takes_no_weights()),
            };
            let refused = |error: WeightsError| FitError::Weights { path: path.to_owned(), reason: error.to_string() };
            let model = ReferenceModel::load(architecture, path).map_err(refused)?;
            Ok(Box::new(Conformal::new(Box::new(model), calibration)))
        }
        #[cfg(not(feature = "neural"))]
        {
            let _ = (path, calibration);
            let missing = FitError::NotBuilt { model: self.name(), feature: "neural" };
            Err(if self.is_neural() { missing } else { self.takes_no_weights() })
        }
    }

    fn takes_no_weights(self) -> FitError {
        let networks: Vec<&str> = Self::ALL.into_iter().filter(|spec| spec.is_neural()).map(Self::name).collect();
        let reason = format!("weights from a file are for {}", networks.join(", "));
        FitError::Unsuited { model: self.name(), reason }
    }
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self { calibration: Calibration::default(), seed: 42 }
    }
}

impl fmt::Display for ModelSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for ModelSpec {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        // The reference project writes its names with underscores.
        let dashed = name.replace('_', "-");
        Self::ALL.into_iter().find(|spec| spec.name() == dashed).ok_or_else(|| UnknownModel(name.to_owned()))
    }
}

impl TryFrom<String> for ModelSpec {
    type Error = UnknownModel;

    fn try_from(name: String) -> Result<Self, UnknownModel> {
        name.parse()
    }
}

impl From<ModelSpec> for &'static str {
    fn from(spec: ModelSpec) -> Self {
        spec.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(feature = "neural"))]
    #[test]
    fn a_model_of_a_missing_feature_names_it() {
        for name in ["bilstm", "bilstm_attention", "transformer"] {
            let refused = name.parse::<ModelSpec>().unwrap().model(ModelSettings::default()).err().unwrap().to_string();
            assert!(refused.contains("--features neural") && refused.contains(&name.replace('_', "-")), "{refused}");
        }
    }

    #[test]
    fn every_name_is_read_back_and_others_are_refused_with_the_list() {
        for spec in ModelSpec::ALL {
            assert_eq!(spec.to_string().parse(), Ok(spec));
            assert_eq!(spec.to_string().replace('-', "_").parse(), Ok(spec));
        }
        let error = "prophet".parse::<ModelSpec>().unwrap_err().to_string();
        assert!(error.contains("\"prophet\"; the models are naive, drift, seasonal-naive"), "{error}");
        let error = "rigde".parse::<ModelSpec>().unwrap_err().to_string();
        assert!(error.contains("(did you mean ridge?)"), "{error}");
    }
}
