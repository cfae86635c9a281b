//! How much of a load lies beyond a capacity, in expectation over the quantiles of its forecast.
//!
//! Between neighbouring quantiles the load is spread evenly; below the lowest and above the highest level it has their
//! value.

/// The expected load above `capacity`.
#[inline]
pub(super) fn expected_excess(levels: &[f64], quantiles: &[f64], capacity: f64) -> f64 {
    let (Some(&top_level), Some(&top)) = (levels.last(), quantiles.last()) else { return f64::NAN };
    let mut excess = (1.0 - top_level) * (top - capacity).max(0.0);
    for place in (1..quantiles.len().min(levels.len())).rev() {
        let (low, high) = (quantiles[place - 1], quantiles[place]);
        if high <= capacity {
            return excess;
        }
        let mass = levels[place] - levels[place - 1];
        excess += if low >= capacity {
            mass * (f64::midpoint(low, high) - capacity)
        } else {
            mass * (high - capacity) * (high - capacity) / (2.0 * (high - low))
        };
    }
    let bottom = quantiles.first().copied().unwrap_or(0.0);
    excess + levels[0] * (bottom - capacity).max(0.0)
}

/// The least capacity beyond which no more than `allowed` of the load is expected; at least 0.
#[inline]
pub(super) fn capacity_for(levels: &[f64], quantiles: &[f64], allowed: f64) -> f64 {
    let (Some(&top_level), Some(&top)) = (levels.last(), quantiles.last()) else { return f64::NAN };
    // Excess at `upper`, and the probability of a load above it, on the way down.
    let (mut excess, mut beyond, mut upper) = (0.0, 1.0 - top_level, top);
    for place in (1..quantiles.len().min(levels.len())).rev() {
        let (low, width) = (quantiles[place - 1], upper - quantiles[place - 1]);
        let mass = levels[place] - levels[place - 1];
        let next = excess + beyond * width + mass * width / 2.0;
        if next > allowed {
            // Excess at `upper − d` is excess + beyond·d + mass·d²/(2·width).
            let (square, missing) = (mass / width, allowed - excess);
            let root = (beyond * beyond + 2.0 * square * missing).sqrt();
            let down = 2.0 * missing / (beyond + root);
            return if down.is_nan() { upper } else { (upper - down).max(0.0) };
        }
        (excess, beyond, upper) = (next, beyond + mass, low);
    }
    (upper - (allowed - excess)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_even_spread_has_the_excess_of_its_triangle() {
        let (levels, quantiles) = ([0.001, 0.999], [0.0, 100.0]);
        assert!((expected_excess(&levels, &quantiles, 50.0) - 12.5).abs() < 0.1);
        assert!((capacity_for(&levels, &quantiles, 12.5) - 50.0).abs() < 0.3);
    }

    proptest! {
        #[test]
        fn the_capacity_leaves_the_excess_allowed(
            mut quantiles in prop::collection::vec(0.0..100.0_f64, 3..8), allowed in 0.001..20.0_f64,
        ) {
            quantiles.sort_by(f64::total_cmp);
            let levels: Vec<f64> = (1..=quantiles.len()).map(|at| at as f64 / (quantiles.len() + 1) as f64).collect();
            let capacity = capacity_for(&levels, &quantiles, allowed);
            let excess = expected_excess(&levels, &quantiles, capacity);
            prop_assert!(excess <= allowed + 1e-9, "{excess} at {capacity}");
            prop_assert!(capacity == 0.0 || (excess - allowed).abs() < 1e-6, "{excess} at {capacity}");
        }
    }
}
