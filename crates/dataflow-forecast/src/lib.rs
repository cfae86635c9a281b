//! Models of traffic: from a past to a future with bands, and how good they are.
//!
//! [`ModelSpec`] lists the models. Each is fitted on a [`View`] of a past, then extended by the loads that come and
//! asked for a [`Forecast`]: expected loads and quantiles in the unit of the series, one per horizon (in steps).
//! [`rolling_forecast`] does so for every decision of a trace, [`backtest`] judges a model on what it never saw.
//! Nothing here ever reads a load before its time.
//!
//! ```
//! use dataflow_forecast::{ModelSettings, ModelSpec, View};
//! use dataflow_series::{Fill, Observed, Step, Unit};
//! use jiff::tz::TimeZone;
//!
//! // Three weeks of hours with a daily wave.
//! let wave = |hour: u32| 100.0 + 50.0 * (f64::from(hour) * std::f64::consts::TAU / 24.0).sin();
//! let step = Step::from_seconds(3_600).ok_or("a step")?;
//! let loads = (0..21 * 24).map(|hour| Some(wave(hour)));
//! let series = Observed::new("2024-01-01T00:00:00Z".parse()?, step, Unit::Requests, loads)?.fill(Fill::Zero)?;
//!
//! let zone = TimeZone::UTC;
//! let past = View::of(&series, &zone).first(20 * 24);
//! let fitted = "ridge".parse::<ModelSpec>()?.model(ModelSettings::default())?.fit(past, &[1, 6])?;
//! let forecast = fitted.predict(&[0.025, 0.975]);
//! assert!((forecast.mean[1] - wave(20 * 24 + 5)).abs() < 5.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod absurd;
mod backtest;
mod boosted_trees;
mod calendar;
mod cholesky;
mod classical;
mod combination;
mod conformal;
mod diebold_mariano;
mod ets;
mod exponential_smoothing;
#[cfg(test)]
mod golden;
mod held_out;
mod history;
mod inputs;
mod leak;
mod model;
mod model_file;
mod mstl;
mod naive;
#[cfg(feature = "neural")]
mod neural;
mod noise_floor;
mod normal;
mod recent;
mod ridge;
mod rolling;
mod rvfl;
mod sarimax;
mod score;
mod seasonal_autoregression;
mod sorted_window;
mod spec;
mod theta;

pub use backtest::{BacktestSettings, Trial, backtest, trial};
pub use boosted_trees::{BoostedQuantiles, BoostedTrees};
pub use combination::Combination;
pub use conformal::{Calibration, Conformal};
pub use diebold_mariano::{DieboldMariano, diebold_mariano};
pub use ets::Ets;
pub use exponential_smoothing::ExponentialSmoothing;
pub use held_out::{HeldOut, Rows};
pub use history::{Exogenous, History, HistoryError, View};
pub use leak::sees_the_future;
pub use model::{
    FitError, Fitted, FittedMean, Forecast, Learnt, MeanModel, Model, Progress, Refits, SaveError, Spread,
};
pub use model_file::{ModelFileError, SavedModel};
pub use mstl::Mstl;
pub use naive::{Drift, Naive, SeasonalNaive};
#[cfg(feature = "neural")]
pub use neural::{Architecture, Neural, ReferenceModel, ReferenceNetwork, ReferenceOutput, WeightsError, WindowsError};
pub use noise_floor::{Dispersion, DispersionBasis, is_below_floor};
pub use ridge::Ridge;
pub use rolling::{RollingForecast, RollingSettings, rolling_forecast};
pub use rvfl::Rvfl;
pub use sarimax::{Arima, Coefficients, Orders, Sarimax};
pub use score::{Coverage, HourCoverage, Pinball, Scores, band_levels, scores};
pub use seasonal_autoregression::SeasonalAutoregression;
pub use sorted_window::SortedWindow;
pub use spec::{ModelSettings, ModelSpec, UnknownModel};
pub use theta::Theta;
