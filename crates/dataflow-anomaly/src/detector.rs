//! What a detector is, and what all of them are told.

use dataflow_series::Step;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Scores the values of one series, in order of time, each from what came before it alone.
pub trait Detector: Send {
    /// How unlike the past the next value is: from 0, as usual, to 1. A missing value (`None`) scores 0, as it tells
    /// nothing of the load; it still takes its place in time.
    fn score(&mut self, time: Timestamp, value: Option<f64>) -> f64;

    /// Scores from here on are alarms. It is chosen without labels, from how rare such a score is where nothing is wrong.
    fn threshold(&self) -> f64;
}

/// What every detector is told of the series.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectorSettings {
    /// The distance of its values.
    pub step: Step,
    /// In which days begin and clocks change where the values arise.
    pub time_zone: TimeZone,
    /// So many values are for learning: no alarm is expected of them.
    pub probation: usize,
    /// Of detectors that draw at random.
    pub seed: u64,
}

impl DetectorSettings {
    /// A day to learn from, days of UTC, and seed 0.
    pub fn new(step: Step) -> Self {
        let probation = (86_400 / step.seconds()).clamp(10, 1_440) as usize;
        Self { step, time_zone: TimeZone::UTC, probation, seed: 0 }
    }
}
