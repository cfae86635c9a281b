//! The metric of a cloud: data points of utilization, and alarms on runs of them.
//!
//! A data point covers a minute, or one tick where that is longer; at ticks that do not divide a minute it covers as
//! few ticks as hold one.

use dataflow_series::Step;

use crate::policy::Observation;

const POINT_SECONDS: f64 = 60.0;

/// One data point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Load over the capacity of the ready servers, on average.
    pub(super) utilization: f64,
    /// Servers ready at its end.
    pub(super) ready: u32,
}

/// What the newest tick says of the metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reading {
    /// No data point has been completed.
    Nothing,
    /// There was no server to measure.
    Missing,
    /// A new data point.
    Point(Point),
}

/// Collects data points tick by tick.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    point_ticks: u32,
    /// Whether no server can show more than full use, whatever the load.
    saturates: bool,
    /// The servers ready in the tick before, after its changes.
    ready_before: u32,
    sum: f64,
    ticks: u32,
}

/// Ticks that one data point covers.
fn point_ticks(step: Step) -> u32 {
    step.ticks(POINT_SECONDS).max(1)
}

/// Data points in a time: as many as cover it, at least one.
pub fn points(step: Step, seconds: f64) -> u32 {
    step.ticks(seconds).div_ceil(point_ticks(step)).max(1)
}

impl Meter {
    pub(super) fn new(step: Step, saturates: bool) -> Self {
        Self { point_ticks: point_ticks(step), saturates, ready_before: 0, sum: 0.0, ticks: 0 }
    }

    /// Takes in the newest load known.
    #[inline]
    pub(super) fn read(&mut self, now: &Observation<'_>) -> Reading {
        let Some(load) = now.last_load() else { return Reading::Nothing };
        // The newest load may be that of the tick before, or of this one.
        let ready = if now.known_loads.len() > now.tick { now.state.ready() } else { self.ready_before };
        if ready == 0 {
            (self.sum, self.ticks) = (0.0, 0);
            return Reading::Missing;
        }
        let utilization = load / (f64::from(ready) * now.fleet.capacity);
        self.sum += if self.saturates { utilization.min(1.0) } else { utilization };
        self.ticks += 1;
        if self.ticks < self.point_ticks {
            return Reading::Nothing;
        }
        let utilization = self.sum / f64::from(self.ticks);
        (self.sum, self.ticks) = (0.0, 0);
        Reading::Point(Point { utilization, ready })
    }

    /// Remembers what is decided: the servers ready after it, as booting ones are cancelled first.
    #[inline]
    pub(super) fn decided(&mut self, now: &Observation<'_>, target: u32) {
        let target = target.max(now.fleet.min_servers).min(now.fleet.max_servers);
        let grown = if now.fleet.startup_ticks == 0 { target.max(now.state.ready()) } else { now.state.ready() };
        self.ready_before = grown.min(target);
    }
}

/// An alarm after so many data points in a row beyond its threshold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alarm {
    pub(super) needed: u32,
    pub(super) run: u32,
}

impl Alarm {
    pub(super) const fn new(needed: u32) -> Self {
        Self { needed, run: 0 }
    }

    /// Takes in a data point; whether there is alarm now.
    #[inline]
    pub(super) fn update(&mut self, is_beyond: bool) -> bool {
        self.run = if is_beyond { self.run.saturating_add(1) } else { 0 };
        self.run >= self.needed
    }

    pub(super) fn reset(&mut self) {
        self.run = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_cover_a_minute_whatever_the_tick() {
        for (seconds, ticks, three_minutes, quarter) in
            [(15, 4, 3, 15), (60, 1, 3, 15), (300, 1, 1, 3), (45, 2, 2, 10), (900, 1, 1, 1)]
        {
            let step = Step::from_seconds(seconds).unwrap();
            assert_eq!(point_ticks(step), ticks, "{seconds} s");
            assert_eq!((points(step, 180.0), points(step, 900.0)), (three_minutes, quarter), "{seconds} s");
        }
    }
}
