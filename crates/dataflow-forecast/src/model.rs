//! What every model is: something that is fitted on a past and forecasts what comes after it, with quantiles.
//!
//! Loads are in the unit of the series, horizons in steps (1 is the interval right after the past). A [`Model`] is
//! only its settings; fitting gives a [`Fitted`] value, so "not yet fitted" cannot be written. A model that knows its
//! own distribution implements [`Model`] itself; one that knows means, and maybe how far loads spread around them,
//! implements [`MeanModel`] and gets its quantiles from [`Conformal`](crate::Conformal).

use std::path::PathBuf;
use std::sync::Arc;

use dataflow_series::Step;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::history::View;

/// Why a model could not be fitted or asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The past holds fewer intervals than the model needs.
    #[error(
        "the model {model} needs at least {needed} intervals of past, but there are {got}; give a longer trace, a shorter interval or a simpler model"
    )]
    TooShort {
        /// Name of the model.
        model: &'static str,
        /// Intervals needed.
        needed: usize,
        /// Intervals there are.
        got: usize,
    },
    /// No load of the past can be learnt from.
    #[error(
        "the model {model} has nothing to learn from: every load of its past is missing or out of all proportion; give a trace with measured loads"
    )]
    NothingToLearn {
        /// Name of the model.
        model: &'static str,
    },
    /// The loads are so large that the arithmetic of the model overflows.
    #[error(
        "the model {model} cannot be fitted: the loads are too large for its arithmetic (the largest is {largest:e})"
    )]
    TooLarge {
        /// Name of the model.
        model: &'static str,
        /// The largest load of the past.
        largest: f64,
    },
    /// The model belongs to a part of the program that this build lacks.
    #[error("the model {model} needs a build with the feature {feature}: cargo build --release --features {feature}")]
    NotBuilt {
        /// Name of the model.
        model: &'static str,
        /// The cargo feature.
        feature: &'static str,
    },
    /// Something that the model is built on failed, such as the memory of a graphics card.
    #[error("the model {model} failed: {reason}")]
    Failed {
        /// Name of the model.
        model: &'static str,
        /// What failed.
        reason: String,
    },
    /// The model cannot do what it is asked for with what the history holds.
    #[error("the model {model} cannot be used here: {reason}")]
    Unsuited {
        /// Name of the model.
        model: &'static str,
        /// What is missing, or asked too much.
        reason: String,
    },
    /// A file of weights cannot be used.
    #[error("{}: {reason}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The history could not be shuffled, so that nothing can be said of what a model saw.
    #[error("the forecasts could not be checked for what they saw: {0}")]
    NotChecked(String),
    /// The horizons asked for are none, zero or not ascending.
    #[error("the horizons {0:?} must be at least one whole number of steps, each at least 1, in ascending order")]
    BadHorizons(Vec<usize>),
    /// A quantile level or a coverage lies outside of (0, 1), or the levels do not ascend.
    #[error("the quantile levels {0:?} must lie strictly between 0 and 1, in ascending order")]
    BadLevels(Vec<f64>),
    /// The held-out part leaves nothing to fit or nothing to score.
    #[error("a held-out part of {holdout} of {length} intervals leaves nothing to fit on or nothing to score")]
    BadHoldout {
        /// Intervals held out.
        holdout: usize,
        /// Intervals there are.
        length: usize,
    },
}

/// Told the share of a training that is done, from 0 to 1; each training of a model begins at 0 again.
pub type Progress = Arc<dyn Fn(f64) + Send + Sync>;

/// A forecast of some future intervals, in the unit of the series.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The steps ahead that are forecast, ascending; 1 is the interval right after the past.
    pub horizons: Vec<usize>,
    /// Expected load, one per horizon.
    pub mean: Vec<f64>,
    /// The quantile levels, ascending, each in (0, 1).
    pub levels: Vec<f64>,
    /// For each level its quantiles, one per horizon; ascending with the level, never below zero.
    pub quantiles: Vec<Vec<f64>>,
}

/// When it pays to learn the parameters of a model anew, while a past grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refits {
    /// Cheap: once a day.
    Daily,
    /// Dear: whenever the past has grown by half since.
    Seldom,
}

/// Something that a model chose or learnt when it was fitted, for people: orders, weights, what was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Learnt {
    /// What it is.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// How far a model expects loads to lie from their mean, in the unit of the series, each above zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Below the mean.
    pub below: f64,
    /// Above the mean.
    pub above: f64,
}

/// Why a fitted model could not be saved or restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// A part of it has no form in a file.
    #[error("the model cannot be saved: {0}")]
    NotSaved(String),
    /// The bytes are not what this model writes.
    #[error("the saved model is damaged or comes from another version: {0}")]
    NotRestored(String),
}

/// A way of forecasting, with its settings and without any data.
pub trait Model: Send + Sync {
    /// Learns from a past in order to forecast the steps ahead named by `horizons` (ascending, each at least 1).
    ///
    /// # Errors
    /// When the past is too short for the model, its arithmetic overflows, or the horizons are none, zero or not
    /// ascending.
    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn Fitted>, FitError>;

    /// The fitted model that [`Fitted::save`] wrote.
    ///
    /// # Errors
    /// When the bytes are not what this model writes.
    fn restore(&self, saved: &[u8]) -> Result<Box<dyn Fitted>, SaveError>;

    /// When to learn anew, while a past grows.
    fn refits(&self) -> Refits;
}

