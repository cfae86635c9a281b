//! The usual level of every hour of a day or a week. Between the middles of two hours it is interpolated, so that
//! steps shorter than an hour need no more unknowns; with steps of an hour each has a level of its own.

use serde::{Deserialize, Serialize};

/// Hours of a day or of a week, with the effect of each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Profile {
    step_seconds: u64,
    period_seconds: u64,
    /// One per slot, in scaled roots.
    pub(super) effects: Vec<f64>,
}

impl Profile {
    /// A flat profile of a period of so many days, cut into `slots`.
    pub(super) fn new(step_seconds: u32, days: u32, slots: usize) -> Self {
        Self {
            step_seconds: u64::from(step_seconds),
            period_seconds: u64::from(days) * 86_400,
            effects: vec![0.0; slots],
        }
    }

    /// The two slots between which an interval lies, counted from the start of the past, each with its weight.
    pub(super) fn slots(&self, interval: usize) -> [(usize, f64); 2] {
        let seconds = (interval as u64).wrapping_mul(self.step_seconds) % self.period_seconds;
        let place = seconds as f64 / self.period_seconds as f64 * self.effects.len() as f64;
        let slot = (place as usize).min(self.effects.len() - 1);
        let share = place - slot as f64;
        [(slot, 1.0 - share), ((slot + 1) % self.effects.len(), share)]
    }

    /// The effect of an interval.
    pub(super) fn at(&self, interval: usize) -> f64 {
        self.slots(interval).into_iter().map(|(slot, weight)| weight * self.effects[slot]).sum()
    }

    /// Whether a place can be found in it.
    pub(super) fn is_sound(&self) -> bool {
        self.period_seconds > 0 && !self.effects.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_slots_and_quarters_lie_between_them() {
        let [hour, quarter] = [3_600, 900];
        assert_eq!(Profile::new(hour, 7, 168).slots(168 + 5), [(5, 1.0), (6, 0.0)]);
        assert_eq!(Profile::new(quarter, 1, 24).slots(96 * 3 + 95), [(23, 0.25), (0, 0.75)]);
        let mut profile = Profile::new(quarter, 1, 24);
        profile.effects[23] = 4.0;
        profile.effects[0] = 8.0;
        assert_eq!(profile.at(95), 7.0);
    }
}
