//! `cargo xtask bench fits`: how long fits of the same models take here and in Python libraries, in the same run.
//!
//! Each fits a series of 1,000 hours on one core. The likelihoods are checked: ours must be within a thousandth of
//! theirs, or above it. The peers run through `fit_peers.py`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use dataflow_forecast::{Arima, Orders};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::smoothing_peers;

const HOURS: usize = 1_000;
/// How far below the peer's our log-likelihood may be, as a share of it.
pub(crate) const TOLERANCE: f64 = 1e-3;

#[derive(Serialize)]
struct SarimaxProblem<'a> {
    model: &'static str,
    values: Vec<Option<f64>>,
    regressors: &'a [Vec<f64>],
    order: [usize; 3],
    seasonal_order: [usize; 4],
}

/// What a peer answers.
#[derive(Debug, Deserialize)]
struct Answer {
    /// Processor time of the fit.
    seconds: f64,
    log_likelihood: f64,
    version: String,
}

/// Prints one row per model.
///
/// # Errors
/// When a library is not installed, or when the likelihoods disagree.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn run() -> anyhow::Result<()> {
    println!("| model | peer | log-likelihood | peer's | ours, s | peer's CPU s | ratio |");
    println!("|{}", " --- |".repeat(7));
    for row in smoothing_peers::rows()?.into_iter().chain(sarimax()?) {
        println!("{row}");
    }
    Ok(())
}

/// Seasonal ARIMA models and regressions with ARIMA errors against statsmodels' `SARIMAX`.
fn sarimax() -> anyhow::Result<Vec<String>> {
    let seasonal = Orders { ar: 1, ma: 1, seasonal_differences: 1, seasonal_ma: 1, period: 24, ..Orders::default() };
    let complete = hours();
    let mut with_gaps = complete.clone();
    with_gaps[300..312].fill(f64::NAN);
    [
        (complete.clone(), &[][..], seasonal),
        (complete.clone(), &waves()[..], Orders::plain(2, 0, 2)),
        (complete, &[][..], Orders::plain(2, 1, 2)),
        (with_gaps.clone(), &waves()[..], Orders::plain(2, 0, 2)),
        (with_gaps, &[][..], seasonal),
    ]
    .into_iter()
    .map(|(values, regressors, orders)| sarimax_row(&values, regressors, orders))
    .collect()
}

fn sarimax_row(values: &[f64], regressors: &[Vec<f64>], orders: Orders) -> anyhow::Result<String> {
    let gaps = if values.iter().any(|value| value.is_nan()) { ", 12 missing" } else { "" };
    let name = format!("SARIMAX {orders}, {} regressors{gaps}", regressors.len());
    eprintln!("{name} …");
    let mut least = f64::INFINITY;
    let mut ours = None;
    for _ in 0..3 {
        let started = Instant::now();
        ours = Arima::fit(values, regressors, orders);
        least = least.min(started.elapsed().as_secs_f64());
    }
    // By the definition of statsmodels, whose differenced states are only approximately diffuse.
    let fitted = ours.and_then(|(model, _)| model.log_likelihood(values, regressors));
    let ours = fitted.with_context(|| format!("{name}: no fit"))?;
    let Orders { ar, differences, ma, seasonal_ar, seasonal_differences, seasonal_ma, period } = orders;
    let theirs: Answer = peer(&SarimaxProblem {
        model: "sarimax",
        values: values.iter().map(|value| (!value.is_nan()).then_some(*value)).collect(),
        regressors,
        order: [ar, differences, ma],
        seasonal_order: [seasonal_ar, seasonal_differences, seasonal_ma, period],
    })?;
    ensure!(
        ours >= theirs.log_likelihood - TOLERANCE * theirs.log_likelihood.abs(),
        "{name}: log-likelihood {ours}, but {} has {}",
        theirs.version,
        theirs.log_likelihood
    );
    let mut row = format!("| {name} | {} | {ours:.3} | {:.3} ", theirs.version, theirs.log_likelihood);
    write!(row, "| {least:.4} | {:.2} | {:.0} |", theirs.seconds, theirs.seconds / least)?;
    Ok(row)
}

/// A daily wave with an autoregressive error, from a fixed seed.
fn hours() -> Vec<f64> {
    let mut state = 20_260_101_u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut error = 0.0;
    let day = |hour: usize| (hour as f64 * std::f64::consts::TAU / 24.0).sin();
    (0..HOURS)
        .map(|hour| {
            error = 0.7 * error + 0.4 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0);
            10.0 + 3.0 * day(hour) + error
        })
        .collect()
}

/// A constant and six waves of the day.
fn waves() -> Vec<Vec<f64>> {
    let turn = |hour: usize, wave: usize| (hour * wave) as f64 * std::f64::consts::TAU / 24.0;
    let pair = |wave: usize| {
        [0.0, 0.25]
            .map(|quarter| (0..HOURS).map(|hour| (turn(hour, wave) + quarter * std::f64::consts::TAU).sin()).collect())
    };
    std::iter::once(vec![1.0; HOURS]).chain((1..=6).flat_map(pair)).collect()
}

/// What a peer answers to a problem.
pub(crate) fn peer<T: DeserializeOwned>(problem: &impl Serialize) -> anyhow::Result<T> {
    let python = std::env::var("DATAFLOW_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(&python)
        .args(["-c", include_str!("fit_peers.py")])
        .envs([("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{python} cannot be run; DATAFLOW_PYTHON names another interpreter"))?;
    let problem = serde_json::to_vec(problem)?;
    let sent = child.stdin.take().context("the interpreter takes no input")?.write_all(&problem);
    let output = child.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("ModuleNotFoundError") {
        bail!(
            "{python} lacks a library: `python3 -m venv .venv && .venv/bin/pip install statsmodels statsforecast`, \
             then DATAFLOW_PYTHON=.venv/bin/python cargo xtask bench fits"
        );
    }
    ensure!(output.status.success(), "the peer failed: {complaint}");
    sent.context("the problem could not be sent")?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).context("the peer answered no JSON")
}
