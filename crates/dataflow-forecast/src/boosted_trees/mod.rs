//! Gradient-boosted trees on the inputs of the linear model: one of them for the expected load ([`BoostedTrees`]), five
//! for quantiles of it ([`BoostedQuantiles`]); one set of trees per horizon.
//!
//! Trees cannot forecast beyond what they learnt from. So all loads are seen as multiples of the level of the last week,
//! and what is learnt for one level holds for another. Source for intervals from quantiles: Romano, Patterson, Candès, *Conformalized quantile regression* (2019).

mod boosting;
mod mean;
mod quantiles;
mod table;
mod tree;

pub use mean::BoostedTrees;
pub use quantiles::BoostedQuantiles;

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use self::boosting::{Booster, Loss, Pace};
use self::table::Table;
use crate::history::View;
use crate::inputs::Inputs;
use crate::model::{FitError, Learnt, SaveError, check_horizons, from_bytes, steps_per_days};

/// The fewest intervals to learn from, whatever the step.
const SHORTEST_PAST: usize = 150;

/// The boosters of every horizon, several for each, and the past they look at.
#[derive(Debug, Serialize, Deserialize)]
struct Forest {
    seed: u64,
    inputs: Inputs,
    boosters: Vec<(usize, Vec<Booster>)>,
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
}

fn shortest_past(step: Step, furthest: usize) -> usize {
    let day = steps_per_days(step, 1);
    (day + day / 2).max(SHORTEST_PAST).max(Inputs::first_origin(step) + furthest + SHORTEST_PAST / 2)
}

impl Plan {
    fn fit(&self, past: View<'_>, horizons: &[usize], seed: u64) -> Result<Forest, FitError> {
        check_horizons(horizons)?;
        let furthest = horizons.last().copied().unwrap_or(1);
        let needed = shortest_past(past.step(), furthest);
        if past.len() < needed {
            return Err(FitError::TooShort { model: self.name, needed, got: past.len() });
        }
        let mut inputs = Inputs::new(past);
        inputs.extend(past, furthest);
        let mut forest =
            Forest { seed, inputs, boosters: horizons.iter().map(|horizon| (*horizon, Vec::new())).collect() };
        self.refit(&mut forest)?;
        Ok(forest)
    }

    fn refit(&self, forest: &mut Forest) -> Result<(), FitError> {
        let learn = |(horizon, _): &(usize, Vec<Booster>)| Some((*horizon, self.learn(forest, *horizon)?));
        let boosters = forest.boosters.iter().map(learn).collect::<Option<Vec<_>>>();
        let too_large = || FitError::TooLarge { model: self.name, largest: forest.inputs.largest() };
        forest.boosters = boosters.ok_or_else(too_large)?;
        Ok(())
    }

    /// The boosters of one horizon; `None` if their arithmetic overflows or there is nothing to learn from.
    fn learn(&self, forest: &Forest, horizon: usize) -> Option<Vec<Booster>> {
        let width = forest.inputs.width();
        let (mut rows, mut targets, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for target in forest.inputs.targets(horizon, self.rows_max) {
            let start = rows.len();
            rows.resize(start + width, 0.0);
            let level = forest.inputs.write_by_level(target - horizon, horizon, &mut rows[start..]);
            let (target, weight) = (self.target)(forest.inputs.root(target), level);
            targets.push(target);
            weights.push(weight);
        }
        let weight = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
        for own in &mut weights {
            *own /= weight;
        }
        let sum: f64 = targets.iter().chain(&weights).sum();
        if targets.is_empty() || !sum.is_finite() || rows.iter().any(|input| !input.is_finite()) {
            return None;
        }
        let table = Table::new(&rows, width);
        let fit = |loss: &Loss| Booster::fit(*loss, self.pace, &table, (&targets, &weights), forest.seed);
        let boosters: Vec<Booster> = self.losses.iter().map(fit).collect();
        boosters.iter().all(|booster| booster.is_sound(width)).then_some(boosters)
    }

    fn restore(&self, saved: &[u8]) -> Result<Forest, SaveError> {
        let forest: Forest = from_bytes(saved)?;
        let width = forest.inputs.width();
        let fits = |(_, boosters): &(usize, Vec<Booster>)| {
            boosters.len() == self.losses.len() && boosters.iter().all(|booster| booster.is_sound(width))
        };
        if forest.inputs.len() == 0 || !forest.boosters.iter().all(fits) {
            return Err(SaveError::NotRestored("its trees do not fit its inputs".to_owned()));
        }
        Ok(forest)
    }

    fn learnt(&self, forest: &Forest) -> Vec<Learnt> {
        let of_horizon = |(horizon, boosters): &(usize, Vec<Booster>)| {
            let trees: usize = boosters.iter().map(Booster::trees).sum();
            let rows = forest.inputs.targets(*horizon, self.rows_max).count();
            Learnt { name: "trees", value: format!("{trees} from {rows} rows for {horizon} ahead") }
        };
        forest.boosters.iter().map(of_horizon).collect()
    }
}

impl Forest {
    fn extend(&mut self, new: View<'_>) {
        let furthest = self.boosters.last().map_or(1, |(horizon, _)| *horizon);
        self.inputs.extend(new, furthest);
    }

    /// For each horizon, the root of the level at the end of the past and the scores of its boosters there.
    fn scores(&self) -> Vec<(f64, Vec<f64>)> {
        let mut row = vec![0.0; self.inputs.width()];
        let origin = self.inputs.len().saturating_sub(1);
        let mut of_horizon = |(horizon, boosters): &(usize, Vec<Booster>)| {
            let level = self.inputs.write_by_level(origin, *horizon, &mut row);
            (level, boosters.iter().map(|booster| booster.score(&row)).collect())
        };
        self.boosters.iter().map(&mut of_horizon).collect()
    }
}
