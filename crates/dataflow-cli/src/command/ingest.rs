//! `dataflow ingest`: access logs to a regular series with status counts, or to their fields line by line.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use dataflow_remote::{Places, Variables};
use dataflow_series::Step;
use dataflow_series::log::{Record, Rejected, SourceSummary, Traffic, read_records};
use dataflow_series::source::{self, Columns, TraceRequest, WriteError};
use serde::Serialize;

use crate::arguments::thread_count;
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::quantity::grouped;
use crate::staging::Staging;

/// Turn access logs into a regular series with status counts
///
/// One row per interval: its time, the requests and bytes, and how many were answered with success, not modified,
/// redirected, not found or another error. Lines that are not of an access log are counted and the first of them shown,
/// on standard error.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dataflow ingest access.log.1.gz access.log -o traffic.csv\n  \
    dataflow ingest 'logs/*.gz' --interval 5m --silence-as-gap 1h -o traffic.csv\n  \
    zcat access.log.gz | dataflow ingest - --fields --format json | head")]
pub(crate) struct IngestArguments {
    /// Access logs in common or combined format or JSON lines, .gz, .bz2, .zst and .xz too; a pattern, or `-`
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<String>,
    /// File to write, .csv or (where built in) .parquet [default: CSV on standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Length of one interval
    #[arg(long, value_name = "DURATION", default_value_t = Step::MINUTE, allow_hyphen_values = true)]
    interval: Step,
    /// Take silences of at least this length for missing, not for zero requests
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    silence_as_gap: Option<Step>,
    /// Give the fields of every line instead: ip, identd, user, time, request, method, resource, protocol, status,
    /// size and the time in UTC
    #[arg(long, conflicts_with_all = ["interval", "silence_as_gap", "threads"])]
    fields: bool,
    /// How fields are written
    #[arg(long, value_enum, default_value_t = FieldsFormat::Csv, requires = "fields")]
    format: FieldsFormat,
    /// Threads to work on; the result is the same for any number [default: all cores]
    #[arg(long, value_name = "NUMBER", value_parser = thread_count)]
    threads: Option<usize>,
}

/// How the fields of lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FieldsFormat {
    /// One row per line, bytes as they are
    Csv,
    /// One object per line; what is not UTF-8 is replaced
    Json,
}

/// Reads the logs and writes what they hold.
///
/// # Errors
/// When an input cannot be read or holds no access log, or the output cannot be written.
pub(crate) fn run(arguments: &IngestArguments, quiet: bool) -> Result<(), Failure> {
    if let Some(output) = arguments.output.as_ref().filter(|_| !arguments.fields) {
        source::Form::of(output).map_err(|error| Failure::Input(error.to_string()))?;
    }
    let mut staging = Staging::default();
    let path = arguments.output.as_ref().map(|output| staging.file(output)).transpose()?;
    let progress = Progress::new(quiet);
    if arguments.fields {
        let staged = arguments.output.as_deref().zip(path.as_deref());
        let (sources, rejected) = write_fields(arguments, staged, &progress)?;
        drop(progress);
        staging.commit()?;
        tell(&sources, &rejected, quiet);
        return Ok(());
    }
    let traffic = read(arguments, &progress)?;
    drop(progress);
    let columns = Columns::from(&traffic);
    match arguments.output.as_deref().zip(path) {
        Some((output, path)) => {
            source::write_columns(&columns, &path).map_err(|error| Failure::Work(error.at(output).to_string()))?;
        }
        None => printed(|stdout| source::write_csv(&columns, stdout))?,
    }
    staging.commit()?;
    if arguments.output.is_some() && !quiet {
        output::note(&summary(&traffic));
    }
    tell(traffic.sources(), traffic.rejected(), quiet);
    Ok(())
}

fn read(arguments: &IngestArguments, progress: &Progress) -> Result<Traffic, Failure> {
    let bar = progress.bytes("reading");
    let trace = source::open(&TraceRequest {
        inputs: arguments.inputs.clone(),
        interval: Some(arguments.interval),
        silence_as_gap: arguments.silence_as_gap,
        threads: arguments.threads.and_then(NonZeroUsize::new),
        progress: Some(bar.byte_counter()),
        remote: Some(Arc::new(Places::new(Variables::read()))),
        ..TraceRequest::default()
    })?;
    trace.traffic.ok_or_else(|| {
        Failure::Input(format!(
            "{}: is no access log (common, combined or JSON lines), so there is nothing to ingest; \
             `dataflow compare` reads tables and plain numbers as they are",
            trace.source
        ))
    })
}

fn summary(traffic: &Traffic) -> String {
    let total = traffic.total();
    format!(
        "{} requests and {} bytes in {} intervals of {} from {}",
        grouped(total.requests as f64),
        grouped(total.bytes as f64),
        grouped(traffic.len() as f64),
        traffic.step(),
        traffic.start()
    )
}

