//! A model on the board: one of the list, or a network that runs with weights from a file.

use std::fmt;
use std::path::PathBuf;

use dataflow_forecast::{FitError, Model, ModelSettings, ModelSpec, Progress};
use serde::{Serialize, Serializer};

/// A model by name, with where its weights come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contestant {
    pub(crate) spec: ModelSpec,
    /// A file that PyTorch wrote; without one the model learns from the trace.
    pub(crate) weights: Option<PathBuf>,
}

impl Contestant {
    /// The model itself, with someone to be told how far a training is.
    ///
    /// # Errors
    /// When this build lacks the model, or its weights cannot be used.
    pub(crate) fn model(
        &self,
        settings: ModelSettings,
        progress: Option<Progress>,
    ) -> Result<Box<dyn Model>, FitError> {
        match &self.weights {
            Some(path) => self.spec.with_weights(path, settings.calibration),
            None => self.spec.watched_model(settings, progress),
        }
    }

    /// Its name as a cell of a CSV file: a file of weights may have a comma in its name.
    pub(crate) fn csv(&self) -> String {
        let name = self.to_string();
        if name.contains([',', '"', '\n', '\r']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name }
    }
}

impl From<ModelSpec> for Contestant {
    fn from(spec: ModelSpec) -> Self {
        Self { spec, weights: None }
    }
}

impl fmt::Display for Contestant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.weights.as_ref().and_then(|path| path.file_name()) {
            Some(file) => write!(formatter, "{} ({})", self.spec, file.to_string_lossy()),
            None => self.spec.fmt(formatter),
        }
    }
}

impl Serialize for Contestant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_file_and_fit_a_cell() {
        let of = |file: &str| Contestant { spec: ModelSpec::Bilstm, weights: Some(PathBuf::from(file)) };
        assert_eq!(of("folder/a.pt").to_string(), "bilstm (a.pt)");
        assert_eq!(of("a.pt").csv(), "bilstm (a.pt)");
        assert_eq!(of("a,\"b\".pt").csv(), "\"bilstm (a,\"\"b\"\".pt)\"");
        assert_eq!(Contestant::from(ModelSpec::Ridge).csv(), "ridge");
    }
}
