//! What can be wrong with a trace. Every message says where, what was expected and how to mend it.

use std::fmt;
use std::io;

use jiff::Timestamp;

use crate::log::LogError;
use crate::synth::SyntheticError;
use crate::{OpenError, SeriesError, Step};

/// Why a trace could not be read. `name` is the path of the input, or `standard input`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// No file of this name.
    #[error(
        "{name}: no such file; give a file, a pattern such as 'logs/*.gz', - for standard input, or synthetic:NAME"
    )]
    Missing {
        /// The name of the input.
        name: String,
    },
    /// The input cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Reading failed half-way: a broken device, a truncated or damaged compressed file.
    #[error("{name}: {source}")]
    Read {
        /// The name of the input.
        name: String,
        /// What went wrong.
        source: io::Error,
    },
    /// Nothing in it.
    #[error("{name}: is empty; expected an access log, a table with a time column, or numbers")]
    Empty {
        /// The name of the input.
        name: String,
    },
    /// Not text, and no binary form that is read here.
    #[error("{name}: is {kind}, not an access log, a table or numbers{hint}")]
    Binary {
        /// The name of the input.
        name: String,
        /// What it seems to be.
        kind: &'static str,
        /// How to mend it.
        hint: &'static str,
    },
    /// A Parquet file, and this build cannot read them.
    #[error("{name}: is a Parquet file; build with the cargo feature `parquet` to read it, or convert it to CSV")]
    ParquetNotBuiltIn {
        /// The name of the input.
        name: String,
    },
    /// A place elsewhere that does not give what was asked of it.
    #[error("{name}: {problem}")]
    Remote {
        /// The place, without credentials.
        name: String,
        /// What is wrong and how to mend it.
        problem: String,
    },
    /// A pattern that is wrong or fits no file.
    #[error("{pattern}: {problem}; patterns are such as 'logs/*.gz' or 'logs/**/access.log'")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An input that cannot be used as asked: with the inputs before it, or with one of the settings.
    #[error("{name}: {problem}")]
    Unusable {
        /// The name of the input.
        name: String,
        /// Why not and what to do.
        problem: String,
    },
    /// A table that lacks a column, or of which the right column cannot be told.
    #[error("{name}: {problem}; its columns are {}", Listed(columns))]
    Column {
        /// The name of the input.
        name: String,
        /// What is missing and how to mend it.
        problem: String,
        /// The columns found.
        columns: Vec<String>,
    },
    /// One place in a file is wrong.
    #[error("{name}, {place}: {problem}")]
    At {
        /// The name of the input.
        name: String,
        /// Where in it.
        place: Place,
        /// What is wrong there and what was expected.
        problem: Problem,
    },
    /// The step cannot be told from the rows.
    #[error("{name}: its interval cannot be told from {rows} row{}; give the step", if *rows == 1 { "" } else { "s" })]
    StepUnknown {
        /// The name of the input.
        name: String,
        /// Number of rows.
        rows: usize,
    },
    /// More intervals than can be meant.
    #[error(
        "{name}: from {start} to {end} there are {intervals} intervals of {step}, more than {}; check the first and the last time, or choose a longer interval",
        super::INTERVALS_MAX
    )]
    TooLong {
        /// The name of the input.
        name: String,
        /// The first instant.
        start: Timestamp,
        /// The last instant.
        end: Timestamp,
        /// The interval.
        step: Step,
        /// How many intervals that makes.
        intervals: u64,
    },
    /// What was read does not make the series asked for.
    #[error("{name}: {source}")]
    Series {
        /// The name of the input.
        name: String,
        /// Why not.
        source: SeriesError,
    },
    /// Access logs that cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// No such synthetic traffic.
    #[error(transparent)]
    Synthetic(#[from] SyntheticError),
    /// A Parquet file that cannot be decoded.
    #[error("{name}: cannot be read as Parquet ({problem})")]
    Parquet {
        /// The name of the input.
        name: String,
        /// What the reader says.
        problem: String,
    },
}

/// Where in a file something is wrong, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A line of a text.
    Line(u64),
    /// A line of a table, and the column's name.
    Cell {
        /// The line.
        line: u64,
        /// The name of the column.
        column: String,
    },
    /// A row of a table that has no lines.
    Row(u64),
    /// A row of a table that has no lines, and the column's name.
    RowCell {
        /// The row.
        row: u64,
        /// The name of the column.
        column: String,
    },
    /// One of many numbers.
    Number {
        /// The line it is on.
        line: u64,
        /// Which number of the file.
        number: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(formatter, "line {line}"),
            Self::Cell { line, column } => write!(formatter, "line {line}, column {column:?}"),
            Self::Row(row) => write!(formatter, "row {row}"),
            Self::RowCell { row, column } => write!(formatter, "row {row}, column {column:?}"),
            Self::Number { line, number } => write!(formatter, "line {line}, number {number}"),
        }
    }
}

/// What is wrong at a [`Place`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A text where a number should be.
    #[error("{0:?} is not a number; a load is a finite number of at least zero")]
    NotANumber(String),
    /// A number that is no load.
    #[error(
        "{0} is not a load; a load is a finite number of at least zero, and a gap is an empty cell or a missing row"
    )]
    NotALoad(String),
    /// A text where a time should be.
    #[error(
        "{0:?} is not a time; write 1995-07-01T04:00:00Z, 1995-07-01 04:00:00 (meant in the time zone asked for), \
         01/Jul/1995:00:00:00 -0400, or seconds or milliseconds since 1970"
    )]
    NotATime(String),
    /// A row with more or fewer cells than the header.
    #[error("{found} cells, but the header has {expected}")]
    Ragged {
        /// Columns of the header.
        expected: u64,
        /// Cells of the row.
        found: u64,
    },
    /// A row that does not end.
    #[error("the row that begins here is longer than {} MiB; a quote may be open, or the file is no table", super::table::ROW_BYTES_MAX >> 20)]
    LongRow,
    /// A time before the one above.
    #[error("{time} comes after {previous}; sort the rows by time")]
    Unsorted {
        /// The time of this row.
        time: Timestamp,
        /// The time of the row above.
        previous: Timestamp,
    },
    /// The same time twice.
    #[error("{0} is there twice; keep one row for each time (local times that clocks repeat need their UTC offset)")]
    Duplicate(Timestamp),
    /// A time between two intervals.
    #[error("{time} does not lie on the grid of {step} that starts at {start}; correct the row or give another step")]
    OffGrid {
        /// The time of this row.
        time: Timestamp,
        /// The grid's step.
        step: Step,
        /// The first time.
        start: Timestamp,
    },
}

/// An input that cannot be used as asked.
pub(super) fn unusable(name: &str, problem: impl Into<String>) -> SourceError {
    SourceError::Unusable { name: name.to_owned(), problem: problem.into() }
}

struct Listed<'a>(&'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            write!(formatter, "{}{name:?}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
