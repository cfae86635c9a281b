//! Tables with a time column, in CSV, TSV or with semicolons: one row per request (`time,size`), or one row per
//! interval (`time,value`, or `time,requests,bytes,…` as `dataflow ingest` writes).

use std::io::{self, BufRead as _, BufReader, Read};

use jiff::tz::TimeZone;

use super::TraceRequest;
use super::dialect::{Dialect, SingleBlanks, Writer, column_name, is_label, is_remark, quantity};
use super::error::{Place, Problem, SourceError, unusable};
use super::extra::{self, Extra};
use super::grid::{EventBins, Events, RegularRows, regular};
use super::stamp::StampReader;
use super::write::COUNTS;
use crate::series::is_load;
use crate::{Observed, Unit, did_you_mean};

/// A longer row is a mistake: one that is a whole file would fill the memory.
pub(super) const ROW_BYTES_MAX: u64 = 16 << 20;

/// Names of a time column, the likeliest first; capitals do not matter.
const TIME_NAMES: [&str; 8] = ["time", "timestamp", "datetime", "date", "utc_time", "utc time", "@timestamp", "ds"];

/// What the columns of a table mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One row per request, with its size in bytes where a column tells it.
    Requests { time: usize, size: Option<usize> },
    /// One row per interval.
    Intervals { time: usize, value: usize, unit: Unit, extras: Places },
}

/// For each column that `dataflow ingest` writes its place in a table, where it is read besides the load.
pub(super) type Places = [Option<usize>; COUNTS.len()];

/// The rows of one or many tables of the same layout.
pub(super) struct Tables<'a> {
    request: &'a TraceRequest,
    rows: Option<Rows>,
}

enum Rows {
    Requests { bins: EventBins, has_sizes: bool },
    Intervals { files: Vec<RegularRows>, unit: Unit, extras: Places },
}

/// What tables make.
pub(super) enum Table {
    /// From rows that are requests; the bytes are zero where no column tells them.
    Requests { events: Events, has_sizes: bool },
    /// From rows that are intervals.
    Intervals(Observed, Vec<Extra>),
}

/// Whether a column of this name holds times.
pub fn is_time_name(name: &str) -> bool {
    TIME_NAMES.contains(&name.trim().to_ascii_lowercase().as_str())
}

impl Layout {
    /// Tells the columns' meaning from their names, and the column or the measure asked for.
    pub(super) fn of(name: &str, columns: &[String], request: &TraceRequest) -> Result<Self, SourceError> {
        let measure = request.measure;
        let find = |wanted: &str| columns.iter().position(|column| column.trim().eq_ignore_ascii_case(wanted));
        let wrong = |problem: String| SourceError::Column { name: name.to_owned(), problem, columns: columns.to_vec() };
        let time = TIME_NAMES.iter().find_map(|time_name| find(time_name)).ok_or_else(|| {
            wrong("has no time column; name it `time` in the first line, as in time,value".to_owned())
        })?;
        if let Some(column) = &request.column {
            let value = find(column.trim()).filter(|value| *value != time).ok_or_else(|| {
                let others = columns.iter().map(String::as_str);
                wrong(format!("has no column {column:?} to read a load from{}", did_you_mean(column, others)))
            })?;
            let unit = measure.or_else(|| column.trim().parse().ok()).unwrap_or(Unit::Value);
            return Ok(Self::Intervals { time, value, unit, extras: Places::default() });
        }
        let named = [Unit::Bytes, Unit::Requests, Unit::Value].map(|unit| (unit, find(&unit.to_string())));
        let size = find("size");
        if named.iter().all(|(_, column)| column.is_none()) && (size.is_some() || columns.len() == 1) {
            return match (measure, size) {
                (Some(Unit::Value), _) => Err(wrong("holds requests; ask for requests or bytes".to_owned())),
                (Some(Unit::Bytes), None) => Err(wrong("has no `size` column to sum bytes from".to_owned())),
                _ => Ok(Self::Requests { time, size }),
            };
        }
        let chosen = named.into_iter().find(|(unit, column)| column.is_some() && measure.is_none_or(|m| m == *unit));
        if let Some((unit, Some(value))) = chosen {
            return Ok(Self::Intervals { time, value, unit, extras: extra::places(columns, unit) });
        }
        // A single column is the load, whatever its name; what it counts is what the caller says.
        let can_be = |column: &usize| *column != time && (columns.len() == 2 || !is_label(&columns[*column]));
        match (0..columns.len()).filter(can_be).collect::<Vec<_>>()[..] {
            [value] if named.iter().all(|(_, column)| column.is_none()) => {
                let unit = measure.unwrap_or(Unit::Value);
                Ok(Self::Intervals { time, value, unit, extras: Places::default() })
            }
            _ => Err(wrong(match measure {
                Some(measure) => format!("has no column `{measure}`"),
                None => "does not tell which column is the load; say it with --column NAME, or name it `value`, `requests` or \
                         `bytes`"
                    .to_owned(),
            })),
        }
    }
}

