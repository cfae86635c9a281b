//! Seasonal ARIMA with regressors (SARIMAX) in state-space form: orders found by themselves, exact likelihood, missing
//! values skipped, intervals from the filter.
//!
//! [`Arima`] is the statistical model, which agrees with statsmodels' `SARIMAX`; [`Sarimax`] is the model of traffic
//! made of it. What it chooses, and from what, is told in `choose`. Sources stand in each part.

mod chandrasekhar;
mod choose;
mod estimate;
#[cfg(test)]
mod golden_tests;
mod kalman;
mod least_squares;
mod optimise;
mod orders;
mod past;
mod regressors;
mod search;
mod state_space;
#[cfg(test)]
mod tests;
mod transform;

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use self::choose::{Choice, Stretch, choose};
pub use self::estimate::Arima;
use self::kalman::Filter;
pub use self::orders::{Coefficients, Orders};
use self::past::Past;
use self::regressors::Regressors;
use self::transform::Transform;
use crate::history::View;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, Refits, SaveError, Spread, check_past, from_bytes, season, steps_per_days,
    to_bytes,
};
use crate::normal::quantile;

const MODEL: &str = "sarimax";
/// The fewest intervals to learn from.
const SHORTEST_PAST: usize = 30;
/// Learnt from are the last so many days,
const WINDOW_DAYS: u32 = 56;
/// but never fewer and never more than so many intervals (which are three weeks of minutes).
const WINDOW_STEPS: (usize, usize) = (1_000, 30_240);

/// A seasonal ARIMA model or a regression on waves of day and week with ARIMA errors, whichever suits.
///
/// Learns from the last eight weeks, at most 30,240 intervals. Loads that were missing are skipped, and so are single
/// loads beyond all proportion. Exogenous columns enter as many intervals late as the furthest horizon is ahead, so
/// that they are known; those that the criterion of Akaike does not want are left out. Loads that do not vary are
/// forecast by the last one.
#[derive(Debug, Clone, Copy)]
pub struct Sarimax;

struct FittedSarimax {
    kept: Kept,
    filter: Filter,
    /// Loads not believed in a row, up to the last one.
    unbelieved: usize,
    /// The largest load believed.
    largest: f64,
    /// One per horizon, on the scale of the transform.
    forecasts: Vec<f64>,
    variances: Vec<f64>,
}

/// All that is saved of a fitted model; the rest follows from it.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    horizons: Vec<usize>,
    past: Past,
    transform: Transform,
    regressors: Regressors,
    model: Arima,
    tried: usize,
    /// A load beyond this is not believed at first.
    limit: f64,
}

impl MeanModel for Sarimax {
    fn name(&self) -> &'static str {
        MODEL
    }

    fn shortest_past(&self, _step: Step, _furthest: usize) -> usize {
        SHORTEST_PAST
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        let furthest = check_past(self, past, horizons)?;
        let recent = past.slice(past.len().saturating_sub(window(past.step()))..past.len());
        let mut known = Past::of(recent);
        known.extend(recent, furthest);
        let kept = Kept::learn(known, horizons.to_vec());
        Ok(Box::new(FittedSarimax::new(kept).ok_or_else(|| too_large(past.values()))?))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let damaged = || SaveError::NotRestored("its parts do not fit each other".to_owned());
        let mut kept: Kept = from_bytes(saved)?;
        let furthest = *kept.horizons.last().ok_or_else(damaged)?;
        if !kept.is_sound() || !kept.past.look_up_minutes(furthest) {
            return Err(damaged());
        }
        Ok(Box::new(FittedSarimax::new(kept).ok_or_else(damaged)?))
    }

    fn refits(&self) -> Refits {
        Refits::Seldom
    }
}

impl Kept {
    /// Learns from all that is known.
    fn learn(past: Past, horizons: Vec<usize>) -> Self {
        let limit = past.limit();
        let (mut unbelieved, mut largest) = (0, 0.0);
        let loads: Vec<f64> =
            (0..past.len()).map(|interval| believed(&past, interval, limit, &mut unbelieved, &mut largest)).collect();
        let stretch = Stretch {
            loads: &loads,
            known: past.known(),
            step: past.step(),
            season: season(past.step()),
            lag: horizons.last().copied().unwrap_or(1),
        };
        let Choice { transform, regressors, model, tried } = choose(&stretch);
        Self { horizons, past, transform, regressors, model, tried, limit }
    }

    /// Whether what was read from a file can be worked with.
    fn is_sound(&self) -> bool {
        let ascending = self.horizons.windows(2).all(|pair| pair[0] < pair[1]);
        let Orders { ar, ma, seasonal_ar, seasonal_ma, .. } = self.model.orders;
        let coefficients = &self.model.coefficients;
        ascending
            && self.horizons.first() >= Some(&1)
            && self.past.is_sound()
            && self.model.regression.len() == self.regressors.columns()
            && [ar, ma, seasonal_ar, seasonal_ma]
                == [&coefficients.ar, &coefficients.ma, &coefficients.seasonal_ar, &coefficients.seasonal_ma]
                    .map(Vec::len)
            && self.model.orders.is_sound()
    }

    /// The load of an interval as the filter takes it in, NaN if it is missing or not believed.
    fn value(&self, interval: usize, unbelieved: &mut usize, largest: &mut f64) -> f64 {
        self.transform.to(believed(&self.past, interval, self.limit, unbelieved, largest))
    }
}

