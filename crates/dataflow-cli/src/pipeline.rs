//! From a world to a comparison: forecasts, both optima and every policy's run, in parallel, the same for any number
//! of threads.

use std::collections::BTreeMap;
use std::time::Instant;

use dataflow_experiment::{Contestant, ExperimentError, Replication, Scorecard};
use dataflow_forecast::RollingForecast;
use dataflow_scale::optimum::{Plan, TooLarge, by_levels, under_limits};
use dataflow_scale::policy::Replay;
use dataflow_scale::spec::{Origin, PolicySpec};
use dataflow_scale::{Observe, Outcome, Policy, Timeline};
use rayon::prelude::*;

use crate::comparison::{Actions, Bound, Comparison, CostFacts, RunFacts, Ticks, TraceFacts};
use crate::failure::Failure;
use crate::forecasting::{ForecastSource, Forecasts};
use crate::laboratory::Laboratory;
use crate::progress::Progress;
use crate::quality::{ElasticityFacts, ServiceFacts};
use crate::quantity::grouped;
use crate::replicates::{self, ReplicateFacts};
use crate::world::World;

/// What is compared, and how.
pub(crate) struct Wanted {
    pub(crate) policies: Vec<PolicySpec>,
    /// Whether every tick is recorded, for plots and timelines.
    pub(crate) record: bool,
    /// Share of a day's load that makes it a good one where it is served.
    pub(crate) slo_target: f64,
    /// What is repeated on resampled traffic, if anything.
    pub(crate) replication: Option<Replication>,
}

/// One run, and what is said of it.
struct Run {
    outcome: Outcome,
    timeline: Timeline,
    card: Scorecard,
}

/// Both optima of a world.
pub(crate) struct Optima {
    pub(crate) by_levels: Plan,
    pub(crate) under_limits: Result<Plan, TooLarge>,
    pub(crate) seconds: f64,
}

/// A comparison with the ticks behind it, and what the user should know about it.
pub(crate) struct Compared {
    pub(crate) comparison: Comparison,
    pub(crate) ticks: Ticks,
    /// Whether the capacity was chosen to fit the trace.
    pub(crate) capacity_is_sized: bool,
    pub(crate) notes: Vec<String>,
    /// The configuration used, as a file.
    pub(crate) configuration: String,
}

impl Optima {
    /// Finds both, side by side.
    pub(crate) fn of(world: &World, progress: &Progress) -> Self {
        let started = Instant::now();
        let load = world.load.values();
        let limits = world.configuration.settings().step_limits();
        let bar = progress.share("optimum");
        let (by_levels, under_limits) = rayon::join(
            || by_levels(&world.fleet, &world.prices, load),
            || under_limits(&world.fleet, &world.prices, load, &limits, &mut |share| bar.set(share)),
        );
        Self::from_plans(by_levels, under_limits, started.elapsed().as_secs_f64())
    }

    /// A plan under the limits is a plan without them too. Where both plans cost the same, rounding may charge either
    /// with less: the cheaper one is the bound for all.
    fn from_plans(by_levels: Plan, under_limits: Result<Plan, TooLarge>, seconds: f64) -> Self {
        let by_levels = match &under_limits {
            Ok(limited) if limited.cost < by_levels.cost => limited.clone(),
            _ => by_levels,
        };
        Self { by_levels, under_limits, seconds }
    }

    /// What both cost.
    pub(crate) fn bound(&self) -> Bound {
        Bound {
            no_cooldown: self.by_levels.cost,
            cooldown_and_steps: self.under_limits.as_ref().ok().map(|plan| plan.cost),
        }
    }

    /// The plan to replay: under the limits, or without where that one is too large to find.
    fn replayed(&self) -> &Plan {
        self.under_limits.as_ref().unwrap_or(&self.by_levels)
    }
}

