//! The newest values of a series, as a block that can be looked at whole.

/// The last so many numbers in order of arrival, contiguous in memory.
#[derive(Debug, Clone)]
pub(crate) struct Recent {
    values: Vec<f64>,
    capacity: usize,
}

impl Recent {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { values: Vec::new(), capacity: capacity.max(1) }
    }

    /// Takes a number in; the oldest ones leave.
    pub(crate) fn push(&mut self, value: f64) {
        // Twice the room, so that moving the kept ones to the front costs little per number.
        if self.values.len() == 2 * self.capacity {
            self.values.drain(..self.capacity);
        }
        self.values.push(value);
    }

    /// The last numbers, the newest last; fewer than the capacity at first.
    pub(crate) fn all(&self) -> &[f64] {
        &self.values[self.values.len().saturating_sub(self.capacity)..]
    }

    /// The last `count` numbers, the newest last; `None` if there are fewer.
    pub(crate) fn last(&self, count: usize) -> Option<&[f64]> {
        let all = self.all();
        all.get(all.len().checked_sub(count)?..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_numbers_are_kept_in_order() {
        let mut recent = Recent::new(3);
        assert_eq!((recent.all(), recent.last(1)), (&[] as &[f64], None));
        for number in 0..20_u32 {
            recent.push(f64::from(number));
            let first = number.saturating_sub(2);
            let expected: Vec<f64> = (first..=number).map(f64::from).collect();
            assert_eq!(recent.all(), expected);
        }
        assert_eq!(recent.last(2), Some(&[18.0, 19.0] as &[f64]));
        assert_eq!(recent.last(4), None);
    }
}
