//! Maximum likelihood of a regression with seasonal ARIMA errors, and its filter.
//!
//! Regression coefficients and variance are concentrated out: for given ARMA coefficients the filter whitens the values
//! and every regressor alike, and least squares on what comes out gives the generalised least squares solution
//! (Harvey, *Forecasting, Structural Time Series Models and the Kalman Filter* (1989), section 3.4.2). So the search
//! moves over the ARMA coefficients only. Without missing values it works on the differenced series by the fast
//! recursion of [`super::chandrasekhar`], whose likelihood is that of exactly diffuse differenced states; with missing
//! values by the Kalman filter, whose first `d + D s` errors do not count, as in statsmodels.

use serde::{Deserialize, Serialize};

use super::chandrasekhar::whiten;
use super::kalman::{Filter, Start};
use super::least_squares::Products;
use super::optimise::{FINE, Precision, ROUGH, minimise};
use super::orders::{Coefficients, Lags, Orders};
use super::state_space::StateSpace;

/// Differenced states start with the variance that statsmodels gives them, so values should be of the order of 1.
const EXACT: Start = Start { diffuse: 1e6, tolerance: 1e-13 };
/// For live use: soon steady, and no forecast tells the difference.
const LIVE: Start = Start { diffuse: 1e6, tolerance: 1e-6 };
/// Points of the unbounded space beyond this are too near to the edge of the stationary region.
const POINT_MAX: f64 = 100.0;
/// The variance of the shocks is taken to be at least this share of the mean square of the values.
const VARIANCE_SHARE_MIN: f64 = 1e-12;

/// A regression with seasonal ARIMA errors: `y = X β + w`, w ~ ARIMA, with all its parameters.
///
/// Missing values are written as NaN. Regressors are columns of one value per interval, without missing ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arima {
    /// The orders.
    pub orders: Orders,
    /// The ARMA coefficients.
    pub coefficients: Coefficients,
    /// β, one per regressor.
    pub regression: Vec<f64>,
    /// Variance of the shocks.
    pub variance: f64,
}

/// A series and its regressors, prepared for one set of differences.
pub(super) struct Problem {
    orders: Orders,
    /// Row by row: the regressors, then the value. Differenced, unless values are missing.
    rows: Vec<f64>,
    columns: usize,
    /// Which rows have a value; empty where all have.
    present: Vec<bool>,
    /// Rows at the start that do not count.
    skipped: usize,
    /// Rows that count.
    counted: f64,
    /// How the filter starts where values are missing.
    start: Start,
    variance_min: f64,
}

/// The likelihood at some ARMA coefficients, with the best β and variance for them.
pub(super) struct Profile {
    pub(super) log_likelihood: f64,
    pub(super) regression: Vec<f64>,
    pub(super) variance: f64,
    /// The likelihood if only the first 0, 1, 2, … regressors were there.
    pub(super) log_likelihoods: Vec<f64>,
}

impl Arima {
    /// The parameters at which the likelihood of the values is greatest, and the logarithm of that likelihood.
    ///
    /// `None` where there are fewer values than parameters, or where values are too large or too alike for the
    /// arithmetic. Values should be of the order of 1 if any of them is missing, because the differenced states start
    /// with a variance of a million then.
    pub fn fit(values: &[f64], regressors: &[Vec<f64>], orders: Orders) -> Option<(Self, f64)> {
        // Roughly from several starts, without gaps so that it is fast; then finely from the best place, on what is there.
        let bridged = Problem::new(&filled(values), regressors, orders)?;
        let starts = [bridged.start_point(), Coefficients::persistent(orders).point()];
        let found = starts.iter().filter_map(|start| bridged.maximise(start, ROUGH));
        let better = |best: (Vec<f64>, Profile), other: (Vec<f64>, Profile)| {
            if other.1.log_likelihood > best.1.log_likelihood { other } else { best }
        };
        let (start, _) = found.reduce(better)?;
        let (point, profile) = Problem::new(values, regressors, orders)?.maximise(&start, FINE)?;
        let coefficients = orders.coefficients_at(&point);
        let (regression, variance) = (profile.regression, profile.variance);
        Some((Self { orders, coefficients, regression, variance }, profile.log_likelihood))
    }

    /// The logarithm of the likelihood of some values at these parameters, as statsmodels' `SARIMAX` defines it:
    /// differenced states start with a variance of a million, and the first `d + D s` errors do not count. `None` if the
    /// coefficients are not stationary.
    pub fn log_likelihood(&self, values: &[f64], regressors: &[Vec<f64>]) -> Option<f64> {
        self.log_likelihood_from(values, regressors, self.orders.lost())
    }

