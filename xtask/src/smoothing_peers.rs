//! Exponential smoothing, Theta and MSTL against statsforecast, for `cargo xtask bench fits`.
//!
//! Both fit the same six series of 1,000 hours, made by formula from a fixed seed; times are the sums over them, each
//! the least of three runs, theirs after a run that is not counted. Log-likelihoods are sums too; those of MSTL belong
//! to the smoothing of what the seasons leave, and Theta has none. Ours are fitted for the next hour:
//! further ahead the form is not chosen by the likelihood.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use dataflow_forecast::{Ets, FittedMean, MeanModel, Mstl, Theta, View};
use dataflow_series::{Fill, Observed, Series, Step, Unit};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::fit_peers::{TOLERANCE, peer};

const HOURS: usize = 1_000;
const RUNS: usize = 3;

#[derive(Serialize)]
struct Problem<'a> {
    model: &'static str,
    runs: usize,
    series: Vec<&'a [f64]>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    /// Processor time of the fits of all series.
    seconds: f64,
    log_likelihood: Option<f64>,
    version: String,
}

/// One row of the table per model.
pub(crate) fn rows() -> anyhow::Result<Vec<String>> {
    let series = six_series()?;
    let models: [(&dyn MeanModel, &str, &'static str); 3] = [
        (&Ets, "AutoETS(24), six series", "ets"),
        (&Mstl, "MSTL(24, 168) + AutoETS, six series", "mstl"),
        (&Theta, "AutoTheta(24), six series", "theta"),
    ];
    models.into_iter().map(|(model, name, peer)| row(model, name, peer, &series)).collect()
}

fn row(model: &dyn MeanModel, name: &str, peer_model: &'static str, series: &[Series]) -> anyhow::Result<String> {
    eprintln!("{name} …");
    let (mut seconds, mut sum) = (0.0, Some(0.0));
    for series in series {
        let (least, fitted) = least_time(model, series)?;
        seconds += least;
        sum = sum.zip(log_likelihood(fitted.as_ref())).map(|(sum, one)| sum + one);
    }
    let values = series.iter().map(Series::values).collect();
    let theirs: Answer = peer(&Problem { model: peer_model, runs: RUNS, series: values })?;
    // The decompositions of MSTL differ a little, so only the smoothing alone is held to theirs.
    if let (Some(ours), Some(theirs), "ets") = (sum, theirs.log_likelihood, peer_model) {
        ensure!(ours >= theirs - TOLERANCE * theirs.abs(), "{name}: log-likelihood {ours}, but theirs is {theirs}");
    }
    let text = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    Ok(format!(
        "| {name} | {} | {} | {} | {seconds:.4} | {:.2} | {:.0} |",
        theirs.version,
        text(sum),
        text(theirs.log_likelihood),
        theirs.seconds,
        theirs.seconds / seconds
    ))
}

fn least_time(model: &dyn MeanModel, series: &Series) -> anyhow::Result<(f64, Box<dyn FittedMean>)> {
    let mut least: Option<(f64, Box<dyn FittedMean>)> = None;
    for _ in 0..RUNS {
        let started = Instant::now();
        let fitted = model.fit(View::of(series, &TimeZone::UTC), &[1])?;
        let seconds = started.elapsed().as_secs_f64();
        if least.as_ref().is_none_or(|(least, _)| seconds < *least) {
            least = Some((seconds, fitted));
        }
    }
    least.context("at least one run")
}

fn log_likelihood(fitted: &dyn FittedMean) -> Option<f64> {
    fitted.learnt().iter().find(|learnt| learnt.name == "log-likelihood")?.value.parse().ok()
}

/// Daily waves with additive noise, with relative noise, with a week, with zeros, of counts, and a walk without a day.
fn six_series() -> anyhow::Result<Vec<Series>> {
    let mut state = 20_260_101_u64;
    let mut normal = move || {
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    };
    let turn = |hour: usize, period: usize| (hour as f64 / period as f64 * std::f64::consts::TAU).sin();
    let mut walk = 0.0;
    let mut columns = vec![Vec::new(); 6];
    for hour in 0..HOURS {
        let (day, week) = (turn(hour, 24) + 0.4 * turn(2 * hour, 24), turn(hour, 168));
        walk += 2.0 * normal();
        let counts = 20.0 * (0.6 * day + 0.3 * week).exp();
        let loads = [
            300.0 + 100.0 * day + walk + 15.0 * normal(),
            (300.0 + walk) * (0.4 * day + 0.1 * normal()).exp(),
            200.0 + 60.0 * day + 40.0 * week + 20.0 * normal(),
            (50.0 + 60.0 * day + 10.0 * normal()).round(),
            (1.0 + counts + counts.sqrt() * normal()).round(),
            500.0 + 3.0 * walk + 5.0 * normal(),
        ];
        for (column, load) in columns.iter_mut().zip(loads) {
            column.push(Some(load.max(0.0)));
        }
    }
    let step = Step::from_seconds(3_600).context("an hour")?;
    let made = columns.into_iter().map(|column| {
        let observed = Observed::new(Timestamp::UNIX_EPOCH, step, Unit::Requests, column)?;
        Ok(observed.fill(Fill::Zero)?)
    });
    made.collect()
}
