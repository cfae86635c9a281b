//! `cargo xtask measure nasa`: measures on the real NASA trace every figure that the `nasa-like` generator uses, and
//! sets the statistics of both traces side by side.
//!
//! Figures measured are kept (`crates/dataflow-series/src/synth/nasa_figures.rs`), the data is not. The two months'
//! trace has its calendar repaired first: the days between the end of the July log and 1 August, and the outage that
//! follows, are missing, not zero. Units: requests per minute, local hours (UTC−4), bytes.

mod counts;
mod level;
mod replies;
mod trace;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dataflow_series::statistics::MinuteStatistics;
use dataflow_series::synth::{self, Shape, SyntheticRequest, nasa_figures};

/// Prints the constants for `nasa_figures.rs` and the comparison. `data` is the folder of the real data; without it,
/// the environment's `DATAFLOW_DATA` or the folder beside the project.
///
/// # Errors
/// When the data cannot be found or read.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn run(data: Option<&Path>) -> Result<()> {
    let data = data.map_or_else(data_folder, Path::to_path_buf);
    let trace = trace::Trace::read(&data.join("nasa_requests_per_second.tar.bz2"))?;
    println!("// Measured by `cargo xtask measure nasa`.\n");
    let level = level::Level::measure(&trace)?;
    println!("{level}");
    println!("{}", counts::Counts::measure(&trace.minutes)?);
    println!("{}", trace.outage());
    println!("{}", replies::measure(&data.join("nasa_1995-07-01_first_10001_lines.log.gz"))?);
    let real = statistics(&trace.minutes)?;
    println!("{real:#?}\n");
    let synthetic = statistics(&synth::generate(&SyntheticRequest::new(Shape::NasaLike))?.requests())?;
    println!("{:<32} {:>10} {:>10} {:>7}", "statistic", "real", "synthetic", "ratio");
    for ((name, real), (_, synthetic)) in real.named().into_iter().zip(synthetic.named()) {
        println!("{name:<32} {real:>10.4} {synthetic:>10.4} {:>7.3}", synthetic / real);
    }
    Ok(())
}

/// The folder of the real data.
fn data_folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    std::env::var_os("DATAFLOW_DATA").map_or_else(beside, PathBuf::from)
}

fn statistics(minutes: &dataflow_series::Observed) -> Result<MinuteStatistics> {
    MinuteStatistics::measure(minutes, &nasa_figures::time_zone()).context("the trace is too short for its statistics")
}
