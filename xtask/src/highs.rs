//! `cargo xtask bench optimum`: both optima against HiGHS on the same problems, costs and times side by side.
//!
//! HiGHS is run through Python (`highs.py`), so that the project needs no C++ compiler. The costs are checked: where
//! HiGHS solves the exact problem ours must equal it, and ours is never below a relaxation.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use dataflow_scale::optimum::{StepLimits, by_levels, under_limits};
use dataflow_scale::{Fleet, Prices};
use serde::{Deserialize, Serialize};

/// HiGHS keeps constraints to 1e-7; this is well above what that does to a cost and well below any real difference.
const TOLERANCE: f64 = 1e-6;
/// How long HiGHS may take for one problem.
const SECONDS: f64 = 120.0;
const PRICES: Prices = Prices { server: 0.05, scale: 0.05, violation: 0.25 };
const LIMITS: StepLimits = StepLimits { out: Some(2), r#in: Some(1) };

/// How the problem is put to HiGHS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Formulation {
    /// Exact, without cooldown: a linear programme over levels.
    Levels,
    /// A relaxation, without cooldown: parts of a server.
    Fractional,
    /// Exact, under cooldown and step limits: a mixed-integer programme.
    Limits,
}

#[derive(Serialize)]
struct Problem<'a> {
    formulation: Formulation,
    load: &'a [f64],
    server: f64,
    scale: f64,
    violation: f64,
    startup: u32,
    cooldown: u32,
    min_servers: u32,
    max_servers: u32,
    out: u32,
    r#in: u32,
    seconds: f64,
}

#[derive(Debug, Deserialize)]
struct Solution {
    solved: bool,
    cost: f64,
    /// The optimum lies at or above it.
    bound: f64,
    seconds: f64,
    version: String,
    columns: usize,
    rows: usize,
}

/// Prints one row per problem.
///
/// # Errors
/// When HiGHS is not installed, or when the costs disagree.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut out = String::from(
        "| problem | ticks | servers | ours | HiGHS | ours, s | HiGHS, s | ratio | columns × rows |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut version = String::new();
    for (formulation, ticks, servers) in [
        (Formulation::Levels, 1440, 5),
        (Formulation::Levels, 1440, 20),
        (Formulation::Levels, 10_080, 20),
        (Formulation::Fractional, 1440, 5),
        (Formulation::Fractional, 10_080, 50),
        (Formulation::Limits, 120, 5),
        (Formulation::Limits, 240, 12),
        (Formulation::Limits, 1440, 5),
    ] {
        eprintln!("{formulation:?}: {ticks} ticks, {servers} servers …");
        let fleet = Fleet { capacity: 1.0, startup_ticks: 3, cooldown_ticks: 5, min_servers: 1, max_servers: servers };
        let load = load(ticks, servers);
        let (ours, seconds) = solve_ours(formulation, &fleet, &load)?;
        let theirs = solve(formulation, &fleet, &load)?;
        check(formulation, ours, &theirs)?;
        let cost = if theirs.solved {
            format!("{:.6}", theirs.cost)
        } else {
            format!("{:.6} … {:.6}, not solved", theirs.bound, theirs.cost)
        };
        writeln!(
            out,
            "| {formulation:?} | {ticks} | {servers} | {ours:.6} | {cost} | {seconds:.6} | {:.3} | {:.0} | {} × {} |",
            theirs.seconds,
            theirs.seconds / seconds,
            theirs.columns,
            theirs.rows,
        )?;
        version = theirs.version;
    }
    eprint!("HiGHS {version}; all costs agree\n\n{out}");
    Ok(())
}

/// The cost, and the least time of three runs: the first one starts the threads.
fn solve_ours(formulation: Formulation, fleet: &Fleet, load: &[f64]) -> anyhow::Result<(f64, f64)> {
    let mut least = f64::INFINITY;
    let mut cost = f64::NAN;
    for _ in 0..3 {
        let started = Instant::now();
        cost = match formulation {
            Formulation::Limits => under_limits(fleet, &PRICES, load, &LIMITS, &mut |_| {})?.cost,
            _ => by_levels(fleet, &PRICES, load).cost,
        };
        least = least.min(started.elapsed().as_secs_f64());
    }
    Ok((cost, least))
}

/// Noisy days with a burst in every hour, in servers' worth of load, beyond the fleet's reach at times; from a fixed seed.
fn load(ticks: u32, servers: u32) -> Vec<f64> {
    let mut state = 20_260_101_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    let day = |tick: u32| 0.5 - 0.4 * (std::f64::consts::TAU * f64::from(tick) / f64::from(ticks.min(1440))).cos();
    let burst = |tick: u32| if tick % 60 > 48 { 1.8 } else { 1.0 };
    (0..ticks).map(|tick| f64::from(servers) * day(tick) * burst(tick) * (0.6 + 0.8 * noise())).collect()
}

fn check(formulation: Formulation, ours: f64, theirs: &Solution) -> anyhow::Result<()> {
    let slack = TOLERANCE * ours.abs().max(1.0);
    ensure!(theirs.bound <= ours + slack, "{formulation:?}: ours costs {ours}, below HiGHS' bound {}", theirs.bound);
    if formulation == Formulation::Fractional {
        ensure!(theirs.solved, "{formulation:?}: HiGHS found no optimum within {SECONDS} s");
    } else {
        // Any solution of the exact problem costs as much as the optimum or more.
        ensure!(ours <= theirs.cost + slack, "{formulation:?}: ours costs {ours}, HiGHS found {}", theirs.cost);
    }
    Ok(())
}

fn solve(formulation: Formulation, fleet: &Fleet, load: &[f64]) -> anyhow::Result<Solution> {
    let problem = Problem {
        formulation,
        load,
        server: PRICES.server,
        scale: PRICES.scale,
        violation: PRICES.violation,
        startup: fleet.startup_ticks,
        cooldown: fleet.cooldown_ticks,
        min_servers: fleet.min_servers,
        max_servers: fleet.max_servers,
        out: LIMITS.out.unwrap_or(fleet.max_servers),
        r#in: LIMITS.r#in.unwrap_or(fleet.max_servers),
        seconds: SECONDS,
    };
    let python = std::env::var("DATAFLOW_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(&python)
        .args(["-c", include_str!("highs.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{python} cannot be run; DATAFLOW_PYTHON names another interpreter"))?;
    let problem = serde_json::to_vec(&problem)?;
    let sent = child.stdin.take().context("the interpreter takes no input")?.write_all(&problem);
    let output = child.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("ModuleNotFoundError") {
        bail!(
            "{python} lacks highspy: `python3 -m venv .venv && .venv/bin/pip install highspy`, \
             then DATAFLOW_PYTHON=.venv/bin/python cargo xtask bench optimum"
        );
    }
    ensure!(output.status.success(), "HiGHS failed: {complaint}");
    sent.context("the problem could not be sent")?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).context("HiGHS answered no JSON")
}
