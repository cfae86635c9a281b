//! The reference's own networks, from its own PyTorch files: windows of twelve intervals of six columns, one step ahead.
//!
//! What goes in (per interval): the counts of the five status classes and the logarithm of the bytes sent, in the order
//! of [`ReferenceNetwork::COLUMNS`], as they are. What comes out: the logarithm of the bytes of the next interval.

use std::path::Path;

use candle_core::{Device, Tensor};

use super::network::{Architecture, Network};
use super::state_dict::{StateDict, WeightsError};

/// A network of the reference with the weights of a PyTorch file.
#[derive(Clone)]
pub struct ReferenceNetwork {
    network: Network,
}

/// What a reference network makes of some windows.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceOutput {
    /// One per window: the logarithm of the next interval's bytes.
    pub values: Vec<f32>,
    /// Per window, head and step, the step running fastest: how much each of eight heads looks at each step; empty for
    /// a network without attention.
    pub attention: Vec<f32>,
    /// Per window the last recurrent layer at the last step, the forward direction first; 64 or 128 numbers each.
    pub recurrent: Vec<f32>,
}

/// Windows that a network cannot be asked about.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowsError {
    /// The numbers are not whole windows.
    #[error("{got} numbers are no whole windows of {steps} intervals of {columns} columns")]
    Length {
        /// Numbers given.
        got: usize,
        /// Intervals per window.
        steps: usize,
        /// Columns per interval.
        columns: usize,
    },
    /// The arithmetic failed.
    #[error("the network cannot be computed: {0}")]
    Arithmetic(String),
}

impl ReferenceNetwork {
    /// The columns of a window, in order.
    pub const COLUMNS: [&'static str; 6] = ["Error", "No Change", "Not Found", "Redirected", "Success", "log_time"];
    /// The intervals of a window.
    pub const STEPS: usize = 12;

    /// Reads the weights that PyTorch saved for this network (`torch.save(model.state_dict(), path)`).
    ///
    /// # Errors
    /// When the file cannot be read, is cut or foreign, or its tensors are not exactly those of the network, with the
    /// tensor, the expected and the found shape.
    pub fn load(architecture: Architecture, path: &Path) -> Result<Self, WeightsError> {
        let weights = StateDict::read_pytorch(path, &architecture.slots(Self::COLUMNS.len(), 1))?;
        let not_pytorch = |error: candle_core::Error| WeightsError::NotPyTorch(error.to_string());
        Ok(Self { network: Network::fixed(architecture, &weights, &Device::Cpu).map_err(not_pytorch)? })
    }

    /// Passes windows through the network: `windows` holds one window after the other, each [`Self::STEPS`] intervals of
    /// the six columns, the column running fastest.
    ///
    /// # Errors
    /// When the numbers are no whole windows.
    pub fn predict(&self, windows: &[f32]) -> Result<ReferenceOutput, WindowsError> {
        let (steps, columns) = (Self::STEPS, Self::COLUMNS.len());
        if windows.is_empty() || !windows.len().is_multiple_of(steps * columns) {
            return Err(WindowsError::Length { got: windows.len(), steps, columns });
        }
        self.pass(windows).map_err(|error| WindowsError::Arithmetic(error.to_string()))
    }

    fn pass(&self, windows: &[f32]) -> candle_core::Result<ReferenceOutput> {
        let shape = (windows.len() / (Self::STEPS * Self::COLUMNS.len()), Self::STEPS, Self::COLUMNS.len());
        let pass = self.network.pass(&Tensor::from_slice(windows, shape, &Device::Cpu)?)?;
        let flat = |tensor: Option<Tensor>| match tensor {
            Some(tensor) => tensor.flatten_all()?.to_vec1::<f32>(),
            None => Ok(Vec::new()),
        };
        Ok(ReferenceOutput {
            values: flat(Some(pass.outputs))?,
            attention: flat(pass.attention)?,
            recurrent: flat(pass.recurrent)?,
        })
    }
}
