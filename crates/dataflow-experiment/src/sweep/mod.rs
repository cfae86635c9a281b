//! Sensitivity: what policies and the optimum cost when settings are others, each crossed with each, one at a time, or
//! drawn at random.

mod lever;
mod sobol;

use std::collections::{BTreeSet, HashMap};

use dataflow_scale::spec::{PolicySpec, Settings};
use dataflow_scale::{Fleet, Outcome, Prices, optimum};
use rayon::prelude::*;

pub use lever::{Lever, LeverError};
pub use sobol::{Design, Estimate, Indices};

use crate::testbed::{OptimumKey, optimum_key};
use crate::{ExperimentError, Testbed};

/// What policies and the optimum come to under one choice of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// A value for each lever.
    pub values: Vec<f64>,
    /// What the optimum without cooldown costs; `None` where the values may not be, alone or together.
    pub bound: Option<f64>,
    /// What each policy comes to, in their order; empty where the values may not be.
    pub outcomes: Vec<Outcome>,
}

/// Every choice of one value for each lever, the last lever changing fastest.
pub fn crossed(levers: &[Lever]) -> Vec<Vec<f64>> {
    let mut points: Vec<Vec<f64>> = vec![Vec::new()];
    for lever in levers {
        let longer = |point: Vec<f64>| lever.values.iter().map(move |value| [&point[..], &[*value]].concat());
        points = points.into_iter().flat_map(longer).collect();
    }
    points
}

/// Runs every policy under the values of every point. Forecasts are made once for each lead, the optimum is found once
/// for each fleet and prices; the answer is the same on any number of threads. `progress` is told of each cell.
///
/// # Errors
/// When forecasts cannot be made.
pub fn cells(
    testbed: &Testbed,
    policies: &[PolicySpec],
    settings: &Settings,
    levers: &[Lever],
    points: Vec<Vec<f64>>,
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<Cell>, ExperimentError> {
    // Settings are made anew where they are needed: those of a large sweep would fill the memory.
    let setting_at = |point: &[f64]| Setting::of(policies, settings, levers, point);
    make_forecasts(testbed, points.iter().filter_map(|point| setting_at(point)))?;
    let bounds = bounds(testbed, points.iter().filter_map(|point| setting_at(point)));
    let cell = |point: Vec<f64>| {
        progress();
        let Some(setting) = setting_at(&point) else {
            return Ok(Cell { values: point, bound: None, outcomes: Vec::new() });
        };
        let outcomes = setting.policies.iter().map(|policy| testbed.run(policy, &setting.settings));
        let outcomes = outcomes.collect::<Result<Vec<Outcome>, ExperimentError>>()?;
        let (fleet, prices) = setting.world(testbed);
        let bound = bounds.get(&optimum_key(&fleet, &prices)).copied();
        Ok(Cell { values: point, bound, outcomes })
    };
    points.into_par_iter().map(cell).collect()
}

/// Policies and settings with the values of one point.
struct Setting {
    policies: Vec<PolicySpec>,
    settings: Settings,
}

impl Setting {
    fn of(policies: &[PolicySpec], settings: &Settings, levers: &[Lever], point: &[f64]) -> Option<Self> {
        let mut setting = Self { policies: policies.to_vec(), settings: settings.clone() };
        for (lever, value) in levers.iter().zip(point) {
            lever.set(&mut setting.policies, &mut setting.settings, *value)?;
        }
        setting.settings.is_consistent().then_some(setting)
    }

    /// Its fleet and prices.
    fn world(&self, testbed: &Testbed) -> (Fleet, Prices) {
        (self.settings.fleet(testbed.step()), self.settings.prices(testbed.step()))
    }
}

/// Makes the forecasts of every lead, one after the other, before threads ask for them at the same time.
fn make_forecasts(testbed: &Testbed, all: impl Iterator<Item = Setting>) -> Result<(), ExperimentError> {
    let mut leads = BTreeSet::new();
    for setting in all {
        let forecasting = setting.policies.iter().filter(|policy| policy.uses_forecast());
        leads.extend(forecasting.map(|policy| policy.leads(&setting.settings, testbed.step())));
    }
    leads.iter().try_for_each(|leads| testbed.track(leads).map(|_| ()))
}

/// What the optimum costs for every fleet and prices among the settings. Its plans would fill the memory.
fn bounds(testbed: &Testbed, all: impl Iterator<Item = Setting>) -> HashMap<OptimumKey, f64> {
    let distinct: HashMap<OptimumKey, (Fleet, Prices)> =
        all.map(|setting| setting.world(testbed)).map(|world| (optimum_key(&world.0, &world.1), world)).collect();
    let cost = |(key, (fleet, prices)): (OptimumKey, (Fleet, Prices))| {
        (key, optimum::by_levels(&fleet, &prices, testbed.judged().load).cost)
    };
    distinct.into_par_iter().map(cost).collect()
}

#[cfg(test)]
mod tests;
