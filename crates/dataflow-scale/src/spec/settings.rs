//! The values of a configuration, and the fleet, prices and policies they describe at a given interval.

use dataflow_series::Step;

use super::cloud::{AwsSettings, GoogleSettings};
use super::quantity::Rate;
use crate::optimum::StepLimits;
use crate::policy::control::PlanRules;
use crate::policy::kubernetes::HpaSettings;
use crate::policy::{HybridThresholds, UtilizationThresholds};
use crate::{Fleet, Prices};

/// The values of a configuration. Times are in seconds, rates keep the time they are written for.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Seed of everything random.
    pub random_seed: u64,
    /// Price of one provisioned server.
    pub server_cost: Rate,
    /// Price of each server ordered or released.
    pub scale_cost: f64,
    /// Price of each unit of load dropped.
    pub violation_cost: f64,
    /// Time from the order of a server until it serves load.
    pub startup_seconds: f64,
    /// Load that one server serves.
    pub capacity_per_server: Rate,
    /// Limits of the reactive policy.
    pub reactive: UtilizationThresholds,
    /// Limits of the predictive policy.
    pub predictive: UtilizationThresholds,
    /// Limit of the hybrid policy for the upper bound.
    pub hybrid_out: f64,
    /// Limit of the hybrid policy for the lower bound.
    pub hybrid_in: f64,
    /// Limit of the hybrid policy for the newest known load.
    pub hybrid_emergency: f64,
    /// Time for which the hybrid policy's scale-in condition must hold.
    pub hybrid_hysteresis_seconds: f64,
    /// Quantile that the base-stock policy provisions for, in (0, 1).
    pub quantile_level: f64,
    /// Time for which the base-stock policy keeps its largest target.
    pub quantile_hold_seconds: f64,
    /// Time beyond the start-up time for which the base-stock policy provisions as well; 0 for none.
    pub quantile_ahead_seconds: f64,
    /// Share of the load that the chance-constrained policy expects to drop at most, in (0, 1).
    pub dropped_share: f64,
    /// Time for which the chance-constrained policy keeps its largest target.
    pub chance_hold_seconds: f64,
    /// Time for which the newsvendor policy keeps its largest target.
    pub newsvendor_hold_seconds: f64,
    /// Time that model-predictive control plans ahead.
    pub horizon_seconds: f64,
    /// Time for which its plan must want a server gone.
    pub plan_hold_seconds: f64,
    /// AWS's policies.
    pub aws: AwsSettings,
    /// Google's autoscaler.
    pub google: GoogleSettings,
    /// The numbers of the built-in horizontal pod autoscaler.
    pub hpa: HpaSettings,
    /// Time after a change in which policies hold still.
    pub cooldown_seconds: f64,
    /// Fewest servers.
    pub min_servers: u32,
    /// Most servers.
    pub max_servers: u32,
    /// Most servers added by one change of the constrained optimum.
    pub max_step_out: Option<u32>,
    /// Most servers removed by one change of the constrained optimum.
    pub max_step_in: Option<u32>,
    /// Length of one interval, where it is asked for.
    pub interval: Option<Step>,
    /// Name of the forecasting model.
    pub model: String,
    /// What tells that a load is an anomaly: `forecast`, or the name of a detector.
    pub anomaly_detector: String,
    /// Look-back of the reference's neural models, in intervals.
    pub window_size: Option<u32>,
    /// Time between a decision and the load forecast for it, where it is not the start-up time.
    pub lead_seconds: Option<f64>,
}

