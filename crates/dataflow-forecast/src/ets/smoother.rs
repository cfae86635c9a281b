//! A fitted form that goes on with the loads that come, in the unit of the loads.
//!
//! Loads are learnt from in units of their mean size, so that no step of the arithmetic over- or underflows. No form
//! is judged by an absurd load, and states take it in as if it were just as large as loads may be.

use serde::{Deserialize, Serialize};

use super::fit::{Fit, choose};
use super::form::{ErrorKind, Form};
use super::sample::Sample;
use super::state::{Slots, State};
use crate::absurd::limit;
use crate::model::Learnt;

/// Exponential smoothing after some loads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Smoother {
    fit: Fit,
    state: State,
    /// The mean size of the loads fitted on.
    scale: f64,
    /// The largest size that a load is taken for.
    limit: f64,
}

/// Why no form could be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Fewer loads than the simplest form has numbers.
    TooFew,
    /// Loads beyond what can be squared and summed.
    TooLarge,
}

impl Smoother {
    /// The best of these forms for some horizons on finite loads, of which some may be `missing` (none, if it is empty).
    pub(crate) fn learn(
        values: &[f64],
        missing: &[bool],
        slots: Slots,
        forms: impl Iterator<Item = Form>,
        horizons: &[usize],
    ) -> Result<Self, Unfit> {
        let is_missing = |step: usize| missing.get(step).copied().unwrap_or(false);
        let limit = limit(values, missing).ok_or(Unfit::TooLarge)?;
        let passed_over: Vec<bool> =
            values.iter().enumerate().map(|(step, value)| is_missing(step) || value.abs() > limit).collect();
        let judged = values.iter().zip(&passed_over).filter(|(_, passed_over)| !**passed_over);
        let (sum, count) = judged.fold((0.0, 0.0), |(sum, count), (value, _)| (sum + value.abs(), count + 1.0));
        let scale = if sum > 0.0 { sum / count } else { 1.0 };
        let scaled: Vec<f64> = values.iter().map(|value| value.clamp(-limit, limit) / scale).collect();
        let fit = choose(&Sample::new(&scaled, &passed_over, slots), forms, horizons).ok_or(Unfit::TooFew)?;
        let mut smoother = Self { state: fit.start.clone(), fit, scale, limit };
        for (step, value) in values.iter().enumerate() {
            smoother.observe((!is_missing(step)).then_some(*value));
        }
        Ok(smoother)
    }

    /// Takes in the next load, or moves on where there is none.
    pub(crate) fn observe(&mut self, load: Option<f64>) {
        let load = load.map(|load| load.clamp(-self.limit, self.limit) / self.scale);
        self.state.observe(load, self.fit.form.season, &self.fit.weights, &self.fit.slots);
    }

    /// The expected load so many steps ahead.
    pub(crate) fn mean(&self, horizon: usize) -> f64 {
        self.fit.mean(&self.state, horizon, self.fit.damped(horizon)) * self.scale
    }

    /// The standard deviations of the loads 1 … `furthest` steps ahead.
    pub(crate) fn deviations(&self, furthest: usize) -> Vec<f64> {
        let variances = self.fit.variances(&self.state, furthest);
        variances.iter().map(|variance| variance.sqrt() * self.scale).collect()
    }

    /// Whether errors are shares of the forecast.
    pub(crate) fn is_relative(&self) -> bool {
        self.fit.form.error == ErrorKind::Multiplicative
    }

    /// How well the form explains the loads, of which so many were not missing, in their unit.
    pub(crate) fn log_likelihood(&self, observed: usize) -> f64 {
        self.fit.log_likelihood - observed as f64 * self.scale.ln()
    }

    /// Whether its parts fit each other, after it was read from a file.
    pub(crate) fn is_whole(&self) -> bool {
        let Fit { slots, .. } = &self.fit;
        let fits = |state: &State| state.profile.len() == slots.count && state.phase < slots.steps;
        slots.count >= 1 && slots.count <= slots.steps && fits(&self.state) && self.scale > 0.0 && self.limit >= 0.0
    }

    /// The form, its weights, and how well it explains the loads.
    pub(crate) fn learnt(&self, observed: usize) -> Vec<Learnt> {
        let Fit { form, weights, corrected_aic, .. } = &self.fit;
        let numbers = [
            ("level weight", weights.level),
            ("slope weight", weights.slope),
            ("profile weight", weights.season),
            ("damping", weights.damping),
            ("log-likelihood", self.log_likelihood(observed)),
            ("corrected AIC", corrected_aic + 2.0 * observed as f64 * self.scale.ln()),
        ];
        let form = Learnt { name: "form", value: form.to_string() };
        let numbers = numbers.map(|(name, value)| Learnt { name, value: format!("{value:.6}") });
        std::iter::once(form).chain(numbers).collect()
    }
}
