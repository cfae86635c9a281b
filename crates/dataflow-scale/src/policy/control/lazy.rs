//! Lazy capacity provisioning: change no more than the optimum of the past is sure to have changed.
//!
//! Source: Lin, Wierman, Andrew and Thereska, "Dynamic right-sizing for power-proportional data centers", INFOCOM 2011.
//! The optimum of the ticks so far, charged for switching on or for switching off, ends with a least and a most number of
//! servers; the policy moves only when it lies outside. Without start-up time and knowing the load of its own tick it
//! costs at most three times the optimum. Here the costs split by level (see [`optimum`](crate::optimum)), so each level
//! keeps two numbers. A start-up time is charged with each switch; the bound is not proved then.

use super::Link;
use crate::Prices;
use crate::policy::{Explanation, Observation, Policy, Reason};

/// Follows the optimum of the past lazily. Uses no forecast and no cooldown.
#[derive(Debug, Clone)]
pub struct Lazy {
    prices: Prices,
    /// The levels that the load has ever reached, the lowest first.
    levels: Vec<Level>,
}

/// Least cost of the past ending without the level, less that of ending with it.
#[derive(Debug, Clone, Copy)]
struct Level {
    /// Where switching on is charged: above 0 the optimum ends with the level.
    on_charged: f64,
    /// Where switching off is charged: below 0 it ends without.
    off_charged: f64,
}

impl Lazy {
    /// By these prices.
    pub const fn new(prices: Prices) -> Self {
        Self { prices, levels: Vec::new() }
    }
}

impl Policy for Lazy {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let Some(load) = now.last_load() else {
            explanation.note(|| Reason::NothingKnown);
            return now.state.provisioned();
        };
        let (fleet, prices) = (now.fleet, &self.prices);
        let switch = 2.0 * prices.scale + f64::from(fleet.startup_ticks) * prices.server;
        let highest = (load / fleet.capacity).ceil().min(f64::from(fleet.max_servers)).max(0.0) as usize;
        if highest > self.levels.len() {
            // A level that was never reached has been off at no cost.
            self.levels.resize(highest, Level { on_charged: -switch, off_charged: 0.0 });
        }
        let (mut least, mut most) = (fleet.min_servers, fleet.min_servers);
        for (below, level) in self.levels.iter_mut().enumerate().skip(fleet.min_servers as usize) {
            let lost = prices.violation * (load - below as f64 * fleet.capacity).clamp(0.0, fleet.capacity);
            let gain = lost - prices.server;
            level.on_charged = level.on_charged.clamp(-switch, 0.0) + gain;
            level.off_charged = level.off_charged.clamp(0.0, switch) + gain;
            let servers = below as u32 + 1;
            if level.on_charged > 0.0 {
                least = servers;
            }
            if level.off_charged >= 0.0 {
                most = servers;
            }
        }
        explanation.note(|| Reason::Control(Link::PastOptimum { least, most }));
        now.state.provisioned().clamp(least, most.max(least))
    }
}
