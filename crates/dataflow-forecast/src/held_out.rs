//! The forecasts of a held-out part as they were made, one row per origin: what scores, tests, plots and the cost of a
//! fleet are all taken from.

use dataflow_series::Step;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{Forecast, season};
use crate::score::{HourCoverage, Scorer, Scores, band_levels, by_hour};

/// Forecasts of one model over a held-out part, in the unit of the series.
#[derive(Debug, Clone)]
pub struct HeldOut {
    /// The loads of the whole series; NaN where they were missing, which are not scored.
    loads: Vec<f64>,
    start: Timestamp,
    step: Step,
    /// The index of the first held-out load.
    first: usize,
    /// How many loads were known when the first row was made.
    first_origin: usize,
    levels: Vec<f64>,
    horizons: Vec<HorizonForecasts>,
}

/// What was forecast so many steps ahead: row `i` at the origin at which `first_origin + i` loads were known.
#[derive(Debug, Clone)]
struct HorizonForecasts {
    horizon: usize,
    mean: Vec<f64>,
    /// Per level.
    quantiles: Vec<Vec<f64>>,
}

/// The forecasts of one horizon for consecutive intervals, from [`HeldOut::for_targets`] or [`HeldOut::at_decisions`].
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Steps ahead.
    pub horizon: usize,
    /// Expected loads.
    pub mean: &'a [f64],
    levels: &'a [f64],
    quantiles: &'a [Vec<f64>],
    from: usize,
}

impl Rows<'_> {
    /// The quantiles at a level; `None` where it was not forecast.
    pub fn quantile(&self, level: f64) -> Option<&[f64]> {
        let place = self.levels.iter().position(|known| (known - level).abs() < 1e-9)?;
        self.quantiles[place].get(self.from..self.from + self.mean.len())
    }
}

impl HeldOut {
    pub(crate) fn new(
        loads: Vec<f64>,
        (start, step): (Timestamp, Step),
        first: usize,
        first_origin: usize,
        levels: &[f64],
        horizons: &[usize],
    ) -> Self {
        let rows = loads.len() - first_origin;
        let empty = |horizon: &usize| HorizonForecasts {
            horizon: *horizon,
            mean: Vec::with_capacity(rows),
            quantiles: vec![Vec::with_capacity(rows); levels.len()],
        };
        let horizons = horizons.iter().map(empty).collect();
        Self { loads, start, step, first, first_origin, levels: levels.to_vec(), horizons }
    }

    /// Adds the forecasts made at the next origin.
    pub(crate) fn push(&mut self, forecast: &Forecast) {
        for (place, horizon) in self.horizons.iter_mut().enumerate() {
            horizon.mean.push(forecast.mean[place]);
            for (rows, quantiles) in horizon.quantiles.iter_mut().zip(&forecast.quantiles) {
                rows.push(quantiles[place]);
            }
        }
    }

    /// Number of held-out intervals.
    pub fn len(&self) -> usize {
        self.loads.len() - self.first
    }

    /// Whether nothing is held out.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The held-out loads; NaN where they were missing.
    pub fn loads(&self) -> &[f64] {
        &self.loads[self.first..]
    }

    /// The instant at which held-out interval `index` begins.
    pub fn time(&self, index: usize) -> Timestamp {
        let seconds = (self.first + index) as i64 * i64::from(self.step.seconds());
        self.start.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
    }

    /// The steps ahead that were forecast.
    pub fn horizons(&self) -> impl Iterator<Item = usize> + '_ {
        self.horizons.iter().map(|rows| rows.horizon)
    }

    /// The forecasts for the held-out intervals, so many steps before each; `None` where that horizon was not asked for.
    pub fn for_targets(&self, horizon: usize) -> Option<Rows<'_>> {
        self.rows(horizon, (self.first + 1).checked_sub(horizon)?)
    }

    /// The forecasts made when the load before each held-out interval was the newest known: row `i` is of the interval
    /// `horizon − 1` after held-out interval `i`, so the last rows are of intervals that never came.
    pub fn at_decisions(&self, horizon: usize) -> Option<Rows<'_>> {
        self.rows(horizon, self.first)
    }

    fn rows(&self, horizon: usize, origin: usize) -> Option<Rows<'_>> {
        let rows = self.horizons.iter().find(|rows| rows.horizon == horizon)?;
        let from = origin.checked_sub(self.first_origin)?;
        let mean = rows.mean.get(from..from + self.len())?;
        Some(Rows { horizon, mean, levels: &self.levels, quantiles: &rows.quantiles, from })
    }

    /// Forecast minus load per held-out interval; NaN where the load was missing.
    pub fn errors(&self, horizon: usize) -> Option<Vec<f64>> {
        let rows = self.for_targets(horizon)?;
        Some(rows.mean.iter().zip(self.loads()).map(|(mean, load)| mean - load).collect())
    }

    /// The scores of one horizon; `None` where nothing can be scored.
    pub fn scores(&self, horizon: usize, dispersion: f64) -> Option<Scores> {
        let rows = self.for_targets(horizon)?;
        let mut scorer = Scorer::new(horizon, &self.levels, &self.loads[..self.first], season(self.step), dispersion);
        for (index, load) in self.loads().iter().enumerate().filter(|(_, load)| !load.is_nan()) {
            scorer.add(rows.mean[index], |level| rows.quantiles[level][rows.from + index], *load);
        }
        scorer.finish()
    }

    /// How a central band of one horizon held at each hour of the day; `None` where its levels were not forecast.
    pub fn coverage_by_hour(&self, horizon: usize, coverage: f64, zone: &TimeZone) -> Option<Vec<HourCoverage>> {
        let rows = self.for_targets(horizon)?;
        let (lower, upper) = band_levels(coverage);
        let (lower, upper) = (rows.quantile(lower)?, rows.quantile(upper)?);
        Some(by_hour(self.time(0), self.step, zone, self.loads(), lower, upper))
    }

    /// Whether the other's forecasts are the same bit for bit, as far as the shorter goes.
    pub(crate) fn begins_as(&self, other: &Self) -> bool {
        let same = |one: &[f64], two: &[f64]| one.iter().zip(two).all(|(one, two)| one.to_bits() == two.to_bits());
        self.horizons.iter().zip(&other.horizons).all(|(one, two)| {
            same(&one.mean, &two.mean) && one.quantiles.iter().zip(&two.quantiles).all(|(one, two)| same(one, two))
        })
    }
}
