//! Random vector functional links: hidden layers with random weights, read out together with the inputs themselves
//! ("direct links") by ridge regression; one read-out per horizon, the hidden layers are the same for all.
//!
//! Sources: Pao, Park, Sobajic, *Learning and generalization characteristics of the random vector functional-link net*
//! (1994); Shi, Katuwal, Suganthan, Tanveer, *Random vector functional link neural network based ensemble deep
//! learning* (2021), for the deep one and the ensemble, in which every layer has a read-out of its own. Inputs are
//! those of the linear model, exogenous columns and, for one of the models, the empirical modes of the last loads.

mod decomposition;
mod hidden;
mod modes;

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use self::hidden::{HiddenLayers, UNITS};
use self::modes::{MODE_INPUTS, write_modes};
use crate::history::View;
use crate::inputs::Inputs;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, Refits, SaveError, Spread, check_past, from_bytes, to_bytes,
};
use crate::ridge::{Linear, NormalEquations, from_root};

/// A standardised input counts as at most so many standard deviations.
const INPUT_MAX: f64 = 8.0;
/// Rows whose hidden outputs are held at once.
const BLOCK: usize = 64;

/// A network of this family.
#[derive(Debug, Clone, Copy)]
pub struct Rvfl {
    architecture: Architecture,
    seed: u64,
}

#[derive(Debug, Clone, Copy)]
struct Architecture {
    name: &'static str,
    /// Read-outs whose forecasts are averaged.
    members: usize,
    /// Hidden layers that each of them reads, none of which is read by two.
    layers_per_member: usize,
    /// Whether empirical modes are inputs.
    modes: bool,
    /// The most rows that are learnt from.
    rows_max: usize,
    /// Standard deviation of the sum that a hidden unit sees, if the inputs were independent with variance 1.
    spread: f64,
    /// Added to the variance of every standardised input of a read-out.
    penalty: f64,
}

struct FittedRvfl {
    architecture: Architecture,
    hidden: HiddenLayers,
    learnt: Learning,
    /// The roots that each member forecasts from the end of the past, for each horizon.
    roots: Vec<Vec<f64>>,
}

/// What is saved.
#[derive(Debug, Serialize, Deserialize)]
struct Learning {
    seed: u64,
    inputs: Inputs,
    read_outs: Vec<ReadOut>,
}

/// What was learnt for one horizon.
#[derive(Debug, Serialize, Deserialize)]
struct ReadOut {
    horizon: usize,
    /// Mean and inverse of the standard deviation of every input, on the rows learnt from.
    standards: Vec<(f64, f64)>,
    /// From the constant, hidden outputs and inputs to the root of the load.
    members: Vec<Linear>,
    /// The largest root that is forecast: random units may say anything of inputs unlike those learnt from.
    highest: f64,
}

/// How far beyond the largest root learnt from a forecast may lie: 1.5 times, so 2.25 times the load.
const BEYOND: f64 = 1.5;

/// Spreads and the penalty of the ensembles were chosen on the part of the NASA trace before its hold-out; 1e-3 is the
/// penalty of the literature.
const SINGLE: Architecture = Architecture {
    name: "rvfl",
    members: 1,
    layers_per_member: 1,
    modes: false,
    rows_max: 10_000,
    spread: 0.2,
    penalty: 1e-3,
};

impl Rvfl {
    /// One hidden layer of 100 units.
    pub const fn single(seed: u64) -> Self {
        Self { architecture: SINGLE, seed }
    }

    /// Two hidden layers of 100 units, read together.
    pub const fn deep(seed: u64) -> Self {
        let architecture = Architecture { name: "deep-rvfl", layers_per_member: 2, ..SINGLE };
        Self { architecture, seed }
    }

    /// Ten hidden layers of 100 units, each with a read-out of its own, averaged.
    pub const fn ensemble(seed: u64) -> Self {
        let architecture =
            Architecture { name: "ensemble-deep-rvfl", members: 10, spread: 1.0, penalty: 0.1, ..SINGLE };
        Self { architecture, seed }
    }

    /// As [`Rvfl::ensemble`], with the empirical modes of the loads up to each origin as further inputs.
    pub const fn ensemble_with_modes(seed: u64) -> Self {
        let architecture = Architecture {
            name: "emd-ensemble-deep-rvfl",
            modes: true,
            rows_max: 4_000,
            ..Self::ensemble(seed).architecture
        };
        Self { architecture, seed }
    }
}

impl Architecture {
    /// Number of inputs: those of the linear model without its constant, and those of the modes.
    fn width(self, inputs: &Inputs) -> usize {
        inputs.width() - 1 + if self.modes { MODE_INPUTS } else { 0 }
    }

    fn hidden(self, seed: u64, inputs: &Inputs) -> HiddenLayers {
        HiddenLayers::random(seed, self.width(inputs), self.members * self.layers_per_member, self.spread)
    }

