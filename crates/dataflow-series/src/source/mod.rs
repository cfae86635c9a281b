//! A trace from wherever the user has it: access logs, tables, plain numbers, or the built-in synthetic traffic.
//!
//! What an input holds is told by its content, after decompression. [`open`] gives the load on a regular grid; gaps
//! stay gaps.
//!
//! ```
//! use dataflow_series::Step;
//! use dataflow_series::source::{TraceRequest, open};
//!
//! let request = TraceRequest { interval: Some(Step::HOUR), ..TraceRequest::from_input("synthetic:steady?days=2") };
//! let trace = open(&request)?;
//! assert_eq!((trace.observed.len(), trace.observed.missing()), (48, 0));
//! # Ok::<(), dataflow_series::source::SourceError>(())
//! ```

mod dialect;
mod error;
mod extra;
mod grid;
mod input;
mod logs;
mod numbers;
#[cfg(feature = "parquet")]
mod parquet_file;
mod remote;
mod stamp;
mod table;
mod write;

use std::num::NonZeroUsize;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::explore::{Exploration, LogFacts};
use crate::log::Traffic;
use crate::synth::{SyntheticRequest, generate};
use crate::{Observed, Step, Unit};
use error::unusable;
pub use error::{Place, Problem, SourceError};
pub use extra::Extra;
use grid::Events;
pub use input::is_web_page;
use input::{Input, Kind, Named, Opened, named};
pub use logs::open_logs;
#[cfg(feature = "parquet")]
pub use parquet_file::write_parquet;
pub use remote::{OpenObject, Remote, RemoteObject, RemoteTrace};
pub use table::is_time_name;
use table::{Table, Tables};
pub use write::{COUNTS, ColumnOfRow, Columns, Form, WriteError, write_columns, write_csv, write_file};

/// The trace that is used when none is named.
pub const DEFAULT_INPUT: &str = "synthetic:nasa-like";
const SYNTHETIC: &str = "synthetic:";

/// More intervals than this are taken for a mistake in a time: three years of seconds, two centuries of minutes.
const INTERVALS_MAX: u64 = 100_000_000;

/// Is told, from any thread, how many bytes (compressed ones, where they are) were just read.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// What the user asks for.
#[derive(Clone, Default)]
pub struct TraceRequest {
    /// Where the trace is: `-`, paths, patterns, or one `synthetic:NAME?seed=…&days=…`. Without any it is the built-in
    /// `synthetic:nasa-like`.
    pub inputs: Vec<String>,
    /// The instant of the first plain number; 1 January 1970 where it is not told.
    pub start: Option<Timestamp>,
    /// The trace's own interval: one second for plain numbers where it is not told, the commonest distance of the rows
    /// of a table.
    pub step: Option<Step>,
    /// The interval to sum to. Where it is not told: one minute, or the trace's own if that is longer or does not
    /// divide a minute.
    pub interval: Option<Step>,
    /// Asks for what models learn from besides the load: [`Trace::finer`] and [`Trace::extras`]. Access logs and tables
    /// of requests, which have no step of their own, are counted at this one, where it divides the interval.
    pub detail: Option<Step>,
    /// The load to read, where there are several; for numbers without a name, what they count.
    pub measure: Option<Unit>,
    /// The column of a table that is the load, where it is not the one that the measure names.
    pub column: Option<String>,
    /// The zone of times that do not tell their own; UTC where it is not told.
    pub time_zone: Option<TimeZone>,
    /// Makes silences of at least this length gaps; without it a time without requests is a load of zero.
    pub silence_as_gap: Option<Step>,
    /// How many threads read access logs; as many as the machine has cores where it is not told.
    pub threads: Option<NonZeroUsize>,
    /// Is told how many bytes were read.
    pub progress: Option<Progress>,
    /// Opens what is kept elsewhere than in files.
    pub remote: Option<Arc<dyn Remote>>,
    /// Asks for what access logs tell besides the load: [`Trace::facts`].
    pub exploration: Option<Exploration>,
}

/// A load that was read, and what there is to say about it.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Where it comes from, in words that the user knows.
    pub source: String,
    /// The load on a regular grid.
    pub observed: Observed,
    /// The load at a finer step than the interval, over the same time, where it was asked for and the trace has it.
    pub finer: Option<Observed>,
    /// What else the trace tells of each interval.
    pub extras: Vec<Extra>,
    /// What the user should know about how it was read, one sentence each.
    pub notes: Vec<String>,
    /// Of access logs, the status classes beside the load and the lines that were not counted.
    pub traffic: Option<Traffic>,
    /// Of access logs, what else they tell, where that was asked for.
    pub facts: Option<Box<LogFacts>>,
}

impl TraceRequest {
    /// A trace from one place, everything else by default.
    pub fn from_input(input: impl Into<String>) -> Self {
        Self { inputs: vec![input.into()], ..Self::default() }
    }

    /// The interval of what has no step of its own.
    fn event_interval(&self) -> Step {
        self.interval.unwrap_or(Step::MINUTE)
    }

