//! The seasonal ARIMA model in state-space form: y = Z α, α' = T α + R ε.
//!
//! States are, in this order: the running sums of ordinary differences, for each seasonal difference the last season,
//! and the ARMA process in the form of Harvey, *Forecasting, Structural Time Series Models and the Kalman Filter*
//! (1989), section 3.4: state i of it is Σ φ of lags beyond i on past values plus Σ θ of lags from i on past shocks. The
//! matrices are those of statsmodels' `SARIMAX`, kept sparse: each row has one or two entries, or three.
//! At the start the ARMA part has its stationary covariance (the solution of the Lyapunov equation P = T P Tᵀ + R Rᵀ,
//! here in closed form), and the differenced states a variance that is large but finite (approximately diffuse).

use super::orders::{Lags, Orders};

/// A sparse matrix, row by row.
#[derive(Debug, Clone)]
pub(super) struct Sparse {
    /// Where each row begins, and where the last one ends.
    starts: Vec<usize>,
    entries: Vec<(usize, f64)>,
}

/// The matrices of one model.
#[derive(Debug, Clone)]
pub(super) struct StateSpace {
    pub(super) transition: Sparse,
    /// Z: the states that add up to the value.
    pub(super) observed: Vec<usize>,
    /// The first of the states of the ARMA process.
    pub(super) first_arma: usize,
    /// R over the states of the ARMA process; its first element is 1.
    pub(super) loading: Vec<f64>,
    /// Variance of the shocks.
    pub(super) variance: f64,
}

impl StateSpace {
    pub(super) fn new(orders: Orders, lags: &Lags, variance: f64) -> Self {
        let Orders { differences, seasonal_differences, period, .. } = orders;
        let first_arma = orders.lost();
        let arma_states = lags.states();
        // The last state of each seasonal block is the value of one season ago.
        let season_ends = || (1..=seasonal_differences).map(|block| differences + block * period - 1);
        let mut rows: Vec<Vec<(usize, f64)>> = Vec::with_capacity(first_arma + arma_states);
        for state in 0..differences {
            rows.push((state..differences).chain(season_ends()).chain([first_arma]).map(|at| (at, 1.0)).collect());
        }
        for block in 0..seasonal_differences {
            let first = differences + block * period;
            rows.push(season_ends().skip(block).chain([first_arma]).map(|at| (at, 1.0)).collect());
            rows.extend((first..first + period - 1).map(|previous| vec![(previous, 1.0)]));
        }
        for state in 0..arma_states {
            let weight = lags.ar.get(state).copied().unwrap_or(0.0);
            let next = (state + 1 < arma_states).then_some((first_arma + state + 1, 1.0));
            rows.push((weight != 0.0).then_some((first_arma, weight)).into_iter().chain(next).collect());
        }
        let mut loading = vec![0.0; arma_states];
        loading[0] = 1.0;
        loading[1..=lags.ma.len()].copy_from_slice(&lags.ma);
        Self {
            transition: Sparse::of(&rows),
            observed: (0..differences).chain(season_ends()).chain([first_arma]).collect(),
            first_arma,
            loading,
            variance,
        }
    }

    /// Number of states.
    pub(super) fn states(&self) -> usize {
        self.first_arma + self.loading.len()
    }

    /// The covariance of the states before anything is seen, row by row; the differenced states have the variance
    /// `diffuse`. `None` if the ARMA process is not stationary.
    pub(super) fn initial_covariance(&self, lags: &Lags, diffuse: f64) -> Option<Vec<f64>> {
        let states = self.states();
        let mut covariance = vec![0.0; states * states];
        for state in 0..self.first_arma {
            covariance[state * states + state] = diffuse;
        }
        let stationary = stationary_covariance(lags)?;
        for (row, values) in stationary.chunks_exact(self.loading.len()).enumerate() {
            let from = (self.first_arma + row) * states + self.first_arma;
            for (target, value) in covariance[from..from + values.len()].iter_mut().zip(values) {
                *target = value * self.variance;
            }
        }
        Some(covariance)
    }
}

impl Sparse {
    fn of(rows: &[Vec<(usize, f64)>]) -> Self {
        let starts = std::iter::once(0)
            .chain(rows.iter().scan(0, |end, row| {
                *end += row.len();
                Some(*end)
            }))
            .collect();
        Self { starts, entries: rows.concat() }
    }

