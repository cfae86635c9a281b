//! Fetches a data set: one fetch at a time, received beside its place, checked, and only then put there.

use std::fmt::Write as _;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dataflow_series::source::is_web_page;
use dataflow_series::{Compression, OpenError, decompress, read_up_to};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::download::Download;
use super::{DataSet, Fetched, Folder, Place, beside};
use crate::Variables;
use crate::address::Address;
use crate::client::{Client, Patience};

const BUFFER_BYTES: usize = 256 * 1024;

/// How a data set is fetched.
#[derive(Debug, Clone, Default)]
pub struct FetchOptions {
    /// The address below which the file is, or the file's own, instead of where it usually is.
    pub mirror: Option<String>,
    /// Fetches what is there already once more.
    pub force: bool,
    /// How long is waited.
    pub patience: Patience,
}

/// What a fetch is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The file comes in; so many bytes of it are there already, from an attempt before.
    Receiving {
        /// Bytes that are there.
        received: u64,
        /// Bytes of the whole file, where the server tells.
        total: Option<u64>,
    },
    /// So many bytes more have come in.
    Received {
        /// Bytes.
        bytes: u64,
    },
    /// An attempt failed, and another is made after a while.
    Waiting {
        /// Why it failed.
        problem: &'a str,
        /// How long is waited.
        wait: Duration,
    },
    /// Everything came in; its content is being checked.
    Checking,
}

/// Why a data set was not fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// What was asked for cannot be done.
    #[error("{0}")]
    Usage(String),
    /// It was tried and failed.
    #[error("{0}")]
    Failed(String),
}

