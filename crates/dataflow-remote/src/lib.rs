//! Traces from where users keep them: places that [`dataflow_series::source::open`] does not know by itself.
//!
//! It is a crate of its own for its weight: nobody who works on series, models or policies waits for TLS to be built.

mod variables;

use dataflow_series::source::{Remote, RemoteTrace, SourceError};

pub use variables::Variables;

/// Every kind of place that this build can read, with the variables that tell them who asks.
#[derive(Debug, Clone)]
pub struct Places {
    #[expect(dead_code, reason = "no place asks for them yet")]
    variables: Variables,
}

impl Places {
    /// Places that are told these variables.
    pub const fn new(variables: Variables) -> Self {
        Self { variables }
    }
}

impl Remote for Places {
    fn find(&self, _text: &str) -> Option<Result<RemoteTrace, SourceError>> {
        None
    }
}
