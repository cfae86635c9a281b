//! `cargo xtask bench floors`: the speeds that must be kept, measured and checked.
//!
//! Each path has a target on two ordinary cores. The check asks for half of it, so that a slow or busy
//! machine passes and a path that became several times slower does not. What the reference implementation in Python needs
//! for the same work is shown beside.

mod experiments;

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::ensure;
use dataflow_scale::optimum::{StepLimits, by_levels, under_limits};
use dataflow_scale::policy::{Reactive, UtilizationThresholds};
use dataflow_scale::{Fleet, Observe, Prices, Scenario, simulate};

const PRICES: Prices = Prices { server: 0.05, scale: 0.2, violation: 5e-6 };
const SERVER: f64 = 1_200_000.0;
/// The best of so many runs counts: the others were disturbed.
const RUNS: usize = 5;

/// One path's time, and the times it is held to.
struct Floor {
    what: &'static str,
    ticks: u32,
    target: Duration,
    reference: Option<Duration>,
    taken: Duration,
}

/// Measures all paths.
///
/// # Errors
/// When one takes more than twice its target.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut floors = vec![reactive_ticks()?, year_by_levels(), day_under_limits()?];
    floors.extend(experiments::floors()?);
    let mut out = std::io::stdout().lock();
    for Floor { what, ticks, target, reference, taken } in &floors {
        let millions = f64::from(*ticks) / 1e6 / taken.as_secs_f64();
        write!(out, "{what}: {taken:.2?}, {millions:.2} million ticks/s; target {target:.2?}")?;
        if let Some(reference) = reference {
            let ratio = reference.as_secs_f64() / taken.as_secs_f64();
            write!(out, "; reference {reference:.2?}, {ratio:.0} times as long")?;
        }
        writeln!(out)?;
    }
    for Floor { what, target, taken, .. } in floors {
        ensure!(taken <= target * 2, "{what}: took {taken:.2?}, more than twice the target of {target:.2?}");
    }
    Ok(())
}

/// A million ticks at 50 million per second; the reference does 0.16 million per second.
fn reactive_ticks() -> anyhow::Result<Floor> {
    let load = load(1_000_000, 5);
    let fleet = fleet(5);
    let scenario = Scenario {
        fleet: &fleet,
        prices: &PRICES,
        load: &load,
        known: &load,
        observe: Observe::Previous,
        forecast: None,
    };
    let mut offered = 0.0;
    let taken = best_time(|| {
        let mut policy = Reactive(UtilizationThresholds { high: 0.75, low: 0.30 });
        offered = simulate(&scenario, &mut policy, None)?.offered;
        Ok(())
    })?;
    ensure!(offered > 0.0, "the simulation saw no load");
    Ok(Floor {
        what: "reactive policy, 1,000,000 ticks",
        ticks: 1_000_000,
        target: Duration::from_millis(20),
        reference: Some(Duration::from_millis(6_250)),
        taken,
    })
}

fn year_by_levels() -> Floor {
    let load = load(365 * 1440, 1000);
    let started = Instant::now();
    let plan = by_levels(&fleet(1000), &PRICES, &load);
    let taken = started.elapsed();
    drop(plan);
    Floor {
        what: "optimum without cooldown, 525,600 ticks of 1,000 servers",
        ticks: 525_600,
        target: Duration::from_millis(1_500),
        reference: None,
        taken,
    }
}

fn day_under_limits() -> anyhow::Result<Floor> {
    let load = load(1440, 5);
    let taken = best_time(|| {
        under_limits(&fleet(5), &PRICES, &load, &StepLimits::default(), &mut |_| {})?;
        Ok(())
    })?;
    Ok(Floor {
        what: "optimum under limits, 1,440 ticks of 5 servers",
        ticks: 1_440,
        target: Duration::from_millis(10),
        reference: Some(Duration::from_millis(5_200)),
        taken,
    })
}

fn best_time(mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let started = Instant::now();
        work()?;
        best = best.min(started.elapsed());
    }
    Ok(best)
}

fn fleet(max_servers: u32) -> Fleet {
    Fleet { capacity: SERVER, startup_ticks: 3, cooldown_ticks: 5, min_servers: 1, max_servers }
}

/// Noisy days that keep a fleet of `servers` busy, from a fixed seed.
fn load(ticks: usize, servers: u32) -> Vec<f64> {
    let mut state = 20_260_101_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    let full = SERVER * f64::from(servers);
    let day = |tick: usize| 0.5 - 0.45 * (std::f64::consts::TAU * tick as f64 / 1440.0).cos();
    (0..ticks).map(|tick| full * day(tick) * (0.6 + 0.8 * noise())).collect()
}