/// Fetches a data set into the folder and says what was fetched; `None` where it was there already.
///
/// # Errors
/// When the mirror is no address, this build cannot ask the hub, another fetch of the same is under way, the server does
/// not give the file, its content is not the one known, or the folder cannot be written to.
pub fn fetch(
    set: &DataSet,
    folder: &Folder,
    variables: &Variables,
    options: &FetchOptions,
    tell: &dyn Fn(Event<'_>),
) -> Result<Option<Fetched>, FetchError> {
    let target = folder.path(set);
    if target.is_file() && !options.force {
        return Ok(None);
    }
    let web = match (&options.mirror, set.place) {
        (Some(mirror), _) => Some(mirrored(mirror, set.file)?),
        (None, Place::Web(url)) => Some(Address::parse(url).map_err(FetchError::Usage)?),
        (None, Place::Hub(_)) => None,
    };
    if web.is_none() && set.lacks_feature() {
        return Err(FetchError::Usage(format!(
            "{}: is on the Hugging Face hub, which this build does not ask; build with the cargo feature `hub`, or name a \
             web address below which {} is with --mirror",
            set.name, set.file
        )));
    }
    let place = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(place).map_err(|error| unwritable(place, &error))?;
    let lock = beside(&target, "lock");
    let _held = locked(&lock, set.name)?;
    let part = beside(&target, "part");
    let from = match &web {
        Some(address) => {
            let client = Client::new(address, variables, options.patience.silence).map_err(FetchError::Usage)?;
            let (patience, state) = (options.patience, beside(&part, "json"));
            let needs_end = !set.is_known();
            Download { client: &client, address, patience, needs_end, part: part.clone(), state, tell }.run()?;
            address.shown().to_owned()
        }
        None => from_hub(set, variables, &part, options, tell)?,
    };
    tell(Event::Checking);
    let fetched = checked(set, &part, &from).inspect_err(|_| {
        // What is wrong as a whole cannot be gone on with.
        forget(&[part.clone(), beside(&part, "json")]);
    })?;
    settle(&part, &target, &fetched).map_err(|error| unwritable(&target, &error))?;
    forget(&[beside(&part, "json"), lock]);
    Ok(Some(fetched))
}

#[cfg(feature = "hub")]
fn from_hub(
    set: &DataSet,
    variables: &Variables,
    part: &Path,
    options: &FetchOptions,
    tell: &dyn Fn(Event<'_>),
) -> Result<String, FetchError> {
    match set.place {
        Place::Hub(repository) => super::hub::receive(repository, set.file, variables, part, options.patience, tell),
        Place::Web(url) => Ok(url.to_owned()),
    }
}

/// Never called: what needs the hub was refused before.
#[cfg(not(feature = "hub"))]
fn from_hub(
    set: &DataSet,
    _: &Variables,
    _: &Path,
    _: &FetchOptions,
    _: &dyn Fn(Event<'_>),
) -> Result<String, FetchError> {
    Err(FetchError::Usage(format!("{}: needs the cargo feature `hub`", set.name)))
}

/// The address of a file below a mirror's, unless that names the file already.
fn mirrored(mirror: &str, file: &str) -> Result<Address, FetchError> {
    let (path, query) = mirror.find('?').map_or((mirror, ""), |mark| mirror.split_at(mark));
    let path = if path.ends_with(file) { path.to_owned() } else { format!("{}/{file}", path.trim_end_matches('/')) };
    Address::parse(&format!("{path}{query}")).map_err(|problem| FetchError::Usage(format!("--mirror: {problem}")))
}

/// Sees to it that no other fetch writes to the same file.
fn locked(path: &Path, name: &str) -> Result<File, FetchError> {
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|error| unwritable(path, &error))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(FetchError::Failed(format!("{name}: is being fetched by another program")))
        }
        // Some network disks know no locks; there is nothing better there.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Reads the whole content and compares it with what is known of it.
fn checked(set: &DataSet, part: &Path, from: &str) -> Result<Fetched, FetchError> {
    let bytes = fs::metadata(part).map_err(|error| unwritable(part, &error))?.len();
    let fetched = read(part, from, bytes)?;
    let Fetched { unpacked_bytes, lines, sha256, .. } = &fetched;
    let wrong = |what: String| {
        let cut = "another file, or damaged on the way; fetch it again or from another mirror";
        FetchError::Failed(format!("{from}: is not {}: {what}: {cut}", set.name))
    };
    match set.sha256 {
        Some(known) if known != sha256 => Err(wrong(format!("its SHA-256 is {sha256}, not {known}"))),
        Some(_) => Ok(fetched),
        None => match (set.unpacked_bytes, set.lines) {
            (Some(known), _) if known != *unpacked_bytes => {
                Err(wrong(format!("it has {unpacked_bytes} bytes, not {known}")))
            }
            // Some count an unfinished last line and some do not.
            (_, Some(known)) if known.abs_diff(*lines) > 1 => Err(wrong(format!("it has {lines} lines, not {known}"))),
            _ => Ok(fetched),
        },
    }
}

/// Reads the whole content.
fn read(part: &Path, from: &str, bytes: u64) -> Result<Fetched, FetchError> {
    let failed = |problem: String| FetchError::Failed(format!("{from}: {problem}"));
    let opened = File::open(part).map_err(|error| unwritable(part, &error))?;
    let opened = decompress(from, opened).map_err(|error| match error {
        OpenError::Io { source, .. } => failed(source.to_string()),
        other => FetchError::Failed(other.to_string()),
    })?;
    let (compression, mut content): (Compression, _) = opened;
    let mut hash = Sha256::new();
    let (mut unpacked_bytes, mut lines, mut last) = (0_u64, 0_u64, b'\n');
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = read_up_to(content.as_mut(), &mut buffer).map_err(|error| failed(error.to_string()))?;
        if count == 0 {
            break;
        }
        let piece = &buffer[..count];
        if unpacked_bytes == 0 && compression == Compression::Plain && is_web_page(piece) {
            return Err(failed("the server sends a web page (HTML), not the data; check the address".to_owned()));
        }
        hash.update(piece);
        lines += memchr::memchr_iter(b'\n', piece).count() as u64;
        last = piece.last().copied().unwrap_or(last);
        unpacked_bytes += count as u64;
    }
    if unpacked_bytes == 0 {
        return Err(failed("the file is empty".to_owned()));
    }
    lines += u64::from(last != b'\n');
    let mut sha256 = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(sha256, "{byte:02x}");
    }
    Ok(Fetched { from: from.to_owned(), at: Timestamp::now(), bytes, unpacked_bytes, lines, sha256 })
}

/// Puts the file in its place, and a record of it beside it.
fn settle(part: &Path, target: &Path, fetched: &Fetched) -> io::Result<()> {
    let record = beside(target, "json");
    let written = beside(&record, "part");
    fs::write(&written, serde_json::to_vec_pretty(fetched)?)?;
    fs::rename(written, record)?;
    fs::rename(part, target)
}

fn forget(paths: &[PathBuf]) {
    for path in paths {
        // What stays is only in the way of nobody.
        let _ = fs::remove_file(path);
    }
}

fn unwritable(path: &Path, error: &io::Error) -> FetchError {
    FetchError::Failed(format!("{}: cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_a_folder_or_the_file_itself() {
        for (mirror, url) in [
            ("http://host/a", "http://host/a/f.gz"),
            ("http://host/a/", "http://host/a/f.gz"),
            ("http://host/a/f.gz", "http://host/a/f.gz"),
            ("http://host/a?key=1", "http://host/a/f.gz?key=1"),
        ] {
            assert_eq!(mirrored(mirror, "f.gz").unwrap().url(), url);
        }
        assert!(matches!(mirrored("host", "f.gz"), Err(FetchError::Usage(problem)) if problem.starts_with("--mirror")));
    }

    #[test]
    fn a_second_fetch_is_told_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("a.lock");
        let held = locked(&lock, "a").unwrap();
        let problem = locked(&lock, "a").unwrap_err().to_string();
        assert!(problem.contains("another program"), "{problem}");
        drop(held);
        assert!(locked(&lock, "a").is_ok());
    }
}
