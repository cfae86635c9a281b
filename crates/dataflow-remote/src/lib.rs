//! Traces from where users keep them: places that [`dataflow_series::source::open`] does not know by itself.
//!
//! It is a crate of its own for its weight: nobody who works on series, models or policies waits for TLS to be built.

mod address;
mod client;
pub mod data_set;
#[cfg(feature = "google-sheets")]
mod google_sheets;
#[cfg(feature = "object-stores")]
mod objects;
mod prometheus;
mod variables;
mod web_file;

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use dataflow_series::source::{Remote, RemoteObject, RemoteTrace, SourceError, TraceRequest};

pub use address::shown_word;
pub use client::Patience;
use data_set::{DataSet, Folder};
#[cfg(feature = "google-sheets")]
pub use google_sheets::append_rows;
pub use variables::Variables;

/// Beginnings of addresses that are read where their feature is built in.
const OPTIONAL: [(&str, &str); 10] = [
    ("s3://", "object-stores"),
    ("s3a://", "object-stores"),
    ("gs://", "object-stores"),
    ("az://", "object-stores"),
    ("azure://", "object-stores"),
    ("adl://", "object-stores"),
    ("abfs://", "object-stores"),
    ("abfss://", "object-stores"),
    ("sheets:", "google-sheets"),
    ("https://docs.google.com/spreadsheets/", "google-sheets"),
];

/// Every kind of place that this build can read, with the variables that tell them who asks.
#[derive(Debug, Clone)]
pub struct Places {
    variables: Variables,
}

impl Places {
    /// Places that are told these variables.
    pub const fn new(variables: Variables) -> Self {
        Self { variables }
    }
}

impl Remote for Places {
    fn find(&self, text: &str, request: &TraceRequest) -> Option<Result<RemoteTrace, SourceError>> {
        #[cfg(feature = "google-sheets")]
        if let Some(found) = google_sheets::find(text, &self.variables) {
            return Some(found);
        }
        #[cfg(feature = "object-stores")]
        if let Some(found) = objects::find(text, &self.variables) {
            return Some(found);
        }
        let begins = |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if let Some((_, feature)) = OPTIONAL.iter().find(|(prefix, _)| begins(prefix)) {
            let problem = format!("this program cannot read it; build it with the cargo feature `{feature}`");
            return Some(Err(SourceError::Remote { name: shown_word(text), problem }));
        }
        if begins(data_set::PREFIX) {
            return Some(kept_data_set(text, &self.variables));
        }
        if begins(prometheus::PREFIX) {
            return Some(prometheus::find(text, &self.variables, request));
        }
        if begins("http://") || begins("https://") {
            return Some(web_file::find(text, &self.variables));
        }
        None
    }
}

/// The file of `data:NAME`, which was fetched before.
fn kept_data_set(text: &str, variables: &Variables) -> Result<RemoteTrace, SourceError> {
    let wrong = |problem: String| SourceError::Remote { name: text.to_owned(), problem };
    let set = DataSet::named(text.get(data_set::PREFIX.len()..).unwrap_or_default()).map_err(wrong)?;
    let path = Folder::of_user(variables).and_then(|folder| folder.fetched_path(set)).map_err(wrong)?;
    let open = Arc::new(move || Ok(Box::new(File::open(&path)?) as Box<dyn Read + Send>));
    Ok(RemoteTrace::Objects(vec![RemoteObject { name: text.to_owned(), open }]))
}

/// The first cause of an error: what the layers above it say is about our own calls, and may show what is secret.
#[cfg(any(feature = "google-sheets", feature = "object-stores"))]
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
