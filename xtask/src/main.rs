//! All automation of the project, in Rust: `cargo xtask test`, `cargo xtask bench`, `cargo xtask measure`, ….

mod bench;
mod fit_peers;
mod floors;
mod forecast_figures;
mod fuzz;
mod highs;
mod m4_figures;
mod measure;
mod nab;
mod peers;
mod policy_figures;
mod smoothing_peers;
mod test;
mod tidy;

use clap::{Parser, Subcommand};

/// Automation of the project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must hold before a change lands: format, lints, tests with and without optional features,
    /// documentation, and a bounded fuzzing run.
    Test {
        /// Seconds of fuzzing of the log readers; 0 leaves it out.
        #[arg(long, default_value_t = 20)]
        fuzz_seconds: u64,
    },
    /// Check what the compiler does not: that every file says what it is for and none has grown too large.
    Tidy,
    /// Fuzz the log readers.
    Fuzz {
        /// How long.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Measure speed and exactness, beside other programs where they do the same work.
    Bench {
        /// What to measure; everything when left out.
        what: Option<bench::What>,
        /// Size of the log for `peers`, in megabytes.
        #[arg(long, default_value_t = 500)]
        megabytes: usize,
        #[command(flatten)]
        nab: nab::Options,
    },
    /// Measure the figures of the synthetic `nasa-like` trace on the real one, and compare both.
    Measure {
        /// The trace to measure.
        #[arg(value_parser = ["nasa"])]
        trace: String,
        /// The folder of the real data; else that of `DATAFLOW_DATA`, or `../shared/data` beside the project.
        #[arg(long)]
        data: Option<std::path::PathBuf>,
        /// Compare the traces of so many other seeds as well.
        #[arg(long, default_value_t = 0)]
        seeds: u64,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Test { fuzz_seconds } => test::run(fuzz_seconds),
        Task::Tidy => tidy::run(),
        Task::Fuzz { seconds } => fuzz::run(seconds),
        Task::Bench { what, megabytes, nab } => bench::run(what, megabytes, &nab),
        Task::Measure { data, seeds, .. } => measure::run(data.as_deref(), seeds),
    }
}
