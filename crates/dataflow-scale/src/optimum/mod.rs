//! The exact optimum: the least cost that any policy could have reached knowing the whole trace.
//!
//! Two of them. [`by_levels`] lets the fleet jump to any size in any tick: no policy at all can cost less.
//! [`under_limits`] also obeys the cooldown and limits on the size of a change: no policy that obeys them can cost
//! less, and it costs at least as much as the first. Both return a [`Plan`]; its cost is what the fleet's own law of
//! motion and prices charge for it, so replaying it in the simulator costs the same to the last bit.
//!
//! Prices and loads are finite and at least zero, the capacity is above zero. Times are in ticks.

mod levels;
mod limits;
mod window_minimum;

pub use levels::by_levels;
pub use limits::{TooLarge, under_limits};

use crate::{Cost, Fleet, FleetState, Prices};

/// A plan and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Cost of the plan, in the currency of the prices.
    pub cost: f64,
    /// Servers provisioned in each tick.
    pub provisioned: Vec<u32>,
}

impl Plan {
    fn charged(fleet: &Fleet, prices: &Prices, load: &[f64], provisioned: Vec<u32>) -> Self {
        let mut state = FleetState::initial(fleet);
        let mut sum = Cost::default();
        for (&arriving, &target) in load.iter().zip(&provisioned) {
            state.begin_tick();
            let change = state.apply(fleet, target);
            let (cost, _) = prices.charge(fleet, &state, change, arriving);
            sum.server += cost.server;
            sum.scale += cost.scale;
            sum.violation += cost.violation;
        }
        Self { cost: sum.total(), provisioned }
    }
}

/// What a change may be, besides the fleet's cooldown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepLimits {
    /// Most servers added by one change; `None` is no limit.
    pub out: Option<u32>,
    /// Most servers removed by one change; `None` is no limit.
    pub r#in: Option<u32>,
}

impl StepLimits {
    /// Any change at once.
    pub const NONE: Self = Self { out: None, r#in: None };
}

impl Default for StepLimits {
    /// Out by two, in by one: the largest changes that the policies of the reference make, so that this limit bounds
    /// all of them.
    fn default() -> Self {
        Self { out: Some(2), r#in: Some(1) }
    }
}

/// The fewest servers that leave no load of the trace unserved, or the most allowed: more are never worth having.
fn most_useful_servers(fleet: &Fleet, load: &[f64]) -> u32 {
    if fleet.startup_ticks as usize >= load.len() {
        // A server ordered in the first tick would not serve before the trace ends.
        return fleet.min_servers;
    }
    let peak = load.iter().copied().fold(0.0, f64::max);
    let needed = if fleet.capacity > 0.0 { (peak / fleet.capacity).ceil() } else { 0.0 };
    // Division may round a peak just above a multiple of the capacity down onto it.
    let needed = if needed * fleet.capacity < peak && fleet.capacity > 0.0 { needed + 1.0 } else { needed };
    fleet.max_servers.min(needed as u32).max(fleet.min_servers)
}
