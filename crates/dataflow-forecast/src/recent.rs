//! The end of a past: all that a model keeps of it when it learns from the last loads only.

use serde::{Deserialize, Serialize};

use crate::history::View;

/// A model of one season learns from at most so many steps, or so many seasons where they are longer.
const STEPS_MAX: usize = 2016;
const SEASONS_MAX: usize = 14;

/// The last loads, and which of them were missing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Recent {
    most: usize,
    /// At least the last `most` loads; older ones are dropped now and then, not one by one.
    values: Vec<f64>,
    missing: Vec<bool>,
}

impl Recent {
    /// None yet, and never more than `most`.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, values: Vec::new(), missing: Vec::new() }
    }

    /// The end of a past that a model of one season (of so many steps) learns from.
    pub(crate) fn of_seasons(past: View<'_>, season: Option<usize>) -> Self {
        let mut recent = Self::new(STEPS_MAX.max(SEASONS_MAX * season.unwrap_or(1)));
        recent.extend(past);
        recent
    }

    /// Takes in the loads that came next.
    pub(crate) fn extend(&mut self, new: View<'_>) {
        let new = new.slice(new.len().saturating_sub(self.most)..new.len());
        if self.values.len() + new.len() > 2 * self.most {
            let dropped = self.values.len().saturating_sub(self.most);
            self.values.drain(..dropped);
            self.missing.drain(..dropped);
        }
        self.values.extend_from_slice(new.values());
        self.missing.extend((0..new.len()).map(|interval| new.is_missing(interval)));
    }

    /// The loads, and for each whether it was missing.
    pub(crate) fn get(&self) -> (&[f64], &[bool]) {
        let from = self.values.len().saturating_sub(self.most);
        (&self.values[from..], self.missing.get(from..).unwrap_or_default())
    }

    /// How many of them were not missing.
    pub(crate) fn observed(&self) -> usize {
        self.get().1.iter().filter(|missing| !**missing).count()
    }

    /// The largest of them.
    pub(crate) fn largest(&self) -> f64 {
        self.get().0.iter().copied().fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use dataflow_series::{Fill, Observed, Step, Unit};
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn only_the_last_loads_are_kept_however_they_come() {
        let loads = (0..100).map(|load| Some(f64::from(load)));
        let series = Observed::new(Timestamp::UNIX_EPOCH, Step::MINUTE, Unit::Requests, loads);
        let series = series.unwrap().fill(Fill::Zero).unwrap();
        let zone = TimeZone::UTC;
        let mut recent = Recent::new(7);
        for (from, until) in [(0, 3), (3, 9), (9, 10), (10, 11), (11, 60), (60, 100)] {
            recent.extend(View::of(&series, &zone).slice(from..until));
            let expected: Vec<f64> = (until.saturating_sub(7)..until).map(|load| load as f64).collect();
            assert_eq!(recent.get().0, expected);
            assert_eq!(recent.get().1.len(), expected.len());
            assert!(recent.values.len() <= 14);
        }
        assert_eq!((recent.observed(), recent.largest()), (7, 99.0));
    }
}