impl Layout {
    /// The columns of the time and of the load or size.
    pub(super) const fn columns(self) -> (usize, Option<usize>) {
        match self {
            Self::Requests { time, size } => (time, size),
            Self::Intervals { time, value, .. } => (time, Some(value)),
        }
    }

    /// The columns read besides the load.
    pub(super) fn extras(self) -> impl Iterator<Item = usize> {
        let places = match self {
            Self::Requests { .. } => Places::default(),
            Self::Intervals { extras, .. } => extras,
        };
        places.into_iter().flatten()
    }
}

impl<'a> Tables<'a> {
    pub(super) const fn new(request: &'a TraceRequest) -> Self {
        Self { request, rows: None }
    }

    #[cfg(feature = "parquet")]
    pub(super) const fn request(&self) -> &'a TraceRequest {
        self.request
    }

    /// The place for the rows of the next table, which must be like the tables before.
    pub(super) fn begin(&mut self, name: &str, layout: Layout, has_lines: bool) -> Result<RowSink<'_>, SourceError> {
        let rows = self.rows.get_or_insert_with(|| match layout {
            Layout::Requests { size, .. } => {
                Rows::Requests { bins: EventBins::new(self.request.counting_step()), has_sizes: size.is_some() }
            }
            Layout::Intervals { unit, extras, .. } => Rows::Intervals { files: Vec::new(), unit, extras },
        });
        match (&layout, &*rows) {
            (Layout::Requests { size, .. }, Rows::Requests { has_sizes, .. }) if size.is_some() == *has_sizes => {}
            (Layout::Intervals { unit, extras, .. }, Rows::Intervals { unit: before, extras: others, .. })
                if unit == before && has_same(extras, others) => {}
            _ => return Err(unusable(name, "has other columns than the tables before it; read them one by one")),
        }
        if let Rows::Intervals { files, .. } = rows {
            files.push(RegularRows::new(name, has_lines, layout.extras().count()));
        }
        Ok(RowSink { rows })
    }

    /// Reads one table of text.
    pub(super) fn add_text(&mut self, name: &str, dialect: Dialect, reader: impl Read) -> Result<(), SourceError> {
        let Dialect { skipped, writer, .. } = dialect;
        let zone = self.request.time_zone.clone().unwrap_or(TimeZone::UTC);
        let (mut reader, columns) = with_columns(name, dialect, reader)?;
        let layout = Layout::of(name, &columns, self.request)?;
        let mut sink = self.begin(name, layout, true)?;
        if let (Writer::Kubectl, Rows::Intervals { files, .. }) = (writer, &mut *sink.rows)
            && let Some(file) = files.last_mut()
        {
            file.sum_rows_of_one_time();
        }
        let mut cells = Cells { name, columns: &columns, stamps: StampReader::new(zone), extras: Vec::new(), writer };
        let mut record = csv::ByteRecord::new();
        loop {
            let begin = reader.position().line();
            if !reader.read_byte_record(&mut record).map_err(|error| csv_error(name, begin, error))? {
                return Ok(());
            }
            reader.get_mut().since_row = 0;
            if record.len() == 1 && record[0].trim_ascii().is_empty() {
                continue;
            }
            if writer == Writer::Sadf && is_remark(&record) {
                continue;
            }
            let lines_in_cells = memchr::memchr_iter(b'\n', record.as_slice()).count() as u64;
            let line = reader.position().line().saturating_sub(1 + lines_in_cells) + skipped as u64;
            cells.add(line, &record, layout, &mut sink)?;
        }
    }

    /// The series of all rows. `name` stands for all inputs.
    pub(super) fn finish(self, name: &str) -> Result<Table, SourceError> {
        match self.rows {
            None => Err(unusable(name, "has no rows")),
            Some(Rows::Requests { bins, has_sizes }) => Ok(Table::Requests { events: bins.finish(name)?, has_sizes }),
            Some(Rows::Intervals { files, unit, extras }) => {
                let (observed, columns) = regular(name, files, self.request.step, unit)?;
                let read = (0..extras.len()).filter(|place| extras[*place].is_some());
                let extras = extra::of_columns(observed.start(), observed.step(), read.zip(columns).collect());
                Ok(Table::Intervals(observed, extras))
            }
        }
    }
}

