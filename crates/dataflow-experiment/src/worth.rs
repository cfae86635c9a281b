//! What accuracy is worth: what a policy would cost with better forecasts, faster starts or a larger buffer.

use std::sync::Arc;

use dataflow_forecast::{FitError, ModelSettings, ModelSpec, RollingForecast, RollingSettings, View, rolling_forecast};
use dataflow_scale::spec::{PolicySpec, Settings};
use dataflow_scale::{Explanation, Fleet, Observation, Observe, Policy};
use rayon::prelude::*;

use crate::LEVELS;
use crate::testbed::{ExperimentError, Forecasts, Methods, Testbed};

/// A policy's cost under one change of its world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// What was changed: the share of the way from naive to perfect, the start-up time in seconds, or the buffer.
    pub at: f64,
    /// What the policy costs then.
    pub cost: f64,
    /// Load dropped, as a share of all.
    pub dropped_share: f64,
    /// What the optimum costs then.
    pub bound: f64,
    /// Mean absolute error of the forecasts over the judged ticks; `None` where none were changed.
    pub mae: Option<f64>,
}

/// Costs with forecasts blended from naive (a share of 0: the newest load known, with the spread of its past errors) to
/// perfect (1: the load itself). Empty for a policy that uses no forecasts, or where they were made elsewhere.
///
/// # Errors
/// When forecasts cannot be made.
pub fn of_accuracy(
    testbed: &Testbed,
    policy: &PolicySpec,
    settings: &Settings,
    shares: &[f64],
) -> Result<Vec<Worth>, ExperimentError> {
    if !policy.uses_forecast() || matches!(testbed.methods().forecasts, Forecasts::Given(_)) {
        return Ok(Vec::new());
    }
    let naive = testbed.with_methods(blended(testbed, None, 0.0));
    let lead = settings.lead_ticks(testbed.step()) as usize;
    for lead in policy.leads(settings, testbed.step()) {
        naive.rolling(lead)?;
    }
    let bound = testbed.bound(settings);
    let at_share = |share: &f64| {
        let changed = testbed.with_methods(blended(testbed, Some(&naive), *share));
        let outcome = changed.run(policy, settings)?;
        let rolling = changed.rolling(lead)?;
        Ok(Worth {
            at: *share,
            cost: outcome.cost.total(),
            dropped_share: share_of(outcome.dropped, outcome.offered),
            bound,
            mae: rolling.map(|rolling| mean_absolute_error(testbed, &rolling)),
        })
    };
    shares.par_iter().map(at_share).collect()
}

/// The mean absolute error of the testbed's own forecasts at the lead of the settings, over the judged ticks; `None` where
/// they were made elsewhere.
///
/// # Errors
/// When forecasts cannot be made.
pub fn own_error(testbed: &Testbed, settings: &Settings) -> Result<Option<f64>, ExperimentError> {
    let rolling = testbed.rolling(settings.lead_ticks(testbed.step()) as usize)?;
    Ok(rolling.map(|rolling| mean_absolute_error(testbed, &rolling)))
}

/// Costs with other start-up times, in seconds; each is rounded up to whole ticks, and only those that differ then are
/// told. The forecasts look as far ahead as a start takes.
///
/// # Errors
/// When forecasts cannot be made.
pub fn of_start_up(
    testbed: &Testbed,
    policy: &PolicySpec,
    settings: &Settings,
    seconds: &[f64],
) -> Result<Vec<Worth>, ExperimentError> {
    let ticks = |seconds: f64| testbed.step().ticks(seconds);
    let mut told: Vec<f64> = seconds.to_vec();
    told.sort_by(f64::total_cmp);
    told.dedup_by_key(|seconds| ticks(*seconds));
    let at = |seconds: &f64| {
        let settings = Settings { startup_seconds: *seconds, lead_seconds: None, ..settings.clone() };
        let outcome = testbed.run(policy, &settings)?;
        Ok(Worth {
            at: f64::from(ticks(*seconds)) * f64::from(testbed.step().seconds()),
            cost: outcome.cost.total(),
            dropped_share: share_of(outcome.dropped, outcome.offered),
            bound: testbed.bound(&settings),
            mae: None,
        })
    };
    told.par_iter().map(at).collect()
}

/// Costs with a buffer: the policy takes each server for one that serves less, by this share of what it then serves (0.2
/// makes it provision a fifth more), or more where the share is negative. Shares are above −1.
///
/// # Errors
/// When forecasts cannot be made.
pub fn of_buffer(
    testbed: &Testbed,
    policy: &PolicySpec,
    settings: &Settings,
    shares: &[f64],
) -> Result<Vec<Worth>, ExperimentError> {
    let fleet = settings.fleet(testbed.step());
    let bound = testbed.bound(settings);
    let at = |share: &f64| {
        let seen = Fleet { capacity: fleet.capacity / (1.0 + share), ..fleet.clone() };
        let mut weaker = settings.clone();
        weaker.capacity_per_server.amount /= 1.0 + share;
        let mut buffered = Buffered { policy: testbed.build(policy, &weaker)?, seen };
        let outcome = testbed.simulate(&mut buffered, policy, settings, None)?;
        Ok(Worth {
            at: *share,
            cost: outcome.cost.total(),
            dropped_share: share_of(outcome.dropped, outcome.offered),
            bound,
            mae: None,
        })
    };
    shares.par_iter().map(at).collect()
}

