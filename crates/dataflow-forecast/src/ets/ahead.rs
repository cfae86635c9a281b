//! Which form forecasts best as far ahead as is asked.
//!
//! The form that explains the next load best often forecasts days badly: a trend carried on, or a level that follows
//! the last load entirely, costs nothing one step ahead. So where more than the next load is asked for, the variance in
//! the corrected AIC is the mean squared error over all asked horizons, from every step of the loads learnt from
//! (the average mean squared error, `amse`, of `forecast` for R, here to choose the form by). Errors of overlapping
//! forecasts depend on each other, so the criterion is a comparison, no likelihood; weights are still found by that.

use super::fit::{Fit, RESIDUAL_LEAST, penalty};
use super::form::Season;
use super::sample::Sample;
use super::state::State;

/// At most so many horizons are judged, evenly spread over the asked ones.
const HORIZONS_MAX: usize = 48;

/// The horizons by which forms of these loads are judged; none if one step ahead is all that can be.
pub(super) fn judged(horizons: &[usize], loads: usize) -> Vec<usize> {
    let within: Vec<usize> = horizons.iter().copied().filter(|horizon| *horizon <= loads / 2).collect();
    if within.iter().all(|horizon| *horizon <= 1) {
        return Vec::new();
    }
    let stride = within.len().div_ceil(HORIZONS_MAX);
    within.into_iter().rev().step_by(stride).collect()
}

impl Fit {
    /// φ + … + φʰ, which the slope weighs so many steps ahead.
    pub(super) fn damped(&self, horizon: usize) -> f64 {
        let damping = self.weights.damping;
        if damping < 1.0 { damping * (1.0 - damping.powf(horizon as f64)) / (1.0 - damping) } else { horizon as f64 }
    }

    /// The expected load so many steps after a state, in the unit of the fitted loads.
    pub(super) fn mean(&self, state: &State, horizon: usize, damped: f64) -> f64 {
        let (trend, season) = (state.trend(damped), state.season(&self.slots, horizon));
        if self.form.season == Season::Multiplicative { trend.max(0.0) * season } else { trend + season }
    }

    /// The corrected AIC with the mean squared error over these horizons as the variance.
    pub(super) fn corrected_aic_ahead(&self, sample: &Sample<'_>, horizons: &[usize]) -> f64 {
        let count = sample.observed as f64;
        let error = self.mean_squared_error(sample, horizons).max(RESIDUAL_LEAST * RESIDUAL_LEAST);
        let criterion = count * error.ln() + penalty(count, self.form.parameters(self.slots.count) as f64);
        if criterion.is_nan() { f64::INFINITY } else { criterion }
    }

    /// Over every load and every one of these steps before it.
    fn mean_squared_error(&self, sample: &Sample<'_>, horizons: &[usize]) -> f64 {
        let ahead: Vec<(usize, f64)> = horizons.iter().map(|horizon| (*horizon, self.damped(*horizon))).collect();
        let (mut squares, mut count) = (0.0, 0.0);
        let mut state = self.start.clone();
        let load = |step: usize| sample.values.get(step).copied().filter(|_| !sample.is_missing(step));
        for step in 0..sample.values.len() {
            for (horizon, damped) in &ahead {
                if let Some(load) = load(step + horizon - 1) {
                    squares += (load - self.mean(&state, *horizon, *damped)).powi(2);
                    count += 1.0;
                }
            }
            state.observe(load(step), self.form.season, &self.weights, &self.slots);
        }
        squares / count
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::{Slots, Weights};
    use super::*;

    #[test]
    fn errors_ahead_are_those_of_every_origin() {
        let weights = Weights { level: 0.5, slope: 0.0, season: 0.0, damping: 1.0 };
        let start = State { level: 1.0, slope: 0.0, profile: vec![0.0], phase: 0 };
        let form = "ETS(A,N,N)".parse().unwrap();
        let fit =
            Fit { form, weights, start, slots: Slots::NONE, variance: 0.0, log_likelihood: 0.0, corrected_aic: 0.0 };
        // From the levels 1, 1 and 2: errors of 0 and 2, 2 and 3 (to a load of 4), and 2.
        let sample = Sample::new(&[1.0, 3.0, 4.0], &[], Slots::NONE);
        assert_eq!(fit.mean_squared_error(&sample, &[1, 2]), (4.0 + 4.0 + 9.0 + 4.0) / 5.0);
        let sample = Sample::new(&[1.0, 3.0, 4.0], &[false, false, true], Slots::NONE);
        assert_eq!(fit.mean_squared_error(&sample, &[1, 2]), (4.0 + 4.0) / 3.0);
    }

    #[test]
    fn horizons_are_judged_where_the_loads_reach() {
        assert!(judged(&[1], 100).is_empty() && judged(&[1, 60], 100).is_empty());
        assert_eq!(judged(&[1, 2, 50, 51], 100), [50, 2, 1]);
        let many: Vec<usize> = (1..=480).collect();
        let judged = judged(&many, 2000);
        assert_eq!((judged.len(), judged[0], judged[47]), (48, 480, 10));
    }
}