impl FittedSarimax {
    /// Runs the filter over what is known. `None` if the coefficients are not stationary or its numbers overflow.
    fn new(kept: Kept) -> Option<Self> {
        let filter = kept.model.live_filter()?;
        let horizons = kept.horizons.len();
        let length = kept.past.len();
        let mut fitted = Self {
            kept,
            filter,
            unbelieved: 0,
            largest: 0.0,
            forecasts: vec![0.0; horizons],
            variances: vec![0.0; horizons],
        };
        fitted.take_in(0..length);
        fitted.spread_out();
        fitted.variances.iter().chain(&fitted.forecasts).all(|value| value.is_finite()).then_some(fitted)
    }

    /// Moves the filter over some intervals and forecasts from there.
    fn take_in(&mut self, intervals: std::ops::Range<usize>) {
        let mut row = vec![0.0; self.kept.regressors.columns()];
        for interval in intervals {
            let value = self.kept.value(interval, &mut self.unbelieved, &mut self.largest);
            self.kept.regressors.write(self.kept.past.known(), interval, &mut row);
            self.kept.model.observe(&mut self.filter, value, |column| row[column]);
        }
        let mut errors = vec![0.0; self.kept.horizons.last().copied().unwrap_or(1)];
        self.filter.means(&mut errors);
        for (forecast, horizon) in self.forecasts.iter_mut().zip(&self.kept.horizons) {
            self.kept.regressors.write(self.kept.past.known(), self.kept.past.len() + horizon - 1, &mut row);
            *forecast = errors[horizon - 1] + self.kept.model.explained(|column| row[column]);
        }
    }

    /// Works out how uncertain the forecasts are.
    fn spread_out(&mut self) {
        let mut variances = vec![0.0; self.kept.horizons.last().copied().unwrap_or(1)];
        self.filter.variances(&mut variances);
        for (variance, horizon) in self.variances.iter_mut().zip(&self.kept.horizons) {
            *variance = variances[horizon - 1];
        }
    }

    /// A load within what is believed.
    fn within(&self, load: f64) -> f64 {
        load.min(self.kept.limit.max(2.0 * self.largest))
    }

    /// The load at so many standard errors from a forecast.
    fn at(&self, place: usize, errors: f64) -> f64 {
        self.within(self.kept.transform.from(self.forecasts[place] + errors * self.variances[place].sqrt()))
    }

    fn mean(&self, place: usize) -> f64 {
        self.within(self.kept.transform.expected(self.forecasts[place], self.variances[place]))
    }
}

impl FittedMean for FittedSarimax {
    fn extend(&mut self, new: View<'_>) {
        let known = self.kept.past.len();
        self.kept.past.extend(new, self.kept.horizons.last().copied().unwrap_or(1));
        // Once the filter is steady, forecasts are as uncertain after a load as before it.
        let was_steady = self.filter.is_steady();
        self.take_in(known..known + new.len());
        let gap = (0..new.len()).any(|interval| new.is_missing(interval)) || self.unbelieved > 0;
        if !was_steady || gap {
            self.spread_out();
        }
    }

    fn refit(&mut self) -> Result<(), FitError> {
        let window = window(self.kept.past.step());
        let past = self.kept.past.last(window);
        let kept = Kept::learn(past, self.kept.horizons.clone());
        *self = Self::new(kept).ok_or_else(|| too_large(self.kept.past.loads()))?;
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        for (place, mean) in means.iter_mut().enumerate().take(self.forecasts.len()) {
            *mean = self.mean(place);
        }
    }

    fn spreads(&self, spreads: &mut [Spread]) -> bool {
        for (place, spread) in spreads.iter_mut().enumerate().take(self.forecasts.len()) {
            let mean = self.mean(place);
            *spread = Spread { below: mean - self.at(place, -1.0), above: self.at(place, 1.0) - mean };
        }
        true
    }

    fn own_quantiles(&self, level: f64) -> Option<Vec<f64>> {
        let errors = quantile(level);
        Some((0..self.forecasts.len()).map(|place| self.at(place, errors)).collect())
    }

    fn learnt(&self) -> Vec<Learnt> {
        let Kept { transform, regressors, model, tried, past, .. } = &self.kept;
        let orders = match tried {
            0 => format!("{}: too few loads or none that vary, so the last one is carried on", model.orders),
            _ => model.orders.to_string(),
        };
        let waves = regressors.waves.iter().map(u16::to_string).collect::<Vec<_>>().join(" ");
        let exogenous =
            regressors.exogenous.iter().filter_map(|place| past.name(*place)).collect::<Vec<_>>().join(", ");
        let mut learnt = vec![
            Learnt { name: "orders", value: orders },
            Learnt { name: "orders tried", value: tried.to_string() },
            Learnt { name: "scale", value: transform.scale().name().to_owned() },
            Learnt { name: "waves per week", value: waves },
            Learnt { name: "exogenous columns", value: exogenous },
        ];
        learnt.retain(|learnt| !learnt.value.is_empty());
        learnt
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(&self.kept)
    }
}

/// The load of an interval, NaN if it is missing or beyond the limit. A load beyond it that stays is believed after a
/// few intervals.
fn believed(past: &Past, interval: usize, limit: f64, unbelieved: &mut usize, largest: &mut f64) -> f64 {
    const DOUBTED_IN_A_ROW: usize = 3;
    let Some(load) = past.load(interval) else { return f64::NAN };
    *unbelieved = if load > limit { *unbelieved + 1 } else { 0 };
    if (1..=DOUBTED_IN_A_ROW).contains(unbelieved) {
        return f64::NAN;
    }
    *largest = load.max(*largest);
    load
}

fn window(step: Step) -> usize {
    steps_per_days(step, WINDOW_DAYS).clamp(WINDOW_STEPS.0, WINDOW_STEPS.1)
}

fn too_large(loads: &[f64]) -> FitError {
    FitError::TooLarge { model: MODEL, largest: loads.iter().copied().fold(0.0, f64::max) }
}
