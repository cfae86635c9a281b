//! The forecasts of a run: made by a model, tick by tick, or read from a file of forecasts made elsewhere.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use dataflow_forecast::{
    FitError, ModelSettings, ModelSpec, RollingForecast, RollingSettings, band_levels, rolling_forecast, scores,
};
use dataflow_scale::spec::{Configuration, Origin};
use dataflow_scale::{ForecastTrack, Observe};
use dataflow_series::Observed;

use crate::alarms::{AlarmSource, Alarms};
use crate::cache::{self, Cache};
use crate::comparison::ForecastFacts;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::world::World;

const MODEL: &str = "forecasting.model";
/// The coverage of the interval that the hybrid policy acts on.
pub(crate) const COVERAGE: f64 = 0.95;
/// A load above this quantile of the forecast made for it is an anomaly.
pub(crate) const ANOMALY_LEVEL: f64 = 0.997;
/// Where forecasts come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ForecastSource {
    Model(ModelSpec),
    /// Rows of `mean,lower,upper[,anomaly]`, one per tick.
    File(PathBuf),
}

/// The forecasts of a run, as policies, plots and the table of facts want them.
pub(crate) struct Forecasts {
    pub(crate) track: ForecastTrack,
    pub(crate) rolling: RollingForecast,
    pub(crate) facts: ForecastFacts,
    /// What tells of anomalies; `None` where the file of forecasts does.
    pub(crate) alarms: Option<Alarms>,
    pub(crate) seconds: f64,
    /// What the user should know about how they were made.
    pub(crate) note: Option<String>,
}

impl ForecastSource {
    /// What `--forecast` names, or the configuration's model; with a warning where another model is used.
    ///
    /// # Errors
    /// When it is neither a model nor a file.
    pub(crate) fn choose(flag: Option<&str>, configuration: &Configuration) -> Result<(Self, Option<String>), Failure> {
        let name = flag.unwrap_or(&configuration.settings().model);
        let place = match (flag, configuration.origin(MODEL)) {
            (Some(_), _) => "--forecast".to_owned(),
            (None, Origin::Default) => MODEL.to_owned(),
            (None, origin) => format!("{origin}: {MODEL}"),
        };
        if let Ok(model) = name.parse::<ModelSpec>() {
            return match model.model(ModelSettings::default()) {
                // A configuration is written for many builds; a flag is meant for this one.
                Err(error @ FitError::NotBuilt { .. }) if flag.is_none() => {
                    let instead = ModelSpec::Ridge;
                    Ok((Self::Model(instead), Some(format!("{place}: {error}; {instead} is used"))))
                }
                Err(error) => Err(Failure::Input(format!("{place}: {error}"))),
                Ok(_) => Ok((Self::Model(model), None)),
            };
        }
        if flag.is_some() && (Path::new(name).is_file() || name.to_lowercase().ends_with(".csv")) {
            return Ok((Self::File(PathBuf::from(name)), None));
        }
        let models = ModelSpec::ALL.map(ModelSpec::name).join(", ");
        Err(Failure::Input(format!("{place}: {name:?} is no model ({models}) and no CSV file of forecasts")))
    }
}

impl Forecasts {
    /// Makes or reads the forecasts.
    ///
    /// # Errors
    /// When the file is wrong or does not fit the trace, or the model cannot forecast it.
    pub(crate) fn of(
        world: &World,
        source: &ForecastSource,
        alarms: AlarmSource,
        observe: Observe,
        cache: Option<&Cache>,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        let started = Instant::now();
        let mut note = None;
        let (track, rolling, model, alarms) = match source {
            ForecastSource::Model(model) => {
                let rolling;
                (rolling, note) = roll(world, *model, observe, cache, progress)?;
                let known = world.history.series().values();
                let level = world.configuration.settings().quantile_level;
                let first = known.len() - world.load.len();
                let mut track = track(known, &rolling, level, observe).rows_from(first);
                let alarms = Alarms::raise(alarms, world, observe, &mut track);
                (track, rolling.rows_from(first), model.to_string(), Some(alarms))
            }
            ForecastSource::File(path) => {
                let track = read_file(path, world.load.len())?;
                let (lower, upper) = band_levels(COVERAGE);
                let rolling = RollingForecast {
                    lead: 0,
                    model_from: Some(0),
                    mean: track.mean.clone(),
                    levels: vec![lower, upper],
                    quantiles: vec![track.lower.clone(), track.upper.clone()],
                };
                (track, rolling, path.display().to_string(), None)
            }
        };
        let facts = facts(&world.seen, &rolling, model);
        Ok(Self { track, rolling, facts, alarms, seconds: started.elapsed().as_secs_f64(), note })
    }
}

/// The quantile levels that policies and facts need.
pub(crate) fn levels(quantile_level: f64) -> Vec<f64> {
    let (lower, upper) = band_levels(COVERAGE);
    let mut levels = vec![lower, upper, quantile_level, ANOMALY_LEVEL];
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    levels
}

