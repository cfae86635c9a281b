//! Sobol indices: which share of the variance of a result is due to each input alone, and in all with others.
//!
//! Sampling by two matrices and their crossings: Saltelli et al., "Variance based sensitivity analysis of model
//! output. Design and estimator for the total sensitivity index", Computer Physics Communications 181 (2010). Both
//! indices by the estimators of Jansen, "Analysis of variance designs for model output", Computer Physics
//! Communications 117 (1999). Intervals by resampling the rows (Archer, Saltelli and Sobol, "Sensitivity measures,
//! ANOVA-like techniques and the use of bootstrap", Journal of Statistical Computation and Simulation 58, 1997).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::search::sobol;

/// First-order and total index of one input.
type Pair = (f64, f64);

/// Resamplings from which intervals are told.
const RESAMPLINGS: usize = 500;
/// The square of the relative error that sums of costs may have.
const ROUNDING: f64 = 1e-24;
/// Both ends of an interval, as shares of the resamplings: 95% lie within.
const ENDS: (f64, f64) = (0.025, 0.975);

/// A number with its interval of 95% confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end of its interval.
    pub high: f64,
}

/// How one input moves the result, as shares of the variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Indices {
    /// By itself: the first-order index.
    pub first: Estimate,
    /// With all that it does together with others: the total index.
    pub total: Estimate,
}

/// Points of the unit cube at which a result must be known: for each row one of `A`, one of `B`, and for each input
/// that of `A` with this input from `B`.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    rows: usize,
    inputs: usize,
    seed: u64,
}

impl Design {
    /// A design with so many rows; scrambled Sobol points, best with a power of two.
    pub const fn new(rows: usize, inputs: usize, seed: u64) -> Self {
        Self { rows, inputs, seed }
    }

    /// The number of points: rows times (inputs + 2).
    pub const fn len(&self) -> usize {
        self.rows * (self.inputs + 2)
    }

    /// Whether there is no point.
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// All points, row by row: that of `A`, that of `B`, then those with one input exchanged.
    pub fn points(&self) -> Vec<Vec<f64>> {
        let seed = (self.seed ^ (self.seed >> 32)) as u32;
        let mut points = Vec::with_capacity(self.len());
        for row in 0..self.rows {
            let at = |dimension| sobol(row as u32, dimension, seed);
            let a: Vec<f64> = (0..self.inputs).map(at).collect();
            let b: Vec<f64> = (self.inputs..2 * self.inputs).map(at).collect();
            points.extend([a.clone(), b.clone()]);
            points.extend((0..self.inputs).map(|input| {
                let mut crossed = a.clone();
                crossed[input] = b[input];
                crossed
            }));
        }
        points
    }

    /// The indices of each input from the results at [`Self::points`]. Where no result differs, they are 0.
    pub fn indices(&self, results: &[f64]) -> Vec<Indices> {
        let rows: Vec<&[f64]> = results.chunks_exact(self.inputs + 2).take(self.rows).collect();
        let all: Vec<usize> = (0..rows.len()).collect();
        let plain = estimates(&rows, &all, self.inputs);
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let resampled: Vec<Vec<Pair>> = (0..RESAMPLINGS)
            .map(|_| {
                let chosen: Vec<usize> = all.iter().map(|_| (random.next_u64() % rows.len() as u64) as usize).collect();
                estimates(&rows, &chosen, self.inputs)
            })
            .collect();
        let interval = |value: f64, of: &dyn Fn(&Vec<Pair>) -> f64| {
            let mut values: Vec<f64> = resampled.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
            Estimate { value, low: at(ENDS.0), high: at(ENDS.1) }
        };
        let indices = plain.iter().enumerate().map(|(input, (first, total))| Indices {
            first: interval(*first, &|sample| sample[input].0),
            total: interval(*total, &|sample| sample[input].1),
        });
        indices.collect()
    }
}

/// First-order and total index of each input, from the chosen rows.
///
/// The variance is half the mean square of the differences between `A` and `B`, so that an input without any effect gets
/// exactly 0, and one that has all of it exactly 1, however few rows there are.
fn estimates(rows: &[&[f64]], chosen: &[usize], inputs: usize) -> Vec<Pair> {
    let squares =
        |from: usize, to: usize| chosen.iter().map(|row| (rows[*row][from] - rows[*row][to]).powi(2)).sum::<f64>();
    let size: f64 = chosen.iter().map(|row| rows[*row][0].powi(2) + rows[*row][1].powi(2)).sum();
    let all = squares(0, 1);
    // Results that differ by rounding alone have no variance to share.
    if all <= ROUNDING * size {
        return vec![(0.0, 0.0); inputs];
    }
    (0..inputs).map(|input| (1.0 - squares(1, input + 2) / all, squares(0, input + 2) / all)).collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    fn indices(rows: usize, inputs: usize, function: impl Fn(&[f64]) -> f64) -> Vec<Indices> {
        let design = Design::new(rows, inputs, 7);
        let points = design.points();
        assert_eq!(points.len(), design.len());
        let results: Vec<f64> = points.iter().map(|point| function(point)).collect();
        design.indices(&results)
    }

    /// Ishigami and Homma, "An importance quantification technique in uncertainty analysis for computer models"
    /// (1990), a = 7, b = 0.1: a function whose indices are known exactly.
    #[test]
    fn the_indices_of_the_ishigami_function_are_found() {
        let found = indices(4_096, 3, |point| {
            let x: Vec<f64> = point.iter().map(|share| PI * (2.0 * share - 1.0)).collect();
            x[0].sin() + 7.0 * x[1].sin().powi(2) + 0.1 * x[2].powi(4) * x[0].sin()
        });
        let exact = [(0.3139, 0.5576), (0.4424, 0.4424), (0.0, 0.2437)];
        for (indices, (first, total)) in found.iter().zip(exact) {
            assert!((indices.first.value - first).abs() < 0.02, "{indices:?} {first}");
            assert!((indices.total.value - total).abs() < 0.02, "{indices:?} {total}");
            assert!(indices.first.low <= indices.first.value && indices.first.value <= indices.first.high);
            assert!((indices.total.low..=indices.total.high).contains(&total), "{indices:?} {total}");
        }
    }

    #[test]
    fn of_a_sum_each_part_has_its_share_of_the_variance() {
        let found = indices(512, 2, |point| 3.0 * point[0] + point[1]);
        assert!((found[0].first.value - 0.9).abs() < 0.01 && (found[0].total.value - 0.9).abs() < 0.01, "{found:?}");
        assert!((found[1].total.value - 0.1).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn an_input_without_effect_has_no_share_and_the_only_one_with_effect_has_all() {
        let found = indices(8, 2, |point| point[1].exp());
        let share = |value: f64| Estimate { value, low: value, high: value };
        let of = |value: f64| Indices { first: share(value), total: share(value) };
        assert_eq!(found, [of(0.0), of(1.0)]);
    }

    #[test]
    fn what_never_changes_has_no_shares() {
        let nothing = Estimate { value: 0.0, low: 0.0, high: 0.0 };
        assert_eq!(indices(8, 1, |_| 0.1), [Indices { first: nothing, total: nothing }]);
    }
}
