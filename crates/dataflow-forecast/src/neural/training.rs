//! Training: mini-batches, AdamW, a robust loss, and a stop where the last part of the past is no longer forecast better.
//!
//! Everything random (first weights, order of the rows) comes from one seed, and nothing depends on the clock or the
//! number of threads, so a training can be repeated to the last bit on the same machine.
//! Sources: Loshchilov and Hutter, *Decoupled Weight Decay Regularization* (2019), algorithm 2; the same, *SGDR* (2017),
//! equation 5, for the cosine; Huber, *Robust Estimation of a Location Parameter* (1964); Pascanu, Mikolov, Bengio, *On
//! the difficulty of training recurrent neural networks* (2013), section 3.2, for the clipped gradient; Srivastava et al.,
//! *Dropout* (2014); Prechelt, *Early Stopping – But When?* (1998).

use candle_core::{Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::inputs::{Rows, STEPS};
use super::network::{Architecture, Network};
use super::state_dict::{StateDict, uniform};

const BATCH: usize = 32;
/// Passes over the rows, unless the last part says earlier that it is enough. With few rows there are more of them, so
/// that weights are moved often enough.
const EPOCHS_MAX: usize = 8;
const EPOCHS_MAX_FEW: usize = 20;
const FEW_ROWS: usize = 1_000;
/// Passes without a better forecast of the last part after which training stops.
const PATIENCE: usize = 3;
/// The share of rows, the last ones, on which passes are compared.
const VALIDATION_SHARE: f64 = 0.15;
const LEARNING_RATE: f64 = 1e-3;
/// The share of all steps over which the learning rate rises; then it falls along a cosine.
const WARM_UP: f64 = 0.1;
const WEIGHT_DECAY: f64 = 0.01;
/// The longest gradient, over all weights.
const GRADIENT_MAX: f64 = 1.0;
/// The share of inputs that each step of a training leaves out.
const DROPOUT: f32 = 0.2;
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
    /// How good it is on the last rows.
    pub(super) judgement: Judgement,
    /// The mean loss on the last rows of a network that says zero: that of the linear guess.
    pub(super) untrained: f64,
}

/// How good a network is on rows that it did not learn from.
#[derive(Debug, Clone)]
pub(super) struct Judgement {
    /// Per horizon the share of the network's outputs, within 0 and 1, that fits the targets best: what it learnt too
    /// eagerly is taken back.
    pub(super) trust: Vec<f64>,
    /// Per horizon the mean squared error of so much of the outputs, in the unit of the targets.
    pub(super) errors: Vec<f64>,
    /// Its mean Huber loss.
    pub(super) loss: f64,
}

/// Trains a network on rows in order of time. `progress` is told the share that is done, from 0 to 1, after every batch.
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
    let judgement = judge(architecture, &weights, rows, &last, device)?;
    let untrained = judgement.loss;
    let mut best = Trained { weights: weights.clone(), epochs: 0, kept: 0, judgement, untrained };
    let mut order: Vec<usize> = (0..learnt_from).collect();
    progress(0.0);
    for epoch in 1..=epochs {
        shuffle(&mut order, &mut random);
        for batch in order.chunks(BATCH) {
            let (network, variables) = Network::trained(architecture, &weights, device)?;
            let gradients = loss(&network, rows, batch, &mut random, device)?.backward()?;
            let mut by_weights = StateDict::default();
            for (name, variable) in &variables {
                // A weight that the network carries but never uses has no gradient.
                if let Some(gradient) = gradients.get(variable) {
                    by_weights.insert(name, gradient)?;
                }
            }
            optimiser.step(&mut weights, &by_weights);
            progress(optimiser.share());
        }
        let judgement = judge(architecture, &weights, rows, &last, device)?;
        best.epochs = epoch;
        if judgement.loss < best.judgement.loss {
            best = Trained { weights: weights.clone(), epochs: epoch, kept: epoch, judgement, untrained };
        }
        if epoch - best.kept >= PATIENCE {
            break;
        }
    }
    progress(1.0);
    Ok(best)
}

