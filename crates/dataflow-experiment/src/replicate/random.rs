//! Random numbers of replicates: seeded, one stream for each replicate and purpose, the same on any number of threads.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of random numbers is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Traffic,
    StartUps,
}

/// The random numbers of one replicate for one purpose.
pub(super) fn stream(seed: u64, replicate: usize, purpose: Stream) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(2 * replicate as u64 + u64::from(matches!(purpose, Stream::StartUps)));
    random
}

/// A number from 0 to less than 1.
pub(super) fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// One of `count` things, each as likely as any other.
pub(super) fn choice(random: &mut ChaCha8Rng, count: usize) -> usize {
    ((uniform(random) * count as f64) as usize).min(count.saturating_sub(1))
}
