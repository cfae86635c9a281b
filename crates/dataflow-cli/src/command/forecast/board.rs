//! The leader board: every model judged on the same held-out part of one trace, with what there is to compare it with.

use std::collections::BTreeMap;

use dataflow_forecast::{
    BacktestSettings, Calibration, Coverage, Dispersion, DispersionBasis, HourCoverage, Learnt, ModelSettings,
    ModelSpec, Refits, Scores, Trial, diebold_mariano, is_below_floor, sees_the_future, trial,
};
use rayon::prelude::*;
use serde::Serialize;

use super::contestant::Contestant;
use super::fleet::{FleetCosts, FleetFacts, costs};
use crate::comparison::TraceFacts;
use crate::failure::Failure;
use crate::forecasting::levels;
use crate::pipeline::trace_facts;
use crate::progress::{Bar, Progress};
use crate::world::World;

/// Bands that are judged, by the share of loads that they promise to hold.
pub(crate) const COVERAGES: [f64; 2] = [0.8, 0.95];
/// Levels whose pinball loss is told.
const PINBALL_LEVELS: [f64; 3] = [0.5, 0.9, 0.95];
/// Models so simple that they cannot be wrong about the future: what others must beat.
const SIMPLE: [&str; 3] = ["naive", "seasonal-naive", "drift"];
const SEASONAL: &str = "seasonal-naive";
const DAY_SECONDS: usize = 86_400;

/// How models are judged.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) models: Vec<Contestant>,
    pub(crate) horizons: Vec<usize>,
    pub(crate) holdout: Holdout,
    pub(crate) refit: Refit,
    pub(crate) calibration: Calibration,
}

/// How much of the trace is held out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Holdout {
    Share(f64),
    Intervals(usize),
}

/// When models learn anew within the held-out part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refit {
    /// As it pays for each model: once a day, or not at all where fitting is dear.
    Own,
    Never,
    Every(usize),
}

/// What `dataflow forecast` finds out about one trace at one interval; its serialisation is the JSON contract.
#[derive(Debug, Serialize)]
pub(crate) struct Board {
    pub(crate) trace: TraceFacts,
    pub(crate) holdout_ticks: usize,
    pub(crate) noise_floor_rmse: Option<f64>,
    pub(crate) noise_floor: Option<NoiseFloor>,
    pub(crate) fleet: FleetFacts,
    /// The best of the furthest horizon first; those without scores last.
    pub(crate) models: Vec<ModelFacts>,
}

/// Where the noise floor comes from.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct NoiseFloor {
    pub(crate) mean: f64,
    pub(crate) dispersion: f64,
    pub(crate) basis: DispersionBasis,
    /// Whether it holds: not where even a simple model lies below it, as the load then is no sum of independent arrivals.
    pub(crate) holds: bool,
}

/// One model on the board.
#[derive(Debug, Serialize)]
pub(crate) struct ModelFacts {
    pub(crate) model: Contestant,
    pub(crate) settings: SettingsFacts,
    pub(crate) fit_seconds: Option<f64>,
    pub(crate) update_microseconds: Option<f64>,
    pub(crate) horizons: Vec<HorizonFacts>,
    /// What the fleet costs under the `quantile` policy.
    pub(crate) fleet_cost: Option<f64>,
    pub(crate) fleet: Option<FleetCosts>,
    pub(crate) learnt: Vec<Learnt>,
    /// Whether forecasts changed when the loads after them were shuffled.
    pub(crate) sees_the_future: Option<bool>,
    /// Why there are no scores.
    pub(crate) problem: Option<String>,
    /// Every forecast, for plots and files.
    #[serde(skip)]
    pub(crate) trial: Option<Trial>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct SettingsFacts {
    pub(crate) bands: Calibration,
    pub(crate) seed: u64,
    /// Intervals between refits within the held-out part; none where it is fitted once.
    pub(crate) refit: Option<usize>,
}

/// The scores of one horizon.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HorizonFacts {
    pub(crate) horizon: usize,
    pub(crate) count: usize,
    pub(crate) mae: f64,
    pub(crate) rmse: f64,
    pub(crate) r2: Option<f64>,
    pub(crate) mape: Option<f64>,
    pub(crate) smape: f64,
    pub(crate) mase: Option<f64>,
    pub(crate) bias: f64,
    /// By level, as all maps below by coverage.
    pub(crate) pinball: BTreeMap<String, f64>,
    pub(crate) coverage: BTreeMap<String, f64>,
    pub(crate) width: BTreeMap<String, f64>,
    pub(crate) above: BTreeMap<String, f64>,
    pub(crate) below: BTreeMap<String, f64>,
    /// Share of the seasonal naive's RMSE that is saved.
    pub(crate) skill: Option<f64>,
    /// Against the best of the simple models; none for that one itself.
    pub(crate) against_simple: Option<Against>,
    /// How the 95% band held at each hour of the day, by the local clock.
    pub(crate) coverage_by_hour: Vec<HourCoverage>,
}