    /// The hidden outputs that a member reads.
    fn read_by(self, member: usize) -> std::ops::Range<usize> {
        let width = self.layers_per_member * UNITS;
        member * width..(member + 1) * width
    }

    /// Writes the inputs of a row as they are.
    fn write(self, inputs: &Inputs, origin: usize, horizon: usize, row: &mut Vec<f64>) {
        row.resize(inputs.width(), 0.0);
        inputs.write(origin, horizon, row);
        // The read-outs have a constant of their own.
        row.remove(0);
        if self.modes {
            write_modes(inputs, origin, row);
        }
    }
}

impl MeanModel for Rvfl {
    fn name(&self) -> &'static str {
        self.architecture.name
    }

    fn shortest_past(&self, step: Step, furthest: usize) -> usize {
        Inputs::shortest_past(step, furthest)
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        let furthest = check_past(self, past, horizons)?;
        let mut inputs = Inputs::new(past);
        inputs.extend(past, furthest);
        let nothing =
            |horizon: &usize| ReadOut { horizon: *horizon, standards: Vec::new(), members: Vec::new(), highest: 0.0 };
        let mut fitted = FittedRvfl {
            architecture: self.architecture,
            hidden: self.architecture.hidden(self.seed, &inputs),
            learnt: Learning { seed: self.seed, inputs, read_outs: horizons.iter().map(nothing).collect() },
            roots: Vec::new(),
        };
        fitted.refit()?;
        Ok(Box::new(fitted))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let learnt: Learning = from_bytes(saved)?;
        let width = self.architecture.width(&learnt.inputs);
        let read = 1 + self.architecture.layers_per_member * UNITS + width;
        let fits = |read_out: &ReadOut| {
            read_out.standards.len() == width
                && read_out.members.len() == self.architecture.members
                && read_out.members.iter().all(|member| member.coefficients.len() == read)
        };
        let horizons: Vec<usize> = learnt.read_outs.iter().map(|read_out| read_out.horizon).collect();
        if !learnt.inputs.is_sound(&horizons) || !learnt.read_outs.iter().all(fits) {
            return Err(SaveError::NotRestored("its read-outs do not fit its inputs".to_owned()));
        }
        let hidden = self.architecture.hidden(learnt.seed, &learnt.inputs);
        let mut fitted = FittedRvfl { architecture: self.architecture, hidden, learnt, roots: Vec::new() };
        fitted.forecast();
        Ok(Box::new(fitted))
    }

    fn refits(&self) -> Refits {
        if self.architecture.members == 1 { Refits::Daily } else { Refits::Seldom }
    }
}

impl FittedMean for FittedRvfl {
    fn extend(&mut self, new: View<'_>) {
        let furthest = self.learnt.read_outs.last().map_or(1, |read_out| read_out.horizon);
        self.learnt.inputs.extend(new, furthest);
        self.forecast();
    }

    fn refit(&mut self) -> Result<(), FitError> {
        let Learning { inputs, read_outs, .. } = &self.learnt;
        if read_outs.iter().any(|read_out| !inputs.can_learn(read_out.horizon)) {
            return Err(FitError::NothingToLearn { model: self.architecture.name });
        }
        let read_outs = read_outs.iter().map(|read_out| self.learn(read_out.horizon));
        let Some(read_outs) = read_outs.collect::<Option<Vec<ReadOut>>>() else {
            let largest = self.learnt.inputs.largest();
            return Err(FitError::TooLarge { model: self.architecture.name, largest });
        };
        self.learnt.read_outs = read_outs;
        self.forecast();
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        for (mean, (roots, read_out)) in means.iter_mut().zip(self.roots.iter().zip(&self.learnt.read_outs)) {
            let members = roots.iter().zip(&read_out.members);
            let shares = members.map(|(root, member)| from_root(*root, member.variance) / roots.len() as f64);
            *mean = shares.sum::<f64>().clamp(0.0, f64::MAX);
        }
    }

    /// From the errors of the members on what they learnt from and their disagreement, seen on roots, where the spread
    /// hardly depends on the level. A single network leaves that to the level alone.
    fn spreads(&self, spreads: &mut [Spread]) -> bool {
        if self.architecture.members == 1 {
            return false;
        }
        for (spread, (roots, read_out)) in spreads.iter_mut().zip(self.roots.iter().zip(&self.learnt.read_outs)) {
            let count = roots.len() as f64;
            let root = roots.iter().sum::<f64>() / count;
            let disagreement = roots.iter().map(|other| (other - root).powi(2)).sum::<f64>() / count;
            let errors = read_out.members.iter().map(|member| member.variance).sum::<f64>() / count;
            let deviation = (disagreement + errors).sqrt();
            let [below, middle, above] = [-deviation, 0.0, deviation].map(|shift| from_root(root + shift, 0.0));
            *spread = Spread { below: middle - below, above: above - middle };
        }
        true
    }

