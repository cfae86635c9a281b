//! The networks themselves: from a batch of windows to one number per output, differentiable in every weight.
//!
//! Layers, names and shapes are those of the reference's PyTorch modules, so that its weights fit. Two of its habits are
//! kept on purpose: the attention network carries a layer normalisation that it never applies, and each of its heads
//! weighs the same first channels of the recurrent layer, as many as a head is wide.
//! Sources: Schuster and Paliwal, *Bidirectional Recurrent Neural Networks* (1997); Ba, Kiros, Hinton, *Layer
//! Normalization* (2016); Bahdanau, Cho, Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate*
//! (2015), section 3.1, for additive attention; Vaswani et al., *Attention Is All You Need* (2017), sections 3.1–3.5.

use std::collections::BTreeMap;

use candle_core::{D, Device, Result, Tensor, Var, bail};
use serde::{Deserialize, Serialize};

use super::lstm::lstm;
use super::state_dict::{Slot, StateDict, Values};

/// Units per direction of each of the two recurrent layers of the BiLSTM.
const BILSTM_UNITS: usize = 32;
/// Units per direction of the recurrent layer below the attention, the heads, and the width of each.
const ATTENTION_UNITS: usize = 64;
const HEADS: usize = 8;
const HEAD_WIDTH: usize = 2 * ATTENTION_UNITS / HEADS;
/// Width of the Transformer, its heads, its layers, and the width of their hidden layer.
const MODEL_WIDTH: usize = 64;
const TRANSFORMER_HEADS: usize = 4;
const TRANSFORMER_LAYERS: usize = 2;
const FEEDFORWARD: usize = 32;
/// Added to variances before a root is taken (PyTorch's value).
const EPSILON: f64 = 1e-5;

/// Which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Architecture {
    /// Two bidirectional LSTM layers of 32 units per direction; the last step is normalised and goes through a
    /// perceptron of 32 and 16 units.
    Bilstm,
    /// One bidirectional LSTM layer of 64 units per direction, pooled over time by eight heads of additive attention.
    BilstmAttention,
    /// Two encoder layers of width 64 with four heads, over inputs with sinusoidal positions, averaged over time.
    Transformer,
}

/// A network with its weights as tensors.
#[derive(Clone)]
pub(super) struct Network {
    architecture: Architecture,
    tensors: BTreeMap<String, Tensor>,
}

/// What a network makes of a batch of windows.
pub(super) struct Pass {
    /// Batch × outputs.
    pub(super) outputs: Tensor,
    /// Batch × heads × steps: how much each head looks at each step; only of the attention network.
    pub(super) attention: Option<Tensor>,
    /// The last recurrent layer at the last step, batch × 2·units; none of the Transformer.
    pub(super) recurrent: Option<Tensor>,
}

impl Architecture {
    /// The name of the model by which users call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bilstm => "bilstm",
            Self::BilstmAttention => "bilstm-attention",
            Self::Transformer => "transformer",
        }
    }

    /// Every tensor of this network for windows of `inputs` columns and so many outputs.
    pub(super) fn slots(self, inputs: usize, outputs: usize) -> Vec<Slot> {
        let mut slots = Slots(Vec::new());
        match self {
            Self::Bilstm => {
                slots.bidirectional(0, inputs, BILSTM_UNITS);
                slots.bidirectional(1, 2 * BILSTM_UNITS, BILSTM_UNITS);
                slots.normalisation("norm", 2 * BILSTM_UNITS);
                slots.linear("mlp.0", 2 * BILSTM_UNITS, 32);
                slots.linear("mlp.3", 32, 16);
                slots.linear("mlp.6", 16, outputs);
            }
            Self::BilstmAttention => {
                let width = 2 * ATTENTION_UNITS;
                slots.bidirectional(0, inputs, ATTENTION_UNITS);
                slots.normalisation("norm", width);
                for head in 0..HEADS {
                    slots.linear(&format!("attention.attn_weight.{head}"), width, HEAD_WIDTH);
                    slots.add(format!("attention.attn_score.{head}.weight"), [1, HEAD_WIDTH]);
                }
                slots.linear("attention.out_proj", width, width);
                slots.linear("fc", width, outputs);
            }
            Self::Transformer => {
                slots.linear("input_proj", inputs, MODEL_WIDTH);
                for layer in 0..TRANSFORMER_LAYERS {
                    let name = |part: &str| format!("transformer.layers.{layer}.{part}");
                    slots.add(name("self_attn.in_proj_weight"), [3 * MODEL_WIDTH, MODEL_WIDTH]);
                    slots.add(name("self_attn.in_proj_bias"), [3 * MODEL_WIDTH]);
                    slots.linear(&name("self_attn.out_proj"), MODEL_WIDTH, MODEL_WIDTH);
                    slots.linear(&name("linear1"), MODEL_WIDTH, FEEDFORWARD);
                    slots.linear(&name("linear2"), FEEDFORWARD, MODEL_WIDTH);
                    slots.normalisation(&name("norm1"), MODEL_WIDTH);
                    slots.normalisation(&name("norm2"), MODEL_WIDTH);
                }
                slots.normalisation("norm", MODEL_WIDTH);
                slots.linear("fc", MODEL_WIDTH, outputs);
            }
        }
        slots.0
    }
}