    /// The same, but only errors from the interval `first` on count.
    pub(super) fn log_likelihood_from(&self, values: &[f64], regressors: &[Vec<f64>], first: usize) -> Option<f64> {
        let mut filter = self.filter(EXACT)?;
        let mut total = 0.0;
        for (interval, value) in values.iter().enumerate() {
            let variance = filter.variance();
            let error = self.observe(&mut filter, *value, |column| regressors[column][interval]);
            if let Some(error) = error.filter(|_| interval >= first) {
                total -= 0.5 * (std::f64::consts::TAU.ln() + variance.ln() + error * error / variance);
            }
        }
        Some(total)
    }

    /// Expected values and their standard errors 1, 2, … steps after some values; `ahead` holds the regressors of those
    /// steps. `None` if the coefficients are not stationary.
    pub fn forecast(
        &self,
        values: &[f64],
        regressors: &[Vec<f64>],
        ahead: &[Vec<f64>],
        steps: usize,
    ) -> Option<(Vec<f64>, Vec<f64>)> {
        let mut filter = self.filter(EXACT)?;
        for (interval, value) in values.iter().enumerate() {
            self.observe(&mut filter, *value, |column| regressors[column][interval]);
        }
        let (mut means, mut errors) = (vec![0.0; steps], vec![0.0; steps]);
        filter.means(&mut means);
        filter.variances(&mut errors);
        for (step, (mean, error)) in means.iter_mut().zip(&mut errors).enumerate() {
            *mean += self.explained(|column| ahead[column][step]);
            *error = error.sqrt();
        }
        Some((means, errors))
    }

    /// A filter of the errors w before their first one, for live use.
    pub(super) fn live_filter(&self) -> Option<Filter> {
        self.filter(LIVE)
    }

    fn filter(&self, start: Start) -> Option<Filter> {
        let lags = self.coefficients.lags(self.orders.period);
        Filter::new(StateSpace::new(self.orders, &lags, self.variance), &lags, start, 1)
    }

    /// Takes the next value into a filter, NaN if it is missing, and gives its error.
    pub(super) fn observe(&self, filter: &mut Filter, value: f64, regressor: impl Fn(usize) -> f64) -> Option<f64> {
        if value.is_nan() {
            filter.step(None);
            return None;
        }
        let mut expected = [0.0];
        filter.expected(&mut expected);
        let error = value - self.explained(regressor) - expected[0];
        filter.step(Some(&[error]));
        Some(error)
    }

    /// x'β.
    pub(super) fn explained(&self, regressor: impl Fn(usize) -> f64) -> f64 {
        self.regression.iter().enumerate().map(|(column, weight)| weight * regressor(column)).sum()
    }
}

impl Problem {
    /// `None` if too few values remain for the parameters, or if they are too large.
    pub(super) fn new(values: &[f64], regressors: &[Vec<f64>], orders: Orders) -> Option<Self> {
        let columns = regressors.len() + 1;
        let present: Vec<bool> = values.iter().map(|value| !value.is_nan()).collect();
        let complete = present.iter().all(|present| *present);
        let mut rows = Vec::with_capacity(values.len() * columns);
        for (interval, value) in values.iter().enumerate() {
            rows.extend(regressors.iter().map(|column| column[interval]));
            rows.push(if value.is_nan() { 0.0 } else { *value });
        }
        let (present, skipped) = if complete {
            difference(&mut rows, columns, orders);
            (Vec::new(), 0)
        } else {
            (present, orders.lost())
        };
        let length = rows.len() / columns;
        let counted = (skipped..length).filter(|row| present.get(*row).copied().unwrap_or(true)).count();
        let squares: f64 = rows.chunks_exact(columns).map(|row| row[columns - 1].powi(2)).sum();
        if counted <= orders.coefficients() + columns || !squares.is_finite() {
            return None;
        }
        let counted = counted as f64;
        let variance_min = (VARIANCE_SHARE_MIN * squares / counted).max(f64::MIN_POSITIVE);
        Some(Self { orders, rows, columns, present, skipped, counted, start: EXACT, variance_min })
    }

    /// The same, soon steady where values are missing: fast, and exact enough for live use.
    pub(super) fn quick(self) -> Self {
        Self { start: LIVE, ..self }
    }

