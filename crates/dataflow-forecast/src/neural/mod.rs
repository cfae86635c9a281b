//! Neural networks as traffic models: BiLSTM, BiLSTM with additive attention, Transformer encoder.
//!
//! A network looks at a window of the last 16 intervals and says for all horizons at once how the load will depart from a
//! plain linear guess (see `inputs`). It is trained on at most 4,000 windows, evenly spread over the past, so that a fit
//! takes seconds on one core whatever the length of the trace. The same seed gives the same bytes on any number of
//! threads, of one kind of processor. [`ReferenceNetwork`] runs the same networks with weights that PyTorch trained.

mod inputs;
mod lstm;
mod network;
mod reference;
mod reference_model;
mod state_dict;
mod training;

use candle_core::{Device, Tensor};
use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use self::inputs::{Inputs, STEPS, Scales};
use self::network::Network;
use self::state_dict::StateDict;
use self::training::{Trained, train};
use crate::history::View;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, Progress, Refits, SaveError, check_past, from_bytes, steps_per_days,
    to_bytes,
};

pub use self::network::Architecture;
pub use self::reference::{ReferenceNetwork, ReferenceOutput, WindowsError};
pub use self::reference_model::ReferenceModel;
pub use self::state_dict::WeightsError;

/// The fewest intervals to learn from, beside those of the furthest horizon.
const SHORTEST_PAST: usize = 96;
/// Windows learnt from at most.
const ROWS_MAX: usize = 4_000;
/// A correction beyond so many of its standard deviations is cut.
const CORRECTION_MAX: f32 = 8.0;

/// A neural traffic model, trained at the fit.
#[derive(Clone)]
pub struct Neural {
    architecture: Architecture,
    seed: u64,
    progress: Option<Progress>,
}

struct FittedNeural {
    model: Neural,
    inputs: Inputs,
    knowledge: Knowledge,
    /// The trained network; none where there was nothing to learn.
    network: Option<Network>,
}

/// What a fit learns.
#[derive(Serialize, Deserialize)]
struct Knowledge {
    scales: Scales,
    weights: Option<StateDict>,
    /// Per horizon the share of the network's correction that is used.
    trust: Vec<f32>,
    /// Per horizon the mean squared error of roots on the last part of the past.
    variances: Vec<f64>,
    training: Training,
}

/// What is told of a training.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Training {
    rows: usize,
    epochs: usize,
    kept: usize,
    losses: [f64; 2],
}

impl Neural {
    /// A model of this architecture, whose first weights and order of rows come from a seed.
    pub fn new(architecture: Architecture, seed: u64) -> Self {
        Self { architecture, seed, progress: None }
    }

    /// Tells someone how far each training is.
    #[must_use]
    pub fn with_progress(mut self, progress: Option<Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Trains on everything taken in.
    fn learn(&self, inputs: &Inputs) -> Result<(Knowledge, Option<Network>), FitError> {
        let failed = |error: candle_core::Error| FitError::Failed { model: self.name(), reason: error.to_string() };
        let origins = inputs.origins(ROWS_MAX);
        let Some(scales) = inputs.scales(&origins) else {
            return Err(FitError::TooLarge { model: self.name(), largest: inputs.largest() });
        };
        let mut knowledge = Knowledge {
            weights: None,
            trust: vec![0.0; inputs.horizons().len()],
            variances: vec![0.0; inputs.horizons().len()],
            training: Training::default(),
            scales,
        };
        if knowledge.scales.explain_all() {
            return Ok((knowledge, None));
        }
        let rows = inputs.rows(&origins, &knowledge.scales);
        let tell = |share: f64| self.progress.iter().for_each(|progress| progress(share));
        let Trained { weights, epochs, kept, judgement, untrained } =
            train(self.architecture, &rows, self.seed, &device(), &tell).map_err(failed)?;
        let units = knowledge.scales.deviations();
        knowledge.variances = judgement.errors.iter().zip(units).map(|(error, unit)| error * unit * unit).collect();
        knowledge.trust = judgement.trust.iter().map(|trust| *trust as f32).collect();
        knowledge.training = Training { rows: rows.len(), epochs, kept, losses: [untrained, judgement.loss] };
        let network = self.network(&weights).map_err(failed)?;
        knowledge.weights = Some(weights);
        Ok((knowledge, Some(network)))
    }

    fn network(&self, weights: &StateDict) -> candle_core::Result<Network> {
        Network::fixed(self.architecture, weights, &Device::Cpu)
    }
}

impl MeanModel for Neural {
    fn name(&self) -> &'static str {
        self.architecture.name()
    }