fn judge(
    architecture: Architecture,
    weights: &StateDict,
    rows: &Rows,
    places: &[usize],
    device: &Device,
) -> Result<Judgement> {
    let network = Network::fixed(architecture, weights, device)?;
    let mut outputs: Vec<f32> = Vec::new();
    for batch in places.chunks(BATCH) {
        outputs.extend(network.pass(&windows(rows, batch, None, device)?)?.outputs.flatten_all()?.to_vec1::<f32>()?);
    }
    let mut judgement = Judgement { trust: Vec::new(), errors: Vec::new(), loss: 0.0 };
    for horizon in 0..rows.horizons {
        let pairs = places.iter().zip(outputs.chunks(rows.horizons)).filter_map(|(row, outputs)| {
            let place = row * rows.horizons + horizon;
            (rows.weights[place] > 0.0).then_some((f64::from(outputs[horizon]), f64::from(rows.targets[place])))
        });
        let pairs: Vec<(f64, f64)> = pairs.collect();
        let product: f64 = pairs.iter().map(|(output, target)| output * target).sum();
        let square: f64 = pairs.iter().map(|(output, _)| output * output).sum();
        let trust = if square > 0.0 { (product / square).clamp(0.0, 1.0) } else { 0.0 };
        let errors = || pairs.iter().map(|(output, target)| (trust * output - target).abs());
        let huber = |error: f64| error.min(HUBER) * (error - error.min(HUBER) / 2.0);
        let count = pairs.len().max(1) as f64;
        judgement.trust.push(trust);
        judgement.errors.push(errors().map(|error| error * error).sum::<f64>() / count);
        judgement.loss += errors().map(huber).sum::<f64>() / count / rows.horizons as f64;
    }
    Ok(judgement)
}

/// The mean Huber loss on some rows; `random` draws the inputs that are left out.
fn loss(network: &Network, rows: &Rows, places: &[usize], random: &mut ChaCha8Rng, device: &Device) -> Result<Tensor> {
    let shape = (places.len(), rows.horizons);
    let targets = Tensor::from_vec(pick(&rows.targets, rows.horizons, places), shape, device)?;
    let weights = Tensor::from_vec(pick(&rows.weights, rows.horizons, places), shape, device)?;
    let outputs = network.pass(&windows(rows, places, Some(random), device)?)?.outputs;
    let sizes = ((outputs - targets)? * weights)?.abs()?;
    // With q = min(|e|, δ) the Huber loss is q·(|e| − q/2), and so is its slope when q is held fixed.
    let within = sizes.detach().clamp(0.0, HUBER)?;
    (&within * (sizes - (&within * 0.5)?)?)?.mean_all()
}

/// The windows of some rows; `dropout` draws the inputs that are left out.
fn windows(rows: &Rows, places: &[usize], dropout: Option<&mut ChaCha8Rng>, device: &Device) -> Result<Tensor> {
    let mut windows = pick(&rows.windows, STEPS * rows.columns, places);
    if let Some(random) = dropout {
        for value in &mut windows {
            *value = if uniform(random) < DROPOUT { 0.0 } else { *value / (1.0 - DROPOUT) };
        }
    }
    Tensor::from_vec(windows, (places.len(), STEPS, rows.columns), device)
}

/// Some rows of a table.
fn pick(values: &[f32], width: usize, places: &[usize]) -> Vec<f32> {
    places.iter().flat_map(|place| values[place * width..(place + 1) * width].iter().copied()).collect()
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

    /// The share of all steps that were taken.
    fn share(&self) -> f64 {
        self.taken as f64 / self.steps.max(1) as f64
    }

    /// The learning rate of the step to be taken.
    fn rate(&self) -> f64 {
        let done = self.share();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_learns_to_go_on_with_a_sine() {
        let wave = |step: usize| (step as f32 * 0.7).sin();
        let count = 180;
        let rows = Rows {
            windows: (0..count).flat_map(|row| (row..row + STEPS).map(wave)).collect(),
            targets: (0..count).map(|row| wave(row + STEPS)).collect(),
            weights: vec![1.0; count],
            columns: 1,
            horizons: 1,
        };
        for architecture in [Architecture::Bilstm, Architecture::BilstmAttention, Architecture::Transformer] {
            let trained = train(architecture, &rows, 3, &Device::Cpu, &|_| {}).unwrap();
            let (before, after) = (trained.untrained, trained.judgement.loss);
            assert!(trained.kept > 0 && after < 0.3 * before, "{architecture:?}: {after} after {before}");
        }
    }
}
