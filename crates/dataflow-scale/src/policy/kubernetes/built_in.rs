//! The horizontal pod autoscaler without a manifest: from a few numbers of the configuration.
//!
//! It scales on load per pod (a `Pods` metric), which does not saturate as CPU does. Everything else is as in a cluster
//! whose manifest says so; the defaults are those of Kubernetes.

use super::behavior::{Behavior, RatePolicy, Rules, SelectPolicy, Unit, WrittenRules};
use super::hpa::{HorizontalPodAutoscaler, SYNC_SECONDS};
use super::link::Measured;
use super::metric::Tolerance;
use super::reconcile::HpaRules;
use super::workload::{Goal, SimulatedMetric, Source};

/// Milli-units of load that a pod at its capacity serves.
const FULL: f64 = 1_000_000.0;

/// The numbers of the built-in horizontal pod autoscaler.
#[derive(Debug, Clone, PartialEq)]
pub struct HpaSettings {
    /// Load per pod that is aimed at, as a share of its capacity.
    pub target_utilization: f64,
    /// How far from the target nothing changes, as a share of it.
    pub tolerance: f64,
    /// Seconds whose lowest recommendation counts for scaling up.
    pub scale_up_stabilization_seconds: f64,
    /// Seconds whose highest recommendation counts for scaling down.
    pub scale_down_stabilization_seconds: f64,
    /// Pods that may be added in 15 s, or 0.
    pub scale_up_pods: u32,
    /// Percent that may be added in 15 s, or 0; the larger of the two counts.
    pub scale_up_percent: u32,
    /// Percent that may be removed in 15 s, or 0.
    pub scale_down_percent: u32,
}

/// So many of a unit in one look; 0 is no policy.
fn rate(unit: Unit, value: u32) -> Option<RatePolicy> {
    let value = i32::try_from(value).unwrap_or(i32::MAX);
    (value > 0).then_some(RatePolicy { unit, value, period_seconds: SYNC_SECONDS as i32 })
}

impl HpaSettings {
    fn rules(&self, minimum: u32, maximum: u32) -> HpaRules {
        let whole = |servers: u32| i32::try_from(servers).unwrap_or(i32::MAX);
        let written = |seconds: f64, policies: Vec<RatePolicy>| WrittenRules {
            stabilization_seconds: Some(seconds.round() as i32),
            select: policies.is_empty().then_some(SelectPolicy::Disabled),
            policies: Some(policies),
            tolerance: None,
        };
        let up = [rate(Unit::Pods, self.scale_up_pods), rate(Unit::Percent, self.scale_up_percent)];
        let up = written(self.scale_up_stabilization_seconds, up.into_iter().flatten().collect());
        let down = rate(Unit::Percent, self.scale_down_percent).into_iter().collect();
        let down = written(self.scale_down_stabilization_seconds, down);
        HpaRules {
            behavior: Some(Behavior { up: Rules::up(up), down: Rules::down(down) }),
            tolerance: Tolerance { down: self.tolerance, up: self.tolerance },
            ..HpaRules::new(whole(minimum), whole(maximum))
        }
    }

    /// The policy for servers that serve `capacity` in a tick of `step_seconds`, from `minimum` to `maximum` of them.
    pub fn policy(&self, capacity: f64, step_seconds: u32, minimum: u32, maximum: u32) -> HorizontalPodAutoscaler {
        let metric = SimulatedMetric {
            source: Source::LoadPerPod { per_load: FULL / capacity },
            goal: Goal::AverageValue((self.target_utilization * FULL).round() as i64),
            measured: Measured::LoadPercent,
            shown: FULL / 100.0,
        };
        HorizontalPodAutoscaler::new(self.rules(minimum, maximum), vec![metric], step_seconds)
    }
}
