//! Training: mini-batches, AdamW, a robust loss, and a stop where the last part of the past is no longer forecast better.
//!
//! Everything random (first weights, order of the rows) comes from one seed, and nothing depends on the clock or the
//! number of threads, so a training can be repeated to the last bit on the same machine.
//! Sources: Loshchilov and Hutter, *Decoupled Weight Decay Regularization* (2019), algorithm 2; the same, *SGDR* (2017),
//! equation 5, for the cosine; Huber, *Robust Estimation of a Location Parameter* (1964); Pascanu, Mikolov, Bengio, *On
//! the difficulty of training recurrent neural networks* (2013), section 3.2, for the clipped gradient; Prechelt, *Early
//! Stopping – But When?* (1998).

use candle_core::{Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::inputs::{Rows, STEPS};
use super::network::{Architecture, Network};
use super::state_dict::StateDict;

const BATCH: usize = 32;
/// Passes over the rows, unless the last part says earlier that it is enough. With few rows there are more of them, so
/// that weights are moved often enough.
const EPOCHS_MAX: usize = 10;
const EPOCHS_MAX_FEW: usize = 20;
const FEW_ROWS: usize = 1_000;
/// Passes without a better forecast of the last part after which training stops.
const PATIENCE: usize = 3;
/// The share of rows, the last ones, on which passes are compared.
const VALIDATION_SHARE: f64 = 0.15;
const LEARNING_RATE: f64 = 3e-3;
/// The share of all steps over which the learning rate rises; then it falls along a cosine.
const WARM_UP: f64 = 0.1;
const WEIGHT_DECAY: f64 = 0.01;
/// The longest gradient, over all weights.
const GRADIENT_MAX: f64 = 1.0;
/// Errors beyond so many standard deviations count linearly.
const HUBER: f64 = 2.0;
/// AdamW's averages of gradients and of their squares forget at these rates.
const DECAYS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

/// What a training found.
pub(super) struct Trained {
    pub(super) weights: StateDict,
    /// Passes over the rows that were made, and the one whose weights were kept.
    pub(super) epochs: usize,
    pub(super) kept: usize,
    /// Per horizon the mean squared error on the last rows, in the unit of the targets.
    pub(super) errors: Vec<f64>,
    /// The mean loss on the last rows before the first pass and after the kept one.
    pub(super) losses: [f64; 2],
}

/// Trains a network on rows in order of time. `progress` is told the share that is done, from 0 to 1, after every pass.
pub(super) fn train(
    architecture: Architecture,
    rows: &Rows,
    seed: u64,
    device: &Device,
    progress: &dyn Fn(f64),
) -> Result<Trained> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut weights = StateDict::initial(&architecture.slots(rows.columns, rows.horizons), &mut random);
    let validation = ((rows.len() as f64 * VALIDATION_SHARE) as usize).max(1);
    let learnt_from = rows.len().saturating_sub(validation).max(1);
    let last: Vec<usize> = (learnt_from.min(rows.len() - 1)..rows.len()).collect();
    let epochs = if learnt_from < FEW_ROWS { EPOCHS_MAX_FEW } else { EPOCHS_MAX };
    let mut optimiser = AdamW::new(&weights, epochs * learnt_from.div_ceil(BATCH));
    let (before, errors) = judge(architecture, &weights, rows, &last, device)?;
    let mut best = Trained { weights: weights.clone(), epochs: 0, kept: 0, errors, losses: [before, before] };
    let mut order: Vec<usize> = (0..learnt_from).collect();
    for epoch in 1..=epochs {
        shuffle(&mut order, &mut random);
        for batch in order.chunks(BATCH) {
            let (network, variables) = Network::trained(architecture, &weights, device)?;
            let gradients = loss(&network, rows, batch, device)?.0.backward()?;
            let mut by_weights = StateDict::default();
            for (name, variable) in &variables {
                // A weight that the network carries but never uses has no gradient.
                if let Some(gradient) = gradients.get(variable) {
                    by_weights.insert(name, gradient)?;
                }
            }
            optimiser.step(&mut weights, &by_weights);
        }
        let (after, errors) = judge(architecture, &weights, rows, &last, device)?;
        best.epochs = epoch;
        if after < best.losses[1] {
            best = Trained { weights: weights.clone(), epochs: epoch, kept: epoch, errors, losses: [before, after] };
        }
        progress(epoch as f64 / epochs as f64);
        if epoch - best.kept >= PATIENCE {
            break;
        }
    }
    progress(1.0);
    Ok(best)
}

