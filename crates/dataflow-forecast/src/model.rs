//! What every model is: something that is fitted on a past and forecasts what comes after it, with quantiles.
//!
//! Loads are in the unit of the series, horizons in steps (1 is the interval right after the past). A [`Model`] is
//! only its settings; fitting gives a [`Fitted`] value, so "not yet fitted" cannot be written. A model that knows its
//! own distribution implements [`Model`] itself; one that only knows means implements [`MeanModel`] and gets its
//! quantiles from [`Conformal`](crate::Conformal).

use dataflow_series::{Series, Step};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A past: all that a model may see.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    start: Timestamp,
    step: Step,
    time_zone: &'a TimeZone,
    values: &'a [f64],
}

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

/// A way of forecasting, with its settings and without any data.
pub trait Model: Send + Sync {
    /// Learns from a past in order to forecast the steps ahead named by `horizons` (ascending, each at least 1).
    ///
    /// # Errors
    /// When the past is too short for the model, its arithmetic overflows, or the horizons are none, zero or not
    /// ascending.
    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn Fitted>, FitError>;
}

/// A model that has learnt from a past.
pub trait Fitted: Send {
    /// Moves the end of the past on by the loads that came next. Parameters stay as they are.
    fn extend(&mut self, new: &[f64]);

    /// Learns the parameters anew from everything seen since the beginning.
    ///
    /// # Errors
    /// As [`Model::fit`]; the value then stays as it was.
    fn refit(&mut self) -> Result<(), FitError>;

    /// Forecasts the horizons named at the fit, with quantiles at these levels (ascending, each in (0, 1)).
    fn predict(&self, levels: &[f64]) -> Forecast;
}

/// A way of forecasting expected loads only. [`Conformal`](crate::Conformal) makes a [`Model`] of it.
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
}

/// A [`MeanModel`] that has learnt from a past.
pub trait FittedMean: Send {
    /// As [`Fitted::extend`].
    fn extend(&mut self, new: &[f64]);

    /// As [`Fitted::refit`].
    ///
    /// # Errors
    /// As [`Model::fit`].
    fn refit(&mut self) -> Result<(), FitError>;

    /// Writes the expected load of each horizon named at the fit: finite and at least zero.
    fn means(&self, means: &mut [f64]);
}

impl<'a> View<'a> {
    /// The first `length` intervals of a series (all of them if it has fewer), with calendars read in `time_zone`.
    pub fn of(series: &'a Series, length: usize, time_zone: &'a TimeZone) -> Self {
        let values = &series.values()[..length.min(series.len())];
        Self { start: series.start(), step: series.step(), time_zone, values }
    }

    /// The first `length` intervals of this past.
    #[must_use]
    pub fn first(self, length: usize) -> Self {
        Self { values: &self.values[..length.min(self.values.len())], ..self }
    }

    /// The instant at which the first interval begins.
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// The length of one interval.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// The zone whose clocks the traffic follows.
    pub const fn time_zone(&self) -> &'a TimeZone {
        self.time_zone
    }

    /// The loads, finite and at least zero.
    pub const fn values(&self) -> &'a [f64] {
        self.values
    }
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
