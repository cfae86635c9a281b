//! Series as files, never half-written: a file appears under its name only once it is whole.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::log::{Row, Traffic};
use crate::{Observed, Unit};

/// Why a file could not be written. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// There is a directory of this name.
    #[error("{}: is a directory; give the name of a file", path.display())]
    Directory {
        /// The path asked for.
        path: PathBuf,
    },
    /// The folder is not there.
    #[error("{}: its folder does not exist; make it first", path.display())]
    NoFolder {
        /// The path asked for.
        path: PathBuf,
    },
    /// The end of the name tells no form that is written here.
    #[error("{}: its form cannot be told; end the name in .csv or .parquet", path.display())]
    Form {
        /// The path asked for.
        path: PathBuf,
    },
    /// A Parquet file, and this build cannot write them.
    #[error("{}: build with the cargo feature `parquet` to write Parquet, or end the name in .csv", path.display())]
    ParquetNotBuiltIn {
        /// The path asked for.
        path: PathBuf,
    },
    /// The system refused, for example for want of space.
    #[error("{}: cannot be written ({source}); nothing was kept", path.display())]
    Io {
        /// The path asked for.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl WriteError {
    /// The same of another path: the one that the user gave, where the file is written elsewhere first.
    #[must_use]
    pub fn at(mut self, asked_for: &Path) -> Self {
        let (Self::Directory { path }
        | Self::NoFolder { path }
        | Self::Form { path }
        | Self::ParquetNotBuiltIn { path }
        | Self::Io { path, .. }) = &mut self;
        asked_for.clone_into(path);
        self
    }
}

/// Writes a file by way of a temporary one in the same folder, which takes its name once all is written.
///
/// # Errors
/// When anything fails; then the file is what it was before.
pub fn write_file(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    // A link is followed, so that its target is replaced and not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&target) {
        Ok(found) if found.is_dir() => return Err(WriteError::Directory { path: path.to_owned() }),
        // A pipe or a device, such as /dev/stdout, has no name to take over.
        Ok(found) if !found.is_file() => {
            let mut writer = BufWriter::new(fs::OpenOptions::new().write(true).open(&target).map_err(failed)?);
            return write(&mut writer).and_then(|()| writer.flush()).map_err(failed);
        }
        _ => {}
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(WriteError::NoFolder { path: path.to_owned() });
    }
    let file = temporary(folder).map_err(failed)?;
    let mut writer = BufWriter::with_capacity(1 << 18, file);
    write(&mut writer).map_err(failed)?;
    let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A temporary file that deletes itself, with the permissions that an ordinary new file has.
fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".dataflow-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// What a file of a series holds beside the time: named columns over the same intervals. Traffic is borrowed and read
/// row by row, so that a year of it is not held twice.
#[derive(Debug, Clone)]
pub struct Columns<'a> {
    names: Vec<String>,
    rows: Rows<'a>,
}

#[derive(Debug, Clone)]
enum Rows<'a> {
    Series(Observed),
    Traffic(&'a Traffic),
    Table { times: Vec<Timestamp>, columns: Vec<Vec<f64>> },
}

/// What a column of traffic holds of a row.
pub type ColumnOfRow = fn(&Row) -> u64;

/// The columns of traffic and what they hold.
pub const COUNTS: [(&str, ColumnOfRow); 7] = [
    ("requests", |row| row.requests),
    ("bytes", |row| row.bytes),
    ("success", |row| row.success),
    ("no_change", |row| row.no_change),
    ("redirected", |row| row.redirected),
    ("not_found", |row| row.not_found),
    ("error", |row| row.error),
];

impl From<Observed> for Columns<'_> {
    /// One column, named `requests`, `bytes` or `value` after what it counts.
    fn from(observed: Observed) -> Self {
        let name = match observed.unit() {
            Unit::Requests => "requests",
            Unit::Bytes => "bytes",
            Unit::Value => "value",
        };
        Self { names: vec![name.to_owned()], rows: Rows::Series(observed) }
    }
}

impl<'a> From<&'a Traffic> for Columns<'a> {
    /// The columns `requests`, `bytes` and the counts by status class.
    fn from(traffic: &'a Traffic) -> Self {
        Self { names: COUNTS.iter().map(|(name, _)| (*name).to_owned()).collect(), rows: Rows::Traffic(traffic) }
    }
}

