//! Model-predictive control: in each tick the exact optimum of the ticks ahead, of which only the first step is taken.
//!
//! The ticks ahead are some paths, each the same quantile of the forecast at every lead, so that errors last: a load that
//! is above its forecast now stays there. The cost splits by level as in [`optimum`](crate::optimum); of each level and
//! path the least cost with and without the level now is found by the same two-state recursion, backwards, start-up time
//! included, and the choice that is cheaper on average over the paths is taken (Camacho and Bordons, "Model Predictive
//! Control", 2007; hindsight optimisation, Chong, Givan and Chang, CDC 2000).

use super::Link;
use crate::policy::{Explanation, ForecastPoint, Observation, Policy, Reason};
use crate::{Fleet, Prices};

/// The levels of the paths and how much each weighs.
const PATHS: [(f64, f64); 9] = [
    (0.05, 0.1),
    (0.2, 0.2),
    (0.4, 0.2),
    (0.6, 0.2),
    (0.77, 0.14),
    (0.88, 0.08),
    (0.94, 0.04),
    (0.97, 0.02),
    (0.99, 0.02),
];

/// How the plan is made and followed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanRules {
    /// Ticks that are planned ahead.
    pub horizon_ticks: u32,
    /// Ticks in a row in which the plan must want a server gone before it goes.
    pub hold_ticks: u32,
    /// Whether the cooldown is obeyed.
    pub obeys_cooldown: bool,
    /// Most servers added by one change.
    pub step_out: Option<u32>,
    /// Most servers removed by one change.
    pub step_in: Option<u32>,
}

/// Plans ahead in each tick.
#[derive(Debug, Clone)]
pub struct ModelPredictive {
    rules: PlanRules,
    prices: Prices,
    /// The load of each path, tick by tick.
    paths: Vec<Vec<f64>>,
    /// For each level above the fewest servers, ticks in a row in which its stop was wanted.
    stops: Vec<u32>,
    memory: Memory,
}

/// Costs to go with and without a level, tick by tick; memory reused from plan to plan.
#[derive(Debug, Clone, Default)]
struct Memory {
    lost: Vec<f64>,
    ready: Vec<f64>,
    off: Vec<f64>,
}

impl ModelPredictive {
    /// By these prices.
    pub fn new(rules: PlanRules, prices: Prices) -> Self {
        Self { rules, prices, paths: vec![Vec::new(); PATHS.len()], stops: Vec::new(), memory: Memory::default() }
    }

    /// Fills the paths; `false` where there is no forecast.
    fn look_ahead(&mut self, forecast: &ForecastPoint<'_>, ticks: usize) -> bool {
        for (path, (level, _)) in self.paths.iter_mut().zip(PATHS) {
            path.clear();
            path.extend((0..ticks).map(|lead| forecast.quantile_at(lead, level)));
        }
        !self.paths.iter().flatten().any(|load| load.is_nan())
    }

    /// Whether the level above `below` servers is worth having now.
    fn is_wanted(&mut self, fleet: &Fleet, below: u32, has_it: bool) -> bool {
        let base = f64::from(below) * fleet.capacity;
        let mut advantage = 0.0;
        for (path, (_, weight)) in self.paths.iter().zip(PATHS) {
            let lost = path.iter().map(|load| self.prices.violation * (load - base).clamp(0.0, fleet.capacity));
            self.memory.lost.clear();
            self.memory.lost.extend(lost);
            advantage += weight * self.memory.advantage(&self.prices, fleet.startup_ticks as usize, has_it);
        }
        advantage > 0.0
    }

    /// The servers that the plan begins with.
    fn planned(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let (fleet, provisioned) = (now.fleet, now.state.provisioned());
        let highest = self.paths.iter().flatten().copied().fold(0.0, f64::max);
        let useful = (highest / fleet.capacity).ceil().min(f64::from(fleet.max_servers)) as u32;
        let levels = useful.max(provisioned).saturating_sub(fleet.min_servers) as usize;
        self.stops.resize(self.stops.len().max(levels), 0);
        let mut wanted = fleet.min_servers;
        // A level is worth no more than the one below it.
        while wanted < useful && self.is_wanted(fleet, wanted, wanted < provisioned) {
            wanted += 1;
        }
        explanation.note(|| Reason::Control(Link::Planned { target: wanted }));
        let mut target = wanted;
        for (level, stop) in self.stops.iter_mut().enumerate() {
            let servers = fleet.min_servers + level as u32 + 1;
            *stop = if servers > wanted { stop.saturating_add(1) } else { 0 };
            if servers <= provisioned && *stop < self.rules.hold_ticks {
                target = target.max(servers);
            }
        }
        if target > wanted {
            let (servers, needed) = (target - wanted, self.rules.hold_ticks);
            explanation.note(|| Reason::Control(Link::StopNotSure { servers, needed }));
        }
        target
    }
}

impl Memory {
    /// What having the level now saves over not having it, at least cost in the ticks after.
    fn advantage(&mut self, prices: &Prices, startup: usize, has_it: bool) -> f64 {
        let ticks = self.lost.len();
        let past_end = ticks + startup + 2;
        self.ready.clear();
        self.ready.resize(past_end, 0.0);
        self.off.clear();
        self.off.resize(past_end, 0.0);
        let boot = prices.scale + (startup as f64 + 1.0) * prices.server;
        // What is lost while a server ordered in a tick boots.
        let mut lost_while_booting = 0.0;
        for tick in (1..ticks).rev() {
            let lost = self.lost[tick];
            lost_while_booting += lost - self.lost.get(tick + startup).copied().unwrap_or(0.0);
            let ordered = boot + lost_while_booting + self.ready[tick + startup + 1];
            self.off[tick] = (lost + self.off[tick + 1]).min(ordered);
            self.ready[tick] = (prices.server + self.ready[tick + 1]).min(prices.scale + lost + self.off[tick + 1]);
        }
        let now = self.lost.first().copied().unwrap_or(0.0);
        if has_it {
            return prices.scale + now + self.off[1] - (prices.server + self.ready[1]);
        }
        let booting: f64 = self.lost.iter().take(startup).sum();
        now + self.off[1] - (boot + booting + self.ready[startup + 1])
    }
}

impl Policy for ModelPredictive {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let provisioned = now.state.provisioned();
        let ticks = (self.rules.horizon_ticks as usize).max(now.fleet.startup_ticks as usize + 2);
        if !now.forecast.as_ref().is_some_and(|forecast| self.look_ahead(forecast, ticks)) {
            explanation.note(|| Reason::NothingKnown);
            return provisioned;
        }
        let target = self.planned(now, explanation);
        let ticks_left = now.state.cooldown_left();
        if self.rules.obeys_cooldown && ticks_left > 0 {
            explanation.note(|| Reason::Cooldown { ticks_left });
            return provisioned;
        }
        let most = self.rules.step_out.map_or(u32::MAX, |step| provisioned.saturating_add(step));
        let fewest = self.rules.step_in.map_or(0, |step| provisioned.saturating_sub(step));
        let limited = target.clamp(fewest, most);
        if limited != target {
            explanation.note(|| Reason::Control(Link::StepLimited { target: limited }));
        }
        limited
    }
}
