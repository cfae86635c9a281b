//! `dataflow check`: may this change of settings go in? The candidate against the baseline on one trace, held to budgets.

mod budget;
mod render;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use dataflow_experiment::{Contestant, Replicate, SERVED_TARGET, Scorecard};
use dataflow_scale::spec::{KEYS, PolicySpec};
use serde::Serialize;

use super::{note_built_in_trace, on_threads};
use crate::arguments::{KnowledgeArguments, SettingsArguments, TraceArguments};
use crate::failure::Failure;
use crate::laboratory::Laboratory;
use crate::output::{self, Format};
use crate::policy;
use crate::progress::Progress;
use crate::replicates::{self, ReplicateArguments, SpreadFacts};
use budget::{Limit, Measure};

const DAY_SECONDS: f64 = 86_400.0;

/// Hold a change of settings to budgets: exit code 1 where the candidate costs, drops, is late or changes more than allowed
///
/// Baseline and candidate are configurations of dataflow, which the policy named by --policy runs under, or manifests of a
/// HorizontalPodAutoscaler or a ScaledObject, which are policies themselves. Both meet the same traffic.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "these comments are what --help prints")]
#[command(after_help = "Examples:\n  \
    dataflow check access.log.gz --baseline main.yaml --candidate change.yaml --max-cost +2% --max-dropped 0.1%\n  \
    dataflow check access.log.gz --baseline hpa.yaml --candidate hpa-new.yaml --max-cost +2% --max-late +10%\n  \
    dataflow check traffic.csv --baseline a.yaml --candidate b.yaml --policy hybrid --max-cost +0% --replicates 50 --format markdown")]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    trace: TraceArguments,
    /// Settings as they are: a configuration, or a manifest
    #[arg(long, value_name = "FILE", help_heading = "Check")]
    baseline: PathBuf,
    /// Settings as they are to be: a configuration, or a manifest
    #[arg(long, value_name = "FILE", help_heading = "Check")]
    candidate: PathBuf,
    /// Policy that runs under a configuration, as `dataflow compare --policies` takes it
    #[arg(long, value_name = "NAME|KIND:FILE", default_value = "quantile", help_heading = "Check")]
    policy: String,
    #[command(flatten)]
    knowledge: KnowledgeArguments,
    #[command(flatten)]
    budgets: Budgets,
    #[command(flatten)]
    replicates: ReplicateArguments,
    #[command(flatten)]
    settings: SettingsArguments,
    /// How results are printed [default: table on a terminal, else markdown]
    #[arg(long, value_enum, help_heading = "Results")]
    format: Option<Format>,
}

/// What the candidate is allowed.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
#[expect(clippy::struct_field_names, reason = "fields are named as the flags are")]
struct Budgets {
    /// Most cost: +2% or +50 more than the baseline, or an amount
    #[arg(long, value_name = "LIMIT", value_parser = |text: &str| Measure::Cost.limit(text), allow_hyphen_values = true, help_heading = "Budgets")]
    max_cost: Option<Limit>,
    /// Most load dropped: a share of the load such as 0.1%, or +10% more than the baseline
    #[arg(long, value_name = "LIMIT", value_parser = |text: &str| Measure::Dropped.limit(text), allow_hyphen_values = true, help_heading = "Budgets")]
    max_dropped: Option<Limit>,
    /// Most time in which any load is dropped: 30m, a share of the time such as 0.5%, or +10% or +5m more than the baseline
    #[arg(long, value_name = "LIMIT", value_parser = |text: &str| Measure::Late.limit(text), allow_hyphen_values = true, help_heading = "Budgets")]
    max_late: Option<Limit>,
    /// Most changes of the number of servers per day: 40, or +10% or +5 more than the baseline
    #[arg(long, value_name = "LIMIT", value_parser = |text: &str| Measure::Churn.limit(text), allow_hyphen_values = true, help_heading = "Budgets")]
    max_churn: Option<Limit>,
}

impl Budgets {
    const fn of(&self, measure: Measure) -> Option<Limit> {
        match measure {
            Measure::Cost => self.max_cost,
            Measure::Dropped => self.max_dropped,
            Measure::Late => self.max_late,
            Measure::Churn => self.max_churn,
        }
    }
}

/// The result; its serialisation is the JSON of `check`.
#[derive(Debug, Serialize)]
struct CheckFacts {
    trace: String,
    ticks: usize,
    baseline: SideFacts,
    candidate: SideFacts,
    measures: Vec<MeasureFacts>,
    settings: Vec<Difference>,
    /// What was replicated, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    replicates: Option<String>,
    passed: bool,
}

#[derive(Debug, Serialize)]
struct SideFacts {
    file: String,
    policy: String,
}

/// One measure on both sides.
#[derive(Debug, Serialize)]
struct MeasureFacts {
    name: &'static str,
    #[serde(skip)]
    measure: Measure,
    #[serde(skip)]
    limit: Option<Limit>,
    baseline: f64,
    candidate: f64,
    difference: f64,
    /// The most allowed; null without a budget.
    most: Option<f64>,
    within: bool,
    /// The difference over all replicates.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference_replicated: Option<SpreadFacts>,
    /// The share of replicates within the budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    chance_within: Option<f64>,
}

