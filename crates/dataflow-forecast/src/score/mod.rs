//! How good forecasts were: errors of the mean, of the quantiles and of the bands.
//!
//! Errors are forecast minus load where a sign matters, in the unit of the series.
//! Source: Hyndman and Koehler, *Another look at measures of forecast accuracy* (2006); pinball loss: Koenker and
//! Bassett, *Regression Quantiles* (1978).

mod hours;

use dataflow_series::Observed;
use serde::Serialize;

use crate::model::season;
use crate::rolling::RollingForecast;
pub use hours::HourCoverage;
pub(crate) use hours::by_hour;

/// The share of a trace, at its end, over which [`scores`] judges a rolling forecast.
const SCORED_SHARE: f64 = 0.2;

/// The scores of one horizon. A measure that is not defined (nothing to divide by) is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// Steps ahead.
    pub horizon: usize,
    /// Number of forecasts scored.
    pub count: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// 1 − squared error / squared deviation from the mean of the scored loads.
    pub r2: Option<f64>,
    /// Mean of |error| / load over the loads above zero.
    pub mape: Option<f64>,
    /// Mean of 2·|error| / (|forecast| + |load|), where both zero counts as no error.
    pub smape: f64,
    /// MAE over the mean absolute one-season (a day) difference of the loads before the scored part.
    pub mase: Option<f64>,
    /// Mean error: above zero where forecasts are too high.
    pub bias: f64,
    /// Pinball loss of each level.
    pub pinball: Vec<Pinball>,
    /// How well each band held.
    pub coverage: Vec<Coverage>,
    /// The least RMSE that any forecast can have if the loads are counts: √mean, times the root of the dispersion that
    /// is given (1 for Poisson counts).
    pub noise_floor: f64,
}

/// The pinball loss of one quantile level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pinball {
    /// The quantile level.
    pub level: f64,
    /// Mean of (load − quantile) · level, or of (quantile − load) · (1 − level) where the load is below.
    pub loss: f64,
}

/// How a central band held: from the quantile at (1 − coverage)/2 to that at (1 + coverage)/2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coverage {
    /// The share of loads that the band promises to hold.
    pub nominal: f64,
    /// The share that it held.
    pub actual: f64,
    /// The share of loads above the band.
    pub above: f64,
    /// The share of loads below the band.
    pub below: f64,
    /// Mean width.
    pub width: f64,
}

/// What forecasts of one horizon are compared with and how they are summed up.
#[derive(Debug, Clone)]
pub(crate) struct Scorer {
    horizon: usize,
    levels: Vec<f64>,
    /// (lower level, upper level, coverage) by place in `levels`.
    bands: Vec<(usize, usize, f64)>,
    season_error: Option<f64>,
    dispersion: f64,
    loads: Vec<f64>,
    means: Vec<f64>,
    pinball: Vec<f64>,
    /// Per band: above, below, width.
    misses: Vec<[f64; 3]>,
}

impl Scorer {
    /// A scorer for one horizon; `before` are the loads before the scored part, which scale the MASE.
    pub(crate) fn new(horizon: usize, levels: &[f64], before: &[f64], season: Option<usize>, dispersion: f64) -> Self {
        let bands = central_bands(levels);
        Self {
            horizon,
            levels: levels.to_vec(),
            season_error: season.and_then(|season| seasonal_error(before, season)),
            dispersion,
            loads: Vec::new(),
            means: Vec::new(),
            pinball: vec![0.0; levels.len()],
            misses: vec![[0.0; 3]; bands.len()],
            bands,
        }
    }

    /// Scores a forecast, whose quantiles are given by their places among the levels, against the load that came.
    pub(crate) fn add(&mut self, mean: f64, quantile: impl Fn(usize) -> f64, load: f64) {
        self.loads.push(load);
        self.means.push(mean);
        for (index, level) in self.levels.iter().enumerate() {
            let above = load - quantile(index);
            self.pinball[index] += (above * level).max(above * (level - 1.0));
        }
        for (misses, (lower, upper, _)) in self.misses.iter_mut().zip(&self.bands) {
            misses[0] += f64::from(u8::from(load > quantile(*upper)));
            misses[1] += f64::from(u8::from(load < quantile(*lower)));
            misses[2] += quantile(*upper) - quantile(*lower);
        }
    }

    /// Sums up; `None` if nothing was scored.
    pub(crate) fn finish(self) -> Option<Scores> {
        if self.loads.is_empty() {
            return None;
        }
        let count = self.loads.len() as f64;
        let errors = || self.means.iter().zip(&self.loads).map(|(mean, load)| (mean - load, *mean, *load));
        let squared: f64 = errors().map(|(error, ..)| error * error).sum();
        let absolute = errors().map(|(error, ..)| error.abs()).sum::<f64>() / count;
        let load_mean = self.loads.iter().sum::<f64>() / count;
        let deviation: f64 = self.loads.iter().map(|load| (load - load_mean).powi(2)).sum();
        let positive = self.loads.iter().filter(|load| **load > 0.0).count();
        let relative: f64 = errors().filter(|(.., load)| *load > 0.0).map(|(error, _, load)| error.abs() / load).sum();
        let symmetric = errors().filter(|(error, ..)| *error != 0.0);
        Some(Scores {
            horizon: self.horizon,
            count: self.loads.len(),
            mae: absolute,
            rmse: (squared / count).sqrt(),
            r2: (deviation > 0.0).then(|| 1.0 - squared / deviation),
            mape: (positive > 0).then(|| relative / positive as f64),
            smape: symmetric.map(|(error, mean, load)| 2.0 * error.abs() / (mean + load)).sum::<f64>() / count,
            mase: self.season_error.map(|scale| absolute / scale),
            bias: errors().map(|(error, ..)| error).sum::<f64>() / count,
            pinball: self
                .levels
                .iter()
                .zip(&self.pinball)
                .map(|(level, loss)| Pinball { level: *level, loss: loss / count })
                .collect(),
            coverage: self
                .bands
                .iter()
                .zip(&self.misses)
                .map(|((.., nominal), [above, below, width])| Coverage {
                    nominal: *nominal,
                    actual: (count - above - below) / count,
                    above: above / count,
                    below: below / count,
                    width: width / count,
                })
                .collect(),
            noise_floor: (load_mean * self.dispersion).sqrt(),
        })
    }
}

