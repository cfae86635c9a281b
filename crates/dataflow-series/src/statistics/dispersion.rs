//! Whether counts vary as those of a Poisson process do.

/// The 97.5 % quantile of the standard normal distribution.
const NORMAL_975: f64 = 1.959_963_984_540_054;

/// The index of dispersion within short blocks, and what a Poisson process would show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dispersion {
    /// Variance over mean, from all blocks together: 1 for a Poisson process, more for bursts.
    pub index: f64,
    /// Where 95 % of Poisson processes of this length have it.
    pub poisson: (f64, f64),
    /// Degrees of freedom: values less blocks.
    pub degrees: u64,
}

impl Dispersion {
    /// Whether the counts are as those of a Poisson process, as far as 95 % can tell.
    pub fn is_poisson(&self) -> bool {
        (self.poisson.0..=self.poisson.1).contains(&self.index)
    }
}

/// Measures counts in blocks of so many, short enough that the rate hardly changes within one: Σ (x − m)² / m over all
/// blocks, m the mean of a block, over the degrees of freedom. Blocks with a gap or without any count tell nothing.
/// `None` without a block.
///
/// Under a Poisson process the sum is χ² distributed (R. A. Fisher, *Statistical Methods for Research Workers*, 1925,
/// section 16), whose quantiles are those of Wilson and Hilferty (1931).
pub fn dispersion(values: impl Iterator<Item = Option<f64>>, block: usize) -> Option<Dispersion> {
    let (mut total, mut degrees) = (0.0, 0_u64);
    let mut whole = Vec::with_capacity(block);
    let mut is_whole = true;
    for (place, value) in values.enumerate() {
        match value {
            Some(value) => whole.push(value),
            None => is_whole = false,
        }
        if (place + 1) % block.max(2) == 0 {
            let mean = whole.iter().sum::<f64>() / whole.len().max(1) as f64;
            if is_whole && mean > 0.0 {
                total += whole.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / mean;
                degrees += whole.len() as u64 - 1;
            }
            whole.clear();
            is_whole = true;
        }
    }
    let spread = |normal: f64| {
        let part = 2.0 / (9.0 * degrees as f64);
        (1.0 - part + normal * part.sqrt()).powi(3)
    };
    let index = total / degrees as f64;
    (degrees > 0).then(|| Dispersion { index, poisson: (spread(-NORMAL_975), spread(NORMAL_975)), degrees })
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use rand_distr::{Distribution, Poisson};

    use super::*;

    #[test]
    fn poisson_counts_are_recognised_and_bursts_are_not() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let poisson = Poisson::new(3.0).unwrap();
        let counts: Vec<Option<f64>> = (0..6_000).map(|_| Some(poisson.sample(&mut random))).collect();
        let measured = dispersion(counts.iter().copied(), 600).unwrap();
        assert!(measured.is_poisson() && measured.degrees == 10 * 599, "{measured:?}");
        let doubled = dispersion(counts.iter().map(|count| count.map(|count| 2.0 * count)), 600).unwrap();
        assert!(!doubled.is_poisson() && (doubled.index - 2.0 * measured.index).abs() < 1e-9);
    }

    #[test]
    fn the_quantiles_are_those_of_tables() {
        // χ² with 30 degrees of freedom: 16.791 and 46.979.
        let one = dispersion((0..31).map(|place| Some(f64::from(place % 2))), 31).unwrap();
        assert!((one.poisson.0 * 30.0 - 16.791).abs() < 0.02 && (one.poisson.1 * 30.0 - 46.979).abs() < 0.02);
        assert_eq!(dispersion([Some(0.0), Some(0.0)].into_iter(), 2), None);
        assert_eq!(dispersion([None, Some(1.0)].into_iter(), 2), None);
    }
}
