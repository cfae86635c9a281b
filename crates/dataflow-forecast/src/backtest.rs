//! Judges a model on the last part of a series, which it never saw when it was fitted.

use crate::history::View;
use crate::model::{FitError, check_levels, season};
use crate::score::{Scorer, Scores, band_levels};
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

/// Judges a model: one [`Scores`] per horizon, over every held-out load that was not missing. So that all horizons are judged on the same
/// loads, the model is fitted where the forecast of the furthest horizon for the first of them is made: as many
/// intervals before the held-out part as that horizon is longer than one.
///
/// # Errors
/// When horizons, levels or the held-out part make no sense, or the model cannot be fitted on what is left.
pub fn backtest(history: View<'_>, spec: ModelSpec, settings: &BacktestSettings) -> Result<Vec<Scores>, FitError> {
    let values = history.values();
    let levels = all_levels(settings)?;
    let furthest = settings.horizons.last().copied().unwrap_or(1);
    let bad_holdout = FitError::BadHoldout { holdout: settings.holdout, length: values.len() };
    let before = values.len().checked_sub(settings.holdout).filter(|_| settings.holdout > 0);
    let before = before.ok_or_else(|| bad_holdout.clone())?;
    let first_origin = (before + 1).checked_sub(furthest).ok_or(bad_holdout)?;

    let model = spec.model(settings.model)?;
    let mut fitted = model.fit(history.first(first_origin), &settings.horizons)?;
    let season = season(history.step());
    let scorer = |horizon: &usize| Scorer::new(*horizon, &levels, &values[..before], season, settings.dispersion);
    let mut scorers: Vec<Scorer> = settings.horizons.iter().map(scorer).collect();
    for origin in first_origin..values.len() {
        let forecast = fitted.predict(&levels);
        for (place, (scorer, horizon)) in scorers.iter_mut().zip(&settings.horizons).enumerate() {
            let target = origin + horizon - 1;
            if let Some(load) = values.get(target).filter(|_| target >= before && !history.is_missing(target)) {
                scorer.observe(&forecast, place, *load);
            }
        }
        fitted.extend(history.slice(origin..origin + 1));
        let since = origin + 1 - first_origin;
        if settings.refit.is_some_and(|every| every > 0 && since.is_multiple_of(every)) {
            fitted.refit()?;
        }
    }
    Ok(scorers.into_iter().filter_map(Scorer::finish).collect())
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
