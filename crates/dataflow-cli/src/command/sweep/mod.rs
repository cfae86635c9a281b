//! `dataflow sweep`: how costs depend on settings, crossed with each other, one at a time, or drawn at random.

mod crossed;
mod drawn;
mod single;

use std::path::{Path, PathBuf};

use clap::Args;
use dataflow_experiment::sweep::{self, Cell, Lever};
use dataflow_experiment::{ExperimentError, Testbed};
use dataflow_scale::spec::{PolicySpec, Settings};
use serde::Serialize;

pub(crate) use crossed::Crossed;
pub(crate) use drawn::{Drawn, Interval, Subject};
pub(crate) use single::Single;

use super::{note_built_in_trace, on_threads};
use crate::arguments::{KnowledgeArguments, SettingsArguments, TraceArguments};
use crate::comparison::TraceFacts;
use crate::failure::Failure;
use crate::laboratory::Laboratory;
use crate::output::{self, Format};
use crate::pipeline::trace_facts;
use crate::plot;
use crate::policy;
use crate::progress::Progress;
use crate::quantity::{duration, grouped};
use crate::staging::Staging;
use crate::table::Table;
use crate::world::World;

/// What is crossed where nothing is named: the figure of the reference.
const DEFAULT_CROSSED: [&str; 2] =
    ["cost_parameters.violation_cost=1e-6,5e-6,1e-5,5e-5", "cost_parameters.startup_time=1,3,5,10"];
/// What is varied from half to double where nothing is named.
const DEFAULT_LEVERS: [&str; 5] = [
    "cost_parameters.server_cost",
    "cost_parameters.scale_cost",
    "cost_parameters.violation_cost",
    "cost_parameters.startup_time",
    "cost_parameters.capacity_per_server",
];
/// More cells than these are a slip of the hand.
const CELLS_MAX: usize = 1_000_000;
/// Rows of Sobol designs: fewer tell nothing, more fit no memory.
const ROWS: (usize, usize) = (8, 1 << 16);
/// Numbers below this are written with an exponent, from the other on with separators.
const SMALL: f64 = 1e-3;
const LARGE: f64 = 1e4;
/// Rows of a table for people.
pub(crate) const ROWS_SHOWN: usize = 200;

/// Show how costs depend on settings: tables, heat maps, tornados and Sobol indices
///
/// Every --vary names a number with its values; all are crossed with each other. --one-at-a-time moves each number alone
/// between its ends, --sobol draws all of them at random and tells which share of the variance of the cost is due to each.
/// Beside every policy stands the exact optimum.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dataflow sweep access.log.gz --plot sweep.png\n  \
    dataflow sweep traffic.csv --vary simulation.max_servers=3,5,8 --vary thresholds.reactive.high=0.5..0.9:5 --policy \
    reactive\n  \
    dataflow sweep traffic.csv --one-at-a-time --policy hybrid,quantile\n  \
    dataflow sweep traffic.csv --sobol 512 --vary cost_parameters.startup_time=30s..10m:2:log --format json")]
pub(crate) struct SweepArguments {
    #[command(flatten)]
    trace: TraceArguments,
    /// Policies whose costs are shown, as `dataflow compare --policies` takes them
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "hybrid", help_heading = "Sweep")]
    policy: Vec<String>,
    /// A number with its values: KEY=V1,V2,…, or KEY=LOW..HIGH:N for N of equal differences, KEY=LOW..HIGH:N:log of equal
    /// ratios; may be repeated
    ///
    /// KEY is one of the configuration, or a field of a policy's manifest. [default: violation costs crossed with start-up
    /// times; with --one-at-a-time and --sobol the prices, the start-up time and the capacity, from half to double]
    #[arg(long, value_name = "KEY=VALUES", help_heading = "Sweep")]
    vary: Vec<String>,
    /// Move each number alone from its least to its greatest value
    #[arg(long, conflicts_with = "sobol", help_heading = "Sweep")]
    one_at_a_time: bool,
    /// Tell Sobol indices from N × (numbers + 2) draws between the ends of each number; N is best a power of two
    #[arg(long, value_name = "N", value_parser = rows, help_heading = "Sweep")]
    sobol: Option<usize>,
    #[command(flatten)]
    knowledge: KnowledgeArguments,
    /// Draw heat maps, a tornado or indices, as .svg or .png
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArguments,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Results")]
    format: Format,
}

