//! Random numbers from a seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// A number from 0 to less than 1.
pub(crate) fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A place in a list of so many.
pub(crate) fn place(random: &mut ChaCha8Rng, count: usize) -> usize {
    (uniform(random) * count as f64) as usize
}
