//! Exponential smoothing of the level and of an additive daily profile, without a trend (Holt–Winters without slope).
//!
//! The two smoothing weights are those with the least squared one-step error on the end of the past (four weeks). There
//! is no trend on purpose: the level of traffic wanders, and a slope carried on overshoots. The profile has at most
//! 96 slots a day, so that with fine steps a slot averages several intervals; it is used once two seasons are known.
//! Source: Hyndman, Koehler, Ord, Snyder, *Forecasting with Exponential Smoothing* (2008), chapter 2: ETS(A,N,A) and
//! ETS(A,N,N).

use std::sync::Arc;

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use crate::history::View;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, SaveError, check_horizons, check_past, from_bytes, season, steps_per_days,
    to_bytes,
};

const MODEL: &str = "exponential-smoothing";
/// The fewest intervals on which weights are chosen.
const SHORTEST_PAST: usize = 10;
/// The weights are chosen on at most so many days before the end of the past,
const CHOICE_DAYS: u32 = 28;
/// and on at most so many intervals, unless three seasons are longer.
const CHOICE_STEPS_MAX: usize = 40_320;
/// The most slots of the daily profile.
const SLOTS_MAX: usize = 96;
/// Candidate weights of the level.
const LEVEL_WEIGHTS: [f64; 10] = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.75, 1.0];
/// Candidate weights of the profile; zero is a profile that stays as the first season had it.
const PROFILE_WEIGHTS: [f64; 6] = [0.0, 0.005, 0.02, 0.05, 0.1, 0.2];

/// Exponential smoothing; the weights are chosen at the fit.
#[derive(Debug, Clone, Copy)]
pub struct ExponentialSmoothing;

#[derive(Debug, Serialize, Deserialize)]
struct FittedSmoothing {
    horizons: Vec<usize>,
    seen: Vec<f64>,
    season: Option<usize>,
    choice_steps: usize,
    weights: Weights,
    state: State,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Weights {
    level: f64,
    profile: f64,
}

/// Level and profile after some loads.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    level: f64,
    /// One deviation from the level per slot of the season; a single zero without a season.
    profile: Vec<f64>,
    /// The slot of each step of the season.
    slots: Arc<[usize]>,
    /// The place within the season of the next load.
    phase: usize,
}

impl MeanModel for ExponentialSmoothing {
    fn name(&self) -> &'static str {
        MODEL
    }

    fn shortest_past(&self, _step: Step, _furthest: usize) -> usize {
        SHORTEST_PAST
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        check_past(self, past, horizons)?;
        let season = season(past.step());
        let choice_steps_max = CHOICE_STEPS_MAX.max(3 * season.unwrap_or(0));
        let mut fitted = FittedSmoothing {
            horizons: horizons.to_vec(),
            seen: past.values().to_vec(),
            season,
            choice_steps: steps_per_days(past.step(), CHOICE_DAYS).min(choice_steps_max),
            weights: Weights { level: 1.0, profile: 0.0 },
            state: State::start(past.values(), None),
        };
        fitted.refit()?;
        Ok(Box::new(fitted))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let restored: FittedSmoothing = from_bytes(saved)?;
        let State { profile, slots, phase, .. } = &restored.state;
        let sound = check_horizons(&restored.horizons).is_ok() && restored.season != Some(0);
        if !sound || slots.iter().any(|slot| *slot >= profile.len()) || *phase >= slots.len() {
            return Err(SaveError::NotRestored("its profile does not fit its season".to_owned()));
        }
        Ok(Box::new(restored))
    }
}

impl FittedMean for FittedSmoothing {
    fn extend(&mut self, new: View<'_>) {
        self.seen.extend_from_slice(new.values());
        for value in new.values() {
            self.state.observe(*value, self.weights);
        }
    }