/// Refuses a world whose loads or costs could add up to more than a number can hold: results would be wrong without a
/// word.
///
/// # Errors
/// When they could, with what is to be lowered.
pub(crate) fn refuse_overflow(world: &World) -> Result<(), Failure> {
    let (fleet, prices, offered) = (&world.fleet, &world.prices, world.load.total());
    if !offered.is_finite() {
        let source = &world.source;
        return Err(Failure::Input(format!(
            "{source}: its load adds up to more than a number can hold (1.8e308); lower the load, or --scale"
        )));
    }
    let ticks = world.load.len() as f64;
    let most = f64::from(fleet.max_servers);
    let sums = [
        ("server_cost", "lower", most * prices.server * ticks),
        ("scale_cost", "lower", most * prices.scale * ticks),
        ("violation_cost", "lower", prices.violation * offered),
        ("capacity_per_server", "lower", most * fleet.capacity),
        ("capacity_per_server", "raise", offered / fleet.capacity),
    ];
    // A quarter, as the sums of three components and of both optima's searches must fit as well.
    let Some((name, mend, _)) = sums.into_iter().find(|(.., sum)| sum.is_nan() || *sum >= f64::MAX / 4.0) else {
        return Ok(());
    };
    let key = format!("cost_parameters.{name}");
    let place = match world.configuration.origin(&key) {
        Origin::Default => String::new(),
        origin => format!("{origin}: "),
    };
    let (source, settings) = (&world.source, world.configuration.settings());
    let value = match name {
        "server_cost" => settings.server_cost.to_string(),
        "scale_cost" => format!("{:e}", settings.scale_cost),
        "violation_cost" => format!("{:e}", settings.violation_cost),
        _ => settings.capacity_per_server.to_string(),
    };
    Err(Failure::Input(format!(
        "{place}{key}: with {value} and the load of {source} results could exceed what a number can hold (1.8e308); \
         {mend} {key}, or lower the load or --scale"
    )))
}

/// Runs everything.
///
/// # Errors
/// When the model cannot forecast the trace.
pub(crate) fn compare(laboratory: Laboratory, wanted: &Wanted, progress: &Progress) -> Result<Compared, Failure> {
    // A file of forecasts is shown even where no policy reads it: it was given for this trace.
    let is_file = matches!(laboratory.forecast, ForecastSource::File(_));
    let needs_forecast = is_file || wanted.policies.iter().any(PolicySpec::uses_forecast);
    let make_forecasts = || needs_forecast.then(|| laboratory.forecasts()).transpose();
    let world = &laboratory.world;
    let (forecasts, optima) = rayon::join(make_forecasts, || Optima::of(world, progress));
    let forecasts = forecasts?;
    let started = Instant::now();
    let runs = simulate_all(&laboratory, wanted, &optima)?;
    let optimum = if wanted.record { replayed(&laboratory, &optima.by_levels)? } else { Timeline::default() };
    let simulate_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let replicates =
        wanted.replication.map(|replication| replicated(&laboratory, wanted, &replication, progress)).transpose()?;
    let replicate_seconds = started.elapsed().as_secs_f64();

    let mut notes = laboratory.notes();
    if let Err(too_large) = &optima.under_limits {
        notes.push(format!("{too_large}; `optimal` replays the optimum without them"));
    }
    if is_file {
        notes.push(
            "row t of the file is what policies are given at tick t; `quantile` provisions for `upper`".to_owned(),
        );
    }
    notes.extend(forecasts.as_ref().and_then(|forecasts| note_of_stand_in(&forecasts.rolling, &forecasts.facts.model)));
    let mut elapsed_seconds = BTreeMap::from([
        ("ingest", world.ingest_seconds),
        ("forecast", forecasts.as_ref().map_or(0.0, |forecasts| forecasts.seconds)),
        ("simulate", simulate_seconds),
        ("optimum", optima.seconds),
    ]);
    if replicates.is_some() {
        elapsed_seconds.insert("replicates", replicate_seconds);
    }
    let mut compared = assemble(laboratory, wanted, forecasts, &optima, (runs, optimum), elapsed_seconds, notes);
    compared.comparison.replicates = replicates;
    Ok(compared)
}

