//! Orders and coefficients of a seasonal ARMA process, the map between coefficients and unbounded parameters, and
//! autocovariances.
//!
//! (1 − φ(L))(1 − Φ(Lˢ)) w = (1 + θ(L))(1 + Θ(Lˢ)) ε, where w is the series after `differences` and
//! `seasonal_differences`. Stationary and invertible coefficients are reached through partial autocorrelations: Monahan,
//! *A note on enforcing stationarity in autoregressive-moving average models*, Biometrika 71 (1984).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Orders (p, d, q)(P, D, Q) of a seasonal ARIMA model, and its period in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Orders {
    /// Autoregressive lags, p.
    pub ar: usize,
    /// Differences taken at lag 1, d.
    pub differences: usize,
    /// Moving-average lags, q.
    pub ma: usize,
    /// Autoregressive lags of whole seasons, P.
    pub seasonal_ar: usize,
    /// Differences taken at the lag of one season, D.
    pub seasonal_differences: usize,
    /// Moving-average lags of whole seasons, Q.
    pub seasonal_ma: usize,
    /// The season in steps; 0 where there is none, and then the seasonal orders are 0.
    pub period: usize,
}

/// The coefficients of one seasonal ARMA process, signs as in the equation above (those of statsmodels).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Coefficients {
    /// `φ₁ … φ_p`.
    pub ar: Vec<f64>,
    /// `θ₁ … θ_q`.
    pub ma: Vec<f64>,
    /// `Φ₁ … Φ_P`.
    pub seasonal_ar: Vec<f64>,
    /// `Θ₁ … Θ_Q`.
    pub seasonal_ma: Vec<f64>,
}

/// The multiplied-out polynomials: w = Σ ar[k−1] w₋ₖ + ε + Σ ma[k−1] ε₋ₖ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lags {
    pub(super) ar: Vec<f64>,
    pub(super) ma: Vec<f64>,
}

impl Orders {
    /// Orders without a season.
    pub const fn plain(ar: usize, differences: usize, ma: usize) -> Self {
        Self { ar, differences, ma, seasonal_ar: 0, seasonal_differences: 0, seasonal_ma: 0, period: 0 }
    }

    /// Whether they are small enough to be worked with, and without a season have none of its lags.
    pub(super) fn is_sound(self) -> bool {
        const MOST: usize = 1_000;
        let Self { ar, differences, ma, seasonal_ar, seasonal_differences, seasonal_ma, period } = self;
        let plain = [ar, differences, ma, period];
        let seasonal = [seasonal_ar, seasonal_differences, seasonal_ma];
        plain.iter().chain(&seasonal).all(|lags| *lags <= MOST)
            && plain[..3].iter().sum::<usize>() + seasonal.iter().sum::<usize>() * period <= MOST
            && (period > 0 || seasonal == [0; 3])
    }

    /// Number of coefficients.
    pub(super) const fn coefficients(self) -> usize {
        self.ar + self.ma + self.seasonal_ar + self.seasonal_ma
    }

    /// Loads that differencing takes away from the start.
    pub(super) const fn lost(self) -> usize {
        self.differences + self.seasonal_differences * self.period
    }

    /// The coefficients at a point of the unbounded space: stationary and invertible whatever the point.
    pub(super) fn coefficients_at(self, point: &[f64]) -> Coefficients {
        let mut rest = point;
        let mut next = |count: usize| {
            let (head, tail) = rest.split_at(count.min(rest.len()));
            rest = tail;
            head.iter().map(|value| value / value.hypot(1.0)).collect::<Vec<f64>>()
        };
        let negative = |values: Vec<f64>| values.into_iter().map(|value| -value).collect::<Vec<f64>>();
        Coefficients {
            ar: from_partial(&next(self.ar)),
            ma: negative(from_partial(&next(self.ma))),
            seasonal_ar: from_partial(&next(self.seasonal_ar)),
            seasonal_ma: negative(from_partial(&next(self.seasonal_ma))),
        }
    }
}

impl fmt::Display for Orders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "({},{},{})", self.ar, self.differences, self.ma)?;
        if self.period > 0 {
            let (ar, differences, ma) = (self.seasonal_ar, self.seasonal_differences, self.seasonal_ma);
            write!(formatter, "({ar},{differences},{ma}){}", self.period)?;
        }
        Ok(())
    }
}

impl Coefficients {
    /// A process that forgets slowly: a second place to start a search from, because likelihoods of mixed processes
    /// often have a summit where both parts nearly cancel and another one elsewhere.
    pub(super) fn persistent(orders: Orders) -> Self {
        let first = |count: usize, value: f64| (0..count).map(|lag| if lag == 0 { value } else { 0.0 }).collect();
        Self {
            ar: first(orders.ar, 0.9),
            ma: first(orders.ma, -0.8),
            seasonal_ar: first(orders.seasonal_ar, 0.3),
            seasonal_ma: first(orders.seasonal_ma, -0.5),
        }
    }

