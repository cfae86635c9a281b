//! The weights of a network as plain numbers: named tensors, read from a PyTorch file, made from a seed, or kept in a
//! model file.
//!
//! Names and shapes are those of a PyTorch `state_dict`, so that weights go either way without a table in between.

use std::collections::BTreeMap;
use std::io;
use std::panic::catch_unwind;
use std::path::Path;

use candle_core::pickle::PthTensors;
use candle_core::{DType, Device, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

/// A name and a shape, outermost dimension first.
pub(super) type Slot = (String, Vec<usize>);

/// Named tensors of 32-bit floats, in order of their names.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct StateDict(pub(super) BTreeMap<String, Values>);

/// One tensor: its shape and its values, the last dimension running fastest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Values {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// Why weights were refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be opened.
    #[error("the weights cannot be read: {0}")]
    Io(#[source] io::Error),
    /// The file is not a whole PyTorch archive of named tensors.
    #[error("not a PyTorch state dict, or not all of it: {0}")]
    NotPyTorch(String),
    /// A tensor that the network needs is not there.
    #[error("the weights hold no tensor {tensor} (expected shape {expected:?}); are they those of another network?")]
    Missing {
        /// Name of the tensor.
        tensor: String,
        /// The shape it must have.
        expected: Vec<usize>,
    },
    /// A tensor has another shape or another type of number than the network needs.
    #[error("the tensor {tensor} must be f32 of shape {expected:?}, but is {kind} of shape {found:?}")]
    Shape {
        /// Name of the tensor.
        tensor: String,
        /// The shape it must have.
        expected: Vec<usize>,
        /// The shape it has.
        found: Vec<usize>,
        /// The type of its numbers.
        kind: &'static str,
    },
    /// The weights hold a tensor that the network has no use for.
    #[error("the tensor {tensor} of shape {found:?} is foreign to this network; are the weights those of another one?")]
    Foreign {
        /// Name of the tensor.
        tensor: String,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// A weight is infinite or no number.
    #[error("the tensor {tensor} holds a weight that is not finite")]
    NotFinite {
        /// Name of the tensor.
        tensor: String,
    },
}

impl StateDict {
    /// Reads the tensors that `slots` names from a file that PyTorch's `torch.save(model.state_dict(), …)` wrote.
    ///
    /// # Errors
    /// When the file cannot be read, is no such file or a cut one, or does not hold exactly these tensors.
    pub(super) fn read_pytorch(path: &Path, slots: &[Slot]) -> Result<Self, WeightsError> {
        std::fs::File::open(path).map_err(WeightsError::Io)?;
        let refused = WeightsError::NotPyTorch;
        // The reader takes the parts of what it reads by place, so a foreign pickle can make it panic.
        let opened = catch_unwind(|| PthTensors::new(path, None));
        let archive = opened
            .map_err(|_| refused("its contents are not those of a state dict".to_owned()))?
            .map_err(|error| refused(error.to_string()))?;
        let infos = archive.tensor_infos();
        if infos.is_empty() {
            return Err(refused("there is no tensor in it".to_owned()));
        }
        // All shapes are compared before any tensor is read, so that no absurd shape is ever allocated.
        let shape_of = |name: &str| infos.get(name).map(|info| (info.layout.dims().to_vec(), info.dtype));
        check_slots(slots, infos.keys().map(String::as_str), shape_of)?;
        let mut tensors = BTreeMap::new();
        for (name, shape) in slots {
            let read = catch_unwind(|| archive.get(name)?.as_ref().map(flat).transpose());
            let values = read.ok().and_then(Result::ok).flatten();
            let values = values.ok_or_else(|| refused(format!("the values of {name} cannot be read")))?;
            tensors.insert(name.clone(), Values { shape: shape.clone(), values });
        }
        let read = Self(tensors);
        read.check(slots)?;
        Ok(read)
    }

    /// Refuses weights that are not exactly those that `slots` names, or not finite.
    pub(super) fn check(&self, slots: &[Slot]) -> Result<(), WeightsError> {
        let shape_of = |name: &str| self.0.get(name).map(|tensor| (tensor.shape.clone(), DType::F32));
        check_slots(slots, self.0.keys().map(String::as_str), shape_of)?;
        for (name, tensor) in &self.0 {
            if tensor.values.len() != tensor.shape.iter().product::<usize>() {
                let (expected, found) = (tensor.shape.clone(), vec![tensor.values.len()]);
                return Err(WeightsError::Shape { tensor: name.clone(), expected, found, kind: "f32" });
            }
            if !tensor.values.iter().all(|value| value.is_finite()) {
                return Err(WeightsError::NotFinite { tensor: name.clone() });
            }
        }
        Ok(())
    }

    /// Adds a tensor, wherever it lives.
    pub(super) fn insert(&mut self, name: &str, tensor: &Tensor) -> candle_core::Result<()> {
        let shape = tensor.dims().to_vec();
        self.0.insert(name.to_owned(), Values { shape, values: flat(tensor)? });
        Ok(())
    }

    /// Weights to start a training from, drawn from a seeded generator: tensors of two dimensions uniform in
    /// ±√(6 / (inputs + outputs)), those of the last layer and all biases zero, the scale of a normalisation one, the biases of the forget gates of a
    /// recurrent layer one.
    ///
    /// Sources: Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010);
    /// Jozefowicz, Zaremba, Sutskever, *An Empirical Exploration of Recurrent Network Architectures* (2015), for the
    /// forget gates.
    pub(super) fn initial(slots: &[Slot], random: &mut ChaCha8Rng) -> Self {
        let draw = |(name, shape): &Slot, random: &mut ChaCha8Rng| {
            let count: usize = shape.iter().product();
            let values = match shape[..] {
                // An untrained network says zero.
                _ if name.starts_with("fc.") || name.starts_with("mlp.6.") => vec![0.0; count],
                [outputs, inputs] => {
                    // The four gates of a recurrent layer lie one below the other.
                    let gates = if name.contains("lstm.") { 4 } else { 1 };
                    let bound = (6.0 / (outputs / gates + inputs) as f32).sqrt();
                    (0..count).map(|_| bound * (2.0 * uniform(random) - 1.0)).collect()
                }
                _ if name.contains("norm") && name.ends_with("weight") => vec![1.0; count],
                _ if name.contains("lstm.bias_ih") => {
                    (0..count).map(|place| if place / (count / 4) == 1 { 1.0 } else { 0.0 }).collect()
                }
                _ => vec![0.0; count],
            };
            Values { shape: shape.clone(), values }
        };
        Self(slots.iter().map(|slot| (slot.0.clone(), draw(slot, random))).collect())
    }
}

/// A number in [0, 1) with 24 bits.
pub(super) fn uniform(random: &mut ChaCha8Rng) -> f32 {
    (random.next_u32() >> 8) as f32 / (1_u32 << 24) as f32
}

fn check_slots<'a>(
    slots: &[Slot],
    names: impl Iterator<Item = &'a str>,
    shape_of: impl Fn(&str) -> Option<(Vec<usize>, DType)>,
) -> Result<(), WeightsError> {
    for (tensor, expected) in slots {
        let (tensor, expected) = (tensor.clone(), expected.clone());
        match shape_of(&tensor) {
            None => return Err(WeightsError::Missing { tensor, expected }),
            Some((found, kind)) if found != expected || kind != DType::F32 => {
                return Err(WeightsError::Shape { tensor, expected, found, kind: kind.as_str() });
            }
            Some(_) => {}
        }
    }
    for name in names {
        if !slots.iter().any(|(slot, _)| slot == name) {
            let found = shape_of(name).map(|(shape, _)| shape).unwrap_or_default();
            return Err(WeightsError::Foreign { tensor: name.to_owned(), found });
        }
    }
    Ok(())
}

fn flat(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()
}