/// A policy that takes the servers for weaker ones.
struct Buffered {
    policy: Box<dyn Policy>,
    seen: Fleet,
}

impl Policy for Buffered {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        self.policy.decide(&Observation { fleet: &self.seen, ..*now }, explanation)
    }
}

fn share_of(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Forecasts between those of `naive` and the loads themselves; without `naive` the naive ones.
fn blended(testbed: &Testbed, naive: Option<&Testbed>, share: f64) -> Methods {
    let observe_current = testbed.methods().observe == Observe::Current;
    let naive = naive.cloned();
    let maker = move |view: View<'_>, lead: usize| -> Result<RollingForecast, FitError> {
        let Some(naive) = &naive else {
            let model = ModelSettings::default();
            let settings = RollingSettings { lead, observe_current, levels: LEVELS.to_vec(), model };
            return rolling_forecast(view, ModelSpec::Naive.model(model)?.as_ref(), &settings, None);
        };
        let nothing =
            RollingForecast { lead, model_from: None, mean: Vec::new(), levels: Vec::new(), quantiles: Vec::new() };
        let mut rolling = naive.rolling(lead)?.map_or(nothing, |rolling| (*rolling).clone());
        let load = naive.load();
        for column in std::iter::once(&mut rolling.mean).chain(&mut rolling.quantiles) {
            for (tick, value) in column.iter_mut().enumerate() {
                let perfect = load[(tick + lead).min(load.len() - 1)];
                *value = if share >= 1.0 { perfect } else { *value + (perfect - *value) * share };
            }
        }
        Ok(rolling)
    };
    Methods { forecasts: Forecasts::Made(Arc::new(maker)), ..testbed.methods().clone() }
}

fn mean_absolute_error(testbed: &Testbed, rolling: &RollingForecast) -> f64 {
    let judged = testbed.judged();
    let (mut sum, mut count) = (0.0, 0_usize);
    for (tick, load) in judged.load.iter().enumerate().skip(rolling.lead) {
        let mean = rolling.mean[judged.first + tick - rolling.lead];
        if mean.is_finite() {
            sum += (load - mean).abs();
            count += 1;
        }
    }
    if count > 0 { sum / count as f64 } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use dataflow_scale::spec::Configuration;

    use super::*;
    use crate::testbed::tests::testbed_of;

    fn waves() -> Vec<f64> {
        let wave = |tick: u32| 3e6 + 2e6 * (f64::from(tick) / 20.0).sin() + 4e5 * f64::from(tick * 7 % 5);
        (0..1_000).map(wave).collect()
    }

    #[test]
    fn better_forecasts_have_smaller_errors_and_perfect_ones_none() {
        let (testbed, settings) = (testbed_of(&waves()), Configuration::default().settings().clone());
        let worth = of_accuracy(&testbed, &PolicySpec::Quantile, &settings, &[0.0, 0.5, 1.0]).unwrap();
        let errors: Vec<f64> = worth.iter().filter_map(|worth| worth.mae).collect();
        assert!(errors[0] > errors[1] && errors[1] > errors[2] && errors[2] == 0.0, "{errors:?}");
        assert!((errors[1] * 2.0 - errors[0]).abs() < 1e-6 * errors[0]);
        assert_eq!(own_error(&testbed, &settings).unwrap(), Some(errors[0]), "the testbed forecasts naively");
        assert_eq!(worth[0].cost, testbed.run(&PolicySpec::Quantile, &settings).unwrap().cost.total());
        assert!(of_accuracy(&testbed, &PolicySpec::Reactive, &settings, &[0.0]).unwrap().is_empty());
    }

    #[test]
    fn start_up_times_of_as_many_ticks_are_one() {
        let (testbed, settings) = (testbed_of(&waves()), Configuration::default().settings().clone());
        let worth = of_start_up(&testbed, &PolicySpec::Quantile, &settings, &[10.0, 30.0, 60.0, 180.0]).unwrap();
        let at: Vec<f64> = worth.iter().map(|worth| worth.at).collect();
        assert_eq!(at, [60.0, 180.0]);
        assert!(worth[0].bound <= worth[1].bound);
        assert_eq!(worth[1].cost, testbed.run(&PolicySpec::Quantile, &settings).unwrap().cost.total());
    }

    #[test]
    fn a_larger_buffer_drops_less() {
        let (testbed, settings) = (testbed_of(&waves()), Configuration::default().settings().clone());
        for policy in [PolicySpec::Quantile, PolicySpec::Reactive, PolicySpec::Hpa] {
            let worth = of_buffer(&testbed, &policy, &settings, &[-0.5, 0.0, 0.5]).unwrap();
            assert!(worth[0].dropped_share > worth[1].dropped_share, "{policy}");
            assert!(worth[1].dropped_share >= worth[2].dropped_share, "{policy}");
            assert_eq!(worth[1].cost, testbed.run(&policy, &settings).unwrap().cost.total(), "{policy}");
        }
    }
}
