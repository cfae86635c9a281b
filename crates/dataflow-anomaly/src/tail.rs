//! From a surprise to how rare it is: the probability of at least so large a surprise, judged by those of the past.
//!
//! Among what was seen the probability is the conformal p-value. Beyond the largest twentieth of the past it follows a
//! generalised Pareto tail, so that a surprise never seen before still has a finite, comparable rarity.
//!
//! Sources: Laxhammar and Falkman, *Conformal Prediction for Distribution-Independent Anomaly Detection in Streaming
//! Vessel Data* (2010); Siffer, Fouque, Termier, Largouët, *Anomaly Detection in Streams with Extreme Value Theory*
//! (2017); the fit by probability-weighted moments: Hosking and Wallis, *Parameter and Quantile Estimation for the
//! Generalized Pareto Distribution* (1987), section 3.

use dataflow_forecast::SortedWindow;

/// So many surprises of the past are kept.
const KEPT: usize = 4_096;
/// With fewer nothing is said to be rare.
const LEAST: usize = 32;
/// The tail begins above all but this share of the past, with at least [`LEAST_BEYOND`] surprises in it.
const TAIL_SHARE: f64 = 0.05;
const LEAST_BEYOND: usize = 10;
/// The shape of a tail: 0 is exponential; heavier ones than this have no variance.
const HEAVIEST: f64 = 0.5;
/// Surprises are cut here, so that their sums stay finite.
const LARGEST: f64 = 1e150;
/// Surprises that differ by less than this share are the same one, computed differently.
const SAME: f64 = 1e-9;
/// The least probability told.
const RAREST: f64 = 1e-300;

/// The surprises of the past.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    past: SortedWindow,
}

impl Tail {
    pub(crate) fn new() -> Self {
        Self { past: SortedWindow::new(KEPT) }
    }

    /// The probability of a surprise of at least this size, in (0, 1]; 1 while too little is known.
    pub(crate) fn probability(&self, surprise: f64) -> f64 {
        let past = self.past.sorted();
        let count = past.len();
        if count < LEAST {
            return 1.0;
        }
        let surprise = surprise.min(LARGEST);
        let beyond = ((count as f64 * TAIL_SHARE) as usize).max(LEAST_BEYOND);
        let (body, tail) = past.split_at(count - beyond);
        let start = body.last().copied().unwrap_or(0.0);
        if surprise <= start + SAME * start {
            let at_least = count - past.partition_point(|other| *other < surprise);
            return (at_least + 1) as f64 / (count + 1) as f64;
        }
        let share = (beyond + 1) as f64 / (count + 1) as f64;
        (share * pareto(start, tail, surprise)).max(RAREST)
    }

    /// Takes a surprise into the past.
    pub(crate) fn push(&mut self, surprise: f64) {
        self.past.push(surprise.min(LARGEST));
    }
}

/// The probability of at least `surprise`, given that it lies above `start`, after the excesses of `tail` (ascending).
fn pareto(start: f64, tail: &[f64], surprise: f64) -> f64 {
    let count = tail.len() as f64;
    let mut mean = 0.0;
    let mut weighted = 0.0;
    for (rank, other) in tail.iter().enumerate() {
        let excess = (other - start) / count;
        mean += excess;
        weighted += excess * (1.0 - (rank as f64 + 0.65) / count);
    }
    if mean <= 0.0 {
        return 0.0;
    }
    let shape = (2.0 - mean / (mean - 2.0 * weighted)).clamp(0.0, HEAVIEST);
    // The scale that keeps the mean excess, which is scale / (1 − shape).
    let scale = mean * (1.0 - shape);
    let excess = surprise - start;
    if scale <= SAME * excess {
        return 0.0;
    }
    if shape < 1e-6 {
        return libm::exp(-excess / scale);
    }
    libm::pow(1.0 + shape * excess / scale, -1.0 / shape)
}

/// The score of a probability: 0 for the usual, one half at `rate`, towards 1 for the impossible.
pub(crate) fn score(probability: f64, rate: f64) -> f64 {
    let rarity = -libm::log(probability.clamp(RAREST, 1.0));
    rarity / (rarity - libm::log(rate))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Quantiles of the exponential distribution, in an order that mixes small and large.
    fn exponential(count: usize) -> Tail {
        let mut tail = Tail::new();
        for index in 0..count {
            let place = (index * 7_919) % count;
            tail.push(-libm::log((place as f64 + 0.5) / count as f64));
        }
        tail
    }

    #[test]
    fn an_exponential_tail_is_continued_beyond_what_was_seen() {
        let tail = exponential(2_000);
        for (surprise, expected) in [(0.1_f64, 0.905), (2.0, 0.135), (5.0, 6.7e-3), (9.2, 1.0e-4), (13.8, 1.0e-6)] {
            let probability = tail.probability(surprise);
            assert!((probability / expected).ln().abs() < 0.7, "{surprise}: {probability:e}, not {expected:e}");
        }
    }

    #[test]
    fn nothing_is_rare_before_much_is_known_and_a_first_change_is() {
        let mut tail = Tail::new();
        assert_eq!(tail.probability(1e9), 1.0);
        (0..100).for_each(|_| tail.push(2.0));
        assert_eq!(tail.probability(2.0), 1.0);
        assert!(tail.probability(2.1) < 1e-9);
    }

    #[test]
    fn one_half_is_the_rate() {
        assert!((score(0.001, 0.001) - 0.5).abs() < 1e-12);
        assert_eq!(score(1.0, 0.001), 0.0);
        assert!(score(0.0, 0.001) < 1.0);
    }

    proptest! {
        #[test]
        fn a_larger_surprise_is_never_less_rare(
            past in prop::collection::vec(prop_oneof![0.0_f64..3.0, Just(1e18), Just(f64::MAX)], 0..200),
            one in 0.0_f64..1e19, other in 0.0_f64..1e19,
        ) {
            let mut tail = Tail::new();
            for surprise in past {
                tail.push(surprise);
            }
            let (small, large) = (tail.probability(one.min(other)), tail.probability(one.max(other)));
            prop_assert!(large <= small && large > 0.0 && small <= 1.0, "{small} then {large}");
        }
    }
}
