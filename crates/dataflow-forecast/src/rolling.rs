//! Forecasts made by rolling origin over a whole trace, one row per decision, none of which sees the future.

use dataflow_series::Series;
use jiff::tz::TimeZone;

use crate::conformal::Calibration;
use crate::model::{FitError, Fitted, Model, View, check_levels, steps_per_days};
use crate::spec::ModelSpec;

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
    /// The zone whose clocks the traffic follows.
    pub time_zone: TimeZone,
}

/// Forecasts every row of [`RollingForecast`] for a series.
///
/// Parameters are learnt anew once a day from all the past (the model's own limits apart) and intervals roll on, see
/// [`Conformal`](crate::Conformal). Until the past is long enough for the model, rows are those of the last load
/// seen (naive) with its own intervals, which are very wide while fewer than twenty errors are known. Where nothing
/// at all is known, rows hold NaN. With `observe_current` and a lead of zero the load itself is known: mean and every
/// quantile are that load.
///
/// `progress` is called now and then with the share that is done, from 0 to 1.
///
/// # Errors
/// When the levels are not ascending within (0, 1). A past that is too short or too large for the model is no error:
/// the rows stay naive.
pub fn rolling_forecast(
    series: &Series,
    spec: &ModelSpec,
    settings: &RollingSettings,
    progress: Option<&(dyn Fn(f64) + Sync)>,
) -> Result<RollingForecast, FitError> {
    check_levels(&settings.levels)?;
    let ticks = series.len();
    let mut rows = RollingForecast {
        lead: settings.lead,
        mean: vec![f64::NAN; ticks],
        levels: settings.levels.clone(),
        quantiles: vec![vec![f64::NAN; ticks]; settings.levels.len()],
    };
    let horizon = if settings.observe_current { settings.lead } else { settings.lead + 1 };
    if horizon == 0 {
        rows.mean.copy_from_slice(series.values());
        rows.quantiles.iter_mut().for_each(|quantiles| quantiles.copy_from_slice(series.values()));
        return Ok(rows);
    }
    let mut origin = Origin::new(series, *spec, horizon, &settings.time_zone);
    for tick in 0..ticks {
        let known = if settings.observe_current { tick + 1 } else { tick };
        origin.advance(known);
        origin.write(&mut rows, tick);
        if let Some(tell) = progress.filter(|_| tick % PROGRESS_TICKS == 0) {
            tell(tick as f64 / ticks as f64);
        }
    }
    if let Some(tell) = progress {
        tell(1.0);
    }
    Ok(rows)
}

/// The model at a moving origin.
struct Origin<'a> {
    series: &'a Series,
    time_zone: &'a TimeZone,
    horizons: [usize; 1],
    model: Box<dyn Model>,
    fallback: Box<dyn Model>,
    fitted: Option<Box<dyn Fitted>>,
    /// Whether `fitted` is the model itself and not yet the fallback.
    is_model: bool,
    known: usize,
    /// Steps between two fits.
    refit: usize,
    next_fit: usize,
}

impl<'a> Origin<'a> {
    fn new(series: &'a Series, spec: ModelSpec, horizon: usize, time_zone: &'a TimeZone) -> Self {
        let day = steps_per_days(series.step(), 1);
        Self {
            series,
            time_zone,
            horizons: [horizon],
            model: spec.model(Calibration::Rolling),
            fallback: ModelSpec::Naive.model(Calibration::Rolling),
            fitted: None,
            is_model: false,
            known: 0,
            refit: day,
            next_fit: 1,
        }
    }

    /// Moves on to the origin at which the first `known` loads are known; fits when it is time.
    fn advance(&mut self, known: usize) {
        if known == 0 {
            return;
        }
        if let Some(fitted) = &mut self.fitted {
            fitted.extend(&self.series.values()[self.known..known]);
        } else {
            self.fitted = self.fallback.fit(self.past(known), &self.horizons).ok();
        }
        self.known = known;
        if known < self.next_fit {
            return;
        }
        self.next_fit = known + self.refit;
        match &mut self.fitted {
            // A refit that fails leaves the parameters of the day before, which are still honest.
            Some(fitted) if self.is_model => drop(fitted.refit()),
            _ => match self.model.fit(self.past(known), &self.horizons) {
                Ok(fitted) => (self.fitted, self.is_model) = (Some(fitted), true),
                Err(FitError::TooShort { needed, .. }) => self.next_fit = needed.max(known + 1) + self.refit / 4,
                Err(_) => {}
            },
        }
    }

    fn past(&self, known: usize) -> View<'a> {
        View::of(self.series, known, self.time_zone)
    }

    fn write(&self, rows: &mut RollingForecast, tick: usize) {
        let Some(fitted) = &self.fitted else { return };
        let forecast = fitted.predict(&rows.levels);
        rows.mean[tick] = forecast.mean[0];
        for (row, quantiles) in rows.quantiles.iter_mut().zip(&forecast.quantiles) {
            row[tick] = quantiles[0];
        }
    }
}
