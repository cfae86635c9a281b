//! The yardsticks: the last load seen, the same moved on by the mean change of the past, and the load one season before.
//!
//! Source: Hyndman and Athanasopoulos, *Forecasting: Principles and Practice*, section 5.2 ("Some simple forecasting
//! methods"). The season is a day, or a week where the step is half a day or longer.

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use crate::history::View;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, SaveError, check_horizons, check_past, from_bytes, season, to_bytes,
};

/// Forecasts every horizon by the last load seen.
#[derive(Debug, Clone, Copy)]
pub struct Naive;

/// Forecasts every horizon by the load of the same time one season (a day) before.
#[derive(Debug, Clone, Copy)]
pub struct SeasonalNaive;

/// Forecasts by the line through the first and the last load seen.
#[derive(Debug, Clone, Copy)]
pub struct Drift;

#[derive(Debug, Serialize, Deserialize)]
struct FittedDrift {
    horizons: Vec<usize>,
    first: f64,
    last: f64,
    /// Steps from the first load to the last.
    steps: usize,
}

/// The last load and the last season, fitted: the last load is a season of one step.
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
        LastSeason::fit(self, past, horizons, 1)
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
        LastSeason::fit(self, past, horizons, season(past.step()).unwrap_or(1))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        LastSeason::restore(saved)
    }
}

impl MeanModel for Drift {
    fn name(&self) -> &'static str {
        "drift"
    }

    fn shortest_past(&self, _step: Step, _furthest: usize) -> usize {
        2
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        check_horizons(horizons)?;
        let [first, .., last] = past.values() else {
            return Err(FitError::TooShort { model: self.name(), needed: 2, got: past.len() });
        };
        let (horizons, steps) = (horizons.to_vec(), past.len() - 1);
        Ok(Box::new(FittedDrift { horizons, first: *first, last: *last, steps }))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let restored: FittedDrift = from_bytes(saved)?;
        if check_horizons(&restored.horizons).is_err() {
            return Err(SaveError::NotRestored("it has no horizons".to_owned()));
        }
        Ok(Box::new(restored))
    }
}

impl FittedMean for FittedDrift {
    fn extend(&mut self, new: View<'_>) {
        self.last = new.values().last().copied().unwrap_or(self.last);
        self.steps += new.len();
    }

    fn refit(&mut self) -> Result<(), FitError> {
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        let slope = (self.last - self.first) / self.steps.max(1) as f64;
        for (mean, horizon) in means.iter_mut().zip(&self.horizons) {
            *mean = (self.last + slope * *horizon as f64).clamp(0.0, f64::MAX);
        }
    }

    fn learnt(&self) -> Vec<Learnt> {
        let slope = (self.last - self.first) / self.steps.max(1) as f64;
        vec![Learnt { name: "change per step", value: slope.to_string() }]
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(self)
    }
}

impl LastSeason {
    fn fit(
        model: &impl MeanModel,
        past: View<'_>,
        horizons: &[usize],
        season: usize,
    ) -> Result<Box<dyn FittedMean>, FitError> {
        check_past(model, past, horizons)?;
        let ring = past.values()[past.len() - season..].to_vec();
        Ok(Box::new(Self { season, horizons: horizons.to_vec(), ring, next: 0 }))
    }

    fn restore(saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let restored: Self = from_bytes(saved)?;
        let sound = check_horizons(&restored.horizons).is_ok();
        if !sound || restored.season == 0 || restored.ring.len() != restored.season || restored.next >= restored.season
        {
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

    fn learnt(&self) -> Vec<Learnt> {
        vec![Learnt { name: "repeats the last", value: format!("{} steps", self.season) }]
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(self)
    }
}
