//! Series as files, never half-written: a file appears under its name only once it is whole.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::Observed;

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
pub fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), WriteError> {
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

/// Writes a series as `time,requests` (or `bytes`, or `value`), one row per interval, times in RFC 3339 UTC. Numbers
/// are in the shortest form that is read back as the same number; a gap is an empty cell.
///
/// # Errors
/// When the writer fails.
pub fn write_csv(observed: &Observed, mut writer: impl Write) -> io::Result<()> {
    writeln!(writer, "time,{}", observed.unit())?;
    for (index, value) in observed.values().enumerate() {
        match value {
            Some(value) => writeln!(writer, "{},{value}", observed.time(index))?,
            None => writeln!(writer, "{},", observed.time(index))?,
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
