//! `dataflow tune`: which numbers of a policy would have cost least, and does time held back confirm it?

mod facts;
mod file;
mod render;

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use dataflow_experiment::search::Budget;
use dataflow_experiment::tune::{self, Setup, TuneError, Vary, Wish};
use dataflow_experiment::{ExperimentError, Testbed};

pub(crate) use facts::{Part, PartScore, Point, TuneFacts};
pub(crate) use render::{closing, value};

use super::{note_built_in_trace, on_threads};
use crate::arguments::{KnowledgeArguments, SettingsArguments, TraceArguments};
use crate::failure::Failure;
use crate::laboratory::Laboratory;
use crate::output::{self, Format};
use crate::plot;
use crate::policy;
use crate::progress::Progress;
use crate::staging::Staging;
use crate::world::World;

/// The most settings that one search may try.
const EVALUATIONS_MAX: usize = 1_000_000;

/// Find the numbers of a policy that cost least, and judge them on traffic held back
///
/// The first part of the trace is cut into folds; what is minimised is the mean cost over all of them. The settings as
/// they stand are always among those tried, and both are judged on the last part, which the search never saw. Every change
/// is told with what setting it back alone would cost.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dataflow tune access.log.gz --policy quantile -o tuned.yaml\n  \
    dataflow tune access.log.gz --policy reactive --max-dropped 0.1% --plot tuning.svg\n  \
    dataflow tune traffic.csv --policy hybrid --vary thresholds.hybrid.out=0.5..0.9 --vary simulation.cooldown=0..10m\n  \
    dataflow tune traffic.csv --policy hpa:hpa.yaml -o tuned-hpa.yaml")]
pub(crate) struct TuneArguments {
    #[command(flatten)]
    trace: TraceArguments,
    /// Policy to tune, by its name or its manifest, as `dataflow compare --policies` takes it
    #[arg(long, value_name = "NAME|KIND:FILE", default_value = "quantile", help_heading = "Tuning")]
    policy: String,
    /// A number to vary, and within which ends; may be repeated [default: all that the policy has, in ranges of its own]
    #[arg(long, value_name = "NAME=LOW..HIGH", help_heading = "Tuning")]
    vary: Vec<Vary>,
    /// The most load that may be dropped, such as 0.1%; what drops more ranks behind all that does not
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Tuning")]
    max_dropped: Option<f64>,
    /// Different settings to try; half as many again go into the front from cheap to safe
    #[arg(long, value_name = "NUMBER", default_value = "400", value_parser = evaluations, help_heading = "Tuning")]
    evaluations: usize,
    /// Share of the trace at its end that is held back from the search
    #[arg(long, value_name = "SHARE", default_value = "0.2", value_parser = holdout, help_heading = "Tuning")]
    holdout: f64,
    #[command(flatten)]
    knowledge: KnowledgeArguments,
    /// Write the tuned settings: a configuration, or the manifest with its changes
    #[arg(long = "tuned", short = 'o', value_name = "FILE.yaml", help_heading = "Results")]
    tuned: Option<PathBuf>,
    /// Draw cost against dropped load of all that was tried, as .svg or .png
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArguments,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Results")]
    format: Format,
}

/// Tunes, and judges what was found.
///
/// # Errors
/// When an argument or the trace is wrong, there is nothing to search, or results cannot be written.
pub(crate) fn run(arguments: &TuneArguments, quiet: bool) -> Result<(), Failure> {
    let progress = Progress::new(quiet);
    let mut staging = Staging::default();
    arguments.plot.as_deref().map(plot::Form::of).transpose()?;
    let plot = arguments.plot.as_ref().map(|target| staging.file(target)).transpose()?;
    let file = arguments.tuned.as_ref().map(|target| staging.file(target)).transpose()?;
    note_built_in_trace(&arguments.trace.trace, "tune", quiet);
    let (facts, world, tuned, notes) = on_threads(arguments.settings.threads, || tuned(arguments, &progress, quiet))?;
    drop(progress);
    if !quiet {
        for note in notes.iter().chain(&facts.hints()) {
            output::note(note);
        }
        for warning in facts.warnings() {
            output::warn(&warning);
        }
    }
    if let Some(path) = plot {
        plot::write_tuning(&facts, &path)?;
    }
    if let Some(path) = file {
        file::write(&facts, &world, &tuned, &path)?;
    }
    staging.commit()?;
    output::print(&render::render(&facts, arguments.format))
}

