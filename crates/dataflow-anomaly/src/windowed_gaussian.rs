//! The windowed Gaussian: how far out in the tail of a normal distribution a value lies.
//!
//! Source: the detector `windowedGaussian` of the Numenta Anomaly Benchmark, with its parameters: a window of 6,400
//! values that moves on by 100 at a time. The score is 1 less the tail probability, so it begins at one half.

use jiff::Timestamp;

use crate::detector::{Detector, DetectorSettings};

const WINDOW: usize = 6_400;
const MOVES_BY: usize = 100;
/// Instead of no deviation at all.
const LEAST_DEVIATION: f64 = 1e-6;

/// The windowed Gaussian.
#[derive(Debug, Clone, Default)]
pub(crate) struct WindowedGaussian {
    window: Vec<f64>,
    waiting: Vec<f64>,
    mean: f64,
    squares: f64,
}

impl WindowedGaussian {
    /// Its parameters are the published ones, whatever the settings.
    pub(crate) fn new(_settings: &DetectorSettings) -> Self {
        Self::default()
    }

    fn tail_probability(&self, value: f64) -> f64 {
        let deviation = (self.squares / self.window.len() as f64).sqrt();
        let deviation = if deviation == 0.0 { LEAST_DEVIATION } else { deviation };
        0.5 * libm::erfc((value - self.mean).abs() / deviation / std::f64::consts::SQRT_2)
    }

    fn learn(&mut self, value: f64) {
        if self.window.len() < WINDOW {
            self.add(value);
            return;
        }
        self.waiting.push(value);
        if self.waiting.len() == MOVES_BY {
            let kept = self.window.split_off(MOVES_BY);
            let added = std::mem::take(&mut self.waiting);
            *self = Self::default();
            kept.into_iter().chain(added).for_each(|each| self.add(each));
        }
    }

    /// Welford's update of the mean and of the squares about it.
    fn add(&mut self, value: f64) {
        self.window.push(value);
        let before = value - self.mean;
        self.mean += before / self.window.len() as f64;
        self.squares += before * (value - self.mean);
    }
}

impl Detector for WindowedGaussian {
    fn score(&mut self, _time: Timestamp, value: Option<f64>) -> f64 {
        let Some(value) = value.filter(|value| value.is_finite()) else { return 0.0 };
        let tail = if self.window.is_empty() { 1.0 } else { self.tail_probability(value) };
        self.learn(value);
        if tail.is_finite() { 1.0 - tail } else { 0.0 }
    }

    /// What the benchmark published for it: a tail probability below the resolution of a double, from 8.3 deviations.
    fn threshold(&self) -> f64 {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataflow_series::Step;

    fn scores(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut detector = WindowedGaussian::new(&DetectorSettings::new(Step::MINUTE));
        values.into_iter().map(|value| detector.score(Timestamp::UNIX_EPOCH, Some(value))).collect()
    }

    #[test]
    fn scores_are_the_normal_distribution() {
        // Mean 10 and deviation 2 after the first two.
        let scores = scores([8.0, 12.0, 14.0]);
        assert_eq!(scores[0], 0.0);
        assert!((scores[2] - 0.977_249_868_051_820_8).abs() < 1e-12, "two deviations: {}", scores[2]);
    }

    #[test]
    fn the_window_forgets() {
        let noise = |index: i32| f64::from(index * 7919 % 13);
        let level = |level: f64, count: i32| (0..count).map(move |index| level + noise(index));
        let scores = scores(level(0.0, 6_400).chain(level(1_000.0, 6_500)));
        assert_eq!(scores[6_400], 1.0, "a new level is news");
        assert!(scores[12_899] < 0.99, "and no longer after a window of it: {}", scores[12_899]);
    }
}
