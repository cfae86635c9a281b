//! Forecast residuals: how far a value lies from the forecast made for it one step before, judged among the errors of
//! earlier forecasts.
//!
//! The forecast is that of the ridge model, learnt anew as the past grows by half and at least once a day, or the last
//! value where that has erred less of late, as it does while the past is short. The error is taken between roots, which spread alike at any level of a count: that is the error scaled by the root of the level.
//! Its conformal p-value is the share of earlier errors that were at least as large. Values below
//! zero, which no forecast allows, count as missing.
//!
//! Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, *Distribution-Free Predictive Inference for Regression* (2018),
//! section 5.2.

use std::fmt;

use dataflow_forecast::{FittedMean, History, MeanModel, Ridge};
use dataflow_series::{Fill, Observed, Step, Unit};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::detector::DetectorSettings;
use crate::surprise::Surprise;

/// Errors of so many values, or of a day if that is longer, count for which forecast is the better one.
const LEAST_ERRORS: usize = 48;

/// The distance between the roots of a value and its forecast.
pub(crate) struct ForecastResidual {
    step: Step,
    zone: TimeZone,
    start: Option<Timestamp>,
    /// The past that no model has seen yet: its loads, and whether each was missing.
    unseen: Vec<(f64, bool)>,
    model: Option<Box<dyn FittedMean>>,
    seen: usize,
    next_fit: usize,
    per_day: usize,
    newest: Option<f64>,
    /// The mean errors of late, of the model and of the last value.
    errors: [f64; 2],
}

impl fmt::Debug for ForecastResidual {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ForecastResidual").field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl ForecastResidual {
    pub(crate) fn new(settings: &DetectorSettings) -> Self {
        Self {
            step: settings.step,
            zone: settings.time_zone.clone(),
            start: None,
            unseen: Vec::new(),
            model: None,
            seen: 0,
            next_fit: Ridge::new().shortest_past(settings.step, 1),
            per_day: (86_400 / settings.step.seconds()).max(1) as usize,
            newest: None,
            errors: [0.0; 2],
        }
    }

    /// The load that the model expects next.
    fn of_model(&self) -> Option<f64> {
        let mut mean = [f64::NAN];
        self.model.as_ref()?.means(&mut mean);
        Some(mean[0]).filter(|mean| *mean >= 0.0 && mean.is_finite())
    }

    /// The error of the forecast that has been the better one of late.
    fn error(&mut self, load: f64) -> Option<f64> {
        let error = |forecast: f64| (load.sqrt() - forecast.sqrt()).abs();
        let naive = error(self.newest?);
        let Some(forecast) = self.of_model() else { return Some(naive) };
        let errors = [error(forecast), naive];
        let chosen = errors[usize::from(self.errors[0] > self.errors[1])];
        let share = 1.0 / self.per_day.max(LEAST_ERRORS) as f64;
        for (mean, error) in self.errors.iter_mut().zip(errors) {
            *mean += share * (error - *mean);
        }
        Some(chosen)
    }

    /// Takes a load into the past; a missing one stands as what was expected of it.
    fn learn(&mut self, load: f64, is_missing: bool) {
        self.seen += 1;
        self.newest = Some(load);
        self.unseen.push((load, is_missing));
        let is_due = self.seen >= self.next_fit;
        if let Some(model) = &mut self.model {
            if let Some(new) = history(self.start, self.step, self.seen, &self.unseen) {
                model.extend(new.view(&self.zone));
            }
            self.unseen.clear();
            // A model that cannot be learnt anew stays as it was.
            let _ = is_due.then(|| model.refit());
        } else if is_due && let Some(past) = history(self.start, self.step, self.seen, &self.unseen) {
            self.model = Ridge::new().fit(past.view(&self.zone), &[1]).ok();
            if self.model.is_some() {
                self.unseen.clear();
            }
        }
        if is_due {
            self.next_fit = self.seen + (self.seen / 2).clamp(1, self.per_day);
        }
    }
}

impl Surprise for ForecastResidual {
    fn next(&mut self, time: Timestamp, value: Option<f64>) -> Option<f64> {
        self.start.get_or_insert(time);
        let value = value.filter(|value| *value >= 0.0 && value.is_finite());
        let error = value.and_then(|value| self.error(value));
        let load = value.or_else(|| self.of_model()).or(self.newest).unwrap_or(0.0);
        self.learn(load, value.is_none());
        error
    }
}

/// The newest of `seen` intervals, as models look at them.
fn history(start: Option<Timestamp>, step: Step, seen: usize, newest: &[(f64, bool)]) -> Option<History> {
    let before = (seen - newest.len()) as i64;
    let ahead = SignedDuration::from_secs(before.saturating_mul(i64::from(step.seconds())));
    let start = start?.saturating_add(ahead).ok()?;
    let loads = newest.iter().map(|(load, _)| Some(*load));
    let series = Observed::new(start, step, Unit::Value, loads).ok()?.fill(Fill::Hold).ok()?;
    History::new(series).with_missing(newest.iter().map(|(_, is_missing)| *is_missing).collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_expected_and_its_break_is_not() {
        let step = Step::from_seconds(1_800).unwrap();
        let mut measure = ForecastResidual::new(&DetectorSettings::new(step));
        let mut surprises = Vec::new();
        for index in 0..48 * 8_u32 {
            let wave = 100.0 + 60.0 * libm::sin(f64::from(index) / 48.0 * std::f64::consts::TAU);
            let value = if index == 380 { 2.0 * wave } else { wave + f64::from(index * 31 % 7) };
            let time = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_800 * i64::from(index));
            // A missing value is passed over.
            surprises.push(measure.next(time, (index != 300).then_some(value)));
        }
        assert_eq!((surprises[0], surprises[300]), (None, None));
        let usual = surprises[200..380].iter().flatten().copied().fold(0.0, f64::max);
        assert!(surprises[380].unwrap() > 3.0 * usual, "{:?} after at most {usual}", surprises[380]);
    }
}
