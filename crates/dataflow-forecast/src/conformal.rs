//! Split conformal intervals, scaled by the level and kept on a rolling window, for any model of the mean.
//!
//! The score of a forecast is its signed error divided by √max(mean, floor): counts are nearly Poisson, so their
//! spread grows with the root of the level. The quantile at level p is `mean + q(p) · √max(mean, floor)`, where q(p)
//! is the finite-sample-corrected p-quantile of the scores of the last seven days, one set of scores per horizon.
//! A score of horizon h made at an origin becomes known h steps later and not before.
//! Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, *Distribution-Free Predictive Inference for Regression*
//! (2018), sections 2.2 (split) and 5.2 (locally weighted); signed scores give each side its own quantile.

use std::collections::VecDeque;

use crate::model::{FitError, Fitted, Forecast, MeanModel, Model, View, check_horizons, steps_per_days};
use crate::{FittedMean, sorted_window::SortedWindow};

/// Days of scores from which the quantiles are taken.
const WINDOW_DAYS: u32 = 7;
/// The window is never shorter than so many intervals, however long they are.
const WINDOW_STEPS_MIN: usize = 168;
/// The most scores kept per horizon: with finer steps only every n-th is kept, so that the window still spans days.
const SCORES_MAX: usize = 10_080;
/// The fewest scores that a band is made of.
const SCORES_MIN: usize = 20;
/// The level below which the spread no longer shrinks, as a share of the mean of all loads seen.
const FLOOR_SHARE: f64 = 0.01;

/// Whether intervals keep learning after the fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Calibration {
    /// Scores keep coming in as the past grows, and the oldest fall out: coverage follows drift.
    #[default]
    Rolling,
    /// Scores of the days before the end of the fit only: the protocol of many published comparisons.
    Frozen,
}

/// Gives any [`MeanModel`] conformal quantiles.
pub struct Conformal {
    model: Box<dyn MeanModel>,
    calibration: Calibration,
}

struct FittedConformal {
    mean: Box<dyn FittedMean>,
    calibration: Calibration,
    horizons: Vec<usize>,
    /// Means forecast from the end of the past, one per horizon.
    means: Vec<f64>,
    scores: Vec<HorizonScores>,
    /// Every so many intervals a score is kept.
    stride: usize,
    seen: usize,
    sum: f64,
}

/// The scores of one horizon and the forecasts that still wait for their load.
struct HorizonScores {
    horizon: usize,
    /// (mean, scale) of the forecasts for the next intervals, the nearest first.
    waiting: VecDeque<(f64, f64)>,
    window: SortedWindow,
}

impl Conformal {
    /// Conformal quantiles around the means of a model.
    pub fn new(model: Box<dyn MeanModel>, calibration: Calibration) -> Self {
        Self { model, calibration }
    }
}

impl Model for Conformal {
    /// The past must have room for the model's own shortest past and, after it, for twenty scores of each horizon.
    /// The model is fitted on the past without its last days, whose one-by-one forecasts give the first scores; then
    /// its parameters are learnt anew from all of the past. Where the past is short they are also learnt anew in
    /// between, whenever the known part has grown by half, lest the scores tell of a model that hardly knew anything.
    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn Fitted>, FitError> {
        check_horizons(horizons)?;
        let values = past.values();
        let furthest = horizons.last().copied().unwrap_or(1);
        let shortest = self.model.shortest_past(past.step(), furthest);
        let needed = shortest + furthest + SCORES_MIN;
        if values.len() < needed {
            return Err(FitError::TooShort { model: self.model.name(), needed, got: values.len() });
        }
        let window_steps = steps_per_days(past.step(), WINDOW_DAYS).max(WINDOW_STEPS_MIN);
        let stride = window_steps.div_ceil(SCORES_MAX);
        let split = values.len().saturating_sub(window_steps.max(furthest + SCORES_MIN)).max(shortest);
        let mean = self.model.fit(past.first(split), horizons)?;
        let mut fitted = FittedConformal {
            mean,
            calibration: Calibration::Rolling,
            horizons: horizons.to_vec(),
            means: vec![0.0; horizons.len()],
            scores: horizons
                .iter()
                .map(|horizon| HorizonScores::new(*horizon, window_steps.div_ceil(stride)))
                .collect(),
            stride,
            seen: split,
            sum: values[..split].iter().sum(),
        };
        fitted.mean.means(&mut fitted.means);
        let mut known = split;
        while known < values.len() {
            let next = (known + known / 2 + 1).min(values.len());
            fitted.extend(&values[known..next]);
            fitted.refit()?;
            known = next;
        }
        fitted.calibration = self.calibration;
        Ok(Box::new(fitted))
    }
}

