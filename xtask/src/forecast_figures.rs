//! `cargo xtask bench forecast`: how exact the forecasts of the NASA request counts are, by bin size and model, what of
//! it was promised, and what the same models reach on a second trace.
//!
//! Protocol (also that of the peers' figures): bins are sums over the concatenated file from its first second, and the
//! last fifth of the whole bins is held out. Before it, the calendar is repaired: July ends at second 2,381,545, the
//! 3.44 days until 1 August are put back as missing, the outage of 1 August 14:52 to 3 August 04:36 is missing, and
//! what is missing is filled from the week before. Models are fitted on what lies before the hold-out and learn anew
//! once a day within it, as they do in use (the peers were fitted once); cheap ones are also shown fitted once. Counts
//! of the minutes inside of the bins are known to all.
//!
//! `DATAFLOW_BEFORE_HOLDOUT=1` prints the same for the fifth before the hold-out, with the hold-out cut off: that is
//! where everything was chosen.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use dataflow_forecast::{BacktestSettings, Calibration, History, ModelSettings, ModelSpec, Scores, backtest};
use dataflow_series::{Fill, Observed, Step, Unit};
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
/// Minutes per bin, steps ahead, and the RMSE to reach.
const TARGETS: [(u32, usize, f64); 4] = [(15, 1, 102.0), (15, 12, 127.0), (5, 12, 51.0), (1, 12, 14.6)];
/// The coverage that 95% bands must keep to, and the mean pinball loss of the peers' ridge, 15 minutes, twelve ahead.
const COVERED: std::ops::RangeInclusive<f64> = 0.94..=0.96;
const PEER_PINBALL: f64 = 29.6;
const COVERAGE: f64 = 0.95;
const HORIZONS: [usize; 2] = [1, 12];
/// What is judged: model, how its intervals learn, and whether it learns anew every day.
const JUDGED: [(ModelSpec, Calibration, bool); 21] = [
    (ModelSpec::Naive, Calibration::Adaptive, false),
    (ModelSpec::SeasonalNaive, Calibration::Adaptive, false),
    (ModelSpec::Drift, Calibration::Adaptive, false),
    (ModelSpec::ExponentialSmoothing, Calibration::Adaptive, true),
    (ModelSpec::Ets, Calibration::Adaptive, true),
    (ModelSpec::Theta, Calibration::Adaptive, true),
    (ModelSpec::Mstl, Calibration::Adaptive, true),
    (ModelSpec::Sarimax, Calibration::Adaptive, false),
    (ModelSpec::SeasonalAutoregression, Calibration::Adaptive, true),
    (ModelSpec::Ridge, Calibration::Frozen, false),
    (ModelSpec::Ridge, Calibration::Rolling, true),
    (ModelSpec::Ridge, Calibration::Adaptive, true),
    (ModelSpec::Rvfl, Calibration::Adaptive, true),
    (ModelSpec::DeepRvfl, Calibration::Adaptive, false),
    (ModelSpec::EnsembleDeepRvfl, Calibration::Adaptive, false),
    (ModelSpec::EmdEnsembleDeepRvfl, Calibration::Adaptive, false),
    (ModelSpec::BoostedTrees, Calibration::Adaptive, false),
    (ModelSpec::BoostedQuantiles, Calibration::Adaptive, false),
    (ModelSpec::Combination, Calibration::Rolling, true),
    (ModelSpec::Combination, Calibration::Adaptive, true),
    (ModelSpec::Auto, Calibration::Adaptive, true),
];

