//! Comparisons for the tests of plots and reports: a trace, six policies simulated on it, a crude rolling forecast.

use std::collections::BTreeMap;

use dataflow_forecast::RollingForecast;
use dataflow_scale::policy::{
    Fixed, Hybrid, HybridThresholds, Predictive, QuantileBaseStock, Reactive, Replay, UtilizationThresholds,
};
use dataflow_scale::{Fleet, ForecastTrack, Observe, Outcome, Policy, Prices, Scenario, Timeline, simulate};
use dataflow_series::{Fill, Observed, Step, Unit};
use jiff::Timestamp;

use crate::comparison::{Actions, Bound, Comparison, CostFacts, ForecastFacts, RunFacts, Ticks, TraceFacts};

/// A trace to compare policies on.
pub(crate) struct Trace {
    pub(crate) source: String,
    pub(crate) start: Timestamp,
    pub(crate) step: Step,
    pub(crate) unit: Unit,
    /// `None` is missing.
    pub(crate) loads: Vec<Option<f64>>,
    pub(crate) capacity: f64,
}

/// What `dataflow compare` would hand to plots and reports.
pub(crate) struct Sample {
    pub(crate) comparison: Comparison,
    pub(crate) ticks: Ticks,
}

impl Trace {
    /// Minutes of requests from 1 July 1995, on servers of which three serve the mean load.
    pub(crate) fn of(loads: Vec<f64>) -> Self {
        let mean = loads.iter().sum::<f64>() / loads.len().max(1) as f64;
        Self {
            source: "sample".to_owned(),
            start: "1995-07-01T04:00:00Z".parse().unwrap(),
            step: Step::MINUTE,
            unit: Unit::Requests,
            loads: loads.into_iter().map(Some).collect(),
            capacity: if mean > 0.0 { mean / 3.0 } else { 100.0 },
        }
    }

    /// Days of minutes with a daily rhythm, small fluctuations and one burst a day.
    pub(crate) fn days(days: usize) -> Self {
        let load = |minute: usize| {
            let day = (minute as f64 / 1440.0 * std::f64::consts::TAU).sin();
            let wobble = ((minute * 7919) % 101) as f64 / 101.0;
            let burst = if minute % 1440 > 1290 && minute % 1440 < 1310 { 130.0 } else { 0.0 };
            60.0 + 40.0 * day + 20.0 * wobble + burst
        };
        Self::of((0..days * 1440).map(load).collect())
    }
}

/// Simulates the policies on a trace.
pub(crate) fn comparison(trace: &Trace) -> Sample {
    let observed = Observed::new(trace.start, trace.step, trace.unit, trace.loads.iter().copied()).unwrap();
    let load = observed.fill(Fill::Zero).unwrap();
    let filled: Vec<bool> = trace.loads.iter().map(Option::is_none).collect();
    let fleet = Fleet { capacity: trace.capacity, startup_ticks: 3, cooldown_ticks: 5, min_servers: 1, max_servers: 5 };
    let prices = Prices { server: 0.05, scale: 0.2, violation: 0.3 / trace.capacity };
    let forecast = rolling_mean(load.values(), 3);
    let track = ForecastTrack {
        mean: forecast.mean.clone(),
        lower: forecast.quantiles[0].clone(),
        upper: forecast.quantiles[1].clone(),
        anomaly: vec![false; load.len()],
        quantiles: Vec::new(),
    };
    let scenario = Scenario {
        fleet: &fleet,
        prices: &prices,
        load: load.values(),
        known: load.values(),
        observe: Observe::Previous,
        forecast: Some(&track),
    };
    let (names, outcomes, timelines) = run_all(&scenario);
    let bound = outcomes.iter().map(|outcome| outcome.cost.total()).fold(f64::INFINITY, f64::min) * 0.9;
    let fixed = outcomes[0].cost.total();
    let runs = names.iter().zip(&outcomes).map(|(name, outcome)| run_facts(name, outcome, fixed, bound)).collect();
    let comparison = Comparison {
        trace: TraceFacts {
            source: trace.source.clone(),
            start: trace.start.to_string(),
            interval_seconds: trace.step.seconds(),
            ticks: load.len(),
            unit: trace.unit.to_string(),
            total: observed.total(),
            missing_ticks: observed.missing(),
        },
        observe: "previous",
        forecast: Some(ForecastFacts { model: "rolling mean".to_owned(), mae: 1.0, mase: 0.9, coverage_95: 0.95 }),
        bound: Bound { no_cooldown: bound, cooldown_and_steps: Some(bound * 1.05) },
        runs,
        replicates: None,
        elapsed_seconds: BTreeMap::from([("simulate", 0.5)]),
    };
    Sample {
        comparison,
        ticks: Ticks {
            load,
            filled,
            capacity: trace.capacity,
            timelines,
            optimum: Timeline::default(),
            forecast: Some(forecast),
            alarms: None,
        },
    }
}