/// The comparison once more on resampled traffic; its forecasts are made anew and kept nowhere.
fn replicated(
    laboratory: &Laboratory,
    wanted: &Wanted,
    replication: &Replication,
    progress: &Progress,
) -> Result<ReplicateFacts, Failure> {
    let settings = laboratory.settings();
    let contestant = |policy: &PolicySpec| Contestant { policy: policy.clone(), settings: settings.clone() };
    let contestants: Vec<Contestant> = wanted.policies.iter().map(contestant).collect();
    let rows = replicates::rows(laboratory, &contestants, replication, progress)?;
    let names: Vec<String> = wanted.policies.iter().map(PolicySpec::to_string).collect();
    Ok(ReplicateFacts::of(&names, &rows, replication))
}

/// Says for how much of the trace a simpler model had to stand in for the one asked for.
fn note_of_stand_in(rolling: &RollingForecast, model: &str) -> Option<String> {
    let ticks = rolling.mean.len();
    match rolling.model_from {
        None => Some(format!("the trace is too short for {model}: simpler models forecast all of it")),
        Some(from) if from * 10 > ticks => Some(format!(
            "the first {} of {} intervals are forecast by simpler models, until {model} has enough to learn from",
            grouped(from as f64),
            grouped(ticks as f64)
        )),
        Some(_) => None,
    }
}

/// The run of every policy wanted, in their order, then that of the fleet at its most servers, and last that of
/// `reactive`, against which speed-ups are.
fn simulate_all(laboratory: &Laboratory, wanted: &Wanted, optima: &Optima) -> Result<Vec<Run>, Failure> {
    let Laboratory { world, testbed, .. } = laboratory;
    let settings = laboratory.settings();
    let baselines = [(&PolicySpec::Fixed(None), false), (&PolicySpec::Reactive, false)];
    let policies: Vec<(&PolicySpec, bool)> =
        wanted.policies.iter().map(|policy| (policy, wanted.record)).chain(baselines).collect();
    let (start, step) = (world.load.start(), world.step());
    policies
        .par_iter()
        .map(|(policy, record)| {
            let mut timeline = Timeline::default();
            let mut card = Scorecard::new(&world.fleet, start, step, &world.time_zone, wanted.slo_target);
            let failed = |error: ExperimentError| Failure::Input(error.to_string());
            let mut built: Box<dyn Policy> = match policy {
                // It was found once, with progress shown.
                PolicySpec::Optimal => Box::new(Replay(optima.replayed().provisioned.clone())),
                policy => testbed.build(policy, settings).map_err(failed)?,
            };
            let built = built.as_mut();
            let outcome = if *record {
                testbed.watch(built, policy, settings, &mut (&mut timeline, &mut card))
            } else {
                testbed.watch(built, policy, settings, &mut card)
            };
            Ok(Run { outcome: outcome.map_err(failed)?, timeline, card })
        })
        .collect()
}

/// Every tick of a plan.
fn replayed(laboratory: &Laboratory, plan: &Plan) -> Result<Timeline, Failure> {
    let mut timeline = Timeline::default();
    let mut replay = Replay(plan.provisioned.clone());
    laboratory
        .testbed
        .simulate(&mut replay, &PolicySpec::Optimal, laboratory.settings(), Some(&mut timeline))
        .map_err(|error| Failure::Input(error.to_string()))?;
    Ok(timeline)
}

fn assemble(
    laboratory: Laboratory,
    wanted: &Wanted,
    forecasts: Option<Forecasts>,
    optima: &Optima,
    (mut runs, optimum): (Vec<Run>, Timeline),
    elapsed_seconds: BTreeMap<&'static str, f64>,
    notes: Vec<String>,
) -> Compared {
    let Laboratory { world, testbed, .. } = laboratory;
    let bound = optima.bound();
    let (forecast, rolling, alarms) = match forecasts {
        Some(made) => (Some(made.facts), Some(made.rolling), made.alarms),
        None => (None, None, None),
    };
    let baseline = runs.pop().map(|run| run.card);
    let fixed = runs.pop().map_or(f64::NAN, |run| run.outcome.cost.total());
    let facts = wanted.policies.iter().zip(&runs).map(|(policy, Run { outcome, card, .. })| {
        let mut facts = run_facts(policy.to_string(), outcome, fixed, bound);
        facts.service = Some(ServiceFacts::of(card, wanted.slo_target, outcome));
        facts.elasticity = baseline.as_ref().map(|baseline| ElasticityFacts::of(card, baseline, facts.gap_to_optimum));
        facts
    });
    let comparison = Comparison {
        trace: trace_facts(&world),
        observe: match testbed.methods().observe {
            Observe::Previous => "previous",
            Observe::Current => "current",
        },
        forecast,
        bound,
        runs: facts.collect(),
        replicates: None,
        elapsed_seconds,
    };
    let configuration = world.configuration.to_file();
    let capacity_is_sized = world.capacity_is_sized;
    let ticks = Ticks {
        capacity: world.fleet.capacity,
        load: world.load,
        filled: world.filled,
        timelines: runs.into_iter().map(|run| run.timeline).collect(),
        optimum,
        forecast: rolling,
        alarms,
    };
    Compared { comparison, ticks, capacity_is_sized, notes, configuration }
}

