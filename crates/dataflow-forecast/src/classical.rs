//! Classical decomposition: one profile of a season, by moving averages, and a test whether there is a season at all.
//!
//! Source: Makridakis, Wheelwright, Hyndman, *Forecasting: Methods and Applications* (1998), section 3.4; the test is
//! the one of Fiorucci, Pellegrini, Louzada, Petropoulos, Koehler, *Models for optimising the theta method and their
//! relationship to state space models* (2016), section 3.3: the autocorrelation at the season's lag, at the 90% level.

/// The two-sided 90% quantile of the normal distribution.
const CRITICAL: f64 = 1.645;
/// No factor of a profile may lie below this.
const LEAST_FACTOR: f64 = 0.01;
/// A longer profile is smoothed over so many-th parts of the season.
const PARTS: usize = 96;

/// How the loads of each step of a season differ from the others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Profile {
    /// Factors of the level, or differences from it.
    pub(crate) factors: bool,
    /// One per step of the season, from the first load on.
    pub(crate) values: Vec<f64>,
}

/// Whether the loads repeat themselves after a season of so many steps.
pub(crate) fn is_seasonal(values: &[f64], season: usize) -> bool {
    if season < 2 || values.len() < 2 * season {
        return false;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let products = |lag: usize| centred.iter().zip(&centred[lag..]).map(|(one, other)| one * other).sum::<f64>();
    let variance = products(0);
    if variance <= 0.0 || !variance.is_finite() {
        return false;
    }
    let nearer: f64 = (1..season).map(|lag| (products(lag) / variance).powi(2)).sum();
    (products(season) / variance).abs() > CRITICAL * ((1.0 + 2.0 * nearer) / count).sqrt()
}

/// The profile of a season of at least two steps in loads of at least two seasons: factors where all loads are above
/// zero, else differences.
pub(crate) fn profile(values: &[f64], season: usize) -> Profile {
    let trend = moving_average(values, season);
    if values.iter().all(|value| *value > 0.0) {
        let mut factors = by_step(values, &trend, season, |value, trend| value / trend);
        let mean = factors.iter().sum::<f64>() / season as f64;
        for factor in &mut factors {
            *factor /= mean;
        }
        if factors.iter().all(|factor| *factor >= LEAST_FACTOR) {
            return Profile { factors: true, values: factors };
        }
    }
    let mut differences = by_step(values, &trend, season, |value, trend| value - trend);
    let mean = differences.iter().sum::<f64>() / season as f64;
    for difference in &mut differences {
        *difference -= mean;
    }
    Profile { factors: false, values: differences }
}

/// The centred mean of a whole season, from load `season / 2` on. An even season takes half of each end.
fn moving_average(values: &[f64], season: usize) -> Vec<f64> {
    let span = season + 1 - season % 2;
    let ends = if season.is_multiple_of(2) { 0.5 } else { 1.0 };
    let mean = |window: &[f64]| match window {
        [first, inner @ .., last] => (ends * (first + last) + inner.iter().sum::<f64>()) / season as f64,
        _ => 0.0,
    };
    values.windows(span).map(mean).collect()
}

/// For each step of the season the mean of what `differ` says about its loads and their trend.
fn by_step(values: &[f64], trend: &[f64], season: usize, differ: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0_f64); season];
    for (index, trend) in trend.iter().enumerate() {
        let step = index + season / 2;
        let (sum, count) = &mut sums[step % season];
        *sum += differ(values[step], *trend);
        *count += 1.0;
    }
    let means: Vec<f64> = sums.iter().map(|(sum, count)| sum / count.max(1.0)).collect();
    smooth(&means, season / PARTS)
}

/// The circular mean of so many steps to both sides in all, so that a fine profile does not repeat the noise of its
/// few seasons.
fn smooth(means: &[f64], width: usize) -> Vec<f64> {
    if width < 2 {
        return means.to_vec();
    }
    let season = means.len();
    let half = width / 2;
    let around =
        |step: usize| (0..=2 * half).map(|offset| means[(step + season + offset - half) % season]).sum::<f64>();
    (0..season).map(|step| around(step) / (2 * half + 1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTORS: [f64; 4] = [0.5, 1.5, 0.8, 1.2];

    #[test]
    fn factors_and_differences_are_found_beside_a_trend() {
        let factors: Vec<f64> = (0..200).map(|step| 100.0 * FACTORS[step % 4]).collect();
        let found = profile(&factors, 4);
        assert!(found.factors && is_seasonal(&factors, 4));
        for (value, expected) in found.values.iter().zip(FACTORS) {
            assert!((value - expected).abs() < 1e-9, "{found:?}");
        }
        let differences: Vec<f64> = (0..200).map(|step| step as f64 + 50.0 * (FACTORS[step % 4] - 1.0)).collect();
        let found = profile(&differences, 4);
        assert!(!found.factors);
        for (value, expected) in found.values.iter().zip(FACTORS) {
            assert!((value - 50.0 * (expected - 1.0)).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn neither_noise_nor_a_constant_is_a_season() {
        let mut state = 1_u64;
        let noise: Vec<f64> = (0..400)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as f64
            })
            .collect();
        assert!(!is_seasonal(&noise, 24));
        assert!(!is_seasonal(&[3.0; 400], 24));
        assert!(!is_seasonal(&noise[..40], 24));
    }

    #[test]
    fn a_fine_profile_is_smoothed_around_its_ends() {
        let smoothed = smooth(&[9.0, 0.0, 0.0, 0.0, 0.0, 3.0], 3);
        assert_eq!(smoothed, [4.0, 3.0, 0.0, 0.0, 1.0, 4.0]);
    }
}
