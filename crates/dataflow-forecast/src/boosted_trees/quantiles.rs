//! Boosted trees for quantiles of the load, learnt on roots: a quantile of the root is the root of the quantile.

use dataflow_series::Step;

use super::{Forest, Loss, Pace, Plan};
use crate::history::View;
use crate::inputs::Inputs;
use crate::model::{FitError, FittedMean, Learnt, MeanModel, Refits, SaveError, Spread, to_bytes};
use crate::ridge::from_root;

/// The levels that are learnt; the middle one is the forecast.
const LEVELS: [f64; 5] = [0.025, 0.1, 0.5, 0.9, 0.975];
const MEDIAN: usize = 2;

/// The pace was chosen on the part of the NASA trace before its hold-out.
const PLAN: Plan = Plan {
    name: "boosted-quantiles",
    losses: &[
        Loss::Quantile(LEVELS[0]),
        Loss::Quantile(LEVELS[1]),
        Loss::Quantile(LEVELS[2]),
        Loss::Quantile(LEVELS[3]),
        Loss::Quantile(LEVELS[4]),
    ],
    pace: Pace { trees: 150, rate: 0.03 },
    rows_max: 10_000,
    target: |root, level| (root / level, 1.0),
    guess: |root, _| root,
};

/// Gradient-boosted trees for quantiles of the load.
#[derive(Debug, Clone, Copy)]
pub struct BoostedQuantiles {
    seed: u64,
}

struct FittedQuantiles {
    forest: Forest,
    /// The quantiles of the loads from the end of the past, one per level, ascending; for each horizon.
    quantiles: Vec<Vec<f64>>,
}

impl BoostedQuantiles {
    /// Trees drawn with a seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }
}

impl FittedQuantiles {
    fn new(forest: Forest) -> Self {
        let mut fitted = Self { forest, quantiles: Vec::new() };
        fitted.forecast();
        fitted
    }

    fn forecast(&mut self) {
        let loads = |(level, mut roots): (f64, Vec<f64>)| {
            // Quantiles learnt one by one may cross: sorting never makes them worse (Chernozhukov, Fernández-Val,
            // Galichon, *Quantile and probability curves without crossing*, 2010).
            roots.sort_by(f64::total_cmp);
            roots.into_iter().map(|root| from_root(root * level, 0.0)).collect()
        };
        self.quantiles = PLAN.scores(&self.forest).into_iter().map(loads).collect();
    }
}

impl MeanModel for BoostedQuantiles {
    fn name(&self) -> &'static str {
        PLAN.name
    }

    fn shortest_past(&self, step: Step, furthest: usize) -> usize {
        Inputs::shortest_past(step, furthest)
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        Ok(Box::new(FittedQuantiles::new(PLAN.fit(self, past, horizons, self.seed)?)))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        Ok(Box::new(FittedQuantiles::new(PLAN.restore(saved)?)))
    }

    fn refits(&self) -> Refits {
        Refits::Seldom
    }
}

impl FittedMean for FittedQuantiles {
    fn extend(&mut self, new: View<'_>) {
        self.forest.extend(new);
        self.forecast();
    }

    fn refit(&mut self) -> Result<(), FitError> {
        PLAN.refit(&mut self.forest)?;
        self.forecast();
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        for (mean, quantiles) in means.iter_mut().zip(&self.quantiles) {
            *mean = quantiles[MEDIAN];
        }
    }

    fn spreads(&self, spreads: &mut [Spread]) -> bool {
        for (spread, quantiles) in spreads.iter_mut().zip(&self.quantiles) {
            let median = quantiles[MEDIAN];
            *spread = Spread { below: median - quantiles[MEDIAN - 1], above: quantiles[MEDIAN + 1] - median };
        }
        true
    }

    fn own_quantiles(&self, level: f64) -> Option<Vec<f64>> {
        Some(self.quantiles.iter().map(|quantiles| between(quantiles, level)).collect())
    }

    fn learnt(&self) -> Vec<Learnt> {
        PLAN.learnt(&self.forest)
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(&self.forest)
    }
}

/// The quantile at a level, on a straight line through the learnt ones beside it, by the logits of the levels.
fn between(quantiles: &[f64], level: f64) -> f64 {
    let logit = |level: f64| (level / (1.0 - level)).ln();
    let right = LEVELS.partition_point(|known| *known < level).clamp(1, LEVELS.len() - 1);
    let left = right - 1;
    let share = (logit(level) - logit(LEVELS[left])) / (logit(LEVELS[right]) - logit(LEVELS[left]));
    (quantiles[left] + share * (quantiles[right] - quantiles[left])).clamp(0.0, f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_between_and_beyond_the_learnt_ones_ascend() {
        let quantiles = [10.0, 20.0, 40.0, 70.0, 90.0];
        for (level, quantile) in LEVELS.iter().zip(quantiles) {
            assert!((between(&quantiles, *level) - quantile).abs() < 1e-9);
        }
        let levels = [1e-9, 0.001, 0.05, 0.3, 0.7, 0.95, 0.999];
        let values = levels.map(|level| between(&quantiles, level));
        assert!(values.is_sorted() && values[0] == 0.0 && values[6] > 90.0, "{values:?}");
    }
}