    fn shortest_past(&self, step: Step, furthest: usize) -> usize {
        let day = steps_per_days(step, 1);
        (day + day / 4).max(SHORTEST_PAST) + furthest
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        check_past(self, past, horizons)?;
        let mut inputs = Inputs::new(past, horizons);
        inputs.extend(past);
        let (knowledge, network) = self.learn(&inputs)?;
        Ok(Box::new(FittedNeural { model: self.clone(), inputs, knowledge, network }))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let refused = |reason: String| SaveError::NotRestored(reason);
        let (mut inputs, knowledge): (Inputs, Knowledge) = from_bytes(saved)?;
        let horizons = inputs.horizons().len();
        let whole = inputs.restore() && knowledge.scales.fit(&inputs) && knowledge.variances.len() == horizons;
        let whole = whole && knowledge.trust.len() == horizons;
        if !whole
            || !knowledge.variances.iter().all(|variance| variance.is_finite())
            || !knowledge.trust.iter().all(|trust| trust.is_finite())
        {
            return Err(refused("its parts do not fit each other".to_owned()));
        }
        let network = |weights: &StateDict| {
            let slots = self.architecture.slots(inputs.columns(), horizons);
            weights.check(&slots).map_err(|error| refused(error.to_string()))?;
            self.network(weights).map_err(|error| refused(error.to_string()))
        };
        let network = knowledge.weights.as_ref().map(network).transpose()?;
        Ok(Box::new(FittedNeural { model: self.clone(), inputs, knowledge, network }))
    }

    fn refits(&self) -> Refits {
        Refits::Seldom
    }
}

impl FittedMean for FittedNeural {
    fn extend(&mut self, new: View<'_>) {
        self.inputs.extend(new);
    }

    fn refit(&mut self) -> Result<(), FitError> {
        (self.knowledge, self.network) = self.model.learn(&self.inputs)?;
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        let Knowledge { scales, variances, .. } = &self.knowledge;
        let window = self.inputs.window(self.inputs.len() - 1, scales);
        let corrections = self.corrections(&window).unwrap_or_else(|| vec![0.0; means.len()]);
        let roots = self.inputs.roots_ahead(scales, &window, &corrections);
        for ((mean, root), variance) in means.iter_mut().zip(roots).zip(variances) {
            // E y = (E r)² + Var r − 3/8.
            let root = root.max(0.0);
            *mean = (root * root + variance - 0.375).clamp(0.0, f64::MAX);
        }
    }

    fn learnt(&self) -> Vec<Learnt> {
        let Training { rows, epochs, kept, losses } = &self.knowledge.training;
        let slots = self.model.architecture.slots(self.inputs.columns(), self.inputs.horizons().len());
        let parameters: usize = slots.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        let line = |name, value| Learnt { name, value };
        vec![
            line("parameters", parameters.to_string()),
            line("windows", format!("{rows} of {STEPS} intervals and {} columns", self.inputs.columns())),
            line("passes", format!("{epochs}, the weights after pass {kept} were kept")),
            line("trust in corrections, by horizon", format!("{:.2?}", self.knowledge.trust)),
            line("loss on the last windows", format!("{:.4}, of the linear guess {:.4}", losses[1], losses[0])),
        ]
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(&(&self.inputs, &self.knowledge))
    }
}

impl FittedNeural {
    /// What the network adds to the linear guesses, in their standard deviations; `None` without a network.
    fn corrections(&self, window: &[f32]) -> Option<Vec<f32>> {
        let network = self.network.as_ref()?;
        let window = Tensor::from_slice(window, (1, STEPS, self.inputs.columns()), &Device::Cpu).ok()?;
        let outputs = network.pass(&window).ok()?.outputs;
        let corrections: Vec<f32> = outputs.flatten_all().ok()?.to_vec1().ok()?;
        let cut = |value: f32| if value.is_finite() { value.clamp(-CORRECTION_MAX, CORRECTION_MAX) } else { 0.0 };
        Some(corrections.into_iter().zip(&self.knowledge.trust).map(|(value, trust)| trust * cut(value)).collect())
    }
}

/// Where training runs: on an NVIDIA card if the build has the feature `cuda` and there is one, else on the CPU.
fn device() -> Device {
    #[cfg(feature = "cuda")]
    if let Ok(device) = Device::new_cuda(0) {
        return device;
    }
    Device::Cpu
}
