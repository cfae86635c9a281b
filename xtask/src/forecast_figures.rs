//! `cargo xtask bench forecast`: how exact the forecasts of the NASA request counts are, by bin size and model.
//!
//! Protocol (also that of the peers' figures): bins are sums over the concatenated file from its first second, and the
//! last fifth of the whole bins is held out. Before it, the calendar is repaired: July ends at second 2,381,545, the
//! 3.44 days until 1 August are put back as missing, the outage of 1 August 14:52 to 3 August 04:36 is missing, and
//! what is missing is filled from the week before. A model is fitted once, on what lies before the hold-out; its
//! intervals are calibrated on the seven days before it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use dataflow_forecast::{BacktestSettings, Calibration, ModelSpec, Scores, backtest};
use dataflow_series::{Fill, Observed, Series, Step, Unit, open_decompressed};
use jiff::tz::{TimeZone, offset};

/// Second of the concatenated file at which August begins.
const JULY_SECONDS: usize = 2_381_545;
/// The outage, in seconds of the concatenated file.
const OUTAGE_SECONDS: std::ops::Range<usize> = 2_435_065..2_570_905;
const MONTH_SECONDS: usize = 31 * 86_400;
/// The server stands in Florida and logs at UTC−4.
const START: &str = "1995-07-01T00:00:00-04:00";
/// Variance over mean of the requests per second within a minute, the median over the minutes.
const DISPERSION: f64 = 1.24;

/// Prints one table: bin sizes × models × horizons.
pub(crate) fn run() -> anyhow::Result<()> {
    let path = data_folder().join("nasa_requests_per_second.tar.bz2");
    let seconds = requests_per_second(&path).with_context(|| {
        format!("needs the NASA trace at {}: set DATAFLOW_DATA to the folder that holds it", path.display())
    })?;
    let mut out = String::from(
        "| bins | model | intervals | ahead | RMSE | R² | MAPE | MASE | bias | 95% coverage | above | below | pinball | noise floor | CPU s |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for minutes in [15_u32, 5, 1] {
        let (series, holdout) = nasa_bins(&seconds, minutes * 60)?;
        for spec in ModelSpec::ALL {
            for calibration in [Calibration::Frozen, Calibration::Rolling] {
                let start = Instant::now();
                let scores = backtest(&series, &spec, &settings(holdout, calibration))?;
                let elapsed = start.elapsed().as_secs_f64();
                for score in &scores {
                    out += &row(minutes, spec, calibration, score, elapsed);
                }
            }
        }
    }
    eprint!("{out}");
    Ok(())
}

fn row(minutes: u32, spec: ModelSpec, calibration: Calibration, score: &Scores, elapsed: f64) -> String {
    let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let band = &score.coverage[0];
    let pinball = score.pinball.iter().map(|pinball| pinball.loss).sum::<f64>() / score.pinball.len() as f64;
    let intervals = match calibration {
        Calibration::Frozen => "frozen",
        Calibration::Rolling => "rolling",
    };
    format!(
        "| {minutes} min | {spec} | {intervals} | {} | {:.2} | {} | {} | {} | {:+.2} | {:.3} | {:.3} | {:.3} | {:.2} | {:.1} | {elapsed:.2} |\n",
        score.horizon,
        score.rmse,
        optional(score.r2),
        optional(score.mape),
        optional(score.mase),
        score.bias,
        band.actual,
        band.above,
        band.below,
        pinball,
        score.noise_floor,
    )
}

fn settings(holdout: usize, calibration: Calibration) -> BacktestSettings {
    BacktestSettings {
        holdout,
        horizons: vec![1, 12],
        levels: vec![0.05, 0.25, 0.5, 0.75, 0.95],
        coverages: vec![0.95],
        refit: None,
        calibration,
        dispersion: DISPERSION,
        time_zone: TimeZone::fixed(offset(-4)),
    }
}

/// The folder of the real data: `DATAFLOW_DATA`, else `../shared/data` beside the project.
fn data_folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    std::env::var_os("DATAFLOW_DATA").map_or_else(beside, PathBuf::from)
}

/// The requests of every second, as the archive's `workload.txt` lists them.
fn requests_per_second(archive: &Path) -> anyhow::Result<Vec<f64>> {
    let mut archive = tar::Archive::new(open_decompressed(archive)?);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()?.file_name().is_some_and(|name| name == "workload.txt") {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            return text.split_whitespace().map(|count| count.parse().context("a count")).collect();
        }
    }
    anyhow::bail!("{} holds no workload.txt", "the archive")
}

/// The bins of the protocol, and how many of them at the end are held out.
fn nasa_bins(seconds: &[f64], bin_seconds: u32) -> anyhow::Result<(Series, usize)> {
    let length = bin_seconds as usize;
    let bins: Vec<f64> = seconds.chunks_exact(length).map(|bin| bin.iter().sum()).collect();
    let holdout = bins.len() / 5;
    let july = JULY_SECONDS / length;
    let missing_bins = (MONTH_SECONDS - JULY_SECONDS + length / 2) / length;
    let is_missing = |bin: usize| {
        let overlaps = bin * length < OUTAGE_SECONDS.end && OUTAGE_SECONDS.start < (bin + 1) * length;
        // The bin in which the months meet is a whole bin of neither.
        overlaps || bin == july
    };
    let mut values: Vec<Option<f64>> = bins[..july].iter().copied().map(Some).collect();
    values.resize(july + missing_bins, None);
    values.extend((july..bins.len()).map(|bin| (!is_missing(bin)).then(|| bins[bin])));
    let step = Step::from_seconds(bin_seconds).context("a bin has a length")?;
    let observed = Observed::new(START.parse()?, step, Unit::Requests, values)?;
    Ok((observed.fill(Fill::Season(Step::WEEK))?, holdout))
}