/// A setting that is not the same on both sides.
#[derive(Debug, Serialize)]
struct Difference {
    key: String,
    baseline: String,
    candidate: String,
}

pub(crate) fn run(arguments: &CheckArguments, quiet: bool) -> Result<(), Failure> {
    note_built_in_trace(&arguments.trace.trace, "check", quiet);
    if arguments.trace.trace.iter().any(|input| input == "-") {
        let problem =
            "TRACE -: standard input can be read only once, but both sides read the trace; write it to a file";
        return Err(Failure::Input(problem.to_owned()));
    }
    let facts = on_threads(arguments.settings.threads, || check(arguments, quiet))?;
    let format = arguments
        .format
        .unwrap_or_else(|| if std::io::stdout().is_terminal() { Format::Table } else { Format::Markdown });
    output::print(&render::render(&facts, format))?;
    if facts.passed { Ok(()) } else { Err(Failure::Work(render::verdict(&facts))) }
}

/// One side: its policy, and the world of its settings.
struct Side {
    policy: PolicySpec,
    laboratory: Laboratory,
}

/// What a side did.
struct Judged {
    /// One value for each of [`Measure::ALL`].
    values: [f64; 4],
    replicates: Vec<Vec<Replicate>>,
}

fn check(arguments: &CheckArguments, quiet: bool) -> Result<CheckFacts, Failure> {
    let progress = Progress::new(quiet);
    let baseline = open(arguments, &arguments.baseline, "--baseline", &progress, quiet)?;
    let mut candidate = open(arguments, &arguments.candidate, "--candidate", &progress, true)?;
    if !quiet {
        baseline.laboratory.notes().iter().for_each(|note| output::note(note));
    }
    let (one, other) = (&baseline.laboratory.world, &candidate.laboratory.world);
    if (one.step(), one.load.len()) != (other.step(), other.load.len()) {
        return Err(Failure::Input(format!(
            "--candidate {}: its interval is {}, that of the baseline {}; give both the same simulation.interval, or --interval",
            arguments.candidate.display(),
            other.step(),
            one.step()
        )));
    }
    if candidate.laboratory.world.capacity_is_sized {
        // What is chosen to fit the trace would follow the number of servers: a server is the same on both sides.
        let from = baseline.laboratory.settings().clone();
        let to = candidate.laboratory.world.configuration.settings_mut();
        (to.capacity_per_server, to.violation_cost) = (from.capacity_per_server, from.violation_cost);
    }
    let seed = baseline.laboratory.settings().random_seed;
    let judged = [&baseline, &candidate].map(|side| judge(arguments, side, seed, &progress));
    let [before, after] = judged;
    Ok(facts(arguments, &baseline, &candidate, &before?, &after?))
}

/// Reads a side. A manifest is a policy on the fleet of the usual settings; a configuration is the settings themselves.
fn open(
    arguments: &CheckArguments,
    file: &Path,
    place: &str,
    progress: &Progress,
    quiet: bool,
) -> Result<Side, Failure> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Input(format!("{place} {shown}: cannot be read: {error}")))?;
    let mut settings = arguments.settings.clone();
    let manifest = manifest_kind(&text);
    if manifest.is_none() {
        if let Some(config) = &settings.config {
            return Err(Failure::Input(format!(
                "--config {}: {shown} is a configuration itself; leave --config away, or give manifests to {place}",
                config.display()
            )));
        }
        settings.config = Some(file.to_path_buf());
    }
    let laboratory = Laboratory::open(&arguments.trace, &settings, &arguments.knowledge, progress, quiet)
        .map_err(|failure| at_side(place, failure))?;
    let (name, place) = match manifest {
        Some(kind) => (format!("{kind}:{shown}"), place),
        None => (arguments.policy.clone(), "--policy"),
    };
    let policy = policy::named(&name, place, laboratory.settings())?;
    Ok(Side { policy, laboratory })
}

/// A failure with the side that it is of.
fn at_side(place: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Input(problem) => Failure::Input(format!("{place}: {problem}")),
        failure @ Failure::Work(_) => failure,
    }
}

/// The kind of policy that a manifest holds, as `--policies` names it; `None` for what is no manifest.
fn manifest_kind(text: &str) -> Option<&'static str> {
    text.lines().find_map(|line| match line.strip_prefix("kind:")?.trim().trim_matches(['"', '\'']) {
        "HorizontalPodAutoscaler" => Some("hpa"),
        "ScaledObject" => Some("keda"),
        _ => None,
    })
}

