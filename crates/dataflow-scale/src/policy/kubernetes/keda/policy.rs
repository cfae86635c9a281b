//! KEDA as a policy: its executor over the horizontal pod autoscaler.
//!
//! Polls fall on multiples of the polling interval, looks of the autoscaler on multiples of 15 s, both at the newest known
//! load; where both fall together, the poll comes first.

use dataflow_series::Step;

use super::executor::{Active, Executor, ExecutorRules, Poll};
use super::formula::Formula;
use crate::policy::kubernetes::hpa::{HorizontalPodAutoscaler, SYNC_SECONDS, looks};
use crate::policy::kubernetes::link::Link;
use crate::policy::kubernetes::reconcile::AbleToScale;
use crate::policy::kubernetes::workload::{Pods, SimulatedMetric, Source};
use crate::policy::{Explanation, Observation, Policy, Reason};

/// A trigger: its name and activation threshold, and what it measures.
pub type Trigger = ((String, f64), SimulatedMetric);

/// KEDA over the horizontal pod autoscaler.
#[derive(Debug, Clone)]
pub struct KedaPolicy {
    hpa: HorizontalPodAutoscaler,
    rules: ExecutorRules,
    paused_replicas: Option<i32>,
    polling_seconds: i64,
    triggers: Vec<Trigger>,
    /// A formula of the triggers with its activation target.
    formula: Option<(Formula, f64)>,
    executor: Executor,
    step_seconds: i64,
}

impl KedaPolicy {
    /// One that polls `triggers` every `polling_seconds`.
    pub fn new(
        hpa: HorizontalPodAutoscaler,
        rules: ExecutorRules,
        paused_replicas: Option<i32>,
        polling_seconds: i32,
        triggers: Vec<Trigger>,
        formula: Option<(Formula, f64)>,
        step: Step,
    ) -> Self {
        Self {
            hpa,
            rules,
            paused_replicas,
            polling_seconds: i64::from(polling_seconds.max(1)),
            triggers,
            formula,
            executor: Executor { last_active: None, created: 0 },
            step_seconds: i64::from(step.seconds()),
        }
    }

    /// The value that the formula makes of the triggers under a load.
    fn composed(&self, formula: &Formula, load: f64) -> Option<f64> {
        let value_of = |name: &str| {
            let (_, metric) = self.triggers.iter().find(|((other, _), _)| other == name)?;
            Some(value(metric, load))
        };
        formula.evaluate(&value_of).ok().filter(|value| value.is_finite())
    }

    fn is_active(&self, load: f64) -> bool {
        if let Some((formula, activation)) = &self.formula {
            return self.composed(formula, load).is_some_and(|value| value > *activation);
        }
        // Triggers of cpu cannot switch a workload off or on: others decide, and without any it stays on.
        let is_outside = |metric: &SimulatedMetric| matches!(metric.source, Source::Load { .. });
        let mut outside = self.triggers.iter().filter(|(_, metric)| is_outside(metric)).peekable();
        outside.peek().is_none() || outside.any(|((_, activation), metric)| value(metric, load) > *activation)
    }

    fn poll(&mut self, now: i64, current: i32, load: f64, explanation: &mut Explanation) -> i32 {
        let is_active = self.is_active(load);
        let outcome = self.executor.poll(&self.rules, Poll { now, current, is_active, is_error: false });
        let replicas = outcome.replicas.unwrap_or(current);
        if replicas > current {
            explanation.note(|| Reason::Kubernetes(Link::Activated { pods: replicas }));
        } else if replicas < current {
            explanation.note(|| Reason::Kubernetes(Link::Deactivated { pods: replicas }));
        } else if outcome.active == Active::CoolingDown {
            let seconds = self.rules.cooldown_seconds;
            explanation.note(|| Reason::Kubernetes(Link::CoolingDown { seconds }));
        }
        replicas
    }
}

/// The value of a trigger in its own unit.
fn value(metric: &SimulatedMetric, load: f64) -> f64 {
    match metric.source {
        Source::Load { per_load } | Source::LoadPerPod { per_load } | Source::Cpu { per_load, .. } => {
            load * per_load / 1_000.0
        }
    }
}

impl Policy for KedaPolicy {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let mut current = now.state.provisioned().min(i32::MAX as u32) as i32;
        if self.rules.switches.is_paused {
            explanation.note(|| Reason::Kubernetes(Link::Paused));
            return u32::try_from(self.paused_replicas.unwrap_or(current)).unwrap_or(0);
        }
        let ready = now.state.ready().min(i32::MAX as u32) as i32;
        let load = now.last_load();
        let seen = match (&self.formula, load) {
            (Some((formula, _)), Some(load)) => self.composed(formula, load),
            _ => load,
        };
        let (mut look, last_look) = looks(now.tick, self.step_seconds, SYNC_SECONDS);
        let (mut poll, last_poll) = looks(now.tick, self.step_seconds, self.polling_seconds);
        let mut is_explained = false;
        while look <= last_look || poll <= last_poll {
            if poll <= last_poll && (poll <= look || look > last_look) {
                if let Some(load) = load {
                    current = self.poll(poll, current, load, explanation);
                }
                poll += self.polling_seconds;
                continue;
            }
            let pods = Pods { current, ready: ready.min(current) };
            let decision = self.hpa.look(look, seen, pods);
            let switches = self.rules.switches;
            let is_held = (switches.is_scale_in_paused && decision.replicas < current)
                || (switches.is_scale_out_paused && decision.replicas > current);
            if (decision.able == AbleToScale::Rescaled || !is_explained) && !is_held {
                self.hpa.explain(seen, pods, &decision, explanation);
                is_explained = true;
            }
            if is_held {
                explanation.note(|| Reason::Kubernetes(Link::Paused));
            } else {
                current = decision.replicas;
            }
            look += SYNC_SECONDS;
        }
        u32::try_from(current).unwrap_or(0)
    }
}
