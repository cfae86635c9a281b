//! `cargo xtask bench forecast`: how exact the forecasts of the NASA request counts are, by bin size and model.
//!
//! Protocol (also that of the peers' figures): bins are sums over the concatenated file from its first second, and the
//! last fifth of the whole bins is held out. Before it, the calendar is repaired: July ends at second 2,381,545, the
//! 3.44 days until 1 August are put back as missing, the outage of 1 August 14:52 to 3 August 04:36 is missing, and
//! what is missing is filled from the week before. A model is fitted once, on what lies before the hold-out; its
//! intervals are calibrated on the seven days before it.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use dataflow_forecast::{BacktestSettings, Calibration, ModelSettings, ModelSpec, Scores, View, backtest};
use dataflow_series::{Fill, Observed, Series, Step, Unit};
use jiff::tz::{TimeZone, offset};

use crate::measure::{data_folder, trace::read_numbers};

/// Second of the concatenated file at which August begins.
const JULY_SECONDS: usize = 2_381_545;
/// The outage, in seconds of the concatenated file.
const OUTAGE_SECONDS: std::ops::Range<usize> = 2_435_065..2_570_905;
const MONTH_SECONDS: usize = 31 * 86_400;
/// The first second of the file.
const START: &str = "1995-07-01T00:00:00-04:00";
/// Variance over mean of the requests per second within a minute, the median over the minutes.
const DISPERSION: f64 = 1.24;

/// Minutes per bin, and the least RMSE that a peer reached one and twelve bins ahead (a ridge regression or
/// gradient-boosted trees on lags, rolling means and calendar, by this protocol).
const BINS: [(u32, [f64; 2]); 3] = [(15, [105.2, 135.3]), (5, [44.7, 52.0]), (1, [13.50, 14.81])];
const COVERAGE: f64 = 0.95;
const HORIZONS: [usize; 2] = [1, 12];

/// Prints one table: bin sizes × models × ways of calibration × horizons.
///
/// # Errors
/// When the data cannot be found or read.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn run() -> Result<()> {
    let seconds = requests_per_second()?;
    let zone = zone();
    println!(
        "| bins | model | intervals | ahead | RMSE | best peer | R² | MAPE | MASE | bias | 95% coverage | above | below | \
         width | pinball | noise floor | s |"
    );
    println!("|{}", " --- |".repeat(17));
    for (minutes, peers) in BINS {
        let (series, holdout) = nasa_bins(&seconds, minutes * 60)?;
        for spec in ModelSpec::ALL.into_iter().filter(|spec| spec.is_built()) {
            for calibration in [Calibration::Frozen, Calibration::Rolling] {
                let start = Instant::now();
                let scores = backtest(View::of(&series, &zone), spec, &settings(holdout, calibration))?;
                let elapsed = start.elapsed().as_secs_f64();
                for (score, peer) in scores.iter().zip(peers) {
                    let intervals = format!("{calibration:?}").to_lowercase();
                    println!("| {minutes} min | {spec} | {intervals} {} | {elapsed:.2} |", cells(score, peer));
                }
            }
        }
    }
    println!("\nBest peer: ridge regression or LightGBM by the same protocol, measured once; not run by this command.");
    Ok(())
}

/// The cells of one row that tell of scores.
fn cells(score: &Scores, peer: f64) -> String {
    let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let pinball = score.pinball.iter().map(|pinball| pinball.loss).sum::<f64>() / score.pinball.len() as f64;
    let mut cells = format!("| {} | {:.2} | {peer:.2} ", score.horizon, score.rmse);
    let _ = write!(
        cells,
        "| {} | {} | {} | {:+.2} ",
        optional(score.r2),
        optional(score.mape),
        optional(score.mase),
        score.bias
    );
    // The levels make narrower bands as well; the table has room for the one that was asked for.
    if let Some(band) = score.coverage.iter().find(|band| (band.nominal - COVERAGE).abs() < 1e-9) {
        let _ = write!(cells, "| {:.3} | {:.3} | {:.3} | {:.1} ", band.actual, band.above, band.below, band.width);
    }
    let _ = write!(cells, "| {pinball:.2} | {:.1}", score.noise_floor);
    cells
}

fn requests_per_second() -> Result<Vec<f64>> {
    let path = data_folder().join("nasa_requests_per_second.tar.bz2");
    read_numbers(&path).with_context(|| {
        format!("cannot read the NASA trace {}; set DATAFLOW_DATA to the folder that holds it", path.display())
    })
}

fn settings(holdout: usize, calibration: Calibration) -> BacktestSettings {
    BacktestSettings {
        holdout,
        horizons: HORIZONS.to_vec(),
        levels: vec![0.05, 0.25, 0.5, 0.75, 0.95],
        coverages: vec![COVERAGE],
        refit: None,
        model: ModelSettings { calibration, ..ModelSettings::default() },
        dispersion: DISPERSION,
    }
}

/// The server stands in Florida and logs at UTC−4.
fn zone() -> TimeZone {
    TimeZone::fixed(offset(-4))
}

/// The bins of the protocol, and how many of them at the end are held out.
fn nasa_bins(seconds: &[f64], bin_seconds: u32) -> Result<(Series, usize)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures that the project promises, on the real trace.
    #[test]
    fn the_linear_model_reaches_its_figures_on_quarter_hours() {
        if !data_folder().join("nasa_requests_per_second.tar.bz2").exists() {
            eprintln!(
                "SKIPPED the_linear_model_reaches_its_figures_on_quarter_hours: set DATAFLOW_DATA to the data folder"
            );
            return;
        }
        let (series, holdout) = nasa_bins(&requests_per_second().unwrap(), 900).unwrap();
        let zone = zone();
        let history = View::of(&series, &zone);
        let naive = backtest(history, ModelSpec::Naive, &settings(holdout, Calibration::Frozen)).unwrap();
        // What others measured by the same protocol: it shows that the protocol is the same.
        for (scores, expected) in naive.iter().zip([123.7, 283.8]) {
            assert!((scores.rmse - expected).abs() < 0.06, "{scores:?}");
        }
        for calibration in [Calibration::Frozen, Calibration::Rolling] {
            let scores = backtest(history, ModelSpec::Ridge, &settings(holdout, calibration)).unwrap();
            let [next, later] = &scores[..] else { panic!("two horizons were asked for: {scores:?}") };
            assert!(next.r2 >= Some(0.90) && next.rmse < 107.0, "{next:?}");
            assert!(later.rmse < 137.2, "{later:?}");
            assert!((0.93..=0.97).contains(&next.coverage[0].actual), "{next:?}");
            for scores in [next, later] {
                assert!(scores.rmse > scores.noise_floor, "below the noise floor, so it saw the future: {scores:?}");
            }
        }
    }
}
