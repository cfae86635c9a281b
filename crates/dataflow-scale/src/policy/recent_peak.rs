//! The largest of the last values, in constant time on average.

use std::collections::VecDeque;

/// Keeps the largest value of the last so many ticks.
#[derive(Debug, Clone)]
pub(super) struct RecentPeak<T> {
    ticks: usize,
    /// Values that no later one exceeds: ticks ascending, values strictly descending.
    recent: VecDeque<(usize, T)>,
}

impl<T: Ord + Copy> RecentPeak<T> {
    /// Of the last `ticks` ticks, the present one included; at least of that one.
    pub(super) fn over(ticks: u32) -> Self {
        Self { ticks: ticks.max(1) as usize, recent: VecDeque::new() }
    }

    /// Takes in the value of a tick, and returns the largest. Ticks ascend, some may be left out.
    #[inline]
    pub(super) fn push(&mut self, tick: usize, value: T) -> T {
        while self.recent.back().is_some_and(|(_, earlier)| *earlier <= value) {
            self.recent.pop_back();
        }
        self.recent.push_back((tick, value));
        self.at(tick).unwrap_or(value)
    }

    /// The largest value at a tick without a new one; `None` where all are too old.
    #[inline]
    pub(super) fn at(&mut self, tick: usize) -> Option<T> {
        while self.recent.front().is_some_and(|(made, _)| tick - made >= self.ticks) {
            self.recent.pop_front();
        }
        self.recent.front().map(|(_, largest)| *largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_largest_of_the_last_values(ticks in 0u32..9, values in prop::collection::vec(0u32..5, 1..60)) {
            let mut peak = RecentPeak::over(ticks);
            for tick in 0..values.len() {
                let first = (tick + 1).saturating_sub(ticks.max(1) as usize);
                prop_assert_eq!(Some(peak.push(tick, values[tick])), values[first..=tick].iter().max().copied());
            }
        }
    }
}
