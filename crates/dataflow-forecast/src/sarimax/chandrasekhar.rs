//! The filter of a stationary ARMA process without missing values, O(m) per step.
//!
//! From the stationary start the covariance changes by a matrix of rank one at every step, P' = P + w μ wᵀ, so that it
//! need not be carried at all. The gains are those of the Kalman filter, the likelihood is exact. Source: Morf, Sidhu,
//! Kailath, *Some new algorithms for recursive estimation in constant, linear, discrete-time systems*, IEEE Trans. AC
//! 19 (1974); Herbst, *Using the "Chandrasekhar Recursions" for likelihood evaluation of DSGE models* (2015).

use super::orders::Lags;

/// The gains count as steady when another step would change the variance by less than this share.
const STEADY: f64 = 1e-15;
/// Steps between two looks at whether the gains are steady.
const LOOK_EVERY: usize = 8;

/// Turns columns of values (row by row: all columns of one instant side by side) into one-step errors divided by the
/// square root of their variance, in place, and gives the sum of the logarithms of those variances (shocks of
/// variance 1). `None` if the process is not stationary.
pub(super) fn whiten(lags: &Lags, values: &mut [f64], columns: usize) -> Option<f64> {
    let mut filter = Recursion::new(lags, columns)?;
    let mut logarithms = 0.0;
    let mut steady = None;
    for (step, row) in values.chunks_exact_mut(columns).enumerate() {
        let (scale, logarithm) = *steady.get_or_insert((filter.variance.sqrt().recip(), filter.variance.ln()));
        logarithms += logarithm;
        match row {
            [value] => *value = filter.move_single(*value) * scale,
            row => filter.move_row(row, scale),
        }
        if !filter.steady {
            filter.move_gain();
            steady = None;
            filter.steady = step.is_multiple_of(LOOK_EVERY) && filter.is_settled();
        }
    }
    Some(logarithms)
}

struct Recursion {
    /// The coefficients of the transition's first column, one per state.
    ar: Vec<f64>,
    columns: usize,
    /// Expected states, row by row; one more row of zeros at the end.
    state: Vec<f64>,
    /// T P Zᵀ.
    gain: Vec<f64>,
    variance: f64,
    /// w, with one more zero at the end, and μ.
    direction: Vec<f64>,
    weight: f64,
    steady: bool,
}

impl Recursion {
    fn new(lags: &Lags, columns: usize) -> Option<Self> {
        let with_value = lags.covariance_with_value()?;
        let states = with_value.len();
        let mut ar = lags.ar.clone();
        ar.resize(states, 0.0);
        let variance = *with_value.first()?;
        if !(variance > 0.0 && variance.is_finite()) {
            return None;
        }
        let shifted = with_value[1..].iter().chain(std::iter::once(&0.0));
        let gain: Vec<f64> = ar.iter().zip(shifted).map(|(ar, next)| ar * variance + next).collect();
        let mut direction = gain.clone();
        direction.push(0.0);
        let state = vec![0.0; (states + 1) * columns];
        Some(Self { ar, columns, state, gain, variance, direction, weight: -variance.recip(), steady: false })
    }

    /// Takes in the value of the only column and gives its error.
    fn move_single(&mut self, value: f64) -> f64 {
        let expected = self.state[0];
        let error = value - expected;
        let scaled = error / self.variance;
        let states = self.ar.len();
        let (state, ar, gain) = (&mut self.state[..=states], &self.ar[..states], &self.gain[..states]);
        for index in 0..states {
            state[index] = state[index + 1] + ar[index] * expected + gain[index] * scaled;
        }
        error
    }

    /// Takes in one value per column and turns them into their errors times `scale`.
    fn move_row(&mut self, row: &mut [f64], scale: f64) {
        let columns = self.columns;
        for (column, value) in row.iter_mut().enumerate() {
            let expected = self.state[column];
            let error = *value - expected;
            let scaled = error / self.variance;
            for (index, (ar, gain)) in self.ar.iter().zip(&self.gain).enumerate() {
                let at = index * columns + column;
                self.state[at] = self.state[at + columns] + ar * expected + gain * scaled;
            }
            *value = error * scale;
        }
    }

    /// Moves gain and variance on by one step.
    fn move_gain(&mut self) {
        let first = self.direction[0];
        let scaled = self.weight * first;
        let variance = self.variance + scaled * first;
        self.weight += scaled * scaled / self.variance;
        let share = first / variance;
        let states = self.ar.len();
        let (direction, ar, gain) = (&mut self.direction[..=states], &self.ar[..states], &mut self.gain[..states]);
        for index in 0..states {
            let moved = direction[index + 1] + ar[index] * first;
            gain[index] += moved * scaled;
            direction[index] = moved - gain[index] * share;
        }
        self.variance = variance;
    }

    fn is_settled(&self) -> bool {
        let largest = self.direction.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        largest * largest * self.weight.abs() <= STEADY * self.variance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sarimax::kalman::{Filter, Start};
    use crate::sarimax::orders::{Coefficients, Orders};
    use crate::sarimax::state_space::StateSpace;

    /// The whitened values must be those of the plain Kalman filter.
    #[test]
    fn agrees_with_the_kalman_filter() {
        let orders = Orders { ar: 2, ma: 1, seasonal_ar: 1, seasonal_ma: 1, period: 6, ..Orders::default() };
        let coefficients =
            Coefficients { ar: vec![0.5, 0.3], ma: vec![-0.4], seasonal_ar: vec![0.7], seasonal_ma: vec![0.6] };
        let lags = coefficients.lags(6);
        let mut values: Vec<f64> = (0..400).map(|index| f64::from(index * index % 37) - 18.0).collect();
        let mut filter =
            Filter::new(StateSpace::new(orders, &lags, 1.0), &lags, Start { diffuse: 0.0, tolerance: 1e-13 }, 2)
                .unwrap();
        let (mut expected, mut logarithms) = (Vec::new(), 0.0);
        for row in values.chunks_exact(2) {
            let mut errors = [0.0; 2];
            filter.expected(&mut errors);
            errors = [row[0] - errors[0], row[1] - errors[1]];
            expected.extend(errors.map(|error| error / filter.variance().sqrt()));
            logarithms += filter.variance().ln();
            filter.step(Some(&errors));
        }
        let single: Vec<f64> = values.iter().copied().step_by(2).collect();
        let got = whiten(&lags, &mut values, 2).unwrap();
        assert!((got - logarithms).abs() < 1e-9, "{got} {logarithms}");
        for (value, expected) in values.iter().zip(&expected) {
            assert!((value - expected).abs() < 1e-9, "{value} {expected}");
        }
        let mut first = single;
        whiten(&lags, &mut first, 1).unwrap();
        for (value, expected) in first.iter().zip(expected.iter().step_by(2)) {
            assert!((value - expected).abs() < 1e-9, "{value} {expected}");
        }
        assert!(filter.is_steady());
    }
}
