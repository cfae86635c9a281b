//! AWS step scaling: an alarm on a metric, and adjustments by how far the metric is beyond its threshold.
//!
//! Source: Application Auto Scaling API Reference, `StepScalingPolicyConfiguration` and `StepAdjustment`; EC2 Auto
//! Scaling User Guide, "Step and simple scaling policies".

use super::Link;
use super::meter::{Alarm, Reading};
use super::target_tracking::{Capacity, Cooldowns, Wish};
use crate::policy::{Explanation, Reason};

/// How an adjustment is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjustment {
    /// Servers added, or removed where negative.
    ChangeInCapacity,
    /// The number of servers.
    ExactCapacity,
    /// Servers added in percent of the capacity; at least so many.
    PercentChangeInCapacity {
        /// The smallest change, in servers; 0 where none is given.
        least: u32,
    },
}

/// One interval of breaches with its adjustment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepAdjustment {
    /// Least metric less threshold; `None` is no bound. Included where the alarm is for a metric above.
    pub lower: Option<f64>,
    /// Largest metric less threshold; `None` is no bound. Included where the alarm is for a metric below.
    pub upper: Option<f64>,
    /// Servers or percent.
    pub adjustment: f64,
}

/// The settings of a step-scaling policy.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRules {
    /// The alarm's threshold, a share of the ready capacity.
    pub threshold: f64,
    /// Whether the alarm is for a metric at or above the threshold; else at or below.
    pub is_above: bool,
    /// Data points in a row beyond it that make an alarm.
    pub points: u32,
    /// Intervals without gaps or overlaps.
    pub steps: Vec<StepAdjustment>,
    /// How their adjustments are meant.
    pub adjustment: Adjustment,
    /// Ticks in which a scale-out counts what was added already, and scaling in is blocked.
    pub cooldown_ticks: u32,
}

impl StepAdjustment {
    /// Whether a breach lies within; bounds touch without overlapping.
    fn holds(&self, breach: f64, is_above: bool) -> bool {
        if is_above {
            self.lower.is_none_or(|lower| lower <= breach) && self.upper.is_none_or(|upper| breach < upper)
        } else {
            self.lower.is_none_or(|lower| lower < breach) && self.upper.is_none_or(|upper| breach <= upper)
        }
    }
}

impl Adjustment {
    /// The capacity after an adjustment.
    pub fn apply(self, capacity: u32, amount: f64) -> u32 {
        let change = match self {
            Self::ExactCapacity => return amount.max(0.0) as u32,
            Self::ChangeInCapacity => amount,
            Self::PercentChangeInCapacity { least } => {
                let change = rounded(f64::from(capacity) * amount / 100.0);
                change.abs().max(if amount == 0.0 { 0.0 } else { f64::from(least) }).copysign(amount)
            }
        };
        (f64::from(capacity) + change).max(0.0) as u32
    }
}

/// A percentage as whole servers: towards zero beyond one, to one between zero and one.
fn rounded(change: f64) -> f64 {
    if change == 0.0 { 0.0 } else { change.abs().floor().max(1.0).copysign(change) }
}

/// One step-scaling policy at work.
#[derive(Debug, Clone)]
pub(super) struct StepScaling {
    rules: StepRules,
    alarm: Alarm,
    cooldowns: Cooldowns,
}

impl StepScaling {
    pub(super) fn new(rules: StepRules) -> Self {
        let alarm = Alarm::new(rules.points);
        Self { rules, alarm, cooldowns: Cooldowns::default() }
    }