    /// The step at which what has none of its own is counted.
    fn counting_step(&self) -> Step {
        let interval = self.event_interval();
        let divides = |finer: &Step| finer < &interval && interval.seconds().is_multiple_of(finer.seconds());
        self.detail.filter(divides).unwrap_or(interval)
    }
}

/// Reads a trace.
///
/// # Errors
/// When an input cannot be read, holds what is no load, or does not allow what was asked for.
pub fn open(request: &TraceRequest) -> Result<Trace, SourceError> {
    if let [only] = request.inputs.as_slice()
        && only.starts_with(SYNTHETIC)
    {
        return synthetic(request, only);
    }
    let (inputs, source) = match named(request, request.remote.as_deref())? {
        Named::Inputs { inputs, source } => (inputs, source),
        Named::Series { source, .. } if request.column.is_some() => return Err(no_columns(&source)),
        Named::Series { source, observed, extras, notes } => {
            let mut trace = on_interval(request, &source, observed, extras)?;
            trace.notes.extend(notes);
            return Ok(trace);
        }
    };
    let Some((first, others)) = inputs.split_first() else {
        return synthetic(request, DEFAULT_INPUT);
    };
    let opened = first.open(request.progress.as_ref())?;
    read(request, &source, first, opened, others)
}

/// The columns of a table that may be its load: all but times and labels, in their order.
///
/// # Errors
/// When the first input cannot be read or is no table, or is standard input, which could not be read once more.
pub fn load_columns(request: &TraceRequest) -> Result<Vec<String>, SourceError> {
    let Some(text) = request.inputs.first().filter(|text| !text.starts_with(SYNTHETIC)) else {
        return Err(no_columns(request.inputs.first().map_or(DEFAULT_INPUT, String::as_str)));
    };
    if text == "-" {
        return Err(unusable("standard input", "can be read once only; write it to a file to read its columns"));
    }
    let first = match named(request, request.remote.as_deref())? {
        Named::Inputs { inputs, .. } => inputs.into_iter().next().ok_or_else(|| no_columns(text))?,
        Named::Series { source, .. } => return Err(no_columns(&source)),
    };
    let opened = first.open(None)?;
    match opened.kind {
        Kind::Table(dialect) => table::load_columns_of_text(&first.name, dialect, opened.reader),
        #[cfg(feature = "parquet")]
        Kind::Parquet => parquet_file::load_columns_of_parquet(&first.name, opened.into_file(&first.name)?),
        #[cfg(not(feature = "parquet"))]
        Kind::Parquet => Err(SourceError::ParquetNotBuiltIn { name: first.name }),
        Kind::Log | Kind::Numbers => Err(no_columns(&first.name)),
    }
}

fn no_columns(name: &str) -> SourceError {
    unusable(name, "is no table, so it has no columns to choose from")
}

/// Makes the synthetic traffic of this name.
fn synthetic(request: &TraceRequest, source: &str) -> Result<Trace, SourceError> {
    if request.column.is_some() {
        return Err(no_columns(source));
    }
    if request.start.is_some() || request.step.is_some() {
        return Err(unusable(source, "takes its start and step in its name, as in synthetic:steady?step=10s"));
    }
    let wanted: SyntheticRequest = source.strip_prefix(SYNTHETIC).unwrap_or(source).parse()?;
    let traffic = generate(&wanted)?;
    let rows: Vec<_> = if request.detail.is_some() { traffic.rows().collect() } else { Vec::new() };
    let extras = |unit| extra::of_rows(&rows, wanted.step, unit);
    let mut trace = match request.measure {
        None | Some(Unit::Bytes) => on_interval(request, source, traffic.bytes(), extras(Unit::Bytes)),
        Some(Unit::Requests) => on_interval(request, source, traffic.requests(), extras(Unit::Requests)),
        Some(Unit::Value) => Err(unusable(source, "has no value; ask for bytes or requests")),
    }?;
    trace.notes.push(format!("the traffic is made with seed {}; '{SYNTHETIC}{wanted}' makes it again", wanted.seed));
    Ok(trace)
}

/// Reads the inputs, the first of which is open already; its kind must be that of all.
fn read(
    request: &TraceRequest,
    source: &str,
    first: &Input,
    mut opened: Opened,
    others: &[Input],
) -> Result<Trace, SourceError> {
    let kind = opened.kind;
    if request.column.is_some() && matches!(kind, Kind::Log | Kind::Numbers) {
        return Err(no_columns(&first.name));
    }
    if kind != Kind::Numbers && request.start.is_some() {
        return Err(unusable(&first.name, "has times of its own; a start is for plain numbers only"));
    }
    match kind {
        Kind::Numbers => {
            if let Some(other) = others.first() {
                return Err(unusable(&other.name, "plain numbers tell no time, so only one file of them can be read"));
            }
            let values = numbers::read_numbers(source, &mut opened.reader)?;
            let start = request.start.unwrap_or(Timestamp::UNIX_EPOCH);
            let step = request.step.unwrap_or(Step::SECOND);
            let unit = request.measure.unwrap_or(Unit::Value);
            on_interval(request, source, Observed::from_raw(start, step, unit, values), Vec::new())
        }
        Kind::Table(_) | Kind::Parquet => {
            let mut tables = Tables::new(request);
            add_table(&mut tables, &first.name, opened)?;
            for other in others {
                add_table(&mut tables, &other.name, other.open(request.progress.as_ref())?)?;
            }
            match tables.finish(source)? {
                Table::Intervals(observed, extras) => on_interval(request, source, observed, extras),
                Table::Requests { events, has_sizes } => from_requests(request, source, events, has_sizes),
            }
        }
        Kind::Log => logs::read(request, source, first, opened, others),
    }
}

