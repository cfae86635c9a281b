//! Gradient boosting: every tree corrects what a first guess and the trees before it got wrong.
//!
//! Source: Friedman, *Greedy function approximation: a gradient boosting machine* (2001), and *Stochastic gradient
//! boosting* (2002) for the random share of rows. For quantiles the leaves hold quantiles of what is left of their rows.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use super::table::Table;
use super::tree::{Derivatives, Soil, Tree};

/// Share of the rows and of the inputs that a tree is grown from.
const ROW_SHARE: f64 = 0.7;
const INPUT_SHARE: f64 = 0.5;
/// The most that one tree may want to move a score, before the rate.
const STEP_MAX: f64 = 5.0;

/// What is made small.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Loss {
    /// The negative log-likelihood of counts whose logarithm of the mean is the score; targets are at least zero.
    Poisson,
    /// The pinball loss at a level in (0, 1); the score is the quantile. Weights must be 1.
    Quantile(f64),
}

/// How long and how fast to learn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Trees grown.
    pub(super) trees: usize,
    /// Share of its step that a tree is allowed.
    pub(super) rate: f64,
}

/// What is learnt, one of each per row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lesson<'a> {
    pub(super) targets: &'a [f64],
    /// Above zero.
    pub(super) weights: &'a [f64],
    /// Scores that are known before any tree is.
    pub(super) guesses: &'a [f64],
}

/// The trees together. Scores are what is added to the guess.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Booster {
    start: f64,
    rate: f64,
    trees: Vec<Tree>,
}

impl Booster {
    /// Learns the scores of rows. The same seed gives the same trees.
    pub(super) fn fit(loss: Loss, pace: Pace, table: &Table<'_>, lesson: Lesson<'_>, seed: u64) -> Self {
        let Lesson { targets, weights, guesses } = lesson;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut booster = Self { start: loss.start(lesson), rate: pace.rate, trees: Vec::new() };
        let mut scores: Vec<f64> = guesses.iter().map(|guess| guess + booster.start).collect();
        for _ in 0..pace.trees {
            let rows = scores.iter().zip(targets).zip(weights);
            let derivatives: Vec<Derivatives> =
                rows.map(|((score, target), weight)| loss.derivatives(*score, *target, *weight)).collect();
            let mut order: Vec<u32> = (0..table.len() as u32).filter(|_| unit(&mut random) < ROW_SHARE).collect();
            let inputs = some_inputs(&mut random, table.width());
            let soil = Soil { table, inputs: &inputs, derivatives: &derivatives };
            let tree = Tree::grow(&soil, &mut order, |rows, sums| match loss {
                Loss::Poisson => sums.step().clamp(-STEP_MAX, STEP_MAX),
                Loss::Quantile(level) => {
                    quantile(rows.iter().map(|row| targets[*row as usize] - scores[*row as usize]).collect(), level)
                }
            });
            for (score, row) in scores.iter_mut().zip(table.rows()) {
                *score += pace.rate * tree.at(row);
            }
            booster.trees.push(tree);
        }
        if booster.trees.iter().all(Tree::is_stump) {
            booster.trees.clear();
        }
        booster
    }

    /// The score of a row of inputs.
    pub(super) fn score(&self, inputs: &[f64]) -> f64 {
        self.start + self.rate * self.trees.iter().map(|tree| tree.at(inputs)).sum::<f64>()
    }

    /// Number of trees.
    pub(super) fn trees(&self) -> usize {
        self.trees.len()
    }

    /// Whether every row of so many inputs has a finite score: not so in a damaged file.
    pub(super) fn is_sound(&self, width: usize) -> bool {
        self.start.is_finite() && self.rate.is_finite() && self.trees.iter().all(|tree| tree.is_sound(width))
    }
}

