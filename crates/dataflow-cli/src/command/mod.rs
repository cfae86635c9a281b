//! The subcommands, one file each.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod data;
pub(crate) mod detect;
pub(crate) mod explain;
pub(crate) mod explore;
pub(crate) mod forecast;
pub(crate) mod ingest;
pub(crate) mod man;
pub(crate) mod optimize;
pub(crate) mod regret;
pub(crate) mod sweep;
pub(crate) mod tune;

use dataflow_series::source::DEFAULT_INPUT;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::output;

/// Runs the subcommand.
///
/// # Errors
/// Whatever went wrong, as the user is told it.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let quiet = arguments.quiet;
    match arguments.command {
        Command::Check(arguments) => check::run(&arguments, quiet),
        Command::Compare(arguments) => compare::run(&arguments, quiet),
        Command::Detect(arguments) => detect::run(&arguments, quiet),
        Command::Explain(arguments) => explain::run(&arguments, quiet),
        Command::Explore(arguments) => explore::run(&arguments, quiet),
        Command::Forecast(arguments) => forecast::run(&arguments, quiet),
        Command::Ingest(arguments) => ingest::run(&arguments, quiet),
        Command::Optimize(arguments) => optimize::run(&arguments, quiet),
        Command::Regret(arguments) => regret::run(&arguments, quiet),
        Command::Sweep(arguments) => sweep::run(&arguments, quiet),
        Command::Tune(arguments) => tune::run(&arguments, quiet),
        Command::Data(arguments) => data::run(&arguments, quiet),
        Command::Config(arguments) => config::run(&arguments, quiet),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
    }
}

/// Runs work on so many threads, or on all cores.
///
/// # Errors
/// When there can be no such threads.
pub(crate) fn on_threads<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build();
    pool.map_err(|error| Failure::Work(format!("no threads to work on: {error}")))?.install(work)
}

/// Says that the built-in trace is used where none was given, and how to give one to `subcommand`.
pub(crate) fn note_built_in_trace(inputs: &[String], subcommand: &str, quiet: bool) {
    if inputs.is_empty() && !quiet {
        output::note(&format!(
            "no trace was given, so the built-in {DEFAULT_INPUT} is used; give your own as a file: \
             `dataflow {subcommand} access.log`"
        ));
    }
}