/// Scores a rolling forecast over the last fifth of its trace, the part that published comparisons hold out; `None`
/// if no row there has both a forecast and a load. Bands are those whose two levels were asked for. Missing loads are
/// not scored.
pub fn scores(series: &Observed, forecast: &RollingForecast) -> Option<Scores> {
    let values: Vec<f64> = series.values().map(|load| load.unwrap_or(f64::NAN)).collect();
    let first = values.len() - (values.len() as f64 * SCORED_SHARE).floor() as usize;
    let mut scorer = Scorer::new(forecast.lead, &forecast.levels, &values[..first], season(series.step()), 1.0);
    for (tick, load) in values.iter().enumerate().skip(first).filter(|(_, load)| !load.is_nan()) {
        let Some(row) = tick.checked_sub(forecast.lead).filter(|row| *row < forecast.mean.len()) else { continue };
        if forecast.mean[row].is_finite() {
            scorer.add(forecast.mean[row], |level| forecast.quantiles[level][row], *load);
        }
    }
    scorer.finish()
}

/// The two levels whose quantiles bound a central band.
pub fn band_levels(coverage: f64) -> (f64, f64) {
    (0.5 - coverage / 2.0, 0.5 + coverage / 2.0)
}

/// The central bands that these ascending levels contain, from the widest, as (lower, upper, coverage) places.
fn central_bands(levels: &[f64]) -> Vec<(usize, usize, f64)> {
    let mut bands = Vec::new();
    for (lower, level) in levels.iter().enumerate().filter(|(_, level)| **level < 0.5) {
        let upper = levels.iter().position(|other| (other - (1.0 - level)).abs() < 1e-9);
        bands.extend(upper.map(|upper| (lower, upper, levels[upper] - level)));
    }
    bands
}

/// Mean absolute difference between loads one season apart, both seen (not NaN); `None` without any or when it is zero.
fn seasonal_error(loads: &[f64], season: usize) -> Option<f64> {
    let pairs = loads.get(season..)?.iter().zip(loads);
    let differences: Vec<f64> =
        pairs.map(|(now, then)| (now - then).abs()).filter(|difference| !difference.is_nan()).collect();
    let total: f64 = differences.iter().sum();
    (total > 0.0).then(|| total / differences.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_what_their_definitions_say() {
        let before = [10.0, 12.0, 14.0, 8.0];
        let mut scorer = Scorer::new(2, &[0.1, 0.5, 0.9], &before, Some(2), 4.0);
        // (mean, quantiles, load)
        for (mean, quantiles, load) in
            [(10.0, [5.0, 10.0, 15.0], 12.0), (20.0, [15.0, 20.0, 25.0], 26.0), (0.0, [0.0, 0.0, 1.0], 0.0)]
        {
            scorer.add(mean, |level| quantiles[level], load);
        }
        let scores = scorer.finish().unwrap();
        let close = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-12, "{value} {expected}");
        assert_eq!((scores.horizon, scores.count), (2, 3));
        close(scores.mae, 8.0 / 3.0);
        close(scores.rmse, (40.0_f64 / 3.0).sqrt());
        close(scores.bias, -8.0 / 3.0);
        // The loads' mean is 38/3, their squared deviations sum to 820 − 38²/3.
        close(scores.r2.unwrap(), 1.0 - 40.0 / (820.0 - 38.0 * 38.0 / 3.0));
        close(scores.mape.unwrap(), f64::midpoint(2.0 / 12.0, 6.0 / 26.0));
        close(scores.smape, (4.0 / 22.0 + 12.0 / 46.0) / 3.0);
        // Two apart the loads before differ by 4 and 4.
        close(scores.mase.unwrap(), 8.0 / 3.0 / 4.0);
        close(scores.pinball[2].loss, (0.1 * 3.0 + 0.9 * 1.0 + 0.1 * 1.0) / 3.0);
        close(scores.pinball[0].loss, (0.1 * 7.0 + 0.1 * 11.0) / 3.0);
        let [band] = &scores.coverage[..] else { panic!("one band: {:?}", scores.coverage) };
        close(band.nominal, 0.8);
        close(band.above, 1.0 / 3.0);
        close(band.below, 0.0);
        close(band.width, 7.0);
        close(scores.noise_floor, (38.0_f64 / 3.0 * 4.0).sqrt());
    }

    #[test]
    fn nothing_scored_gives_no_scores_and_nothing_to_divide_by_no_measure() {
        assert!(Scorer::new(1, &[], &[], None, 1.0).finish().is_none());
        let mut scorer = Scorer::new(1, &[], &[3.0; 9], Some(2), 1.0);
        scorer.add(1.0, |_| 0.0, 0.0);
        let scores = scorer.finish().unwrap();
        assert_eq!((scores.r2, scores.mape, scores.mase), (None, None, None));
    }
}
