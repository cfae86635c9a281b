//! The least error that any honest forecast of counts can have.
//!
//! Requests that arrive independently make counts whose variance is their mean (Poisson); requests that come in groups,
//! or of unlike sizes, make it larger by a factor, the dispersion. No forecast knows more than the rate, so over many
//! intervals its RMSE cannot lie below √(mean · dispersion). What does has seen the load it was to forecast, or the
//! load is no sum of independent arrivals.
//! Source: Cox and Lewis, *The Statistical Analysis of Series of Events* (1966), section 4.5 (the index of dispersion).

use serde::Serialize;

/// The fewest finer loads within an interval from which its dispersion is measured.
const PARTS_MIN: usize = 4;
/// So many standard errors below the floor are no accident.
const STANDARD_ERRORS: f64 = 4.0;

/// Variance over mean of a load, beyond what any rate explains, and how it was found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dispersion {
    /// Variance over mean, in the unit of the load.
    pub value: f64,
    /// How it was found.
    pub basis: DispersionBasis,
}

/// How a dispersion was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DispersionBasis {
    /// The median, over the intervals, of variance over mean of the finer loads inside, their usual profile taken out.
    Measured,
    /// At least that of independent requests: 1 for requests, for bytes the mean size of an answer.
    Assumed,
}

impl Dispersion {
    /// The dispersion of independent arrivals of this mean size (1 for requests).
    pub const fn assumed(mean_size: f64) -> Self {
        Self { value: mean_size, basis: DispersionBasis::Assumed }
    }

    /// Measured from the finer loads inside of intervals, `parts` in each, but at least `least` (that of independent
    /// arrivals). Loads that are not numbers are left out, and so are intervals without any load. `None` where there are
    /// too few.
    pub fn measured(finer: &[f64], parts: usize, least: f64) -> Option<Self> {
        if parts < PARTS_MIN {
            return None;
        }
        let profile = profile(finer, parts);
        let mut ratios: Vec<f64> =
            finer.chunks_exact(parts).filter_map(|loads| variance_over_mean(loads, &profile)).collect();
        let middle = ratios.len() / 2;
        if ratios.is_empty() {
            return None;
        }
        let (_, median, _) = ratios.select_nth_unstable_by(middle, f64::total_cmp);
        Some(Self { value: median.max(least), basis: DispersionBasis::Measured })
    }
}

/// The share of an interval's load that each of its parts usually has: work that starts on the minute is no noise.
fn profile(finer: &[f64], parts: usize) -> Vec<f64> {
    let mut sums = vec![0.0; parts];
    for loads in finer.chunks_exact(parts).filter(|loads| loads.iter().all(|load| load.is_finite())) {
        // Divided first, so that the sum cannot overflow.
        let scale = 1.0 / finer.len() as f64;
        sums.iter_mut().zip(loads).for_each(|(sum, load)| *sum += load * scale);
    }
    let all: f64 = sums.iter().sum();
    sums.into_iter().map(|sum| sum / all).collect()
}

/// Pearson's χ² of the loads of one interval against the profile, per degree of freedom: variance over mean where the
/// profile is flat. `None` without load, or where a load is no number or too large.
fn variance_over_mean(loads: &[f64], profile: &[f64]) -> Option<f64> {
    let all: f64 = loads.iter().sum();
    let expected = profile.iter().map(|share| share * all);
    let terms = loads.iter().zip(expected).filter(|(_, expected)| *expected > 0.0);
    let squares: f64 = terms.map(|(load, expected)| (load - expected) * ((load - expected) / expected)).sum();
    Some(squares / (loads.len() - 1) as f64).filter(|ratio| all > 0.0 && ratio.is_finite())
}

/// Whether an RMSE over so many intervals lies so far below the floor that no honest forecast explains it.
pub fn is_below_floor(rmse: f64, noise_floor: f64, count: usize) -> bool {
    // The RMSE of n independent errors has a standard error of about σ/√(2n).
    rmse < noise_floor * (1.0 - STANDARD_ERRORS / (2.0 * count as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use dataflow_series::Step;
    use dataflow_series::synth::{Shape, SyntheticRequest, generate};

    use super::*;

    #[test]
    fn independent_arrivals_have_a_dispersion_of_one_and_groups_of_three_one_of_three() {
        let step = Step::from_seconds(1).unwrap();
        let request = SyntheticRequest { step, days: 1.0, ..SyntheticRequest::new(Shape::Steady) };
        let seconds: Vec<f64> = generate(&request).unwrap().requests().values().flatten().collect();
        // Spread evenly at random over its minute, a count of 60 varies by 59/60 of its mean: the median is close to 1.
        let one = Dispersion::measured(&seconds, 60, 0.0).unwrap();
        assert!((one.value - 1.0).abs() < 0.05, "{one:?}");
        let threefold: Vec<f64> = seconds.iter().map(|count| 3.0 * count).collect();
        let three = Dispersion::measured(&threefold, 60, 1.0).unwrap();
        assert!((three.value - 3.0 * one.value).abs() < 1e-9, "{three:?}");
    }

    #[test]
    fn too_little_is_not_measured() {
        assert_eq!(Dispersion::measured(&[1.0; 30], 3, 1.0), None);
        assert_eq!(Dispersion::measured(&[0.0; 30], 10, 1.0), None);
        assert_eq!(Dispersion::measured(&[f64::NAN; 30], 10, 1.0), None);
        assert_eq!(Dispersion::measured(&[f64::MAX; 30], 10, 1.0), None);
        assert_eq!(Dispersion::measured(&[5.0; 30], 10, 1.0).map(|found| found.value), Some(1.0));
    }

    #[test]
    fn few_intervals_may_lie_below_the_floor_by_chance() {
        assert!(!is_below_floor(0.1, 1.0, 8));
        assert!(!is_below_floor(0.9, 1.0, 800));
        assert!(is_below_floor(0.85, 1.0, 800));
        assert!(!is_below_floor(1.0, 1.0, usize::MAX));
    }
}