/// What the trace is, in figures.
pub(crate) fn trace_facts(world: &World) -> TraceFacts {
    TraceFacts {
        source: world.source.clone(),
        start: world.load.start().to_string(),
        interval_seconds: world.step().seconds(),
        ticks: world.load.len(),
        unit: world.load.unit().to_string(),
        total: world.seen.total(),
        missing_ticks: world.filled.iter().filter(|filled| **filled).count(),
    }
}

/// What one run did and cost; `fixed` is what the fleet at its most servers costs.
pub(crate) fn run_facts(policy: String, outcome: &Outcome, fixed: f64, bound: Bound) -> RunFacts {
    let total = outcome.cost.total();
    // Where both are nothing, nothing is the difference.
    let against = |other: f64| if total == other { 1.0 } else { total / other };
    RunFacts {
        policy,
        cost: CostFacts {
            total,
            server: outcome.cost.server,
            scale: outcome.cost.scale,
            violation: outcome.cost.violation,
        },
        dropped: outcome.dropped,
        dropped_share: if outcome.offered > 0.0 { outcome.dropped / outcome.offered } else { 0.0 },
        actions: Actions { out: outcome.scale_outs, r#in: outcome.scale_ins },
        server_ticks: outcome.server_ticks,
        mean_utilization: outcome.mean_utilization,
        saving_vs_fixed: 1.0 - against(fixed),
        gap_to_optimum: against(bound.no_cooldown) - 1.0,
        service: None,
        elasticity: None,
    }
}

#[cfg(test)]
mod tests {
    use dataflow_scale::optimum::StepLimits;
    use dataflow_scale::{Fleet, Prices};
    use proptest::prelude::*;

    use super::*;

    /// Prices in steps of a twentieth, which binary fractions only come close to, and loads in steps of a server: many
    /// plans cost the same, and are charged with different rounding.
    fn worlds() -> impl Strategy<Value = (Fleet, Prices, Vec<f64>)> {
        let fleet = (0u32..4, 0u32..4, 2u32..9).prop_map(|(startup_ticks, cooldown_ticks, max_servers)| Fleet {
            capacity: 10.0,
            startup_ticks,
            cooldown_ticks,
            min_servers: 1,
            max_servers,
        });
        let twentieths = |most: u32| (1..most).prop_map(|count| 0.05 * f64::from(count));
        let prices = (twentieths(4), twentieths(9), twentieths(5));
        let prices =
            prices.prop_map(|(server, scale, violation)| Prices { server, scale, violation: violation / 10.0 });
        let load = (0u32..9).prop_map(|servers| 10.0 * f64::from(servers));
        (fleet, prices, prop::collection::vec(load, 0..200))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn the_bound_for_all_is_at_most_the_bound_under_limits((fleet, prices, load) in worlds()) {
            for limits in [StepLimits::default(), StepLimits { out: Some(9), r#in: Some(9) }] {
                let limited = under_limits(&fleet, &prices, &load, &limits, &mut |_| {});
                let bound = Optima::from_plans(by_levels(&fleet, &prices, &load), limited, 0.0).bound();
                prop_assert!(bound.cooldown_and_steps.is_some_and(|limited| bound.no_cooldown <= limited));
            }
        }
    }
}
