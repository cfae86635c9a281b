//! Detectors that measure how surprising a value is, in a measure of their own, and leave it to the past to say how rare
//! such a surprise is.

use jiff::Timestamp;

use crate::detector::Detector;
use crate::tail::{self, Tail};

/// How surprising each value of a series is, in order of time, from what came before it alone.
pub(crate) trait Surprise: Send {
    /// The share of values, of those where nothing is wrong, that become alarms.
    const FALSE_ALARMS: f64 = 0.001;

    /// How unlike the past the next value is, in any measure from 0; `None` where that cannot be said yet, or where
    /// the value is missing, which still takes its place in time.
    fn next(&mut self, time: Timestamp, value: Option<f64>) -> Option<f64>;
}

/// A detector whose score is the rarity of a surprise among those before it; one half is the nominal rate of false
/// alarms.
#[derive(Debug, Clone)]
pub(crate) struct Calibrated<S> {
    measure: S,
    past: Tail,
}

impl<S: Surprise> Calibrated<S> {
    pub(crate) fn new(measure: S) -> Self {
        Self { measure, past: Tail::new() }
    }
}

impl<S: Surprise> Detector for Calibrated<S> {
    fn score(&mut self, time: Timestamp, value: Option<f64>) -> f64 {
        // What is no number is missing.
        let value = value.filter(|value| value.is_finite());
        let Some(surprise) = self.measure.next(time, value).filter(|surprise| *surprise >= 0.0) else { return 0.0 };
        let probability = self.past.probability(surprise);
        self.past.push(surprise);
        tail::score(probability, S::FALSE_ALARMS)
    }

    fn threshold(&self) -> f64 {
        0.5
    }
}
