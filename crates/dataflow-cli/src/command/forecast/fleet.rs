//! What a fleet costs whose policy acts on a model's forecasts, over the held-out part: the most exact forecast is not
//! always the cheapest.

use dataflow_experiment::forecast_track;
use dataflow_forecast::{HeldOut, RollingForecast};
use dataflow_scale::optimum::by_levels;
use dataflow_scale::spec::PolicySpec;
use dataflow_scale::{Observe, Scenario, simulate};
use serde::Serialize;

use crate::forecasting::levels;
use crate::world::World;

/// The fleet that is simulated, and what can be reached.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct FleetFacts {
    /// Ticks between a decision and the load that is forecast for it: the start-up time of a server.
    pub(crate) lead_ticks: usize,
    /// The load one server serves in one tick.
    pub(crate) capacity: f64,
    /// The least possible cost, for any policy.
    pub(crate) optimum: f64,
}

/// What a policy cost with a model's forecasts.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct FleetCost {
    pub(crate) cost: f64,
    /// Share above the least possible cost; none where that is zero.
    pub(crate) regret: Option<f64>,
    pub(crate) dropped_share: f64,
}

/// The costs of the policies that act on forecasts.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct FleetCosts {
    pub(crate) quantile: FleetCost,
    pub(crate) predictive: FleetCost,
}

impl FleetFacts {
    pub(crate) fn of(world: &World, holdout: usize) -> Self {
        Self {
            lead_ticks: world.configuration.settings().lead_ticks(world.step()) as usize,
            capacity: world.fleet.capacity,
            optimum: by_levels(&world.fleet, &world.prices, last(world.load.values(), holdout)).cost,
        }
    }
}

/// Simulates the held-out part; `None` where the forecasts for the lead time are not there.
pub(crate) fn costs(world: &World, held_out: &HeldOut, fleet: &FleetFacts) -> Option<FleetCosts> {
    let settings = world.configuration.settings();
    let rows = held_out.at_decisions(fleet.lead_ticks + 1)?;
    let levels = levels(settings.quantile_level);
    let rolling = RollingForecast {
        lead: fleet.lead_ticks,
        model_from: Some(0),
        mean: rows.mean.to_vec(),
        quantiles: levels.iter().map(|level| rows.quantile(*level).map(<[f64]>::to_vec)).collect::<Option<_>>()?,
        levels,
    };
    let known = last(world.known_in_window(), held_out.len());
    let track = forecast_track(known, &[&rolling], Observe::Previous);
    let scenario = Scenario {
        fleet: &world.fleet,
        prices: &world.prices,
        load: last(world.load.values(), held_out.len()),
        known,
        observe: Observe::Previous,
        forecast: Some(&track),
    };
    let cost = |policy: &PolicySpec| {
        let outcome = simulate(&scenario, policy.build(settings, world.step(), &[]).as_mut(), None).ok()?;
        let cost = outcome.cost.total();
        Some(FleetCost {
            cost,
            regret: (fleet.optimum > 0.0).then(|| cost / fleet.optimum - 1.0),
            dropped_share: if outcome.offered > 0.0 { outcome.dropped / outcome.offered } else { 0.0 },
        })
    };
    Some(FleetCosts { quantile: cost(&PolicySpec::Quantile)?, predictive: cost(&PolicySpec::Predictive)? })
}

fn last(values: &[f64], count: usize) -> &[f64] {
    &values[values.len().saturating_sub(count)..]
}
