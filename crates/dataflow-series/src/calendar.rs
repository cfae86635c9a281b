//! What the clock on the wall says at each tick: the weekday and the time of day in a time zone, daylight saving
//! included. Rhythms of traffic (lunch, night, weekend) follow that clock, not UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::Step;

const DAY_SECONDS: i64 = 86_400;
const WEEK_SECONDS: i64 = 7 * DAY_SECONDS;
/// 1 January 1970 was a Thursday: three days after a Monday.
const EPOCH_AFTER_MONDAY_SECONDS: i64 = 3 * DAY_SECONDS;

/// The local time of one tick's first instant, as seconds since Monday 00:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LocalTime {
    second_of_week: u32,
}

/// The local times of successive ticks, without end. Made by [`local_times`].
#[derive(Debug, Clone)]
pub struct LocalTimes {
    zone: TimeZone,
    second: i64,
    step: i64,
    offset: i64,
    /// The second at which the zone's offset from UTC changes next.
    offset_until: i64,
}

/// The local times of the ticks from `start` on, one per `step`, in `zone`. The iterator never ends, so it serves
/// the future as well; a tick costs a few additions, as the zone is asked only where its clocks change.
pub fn local_times(start: Timestamp, step: Step, zone: &TimeZone) -> LocalTimes {
    let second = start.as_second();
    let mut times =
        LocalTimes { zone: zone.clone(), second, step: i64::from(step.seconds()), offset: 0, offset_until: second };
    times.look_up_offset();
    times
}

impl LocalTime {
    /// Seconds since Monday 00:00, below 604,800.
    pub const fn second_of_week(self) -> u32 {
        self.second_of_week
    }

    /// Minutes since Monday 00:00, below 10,080.
    pub const fn minute_of_week(self) -> u32 {
        self.second_of_week / 60
    }

    /// Hours since Monday 00:00, below 168.
    pub const fn hour_of_week(self) -> u32 {
        self.second_of_week / 3_600
    }

    /// The weekday, from 0 for Monday to 6 for Sunday.
    pub const fn weekday(self) -> u32 {
        self.second_of_week / DAY_SECONDS as u32
    }

    /// Whether the day is a Saturday or a Sunday.
    pub const fn is_weekend(self) -> bool {
        self.weekday() >= 5
    }

    /// Seconds since midnight by the clock, below 86,400.
    pub const fn second_of_day(self) -> u32 {
        self.second_of_week % DAY_SECONDS as u32
    }

    /// Minutes since midnight by the clock, below 1,440.
    pub const fn minute_of_day(self) -> u32 {
        self.second_of_day() / 60
    }

    /// The hour by the clock, below 24.
    pub const fn hour(self) -> u32 {
        self.second_of_day() / 3_600
    }
}

impl LocalTimes {
    fn look_up_offset(&mut self) {
        // Beyond the years that a timestamp can hold, the last offset known stays.
        let Ok(now) = Timestamp::from_second(self.second) else {
            self.offset_until = i64::MAX;
            return;
        };
        self.offset = i64::from(self.zone.to_offset(now).seconds());
        let next_change = self.zone.following(now).next();
        self.offset_until = next_change.map_or(i64::MAX, |change| change.timestamp().as_second());
    }
}

impl Iterator for LocalTimes {
    type Item = LocalTime;

    fn next(&mut self) -> Option<LocalTime> {
        if self.second >= self.offset_until {
            self.look_up_offset();
        }
        let second_of_week = (self.second + self.offset + EPOCH_AFTER_MONDAY_SECONDS).rem_euclid(WEEK_SECONDS) as u32;
        self.second = self.second.saturating_add(self.step);
        Some(LocalTime { second_of_week })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Eastern time by its rule, so that the tests need no time zone database.
    fn new_york() -> TimeZone {
        TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()
    }

    #[test]
    fn the_clock_jumps_where_daylight_saving_starts() {
        // 10 March 2024 is a Sunday; at 02:00 clocks went to 03:00.
        let start = "2024-03-10T05:00:00Z".parse().unwrap();
        let hours: Vec<u32> =
            local_times(start, Step::from_seconds(3600).unwrap(), &new_york()).take(4).map(LocalTime::hour).collect();
        assert_eq!(hours, [0, 1, 3, 4]);
        let first = local_times(start, Step::MINUTE, &new_york()).next().unwrap();
        assert_eq!((first.weekday(), first.is_weekend(), first.hour_of_week()), (6, true, 144));
    }

    #[test]
    fn the_clock_repeats_an_hour_where_daylight_saving_ends() {
        let start = "2024-11-03T04:00:00Z".parse().unwrap();
        let hours: Vec<u32> =
            local_times(start, Step::from_seconds(3600).unwrap(), &new_york()).take(4).map(LocalTime::hour).collect();
        assert_eq!(hours, [0, 1, 1, 2]);
    }

    proptest! {
        #[test]
        fn every_tick_agrees_with_the_time_zone_library(
            start in -4_000_000_000_i64..8_000_000_000, step in 1_u32..2_000_000,
        ) {
            let zone = new_york();
            let start = Timestamp::from_second(start).unwrap();
            let times = local_times(start, Step::from_seconds(step).unwrap(), &zone);
            for (tick, local) in times.take(60).enumerate() {
                let instant = Timestamp::from_second(start.as_second() + tick as i64 * i64::from(step)).unwrap();
                let expected = instant.to_zoned_datetime(zone.clone());
                prop_assert_eq!(local.hour(), u32::from(expected.hour() as u8));
                prop_assert_eq!(local.minute_of_day() % 60, u32::from(expected.minute() as u8));
                prop_assert_eq!(local.second_of_day() % 60, u32::from(expected.second() as u8));
                prop_assert_eq!(local.weekday(), u32::from(expected.weekday().to_monday_zero_offset() as u8));
                prop_assert_eq!(local.minute_of_week(), local.weekday() * 1_440 + local.minute_of_day());
            }
        }
    }
}