    /// The point of the unbounded space at which these are the coefficients; those outside of the stationary and
    /// invertible region are drawn into it first.
    pub(super) fn point(&self) -> Vec<f64> {
        let negative: fn(&[f64]) -> Vec<f64> = |values| values.iter().map(|value| -value).collect();
        let moving = [&self.ma, &self.seasonal_ma].map(|values| negative(values));
        let blocks = [self.ar.clone(), moving[0].clone(), self.seasonal_ar.clone(), moving[1].clone()];
        blocks.into_iter().flat_map(drawn_inside).map(|r| r / (1.0 - r * r).sqrt()).collect()
    }

    /// The polynomials multiplied out.
    pub(super) fn lags(&self, period: usize) -> Lags {
        let negative: fn(&[f64]) -> Vec<f64> = |values| values.iter().map(|value| -value).collect();
        let ar = product(&negative(&self.ar), &negative(&self.seasonal_ar), period);
        Lags { ar: negative(&ar), ma: product(&self.ma, &self.seasonal_ma, period) }
    }
}

impl Lags {
    /// Length of the state that carries this process: max(p, q + 1).
    pub(super) fn states(&self) -> usize {
        self.ar.len().max(self.ma.len() + 1)
    }

    /// The first column of the stationary covariance of the state (see [`super::state_space`]) for shocks of variance
    /// 1: the covariances of each state with the value itself. `None` if the process is not stationary.
    pub(super) fn covariance_with_value(&self) -> Option<Vec<f64>> {
        let states = self.states();
        let covariances = self.autocovariances(states)?;
        let responses = self.responses(states);
        let column = (0..states).map(|state| {
            let values = (state..self.ar.len()).map(|lag| self.ar[lag] * covariances[1 + lag - state]);
            let shocks = (state.max(1)..=self.ma.len()).map(|lag| self.ma[lag - 1] * responses[lag - state]);
            let newest = if state == 0 { 1.0 } else { 0.0 };
            values.sum::<f64>() + shocks.sum::<f64>() + newest
        });
        Some(column.collect())
    }

    /// Responses ψ₀, ψ₁, … of the value to one shock, `count` of them.
    fn responses(&self, count: usize) -> Vec<f64> {
        let mut responses = vec![0.0; count];
        for lag in 0..count {
            let shock = if lag == 0 { 1.0 } else { self.ma.get(lag - 1).copied().unwrap_or(0.0) };
            let echo: f64 = self.ar.iter().take(lag).enumerate().map(|(k, ar)| ar * responses[lag - 1 - k]).sum();
            responses[lag] = shock + echo;
        }
        responses
    }

    /// Autocovariances of lags 0 to `furthest`: those of the autoregressive part, filtered by the moving average.
    fn autocovariances(&self, furthest: usize) -> Option<Vec<f64>> {
        let inner = autoregressive_covariances(&self.ar, furthest + self.ma.len())?;
        let terms: Vec<(usize, f64)> = std::iter::once((0, 1.0))
            .chain(self.ma.iter().enumerate().map(|(index, ma)| (index + 1, *ma)))
            .filter(|(_, weight)| *weight != 0.0)
            .collect();
        let at = |lag: usize| {
            let pairs = terms.iter().flat_map(|first| terms.iter().map(move |second| (first, second)));
            pairs.map(|(first, second)| first.1 * second.1 * inner[(lag + first.0).abs_diff(second.0)]).sum()
        };
        Some((0..=furthest).map(at).collect())
    }
}

/// (1 + Σ first Lᵏ)(1 + Σ seasonal Lᵏˢ) without its leading 1.
fn product(first: &[f64], seasonal: &[f64], period: usize) -> Vec<f64> {
    let mut result = vec![0.0; first.len() + seasonal.len() * period];
    result[..first.len()].copy_from_slice(first);
    for (season, weight) in seasonal.iter().enumerate() {
        let lag = (season + 1) * period;
        result[lag - 1] += weight;
        for (index, value) in first.iter().enumerate() {
            result[lag + index] += weight * value;
        }
    }
    result
}

/// The autoregressive coefficients that have these partial autocorrelations (Durbin–Levinson).
fn from_partial(partial: &[f64]) -> Vec<f64> {
    let mut coefficients: Vec<f64> = Vec::with_capacity(partial.len());
    for reflection in partial {
        let reversed: Vec<f64> = coefficients.iter().rev().copied().collect();
        for (value, mirrored) in coefficients.iter_mut().zip(reversed) {
            *value -= reflection * mirrored;
        }
        coefficients.push(*reflection);
    }
    coefficients
}