impl Loss {
    /// What is best added to all guesses.
    fn start(self, Lesson { targets, weights, guesses }: Lesson<'_>) -> f64 {
        match self {
            Self::Poisson => {
                let total: f64 = targets.iter().zip(weights).map(|(target, weight)| target * weight).sum();
                let guessed: f64 = guesses.iter().zip(weights).map(|(guess, weight)| guess.exp() * weight).sum();
                (total / guessed).max(f64::MIN_POSITIVE).ln()
            }
            Self::Quantile(level) => {
                quantile(targets.iter().zip(guesses).map(|(target, guess)| target - guess).collect(), level)
            }
        }
    }

    fn derivatives(self, score: f64, target: f64, weight: f64) -> Derivatives {
        match self {
            Self::Poisson => {
                let mean = score.exp();
                Derivatives { first: weight * (mean - target), second: weight * mean }
            }
            Self::Quantile(level) => {
                let first = if target > score { -level } else { 1.0 - level };
                Derivatives { first: weight * first, second: weight }
            }
        }
    }
}

/// The quantile of some values at a level: the smallest that so large a share of them does not exceed.
fn quantile(mut values: Vec<f64>, level: f64) -> f64 {
    let rank = (level * values.len() as f64).ceil() as usize;
    match values.len() {
        0 => 0.0,
        count => *values.select_nth_unstable_by(rank.clamp(1, count) - 1, f64::total_cmp).1,
    }
}

/// A share of the inputs, at least one, in ascending order.
fn some_inputs(random: &mut ChaCha8Rng, width: usize) -> Vec<usize> {
    let mut inputs: Vec<usize> = (0..width).collect();
    let count = ((width as f64 * INPUT_SHARE).ceil() as usize).clamp(1, width.max(1));
    for place in 0..count.min(width) {
        let other = place + (unit(random) * (width - place) as f64) as usize;
        inputs.swap(place, other.min(width - 1));
    }
    inputs.truncate(count);
    inputs.sort_unstable();
    inputs
}

/// A number in [0, 1).
fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { trees: 150, rate: 0.1 };

    /// Inputs on a grid, and targets whose spread and level depend on both.
    fn data() -> (Vec<f64>, Vec<f64>) {
        let rows: Vec<f64> = (0..2_000).flat_map(|row| [f64::from(row % 25), f64::from(row % 16)]).collect();
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let noisy = |row: &[f64]| 20.0 + row[0] + (row[1] + 1.0) * unit(&mut random);
        let targets = rows.chunks(2).map(noisy).collect();
        (rows, targets)
    }

    fn fit(loss: Loss, seed: u64) -> (Vec<f64>, Vec<f64>, Booster) {
        let (rows, targets) = data();
        let ones = vec![1.0; targets.len()];
        // A guess that is wrong by as much everywhere is corrected.
        let lesson = Lesson { targets: &targets, weights: &ones, guesses: &ones };
        let booster = Booster::fit(loss, PACE, &Table::new(&rows, 2), lesson, seed);
        (rows, targets, booster)
    }

    #[test]
    fn counts_are_told_their_mean() {
        let (rows, _, booster) = fit(Loss::Poisson, 1);
        for row in rows.chunks(2) {
            let (mean, expected) = ((1.0 + booster.score(row)).exp(), 20.0 + row[0] + f64::midpoint(row[1], 1.0));
            assert!((mean / expected - 1.0).abs() < 0.1, "{row:?}: {mean} instead of {expected}");
        }
    }

    #[test]
    fn quantiles_hold_their_share_of_the_targets_everywhere() {
        for level in [0.1, 0.9] {
            let (rows, targets, booster) = fit(Loss::Quantile(level), 1);
            for half in [0.0, 8.0] {
                let some = || rows.chunks(2).zip(&targets).filter(|(row, _)| (half..half + 8.0).contains(&row[1]));
                let below = some().filter(|(row, target)| **target <= 1.0 + booster.score(row)).count();
                let share = below as f64 / some().count() as f64;
                assert!((share - level).abs() < 0.04, "{share} instead of {level}");
            }
        }
    }

    #[test]
    fn a_seed_gives_the_same_trees_and_another_seed_others() {
        let score = |seed: u64| fit(Loss::Poisson, seed).2.score(&[3.3, 7.0]);
        assert_eq!(score(1), score(1));
        assert_ne!(score(1), score(2));
    }
}
