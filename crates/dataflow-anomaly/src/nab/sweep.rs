//! What scores are worth at every threshold at once.

use std::ops::RangeInclusive;

use super::corpus::{Corpus, LabelledSeries};
use super::profile::Profile;

/// One row that counts.
#[derive(Debug, Clone, Copy)]
struct Point {
    score: f64,
    /// An alarm here, as the only one, is worth so much.
    worth: f64,
    series: usize,
    /// In which window of all.
    window: Option<usize>,
}

/// The scores of one detector over a corpus, for one profile, in falling order.
#[derive(Debug, Clone)]
pub struct Sweep {
    points: Vec<Point>,
    /// By window: its series, and what missing it costs.
    windows: Vec<(usize, f64)>,
    perfect: f64,
}

/// What one series adds to a total at one threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FileScore {
    /// Not normalised: at most one per window.
    pub score: f64,
    /// Alarms in windows.
    pub true_positives: usize,
    /// Alarms outside.
    pub false_positives: usize,
    /// Windows with an alarm.
    pub caught: usize,
}

impl Sweep {
    /// `scores` has one vector per series, one score per row.
    pub fn new(corpus: &Corpus, scores: &[Vec<f64>], profile: &Profile) -> Self {
        let mut sweep = Self { points: Vec::new(), windows: Vec::new(), perfect: 0.0 };
        for (index, (series, scores)) in corpus.series.iter().zip(scores).enumerate() {
            sweep.add(index, series, scores, profile);
        }
        sweep.points.sort_by(|one, other| other.score.total_cmp(&one.score));
        sweep
    }

    fn add(&mut self, index: usize, series: &LabelledSeries, scores: &[f64], profile: &Profile) {
        self.perfect += profile.true_positive * series.windows().len() as f64;
        // A window that is over before the probation is has no place among those that count.
        let place = |window: &RangeInclusive<usize>| {
            (*window.end() >= series.probation()).then(|| {
                self.windows.push((index, -profile.false_negative));
                self.windows.len() - 1
            })
        };
        let places: Vec<Option<usize>> = series.windows().iter().map(place).collect();
        for (row, score) in scores.iter().enumerate().skip(series.probation()) {
            let within = series.windows().iter().zip(&places).find(|(window, _)| window.contains(&row));
            let worth = match within {
                Some((window, _)) => profile.true_positive * worth_within(window, row),
                None => profile.false_positive * worth_outside(series, row),
            };
            let window = within.and_then(|(_, place)| *place);
            self.points.push(Point { score: *score, worth, series: index, window });
        }
    }

    /// The threshold of the best total, and that total, normalised; above every score when alarms only cost.
    pub fn best(&self) -> (f64, f64) {
        let mut best = (f64::INFINITY, self.normalise(self.null()));
        self.walk(|threshold, total| {
            let total = self.normalise(total);
            if total > best.1 {
                best = (threshold, total);
            }
        });
        best
    }

    /// The total at a threshold, normalised: 0 for no alarm at all, 100 for perfection.
    pub fn at(&self, threshold: f64) -> f64 {
        let mut reached = self.null();
        self.walk(|score, total| {
            if score >= threshold {
                reached = total;
            }
        });
        self.normalise(reached)
    }

    /// What each series adds at a threshold, in the order of the corpus.
    pub fn files_at(&self, threshold: f64, series: usize) -> Vec<FileScore> {
        let mut files = vec![FileScore::default(); series];
        let mut windows: Vec<f64> = self.windows.iter().map(|(_, missed)| *missed).collect();
        for point in self.points.iter().take_while(|point| point.score >= threshold) {
            let file = &mut files[point.series];
            if let Some(window) = point.window {
                windows[window] = windows[window].max(point.worth);
                file.true_positives += 1;
            } else {
                file.score += point.worth;
                file.false_positives += 1;
            }
        }
        for ((series, missed), worth) in self.windows.iter().zip(windows) {
            files[*series].score += worth;
            files[*series].caught += usize::from(worth > *missed);
        }
        files
    }

    /// Calls back with each score that occurs, falling, and the total when it is the threshold.
    fn walk(&self, mut each: impl FnMut(f64, f64)) {
        let mut windows: Vec<f64> = self.windows.iter().map(|(_, missed)| *missed).collect();
        let mut total = self.null();
        for (index, point) in self.points.iter().enumerate() {
            match point.window {
                Some(window) => {
                    total += (point.worth - windows[window]).max(0.0);
                    windows[window] = windows[window].max(point.worth);
                }
                None => total += point.worth,
            }
            if self.points.get(index + 1).is_none_or(|next| next.score < point.score) {
                each(point.score, total);
            }
        }
    }

    fn null(&self) -> f64 {
        self.windows.iter().map(|(_, missed)| missed).sum()
    }

    fn normalise(&self, total: f64) -> f64 {
        let null = self.null();
        if self.perfect > null { 100.0 * (total - null) / (self.perfect - null) } else { 0.0 }
    }
}

/// 1 for the first row of a window, falling, above 0 for the last.
fn worth_within(window: &RangeInclusive<usize>, row: usize) -> f64 {
    let length = (window.end() - window.start() + 1) as f64;
    let left = (window.end() - row + 1) as f64;
    scaled_sigmoid(-left / length) / scaled_sigmoid(-1.0)
}

/// -1 for an alarm far from anything, less just behind a window.
fn worth_outside(series: &LabelledSeries, row: usize) -> f64 {
    let before = series.windows().iter().filter(|window| *window.end() < row).max_by_key(|window| *window.end());
    before.map_or(-1.0, |window| {
        let span = window.end() - window.start();
        if span == 0 { -1.0 } else { scaled_sigmoid((row - window.end()) as f64 / span as f64) }
    })
}

/// `position` is -1 at the beginning of a window and 0 at its end.
fn scaled_sigmoid(position: f64) -> f64 {
    if position > 3.0 { -1.0 } else { 2.0 / (1.0 + libm::exp(5.0 * position)) - 1.0 }
}
