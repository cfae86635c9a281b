//! What a run was like for those who use the service and those who run it: minutes in which load was dropped, days on
//! which enough was served, and servers that come only to go.

use dataflow_series::{LocalTimes, Step, local_times};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A day is good where at least this share of its load was served, unless told otherwise.
pub const SERVED_TARGET: f64 = 0.999;
/// A change that undoes the direction of the one before within this time is flapping, in seconds.
pub const FLAPPING_SECONDS: u32 = 1_800;

const DAY_SECONDS: f64 = 86_400.0;

/// How a run served, over all its ticks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Service {
    /// Time in which any load was dropped, in seconds.
    pub late_seconds: f64,
    /// Days, by the clocks of the trace, on which at least the target's share of the load was served. A day without load
    /// is one.
    pub good_days: usize,
    /// Days, whole or not.
    pub days: usize,
    /// Changes of the number of servers, per day of 24 hours.
    pub changes_per_day: f64,
    /// Changes that undid the direction of the one before within [`FLAPPING_SECONDS`], per day of 24 hours.
    pub flaps_per_day: f64,
}

/// Adds up [`Service`] tick by tick.
#[derive(Debug, Clone)]
pub(crate) struct ServiceSums {
    step: Step,
    target: f64,
    clock: LocalTimes,
    weekday: Option<u32>,
    day_offered: f64,
    day_dropped: f64,
    good_days: usize,
    days: usize,
    ticks: u64,
    ticks_late: u64,
    changes: u64,
    flaps: u64,
    /// The tick of the last change and whether it added servers.
    last_change: Option<(u64, bool)>,
}

impl ServiceSums {
    /// For ticks of `step` from `start` on, whose days are those of `zone`; `target` is the share of a day's load to serve.
    pub(crate) fn new(start: Timestamp, step: Step, zone: &TimeZone, target: f64) -> Self {
        Self {
            step,
            target,
            clock: local_times(start, step, zone),
            weekday: None,
            day_offered: 0.0,
            day_dropped: 0.0,
            good_days: 0,
            days: 0,
            ticks: 0,
            ticks_late: 0,
            changes: 0,
            flaps: 0,
            last_change: None,
        }
    }

    /// One tick: its load, what of it was dropped, and the servers added or removed.
    #[inline]
    pub(crate) fn add(&mut self, load: f64, dropped: f64, change: i32) {
        let weekday = self.clock.next().map(dataflow_series::LocalTime::weekday);
        if weekday != self.weekday || self.step >= Step::DAY {
            self.end_day();
            self.weekday = weekday;
        }
        self.day_offered += load;
        self.day_dropped += dropped;
        self.ticks_late += u64::from(dropped > 0.0);
        if change != 0 {
            self.count_change(change > 0);
        }
        self.ticks += 1;
    }

    fn count_change(&mut self, is_out: bool) {
        self.changes += 1;
        if let Some((tick, was_out)) = self.last_change {
            let apart = (self.ticks - tick).saturating_mul(u64::from(self.step.seconds()));
            self.flaps += u64::from(was_out != is_out && apart <= u64::from(FLAPPING_SECONDS));
        }
        self.last_change = Some((self.ticks, is_out));
    }

    fn end_day(&mut self) {
        if self.weekday.is_some() {
            self.days += 1;
            self.good_days += usize::from(self.is_good());
        }
        (self.day_offered, self.day_dropped) = (0.0, 0.0);
    }

    fn is_good(&self) -> bool {
        self.day_dropped <= (1.0 - self.target) * self.day_offered
    }

    /// The metrics of all ticks so far; zeros without any.
    pub(crate) fn finish(&self) -> Service {
        let seconds = f64::from(self.step.seconds());
        let length = (self.ticks as f64 * seconds / DAY_SECONDS).max(f64::MIN_POSITIVE);
        let is_open = self.weekday.is_some();
        Service {
            late_seconds: self.ticks_late as f64 * seconds,
            good_days: self.good_days + usize::from(is_open && self.is_good()),
            days: self.days + usize::from(is_open),
            changes_per_day: self.changes as f64 / length,
            flaps_per_day: self.flaps as f64 / length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(step: Step, ticks: impl IntoIterator<Item = (f64, f64, i32)>) -> Service {
        // New York is five hours behind: the trace begins on a Sunday there, at 23:00.
        let zone = TimeZone::posix("EST5").unwrap();
        let start = "2024-01-01T04:00:00Z".parse().unwrap();
        let mut sums = ServiceSums::new(start, step, &zone, 0.999);
        ticks.into_iter().for_each(|(load, dropped, change)| sums.add(load, dropped, change));
        sums.finish()
    }

    #[test]
    fn days_are_those_of_the_clock_and_good_to_the_last_thousandth() {
        let hours = |dropped: [f64; 3]| {
            let mut ticks = vec![(1000.0, dropped[0], 0)];
            ticks.extend([(500.0, 0.0, 0); 23]);
            ticks.push((500.0, dropped[1], 0));
            ticks.push((0.0, dropped[2], 0));
            service(Step::HOUR, ticks)
        };
        let good = hours([1.0, 12.0, 0.0]);
        assert_eq!((good.good_days, good.days, good.late_seconds), (3, 3, 7_200.0));
        let bad = hours([1.001, 12.001, 0.0]);
        assert_eq!((bad.good_days, bad.days), (1, 3));
    }

    #[test]
    fn a_quick_turn_is_flapping_and_a_slow_one_or_a_second_step_is_not() {
        let mut ticks = vec![(0.0, 0.0, 0); 1_440];
        for (minute, change) in [(0, 1), (10, 1), (40, -1), (100, 2), (120, -3), (121, 1)] {
            ticks[minute].2 = change;
        }
        let day = service(Step::MINUTE, ticks);
        // Turns at 40 (30 minutes after), 120 and 121; that of 100 comes an hour after.
        assert_eq!((day.flaps_per_day, day.changes_per_day), (3.0, 6.0));
    }

    #[test]
    fn nothing_at_all_is_no_day_and_days_may_be_ticks() {
        let none = service(Step::MINUTE, []);
        assert_eq!((none.days, none.changes_per_day, none.late_seconds), (0, 0.0, 0.0));
        let weeks = service(Step::WEEK, [(1.0, 0.0, 0), (1.0, 1.0, 0), (1.0, 0.0, 0)]);
        assert_eq!((weeks.good_days, weeks.days), (2, 3));
    }
}
