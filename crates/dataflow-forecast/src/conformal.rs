//! Split conformal intervals, scaled by the level and kept on a rolling window, for any model of the mean.
//!
//! The score of a forecast is its signed error divided by the spread: the model's own, if it knows one (for a model of
//! quantiles that is conformalised quantile regression), else √max(mean, floor), as counts are nearly Poisson. The
//! quantile at level p is `mean + q(p) · spread`, where q(p) is the finite-sample-corrected p-quantile of the scores
//! of the last seven days, one set of scores per horizon. A score of horizon h made at an origin becomes known h steps
//! later and not before; a load that was missing and had to be filled gives none.
//!
//! Adaptive intervals also learn from the quantiles themselves: each time a load is known, the level at which the scores
//! are read moves up or down by a small step, depending on whether the load lay below that quantile, so that each side
//! misses as often as it promises even where the scores of the last days no longer hold. Source: Gibbs and Candès,
//! *Adaptive Conformal Inference Under Distribution Shift* (2021), equation 2.
//!
//! Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, *Distribution-Free Predictive Inference for Regression*
//! (2018), sections 2.2 (split) and 5.2 (locally weighted); signed scores give each side its own quantile. Scaled quantile
//! regression: Sesia and Candès, *A comparison of some conformal quantile regression methods* (2020), CQR-r.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::history::View;
use crate::model::{
    FitError, Fitted, FittedMean, Forecast, Learnt, MeanModel, Model, Refits, SaveError, Spread, check_horizons,
    from_bytes, steps_per_days, to_bytes,
};
use crate::sorted_window::SortedWindow;

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
/// The levels whose misses are followed; those in between are interpolated.
const FOLLOWED: [f64; 13] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999];
/// The step of adaptive intervals: of 0.002, 0.005, 0.01 and 0.02 the best on the part of the NASA trace before its
/// hold-out. Levels nearer to 0 or 1 than the tail below take steps smaller in proportion.
const ADAPTIVE_STEP: f64 = 0.005;
const ADAPTIVE_TAIL: f64 = 0.025;

/// A load of more than so many times the mean of those before it does not count in full for the level.
const ABSURD: f64 = 256.0;

/// Whether intervals keep learning after the fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Calibration {
    /// As [`Calibration::Rolling`], and the levels at which scores are read follow the misses.
    #[default]
    Adaptive,
    /// Scores keep coming in as the past grows, and the oldest fall out: coverage follows drift.
    Rolling,
    /// Scores of the days before the end of the fit only: the protocol of many published comparisons.
    Frozen,
    /// The model's own distribution, uncalibrated, where it knows one; else as [`Calibration::Rolling`].
    Own,
}

/// Gives any [`MeanModel`] conformal quantiles.
pub struct Conformal {
    model: Box<dyn MeanModel>,
    calibration: Calibration,
}

struct FittedConformal {
    mean: Box<dyn FittedMean>,
    intervals: Intervals,
}

/// What is known of the errors of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Intervals {
    calibration: Calibration,
    horizons: Vec<usize>,
    /// Means forecast from the end of the past, one per horizon.
    means: Vec<f64>,
    /// The model's own spreads around them; empty if it knows none.
    #[serde(skip)]
    spreads: Vec<Spread>,
    scores: Vec<HorizonScores>,
    /// Every so many intervals a score is kept.
    stride: usize,
    seen: usize,
    sum: f64,
}

/// The scores of one horizon and the forecasts that still wait for their load.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct HorizonScores {
    horizon: usize,
    /// The forecasts for the next intervals, the nearest first.
    waiting: VecDeque<Waiting>,
    window: SortedWindow,
    /// The levels at which scores are read for the followed ones.
    working: [f64; FOLLOWED.len()],
}

