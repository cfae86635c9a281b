//! The loads that a fit learns from, in units of their mean.

use super::state::Slots;

/// Loads, which of them are missing, and the season they follow.
pub(crate) struct Sample<'a> {
    pub(super) values: &'a [f64],
    /// Empty if none is missing.
    pub(super) missing: &'a [bool],
    pub(super) slots: Slots,
    /// The slot of each step.
    pub(super) slot_of: Vec<usize>,
    /// Loads that are not missing.
    pub(super) observed: usize,
}

impl<'a> Sample<'a> {
    pub(crate) fn new(values: &'a [f64], missing: &'a [bool], slots: Slots) -> Self {
        let slot_of = (0..values.len()).map(|step| slots.of(step)).collect();
        let observed = values.len() - missing.iter().filter(|missing| **missing).count();
        Self { values, missing, slots, slot_of, observed }
    }

    pub(super) fn is_missing(&self, step: usize) -> bool {
        self.missing.get(step).copied().unwrap_or(false)
    }

    /// The mean of the loads that are there; `None` if none is.
    pub(super) fn mean(&self, steps: std::ops::Range<usize>) -> Option<f64> {
        let known = steps.filter(|step| !self.is_missing(*step));
        let (sum, count) = known.fold((0.0, 0.0), |(sum, count), step| (sum + self.values[step], count + 1.0));
        (count > 0.0).then(|| sum / count)
    }

    /// Whether every load that is there is above zero.
    pub(super) fn is_positive(&self) -> bool {
        (0..self.values.len()).all(|step| self.is_missing(step) || self.values[step] > super::state::LEAST)
    }
}
