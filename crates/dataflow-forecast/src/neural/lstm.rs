//! One direction of one recurrent layer (LSTM) as a single differentiable operation.
//!
//! A tensor library spends some fifteen small operations on every step of a recurrent layer, which takes longer than the
//! arithmetic itself. Here a layer walks through all steps of a batch by itself, forwards and, for the gradient,
//! backwards; everything around it (projections of the inputs, heads, losses) is left to the library.
//! Source: Hochreiter and Schmidhuber, *Long Short-Term Memory* (1997), with the forget gate of Gers, Schmidhuber and
//! Cummins (2000); gates in PyTorch's order: input, forget, cell, output.

use candle_core::{CpuStorage, CustomOp2, Device, Layout, Result, Shape, Tensor, bail};

/// What is kept of each step, in blocks of `hidden` numbers: output h, gates i, f, g, o, cell c, tanh c.
const KEPT: usize = 7;

/// The recurrent part of an LSTM. Arguments: the projected inputs, biases included (batch × steps × 4·hidden), and the
/// recurrent weights (4·hidden × hidden). Result: batch × steps × 7·hidden, whose first block is the output; only that
/// block may be used by what follows.
struct Recurrence {
    hidden: usize,
    /// Whether the steps are walked through from the last to the first.
    reverse: bool,
}

/// The outputs of one direction, batch × steps × hidden, in the order of the inputs.
///
/// `inputs` is batch × steps × features; the weights are 4·hidden × features and 4·hidden × hidden, the bias is the sum
/// of PyTorch's two.
pub(super) fn lstm(
    inputs: &Tensor,
    input_weights: &Tensor,
    recurrent_weights: &Tensor,
    bias: &Tensor,
    reverse: bool,
) -> Result<Tensor> {
    let (batch, steps, features) = inputs.dims3()?;
    let hidden = recurrent_weights.dim(1)?;
    let rows = inputs.contiguous()?.reshape((batch * steps, features))?;
    let projected = rows.matmul(&input_weights.t()?)?.broadcast_add(bias)?.reshape((batch, steps, 4 * hidden))?;
    if inputs.device().is_cpu() {
        let kept = projected.apply_op2(&recurrent_weights.contiguous()?, Recurrence { hidden, reverse })?;
        kept.narrow(2, 0, hidden)
    } else {
        lstm_by_operations(&projected, recurrent_weights, reverse)
    }
}

/// The same by the library's own operations: for other devices than the CPU, and as the yardstick of the tests.
fn lstm_by_operations(projected: &Tensor, recurrent_weights: &Tensor, reverse: bool) -> Result<Tensor> {
    let (batch, steps, width) = projected.dims3()?;
    let hidden = width / 4;
    let recurrent = recurrent_weights.t()?;
    let mut output = Tensor::zeros((batch, hidden), projected.dtype(), projected.device())?;
    let mut cell = output.clone();
    let mut outputs = vec![output.clone(); steps];
    for step in walk(steps, reverse) {
        let gates = (projected.narrow(1, step, 1)?.squeeze(1)? + output.matmul(&recurrent)?)?;
        let gate = |place: usize| gates.narrow(1, place * hidden, hidden);
        let sigmoid = |gate: Tensor| ((gate * 0.5)?.tanh()? + 1.0)? * 0.5;
        cell = ((sigmoid(gate(1)?)? * cell)? + (sigmoid(gate(0)?)? * gate(2)?.tanh()?)?)?;
        output = (sigmoid(gate(3)?)? * cell.tanh()?)?;
        outputs[step] = output.clone();
    }
    Tensor::stack(&outputs, 1)
}

/// The steps in the order in which a direction walks through them.
fn walk(steps: usize, reverse: bool) -> impl DoubleEndedIterator<Item = usize> {
    (0..steps).map(move |step| if reverse { steps - 1 - step } else { step })
}

