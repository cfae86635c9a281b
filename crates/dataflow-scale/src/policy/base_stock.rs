//! Quantile base-stock: enough servers for a high quantile of the load forecast at the start-up time, held a while.
//!
//! The target is the quantile over the capacity, rounded up, and the largest target of the last `hold_ticks` ticks is
//! kept, so that a short lull does not release servers that must boot again. The level of the quantile balances the
//! price of a server against that of dropped load, as the critical ratio of the newsvendor problem does (Arrow, Harris
//! and Marschak, "Optimal Inventory Policy", Econometrica 19, 1951).

use super::recent_peak::RecentPeak;
use super::{Explanation, Observation, Policy, Reason};

/// Provisions for a quantile of the forecast; ignores the cooldown, whose work its hold does.
#[derive(Debug, Clone)]
pub struct QuantileBaseStock {
    level: f64,
    /// Ticks from the decision to a second load that is provisioned for.
    ahead_ticks: Option<usize>,
    targets: RecentPeak<u32>,
}

impl QuantileBaseStock {
    /// Provisions for the quantile of this level and keeps the largest target of the last `hold_ticks` ticks, the
    /// present one included.
    pub fn new(level: f64, hold_ticks: u32) -> Self {
        Self { level, ahead_ticks: None, targets: RecentPeak::over(hold_ticks) }
    }

    /// Provisions for the load after so many ticks as well, where that is the larger one: servers that will be needed soon
    /// are not released now.
    #[must_use]
    pub fn and_ahead(self, ticks: usize) -> Self {
        Self { ahead_ticks: Some(ticks), ..self }
    }
}

impl Policy for QuantileBaseStock {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let quantile = now.forecast.map(|forecast| {
            let ahead = self.ahead_ticks.map_or(f64::NAN, |ticks| forecast.quantile_at(ticks, self.level));
            // The larger one, or the one that is a number.
            forecast.quantile(self.level).max(ahead)
        });
        let Some(load) = quantile.filter(|load| !load.is_nan()) else {
            explanation.note(|| Reason::NothingKnown);
            return now.state.provisioned();
        };
        // The cast saturates, so even an infinite quantile gives a target that the fleet clamps.
        let target = (load / now.fleet.capacity).ceil().max(0.0) as u32;
        explanation.note(|| Reason::Quantile { load, target });
        let largest = self.targets.push(now.tick, target);
        if largest > target {
            explanation.note(|| Reason::Held { target: largest });
        }
        largest
    }
}
