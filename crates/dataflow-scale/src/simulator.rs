//! The simulator: one policy on one trace, tick by tick, in the order boot, decide, apply, charge.

use crate::policy::{Explanation, Observation, Policy, Reason};
use crate::{Cost, Fleet, FleetState, ForecastTrack, Prices, StartUps};

/// Which load is the newest that a policy knows at the decision of tick `t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Observe {
    /// That of tick `t − 1`: what a real controller can know.
    #[default]
    Previous,
    /// That of tick `t` itself, as the reference project has it; it flatters reactive policies.
    Current,
}

/// One world to run policies in.
#[derive(Debug, Clone, Copy)]
pub struct Scenario<'a> {
    /// The fleet and its limits.
    pub fleet: &'a Fleet,
    /// What things cost.
    pub prices: &'a Prices,
    /// The load of each tick, finite and at least zero.
    pub load: &'a [f64],
    /// The load as policies come to know it, one for each tick: where the trace has a gap it is filled from the past
    /// alone, while `load` may be filled better. Without gaps both are the same.
    pub known: &'a [f64],
    /// What a policy knows of it.
    pub observe: Observe,
    /// Forecasts for policies that use them.
    pub forecast: Option<&'a ForecastTrack>,
}

/// Why a simulation could not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// Forecasts for fewer ticks than the trace has.
    #[error("the forecast has {rows} rows but the trace has {ticks} ticks; it needs one row per tick")]
    ForecastTooShort {
        /// Rows of the forecast.
        rows: usize,
        /// Ticks of the trace.
        ticks: usize,
    },
    /// Known loads for fewer ticks than the trace has.
    #[error("{known} loads are known but the trace has {ticks} ticks; there must be one for each")]
    KnownTooShort {
        /// Loads known.
        known: usize,
        /// Ticks of the trace.
        ticks: usize,
    },
}

/// What a policy did and cost over a whole trace.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outcome {
    /// Cost by component, in the currency of the prices.
    pub cost: Cost,
    /// Load that found no ready server, in the unit of the trace.
    pub dropped: f64,
    /// All load of the trace.
    pub offered: f64,
    /// Ticks in which any load was dropped.
    pub ticks_with_drops: usize,
    /// Number of changes that added servers.
    pub scale_outs: usize,
    /// Number of changes that removed servers.
    pub scale_ins: usize,
    /// Servers paid for, summed over ticks.
    pub server_ticks: u64,
    /// Servers ready, summed over ticks.
    pub ready_ticks: u64,
    /// Load over the capacity of the ready servers, averaged over the ticks that have any; above 1 where load is dropped.
    pub mean_utilization: f64,
    /// Most servers provisioned in any tick.
    pub most_provisioned: u32,
    /// Fewest servers ready in any tick.
    pub fewest_ready: u32,
}

/// Every tick of one run, column by column.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// Servers paid for.
    pub provisioned: Vec<u32>,
    /// Servers that served load.
    pub ready: Vec<u32>,
    /// Servers added or removed.
    pub change: Vec<i32>,
    /// Cost by component.
    pub cost: Vec<Cost>,
    /// Load dropped.
    pub dropped: Vec<f64>,
    reasons: Vec<Reason>,
    reason_ends: Vec<usize>,
}

impl Timeline {
    /// The chain of reasons of one tick.
    pub fn reasons(&self, tick: usize) -> &[Reason] {
        let start = if tick == 0 { 0 } else { self.reason_ends[tick - 1] };
        &self.reasons[start..self.reason_ends[tick]]
    }

    /// Number of ticks recorded.
    pub fn len(&self) -> usize {
        self.provisioned.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.provisioned.is_empty()
    }
}

/// One tick of a run, after it was charged.
#[derive(Debug, Clone, Copy)]
pub struct Tick<'a> {
    /// The fleet as it served the load.
    pub state: &'a FleetState,
    /// Servers added or removed.
    pub change: i32,
    /// The load that arrived.
    pub load: f64,
    /// What of it was dropped.
    pub dropped: f64,
    /// What the tick cost.
    pub cost: Cost,
    /// Why the policy decided as it did; empty unless the watch wants [`Watch::REASONS`].
    pub reasons: &'a [Reason],
}

/// What looks on while a policy runs.
pub trait Watch {
    /// Whether it wants the reasons of decisions, which take time.
    const REASONS: bool = false;

    /// Is told of every tick, in order.
    fn tick(&mut self, tick: &Tick<'_>);
}

/// Nobody.
impl Watch for () {
    #[inline]
    fn tick(&mut self, _tick: &Tick<'_>) {}
}

impl Watch for Timeline {
    const REASONS: bool = true;

    #[inline]
    fn tick(&mut self, tick: &Tick<'_>) {
        self.provisioned.push(tick.state.provisioned());
        self.ready.push(tick.state.ready());
        self.change.push(tick.change);
        self.cost.push(tick.cost);
        self.dropped.push(tick.dropped);
        self.reasons.extend_from_slice(tick.reasons);
        self.reason_ends.push(self.reasons.len());
    }
}

impl<W: Watch> Watch for &mut W {
    const REASONS: bool = W::REASONS;