impl CustomOp2 for Recurrence {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn cpu_fwd(
        &self,
        projected: &CpuStorage,
        projected_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, steps, width) = projected_layout.shape().dims3()?;
        let projected = contiguous(projected, projected_layout)?;
        let weights = contiguous(weights, weights_layout)?;
        if width != 4 * self.hidden || weights.len() != width * self.hidden {
            bail!("an LSTM of {} units got {:?} and {weights_layout:?}", self.hidden, projected_layout.shape());
        }
        let kept = self.forward(projected, weights, batch, steps)?;
        Ok((CpuStorage::F32(kept), Shape::from((batch, steps, KEPT * self.hidden))))
    }

    fn bwd(
        &self,
        _projected: &Tensor,
        weights: &Tensor,
        kept: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (batch, steps, _) = kept.dims3()?;
        let (hidden, width) = (self.hidden, 4 * self.hidden);
        let kept = kept.flatten_all()?.to_vec1::<f32>()?;
        let gradient = gradient.narrow(2, 0, hidden)?.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
        let gates = self.backward(weights, &kept, &gradient, batch, steps)?;
        let previous =
            Tensor::from_vec(self.previous_outputs(&kept, batch, steps), (batch * steps, hidden), &Device::Cpu)?;
        let gates = Tensor::from_vec(gates, (batch * steps, width), &Device::Cpu)?;
        let weights_gradient = gates.t()?.matmul(&previous)?;
        Ok((Some(gates.reshape((batch, steps, width))?), Some(weights_gradient)))
    }
}

impl Recurrence {
    fn forward(&self, projected: &[f32], weights: &[f32], batch: usize, steps: usize) -> Result<Vec<f32>> {
        let (hidden, width, block) = (self.hidden, 4 * self.hidden, KEPT * self.hidden);
        let recurrent = Tensor::from_slice(weights, (width, hidden), &Device::Cpu)?.t()?;
        let mut kept = vec![0.0_f32; batch * steps * block];
        let mut outputs = vec![0.0_f32; batch * hidden];
        let mut cells = vec![0.0_f32; batch * hidden];
        let mut gates = vec![0.0_f32; width];
        for step in walk(steps, self.reverse) {
            let fed_back = Tensor::from_slice(&outputs, (batch, hidden), &Device::Cpu)?.matmul(&recurrent)?;
            let fed_back = fed_back.flatten_all()?.to_vec1::<f32>()?;
            for row in 0..batch {
                let place = row * steps + step;
                let projected = &projected[place * width..(place + 1) * width];
                for ((gate, fed_back), projected) in
                    gates.iter_mut().zip(&fed_back[row * width..(row + 1) * width]).zip(projected)
                {
                    *gate = fed_back + projected;
                }
                let state = row * hidden..(row + 1) * hidden;
                let kept = &mut kept[place * block..(place + 1) * block];
                advance(&mut gates, &mut cells[state.clone()], &mut outputs[state], kept);
            }
        }
        Ok(kept)
    }

    /// The gradient of the loss by every gate before its nonlinearity, batch × steps × 4·hidden.
    fn backward(
        &self,
        weights: &Tensor,
        kept: &[f32],
        gradient: &[f32],
        batch: usize,
        steps: usize,
    ) -> Result<Vec<f32>> {
        let (hidden, width, block) = (self.hidden, 4 * self.hidden, KEPT * self.hidden);
        let start = vec![0.0_f32; hidden];
        let mut by_gates = vec![0.0_f32; batch * steps * width];
        let mut at_step = vec![0.0_f32; batch * width];
        let mut by_cells = vec![0.0_f32; batch * hidden];
        let mut by_outputs = vec![0.0_f32; batch * hidden];
        for (order, step) in walk(steps, self.reverse).enumerate().collect::<Vec<_>>().into_iter().rev() {
            let before = if self.reverse { step + 1 } else { step.wrapping_sub(1) };
            for row in 0..batch {
                let place = row * steps + step;
                let state = row * hidden..(row + 1) * hidden;
                for (by_output, gradient) in
                    by_outputs[state.clone()].iter_mut().zip(&gradient[place * hidden..(place + 1) * hidden])
                {
                    *by_output += gradient;
                }
                let cells_before = if order == 0 {
                    &start[..]
                } else {
                    let at = (row * steps + before) * block + 5 * hidden;
                    &kept[at..at + hidden]
                };
                let gates = &mut at_step[row * width..(row + 1) * width];
                let kept = &kept[place * block..(place + 1) * block];
                retreat(kept, cells_before, &by_outputs[state.clone()], &mut by_cells[state], gates);
                by_gates[place * width..(place + 1) * width].copy_from_slice(gates);
            }
            let by_step = Tensor::from_slice(&at_step, (batch, width), &Device::Cpu)?;
            by_outputs = by_step.matmul(weights)?.flatten_all()?.to_vec1()?;
        }
        Ok(by_gates)
    }

