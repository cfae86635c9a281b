//! Speed of both optima. The traces are noisy days with a launch now and then, from a fixed seed.
//!
//! `cargo bench -p dataflow-scale --bench optimum`; targets: a year of minutes × 1,000 servers by levels within 1.5 s on
//! two cores, 1,440 minutes of the reference's problem under its limits within 10 ms. `cargo xtask bench floors` fails
//! where twice as long is not enough.

use dataflow_scale::optimum::{Plan, StepLimits, by_levels, under_limits};
use dataflow_scale::{Fleet, Prices};

fn main() {
    divan::main();
}

const YEAR_MINUTES: usize = 365 * 1440;
/// Minutes of the NASA trace.
const TRACE_MINUTES: usize = 84_328;
const PRICES: Prices = Prices { server: 0.05, scale: 0.2, violation: 5e-6 };

fn fleet(max_servers: u32) -> Fleet {
    Fleet { capacity: 1_200_000.0, startup_ticks: 3, cooldown_ticks: 5, min_servers: 1, max_servers }
}

/// Loads that keep a fleet of `servers` busy: a daily rhythm, noise of a fifth, and a peak beyond the fleet's reach.
fn load(ticks: usize, servers: u32) -> Vec<f64> {
    let mut state = 20_260_101_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    let full = 1_200_000.0 * f64::from(servers);
    let day = |tick: usize| 0.5 - 0.45 * (std::f64::consts::TAU * tick as f64 / 1440.0).cos();
    let launch = |tick: usize| if tick % 20_000 > 19_500 { 1.6 } else { 1.0 };
    (0..ticks).map(|tick| full * day(tick) * launch(tick) * (0.8 + 0.4 * noise())).collect()
}

#[divan::bench(args = [5, 100, 1000], sample_count = 5, sample_size = 1)]
fn a_year_of_minutes_by_levels(bencher: divan::Bencher<'_, '_>, servers: u32) {
    let load = load(YEAR_MINUTES, servers);
    bencher.bench(|| by_levels(&fleet(servers), &PRICES, &load));
}

#[divan::bench(args = [1440, TRACE_MINUTES])]
fn the_reference_problem_by_levels(bencher: divan::Bencher<'_, '_>, ticks: usize) {
    let load = load(ticks, 5);
    bencher.bench(|| by_levels(&fleet(5), &PRICES, &load));
}

#[divan::bench(args = [1440, TRACE_MINUTES])]
fn the_reference_problem_under_limits(bencher: divan::Bencher<'_, '_>, ticks: usize) {
    let load = load(ticks, 5);
    bencher.bench(|| limited(&fleet(5), &load));
}

#[divan::bench(args = [20, 100, 1000], sample_count = 5, sample_size = 1)]
fn the_trace_with_more_servers_under_limits(bencher: divan::Bencher<'_, '_>, servers: u32) {
    let load = load(TRACE_MINUTES, servers);
    bencher.bench(|| limited(&fleet(servers), &load));
}

#[divan::bench(args = [5, 20], sample_count = 3, sample_size = 1)]
fn the_trace_without_cooldown_under_step_limits(bencher: divan::Bencher<'_, '_>, servers: u32) {
    let load = load(TRACE_MINUTES, servers);
    let fleet = Fleet { cooldown_ticks: 0, ..fleet(servers) };
    bencher.bench(|| limited(&fleet, &load));
}

/// The trace in seconds, with times to match.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn the_trace_in_seconds_under_limits(bencher: divan::Bencher<'_, '_>) {
    let load = load(TRACE_MINUTES * 60, 5);
    let fleet = Fleet { startup_ticks: 180, cooldown_ticks: 300, ..fleet(5) };
    bencher.bench(|| limited(&fleet, &load));
}

fn limited(fleet: &Fleet, load: &[f64]) -> Option<Plan> {
    under_limits(fleet, &PRICES, load, &StepLimits::default(), &mut |_| {}).ok()
}