/// The Diebold–Mariano test against a simple model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Against {
    pub(crate) model: ModelSpec,
    /// Below zero where the simple model is worse.
    pub(crate) statistic: f64,
    pub(crate) p_value: f64,
}

impl Wanted {
    /// How many intervals at the end are held out.
    ///
    /// # Errors
    /// When nothing is left to fit on.
    fn holdout(&self, world: &World) -> Result<usize, Failure> {
        let length = world.load.len();
        let held_out = match self.holdout {
            Holdout::Share(share) => (length as f64 * share).floor() as usize,
            Holdout::Intervals(count) => count,
        };
        let furthest = self.horizons.last().copied().unwrap_or(1);
        if held_out == 0 || held_out + furthest > world.history.series().len() {
            return Err(Failure::Input(format!(
                "--holdout: {held_out} of {length} intervals of {} held out, {furthest} steps ahead, leave nothing to fit \
                 on or nothing to score; give a longer trace or a shorter --interval, or hold out another part",
                world.step()
            )));
        }
        Ok(held_out)
    }

    fn settings(&self, world: &World, model: &Contestant, holdout: usize, lead_ticks: usize) -> BacktestSettings {
        let settings = world.configuration.settings();
        let model_settings = ModelSettings { calibration: self.calibration, seed: settings.random_seed };
        let mut horizons = self.horizons.clone();
        // Weights from a file know one step alone.
        if model.weights.is_none() {
            horizons.push(lead_ticks + 1);
        }
        horizons.sort_unstable();
        horizons.dedup();
        let day = (DAY_SECONDS / world.step().seconds() as usize).max(1);
        let refit = match self.refit {
            Refit::Never => None,
            Refit::Every(steps) => Some(steps),
            Refit::Own => {
                let is_cheap = model.model(model_settings, None).is_ok_and(|model| model.refits() == Refits::Daily);
                is_cheap.then_some(day)
            }
        };
        let mut wanted = levels(settings.quantile_level);
        wanted.extend(PINBALL_LEVELS);
        BacktestSettings {
            holdout,
            horizons,
            levels: wanted,
            coverages: COVERAGES.to_vec(),
            refit,
            model: model_settings,
            dispersion: world.dispersion.map_or(1.0, |dispersion| dispersion.value),
        }
    }
}

/// Judges all models, side by side; the result is the same on any number of threads. `bar` moves on by one for each; what trains for long
/// gets a bar of its own from `progress`.
///
/// # Errors
/// When the held-out part makes no sense. A model that cannot be fitted is told on the board.
pub(crate) fn judge(world: &World, wanted: &Wanted, bar: &Bar, progress: &Progress) -> Result<Board, Failure> {
    let holdout = wanted.holdout(world)?;
    let fleet = FleetFacts::of(world, holdout);
    let judged = wanted.models.par_iter().map(|model| {
        let facts = judge_one(world, wanted, model, holdout, &fleet, progress);
        bar.step();
        facts
    });
    let mut models: Vec<ModelFacts> = judged.collect();
    add_hours(world, &mut models);
    compare_with_simple(&mut models);
    let noise_floor = noise_floor(world, &models);
    refuse_leaks(&mut models, noise_floor.as_ref());
    let rank = |facts: &ModelFacts| facts.horizons.last().map_or(f64::INFINITY, |furthest| furthest.rmse);
    models.sort_by(|one, other| rank(one).total_cmp(&rank(other)));
    Ok(Board {
        trace: trace_facts(world),
        holdout_ticks: holdout,
        noise_floor_rmse: noise_floor.filter(|floor| floor.holds).map(|floor| floor.rmse()),
        noise_floor,
        fleet,
        models,
    })
}

