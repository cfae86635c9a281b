//! Isolation forest: what random cuts set apart soon is unlike the rest.
//!
//! Each value is seen as three numbers: its root, which steadies counts, the change of the root since the value before,
//! and its distance from the mean root of the last values. Streaming, the forest is grown anew on the past at intervals
//! and a score is judged among earlier scores. In batch use it is grown once on a whole series, the values to be scored
//! included, and the threshold is the score that the nominal share of them exceeds: what scikit-learn's forest does with
//! its `contamination`.
//!
//! Source: Liu, Ting, Zhou, *Isolation Forest* (2008), algorithms 1 to 3, with their 100 trees of 256 samples.

use dataflow_series::Observed;
use jiff::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::detector::{Detector, DetectorSettings};
use crate::random::{place, uniform};
use crate::recent::Recent;
use crate::root::root;
use crate::surprise::{Calibrated, Surprise};
use crate::tail;

const TREES: usize = 100;
const SAMPLES: usize = 256;
/// The share of values taken for anomalies.
const CONTAMINATION: f64 = 0.05;
/// The mean of so many values is what a value is compared with.
const NEIGHBOURS: usize = 8;
/// The past from which trees draw their samples.
const KEPT: usize = 4_096;
/// The fewest rows to grow a forest on.
const LEAST_ROWS: usize = 64;
/// A forest is grown anew after so many values, or earlier while the past is short: when it has grown by half.
const REGROWN_AFTER: usize = 512;

const FEATURES: usize = 3;
type Row = [f64; FEATURES];

/// The streaming form.
pub(crate) fn streaming(settings: &DetectorSettings) -> impl Detector + use<> {
    Calibrated::new(Growing {
        rows: Rows::new(),
        past: Vec::new(),
        forest: None,
        next_growth: LEAST_ROWS,
        random: ChaCha8Rng::seed_from_u64(settings.seed),
    })
}

/// A forest grown once on a whole series, for scoring the same series from its start.
#[derive(Debug)]
pub(crate) struct Grown {
    rows: Rows,
    forest: Option<Forest>,
    /// How deep the forest's own rows are, ascending.
    scores: Vec<f64>,
}

/// A forest that is grown anew on its past at intervals.
#[derive(Debug)]
struct Growing {
    rows: Rows,
    past: Vec<Row>,
    forest: Option<Forest>,
    /// The number of rows of the past at which the forest is grown anew.
    next_growth: usize,
    random: ChaCha8Rng,
}

/// Makes rows of values.
#[derive(Debug)]
struct Rows {
    recent: Recent,
    previous: Option<f64>,
}

#[derive(Debug)]
struct Forest {
    trees: Vec<Vec<Node>>,
    /// The mean depth of a search in a tree of as many samples.
    usual_depth: f64,
}

/// A node of a tree, which is a list of them from its root on.
#[derive(Debug, Clone, Copy)]
enum Node {
    /// Rows whose feature lies below the cut go to the next node, others to `above`.
    Cut { feature: usize, at: f64, above: usize },
    /// The depth at which a search ends, with what so many rows would have added.
    Leaf { depth: f64 },
}

impl Surprise for Growing {
    const FALSE_ALARMS: f64 = CONTAMINATION;

    fn next(&mut self, _time: Timestamp, value: Option<f64>) -> Option<f64> {
        let row = self.rows.next(value)?;
        let score = self.forest.as_ref().map(|forest| forest.score(&row));
        self.past.push(row);
        if self.past.len() >= self.next_growth {
            let first = self.past.len().saturating_sub(KEPT);
            self.past.drain(..first);
            self.forest = Some(Forest::grow(&self.past, &mut self.random));
            self.next_growth = self.past.len() + (self.past.len() / 2).min(REGROWN_AFTER);
        }
        score
    }
}

impl Grown {
    pub(crate) fn on(series: &Observed, settings: &DetectorSettings) -> Self {
        let mut reader = Rows::new();
        let rows: Vec<Row> = series.values().filter_map(|value| reader.next(value)).collect();
        let mut random = ChaCha8Rng::seed_from_u64(settings.seed);
        let forest = (rows.len() >= LEAST_ROWS).then(|| Forest::grow(&rows, &mut random));
        let mut scores: Vec<f64> = forest.iter().flat_map(|forest| rows.iter().map(|row| forest.score(row))).collect();
        scores.sort_by(f64::total_cmp);
        Self { rows: Rows::new(), forest, scores }
    }
}

impl Detector for Grown {
    fn score(&mut self, _time: Timestamp, value: Option<f64>) -> f64 {
        let (Some(row), Some(forest)) = (self.rows.next(value), &self.forest) else { return 0.0 };
        let score = forest.score(&row);
        let at_least = self.scores.len() - self.scores.partition_point(|other| *other < score);
        tail::score(at_least as f64 / self.scores.len() as f64, CONTAMINATION)
    }

    fn threshold(&self) -> f64 {
        0.5
    }
}

impl Rows {
    fn new() -> Self {
        Self { recent: Recent::new(NEIGHBOURS), previous: None }
    }

