//! Half-space trees: random trees that halve the space again and again and count how many values of the last window fell
//! into each cell; a value in a cell where few fell before is unlike the past.
//!
//! Each value is seen as three numbers: its root, which steadies counts, that of the value before, and the mean of the
//! eight before that.
//!
//! Source: Tan, Ting, Liu, *Fast Anomaly Detection for Streaming Data* (2011), algorithms 1 to 3, with their 25 trees
//! and windows of at least 250; here a new set of trees with a fresh work space, taken from the range of the last two windows, is
//! made for every window, as the range of a load is not known beforehand.

use jiff::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::detector::DetectorSettings;
use crate::random::{place, uniform};
use crate::recent::Recent;
use crate::surprise::Surprise;

const TREES: usize = 25;
const DEPTH: usize = 10;
/// A window is a day, within these limits.
const WINDOW: (usize, usize) = (250, 1_440);
/// A cell with fewer values than this share of a window is not looked into further.
const FEW: f64 = 0.1;
const BEFORE: usize = 8;

const FEATURES: usize = 3;
type Row = [f64; FEATURES];

/// Trees that know the last one or two windows.
#[derive(Debug)]
pub(crate) struct HalfSpaceTrees {
    recent: Recent,
    /// The rows since the trees were made, and those of the window before.
    rows: Vec<Row>,
    trees: Vec<Tree>,
    window: usize,
    random: ChaCha8Rng,
}

/// A full binary tree: the children of node n are 2n + 1 and 2n + 2.
#[derive(Debug)]
struct Tree {
    cuts: Vec<(usize, f64)>,
    counts: Vec<u32>,
}

impl HalfSpaceTrees {
    pub(crate) fn new(settings: &DetectorSettings) -> Self {
        Self {
            recent: Recent::new(BEFORE + 2),
            rows: Vec::new(),
            trees: Vec::new(),
            window: ((86_400 / settings.step.seconds()) as usize).clamp(WINDOW.0, WINDOW.1),
            random: ChaCha8Rng::seed_from_u64(settings.seed),
        }
    }

    fn row(&mut self, value: f64) -> Option<Row> {
        self.recent.push(value.sqrt());
        let [before @ .., previous, newest] = self.recent.last(BEFORE + 2)? else { return None };
        Some([*newest, *previous, before.iter().map(|root| root / BEFORE as f64).sum()])
    }

    fn regrow(&mut self) {
        let known = &self.rows;
        self.trees = (0..TREES).map(|_| Tree::grow(known, &mut self.random)).collect();
        self.rows.drain(..self.rows.len().saturating_sub(self.window));
    }
}

impl Surprise for HalfSpaceTrees {
    fn next(&mut self, _time: Timestamp, value: Option<f64>) -> Option<f64> {
        let row = self.row(value.filter(|value| *value >= 0.0)?)?;
        let surprise = (!self.trees.is_empty()).then(|| {
            // The mean of logarithms, not of masses: one tree whose cuts miss what is unusual must not hide the others.
            let log_mass = self.trees.iter().map(|tree| libm::log1p(tree.mass(&row))).sum::<f64>() / TREES as f64;
            1.0 / (1.0 + log_mass)
        });
        self.rows.push(row);
        if self.rows.len() == 2 * self.window || (self.trees.is_empty() && self.rows.len() == self.window) {
            self.regrow();
        }
        surprise
    }
}

impl Tree {
    /// A tree over a random work space around the rows, with the rows counted.
    fn grow(rows: &[Row], random: &mut ChaCha8Rng) -> Self {
        let space = std::array::from_fn(|feature| {
            let (least, most) =
                rows.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most): (f64, f64), row| {
                    (least.min(row[feature]), most.max(row[feature]))
                });
            let centre = least + uniform(random) * (most - least);
            let reach = 2.0 * (centre - least).max(most - centre);
            (centre - reach, centre + reach)
        });
        let mut tree = Self { cuts: Vec::new(), counts: vec![0; (2 << DEPTH) - 1] };
        tree.cuts = vec![(0, 0.0); (1 << DEPTH) - 1];
        tree.cut(0, space, random);
        for row in rows {
            tree.count(row);
        }
        tree
    }

    fn cut(&mut self, node: usize, space: [(f64, f64); FEATURES], random: &mut ChaCha8Rng) {
        let Some(chosen) = self.cuts.get_mut(node) else { return };
        let feature = place(random, FEATURES);
        let (low, high) = space[feature];
        let middle = low + (high - low) / 2.0;
        *chosen = (feature, middle);
        let mut half = space;
        half[feature] = (low, middle);
        self.cut(2 * node + 1, half, random);
        half[feature] = (middle, high);
        self.cut(2 * node + 2, half, random);
    }

    fn count(&mut self, row: &Row) {
        let mut node = 0;
        while let Some(count) = self.counts.get_mut(node) {
            *count += 1;
            node = self.child(node, row);
        }
    }

    fn child(&self, node: usize, row: &Row) -> usize {
        match self.cuts.get(node) {
            Some((feature, at)) => 2 * node + 1 + usize::from(row[*feature] >= *at),
            None => usize::MAX,
        }
    }

    /// How many values fell into the row's cell, as if all cells were as small as that one.
    fn mass(&self, row: &Row) -> f64 {
        let (mut node, mut depth) = (0, 0);
        let mut count = self.counts.first().copied().unwrap_or(0);
        let few = f64::from(count) * FEW;
        while f64::from(count) > few {
            node = self.child(node, row);
            let Some(next) = self.counts.get(node) else { break };
            count = *next;
            depth += 1;
        }
        f64::from(count) * f64::from(1_u32 << depth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_many_rows_have_more_mass() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let rows: Vec<Row> = (0..WINDOW.0).map(|_| [uniform(&mut random), uniform(&mut random), 0.5]).collect();
        let tree = Tree::grow(&rows, &mut random);
        assert_eq!(tree.counts[0], WINDOW.0 as u32);
        assert!(tree.mass(&[0.5, 0.5, 0.5]) > tree.mass(&[9.0, 9.0, 0.5]));
    }
}
