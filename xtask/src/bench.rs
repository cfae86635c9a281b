//! `cargo xtask bench`: speed and exactness, beside other programs where they do the same work.
//!
//! Figures of unoptimised code say nothing, so the command runs itself again in a release build.

use std::process::Command;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use crate::{fit_peers, floors, forecast_figures, highs, m4_figures, nab, peers, policy_figures};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// The hot paths on their own: log reader, trace reader, forecasts, simulator, optima.
    Paths,
    /// The speeds that must be kept: fails when one is not.
    Floors,
    /// Access logs read by this and by `wc -l`, mawk and DuckDB.
    Peers,
    /// Errors and intervals of the models on the NASA trace and on the hourly series of the M4 competition.
    Forecast,
    /// Fits of the same models here and in Python libraries.
    Fits,
    /// Both optima beside HiGHS.
    Optimum,
    /// The tuned HPA against the best of ours on held-out traffic, over seven fleets.
    Policies,
    /// Every anomaly detector, scored as the Numenta Anomaly Benchmark does.
    Nab,
}

/// Measures `what`, or everything.
pub(crate) fn run(what: Option<What>, megabytes: usize, options: &nab::Options) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        return in_release(what, megabytes, options);
    }
    let all = What::value_variants().iter().copied();
    for what in all.filter(|each| what.is_none_or(|what| what == *each)) {
        match what {
            What::Paths => paths()?,
            What::Floors => floors::run()?,
            What::Peers => peers::run(megabytes)?,
            What::Forecast => {
                m4_figures::run()?;
                forecast_figures::run()?;
            }
            What::Fits => fit_peers::run()?,
            What::Optimum => highs::run()?,
            What::Policies => policy_figures::run()?,
            What::Nab => nab::run(options)?,
        }
    }
    Ok(())
}

fn in_release(what: Option<What>, megabytes: usize, options: &nab::Options) -> anyhow::Result<()> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--package", "xtask", "--", "bench"]);
    if let Some(name) = what.as_ref().and_then(ValueEnum::to_possible_value) {
        command.arg(name.get_name());
    }
    succeed(command.args(["--megabytes", &megabytes.to_string()]).args(options.arguments()))
}

fn paths() -> anyhow::Result<()> {
    let benches = ["access_logs", "traces", "forecasts", "simulator", "optimum"];
    succeed(cargo().args(["bench", "--workspace"]).args(benches.iter().flat_map(|name| ["--bench", name])))
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed");
    }
    Ok(())
}
