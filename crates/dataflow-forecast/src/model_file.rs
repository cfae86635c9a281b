//! A fitted model as a file: a line that names the form, the version, a checksum, and what the model saved of itself.
//!
//! Layout: [`MAGIC`], the version (4 bytes, little-endian), the SHA-256 of what follows (32 bytes), and the model with
//! its label, as postcard writes them.

use dataflow_series::{Step, Unit};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::{FitError, Fitted, SaveError, from_bytes, to_bytes};
use crate::spec::{ModelSettings, ModelSpec};

const MAGIC: &[u8] = b"DataFlow forecast model\n";
/// Raised whenever a saved model changes its form.
const VERSION: u32 = 1;
const CHECKSUM_BYTES: usize = 32;

/// A fitted model and what it was fitted for.
pub struct SavedModel {
    /// Which model it is.
    pub spec: ModelSpec,
    /// What it was made with.
    pub settings: ModelSettings,
    /// The step of the loads that it knows.
    pub step: Step,
    /// Their unit.
    pub unit: Unit,
    /// The instant at which its past ends: the start of the next interval that it is to be told of.
    pub next: Timestamp,
    /// The model.
    pub fitted: Box<dyn Fitted>,
}

/// Why a file is no model that can be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFileError {
    /// It does not begin as a model file does.
    #[error("this is not a forecast model written by dataflow")]
    Foreign,
    /// It was written by another version of the program.
    #[error(
        "this model was written in version {found} of the form, but this program reads version {VERSION}; fit it anew"
    )]
    Version {
        /// The version found.
        found: u32,
    },
    /// It is cut or was changed.
    #[error("this model file is cut or damaged: its checksum does not agree; fit it anew")]
    Damaged,
    /// It says what the model cannot understand.
    #[error(transparent)]
    Content(#[from] SaveError),
    /// This build lacks the model.
    #[error(transparent)]
    Model(#[from] FitError),
}

/// All that is saved beside the model.
#[derive(Serialize, Deserialize)]
struct Label {
    spec: ModelSpec,
    settings: ModelSettings,
    step_seconds: u32,
    unit: String,
    next: Timestamp,
}

impl SavedModel {
    /// The bytes of the file.
    ///
    /// # Errors
    /// When a part of the model has no form in a file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SaveError> {
        let label = Label {
            spec: self.spec,
            settings: self.settings,
            step_seconds: self.step.seconds(),
            unit: self.unit.to_string(),
            next: self.next,
        };
        let content = to_bytes(&(label, self.fitted.save()?))?;
        let checksum = Sha256::digest(&content);
        Ok([MAGIC, &VERSION.to_le_bytes(), checksum.as_slice(), &content].concat())
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// When they are no model of this version, or cut, or damaged, or this build lacks the model.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(ModelFileError::Foreign)?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(ModelFileError::Damaged)?;
        let found = u32::from_le_bytes(*version);
        if found != VERSION {
            return Err(ModelFileError::Version { found });
        }
        let (checksum, content) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or(ModelFileError::Damaged)?;
        if Sha256::digest(content).as_slice() != checksum {
            return Err(ModelFileError::Damaged);
        }
        let (label, saved): (Label, Vec<u8>) = from_bytes(content)?;
        let wrong = |what: &str| SaveError::NotRestored(what.to_owned());
        Ok(Self {
            spec: label.spec,
            settings: label.settings,
            step: Step::from_seconds(label.step_seconds).ok_or_else(|| wrong("its step is zero"))?,
            unit: label.unit.parse().map_err(|_| wrong("its unit is unknown"))?,
            next: label.next,
            fitted: label.spec.model(label.settings)?.restore(&saved)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use dataflow_series::{Fill, Observed};
    use jiff::tz::TimeZone;

    use super::*;
    use crate::View;

    fn saved() -> SavedModel {
        let loads = (0..300).map(|hour| Some(f64::from(hour % 24)));
        let observed = Observed::new(Timestamp::UNIX_EPOCH, Step::HOUR, Unit::Requests, loads).unwrap();
        let series = observed.fill(Fill::Zero).unwrap();
        let (spec, settings) = (ModelSpec::SeasonalNaive, ModelSettings::default());
        let fitted = spec.model(settings).unwrap().fit(View::of(&series, &TimeZone::UTC), &[1, 24]).unwrap();
        SavedModel { spec, settings, step: series.step(), unit: series.unit(), next: series.end(), fitted }
    }

    #[test]
    fn a_model_comes_back_from_its_file() {
        let model = saved();
        let back = SavedModel::from_bytes(&model.to_bytes().unwrap()).unwrap();
        assert_eq!((back.spec, back.settings, back.step), (model.spec, model.settings, model.step));
        assert_eq!((back.unit, back.next), (model.unit, model.next));
        assert_eq!(back.fitted.predict(&[0.1, 0.9]), model.fitted.predict(&[0.1, 0.9]));
    }

    #[test]
    fn foreign_cut_and_changed_files_are_refused() {
        let bytes = saved().to_bytes().unwrap();
        let refusal = |bytes: &[u8]| SavedModel::from_bytes(bytes).err().unwrap();
        assert_eq!(refusal(b"time,load\n"), ModelFileError::Foreign);
        assert_eq!(refusal(&[]), ModelFileError::Foreign);
        for length in [MAGIC.len(), MAGIC.len() + 10, bytes.len() - 1] {
            assert_eq!(refusal(&bytes[..length]), ModelFileError::Damaged);
        }
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(refusal(&changed), ModelFileError::Damaged);
        let mut newer = bytes;
        newer[MAGIC.len()] = 9;
        assert_eq!(refusal(&newer), ModelFileError::Version { found: 9 });
    }
}