/// The columns of a table of text that may be a load.
pub(super) fn load_columns_of_text(
    name: &str,
    dialect: Dialect,
    reader: impl Read,
) -> Result<Vec<String>, SourceError> {
    let (_, columns) = with_columns(name, dialect, reader)?;
    Ok(columns.into_iter().filter(|column| may_be_load(column)).collect())
}

/// Whether a column of this name may be a load.
pub(super) fn may_be_load(column: &str) -> bool {
    !is_time_name(column) && !is_label(column)
}

/// The rows of a table of text, and the names of its columns.
fn with_columns<'a>(
    name: &str,
    dialect: Dialect,
    reader: impl Read + 'a,
) -> Result<(csv::Reader<Bounded<impl Read + 'a>>, Vec<String>), SourceError> {
    let Dialect { delimiter, skipped, .. } = dialect;
    let reader = after_lines(reader, skipped, delimiter == b' ')
        .map_err(|source| SourceError::Read { name: name.to_owned(), source })?;
    // A line ends at its line feed and the last line is made to have one: only then can every line's number be
    // told. The carriage return before it is trimmed from the last cell.
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        .flexible(true)
        .buffer_capacity(1 << 18)
        .from_reader(Bounded { inner: reader.chain(&b"\n"[..]), since_row: 0 });
    let header = reader.byte_headers().map_err(|error| csv_error(name, 1, error))?;
    let columns = header.iter().map(|cell| column_name(&String::from_utf8_lossy(cell))).collect();
    Ok((reader, columns))
}

/// Takes the rows of one table.
pub(super) struct RowSink<'a> {
    rows: &'a mut Rows,
}

impl RowSink<'_> {
    /// The time of the row before, where rows must be in order.
    pub(super) fn previous(&self) -> Option<i64> {
        match &*self.rows {
            Rows::Requests { .. } => None,
            Rows::Intervals { files, .. } => files.last().and_then(RegularRows::last),
        }
    }

    /// Adds a row: the bytes of a request (none are zero), or the load of an interval and its extras (none is a gap).
    pub(super) fn add(
        &mut self,
        line: u64,
        second: i64,
        value: Option<f64>,
        extras: &[Option<f64>],
    ) -> Result<(), SourceError> {
        match &mut *self.rows {
            Rows::Requests { bins, .. } => bins.add(second, value.unwrap_or(0.0)),
            Rows::Intervals { files, .. } => {
                if let Some(file) = files.last_mut() {
                    file.add(line, second, value, extras)?;
                }
            }
        }
        Ok(())
    }
}

/// Reads the cells of one table of text.
struct Cells<'a> {
    name: &'a str,
    columns: &'a [String],
    stamps: StampReader,
    extras: Vec<Option<f64>>,
    writer: Writer,
}

