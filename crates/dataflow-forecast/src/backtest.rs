//! Judges a model on the last part of a series, which it never saw when it was fitted, by rolling origin: at each
//! interval it is told one more load and forecasts anew.
//! Source: Tashman, *Out-of-sample tests of forecasting accuracy: an analysis and review* (2000).

use std::time::{Duration, Instant};

use crate::held_out::HeldOut;
use crate::history::View;
use crate::model::{FitError, Learnt, Model, check_levels};
use crate::score::{Scores, band_levels};
use crate::spec::{ModelSettings, ModelSpec};

/// How a model is judged.
#[derive(Debug, Clone)]
pub struct BacktestSettings {
    /// Intervals at the end of the series that are held out.
    pub holdout: usize,
    /// Steps ahead that are judged, ascending.
    pub horizons: Vec<usize>,
    /// Quantile levels whose pinball loss is measured, each in (0, 1); the levels of the bands join them.
    pub levels: Vec<f64>,
    /// Central bands that are judged, by the share of loads that they promise to hold.
    pub coverages: Vec<f64>,
    /// Steps between two refits within the held-out part; `None` fits once, before it.
    pub refit: Option<usize>,
    /// What the model is made with.
    pub model: ModelSettings,
    /// Variance over mean of the counts, for the noise floor; 1 for Poisson counts.
    pub dispersion: f64,
}

/// How a model did on a held-out part.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What it forecast.
    pub held_out: HeldOut,
    /// What it chose or learnt at its last fit.
    pub learnt: Vec<Learnt>,
    /// How long its first fit took.
    pub fit_time: Duration,
    /// How long one more load and the forecasts after it took, on average; refits apart.
    pub update_time: Duration,
}

/// Judges a model: one [`Scores`] per horizon, over every held-out load that was not missing. So that all horizons are
/// judged on the same loads, the model is fitted where the forecast of the furthest horizon for the first of them is
/// made: as many intervals before the held-out part as that horizon is longer than one.
///
/// # Errors
/// When horizons, levels or the held-out part make no sense, or the model cannot be fitted on what is left.
pub fn backtest(history: View<'_>, spec: ModelSpec, settings: &BacktestSettings) -> Result<Vec<Scores>, FitError> {
    let held_out = trial(history, spec.model(settings.model)?.as_ref(), settings)?.held_out;
    let scores = settings.horizons.iter().filter_map(|horizon| held_out.scores(*horizon, settings.dispersion));
    Ok(scores.collect())
}

/// As [`backtest`], of any model, with every forecast kept; what [`BacktestSettings::model`] says is not read.
///
/// # Errors
/// As [`backtest`].
pub fn trial(history: View<'_>, model: &dyn Model, settings: &BacktestSettings) -> Result<Trial, FitError> {
    trial_until(history, model, settings, history.len())
}

/// A trial that ends before the origin at which `until` loads are known.
pub(crate) fn trial_until(
    history: View<'_>,
    model: &dyn Model,
    settings: &BacktestSettings,
    until: usize,
) -> Result<Trial, FitError> {
    let levels = all_levels(settings)?;
    let (before, first_origin) = origins(history.len(), settings)?;
    let started = Instant::now();
    let mut fitted = model.fit(history.first(first_origin), &settings.horizons)?;
    let fit_time = started.elapsed();

    let loads = history.values().iter().enumerate();
    let loads = loads.map(|(interval, load)| if history.is_missing(interval) { f64::NAN } else { *load });
    let place = (history.start(), history.step());
    let mut held_out = HeldOut::new(loads.collect(), place, before, first_origin, &levels, &settings.horizons);
    let started = Instant::now();
    let mut refit_time = Duration::ZERO;
    for origin in first_origin..until {
        held_out.push(&fitted.predict(&levels));
        fitted.extend(history.slice(origin..origin + 1));
        let since = origin + 1 - first_origin;
        if settings.refit.is_some_and(|every| every > 0 && since.is_multiple_of(every)) {
            let started = Instant::now();
            // A refit that fails leaves the parameters of before, which are still honest.
            let _ = fitted.refit();
            refit_time += started.elapsed();
        }
    }
    let updates = u32::try_from(until.saturating_sub(first_origin)).unwrap_or(u32::MAX).max(1);
    let update_time = started.elapsed().saturating_sub(refit_time) / updates;
    Ok(Trial { held_out, learnt: fitted.learnt(), fit_time, update_time })
}

/// How many loads lie before the held-out part, and how many are known at the first origin.
pub(crate) fn origins(length: usize, settings: &BacktestSettings) -> Result<(usize, usize), FitError> {
    let bad_holdout = FitError::BadHoldout { holdout: settings.holdout, length };
    let furthest = settings.horizons.last().copied().unwrap_or(1);
    let before = length.checked_sub(settings.holdout).filter(|_| settings.holdout > 0);
    let before = before.ok_or_else(|| bad_holdout.clone())?;
    Ok((before, (before + 1).checked_sub(furthest).ok_or(bad_holdout)?))
}

/// The levels asked for and those of the bands, ascending.
fn all_levels(settings: &BacktestSettings) -> Result<Vec<f64>, FitError> {
    let bands = settings.coverages.iter().flat_map(|coverage| <[f64; 2]>::from(band_levels(*coverage)));
    let mut levels: Vec<f64> = settings.levels.iter().copied().chain(bands).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup_by(|later, earlier| (*later - *earlier).abs() < 1e-12);
    check_levels(&levels)?;
    Ok(levels)
}
