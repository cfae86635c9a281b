//! How many different names there are, in 16 KB, whatever their number.
//!
//! `HyperLogLog` (Flajolet, Fusy, Gandouet and Meunier, 2007) with the estimator of O. Ertl, *New cardinality estimation
//! algorithms for `HyperLogLog` sketches* (2017), algorithm 6, which needs no tables against bias.

/// Bits of a hash that choose a register: the standard error is 1.04 / √2¹⁴ = 0.8 %.
const BITS: u32 = 14;
const REGISTERS: usize = 1 << BITS;
/// The rest of a hash, in which leading zeros are counted.
const REST: u32 = u64::BITS - BITS;

/// Registers of the most leading zeros seen, plus one.
#[derive(Debug, Clone)]
pub(super) struct Distinct(Box<[u8]>);

impl Default for Distinct {
    fn default() -> Self {
        Self(vec![0; REGISTERS].into_boxed_slice())
    }
}

impl Distinct {
    /// Sees a name by its hash.
    pub(super) fn add(&mut self, hash: u64) {
        let rank = ((hash << BITS).leading_zeros().min(REST) + 1) as u8;
        let register = &mut self.0[(hash >> REST) as usize];
        *register = rank.max(*register);
    }

    /// The number of different hashes seen.
    pub(super) fn estimate(&self) -> u64 {
        let mut counts = [0_u32; REST as usize + 2];
        for register in &self.0 {
            counts[usize::from(*register).min(REST as usize + 1)] += 1;
        }
        let size = REGISTERS as f64;
        let mut sum = size * tau(1.0 - f64::from(counts[REST as usize + 1]) / size);
        for count in counts[1..=REST as usize].iter().rev() {
            sum = 0.5 * (sum + f64::from(*count));
        }
        sum += size * sigma(f64::from(counts[0]) / size);
        (size * size / (2.0 * std::f64::consts::LN_2 * sum)).round() as u64
    }
}

/// Σ x^(2ᵏ) 2^(k−1), with x itself: the share of empty registers.
fn sigma(share: f64) -> f64 {
    if share >= 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut weight, mut sum) = (share, 1.0, share);
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

/// The counterpart of [`sigma`] for the share of registers that are not full.
fn tau(share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return 0.0;
    }
    let (mut x, mut weight, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        x = x.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - x).powi(2) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use twox_hash::XxHash3_64;

    use super::*;

    #[test]
    fn estimates_are_within_four_standard_errors() {
        let mut distinct = Distinct::default();
        assert_eq!(distinct.estimate(), 0);
        let mut seen = 0_u64;
        for number in [1_u64, 10, 100, 1_000, 30_000, 100_000, 1_000_000] {
            while seen < number {
                distinct.add(XxHash3_64::oneshot(&seen.to_le_bytes()));
                seen += 1;
            }
            let error = (distinct.estimate() as f64 / number as f64 - 1.0).abs();
            assert!(error < 4.0 * 1.04 / (REGISTERS as f64).sqrt(), "{number}: {error}");
        }
    }
}
