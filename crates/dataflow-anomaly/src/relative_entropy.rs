//! Relative entropy: whether the last values are spread over their range as any earlier stretch was.
//!
//! Source: C. Wang et al., *Statistical Techniques for Online Anomaly Detection in Data Centers* (IM 2011), figure 1,
//! with the parameters of the detector `relativeEntropy` of the Numenta Anomaly Benchmark: stretches of 52 values, five
//! bins, 99% of the chi-squared distribution with four degrees of freedom.
//!
//! The benchmark's detector is told the least and the largest value of the whole series before its first, which nobody
//! knows in a stream. Here the probation tells the range; the benchmark's way is open to its own bench alone.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::detector::{Detector, DetectorSettings};

const BINS: usize = 5;
const STRETCH: usize = 52;
/// The 99% quantile of the chi-squared distribution with `BINS - 1` degrees of freedom.
const CHI_SQUARED_99: f64 = 13.276_704_135_987_622;

type Frequencies = [f64; BINS];

/// Relative entropy of the last values against each kind of stretch seen before. Scores are 0 or 1.
#[derive(Debug, Clone)]
pub(crate) struct RelativeEntropy {
    range: Range,
    stretch: VecDeque<f64>,
    seen: Vec<Frequencies>,
}

#[derive(Debug, Clone, Copy)]
enum Range {
    /// So many values more widen it.
    Learning {
        values_left: usize,
        least: f64,
        largest: f64,
    },
    Known {
        least: f64,
        width: f64,
    },
}

impl RelativeEntropy {
    /// The range of the values is that of the probation.
    pub(crate) fn new(settings: &DetectorSettings) -> Self {
        let values_left = settings.probation.max(STRETCH);
        Self::over(Range::Learning { values_left, least: f64::INFINITY, largest: f64::NEG_INFINITY })
    }

    /// The detector exactly as the benchmark published it: **it looks ahead**, as it is told the range of all values.
    pub(crate) fn told_the_range(least: f64, largest: f64) -> Self {
        Self::over(Range::Known { least, width: (largest - least) / BINS as f64 })
    }

    fn over(range: Range) -> Self {
        Self { range, stretch: VecDeque::with_capacity(STRETCH), seen: Vec::new() }
    }

    fn learn_range(&mut self, value: f64) {
        let Range::Learning { values_left, least, largest } = &mut self.range else { return };
        *least = least.min(value);
        *largest = largest.max(value);
        *values_left = values_left.saturating_sub(1);
        // A range of one value tells nothing: it waits for a second.
        if *values_left == 0 && *largest > *least {
            let width = *largest / BINS as f64 - *least / BINS as f64;
            self.range = Range::Known { least: *least, width };
        }
    }

    fn frequencies(&self) -> Option<Frequencies> {
        let Range::Known { least, width } = self.range else { return None };
        if width <= 0.0 || !width.is_finite() || self.stretch.len() < STRETCH {
            return None;
        }
        let mut counts = [0.0; BINS];
        for value in &self.stretch {
            // The benchmark's bins: the least value has the first one with it, the last two fifths share the last.
            let bin = ((value - least) / width).ceil().clamp(0.0, BINS as f64) as usize;
            counts[bin.min(BINS - 1)] += 1.0;
        }
        Some(counts.map(|count| count / STRETCH as f64))
    }
}

impl Detector for RelativeEntropy {
    fn score(&mut self, _time: Timestamp, value: Option<f64>) -> f64 {
        let Some(value) = value.filter(|value| value.is_finite()) else { return 0.0 };
        self.learn_range(value);
        if self.stretch.len() == STRETCH {
            self.stretch.pop_front();
        }
        self.stretch.push_back(value);
        let Some(now) = self.frequencies() else { return 0.0 };
        let known = self.seen.iter().any(|before| 2.0 * STRETCH as f64 * entropy(&now, before) < CHI_SQUARED_99);
        if known {
            return 0.0;
        }
        self.seen.push(now);
        // The first stretch is what the others are compared to.
        if self.seen.len() == 1 { 0.0 } else { 1.0 }
    }

    fn threshold(&self) -> f64 {
        0.5
    }
}

/// The Kullback-Leibler divergence of `now` from `before`, in nats.
fn entropy(now: &Frequencies, before: &Frequencies) -> f64 {
    let parts = now.iter().zip(before).map(|(now, before)| if *now == 0.0 { 0.0 } else { now * (now / before).ln() });
    parts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataflow_series::Step;

    #[test]
    fn a_new_spread_is_news_once() {
        let mut detector =
            RelativeEntropy::new(&DetectorSettings { probation: 100, ..DetectorSettings::new(Step::MINUTE) });
        let usual = (0..300).map(|index| f64::from(index % 10));
        let stuck = (0..200).map(|_| 9.0);
        let values = usual.clone().chain(stuck.clone()).chain(usual).chain(stuck);
        let scores: Vec<f64> = values.map(|value| detector.score(Timestamp::UNIX_EPOCH, Some(value))).collect();
        let alarms = |range: std::ops::Range<usize>| scores[range].iter().sum::<f64>();
        assert_eq!(alarms(0..300), 0.0);
        assert!(alarms(300..360) >= 1.0, "values that stay at the top are news");
        assert_eq!(alarms(800..1_000), 0.0, "the second time they are not");
    }
}
