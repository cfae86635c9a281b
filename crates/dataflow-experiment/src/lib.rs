//! Many runs of one world: what policies cost under other settings, on resampled traffic, and why.
//!
//! A [`Testbed`] holds traffic with all that policies may learn of it, and runs any policy under any settings; everything
//! else here asks it.

mod elasticity;
mod forecast_rows;
mod learner;
mod mistakes;
pub mod regret;
mod replicate;
mod scorecard;
pub mod search;
mod service;
pub mod sweep;
mod testbed;
pub mod tune;
pub mod worth;

pub use elasticity::{Elasticity, demand};
pub use forecast_rows::{ANOMALY_LEVEL, COVERAGE, LEVELS, forecast_track};
pub use mistakes::{Mistake, MistakeKind, excess, mistakes};
pub use replicate::{Contestant, Replicate, ReplicateError, Replication, Resampling, Spread, chance_less, replicate};
pub use scorecard::Scorecard;
pub use service::{FLAPPING_SECONDS, SERVED_TARGET, Service};
pub use testbed::{AlarmMaker, ExperimentError, ForecastMaker, Forecasts, Judged, Methods, Testbed};
