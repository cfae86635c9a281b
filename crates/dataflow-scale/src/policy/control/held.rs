//! Sizes for the load at the start-up time, chosen by what is expected to be dropped, and held a while.
//!
//! [`ChanceConstrained`] keeps the expected share of dropped load below a bound (an expectation constraint; Charnes and
//! Cooper, "Chance-Constrained Programming", Management Science 6, 1959). [`Newsvendor`] adds servers as long as the next
//! one is expected to save more than it costs: the newsvendor problem with whole servers (Arrow, Harris and Marschak,
//! Econometrica 19, 1951), whose critical ratio follows from the prices alone.

use super::Link;
use super::excess::{capacity_for, expected_excess};
use crate::Prices;
use crate::policy::recent_peak::RecentPeak;
use crate::policy::{Explanation, Observation, Policy, Reason};

/// Enough servers that at most a share of the load is expected to be dropped.
#[derive(Debug, Clone)]
pub struct ChanceConstrained {
    dropped_share: f64,
    targets: RecentPeak<u32>,
}

/// As many servers as are each expected to save more than they cost.
#[derive(Debug, Clone)]
pub struct Newsvendor {
    prices: Prices,
    targets: RecentPeak<u32>,
}

impl ChanceConstrained {
    /// At most this share of the load dropped; the largest target of the last `hold_ticks` ticks is kept.
    pub fn new(dropped_share: f64, hold_ticks: u32) -> Self {
        Self { dropped_share, targets: RecentPeak::over(hold_ticks) }
    }
}

impl Newsvendor {
    /// By these prices; the largest target of the last `hold_ticks` ticks is kept.
    pub fn new(prices: Prices, hold_ticks: u32) -> Self {
        Self { prices, targets: RecentPeak::over(hold_ticks) }
    }
}

impl Policy for ChanceConstrained {
    #[inline]
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let Some((mean, levels, quantiles)) = distribution(now) else { return nothing_known(now, explanation) };
        let load = capacity_for(levels, quantiles, self.dropped_share * mean.max(0.0));
        let target = (load / now.fleet.capacity).ceil().max(0.0) as u32;
        let share = self.dropped_share;
        explanation.note(|| Reason::Control(Link::DroppedShare { share, load, target }));
        held(&mut self.targets, now, target, explanation)
    }
}

impl Policy for Newsvendor {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let Some((_, levels, quantiles)) = distribution(now) else { return nothing_known(now, explanation) };
        let capacity = now.fleet.capacity;
        let excess = |servers: u32| expected_excess(levels, quantiles, f64::from(servers) * capacity);
        // What the server after so many saves in a tick falls with their number, so the last one worth it is searched.
        let saves = |before: u32| self.prices.violation * (excess(before) - excess(before + 1));
        let (mut enough, mut too_few) = (now.fleet.max_servers.max(now.fleet.min_servers), now.fleet.min_servers);
        while too_few < enough {
            let middle = too_few + (enough - too_few) / 2;
            if saves(middle) > self.prices.server { too_few = middle + 1 } else { enough = middle }
        }
        explanation.note(|| {
            let saved = enough.checked_sub(1).map_or(0.0, saves);
            Reason::Control(Link::MarginalValue { saves: saved, next: saves(enough), target: enough })
        });
        held(&mut self.targets, now, enough, explanation)
    }
}

/// The mean of the forecast, its levels and quantiles; `None` where there is no forecast or no quantiles.
#[inline]
fn distribution<'a>(now: &Observation<'a>) -> Option<(f64, &'a [f64], &'a [f64])> {
    let forecast = now.forecast.as_ref()?;
    let (levels, quantiles) = forecast.distribution();
    (!quantiles.is_empty() && !quantiles.iter().any(|load| load.is_nan())).then_some((forecast.mean, levels, quantiles))
}

fn nothing_known(now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
    explanation.note(|| Reason::NothingKnown);
    now.state.provisioned()
}

#[inline]
fn held(targets: &mut RecentPeak<u32>, now: &Observation<'_>, target: u32, explanation: &mut Explanation) -> u32 {
    let largest = targets.push(now.tick, target);
    if largest > target {
        explanation.note(|| Reason::Held { target: largest });
    }
    largest
}