/// The answer to one of the three questions.
enum Answer {
    Crossed(Crossed),
    Single(Single),
    Drawn(Drawn),
}

/// What every answer begins with.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Facts {
    pub(crate) trace: TraceFacts,
    pub(crate) seed: u64,
    pub(crate) policies: Vec<String>,
    pub(crate) levers: Vec<LeverFacts>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct LeverFacts {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) present: f64,
    pub(crate) values: Vec<f64>,
}

/// What is swept, and on what.
struct Question<'a> {
    testbed: Testbed,
    policies: Vec<PolicySpec>,
    settings: &'a Settings,
    levers: Vec<Lever>,
    facts: Facts,
    progress: &'a Progress,
}

/// Sweeps, and shows what came of it.
///
/// # Errors
/// When an argument or the trace is wrong, or results cannot be written.
pub(crate) fn run(arguments: &SweepArguments, quiet: bool) -> Result<(), Failure> {
    let progress = Progress::new(quiet);
    let mut staging = Staging::default();
    arguments.plot.as_deref().map(plot::Form::of).transpose()?;
    let plot = arguments.plot.as_ref().map(|target| staging.file(target)).transpose()?;
    note_built_in_trace(&arguments.trace.trace, "sweep", quiet);
    let (answer, notes) = on_threads(arguments.settings.threads, || answer(arguments, &progress, quiet))?;
    drop(progress);
    if !quiet {
        for note in &notes {
            output::note(note);
        }
    }
    if let Some(path) = plot {
        answer.draw(&path)?;
    }
    staging.commit()?;
    output::print(&answer.render(arguments.format))
}

fn answer(arguments: &SweepArguments, progress: &Progress, quiet: bool) -> Result<(Answer, Vec<String>), Failure> {
    let laboratory = Laboratory::open(&arguments.trace, &arguments.settings, &arguments.knowledge, progress, quiet)?;
    let (world, settings) = (&laboratory.world, laboratory.settings());
    let named = |text: &String| policy::named(text, "--policy", settings);
    let policies = arguments.policy.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    let levers = levers(arguments, &policies, world)?;
    let facts = Facts {
        trace: trace_facts(world),
        seed: settings.random_seed,
        policies: policies.iter().map(ToString::to_string).collect(),
        levers: levers.iter().map(LeverFacts::of).collect(),
    };
    let question = Question { testbed: laboratory.testbed.clone(), policies, settings, levers, facts, progress };
    let answer = match (arguments.one_at_a_time, arguments.sobol) {
        (true, _) => Answer::Single(Single::of(question)?),
        (_, Some(rows)) => Answer::Drawn(Drawn::of(question, rows)?),
        _ => Answer::Crossed(Crossed::of(question)?),
    };
    Ok((answer, laboratory.notes()))
}

fn levers(arguments: &SweepArguments, policies: &[PolicySpec], world: &World) -> Result<Vec<Lever>, Failure> {
    let is_crossed = !arguments.one_at_a_time && arguments.sobol.is_none();
    if arguments.vary.is_empty() && !is_crossed {
        let lever = |name: &&str| Lever::named(name, policies, &world.configuration).map(Lever::halved_and_doubled);
        return DEFAULT_LEVERS.iter().map(lever).collect::<Result<_, _>>().map_err(Failure::Work);
    }
    let texts: Vec<&str> = match arguments.vary.as_slice() {
        [] => DEFAULT_CROSSED.to_vec(),
        given => given.iter().map(String::as_str).collect(),
    };
    let parse = |text: &&str| Lever::parse(text, policies, &world.configuration, world.step());
    let levers: Result<Vec<Lever>, _> = texts.iter().map(parse).collect();
    let levers = levers.map_err(|error| Failure::Input(format!("--vary {error}")))?;
    if let Some(twice) =
        levers.iter().enumerate().find(|(index, lever)| levers[..*index].iter().any(|l| l.name == lever.name))
    {
        return Err(Failure::Input(format!(
            "--vary {}: it is varied twice; give all its values at once",
            twice.1.name
        )));
    }
    let is_still = |lever: &&Lever| !is_crossed && lever.ends().0 == lever.ends().1;
    if let Some(still) = levers.iter().find(is_still) {
        return Err(Failure::Input(format!("--vary {}: expected two values or more to move between", still.name)));
    }
    let cells = levers.iter().map(|lever| lever.values.len()).try_fold(1_usize, usize::checked_mul);
    if is_crossed && cells.is_none_or(|cells| cells > CELLS_MAX) {
        return Err(Failure::Input(format!(
            "--vary: more than {} cells; give fewer values",
            grouped(CELLS_MAX as f64)
        )));
    }
    Ok(levers)
}

