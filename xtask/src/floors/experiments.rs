//! The speeds of tuning and sweeping: many runs of one week or day under other settings, on all threads.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use dataflow_experiment::search::Budget;
use dataflow_experiment::sweep::{self, Lever};
use dataflow_experiment::tune::{Setup, tuned};
use dataflow_experiment::{ForecastMaker, Forecasts, LEVELS, Methods, Testbed};
use dataflow_forecast::{History, ModelSettings, ModelSpec, RollingSettings, rolling_forecast};
use dataflow_scale::Observe;
use dataflow_scale::spec::{Configuration, PolicySpec};
use dataflow_series::{Fill, Observed, Step, Unit};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rayon::prelude::*;

use super::{Floor, best_time, load};

const DAY: usize = 1_440;
const WEEK: usize = 7 * DAY;
/// 100,000 evaluations of a week in a minute.
const EVALUATIONS: usize = 200;
const A_MINUTE_FOR: u32 = 100_000;
const TUNED: usize = 2_000;

/// Measures whole evaluations of the policies that are tuned most, a search, and a sweep.
///
/// # Errors
/// When one of them fails.
pub(super) fn floors() -> anyhow::Result<Vec<Floor>> {
    let week = testbed(WEEK)?;
    Ok(vec![
        evaluations("reactive: 200 evaluations of a week", &week, &PolicySpec::Reactive)?,
        evaluations("quantile: 200 evaluations of a week", &week, &PolicySpec::Quantile)?,
        evaluations("hpa: 200 evaluations of a week", &week, &PolicySpec::Hpa)?,
        evaluations("hybrid: 200 evaluations of a week", &week, &PolicySpec::Hybrid)?,
        search(&week)?,
        cells()?,
    ])
}

/// Each evaluation is of other settings and of the whole week.
fn evaluations(what: &'static str, week: &Testbed, policy: &PolicySpec) -> anyhow::Result<Floor> {
    let settings = Configuration::default().settings().clone();
    let parameters = policy.parameters(&settings);
    let run = |index: usize| {
        let (mut settings, mut policy) = (settings.clone(), policy.clone());
        for parameter in &parameters {
            let value = parameter.value * (1.0 + 0.000_5 * index as f64);
            policy.adjust(&mut settings, &parameter.name, value.clamp(parameter.low, parameter.high));
        }
        week.run(&policy, &settings)
    };
    let mut offered = 0.0;
    let taken = best_time(|| {
        let outcomes: Result<Vec<_>, _> = (0..EVALUATIONS).into_par_iter().map(run).collect();
        offered = outcomes?.iter().map(|outcome| outcome.offered).sum();
        Ok(())
    })?;
    ensure!(offered > 0.0, "the simulation saw no load");
    let target = Duration::from_mins(1) * EVALUATIONS as u32 / A_MINUTE_FOR;
    Ok(Floor { what, ticks: (EVALUATIONS * WEEK) as u32, target, reference: None, taken })
}

/// A search proposes settings as well, and gives most up after a part of the week; ticks are those that it simulated.
fn search(week: &Testbed) -> anyhow::Result<Floor> {
    let setup = Setup { policy: PolicySpec::Reactive, settings: Configuration::default().settings().clone() };
    let mut whole_runs = 0.0;
    let taken = best_time(|| {
        whole_runs = tuned(week, &setup, Budget { evaluations: TUNED, seed: 1 })?.whole_runs;
        Ok(())
    })?;
    let target = Duration::from_mins(1) * TUNED as u32 / A_MINUTE_FOR;
    let ticks = (whole_runs * WEEK as f64) as u32;
    Ok(Floor { what: "reactive: a search of 2,000 evaluations of a week", ticks, target, reference: None, taken })
}

/// 10,000 cells of a day, each with an optimum of its own.
fn cells() -> anyhow::Result<Floor> {
    let configuration = Configuration::default();
    let policies = [PolicySpec::Hybrid];
    let lever = |text: &str| Lever::parse(text, &policies, &configuration, Step::MINUTE);
    let levers = [
        lever("cost_parameters.violation_cost=1e-6..1e-4:100:log").context("a lever")?,
        lever("cost_parameters.scale_cost=0.1..2:100").context("a lever")?,
    ];
    let mut filled = 0;
    let taken = best_time(|| {
        // A new testbed each time, so that nothing is known of the last one; its forecasts are not what is measured.
        let day = testbed(DAY)?;
        let cells = sweep::cells(&day, &policies, configuration.settings(), &levers, sweep::crossed(&levers), &|| {})?;
        filled = cells.iter().filter(|cell| cell.bound.is_some()).count();
        Ok(())
    })?;
    ensure!(filled == 10_000, "only {filled} cells were filled");
    let ticks = (filled * DAY) as u32;
    let what = "hybrid and the optimum: 10,000 cells of a day";
    Ok(Floor { what, ticks, target: Duration::from_secs(2), reference: None, taken })
}

/// Noisy days, forecast by their last value.
fn testbed(ticks: usize) -> anyhow::Result<Testbed> {
    let loads = load(ticks, 5);
    let observed = Observed::new(Timestamp::UNIX_EPOCH, Step::MINUTE, Unit::Bytes, loads.iter().copied().map(Some))?;
    let forecast: ForecastMaker = Arc::new(|view, lead| {
        let model = ModelSpec::Naive.model(ModelSettings::default())?;
        let levels = LEVELS.to_vec();
        let settings = RollingSettings { lead, observe_current: false, levels, model: ModelSettings::default() };
        rolling_forecast(view, model.as_ref(), &settings, None)
    });
    let methods = Methods { observe: Observe::Previous, forecasts: Forecasts::Made(forecast), alarms: None };
    Ok(Testbed::new(History::new(observed.fill(Fill::Zero)?), loads, ticks, TimeZone::UTC, methods)?)
}
