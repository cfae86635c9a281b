//! The arguments of the command line: what all subcommands share, and the list of subcommands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use dataflow_series::{Fill, Step, Unit};

use crate::command;

/// Compare autoscaling policies on your own traffic: forecasts, simulation, and the exact optimum.
#[derive(Debug, Parser)]
#[command(
    name = "dataflow",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Start with `dataflow compare`, which needs nothing; then give it your access log: \
                  `dataflow compare access.log.gz`."
)]
pub(crate) struct Arguments {
    /// Print nothing but results and errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(Box<command::check::CheckArguments>),
    Compare(Box<command::compare::CompareArguments>),
    Detect(Box<command::detect::DetectArguments>),
    Explain(Box<command::explain::ExplainArguments>),
    Explore(Box<command::explore::ExploreArguments>),
    Forecast(Box<command::forecast::ForecastArguments>),
    Ingest(command::ingest::IngestArguments),
    Optimize(Box<command::optimize::OptimizeArguments>),
    Regret(Box<command::regret::RegretArguments>),
    Sweep(Box<command::sweep::SweepArguments>),
    Tune(Box<command::tune::TuneArguments>),
    Data(command::data::DataArguments),
    Config(command::config::ConfigArguments),
    Completions(command::completions::CompletionsArguments),
    Man(command::man::ManArguments),
}

/// Which traffic, on which grid.
#[derive(Debug, Clone, Args)]
#[expect(clippy::doc_markdown, reason = "these comments are what --help prints")]
#[command(next_help_heading = "Traffic")]
pub(crate) struct TraceArguments {
    /// Access logs, tables with a time column, plain numbers, `-` for standard input, https://…,
    /// prometheus:URL?query=…, data:NAME or synthetic:NAME
    ///
    /// Kinds are told by content; .gz, .bz2, .zst and .xz are unpacked. Several files or a pattern ('logs/*.gz') are
    /// read as one trace. `dataflow data list` shows the NAMEs of data sets. Without any, the built-in
    /// synthetic:nasa-like.
    #[arg(value_name = "TRACE", help_heading = "Arguments")]
    pub(crate) trace: Vec<String>,
    /// Length of one tick, such as 30s, 1m or 15m; finer traces are summed [default: a minute, or the trace's own]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(crate) interval: Option<Step>,
    /// Load to read: bytes, requests or value [default: bytes where there are any]
    #[arg(long, value_name = "UNIT")]
    pub(crate) measure: Option<Unit>,
    /// Column of a table that is the load, where there are several, such as one of many services
    #[arg(long, value_name = "NAME")]
    pub(crate) column: Option<String>,
    /// Multiply the load
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, allow_hyphen_values = true)]
    pub(crate) scale: f64,
    /// Only a part of the trace: START..END, each an instant, a date, or a time span (after the beginning, or how long), or
    /// left open (..7d, -2d.., 1d..2d for two days from the second)
    #[arg(long, value_name = "START..END", allow_hyphen_values = true)]
    pub(crate) window: Option<String>,
    /// When plain numbers start, such as 1995-07-01 or 1995-07-01T04:00:00Z [default: 1970-01-01]
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
    /// The trace's own interval [default: 1s for plain numbers, else told from the rows]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(crate) step: Option<Step>,
    /// Take silences of at least this length for missing, not for a load of zero
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(crate) silence_as_gap: Option<Step>,
    /// How missing intervals are filled: seasonal, seasonal:1d, interpolate, hold or zero
    #[arg(long, value_name = "HOW", default_value_t = Fill::default())]
    pub(crate) fill: Fill,
    /// Zone of times that do not tell their own, and whose clocks the traffic follows, such as America/New_York
    /// [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
}

/// Where settings come from, besides the defaults.
#[derive(Debug, Clone, Args)]
#[expect(clippy::doc_markdown, reason = "these comments are what --help prints")]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingsArguments {
    /// Configuration file; `dataflow config init -` shows one [default: ./dataflow.yaml if it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Set one key of the configuration, such as simulation.max_servers=10; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Seed of everything random
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Threads to work on; results are the same for any number [default: all cores]
    #[arg(long, value_name = "NUMBER", value_parser = thread_count)]
    pub(crate) threads: Option<usize>,
}

/// What policies know of the load: the newest one, and forecasts.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Knowledge of the policies")]
pub(crate) struct KnowledgeArguments {
    /// Newest load that a policy knows when it decides for a tick: that of the tick before, or of the tick itself
    #[arg(long, value_enum, default_value_t = ObserveArgument::Previous)]
    pub(crate) observe: ObserveArgument,
    /// Forecast model, or a CSV file of forecasts made elsewhere: a row for each tick, with mean, lower, upper and maybe
    /// anomaly
    /// [default: ridge]
    #[arg(long, value_name = "MODEL|FILE.csv")]
    pub(crate) forecast: Option<String>,
    /// What tells hybrid that the newest load is an anomaly: forecast (above the 99.7% quantile of its forecast), or a
    /// detector, as `dataflow detect --help` lists them [default: forecast]
    #[arg(long, value_name = "NAME")]
    pub(crate) detector: Option<String>,
    /// Make forecasts anew, and keep none for the next time
    #[arg(long)]
    pub(crate) no_cache: bool,
}

/// As `--observe` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ObserveArgument {
    /// What a real controller can know
    Previous,
    /// As the reference project works; flatters reactive policies
    Current,
}

/// More threads than this are a slip of the hand, and some systems cannot start them.
const THREADS_MAX: usize = 1024;

/// Reads a number of threads, at least one.
pub(crate) fn thread_count(text: &str) -> Result<usize, String> {
    let wrong = || format!("expected a whole number from 1 to {THREADS_MAX}");
    text.parse().ok().filter(|threads| (1..=THREADS_MAX).contains(threads)).ok_or_else(wrong)
}
