//! Policies: from what could be known at a tick to a number of servers, with the reasons.
//!
//! All policies but [`Fixed`], [`Replay`] and [`QuantileBaseStock`] hold still during the cooldown. Utilization is
//! load over the capacity of all provisioned servers, booting ones included; thresholds are strict.

mod base_stock;
pub mod cloud;
pub mod control;
pub mod kubernetes;
mod reason;
mod recent_peak;
mod relay;
mod threshold;

pub use base_stock::QuantileBaseStock;
pub use reason::{Explanation, Reason, Signal};
pub use relay::Relay;
pub use threshold::{Hybrid, HybridThresholds, Predictive, Reactive, UtilizationThresholds};

use crate::{Fleet, FleetState, ForecastPoint};

/// What a policy may know at the decision of one tick. Nothing here depends on a load that has not been seen.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// The tick, from 0.
    pub tick: usize,
    /// The loads known so far, oldest first; the last one is the newest. Unit of the trace, per tick.
    pub known_loads: &'a [f64],
    /// The fleet after this tick's boots.
    pub state: &'a FleetState,
    /// The limits of the fleet.
    pub fleet: &'a Fleet,
    /// The forecast made from the known loads, if the run has forecasts.
    pub forecast: Option<ForecastPoint<'a>>,
}

impl Observation<'_> {
    /// The newest load known.
    pub fn last_load(&self) -> Option<f64> {
        self.known_loads.last().copied()
    }

    /// A load as a share of what all provisioned servers could serve in one tick.
    pub(crate) fn utilization(&self, load: f64) -> f64 {
        load / (f64::from(self.state.provisioned()) * self.fleet.capacity)
    }
}

/// A rule that chooses how many servers a fleet should have.
pub trait Policy: Send {
    /// The number of servers wanted; the fleet clamps it to its limits. Reasons go to `explanation`, in order.
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32;
}

/// A fixed number of servers, whatever happens.
#[derive(Debug, Clone, Copy)]
pub struct Fixed(
    /// The number of servers.
    pub u32,
);

impl Policy for Fixed {
    #[inline]
    fn decide(&mut self, _now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        explanation.note(|| Reason::Fixed { target: self.0 });
        self.0
    }
}

/// Plays a plan: one target per tick, such as the optimum's; past its end it keeps the last one.
#[derive(Debug, Clone)]
pub struct Replay(
    /// Servers provisioned in each tick.
    pub Vec<u32>,
);

impl Policy for Replay {
    #[inline]
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let planned = self.0.get(now.tick).or(self.0.last()).copied();
        let target = planned.unwrap_or_else(|| now.state.provisioned());
        explanation.note(|| Reason::Planned { target });
        target
    }
}