impl Fitted for FittedConformal {
    fn extend(&mut self, new: &[f64]) {
        for value in new {
            if self.calibration == Calibration::Rolling {
                let floor = self.floor();
                let keep = self.seen.is_multiple_of(self.stride);
                for (scores, mean) in self.scores.iter_mut().zip(&self.means) {
                    scores.waiting.push_back((*mean, scale(*mean, floor)));
                    scores.observe(*value, keep);
                }
            }
            self.seen += 1;
            self.sum += value;
            self.mean.extend(std::slice::from_ref(value));
            self.mean.means(&mut self.means);
        }
    }

    fn refit(&mut self) -> Result<(), FitError> {
        self.mean.refit()?;
        self.mean.means(&mut self.means);
        Ok(())
    }

    fn predict(&self, levels: &[f64]) -> Forecast {
        let floor = self.floor();
        let quantile = |level: f64| {
            let per_horizon = self.means.iter().zip(&self.scores);
            per_horizon.map(|(mean, scores)| scores.window.quantile_around(*mean, floor, level)).collect()
        };
        Forecast {
            horizons: self.horizons.clone(),
            mean: self.means.clone(),
            levels: levels.to_vec(),
            quantiles: levels.iter().map(|level| quantile(*level)).collect(),
        }
    }
}

impl FittedConformal {
    fn floor(&self) -> f64 {
        let mean = self.sum / self.seen.max(1) as f64;
        if mean > 0.0 { (mean * FLOOR_SHARE).min(f64::MAX) } else { 1.0 }
    }
}

impl HorizonScores {
    fn new(horizon: usize, capacity: usize) -> Self {
        Self { horizon, waiting: VecDeque::with_capacity(horizon + 1), window: SortedWindow::new(capacity) }
    }

    /// Scores the forecast that was made for this load, if there was one.
    fn observe(&mut self, value: f64, keep: bool) {
        if self.waiting.len() < self.horizon {
            return;
        }
        if let Some((mean, scale)) = self.waiting.pop_front()
            && (keep || self.window.len() < SCORES_MIN)
        {
            self.window.push((value - mean) / scale);
        }
    }
}

impl SortedWindow {
    /// The quantile of the load at a level, around a mean.
    fn quantile_around(&self, mean: f64, floor: f64, level: f64) -> f64 {
        let corrected = (self.len() + 1) as f64 * level;
        let rank = if level < 0.5 { corrected.floor() } else { corrected.ceil() };
        (mean + self.ranked(rank as usize) * scale(mean, floor)).clamp(0.0, f64::MAX)
    }
}

fn scale(mean: f64, floor: f64) -> f64 {
    mean.max(floor).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores −10 … 10 around a mean of 100, whose scale is 10.
    fn window() -> SortedWindow {
        let mut window = SortedWindow::new(21);
        (-10..=10).for_each(|score| window.push(f64::from(score)));
        window
    }

    #[test]
    fn a_quantile_is_the_corrected_rank_of_the_scores_times_the_scale() {
        // 22 · 0.9 = 19.8, so the 20th smallest score, 9; 22 · 0.1 = 2.2, so the 2nd, −9.
        assert_eq!(window().quantile_around(100.0, 1.0, 0.9), 190.0);
        assert_eq!(window().quantile_around(100.0, 1.0, 0.1), 10.0);
        // Beyond the ranks there are the extremes; below zero there is no load.
        assert_eq!(window().quantile_around(100.0, 1.0, 0.9999), 200.0);
        assert_eq!(window().quantile_around(100.0, 400.0, 0.0001), 0.0);
    }

    #[test]
    fn a_score_is_known_only_when_its_load_is() {
        let mut scores = HorizonScores::new(3, 10);
        for step in 0..5 {
            scores.waiting.push_back((f64::from(step), 1.0));
            scores.observe(100.0, true);
            // The forecast three ahead, made first, is scored by the third load.
            assert_eq!(scores.window.len(), usize::try_from((step - 1).max(0)).unwrap());
        }
        assert_eq!((scores.window.ranked(1), scores.window.ranked(3)), (98.0, 100.0));
    }
}