    #[inline]
    fn tick(&mut self, tick: &Tick<'_>) {
        (**self).tick(tick);
    }
}

impl<A: Watch, B: Watch> Watch for (A, B) {
    const REASONS: bool = A::REASONS || B::REASONS;

    #[inline]
    fn tick(&mut self, tick: &Tick<'_>) {
        self.0.tick(tick);
        self.1.tick(tick);
    }
}

/// Runs `policy` over the whole trace; records every tick with its reasons where a `timeline` is given.
///
/// # Errors
/// When there is not a known load, or not a forecast where there are forecasts, for every tick.
pub fn simulate<P: Policy + ?Sized>(
    scenario: &Scenario<'_>,
    policy: &mut P,
    timeline: Option<&mut Timeline>,
) -> Result<Outcome, SimulationError> {
    // Two instances of one loop: the one without a timeline compiles to the bare arithmetic.
    match timeline {
        Some(timeline) => simulate_watched(scenario, None, policy, timeline),
        None => simulate_watched(scenario, None, policy, &mut ()),
    }
}

/// As [`simulate`], before the eyes of `watch`, and with start-up times of each server's own where there are `start_ups`.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_watched<P: Policy + ?Sized, W: Watch>(
    scenario: &Scenario<'_>,
    start_ups: Option<&StartUps>,
    policy: &mut P,
    watch: &mut W,
) -> Result<Outcome, SimulationError> {
    let ticks = scenario.load.len();
    if scenario.known.len() < ticks {
        return Err(SimulationError::KnownTooShort { known: scenario.known.len(), ticks });
    }
    if let Some(rows) = scenario.forecast.map(ForecastTrack::rows).filter(|rows| *rows < ticks) {
        return Err(SimulationError::ForecastTooShort { rows, ticks });
    }
    Ok(match start_ups {
        None => run(scenario, policy, watch, |state, _, target| state.apply(scenario.fleet, target)),
        Some(draws) => run(scenario, policy, watch, |state, tick, target| {
            let usual = scenario.fleet.startup_ticks;
            state.apply_drawn(scenario.fleet, target, |server| draws.ticks(usual, tick, server))
        }),
    })
}

fn run<P: Policy + ?Sized, W: Watch>(
    scenario: &Scenario<'_>,
    policy: &mut P,
    watch: &mut W,
    apply: impl Fn(&mut FleetState, usize, u32) -> i32,
) -> Outcome {
    let Scenario { fleet, prices, load, known, observe, forecast } = *scenario;
    let mut explanation = if W::REASONS { Explanation::kept() } else { Explanation::dropped() };
    let mut state = FleetState::initial(fleet);
    let mut outcome = Outcome { fewest_ready: u32::MAX, ..Outcome::default() };
    let mut utilization_sum = 0.0;
    let mut ticks_served = 0_u64;
    for (tick, &arriving) in load.iter().enumerate() {
        state.begin_tick();
        let known_loads = match observe {
            Observe::Previous => &known[..tick],
            Observe::Current => &known[..=tick],
        };
        let forecast = forecast.map(|track| track.at(tick));
        let observation = Observation { tick, known_loads, state: &state, fleet, forecast };
        let target = policy.decide(&observation, &mut explanation);
        let change = apply(&mut state, tick, target);
        let (cost, dropped) = prices.charge(fleet, &state, change, arriving);
        outcome.add(&state, change, cost, dropped, arriving);
        if state.ready() > 0 {
            utilization_sum += arriving / (f64::from(state.ready()) * fleet.capacity);
            ticks_served += 1;
        }
        if W::REASONS && target != target.clamp(fleet.min_servers, fleet.max_servers) {
            explanation.note(|| Reason::Clamped { from: target, to: state.provisioned() });
        }
        watch.tick(&Tick { state: &state, change, load: arriving, dropped, cost, reasons: explanation.reasons() });
        if W::REASONS {
            explanation.clear();
        }
    }
    if ticks_served > 0 {
        outcome.mean_utilization = utilization_sum / ticks_served as f64;
    }
    if load.is_empty() {
        outcome.fewest_ready = state.ready();
    }
    outcome
}

impl Outcome {
    #[inline]
    fn add(&mut self, state: &FleetState, change: i32, cost: Cost, dropped: f64, offered: f64) {
        self.cost.server += cost.server;
        self.cost.scale += cost.scale;
        self.cost.violation += cost.violation;
        self.dropped += dropped;
        self.offered += offered;
        self.ticks_with_drops += usize::from(dropped > 0.0);
        self.scale_outs += usize::from(change > 0);
        self.scale_ins += usize::from(change < 0);
        self.server_ticks += u64::from(state.provisioned());
        self.ready_ticks += u64::from(state.ready());
        self.most_provisioned = self.most_provisioned.max(state.provisioned());
        self.fewest_ready = self.fewest_ready.min(state.ready());
    }
}
