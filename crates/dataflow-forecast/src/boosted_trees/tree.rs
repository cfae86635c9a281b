//! Regression trees, grown leaf by leaf from histograms: always the leaf whose split promises most is split next.
//!
//! Sources: Friedman, *Greedy function approximation: a gradient boosting machine* (2001); gains and leaves from first
//! and second derivatives: Chen and Guestrin, *XGBoost: a scalable tree boosting system* (2016), equations 5 to 7;
//! growth by the best leaf and the histogram of one child as a difference: Ke et al., *LightGBM: a highly efficient
//! gradient boosting decision tree* (2017).
#![expect(clippy::doc_markdown, reason = "titles are not code")]

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::table::{BINS, Table};

/// The most leaves of a tree.
const LEAVES_MAX: usize = 16;
/// The fewest rows of a leaf.
const LEAF_ROWS_MIN: usize = 20;
/// Added to the second derivatives of a leaf.
const PENALTY: f64 = 1.0;

/// A tree; the first node is its root.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Node {
    Leaf(f64),
    /// Rows whose input is at most the threshold go to `low`; both children come later in the list.
    Split {
        input: u16,
        threshold: f64,
        low: u32,
        high: u32,
    },
}

/// First and second derivative of the loss of a row, by its score.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Derivatives {
    pub(super) first: f64,
    pub(super) second: f64,
}

/// Sums over some rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    first: f64,
    second: f64,
    rows: usize,
}

/// One [`Sums`] per bin, for each of some inputs.
type Histogram = Vec<[Sums; BINS]>;

/// What a tree is grown from.
pub(super) struct Soil<'a> {
    pub(super) table: &'a Table<'a>,
    /// The inputs that may be split by.
    pub(super) inputs: &'a [usize],
    /// One per row of the table.
    pub(super) derivatives: &'a [Derivatives],
}

/// A leaf that may still be split.
struct Bud {
    node: usize,
    /// Its rows, as a range of the order.
    rows: Range<usize>,
    sums: Sums,
    histogram: Histogram,
    split: Option<Split>,
}

#[derive(Debug, Clone, Copy)]
struct Split {
    gain: f64,
    /// Place in the list of inputs.
    place: usize,
    bin: usize,
}

impl Tree {
    /// Grows a tree on the rows named by `order`, which is reordered. `value` makes the value of a leaf of its rows and
    /// sums.
    pub(super) fn grow(soil: &Soil<'_>, order: &mut [u32], value: impl Fn(&[u32], Sums) -> f64) -> Self {
        let mut tree = Self { nodes: vec![Node::Leaf(0.0)] };
        let mut buds = vec![soil.bud(0, 0..order.len(), soil.histogram(order))];
        while buds.len() < LEAVES_MAX {
            let gain = |bud: &Bud| bud.split.map_or(0.0, |split| split.gain);
            let best =
                (0..buds.len()).reduce(|best, bud| if gain(&buds[bud]) > gain(&buds[best]) { bud } else { best });
            let Some((best, split)) = best.and_then(|best| Some((best, buds[best].split?))) else { break };
            let bud = buds.swap_remove(best);
            buds.extend(tree.split(soil, order, bud, split));
        }
        for bud in buds {
            tree.nodes[bud.node] = Node::Leaf(value(&order[bud.rows], bud.sums));
        }
        tree
    }

    /// Splits a bud in two.
    fn split(&mut self, soil: &Soil<'_>, order: &mut [u32], bud: Bud, split: Split) -> [Bud; 2] {
        let input = soil.inputs[split.place];
        let bins = soil.table.bins(input);
        let middle = bud.rows.start
            + partition(&mut order[bud.rows.clone()], |row| usize::from(bins[row as usize]) <= split.bin);
        let (low, high) = (self.nodes.len(), self.nodes.len() + 1);
        self.nodes[bud.node] = Node::Split {
            input: input as u16,
            threshold: soil.table.cuts(input)[split.bin],
            low: low as u32,
            high: high as u32,
        };
        self.nodes.extend([Node::Leaf(0.0); 2]);
        let (low_rows, high_rows) = (bud.rows.start..middle, middle..bud.rows.end);
        // Only the smaller child is counted; the other one is what is left.
        let low_is_smaller = low_rows.len() <= high_rows.len();
        let smaller = soil.histogram(&order[if low_is_smaller { low_rows.clone() } else { high_rows.clone() }]);
        let mut larger = bud.histogram;
        for (larger, smaller) in larger.iter_mut().flatten().zip(smaller.iter().flatten()) {
            *larger = larger.without(*smaller);
        }
        let (of_low, of_high) = if low_is_smaller { (smaller, larger) } else { (larger, smaller) };
        [soil.bud(low, low_rows, of_low), soil.bud(high, high_rows, of_high)]
    }

    /// The value for a row of inputs.
    pub(super) fn at(&self, inputs: &[f64]) -> f64 {
        let mut node = 0;
        loop {
            match self.nodes[node] {
                Node::Leaf(value) => return value,
                Node::Split { input, threshold, low, high } => {
                    node = if inputs[usize::from(input)] <= threshold { low } else { high } as usize;
                }
            }
        }
    }

    /// Whether it has no split at all.
    pub(super) fn is_stump(&self) -> bool {
        self.nodes.len() == 1
    }

