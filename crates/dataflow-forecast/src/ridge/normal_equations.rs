//! Least squares by accumulated normal equations, with a ridge penalty on standardised inputs.
//!
//! Rows come in one at a time, so that a daily refit costs one Cholesky factorisation and not a pass over the past.
//! Source: Hoerl and Kennard, *Ridge Regression* (1970).

use serde::{Deserialize, Serialize};

use crate::cholesky::solve_in_place;

/// Sums of products of inputs and output. The first input must be the constant 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NormalEquations {
    inputs: usize,
    /// Upper triangle, row by row, of the sums of input × input (`inputs` × `inputs`).
    products: Vec<f64>,
    /// Sums of input × output.
    outputs: Vec<f64>,
    /// Sum of output².
    squares: f64,
}

/// A linear function of the inputs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Linear {
    /// One coefficient per input, the constant first.
    pub(crate) coefficients: Vec<f64>,
    /// Mean squared error on the rows it was fitted on.
    pub(crate) variance: f64,
}

impl NormalEquations {
    pub(crate) fn new(inputs: usize) -> Self {
        Self { inputs, products: vec![0.0; inputs * inputs], outputs: vec![0.0; inputs], squares: 0.0 }
    }

    /// Takes in one row.
    pub(crate) fn add(&mut self, inputs: &[f64], output: f64) {
        for (index, input) in inputs.iter().enumerate() {
            let row = &mut self.products[index * self.inputs + index..(index + 1) * self.inputs];
            for (product, other) in row.iter_mut().zip(&inputs[index..]) {
                *product += input * other;
            }
            self.outputs[index] += input * output;
        }
        self.squares += output * output;
    }

    /// Number of rows taken in.
    pub(crate) fn rows(&self) -> usize {
        self.products[0] as usize
    }

    /// Whether its parts fit each other and so many inputs, after it was read from a file.
    pub(crate) fn is_sound(&self, inputs: usize) -> bool {
        self.inputs == inputs && self.outputs.len() == inputs && self.products.len() == inputs * inputs
    }

    /// The ridge solution: inputs are standardised, and `penalty` (as a share of the number of rows) is added to their
    /// variances. Inputs that do not vary get no coefficient. `None` if the sums overflowed or there is no row.
    pub(crate) fn solve(&self, penalty: f64) -> Option<Linear> {
        let (inputs, rows) = (self.inputs, self.products[0]);
        if !(rows > 0.0 && self.squares.is_finite() && self.products.iter().all(|product| product.is_finite())) {
            return None;
        }
        let mean = |index: usize| self.products[index] / rows;
        let output_mean = self.outputs[0] / rows;
        let covariance =
            |row: usize, column: usize| self.products[row * inputs + column] / rows - mean(row) * mean(column);
        let deviations: Vec<f64> = (1..inputs)
            .map(|index| {
                let variance = covariance(index, index);
                let negligible = 1e-12 * self.products[index * inputs + index] / rows;
                if variance > negligible { variance.sqrt() } else { 0.0 }
            })
            .collect();
        let used: Vec<usize> = (1..inputs).filter(|index| deviations[index - 1] > 0.0).collect();
        let size = used.len();
        let mut matrix = vec![0.0; size * size];
        let mut right = vec![0.0; size];
        for (row, &input) in used.iter().enumerate() {
            for (column, &other) in used[..=row].iter().enumerate() {
                matrix[row * size + column] =
                    covariance(other, input) / (deviations[input - 1] * deviations[other - 1]);
            }
            matrix[row * size + row] = 1.0 + penalty;
            right[row] = (self.outputs[input] / rows - mean(input) * output_mean) / deviations[input - 1];
        }
        let mut solution = right.clone();
        solve_in_place(&mut matrix, &mut solution)?;
        let mut coefficients = vec![0.0; inputs];
        coefficients[0] = output_mean;
        for (value, &input) in solution.iter().zip(&used) {
            coefficients[input] = value / deviations[input - 1];
            coefficients[0] -= coefficients[input] * mean(input);
        }
        // With (R + λI)β = r: the explained part is 2βᵀr − βᵀRβ = βᵀr + λβᵀβ.
        let explained: f64 = solution.iter().zip(&right).map(|(value, right)| value * (right + penalty * value)).sum();
        let variance = (self.squares / rows - output_mean * output_mean - explained).max(0.0);
        coefficients.iter().all(|value| value.is_finite()).then_some(Linear { coefficients, variance })
    }
}

impl Linear {
    pub(crate) fn at(&self, inputs: &[f64]) -> f64 {
        self.coefficients.iter().zip(inputs).map(|(coefficient, input)| coefficient * input).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// y = 3 + 2a − b without noise.
    fn exact_rows() -> NormalEquations {
        let mut equations = NormalEquations::new(4);
        for row in 0..40 {
            let (a, b) = (f64::from(row % 7), f64::from(row * row % 11));
            equations.add(&[1.0, a, b, 5.0], 3.0 + 2.0 * a - b);
        }
        equations
    }

    #[test]
    fn without_penalty_an_exact_relation_is_found() {
        let linear = exact_rows().solve(0.0).unwrap();
        for (value, expected) in linear.coefficients.iter().zip([3.0, 2.0, -1.0, 0.0]) {
            assert!((value - expected).abs() < 1e-9, "{:?}", linear.coefficients);
        }
        assert!(linear.variance < 1e-9);
    }

    #[test]
    fn a_penalty_shrinks_towards_the_mean_and_reports_the_error_it_makes() {
        let equations = exact_rows();
        let linear = equations.solve(1.0).unwrap();
        assert!(linear.coefficients[1] < 2.0 && linear.coefficients[1] > 0.5);
        let mut squares = 0.0;
        for row in 0..40 {
            let (a, b) = (f64::from(row % 7), f64::from(row * row % 11));
            squares += (3.0 + 2.0 * a - b - linear.at(&[1.0, a, b, 5.0])).powi(2);
        }
        assert!((squares / 40.0 - linear.variance).abs() < 1e-9, "{squares} {}", linear.variance);
    }

    #[test]
    fn overflow_and_no_rows_are_told() {
        assert!(NormalEquations::new(3).solve(1.0).is_none());
        assert_eq!((NormalEquations::new(3).rows(), exact_rows().rows()), (0, 40));
        let mut equations = NormalEquations::new(2);
        equations.add(&[1.0, 1e200], 1.0);
        assert!(equations.solve(1.0).is_none());
    }
}
