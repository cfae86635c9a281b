//! Sends detectors over a corpus, and keeps their scores as the benchmark keeps its results.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::corpus::{Corpus, LabelledSeries};
use crate::detector::Detector;
use crate::relative_entropy::RelativeEntropy;
use crate::spec::DetectorSpec;

/// What is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contestant {
    /// A detector of the list.
    Detector(DetectorSpec),
    /// The benchmark's own relative entropy, which **looks ahead**: it is told the range of all values.
    RelativeEntropyToldTheRange,
}

/// The scores of one detector.
#[derive(Debug, Clone)]
pub struct Run {
    /// Per series, in the order of the corpus; per row.
    pub scores: Vec<Vec<f64>>,
    /// The threshold that the detector chose without labels: the mean over the series, as the benchmark has one for all.
    pub own_threshold: f64,
    /// For all values.
    pub duration: Duration,
}

impl Contestant {
    /// All: the ensemble is the first of the list, what looks ahead comes last.
    pub fn all() -> Vec<Self> {
        let detectors = DetectorSpec::ALL.iter().copied().map(Self::Detector);
        detectors.chain([Self::RelativeEntropyToldTheRange]).collect()
    }

    /// A name that can be a folder's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detector(spec) => spec.name(),
            Self::RelativeEntropyToldTheRange => "relative-entropy-told-the-range",
        }
    }

    /// Whether it knows nothing of later values.
    pub const fn is_causal(self) -> bool {
        matches!(self, Self::Detector(_))
    }

    fn build(self, series: &LabelledSeries) -> Box<dyn Detector> {
        match self {
            Self::Detector(spec) => spec.build(&series.settings()),
            Self::RelativeEntropyToldTheRange => {
                let values = || series.rows.iter().filter_map(|row| row.value);
                let least = values().fold(f64::INFINITY, f64::min);
                let largest = values().fold(f64::NEG_INFINITY, f64::max);
                Box::new(RelativeEntropy::told_the_range(least, largest))
            }
        }
    }

    /// Scores every row of every series, one after the other.
    pub fn run(self, corpus: &Corpus) -> Run {
        let begin = Instant::now();
        let mut thresholds = 0.0;
        let mut scores = Vec::new();
        for series in &corpus.series {
            let mut detector = self.build(series);
            scores.push(series.rows.iter().map(|row| detector.score(row.time, row.value)).collect());
            thresholds += detector.threshold();
        }
        let own_threshold = thresholds / corpus.series.len().max(1) as f64;
        Run { scores, own_threshold, duration: begin.elapsed() }
    }
}

impl LabelledSeries {
    /// A result file of the benchmark: `timestamp,value,anomaly_score,label`, stamps and values as they stand in the data.
    pub fn result_file(&self, scores: &[f64]) -> String {
        let mut text = "timestamp,value,anomaly_score,label\n".to_owned();
        for (index, (row, score)) in self.rows.iter().zip(scores).enumerate() {
            let label = u8::from(self.windows().iter().any(|window| window.contains(&index)));
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{},{},{score},{label}", row.stamp, row.text);
        }
        text
    }
}
