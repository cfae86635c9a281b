//! Gradient-boosted trees on the inputs of the linear model: one of them for the expected load ([`BoostedTrees`]), five
//! for quantiles of it ([`BoostedQuantiles`]); one set of trees per horizon.
//!
//! All loads are seen as multiples of the level of the last week, so that what is learnt for one level holds for
//! another; and trees only correct a linear model, as they cannot forecast beyond what they learnt from. Source for
//! intervals from quantiles: Romano, Patterson, Candès, *Conformalized quantile regression* (2019).

mod boosting;
mod mean;
mod quantiles;
mod table;
mod tree;

pub use mean::BoostedTrees;
pub use quantiles::BoostedQuantiles;

use serde::{Deserialize, Serialize};

use self::boosting::{Booster, Lesson, Loss, Pace};
use self::table::Table;
use crate::history::View;
use crate::inputs::Inputs;
use crate::model::{FitError, Learnt, MeanModel, SaveError, check_past, from_bytes};
use crate::ridge::{Linear, NormalEquations};

/// Added to the variance of every standardised input of the linear model.
const PENALTY: f64 = 0.1;

/// What was learnt for every horizon, and the past it looks at.
#[derive(Debug, Serialize, Deserialize)]
struct Forest {
    seed: u64,
    inputs: Inputs,
    stands: Vec<Stand>,
}

/// What was learnt for one horizon.
#[derive(Debug, Serialize, Deserialize)]
struct Stand {
    horizon: usize,
    /// From inputs to the root of the load, both as multiples of the level.
    linear: Linear,
    /// Correct the linear model, one for each loss.
    boosters: Vec<Booster>,
}

/// What a forest learns.
struct Plan {
    /// Name of the model.
    name: &'static str,
    /// One booster each.
    losses: &'static [Loss],
    pace: Pace,
    /// The most rows that are learnt from.
    rows_max: usize,
    /// From the root of a load and that of the level to what is learnt, and its weight.
    target: fn(f64, f64) -> (f64, f64),
    /// From what the linear model says to a score.
    guess: fn(f64, &Linear) -> f64,
}

impl Plan {
    fn fit(&self, model: &impl MeanModel, past: View<'_>, horizons: &[usize], seed: u64) -> Result<Forest, FitError> {
        let furthest = check_past(model, past, horizons)?;
        let mut inputs = Inputs::new(past);
        inputs.extend(past, furthest);
        let nothing = Linear { coefficients: Vec::new(), variance: 0.0 };
        let stand = |horizon: &usize| Stand { horizon: *horizon, linear: nothing.clone(), boosters: Vec::new() };
        let mut forest = Forest { seed, inputs, stands: horizons.iter().map(stand).collect() };
        self.refit(&mut forest)?;
        Ok(forest)
    }

    fn refit(&self, forest: &mut Forest) -> Result<(), FitError> {
        if forest.stands.iter().any(|stand| !forest.inputs.can_learn(stand.horizon)) {
            return Err(FitError::NothingToLearn { model: self.name });
        }
        let stands: Option<Vec<Stand>> = forest.stands.iter().map(|stand| self.learn(forest, stand.horizon)).collect();
        let too_large = || FitError::TooLarge { model: self.name, largest: forest.inputs.largest() };
        forest.stands = stands.ok_or_else(too_large)?;
        Ok(())
    }

    /// What is to be known for one horizon; `None` if the arithmetic overflows.
    fn learn(&self, forest: &Forest, horizon: usize) -> Option<Stand> {
        let width = forest.inputs.width();
        let (mut rows, mut targets, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        let mut sums = NormalEquations::new(width);
        for target in forest.inputs.targets(horizon, self.rows_max) {
            let start = rows.len();
            rows.resize(start + width, 0.0);
            let level = forest.inputs.write_by_level(target - horizon, horizon, &mut rows[start..]);
            let root = forest.inputs.root(target);
            sums.add(&rows[start..], root / level);
            let (target, weight) = (self.target)(root, level);
            targets.push(target);
            weights.push(weight);
        }
        let weight = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
        for own in &mut weights {
            *own /= weight;
        }
        let sum: f64 = targets.iter().chain(&weights).sum();
        let linear = sums.solve(PENALTY).filter(|_| sum.is_finite())?;
        let guesses: Vec<f64> = rows.chunks_exact(width).map(|row| (self.guess)(linear.at(row), &linear)).collect();
        let table = Table::new(&rows, width);
        let lesson = Lesson { targets: &targets, weights: &weights, guesses: &guesses };
        let fit = |loss: &Loss| Booster::fit(*loss, self.pace, &table, lesson, forest.seed);
        let stand = Stand { horizon, linear, boosters: self.losses.iter().map(fit).collect() };
        stand.is_sound(width).then_some(stand)
    }

    fn restore(&self, saved: &[u8]) -> Result<Forest, SaveError> {
        let forest: Forest = from_bytes(saved)?;
        let width = forest.inputs.width();
        let fits = |stand: &Stand| stand.boosters.len() == self.losses.len() && stand.is_sound(width);
        let horizons: Vec<usize> = forest.stands.iter().map(|stand| stand.horizon).collect();
        if !forest.inputs.is_sound(&horizons) || !forest.stands.iter().all(fits) {
            return Err(SaveError::NotRestored("its trees do not fit its inputs".to_owned()));
        }
        Ok(forest)
    }

    fn learnt(&self, forest: &Forest) -> Vec<Learnt> {
        let of_stand = |Stand { horizon, boosters, .. }: &Stand| {
            let trees: usize = boosters.iter().map(Booster::trees).sum();
            let rows = forest.inputs.targets(*horizon, self.rows_max).count();
            Learnt { name: "trees", value: format!("{trees} from {rows} rows for {horizon} ahead") }
        };
        forest.stands.iter().map(of_stand).collect()
    }

    /// For each horizon, the root of the level at the end of the past and the scores there, one per loss.
    fn scores(&self, forest: &Forest) -> Vec<(f64, Vec<f64>)> {
        let mut row = vec![0.0; forest.inputs.width()];
        let origin = forest.inputs.len().saturating_sub(1);
        let mut of_stand = |Stand { horizon, linear, boosters }: &Stand| {
            let level = forest.inputs.write_by_level(origin, *horizon, &mut row);
            let guess = (self.guess)(linear.at(&row), linear);
            (level, boosters.iter().map(|booster| guess + booster.score(&row)).collect())
        };
        forest.stands.iter().map(&mut of_stand).collect()
    }
}

impl Forest {
    fn extend(&mut self, new: View<'_>) {
        let furthest = self.stands.last().map_or(1, |stand| stand.horizon);
        self.inputs.extend(new, furthest);
    }
}

impl Stand {
    /// Whether every row of so many inputs has a finite score.
    fn is_sound(&self, width: usize) -> bool {
        let Linear { coefficients, variance } = &self.linear;
        let linear = coefficients.len() == width
            && variance.is_finite()
            && coefficients.iter().all(|coefficient| coefficient.is_finite());
        linear && self.boosters.iter().all(|booster| booster.is_sound(width))
    }
}
