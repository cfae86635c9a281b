//! The last so many numbers, always sorted, so that any of their quantiles is one look-up.

use serde::{Deserialize, Serialize};

/// A sliding window of finite numbers with its order statistics.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SortedWindow {
    /// In order of arrival, as a ring whose oldest is at `oldest` once the window is full.
    ring: Vec<f64>,
    oldest: usize,
    sorted: Vec<f64>,
    capacity: usize,
}

impl SortedWindow {
    /// An empty window for so many numbers, at least one.
    pub fn new(capacity: usize) -> Self {
        Self { ring: Vec::new(), oldest: 0, sorted: Vec::new(), capacity: capacity.max(1) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// All of them, ascending.
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// Takes a number in; the oldest one leaves when the window is full.
    pub fn push(&mut self, value: f64) {
        let enter = self.position(value);
        if self.ring.len() < self.capacity {
            self.ring.push(value);
            self.sorted.insert(enter, value);
            return;
        }
        let oldest = std::mem::replace(&mut self.ring[self.oldest], value);
        self.oldest = (self.oldest + 1) % self.capacity;
        let leave = self.position(oldest);
        // Only what lies between the two places moves, by one place.
        if leave < enter {
            self.sorted.copy_within(leave + 1..enter, leave);
            self.sorted[enter - 1] = value;
        } else {
            self.sorted.copy_within(enter..leave, enter + 1);
            self.sorted[enter] = value;
        }
    }

    /// The number of this rank, from 1 for the smallest; ranks outside of the window give its extremes.
    /// The window must not be empty.
    pub(crate) fn ranked(&self, rank: usize) -> f64 {
        self.sorted[rank.clamp(1, self.sorted.len()) - 1]
    }

    /// The first place whose number is at least this one.
    fn position(&self, value: f64) -> usize {
        self.sorted.partition_point(|other| other.total_cmp(&value).is_lt())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranks_agree_with_sorting_the_last_numbers(
            values in prop::collection::vec(-3_i32..3, 1..200), capacity in 1_usize..40,
        ) {
            let mut window = SortedWindow::new(capacity);
            for end in 1..=values.len() {
                window.push(f64::from(values[end - 1]));
                let mut expected = values[end.saturating_sub(capacity)..end].to_vec();
                expected.sort_unstable();
                prop_assert_eq!(window.len(), expected.len());
                for (index, value) in expected.iter().enumerate() {
                    prop_assert_eq!(window.ranked(index + 1), f64::from(*value));
                }
            }
        }
    }
}
