//! A layer of random units, tanh of weighted sums of the inputs, beside the inputs themselves: what is linear in them
//! can bend with the level and the time of day.
//!
//! Source: Pao, Park and Sobajic, *Learning and generalization characteristics of the random vector functional-link
//! net* (1994).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

/// Roots of traffic lie around their typical one, mostly within half of it.
const ROOTS_SPREAD: f64 = 0.5;

/// The random units.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hidden {
    units: usize,
    /// Input by input (the first is the constant), one weight per unit.
    weights: Vec<f64>,
    is_scaled: bool,
}

impl Hidden {
    /// So many units for so many inputs, the constant included.
    pub(super) fn new(units: usize, inputs: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = |half: f64| half * (2.0 * (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 - 1.0);
        // Uniform within ±√(3/n), n of them have a variance of 1 together.
        let half = (3.0 / inputs.saturating_sub(1).max(1) as f64).sqrt();
        let weights = (0..inputs * units).map(|place| draw(if place < units { 1.0 } else { half })).collect();
        Self { units, weights, is_scaled: false }
    }

    pub(super) const fn units(&self) -> usize {
        self.units
    }

    /// Fixes, the first time it is called, the typical root of the loads: inputs that are roots are measured from
    /// there, those that are not lie within ±1 already.
    pub(super) fn scale(&mut self, typical: f64, is_root: impl Fn(usize) -> bool) {
        if self.is_scaled || typical <= 0.0 {
            return;
        }
        self.is_scaled = true;
        let (thresholds, weights) = self.weights.split_at_mut(self.units);
        for (place, weights) in weights.chunks_exact_mut(self.units).enumerate() {
            if is_root(place + 1) {
                for (weight, threshold) in weights.iter_mut().zip(thresholds.iter_mut()) {
                    *threshold -= *weight / ROOTS_SPREAD;
                    *weight /= ROOTS_SPREAD * typical;
                }
            }
        }
    }

    /// Writes the outputs of the units.
    pub(super) fn write(&self, inputs: &[f64], outputs: &mut [f64]) {
        outputs.fill(0.0);
        for (input, weights) in inputs.iter().zip(self.weights.chunks_exact(self.units)) {
            for (output, weight) in outputs.iter_mut().zip(weights) {
                *output += weight * input;
            }
        }
        for output in outputs {
            *output = output.tanh();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_bend_around_the_typical_root() {
        let mut hidden = Hidden::new(40, 2, 7);
        hidden.scale(100.0, |_| true);
        hidden.scale(1.0, |_| true);
        let outputs = |root: f64| {
            let mut outputs = vec![0.0; 40];
            hidden.write(&[1.0, root], &mut outputs);
            outputs
        };
        let spread = |one: &[f64], other: &[f64]| -> f64 { one.iter().zip(other).map(|(a, b)| (a - b).abs()).sum() };
        let (low, typical, high) = (outputs(50.0), outputs(100.0), outputs(150.0));
        assert!(spread(&low, &typical) > 1.0 && spread(&typical, &high) > 1.0);
        assert!(low.iter().chain(&high).all(|output| output.abs() < 1.0));
        assert_eq!(outputs(50.0), low);
    }
}