/// The forecasts of the whole trace, from the cache where they were made before; then with a word on that.
fn roll(
    world: &World,
    model: ModelSpec,
    observe: Observe,
    cache: Option<&Cache>,
    progress: &Progress,
) -> Result<(RollingForecast, Option<String>), Failure> {
    let settings = world.configuration.settings();
    let rolling = RollingSettings {
        lead: settings.lead_ticks(world.step()) as usize,
        observe_current: observe == Observe::Current,
        levels: levels(settings.quantile_level),
        model: ModelSettings { seed: settings.random_seed, ..ModelSettings::default() },
    };
    let history = world.view();
    let entry = cache.map(|cache| (cache, cache::key(history, model, &rolling)));
    if let Some((cache, key)) = &entry
        && let Some(forecast) = cache.get(key)
    {
        let folder = cache.folder().display();
        let note = format!("the forecasts by {model} are those made before, from {folder}; --no-cache makes them anew");
        return Ok((forecast, Some(note)));
    }
    let bar = progress.share("forecasting");
    let tell = |share| bar.set(share);
    let failed = |error: FitError| Failure::Work(error.to_string());
    let watched = model.watched_model(rolling.model, Some(progress.training(model))).map_err(failed)?;
    let forecast = rolling_forecast(history, watched.as_ref(), &rolling, Some(&tell)).map_err(failed)?;
    if let Some((cache, key)) = &entry {
        cache.put(key, &forecast);
    }
    Ok((forecast, None))
}

/// The forecasts as policies see them; `known` are the loads of the same ticks. The newest known load is anomalous
/// where it lies above the anomaly quantile of the forecast that was once made for it.
pub(crate) fn track(known: &[f64], rolling: &RollingForecast, quantile_level: f64, observe: Observe) -> ForecastTrack {
    let level = |wanted: f64| {
        let place = rolling.levels.iter().position(|level| *level == wanted);
        place.map_or_else(|| vec![f64::NAN; rolling.mean.len()], |place| rolling.quantiles[place].clone())
    };
    let (lower, upper) = band_levels(COVERAGE);
    let unusual = level(ANOMALY_LEVEL);
    let behind = usize::from(observe == Observe::Previous);
    let is_anomaly = |tick: usize| {
        let newest = tick.checked_sub(behind)?;
        let forecast = unusual[newest.checked_sub(rolling.lead)?];
        Some(known[newest] > forecast)
    };
    ForecastTrack {
        mean: rolling.mean.clone(),
        lower: level(lower),
        upper: level(upper),
        quantile: level(quantile_level),
        anomaly: (0..rolling.mean.len()).map(|tick| is_anomaly(tick).unwrap_or(false)).collect(),
    }
}

fn facts(load: &Observed, rolling: &RollingForecast, model: String) -> ForecastFacts {
    let scores = scores(load, rolling);
    let coverage = scores.as_ref().and_then(|scores| {
        scores.coverage.iter().find(|band| (band.nominal - COVERAGE).abs() < 1e-9).map(|band| band.actual)
    });
    ForecastFacts {
        model,
        mae: scores.as_ref().map_or(f64::NAN, |scores| scores.mae),
        mase: scores.as_ref().and_then(|scores| scores.mase).unwrap_or(f64::NAN),
        coverage_95: coverage.unwrap_or(f64::NAN),
    }
}

/// Reads forecasts made elsewhere: columns `mean,lower,upper[,anomaly]`, others are ignored; one row per tick. The
/// quantile policy provisions for `upper`.
fn read_file(path: &Path, ticks: usize) -> Result<ForecastTrack, Failure> {
    let name = path.display();
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::Input(format!("{name}: the forecasts cannot be read: {error}")))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let unreadable = |error: csv::Error| Failure::Input(format!("{name}: not a CSV file of forecasts: {error}"));
    let header = reader.headers().map_err(unreadable)?.clone();
    let places: HashMap<String, usize> = header
        .iter()
        .enumerate()
        .map(|(place, column)| (column.trim_start_matches('\u{feff}').to_lowercase(), place))
        .collect();
    let place = |column: &str| {
        places.get(column).copied().ok_or_else(|| {
            Failure::Input(format!(
                "{name}: there is no column {column:?}; expected a header with mean,lower,upper and maybe anomaly"
            ))
        })
    };
    let (mean, lower, upper) = (place("mean")?, place("lower")?, place("upper")?);
    let anomaly = places.get("anomaly").copied();
    let mut track = ForecastTrack::default();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        let number = |place: usize, column: &str| {
            let cell = record.get(place).unwrap_or_default();
            cell.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(|| {
                Failure::Input(format!(
                    "{name}, line {line}, column {column}: expected a finite number, found {cell:?}"
                ))
            })
        };
        let (low, high) = (number(lower, "lower")?, number(upper, "upper")?);
        if low > high {
            return Err(Failure::Input(format!(
                "{name}, line {line}, columns lower and upper: expected lower to be at most upper, found {low} and {high}"
            )));
        }
        track.mean.push(number(mean, "mean")?);
        track.lower.push(low);
        track.upper.push(high);
        let flag = anomaly.map_or("", |place| record.get(place).unwrap_or_default());
        track.anomaly.push(truth(flag).ok_or_else(|| {
            Failure::Input(format!("{name}, line {line}, column anomaly: expected true or false, found {flag:?}"))
        })?);
    }
    track.quantile.clone_from(&track.upper);
    if track.rows() != ticks {
        return Err(Failure::Input(format!(
            "{name}: {} of forecasts, but the trace has {ticks} ticks; expected one row per tick",
            if track.rows() == 1 { "1 row".to_owned() } else { format!("{} rows", track.rows()) }
        )));
    }
    Ok(track)
}

fn truth(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "" | "0" | "0.0" | "false" => Some(false),
        "1" | "1.0" | "true" => Some(true),
        _ => None,
    }
}
