//! A reference network as a model: its weights come from a file, so there is nothing to learn from a past.
//!
//! It forecasts bytes one step ahead, from histories that hold the counts of the five status classes.

use std::path::Path;

use dataflow_series::Step;

use super::network::Architecture;
use super::reference::ReferenceNetwork;
use super::state_dict::WeightsError;
use crate::history::View;
use crate::model::{FitError, FittedMean, MeanModel, Refits, SaveError, check_horizons};

/// The status classes as histories name them, in the order of [`ReferenceNetwork::COLUMNS`].
const CLASSES: [&str; 5] = ["error", "no_change", "not_found", "redirected", "success"];

/// A network with weights from a PyTorch file. The load must be in bytes.
#[derive(Clone)]
pub struct ReferenceModel {
    architecture: Architecture,
    network: ReferenceNetwork,
}

struct FittedReference {
    network: ReferenceNetwork,
    /// The last intervals, each as a row of columns.
    window: Vec<f32>,
    last: f64,
}

impl ReferenceModel {
    /// Reads the weights.
    ///
    /// # Errors
    /// As [`ReferenceNetwork::load`].
    pub fn load(architecture: Architecture, path: &Path) -> Result<Self, WeightsError> {
        Ok(Self { architecture, network: ReferenceNetwork::load(architecture, path)? })
    }
}

impl MeanModel for ReferenceModel {
    fn name(&self) -> &'static str {
        self.architecture.name()
    }

    fn shortest_past(&self, _step: Step, _furthest: usize) -> usize {
        ReferenceNetwork::STEPS
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        check_horizons(horizons)?;
        let unsuited = |reason: String| FitError::Unsuited { model: self.name(), reason };
        if horizons != [1] {
            return Err(unsuited(format!("its weights forecast 1 step ahead, not {horizons:?}")));
        }
        if let Some(missing) = CLASSES.iter().find(|class| !past.exogenous().any(|(name, _)| name == **class)) {
            return Err(unsuited(format!("its weights look at all status classes, but there is no column {missing}")));
        }
        let (needed, got) = (ReferenceNetwork::STEPS, past.len());
        if got < needed {
            return Err(FitError::TooShort { model: self.name(), needed, got });
        }
        let mut fitted = FittedReference { network: self.network.clone(), window: Vec::new(), last: 0.0 };
        fitted.extend(past.slice(got - needed..got));
        Ok(Box::new(fitted))
    }

    fn restore(&self, _saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        Err(SaveError::NotRestored("a network with weights from a file is never saved".to_owned()))
    }

    fn refits(&self) -> Refits {
        Refits::Seldom
    }
}

impl FittedMean for FittedReference {
    fn extend(&mut self, new: View<'_>) {
        let columns: Vec<(&str, &[f64])> = new.exogenous().collect();
        let classes = CLASSES.map(|class| columns.iter().find(|(name, _)| *name == class).map(|(_, values)| *values));
        for (interval, bytes) in new.values().iter().enumerate() {
            let count =
                |values: Option<&[f64]>| values.and_then(|values| values.get(interval)).map_or(0.0, |count| *count);
            self.window.extend(classes.map(|values| count(values) as f32));
            self.window.push(bytes.ln_1p() as f32);
            self.last = *bytes;
        }
        let size = ReferenceNetwork::STEPS * ReferenceNetwork::COLUMNS.len();
        self.window.drain(..self.window.len().saturating_sub(size));
    }

    /// There is nothing to learn.
    fn refit(&mut self) -> Result<(), FitError> {
        Ok(())
    }

    /// Where the network says nothing that is a number, the last load stands in.
    fn means(&self, means: &mut [f64]) {
        let output = self.network.predict(&self.window).ok();
        let logarithm = output.and_then(|output| output.values.first().copied()).filter(|value| !value.is_nan());
        means.fill(logarithm.map_or(self.last, |value| f64::from(value).exp_m1().clamp(0.0, f64::MAX)));
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        Err(SaveError::NotSaved("its weights stay in their own file".to_owned()))
    }
}