impl Network {
    /// A network that is only asked.
    pub(super) fn fixed(architecture: Architecture, weights: &StateDict, device: &Device) -> Result<Self> {
        let tensor = |values: &Values| Tensor::from_slice(&values.values, values.shape.as_slice(), device);
        Self::new(architecture, weights, tensor)
    }

    /// A network that is trained, and its weights as variables, by name.
    pub(super) fn trained(
        architecture: Architecture,
        weights: &StateDict,
        device: &Device,
    ) -> Result<(Self, BTreeMap<String, Var>)> {
        let mut variables = BTreeMap::new();
        for (name, values) in &weights.0 {
            variables.insert(name.clone(), Var::from_slice(&values.values, values.shape.as_slice(), device)?);
        }
        let tensors = variables.iter().map(|(name, variable)| (name.clone(), variable.as_tensor().clone())).collect();
        Ok((Self { architecture, tensors }, variables))
    }

    fn new(
        architecture: Architecture,
        weights: &StateDict,
        tensor: impl Fn(&Values) -> Result<Tensor>,
    ) -> Result<Self> {
        let tensors = weights.0.iter().map(|(name, values)| Ok((name.clone(), tensor(values)?)));
        Ok(Self { architecture, tensors: tensors.collect::<Result<_>>()? })
    }

    /// From windows, batch × steps × inputs, to outputs.
    pub(super) fn pass(&self, windows: &Tensor) -> Result<Pass> {
        match self.architecture {
            Architecture::Bilstm => self.bilstm(windows),
            Architecture::BilstmAttention => self.bilstm_attention(windows),
            Architecture::Transformer => self.transformer(windows),
        }
    }

    fn bilstm(&self, windows: &Tensor) -> Result<Pass> {
        let steps = windows.dim(1)?;
        let lower = Tensor::cat(&[self.direction(windows, 0, false)?, self.direction(windows, 0, true)?], 2)?;
        let forwards = self.direction(&lower, 1, false)?.narrow(1, steps - 1, 1)?;
        // Of the upper layer only the last step is used, which is the first that its other direction comes to.
        let backwards = self.direction(&lower.narrow(1, steps - 1, 1)?, 1, true)?;
        let last = Tensor::cat(&[forwards, backwards], 2)?.squeeze(1)?;
        let hidden = self.linear("mlp.0", &self.normalise("norm", &last)?)?.relu()?;
        let hidden = self.linear("mlp.3", &hidden)?.relu()?;
        Ok(Pass { outputs: self.linear("mlp.6", &hidden)?, attention: None, recurrent: Some(last) })
    }

    fn bilstm_attention(&self, windows: &Tensor) -> Result<Pass> {
        let (batch, steps, _) = windows.dims3()?;
        let recurrent = Tensor::cat(&[self.direction(windows, 0, false)?, self.direction(windows, 0, true)?], 2)?;
        let energies = self.heads("attn_weight", "weight")?;
        let energies = product(&recurrent, &energies)?.broadcast_add(&self.heads("attn_weight", "bias")?)?.tanh()?;
        let energies = energies.reshape((batch, steps, HEADS, HEAD_WIDTH))?;
        let scores = energies.broadcast_mul(&self.heads("attn_score", "weight")?)?.sum(3)?;
        let weights = softmax(&scores.transpose(1, 2)?.contiguous()?)?;
        // The same channels for every head, see above.
        let channels = recurrent.narrow(2, 0, HEAD_WIDTH)?.contiguous()?;
        let contexts = weights.matmul(&channels)?.flatten_from(1)?;
        let outputs = self.linear("fc", &self.linear("attention.out_proj", &contexts)?)?;
        let last = recurrent.narrow(1, steps - 1, 1)?.squeeze(1)?;
        Ok(Pass { outputs, attention: Some(weights), recurrent: Some(last) })
    }

