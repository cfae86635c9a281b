//! The forecasts of a run: made by a model, tick by tick, or read from a file of forecasts made elsewhere.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use dataflow_experiment::Forecasts::{Given, Made};
use dataflow_experiment::{ANOMALY_LEVEL, COVERAGE, ForecastMaker, LEVELS, Methods, Testbed};
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

/// Where forecasts come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ForecastSource {
    Model(ModelSpec),
    /// Rows of `mean,lower,upper[,anomaly]`, one per tick.
    File(PathBuf),
}

/// The forecasts of a run, as plots and the table of facts want them.
pub(crate) struct Forecasts {
    pub(crate) rolling: RollingForecast,
    pub(crate) facts: ForecastFacts,
    /// What tells of anomalies; `None` where the file of forecasts does.
    pub(crate) alarms: Option<Alarms>,
    /// How long it took to make them.
    pub(crate) seconds: f64,
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
    /// Makes the forecasts at the start-up time, or takes those of the file.
    ///
    /// # Errors
    /// When the model cannot forecast the trace.
    pub(crate) fn of(
        world: &World,
        testbed: &Testbed,
        source: &ForecastSource,
        alarms: AlarmSource,
    ) -> Result<Self, Failure> {
        let failed = |problem: String| Failure::Work(problem);
        let lead = world.configuration.settings().lead_ticks(world.step()) as usize;
        let made = testbed.rolling(lead).map_err(|error| failed(error.to_string()))?;
        let (rolling, model, alarms) = match (made, source) {
            (Some(rolling), ForecastSource::Model(model)) => {
                let alarms = Alarms::of(alarms, world, testbed.methods().observe);
                ((*rolling).clone().rows_from(testbed.judged().first), model.to_string(), Some(alarms))
            }
            (_, source) => {
                let track = testbed.track(&[lead]).map_err(|error| failed(error.to_string()))?;
                let (lower, upper) = band_levels(COVERAGE);
                let rolling = RollingForecast {
                    lead: 0,
                    model_from: Some(0),
                    mean: track.mean.clone(),
                    levels: vec![lower, upper],
                    quantiles: vec![track.lower.clone(), track.upper.clone()],
                };
                (rolling, source.to_string(), None)
            }
        };
        let facts = facts(&world.seen, &rolling, model);
        Ok(Self { rolling, facts, alarms, seconds: 0.0 })
    }
}

impl fmt::Display for ForecastSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(model) => model.fmt(formatter),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// What is said of forecasts once they are made.
pub(crate) type Note = Arc<OnceLock<String>>;

/// How forecasts and alarms are made for a world; what the user should know about forecasts is kept in `note`.
///
/// # Errors
/// When a file of forecasts is wrong or does not fit the trace.
pub(crate) fn methods(
    world: &World,
    source: &ForecastSource,
    alarms: AlarmSource,
    observe: Observe,
    cache: Option<&Cache>,
    progress: &Progress,
    note: &Note,
) -> Result<Methods, Failure> {
    let seed = world.configuration.settings().random_seed;
    Ok(match source {
        ForecastSource::Model(model) => Methods {
            observe,
            forecasts: Made(maker(world, *model, observe, cache, progress, note)),
            alarms: alarms.maker(seed),
        },
        ForecastSource::File(path) => {
            let track = read_file(path, world.load.len())?;
            let before = world.history.series().len() - world.load.len();
            Methods { observe, forecasts: Given(Arc::new(after_unknown(before, track))), alarms: None }
        }
    })
}

/// The rows of a file, after those of the time before the window, of which it says nothing.
fn after_unknown(ticks: usize, track: ForecastTrack) -> ForecastTrack {
    let unknown = |column: Vec<f64>| [vec![f64::NAN; ticks], column].concat();
    ForecastTrack {
        mean: unknown(track.mean),
        lower: unknown(track.lower),
        upper: unknown(track.upper),
        anomaly: [vec![false; ticks], track.anomaly].concat(),
        quantiles: Vec::new(),
    }
}

/// Makes forecasts of whole histories, or takes them from the cache where they were made before; then with a word on that.
fn maker(
    world: &World,
    model: ModelSpec,
    observe: Observe,
    cache: Option<&Cache>,
    progress: &Progress,
    note: &Note,
) -> ForecastMaker {
    let settings = world.configuration.settings();
    let of_lead = RollingSettings {
        lead: 0,
        observe_current: observe == Observe::Current,
        levels: policy_levels(settings.quantile_level),
        model: ModelSettings { seed: settings.random_seed, ..ModelSettings::default() },
    };
    let (cache, progress, note) = (cache.cloned(), progress.clone(), Arc::clone(note));
    Arc::new(move |history, lead| {
        let rolling = RollingSettings { lead, ..of_lead.clone() };
        let entry = cache.as_ref().map(|cache| (cache, cache::key(history, model, &rolling)));
        if let Some((cache, key)) = &entry
            && let Some(forecast) = cache.get(key)
        {
            let folder = cache.folder().display();
            note.get_or_init(|| {
                format!("the forecasts by {model} are those made before, from {folder}; --no-cache makes them anew")
            });
            return Ok(forecast);
        }
        let bar = progress.share("forecasting");
        let tell = |share| bar.set(share);
        let watched = model.watched_model(rolling.model, Some(progress.training(model)))?;
        let forecast = rolling_forecast(history, watched.as_ref(), &rolling, Some(&tell))?;
        if let Some((cache, key)) = &entry {
            cache.put(key, &forecast);
        }
        Ok(forecast)
    })
}

/// The quantile levels that policies can ask for, that of the settings among them.
fn policy_levels(quantile_level: f64) -> Vec<f64> {
    let known = LEVELS.iter().any(|level| (level - quantile_level).abs() < 1e-9);
    merged(LEVELS.into_iter().chain((!known).then_some(quantile_level)))
}

/// The quantile levels that facts, and policies at the level of the settings, need.
pub(crate) fn levels(quantile_level: f64) -> Vec<f64> {
    let (lower, upper) = band_levels(COVERAGE);
    merged([lower, upper, quantile_level, ANOMALY_LEVEL].into_iter())
}

fn merged(levels: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut levels: Vec<f64> = levels.collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    levels
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
