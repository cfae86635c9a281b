//! `cargo xtask bench forecast`, first part: one setting of each model for all 414 hourly series of the M4
//! competition, 48 hours ahead.
//!
//! Errors are those of the competition: sMAPE (%), MASE scaled by the seasonal naive of a day, and their mean relative
//! to the benchmark Naive2 (OWA). Source: Makridakis, Spiliotis, Assimakopoulos, *The M4 Competition: 100,000 time
//! series and 61 forecasting methods* (2020), sections 2.2 and 2.4. The series have no dates, so they get one.

use std::io::Read as _;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use dataflow_forecast::{ModelSettings, ModelSpec, View};
use dataflow_series::{Fill, Observed, Step, Unit, open_decompressed};
use jiff::tz::TimeZone;

use crate::measure::data_folder;

const ARCHIVE: &str = "m4_hourly.tar.xz";
const DAY: usize = 24;
const HORIZON: usize = 48;
/// Any Monday: models that look at the calendar learn from the series itself what its days are.
const START: &str = "2024-01-01T00:00:00Z";
const BAND: [f64; 2] = [0.025, 0.975];

/// The models that forecast days of hours in one go, without one equation or network per hour that takes minutes.
const MODELS: [ModelSpec; 7] = [
    ModelSpec::SeasonalNaive,
    ModelSpec::ExponentialSmoothing,
    ModelSpec::Ets,
    ModelSpec::Theta,
    ModelSpec::Mstl,
    ModelSpec::Ridge,
    ModelSpec::SeasonalAutoregression,
];

/// Others, measured elsewhere on the same series: sMAPE, MASE, OWA, CPU seconds.
const PEERS: [(&str, f64, f64, f64, &str); 4] = [
    ("MSTL(24, 168) + AutoETS, statsforecast", 13.76, 1.102, 0.604, "91"),
    ("LightGBM, global, mlforecast", 10.94, 1.302, 0.569, "10"),
    ("LightGBM, global, differenced by 24, L1", 12.53, 0.902, 0.529, "13"),
    ("the competition's winner (hybrid ES-RNN), published", 9.33, 0.893, 0.440, "–"),
];

/// One series: what was known, and the 48 hours after it.
struct Hourly {
    known: Vec<f64>,
    future: Vec<f64>,
}

/// Means over all series.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Errors {
    smape: f64,
    mase: f64,
}

/// Prints two tables: our models on hours before the competition's, then our models and others on those.
///
/// # Errors
/// When the data cannot be found or read, or a model refuses a series.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn run() -> Result<()> {
    let series = hourly_series()?;
    println!(
        "M4 hourly, the last {HORIZON} known hours of {} series (what the seasonal autoregression was chosen on, with earlier ones):",
        series.len()
    );
    let before: Vec<Hourly> = series.iter().map(Hourly::before).collect();
    print_models(&before, &[ModelSpec::SeasonalNaive, ModelSpec::SeasonalAutoregression])?;
    println!("\nM4 hourly, the {HORIZON} hours that the competition asked for:");
    print_models(&series, &MODELS)?;
    for (name, smape, mase, owa, seconds) in PEERS {
        println!("| {name} (measured elsewhere) | {smape:.2} | {mase:.3} | {owa:.3} | – | {seconds} |");
    }
    println!();
    Ok(())
}

/// The benchmark and our models; bands are calibrated on each series' last days.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
fn print_models(series: &[Hourly], models: &[ModelSpec]) -> Result<()> {
    let benchmark = naive2_errors(series);
    println!("\n| model | sMAPE | MASE | OWA | 95% coverage | CPU s |\n|{}", " --- |".repeat(6));
    println!("| Naive2 | {:.2} | {:.3} | 1.000 | – | – |", benchmark.smape, benchmark.mase);
    for spec in models {
        let before = cpu_seconds();
        let (errors, coverage) = model_errors(series, *spec)?;
        let seconds = cpu_seconds() - before;
        let owa = errors.owa(benchmark);
        println!("| {spec} | {:.2} | {:.3} | {owa:.3} | {coverage:.3} | {seconds:.1} |", errors.smape, errors.mase);
    }
    Ok(())
}

impl Hourly {
    /// The same two days earlier, without what came later.
    fn before(&self) -> Self {
        let (known, future) = self.known.split_at(self.known.len() - HORIZON);
        Self { known: known.to_vec(), future: future.to_vec() }
    }
}

impl Errors {
    /// The overall weighted average: how large both errors are beside those of a benchmark.
    fn owa(self, benchmark: Self) -> f64 {
        f64::midpoint(self.smape / benchmark.smape, self.mase / benchmark.mase)
    }