    /// Whether every path ends in a leaf and reads only so many inputs: not so in a damaged file.
    pub(super) fn is_sound(&self, width: usize) -> bool {
        let sound = |(place, node): (usize, &Node)| match *node {
            Node::Leaf(value) => value.is_finite(),
            Node::Split { input, low, high, .. } => {
                let later = |child: u32| (place + 1..self.nodes.len()).contains(&(child as usize));
                usize::from(input) < width && later(low) && later(high)
            }
        };
        !self.nodes.is_empty() && self.nodes.iter().enumerate().all(sound)
    }
}

impl Soil<'_> {
    fn bud(&self, node: usize, rows: Range<usize>, histogram: Histogram) -> Bud {
        let sums =
            histogram.first().map_or(Sums::default(), |bins| bins.iter().fold(Sums::default(), |a, b| a.with(*b)));
        let mut bud = Bud { node, rows, sums, histogram, split: None };
        bud.split = self.best_split(&bud);
        bud
    }

    fn histogram(&self, rows: &[u32]) -> Histogram {
        let mut histogram = vec![[Sums::default(); BINS]; self.inputs.len()];
        for (sums, input) in histogram.iter_mut().zip(self.inputs) {
            let bins = self.table.bins(*input);
            for row in rows {
                let Derivatives { first, second } = self.derivatives[*row as usize];
                let sums = &mut sums[usize::from(bins[*row as usize]) % BINS];
                *sums = sums.with(Sums { first, second, rows: 1 });
            }
        }
        histogram
    }

    fn best_split(&self, bud: &Bud) -> Option<Split> {
        let mut best: Option<Split> = None;
        // Rounding alone must not make a split.
        let mut least = 1e-9 * bud.sums.second.max(1e-9);
        for (place, bins) in bud.histogram.iter().enumerate() {
            let mut low = Sums::default();
            for (bin, sums) in bins[..self.table.cuts(self.inputs[place]).len()].iter().enumerate() {
                low = low.with(*sums);
                let high = bud.sums.without(low);
                if low.rows < LEAF_ROWS_MIN || high.rows < LEAF_ROWS_MIN {
                    continue;
                }
                let gain = low.explained() + high.explained() - bud.sums.explained();
                if gain > least {
                    least = gain;
                    best = Some(Split { gain, place, bin });
                }
            }
        }
        best
    }
}

impl Sums {
    fn with(self, other: Self) -> Self {
        Self { first: self.first + other.first, second: self.second + other.second, rows: self.rows + other.rows }
    }

    fn without(self, other: Self) -> Self {
        Self {
            first: self.first - other.first,
            second: self.second - other.second,
            rows: self.rows.saturating_sub(other.rows),
        }
    }

    /// Twice the loss that the best value for these rows takes away.
    fn explained(self) -> f64 {
        self.first * self.first / (self.second.max(0.0) + PENALTY)
    }

    /// The best value for these rows, by a Newton step.
    pub(super) fn step(self) -> f64 {
        -self.first / (self.second.max(0.0) + PENALTY)
    }
}

/// Moves the rows that are low to the front, both parts in their order; returns how many there are.
fn partition(rows: &mut [u32], is_low: impl Fn(u32) -> bool) -> usize {
    let mut high = Vec::new();
    let mut count = 0;
    for place in 0..rows.len() {
        let row = rows[place];
        if is_low(row) {
            rows[count] = row;
            count += 1;
        } else {
            high.push(row);
        }
    }
    rows[count..].copy_from_slice(&high);
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grow(rows: &[f64], targets: &[f64]) -> Tree {
        let table = Table::new(rows, 2);
        let derivatives: Vec<Derivatives> =
            targets.iter().map(|target| Derivatives { first: -target, second: 1.0 }).collect();
        let mut order: Vec<u32> = (0..targets.len() as u32).collect();
        let soil = Soil { table: &table, inputs: &[0, 1], derivatives: &derivatives };
        Tree::grow(&soil, &mut order, |_, sums| sums.step())
    }

    #[test]
    fn steps_in_two_inputs_are_found() {
        let rows: Vec<f64> = (0..600).flat_map(|row| [f64::from(row % 20), f64::from(row % 7)]).collect();
        let target = |row: &[f64]| if row[0] > 11.0 { 4.0 } else { 0.0 } + if row[1] > 3.0 { 1.0 } else { -1.0 };
        let targets: Vec<f64> = rows.chunks(2).map(target).collect();
        let tree = grow(&rows, &targets);
        for row in rows.chunks(2) {
            // The penalty draws values a little towards zero.
            assert!((tree.at(row) - target(row)).abs() < 0.06, "{row:?}: {}", tree.at(row));
        }
        assert!(tree.is_sound(2) && !tree.is_sound(1) && !tree.is_stump());
    }

    #[test]
    fn what_does_not_vary_or_is_too_small_is_not_split() {
        let rows: Vec<f64> = (0..200).map(f64::from).collect();
        assert!(grow(&rows, &[0.3; 100]).is_stump());
        assert!(grow(&rows[..60], &(0..30).map(f64::from).collect::<Vec<_>>()).is_stump());
    }

    #[test]
    fn a_tree_that_leads_nowhere_is_unsound() {
        let split = Node::Split { input: 0, threshold: 1.0, low: 0, high: 2 };
        for nodes in [vec![], vec![split, Node::Leaf(1.0), Node::Leaf(1.0)], vec![Node::Leaf(f64::NAN)]] {
            assert!(!Tree { nodes }.is_sound(3));
        }
    }
}