    /// The best point of the unbounded space and the likelihood there.
    pub(super) fn maximise(&self, start: &[f64], precision: Precision) -> Option<(Vec<f64>, Profile)> {
        let mut scratch = Vec::new();
        let mut cost = |point: &[f64]| match self.profile(point, &mut scratch) {
            Some(profile) => -profile.log_likelihood / self.counted,
            None => f64::INFINITY,
        };
        let origin = vec![0.0; start.len()];
        let (point, _) = minimise(&mut cost, start, precision).or_else(|| minimise(&mut cost, &origin, precision))?;
        let profile = self.profile(&point, &mut scratch)?;
        Some((point, profile))
    }

    /// A point to start the search from.
    pub(super) fn start_point(&self) -> Vec<f64> {
        self.start().point()
    }

    /// Rows that count.
    pub(super) const fn counted(&self) -> f64 {
        self.counted
    }

    /// The likelihood at one point, with the best regression and variance for it.
    pub(super) fn profile(&self, point: &[f64], scratch: &mut Vec<f64>) -> Option<Profile> {
        if point.iter().any(|value| value.abs() > POINT_MAX) {
            return None;
        }
        let lags = self.orders.coefficients_at(point).lags(self.orders.period);
        let (logarithms, products) =
            if self.present.is_empty() { self.whiten_all(&lags, scratch)? } else { self.whiten_present(&lags)? };
        let solution = products.solve();
        let variance = |rest: f64| (rest / self.counted).max(self.variance_min);
        let log_likelihood = |rest: &f64| {
            let variance = variance(*rest);
            let spread = self.counted * (std::f64::consts::TAU * variance).ln() + rest / variance;
            -0.5 * (spread + logarithms)
        };
        let profile = Profile {
            log_likelihood: log_likelihood(&solution.rest),
            log_likelihoods: solution.rests.iter().map(log_likelihood).collect(),
            variance: variance(solution.rest),
            regression: solution.coefficients,
        };
        profile.log_likelihood.is_finite().then_some(profile)
    }

    fn whiten_all(&self, lags: &Lags, scratch: &mut Vec<f64>) -> Option<(f64, Products)> {
        scratch.clone_from(&self.rows);
        let logarithms = whiten(lags, scratch, self.columns)?;
        let mut products = Products::new(self.columns);
        for row in scratch.chunks_exact(self.columns) {
            products.add(row);
        }
        Some((logarithms, products))
    }

    fn whiten_present(&self, lags: &Lags) -> Option<(f64, Products)> {
        let space = StateSpace::new(self.orders, lags, 1.0);
        let mut filter = Filter::new(space, lags, self.start, self.columns)?;
        let mut products = Products::new(self.columns);
        let mut logarithms = 0.0;
        let mut errors = vec![0.0; self.columns];
        for (interval, row) in self.rows.chunks_exact(self.columns).enumerate() {
            if !self.present[interval] {
                filter.step(None);
                continue;
            }
            filter.expected(&mut errors);
            for (error, value) in errors.iter_mut().zip(row) {
                *error = value - *error;
            }
            let variance = filter.variance();
            filter.step(Some(&errors));
            if interval >= self.skipped {
                logarithms += variance.ln();
                let scale = variance.sqrt().recip();
                for error in &mut errors {
                    *error *= scale;
                }
                products.add(&errors);
            }
        }
        Some((logarithms, products))
    }

    /// Coefficients to start from: conditional least squares on the residuals of a long autoregression (Hannan and
    /// Rissanen, *Recursive estimation of mixed autoregressive-moving average order*, Biometrika 69 (1982)).
    fn start(&self) -> Coefficients {
        let series = self.regressed();
        let Orders { ar, ma, seasonal_ar, seasonal_ma, period, .. } = self.orders;
        let lags_of = |plain: usize, seasonal: usize| -> Vec<usize> {
            (1..=plain).chain((1..=seasonal).map(|season| season * period)).collect()
        };
        let (value_lags, shock_lags) = (lags_of(ar, seasonal_ar), lags_of(ma, seasonal_ma));
        let furthest = value_lags.iter().chain(&shock_lags).copied().max().unwrap_or(0);
        let long = if shock_lags.is_empty() { 0 } else { (furthest + 2).max(10) };
        let first = furthest + long;
        let terms = value_lags.len() + shock_lags.len();
        if terms == 0 || series.len() < first + 2 * terms + 10 {
            return self.orders.coefficients_at(&vec![0.0; terms]);
        }
        let shocks = residuals(&series, long);
        let mut products = Products::new(terms + 1);
        let mut row = vec![0.0; terms + 1];
        for at in first..series.len() {
            for (value, lag) in row.iter_mut().zip(&value_lags) {
                *value = series[at - lag];
            }
            for (value, lag) in row[value_lags.len()..].iter_mut().zip(&shock_lags) {
                *value = shocks[at - lag];
            }
            row[terms] = series[at];
            products.add(&row);
        }
        let mut found = products.solve().coefficients.into_iter();
        let mut next = |count: usize| found.by_ref().take(count).collect();
        let (ar, seasonal_ar) = (next(ar), next(seasonal_ar));
        let (ma, seasonal_ma) = (next(ma), next(seasonal_ma));
        Coefficients { ar, ma, seasonal_ar, seasonal_ma }
    }

