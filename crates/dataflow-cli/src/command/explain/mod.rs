//! `dataflow explain`: why a policy did what it did at a time, what the optimum did there, and the dearest mistakes of a run.

mod render;

use clap::Args;
use dataflow_experiment::{Mistake, excess, mistakes};
use dataflow_scale::policy::Replay;
use dataflow_scale::spec::PolicySpec;
use dataflow_scale::{Observe, Timeline};
use serde::Serialize;

use super::{note_built_in_trace, on_threads};
use crate::arguments::{KnowledgeArguments, SettingsArguments, TraceArguments};
use crate::comparison::{Ticks, TraceFacts};
use crate::failure::Failure;
use crate::laboratory::Laboratory;
use crate::output::{self, Format};
use crate::pipeline::trace_facts;
use crate::policy;
use crate::progress::Progress;
use crate::world;

/// Tell why a policy scaled as it did, what the optimum did there, and what the mistake cost
///
/// With --at the tick of that time: what was known, the whole chain of reasons, what came, what the optimum did. Without it
/// the dearest mistakes of the run: stretches in which the policy paid more than the optimum for too few servers or too
/// many, each with the decision that made it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dataflow explain access.log.gz --policy hpa\n  \
    dataflow explain access.log.gz --policy reactive --at 2026-03-01T14:03:00Z\n  \
    dataflow explain access.log.gz --policy quantile --at '2026-03-01 14:03' --time-zone Europe/Rome --format json")]
pub(crate) struct ExplainArguments {
    #[command(flatten)]
    trace: TraceArguments,
    /// Policy to explain, as `dataflow compare --policies` takes it
    #[arg(long, value_name = "NAME|KIND:FILE", default_value = "quantile", help_heading = "Explanation")]
    policy: String,
    /// The time to explain: an instant, or a local time in --time-zone
    #[arg(long, value_name = "TIME", help_heading = "Explanation")]
    at: Option<String>,
    /// How many of the dearest mistakes to tell
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..),
        help_heading = "Explanation")]
    mistakes: u16,
    #[command(flatten)]
    knowledge: KnowledgeArguments,
    #[command(flatten)]
    settings: SettingsArguments,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Results")]
    format: Format,
}

/// What is told of a run; its serialisation is the JSON of the command. Costs in the currency of the prices, loads per tick
/// in the unit of the trace, times RFC 3339 in UTC.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ExplainFacts {
    trace: TraceFacts,
    policy: String,
    cost: f64,
    bound: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<TickFacts>,
    /// Dearest first.
    mistakes: Vec<MistakeFacts>,
    /// Mistakes in all, and what all of them cost.
    mistakes_found: usize,
    mistakes_cost: f64,
}

/// One tick, from what was known to what it cost.
#[derive(Debug, Clone, Serialize)]
struct TickFacts {
    time: String,
    tick: usize,
    newest_known_load: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<ForecastFacts>,
    /// Before the decision.
    provisioned_before: u32,
    reasons: Vec<String>,
    provisioned: u32,
    change: i32,
    ready: u32,
    load: f64,
    capacity_ready: f64,
    dropped: f64,
    cost: f64,
    optimum: OptimumFacts,
    /// What was paid beyond the optimum in this tick.
    excess: f64,
    /// The mistake of which this tick is a part, by its place among the dearest, from 1.
    mistake: Option<usize>,
}

#[derive(Debug, Clone, Serialize)]
struct ForecastFacts {
    /// The tick that was forecast.
    time: String,
    mean: f64,
    lower: f64,
    upper: f64,
}

#[derive(Debug, Clone, Serialize)]
struct OptimumFacts {
    provisioned: u32,
    change: i32,
    ready: u32,
    dropped: f64,
    cost: f64,
}

#[derive(Debug, Clone, Serialize)]
struct MistakeFacts {
    kind: &'static str,
    start: String,
    end: String,
    ticks: usize,
    cost: f64,
    dropped: f64,
    /// The decision that made it.
    decided_at: String,
    provisioned_then: u32,
    optimum_then: u32,
    reasons: Vec<String>,
}

/// Explains, and shows it.
///
/// # Errors
/// When an argument or the trace is wrong, or the time lies outside of it.
pub(crate) fn run(arguments: &ExplainArguments, quiet: bool) -> Result<(), Failure> {
    let progress = Progress::new(quiet);
    note_built_in_trace(&arguments.trace.trace, "explain", quiet);
    let (facts, notes) = on_threads(arguments.settings.threads, || explained(arguments, &progress, quiet))?;
    drop(progress);
    if !quiet {
        for note in &notes {
            output::note(note);
        }
    }
    output::print(&render::render(&facts, arguments.format))
}

/// A run beside the optimum, with the words for its reasons.
struct Run<'a> {
    laboratory: &'a Laboratory,
    policy: &'a PolicySpec,
    ticks: Ticks,
}

fn explained(
    arguments: &ExplainArguments,
    progress: &Progress,
    quiet: bool,
) -> Result<(ExplainFacts, Vec<String>), Failure> {
    let laboratory = Laboratory::open(&arguments.trace, &arguments.settings, &arguments.knowledge, progress, quiet)?;
    let policy = policy::named(&arguments.policy, "--policy", laboratory.settings())?;
    let at = arguments.at.as_deref().map(|text| tick_at(&laboratory, text)).transpose()?;
    let run = Run::of(&laboratory, &policy)?;
    let found = mistakes(run.timeline(), &run.ticks.optimum, laboratory.world.fleet.startup_ticks as usize);
    let sum = |timeline: &Timeline| timeline.cost.iter().map(dataflow_scale::Cost::total).sum::<f64>();
    let facts = ExplainFacts {
        trace: trace_facts(&laboratory.world),
        policy: policy.to_string(),
        cost: sum(run.timeline()),
        bound: sum(&run.ticks.optimum),
        at: at.map(|tick| run.tick(tick, &found)).transpose()?,
        mistakes: found.iter().take(usize::from(arguments.mistakes)).map(|mistake| run.mistake(mistake)).collect(),
        mistakes_found: found.len(),
        mistakes_cost: found.iter().map(|mistake| mistake.cost).sum(),
    };
    Ok((facts, laboratory.notes()))
}

