//! Policies that weigh prices: from the forecast's quantiles, or without any forecast at all.
//!
//! [`ChanceConstrained`] and [`Newsvendor`] choose the size for the start-up time and hold it a while,
//! [`ModelPredictive`] plans ahead, [`Lazy`] looks back alone and is never far from the optimum.

mod excess;
mod held;
mod lazy;
mod link;
mod model_predictive;

pub use held::{ChanceConstrained, Newsvendor};
pub use lazy::Lazy;
pub use link::Link;
pub use model_predictive::{ModelPredictive, PlanRules};
