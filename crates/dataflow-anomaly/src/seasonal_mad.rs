//! Median and median absolute deviation on seasonal residuals: how far a value lies from what the same time of earlier
//! days and the present level let expect, in robust standard deviations.

use jiff::Timestamp;

use crate::detector::DetectorSettings;
use crate::expectation::Expectation;
use crate::root::root;
use crate::surprise::Surprise;

/// The distance from the expected load in robust standard deviations.
#[derive(Debug)]
pub(crate) struct SeasonalResidual {
    expectation: Expectation,
}

impl SeasonalResidual {
    pub(crate) fn new(settings: &DetectorSettings) -> Self {
        Self { expectation: Expectation::new(settings) }
    }
}

impl Surprise for SeasonalResidual {
    fn next(&mut self, time: Timestamp, value: Option<f64>) -> Option<f64> {
        let value = value?;
        let usual = self.expectation.at(time);
        self.expectation.learn(time, value);
        let usual = usual?;
        let distance = (root(value) - usual.root).abs();
        Some(if distance == 0.0 { 0.0 } else { distance / usual.deviation })
    }
}
