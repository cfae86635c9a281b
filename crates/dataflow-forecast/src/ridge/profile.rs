//! What the traffic was at the same time of earlier days, gaps left out, and how the present level differs from it.
//!
//! Where [`Features`](super::features::Features) averages a fixed number of days, this one lets older days count less,
//! sets working days apart from weekends, and carries the present level along the profile by their ratio. Values are
//! roots, √(load + 3/8).

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use crate::model::steps_per_days;

/// The days that are looked at.
const DAYS: usize = 28;
/// How much less each day further back counts, in the profile of all days and in that of days of the same kind.
const FORGETTING: f64 = 0.85;
const FORGETTING_SAME_KIND: f64 = 0.9;
const MINUTES_PER_DAY: usize = 1_440;
/// The ratio between two times of the profile is kept within 1/3 and 3.
const RATIO_MAX: f64 = 3.0;
/// Inputs written by [`Profile::write`].
const WIDTH: usize = 7;

/// The past as sums from which the mean around any time is one subtraction.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Profile {
    /// Sums of the first so many roots, without those that were missing, and how many they are.
    sums: Vec<f64>,
    counts: Vec<u32>,
    /// Steps per day.
    day: usize,
    /// Half the width of what counts as the same time, in steps.
    half_width: usize,
    /// Steps of an hour: over so many the present level is taken.
    hour: usize,
}

/// A weighted mean that is being gathered: at the target's time and at the origin's.
#[derive(Default)]
struct Pair {
    target: (f64, f64),
    origin: (f64, f64),
}

impl Profile {
    /// `None` where a step is so long that there is no time of day.
    pub(super) fn new(step: Step) -> Option<Self> {
        let day = steps_per_days(step, 1);
        let per = |seconds: f64| ((seconds / f64::from(step.seconds())).round() as usize).max(1);
        (day > 2).then(|| Self { sums: vec![0.0], counts: vec![0], day, half_width: per(1_800.0), hour: per(3_600.0) })
    }

    /// Whether so many intervals were taken in and its parts fit each other, after it was read from a file.
    pub(super) fn is_sound(&self, intervals: usize) -> bool {
        let lengths = [self.sums.len(), self.counts.len()];
        self.day > 0 && lengths == [intervals + 1; 2] && self.counts.is_sorted()
    }

    pub(super) const fn width() -> usize {
        WIDTH
    }

    /// Takes the next root in; a missing one is not counted.
    pub(super) fn push(&mut self, root: f64, is_missing: bool) {
        let (root, count) = if is_missing { (0.0, 0) } else { (root, 1) };
        self.sums.push(self.sums[self.sums.len() - 1] + root);
        self.counts.push(self.counts[self.counts.len() - 1] + count);
    }

    /// Writes the inputs for the forecast, made when `origin` is the newest known interval, of the interval `horizon`
    /// steps later, which begins at this minute of the week: the profile of all days at the target's and at the
    /// origin's time, the profile of days of the same kind at both, that of the same day of the week at both, and the
    /// present level times the ratio of the second. Only what was known at the end of `origin` is read.
    pub(super) fn write(&self, origin: usize, horizon: usize, minute_of_week: usize, inputs: &mut [f64]) {
        let nearest = (horizon + self.half_width).div_ceil(self.day).max(1);
        let (mut all, mut same_kind, mut same_day) = (Pair::default(), Pair::default(), Pair::default());
        let (mut weight, mut weight_same_kind) = (1.0, 1.0);
        for days in nearest..nearest + DAYS {
            let Some(then) = origin.checked_sub(days * self.day) else { break };
            let target = self.around(then + horizon, origin);
            let origin = self.around(then, origin);
            all.add(weight, target, origin);
            if is_weekend(minute_of_week, days) == is_weekend(minute_of_week, 0) {
                same_kind.add(weight_same_kind, target, origin);
            }
            if days.is_multiple_of(7) {
                same_day.add(1.0, target, origin);
            }
            weight *= FORGETTING;
            weight_same_kind *= FORGETTING_SAME_KIND;
        }
        let instead = self.mean((origin + 1).saturating_sub(self.day), origin + 1).unwrap_or(1.0);
        let all = all.means([instead; 2]);
        let same_kind = same_kind.means(all);
        let same_day = same_day.means(same_kind);
        let level = self.mean((origin + 1).saturating_sub(self.hour), origin + 1).unwrap_or(same_kind[1]);
        let ratio = (same_kind[0] / same_kind[1].max(1e-6)).clamp(1.0 / RATIO_MAX, RATIO_MAX);
        inputs[..2].copy_from_slice(&all);
        inputs[2..4].copy_from_slice(&same_kind);
        inputs[4..6].copy_from_slice(&same_day);
        inputs[6] = level * ratio;
    }