    fn of<'a>(forecasts: impl Iterator<Item = (&'a Hourly, Vec<f64>)>) -> Self {
        let (mut sums, mut count) = (Self { smape: 0.0, mase: 0.0 }, 0.0);
        for (hourly, forecast) in forecasts {
            sums.smape += smape(&hourly.future, &forecast);
            sums.mase += mase(&hourly.known, &hourly.future, &forecast);
            count += 1.0;
        }
        Self { smape: sums.smape / count, mase: sums.mase / count }
    }
}

/// Errors of a model, and the share of the future that its bands hold.
fn model_errors(series: &[Hourly], spec: ModelSpec) -> Result<(Errors, f64)> {
    let mut inside = 0_usize;
    let mut forecasts = Vec::with_capacity(series.len());
    for (number, hourly) in series.iter().enumerate() {
        let [forecast, low, high] =
            forecast(&hourly.known, spec).with_context(|| format!("{spec} on series {}", number + 1))?;
        let bands = low.iter().zip(&high);
        inside += hourly.future.iter().zip(bands).filter(|(load, (low, high))| low <= load && load <= high).count();
        forecasts.push(forecast);
    }
    let errors = Errors::of(series.iter().zip(forecasts));
    Ok((errors, inside as f64 / (series.len() * HORIZON) as f64))
}

/// The expected loads of the next 48 hours, and the lower and upper end of their bands.
fn forecast(known: &[f64], spec: ModelSpec) -> Result<[Vec<f64>; 3]> {
    let step = Step::from_seconds(3_600).context("an hour is a step")?;
    let observed = Observed::new(START.parse()?, step, Unit::Requests, known.iter().copied().map(Some))?;
    let observed = observed.fill(Fill::Zero)?;
    let zone = TimeZone::UTC;
    let horizons: Vec<usize> = (1..=HORIZON).collect();
    let fitted = spec.model(ModelSettings::default())?.fit(View::of(&observed, &zone), &horizons)?;
    let forecast = fitted.predict(&BAND);
    let [low, high] = <[Vec<f64>; 2]>::try_from(forecast.quantiles).ok().context("two quantiles were asked for")?;
    Ok([forecast.mean, low, high])
}

fn naive2_errors(series: &[Hourly]) -> Errors {
    Errors::of(series.iter().map(|hourly| (hourly, naive2(&hourly.known))))
}

/// The competition's benchmark: the last value, of a seasonally adjusted series where there is a season.
fn naive2(known: &[f64]) -> Vec<f64> {
    let indices = if has_daily_season(known) { seasonal_indices(known) } else { [1.0; DAY] };
    let last = known[known.len() - 1] / indices[(known.len() - 1) % DAY];
    (0..HORIZON).map(|ahead| last * indices[(known.len() + ahead) % DAY]).collect()
}

/// The competition's test: whether the autocorrelation at a day exceeds its 90% bound.
fn has_daily_season(known: &[f64]) -> bool {
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let product = |lag: usize| -> f64 { known.iter().zip(&known[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum() };
    let correlation = |lag: usize| product(lag) / product(0);
    let before: f64 = (1..DAY).map(|lag| correlation(lag).powi(2)).sum();
    known.len() >= 3 * DAY && correlation(DAY).abs() > 1.645 * ((1.0 + 2.0 * before) / known.len() as f64).sqrt()
}

/// Classical multiplicative decomposition: mean ratio to the centred moving average by hour of the day, scaled to a
/// mean of one.
fn seasonal_indices(known: &[f64]) -> [f64; DAY] {
    let (mut sums, mut counts) = ([0.0; DAY], [0.0; DAY]);
    for (start, window) in known.windows(DAY + 1).enumerate() {
        let ends = f64::midpoint(window[0], window[DAY]);
        let level = (window[1..DAY].iter().sum::<f64>() + ends) / DAY as f64;
        let centre = start + DAY / 2;
        sums[centre % DAY] += known[centre] / level;
        counts[centre % DAY] += 1.0;
    }
    let raw: [f64; DAY] = std::array::from_fn(|hour| sums[hour] / counts[hour]);
    let mean = raw.iter().sum::<f64>() / DAY as f64;
    raw.map(|index| index / mean)
}

/// Symmetric mean absolute percentage error, 0 to 200.
fn smape(actual: &[f64], forecast: &[f64]) -> f64 {
    let pairs = actual.iter().zip(forecast);
    let terms = pairs.map(|(actual, forecast)| {
        let size = actual.abs() + forecast.abs();
        if size > 0.0 { 200.0 * (actual - forecast).abs() / size } else { 0.0 }
    });
    terms.sum::<f64>() / actual.len() as f64
}

/// Mean absolute error, in units of that of the seasonal naive within the known part.
fn mase(known: &[f64], actual: &[f64], forecast: &[f64]) -> f64 {
    mean_distance(actual, forecast) / mean_distance(&known[DAY..], known)
}

/// Over the shorter length.
fn mean_distance(left: &[f64], right: &[f64]) -> f64 {
    let distances = left.iter().zip(right).map(|(left, right)| (left - right).abs());
    distances.sum::<f64>() / left.len().min(right.len()) as f64
}

fn hourly_series() -> Result<Vec<Hourly>> {
    let path = data_folder().join(ARCHIVE);
    let missing =
        || format!("cannot read the M4 series {}; set DATAFLOW_DATA to the folder that holds it", path.display());
    let mut archive = tar::Archive::new(open_decompressed(&path).with_context(missing)?);
    let (mut known, mut futures) = (Vec::new(), Vec::new());
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text)?;
        if name.ends_with("train.csv") {
            known = rows(&text)?;
        } else if name.ends_with("test.csv") {
            futures = rows(&text)?;
        }
    }
    ensure!(!known.is_empty() && known.len() == futures.len(), "{ARCHIVE} does not hold one future for every series");
    let series: Vec<Hourly> = known.into_iter().zip(futures).map(|(known, future)| Hourly { known, future }).collect();
    let whole = |hourly: &Hourly| hourly.known.len() > 3 * DAY && hourly.future.len() == HORIZON;
    ensure!(series.iter().all(whole), "a series of {ARCHIVE} is cut");
    Ok(series)
}