/// A model that has learnt from a past.
pub trait Fitted: Send {
    /// Moves the end of the past on by the intervals that came next: `new` holds them alone. Parameters stay as they
    /// are.
    fn extend(&mut self, new: View<'_>);

    /// Learns the parameters anew from everything seen since the beginning.
    ///
    /// # Errors
    /// As [`Model::fit`]; the value then stays as it was.
    fn refit(&mut self) -> Result<(), FitError>;

    /// Forecasts the horizons named at the fit, with quantiles at these levels (ascending, each in (0, 1)).
    fn predict(&self, levels: &[f64]) -> Forecast;

    /// What was chosen or learnt at the last fit.
    fn learnt(&self) -> Vec<Learnt>;

    /// Everything about it, for [`Model::restore`].
    ///
    /// # Errors
    /// When a part of it has no form in a file, such as a time zone without a name.
    fn save(&self) -> Result<Vec<u8>, SaveError>;
}

/// A way of forecasting expected loads. [`Conformal`](crate::Conformal) makes a [`Model`] of it.
pub trait MeanModel: Send + Sync {
    /// The name by which users call it.
    fn name(&self) -> &'static str;

    /// The fewest intervals of past that it can be fitted on, when it shall forecast up to `furthest` steps ahead.
    fn shortest_past(&self, step: Step, furthest: usize) -> usize;

    /// As [`Model::fit`].
    ///
    /// # Errors
    /// As [`Model::fit`].
    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError>;

    /// As [`Model::restore`].
    ///
    /// # Errors
    /// As [`Model::restore`].
    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError>;

    /// As [`Model::refits`].
    fn refits(&self) -> Refits {
        Refits::Daily
    }
}

/// A [`MeanModel`] that has learnt from a past.
pub trait FittedMean: Send {
    /// As [`Fitted::extend`].
    fn extend(&mut self, new: View<'_>);

    /// As [`Fitted::refit`].
    ///
    /// # Errors
    /// As [`Model::fit`].
    fn refit(&mut self) -> Result<(), FitError>;

    /// Writes the expected load of each horizon named at the fit: finite and at least zero.
    fn means(&self, means: &mut [f64]);

    /// Writes how far loads spread around the mean of each horizon, if the model knows it: then returns true.
    /// [`Conformal`](crate::Conformal) scales its scores by it.
    fn spreads(&self, _spreads: &mut [Spread]) -> bool {
        false
    }

    /// The model's own quantiles at a level, one per horizon, if it knows a distribution. They need not be calibrated.
    fn own_quantiles(&self, _level: f64) -> Option<Vec<f64>> {
        None
    }

    /// As [`Fitted::learnt`].
    fn learnt(&self) -> Vec<Learnt> {
        Vec::new()
    }

    /// As [`Fitted::save`].
    ///
    /// # Errors
    /// As [`Fitted::save`].
    fn save(&self) -> Result<Vec<u8>, SaveError>;
}

impl Forecast {
    /// The band between two of the levels, as (lower, upper) per horizon; `None` if a level was not asked for.
    pub fn band(&self, lower: f64, upper: f64) -> Option<Vec<(f64, f64)>> {
        let of = |level: f64| self.levels.iter().position(|known| *known == level).map(|index| &self.quantiles[index]);
        Some(of(lower)?.iter().copied().zip(of(upper)?.iter().copied()).collect())
    }
}

/// Refuses horizons that are none, zero or not ascending.
pub(crate) fn check_horizons(horizons: &[usize]) -> Result<(), FitError> {
    let ascending = horizons.windows(2).all(|pair| pair[0] < pair[1]);
    match horizons.first() {
        Some(first) if *first >= 1 && ascending => Ok(()),
        _ => Err(FitError::BadHorizons(horizons.to_vec())),
    }
}

/// Refuses senseless horizons, and a past that is shorter than the model needs for them; gives the furthest of them.
pub(crate) fn check_past(model: &impl MeanModel, past: View<'_>, horizons: &[usize]) -> Result<usize, FitError> {
    check_horizons(horizons)?;
    let furthest = horizons.last().copied().unwrap_or(1);
    let (needed, got) = (model.shortest_past(past.step(), furthest), past.len());
    if got < needed {
        return Err(FitError::TooShort { model: model.name(), needed, got });
    }
    Ok(furthest)
}

/// Refuses levels outside of (0, 1) or not ascending. No level at all is fine: then there are only means.
pub(crate) fn check_levels(levels: &[f64]) -> Result<(), FitError> {
    let inside = levels.iter().all(|level| *level > 0.0 && *level < 1.0);
    let ascending = levels.windows(2).all(|pair| pair[0] < pair[1]);
    if inside && ascending { Ok(()) } else { Err(FitError::BadLevels(levels.to_vec())) }
}

/// How many steps one day (or so many days) takes; at least 1.
pub(crate) fn steps_per_days(step: Step, days: u32) -> usize {
    let seconds = f64::from(days) * 86_400.0;
    ((seconds / f64::from(step.seconds())).round() as usize).max(1)
}

/// The season of the traffic in steps: a day, or a week where a step is half a day or longer; `None` where a step is
/// longer than half a week.
pub(crate) fn season(step: Step) -> Option<usize> {
    [1, 7].into_iter().map(|days| steps_per_days(step, days)).find(|steps| *steps > 2)
}

/// The bytes of a part of a fitted model.
pub(crate) fn to_bytes(part: &impl Serialize) -> Result<Vec<u8>, SaveError> {
    postcard::to_allocvec(part).map_err(|error| SaveError::NotSaved(error.to_string()))
}

/// The part of a fitted model that [`to_bytes`] wrote; nothing may be left over.
pub(crate) fn from_bytes<T: DeserializeOwned>(saved: &[u8]) -> Result<T, SaveError> {
    match postcard::take_from_bytes(saved) {
        Ok((part, [])) => Ok(part),
        Ok((_, rest)) => Err(SaveError::NotRestored(format!("{} bytes are left over", rest.len()))),
        Err(error) => Err(SaveError::NotRestored(error.to_string())),
    }
}