    /// The sum and the count of the roots around an interval, up to `last`.
    fn around(&self, centre: usize, last: usize) -> (f64, f64) {
        let until = (centre + self.half_width + 1).min(last + 1);
        let from = centre.saturating_sub(self.half_width).min(until);
        (self.sums[until] - self.sums[from], f64::from(self.counts[until] - self.counts[from]))
    }

    fn mean(&self, from: usize, until: usize) -> Option<f64> {
        let count = self.counts[until] - self.counts[from];
        (count > 0).then(|| (self.sums[until] - self.sums[from]) / f64::from(count))
    }
}

impl Pair {
    fn add(&mut self, weight: f64, target: (f64, f64), origin: (f64, f64)) {
        for (gathered, found) in [(&mut self.target, target), (&mut self.origin, origin)] {
            gathered.0 += weight * found.0;
            gathered.1 += weight * found.1;
        }
    }

    /// The means at the target's and at the origin's time; `instead` where nothing was found.
    fn means(&self, instead: [f64; 2]) -> [f64; 2] {
        let mean = |gathered: (f64, f64), instead: f64| {
            if gathered.1 > 0.0 { (gathered.0 / gathered.1).max(0.0) } else { instead }
        };
        [mean(self.target, instead[0]), mean(self.origin, instead[1])]
    }
}

/// Whether the day so many days before this minute of the week lies on a weekend.
fn is_weekend(minute_of_week: usize, days_before: usize) -> bool {
    let week = 7 * MINUTES_PER_DAY;
    (minute_of_week + 7 * DAYS * week - days_before * MINUTES_PER_DAY) % week >= 5 * MINUTES_PER_DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four weeks of hours from a Monday: 10 on working days, 4 on weekends, and one gap that claims to be 99.
    fn weeks() -> Profile {
        let mut profile = Profile::new(Step::HOUR).unwrap();
        for hour in 0..28 * 24 {
            let gap = hour == 25 * 24 + 6;
            profile.push(
                if gap {
                    99.0
                } else if hour / 24 % 7 >= 5 {
                    4.0
                } else {
                    10.0
                },
                gap,
            );
        }
        profile
    }

    #[test]
    fn weekends_are_kept_apart_and_gaps_are_left_out() {
        let mut inputs = [0.0; WIDTH];
        // The newest hour is Sunday 23:00, so that the target is Monday 06:00.
        weeks().write(28 * 24 - 1, 7, 6 * 60, &mut inputs);
        assert!((inputs[2] - 10.0).abs() < 1e-9 && (inputs[4] - 10.0).abs() < 1e-9, "{inputs:?}");
        assert!(inputs[0] < 9.0 && inputs[0] > 4.0, "{inputs:?}");
    }

    #[test]
    fn days_have_their_own_kind() {
        let monday = 6 * 60;
        let kinds: Vec<bool> = (0..9).map(|days| is_weekend(monday, days)).collect();
        assert_eq!(kinds, [false, true, true, false, false, false, false, false, true]);
    }

    #[test]
    fn long_steps_have_no_time_of_day() {
        assert!(Profile::new(Step::from_seconds(43_200).unwrap()).is_none());
    }
}
