//! The traffic to explore, whatever it was read from: columns on one grid, and what logs tell besides.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use dataflow_remote::{Places, Variables};
use dataflow_series::explore::{Exploration, LogFacts};
use dataflow_series::log::Traffic;
use dataflow_series::source::{self, DEFAULT_INPUT, Trace, TraceRequest};
use dataflow_series::{Observed, SeriesError, Step, Unit, Window};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::ExploreArguments;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::world;

/// What is explored.
pub(super) struct Sight {
    pub(super) source: String,
    /// Sums per interval by name; the first is what rhythms and spikes are about.
    pub(super) columns: Vec<(&'static str, Observed)>,
    /// The main column as finely as it is known, where that is finer.
    pub(super) finer: Option<Observed>,
    /// The same columns of the time before the window.
    pub(super) before: Option<Vec<(&'static str, Observed)>>,
    pub(super) window: Option<Range<Timestamp>>,
    pub(super) traffic: Option<Traffic>,
    pub(super) facts: Option<Box<LogFacts>>,
    pub(super) time_zone: TimeZone,
    pub(super) notes: Vec<String>,
}

impl Sight {
    /// Reads the inputs.
    ///
    /// # Errors
    /// When they cannot be read, or nothing is within the window.
    pub(super) fn open(arguments: &ExploreArguments, progress: &Progress) -> Result<Self, Failure> {
        let zone = world::zone_named(arguments.time_zone.as_deref())?;
        let window = arguments.window.as_deref().map(|text| Window::parse(text, &zone)).transpose();
        let window = window.map_err(|error| Failure::Input(format!("--window: {error}")))?;
        let mut request = request(arguments, &zone)?;
        let mut fixed = None;
        if let Some(window) = &window {
            // A window that counts from the beginning or the end of a log is known only once the log was read.
            let trace = if window.is_fixed() { None } else { Some(reach(arguments, &request, progress)?) };
            let trace = trace.unwrap_or(Timestamp::MIN..Timestamp::MAX);
            fixed = Some(window.on(trace).map_err(|error| Failure::Input(format!("--window: {error}")))?);
        }
        request.exploration = Some(Exploration { before: fixed.as_ref().and_then(before), window: fixed.clone() });
        let trace = open(&request, "exploring", progress)?;
        if trace.traffic.is_some() {
            return Ok(Self::of_log(trace, arguments.measure, fixed, zone));
        }
        Self::of_series(trace, arguments.measure, fixed, zone)
    }

    fn of_log(trace: Trace, measure: Option<Unit>, window: Option<Range<Timestamp>>, time_zone: TimeZone) -> Self {
        let Trace { source, traffic, facts, notes, .. } = trace;
        let mut columns = traffic.as_ref().map(columns_of).unwrap_or_default();
        if let Some(bytes) = columns.iter().position(|(name, _)| *name == "bytes" && measure == Some(Unit::Bytes)) {
            columns[..=bytes].rotate_right(1);
        }
        let before = facts.as_ref().and_then(|facts| facts.before.as_ref()).map(columns_of);
        Self { source, columns, finer: None, before, window, traffic, facts, time_zone, notes }
    }

    fn of_series(
        trace: Trace,
        measure: Option<Unit>,
        window: Option<Range<Timestamp>>,
        time_zone: TimeZone,
    ) -> Result<Self, Failure> {
        let Trace { source, observed, finer, extras, notes, .. } = trace;
        let wrong = |error: SeriesError| Failure::Input(format!("{source}: {error}"));
        let name = match observed.unit() {
            Unit::Requests => "requests",
            Unit::Bytes => "bytes",
            _ => "value",
        };
        let mut columns = vec![(name, observed)];
        columns.extend(extras.into_iter().map(|extra| (extra.name, extra.values)));
        let mut finer = finer;
        // Where requests are known beside the bytes, rhythms and spikes are about requests.
        if let Some(place) = columns.iter().position(|(name, _)| *name == "requests").filter(|_| measure.is_none())
            && place > 0
        {
            columns.swap(0, place);
            finer = None;
        }
        let mut earlier = None;
        if let Some(window) = &window {
            let cut = |range: Range<Timestamp>, columns: &[(&'static str, Observed)]| {
                columns.iter().map(|(name, all)| Ok((*name, all.window(range.clone())?))).collect::<Result<Vec<_>, _>>()
            };
            // A time that the trace covers in part only is nothing to compare with.
            let begin = columns.first().map(|(_, all)| all.start());
            let covered = before(window).filter(|range| begin.is_some_and(|begin| begin <= range.start));
            earlier = covered.and_then(|range| cut(range, &columns).ok());
            columns = cut(window.clone(), &columns).map_err(wrong)?;
            finer = finer.map(|finer| finer.window(window.clone())).transpose().map_err(wrong)?;
        }
        Ok(Self { source, columns, finer, before: earlier, window, traffic: None, facts: None, time_zone, notes })
    }

    /// What rhythms and spikes are about.
    pub(super) fn main(&self) -> Option<&Observed> {
        self.columns.first().map(|(_, column)| column)
    }
}

/// The columns of a log, requests first.
fn columns_of(traffic: &Traffic) -> Vec<(&'static str, Observed)> {
    let mut columns = Vec::new();
    for (name, count) in source::COUNTS {
        let unit = if name == "bytes" { Unit::Bytes } else { Unit::Requests };
        let values = traffic.rows().map(|(_, row)| row.map(|row| count(&row) as f64));
        // Counts are finite and at least zero, so they are a load.
        columns.extend(Observed::new(traffic.start(), traffic.step(), unit, values).ok().map(|column| (name, column)));
    }
    columns
}

fn request(arguments: &ExploreArguments, zone: &TimeZone) -> Result<TraceRequest, Failure> {
    let inputs = if arguments.inputs.is_empty() { vec![DEFAULT_INPUT.to_owned()] } else { arguments.inputs.clone() };
    Ok(TraceRequest {
        inputs,
        start: arguments.start.as_deref().map(|text| world::instant(text, zone, "--start")).transpose()?,
        step: arguments.step,
        // Rhythms are told by minutes, whatever the interval shown, if that is of whole minutes.
        interval: arguments.interval.filter(|interval| !interval.seconds().is_multiple_of(Step::MINUTE.seconds())),
        detail: Some(Step::MINUTE),
        measure: arguments.measure,
        column: arguments.column.clone(),
        silence_as_gap: arguments.silence_as_gap,
        time_zone: Some(zone.clone()),
        threads: arguments.threads.and_then(NonZeroUsize::new),
        remote: Some(Arc::new(Places::new(Variables::read()))),
        ..TraceRequest::default()
    })
}

fn open(request: &TraceRequest, what: &'static str, progress: &Progress) -> Result<Trace, Failure> {
    let bar = progress.bytes(what);
    Ok(source::open(&TraceRequest { progress: Some(bar.byte_counter()), ..request.clone() })?)
}

/// The time that a trace covers.
fn reach(
    arguments: &ExploreArguments,
    request: &TraceRequest,
    progress: &Progress,
) -> Result<Range<Timestamp>, Failure> {
    if request.inputs.iter().any(|input| input == "-") {
        let text = arguments.window.as_deref().unwrap_or_default();
        return Err(Failure::Input(format!(
            "--window {text}: counts from the beginning or the end of the trace, and standard input can be read only \
             once; give instants such as 2024-03-10..2024-03-11, or a file"
        )));
    }
    let trace = open(request, "reading", progress)?;
    Ok(trace.observed.start()..trace.observed.end())
}

/// The time of the same length before a window.
fn before(window: &Range<Timestamp>) -> Option<Range<Timestamp>> {
    let start = window.start.checked_sub(window.start.until(window.end).ok()?).ok()?;
    Some(start..window.start)
}
