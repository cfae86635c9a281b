//! `dataflow explore`: what is in the traffic: totals, rhythms, the commonest clients and resources, errors,
//! spikes, and what kind of process it is.

mod chart;
mod facts;
mod measure;
mod render;
mod sight;

use std::path::PathBuf;

use clap::Args;
use dataflow_series::{Observed, Step, Unit};

use crate::arguments::thread_count;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::plot;
use crate::progress::Progress;
pub(crate) use facts::{Facts, ListFacts};
use measure::measure;
use sight::Sight;

/// The most names of a list that are told one by one.
const TOP_MAX: u64 = 10_000;

/// Show what is in the traffic: totals, rhythms, top clients and resources, errors, spikes
///
/// Of access logs everything is told, in bounded memory and one pass (two where a window counts from an end of the
/// trace); of tables, plain numbers and synthetic traffic what their columns tell. Several files are read as one trace.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "these comments are what --help prints")]
#[command(after_help = "Examples:\n  \
    dataflow explore access.log.gz\n  \
    dataflow explore 'logs/*.gz' --time-zone America/New_York --top 20 --plot traffic.png\n  \
    dataflow explore access.log --window -1d.. --format json\n  \
    zcat access.log.gz | dataflow explore -")]
pub(crate) struct ExploreArguments {
    /// Access logs, tables with a time column, plain numbers, `-` for standard input, https://…,
    /// prometheus:URL?query=…, data:NAME or synthetic:NAME [default: synthetic:nasa-like]
    #[arg(value_name = "INPUT")]
    inputs: Vec<String>,
    /// How the result is printed; JSON holds every figure, and CSV one row for each of them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    format: Format,
    /// Draw it into FILE, .svg or .png
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// How many names of each list, and how many spikes, are told
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=TOP_MAX))]
    top: u64,
    /// Length of one interval of the timeline, a multiple of the trace's own [default: what gives at most 400 of them]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    interval: Option<Step>,
    /// Only a part: START..END, each an instant, a date or a duration, or left open (..7d, -2d..); it is compared with
    /// the time of the same length before
    #[arg(long, value_name = "START..END", allow_hyphen_values = true)]
    window: Option<String>,
    /// Zone whose clocks the rhythms follow, and of times that do not tell their own, such as America/New_York
    /// [default: UTC]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Load that rhythms, silences and spikes are about: bytes, requests or value [default: requests where there are
    /// any]
    #[arg(long, value_name = "UNIT")]
    measure: Option<Unit>,
    /// Column of a table to explore, where there are several, such as one of many services
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// When plain numbers start, such as 1995-07-01 or 1995-07-01T04:00:00Z [default: 1970-01-01]
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// The trace's own interval [default: 1s for plain numbers, else told from the rows]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    step: Option<Step>,
    /// Take silences of at least this length for missing, not for zero
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    silence_as_gap: Option<Step>,
    /// Threads to work on; the result is the same for any number [default: all cores]
    #[arg(long, value_name = "NUMBER", value_parser = thread_count)]
    threads: Option<usize>,
}

/// Reads the inputs and tells what is in them.
///
/// # Errors
/// When the inputs cannot be read, nothing is in them, or the picture cannot be written.
pub(crate) fn run(arguments: &ExploreArguments, quiet: bool) -> Result<(), Failure> {
    if let Some(path) = &arguments.plot {
        plot::Form::of(path)?;
    }
    super::note_built_in_trace(&arguments.inputs, "explore", quiet);
    let progress = Progress::new(quiet);
    let sight = Sight::open(arguments, &progress)?;
    drop(progress);
    if !quiet {
        sight.notes.iter().for_each(|note| output::note(note));
    }
    check_interval(&sight, arguments.interval)?;
    let empty = || Failure::Input(format!("{}: there is nothing in it to explore", sight.source));
    let facts = measure(&sight, arguments.top as usize, arguments.interval).ok_or_else(empty)?;
    if let Some(path) = &arguments.plot {
        plot::write_exploration(&facts, path)?;
    }
    output::print(&render::render(&facts, arguments.format))
}

/// Refuses a timeline whose intervals would have parts of the trace's own.
fn check_interval(sight: &Sight, interval: Option<Step>) -> Result<(), Failure> {
    match (interval, sight.main().map(Observed::step)) {
        (Some(interval), Some(own)) if !interval.seconds().is_multiple_of(own.seconds()) => {
            let source = &sight.source;
            let what = format!("is not a whole multiple of the trace's own interval of {own}");
            Err(Failure::Input(format!("{source}: --interval {interval}: {what}")))
        }
        _ => Ok(()),
    }
}