/// A forecast that waits for its load.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Waiting {
    mean: f64,
    spread: Spread,
    /// The scores that were its quantiles at the followed levels; none unless intervals are adaptive.
    quantiles: Vec<f64>,
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
        if (0..past.len()).all(|interval| past.is_missing(interval)) {
            return Err(FitError::NothingToLearn { model: self.model.name() });
        }
        let window_steps = steps_per_days(past.step(), WINDOW_DAYS).max(WINDOW_STEPS_MIN);
        let stride = window_steps.div_ceil(SCORES_MAX);
        let split = values.len().saturating_sub(window_steps.max(furthest + SCORES_MIN)).max(shortest);
        let mean = self.model.fit(past.first(split), horizons)?;
        let mut fitted = FittedConformal {
            mean,
            intervals: Intervals {
                calibration: match self.calibration {
                    Calibration::Adaptive => Calibration::Adaptive,
                    Calibration::Rolling | Calibration::Frozen | Calibration::Own => Calibration::Rolling,
                },
                horizons: horizons.to_vec(),
                means: vec![0.0; horizons.len()],
                spreads: Vec::new(),
                scores: horizons
                    .iter()
                    .map(|horizon| HorizonScores::new(*horizon, window_steps.div_ceil(stride)))
                    .collect(),
                stride,
                seen: split,
                sum: sum_of_ordinary(&values[..split]),
            },
        };
        fitted.forecast();
        let mut known = split;
        while known < values.len() {
            let next = (known + known / 2 + 1).min(values.len());
            fitted.extend(past.slice(known..next));
            fitted.refit()?;
            known = next;
        }
        fitted.intervals.calibration = self.calibration;
        Ok(Box::new(fitted))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn Fitted>, SaveError> {
        let (intervals, mean): (Intervals, Vec<u8>) = from_bytes(saved)?;
        let mut fitted = FittedConformal { mean: self.model.restore(&mean)?, intervals };
        let Intervals { horizons, means, scores, .. } = &fitted.intervals;
        if means.len() != horizons.len() || scores.len() != horizons.len() || check_horizons(horizons).is_err() {
            return Err(SaveError::NotRestored("its horizons do not fit each other".to_owned()));
        }
        fitted.forecast();
        Ok(Box::new(fitted))
    }

    fn refits(&self) -> Refits {
        self.model.refits()
    }
}

impl Fitted for FittedConformal {
    fn extend(&mut self, new: View<'_>) {
        for (index, value) in new.values().iter().enumerate() {
            self.intervals.observe(*value, new.is_missing(index));
            self.mean.extend(new.slice(index..index + 1));
            self.forecast();
        }
    }

    fn refit(&mut self) -> Result<(), FitError> {
        self.mean.refit()?;
        self.forecast();
        Ok(())
    }

    fn predict(&self, levels: &[f64]) -> Forecast {
        Forecast {
            horizons: self.intervals.horizons.clone(),
            mean: self.intervals.means.clone(),
            levels: levels.to_vec(),
            quantiles: self.own_quantiles(levels).unwrap_or_else(|| self.intervals.quantiles(levels)),
        }
    }

    fn learnt(&self) -> Vec<Learnt> {
        self.mean.learnt()
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(&(&self.intervals, self.mean.save()?))
    }
}

impl FittedConformal {
    /// Forecasts from the end of the past.
    fn forecast(&mut self) {
        let Intervals { means, spreads, .. } = &mut self.intervals;
        self.mean.means(means);
        spreads.resize(means.len(), Spread { below: 1.0, above: 1.0 });
        if !self.mean.spreads(spreads) {
            spreads.clear();
        }
    }

    /// The model's own quantiles, where they are wanted and known, kept ascending and not below zero.
    fn own_quantiles(&self, levels: &[f64]) -> Option<Vec<Vec<f64>>> {
        if self.intervals.calibration != Calibration::Own {
            return None;
        }
        let mut quantiles: Vec<Vec<f64>> =
            levels.iter().map(|level| self.mean.own_quantiles(*level)).collect::<Option<_>>()?;
        let mut lowest = vec![0.0; self.intervals.means.len()];
        for quantiles in &mut quantiles {
            for (quantile, lowest) in quantiles.iter_mut().zip(&mut lowest) {
                *quantile = quantile.clamp(*lowest, f64::MAX);
                *lowest = *quantile;
            }
        }
        Some(quantiles)
    }
}

