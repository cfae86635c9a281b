//! Whether one model's errors are smaller than another's by more than chance.
//!
//! Sources: Diebold and Mariano, *Comparing Predictive Accuracy* (1995), equation 1 with its truncated estimate of the
//! variance; Harvey, Leybourne and Newbold, *Testing the Equality of Prediction Mean Squared Errors* (1997), for the
//! correction of small samples and Student's distribution; where the truncated estimate is not positive, the weights
//! of Newey and West, *A Simple, Positive Semi-Definite, … Covariance Matrix* (1987).

use serde::Serialize;

/// The fewest pairs of errors from which a test is made.
const PAIRS_MIN: usize = 8;
/// The continued fraction of the incomplete beta function converges within some √(a + b) terms.
const FRACTION_TERMS: usize = 100_000;

/// The outcome of a Diebold–Mariano test on squared errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DieboldMariano {
    /// The corrected statistic: below zero where the first model's squared errors are smaller.
    pub statistic: f64,
    /// How likely a statistic at least so far from zero is where both models are equally good (two-sided).
    pub p_value: f64,
    /// Pairs of errors compared.
    pub count: usize,
}

impl DieboldMariano {
    /// Whether the first model is better, or worse, than chance explains at this level (such as 0.05); `None` where
    /// the test cannot tell.
    pub fn first_is_better(&self, level: f64) -> Option<bool> {
        (self.p_value < level).then_some(self.statistic < 0.0)
    }
}

/// Tests the squared errors of two models on the same intervals, `horizon` steps ahead. Intervals where either error is
/// not a number are left out. `None` where there are fewer than eight pairs or they never differ.
pub fn diebold_mariano(first: &[f64], second: &[f64], horizon: usize) -> Option<DieboldMariano> {
    // Squares of huge errors would overflow; the statistic does not depend on the unit.
    let scale = first
        .iter()
        .chain(second)
        .filter(|error| error.is_finite())
        .fold(0.0, |most: f64, error| most.max(error.abs()));
    if scale == 0.0 {
        return None;
    }
    let difference = |(one, two): (&f64, &f64)| (one / scale).powi(2) - (two / scale).powi(2);
    let differences: Vec<f64> = first.iter().zip(second).map(difference).collect();
    let count = differences.iter().filter(|difference| difference.is_finite()).count();
    if count < PAIRS_MIN || horizon == 0 {
        return None;
    }
    let mean = differences.iter().filter(|difference| difference.is_finite()).sum::<f64>() / count as f64;
    // With as many lags as pairs the variance could not be estimated at all.
    let horizon = horizon.min(count / 2);
    let variance = long_run_variance(&differences, mean, count, horizon - 1)?;
    let (n, h) = (count as f64, horizon as f64);
    let correction = ((n + 1.0 - 2.0 * h + h * (h - 1.0) / n) / n).sqrt();
    let statistic = mean / (variance / n).sqrt() * correction;
    Some(DieboldMariano { statistic, p_value: two_sided(statistic, n - 1.0), count })
}

/// The variance of √n times the mean: autocovariances up to `lags`, over the pairs that are both there.
fn long_run_variance(differences: &[f64], mean: f64, count: usize, lags: usize) -> Option<f64> {
    let autocovariance = |lag: usize| {
        let pairs = differences.iter().zip(&differences[lag.min(differences.len())..]);
        let products = pairs.map(|(one, two)| (one - mean) * (two - mean));
        products.filter(|product| product.is_finite()).sum::<f64>() / count as f64
    };
    let own = autocovariance(0);
    // What is left of a constant difference is rounding.
    if own <= 1e-24 * mean * mean {
        return None;
    }
    let later: Vec<f64> = (1..=lags).map(autocovariance).collect();
    let truncated = own + 2.0 * later.iter().sum::<f64>();
    if truncated > 0.0 {
        return Some(truncated);
    }
    let weight = |lag: usize| 1.0 - lag as f64 / (lags + 1) as f64;
    let weighted = own + 2.0 * later.iter().enumerate().map(|(index, value)| weight(index + 1) * value).sum::<f64>();
    (weighted > 0.0).then_some(weighted)
}