    fn transformer(&self, windows: &Tensor) -> Result<Pass> {
        let positions = positions(windows.dim(1)?, windows.device())?;
        let mut stream = self.linear("input_proj", windows)?.broadcast_add(&positions)?;
        for layer in 0..TRANSFORMER_LAYERS {
            let name = |part: &str| format!("transformer.layers.{layer}.{part}");
            let attended = self.self_attention(&name("self_attn"), &stream)?;
            stream = self.normalise(&name("norm1"), &(stream + attended)?)?;
            let hidden = self.linear(&name("linear1"), &stream)?.relu()?;
            let transformed = self.linear(&name("linear2"), &hidden)?;
            stream = self.normalise(&name("norm2"), &(stream + transformed)?)?;
        }
        let pooled = self.normalise("norm", &stream)?.mean(1)?;
        Ok(Pass { outputs: self.linear("fc", &pooled)?, attention: None, recurrent: None })
    }

    /// Scaled dot-product attention of every step to every step.
    fn self_attention(&self, name: &str, stream: &Tensor) -> Result<Tensor> {
        let (batch, steps, width) = stream.dims3()?;
        let head_width = width / TRANSFORMER_HEADS;
        let projected = product(stream, self.tensor(&format!("{name}.in_proj_weight"))?)?;
        let projected = projected.broadcast_add(self.tensor(&format!("{name}.in_proj_bias"))?)?;
        // Batch × heads × steps × width of a head.
        let part = |place: usize| {
            let part = projected.narrow(2, place * width, width)?;
            part.reshape((batch, steps, TRANSFORMER_HEADS, head_width))?.transpose(1, 2)?.contiguous()
        };
        let (queries, keys, values) = (part(0)?, part(1)?, part(2)?);
        let scores = (queries.matmul(&keys.transpose(2, 3)?)? * (1.0 / (head_width as f64).sqrt()))?;
        let mixed = softmax(&scores)?.matmul(&values)?.transpose(1, 2)?.contiguous()?;
        self.linear(&format!("{name}.out_proj"), &mixed.reshape((batch, steps, width))?)
    }

    /// One kind of tensor of all attention heads, one head below the other.
    fn heads(&self, layer: &str, part: &str) -> Result<Tensor> {
        let tensor = |head: usize| self.tensor(&format!("attention.{layer}.{head}.{part}"));
        Tensor::cat(&(0..HEADS).map(tensor).collect::<Result<Vec<_>>>()?, 0)
    }

    /// One direction of one recurrent layer.
    fn direction(&self, inputs: &Tensor, layer: usize, reverse: bool) -> Result<Tensor> {
        let tensor = |part: &str| self.tensor(&lstm_name(part, layer, reverse));
        let bias = (tensor("bias_ih")? + tensor("bias_hh")?)?;
        lstm(inputs, tensor("weight_ih")?, tensor("weight_hh")?, &bias, reverse)
    }

    fn linear(&self, name: &str, inputs: &Tensor) -> Result<Tensor> {
        product(inputs, self.tensor(&format!("{name}.weight"))?)?.broadcast_add(self.tensor(&format!("{name}.bias"))?)
    }

    /// Layer normalisation over the last dimension.
    fn normalise(&self, name: &str, inputs: &Tensor) -> Result<Tensor> {
        let centred = inputs.broadcast_sub(&inputs.mean_keepdim(D::Minus1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + EPSILON)?.sqrt()?;
        let scaled = centred.broadcast_div(&deviation)?.broadcast_mul(self.tensor(&format!("{name}.weight"))?)?;
        scaled.broadcast_add(self.tensor(&format!("{name}.bias"))?)
    }

    fn tensor(&self, name: &str) -> Result<&Tensor> {
        match self.tensors.get(name) {
            Some(tensor) => Ok(tensor),
            None => bail!("the weights hold no tensor {name}"),
        }
    }
}

/// The names and shapes of a network as they are collected.
struct Slots(Vec<Slot>);

impl Slots {
    fn add<const N: usize>(&mut self, name: String, shape: [usize; N]) {
        self.0.push((name, shape.to_vec()));
    }