/// Says which lines were not counted.
fn tell(sources: &[SourceSummary], rejected: &Rejected, quiet: bool) {
    if quiet || rejected.total() == 0 {
        return;
    }
    let lines: u64 = sources.iter().map(|source| source.lines).sum();
    let counts = rejected.by_reason().map(|(reason, count)| format!("  {} × {reason}", grouped(count as f64)));
    let first = rejected.first().iter().map(|line| format!("  {line}"));
    let head = format!("{} of {} lines not counted:", grouped(rejected.total() as f64), grouped(lines as f64));
    let text: Vec<String> =
        std::iter::once(head).chain(counts).chain(["the first of them:".to_owned()]).chain(first).collect();
    output::warn(&text.join("\n"));
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no error.
fn printed(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Work(format!("standard output: {error}; the result was not printed whole")))
        }
        _ => Ok(()),
    }
}

/// One line's fields, under the names that the reference gives them.
#[derive(Serialize)]
struct Fields<'line> {
    ip: Text<'line>,
    identd: Text<'line>,
    user: Text<'line>,
    time: Text<'line>,
    request: Text<'line>,
    method: Text<'line>,
    resource: Text<'line>,
    protocol: Text<'line>,
    status: u16,
    size: u64,
    utc_time: String,
}

const FIELD_NAMES: [&str; 11] =
    ["ip", "identd", "user", "time", "request", "method", "resource", "protocol", "status", "size", "utc_time"];

/// Bytes that JSON shows as text.
struct Text<'line>(&'line [u8]);

impl Serialize for Text<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(self.0))
    }
}

impl<'line> From<&'line Record<'_>> for Fields<'line> {
    fn from(record: &'line Record<'_>) -> Self {
        Self {
            ip: Text(&record.ip),
            identd: Text(&record.identd),
            user: Text(&record.user),
            time: Text(&record.time_text),
            request: Text(&record.request),
            method: Text(&record.method),
            resource: Text(&record.resource),
            protocol: Text(&record.protocol),
            status: record.status,
            size: record.size,
            utc_time: record.time.to_string(),
        }
    }
}

/// Writes the fields of every line, and gives what was read. `staged` is the file asked for and where it is written.
fn write_fields(
    arguments: &IngestArguments,
    staged: Option<(&Path, &Path)>,
    progress: &Progress,
) -> Result<(Vec<SourceSummary>, Rejected), Failure> {
    let bar = progress.bytes("reading");
    let inputs = source::open_logs(&arguments.inputs, Some(&Places::new(Variables::read())), Some(bar.byte_counter()))?;
    let mut read = None;
    let write = |writer: &mut dyn Write| -> io::Result<()> {
        let mut rows = Rows::new(writer, arguments.format)?;
        let mut written = Ok(());
        read = Some(read_records(inputs, |record| {
            written = rows.write(&Fields::from(record));
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        }));
        written.and_then(|()| rows.finish())
    };
    match staged {
        None => printed(write)?,
        Some((output, path)) => {
            let failed = |source| Failure::Work(WriteError::Io { path: output.to_owned(), source }.to_string());
            let mut file = BufWriter::new(File::create(path).map_err(failed)?);
            write(&mut file).and_then(|()| file.flush()).map_err(failed)?;
        }
    }
    let read = read.unwrap_or_else(|| Ok((Vec::new(), Rejected::default())));
    read.map_err(|error| Failure::Input(error.to_string()))
}

/// Rows of fields in one of the forms.
enum Rows<'writer> {
    Csv(Box<csv::Writer<&'writer mut dyn Write>>),
    Json(&'writer mut dyn Write),
}

impl<'writer> Rows<'writer> {
    fn new(writer: &'writer mut dyn Write, format: FieldsFormat) -> io::Result<Self> {
        Ok(match format {
            FieldsFormat::Json => Self::Json(writer),
            FieldsFormat::Csv => {
                let mut rows = csv::Writer::from_writer(writer);
                rows.write_record(FIELD_NAMES).map_err(cause)?;
                Self::Csv(Box::new(rows))
            }
        })
    }

    fn write(&mut self, fields: &Fields<'_>) -> io::Result<()> {
        match self {
            Self::Json(writer) => {
                serde_json::to_writer(&mut *writer, fields)?;
                writer.write_all(b"\n")
            }
            Self::Csv(rows) => {
                let (status, size) = (fields.status.to_string(), fields.size.to_string());
                let texts = [
                    &fields.ip,
                    &fields.identd,
                    &fields.user,
                    &fields.time,
                    &fields.request,
                    &fields.method,
                    &fields.resource,
                    &fields.protocol,
                ];
                let numbers = [status.as_bytes(), size.as_bytes(), fields.utc_time.as_bytes()];
                rows.write_record(texts.into_iter().map(|text| text.0).chain(numbers)).map_err(cause)
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Json(_) => Ok(()),
            Self::Csv(mut rows) => rows.flush(),
        }
    }
}

/// What the system says of rows that cannot be written; its kind tells a reader that left from a full disk.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