impl Intervals {
    /// Scores the forecasts that were made for this load.
    fn observe(&mut self, value: f64, is_missing: bool) {
        if self.calibration != Calibration::Frozen {
            let keep = self.seen.is_multiple_of(self.stride);
            for place in 0..self.means.len() {
                let (mean, spread) = (self.means[place], self.spread(place));
                let scores = &mut self.scores[place];
                let is_adaptive = self.calibration == Calibration::Adaptive;
                let quantiles = if is_adaptive && keep { scores.followed() } else { Vec::new() };
                scores.waiting.push_back(Waiting { mean, spread, quantiles });
                scores.observe((!is_missing).then_some(value), keep);
            }
        }
        self.seen += 1;
        self.sum += ordinary(value, self.sum, self.seen - 1);
    }

    fn quantiles(&self, levels: &[f64]) -> Vec<Vec<f64>> {
        let quantile = |place: usize, level: f64| {
            let scores = &self.scores[place];
            let level = if self.calibration == Calibration::Adaptive { scores.working_level(level) } else { level };
            scores.window.quantile_around(self.means[place], self.spread(place), level)
        };
        levels.iter().map(|level| (0..self.means.len()).map(|place| quantile(place, *level)).collect()).collect()
    }

    /// How far loads spread around the forecast at this place: the model's own word, kept within reason, or the root
    /// of the level.
    fn spread(&self, place: usize) -> Spread {
        let floor = self.floor();
        let Some(own) = self.spreads.get(place) else {
            let root = self.means[place].max(floor).sqrt();
            return Spread { below: root, above: root };
        };
        let least = 1e-3 * floor.sqrt();
        let within = |spread: f64| if spread.is_finite() { spread.max(least) } else { f64::MAX.sqrt() };
        Spread { below: within(own.below), above: within(own.above) }
    }

    fn floor(&self) -> f64 {
        let mean = self.sum / self.seen.max(1) as f64;
        if mean > 0.0 { (mean * FLOOR_SHARE).min(f64::MAX) } else { 1.0 }
    }
}

impl HorizonScores {
    fn new(horizon: usize, capacity: usize) -> Self {
        Self { horizon, waiting: VecDeque::new(), window: SortedWindow::new(capacity), working: FOLLOWED }
    }

    /// Scores the forecast that was made for this load, if there was one; without a load it is dropped.
    fn observe(&mut self, value: Option<f64>, keep: bool) {
        if self.waiting.len() < self.horizon {
            return;
        }
        if let Some(forecast) = self.waiting.pop_front()
            && let Some(value) = value
            && (keep || self.window.len() < SCORES_MIN)
        {
            let Waiting { mean, spread, quantiles } = forecast;
            let score = (value - mean) / if value < mean { spread.below } else { spread.above };
            self.adapt(score, &quantiles);
            self.window.push(score);
        }
    }

    /// The scores that are now read for the followed levels; none while they are too few.
    fn followed(&self) -> Vec<f64> {
        if self.window.len() < SCORES_MIN {
            return Vec::new();
        }
        self.working.iter().map(|level| self.window.score_at(*level)).collect()
    }

    /// Moves the working levels by whether a score lay below what was read for them when its forecast was made.
    fn adapt(&mut self, score: f64, quantiles: &[f64]) {
        let mut lowest = 0.0_f64;
        for ((working, level), quantile) in self.working.iter_mut().zip(FOLLOWED).zip(quantiles) {
            let tail = level.min(1.0 - level);
            let step = ADAPTIVE_STEP * (tail / ADAPTIVE_TAIL).min(1.0);
            let below = if score <= *quantile { 1.0 } else { 0.0 };
            *working = (*working + step * (level - below)).clamp(0.0, 1.0).max(lowest);
            lowest = *working;
        }
    }

    /// The level at which scores are read for any level.
    fn working_level(&self, level: f64) -> f64 {
        let place = FOLLOWED.partition_point(|followed| *followed <= level);
        let at = |place: usize| match place.checked_sub(1) {
            None => (0.0, 0.0),
            Some(place) => {
                FOLLOWED.get(place).zip(self.working.get(place)).map_or((1.0, 1.0), |(from, to)| (*from, *to))
            }
        };
        let ((from, low), (until, high)) = (at(place), at(place + 1));
        low + (high - low) * (level - from) / (until - from)
    }
}

