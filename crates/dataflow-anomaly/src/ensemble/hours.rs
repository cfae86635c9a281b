//! How a value lies beside those of the same time on the last days.

use jiff::Timestamp;

use crate::detector::DetectorSettings;
use crate::season::Season;

/// So many seasons are remembered.
const SEASONS: usize = 7;
/// The envelope reaches so many slots to both sides.
const REACH: usize = 3;

/// What was seen in the last seasons.
#[derive(Debug, Clone)]
pub(crate) struct Hours {
    season: Season,
}

impl Hours {
    pub(crate) fn new(settings: &DetectorSettings) -> Self {
        Self { season: Season::new(settings, SEASONS) }
    }

    /// Takes a value into the past.
    pub(crate) fn learn(&mut self, time: Timestamp, value: f64) {
        self.season.learn(time, value);
    }

    /// The median of this time in earlier seasons, where there is one.
    pub(crate) fn median(&self, time: Timestamp) -> Option<f64> {
        let (season, slot) = self.season.place(time);
        let earlier = self.season.slots()[slot].iter().filter(|seen| seen.season != season);
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
        let (_, slot) = self.season.place(time);
        let slots = self.season.slots();
        let reach = REACH.min((slots.len() - 1) / 2);
        let (mut least, mut largest, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0);
        for near in slot + slots.len() - reach..=slot + slots.len() + reach {
            for seen in &slots[near % slots.len()] {
                least = least.min(seen.least);
                largest = largest.max(seen.largest);
                count += 1;
            }
        }
        // One season all about, and today up to now.
        (count > 3 * reach).then(|| (value - largest).max(least - value).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use dataflow_series::Step;

    use super::*;

    #[test]
    fn the_same_time_on_earlier_days() {
        let mut season = Hours::new(&DetectorSettings::new(Step::HOUR));
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
            let mut season = Hours::new(&DetectorSettings::new(Step::from_seconds(seconds).unwrap()));
            for index in 0..50 {
                let time = Timestamp::from_second(index * i64::from(seconds)).unwrap();
                season.learn(time, 1.0);
                assert!(season.outside(time, 2.0).is_none_or(|distance| distance == 1.0));
            }
        }
    }
}
