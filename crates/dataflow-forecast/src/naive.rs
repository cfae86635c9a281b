//! The two yardsticks: the last load seen, and the load one season before.
//!
//! Source: Hyndman and Athanasopoulos, *Forecasting: Principles and Practice*, section 5.2 ("Some simple forecasting
//! methods"). The season is a day, or a week where the step is half a day or longer.

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use crate::history::View;
use crate::model::{FitError, FittedMean, MeanModel, SaveError, check_horizons, from_bytes, season, to_bytes};

/// Forecasts every horizon by the last load seen.
#[derive(Debug, Clone, Copy)]
pub struct Naive;

/// Forecasts every horizon by the load of the same time one season (a day) before.
#[derive(Debug, Clone, Copy)]
pub struct SeasonalNaive;

/// Both, fitted: the last load is a season of one step.
#[derive(Debug, Serialize, Deserialize)]
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

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        LastSeason::restore(saved)
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

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        LastSeason::restore(saved)
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

    fn restore(saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let restored: Self = from_bytes(saved)?;
        if restored.season == 0 || restored.ring.len() != restored.season || restored.next >= restored.season {
            return Err(SaveError::NotRestored("its season does not fit its loads".to_owned()));
        }
        Ok(Box::new(restored))
    }
}

impl FittedMean for LastSeason {
    fn extend(&mut self, new: View<'_>) {
        for value in new.values() {
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

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(self)
    }
}