impl Columns<'_> {
    /// Any columns over any times, one value per time; NaN is a gap.
    pub fn table(times: Vec<Timestamp>, columns: Vec<(String, Vec<f64>)>) -> Self {
        let (names, columns) = columns.into_iter().unzip();
        Self { names, rows: Rows::Table { times, columns } }
    }

    /// The names of the columns beside `time`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of intervals.
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::Series(series) => series.len(),
            Rows::Traffic(traffic) => traffic.len(),
            Rows::Table { times, .. } => times.len(),
        }
    }

    /// Whether there is no interval.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every interval's beginning and the value of one column, by its place in the names; a gap is `None`.
    pub fn column(&self, place: usize) -> Box<dyn Iterator<Item = (Timestamp, Option<f64>)> + '_> {
        match &self.rows {
            Rows::Series(series) => {
                Box::new(series.values().enumerate().map(|(index, value)| (series.time(index), value)))
            }
            Rows::Traffic(traffic) => {
                let (_, count) = COUNTS[place];
                Box::new(traffic.rows().map(move |(time, row)| (time, row.map(|row| count(&row) as f64))))
            }
            Rows::Table { times, columns } => {
                let values = columns[place].iter().map(|value| Some(*value).filter(|value| !value.is_nan()));
                Box::new(times.iter().copied().zip(values))
            }
        }
    }
}

/// A form in which series are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text.
    Csv,
    /// The binary form of columns.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Form {
    /// The form that the end of a name tells: `.csv`, or `.parquet` where the cargo feature is built in. A name without
    /// an end is CSV.
    ///
    /// # Errors
    /// When the end is another one.
    pub fn of(path: &Path) -> Result<Self, WriteError> {
        let end = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
        match end.as_deref() {
            None | Some("csv") => Ok(Self::Csv),
            #[cfg(feature = "parquet")]
            Some("parquet") => Ok(Self::Parquet),
            #[cfg(not(feature = "parquet"))]
            Some("parquet") => Err(WriteError::ParquetNotBuiltIn { path: path.to_owned() }),
            Some(_) => Err(WriteError::Form { path: path.to_owned() }),
        }
    }
}

/// Writes series into a file, in the form that the end of its name tells ([`Form::of`]).
///
/// # Errors
/// When it tells none, or writing fails; then the file is what it was before.
pub fn write_columns(columns: &Columns<'_>, path: &Path) -> Result<(), WriteError> {
    match Form::of(path)? {
        Form::Csv => write_file(path, |writer| write_csv(columns, writer)),
        #[cfg(feature = "parquet")]
        Form::Parquet => write_file(path, |writer| super::write_parquet(columns, writer)),
    }
}

/// Writes series as CSV with the columns `time` (RFC 3339, UTC) and those named, one row per interval. Numbers are in
/// the shortest form that is read back as the same number; a gap is an empty cell.
///
/// # Errors
/// When the writer fails.
pub fn write_csv(columns: &Columns<'_>, mut writer: impl Write) -> io::Result<()> {
    writeln!(writer, "time,{}", columns.names.join(","))?;
    match &columns.rows {
        Rows::Table { times, columns } => {
            for (index, time) in times.iter().enumerate() {
                write!(writer, "{time}")?;
                for value in columns.iter().filter_map(|column| column.get(index)) {
                    if value.is_nan() { writer.write_all(b",")? } else { write!(writer, ",{value}")? }
                }
                writer.write_all(b"\n")?;
            }
        }
        Rows::Series(_) => {
            for (time, value) in columns.column(0) {
                match value {
                    Some(value) => writeln!(writer, "{time},{value}")?,
                    None => writeln!(writer, "{time},")?,
                }
            }
        }
        Rows::Traffic(traffic) => {
            for (time, row) in traffic.rows() {
                write!(writer, "{time}")?;
                for (_, count) in COUNTS {
                    match &row {
                        Some(row) => write!(writer, ",{}", count(row))?,
                        None => writer.write_all(b",")?,
                    }
                }
                writer.write_all(b"\n")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("series.csv");
        fs::write(&path, "old").unwrap();
        let error = write_file(&path, |writer| {
            writer.write_all(&vec![b'x'; 1 << 20])?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(error.unwrap_err().to_string().contains("nothing was kept"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
        write_file(&path, |writer| writer.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn impossible_places_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| write_file(path, |writer| writer.write_all(b"x")).unwrap_err().to_string();
        assert!(refused(folder.path()).ends_with("is a directory; give the name of a file"));
        assert!(refused(&folder.path().join("absent/series.csv")).ends_with("make it first"));
        #[cfg(target_os = "linux")]
        assert!(refused(Path::new("/dev/full")).contains("cannot be written"));
    }
}