    fn learnt(&self) -> Vec<Learnt> {
        let entry = |name: &'static str, value: String| Learnt { name, value };
        let mut learnt = vec![
            entry("hidden units", self.hidden.width().to_string()),
            entry("read-outs averaged", self.architecture.members.to_string()),
            entry("inputs", self.architecture.width(&self.learnt.inputs).to_string()),
            entry("seed", self.learnt.seed.to_string()),
        ];
        for read_out in &self.learnt.read_outs {
            let rows = self.learnt.inputs.targets(read_out.horizon, self.architecture.rows_max).count();
            learnt.push(entry("rows", format!("{rows} for {} ahead", read_out.horizon)));
        }
        learnt
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(&self.learnt)
    }
}

impl FittedRvfl {
    /// The read-outs of one horizon; `None` if the sums overflow.
    fn learn(&self, horizon: usize) -> Option<ReadOut> {
        let Self { architecture, hidden, learnt: Learning { inputs, .. }, .. } = self;
        let width = architecture.width(inputs);
        let (mut rows, mut row) = (Vec::new(), Vec::new());
        let targets: Vec<usize> = inputs.targets(horizon, architecture.rows_max).collect();
        for target in &targets {
            architecture.write(inputs, target - horizon, horizon, &mut row);
            rows.extend_from_slice(&row);
        }
        let standards = standards(&rows, width);
        rows.chunks_exact_mut(width).for_each(|row| standardise(row, &standards));

        let read = 1 + architecture.layers_per_member * UNITS + width;
        let mut sums = vec![NormalEquations::new(read); architecture.members];
        let mut outputs = vec![0.0; BLOCK * hidden.width()];
        // Blocks, so that the sums of one member stay in the cache for a while.
        for (rows, targets) in rows.chunks(BLOCK * width).zip(targets.chunks(BLOCK)) {
            for (row, outputs) in rows.chunks_exact(width).zip(outputs.chunks_exact_mut(hidden.width())) {
                hidden.write(row, outputs);
            }
            for (member, sums) in sums.iter_mut().enumerate() {
                let outputs = outputs.chunks_exact(hidden.width());
                for ((inputs_row, outputs), target) in rows.chunks_exact(width).zip(outputs).zip(targets) {
                    fill_read(&mut row, &outputs[architecture.read_by(member)], inputs_row);
                    sums.add(&row, inputs.root(*target));
                }
            }
        }
        let members = sums.iter().map(|sums| sums.solve(architecture.penalty)).collect::<Option<_>>()?;
        let highest = targets.iter().map(|target| inputs.root(*target)).fold(0.0, f64::max) * BEYOND;
        Some(ReadOut { horizon, standards, members, highest })
    }

    /// Forecasts roots from the end of the past.
    fn forecast(&mut self) {
        let Self { architecture, hidden, learnt: Learning { inputs, read_outs, .. }, .. } = self;
        let origin = inputs.len().saturating_sub(1);
        let mut outputs = vec![0.0; hidden.width()];
        let (mut row, mut read) = (Vec::new(), Vec::new());
        let mut roots = |read_out: &ReadOut| {
            architecture.write(inputs, origin, read_out.horizon, &mut row);
            standardise(&mut row, &read_out.standards);
            hidden.write(&row, &mut outputs);
            let member = |(place, member): (usize, &Linear)| {
                fill_read(&mut read, &outputs[architecture.read_by(place)], &row);
                member.at(&read).clamp(0.0, read_out.highest)
            };
            read_out.members.iter().enumerate().map(member).collect()
        };
        self.roots = read_outs.iter().map(&mut roots).collect();
    }
}

/// Makes a row of what a read-out reads: the constant, hidden outputs, inputs.
fn fill_read(read: &mut Vec<f64>, outputs: &[f64], inputs: &[f64]) {
    read.clear();
    read.push(1.0);
    read.extend_from_slice(outputs);
    read.extend_from_slice(inputs);
}

/// Mean and inverse of the standard deviation of every column. A column that does not vary becomes zero.
fn standards(rows: &[f64], width: usize) -> Vec<(f64, f64)> {
    let count = (rows.len() / width).max(1) as f64;
    let column = |column: usize| {
        let values = || rows.iter().skip(column).step_by(width);
        let mean = values().sum::<f64>() / count;
        let deviation = (values().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        let varies = deviation.is_finite() && deviation > 1e-9 * mean.abs();
        (mean, if varies { deviation.recip() } else { 0.0 })
    };
    (0..width).map(column).collect()
}

fn standardise(row: &mut [f64], standards: &[(f64, f64)]) {
    for (input, (mean, inverse)) in row.iter_mut().zip(standards) {
        *input = ((*input - mean) * inverse).clamp(-INPUT_MAX, INPUT_MAX);
    }
}
