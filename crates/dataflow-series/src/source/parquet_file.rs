//! Parquet files, by the columns that are needed and without a detour over rows or Arrow.
//!
//! The time column may be a timestamp of any unit, a date, a text, or seconds or milliseconds since 1970; the load any
//! whole or floating-point number. A null load is a gap.

use std::fs::File;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::tz::TimeZone;
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as PhysicalType, ZstdLevel};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnDescriptor, Type};

use super::Columns;
use super::error::{Place, Problem, SourceError};
use super::stamp::StampReader;
use super::table::{Layout, Tables, may_be_load, shortened};
use crate::series::is_load;

/// Rows of one row group: small enough to be held whole by any reader.
const ROW_GROUP_ROWS: usize = 1 << 17;

/// The columns of a Parquet file that may be a load.
pub(super) fn load_columns_of_parquet(name: &str, file: File) -> Result<Vec<String>, SourceError> {
    let wrong = |problem: String| SourceError::Parquet { name: name.to_owned(), problem };
    // The decoder panics on some damaged files.
    let reader = catch_unwind(AssertUnwindSafe(|| SerializedFileReader::new(file)));
    let reader = reader.map_err(|_| wrong("it is damaged".to_owned()))?.map_err(|error| wrong(error.to_string()))?;
    let columns = reader.metadata().file_metadata().schema_descr().columns();
    Ok(columns.iter().map(|column| column.path().string()).filter(|column| may_be_load(column)).collect())
}

impl Tables<'_> {
    /// Reads one Parquet file.
    pub(super) fn add_parquet(&mut self, name: &str, file: File) -> Result<(), SourceError> {
        // The decoder panics on some damaged files; what it then leaves in `self` is given up with the error.
        catch_unwind(AssertUnwindSafe(|| self.decode(name, file))).unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            let problem = format!("it is damaged: {}", said.unwrap_or("the decoder gave up"));
            Err(SourceError::Parquet { name: name.to_owned(), problem })
        })
    }

    fn decode(&mut self, name: &str, file: File) -> Result<(), SourceError> {
        let failed = |error: ParquetError| SourceError::Parquet { name: name.to_owned(), problem: error.to_string() };
        let reader = SerializedFileReader::new(file).map_err(failed)?;
        let descriptors: Vec<_> = reader.metadata().file_metadata().schema_descr().columns().to_vec();
        let columns: Vec<String> = descriptors.iter().map(|column| column.path().string()).collect();
        let layout = Layout::of(name, &columns, self.request())?;
        let (time, value) = layout.columns();
        let zone = self.request().time_zone.clone().unwrap_or(TimeZone::UTC);
        let mut stamps = StampReader::new(zone);
        let mut sink = self.begin(name, layout, false)?;
        let mut row = 0;
        for index in 0..reader.num_row_groups() {
            let group = reader.get_row_group(index).map_err(failed)?;
            let times = times(group.as_ref(), time, &descriptors[time])
                .map_err(failed)?
                .ok_or_else(|| unreadable(name, &columns[time], "times"))?;
            let loads = match value {
                Some(value) => loads(group.as_ref(), value, &descriptors[value])
                    .map_err(failed)?
                    .ok_or_else(|| unreadable(name, &columns[value], "numbers"))?,
                None => vec![None; times.len()],
            };
            let mut extras = Vec::new();
            for column in layout.extras() {
                let values = self::loads(group.as_ref(), column, &descriptors[column]).map_err(failed)?;
                extras.push((column, values.ok_or_else(|| unreadable(name, &columns[column], "numbers"))?));
            }
            for (index, (time_cell, load)) in times.into_iter().zip(loads).enumerate() {
                row += 1;
                let wrong = |column: usize, problem| SourceError::At {
                    name: name.to_owned(),
                    place: Place::RowCell { row, column: columns[column].clone() },
                    problem,
                };
                let second = time_cell
                    .second(&mut stamps, sink.previous())
                    .map_err(|text| wrong(time, Problem::NotATime(shortened(&text))))?;
                let others: Vec<Option<f64>> =
                    extras.iter().map(|(_, values)| values.get(index).copied().flatten()).collect();
                let cells = [(value.unwrap_or(time), load)].into_iter();
                let cells = cells.chain(extras.iter().map(|(column, _)| *column).zip(others.iter().copied()));
                for (column, cell) in cells {
                    if let Some(bad) = cell.filter(|value| !is_load(*value)) {
                        return Err(wrong(column, Problem::NotALoad(bad.to_string())));
                    }
                }
                sink.add(row, second, load, &others)?;
            }
        }
        Ok(())
    }
}

