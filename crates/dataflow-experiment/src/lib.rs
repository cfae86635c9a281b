//! Many runs of one world: what policies cost under other settings, on resampled traffic, and why.
//!
//! A [`Testbed`] holds traffic with all that policies may learn of it, and runs any policy under any settings; everything
//! else here asks it.

mod forecast_rows;
pub mod search;
pub mod sweep;
mod testbed;
pub mod tune;

pub use forecast_rows::{ANOMALY_LEVEL, COVERAGE, LEVELS, forecast_track};
pub use testbed::{AlarmMaker, ExperimentError, ForecastMaker, Forecasts, Judged, Methods, Testbed};