/// The mean loss on some rows, and per horizon the mean squared error.
fn judge(
    architecture: Architecture,
    weights: &StateDict,
    rows: &Rows,
    places: &[usize],
    device: &Device,
) -> Result<(f64, Vec<f64>)> {
    let network = Network::fixed(architecture, weights, device)?;
    let (mut total, mut squares, mut counts) = (0.0, vec![0.0; rows.horizons], vec![0.0; rows.horizons]);
    for batch in places.chunks(BATCH) {
        let (loss, errors) = loss(&network, rows, batch, device)?;
        total += f64::from(loss.to_scalar::<f32>()?) * batch.len() as f64;
        let errors: Vec<f32> = errors.flatten_all()?.to_vec1()?;
        for (place, error) in errors.iter().enumerate() {
            squares[place % rows.horizons] += f64::from(error * error);
        }
        for row in batch {
            let weights = &rows.weights[row * rows.horizons..(row + 1) * rows.horizons];
            counts.iter_mut().zip(weights).for_each(|(count, weight)| *count += f64::from(*weight));
        }
    }
    let errors = squares.iter().zip(&counts).map(|(square, count)| square / f64::max(*count, 1.0)).collect();
    Ok((total / places.len().max(1) as f64, errors))
}

/// The mean Huber loss on some rows, and their errors (batch × horizons), zero where the load was missing.
fn loss(network: &Network, rows: &Rows, places: &[usize], device: &Device) -> Result<(Tensor, Tensor)> {
    let pick = |values: &[f32], width: usize| -> Vec<f32> {
        places.iter().flat_map(|place| values[place * width..(place + 1) * width].iter().copied()).collect()
    };
    let window = STEPS * rows.columns;
    let windows = Tensor::from_vec(pick(&rows.windows, window), (places.len(), STEPS, rows.columns), device)?;
    let shape = (places.len(), rows.horizons);
    let targets = Tensor::from_vec(pick(&rows.targets, rows.horizons), shape, device)?;
    let weights = Tensor::from_vec(pick(&rows.weights, rows.horizons), shape, device)?;
    let errors = ((network.pass(&windows)?.outputs - targets)? * weights)?;
    let sizes = errors.abs()?;
    // With q = min(|e|, δ) the Huber loss is q·(|e| − q/2), and so is its slope when q is held fixed.
    let within = sizes.detach().clamp(0.0, HUBER)?;
    let losses = (&within * (sizes - (&within * 0.5)?)?)?;
    Ok((losses.mean_all()?, errors))
}

fn shuffle(order: &mut [usize], random: &mut ChaCha8Rng) {
    for last in (1..order.len()).rev() {
        let other = (u64::from(random.next_u32()) * (last as u64 + 1)) >> 32;
        order.swap(last, other as usize);
    }
}

/// AdamW with a warm-up, a cosine and a clipped gradient.
struct AdamW {
    means: StateDict,
    squares: StateDict,
    steps: usize,
    taken: usize,
}

impl AdamW {
    fn new(weights: &StateDict, steps: usize) -> Self {
        let mut zero = weights.clone();
        zero.0.values_mut().for_each(|tensor| tensor.values.fill(0.0));
        Self { means: zero.clone(), squares: zero, steps, taken: 0 }
    }

    /// The learning rate of the step to be taken.
    fn rate(&self) -> f64 {
        let done = self.taken as f64 / self.steps.max(1) as f64;
        if done < WARM_UP {
            LEARNING_RATE * (done / WARM_UP).max(0.05)
        } else {
            let angle = std::f64::consts::PI * ((done - WARM_UP) / (1.0 - WARM_UP)).min(1.0);
            LEARNING_RATE * (0.02 + 0.98 * (1.0 + libm::cos(angle)) / 2.0)
        }
    }

    fn step(&mut self, weights: &mut StateDict, gradients: &StateDict) {
        let rate = self.rate();
        self.taken += 1;
        let squares = gradients.0.values().flat_map(|gradient| &gradient.values);
        let norm = squares.map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if !norm.is_finite() {
            return;
        }
        let clip = (GRADIENT_MAX / norm.max(1e-12)).min(1.0) as f32;
        let corrections = DECAYS.map(|decay| 1.0 / (1.0 - decay.powi(self.taken as i32)));
        let (rate_corrected, square_corrected) = ((rate * corrections[0]) as f32, corrections[1] as f32);
        let [mean_decay, square_decay] = DECAYS.map(|decay| decay as f32);
        for (name, gradient) in &gradients.0 {
            let (Some(tensor), Some(means), Some(squares)) =
                (weights.0.get_mut(name), self.means.0.get_mut(name), self.squares.0.get_mut(name))
            else {
                continue;
            };
            let keep = 1.0 - (rate * WEIGHT_DECAY) as f32;
            for (((weight, gradient), mean), square) in
                tensor.values.iter_mut().zip(&gradient.values).zip(&mut means.values).zip(&mut squares.values)
            {
                let gradient = gradient * clip;
                *mean = mean_decay * *mean + (1.0 - mean_decay) * gradient;
                *square = square_decay * *square + (1.0 - square_decay) * gradient * gradient;
                let step = rate_corrected * *mean / ((square_corrected * *square).sqrt() + EPSILON as f32);
                *weight = keep * *weight - step;
            }
        }
    }
}