fn run_all(scenario: &Scenario<'_>) -> (Vec<&'static str>, Vec<Outcome>, Vec<Timeline>) {
    let limits = UtilizationThresholds { high: 0.75, low: 0.3 };
    let hybrid = HybridThresholds { out: 0.75, r#in: 0.4, emergency: 0.9, hysteresis_ticks: 0 };
    let need = |load: &f64| ((load / scenario.fleet.capacity).ceil() as u32).clamp(1, 5);
    let plan = scenario.load.windows(4).map(|ahead| ahead.iter().map(need).max().unwrap_or(1)).collect();
    let mut policies: Vec<(&'static str, Box<dyn Policy>)> = vec![
        ("fixed", Box::new(Fixed(5))),
        ("reactive", Box::new(Reactive(limits))),
        ("predictive", Box::new(Predictive(limits))),
        ("hybrid", Box::new(Hybrid::new(hybrid))),
        ("quantile", Box::new(QuantileBaseStock::new(0.95, 30))),
        ("optimal", Box::new(Replay(plan))),
    ];
    let (mut names, mut outcomes, mut timelines) = (Vec::new(), Vec::new(), Vec::new());
    for (name, policy) in &mut policies {
        let mut timeline = Timeline::default();
        outcomes.push(simulate(scenario, policy.as_mut(), Some(&mut timeline)).unwrap());
        timelines.push(timeline);
        names.push(*name);
    }
    (names, outcomes, timelines)
}

fn run_facts(name: &str, outcome: &Outcome, fixed: f64, bound: f64) -> RunFacts {
    let cost = outcome.cost;
    RunFacts {
        policy: name.to_owned(),
        cost: CostFacts { total: cost.total(), server: cost.server, scale: cost.scale, violation: cost.violation },
        dropped: outcome.dropped,
        dropped_share: if outcome.offered > 0.0 { outcome.dropped / outcome.offered } else { 0.0 },
        actions: Actions { out: outcome.scale_outs, r#in: outcome.scale_ins },
        server_ticks: outcome.server_ticks,
        mean_utilization: outcome.mean_utilization,
        saving_vs_fixed: 1.0 - cost.total() / fixed,
        gap_to_optimum: cost.total() / bound - 1.0,
        service: None,
        elasticity: None,
    }
}

/// The mean of the last quarter of an hour, give or take two standard deviations of a Poisson count.
fn rolling_mean(load: &[f64], lead: usize) -> RollingForecast {
    let mean: Vec<f64> = (0..load.len())
        .map(|tick| {
            let past = &load[tick.saturating_sub(15)..tick];
            if past.is_empty() { f64::NAN } else { past.iter().sum::<f64>() / past.len() as f64 }
        })
        .collect();
    let band = |sign: f64| mean.iter().map(|mean| (mean + sign * 2.0 * mean.sqrt()).max(0.0)).collect();
    RollingForecast {
        lead,
        model_from: Some(0),
        levels: vec![0.025, 0.975],
        quantiles: vec![band(-1.0), band(1.0)],
        mean,
    }
}
