//! What can go wrong and the exit code each kind has: 1 for failed work, 2 for bad usage or bad input.

use std::fmt;
use std::process::ExitCode;

use dataflow_scale::spec::ConfigurationError;
use dataflow_series::source::SourceError;

/// An error as a user sees it: one message that says where, what was expected and how to mend it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Bad usage or bad input: exit code 2.
    Input(String),
    /// The work itself failed (a full disk, an interrupt): exit code 1.
    Work(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Input(_) => ExitCode::from(2),
            Self::Work(_) => ExitCode::from(1),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(message) | Self::Work(message) => formatter.write_str(message),
        }
    }
}

impl From<ConfigurationError> for Failure {
    fn from(error: ConfigurationError) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::Input(error.to_string())
    }
}
