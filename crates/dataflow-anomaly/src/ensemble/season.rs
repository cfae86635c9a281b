//! What was seen at the same time on the last days.

use dataflow_series::Step;
use jiff::Timestamp;

const DAY_SECONDS: i64 = 86_400;
const WEEK_SECONDS: i64 = 7 * DAY_SECONDS;
/// A season is cut into at most so many slots.
const SLOTS_MAX: i64 = 1_440;
/// So many seasons are remembered.
const SEASONS: usize = 7;
/// The envelope reaches so many slots to both sides.
const REACH: usize = 3;

/// A season, a day for steps up to half a day and a week otherwise, in slots of a step.
#[derive(Debug, Clone)]
pub(crate) struct Season {
    period: i64,
    slot_seconds: i64,
    slots: Vec<Vec<Seen>>,
}

/// What was seen in one slot of one season.
#[derive(Debug, Clone, Copy)]
struct Seen {
    season: i64,
    count: f64,
    mean: f64,
    least: f64,
    largest: f64,
}

impl Season {
    pub(crate) fn new(step: Step) -> Self {
        let seconds = i64::from(step.seconds());
        let period = if seconds <= DAY_SECONDS / 2 { DAY_SECONDS } else { WEEK_SECONDS };
        let slot_seconds = seconds.max(period / SLOTS_MAX);
        let slots = ((period + slot_seconds / 2) / slot_seconds).max(1) as usize;
        Self { period, slot_seconds, slots: vec![Vec::new(); slots] }
    }

    /// The median of this time in earlier seasons, where there is one.
    pub(crate) fn median(&self, time: Timestamp) -> Option<f64> {
        let (season, slot) = self.place(time);
        let earlier = self.slots[slot].iter().filter(|seen| seen.season != season);
        let mut means = [0.0; SEASONS];
        let mut count = 0;
        for (mean, seen) in means.iter_mut().zip(earlier) {
            *mean = seen.mean;
            count += 1;
        }
        let means = &mut means[..count];
        means.sort_by(f64::total_cmp);
        let middle = count / 2;
        match count % 2 {
            1 => Some(means[middle]),
            _ if count > 0 => Some(f64::midpoint(means[middle - 1], means[middle])),
            _ => None,
        }
    }

    /// How far a value lies outside of everything seen about this time, today and before; `None` where less was seen
    /// than one season has.
    pub(crate) fn outside(&self, time: Timestamp, value: f64) -> Option<f64> {
        let (_, slot) = self.place(time);
        let reach = REACH.min((self.slots.len() - 1) / 2);
        let (mut least, mut largest, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0);
        for near in slot + self.slots.len() - reach..=slot + self.slots.len() + reach {
            for seen in &self.slots[near % self.slots.len()] {
                least = least.min(seen.least);
                largest = largest.max(seen.largest);
                count += 1;
            }
        }
        // One season all about, and today up to now.
        (count > 3 * reach).then(|| (value - largest).max(least - value).max(0.0))
    }

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
                if seen.len() == SEASONS {
                    seen.remove(0);
                }
                seen.push(Seen { season, count: 1.0, mean: value, least: value, largest: value });
            }
        }
    }

    fn place(&self, time: Timestamp) -> (i64, usize) {
        let second = time.as_second();
        let slot = second.rem_euclid(self.period) / self.slot_seconds;
        (second.div_euclid(self.period), slot as usize % self.slots.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_time_on_earlier_days() {
        let mut season = Season::new(Step::HOUR);
        let time = |hour: i64| Timestamp::from_second(3_600 * hour).unwrap();
        assert_eq!((season.median(time(0)), season.outside(time(0), 1.0)), (None, None));
        for hour in 0..240 {
            season.learn(time(hour), (100 * (hour % 24) + hour / 24) as f64);
        }
        assert_eq!(season.median(time(245)), Some(506.0), "the median of days 3 to 9");
        assert_eq!(season.outside(time(245), 850.0), Some(41.0), "809 was the largest within three hours");
        assert_eq!(season.outside(time(245), 500.0), Some(0.0));
        assert_eq!(season.outside(time(245), 100.0), Some(103.0));
    }

    #[test]
    fn steps_of_any_length_have_a_season() {
        for seconds in [1, 7, 300, 50_000, 86_400, 700_000] {
            let mut season = Season::new(Step::from_seconds(seconds).unwrap());
            for index in 0..50 {
                let time = Timestamp::from_second(index * i64::from(seconds)).unwrap();
                season.learn(time, 1.0);
                assert!(season.outside(time, 2.0).is_none_or(|distance| distance == 1.0));
            }
        }
    }
}
