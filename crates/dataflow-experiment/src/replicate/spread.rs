//! What a sample of results says: where most of them lie, and how often one beats another.

/// The middle of a sample, and where 95% of it lies (percentiles, by linear interpolation between order statistics).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Mean of the sample.
    pub mean: f64,
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

impl Spread {
    /// Of these values; not a number without any.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        // The mean of equal values may round away from them.
        let mean =
            mean.max(values.first().copied().unwrap_or(f64::NAN)).min(values.last().copied().unwrap_or(f64::NAN));
        Self { mean, low: percentile(&values, 0.025), high: percentile(&values, 0.975) }
    }
}

/// Of values in ascending order.
fn percentile(values: &[f64], share: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let place = share * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    let (low, high) = (values[below], values[above]);
    // Equal values have nothing between them, infinite ones included.
    if low == high { low } else { low + (high - low) * (place - below as f64) }
}

/// The share of pairs in which the first is less, a tie counted as half; not a number without any.
pub fn chance_less(pairs: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let (mut less, mut all) = (0.0, 0.0);
    for (one, other) in pairs {
        less += if one < other { 1.0 } else { f64::from(u8::from(one == other)) / 2.0 };
        all += 1.0;
    }
    less / all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_order_statistics() {
        let spread = Spread::of((0..=40).rev().map(f64::from));
        assert_eq!(spread, Spread { mean: 20.0, low: 1.0, high: 39.0 });
        assert_eq!(Spread::of([0.1; 7]), Spread { mean: 0.1, low: 0.1, high: 0.1 });
        assert!(Spread::of([]).low.is_nan());
    }

    #[test]
    fn a_tie_is_half_a_win() {
        assert_eq!(chance_less([(1.0, 2.0), (2.0, 2.0), (3.0, 2.0), (0.0, 1.0)]), 0.625);
        assert_eq!(chance_less([(5.0, 5.0)]), 0.5);
    }
}