    /// What ordinary least squares on the regressors leaves of the (differenced) values; 0 where they are missing.
    fn regressed(&self) -> Vec<f64> {
        let mut rows = self.rows.clone();
        let present = |row: usize| self.present.get(row).copied().unwrap_or(true);
        if !self.present.is_empty() {
            // A gap filled by the last value does for a start.
            for row in 1..rows.len() / self.columns {
                if !present(row) {
                    rows[(row + 1) * self.columns - 1] = rows[row * self.columns - 1];
                }
            }
            difference(&mut rows, self.columns, self.orders);
        }
        let mut products = Products::new(self.columns);
        for row in rows.chunks_exact(self.columns) {
            products.add(row);
        }
        let coefficients = products.solve().coefficients;
        let rest = |row: &[f64]| {
            row[self.columns - 1] - row.iter().zip(&coefficients).map(|(value, weight)| value * weight).sum::<f64>()
        };
        rows.chunks_exact(self.columns).map(rest).collect()
    }
}

/// Differences all columns, in place.
fn difference(rows: &mut Vec<f64>, columns: usize, orders: Orders) {
    let plain = std::iter::repeat_n(1, orders.differences);
    for lag in plain.chain(std::iter::repeat_n(orders.period, orders.seasonal_differences)) {
        let shift = lag * columns;
        for index in shift..rows.len() {
            rows[index - shift] = rows[index] - rows[index - shift];
        }
        rows.truncate(rows.len().saturating_sub(shift));
    }
}

/// Residuals of an autoregression of this order by Yule–Walker equations (Levinson–Durbin), the first ones taken as 0.
fn residuals(series: &[f64], order: usize) -> Vec<f64> {
    if order == 0 {
        return series.to_vec();
    }
    let covariance = |lag: usize| series.iter().zip(&series[lag..]).map(|(a, b)| a * b).sum::<f64>();
    let covariances: Vec<f64> = (0..=order).map(covariance).collect();
    let mut coefficients: Vec<f64> = Vec::with_capacity(order);
    let mut error = covariances[0] * (1.0 + 1e-9) + f64::MIN_POSITIVE;
    for lag in 1..=order {
        let predicted: f64 = coefficients.iter().enumerate().map(|(k, value)| value * covariances[lag - 1 - k]).sum();
        let reflection = (covariances[lag] - predicted) / error;
        let reversed: Vec<f64> = coefficients.iter().rev().copied().collect();
        for (value, mirrored) in coefficients.iter_mut().zip(reversed) {
            *value -= reflection * mirrored;
        }
        coefficients.push(reflection);
        error *= (1.0 - reflection * reflection).max(1e-9);
    }
    let residual = |at: usize| {
        let past = series[at - order..at].iter().rev().zip(&coefficients);
        series[at] - past.map(|(value, weight)| value * weight).sum::<f64>()
    };
    (0..series.len()).map(|at| if at < order { 0.0 } else { residual(at) }).collect()
}

/// Values whose gaps are bridged by a straight line; what is missing at either end is as the nearest value.
pub(super) fn filled(values: &[f64]) -> Vec<f64> {
    let mut result = values.to_vec();
    let mut last: Option<(usize, f64)> = None;
    for (at, value) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        let (from, start) = last.map_or((0, *value), |(from, start)| (from + 1, start));
        let width = (at + 1 - from) as f64;
        for (place, gap) in result[from..at].iter_mut().enumerate() {
            *gap = start + (value - start) * (place + 1) as f64 / width;
        }
        last = Some((at, *value));
    }
    if let Some((from, end)) = last {
        result[from..].fill(end);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_bridged() {
        let nan = f64::NAN;
        assert_eq!(filled(&[nan, 1.0, nan, nan, 4.0, nan]), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
    }
}
