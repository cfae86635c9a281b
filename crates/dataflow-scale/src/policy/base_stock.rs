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
    targets: RecentPeak<u32>,
}

impl QuantileBaseStock {
    /// Provisions for the quantile of this level and keeps the largest target of the last `hold_ticks` ticks, the
    /// present one included.
    pub fn new(level: f64, hold_ticks: u32) -> Self {
        Self { level, targets: RecentPeak::over(hold_ticks) }
    }
}

impl Policy for QuantileBaseStock {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let quantile = now.forecast.map(|forecast| forecast.quantile(self.level)).filter(|load| !load.is_nan());
        let Some(load) = quantile else {
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