    /// The entries of one row.
    pub(super) fn row(&self, row: usize) -> &[(usize, f64)] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
    }

    /// `result` = this · `matrix`, for a dense matrix of so many columns given row by row.
    pub(super) fn times(&self, matrix: &[f64], columns: usize, result: &mut [f64]) {
        for (row, target) in result.chunks_exact_mut(columns).enumerate() {
            target.fill(0.0);
            for (source, weight) in self.row(row) {
                let source = &matrix[source * columns..(source + 1) * columns];
                for (target, value) in target.iter_mut().zip(source) {
                    *target += weight * value;
                }
            }
        }
    }

    /// `result` = this · `vector`.
    pub(super) fn times_vector(&self, vector: &[f64], result: &mut [f64]) {
        for (row, target) in result.iter_mut().enumerate() {
            *target = self.row(row).iter().map(|(column, weight)| weight * vector[*column]).sum();
        }
    }
}

/// The solution of P = T P Tᵀ + R Rᵀ for the ARMA process with shocks of variance 1, row by row. Its first column is
/// known from autocovariances; the rest follows from the equation itself, from the last row and column on.
fn stationary_covariance(lags: &Lags) -> Option<Vec<f64>> {
    let states = lags.states();
    let first = lags.covariance_with_value()?;
    let ar = |lag: usize| lags.ar.get(lag).copied().unwrap_or(0.0);
    let ma = |lag: usize| if lag == 0 { 1.0 } else { lags.ma.get(lag - 1).copied().unwrap_or(0.0) };
    let from_first = |state: usize| first.get(state).copied().unwrap_or(0.0);
    let mut covariance = vec![0.0; states * states];
    for row in (0..states).rev() {
        for column in (0..=row).rev() {
            let beyond = if row + 1 < states { covariance[(row + 1) * states + column + 1] } else { 0.0 };
            let value = ar(row) * ar(column) * first[0]
                + ar(row) * from_first(column + 1)
                + ar(column) * from_first(row + 1)
                + ma(row) * ma(column)
                + beyond;
            covariance[row * states + column] = value;
            covariance[column * states + row] = value;
        }
    }
    Some(covariance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stationary_covariance_solves_the_lyapunov_equation() {
        let lags = Lags { ar: vec![0.5, 0.0, 0.3], ma: vec![0.4, -0.2, 0.1, 0.6] };
        let space = StateSpace::new(Orders::plain(3, 0, 4), &lags, 1.0);
        let states = space.states();
        let covariance = space.initial_covariance(&lags, 0.0).unwrap();
        let (mut half, mut full) = (vec![0.0; states * states], vec![0.0; states * states]);
        space.transition.times(&covariance, states, &mut half);
        let transposed: Vec<f64> =
            (0..states * states).map(|index| half[index % states * states + index / states]).collect();
        space.transition.times(&transposed, states, &mut full);
        for index in 0..states * states {
            let expected = full[index] + space.loading[index / states] * space.loading[index % states];
            assert!((covariance[index] - expected).abs() < 1e-12, "{index}: {} {expected}", covariance[index]);
        }
    }

    #[test]
    fn differenced_states_add_up_to_the_series() {
        // y is a random walk of a seasonal walk: from zero states and shocks 1, 2, 3, … it is summed twice.
        let orders = Orders { differences: 1, seasonal_differences: 1, period: 2, ..Orders::default() };
        let space = StateSpace::new(orders, &Lags { ar: vec![], ma: vec![] }, 1.0);
        let mut state = vec![0.0; space.states()];
        let mut values = Vec::new();
        for shock in 1..=6 {
            state[space.first_arma] = f64::from(shock);
            values.push(space.observed.iter().map(|at| state[*at]).sum::<f64>());
            let mut next = state.clone();
            space.transition.times_vector(&state, &mut next);
            state = next;
        }
        let value = |at: i64| if at < 0 { 0.0 } else { values[at as usize] };
        for at in 0..6 {
            let difference = value(at) - value(at - 1) - value(at - 2) + value(at - 3);
            assert!((difference - (at + 1) as f64).abs() < 1e-12, "{values:?}");
        }
    }
}
