//! Loads so large that they must be a fault of the trace: they are not to be learnt from.

/// A load larger than so many times the quantile at the level below is absurd.
const TIMES: f64 = 20.0;
const LEVEL: f64 = 0.99;
/// Sizes beyond this would overflow when squared and summed.
const SIZE_MAX: f64 = 1e140;

/// The largest size that a load may have: twenty times the 99% quantile of all that are not missing. `None` if those
/// are so large that arithmetic with them overflows.
pub(crate) fn limit(values: &[f64], missing: &[bool]) -> Option<f64> {
    let is_missing = |step: usize| missing.get(step).copied().unwrap_or(false);
    let known = (0..values.len()).filter(|step| !is_missing(*step));
    let mut sizes: Vec<f64> = known.map(|step| values[step].abs()).collect();
    if sizes.is_empty() {
        return Some(0.0);
    }
    let place = ((sizes.len() - 1) as f64 * LEVEL) as usize;
    let (_, quantile, _) = sizes.select_nth_unstable_by(place, f64::total_cmp);
    if *quantile > SIZE_MAX {
        return None;
    }
    // Where nearly all is zero, the quantile says nothing about what is not.
    let limit = if *quantile > 0.0 { TIMES * *quantile } else { sizes.iter().copied().fold(0.0, f64::max) };
    Some(limit.min(SIZE_MAX))
}

/// The loads with every absurd one replaced by that of one season before (the first of all: by zero); those are marked
/// in `missing`, which has one mark per load.
pub(crate) fn mend(values: &[f64], missing: &mut [bool], season: usize, limit: f64) -> Vec<f64> {
    let mut mended = values.to_vec();
    for (step, missing) in missing.iter_mut().enumerate() {
        if mended[step].abs() > limit {
            *missing = true;
            mended[step] = step.checked_sub(season).or(step.checked_sub(1)).map_or(0.0, |before| mended[before]);
        }
    }
    mended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spike_is_mended_from_the_season_before() {
        let mut values: Vec<f64> = (0..200).map(|step| f64::from(10 + step % 4)).collect();
        values[101] = 1e18;
        let limit = limit(&values, &[]).unwrap();
        assert_eq!(limit, 20.0 * 13.0);
        let mut missing = vec![false; 200];
        let mended = mend(&values, &mut missing, 4, limit);
        assert_eq!((mended[101], missing[101], missing[100]), (values[97], true, false));
        assert_eq!((mended[100], mended[102]), (values[100], values[102]));
    }

    #[test]
    fn missing_loads_set_no_limit_and_huge_ones_have_none() {
        assert_eq!(limit(&[1.0, 1e9], &[false, true]), Some(20.0));
        assert_eq!(limit(&[0.0; 9], &[]), Some(0.0));
        assert_eq!(limit(&[f64::MAX; 9], &[]), None);
    }
}