/// Prints one table per trace: bin sizes × models × horizons; and what of the promised was reached.
///
/// # Errors
/// When the data cannot be found or read.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn run() -> Result<()> {
    let seconds = requests_per_second("nasa_requests_per_second.tar.bz2")?;
    let before_holdout = std::env::var_os("DATAFLOW_BEFORE_HOLDOUT").is_some();
    println!("NASA, July and August 1995{}\n", if before_holdout { ", the fifth before the hold-out" } else { "" });
    let mut reached = Vec::new();
    print_head();
    for (minutes, peers) in BINS {
        let (history, holdout) = nasa_bins(&seconds, minutes * 60)?;
        let length = history.series().len() - if before_holdout { holdout } else { 0 };
        for (spec, calibration, scores) in judge(&history, length, holdout, minutes, peers)? {
            if spec == ModelSpec::Combination && calibration == Calibration::Adaptive {
                reached.push((minutes, scores));
            }
        }
    }
    println!("\nBest peer: ridge regression or LightGBM by the same protocol, measured once; not run by this command.");
    print_targets(&reached);
    if !before_holdout {
        println!("\nTwitter, August 2021, last fifth: never looked at while anything was chosen\n");
        let seconds = requests_per_second("twitter_2021_08_per_second.tar.bz2")?;
        let history = twitter_minutes(&seconds)?;
        print_head();
        judge(&history, history.series().len(), history.series().len() / 5, 1, [f64::NAN; 2])?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
fn print_head() {
    println!(
        "| bins | model | learns anew | intervals | ahead | RMSE | best peer | R² | MAPE | MASE | bias | 95% coverage | above | \
         below | width | pinball | noise floor | s |"
    );
    println!("|{}", " --- |".repeat(18));
}

/// Judges every model on the last `holdout` of the first `length` intervals.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
fn judge(
    history: &History,
    length: usize,
    holdout: usize,
    minutes: u32,
    peers: [f64; 2],
) -> Result<Vec<(ModelSpec, Calibration, Vec<Scores>)>> {
    let zone = zone();
    let view = history.view(&zone).first(length);
    let mut judged = Vec::new();
    for (spec, calibration, refits) in JUDGED {
        let start = Instant::now();
        let day = 1_440 / minutes as usize;
        let scores = backtest(view, spec, &settings(holdout, calibration, refits.then_some(day)))?;
        let elapsed = start.elapsed().as_secs_f64();
        let (intervals, often) = (format!("{calibration:?}").to_lowercase(), if refits { "daily" } else { "never" });
        for (score, peer) in scores.iter().zip(peers) {
            println!("| {minutes} min | {spec} | {often} | {intervals} {} | {elapsed:.2} |", cells(score, peer));
        }
        judged.push((spec, calibration, scores));
    }
    Ok(judged)
}

/// What the combination was to reach, and whether it did.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
fn print_targets(reached: &[(u32, Vec<Scores>)]) {
    let yes = |is: bool| if is { "yes" } else { "no" };
    let scores = |minutes: u32, ahead: usize| {
        let of_bins = reached.iter().find(|(bins, _)| *bins == minutes);
        of_bins.and_then(|(_, scores)| scores.iter().find(|score| score.horizon == ahead))
    };
    println!("\nCombination\n\n| figure | target | reached | |\n| --- | --- | --- | --- |");
    for (minutes, ahead, target) in TARGETS {
        if let Some(score) = scores(minutes, ahead) {
            println!(
                "| RMSE, {minutes} min, {ahead} ahead | ≤ {target} | {:.2} | {} |",
                score.rmse,
                yes(score.rmse <= target)
            );
        }
    }
    for (minutes, of_bins) in reached {
        for score in of_bins {
            let band = score.coverage.iter().find(|band| (band.nominal - COVERAGE).abs() < 1e-9);
            let covered = band.map_or(f64::NAN, |band| band.actual);
            println!(
                "| 95% band, {minutes} min, {} ahead | 94–96% | {:.1}% | {} |",
                score.horizon,
                100.0 * covered,
                yes(COVERED.contains(&covered))
            );
        }
    }
    if let Some(score) = scores(15, 12) {
        let loss = pinball(score);
        // The levels behind the peers' figure are not known: it need not be the same mean.
        println!(
            "| pinball (levels may differ), 15 min, 12 ahead | < {PEER_PINBALL} | {loss:.2} | {} |",
            yes(loss < PEER_PINBALL)
        );
    }
}

fn pinball(score: &Scores) -> f64 {
    score.pinball.iter().map(|pinball| pinball.loss).sum::<f64>() / score.pinball.len() as f64
}

/// The cells of one row that tell of scores.
fn cells(score: &Scores, peer: f64) -> String {
    let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let mut cells = format!("| {} | {:.2} | {} ", score.horizon, score.rmse, known(peer));
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
    let _ = write!(cells, "| {:.2} | {:.1}", pinball(score), score.noise_floor);
    cells
}

fn known(peer: f64) -> String {
    if peer.is_finite() { format!("{peer:.2}") } else { "–".to_owned() }
}

fn requests_per_second(file: &str) -> Result<Vec<f64>> {
    let path = data_folder().join(file);
    read_numbers(&path).with_context(|| {
        format!("cannot read the trace {}; set DATAFLOW_DATA to the folder that holds it", path.display())
    })
}

fn settings(holdout: usize, calibration: Calibration, refit: Option<usize>) -> BacktestSettings {
    BacktestSettings {
        holdout,
        horizons: HORIZONS.to_vec(),
        levels: vec![0.05, 0.25, 0.5, 0.75, 0.95],
        coverages: vec![COVERAGE],
        refit,
        model: ModelSettings { calibration, ..ModelSettings::default() },
        dispersion: DISPERSION,
    }
}

/// The server stands in Florida and logs at UTC−4.
fn zone() -> TimeZone {
    TimeZone::fixed(offset(-4))
}

/// The bins of the protocol, with the minutes inside of them, and how many at the end are held out.
fn nasa_bins(seconds: &[f64], bin_seconds: u32) -> Result<(History, usize)> {
    let length = bin_seconds as usize;
    let bins = seconds.len() / length;
    let july = JULY_SECONDS / length;
    let missing_bins = (MONTH_SECONDS - JULY_SECONDS + length / 2) / length;
    let is_missing = |bin: usize| {
        let overlaps = bin * length < OUTAGE_SECONDS.end && OUTAGE_SECONDS.start < (bin + 1) * length;
        // The bin in which the months meet is a whole bin of neither.
        overlaps || bin == july
    };
    let bin = |bin: usize| (!is_missing(bin)).then(|| &seconds[bin * length..(bin + 1) * length]);
    let places = (0..july).map(Some).chain((0..missing_bins).map(|_| None)).chain((july..bins).map(Some));
    let measured: Vec<Option<&[f64]>> = places.map(|place| place.and_then(bin)).collect();
    Ok((history(START, bin_seconds, &measured)?, bins / 5))
}

/// Minutes of the second trace; one without any request was not measured.
fn twitter_minutes(seconds: &[f64]) -> Result<History> {
    let measured: Vec<Option<&[f64]>> =
        seconds.chunks_exact(60).map(|minute| minute.iter().any(|count| *count > 0.0).then_some(minute)).collect();
    history("2021-08-01T00:00:00-04:00", 60, &measured)
}

/// Bins from their seconds, or none where they are missing; what is missing is filled from the week before.
fn history(start: &str, bin_seconds: u32, measured: &[Option<&[f64]>]) -> Result<History> {
    let step = Step::from_seconds(bin_seconds).context("a bin has a length")?;
    let sums = measured.iter().map(|bin| bin.map(|bin| bin.iter().sum()));
    let observed = Observed::new(start.parse()?, step, Unit::Requests, sums)?;
    let missing = measured.iter().map(Option::is_none).collect();
    // From the past alone: gaps may lie in the part that is held out.
    let series = observed.fill_from_past(Fill::Season(Step::WEEK))?;
    let minutes = bin_seconds as usize / 60;
    // Of a missing bin the minutes are taken to be equal.
    let inside = measured.iter().zip(series.values()).flat_map(|(bin, sum)| match bin {
        Some(bin) => bin.chunks_exact(60).map(|minute| minute.iter().sum()).collect(),
        None => vec![sum / minutes as f64; minutes],
    });
    let inside = inside.collect();
    Ok(History::new(series).with_missing(missing)?.with_inside(minutes, inside)?)
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
        let seconds = requests_per_second("nasa_requests_per_second.tar.bz2").unwrap();
        let (history, holdout) = nasa_bins(&seconds, 900).unwrap();
        let zone = zone();
        let history = history.view(&zone);
        let naive = backtest(history, ModelSpec::Naive, &settings(holdout, Calibration::Frozen, None)).unwrap();
        // What others measured by the same protocol: it shows that the protocol is the same.
        for (scores, expected) in naive.iter().zip([123.7, 283.8]) {
            assert!((scores.rmse - expected).abs() < 0.06, "{scores:?}");
        }
        for calibration in [Calibration::Frozen, Calibration::Adaptive] {
            let scores = backtest(history, ModelSpec::Ridge, &settings(holdout, calibration, None)).unwrap();
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
