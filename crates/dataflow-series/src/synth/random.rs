//! Random numbers of the synthetic traces: seeded, in independent streams, the same everywhere.
//!
//! The generator is [`ChaCha8Rng`] (D. J. Bernstein, *`ChaCha`, a variant of Salsa20*, 2008), whose output is fixed by
//! its definition. Gamma and Poisson variates come from `rand_distr`, which together with `libm` computes in
//! plain Rust, not in the platform's C library.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution, Gamma, Poisson, StandardNormal};

/// What a stream of random numbers is for. Each part of a trace draws from its own stream, so that a change in one
/// part leaves the others as they were.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    /// Slow and hourly changes of the level.
    Level = 1,
    /// When and how strongly rare things happen: bursts, crowds, batches, outages.
    Happenings = 2,
    /// Short stalls of the server.
    Stalls = 6,
    /// Requests per minute, given their rate.
    Counts = 3,
    /// How the requests of one minute are spread over shorter intervals.
    Spread = 4,
    /// Status class and size of each reply.
    Replies = 5,
}

/// The random numbers of one part of the trace with this seed.
pub(super) fn stream(seed: u64, stream: Stream) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream as u64);
    random
}

/// A number from 0 to less than 1.
pub(super) fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A standard normal variate.
pub(super) fn normal(random: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(random)
}

/// A Poisson variate; 0 for a mean that is not positive.
pub(super) fn poisson(random: &mut ChaCha8Rng, mean: f64) -> u64 {
    // Below this the chance of any event is under 10⁻⁹, and the distribution's own set-up loses its precision.
    if mean < 1e-9 {
        return 0;
    }
    Poisson::new(mean).map_or(0, |distribution| distribution.sample(random) as u64)
}

/// A gamma variate with this mean and scale (variance = mean · scale); 0 for a mean that is not positive.
pub(super) fn gamma(random: &mut ChaCha8Rng, mean: f64, scale: f64) -> f64 {
    Gamma::new(mean / scale, scale).map_or(0.0, |distribution| distribution.sample(random))
}

/// A stationary first-order autoregression with mean 0, sampled once a minute (an Ornstein–Uhlenbeck process).
#[derive(Debug, Clone)]
pub(super) struct Autoregression {
    value: f64,
    decay: f64,
    innovation: f64,
}

impl Autoregression {
    /// Starts in the stationary state with this standard deviation; `decay` is the correlation of neighbours.
    pub(super) fn new(random: &mut ChaCha8Rng, deviation: f64, decay: f64) -> Self {
        let innovation = deviation * libm::sqrt(1.0 - decay * decay);
        Self { value: deviation * normal(random), decay, innovation }
    }

    /// The next value.
    pub(super) fn next(&mut self, random: &mut ChaCha8Rng) -> f64 {
        self.value = self.decay * self.value + self.innovation * normal(random);
        self.value
    }
}