fn unreadable(name: &str, column: &str, wanted: &str) -> SourceError {
    let problem = format!("column {column:?} does not hold {wanted}");
    SourceError::Parquet { name: name.to_owned(), problem }
}

/// One cell of a time column.
#[derive(Clone)]
enum TimeCell {
    Null,
    Instant(i64),
    /// Seconds since 1970 by a clock of unknown zone.
    Local(i64),
    Text(String),
}

impl TimeCell {
    /// The second, or the text that is none.
    fn second(self, stamps: &mut StampReader, previous: Option<i64>) -> Result<i64, String> {
        match self {
            Self::Null => Err("null".to_owned()),
            Self::Instant(second) => Ok(second),
            Self::Local(second) => stamps.local(second, previous).ok_or_else(|| second.to_string()),
            Self::Text(text) => stamps.read(&text, previous).ok_or(text),
        }
    }
}

/// The times of a row group; `None` where the column's type is none of times.
fn times(
    group: &dyn RowGroupReader,
    column: usize,
    descriptor: &ColumnDescriptor,
) -> Result<Option<Vec<TimeCell>>, ParquetError> {
    let rows = rows_of(group);
    let form = TimeForm::of(descriptor);
    let from_whole = |value: i64| match form {
        TimeForm::Units { per_second, is_utc: true } => TimeCell::Instant(value.div_euclid(per_second)),
        TimeForm::Units { per_second, is_utc: false } => TimeCell::Local(value.div_euclid(per_second)),
        TimeForm::Days => TimeCell::Local(value.saturating_mul(86_400)),
        TimeForm::Plain => TimeCell::Text(value.to_string()),
    };
    let cells = match group.get_column_reader(column)? {
        ColumnReader::Int64ColumnReader(reader) => cells(reader, rows, descriptor, |value| from_whole(*value))?,
        ColumnReader::Int32ColumnReader(reader) => {
            cells(reader, rows, descriptor, |value| from_whole(i64::from(*value)))?
        }
        // The oldest form, always in UTC.
        ColumnReader::Int96ColumnReader(reader) => {
            cells(reader, rows, descriptor, |value| TimeCell::Instant(value.to_seconds()))?
        }
        ColumnReader::DoubleColumnReader(reader) => {
            cells(reader, rows, descriptor, |value| TimeCell::Text(value.to_string()))?
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            cells(reader, rows, descriptor, |value| TimeCell::Text(String::from_utf8_lossy(value.data()).into_owned()))?
        }
        _ => return Ok(None),
    };
    Ok(Some(cells.into_iter().map(|cell| cell.unwrap_or(TimeCell::Null)).collect()))
}

/// What the whole numbers of a time column mean.
#[derive(Clone, Copy)]
enum TimeForm {
    Units { per_second: i64, is_utc: bool },
    Days,
    Plain,
}

impl TimeForm {
    fn of(descriptor: &ColumnDescriptor) -> Self {
        match (descriptor.logical_type_ref(), descriptor.converted_type()) {
            (Some(LogicalType::Timestamp(timestamp)), _) => Self::Units {
                per_second: match timestamp.unit {
                    TimeUnit::MILLIS => 1_000,
                    TimeUnit::MICROS => 1_000_000,
                    TimeUnit::NANOS => 1_000_000_000,
                },
                is_utc: timestamp.is_adjusted_to_u_t_c,
            },
            (Some(LogicalType::Date), _) | (None, ConvertedType::DATE) => Self::Days,
            (None, ConvertedType::TIMESTAMP_MILLIS) => Self::Units { per_second: 1_000, is_utc: true },
            (None, ConvertedType::TIMESTAMP_MICROS) => Self::Units { per_second: 1_000_000, is_utc: true },
            _ => Self::Plain,
        }
    }
}

