//! The Kalman filter of one series, or of several columns side by side that share one set of gains.
//!
//! The covariance is carried forward with sparse transitions, O(m²) for m states, until it no longer changes: from
//! then on a step only moves the state, O(m). A missing value is not put into the state; it makes the covariance grow
//! and the steady state start anew. Source: Durbin and Koopman, *Time Series Analysis by State Space Methods* (2012),
//! sections 4.3.2 (recursion), 4.3.4 (steady state) and 4.10 (missing observations).

use super::orders::Lags;
use super::state_space::StateSpace;

/// No variance of a prediction is taken to be smaller than this share of that of the shocks.
const VARIANCE_SHARE_MIN: f64 = 1e-12;

/// A filter: what is expected of the next value.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    space: StateSpace,
    columns: usize,
    /// Expected states at the next value, row by row, one column per series.
    state: Vec<f64>,
    /// Their covariance, row by row.
    covariance: Vec<f64>,
    /// P Zᵀ: the covariances of the states with the next value.
    with_value: Vec<f64>,
    /// T P Zᵀ / F: what an error of one moves the states by.
    gain: Vec<f64>,
    /// F: variance of the error of the next value.
    variance: f64,
    steady: bool,
    /// The covariance counts as steady when no element changed by more than this share of the largest.
    tolerance: f64,
    scratch: Scratch,
}

/// How a filter starts, and when it settles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// Variance of the differenced states before anything is seen.
    pub(super) diffuse: f64,
    /// The covariance counts as steady when no element changed by more than this share of the largest.
    pub(super) tolerance: f64,
}

/// Room for the steps; its content means nothing between them.
#[derive(Debug, Clone)]
struct Scratch {
    state: Vec<f64>,
    half: Vec<f64>,
    transposed: Vec<f64>,
}

impl Filter {
    /// A filter of so many columns before its first values. `None` if the process is not stationary.
    pub(super) fn new(space: StateSpace, lags: &Lags, start: Start, columns: usize) -> Option<Self> {
        let states = space.states();
        let mut filter = Self {
            covariance: space.initial_covariance(lags, start.diffuse)?,
            state: vec![0.0; states * columns],
            with_value: vec![0.0; states],
            gain: vec![0.0; states],
            variance: 0.0,
            steady: false,
            tolerance: start.tolerance,
            scratch: Scratch {
                state: vec![0.0; states * columns],
                half: vec![0.0; states * states],
                transposed: vec![0.0; states * states],
            },
            space,
            columns,
        };
        filter.update_gain();
        Some(filter)
    }

    /// Writes what is expected of the next value of each column.
    pub(super) fn expected(&self, values: &mut [f64]) {
        values.fill(0.0);
        for row in &self.space.observed {
            let state = &self.state[row * self.columns..(row + 1) * self.columns];
            for (value, part) in values.iter_mut().zip(state) {
                *value += part;
            }
        }
    }

    /// F: the variance of the error of the next value.
    pub(super) const fn variance(&self) -> f64 {
        self.variance
    }

    /// Takes in the errors of the values that came, one per column, or that they are missing.
    pub(super) fn step(&mut self, errors: Option<&[f64]>) {
        let columns = self.columns;
        let scratch = &mut self.scratch;
        self.space.transition.times(&self.state, columns, &mut scratch.state);
        if let Some(errors) = errors {
            for (state, gain) in scratch.state.chunks_exact_mut(columns).zip(&self.gain) {
                for (value, error) in state.iter_mut().zip(errors) {
                    *value += gain * error;
                }
            }
        }
        std::mem::swap(&mut self.state, &mut scratch.state);
        if !(self.steady && errors.is_some()) {
            self.move_covariance(errors.is_some());
            self.update_gain();
        }
    }

    /// P' = T (P − P Zᵀ Z P / F) Tᵀ + R Rᵀ σ², the subtraction only where there was a value.
    fn move_covariance(&mut self, observed: bool) {
        let states = self.space.states();
        let Scratch { half, transposed, .. } = &mut self.scratch;
        transposed.copy_from_slice(&self.covariance);
        if observed {
            for (row, first) in transposed.chunks_exact_mut(states).zip(&self.with_value) {
                let scaled = first / self.variance;
                for (value, second) in row.iter_mut().zip(&self.with_value) {
                    *value -= scaled * second;
                }
            }
        }
        self.space.transition.times(transposed, states, half);
        transpose(half, states, transposed);
        self.space.transition.times(transposed, states, half);
        let from = self.space.first_arma;
        for (row, first) in half.chunks_exact_mut(states).skip(from).zip(&self.space.loading) {
            let scaled = first * self.space.variance;
            for (value, second) in row[from..].iter_mut().zip(&self.space.loading) {
                *value += scaled * second;
            }
        }
        let (mut change, mut largest): (f64, f64) = (0.0, 0.0);
        for (new, old) in half.iter().zip(&self.covariance) {
            change = change.max((new - old).abs());
            largest = largest.max(new.abs());
        }
        self.steady = observed && change <= self.tolerance * largest;
        std::mem::swap(&mut self.covariance, half);
    }

    fn update_gain(&mut self) {
        let states = self.space.states();
        self.with_value.fill(0.0);
        for observed in &self.space.observed {
            let row = &self.covariance[observed * states..(observed + 1) * states];
            for (value, part) in self.with_value.iter_mut().zip(row) {
                *value += part;
            }
        }
        let variance: f64 = self.space.observed.iter().map(|row| self.with_value[*row]).sum();
        self.variance = variance.max(VARIANCE_SHARE_MIN * self.space.variance);
        self.space.transition.times_vector(&self.with_value, &mut self.gain);
        for gain in &mut self.gain {
            *gain /= self.variance;
        }
    }

    /// Whether the gains have stopped changing.
    pub(super) const fn is_steady(&self) -> bool {
        self.steady
    }

    /// Writes the expected values of the first column 1, 2, … steps ahead.
    pub(super) fn means(&self, means: &mut [f64]) {
        let mut state: Vec<f64> = self.state.iter().step_by(self.columns).copied().collect();
        let mut next = state.clone();
        for mean in means {
            *mean = self.space.observed.iter().map(|row| state[*row]).sum();
            self.space.transition.times_vector(&state, &mut next);
            std::mem::swap(&mut state, &mut next);
        }
    }

    /// Writes the variances of the errors of those expected values: F now, and more by each response of the value to a
    /// shock that is still to come.
    pub(super) fn variances(&self, variances: &mut [f64]) {
        let mut ahead = self.clone();
        for variance in variances {
            *variance = ahead.variance;
            ahead.step(None);
        }
    }
}

fn transpose(matrix: &[f64], size: usize, result: &mut [f64]) {
    for (row, values) in matrix.chunks_exact(size).enumerate() {
        for (column, value) in values.iter().enumerate() {
            result[column * size + row] = *value;
        }
    }
}
