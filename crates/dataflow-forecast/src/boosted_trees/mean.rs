//! Boosted trees for the expected load, by the likelihood of counts.

use dataflow_series::Step;

use super::{Forest, Loss, Pace, Plan};
use crate::history::View;
use crate::inputs::Inputs;
use crate::model::{FitError, FittedMean, Learnt, MeanModel, Refits, SaveError, to_bytes};
use crate::ridge::from_root;

/// The linear model is not believed below this multiple of the level's root, where it may well be below zero.
const GUESS_MIN: f64 = 0.1;

/// Pace and loss were chosen on the part of the NASA trace before its hold-out.
const PLAN: Plan = Plan {
    name: "boosted-trees",
    losses: &[Loss::Poisson],
    pace: Pace { trees: 200, rate: 0.02 },
    rows_max: 20_000,
    // The likelihood of a count weighs as much as the level; what is learnt is the count as a multiple of it.
    target: |root, level| (from_root(root, 0.0) / (level * level), level * level),
    guess: |root, linear| (root.max(GUESS_MIN).powi(2) + linear.variance).ln(),
};

/// Gradient-boosted trees for the expected load.
#[derive(Debug, Clone, Copy)]
pub struct BoostedTrees {
    seed: u64,
}

struct FittedTrees {
    forest: Forest,
    /// The root of the level, and logarithms of the expected multiples of the level, from the end of the past.
    scores: Vec<(f64, Vec<f64>)>,
}

impl BoostedTrees {
    /// Trees drawn with a seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }
}

impl FittedTrees {
    fn new(forest: Forest) -> Self {
        Self { scores: PLAN.scores(&forest), forest }
    }
}

impl MeanModel for BoostedTrees {
    fn name(&self) -> &'static str {
        PLAN.name
    }

    fn shortest_past(&self, step: Step, furthest: usize) -> usize {
        Inputs::shortest_past(step, furthest)
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        Ok(Box::new(FittedTrees::new(PLAN.fit(self, past, horizons, self.seed)?)))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        Ok(Box::new(FittedTrees::new(PLAN.restore(saved)?)))
    }

    fn refits(&self) -> Refits {
        Refits::Seldom
    }
}

impl FittedMean for FittedTrees {
    fn extend(&mut self, new: View<'_>) {
        self.forest.extend(new);
        self.scores = PLAN.scores(&self.forest);
    }

    fn refit(&mut self) -> Result<(), FitError> {
        PLAN.refit(&mut self.forest)?;
        self.scores = PLAN.scores(&self.forest);
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        for (mean, (level, scores)) in means.iter_mut().zip(&self.scores) {
            *mean = (scores.iter().sum::<f64>().exp() * level * level).clamp(0.0, f64::MAX);
        }
    }

    fn learnt(&self) -> Vec<Learnt> {
        PLAN.learnt(&self.forest)
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(&self.forest)
    }
}
