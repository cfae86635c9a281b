//! What a detector is, and what all of them are told.

use dataflow_series::Step;
use jiff::Timestamp;

/// Scores the values of one series, in order of time, each from what came before it alone.
pub trait Detector: Send {
    /// How unlike the past the next value is: from 0, as usual, to 1. A missing value (`None`) scores 0, as it tells
    /// nothing of the load; it still takes its place in time.
    fn score(&mut self, time: Timestamp, value: Option<f64>) -> f64;

    /// Scores from here on are alarms. It is chosen without labels, from how rare such a score is where nothing is wrong.
    fn threshold(&self) -> f64;
}

/// What every detector is told of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectorSettings {
    /// The distance of its values.
    pub step: Step,
    /// So many values are for learning: no alarm is expected of them.
    pub probation: usize,
    /// Of detectors that draw at random.
    pub seed: u64,
}

impl DetectorSettings {
    /// A day to learn from, and seed 0.
    pub fn new(step: Step) -> Self {
        Self { step, probation: (86_400 / step.seconds()).clamp(10, 1_440) as usize, seed: 0 }
    }
}
