//! Where each free number of a form stands in the vector that a fit searches through.
//!
//! The weights stand as α, β/α, γ/(1 − α) and φ, so that the usual region of the source (0 < β < α, 0 < γ < 1 − α) is a
//! box. The last deviation of the profile follows from the others: they sum to zero, factors to their number.

use std::ops::Range;

use super::form::{Form, Season, Trend};
use super::state::{State, Weights};

/// The bounds of α, β/α and γ/(1 − α), and of φ, as in `forecast` for R.
const SHARE_BOUNDS: (f64, f64) = (1e-4, 0.9999);
const DAMPING_BOUNDS: (f64, f64) = (0.8, 0.98);

/// The places of the free numbers; α is the first.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) slope_share: Option<usize>,
    pub(super) season_share: Option<usize>,
    pub(super) damping: Option<usize>,
    pub(super) level: usize,
    pub(super) slope: Option<usize>,
    /// All deviations but the last; empty if there is no season or the profile is held as it was started.
    pub(super) profile: Range<usize>,
    pub(super) len: usize,
    season: Season,
    start: State,
}

impl Layout {
    /// For a search from `start`; `hold_profile` keeps its profile out of the search.
    pub(super) fn new(form: Form, start: State, hold_profile: bool) -> Self {
        let mut len = 1;
        let mut place = |wanted: bool| {
            len += usize::from(wanted);
            wanted.then_some(len - 1)
        };
        let (trend, seasonal) = (form.trend != Trend::None, form.season != Season::None);
        let slope_share = place(trend);
        let season_share = place(seasonal);
        let damping = place(form.trend == Trend::Damped);
        let level = len;
        let slope = trend.then_some(level + 1);
        let first = level + 1 + usize::from(trend);
        let free = if seasonal && !hold_profile { start.profile.len() - 1 } else { 0 };
        let profile = first..first + free;
        Self { slope_share, season_share, damping, level, slope, len: profile.end, profile, season: form.season, start }
    }

    /// The numbers at the start with these shares.
    pub(super) fn pack(&self, [level, slope, season, damping]: [f64; 4]) -> Vec<f64> {
        let mut numbers = vec![0.0; self.len];
        numbers[0] = level;
        let places = [self.slope_share, self.season_share, self.damping, Some(self.level), self.slope];
        for (place, value) in places.into_iter().zip([slope, season, damping, self.start.level, self.start.slope]) {
            if let Some(place) = place {
                numbers[place] = value;
            }
        }
        for (number, value) in numbers[self.profile.clone()].iter_mut().zip(&self.start.profile) {
            *number = *value;
        }
        numbers
    }

    pub(super) fn weights(&self, numbers: &[f64]) -> Weights {
        let share = |place: Option<usize>, otherwise: f64| place.map_or(otherwise, |place| numbers[place]);
        let level = numbers[0];
        Weights {
            level,
            slope: level * share(self.slope_share, 0.0),
            season: (1.0 - level) * share(self.season_share, 0.0),
            damping: share(self.damping, 1.0),
        }
    }

    /// The state before the first load.
    pub(super) fn state(&self, numbers: &[f64]) -> State {
        let mut profile = self.start.profile.clone();
        if !self.profile.is_empty() {
            let free = &numbers[self.profile.clone()];
            let total = if self.season == Season::Multiplicative { profile.len() as f64 } else { 0.0 };
            let last = total - free.iter().sum::<f64>();
            profile = free.iter().copied().chain([last]).collect();
        }
        let slope = self.slope.map_or(0.0, |place| numbers[place]);
        State { level: numbers[self.level], slope, profile, phase: self.start.phase }
    }

    /// Between which the number at a place must stay.
    pub(super) fn bounds(&self, place: usize) -> (f64, f64) {
        if self.damping == Some(place) {
            DAMPING_BOUNDS
        } else if place < self.level {
            SHARE_BOUNDS
        } else {
            (f64::NEG_INFINITY, f64::INFINITY)
        }
    }
}
