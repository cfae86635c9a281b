//! Hidden layers whose weights are drawn once and never learnt.
//!
//! Every layer sees the inputs and, but for the first, the outputs of the layer before it:
//! `H₁ = tanh(X·W₁ + b₁)`, `Hₗ = tanh([Hₗ₋₁, X]·Wₗ + bₗ)`, as in Shi, Katuwal, Suganthan, Tanveer, *Random vector
//! functional link neural network based ensemble deep learning* (2021), equations 7 and 8.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Units of a layer.
pub(super) const UNITS: usize = 100;

/// The layers, the first one first.
#[derive(Debug, Clone)]
pub(super) struct HiddenLayers {
    layers: Vec<Layer>,
}

#[derive(Debug, Clone)]
struct Layer {
    /// One row of weights, one per unit, for each input; the outputs of the layer before come first.
    weights: Vec<f64>,
    /// One per unit.
    biases: Vec<f64>,
}

impl HiddenLayers {
    /// Layers with weights drawn from a uniform distribution around zero, such that the sum that a unit sees has the
    /// standard deviation `spread` if the inputs are independent with variance 1.
    pub(super) fn random(seed: u64, inputs: usize, layers: usize, spread: f64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut layer = |number: usize| {
            let inputs = if number == 0 { inputs } else { UNITS + inputs };
            // A uniform distribution over (−a, a) has the variance a²/3.
            let largest = spread * (3.0 / inputs as f64).sqrt();
            let mut weights = |count: usize| (0..count).map(|_| largest * uniform(&mut random)).collect();
            Layer { weights: weights(inputs * UNITS), biases: weights(UNITS) }
        };
        Self { layers: (0..layers).map(&mut layer).collect() }
    }

    /// The number of outputs: those of all layers.
    pub(super) fn width(&self) -> usize {
        self.layers.iter().map(|layer| layer.biases.len()).sum()
    }

    /// Writes the outputs of all units, layer after layer.
    pub(super) fn write(&self, inputs: &[f64], outputs: &mut [f64]) {
        let mut before: &[f64] = &[];
        let mut rest = outputs;
        for layer in &self.layers {
            let (own, others) = rest.split_at_mut(layer.biases.len());
            layer.write(before.iter().chain(inputs), own);
            (before, rest) = (own, others);
        }
    }
}

impl Layer {
    fn write<'a>(&self, inputs: impl Iterator<Item = &'a f64>, outputs: &mut [f64]) {
        outputs.copy_from_slice(&self.biases);
        for (input, weights) in inputs.zip(self.weights.chunks_exact(outputs.len())) {
            for (output, weight) in outputs.iter_mut().zip(weights) {
                *output += input * weight;
            }
        }
        for output in outputs {
            *output = output.tanh();
        }
    }
}

/// A number from −1 to 1.
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::ridge::NormalEquations;

    /// What `golden/rvfl/make_golden.py` wrote.
    #[derive(Deserialize)]
    struct Golden {
        penalty: f64,
        inputs: Vec<Vec<f64>>,
        targets: Vec<f64>,
        layers: Vec<GoldenLayer>,
        hidden: Vec<Vec<f64>>,
        coefficients: Vec<f64>,
        outputs: Vec<f64>,
    }

    #[derive(Deserialize)]
    struct GoldenLayer {
        weights: Vec<f64>,
        biases: Vec<f64>,
    }

    fn assert_near(values: &[f64], expected: &[f64]) {
        assert_eq!(values.len(), expected.len());
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-8, "{value} instead of {expected}");
        }
    }

    #[test]
    fn with_given_weights_the_hidden_outputs_and_the_read_out_are_those_of_numpy() {
        let golden: Golden = serde_json::from_str(include_str!("../../../../golden/rvfl/golden.json")).unwrap();
        let layers = golden.layers.into_iter();
        let hidden =
            HiddenLayers { layers: layers.map(|GoldenLayer { weights, biases }| Layer { weights, biases }).collect() };
        let width = golden.coefficients.len();
        let mut sums = NormalEquations::new(width);
        let row = |inputs: &[f64], outputs: &[f64]| [&[1.0], outputs, inputs].concat();
        let mut rows = Vec::new();
        for ((inputs, expected), target) in golden.inputs.iter().zip(&golden.hidden).zip(&golden.targets) {
            let mut outputs = vec![0.0; hidden.width()];
            hidden.write(inputs, &mut outputs);
            assert_near(&outputs, expected);
            rows.push(row(inputs, &outputs));
            sums.add(rows.last().unwrap(), *target);
        }
        let linear = sums.solve(golden.penalty).unwrap();
        assert_near(&linear.coefficients, &golden.coefficients);
        assert_near(&rows.iter().map(|row| linear.at(row)).collect::<Vec<_>>(), &golden.outputs);
    }

    #[test]
    fn a_seed_gives_always_the_same_weights_and_another_seed_others() {
        let outputs = |seed: u64| {
            let hidden = HiddenLayers::random(seed, 3, 2, 1.0);
            let mut outputs = vec![0.0; hidden.width()];
            hidden.write(&[1.0, -0.5, 0.2], &mut outputs);
            outputs
        };
        assert_eq!(outputs(1), outputs(1));
        assert_ne!(outputs(1), outputs(2));
        assert!(outputs(1).iter().all(|output| output.abs() < 1.0));
    }
}
