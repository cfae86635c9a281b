//! The rolling z-score: how many standard deviations a value lies from the mean of the values before it.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::detector::{Detector, DetectorSettings};

/// A value so many standard deviations from the mean scores one half.
const ALARM_DEVIATIONS: f64 = 3.0;
const LEAST_VALUES: usize = 10;

/// The rolling z-score over the length of the probation.
#[derive(Debug, Clone)]
pub struct RollingZScore {
    window: VecDeque<f64>,
    length: usize,
}

impl RollingZScore {
    /// A window as long as the probation.
    pub fn new(settings: &DetectorSettings) -> Self {
        Self { window: VecDeque::new(), length: settings.probation.max(LEAST_VALUES) }
    }
}

impl Detector for RollingZScore {
    fn score(&mut self, _time: Timestamp, value: Option<f64>) -> f64 {
        let Some(value) = value else { return 0.0 };
        let score = if self.window.len() < LEAST_VALUES { 0.0 } else { score(&self.window, value) };
        if self.window.len() == self.length {
            self.window.pop_front();
        }
        self.window.push_back(value);
        score
    }

    fn threshold(&self) -> f64 {
        0.5
    }
}

fn score(window: &VecDeque<f64>, value: f64) -> f64 {
    let count = window.len() as f64;
    let mean = window.iter().map(|past| past / count).sum::<f64>();
    let deviation = window.iter().map(|past| (past - mean).powi(2) / count).sum::<f64>().sqrt();
    let distance = (value - mean).abs();
    if distance == 0.0 || !distance.is_finite() || !deviation.is_finite() {
        return 0.0;
    }
    distance / (distance + ALARM_DEVIATIONS * deviation)
}
