//! The orders of a series: how often to difference it, by tests, and the rest step by step, by the information
//! criterion.
//!
//! Sources: Hyndman and Khandakar, *Automatic time series forecasting: the forecast package for R*, Journal of
//! Statistical Software 27 (2008), section 3; Kwiatkowski, Phillips, Schmidt, Shin, *Testing the null hypothesis of
//! stationarity* (1992); Wang, Smith, Hyndman, *Characteristic-based clustering for time series data* (2006) for the
//! strength of a season.

use super::estimate::Problem;
use super::optimise::ROUGH;
use super::orders::{Coefficients, Orders};

/// A season stronger than this is differenced away.
const STRENGTH: f64 = 0.64;
/// The critical value of the test for stationarity around a level, 5%.
const LEVEL_STATIONARY: f64 = 0.463;
/// The most models that are tried.
const MODELS_MAX: usize = 24;
/// The most lags of each kind: autoregressive, moving average, and of whole seasons.
const LAGS_MAX: usize = 5;
const LAGS_MAX_WITH_SEASON: usize = 3;
const SEASONS_MAX: usize = 2;

/// A model that was tried.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    pub(super) orders: Orders,
    pub(super) coefficients: Coefficients,
    pub(super) criterion: f64,
}

/// The best orders found for a complete series with a mean of nearly zero, and how many models were tried. `period` is
/// the season in steps, if it may have one. `None` where the series is too short for any.
pub(super) fn stepwise(series: &[f64], period: Option<usize>) -> Option<(Tried, usize)> {
    let period = period.filter(|period| *period > 1 && series.len() >= 3 * period);
    let seasonal_differences = usize::from(period.is_some_and(|period| seasonal_strength(series, period) > STRENGTH));
    let base = Orders { seasonal_differences, period: period.unwrap_or(0), ..Orders::default() };
    let deseasonalised: Vec<f64> = match period.filter(|_| seasonal_differences > 0) {
        Some(period) => series.iter().zip(&series[period..]).map(|(old, new)| new - old).collect(),
        None => series.to_vec(),
    };
    let base = Orders { differences: usize::from(!is_level_stationary(&deseasonalised)), ..base };
    let mut search = Search { series, tried: Vec::new() };
    for (ar, ma, seasonal_ar, seasonal_ma) in [(2, 2, 1, 1), (0, 0, 0, 0), (1, 0, 1, 0), (0, 1, 0, 1)] {
        search.attempt(with_lags(base, ar, ma, seasonal_ar, seasonal_ma));
    }
    let mut best = search.best()?;
    while let Some(better) = search.better_neighbour(&best) {
        best = better;
    }
    Some((best, search.tried.len()))
}

/// The corrected criterion of Akaike (Hurvich and Tsai, 1989) for so many parameters on so many values.
pub(super) fn corrected_criterion(log_likelihood: f64, parameters: usize, values: f64) -> f64 {
    let parameters = parameters as f64;
    let correction = 2.0 * parameters * (parameters + 1.0) / (values - parameters - 1.0).max(0.5);
    2.0 * parameters - 2.0 * log_likelihood + correction
}

struct Search<'a> {
    series: &'a [f64],
    /// Everything that was looked at, with what came of it.
    tried: Vec<(Orders, Option<Tried>)>,
}

impl Search<'_> {
    /// Fits one model, unless it was before.
    fn attempt(&mut self, orders: Orders) -> Option<Tried> {
        if let Some((_, known)) = self.tried.iter().find(|(known, _)| *known == orders) {
            return known.clone();
        }
        let result = fit(self.series, orders);
        self.tried.push((orders, result.clone()));
        result
    }

    fn best(&self) -> Option<Tried> {
        let fitted = self.tried.iter().filter_map(|(_, tried)| tried.as_ref());
        fitted.min_by(|a, b| a.criterion.total_cmp(&b.criterion)).cloned()
    }

    /// The first model beside this one that is better than it.
    fn better_neighbour(&mut self, best: &Tried) -> Option<Tried> {
        const PLAIN: [(isize, isize); 6] = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)];
        let seasonal = if best.orders.period > 0 { &PLAIN[..] } else { &[] };
        let steps =
            PLAIN.iter().map(|(ar, ma)| [*ar, *ma, 0, 0]).chain(seasonal.iter().map(|(ar, ma)| [0, 0, *ar, *ma]));
        for step in steps {
            if self.tried.len() >= MODELS_MAX {
                return None;
            }
            let Some(orders) = moved(best.orders, step) else { continue };
            if let Some(tried) = self.attempt(orders).filter(|tried| tried.criterion < best.criterion) {
                return Some(tried);
            }
        }
        None
    }
}

fn with_lags(base: Orders, ar: usize, ma: usize, seasonal_ar: usize, seasonal_ma: usize) -> Orders {
    let seasonal = |lags: usize| if base.period > 0 { lags } else { 0 };
    Orders { ar, ma, seasonal_ar: seasonal(seasonal_ar), seasonal_ma: seasonal(seasonal_ma), ..base }
}

