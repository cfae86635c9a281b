//! A group of AWS scaling policies on one scalable target.
//!
//! Source: Application Auto Scaling User Guide, "Target tracking scaling policies" and "Predictive scaling": it scales out
//! if any policy is ready to, and in if all that track a target with scale-in enabled are; the largest capacity wins. The
//! forecast is a floor under all of them.

use dataflow_series::Step;

use super::Link;
use super::meter::{Meter, Reading};
use super::predictive_scaling::{PredictiveRules, PredictiveScaling};
use super::step_scaling::{StepRules, StepScaling};
use super::target_tracking::{Capacity, TargetTracking, TrackingRules, Wish};
use crate::policy::{Explanation, Observation, Policy, Reason};

/// The capacity limits of a scalable target, where they are narrower than the fleet's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapacityLimits {
    /// Fewest servers.
    pub min: u32,
    /// Most servers; a forecast may raise it.
    pub max: u32,
}

/// All policies of a scalable target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AwsRules {
    /// Those that track a target.
    pub tracking: Vec<TrackingRules>,
    /// Those that adjust in steps.
    pub steps: Vec<StepRules>,
    /// The one that forecasts.
    pub predictive: Option<PredictiveRules>,
    /// The capacity limits, if they are given.
    pub limits: Option<CapacityLimits>,
    /// Whether the metric is use of a resource, of which there is no more than all.
    pub saturates: bool,
}

/// The policies of a scalable target at work.
#[derive(Debug, Clone)]
pub struct Aws {
    meter: Meter,
    tracking: Vec<TargetTracking>,
    steps: Vec<StepScaling>,
    predictive: Option<PredictiveScaling>,
    limits: Option<CapacityLimits>,
    /// What each policy wants, first those that track a target.
    wishes: Vec<Wish>,
}

impl Aws {
    /// The policies at ticks of this length.
    pub fn new(rules: AwsRules, step: Step) -> Self {
        Self {
            meter: Meter::new(step, rules.saturates),
            tracking: rules.tracking.into_iter().map(TargetTracking::new).collect(),
            steps: rules.steps.into_iter().map(StepScaling::new).collect(),
            predictive: rules.predictive.map(|rules| PredictiveScaling::new(rules, step)),
            limits: rules.limits,
            wishes: Vec::new(),
        }
    }

    /// What the alarms make of the capacity.
    fn dynamic(&mut self, reading: Reading, capacity: Capacity, explanation: &mut Explanation) -> u32 {
        self.wishes.clear();
        self.wishes.extend(self.tracking.iter_mut().map(|policy| policy.wish(reading, capacity, explanation)));
        self.wishes.extend(self.steps.iter_mut().map(|policy| policy.wish(reading, capacity, explanation)));
        let out =
            self.wishes.iter().filter_map(|wish| if let Wish::Out(servers) = wish { Some(*servers) } else { None });
        if let Some(most) = out.max() {
            return most;
        }
        let (tracking, steps) = self.wishes.split_at(self.tracking.len());
        let wants_in = |wish: &Wish| if let Wish::In(servers) = wish { Some(*servers) } else { None };
        let mut fewer = steps.iter().filter_map(wants_in).max();
        let blocked =
            self.tracking.iter().zip(tracking).any(|(policy, wish)| policy.scales_in() && *wish == Wish::Stay);
        if let Some(tracked) = tracking.iter().filter_map(wants_in).max() {
            if blocked {
                explanation.note(|| Reason::Cloud(Link::NotAllAgree));
            } else {
                fewer = fewer.max(Some(tracked));
            }
        }
        fewer.unwrap_or(capacity.provisioned)
    }

    /// Raises the target to the forecast's floor, and keeps it within the limits, which the forecast may raise.
    fn bounded(&mut self, target: u32, floor: u32, explanation: &mut Explanation) -> u32 {
        let target = target.max(floor);
        let Some(limits) = &mut self.limits else { return target };
        if let Some(predictive) = &self.predictive {
            limits.max = predictive.rules.breach.maximum(floor, limits.max);
        }
        let bounded = target.min(limits.max).max(limits.min);
        if bounded != target {
            explanation.note(|| Reason::Cloud(Link::Limited { servers: bounded }));
        }
        bounded
    }

    fn start_cooldowns(&mut self, capacity: Capacity, target: u32) {
        let is_wanted = |wish: &Wish| match wish {
            Wish::Out(_) => target > capacity.provisioned,
            Wish::In(_) => target < capacity.provisioned,
            Wish::Stay => false,
        };
        let (tracking, steps) = self.wishes.split_at(self.tracking.len());
        let wishing = self.tracking.iter_mut().zip(tracking).filter(|(_, wish)| is_wanted(wish));
        wishing.for_each(|(policy, _)| policy.scaled(capacity, target));
        let wishing = self.steps.iter_mut().zip(steps).filter(|(_, wish)| is_wanted(wish));
        wishing.for_each(|(policy, _)| policy.scaled(capacity, target));
    }
}

impl Policy for Aws {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let capacity = Capacity { tick: now.tick, provisioned: now.state.provisioned(), ready: now.state.ready() };
        let floor = self.predictive.as_mut().map_or(0, |predictive| predictive.floor(now, explanation));
        let reading = self.meter.read(now);
        let dynamic = match reading {
            Reading::Nothing => {
                explanation.note(|| Reason::Cloud(Link::NoNewData));
                capacity.provisioned
            }
            Reading::Missing | Reading::Point(_) => {
                if reading == Reading::Missing {
                    explanation.note(|| Reason::Cloud(Link::NoData));
                }
                self.dynamic(reading, capacity, explanation)
            }
        };
        let target = self.bounded(dynamic, floor, explanation);
        if target != capacity.provisioned {
            if reading == Reading::Nothing {
                self.wishes.clear();
                self.wishes.resize(self.tracking.len() + self.steps.len(), Wish::Stay);
            }
            self.start_cooldowns(
                capacity,
                target.clamp(now.fleet.min_servers, now.fleet.max_servers.max(now.fleet.min_servers)),
            );
        }
        self.meter.decided(now, target);
        target
    }
}
