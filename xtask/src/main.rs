//! All automation of the project, in Rust: `cargo xtask test`, `cargo xtask bench`, `cargo xtask measure`, ….

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
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Test { fuzz_seconds } => test::run(fuzz_seconds),
        Task::Tidy => tidy::run(),
    }
}