fn judge(arguments: &CheckArguments, side: &Side, seed: u64, progress: &Progress) -> Result<Judged, Failure> {
    let Side { policy, laboratory } = side;
    let Laboratory { world, testbed, .. } = laboratory;
    let (settings, step) = (laboratory.settings(), world.step());
    let mut card = Scorecard::new(&settings.fleet(step), world.load.start(), step, &world.time_zone, SERVED_TARGET);
    let plan = if *policy == PolicySpec::Optimal { testbed.limited_plan(settings).provisioned } else { Vec::new() };
    let mut built = policy.build(settings, step, &plan);
    let outcome =
        testbed.watch(built.as_mut(), policy, settings, &mut card).map_err(|error| Failure::Work(error.to_string()))?;
    let service = card.service();
    let dropped = if outcome.offered > 0.0 { outcome.dropped / outcome.offered } else { 0.0 };
    let values = [outcome.cost.total(), dropped, service.late_seconds, service.changes_per_day];
    let replicates = match arguments.replicates.replication(seed, arguments.trace.fill) {
        None => Vec::new(),
        Some(replication) => {
            let contestant = Contestant { policy: policy.clone(), settings: settings.clone() };
            replicates::rows(laboratory, &[contestant], &replication, progress)?
        }
    };
    Ok(Judged { values, replicates })
}

fn facts(arguments: &CheckArguments, baseline: &Side, candidate: &Side, before: &Judged, after: &Judged) -> CheckFacts {
    let seconds = f64::from(baseline.laboratory.world.step().seconds()) * baseline.laboratory.world.load.len() as f64;
    let tick_seconds = f64::from(baseline.laboratory.world.step().seconds());
    let measures: Vec<MeasureFacts> = Measure::ALL
        .into_iter()
        .enumerate()
        .map(|(place, measure)| {
            let (base, own) = (before.values[place], after.values[place]);
            let limit = arguments.budgets.of(measure);
            let value = |row: &Vec<Replicate>| replicated(measure, row, tick_seconds, seconds);
            let pairs: Vec<(f64, f64)> =
                before.replicates.iter().map(value).zip(after.replicates.iter().map(value)).collect();
            let is_replicated = !pairs.is_empty();
            let kept = |limit: Limit| {
                pairs.iter().filter(|(base, own)| limit.allows(*base, *own, seconds)).count() as f64
                    / pairs.len() as f64
            };
            MeasureFacts {
                name: measure.name(),
                measure,
                limit,
                baseline: base,
                candidate: own,
                difference: own - base,
                most: limit.map(|limit| limit.most(base, seconds)),
                within: limit.is_none_or(|limit| limit.allows(base, own, seconds)),
                difference_replicated: is_replicated
                    .then(|| SpreadFacts::of(pairs.iter().map(|(base, own)| own - base))),
                chance_within: limit.filter(|_| is_replicated).map(kept),
            }
        })
        .collect();
    let side =
        |file: &Path, side: &Side| SideFacts { file: file.display().to_string(), policy: side.policy.to_string() };
    let seed = baseline.laboratory.settings().random_seed;
    CheckFacts {
        trace: baseline.laboratory.world.source.clone(),
        ticks: baseline.laboratory.world.load.len(),
        baseline: side(&arguments.baseline, baseline),
        candidate: side(&arguments.candidate, candidate),
        passed: measures.iter().all(|measure| measure.within),
        measures,
        settings: differences(baseline, candidate),
        replicates: arguments
            .replicates
            .replication(seed, arguments.trace.fill)
            .map(|replication| replicates::words(&replication)),
    }
}

/// The value of a measure in one replicate.
fn replicated(measure: Measure, row: &[Replicate], tick_seconds: f64, seconds: f64) -> f64 {
    let Some(cell) = row.first() else { return f64::NAN };
    match measure {
        Measure::Cost => cell.outcome.cost.total(),
        Measure::Dropped => replicates::dropped_share(cell),
        Measure::Late => cell.outcome.ticks_with_drops as f64 * tick_seconds,
        Measure::Churn => (cell.outcome.scale_outs + cell.outcome.scale_ins) as f64 * DAY_SECONDS / seconds,
    }
}

/// The settings, and the numbers of policies, that are not the same on both sides.
fn differences(baseline: &Side, candidate: &Side) -> Vec<Difference> {
    let (one, other) = (baseline.laboratory.settings(), candidate.laboratory.settings());
    let shown = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let keys = KEYS.iter().map(|key| (key.path.to_owned(), key.text(one), key.text(other)));
    let (before, after) = (baseline.policy.parameters(one), candidate.policy.parameters(other));
    let of_policies = before.iter().map(|parameter| {
        let matching = after.iter().find(|other| other.name == parameter.name);
        (parameter.name.clone(), Some(parameter.value.to_string()), matching.map(|other| other.value.to_string()))
    });
    let added = after.iter().filter(|parameter| before.iter().all(|other| other.name != parameter.name));
    let added = added.map(|parameter| (parameter.name.clone(), None, Some(parameter.value.to_string())));
    let is_key = |name: &String| KEYS.iter().any(|key| key.path == name);
    keys.chain(of_policies.chain(added).filter(|(name, ..)| !is_key(name)))
        .filter(|(_, one, other)| one != other)
        .map(|(key, one, other)| Difference { key, baseline: shown(one), candidate: shown(other) })
        .collect()
}