/// Adds the rows of one input, which must be a table.
fn add_table(tables: &mut Tables<'_>, name: &str, opened: Opened) -> Result<(), SourceError> {
    match opened.kind {
        Kind::Table(dialect) => tables.add_text(name, dialect, opened.reader),
        #[cfg(feature = "parquet")]
        Kind::Parquet => tables.add_parquet(name, opened.into_file(name)?),
        #[cfg(not(feature = "parquet"))]
        Kind::Parquet => Err(SourceError::ParquetNotBuiltIn { name: name.to_owned() }),
        Kind::Log | Kind::Numbers => Err(unusable(name, "is no table as the inputs before it; read it on its own")),
    }
}

/// The load of a table with one row per request, which is at the counting step already.
fn from_requests(request: &TraceRequest, source: &str, events: Events, has_sizes: bool) -> Result<Trace, SourceError> {
    let is_bytes = has_sizes && request.measure.is_none_or(|measure| measure == Unit::Bytes);
    let Events { requests, bytes } = events;
    let requests = counted(request, source, &requests)?;
    let bytes = counted(request, source, &bytes)?;
    let silent: Vec<bool> = requests.0.raw().iter().map(|requests| *requests == 0.0).collect();
    let (mut observed, finer) = if is_bytes { bytes } else { requests };
    if let Some(silence) = request.silence_as_gap {
        observed = grid::silence_as_gap(&observed, silence, |index| silent[index]);
    }
    Ok(Trace {
        source: source.to_owned(),
        observed,
        finer,
        extras: Vec::new(),
        notes: Vec::new(),
        traffic: None,
        facts: None,
    })
}

/// What was counted at the counting step, summed to whole intervals, and where that is finer as it was counted, over the
/// same time. Intervals begin at whole multiples of their length since 1970; nothing was counted before the first step
/// and after the last one.
fn counted(
    request: &TraceRequest,
    source: &str,
    counts: &Observed,
) -> Result<(Observed, Option<Observed>), SourceError> {
    let (interval, step) = (request.event_interval(), counts.step());
    if step == interval {
        return Ok((counts.clone(), None));
    }
    let (seconds, parts) = (i64::from(interval.seconds()), (interval.seconds() / step.seconds()) as usize);
    let begin = counts.start().as_second().div_euclid(seconds) * seconds;
    let before = ((counts.start().as_second() - begin) / i64::from(step.seconds())) as usize;
    let mut values = vec![0.0; before];
    values.extend_from_slice(counts.raw());
    values.resize(values.len().next_multiple_of(parts), 0.0);
    let finer = Observed::from_raw(grid::instant(begin), step, counts.unit(), values);
    let summed = finer.resample(interval);
    Ok((summed.map_err(|error| SourceError::Series { name: source.to_owned(), source: error })?, Some(finer)))
}

/// Makes gaps of silences and sums to the interval asked for.
fn on_interval(
    request: &TraceRequest,
    source: &str,
    mut observed: Observed,
    extras: Vec<Extra>,
) -> Result<Trace, SourceError> {
    let mut notes = Vec::new();
    if let Some(silence) = request.silence_as_gap {
        observed = grid::silence_as_gap(&observed, silence, |index| observed.raw()[index] == 0.0);
    }
    let own = observed.step();
    let seconds = observed.len() as u64 * u64::from(own.seconds());
    let interval = match request.interval {
        Some(interval) => interval,
        None if !Step::MINUTE.seconds().is_multiple_of(own.seconds()) => own,
        None if seconds < u64::from(Step::MINUTE.seconds()) => {
            notes.push(format!("the trace is shorter than a minute, so its own interval of {own} is kept"));
            own
        }
        None => Step::MINUTE,
    };
    let failed = |error| SourceError::Series { name: source.to_owned(), source: error };
    let resampled = observed.resample(interval).map_err(failed)?;
    let extras = extras.into_iter().map(|extra| extra.resample(interval)).collect::<Result<_, _>>().map_err(failed)?;
    let left = seconds % u64::from(interval.seconds());
    if left > 0 {
        notes.push(format!("the last {left} s fill no whole interval of {interval} and are left out"));
    }
    let finer = (request.detail.is_some() && own < interval).then(|| {
        let length = resampled.len() * (interval.seconds() / own.seconds()) as usize;
        Observed::from_raw(observed.start(), own, observed.unit(), observed.raw()[..length].to_vec())
    });
    Ok(Trace { source: source.to_owned(), observed: resampled, finer, extras, notes, traffic: None, facts: None })
}