    fn refit(&mut self) -> Result<(), FitError> {
        let recent = &self.seen[self.seen.len().saturating_sub(self.choice_steps)..];
        let season = self.season.filter(|season| recent.len() >= 2 * season);
        let start = State::start(recent, season);
        let rest = &recent[season.unwrap_or(1)..];
        let chosen = choose_weights(&start, rest);
        let Some((weights, state)) = chosen else {
            let largest = self.seen.iter().copied().fold(0.0, f64::max);
            return Err(FitError::TooLarge { model: MODEL, largest });
        };
        (self.weights, self.state) = (weights, state);
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        for (mean, horizon) in means.iter_mut().zip(&self.horizons) {
            *mean = self.state.forecast(*horizon).clamp(0.0, f64::MAX);
        }
    }

    fn learnt(&self) -> Vec<Learnt> {
        let weight = |name: &'static str, value: f64| Learnt { name, value: value.to_string() };
        vec![weight("level weight", self.weights.level), weight("profile weight", self.weights.profile)]
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(self)
    }
}

impl State {
    /// The state after the first season (the first load, without a season): its mean, and its deviations by slot.
    fn start(values: &[f64], season: Option<usize>) -> Self {
        let season = season.unwrap_or(1);
        let first = &values[..season];
        let level = first.iter().sum::<f64>() / season as f64;
        let slots: Arc<[usize]> = (0..season).map(|phase| phase * season.min(SLOTS_MAX) / season).collect();
        let mut profile = vec![0.0; season.min(SLOTS_MAX)];
        let mut counts = profile.clone();
        for (slot, value) in slots.iter().zip(first) {
            profile[*slot] += value - level;
            counts[*slot] += 1.0;
        }
        for (deviation, count) in profile.iter_mut().zip(counts) {
            *deviation /= count;
        }
        Self { level, profile, slots, phase: 0 }
    }

    /// The forecast of so many steps ahead, not yet kept above zero.
    fn forecast(&self, horizon: usize) -> f64 {
        self.level + self.profile[self.slots[(self.phase + horizon - 1) % self.slots.len()]]
    }

    /// Takes the next load in.
    fn observe(&mut self, value: f64, weights: Weights) {
        let deviation = &mut self.profile[self.slots[self.phase]];
        let error = value - self.level - *deviation;
        self.level += weights.level * error;
        *deviation += weights.profile * error;
        self.phase = if self.phase + 1 == self.slots.len() { 0 } else { self.phase + 1 };
    }
}

/// The candidate with the least squared one-step error on `rest`, and the state at its end; `None` if none is finite.
fn choose_weights(start: &State, rest: &[f64]) -> Option<(Weights, State)> {
    // Without a season there is no profile to weigh.
    let candidates = if start.slots.len() == 1 { 1 } else { PROFILE_WEIGHTS.len() };
    let mut best: Option<(f64, Weights)> = None;
    for level in LEVEL_WEIGHTS {
        let squared = squared_errors(start, rest, level);
        for (squared, profile) in squared.into_iter().zip(PROFILE_WEIGHTS).take(candidates) {
            if squared.is_finite() && best.is_none_or(|(least, _)| squared < least) {
                best = Some((squared, Weights { level, profile }));
            }
        }
    }
    let (_, weights) = best?;
    let mut state = start.clone();
    for value in rest {
        state.observe(*value, weights);
    }
    Some((weights, state))
}

/// The sum of squared one-step errors for one weight of the level and each weight of the profile. All of the latter go
/// side by side, since one alone would wait for its own last result at every step.
fn squared_errors(start: &State, rest: &[f64], level_weight: f64) -> [f64; PROFILE_WEIGHTS.len()] {
    let mut levels = [start.level; PROFILE_WEIGHTS.len()];
    let mut profiles: Vec<_> = start.profile.iter().map(|deviation| [*deviation; PROFILE_WEIGHTS.len()]).collect();
    let mut squared = [0.0; PROFILE_WEIGHTS.len()];
    for (value, slot) in rest.iter().zip(start.slots.iter().cycle()) {
        let profile = &mut profiles[*slot];
        for lane in 0..PROFILE_WEIGHTS.len() {
            let error = value - levels[lane] - profile[lane];
            levels[lane] += level_weight * error;
            profile[lane] += PROFILE_WEIGHTS[lane] * error;
            squared[lane] += error * error;
        }
    }
    squared
}
