//! Forecasts made by rolling origin over a whole trace, one row per decision, none of which sees the future.

use crate::history::View;
use crate::model::{FitError, Fitted, Model, Refits, check_levels, steps_per_days};
use crate::spec::{ModelSettings, ModelSpec};

/// How often progress is told, in ticks.
const PROGRESS_TICKS: usize = 4_096;

/// Forecasts for the decisions of a whole trace.
///
/// Row `t` is what is known at the decision of tick `t`: a forecast of the load of tick `t + lead`, made only from
/// loads up to `t − 1` (or up to `t` when the current load is observed). Rows before the first possible forecast hold
/// NaN. Units are those of the series.
#[derive(Debug, Clone, PartialEq)]
pub struct RollingForecast {
    /// Ticks between the decision and the load that is forecast (the start-up time of a server, usually).
    pub lead: usize,
    /// The first row made by the model itself and not by what stands in for it while the past is too short; `None`
    /// if the trace ends before.
    pub model_from: Option<usize>,
    /// Expected load, one per tick.
    pub mean: Vec<f64>,
    /// The quantile levels asked for, ascending, each in (0, 1).
    pub levels: Vec<f64>,
    /// For each level its quantiles, one per tick.
    pub quantiles: Vec<Vec<f64>>,
}

/// How a trace is forecast for its decisions.
#[derive(Debug, Clone)]
pub struct RollingSettings {
    /// Ticks between the decision and the load that is forecast.
    pub lead: usize,
    /// Whether the load of the tick of the decision itself is known.
    pub observe_current: bool,
    /// The quantile levels, ascending, each in (0, 1).
    pub levels: Vec<f64>,
    /// What the model is made with, and what stands in for it.
    pub model: ModelSettings,
}

impl RollingForecast {
    /// The rows from tick `first` on: those of a window of the trace that ends with it.
    #[must_use]
    pub fn rows_from(mut self, first: usize) -> Self {
        self.mean.drain(..first.min(self.mean.len()));
        for quantiles in &mut self.quantiles {
            quantiles.drain(..first.min(quantiles.len()));
        }
        self.model_from = self.model_from.map(|from| from.saturating_sub(first));
        self
    }
}

/// Forecasts every row of [`RollingForecast`] for a history.
///
/// Parameters are learnt anew from all the past (the model's own limits apart) when [`Model::refits`] says, and
/// intervals roll on, see [`Conformal`](crate::Conformal). While the past is too short for the model, exponential smoothing stands in for
/// it, and before that (some thirty ticks) the last load with a very wide band. Where nothing at all is known, rows
/// hold NaN. With `observe_current` and a lead of zero the load itself is known: mean and every quantile are that
/// load.
///
/// `progress` is called now and then with the share that is done, from 0 to 1.
///
/// # Errors
/// When the levels are not ascending within (0, 1). A past that is too short or too large for the model is no error,
/// but told by `model_from`.
pub fn rolling_forecast(
    history: View<'_>,
    model: &dyn Model,
    settings: &RollingSettings,
    progress: Option<&(dyn Fn(f64) + Sync)>,
) -> Result<RollingForecast, FitError> {
    check_levels(&settings.levels)?;
    let ticks = history.len();
    let mut rows = RollingForecast {
        lead: settings.lead,
        model_from: None,
        mean: vec![f64::NAN; ticks],
        levels: settings.levels.clone(),
        quantiles: vec![vec![f64::NAN; ticks]; settings.levels.len()],
    };
    let horizon = if settings.observe_current { settings.lead } else { settings.lead + 1 };
    if horizon == 0 {
        rows.model_from = Some(0);
        rows.mean.copy_from_slice(history.values());
        rows.quantiles.iter_mut().for_each(|quantiles| quantiles.copy_from_slice(history.values()));
        return Ok(rows);
    }
    let stand_in = ModelSpec::ExponentialSmoothing.model(settings.model)?;
    let mut origin = Origin::new(history, [model, stand_in.as_ref()], horizon);
    for tick in 0..ticks {
        let known = if settings.observe_current { tick + 1 } else { tick };
        origin.advance(known);
        origin.write(&mut rows, tick);
        if rows.model_from.is_none() && origin.rank == Some(0) {
            rows.model_from = Some(tick);
        }
        if let Some(tell) = progress.filter(|_| tick % PROGRESS_TICKS == 0) {
            tell(tick as f64 / ticks as f64);
        }
    }
    if let Some(tell) = progress {
        tell(1.0);
    }
    Ok(rows)
}

/// The model, or what stands in for it, at a moving origin.
struct Origin<'a> {
    history: View<'a>,
    horizons: [usize; 1],
    /// The model, and what stands in for it.
    candidates: [&'a dyn Model; 2],
    /// The place in `candidates` of the one that is fitted.
    rank: Option<usize>,
    fitted: Option<Box<dyn Fitted>>,
    known: usize,
    next_fit: usize,
}

impl<'a> Origin<'a> {
    fn new(history: View<'a>, candidates: [&'a dyn Model; 2], horizon: usize) -> Self {
        Self { history, horizons: [horizon], candidates, rank: None, fitted: None, known: 0, next_fit: 1 }
    }

    /// Moves on to the origin at which the first `known` loads are known; fits when it is time.
    fn advance(&mut self, known: usize) {
        if let Some(fitted) = &mut self.fitted {
            fitted.extend(self.history.slice(self.known..known));
        }
        self.known = known;
        if known >= self.next_fit {
            self.fit();
            self.next_fit = known + self.steps_until_refit();
        }
    }

    /// How long the parameters last; cheap models, and what stands in, learn more often while the past is short.
    fn steps_until_refit(&self) -> usize {
        let refits = self.rank.map_or(Refits::Daily, |rank| self.candidates[rank].refits());
        let often = (self.known / 8 + 1).min(steps_per_days(self.history.step(), 1));
        if refits == Refits::Seldom { (self.known / 2).max(often) } else { often }
    }

    /// Fits the best candidate whose time has come, or learns anew.
    fn fit(&mut self) {
        let past = self.history.first(self.known);
        for (rank, candidate) in self.candidates.iter().enumerate() {
            if let Some(fitted) = self.fitted.as_mut().filter(|_| self.rank == Some(rank)) {
                // A refit that fails leaves the parameters of the day before, which are still honest.
                let _ = fitted.refit();
                return;
            }
            if let Ok(fitted) = candidate.fit(past, &self.horizons) {
                (self.rank, self.fitted) = (Some(rank), Some(fitted));
                return;
            }
        }
    }

    fn write(&self, rows: &mut RollingForecast, tick: usize) {
        if let Some(fitted) = &self.fitted {
            let forecast = fitted.predict(&rows.levels);
            rows.mean[tick] = forecast.mean[0];
            for (row, quantiles) in rows.quantiles.iter_mut().zip(&forecast.quantiles) {
                row[tick] = quantiles[0];
            }
        } else if let Some(last) = self.history.values()[..self.known].last() {
            rows.mean[tick] = *last;
            for (row, level) in rows.quantiles.iter_mut().zip(&rows.levels) {
                row[tick] = wide_quantile(*last, *level);
            }
        }
    }
}

/// The quantile of a load about which nothing but one guess is known: log-logistic, 3.4 times the guess at 97.5%.
fn wide_quantile(guess: f64, level: f64) -> f64 {
    (guess * (level / (1.0 - level)).cbrt()).clamp(0.0, f64::MAX)
}