impl Settings {
    /// A blank to be filled from the defaults of every key.
    pub(super) fn blank() -> Self {
        let rate = Rate { amount: 0.0, per_seconds: None };
        let thresholds = UtilizationThresholds { high: 0.0, low: 0.0 };
        Self {
            random_seed: 0,
            server_cost: rate,
            scale_cost: 0.0,
            violation_cost: 0.0,
            startup_seconds: 0.0,
            capacity_per_server: rate,
            reactive: thresholds,
            predictive: thresholds,
            hybrid_out: 0.0,
            hybrid_in: 0.0,
            hybrid_emergency: 0.0,
            hybrid_hysteresis_seconds: 0.0,
            quantile_level: 0.0,
            quantile_hold_seconds: 0.0,
            quantile_ahead_seconds: 0.0,
            dropped_share: 0.0,
            chance_hold_seconds: 0.0,
            newsvendor_hold_seconds: 0.0,
            horizon_seconds: 0.0,
            plan_hold_seconds: 0.0,
            aws: AwsSettings::default(),
            google: GoogleSettings::default(),
            hpa: HpaSettings {
                target_utilization: 0.0,
                tolerance: 0.0,
                scale_up_stabilization_seconds: 0.0,
                scale_down_stabilization_seconds: 0.0,
                scale_up_pods: 0,
                scale_up_percent: 0,
                scale_down_percent: 0,
            },
            cooldown_seconds: 0.0,
            min_servers: 0,
            max_servers: 0,
            max_step_out: None,
            max_step_in: None,
            interval: None,
            model: String::new(),
            anomaly_detector: String::new(),
            window_size: None,
            lead_seconds: None,
        }
    }

    /// The fleet at intervals of this length; times are rounded up to whole ticks.
    pub fn fleet(&self, step: Step) -> Fleet {
        Fleet {
            capacity: self.capacity_per_server.per_tick(step),
            startup_ticks: step.ticks(self.startup_seconds),
            cooldown_ticks: step.ticks(self.cooldown_seconds),
            min_servers: self.min_servers,
            max_servers: self.max_servers,
        }
    }

    /// The prices at intervals of this length.
    pub fn prices(&self, step: Step) -> Prices {
        Prices { server: self.server_cost.per_tick(step), scale: self.scale_cost, violation: self.violation_cost }
    }

    /// What a change of the constrained optimum may be.
    pub const fn step_limits(&self) -> StepLimits {
        StepLimits { out: self.max_step_out, r#in: self.max_step_in }
    }

    /// Ticks between a decision and the load that is forecast for it.
    pub fn lead_ticks(&self, step: Step) -> u32 {
        step.ticks(self.lead_seconds.unwrap_or(self.startup_seconds))
    }

    /// How model-predictive control plans at intervals of this length, with the cooldown and step limits or free of them.
    pub fn plan(&self, step: Step, is_limited: bool) -> PlanRules {
        PlanRules {
            horizon_ticks: step.ticks(self.horizon_seconds),
            hold_ticks: step.ticks(self.plan_hold_seconds),
            obeys_cooldown: is_limited,
            step_out: self.max_step_out.filter(|_| is_limited),
            step_in: self.max_step_in.filter(|_| is_limited),
        }
    }

    /// Limits of the hybrid policy at intervals of this length.
    pub fn hybrid(&self, step: Step) -> HybridThresholds {
        HybridThresholds {
            out: self.hybrid_out,
            r#in: self.hybrid_in,
            emergency: self.hybrid_emergency,
            hysteresis_ticks: step.ticks(self.hybrid_hysteresis_seconds),
        }
    }

    /// Pairs of limits of which the first must lie below the second, each with its key.
    pub(super) const fn thresholds_in_order(&self) -> [(&'static str, f64, &'static str, f64); 3] {
        let (reactive, predictive) = (self.reactive, self.predictive);
        [
            ("thresholds.reactive.low", reactive.low, "thresholds.reactive.high", reactive.high),
            ("thresholds.predictive.low", predictive.low, "thresholds.predictive.high", predictive.high),
            ("thresholds.hybrid.in", self.hybrid_in, "thresholds.hybrid.out", self.hybrid_out),
        ]
    }

    /// Whether the values hold together, as [`Configuration::check`](super::Configuration::check) wants them to.
    pub fn is_consistent(&self) -> bool {
        self.capacity_per_server.amount > 0.0
            && self.min_servers <= self.max_servers
            && self.max_servers > 0
            && self.thresholds_in_order().iter().all(|(_, low, _, high)| low < high)
    }
}
