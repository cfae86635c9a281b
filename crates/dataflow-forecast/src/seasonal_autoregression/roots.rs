//! The past as the autoregressions see it: fourth roots of the loads, scaled to mean zero and deviation one.

use serde::{Deserialize, Serialize};

/// A root beyond so many times the 99% quantile of all counts as that much (sixteen times the load), and is not learnt
/// from: one absurd value must not rule for weeks.
const CUT: f64 = 2.0;
const CUT_QUANTILE: f64 = 0.99;
/// A deviation below this share of the mean is rounding, not movement.
const FLAT: f64 = 1e-9;
/// A forecast may go beyond what was seen by so many deviations.
const MARGIN: f64 = 1.0;

/// Fourth roots of all loads since the start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Roots {
    /// Fourth roots, unscaled.
    values: Vec<f64>,
    /// `sums[i]` is the sum of the first `i` of them, cut.
    sums: Vec<f64>,
    missing: Vec<bool>,
    cut: f64,
    mean: f64,
    deviation: f64,
    /// The least and the largest scaled root.
    range: (f64, f64),
}

impl Roots {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Takes the next load in.
    pub(super) fn push(&mut self, load: f64, missing: bool) {
        self.values.push(load.sqrt().sqrt());
        self.missing.push(missing);
        // Before the first scale is set there is nothing to keep up.
        if let Some(sum) = self.sums.last() {
            self.sums.push(sum + self.cut_at(self.values.len() - 1));
            self.widen(self.scaled(self.values.len() - 1));
        }
    }

    /// Sets the scale by all that was taken in.
    pub(super) fn scale(&mut self) {
        let count = self.values.len() as f64;
        self.cut = cut(&self.values);
        self.sums = Vec::with_capacity(self.len() + 1);
        self.sums.push(0.0);
        for index in 0..self.len() {
            self.sums.push(self.sums[index] + self.cut_at(index));
        }
        self.mean = self.sums[self.len()] / count;
        let squares: f64 = self.values.iter().map(|root| (root.min(self.cut) - self.mean).powi(2) / count).sum();
        let deviation = squares.sqrt();
        self.deviation = if deviation > FLAT * self.mean { deviation } else { self.mean.max(1.0) };
        self.range = (f64::INFINITY, f64::NEG_INFINITY);
        (0..self.len()).for_each(|index| self.widen(self.scaled(index)));
    }

    /// The scaled root of an interval.
    pub(super) fn scaled(&self, interval: usize) -> f64 {
        (self.cut_at(interval) - self.mean) / self.deviation
    }

    /// The sum of the scaled roots of some intervals.
    pub(super) fn scaled_sum(&self, from: usize, until: usize) -> f64 {
        (self.sums[until] - self.sums[from] - (until - from) as f64 * self.mean) / self.deviation
    }

    /// The expected load where the scaled root is normal with this mean and variance: E r⁴ = m⁴ + 6m²v + 3v².
    pub(super) fn expected_load(&self, scaled: f64, scaled_variance: f64) -> f64 {
        let square = (scaled * self.deviation + self.mean).max(0.0).powi(2);
        let variance = scaled_variance * self.deviation * self.deviation;
        (square * square + 6.0 * square * variance + 3.0 * variance * variance).min(f64::MAX)
    }

    /// Whether it is whole, and a scale is set.
    pub(super) fn is_sound(&self) -> bool {
        self.missing.len() == self.len() && self.sums.len() == self.len() + 1 && self.deviation > 0.0
    }

    /// Whether the interval tells anything to learn from.
    pub(super) fn is_telling(&self, interval: usize) -> bool {
        !self.missing[interval] && self.values[interval] <= self.cut
    }

    /// A scaled forecast, kept near to what was ever seen.
    pub(super) fn within_reach(&self, scaled: f64) -> f64 {
        scaled.max(self.range.0 - MARGIN).min(self.range.1 + MARGIN)
    }

    pub(super) fn largest_load(&self) -> f64 {
        self.values.iter().copied().fold(0.0, f64::max).powi(4).min(f64::MAX)
    }

    fn cut_at(&self, interval: usize) -> f64 {
        self.values[interval].min(self.cut)
    }

    fn widen(&mut self, scaled: f64) {
        self.range = (self.range.0.min(scaled), self.range.1.max(scaled));
    }
}

/// The root at which absurd ones are cut: none where nearly all loads are zero.
fn cut(roots: &[f64]) -> f64 {
    let mut sorted = roots.to_vec();
    let rank = (CUT_QUANTILE * sorted.len() as f64) as usize;
    if rank >= sorted.len() {
        return f64::MAX;
    }
    let (_, usual, _) = sorted.select_nth_unstable_by(rank, f64::total_cmp);
    if *usual > 0.0 { CUT * *usual } else { f64::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(loads: &[f64]) -> Roots {
        let mut roots = Roots::default();
        for load in loads {
            roots.push(*load, false);
        }
        roots.scale();
        roots
    }

    #[test]
    fn roots_are_scaled_and_back() {
        let roots = roots(&[16.0, 81.0, 16.0, 81.0]);
        // Roots 2 and 3: mean 2.5, deviation 0.5.
        assert_eq!([roots.scaled(0), roots.scaled(1)], [-1.0, 1.0]);
        assert_eq!(roots.expected_load(-1.0, 0.0), 16.0);
        // 16 + 6 · 4 · 1/4 + 3 / 16.
        assert_eq!(roots.expected_load(-1.0, 1.0), 22.1875);
        assert_eq!(roots.scaled_sum(1, 4), 1.0);
        assert_eq!(roots.within_reach(7.0), 2.0);
    }

    #[test]
    fn an_absurd_load_is_cut_and_not_learnt_from() {
        let mut loads = vec![16.0; 200];
        loads[100] = 1e18;
        let spiked = roots(&loads);
        assert!(!spiked.is_telling(100) && spiked.is_telling(99));
        assert!(spiked.mean < 2.02, "{}", spiked.mean);
        assert!(roots(&[0.0; 50]).is_telling(3));
    }
}
