//! Many ticks into few buckets for drawing, without losing what matters: extremes, means, sums, and every drop.

use std::ops::Range;

use dataflow_scale::Timeline;

use crate::comparison::Ticks;

/// What happened in a stretch of successive ticks of one run. Loads per tick, in the unit of the trace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bucket {
    /// First tick and the one after the last; never empty.
    pub(crate) ticks: Range<usize>,
    pub(crate) load: Extent,
    pub(crate) ready: Extent,
    pub(crate) provisioned: Extent,
    /// Load dropped, summed.
    pub(crate) dropped: f64,
    /// The largest drop of a single tick, and the load of that tick; zero where nothing was dropped.
    pub(crate) worst_drop: f64,
    pub(crate) load_at_worst_drop: f64,
    /// Ticks whose load was missing in the trace.
    pub(crate) filled: usize,
    /// Changes that added servers, and that removed some.
    pub(crate) outs: usize,
    pub(crate) ins: usize,
}

/// Least, mean and most of a quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extent {
    pub(crate) least: f64,
    pub(crate) mean: f64,
    pub(crate) most: f64,
}

impl Extent {
    /// The extent of some values; zero for none.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let (mut least, mut most, mut sum, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0_usize);
        for value in values {
            least = least.min(value);
            most = most.max(value);
            sum += value;
            count += 1;
        }
        if count == 0 {
            return Self { least: 0.0, mean: 0.0, most: 0.0 };
        }
        // Rounding may carry the mean of equal values just beyond them.
        Self { least, mean: (sum / count as f64).clamp(least, most), most }
    }
}

impl Bucket {
    /// The ticks of `range`, which must lie within those recorded.
    pub(crate) fn of(ticks: &Ticks, run: &Timeline, range: Range<usize>) -> Self {
        let load = &ticks.load.values()[range.clone()];
        let mut bucket = Self {
            load: Extent::of(load.iter().copied()),
            ready: Extent::of(run.ready[range.clone()].iter().map(|servers| f64::from(*servers))),
            provisioned: Extent::of(run.provisioned[range.clone()].iter().map(|servers| f64::from(*servers))),
            dropped: run.dropped[range.clone()].iter().sum(),
            worst_drop: 0.0,
            load_at_worst_drop: 0.0,
            filled: ticks.filled[range.clone()].iter().filter(|filled| **filled).count(),
            outs: run.change[range.clone()].iter().filter(|change| **change > 0).count(),
            ins: run.change[range.clone()].iter().filter(|change| **change < 0).count(),
            ticks: range.clone(),
        };
        for (dropped, load) in run.dropped[range].iter().zip(load) {
            if *dropped > bucket.worst_drop {
                bucket.worst_drop = *dropped;
                bucket.load_at_worst_drop = *load;
            }
        }
        bucket
    }

    /// Whether nothing of the load was observed here.
    pub(crate) fn is_missing(&self) -> bool {
        self.filled == self.ticks.len()
    }
}

/// How many ticks all columns of a run have: a run that ended early is drawn as far as it went.
pub(crate) fn recorded(ticks: &Ticks, run: &Timeline) -> usize {
    ticks.load.len().min(ticks.filled.len()).min(run.len())
}

/// Splits `window` into at most `most` stretches of nearly equal length, in order and without gaps.
pub(crate) fn split(window: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
    let length = window.len();
    let count = length.min(most);
    (0..count).map(move |index| {
        let at = |index: usize| window.start + (index as u128 * length as u128 / count as u128) as usize;
        at(index)..at(index + 1)
    })
}

/// A run within `window` in at most `most` buckets; one for each tick where they fit.
pub(crate) fn buckets(ticks: &Ticks, run: &Timeline, window: Range<usize>, most: usize) -> Vec<Bucket> {
    let end = window.end.min(recorded(ticks, run));
    split(window.start.min(end)..end, most).map(|range| Bucket::of(ticks, run, range)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample;

    proptest! {
        #[test]
        fn no_tick_is_lost_and_extremes_are_kept(
            loads in prop::collection::vec(0.0_f64..1e9, 1..400), most in 1_usize..100,
        ) {
            let sample = sample::comparison(&sample::Trace::of(loads.clone()));
            let ticks = &sample.ticks;
            for run in &ticks.timelines {
                let buckets = buckets(ticks, run, 0..loads.len(), most);
                prop_assert!(buckets.len() <= most);
                prop_assert_eq!(buckets.iter().flat_map(|bucket| bucket.ticks.clone()).collect::<Vec<_>>(),
                    (0..loads.len()).collect::<Vec<_>>());
                let peak = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
                let most_load = buckets.iter().map(|bucket| bucket.load.most).fold(0.0, f64::max);
                prop_assert_eq!(most_load, peak(&loads));
                let worst = buckets.iter().map(|bucket| bucket.worst_drop).fold(0.0, f64::max);
                prop_assert_eq!(worst, peak(&run.dropped));
                let dropped: f64 = buckets.iter().map(|bucket| bucket.dropped).sum();
                let expected: f64 = run.dropped.iter().sum();
                prop_assert!((dropped - expected).abs() <= 1e-9 * expected.max(1.0));
                let actions: usize = buckets.iter().map(|bucket| bucket.outs + bucket.ins).sum();
                prop_assert_eq!(actions, run.change.iter().filter(|change| **change != 0).count());
                for bucket in &buckets {
                    let any = run.dropped[bucket.ticks.clone()].iter().any(|dropped| *dropped > 0.0);
                    prop_assert_eq!(any, bucket.dropped > 0.0 && bucket.worst_drop > 0.0);
                    prop_assert!(bucket.load.least <= bucket.load.mean && bucket.load.mean <= bucket.load.most);
                }
            }
        }
    }

    #[test]
    fn an_empty_window_has_no_bucket() {
        let sample = sample::comparison(&sample::Trace::of(vec![1.0; 5]));
        assert!(buckets(&sample.ticks, &sample.ticks.timelines[0], 5..5, 10).is_empty());
        assert!(buckets(&sample.ticks, &sample.ticks.timelines[0], 9..12, 10).is_empty());
    }
}