impl Question<'_> {
    /// The cells of some points.
    fn cells(&self, points: Vec<Vec<f64>>) -> Result<Vec<Cell>, Failure> {
        let bar = self.progress.steps("sweeping", points.len());
        sweep::cells(&self.testbed, &self.policies, self.settings, &self.levers, points, &|| bar.step()).map_err(
            |error| match error {
                error @ ExperimentError::Simulation(_) => Failure::Input(error.to_string()),
                error => Failure::Work(error.to_string()),
            },
        )
    }
}

impl Answer {
    fn render(&self, format: Format) -> String {
        match self {
            Self::Crossed(answer) => answer.render(format),
            Self::Single(answer) => answer.render(format),
            Self::Drawn(answer) => answer.render(format),
        }
    }

    fn draw(&self, path: &Path) -> Result<(), Failure> {
        match self {
            Self::Crossed(answer) => plot::write_crossed(answer, path),
            Self::Single(answer) => plot::write_tornado(answer, path),
            Self::Drawn(answer) => plot::write_indices(answer, path),
        }
    }
}

impl LeverFacts {
    fn of(lever: &Lever) -> Self {
        let Lever { name, unit, present, values, .. } = lever.clone();
        Self { name, unit, present, values }
    }

    /// A value with its unit.
    pub(crate) fn text(&self, value: f64) -> String {
        match self.unit {
            "s" if value.fract() == 0.0 => duration(value as u64),
            "" if value != 0.0 && value.abs() < SMALL => format!("{value:e}"),
            "" if value.abs() < LARGE => value.to_string(),
            "" => grouped(value),
            unit => format!("{value} {unit}"),
        }
    }

    /// The name without its section.
    pub(crate) fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

impl Facts {
    /// The policies, and the optimum behind them.
    pub(crate) fn subjects(&self) -> Vec<&str> {
        self.policies.iter().map(String::as_str).chain(["least possible"]).collect()
    }

    /// A page for people: what was swept, a table, and a word on it.
    fn page(&self, table: &Table, closing: &str, markdown: bool) -> String {
        let line = |name: &str, fact: String| {
            if markdown { format!("- {name}: {fact}\n") } else { format!("{name:<10} {fact}\n") }
        };
        let trace = &self.trace;
        let length = duration(trace.ticks as u64 * u64::from(trace.interval_seconds));
        let mut text = line("trace", format!("{}, {length} from {}", trace.source, trace.start));
        text += &line("policies", self.policies.join(", "));
        let table = if markdown { table.markdown() } else { table.text() };
        text + &format!("\n{table}\n{closing}\n")
    }
}

/// A cell as CSV; commas in names of policies are not to be had.
fn csv_line(cells: &[String]) -> String {
    cells.join(",") + "\n"
}

/// A figure at full precision, or nothing where it is not defined.
fn figure(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
}

fn rows(text: &str) -> Result<usize, String> {
    let wrong = || format!("expected a whole number from {} to {}", ROWS.0, ROWS.1);
    text.parse().ok().filter(|rows| (ROWS.0..=ROWS.1).contains(rows)).ok_or_else(wrong)
}
