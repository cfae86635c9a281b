//! The ensemble: three views of how a value differs from its past, added up as rarities, and told once per episode.
//!
//! 1. *Hour*: the distance from the median of the same time on the last seven days.
//! 2. *Envelope*: how far the value, the last twelve and the last 24 lay, on average, outside of all that was seen within
//!    three steps of the same time on those days and just before. A spike that comes every day, but not to the minute, is
//!    within it. Each of the three counts half.
//! 3. *Level*: the change of the mean of twelve values from the twelve before.
//!
//! Each distance becomes the negative logarithm of its tail probability among its own past ([`Rarity`]), so they can be
//! added whatever the unit: Fisher's combination of tests (*Statistical Methods for Research Workers*, 1932, section
//! 21.1). The three are not independent, so the sum is a score, not a probability. An [`Episodes`] then lets a sum count
//! only if it is news. Nothing is random, and nothing but the past is used.
//!
//! Its few constants were chosen on the 34 series of the Numenta Anomaly Benchmark that `cargo xtask bench nab` reads,
//! and on synthetic counts, roads and temperatures; `docs/anomalies.md` tells how much they matter.

mod episodes;
mod hours;
mod rarity;

use jiff::Timestamp;

use crate::detector::{Detector, DetectorSettings};
use crate::recent::Recent;
use episodes::Episodes;
use hours::Hours;
use rarity::Rarity;

/// The level is a mean over so many values.
const LEVEL: usize = 12;
/// The envelope looks at means over so many values.
const ENVELOPE: [usize; 3] = [1, 12, 24];
/// The largest of them.
const ENVELOPE_LONGEST: usize = 24;
/// What each of them counts.
const ENVELOPE_WEIGHT: f64 = 0.5;
/// Values are cut here, so that their sums stay finite.
const LARGEST: f64 = 1e150;
/// Distances below this share of the largest value are errors of rounding.
const SAME: f64 = 1e-9;
/// A sum that scores one half: two views at one in a hundred, or one alone at one in ten thousand.
const ALARM: f64 = 4.0;

/// Three views, one score.
#[derive(Debug, Clone)]
pub(crate) struct Ensemble {
    hours: Hours,
    values: Recent,
    outside: Recent,
    largest: f64,
    hour: Rarity,
    envelope: [Rarity; ENVELOPE.len()],
    level: Rarity,
    episodes: Episodes,
}

impl Ensemble {
    pub(crate) fn new(settings: &DetectorSettings) -> Self {
        Self {
            hours: Hours::new(settings),
            values: Recent::new(2 * LEVEL),
            outside: Recent::new(ENVELOPE_LONGEST),
            largest: 0.0,
            hour: Rarity::new(),
            envelope: [(); ENVELOPE.len()].map(|()| Rarity::new()),
            level: Rarity::new(),
            episodes: Episodes::default(),
        }
    }

    /// The sum of the rarities of the next value.
    fn surprise(&mut self, time: Timestamp, value: f64) -> f64 {
        self.largest = self.largest.max(value.abs());
        let floor = SAME * self.largest;
        let distance = |distance: f64| if distance <= floor { 0.0 } else { distance };
        let hour = self.hours.median(time).map(|usual| distance((value - usual).abs()));
        let outside = self.hours.outside(time, value).map(distance);
        self.hours.learn(time, value);
        self.outside.push(outside.unwrap_or(0.0));
        self.values.push(value);
        let level = self.values.last(2 * LEVEL).map(|values| {
            let (before, now) = values.split_at(LEVEL);
            distance((mean(now) - mean(before)).abs())
        });
        let views = [(&mut self.hour, hour), (&mut self.level, level)];
        let mut sum: f64 = views.into_iter().filter_map(|(rarity, distance)| Some(rarity.next(distance?, floor))).sum();
        if outside.is_some() {
            let all = self.outside.all();
            for (count, rarity) in ENVELOPE.into_iter().zip(&mut self.envelope) {
                let last = &all[all.len().saturating_sub(count)..];
                sum += ENVELOPE_WEIGHT * rarity.next(mean(last), floor);
            }
        }
        sum
    }
}

impl Detector for Ensemble {
    fn score(&mut self, time: Timestamp, value: Option<f64>) -> f64 {
        let Some(value) = value.filter(|value| value.is_finite()) else { return 0.0 };
        let surprise = self.surprise(time, value.clamp(-LARGEST, LARGEST));
        let news = self.episodes.news(surprise);
        news / (news + ALARM)
    }

    fn threshold(&self) -> f64 {
        0.5
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use dataflow_series::Step;

    use super::*;

    fn alarms(values: impl IntoIterator<Item = f64>) -> Vec<usize> {
        let settings = DetectorSettings::new(Step::from_seconds(300).unwrap());
        let mut detector = Ensemble::new(&settings);
        let mut alarms = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let time = Timestamp::from_second(300 * index as i64).unwrap();
            if detector.score(time, Some(value)) >= detector.threshold() {
                alarms.push(index);
            }
        }
        alarms
    }

    #[test]
    fn a_constant_series_gives_no_alarm_and_its_first_change_one() {
        assert!(alarms((0..5_000).map(|_| 0.1)).is_empty());
        let alarms = alarms((0..5_000).map(|index| if index < 2_000 { 1e8 } else { 1.1e8 }));
        assert!(alarms.first() == Some(&2_000), "{alarms:?}");
        assert!(alarms.len() <= 2, "a new level is news once: {alarms:?}");
    }

    #[test]
    fn a_daily_spike_is_usual_wherever_it_wanders_and_one_at_night_is_not() {
        let spike = |index: i32| index % 288 == 140 + (index / 288) % 3;
        let noise = |index: i32| f64::from(index * 7_919 % 101) / 100.0;
        let value = |index: i32| noise(index) + if spike(index) || index == 4_000 { 50.0 } else { 0.0 };
        let alarms = alarms((0..5_000).map(value));
        let late: Vec<usize> = alarms.into_iter().filter(|index| *index > 1_500).collect();
        assert!(late.contains(&4_000) && late.len() <= 3, "twelve days, one spike at night: {late:?}");
    }

    #[test]
    fn a_day_that_does_not_come_is_noticed() {
        let wave = |index: i32| f64::from(i32::from(index % 288 > 100 && index % 288 < 200)) * 80.0;
        let noise = |index: i32| f64::from(index * 7_919 % 101) / 20.0;
        let alarms = alarms((0..4_000).map(|index| noise(index) + if index / 288 == 11 { 0.0 } else { wave(index) }));
        assert!(alarms.iter().any(|index| (3_269..3_369).contains(index)), "{alarms:?}");
        assert!(alarms.iter().filter(|index| (800..3_168).contains(*index)).count() <= 2, "{alarms:?}");
    }
}
