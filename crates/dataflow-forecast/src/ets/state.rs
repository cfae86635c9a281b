//! Weights and states of exponential smoothing, and how a load moves them.
//!
//! Source: Hyndman, Koehler, Ord, Snyder, *Forecasting with Exponential Smoothing* (2008), tables 2.2 and 2.3. Written
//! with the absolute error, models with additive and with multiplicative error move alike unless the season is
//! multiplicative; they differ only in how an error is weighed against others.

use serde::{Deserialize, Serialize};

use super::form::Season;

/// Forecasts of multiplicative forms stay above this, in units of the mean load.
pub(super) const LEAST: f64 = 1e-9;

/// How fast states follow the loads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Weights {
    /// α, the share of an error that enters the level.
    pub(crate) level: f64,
    /// β, the share that enters the slope; zero without a trend.
    pub(crate) slope: f64,
    /// γ, the share that enters the profile; zero without a season.
    pub(crate) season: f64,
    /// φ, what is left of the slope after a step; 1 if it is not damped.
    pub(crate) damping: f64,
}

/// The slot of the profile to which each step of a season belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slots {
    pub(crate) steps: usize,
    pub(crate) count: usize,
}

/// What is known after some loads. A form without a season has a profile of one slot that changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) level: f64,
    pub(crate) slope: f64,
    pub(crate) profile: Vec<f64>,
    /// Steps since the start of a season.
    pub(crate) phase: usize,
}

impl Slots {
    /// No season.
    pub(crate) const NONE: Self = Self { steps: 1, count: 1 };

    /// A season of so many steps in at most so many slots of nearly the same length.
    pub(crate) fn new(steps: usize, most: usize) -> Self {
        Self { steps: steps.max(1), count: steps.clamp(1, most.max(1)) }
    }

    pub(crate) fn of(&self, phase: usize) -> usize {
        phase % self.steps * self.count / self.steps
    }

    /// The slot of a step that is counted on over season after season.
    pub(crate) fn running(&self, step: usize) -> usize {
        step / self.steps * self.count + self.of(step)
    }

    /// The value at a step on the line between the middles of the slots around it; a slot of one step has its own.
    pub(crate) fn between(&self, step: usize, value: impl Fn(usize) -> f64) -> f64 {
        if self.count == self.steps {
            return value(step);
        }
        let width = self.steps as f64 / self.count as f64;
        let place = ((step as f64 + 0.5) / width - 0.5).max(0.0);
        let share = place.fract();
        (1.0 - share) * value(place as usize) + share * value(place as usize + 1)
    }

    /// The share of loads whose slot is the same so many steps later.
    pub(super) fn share_of_same(&self, later: usize) -> f64 {
        let width = self.steps as f64 / self.count as f64;
        let lag = later % self.steps;
        let apart = lag.min(self.steps - lag) as f64;
        (1.0 - apart / width).max(0.0)
    }
}

impl State {
    /// The trend's part of the forecast one step ahead whose slope weighs `damped` (φ + … + φʰ for h steps).
    pub(crate) fn trend(&self, damped: f64) -> f64 {
        self.level + damped * self.slope
    }

    /// The profile so many steps ahead.
    pub(crate) fn season(&self, slots: &Slots, horizon: usize) -> f64 {
        self.profile.get(slots.of(self.phase + horizon - 1)).copied().unwrap_or_default()
    }

    /// Takes in the next load, or only moves on where there is none. Nothing it holds ever ceases to be finite.
    pub(crate) fn observe(&mut self, load: Option<f64>, season: Season, weights: &Weights, slots: &Slots) {
        let trend = self.trend(weights.damping);
        let slot = slots.of(self.phase);
        self.phase = if self.phase + 1 >= slots.steps { 0 } else { self.phase + 1 };
        self.slope *= weights.damping;
        self.level = trend;
        let (Some(load), Some(profile)) = (load, self.profile.get_mut(slot)) else { return };
        if season == Season::Multiplicative {
            let (trend, factor) = (trend.max(LEAST), profile.max(LEAST));
            let error = load - trend * factor;
            self.level = trend + weights.level * error / factor;
            self.slope += weights.slope * error / factor;
            *profile = factor + weights.season * error / trend;
        } else {
            let error = load - trend - *profile;
            self.level += weights.level * error;
            self.slope += weights.slope * error;
            *profile += weights.season * error;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEIGHTS: Weights = Weights { level: 0.5, slope: 0.25, season: 0.1, damping: 0.8 };

    fn state(profile: [f64; 2]) -> State {
        State { level: 10.0, slope: 2.0, profile: profile.to_vec(), phase: 0 }
    }

    #[test]
    fn an_additive_step_is_as_in_the_table() {
        let mut state = state([1.0, -1.0]);
        // The forecast is 10 + 0.8·2 + 1 = 12.6, the error 2.
        state.observe(Some(14.6), Season::Additive, &WEIGHTS, &Slots::new(2, 2));
        assert!((state.level - 12.6).abs() < 1e-12 && (state.slope - 2.1).abs() < 1e-12);
        assert!((state.profile[0] - 1.2).abs() < 1e-12 && state.profile[1] == -1.0 && state.phase == 1);
    }

    #[test]
    fn a_multiplicative_step_is_as_in_the_table() {
        let mut state = state([2.0, 0.5]);
        // The forecast is 11.6 · 2 = 23.2, the error 5.8, a quarter of it.
        state.observe(Some(29.0), Season::Multiplicative, &WEIGHTS, &Slots::new(2, 2));
        assert!((state.level - 11.6 * 1.125).abs() < 1e-12);
        assert!((state.slope - (1.6 + 0.25 * 11.6 * 0.25)).abs() < 1e-12);
        assert!((state.profile[0] - 2.0 * 1.025).abs() < 1e-12);
    }

    #[test]
    fn a_missing_load_moves_the_state_on_without_an_error() {
        let mut state = state([1.0, -1.0]);
        state.observe(None, Season::Additive, &WEIGHTS, &Slots::new(2, 2));
        assert_eq!(state, State { level: 11.6, slope: 1.6, profile: vec![1.0, -1.0], phase: 1 });
    }

    #[test]
    fn slots_of_a_fine_season_hold_several_steps() {
        let slots = Slots::new(1440, 96);
        assert_eq!((slots.of(14), slots.of(15), slots.of(1439), slots.of(1440)), (0, 1, 95, 0));
        assert!((slots.share_of_same(5) - 2.0 / 3.0).abs() < 1e-12 && slots.share_of_same(20) == 0.0);
        assert_eq!((Slots::new(24, 96).share_of_same(24), Slots::new(24, 96).share_of_same(25)), (1.0, 0.0));
    }
}