    fn bidirectional(&mut self, layer: usize, inputs: usize, units: usize) {
        for reverse in [false, true] {
            self.add(lstm_name("weight_ih", layer, reverse), [4 * units, inputs]);
            self.add(lstm_name("weight_hh", layer, reverse), [4 * units, units]);
            self.add(lstm_name("bias_ih", layer, reverse), [4 * units]);
            self.add(lstm_name("bias_hh", layer, reverse), [4 * units]);
        }
    }

    fn linear(&mut self, name: &str, inputs: usize, outputs: usize) {
        self.add(format!("{name}.weight"), [outputs, inputs]);
        self.add(format!("{name}.bias"), [outputs]);
    }

    fn normalisation(&mut self, name: &str, width: usize) {
        self.add(format!("{name}.weight"), [width]);
        self.add(format!("{name}.bias"), [width]);
    }
}

fn lstm_name(part: &str, layer: usize, reverse: bool) -> String {
    format!("lstm.{part}_l{layer}{}", if reverse { "_reverse" } else { "" })
}

/// The product of every row of `inputs` (over its last dimension) with every row of `weights`.
fn product(inputs: &Tensor, weights: &Tensor) -> Result<Tensor> {
    let mut shape = inputs.dims().to_vec();
    let width = shape.pop().unwrap_or(1);
    shape.push(weights.dim(0)?);
    inputs.contiguous()?.reshape(((), width))?.matmul(&weights.t()?)?.reshape(shape)
}

/// Softmax over the last dimension.
fn softmax(scores: &Tensor) -> Result<Tensor> {
    let shifted = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?.exp()?;
    shifted.broadcast_div(&shifted.sum_keepdim(D::Minus1)?)
}

/// Sines and cosines of the position in wave lengths from 2π to 10,000 · 2π, steps × width.
fn positions(steps: usize, device: &Device) -> Result<Tensor> {
    let angle = |position: usize, pair: usize| {
        position as f64 * (-(10_000_f64.ln()) * (2 * pair) as f64 / MODEL_WIDTH as f64).exp()
    };
    let row = |position: usize| {
        (0..MODEL_WIDTH).map(move |place| {
            let angle = angle(position, place / 2);
            (if place % 2 == 0 { angle.sin() } else { angle.cos() }) as f32
        })
    };
    Tensor::from_vec((0..steps).flat_map(row).collect(), (steps, MODEL_WIDTH), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference() -> serde_json::Value {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/reference/neural.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn names_shapes_and_counts_are_those_of_the_reference() {
        let reference = reference();
        for (name, architecture) in
            [("bilstm", Architecture::Bilstm), ("bilstm_attention", Architecture::BilstmAttention)]
        {
            let model = &reference["models"][name];
            let mut expected: Vec<Slot> = serde_json::from_value(model["state_dict"].clone()).unwrap();
            let mut slots = architecture.slots(6, 1);
            let count: usize = slots.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
            assert_eq!(Some(count as u64), model["n_params"].as_u64());
            expected.sort();
            slots.sort();
            assert_eq!(slots, expected);
        }
    }

    #[test]
    fn every_weight_but_the_idle_normalisation_moves_the_loss() {
        use rand_chacha::rand_core::SeedableRng;
        for architecture in [Architecture::Bilstm, Architecture::BilstmAttention, Architecture::Transformer] {
            let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
            let weights = StateDict::initial(&architecture.slots(3, 2), &mut random);
            let (network, variables) = Network::trained(architecture, &weights, &Device::Cpu).unwrap();
            let windows: Vec<f32> = (0..2 * 5 * 3).map(|place| (place as f32).sin()).collect();
            let pass = network.pass(&Tensor::from_vec(windows, (2, 5, 3), &Device::Cpu).unwrap()).unwrap();
            assert_eq!(pass.outputs.dims(), [2, 2]);
            let gradients = pass.outputs.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            for (name, variable) in &variables {
                let idle = architecture == Architecture::BilstmAttention && name.starts_with("norm");
                assert_eq!(gradients.get(variable).is_none(), idle, "{architecture:?} {name}");
            }
        }
    }
}