    fn next(&mut self, value: Option<f64>) -> Option<Row> {
        let root = value.map(root);
        let before = std::mem::replace(&mut self.previous, root);
        let root = root?;
        let row = before.and_then(|before| {
            let neighbours = self.recent.last(NEIGHBOURS)?;
            let mean = neighbours.iter().map(|other| other / NEIGHBOURS as f64).sum::<f64>();
            Some([root, root - before, root - mean])
        });
        self.recent.push(root);
        row
    }
}

impl Forest {
    /// Grows a forest on at least two rows.
    fn grow(rows: &[Row], random: &mut ChaCha8Rng) -> Self {
        let samples = rows.len().min(SAMPLES);
        let most_depth = samples.max(2).ilog2() as usize + 1;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let mut sample = Vec::with_capacity(samples);
        let trees = (0..TREES).map(|_| {
            sample.clear();
            // The first steps of a shuffle draw without replacement.
            for place in 0..samples {
                let other = place + (uniform(random) * (order.len() - place) as f64) as usize;
                order.swap(place, other);
                sample.push(rows[order[place]]);
            }
            let mut tree = Vec::with_capacity(2 * samples);
            grow_tree(&mut tree, &mut sample, 0, most_depth, random);
            tree
        });
        Self { trees: trees.collect(), usual_depth: search_depth(samples).max(1.0) }
    }

    /// Between 0 and 1, larger where fewer cuts set the row apart.
    fn score(&self, row: &Row) -> f64 {
        let depth = self.trees.iter().map(|tree| depth(tree, row)).sum::<f64>() / TREES as f64;
        libm::exp2(-depth / self.usual_depth)
    }
}

fn grow_tree(tree: &mut Vec<Node>, rows: &mut [Row], depth: usize, most_depth: usize, random: &mut ChaCha8Rng) {
    let leaf = Node::Leaf { depth: depth as f64 + search_depth(rows.len()) };
    let cut = if depth < most_depth { cut(rows, random) } else { None };
    let Some((feature, at)) = cut else {
        tree.push(leaf);
        return;
    };
    let below = partition(rows, |row| row[feature] < at);
    let place = tree.len();
    tree.push(leaf);
    let (left, right) = rows.split_at_mut(below);
    grow_tree(tree, left, depth + 1, most_depth, random);
    let above = tree.len();
    grow_tree(tree, right, depth + 1, most_depth, random);
    if let Some(node) = tree.get_mut(place) {
        *node = Node::Cut { feature, at, above };
    }
}

/// A feature that is not the same in all rows, and a place within its range.
fn cut(rows: &[Row], random: &mut ChaCha8Rng) -> Option<(usize, f64)> {
    let range = |feature: usize| {
        rows.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most): (f64, f64), row| {
            (least.min(row[feature]), most.max(row[feature]))
        })
    };
    let first = place(random, FEATURES);
    let share = uniform(random);
    (0..FEATURES).map(|next| (first + next) % FEATURES).find_map(|feature| {
        let (least, most) = range(feature);
        let at = least + share * (most - least);
        // Where rounding would leave one side empty the cut is at the upper end.
        (least < most).then_some((feature, if at > least { at } else { most }))
    })
}

/// Brings the rows for which `first` holds to the front and tells how many they are.
fn partition(rows: &mut [Row], first: impl Fn(&Row) -> bool) -> usize {
    let mut count = 0;
    for next in 0..rows.len() {
        if first(&rows[next]) {
            rows.swap(next, count);
            count += 1;
        }
    }
    count
}

fn depth(tree: &[Node], row: &Row) -> f64 {
    let mut place = 0;
    loop {
        match tree.get(place) {
            Some(Node::Cut { feature, at, above }) => place = if row[*feature] < *at { place + 1 } else { *above },
            Some(Node::Leaf { depth }) => return *depth,
            None => return 0.0,
        }
    }
}

/// The mean depth of an unsuccessful search in a binary search tree of so many keys (equation 1).
fn search_depth(count: usize) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    let count = count as f64;
    match count {
        ..2.0 => 0.0,
        ..3.0 => 1.0,
        _ => 2.0 * (libm::log(count - 1.0) + EULER) - 2.0 * (count - 1.0) / count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_depths_are_those_of_the_paper() {
        assert_eq!((search_depth(1), search_depth(2)), (0.0, 1.0));
        assert!((search_depth(256) - 10.244).abs() < 1e-3);
    }

    #[test]
    fn a_lone_row_is_set_apart_soon() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let rows: Vec<Row> = (0..300).map(|_| [uniform(&mut random), uniform(&mut random), 0.0]).collect();
        let forest = Forest::grow(&rows, &mut random);
        let (usual, lone) = (forest.score(&[0.5, 0.5, 0.0]), forest.score(&[5.0, 0.5, 0.0]));
        assert!(usual < 0.5 && lone > 0.6, "{usual} and {lone}");
    }

    #[test]
    fn rows_that_are_all_the_same_make_a_leaf() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let forest = Forest::grow(&[[1.0; FEATURES]; 100], &mut random);
        assert!((forest.score(&[1.0; FEATURES]) - 0.5).abs() < 1e-12);
    }
}