/// Orders one step away, if they are within the limits.
fn moved(orders: Orders, [ar, ma, seasonal_ar, seasonal_ma]: [isize; 4]) -> Option<Orders> {
    // Seasonal lags and plain lags must not meet in one polynomial.
    let most = if orders.period > 0 { LAGS_MAX_WITH_SEASON.min(orders.period - 1) } else { LAGS_MAX };
    let within = |lags: usize, step: isize, most: usize| lags.checked_add_signed(step).filter(|lags| *lags <= most);
    Some(Orders {
        ar: within(orders.ar, ar, most)?,
        ma: within(orders.ma, ma, most)?,
        seasonal_ar: within(orders.seasonal_ar, seasonal_ar, SEASONS_MAX)?,
        seasonal_ma: within(orders.seasonal_ma, seasonal_ma, SEASONS_MAX)?,
        ..orders
    })
}

fn fit(series: &[f64], orders: Orders) -> Option<Tried> {
    let problem = Problem::new(series, &[], orders)?;
    let (point, profile) = problem.maximise(&problem.start_point(), ROUGH)?;
    let criterion = corrected_criterion(profile.log_likelihood, orders.coefficients() + 1, problem.counted());
    Some(Tried { orders, coefficients: orders.coefficients_at(&point), criterion })
}

/// Whether the test of Kwiatkowski and others keeps a level that does not wander (5%), with Bartlett weights over
/// ⌊3 √n / 13⌋ lags.
fn is_level_stationary(series: &[f64]) -> bool {
    let count = series.len() as f64;
    let mean = series.iter().sum::<f64>() / count;
    let deviations: Vec<f64> = series.iter().map(|value| value - mean).collect();
    let lags = (3.0 * count.sqrt() / 13.0) as usize;
    let covariance = |lag: usize| deviations.iter().zip(&deviations[lag..]).map(|(a, b)| a * b).sum::<f64>() / count;
    let weighted = |lag: usize| 2.0 * (1.0 - lag as f64 / (lags + 1) as f64) * covariance(lag);
    let long_run = covariance(0) + (1..=lags).map(weighted).sum::<f64>();
    let mut sum = 0.0;
    let mut squares = 0.0;
    for deviation in &deviations {
        sum += deviation;
        squares += sum * sum;
    }
    // Without any spread there is nothing that wanders.
    long_run.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater)
        || squares / (count * count * long_run) < LEVEL_STATIONARY
}

/// Share of the variance around the trend that the mean profile of the season takes away, from 0 to 1. The trend is a
/// centred mean over one season.
fn seasonal_strength(series: &[f64], period: usize) -> f64 {
    let half = period / 2;
    let sums: Vec<f64> = std::iter::once(0.0)
        .chain(series.iter().scan(0.0, |sum, value| {
            *sum += value;
            Some(*sum)
        }))
        .collect();
    let window = |from: usize| (sums[from + period] - sums[from]) / period as f64;
    // A season of an even length is centred by the mean of both windows around it.
    let trend = |at: usize| {
        if period.is_multiple_of(2) { 0.5 * (window(at - half) + window(at - half + 1)) } else { window(at - half) }
    };
    let detrended: Vec<(usize, f64)> = (half..series.len().saturating_sub(half))
        .filter(|at| at - half + 1 + period <= series.len())
        .map(|at| (at % period, series[at] - trend(at)))
        .collect();
    let mut profile = vec![(0.0, 0.0_f64); period];
    for (phase, value) in &detrended {
        profile[*phase].0 += value;
        profile[*phase].1 += 1.0;
    }
    let rest = |(phase, value): &(usize, f64)| value - profile[*phase].0 / profile[*phase].1;
    let variance = |values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
    };
    let all = variance(detrended.iter().map(|(_, value)| *value).collect());
    let left = variance(detrended.iter().map(rest).collect());
    if all > 0.0 { (1.0 - left / all).max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise from a linear congruential generator, nearly normal.
    fn noise(count: usize) -> Vec<f64> {
        let mut state = 11_u64;
        let mut uniform = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
    }

    #[test]
    fn a_walk_is_differenced_and_an_autoregression_is_not() {
        let shocks = noise(600);
        let walk: Vec<f64> = shocks
            .iter()
            .scan(0.0, |at, shock| {
                *at += shock;
                Some(*at)
            })
            .collect();
        let (found, _) = stepwise(&walk, None).unwrap();
        assert_eq!(found.orders.differences, 1, "{found:?}");
        let echo: Vec<f64> = shocks
            .iter()
            .scan(0.0, |at, shock| {
                *at = 0.5 * *at + shock;
                Some(*at)
            })
            .collect();
        let (found, tried) = stepwise(&echo, None).unwrap();
        assert!(found.orders.differences == 0 && found.orders.coefficients() >= 1 && tried >= 4, "{found:?}");
    }

    #[test]
    fn a_strong_season_is_differenced() {
        let wave = |at: usize| 3.0 * (at as f64 * std::f64::consts::TAU / 12.0).sin();
        let series: Vec<f64> = noise(400).iter().enumerate().map(|(at, shock)| wave(at) + shock).collect();
        assert!(seasonal_strength(&series, 12) > 0.75 && seasonal_strength(&noise(400), 12) < 0.3);
        let (found, _) = stepwise(&series, Some(12)).unwrap();
        assert!(found.orders.seasonal_differences == 1 && found.orders.seasonal_ma >= 1, "{found:?}");
    }
}
