//! How far loads spread around the forecasts of a fitted form.
//!
//! Source: Hyndman, Koehler, Ord, Snyder, *Forecasting with Exponential Smoothing* (2008), chapter 6: exact for class 1
//! (additive errors) and class 2 (relative errors, additive season); for class 3 (factors as season) the closed
//! approximation of section 6.4.3, with the effect of an error on trend and factor taken together.

use super::fit::Fit;
use super::form::{ErrorKind, Season};
use super::state::State;

/// No variance is larger, in units of the squared mean load.
const VARIANCE_MAX: f64 = 1e300;

impl Fit {
    /// The variances of the loads 1 … `furthest` steps after a state, in the unit of the fitted loads.
    pub(crate) fn variances(&self, state: &State, furthest: usize) -> Vec<f64> {
        let weights = &self.weights;
        let factors = self.form.season == Season::Multiplicative;
        let mut damped = 0.0;
        let mut power = 1.0;
        // What an error does to the forecast so many steps later (from 1); with factors, forecast and effect are
        // in units of the factor.
        let mut effects = Vec::with_capacity(furthest);
        let mut centres = Vec::with_capacity(furthest);
        for horizon in 1..=furthest {
            power *= weights.damping;
            damped += power;
            let of_profile = weights.season * self.slots.share_of_same(horizon);
            effects.push(weights.level + weights.slope * damped + of_profile);
            let profile = if factors { 0.0 } else { state.season(&self.slots, horizon) };
            centres.push(state.trend(damped) + profile);
        }
        let mut variances = match self.form.error {
            ErrorKind::Additive => self.of_absolute_errors(&effects),
            ErrorKind::Multiplicative => self.of_relative_errors(&effects, &centres),
        };
        for (index, variance) in variances.iter_mut().enumerate() {
            let factor = if factors { state.season(&self.slots, index + 1) } else { 1.0 };
            *variance *= factor * factor;
            *variance = if variance.is_finite() { variance.clamp(0.0, VARIANCE_MAX) } else { VARIANCE_MAX };
        }
        variances
    }

    /// σ²(1 + Σ cⱼ²).
    fn of_absolute_errors(&self, effects: &[f64]) -> Vec<f64> {
        let mut sum = 1.0;
        let before = effects.iter().map(|effect| {
            let variance = self.variance * sum;
            sum += effect * effect;
            variance
        });
        before.collect()
    }

    /// (1 + σ²)θₕ − μₕ², where θₕ = μₕ² + σ² Σ cⱼ² θₕ₋ⱼ.
    fn of_relative_errors(&self, effects: &[f64], centres: &[f64]) -> Vec<f64> {
        let mut thetas: Vec<f64> = Vec::with_capacity(centres.len());
        for centre in centres {
            let earlier = thetas.iter().rev().zip(effects).map(|(theta, effect)| effect * effect * theta).sum::<f64>();
            thetas.push(centre * centre + self.variance * earlier);
        }
        let pairs = thetas.iter().zip(centres);
        pairs.map(|(theta, centre)| (1.0 + self.variance) * theta - centre * centre).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::{Slots, Weights};
    use super::*;

    fn fit(form: &str, weights: Weights, start: State) -> Fit {
        let slots = Slots::new(start.profile.len(), 96);
        let form = form.parse().unwrap();
        Fit { form, weights, start, slots, variance: 0.01, log_likelihood: 0.0, corrected_aic: 0.0 }
    }

    /// The variances among many simulated futures, from a fixed seed.
    fn simulated(fit: &Fit, furthest: usize) -> Vec<f64> {
        let mut seed = 1_u64;
        let mut uniform = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        let paths = 40_000;
        let mut sums = vec![(0.0, 0.0); furthest];
        for _ in 0..paths {
            let mut state = fit.start.clone();
            for sums in &mut sums {
                let (trend, season) = (state.trend(fit.weights.damping), state.season(&fit.slots, 1));
                let factors = fit.form.season == Season::Multiplicative;
                let forecast = if factors { trend * season } else { trend + season };
                let noise = 0.1 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0);
                let relative = fit.form.error == ErrorKind::Multiplicative;
                let load = forecast + if relative { noise * forecast } else { noise };
                *sums = (sums.0 + load, sums.1 + load * load);
                state.observe(Some(load), fit.form.season, &fit.weights, &fit.slots);
            }
        }
        let count = f64::from(paths);
        sums.iter().map(|(sum, squares)| squares / count - (sum / count).powi(2)).collect()
    }

    #[test]
    fn variances_are_those_of_simulated_futures() {
        let weights = Weights { level: 0.3, slope: 0.05, season: 0.2, damping: 0.9 };
        for (form, profile) in [("ETS(A,Ad,A)", [0.5, -0.5]), ("ETS(M,Ad,A)", [0.5, -0.5]), ("ETS(M,Ad,M)", [1.5, 0.5])]
        {
            let fit = fit(form, weights, State { level: 2.0, slope: 0.1, profile: profile.to_vec(), phase: 0 });
            let expected = simulated(&fit, 8);
            for (variance, expected) in fit.variances(&fit.start, 8).iter().zip(&expected) {
                assert!((variance / expected - 1.0).abs() < 0.04, "{form}: {variance} instead of {expected}");
            }
        }
    }
}
