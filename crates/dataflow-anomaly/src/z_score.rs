//! The rolling z-score: how many standard deviations a value lies from the mean of the values before it.
//!
//! Mean and deviation of the window are exact, without the cancellation and drift of running sums: the window is a
//! queue of two stacks of partial moments, which are only ever merged and never subtracted, in constant amortised time.
//! Source of the merge: Chan, Golub, `LeVeque`, *Algorithms for Computing the Sample Variance* (1983), equation 2.1.

use jiff::Timestamp;

use crate::detector::{Detector, DetectorSettings};

/// A value so many standard deviations from the mean scores one half. Of normal noise 0.27% lies further out.
const ALARM_DEVIATIONS: f64 = 3.0;
const LEAST_VALUES: usize = 10;

/// The rolling z-score over the length of the probation.
#[derive(Debug, Clone)]
pub struct RollingZScore {
    window: RollingMoments,
    length: usize,
}

impl RollingZScore {
    /// A window as long as the probation.
    pub fn new(settings: &DetectorSettings) -> Self {
        Self { window: RollingMoments::default(), length: settings.probation.max(LEAST_VALUES) }
    }
}

impl Detector for RollingZScore {
    fn score(&mut self, _time: Timestamp, value: Option<f64>) -> f64 {
        let Some(value) = value.filter(|value| value.is_finite()) else { return 0.0 };
        let score = if self.window.len() < LEAST_VALUES { 0.0 } else { score(self.window.all(), value) };
        if self.window.len() == self.length {
            self.window.pop();
        }
        self.window.push(value);
        score
    }

    fn threshold(&self) -> f64 {
        0.5
    }
}

fn score(window: Moments, value: f64) -> f64 {
    let distance = (value - window.mean).abs();
    let deviation = window.deviation();
    if distance == 0.0 || !distance.is_finite() || !deviation.is_finite() {
        return 0.0;
    }
    1.0 / (1.0 + ALARM_DEVIATIONS * deviation / distance)
}

/// Count, mean, and the length of the vector of distances from the mean (the root of their sum of squares).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Moments {
    count: f64,
    mean: f64,
    spread: f64,
}

impl Moments {
    const fn of(value: f64) -> Self {
        Self { count: 1.0, mean: value, spread: 0.0 }
    }

    fn deviation(self) -> f64 {
        self.spread / self.count.sqrt()
    }

    fn merged(self, other: Self) -> Self {
        let count = self.count + other.count;
        if count == 0.0 {
            return self;
        }
        let difference = other.mean - self.mean;
        let between = difference.abs() * (self.count / count * other.count).sqrt();
        Self {
            count,
            mean: self.mean + difference * (other.count / count),
            // A hypotenuse does not overflow where a square would.
            spread: libm::hypot(libm::hypot(self.spread, other.spread), between),
        }
    }
}

/// The moments of a queue of values.
#[derive(Debug, Clone, Default)]
struct RollingMoments {
    /// The newer values, the newest last.
    back: Vec<f64>,
    /// Of all of `back`.
    back_moments: Moments,
    /// The moments of each older value and all those between it and `back`; the oldest is last.
    front: Vec<Moments>,
}

impl RollingMoments {
    fn len(&self) -> usize {
        self.back.len() + self.front.len()
    }

    fn push(&mut self, value: f64) {
        self.back.push(value);
        self.back_moments = self.back_moments.merged(Moments::of(value));
    }

    /// Lets the oldest value go.
    fn pop(&mut self) {
        if self.front.is_empty() {
            let mut moments = Moments::default();
            self.front.extend(self.back.drain(..).rev().map(|value| {
                moments = Moments::of(value).merged(moments);
                moments
            }));
            self.back_moments = Moments::default();
        }
        self.front.pop();
    }

    fn all(&self) -> Moments {
        self.front.last().copied().unwrap_or_default().merged(self.back_moments)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn moments_of_a_window_are_those_computed_from_scratch(
            values in prop::collection::vec(0.0_f64..1e3, 1..300), length in 1_usize..40, offset in prop_oneof![Just(0.0), Just(1e9)],
        ) {
            let mut window = RollingMoments::default();
            for end in 1..=values.len() {
                if window.len() == length {
                    window.pop();
                }
                window.push(values[end - 1] + offset);
                let part = &values[end.saturating_sub(length)..end];
                let count = part.len() as f64;
                let mean = part.iter().sum::<f64>() / count;
                let deviation = (part.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
                let moments = window.all();
                prop_assert!((moments.mean - mean - offset).abs() < 1e-6);
                prop_assert!((moments.deviation() - deviation).abs() < 1e-5, "{} for {deviation}", moments.deviation());
            }
        }
    }

    #[test]
    fn the_rarest_of_a_constant_series_is_any_change() {
        let mut detector = RollingZScore::new(&DetectorSettings::new(dataflow_series::Step::MINUTE));
        let scores: Vec<f64> = (0..40)
            .map(|index| detector.score(Timestamp::UNIX_EPOCH, Some(if index == 39 { 0.1 } else { 0.3 })))
            .collect();
        assert_eq!((scores[38], scores[39]), (0.0, 1.0));
    }

    #[test]
    fn one_enormous_value_does_no_lasting_harm() {
        let settings = DetectorSettings { probation: 20, ..DetectorSettings::new(dataflow_series::Step::MINUTE) };
        let mut detector = RollingZScore::new(&settings);
        for index in 0..100_u32 {
            let value = if index == 30 { 1e200 } else { f64::from(index % 5) };
            detector.score(Timestamp::UNIX_EPOCH, Some(value));
        }
        assert!(detector.score(Timestamp::UNIX_EPOCH, Some(50.0)) > 0.9);
    }
}