/// The loads of a row group; `None` where the column's type is none of plain numbers.
fn loads(
    group: &dyn RowGroupReader,
    column: usize,
    descriptor: &ColumnDescriptor,
) -> Result<Option<Vec<Option<f64>>>, ParquetError> {
    use ConvertedType::{INT_8, INT_16, INT_32, INT_64, NONE, UINT_8, UINT_16, UINT_32, UINT_64};
    let rows = rows_of(group);
    let is_unsigned = match descriptor.logical_type_ref() {
        Some(LogicalType::Integer(integer)) => !integer.is_signed,
        // Decimals, dates and the like are stored as whole numbers too, but mean something else.
        Some(_) => return Ok(None),
        None => match descriptor.converted_type() {
            UINT_8 | UINT_16 | UINT_32 | UINT_64 => true,
            NONE | INT_8 | INT_16 | INT_32 | INT_64 => false,
            _ => return Ok(None),
        },
    };
    Ok(Some(match group.get_column_reader(column)? {
        ColumnReader::DoubleColumnReader(reader) => cells(reader, rows, descriptor, |value| *value)?,
        ColumnReader::FloatColumnReader(reader) => cells(reader, rows, descriptor, |value| f64::from(*value))?,
        ColumnReader::Int64ColumnReader(reader) => {
            cells(
                reader,
                rows,
                descriptor,
                |value| {
                    if is_unsigned { value.cast_unsigned() as f64 } else { *value as f64 }
                },
            )?
        }
        ColumnReader::Int32ColumnReader(reader) => cells(reader, rows, descriptor, |value| {
            if is_unsigned { f64::from(value.cast_unsigned()) } else { f64::from(*value) }
        })?,
        _ => return Ok(None),
    }))
}

fn rows_of(group: &dyn RowGroupReader) -> usize {
    usize::try_from(group.metadata().num_rows()).unwrap_or(0)
}

/// All cells of a column of a row group; `None` is null.
fn cells<T: DataType, Cell>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    descriptor: &ColumnDescriptor,
    convert: impl Fn(&T::T) -> Cell,
) -> Result<Vec<Option<Cell>>, ParquetError> {
    if descriptor.max_rep_level() > 0 || descriptor.max_def_level() > 1 {
        return Err(ParquetError::General(format!("column {:?} is nested", descriptor.path().string())));
    }
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (records, _, _) = reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if records != rows {
        return Err(ParquetError::General(format!("{records} rows where {rows} were promised")));
    }
    if descriptor.max_def_level() == 0 {
        return Ok(values.iter().map(|value| Some(convert(value))).collect());
    }
    let mut values = values.iter();
    Ok(levels.iter().map(|level| if *level == 1 { values.next().map(&convert) } else { None }).collect())
}

/// Writes series as Parquet: the time in milliseconds UTC, the loads as doubles, a gap as null.
///
/// # Errors
/// When the writer fails.
pub fn write_parquet(columns: &Columns<'_>, writer: impl Write + Send) -> std::io::Result<()> {
    let level = ZstdLevel::try_new(3).map_err(to_io)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let schema = Arc::new(schema(columns).map_err(to_io)?);
    let mut file = SerializedFileWriter::new(writer, schema, Arc::new(properties)).map_err(to_io)?;
    let mut first = 0;
    while first < columns.len() {
        let last = columns.len().min(first + ROW_GROUP_ROWS);
        let mut group = file.next_row_group().map_err(to_io)?;
        write_group(columns, first..last, &mut group).map_err(to_io)?;
        group.close().map_err(to_io)?;
        first = last;
    }
    file.close().map(|_| ()).map_err(to_io)
}

fn schema(columns: &Columns<'_>) -> Result<Type, ParquetError> {
    let time = Type::primitive_type_builder("time", PhysicalType::INT64)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::timestamp(true, TimeUnit::MILLIS)))
        .build()?;
    let mut fields = vec![Arc::new(time)];
    for name in columns.names() {
        let load = Type::primitive_type_builder(name, PhysicalType::DOUBLE).with_repetition(Repetition::OPTIONAL);
        fields.push(Arc::new(load.build()?));
    }
    Type::group_type_builder("series").with_fields(fields).build()
}

fn write_group<W: Write + Send>(
    columns: &Columns<'_>,
    rows: std::ops::Range<usize>,
    group: &mut SerializedRowGroupWriter<'_, W>,
) -> Result<(), ParquetError> {
    let part = |place: usize| columns.column(place).skip(rows.start).take(rows.len());
    let times: Vec<i64> = part(0).map(|(time, _)| time.as_millisecond()).collect();
    if let Some(mut column) = group.next_column()? {
        column.typed::<Int64Type>().write_batch(&times, None, None)?;
        column.close()?;
    }
    for place in 0..columns.names().len() {
        let Some(mut column) = group.next_column()? else { break };
        let loads: Vec<Option<f64>> = part(place).map(|(_, load)| load).collect();
        let levels: Vec<i16> = loads.iter().map(|load| i16::from(load.is_some())).collect();
        let values: Vec<f64> = loads.into_iter().flatten().collect();
        column.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
        column.close()?;
    }
    Ok(())
}

fn to_io(error: ParquetError) -> std::io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(error) => *error,
            Err(other) => std::io::Error::other(other),
        },
        other => std::io::Error::other(other),
    }
}
