//! Status classes and sizes of the replies, one draw per request.
//!
//! A successful reply has a size between the measured quantiles, with a Pareto upper tail (the usual finding for files
//! on web servers: M. E. Crovella and A. Bestavros, *Self-similarity in World Wide Web traffic*, IEEE/ACM Transactions
//! on Networking 5(6), 1997) cut at the largest file. Sizes are whole bytes from a table of 4,096 equally likely ones,
//! scaled so that the mean over all requests is the trace's.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::nasa_figures as figures;
use crate::log::Row;

/// Cells of the table of quantiles, each of equal probability.
const CELLS: usize = 4_096;

/// The number of different 32-bit draws.
const DRAWS: f64 = 4_294_967_296.0;

/// The replies of one interval: counts by class in the order success, no change, redirected, not found, error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Replies {
    pub(super) classes: [u32; 5],
    pub(super) bytes: u64,
}

impl Replies {
    pub(super) fn requests(&self) -> u64 {
        self.classes.iter().copied().map(u64::from).sum()
    }
}

impl From<&Replies> for Row {
    fn from(replies: &Replies) -> Self {
        let [success, no_change, redirected, not_found, error] = replies.classes.map(u64::from);
        let (requests, bytes) = (replies.requests(), replies.bytes);
        Self { requests, bytes, success, no_change, redirected, not_found, error }
    }
}

/// Draws classes and sizes of replies.
pub(super) struct ReplyTable {
    /// Draws below each threshold, in the order of the classes, belong to the class.
    thresholds: [u32; 4],
    /// Bytes of a successful reply by cell.
    sizes: Vec<u32>,
    /// Bytes of the replies that are not successes: the classes from no change on.
    other_sizes: [u64; 4],
}

impl ReplyTable {
    /// The table for the measured shares and sizes.
    pub(super) fn new() -> Self {
        let [success, ..] = figures::CLASS_SHARES;
        let others: f64 = figures::CLASS_SHARES[1..]
            .iter()
            .zip(figures::OTHER_BYTES)
            .map(|(share, bytes)| share * bytes as f64)
            .sum();
        let success_mean = (figures::BYTES_PER_REQUEST - others) / success;
        let quantiles: Vec<f64> = (0..CELLS).map(|cell| size_quantile((cell as f64 + 0.5) / CELLS as f64)).collect();
        let scale = success_mean * CELLS as f64 / quantiles.iter().sum::<f64>();
        let mut below = 0.0;
        let thresholds = std::array::from_fn(|class| {
            below += figures::CLASS_SHARES[class];
            libm::round(below * DRAWS).min(DRAWS - 1.0) as u32
        });
        let sizes = quantiles.iter().map(|size| libm::round(size * scale) as u32).collect();
        Self { thresholds, sizes, other_sizes: figures::OTHER_BYTES }
    }

    /// Draws the replies to so many requests.
    pub(super) fn draw(&self, random: &mut ChaCha8Rng, requests: u64) -> Replies {
        let mut replies = Replies::default();
        let success = u64::from(self.thresholds[0]);
        for _ in 0..requests {
            let draw = random.next_u32();
            if u64::from(draw) < success {
                // The draw is uniform below the threshold, so it also tells the cell.
                let cell = (u64::from(draw) * CELLS as u64 / success) as usize;
                replies.classes[0] += 1;
                replies.bytes += u64::from(self.sizes[cell]);
            } else {
                let class = 1 + self.thresholds[1..].iter().filter(|threshold| draw >= **threshold).count();
                replies.classes[class] += 1;
                replies.bytes += self.other_sizes[class - 1];
            }
        }
        replies
    }
}

/// The size in bytes of a successful reply at this probability: on straight lines of log-size between the measured
/// quantiles, then Pareto cut at the largest size. Not yet scaled to the trace's mean.
fn size_quantile(probability: f64) -> f64 {
    for pair in figures::SIZE_QUANTILES.windows(2) {
        let [(from, low), (to, high)] = [pair[0], pair[1]];
        if probability < to {
            let within = (probability - from) / (to - from);
            return libm::exp(libm::log(low) + within * (libm::log(high) - libm::log(low)));
        }
    }
    let [.., (tail_begins, lowest)] = figures::SIZE_QUANTILES;
    let within = (probability - tail_begins) / (1.0 - tail_begins);
    let cut = libm::pow(lowest / figures::SIZE_MAX, figures::SIZE_TAIL_INDEX);
    lowest / libm::pow(1.0 - within * (1.0 - cut), 1.0 / figures::SIZE_TAIL_INDEX)
}