type Found = (TuneFacts, World, tune::Tuned, Vec<String>);

fn tuned(arguments: &TuneArguments, progress: &Progress, quiet: bool) -> Result<Found, Failure> {
    let laboratory = Laboratory::open(&arguments.trace, &arguments.settings, &arguments.knowledge, progress, quiet)?;
    let settings = laboratory.settings().clone();
    let policy = policy::named(&arguments.policy, "--policy", &settings)?;
    let setup = Setup { policy, settings };
    let parameters =
        tune::varied(&setup, &arguments.vary).map_err(|error| Failure::Input(format!("--vary {error}")))?;
    let (training, held_back) = halves(&laboratory.testbed, arguments.holdout);
    let seed = setup.settings.random_seed;
    let budget = Budget { evaluations: arguments.evaluations, seed };
    let wish = Wish { parameters, max_dropped: arguments.max_dropped, budget, front: true };
    let bar = progress.share("tuning");
    let tuned = tune::tune(&training, &setup, &wish, &|share| bar.set(share)).map_err(failure)?;
    let judged = |setup: &Setup| setup.score(&held_back).map_err(|error| failure(error.into()));
    let scores = (judged(&setup)?, judged(&tuned.setup)?);
    let facts = TuneFacts::new(&laboratory.world, &setup, &wish, &tuned, (&training, &held_back), scores);
    let notes = laboratory.notes();
    Ok((facts, laboratory.world, tuned, notes))
}

/// The part that is searched and the part that is held back.
fn halves(testbed: &Testbed, holdout: f64) -> (Testbed, Testbed) {
    let judged = testbed.judged();
    let (first, ticks) = (judged.first, judged.load.len());
    let held_back = (ticks as f64 * holdout).floor() as usize;
    let cut = first + ticks - held_back;
    (testbed.part(first..cut), testbed.part(cut..first + ticks))
}

fn failure(error: TuneError) -> Failure {
    match error {
        TuneError::Space(problem) => Failure::Input(format!(
            "there is nothing to search: {problem}; name numbers with --vary NAME=LOW..HIGH, or another --policy"
        )),
        error @ TuneError::TooShort { .. } => Failure::Input(format!(
            "{error}; give a longer trace, a finer --interval, or hold less back with --holdout"
        )),
        TuneError::Experiment(error @ ExperimentError::Simulation(_)) => Failure::Input(error.to_string()),
        error => Failure::Work(error.to_string()),
    }
}

/// A share, as `0.001` or `0.1%`.
fn share(text: &str) -> Result<f64, String> {
    let (number, whole) = text.trim().strip_suffix('%').map_or((text.trim(), 1.0), |number| (number, 100.0));
    let share = f64::from_str(number.trim()).ok().map(|number| number / whole);
    share.filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "expected a share such as 0.1% or 0.001".to_owned())
}

fn holdout(text: &str) -> Result<f64, String> {
    let wrong = || "expected a share above 0 and below 0.9, such as 0.2 or 20%".to_owned();
    share(text).ok().filter(|share| *share > 0.0 && *share < 0.9).ok_or_else(wrong)
}

fn evaluations(text: &str) -> Result<usize, String> {
    let wrong = || format!("expected a whole number from 1 to {EVALUATIONS_MAX}");
    text.parse().ok().filter(|count| (1..=EVALUATIONS_MAX).contains(count)).ok_or_else(wrong)
}
