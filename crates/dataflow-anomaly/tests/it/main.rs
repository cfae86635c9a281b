//! What every detector of the list must do.

mod laws;
mod look_alikes;
mod nab;
mod noise;
mod planted;
mod real_data;

use dataflow_anomaly::{DetectorSettings, DetectorSpec};
use dataflow_series::Step;
use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Five minutes, so that a few thousand values are days.
fn settings() -> DetectorSettings {
    DetectorSettings::new(Step::from_seconds(300).expect("a step"))
}

fn time(index: usize) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(300 * index as i64)
}

/// The scores of a streaming detector that has seen nothing before.
fn scores(spec: DetectorSpec, settings: &DetectorSettings, values: &[Option<f64>]) -> Vec<f64> {
    let mut detector = spec.build(settings);
    values.iter().enumerate().map(|(index, value)| detector.score(time(index), *value)).collect()
}

/// Independent numbers, nearly normal, with mean 100 and standard deviation 10.
fn noise(seed: u64, count: usize) -> Vec<Option<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    (0..count).map(|_| Some(100.0 + 10.0 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0))).collect()
}

/// Days of five minutes with a wave and noise.
fn days(seed: u64, days: usize) -> Vec<Option<f64>> {
    let wave = |index: usize| 300.0 - 200.0 * libm::cos(index as f64 / 288.0 * std::f64::consts::TAU);
    noise(seed, days * 288)
        .into_iter()
        .enumerate()
        .map(|(index, noise)| noise.map(|noise| (wave(index) + (noise - 100.0) * wave(index).sqrt() / 10.0).max(0.0)))
        .collect()
}