/// The numbers of each row: the header and the name in front are left out, and rows end where they are empty.
fn rows(text: &str) -> Result<Vec<Vec<f64>>> {
    let numbers = |line: &str| {
        let cells = line.split(',').skip(1).map(|cell| cell.trim_matches(['"', '\r']));
        let filled = cells.take_while(|cell| !cell.is_empty() && *cell != "NA");
        filled.map(|cell| cell.parse().with_context(|| format!("{cell:?} is no number"))).collect()
    };
    text.lines().skip(1).map(numbers).collect()
}

/// Seconds of processor time that this process has used so far; of the clock where the system does not tell.
fn cpu_seconds() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let start = *START;
    linux_cpu_seconds().unwrap_or_else(|| start.elapsed().as_secs_f64())
}

/// User and system time are fields 14 and 15, in hundredths; the command's name before them may hold spaces.
fn linux_cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let hundredths = fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?;
    Some(hundredths / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_of_their_definitions() {
        // |100 − 50| / 150 and |0 − 0| / 0: 200 · (1/3 + 0) / 2.
        assert!((smape(&[100.0, 0.0], &[50.0, 0.0]) - 100.0 / 3.0).abs() < 1e-12);
        // The known part moves by 2 from day to day.
        let known: Vec<f64> = (0..72_u32).map(|hour| f64::from(hour % 24 + 2 * (hour / 24))).collect();
        assert!((mase(&known, &[10.0, 20.0], &[13.0, 19.0]) - 1.0).abs() < 1e-12);
        let (ours, benchmark) = (Errors { smape: 9.0, mase: 0.5 }, Errors { smape: 18.0, mase: 2.0 });
        assert_eq!(ours.owa(benchmark), 0.375);
    }

    #[test]
    fn naive2_repeats_the_day_on_the_last_level() {
        let day = |hour: usize| if hour % 24 < 12 { 50.0 } else { 150.0 };
        let known: Vec<f64> = (0..240).map(day).collect();
        for (ahead, value) in naive2(&known).iter().enumerate() {
            assert!((value - day(240 + ahead)).abs() < 1e-9, "{ahead}: {value}");
        }
        let flat: Vec<f64> = (0..240_u32).map(|hour| f64::from(10 + hour * 7919 % 11)).collect();
        assert_eq!(naive2(&flat), [flat[239]; HORIZON]);
    }

    #[test]
    fn rows_are_ragged() {
        let table = "\"V1\",\"V2\",\"V3\"\n\"H1\",\"1\",\"2.5\"\nH2,3,NA\n";
        assert_eq!(rows(table).unwrap(), [vec![1.0, 2.5], vec![3.0]]);
        assert!(rows("a\nH1,x\n").is_err());
    }

    /// The figures that the project promises, on the real series.
    #[test]
    #[expect(clippy::print_stderr, reason = "a test that could not run must say so")]
    fn one_setting_reaches_the_target_on_all_series() {
        if !data_folder().join(ARCHIVE).exists() {
            eprintln!(
                "SKIPPED one_setting_reaches_the_target_on_all_series: set DATAFLOW_DATA to the folder of {ARCHIVE}"
            );
            return;
        }
        let series = hourly_series().unwrap();
        let benchmark = naive2_errors(&series);
        // What the competition published: it shows that the protocol is the same.
        assert!((benchmark.smape - 18.38).abs() < 0.005 && (benchmark.mase - 2.395).abs() < 0.000_5, "{benchmark:?}");
        let (errors, _) = model_errors(&series, ModelSpec::SeasonalAutoregression).unwrap();
        assert!(errors.owa(benchmark) <= 0.48 && errors.mase <= 0.88, "{errors:?}");
    }
}
