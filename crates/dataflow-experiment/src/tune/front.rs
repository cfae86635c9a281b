//! Cost against dropped load: what was tried, and which of it nothing else beats in both.

use super::Score;
use crate::search::{Budget, Trial};

/// How much dropped load is worth in the searches beside the one for the cost, in its own price.
pub(super) const WEIGHTS: [f64; 3] = [0.2, 8.0, 100.0];

/// Settings that were tried on all folds.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// A value for each number varied.
    pub values: Vec<f64>,
    /// What they come to on the training part.
    pub score: Score,
}

impl Attempt {
    pub(super) fn of(trial: Trial<Score>) -> Self {
        let score = Score::sum(trial.results.into_iter().flatten());
        Self { values: trial.values, score }
    }

    /// Those that no other beats in cost without dropping more, the cheapest first.
    pub fn front(attempts: &[Self]) -> Vec<&Self> {
        let mut ordered: Vec<&Self> = attempts.iter().collect();
        let key = |attempt: &Self| (attempt.score.cost, attempt.score.dropped_share());
        ordered.sort_by(|left, right| {
            let (left, right) = (key(left), key(right));
            left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1))
        });
        let mut least = f64::INFINITY;
        ordered.retain(|attempt| {
            let dropped = attempt.score.dropped_share();
            let is_less = dropped < least;
            least = least.min(dropped);
            is_less
        });
        ordered
    }
}

/// Evaluations of each search beside the one for the cost.
pub(super) const fn evaluations(budget: Budget) -> usize {
    budget.evaluations / (2 * WEIGHTS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_holds_what_nothing_beats_in_both() {
        let attempt = |cost: f64, dropped: f64| Attempt {
            values: vec![cost],
            score: Score { cost, dropped, offered: 100.0, ..Score::default() },
        };
        let attempts =
            [(3.0, 2.0), (1.0, 9.0), (2.0, 9.0), (2.0, 5.0), (4.0, 2.0), (9.0, 0.0)].map(|(c, d)| attempt(c, d));
        let costs: Vec<f64> = Attempt::front(&attempts).iter().map(|attempt| attempt.score.cost).collect();
        assert_eq!(costs, [1.0, 2.0, 3.0, 9.0]);
    }
}
