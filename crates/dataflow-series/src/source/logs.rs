//! Access logs as a trace: the traffic of one or many of them, and a word on the lines that were not counted.

use super::error::{SourceError, unusable};
use super::grid;
use super::input::{Input, Opened, inputs};
use super::{Progress, Trace, TraceRequest};
use crate::log::{LogInput, Options, Traffic, read_logs};
use crate::{OpenError, Step, Unit};

/// Access logs for [`crate::log::read_records`]: `-`, paths, or patterns, opened one after the other and decompressed.
///
/// # Errors
/// When a file is missing or a pattern fits none; each input tells for itself whether it can be opened.
pub fn open_logs(
    texts: &[String],
    progress: Option<Progress>,
) -> Result<impl Iterator<Item = Result<LogInput<'static>, OpenError>>, SourceError> {
    Ok(inputs(texts)?.into_iter().map(move |input| {
        let (_, reader) = input.open_stream(progress.as_ref())?;
        Ok(LogInput::new(input.name, reader))
    }))
}

/// Reads access logs, of which the first is open already, one after the other and on several threads.
pub(super) fn read(
    request: &TraceRequest,
    source: &str,
    first: &Input,
    opened: Opened,
    others: &[Input],
) -> Result<Trace, SourceError> {
    if request.step.is_some() {
        return Err(unusable(source, "is an access log, which has no step of its own; give the interval instead"));
    }
    let unit = request.measure.unwrap_or(Unit::Bytes);
    let mut options = Options { step: request.interval.unwrap_or(Step::MINUTE), ..Options::default() };
    options.silence_as_gap_seconds = request.silence_as_gap.map(Step::seconds);
    options.threads = request.threads.unwrap_or(options.threads);
    let first = LogInput::new(&first.name, opened.reader);
    let others = others.iter().map(|other| {
        let (_, reader) = other.open_stream(request.progress.as_ref())?;
        Ok(LogInput::new(&other.name, reader))
    });
    let traffic = read_logs(std::iter::once(Ok(first)).chain(others), &options)?;
    grid::check_interval(source, options.step, traffic.reach())?;
    let observed = traffic.series(unit).ok_or_else(|| unusable(source, "has no value; ask for bytes or requests"))?;
    let notes = uncounted(&traffic).into_iter().collect();
    Ok(Trace { source: source.to_owned(), observed, notes, traffic: Some(traffic) })
}

/// A sentence on the lines that were not counted, if any.
fn uncounted(traffic: &Traffic) -> Option<String> {
    let rejected = traffic.rejected();
    let lines: u64 = traffic.sources().iter().map(|source| source.lines).sum();
    let total = rejected.total();
    let first = rejected.first().first()?;
    let verb = if total == 1 { "line was" } else { "lines were" };
    Some(format!("{total} of {lines} {verb} not counted; the first: {first}"))
}