impl Cells<'_> {
    fn add(
        &mut self,
        line: u64,
        record: &csv::ByteRecord,
        layout: Layout,
        sink: &mut RowSink<'_>,
    ) -> Result<(), SourceError> {
        if record.len() != self.columns.len() {
            let problem = Problem::Ragged { expected: self.columns.len() as u64, found: record.len() as u64 };
            return Err(SourceError::At { name: self.name.to_owned(), place: Place::Line(line), problem });
        }
        let (time, value) = layout.columns();
        let text = String::from_utf8_lossy(&record[time]);
        let second = self
            .stamps
            .read(&text, sink.previous())
            .ok_or_else(|| self.wrong(line, time, Problem::NotATime(shortened(&text))))?;
        // The collector of sysstat wakes up at whole minutes, and some seconds pass until it has written.
        let second = if self.writer == Writer::Sadf { second.div_euclid(60) * 60 } else { second };
        let load = match value {
            Some(column) => self.load(line, column, &record[column], matches!(layout, Layout::Requests { .. }))?,
            None => None,
        };
        self.extras.clear();
        for column in layout.extras() {
            let cell = self.load(line, column, &record[column], false)?;
            self.extras.push(cell);
        }
        sink.add(line, second, load, &self.extras)
    }

    /// The load in a cell; an empty one is none, and so is the `-` that logs write for no size.
    fn load(&self, line: u64, column: usize, cell: &[u8], is_size: bool) -> Result<Option<f64>, SourceError> {
        let cell = cell.trim_ascii();
        if cell.is_empty()
            || cell == b"null"
            || cell == b"undefined"
            || (is_size && (cell == b"-" || cell.eq_ignore_ascii_case(b"nan")))
        {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(cell);
        match text.parse::<f64>().or_else(|error| quantity(&text).ok_or(error)) {
            Ok(value) if is_load(value) => Ok(Some(value)),
            Ok(_) => Err(self.wrong(line, column, Problem::NotALoad(shortened(&text)))),
            Err(_) => Err(self.wrong(line, column, Problem::NotANumber(shortened(&text)))),
        }
    }

    fn wrong(&self, line: u64, column: usize, problem: Problem) -> SourceError {
        let place = Place::Cell { line, column: self.columns[column].clone() };
        SourceError::At { name: self.name.to_owned(), place, problem }
    }
}

/// What follows so many lines; where columns are lined up with blanks, those become single ones.
fn after_lines<'a>(reader: impl Read + 'a, count: usize, is_lined_up: bool) -> io::Result<Box<dyn Read + 'a>> {
    if count == 0 && !is_lined_up {
        return Ok(Box::new(reader));
    }
    let mut reader = BufReader::new(reader);
    for _ in 0..count {
        reader.skip_until(b'\n')?;
    }
    if is_lined_up { Ok(Box::new(SingleBlanks::new(reader))) } else { Ok(Box::new(reader)) }
}

pub(super) fn shortened(text: &str) -> String {
    text.trim().chars().take(60).collect()
}

/// Whether the same extras are read from both, wherever they stand.
fn has_same(one: &Places, other: &Places) -> bool {
    one.iter().zip(other).all(|(one, other)| one.is_some() == other.is_some())
}

/// Refuses to give more bytes than a row may have before somebody says that the row has ended.
struct Bounded<R> {
    inner: R,
    since_row: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row > ROW_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, EndlessRow));
        }
        let count = self.inner.read(buffer)?;
        self.since_row += count as u64;
        Ok(count)
    }
}

/// What [`Bounded`] says.
#[derive(Debug, thiserror::Error)]
#[error("the row does not end")]
struct EndlessRow;

/// What went wrong while the row was read that begins in a line.
fn csv_error(name: &str, line: u64, error: csv::Error) -> SourceError {
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source)
            if source.get_ref().and_then(|inner| inner.downcast_ref::<EndlessRow>()).is_some() =>
        {
            return SourceError::At { name: name.to_owned(), place: Place::Line(line), problem: Problem::LongRow };
        }
        csv::ErrorKind::Io(source) => source,
        other => std::io::Error::other(format!("{other:?}")),
    };
    SourceError::Read { name: name.to_owned(), source }
}
