//! Models of traffic: from a past to a future with bands, and how good they are.

mod backtest;
mod conformal;
mod exponential_smoothing;
mod model;
mod naive;
mod ridge;
mod rolling;
mod score;
mod sorted_window;
mod spec;

pub use backtest::{BacktestSettings, backtest};
pub use conformal::{Calibration, Conformal};
pub use exponential_smoothing::ExponentialSmoothing;
pub use model::{FitError, Fitted, FittedMean, Forecast, MeanModel, Model, View};
pub use naive::{Naive, SeasonalNaive};
pub use ridge::Ridge;
pub use rolling::{RollingForecast, RollingSettings, rolling_forecast};
pub use score::{Coverage, Pinball, Scores, band_levels, scores};
pub use spec::{ModelSpec, UnknownModel};