    /// The outputs that were fed back into each step: those of the step before, zero for the first.
    fn previous_outputs(&self, kept: &[f32], batch: usize, steps: usize) -> Vec<f32> {
        let (hidden, block) = (self.hidden, KEPT * self.hidden);
        let mut previous = vec![0.0; batch * steps * hidden];
        for row in 0..batch {
            for step in 0..steps - 1 {
                let (from, to) = if self.reverse { (step + 1, step) } else { (step, step + 1) };
                let from = (row * steps + from) * block;
                let to = (row * steps + to) * hidden;
                previous[to..to + hidden].copy_from_slice(&kept[from..from + hidden]);
            }
        }
        previous
    }
}

/// One step of one sequence: from the gates before their nonlinearities to the new cells and outputs.
fn advance(gates: &mut [f32], cells: &mut [f32], outputs: &mut [f32], kept: &mut [f32]) {
    let hidden = cells.len();
    // σ(x) = (1 + tanh(x/2)) / 2, so one function serves all four gates.
    let (input_forget, rest) = gates.split_at_mut(2 * hidden);
    let (cell, output) = rest.split_at_mut(hidden);
    for gate in input_forget.iter_mut().chain(output.iter_mut()) {
        *gate *= 0.5;
    }
    for gate in input_forget.iter_mut() {
        *gate = 0.5 + 0.5 * tanh(*gate);
    }
    for gate in cell.iter_mut() {
        *gate = tanh(*gate);
    }
    for gate in output.iter_mut() {
        *gate = 0.5 + 0.5 * tanh(*gate);
    }
    let (input, forget) = input_forget.split_at(hidden);
    let (kept_output, kept) = kept.split_at_mut(hidden);
    let (kept_gates, kept) = kept.split_at_mut(4 * hidden);
    let (kept_cells, kept_tanh) = kept.split_at_mut(hidden);
    for unit in 0..hidden {
        cells[unit] = forget[unit] * cells[unit] + input[unit] * cell[unit];
        kept_tanh[unit] = tanh(cells[unit]);
        outputs[unit] = output[unit] * kept_tanh[unit];
    }
    kept_output.copy_from_slice(outputs);
    kept_cells.copy_from_slice(cells);
    kept_gates.copy_from_slice(gates);
}

/// One step of one sequence backwards: from the gradient by the outputs and by the cells after the step to that by its
/// gates (before their nonlinearities) and by the cells before it.
fn retreat(kept: &[f32], cells_before: &[f32], by_outputs: &[f32], by_cells: &mut [f32], by_gates: &mut [f32]) {
    let hidden = cells_before.len();
    let part = |place: usize| &kept[place * hidden..(place + 1) * hidden];
    let (input, forget, cell, output, tanh_cells) = (part(1), part(2), part(3), part(4), part(6));
    let (by_input, rest) = by_gates.split_at_mut(hidden);
    let (by_forget, rest) = rest.split_at_mut(hidden);
    let (by_cell, by_output) = rest.split_at_mut(hidden);
    for unit in 0..hidden {
        let (i, f, g, o, tanh_cell) = (input[unit], forget[unit], cell[unit], output[unit], tanh_cells[unit]);
        let through = by_cells[unit] + by_outputs[unit] * o * (1.0 - tanh_cell * tanh_cell);
        by_input[unit] = through * g * i * (1.0 - i);
        by_forget[unit] = through * cells_before[unit] * f * (1.0 - f);
        by_cell[unit] = through * i * (1.0 - g * g);
        by_output[unit] = by_outputs[unit] * tanh_cell * o * (1.0 - o);
        by_cells[unit] = through * f;
    }
}

