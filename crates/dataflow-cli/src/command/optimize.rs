//! `dataflow optimize`: the exact optimum alone, with and without cooldown and step limits, and its plans.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use dataflow_scale::policy::{Fixed, Replay};
use dataflow_scale::{Observe, Outcome, Policy, Scenario, SimulationError, Timeline, simulate};
use serde::Serialize;

use super::{note_built_in_trace, on_threads};
use crate::arguments::{SettingsArguments, TraceArguments};
use crate::comparison::{Bound, Comparison, RunFacts, Ticks, TraceFacts};
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::pipeline::{Compared, Optima, refuse_overflow, run_facts, trace_facts};
use crate::progress::Progress;
use crate::results;
use crate::staging::Staging;
use crate::timeline_file;
use crate::world::World;

/// The names of the two optima, as in [`Bound`].
const PLANS: [&str; 2] = ["no_cooldown", "cooldown_and_steps"];

/// Find the least cost that any policy could reach on one trace, and the plan that reaches it
///
/// Twice: with any change in any tick, which no policy at all can beat; and with the configured cooldown and at most
/// simulation.max_step_out servers added and simulation.max_step_in removed by one change.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "these comments are what --help prints")]
#[command(after_help = "Examples:\n  \
    dataflow optimize access.log.gz --interval 1m --plan plan.csv\n  \
    dataflow optimize traffic.csv --set simulation.max_servers=20 --set simulation.cooldown_minutes=10 --format json")]
pub(crate) struct OptimizeArguments {
    #[command(flatten)]
    trace: TraceArguments,
    /// Write both plans as CSV, a row for each tick
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArguments,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

pub(crate) fn run(arguments: &OptimizeArguments, quiet: bool) -> Result<(), Failure> {
    let progress = Progress::new(quiet);
    let mut staging = Staging::default();
    let plan = arguments.plan.as_ref().map(|target| staging.file(target)).transpose()?;
    note_built_in_trace(&arguments.trace.trace, "optimize", quiet);
    let optimized = on_threads(arguments.settings.threads, || {
        let world = World::open(&arguments.trace, &arguments.settings, Vec::new(), &progress, quiet)?;
        optimize(world, plan.is_some(), &progress)
    })?;
    drop(progress);
    if !quiet {
        optimized.notes.iter().for_each(|note| output::note(note));
    }
    if let Some(plan) = plan {
        timeline_file::write(&optimized.comparison, &optimized.ticks, &plan)?;
    }
    staging.commit()?;
    output::print(&match arguments.format {
        Format::Json => json(&optimized.comparison),
        Format::Csv => results::csv(&optimized.comparison),
        format => results::optimum_page(&optimized, format == Format::Markdown),
    })
}

/// Both optima, replayed as if they were policies.
fn optimize(world: World, record: bool, progress: &Progress) -> Result<Compared, Failure> {
    refuse_overflow(&world)?;
    let optima = Optima::of(&world, progress);
    let mut notes = world.notes.clone();
    if let Err(too_large) = &optima.under_limits {
        notes.push(too_large.to_string());
    }
    let bound = optima.bound();
    let play = |policy: &mut dyn Policy| play(&world, policy, record).map_err(|error| Failure::Work(error.to_string()));
    let (fixed, _) = play(&mut Fixed(world.fleet.max_servers))?;
    let mut runs = Vec::new();
    let mut timelines = Vec::new();
    for (name, plan) in PLANS.into_iter().zip([Some(&optima.by_levels), optima.under_limits.as_ref().ok()]) {
        let Some(plan) = plan else { continue };
        let (outcome, timeline) = play(&mut Replay(plan.provisioned.clone()))?;
        runs.push(run_facts(name.to_owned(), &outcome, fixed.cost.total(), bound));
        timelines.push(timeline);
    }
    let comparison = Comparison {
        trace: trace_facts(&world),
        observe: "everything",
        forecast: None,
        bound,
        runs,
        replicates: None,
        elapsed_seconds: BTreeMap::from([("ingest", world.ingest_seconds), ("optimum", optima.seconds)]),
    };
    let configuration = world.configuration.to_file();
    let ticks = Ticks {
        capacity: world.fleet.capacity,
        load: world.load,
        filled: world.filled,
        timelines,
        optimum: Timeline::default(),
        forecast: None,
        alarms: None,
    };
    Ok(Compared { comparison, ticks, capacity_is_sized: world.capacity_is_sized, notes, configuration })
}

fn play(world: &World, policy: &mut dyn Policy, record: bool) -> Result<(Outcome, Timeline), SimulationError> {
    let (fleet, prices, load) = (&world.fleet, &world.prices, world.load.values());
    let scenario = Scenario { fleet, prices, load, known: load, observe: Observe::Previous, forecast: None };
    let mut timeline = Timeline::default();
    let outcome = simulate(&scenario, policy, record.then_some(&mut timeline))?;
    Ok((outcome, timeline))
}

/// As `compare` writes it, without what only policies have.
fn json(comparison: &Comparison) -> String {
    #[derive(Serialize)]
    struct Optimized<'a> {
        trace: &'a TraceFacts,
        bound: Bound,
        runs: &'a [RunFacts],
        elapsed_seconds: &'a BTreeMap<&'static str, f64>,
    }
    let Comparison { trace, bound, runs, elapsed_seconds, .. } = comparison;
    // No key or value can fail to be written.
    serde_json::to_string_pretty(&Optimized { trace, bound: *bound, runs, elapsed_seconds }).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments, Command};

    #[test]
    fn both_plans_cost_their_bound_and_cover_the_trace() {
        let command = Arguments::parse_from(["dataflow", "optimize", "synthetic:diurnal?days=2", "--interval", "5m"]);
        let Command::Optimize(arguments) = command.command else { panic!("another command was read") };
        let progress = Progress::new(true);
        let world = World::open(&arguments.trace, &arguments.settings, Vec::new(), &progress, true).unwrap();
        let optimized = optimize(world, true, &progress).unwrap();
        let Comparison { bound, runs, .. } = &optimized.comparison;
        let costs: Vec<f64> = runs.iter().map(|run| run.cost.total).collect();
        assert_eq!(costs, [bound.no_cooldown, bound.cooldown_and_steps.unwrap()]);
        assert!(costs[0] <= costs[1]);
        assert!(optimized.ticks.timelines.iter().all(|timeline| timeline.len() == 2 * 288));
        let json: serde_json::Value = serde_json::from_str(&json(&optimized.comparison)).unwrap();
        assert_eq!(json["runs"][1]["policy"], "cooldown_and_steps");
    }
}
