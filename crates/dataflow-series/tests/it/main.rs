//! Series from files: what is read, what is refused, and what the real data gives.

mod bad_input;
mod detail;
#[cfg(feature = "parquet")]
mod parquet_files;
mod real_data;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

use dataflow_series::source::{Trace, TraceRequest, open};

/// A folder of its own for the files of one test.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn add(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("a file can be written");
        path.display().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Reads a file of this content, everything else by default.
fn read(content: impl AsRef<[u8]>) -> Result<Trace, String> {
    read_with(content, |_| ())
}

/// Reads a file of this content; the path in error messages is cut down to its name, `trace`.
fn read_with(content: impl AsRef<[u8]>, change: impl FnOnce(&mut TraceRequest)) -> Result<Trace, String> {
    let files = Files::new();
    let path = files.add("trace", content);
    let mut request = TraceRequest::from_input(&path);
    change(&mut request);
    open(&request).map_err(|error| error.to_string().replace(&path, "trace"))
}

fn values(trace: &Trace) -> Vec<Option<f64>> {
    trace.observed.values().collect()
}

/// The folder of the real data, or none after a loud word to say so.
fn data_folder(test: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("DATAFLOW_DATA").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED {test}: set DATAFLOW_DATA to the folder of the real data");
    None
}
