//! The two yardsticks: the last load seen, and the load one season before.
//!
//! Source: Hyndman and Athanasopoulos, *Forecasting: Principles and Practice*, section 5.2 ("Some simple forecasting
//! methods"). The season is a day, or a week where the step is half a day or longer.

use dataflow_series::Step;

use crate::model::{FitError, FittedMean, MeanModel, View, check_horizons, season};

/// Forecasts every horizon by the last load seen.
#[derive(Debug, Clone, Copy)]
pub struct Naive;

/// Forecasts every horizon by the load of the same time one season (a day) before.
#[derive(Debug, Clone, Copy)]
pub struct SeasonalNaive;

/// Both, fitted: the last load is a season of one step.
struct LastSeason {
    season: usize,
    horizons: Vec<usize>,
    /// The last `season` loads, as a ring whose oldest is at `next`.
    ring: Vec<f64>,
    next: usize,
}

impl MeanModel for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }

    fn shortest_past(&self, _step: Step, _furthest: usize) -> usize {
        1
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        LastSeason::fit(self.name(), past, horizons, 1)
    }
}

impl MeanModel for SeasonalNaive {
    fn name(&self) -> &'static str {
        "seasonal-naive"
    }

    fn shortest_past(&self, step: Step, _furthest: usize) -> usize {
        season(step).unwrap_or(1)
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        LastSeason::fit(self.name(), past, horizons, season(past.step()).unwrap_or(1))
    }
}

impl LastSeason {
    fn fit(
        model: &'static str,
        past: View<'_>,
        horizons: &[usize],
        season: usize,
    ) -> Result<Box<dyn FittedMean>, FitError> {
        check_horizons(horizons)?;
        let got = past.values().len();
        if got < season {
            return Err(FitError::TooShort { model, needed: season, got });
        }
        let ring = past.values()[got - season..].to_vec();
        Ok(Box::new(Self { season, horizons: horizons.to_vec(), ring, next: 0 }))
    }
}

impl FittedMean for LastSeason {
    fn extend(&mut self, new: &[f64]) {
        for value in new {
            self.ring[self.next] = *value;
            self.next = (self.next + 1) % self.season;
        }
    }

    fn refit(&mut self) -> Result<(), FitError> {
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        for (mean, horizon) in means.iter_mut().zip(&self.horizons) {
            *mean = self.ring[(self.next + horizon - 1) % self.season];
        }
    }
}
