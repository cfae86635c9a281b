//! Forecasts of what comes after the end of a trace, and of its held-out part, as files.

use std::fmt::Write as _;
use std::path::Path;

use dataflow_forecast::{FitError, Fitted, Forecast, ModelSettings};
use dataflow_series::Step;
use dataflow_series::source::{self, Columns, Form};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::board::Board;
use super::contestant::Contestant;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::world::World;

/// The quantile levels that are written: the middle, and the ends of the 80% and the 95% band.
pub(crate) const LEVELS: [f64; 5] = [0.025, 0.1, 0.5, 0.9, 0.975];

/// The forecast of one future interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) model: Contestant,
    pub(crate) interval_seconds: u32,
    /// When the interval begins.
    pub(crate) time: Timestamp,
    pub(crate) horizon: usize,
    pub(crate) mean: f64,
    /// At [`LEVELS`].
    pub(crate) quantiles: [f64; 5],
}

/// Fits a model on everything that there is.
///
/// # Errors
/// When it cannot be fitted.
pub(crate) fn fit(
    world: &World,
    model: &Contestant,
    settings: ModelSettings,
    horizons: &[usize],
    progress: &Progress,
) -> Result<Box<dyn Fitted>, FitError> {
    model.model(settings, Some(progress.training(model.spec)))?.fit(world.view(), horizons)
}

/// The rows of a forecast made at `end`, the end of the past.
pub(crate) fn rows(model: &Contestant, step: Step, end: Timestamp, forecast: &Forecast) -> Vec<Row> {
    let time = |horizon: usize| {
        let seconds = i64::from(step.seconds()).saturating_mul(horizon as i64 - 1);
        end.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
    };
    let row = |(place, horizon): (usize, &usize)| Row {
        model: model.clone(),
        interval_seconds: step.seconds(),
        time: time(*horizon),
        horizon: *horizon,
        mean: forecast.mean[place],
        quantiles: std::array::from_fn(|level| forecast.quantiles[level][place]),
    };
    forecast.horizons.iter().enumerate().map(row).collect()
}

/// Checks the ending of a file for forecasts.
///
/// # Errors
/// When it is none of .csv, .json and .parquet, or this build cannot write that form.
pub(crate) fn check_ending(path: &Path) -> Result<(), Failure> {
    let wrong = |error| Failure::Input(format!("-o {}: {error}, or in .json", path.display()));
    if is_json(path) { Ok(()) } else { Form::of(path).map(drop).map_err(wrong) }
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
}

/// Writes forecasts in the form that the ending tells.
///
/// # Errors
/// When the file cannot be written, or a form of numbers alone is asked for several models.
pub(crate) fn write(rows: &[Row], path: &Path) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Work(format!("the forecasts cannot be written: {error}"));
    let text = match Form::of(path) {
        _ if is_json(path) => json(rows),
        Ok(Form::Csv) => csv(rows),
        _ => {
            let is_one = rows
                .windows(2)
                .all(|pair| pair[0].model == pair[1].model && pair[0].interval_seconds == pair[1].interval_seconds);
            if !is_one {
                let message = "a Parquet file holds the forecasts of one model at one interval; name one with --model, or end the file in .csv or .json";
                return Err(Failure::Input(message.to_owned()));
            }
            return source::write_columns(&columns(rows), path).map_err(|error| failed(&error));
        }
    };
    std::fs::write(path, text).map_err(|error| failed(&error))
}

/// As one list of objects.
pub(crate) fn json(rows: &[Row]) -> String {
    #[derive(Serialize)]
    struct Named<'a> {
        model: &'a Contestant,
        interval_seconds: u32,
        time: &'a Timestamp,
        horizon: usize,
        mean: f64,
        quantiles: std::collections::BTreeMap<String, f64>,
    }
    let named: Vec<Named<'_>> = rows
        .iter()
        .map(|row| Named {
            model: &row.model,
            interval_seconds: row.interval_seconds,
            time: &row.time,
            horizon: row.horizon,
            mean: row.mean,
            quantiles: LEVELS.iter().map(f64::to_string).zip(row.quantiles).collect(),
        })
        .collect();
    // No key or value of a row can fail to be written.
    serde_json::to_string_pretty(&named).unwrap_or_default() + "\n"
}

/// One row per model and interval, floats in the shortest form that reads back the same.
pub(crate) fn csv(rows: &[Row]) -> String {
    let mut text = String::from("model,interval_seconds,time,horizon,mean");
    for level in LEVELS {
        let _ = write!(text, ",q{level}");
    }
    text.push('\n');
    for row in rows {
        let _ = write!(text, "{},{},{},{},{}", row.model.csv(), row.interval_seconds, row.time, row.horizon, row.mean);
        for quantile in row.quantiles {
            let _ = write!(text, ",{quantile}");
        }
        text.push('\n');
    }
    text
}

fn columns(rows: &[Row]) -> Columns<'static> {
    let times = rows.iter().map(|row| row.time).collect();
    let mut columns = vec![
        ("horizon".to_owned(), rows.iter().map(|row| row.horizon as f64).collect()),
        ("mean".to_owned(), rows.iter().map(|row| row.mean).collect()),
    ];
    for (place, level) in LEVELS.iter().enumerate() {
        columns.push((format!("q{level}"), rows.iter().map(|row| row.quantiles[place]).collect()));
    }
    Columns::table(times, columns)
}

/// The held-out part as CSV: for each model and horizon the forecast and the load of every interval; a missing load is
/// empty.
pub(crate) fn held_out_csv(boards: &[Board]) -> String {
    let mut text = String::from("model,interval_seconds,time,horizon,load,mean");
    for level in LEVELS {
        let _ = write!(text, ",q{level}");
    }
    text.push('\n');
    for board in boards {
        for facts in &board.models {
            let Some(trial) = &facts.trial else { continue };
            for scores in &facts.horizons {
                let Some(rows) = trial.held_out.for_targets(scores.horizon) else { continue };
                let quantiles = LEVELS.map(|level| rows.quantile(level).unwrap_or_default());
                for (index, load) in trial.held_out.loads().iter().enumerate() {
                    let load = if load.is_nan() { String::new() } else { load.to_string() };
                    let (time, mean) = (trial.held_out.time(index), rows.mean[index]);
                    let seconds = board.trace.interval_seconds;
                    let _ = write!(text, "{},{seconds},{time},{},{load},{mean}", facts.model.csv(), scores.horizon);
                    for column in quantiles {
                        let _ = write!(text, ",{}", column.get(index).copied().unwrap_or(f64::NAN));
                    }
                    text.push('\n');
                }
            }
        }
    }
    text
}
