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

/// Series over the same intervals, each with the name of its column: what a file of a series holds beside the time.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    names: Vec<&'static str>,
    series: Vec<Observed>,
}

impl From<Observed> for Columns {
    /// One column, named `requests`, `bytes` or `value` after what it counts.
    fn from(observed: Observed) -> Self {
        let name = match observed.unit() {
            Unit::Requests => "requests",
            Unit::Bytes => "bytes",
            Unit::Value => "value",
        };
        Self { names: vec![name], series: vec![observed] }
    }
}

impl From<&Traffic> for Columns {
    /// The columns `requests`, `bytes` and the counts by status class.
    fn from(traffic: &Traffic) -> Self {
        type Count = fn(&Row) -> u64;
        let counts: [(&'static str, Unit, Count); 7] = [
            ("requests", Unit::Requests, |row| row.requests),
            ("bytes", Unit::Bytes, |row| row.bytes),
            ("success", Unit::Requests, |row| row.success),
            ("no_change", Unit::Requests, |row| row.no_change),
            ("redirected", Unit::Requests, |row| row.redirected),
            ("not_found", Unit::Requests, |row| row.not_found),
            ("error", Unit::Requests, |row| row.error),
        ];
        let series = counts.iter().map(|(_, unit, count)| {
            let values = traffic.rows().map(|(_, row)| row.map_or(f64::NAN, |row| count(&row) as f64));
            Observed::from_raw(traffic.start(), traffic.step(), *unit, values.collect())
        });
        Self { names: counts.iter().map(|(name, ..)| *name).collect(), series: series.collect() }
    }
}

impl Columns {
    /// The names of the columns beside `time`.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The columns beside `time`.
    pub fn series(&self) -> &[Observed] {
        &self.series
    }

    /// Number of intervals.
    pub fn len(&self) -> usize {
        self.series.first().map_or(0, Observed::len)
    }

    /// Whether there is no interval.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The instant at which an interval begins.
    pub fn time(&self, index: usize) -> Timestamp {
        self.series.first().map_or(Timestamp::UNIX_EPOCH, |series| series.time(index))
    }
}

/// Writes series into a file, in the form that the end of its name tells: `.csv`, or `.parquet` where the cargo feature
/// is built in. A name without an end is CSV.
///
/// # Errors
/// When the end is another one, or writing fails; then the file is what it was before.
pub fn write_columns(columns: &Columns, path: &Path) -> Result<(), WriteError> {
    let end = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
    match end.as_deref() {
        None | Some("csv") => write_file(path, |writer| write_csv(columns, writer)),
        #[cfg(feature = "parquet")]
        Some("parquet") => write_file(path, |writer| super::write_parquet(columns, writer)),
        #[cfg(not(feature = "parquet"))]
        Some("parquet") => Err(WriteError::ParquetNotBuiltIn { path: path.to_owned() }),
        Some(_) => Err(WriteError::Form { path: path.to_owned() }),
    }
}

/// Writes series as CSV with the columns `time` (RFC 3339, UTC) and those named, one row per interval. Numbers are in
/// the shortest form that is read back as the same number; a gap is an empty cell.
///
/// # Errors
/// When the writer fails.
pub fn write_csv(columns: &Columns, mut writer: impl Write) -> io::Result<()> {
    writeln!(writer, "time,{}", columns.names.join(","))?;
    for index in 0..columns.len() {
        write!(writer, "{}", columns.time(index))?;
        for series in &columns.series {
            match series.get(index) {
                Some(value) => write!(writer, ",{value}")?,
                None => writer.write_all(b",")?,
            }
        }
        writer.write_all(b"\n")?;
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