/// The coefficients of every shorter order, the shortest first, whose last elements are the partial autocorrelations;
/// `None` if one of those is not inside of (−1, 1), that is, if the process is not stationary.
fn step_down(coefficients: &[f64]) -> Option<Vec<Vec<f64>>> {
    let mut orders = vec![coefficients.to_vec()];
    let mut current = coefficients.to_vec();
    while let Some(reflection) = current.pop() {
        if reflection.is_nan() || reflection.abs() >= 1.0 {
            return None;
        }
        let scale = 1.0 / (1.0 - reflection * reflection);
        let mirrored = current.iter().zip(current.iter().rev());
        current = mirrored.map(|(value, mirror)| (value + reflection * mirror) * scale).collect();
        orders.push(current.clone());
    }
    orders.reverse();
    Some(orders)
}

/// Partial autocorrelations of coefficients that are shrunk until the process is well inside of the stationary region.
fn drawn_inside(mut coefficients: Vec<f64>) -> Vec<f64> {
    const INSIDE: f64 = 0.98;
    for _ in 0..60 {
        let orders = step_down(&coefficients);
        let partial =
            orders.map(|orders| orders.iter().filter_map(|order| order.last().copied()).collect::<Vec<f64>>());
        if let Some(partial) = partial.filter(|partial| partial.iter().all(|value| value.abs() <= INSIDE)) {
            return partial;
        }
        // Roots move away from the unit circle when the coefficient of lag k is multiplied by cᵏ.
        let mut factor = 1.0;
        for value in &mut coefficients {
            factor *= 0.9;
            *value *= factor;
        }
    }
    vec![0.0; coefficients.len()]
}

/// Autocovariances of lags 0 to `furthest` of an autoregressive process with shocks of variance 1.
fn autoregressive_covariances(coefficients: &[f64], furthest: usize) -> Option<Vec<f64>> {
    let orders = step_down(coefficients)?;
    let reflections = || orders.iter().filter_map(|order| order.last());
    let mut error: f64 = reflections().map(|reflection| 1.0 / (1.0 - reflection * reflection)).product();
    let mut covariances = vec![error];
    for lag in 1..=furthest {
        let known = &orders[(lag - 1).min(coefficients.len())];
        let predicted: f64 = known.iter().enumerate().map(|(k, value)| value * covariances[lag - 1 - k]).sum();
        let partial = orders.get(lag).and_then(|order| order.last()).copied().unwrap_or(0.0);
        covariances.push(predicted + partial * error);
        error *= 1.0 - partial * partial;
    }
    covariances.iter().all(|value| value.is_finite()).then_some(covariances)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEASONAL: Orders =
        Orders { ar: 2, differences: 1, ma: 1, seasonal_ar: 1, seasonal_differences: 1, seasonal_ma: 1, period: 4 };

    #[test]
    fn points_and_coefficients_map_both_ways() {
        let point = [0.7, -0.4, 1.5, -0.2, 0.9];
        let coefficients = SEASONAL.coefficients_at(&point);
        let back = coefficients.point();
        for (value, expected) in back.iter().zip(point) {
            assert!((value - expected).abs() < 1e-12, "{back:?}");
        }
        assert_eq!(SEASONAL.to_string(), "(2,1,1)(1,1,1)4");
    }

    #[test]
    fn explosive_coefficients_are_drawn_inside() {
        let explosive = Coefficients { ar: vec![1.7, 0.4], ..Coefficients::default() };
        let point = explosive.point();
        assert!(point.iter().all(|value| value.is_finite()) && point[0] > 0.0, "{point:?}");
    }

    #[test]
    fn polynomials_are_multiplied_out() {
        let coefficients =
            Coefficients { ar: vec![0.5], ma: vec![0.2], seasonal_ar: vec![0.4], seasonal_ma: vec![-0.3] };
        let lags = coefficients.lags(3);
        assert_eq!(lags.ar, [0.5, 0.0, 0.4, -0.2]);
        assert_eq!(lags.ma, [0.2, 0.0, -0.3, -0.06]);
    }

    #[test]
    fn autocovariances_are_those_of_the_responses() {
        let lags = Lags { ar: vec![0.5, 0.2], ma: vec![0.4, 0.0, -0.3] };
        let responses = lags.responses(400);
        let covariances = lags.autocovariances(5).unwrap();
        for (lag, covariance) in covariances.iter().enumerate() {
            let expected: f64 = responses.iter().zip(&responses[lag..]).map(|(a, b)| a * b).sum();
            assert!((covariance - expected).abs() < 1e-10, "{covariances:?}");
        }
        assert!(Lags { ar: vec![1.0], ma: vec![] }.autocovariances(1).is_none());
    }
}
