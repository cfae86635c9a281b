//! Sensitivity: what policies and the optimum cost when settings are others, each crossed with each, one at a time, or
//! drawn at random.

mod lever;
mod sobol;

use std::collections::{BTreeSet, HashMap};

use dataflow_scale::spec::{PolicySpec, Settings};
use dataflow_scale::{Outcome, optimum};
use rayon::prelude::*;

pub use lever::{Lever, LeverError};
pub use sobol::{Design, Estimate, Indices};

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
    let worlds: Vec<Option<World>> =
        points.par_iter().map(|point| World::of(policies, settings, levers, point)).collect();
    make_forecasts(testbed, &worlds)?;
    let bounds = bounds(testbed, &worlds);
    let cell = |(point, world): (Vec<f64>, Option<World>)| {
        let Some(world) = world else { return Ok(Cell { values: point, bound: None, outcomes: Vec::new() }) };
        let outcomes = world.policies.iter().map(|policy| testbed.run(policy, &world.settings));
        let outcomes = outcomes.collect::<Result<Vec<Outcome>, ExperimentError>>()?;
        progress();
        let bound = bounds.get(&optimum_key(testbed, &world.settings)).copied();
        Ok(Cell { values: point, bound, outcomes })
    };
    points.into_par_iter().zip(worlds).map(cell).collect()
}

/// Policies and settings with the values of one point.
struct World {
    policies: Vec<PolicySpec>,
    settings: Settings,
}

impl World {
    fn of(policies: &[PolicySpec], settings: &Settings, levers: &[Lever], point: &[f64]) -> Option<Self> {
        let mut world = Self { policies: policies.to_vec(), settings: settings.clone() };
        for (lever, value) in levers.iter().zip(point) {
            lever.set(&mut world.policies, &mut world.settings, *value)?;
        }
        world.settings.is_consistent().then_some(world)
    }
}

/// Makes the forecasts of every lead, one after the other, before threads ask for them at the same time.
fn make_forecasts(testbed: &Testbed, worlds: &[Option<World>]) -> Result<(), ExperimentError> {
    let leads = worlds.iter().flatten().flat_map(|world| {
        let forecasting = world.policies.iter().filter(|policy| policy.uses_forecast());
        forecasting.map(|policy| policy.leads(&world.settings, testbed.step()))
    });
    let leads: BTreeSet<Vec<usize>> = leads.collect();
    leads.iter().try_for_each(|leads| testbed.track(leads).map(|_| ()))
}

/// All that the optimum without cooldown depends on.
type OptimumKey = [u64; 7];

fn optimum_key(testbed: &Testbed, settings: &Settings) -> OptimumKey {
    let (fleet, prices) = (settings.fleet(testbed.step()), settings.prices(testbed.step()));
    [
        fleet.capacity.to_bits(),
        u64::from(fleet.startup_ticks),
        u64::from(fleet.min_servers),
        u64::from(fleet.max_servers),
        prices.server.to_bits(),
        prices.scale.to_bits(),
        prices.violation.to_bits(),
    ]
}

/// What the optimum costs for every fleet and prices among the worlds. Its plans would fill the memory.
fn bounds(testbed: &Testbed, worlds: &[Option<World>]) -> HashMap<OptimumKey, f64> {
    let distinct: HashMap<OptimumKey, &Settings> =
        worlds.iter().flatten().map(|world| (optimum_key(testbed, &world.settings), &world.settings)).collect();
    let bound = |(key, settings): (OptimumKey, &Settings)| {
        let (fleet, prices) = (settings.fleet(testbed.step()), settings.prices(testbed.step()));
        (key, optimum::by_levels(&fleet, &prices, testbed.judged().load).cost)
    };
    distinct.into_par_iter().map(bound).collect()
}

#[cfg(test)]
mod tests;
