//! AWS target tracking: keeps a metric at a target by two alarms.
//!
//! Source: Application Auto Scaling User Guide, "Target tracking scaling policies", and the EC2 Auto Scaling User Guide.
//! The numbers of the alarms are those that AWS is seen to create; it does not promise them.

use super::meter::{Alarm, Point, Reading};
use super::{Link, servers};
use crate::policy::{Explanation, Reason};

/// What keeps a target-tracking policy from acting again at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Application Auto Scaling (ECS, Aurora, …): cooldowns, in ticks. Within that of scaling out only a larger
    /// scale-out happens, counted from the capacity before the first; that of scaling in blocks scaling in.
    Cooldowns {
        /// After scaling out.
        out: u32,
        /// After scaling in.
        r#in: u32,
    },
    /// EC2 groups: starting instances are left out of the metric but count as capacity, and nothing is removed while
    /// there are any.
    WarmUp,
}

/// The settings of a target-tracking policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackingRules {
    /// The metric's target, a share of the ready capacity above 0.
    pub target: f64,
    /// The lower alarm's threshold as a share of the target.
    pub low_share: f64,
    /// Data points in a row above the target that make an alarm.
    pub high_points: u32,
    /// Data points in a row below the lower threshold that make an alarm.
    pub low_points: u32,
    /// What keeps it from acting again at once.
    pub pace: Pace,
    /// Most servers removed at once; `None` is as many as the metric asks for.
    pub scale_in_step: Option<u32>,
    /// Whether it never scales in.
    pub scale_in_disabled: bool,
}

/// What one policy of a group wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Out(u32),
    In(u32),
    Stay,
}

/// Capacity as a policy finds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capacity {
    pub(super) tick: usize,
    pub(super) provisioned: u32,
    pub(super) ready: u32,
}

/// Ticks at which cooldowns end, and the capacity from which a scale-out under way is counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cooldowns {
    out_until: usize,
    in_until: usize,
    base: u32,
}

impl Cooldowns {
    /// The capacity from which a scale-out is counted now.
    pub(super) fn base(&self, capacity: Capacity) -> u32 {
        if capacity.tick < self.out_until { self.base } else { capacity.provisioned }
    }

    pub(super) fn out_left(&self, tick: usize) -> u32 {
        self.out_until.saturating_sub(tick) as u32
    }

    pub(super) fn in_left(&self, tick: usize) -> u32 {
        self.in_until.saturating_sub(tick) as u32
    }

    /// Scaling out cancels the cooldown of scaling in.
    pub(super) fn scaled_out(&mut self, capacity: Capacity, ticks: u32) {
        self.base = self.base(capacity);
        self.out_until = capacity.tick + ticks as usize;
        self.in_until = 0;
    }

    pub(super) fn scaled_in(&mut self, capacity: Capacity, ticks: u32) {
        self.in_until = capacity.tick + ticks as usize;
    }
}

/// One target-tracking policy at work.
#[derive(Debug, Clone)]
pub(super) struct TargetTracking {
    rules: TrackingRules,
    high: Alarm,
    low: Alarm,
    cooldowns: Cooldowns,
}

impl TargetTracking {
    pub(super) fn new(rules: TrackingRules) -> Self {
        let (high, low) = (Alarm::new(rules.high_points), Alarm::new(rules.low_points));
        Self { rules, high, low, cooldowns: Cooldowns::default() }
    }

    pub(super) const fn scales_in(&self) -> bool {
        !self.rules.scale_in_disabled
    }

    /// What it wants after a reading of the metric. Missing data is `INSUFFICIENT_DATA`: no change.
    #[inline]
    pub(super) fn wish(&mut self, reading: Reading, capacity: Capacity, explanation: &mut Explanation) -> Wish {
        let point = match reading {
            Reading::Point(point) => point,
            Reading::Missing => {
                self.high.reset();
                self.low.reset();
                return Wish::Stay;
            }
            Reading::Nothing => return Wish::Stay,
        };
        let low = self.rules.low_share * self.rules.target;
        let is_high = self.high.update(point.utilization > self.rules.target);
        let is_low = self.low.update(point.utilization < low);
        let alarm = |alarm: Alarm, is_high: bool, threshold: f64| {
            let Alarm { run, needed } = alarm;
            Reason::Cloud(Link::Alarm { is_high, metric: point.utilization, threshold, run, needed })
        };
        if self.high.run > 0 {
            explanation.note(|| alarm(self.high, true, self.rules.target));
        } else if self.low.run > 0 {
            explanation.note(|| alarm(self.low, false, low));
        } else {
            explanation.note(|| Reason::Cloud(Link::Between { metric: point.utilization }));
        }
        if is_high {
            self.out(point, capacity, explanation)
        } else if is_low {
            self.r#in(point, capacity, explanation)
        } else {
            Wish::Stay
        }
    }

