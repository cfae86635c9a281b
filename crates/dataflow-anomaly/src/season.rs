//! What was seen at the same time of earlier days, by the clocks of the place where the load arises: around a change to or
//! from daylight-saving time its rhythm follows them.

use std::cell::Cell;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::detector::DetectorSettings;

const DAY_SECONDS: i64 = 86_400;
const WEEK_SECONDS: i64 = 7 * DAY_SECONDS;
/// A season is cut into at most so many slots.
const SLOTS_MAX: i64 = 1_440;

/// A season, a day for steps up to half a day and a week otherwise, in slots of a step.
#[derive(Debug, Clone)]
pub(crate) struct Season {
    clock: Clock,
    period: i64,
    slot_seconds: i64,
    /// By slot: what was seen in the last seasons, the newest last.
    slots: Vec<Vec<Seen>>,
    remembered: usize,
}

/// What was seen in one slot of one season.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) season: i64,
    count: f64,
    pub(crate) mean: f64,
    pub(crate) least: f64,
    pub(crate) largest: f64,
}

/// Local time, cheaply: an offset holds until the next change of the clocks.
#[derive(Debug, Clone)]
struct Clock {
    zone: TimeZone,
    known: Cell<Offset>,
}

/// From a second on, and before another.
#[derive(Debug, Clone, Copy)]
struct Offset {
    from: i64,
    until: i64,
    seconds: i64,
}

impl Season {
    /// So many seasons are remembered, the present one among them.
    pub(crate) fn new(settings: &DetectorSettings, remembered: usize) -> Self {
        let seconds = i64::from(settings.step.seconds());
        let period = if seconds <= DAY_SECONDS / 2 { DAY_SECONDS } else { WEEK_SECONDS };
        let slot_seconds = seconds.max(period / SLOTS_MAX);
        let slots = ((period + slot_seconds / 2) / slot_seconds).max(1) as usize;
        let clock = Clock::new(settings.time_zone.clone());
        Self { clock, period, slot_seconds, slots: vec![Vec::new(); slots], remembered }
    }

    /// The number of the season, and the slot in it.
    pub(crate) fn place(&self, time: Timestamp) -> (i64, usize) {
        let second = self.clock.second(time);
        let slot = second.rem_euclid(self.period) / self.slot_seconds;
        (second.div_euclid(self.period), slot as usize % self.slots.len())
    }

    /// By slot, what was seen in the last seasons.
    pub(crate) fn slots(&self) -> &[Vec<Seen>] {
        &self.slots
    }

    /// Takes a value into the past.
    pub(crate) fn learn(&mut self, time: Timestamp, value: f64) {
        let (season, slot) = self.place(time);
        let seen = &mut self.slots[slot];
        match seen.last_mut() {
            Some(today) if today.season == season => {
                today.count += 1.0;
                today.mean += (value - today.mean) / today.count;
                today.least = today.least.min(value);
                today.largest = today.largest.max(value);
            }
            _ => {
                if seen.len() == self.remembered {
                    seen.remove(0);
                }
                seen.push(Seen { season, count: 1.0, mean: value, least: value, largest: value });
            }
        }
    }
}

impl Clock {
    fn new(zone: TimeZone) -> Self {
        Self { zone, known: Cell::new(Offset { from: 0, until: 0, seconds: 0 }) }
    }

    /// Seconds since 1970 by the clocks of the zone.
    fn second(&self, time: Timestamp) -> i64 {
        let second = time.as_second();
        let mut offset = self.known.get();
        if !(offset.from..offset.until).contains(&second) {
            let change = self.zone.following(time).next();
            offset = Offset {
                from: second,
                until: change.map_or(i64::MAX, |change| change.timestamp().as_second()),
                seconds: i64::from(self.zone.to_offset(time).seconds()),
            };
            self.known.set(offset);
        }
        second + offset.seconds
    }
}

#[cfg(test)]
mod tests {
    use dataflow_series::Step;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn local_time_is_that_of_the_zone(
            seconds in prop::collection::vec(1_700_000_000_i64..1_800_000_000, 1..20), is_ordered: bool,
        ) {
            let mut seconds = seconds;
            if is_ordered {
                seconds.sort_unstable();
            }
            for name in ["Europe/Berlin", "America/St_Johns", "UTC"] {
                let zone = TimeZone::get(name).unwrap();
                let clock = Clock::new(zone.clone());
                for second in &seconds {
                    let time = Timestamp::from_second(*second).unwrap();
                    let local = zone.to_datetime(time);
                    prop_assert_eq!(clock.second(time), TimeZone::UTC.to_timestamp(local).unwrap().as_second());
                }
            }
        }
    }

    #[test]
    fn the_same_time_is_that_of_the_clocks() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let settings = DetectorSettings { time_zone: zone, ..DetectorSettings::new(Step::HOUR) };
        let season = Season::new(&settings, 7);
        let slot = |text: &str| season.place(text.parse().unwrap()).1;
        assert_eq!(slot("2024-03-30T08:00:00Z"), 9);
        assert_eq!(slot("2024-03-31T00:00:00Z"), 1);
        assert_eq!(slot("2024-03-31T01:00:00Z"), 3, "two o'clock did not come");
        assert_eq!(slot("2024-03-31T07:00:00Z"), 9);
        assert_eq!(slot("2024-03-31T22:00:00Z"), 0);
    }
}
