//! The autoscalers of clouds: AWS target tracking, step scaling and predictive scaling, and that of Google's managed
//! instance groups with its predictive method.
//!
//! What the vendors document is kept as they say it; what they do not publish is a setting, and called an assumption
//! where the setting is described. The metric is the load over the capacity of the servers that were ready. These
//! policies have cooldowns of their own and ignore the fleet's.

mod aws;
mod google;
mod link;
mod meter;
mod predictive_scaling;
mod step_scaling;
mod target_tracking;

pub use aws::{Aws, AwsRules, CapacityLimits};
pub use google::{Google, GooglePrediction, GoogleRules, Mode, ScaleInControl};
pub use link::Link;
pub use meter::points;
pub use predictive_scaling::{BreachBehavior, PredictiveRules};
pub use step_scaling::{Adjustment, StepAdjustment, StepRules};
pub use target_tracking::{Pace, TrackingRules};

/// Servers that a quotient needs: rounded up, but for what rounding in doubles adds.
fn servers(needed: f64) -> u32 {
    const SLACK: f64 = 1e-9;
    (needed * (1.0 - SLACK)).ceil().max(0.0) as u32
}