    fn out(&self, point: Point, capacity: Capacity, explanation: &mut Explanation) -> Wish {
        let base = match self.rules.pace {
            Pace::WarmUp => point.ready,
            Pace::Cooldowns { .. } => self.cooldowns.base(capacity),
        };
        let needed = self.proportional(base, point, explanation);
        if needed > capacity.provisioned {
            return Wish::Out(needed);
        }
        let ticks_left = self.cooldowns.out_left(capacity.tick);
        if ticks_left > 0 {
            explanation.note(|| Reason::Cloud(Link::Cooldown { is_out: true, ticks_left }));
        }
        Wish::Stay
    }

    fn r#in(&self, point: Point, capacity: Capacity, explanation: &mut Explanation) -> Wish {
        if self.rules.scale_in_disabled {
            explanation.note(|| Reason::Cloud(Link::ScaleInDisabled));
            return Wish::Stay;
        }
        if self.rules.pace == Pace::WarmUp && capacity.ready < capacity.provisioned {
            explanation.note(|| Reason::Cloud(Link::WarmingUp));
            return Wish::Stay;
        }
        let ticks_left = self.cooldowns.in_left(capacity.tick);
        if ticks_left > 0 {
            explanation.note(|| Reason::Cloud(Link::Cooldown { is_out: false, ticks_left }));
            return Wish::Stay;
        }
        let needed = self.proportional(capacity.provisioned, point, explanation);
        if needed >= capacity.provisioned {
            return Wish::Stay;
        }
        let fewest = self.rules.scale_in_step.map_or(0, |step| capacity.provisioned.saturating_sub(step));
        if fewest > needed {
            explanation.note(|| Reason::Cloud(Link::ScaleInLimited { servers: fewest }));
        }
        Wish::In(needed.max(fewest))
    }

    /// Servers that would bring the metric to its target, rounded up: one fewer would bring it above.
    fn proportional(&self, base: u32, point: Point, explanation: &mut Explanation) -> u32 {
        let (metric, target) = (point.utilization, self.rules.target);
        let servers = servers(f64::from(base) * metric / target);
        explanation.note(|| Reason::Cloud(Link::Proportional { metric, target, servers }));
        servers
    }

    /// Starts cooldowns once the group has changed its capacity.
    pub(super) fn scaled(&mut self, capacity: Capacity, target: u32) {
        let Pace::Cooldowns { out, r#in } = self.rules.pace else { return };
        if target > capacity.provisioned {
            self.cooldowns.scaled_out(capacity, out);
        } else if target < capacity.provisioned {
            self.cooldowns.scaled_in(capacity, r#in);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: TrackingRules = TrackingRules {
        target: 0.5,
        low_share: 0.9,
        high_points: 3,
        low_points: 15,
        pace: Pace::Cooldowns { out: 5, r#in: 5 },
        scale_in_step: None,
        scale_in_disabled: false,
    };

    fn point(utilization: f64, ready: u32) -> Reading {
        Reading::Point(Point { utilization, ready })
    }

    fn steady(tick: usize, servers: u32) -> Capacity {
        Capacity { tick, provisioned: servers, ready: servers }
    }

    /// What comes of a metric that stays where it is.
    fn after(rules: TrackingRules, points: usize, utilization: f64, servers: u32) -> Wish {
        let mut tracking = TargetTracking::new(rules);
        let wish =
            |tick| tracking.wish(point(utilization, servers), steady(tick, servers), &mut Explanation::dropped());
        (0..points).map(wish).last().unwrap()
    }

    #[test]
    fn alarms_need_three_points_above_and_fifteen_below() {
        assert_eq!((after(RULES, 2, 0.9, 4), after(RULES, 3, 0.9, 4)), (Wish::Stay, Wish::Out(8)));
        assert_eq!((after(RULES, 14, 0.2, 4), after(RULES, 15, 0.2, 4)), (Wish::Stay, Wish::In(2)));
        // Between 90% of the target and the target nothing happens, and exactly at either neither.
        for idle in [0.45, 0.47, 0.5] {
            assert_eq!(after(RULES, 99, idle, 4), Wish::Stay, "{idle}");
        }
        let ec2 = TrackingRules { target: 0.75, low_share: 0.7, ..RULES };
        assert_eq!((after(ec2, 99, 0.53, 4), after(ec2, 99, 0.52, 4)), (Wish::Stay, Wish::In(3)));
    }

    #[test]
    fn a_need_of_one_and_a_half_adds_two_and_half_a_server_is_not_removed() {
        // 3 servers at 75% of a target of 50% are 4.5 servers' worth.
        assert_eq!(after(RULES, 3, 0.75, 3), Wish::Out(5));
        // 4 servers at 43.75% are 3.5 servers' worth: removing one would bring the metric above its target.
        assert_eq!(after(RULES, 99, 0.4375, 4), Wish::Stay);
        assert_eq!(after(TrackingRules { scale_in_step: Some(1), ..RULES }, 15, 0.1, 9), Wish::In(8));
        assert_eq!(after(TrackingRules { scale_in_disabled: true, ..RULES }, 99, 0.1, 9), Wish::Stay);
    }

    #[test]
    fn within_the_cooldown_only_a_larger_scale_out_happens_and_it_cancels_that_of_scaling_in() {
        let mut tracking = TargetTracking::new(RULES);
        let mut wish = |tick, utilization, provisioned| {
            let wish = tracking.wish(
                point(utilization, 4),
                Capacity { tick, provisioned, ready: 4 },
                &mut Explanation::dropped(),
            );
            if let Wish::Out(servers) = wish {
                tracking.scaled(Capacity { tick, provisioned, ready: 4 }, servers);
            }
            wish
        };
        assert_eq!((wish(0, 0.75, 4), wish(1, 0.75, 4), wish(2, 0.75, 4)), (Wish::Stay, Wish::Stay, Wish::Out(6)));
        // Still hot, but the two added count: 4 × 0.75 / 0.5 is 6 again. Hotter asks for more.
        assert_eq!((wish(3, 0.75, 6), wish(4, 0.9, 6)), (Wish::Stay, Wish::Out(8)));
        // After the cooldown all eight are the base.
        assert_eq!(wish(9, 0.75, 8), Wish::Out(12));
        let mut cooldowns = Cooldowns::default();
        cooldowns.scaled_in(steady(0, 4), 9);
        assert_eq!(cooldowns.in_left(3), 6);
        cooldowns.scaled_out(steady(3, 4), 9);
        assert_eq!(cooldowns.in_left(3), 0);
    }

    #[test]
    fn warming_instances_count_as_capacity_and_stop_scaling_in() {
        let rules = TrackingRules { pace: Pace::WarmUp, high_points: 1, low_points: 1, ..RULES };
        let mut tracking = TargetTracking::new(rules);
        let warming = Capacity { tick: 0, provisioned: 6, ready: 4 };
        let mut wish = |utilization| tracking.wish(point(utilization, 4), warming, &mut Explanation::dropped());
        assert_eq!((wish(0.75), wish(0.8)), (Wish::Stay, Wish::Out(7)));
        assert_eq!(wish(0.1), Wish::Stay);
    }

    #[test]
    fn missing_data_scales_neither_way_and_breaks_a_run() {
        let mut tracking = TargetTracking::new(RULES);
        let readings = [point(0.9, 4), point(0.9, 4), Reading::Missing, point(0.9, 4), point(0.9, 4)];
        for (tick, reading) in readings.into_iter().enumerate() {
            assert_eq!(tracking.wish(reading, steady(tick, 4), &mut Explanation::dropped()), Wish::Stay);
        }
    }
}
