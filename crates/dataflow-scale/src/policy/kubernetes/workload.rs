//! What the metrics of a manifest measure in the simulated world, where pods are servers and all alike.
//!
//! Servers that boot are pending pods. Load spreads evenly over ready pods. A pod that serves as much as it can uses as
//! much CPU as it requests, and cannot use more than its limit, so that CPU hides how much load is dropped.

use super::link::Measured;
use super::metric::{Aim, Proposal, Sums, Tolerance, Totals, for_average_value, for_value, propose};
use super::reconcile::FailedMetric;

/// The CPU that a pod requests, in milli-units: so fine that a ratio is not rounded twice.
pub const CPU_REQUEST: i64 = 1_000_000;

/// Where a metric's value comes from; `per_load` is its milli-units for one unit of load in a tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    /// CPU of the ready pods.
    Cpu {
        /// Milli-units of CPU for one unit of load.
        per_load: f64,
        /// The most that one pod uses, in milli-units.
        limit: f64,
    },
    /// Load per ready pod.
    LoadPerPod {
        /// Milli-units for one unit of load.
        per_load: f64,
    },
    /// All load.
    Load {
        /// Milli-units for one unit of load.
        per_load: f64,
    },
}

/// What a metric should be, in milli-units or percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// Percent of the request.
    Utilization(i32),
    /// Milli-units per pod.
    AverageValue(i64),
    /// Milli-units in all.
    Value(i64),
}

/// A metric of the simulated world with its goal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedMetric {
    /// Where its value comes from.
    pub source: Source,
    /// What it should be.
    pub goal: Goal,
    /// How it is named in reasons.
    pub measured: Measured,
    /// How many milli-units one of what is shown in reasons has.
    pub shown: f64,
}

/// Pods of the simulated world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pods {
    /// All of them.
    pub current: i32,
    /// Those that serve load; the others are pending.
    pub ready: i32,
}

impl SimulatedMetric {
    /// Pods asked for under a load per tick.
    ///
    /// # Errors
    /// When the value is of pods, and none is ready.
    #[inline]
    pub fn propose(&self, load: f64, pods: Pods, tolerance: Tolerance) -> Result<Proposal, FailedMetric> {
        let (per_pod, request) = match self.source {
            Source::Load { per_load } => {
                // The cast saturates.
                let value = (load * per_load) as i64;
                return Ok(match self.goal {
                    Goal::Value(target) => for_value(value, target, tolerance, pods.current, pods.ready.into()),
                    Goal::AverageValue(target) => for_average_value(value, target, tolerance, pods.current),
                    Goal::Utilization(_) => return Err(FailedMetric("FailedGetExternalMetric")),
                });
            }
            Source::Cpu { per_load, limit } => ((load * per_load / f64::from(pods.ready)).min(limit), CPU_REQUEST),
            Source::LoadPerPod { per_load } => (load * per_load / f64::from(pods.ready), 0),
        };
        let failed = if request > 0 { "FailedGetResourceMetric" } else { "FailedGetPodsMetric" };
        if pods.ready == 0 {
            return Err(FailedMetric(failed));
        }
        let aim = match self.goal {
            Goal::Utilization(percent) => Aim::Utilization(percent),
            Goal::AverageValue(target) | Goal::Value(target) => Aim::AverageValue(target),
        };
        propose(&totals(pods, per_pod as i64, request), aim, tolerance, pods.current).map_err(|_| FailedMetric(failed))
    }
}

/// The sums over pods that are all alike.
#[inline]
fn totals(pods: Pods, usage: i64, request: i64) -> Totals {
    let sums = |pods: i64, usage: i64| Sums {
        samples: pods,
        known: pods,
        usage: usage.saturating_mul(pods),
        requests: request.saturating_mul(pods),
    };
    let ready = i64::from(pods.ready);
    Totals {
        ready_pods: ready,
        ready: sums(ready, usage),
        unready: sums(i64::from(pods.current - pods.ready), 0),
        missing: Sums::default(),
    }
}
