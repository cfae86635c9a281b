//! Access logs as a trace: the traffic of one or many of them, and a word on the lines that were not counted.

use super::error::{SourceError, unusable};
use super::extra;
use super::grid;
use super::input::{Input, Named, Opened, named};
use super::remote::Remote;
use super::{Progress, Trace, TraceRequest, counted};
use crate::explore::explore_logs;
use crate::log::{LogInput, Options, Traffic, read_logs};
use crate::{OpenError, Step, Unit};

/// Access logs for [`crate::log::read_records`]: `-`, paths, patterns, or objects that `remote` knows, opened one after the other and decompressed.
///
/// # Errors
/// When a file is missing or a pattern fits none; each input tells for itself whether it can be opened.
pub fn open_logs(
    texts: &[String],
    remote: Option<&dyn Remote>,
    progress: Option<Progress>,
) -> Result<impl Iterator<Item = Result<LogInput<'static>, OpenError>> + use<>, SourceError> {
    let request = TraceRequest { inputs: texts.to_vec(), progress: progress.clone(), ..TraceRequest::default() };
    let inputs = match named(&request, remote)? {
        Named::Inputs { inputs, .. } => inputs,
        Named::Series { source, .. } => return Err(unusable(&source, "is a series, not an access log")),
    };
    Ok(inputs.into_iter().map(move |input| {
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
    let interval = request.event_interval();
    let mut options = Options { step: request.counting_step(), ..Options::default() };
    // Silences are told by whole intervals, so that they are the same however finely is counted.
    let is_finer = options.step < interval;
    options.silence_as_gap_seconds = request.silence_as_gap.filter(|_| !is_finer).map(Step::seconds);
    options.threads = request.threads.unwrap_or(options.threads);
    let first = LogInput::new(&first.name, opened.reader);
    let others = others.iter().map(|other| {
        let (_, reader) = other.open_stream(request.progress.as_ref())?;
        Ok(LogInput::new(&other.name, reader))
    });
    let inputs = std::iter::once(Ok(first)).chain(others);
    let (traffic, facts) = match &request.exploration {
        None => (read_logs(inputs, &options)?, None),
        Some(exploration) => {
            let (traffic, facts) = explore_logs(inputs, &options, exploration)?;
            (traffic, Some(Box::new(facts)))
        }
    };
    grid::check_interval(source, interval, traffic.reach())?;
    let series = traffic.series(unit).ok_or_else(|| unusable(source, "has no value; ask for bytes or requests"))?;
    let (mut observed, finer) = counted(request, source, &series)?;
    let rows: Vec<_> = if request.detail.is_some() { traffic.rows().collect() } else { Vec::new() };
    let mut extras = extra::of_rows(&rows, options.step, unit);
    if is_finer {
        for extra in &mut extras {
            extra.values = counted(request, source, &extra.values)?.0;
        }
        if let Some(silence) = request.silence_as_gap {
            let requests = traffic.series(Unit::Requests).map(|requests| counted(request, source, &requests));
            if let Some((requests, _)) = requests.transpose()? {
                observed = grid::silence_as_gap(&observed, silence, |index| requests.raw()[index] == 0.0);
            }
        }
    }
    let notes = uncounted(&traffic).into_iter().collect();
    Ok(Trace { source: source.to_owned(), observed, finer, extras, notes, traffic: Some(traffic), facts })
}

/// A sentence on the lines that were not counted, if any.
fn uncounted(traffic: &Traffic) -> Option<String> {
    let rejected = traffic.rejected();
    let lines: u64 = traffic.sources().iter().map(|source| source.lines).sum();
    let total = rejected.total();
    let first = rejected.first().first()?;
    let verb = if total == 1 { "was" } else { "were" };
    Some(format!("{total} of {lines} lines {verb} not counted; the first: {first}"))
}
