//! How much each member of a combination counts, from the errors they made on the same loads.
//!
//! The weights are at least zero, sum to one, and minimise the squared error of the combination plus a penalty on
//! their distance from equal weights, which are hard to beat. Source: Bates and Granger, *The Combination of Forecasts*
//! (1969); Diebold and Pauly, *The use of prior information in forecast combination* (1990), for the shrinkage.

/// The penalty, as a share of the mean squared error of a member. Chosen before the hold-out of the NASA trace.
const SHRINKAGE: f64 = 0.2;
/// An error counts as at most so many times the median one, lest one absurd load decide.
const ERROR_MAX: f64 = 10.0;
/// The fewest loads that weights are learnt from.
const RECORDS_MIN: usize = 20;
const ITERATIONS: usize = 500;

/// Sums of products of the members' errors, each relative to the median one and cut.
pub(super) struct ErrorProducts {
    members: usize,
    products: Vec<f64>,
}

impl ErrorProducts {
    /// From one row of errors per load, `members` in each; `None` if they are too few, or all zero.
    pub(super) fn new(members: usize, rows: impl Iterator<Item = impl AsRef<[f64]>> + Clone) -> Option<Self> {
        let mut sizes: Vec<f64> =
            rows.clone().flat_map(|row| row.as_ref().iter().map(|error| error.abs()).collect::<Vec<_>>()).collect();
        if sizes.len() < RECORDS_MIN * members {
            return None;
        }
        let middle = sizes.len() / 2;
        let median = *sizes.select_nth_unstable_by(middle, f64::total_cmp).1;
        if !(median > 0.0 && median.is_finite()) {
            return None;
        }
        let mut products = vec![0.0; members * members];
        for row in rows {
            let cut = |member: usize| (row.as_ref()[member] / median).clamp(-ERROR_MAX, ERROR_MAX);
            for (place, product) in products.iter_mut().enumerate() {
                *product += cut(place / members) * cut(place % members);
            }
        }
        Some(Self { members, products })
    }

    /// The sum of squared errors of one member, in units that are the same for all.
    pub(super) fn squared(&self, member: usize) -> f64 {
        self.products[member * (self.members + 1)]
    }

    /// The weights.
    pub(super) fn weights(&self) -> Vec<f64> {
        let members = self.members;
        let equal = 1.0 / members as f64;
        let trace: f64 = (0..members).map(|member| self.squared(member)).sum();
        let penalty = SHRINKAGE * trace / members as f64;
        let mut weights = vec![equal; members];
        // The trace is at least the largest curvature, so that no step is too long.
        let step = 1.0 / (trace + penalty);
        for _ in 0..ITERATIONS {
            let slope = |member: usize| {
                let row = &self.products[member * members..(member + 1) * members];
                let fit: f64 = row.iter().zip(&weights).map(|(product, weight)| product * weight).sum();
                fit + penalty * (weights[member] - equal)
            };
            let moved = (0..members).map(|member| weights[member] - step * slope(member)).collect();
            weights = onto_simplex(moved);
        }
        weights
    }
}

/// The nearest weights that are at least zero and sum to one. Source: Duchi, Shalev-Shwartz, Singer and Chandra,
/// *Efficient Projections onto the l1-Ball for Learning in High Dimensions* (2008), figure 1.
fn onto_simplex(mut point: Vec<f64>) -> Vec<f64> {
    let mut sorted = point.clone();
    sorted.sort_by(|one, other| other.total_cmp(one));
    let (mut sum, mut excess) = (0.0, 0.0);
    for (place, value) in sorted.iter().enumerate() {
        sum += value;
        let candidate = (sum - 1.0) / (place + 1) as f64;
        if *value > candidate {
            excess = candidate;
        }
    }
    for value in &mut point {
        *value = (*value - excess).max(0.0);
    }
    point
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(rows: &[[f64; 3]]) -> Vec<f64> {
        ErrorProducts::new(3, rows.iter()).unwrap().weights()
    }

    #[test]
    fn errors_that_cancel_are_combined_and_bad_members_left_out() {
        let rows: Vec<[f64; 3]> = (0..200)
            .map(|row| {
                let error = f64::from(row * 7919 % 13) - 6.0;
                [error, -error, 8.0 * error + 3.0]
            })
            .collect();
        let weights = weights(&rows);
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(weights[2] < 0.1 && weights[1] > 0.4, "{weights:?}");
    }

    #[test]
    fn equal_members_count_the_same_and_one_absurd_error_changes_little() {
        let mut rows: Vec<[f64; 3]> =
            (0..200).map(|row| [row % 17, row / 3 % 17, row / 7 % 17].map(|error: i32| f64::from(error - 8))).collect();
        let before = weights(&rows);
        assert!(before.iter().all(|weight| (weight - 1.0 / 3.0).abs() < 0.1), "{before:?}");
        rows[3] = [1e18, 0.0, f64::MAX];
        let after = weights(&rows);
        assert!(before.iter().zip(&after).all(|(one, other)| (one - other).abs() < 0.25), "{after:?}");
    }

    #[test]
    fn too_few_or_no_errors_say_nothing() {
        assert!(ErrorProducts::new(2, [[1.0, 2.0]; 5].iter()).is_none());
        assert!(ErrorProducts::new(2, [[0.0, 0.0]; 50].iter()).is_none());
    }
}