/// The hyperbolic tangent to a few units in the last place of 1, without branches, so that a loop over it runs on whole
/// vectors: tanh x = 1 − 2 / (e^{2x} + 1), with e^y = 2^n · p(r).
#[inline]
fn tanh(x: f32) -> f32 {
    /// Adding it rounds to the nearest whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let y = (2.0 * x).clamp(-40.0, 40.0);
    let rounded = y * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    // ln 2 in two parts, so that the rest is exact.
    let r = y - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let high = 0.041_665_795 + r * (0.008_333_452 + r * (0.001_398_2 + r * 0.000_198_756_9));
    let p = 1.0 + r * (1.0 + r * (0.5 + r * (0.166_666_65 + r * high)));
    let exponential = p * f32::from_bits((rounded.to_bits().wrapping_add(127)) << 23);
    1.0 - 2.0 / (exponential + 1.0)
}

fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((from, until)) => Ok(&storage.as_slice::<f32>()?[from..until]),
        None => bail!("the arguments of an LSTM must be contiguous"),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;

    /// Numbers in ±`scale`, different at every place.
    fn numbers(count: usize, scale: f32, shift: f32) -> Vec<f32> {
        (0..count).map(|place| scale * (place as f32 * 1.7 + shift).sin()).collect()
    }

    #[test]
    fn the_tangent_agrees_with_the_standard_library() {
        let largest =
            (-400..=400).map(|place| place as f32 * 0.05).map(|x| (tanh(x) - x.tanh()).abs()).fold(0.0, f32::max);
        assert!(largest < 5e-7, "{largest}");
        for x in [f32::MAX, f32::INFINITY, -f32::MAX, 1e-20] {
            assert!((tanh(x) - x.tanh()).abs() < 5e-7, "{x}");
        }
    }

    #[test]
    fn outputs_and_gradients_agree_with_those_of_plain_operations() {
        let (batch, steps, hidden) = (3, 5, 8);
        let device = Device::Cpu;
        for reverse in [false, true] {
            let projected = numbers(batch * steps * 4 * hidden, 1.5, 0.3);
            let projected = Var::from_vec(projected, (batch, steps, 4 * hidden), &device).unwrap();
            let weights = Var::from_vec(numbers(4 * hidden * hidden, 0.4, 1.1), (4 * hidden, hidden), &device).unwrap();
            let mix =
                Tensor::from_vec(numbers(batch * steps * hidden, 1.0, 2.0), (batch, steps, hidden), &device).unwrap();
            let here =
                projected.apply_op2(&weights, Recurrence { hidden, reverse }).unwrap().narrow(2, 0, hidden).unwrap();
            let plain = lstm_by_operations(&projected, &weights, reverse).unwrap();
            assert!(furthest(&here, &plain) < 1e-6);
            let gradients = |outputs: &Tensor| (outputs * &mix).unwrap().sum_all().unwrap().backward().unwrap();
            let (here, plain) = (gradients(&here), gradients(&plain));
            for variable in [&projected, &weights] {
                let (here, plain) = (here.get(variable).unwrap(), plain.get(variable).unwrap());
                assert!(furthest(here, plain) < 1e-5, "{reverse}: {}", furthest(here, plain));
            }
        }
    }

    fn furthest(left: &Tensor, right: &Tensor) -> f32 {
        (left - right).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
    }
}