    /// What it wants after a reading of the metric.
    #[inline]
    pub(super) fn wish(&mut self, reading: Reading, capacity: Capacity, explanation: &mut Explanation) -> Wish {
        let StepRules { threshold, is_above, .. } = self.rules;
        let metric = match reading {
            Reading::Point(point) => point.utilization,
            Reading::Missing => {
                self.alarm.reset();
                return Wish::Stay;
            }
            Reading::Nothing => return Wish::Stay,
        };
        let is_beyond = if is_above { metric >= threshold } else { metric <= threshold };
        let is_alarm = self.alarm.update(is_beyond);
        if is_beyond {
            let Alarm { run, needed } = self.alarm;
            explanation.note(|| Reason::Cloud(Link::Alarm { is_high: is_above, metric, threshold, run, needed }));
        } else {
            explanation.note(|| Reason::Cloud(Link::Between { metric }));
        }
        if !is_alarm {
            return Wish::Stay;
        }
        let breach = metric - threshold;
        let Some(step) = self.rules.steps.iter().find(|step| step.holds(breach, is_above)) else { return Wish::Stay };
        let servers = self.rules.adjustment.apply(self.cooldowns.base(capacity), step.adjustment);
        explanation.note(|| Reason::Cloud(Link::Step { breach, servers }));
        let (out_left, in_left) = (self.cooldowns.out_left(capacity.tick), self.cooldowns.in_left(capacity.tick));
        if servers > capacity.provisioned {
            return Wish::Out(servers);
        }
        let (is_out, ticks_left) = if out_left > 0 { (true, out_left) } else { (false, in_left) };
        if ticks_left > 0 {
            explanation.note(|| Reason::Cloud(Link::Cooldown { is_out, ticks_left }));
            return Wish::Stay;
        }
        if servers < capacity.provisioned { Wish::In(servers) } else { Wish::Stay }
    }

    /// Starts the cooldown once the group has changed its capacity as this policy wished.
    pub(super) fn scaled(&mut self, capacity: Capacity, target: u32) {
        if target > capacity.provisioned {
            self.cooldowns.scaled_out(capacity, self.rules.cooldown_ticks);
        } else if target < capacity.provisioned {
            self.cooldowns.scaled_in(capacity, self.rules.cooldown_ticks);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::cloud::meter::Point;

    #[test]
    fn percentages_are_rounded_as_documented() {
        for (change, whole) in
            [(12.7, 12.0), (0.67, 1.0), (-0.58, -1.0), (-6.67, -6.0), (1.0, 1.0), (-1.0, -1.0), (0.0, 0.0)]
        {
            assert_eq!(rounded(change), whole, "{change}");
        }
    }

    #[test]
    fn a_group_of_ten_follows_the_documented_example() {
        let percent = Adjustment::PercentChangeInCapacity { least: 0 };
        assert_eq!(
            [(10, 10.0), (11, 30.0), (14, -10.0), (13, -30.0)].map(|(n, p)| percent.apply(n, p)),
            [11, 14, 13, 10]
        );
        // A quarter of four is one, but at least two are added.
        assert_eq!(Adjustment::PercentChangeInCapacity { least: 2 }.apply(4, 25.0), 6);
        assert_eq!(Adjustment::ExactCapacity.apply(9, 4.0), 4);
        assert_eq!([2.0, -20.0].map(|change| Adjustment::ChangeInCapacity.apply(9, change)), [11, 0]);
    }

    fn step(lower: Option<f64>, upper: Option<f64>, adjustment: f64) -> StepAdjustment {
        StepAdjustment { lower, upper, adjustment }
    }

    #[test]
    fn bounds_belong_to_the_step_farther_from_the_threshold() {
        let near = step(Some(0.0), Some(0.1), 10.0);
        assert!(near.holds(0.0, true) && near.holds(0.099, true) && !near.holds(0.1, true));
        let far = step(Some(-0.2), Some(-0.1), -10.0);
        assert!(far.holds(-0.1, false) && !far.holds(-0.2, false));
        assert!(step(None, Some(-0.2), -30.0).holds(-9.0, false) && step(Some(0.2), None, 30.0).holds(9.0, true));
    }

    #[test]
    fn within_the_cooldown_a_larger_breach_adds_the_difference_only() {
        let mut policy = StepScaling::new(StepRules {
            threshold: 0.5,
            is_above: true,
            points: 1,
            steps: vec![step(Some(0.0), Some(0.2), 1.0), step(Some(0.2), None, 3.0)],
            adjustment: Adjustment::ChangeInCapacity,
            cooldown_ticks: 5,
        });
        let mut wish = |tick, utilization, provisioned| {
            let capacity = Capacity { tick, provisioned, ready: 4 };
            let reading = Reading::Point(Point { utilization, ready: 4 });
            let wish = policy.wish(reading, capacity, &mut Explanation::dropped());
            if let Wish::Out(servers) = wish {
                policy.scaled(capacity, servers);
            }
            wish
        };
        assert_eq!(wish(0, 0.5, 4), Wish::Out(5));
        assert_eq!((wish(1, 0.6, 5), wish(2, 0.8, 5), wish(3, 0.8, 7)), (Wish::Stay, Wish::Out(7), Wish::Stay));
        assert_eq!(wish(8, 0.6, 7), Wish::Out(8));
    }
}