impl SortedWindow {
    /// The quantile of the load at a level, around a mean. The window may be empty where all loads were missing: then
    /// the mean is all that is known.
    fn quantile_around(&self, mean: f64, spread: Spread, level: f64) -> f64 {
        if self.is_empty() {
            return mean;
        }
        let score = self.score_at(level);
        let spread = if score < 0.0 { spread.below } else { spread.above };
        (mean + score * spread).clamp(0.0, f64::MAX)
    }

    /// The finite-sample-corrected quantile of the scores. The window must not be empty.
    fn score_at(&self, level: f64) -> f64 {
        let corrected = (self.len() + 1) as f64 * level;
        let rank = if level < 0.5 { corrected.floor() } else { corrected.ceil() };
        self.ranked(rank as usize)
    }
}

/// A load as it counts for the mean level: one of more than [`ABSURD`] times the mean so far counts as that much, lest
/// a single fault of the trace widen all bands.
fn ordinary(load: f64, sum: f64, count: usize) -> f64 {
    let mean = sum / count.max(1) as f64;
    if mean > 0.0 { load.min(ABSURD * mean) } else { load }
}

fn sum_of_ordinary(loads: &[f64]) -> f64 {
    loads.iter().enumerate().fold(0.0, |sum, (count, load)| sum + ordinary(*load, sum, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Spread = Spread { below: 10.0, above: 10.0 };

    /// Scores −10 … 10.
    fn window() -> SortedWindow {
        let mut window = SortedWindow::new(21);
        (-10..=10).for_each(|score| window.push(f64::from(score)));
        window
    }

    #[test]
    fn a_quantile_is_the_corrected_rank_of_the_scores_times_the_scale() {
        // 22 · 0.9 = 19.8, so the 20th smallest score, 9; 22 · 0.1 = 2.2, so the 2nd, −9.
        assert_eq!(window().quantile_around(100.0, BOTH, 0.9), 190.0);
        assert_eq!(window().quantile_around(100.0, BOTH, 0.1), 10.0);
        // Beyond the ranks there are the extremes; below zero there is no load.
        assert_eq!(window().quantile_around(100.0, BOTH, 0.9999), 200.0);
        assert_eq!(window().quantile_around(99.0, BOTH, 0.0001), 0.0);
        let aside = Spread { below: 1.0, above: 2.0 };
        assert_eq!(window().quantile_around(100.0, aside, 0.9), 118.0);
        assert_eq!(window().quantile_around(100.0, aside, 0.1), 91.0);
    }

    #[test]
    fn one_absurd_load_hardly_moves_the_level() {
        let mut loads = vec![10.0; 1_000];
        loads[500] = 1e18;
        assert!((sum_of_ordinary(&loads) - 12_550.0).abs() < 1e-6);
        assert_eq!(sum_of_ordinary(&[0.0, 0.0, 7.0, 7.0]), 14.0);
    }

    #[test]
    fn a_score_is_known_only_when_its_load_is() {
        let mut scores = HorizonScores::new(3, 10);
        for step in 0..5 {
            let spread = Spread { below: 1.0, above: 1.0 };
            scores.waiting.push_back(Waiting { mean: f64::from(step), spread, quantiles: Vec::new() });
            scores.observe(Some(100.0), true);
            // The forecast three ahead, made first, is scored by the third load.
            assert_eq!(scores.window.len(), usize::try_from((step - 1).max(0)).unwrap());
        }
        assert_eq!((scores.window.ranked(1), scores.window.ranked(3)), (98.0, 100.0));
    }

    #[test]
    fn working_levels_follow_the_misses_and_stay_in_order() {
        let mut scores = HorizonScores::new(1, 100);
        (0..100).for_each(|score| scores.window.push(f64::from(score)));
        assert!([0.0004, 0.025, 0.3, 0.9997].iter().all(|level| (scores.working_level(*level) - level).abs() < 1e-12));
        // Loads keep lying above all that was foreseen.
        for _ in 0..40 {
            let quantiles = scores.followed();
            scores.adapt(1e9, &quantiles);
        }
        assert!(scores.working_level(0.9) > 0.99 && scores.working_level(0.025) > 0.025);
        assert!(scores.working.is_sorted());
        let levels: Vec<f64> = (1..1_000).map(|level| scores.working_level(f64::from(level) / 1_000.0)).collect();
        assert!(levels.is_sorted() && levels.iter().all(|level| (0.0..=1.0).contains(level)));
    }
}
