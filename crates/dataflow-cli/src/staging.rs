//! Result files that appear all together or not at all: written into a hidden folder beside their place, then renamed.
//! An interrupt (Ctrl-C, a termination) removes the hidden folders and leaves nothing half-written.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::failure::Failure;

/// What an interrupt must remove, innermost last. Held while files are renamed, so that none is missed.
static STAGED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Files to be written. Dropping it without [`Self::commit`] removes everything.
#[derive(Debug, Default)]
pub(crate) struct Staging {
    folders: Vec<tempfile::TempDir>,
    /// Folders made for the results, removed again where they stay empty.
    made: Vec<PathBuf>,
    /// Where each file is written and where it belongs.
    files: Vec<(PathBuf, PathBuf)>,
}

impl Staging {
    /// A folder for results, made if it is not there.
    ///
    /// # Errors
    /// When it is no folder or cannot be made.
    pub(crate) fn folder(&mut self, folder: &Path) -> Result<(), Failure> {
        if folder.is_dir() {
            return Ok(());
        }
        if folder.exists() {
            return Err(Failure::Input(format!("{}: is a file; expected a folder for the results", folder.display())));
        }
        fs::create_dir(folder).map_err(|error| unwritable(folder, &error))?;
        lock().push(folder.to_owned());
        self.made.push(folder.to_owned());
        Ok(())
    }

    /// The path to which to write what belongs at `target`; its name is the target's.
    ///
    /// # Errors
    /// When the target is a folder or that of another file, or its folder is not there or cannot be written to.
    pub(crate) fn file(&mut self, target: &Path) -> Result<PathBuf, Failure> {
        if target.is_dir() {
            return Err(Failure::Input(format!("{}: is a folder; expected the name of a file", target.display())));
        }
        // A link keeps pointing where it points: the file behind it is replaced.
        let target = target.canonicalize().unwrap_or_else(|_| target.to_owned());
        let Some(name) = target.file_name() else {
            return Err(Failure::Input(format!("{}: is not the name of a file", target.display())));
        };
        // However differently the two are written.
        let place = |target: &Path| Some(parent(target).canonicalize().ok()?.join(target.file_name()?));
        let is_taken = self.files.iter().any(|(_, other)| place(other) == place(&target) && !is_device(other));
        if is_taken {
            let message = "is asked for twice; give every result a file of its own";
            return Err(Failure::Input(format!("{}: {message}", target.display())));
        }
        let beside = if is_device(&target) { std::env::temp_dir() } else { parent(&target).to_owned() };
        let folder = tempfile::Builder::new()
            .prefix(".dataflow-")
            .tempdir_in(&beside)
            .map_err(|error| unwritable(&target, &error))?;
        let path = folder.path().join(name);
        lock().push(folder.path().to_owned());
        self.folders.push(folder);
        self.files.push((path.clone(), target));
        Ok(path)
    }

    /// Puts every file in its place.
    ///
    /// # Errors
    /// When the disk is full or a place cannot be written to.
    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        for (path, target) in &self.files {
            File::open(path).and_then(|file| file.sync_all()).map_err(|error| unwritable(target, &error))?;
        }
        let mut staged = lock();
        // Renames hardly ever fail, so what may well fail comes first: devices.
        self.files.sort_by_key(|(_, target)| !is_device(target));
        for (path, target) in &self.files {
            place(path, target).map_err(|error| unwritable(target, &error))?;
        }
        staged.clear();
        drop(staged);
        self.made.clear();
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.folders.clear();
        for folder in self.made.drain(..) {
            // Fails where something is in it, which then is not ours.
            let _ = fs::remove_dir(folder);
        }
        lock().clear();
    }
}

/// Makes interrupts remove what is staged and end the program as failed work.
pub(crate) fn clear_on_interrupt() {
    // Where no handler can be set, the system's own ends the program, and only hidden folders may be left.
    let _ = ctrlc::set_handler(|| {
        let staged = lock();
        for folder in staged.iter().rev() {
            let _ = fs::remove_dir_all(folder);
        }
        let message = if staged.is_empty() { "interrupted" } else { "interrupted; nothing was written" };
        crate::output::error(&Failure::Work(message.to_owned()));
        std::process::exit(1);
    });
}

fn lock() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    STAGED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parent(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether the path is there but no plain file, such as /dev/null: it is written to, never replaced.
fn is_device(target: &Path) -> bool {
    fs::metadata(target).is_ok_and(|metadata| !metadata.is_file())
}

fn place(path: &Path, target: &Path) -> io::Result<()> {
    if !is_device(target) {
        return fs::rename(path, target);
    }
    let mut device = File::options().write(true).open(target)?;
    io::copy(&mut File::open(path)?, &mut device)?;
    Ok(())
}

fn unwritable(target: &Path, error: &io::Error) -> Failure {
    let message = format!("{}: cannot be written: {error}", target.display());
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            Failure::Input(format!("{message}; make its folder first"))
        }
        _ => Failure::Work(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_appear_together_and_only_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path().join("results");
        let write = |keep: bool| {
            let mut staging = Staging::default();
            staging.folder(&results).unwrap();
            for name in ["a.csv", "b.csv"] {
                fs::write(staging.file(&results.join(name)).unwrap(), name).unwrap();
            }
            assert!(!results.join("a.csv").exists());
            if keep {
                staging.commit().unwrap();
            }
        };
        write(false);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        write(true);
        assert_eq!(fs::read_dir(&results).unwrap().count(), 2);
        assert_eq!(fs::read_to_string(results.join("b.csv")).unwrap(), "b.csv");
    }

    #[test]
    fn a_file_is_promised_once() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let mut staging = Staging::default();
        staging.file(&folder.path().join("a.csv")).unwrap();
        staging.file(&folder.path().join("b.csv")).unwrap();
        staging.file(&inner.join("a.csv")).unwrap();
        let again = staging.file(&inner.join("../a.csv")).unwrap_err().to_string();
        assert!(again.ends_with("a.csv: is asked for twice; give every result a file of its own"), "{again}");
        for _ in 0..2 {
            staging.file(Path::new("/dev/null")).unwrap();
        }
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let mut staging = Staging::default();
        fs::write(staging.file(Path::new("/dev/null")).unwrap(), "x").unwrap();
        staging.commit().unwrap();
        assert!(is_device(Path::new("/dev/null")));
    }
}