/// The tick in which a time lies.
fn tick_at(laboratory: &Laboratory, text: &str) -> Result<usize, Failure> {
    let load = &laboratory.world.load;
    let time = world::instant(text, &laboratory.world.time_zone, "--at")?;
    let seconds = time.as_second() - load.start().as_second();
    let tick = usize::try_from(seconds).ok().map(|seconds| seconds / load.step().seconds() as usize);
    tick.filter(|tick| *tick < load.len()).ok_or_else(|| {
        Failure::Input(format!(
            "--at {text}: expected a time within the trace, from {} to before {}",
            load.start(),
            load.end()
        ))
    })
}

impl<'a> Run<'a> {
    fn of(laboratory: &'a Laboratory, policy: &'a PolicySpec) -> Result<Self, Failure> {
        let (testbed, settings, world) = (&laboratory.testbed, laboratory.settings(), &laboratory.world);
        let failed = |error: dataflow_experiment::ExperimentError| Failure::Work(error.to_string());
        let (_, timeline) = testbed.record(policy, settings).map_err(failed)?;
        let mut optimum = Timeline::default();
        let plan = testbed.plan(settings).provisioned.clone();
        testbed.simulate(&mut Replay(plan), &PolicySpec::Optimal, settings, Some(&mut optimum)).map_err(failed)?;
        let forecasts = policy.uses_forecast().then(|| laboratory.forecasts()).transpose()?;
        let ticks = Ticks {
            load: world.load.clone(),
            filled: world.filled.clone(),
            capacity: world.fleet.capacity,
            timelines: vec![timeline],
            optimum,
            alarms: forecasts.and_then(|forecasts| forecasts.alarms),
            forecast: None,
        };
        Ok(Self { laboratory, policy, ticks })
    }

    fn timeline(&self) -> &Timeline {
        &self.ticks.timelines[0]
    }

    fn time(&self, tick: usize) -> String {
        self.ticks.load.time(tick).to_string()
    }

    fn reasons(&self, tick: usize) -> Vec<String> {
        self.timeline().reasons(tick).iter().map(|reason| self.ticks.words(reason, tick)).collect()
    }

    fn tick(&self, tick: usize, found: &[Mistake]) -> Result<TickFacts, Failure> {
        let run = self.timeline();
        let behind = usize::from(self.laboratory.testbed.methods().observe == Observe::Previous);
        let known = self.laboratory.testbed.judged().known;
        Ok(TickFacts {
            time: self.time(tick),
            tick,
            newest_known_load: tick.checked_sub(behind).map(|newest| known[newest]),
            forecast: self.forecast(tick)?,
            provisioned_before: run.provisioned[tick].saturating_add_signed(-run.change[tick]),
            reasons: self.reasons(tick),
            provisioned: run.provisioned[tick],
            change: run.change[tick],
            ready: run.ready[tick],
            load: self.ticks.load.values()[tick],
            capacity_ready: f64::from(run.ready[tick]) * self.ticks.capacity,
            dropped: run.dropped[tick],
            cost: run.cost[tick].total(),
            optimum: OptimumFacts {
                provisioned: self.ticks.optimum.provisioned[tick],
                change: self.ticks.optimum.change[tick],
                ready: self.ticks.optimum.ready[tick],
                dropped: self.ticks.optimum.dropped[tick],
                cost: self.ticks.optimum.cost[tick].total(),
            },
            excess: excess(run, &self.ticks.optimum, tick),
            mistake: found.iter().position(|mistake| mistake.ticks.contains(&tick)).map(|place| place + 1),
        })
    }

    /// What the forecast was at the decision of a tick; none where the policy uses none, or there was none yet.
    fn forecast(&self, tick: usize) -> Result<Option<ForecastFacts>, Failure> {
        if !self.policy.uses_forecast() {
            return Ok(None);
        }
        let testbed = &self.laboratory.testbed;
        let leads = self.policy.leads(self.laboratory.settings(), testbed.step());
        let track = testbed.track(&leads).map_err(|error| Failure::Work(error.to_string()))?;
        let ahead = tick + leads.first().copied().unwrap_or(0);
        let mean = track.mean[tick];
        Ok(mean.is_finite().then(|| ForecastFacts {
            time: self.time(ahead),
            mean,
            lower: track.lower[tick],
            upper: track.upper[tick],
        }))
    }

    fn mistake(&self, mistake: &Mistake) -> MistakeFacts {
        MistakeFacts {
            kind: mistake.kind.name(),
            start: self.time(mistake.ticks.start),
            end: self.time(mistake.ticks.end),
            ticks: mistake.ticks.len(),
            cost: mistake.cost,
            dropped: mistake.dropped,
            decided_at: self.time(mistake.decided),
            provisioned_then: self.timeline().provisioned[mistake.decided],
            optimum_then: self.ticks.optimum.provisioned[mistake.decided],
            reasons: self.reasons(mistake.decided),
        }
    }
}
