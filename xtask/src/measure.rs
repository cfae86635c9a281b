//! `cargo xtask measure nasa`: measures on the real NASA trace every figure that the `nasa-like` generator uses, and
//! sets the statistics of both traces side by side.
//!
//! Figures measured are kept (`crates/dataflow-series/src/synth/nasa_figures.rs`), the data is not. The two months'
//! trace has its calendar repaired first: the days between the end of the July log and 1 August, and the outage that
//! follows, are missing, not zero. Units: requests per minute, local hours (UTC−4), bytes.

mod counts;
mod level;
mod replies;
pub(crate) mod trace;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dataflow_series::statistics::MinuteStatistics;
use dataflow_series::synth::{self, Shape, SyntheticRequest, nasa_figures};

const TRACE: &str = "nasa_requests_per_second.tar.bz2";
const LOG: &str = "nasa_1995-07-01_first_10001_lines.log.gz";

/// Prints the constants for `nasa_figures.rs`, the comparison, and how far the traces of so many other seeds lie. `data` is the folder of the real data; without it,
/// the environment's `DATAFLOW_DATA` or the folder beside the project.
///
/// # Errors
/// When the data cannot be found or read.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn run(data: Option<&Path>, seeds: u64) -> Result<()> {
    let data = data.map_or_else(data_folder, Path::to_path_buf);
    let trace = trace::Trace::read(&data.join(TRACE))?;
    println!("// Measured by `cargo xtask measure nasa`.\n");
    let level = level::Level::measure(&trace)?;
    println!("{level}");
    println!("{}", counts::Counts::measure(&trace.minutes)?);
    println!("{}", trace.outage());
    println!("{}", replies::measure(&data.join(LOG))?);
    let real = statistics(&trace.minutes)?;
    println!("{real:#?}\n");
    let synthetic = synthetic(synth::DEFAULT_SEED)?;
    println!("{:<32} {:>10} {:>10} {:>7}", "statistic", "real", "synthetic", "ratio");
    for ((name, real), (_, synthetic)) in real.named().into_iter().zip(synthetic.named()) {
        println!("{name:<32} {real:>10.4} {synthetic:>10.4} {:>7.3}", synthetic / real);
    }
    let mut distances =
        (0..seeds).map(|seed| Ok(self::synthetic(seed)?.largest_distance(&real).1)).collect::<Result<Vec<f64>>>()?;
    distances.sort_by(f64::total_cmp);
    if let Some(largest) = distances.last() {
        let near = distances.iter().filter(|distance| **distance <= 0.10).count();
        let ninth = distances[distances.len() * 9 / 10];
        println!(
            "largest distance of any statistic, {seeds} seeds: {near} within 10%, 90% within {ninth:.3}, all within {largest:.3}"
        );
    }
    Ok(())
}

/// The statistics of the synthetic trace with this seed.
fn synthetic(seed: u64) -> Result<MinuteStatistics> {
    let request = SyntheticRequest { seed, ..SyntheticRequest::new(Shape::NasaLike) };
    statistics(&synth::generate(&request)?.requests())
}

/// The folder of the real data.
pub(crate) fn data_folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    std::env::var_os("DATAFLOW_DATA").map_or_else(beside, PathBuf::from)
}

fn statistics(minutes: &dataflow_series::Observed) -> Result<MinuteStatistics> {
    MinuteStatistics::measure(minutes, &nasa_figures::time_zone()).context("the trace is too short for its statistics")
}

#[cfg(test)]
#[expect(clippy::print_stderr, reason = "a test that could not run must say so")]
mod tests {
    use super::*;

    /// How far a statistic of the synthetic trace may lie from the real one.
    const TOLERANCE: f64 = 0.10;
    /// The same for a seed that was not looked at: `cargo xtask measure nasa --seeds 400` finds 301 within 10%, 90%
    /// within 12.6% and all within 24.1%.
    const TOLERANCE_ANY_SEED: f64 = 0.25;

    fn real_trace(test: &str) -> Option<trace::Trace> {
        let path = data_folder().join(TRACE);
        if !path.is_file() {
            eprintln!("SKIPPED {test}: set DATAFLOW_DATA to the folder of {TRACE}");
            return None;
        }
        Some(trace::Trace::read(&path).expect("the real trace is readable"))
    }

    #[test]
    fn the_synthetic_trace_has_the_statistics_of_the_real_one() {
        let test = "the_synthetic_trace_has_the_statistics_of_the_real_one";
        let Some(trace) = real_trace(test) else { return };
        let real = statistics(&trace.minutes).expect("it is long enough");
        let (name, distance) = synthetic(synth::DEFAULT_SEED).expect("it can be made").largest_distance(&real);
        assert!(distance <= TOLERANCE, "{name}: {distance}");
        for seed in 0..20 {
            let (name, distance) = synthetic(seed).expect("it can be made").largest_distance(&real);
            assert!(distance <= TOLERANCE_ANY_SEED, "seed {seed}, {name}: {distance}");
        }
    }

    #[test]
    fn the_stored_figures_are_those_of_the_real_trace() {
        let Some(trace) = real_trace("the_stored_figures_are_those_of_the_real_trace") else { return };
        let real = statistics(&trace.minutes).expect("it is long enough");
        let (name, distance) = nasa_figures::REAL.largest_distance(&real);
        assert!(distance < 1e-4, "{name}: {distance}");
        let printed = [
            level::Level::measure(&trace).expect("the level can be measured").to_string(),
            counts::Counts::measure(&trace.minutes).expect("the counts can be measured").to_string(),
            trace.outage(),
            replies::measure(&data_folder().join(LOG)).expect("the replies can be measured"),
        ]
        .join("\n");
        let numbers = printed.split([' ', ',', '(', ')', '\n']).filter_map(|word| word.parse::<f64>().ok());
        let stored = nasa_figures::HOUR_OF_WEEK
            .into_iter()
            .chain(nasa_figures::MISSION_DAYS)
            .chain(nasa_figures::LAUNCH_DAY_HOURS)
            .chain([nasa_figures::SLOW_DEVIATION, nasa_figures::SLOW_DAY_CORRELATION])
            .chain([nasa_figures::HOURLY_DEVIATION, nasa_figures::HOURLY_CORRELATION])
            .chain([nasa_figures::CLUSTER_DISPERSION, nasa_figures::CLUSTER_CORRELATION])
            .chain([nasa_figures::PAGE_DISPERSION, nasa_figures::STALLS_PER_DAY, nasa_figures::STALL_MINUTES])
            .chain([nasa_figures::OUTAGE_FIRST_MINUTE as f64, nasa_figures::OUTAGE_MINUTES as f64])
            .chain(nasa_figures::CLASS_SHARES)
            .chain(nasa_figures::OTHER_BYTES.map(|bytes| bytes as f64))
            .chain(nasa_figures::SIZE_QUANTILES.into_iter().flat_map(|(probability, bytes)| [probability, bytes]))
            .chain([nasa_figures::SIZE_TAIL_INDEX, nasa_figures::SIZE_MAX]);
        // Both sides are rounded to the printed decimals, so they are equal but for a last digit on the edge.
        let pairs: Vec<(f64, f64)> = numbers.clone().zip(stored.clone()).collect();
        assert_eq!((numbers.count(), stored.count()), (pairs.len(), pairs.len()));
        for (index, (measured, stored)) in pairs.into_iter().enumerate() {
            assert!((measured - stored).abs() < 1e-9, "figure {index}: measured {measured}, stored {stored}");
        }
    }
}
