//! Ticks per second of the simulator without a recorded timeline.
//!
//! `cargo bench -p dataflow-scale --bench simulator`; the target for the reactive policy on one core is 50 million ticks
//! per second, and `cargo xtask bench floors` fails below half of it; for the horizontal pod autoscaler, which looks four
//! times a minute, it is 10 million.

use dataflow_scale::policy::kubernetes::HpaSettings;
use dataflow_scale::policy::{Fixed, Reactive, UtilizationThresholds};
use dataflow_scale::{Fleet, Observe, Policy, Prices, Scenario, simulate};
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

const FLEET: Fleet =
    Fleet { capacity: 1_200_000.0, startup_ticks: 3, cooldown_ticks: 5, min_servers: 1, max_servers: 5 };
const PRICES: Prices = Prices { server: 0.05, scale: 0.2, violation: 5e-6 };

/// Noisy days.
fn load(ticks: usize) -> Vec<f64> {
    let mut state = 20_260_101_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    let day = |tick: usize| 0.5 - 0.45 * (std::f64::consts::TAU * tick as f64 / 1440.0).cos();
    (0..ticks).map(|tick| 6_000_000.0 * day(tick) * (0.6 + 0.8 * noise())).collect()
}

#[divan::bench(args = [84_328, 1_000_000])]
fn reactive(bencher: divan::Bencher<'_, '_>, ticks: usize) {
    run(bencher, ticks, &Reactive(UtilizationThresholds { high: 0.75, low: 0.30 }));
}

#[divan::bench(args = [84_328, 1_000_000])]
fn fixed(bencher: divan::Bencher<'_, '_>, ticks: usize) {
    run(bencher, ticks, &Fixed(5));
}

#[divan::bench(args = [84_328, 1_000_000])]
fn hpa(bencher: divan::Bencher<'_, '_>, ticks: usize) {
    let settings = HpaSettings {
        target_utilization: 0.7,
        tolerance: 0.1,
        scale_up_stabilization_seconds: 0.0,
        scale_down_stabilization_seconds: 300.0,
        scale_up_pods: 4,
        scale_up_percent: 100,
        scale_down_percent: 100,
    };
    run(bencher, ticks, &settings.policy(FLEET.capacity, 60, FLEET.min_servers, FLEET.max_servers));
}

fn run(bencher: divan::Bencher<'_, '_>, ticks: usize, policy: &(impl Policy + Clone + Sync)) {
    let load = load(ticks);
    let scenario = Scenario {
        fleet: &FLEET,
        prices: &PRICES,
        load: &load,
        known: &load,
        observe: Observe::Previous,
        forecast: None,
    };
    bencher.counter(ItemsCount::new(ticks)).bench(|| simulate(&scenario, &mut policy.clone(), None));
}
