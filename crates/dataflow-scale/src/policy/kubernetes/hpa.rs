//! The horizontal pod autoscaler as a policy: a controller that looks every 15 s, in seconds of the trace.
//!
//! At the decision of a tick it has looked at all multiples of 15 s since the one before, at the newest known load each
//! time: several looks in a tick that is longer, none in some that are shorter. What the fleet is given is the last look's
//! number. Where another look would change nothing, it is not made.

use super::behavior::Limit;
use super::link::{Link, Measured};
use super::metric::Proposal;
use super::recommendations::{Recommendations, SlidingExtremes};
use super::reconcile::{AbleToScale, Controller, Decision, FailedMetric, HpaRules, ScalingActive};
use super::workload::{Goal, Pods, SimulatedMetric};
use crate::policy::{Explanation, Observation, Policy, Reason};

/// Time between two looks of the controller: the default of the controller manager.
pub const SYNC_SECONDS: i64 = 15;

/// The horizontal pod autoscaler.
#[derive(Debug, Clone)]
pub struct HorizontalPodAutoscaler<R = SlidingExtremes> {
    rules: HpaRules,
    metrics: Vec<SimulatedMetric>,
    step_seconds: i64,
    controller: Controller<R>,
}

/// The multiples of `every` after the decision of the tick before, up to that of this one.
pub(super) fn looks(tick: usize, step_seconds: i64, every: i64) -> (i64, i64) {
    let end = i64::try_from(tick).unwrap_or(i64::MAX / 2).saturating_mul(step_seconds);
    let first = if tick == 0 { 0 } else { ((end - step_seconds) / every + 1) * every };
    (first, end / every * every)
}

impl<R: Recommendations + Default> HorizontalPodAutoscaler<R> {
    /// One that goes by these rules and metrics, in ticks of so many seconds.
    pub fn new(rules: HpaRules, metrics: Vec<SimulatedMetric>, step_seconds: u32) -> Self {
        Self { rules, metrics, step_seconds: i64::from(step_seconds), controller: Controller::new() }
    }

    /// Looks once.
    pub(super) fn look(&mut self, now: i64, load: Option<f64>, pods: Pods) -> Decision {
        let Self { rules, metrics, controller, .. } = self;
        let tolerance = rules.tolerance();
        controller.reconcile(rules, now, pods.current, metrics.len(), |index| match load {
            Some(load) => metrics[index].propose(load, pods, tolerance),
            None => Err(FailedMetric("FailedGetResourceMetric")),
        })
    }

    /// Notes why the last look led to what it did.
    pub(super) fn explain(&self, load: Option<f64>, pods: Pods, decision: &Decision, explanation: &mut Explanation) {
        let mut note = |link: Link| explanation.note(|| Reason::Kubernetes(link));
        if decision.raw.is_some()
            && let Some(load) = load
        {
            let tolerance = self.rules.tolerance();
            for metric in &self.metrics {
                if let Ok(proposal) = metric.propose(load, pods, tolerance) {
                    metric.links(&proposal, pods).into_iter().flatten().for_each(&mut note);
                }
            }
        }
        self.links(decision).into_iter().flatten().for_each(note);
    }

    fn links(&self, decision: &Decision) -> [Option<Link>; 3] {
        let windows = self.rules.windows();
        let active = match decision.active {
            ScalingActive::Disabled => Some(Link::Disabled),
            ScalingActive::Failed(_) => Some(Link::NoMetric),
            ScalingActive::NotAsked | ScalingActive::Valid => None,
        };
        let held = decision.stabilized.filter(|stabilized| Some(*stabilized) != decision.raw).map(|pods| {
            if decision.raw.is_some_and(|raw| raw > pods) {
                Link::UpHeld { seconds: windows.up, pods }
            } else {
                Link::DownHeld { seconds: windows.down, pods }
            }
        });
        let pods = decision.replicas;
        let limit = match decision.limit {
            Some(Limit::UpRate(None)) if self.rules.behavior.is_none() => Some(Link::Step { pods }),
            Some(Limit::UpRate(policy)) => Some(Link::UpRate { policy, pods }),
            Some(Limit::DownRate(policy)) => Some(Link::DownRate { policy, pods }),
            Some(Limit::Minimum) => Some(Link::Minimum { pods }),
            Some(Limit::Maximum) => Some(Link::Maximum { pods }),
            Some(Limit::None) | None => None,
        };
        [active, held, limit]
    }

    /// Whether all looks until `last` would be as the one just made; if so, takes them for made.
    #[inline]
    fn holds_until(&mut self, decision: &Decision, current: i32, last: i64) -> bool {
        // Rates allow more as time goes on.
        let is_limited = matches!(decision.limit, Some(Limit::UpRate(_) | Limit::DownRate(_)) | None);
        decision.replicas == current && !is_limited && self.controller.holds_until(&self.rules, last)
    }
}

impl SimulatedMetric {
    fn links(&self, proposal: &Proposal, pods: Pods) -> [Option<Link>; 3] {
        let (value, target) = match self.goal {
            Goal::Utilization(percent) => (f64::from(proposal.utilization.unwrap_or(0)), f64::from(percent)),
            Goal::AverageValue(target) | Goal::Value(target) => {
                (proposal.usage as f64 / self.shown, target as f64 / self.shown)
            }
        };
        let ratio = proposal.ratio;
        let metric = Link::Metric { measured: self.measured, value, target, ratio, pods: proposal.replicas };
        let unready = pods.current - pods.ready;
        let damped = proposal.damped.map(|ratio| Link::Unready { unready, ratio });
        let within =
            proposal.is_within_tolerance.then_some(Link::WithinTolerance { ratio: proposal.damped.unwrap_or(ratio) });
        // Shares of the schedule and the formula are told as they are.
        [Some(metric), damped.filter(|_| self.measured != Measured::Schedule), within]
    }
}

impl<R: Recommendations + Default + Send> Policy for HorizontalPodAutoscaler<R> {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let (mut look, last) = looks(now.tick, self.step_seconds, SYNC_SECONDS);
        let mut current = now.state.provisioned().min(i32::MAX as u32) as i32;
        let ready = now.state.ready().min(i32::MAX as u32) as i32;
        let load = now.last_load();
        let mut is_explained = false;
        while look <= last {
            let pods = Pods { current, ready: ready.min(current) };
            let decision = self.look(look, load, pods);
            if explanation.is_kept() && (decision.able == AbleToScale::Rescaled || !is_explained) {
                self.explain(load, pods, &decision, explanation);
                is_explained = true;
            }
            if self.holds_until(&decision, current, last) {
                break;
            }
            current = decision.replicas;
            look += SYNC_SECONDS;
        }
        u32::try_from(current).unwrap_or(0)
    }
}