fn judge_one(
    world: &World,
    wanted: &Wanted,
    model: &Contestant,
    holdout: usize,
    fleet: &FleetFacts,
    progress: &Progress,
) -> ModelFacts {
    let settings = wanted.settings(world, model, holdout, fleet.lead_ticks);
    let mut facts = ModelFacts {
        model: model.clone(),
        settings: SettingsFacts { bands: settings.model.calibration, seed: settings.model.seed, refit: settings.refit },
        fit_seconds: None,
        update_microseconds: None,
        horizons: Vec::new(),
        fleet_cost: None,
        fleet: None,
        learnt: Vec::new(),
        sees_the_future: None,
        problem: None,
        trial: None,
    };
    let history = world.view();
    let checked = model.model(settings.model, Some(progress.training(model.spec))).and_then(|model| {
        let made = trial(history, model.as_ref(), &settings)?;
        Ok((sees_the_future(history, model.as_ref(), &settings, &made)?, made))
    });
    match checked {
        Err(error) => facts.problem = Some(error.to_string()),
        Ok((leaks, made)) => {
            facts.fit_seconds = Some(made.fit_time.as_secs_f64());
            facts.update_microseconds = Some(made.update_time.as_secs_f64() * 1e6);
            let scores =
                wanted.horizons.iter().filter_map(|horizon| made.held_out.scores(*horizon, settings.dispersion));
            facts.horizons = scores.map(|scores| HorizonFacts::of(&scores)).collect();
            if facts.horizons.is_empty() {
                facts.problem =
                    Some("every interval of the held-out part is missing, so nothing can be scored".to_owned());
            }
            facts.fleet = costs(world, &made.held_out, fleet);
            facts.fleet_cost = facts.fleet.map(|costs| costs.quantile.cost);
            facts.sees_the_future = Some(leaks);
            facts.learnt.clone_from(&made.learnt);
            facts.trial = Some(made);
        }
    }
    facts
}

impl HorizonFacts {
    fn of(scores: &Scores) -> Self {
        let by_coverage = |value: fn(&Coverage) -> f64| {
            let wanted = |band: &&Coverage| COVERAGES.iter().any(|coverage| (coverage - band.nominal).abs() < 1e-9);
            let bands = scores.coverage.iter().filter(wanted);
            // Differences of levels carry rounding errors that no key should show.
            bands.map(|band| (format!("{}", (band.nominal * 1e6).round() / 1e6), value(band))).collect()
        };
        let pinball = PINBALL_LEVELS.iter().filter_map(|level| {
            let found = scores.pinball.iter().find(|pinball| (pinball.level - level).abs() < 1e-9)?;
            Some((level.to_string(), found.loss))
        });
        Self {
            horizon: scores.horizon,
            count: scores.count,
            mae: scores.mae,
            rmse: scores.rmse,
            r2: scores.r2,
            mape: scores.mape,
            smape: scores.smape,
            mase: scores.mase,
            bias: scores.bias,
            pinball: pinball.collect(),
            coverage: by_coverage(|band| band.actual),
            width: by_coverage(|band| band.width),
            above: by_coverage(|band| band.above),
            below: by_coverage(|band| band.below),
            skill: None,
            against_simple: None,
            coverage_by_hour: Vec::new(),
        }
    }