/// How likely Student's t with so many degrees of freedom lies at least so far from zero.
fn two_sided(statistic: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / (freedom + statistic * statistic), freedom / 2.0, 0.5)
}

/// The regularised incomplete beta function by its continued fraction (modified Lentz). Source: *NIST Digital Library
/// of Mathematical Functions*, 8.17.22.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges fast on this side only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for term in 1..FRACTION_TERMS {
        let m = term as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (libm::exp(front) * fraction / a).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() < tolerance, "{value} is not {expected}");
    }

    #[test]
    fn students_tails_are_those_of_the_tables() {
        // The two-sided 5% points of 1, 5 and 30 degrees of freedom, and of so many that it is the normal's.
        for (freedom, point) in [(1.0, 12.706_204_736), (5.0, 2.570_581_836), (30.0, 2.042_272_456), (1e7, 1.959_964_2)]
        {
            close(two_sided(point, freedom), 0.05, 1e-7);
        }
        close(two_sided(0.0, 9.0), 1.0, 1e-12);
    }

    #[test]
    fn one_step_ahead_it_is_a_corrected_t_test_of_the_squared_errors() {
        let first = [1.0, 2.0, 1.0, 3.0, 1.0, 2.0, 2.0, 1.0, 0.0, 1.0];
        let second = [2.0, 2.0, 3.0, 3.0, 2.0, 1.0, 4.0, 2.0, 1.0, 2.0];
        let differences = [-3.0, 0.0, -8.0, 0.0, -3.0, 3.0, -12.0, -3.0, -1.0, -3.0];
        let mean = differences.iter().sum::<f64>() / 10.0;
        let variance = differences.iter().map(|value: &f64| (value - mean).powi(2)).sum::<f64>() / 10.0;
        let test = diebold_mariano(&first, &second, 1).unwrap();
        close(test.statistic, mean / (variance / 10.0).sqrt() * 0.9_f64.sqrt(), 1e-12);
        close(
            test.statistic,
            diebold_mariano(&first.map(|error| error * 1e200), &second.map(|error| error * 1e200), 1)
                .unwrap()
                .statistic,
            1e-12,
        );
        assert_eq!((test.first_is_better(0.1), test.first_is_better(0.01)), (Some(true), None));
        assert_eq!(diebold_mariano(&second, &first, 1).unwrap().first_is_better(0.1), Some(false));
    }

    #[test]
    fn further_ahead_overlapping_errors_count_for_less() {
        // Errors that stay for many steps: as independent ones they would seem to prove much.
        let wave = |step: usize| if (step / 12).is_multiple_of(2) { 3.0 } else { 1.0 };
        let first: Vec<f64> = (0..96).map(wave).collect();
        let second = vec![2.5; 96];
        let at = |horizon| diebold_mariano(&first, &second, horizon).unwrap().p_value;
        assert!(at(6) > at(1), "{} {}", at(6), at(1));
    }

    #[test]
    fn what_cannot_be_tested_is_not() {
        assert_eq!(diebold_mariano(&[1.0; 20], &[1.0; 20], 1), None);
        assert_eq!(diebold_mariano(&[0.0; 20], &[0.0; 20], 1), None);
        assert_eq!(diebold_mariano(&[1.0; 5], &[2.0, 1.0, 2.0, 0.0, 3.0], 1), None);
        let gap = |value: f64| [[value; 10], [f64::NAN; 10]].concat();
        assert_eq!(diebold_mariano(&gap(1.0), &gap(1.5), 3).map(|test| test.count), None, "a constant difference");
        let mut first = gap(1.0);
        first[3] = 2.0;
        assert_eq!(diebold_mariano(&first, &gap(1.5), 300).unwrap().count, 10);
    }
}
