//! Inputs that are no files of this machine, and who can open them.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use super::{Extra, SourceError, TraceRequest};
use crate::Observed;

/// Opens what a text names beyond files, patterns and synthetic traces, such as `s3://logs/2026/`.
pub trait Remote: Send + Sync {
    /// What the text names; `None` where it names no place of a kind that is known here, so that it is taken for a path.
    /// `request` is the one that the text is part of.
    fn find(&self, text: &str, request: &TraceRequest) -> Option<Result<RemoteTrace, SourceError>>;
}

/// What was found at a place.
#[derive(Debug)]
pub enum RemoteTrace {
    /// Bytes, as files hold them: logs, tables, numbers or Parquet, maybe compressed. What they hold is told by their
    /// content.
    Objects(Vec<RemoteObject>),
    /// A load that is on a regular grid already.
    Series {
        /// Where it is from, without credentials.
        source: String,
        /// The load.
        observed: Observed,
        /// What else is known of each interval.
        extras: Vec<Extra>,
        /// What the user should know, one sentence each.
        notes: Vec<String>,
    },
}

/// Opens an object for reading from its first byte.
pub type OpenObject = Arc<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

/// One object of a store.
#[derive(Clone)]
pub struct RemoteObject {
    /// Its name for messages, without credentials.
    pub name: String,
    /// Opens it.
    pub open: OpenObject,
}

impl fmt::Debug for RemoteObject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RemoteObject").field("name", &self.name).finish_non_exhaustive()
    }
}