    /// A figure of the 95% band.
    pub(crate) fn of_wide_band(map: &BTreeMap<String, f64>) -> f64 {
        map.get("0.95").copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn mean_pinball(&self) -> f64 {
        self.pinball.values().sum::<f64>() / self.pinball.len() as f64
    }
}

impl NoiseFloor {
    pub(crate) fn rmse(&self) -> f64 {
        (self.mean * self.dispersion).sqrt()
    }
}

fn add_hours(world: &World, models: &mut [ModelFacts]) {
    for facts in models {
        let Some(trial) = &facts.trial else { continue };
        for horizon in &mut facts.horizons {
            let hours = trial.held_out.coverage_by_hour(horizon.horizon, COVERAGES[1], &world.time_zone);
            horizon.coverage_by_hour = hours.unwrap_or_default();
        }
    }
}

/// Sets every model against the seasonal naive and against the best simple model of each horizon.
fn compare_with_simple(models: &mut [ModelFacts]) {
    let places = models.iter().map(|facts| facts.horizons.len()).max().unwrap_or(0);
    for place in 0..places {
        let at = |facts: &ModelFacts| facts.horizons.get(place).map(|scores| (scores.horizon, scores.rmse));
        let is_simple = |facts: &&ModelFacts| SIMPLE.contains(&facts.model.spec.name());
        let seasonal =
            models.iter().find(|facts| facts.model.spec.name() == SEASONAL).and_then(&at).map(|(_, rmse)| rmse);
        let best = models.iter().filter(is_simple).filter(|facts| at(facts).is_some());
        let best = best.min_by(|one, other| {
            at(one)
                .map(|(_, rmse)| rmse)
                .partial_cmp(&at(other).map(|(_, rmse)| rmse))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let errors =
            |facts: &ModelFacts, horizon| facts.trial.as_ref().and_then(|trial| trial.held_out.errors(horizon));
        let against: Vec<Option<Against>> = models
            .iter()
            .map(|facts| {
                let (best, (horizon, _)) = (best?, at(facts)?);
                let test = diebold_mariano(&errors(facts, horizon)?, &errors(best, horizon)?, horizon)?;
                let model = (best.model != facts.model).then_some(best.model.spec)?;
                Some(Against { model, statistic: test.statistic, p_value: test.p_value })
            })
            .collect();
        for (facts, against) in models.iter_mut().zip(against) {
            if let Some(scores) = facts.horizons.get_mut(place) {
                scores.skill = seasonal.filter(|rmse| *rmse > 0.0).map(|rmse| 1.0 - scores.rmse / rmse);
                scores.against_simple = against;
            }
        }
    }
}

fn noise_floor(world: &World, models: &[ModelFacts]) -> Option<NoiseFloor> {
    let Dispersion { value, basis } = world.dispersion?;
    let scored = models.iter().find(|facts| !facts.horizons.is_empty())?;
    let loads = scored.trial.as_ref()?.held_out.loads().iter().filter(|load| !load.is_nan());
    let (count, sum) = loads.fold((0, 0.0), |(count, sum), load| (count + 1, sum + load));
    let mut floor = NoiseFloor { mean: sum / f64::from(count), dispersion: value, basis, holds: true };
    let simple = models.iter().filter(|facts| SIMPLE.contains(&facts.model.spec.name()));
    let is_below = |scores: &HorizonFacts| is_below_floor(scores.rmse, floor.rmse(), scores.count);
    floor.holds = !simple.flat_map(|facts| &facts.horizons).any(is_below);
    Some(floor)
}

/// Takes the scores from models that saw the future, or score better than any honest forecast can.
fn refuse_leaks(models: &mut [ModelFacts], floor: Option<&NoiseFloor>) {
    for facts in models {
        let floor = floor.filter(|floor| floor.holds);
        let too_good = facts.horizons.iter().find_map(|scores| {
            let floor = floor?.rmse();
            is_below_floor(scores.rmse, floor, scores.count).then_some((scores.horizon, scores.rmse, floor))
        });
        facts.problem = match (facts.sees_the_future, too_good) {
            (Some(true), _) => Some(
                "refused as a leak: its forecasts change when the loads after them are put in another order, so it sees \
                 the future"
                    .to_owned(),
            ),
            (_, Some((horizon, rmse, floor))) => Some(format!(
                "refused as a leak: its RMSE of {rmse:.4} {horizon} ahead lies below the noise floor of {floor:.4}, which no \
                 honest forecast of counts does"
            )),
            _ => continue,
        };
        (facts.horizons, facts.trial, facts.fleet, facts.fleet_cost) = (Vec::new(), None, None, None);
    }
}
