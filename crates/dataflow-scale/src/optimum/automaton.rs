//! The fleet as a finite automaton: the states in which it may be changed, and the ways from one to the next.
//!
//! Built by the fleet's own law of motion. A state is *free* when no cooldown is left: the next tick may hold or change.
//! A hold takes one tick; a change binds the fleet for the cooldown, so its edge runs to the next free state, one tick
//! after the cooldown. What an edge costs is a sum of windows: stretches of ticks with one number of ready servers.
//!
//! Orders are never cancelled here: a server switched off while it boots cost something and served nothing, and
//! leaving it out makes the changes smaller and no closer together.

use std::collections::HashMap;

use super::StepLimits;
use super::limits::MAX_MEGABYTES;
use crate::{Fleet, FleetState};

/// Most free states of an automaton.
const MAX_STATES: usize = 1 << 20;
/// Most edges of an automaton.
const MAX_EDGES: usize = 1 << 21;
/// Most ticks walked along all edges together.
const MAX_WALKED_TICKS: usize = 1 << 30;

/// The fleet has too many states for the dynamic programme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the optimum under cooldown and step limits is too large for this fleet: {states} or more states \
     (at most {MAX_STATES}), {edges} or more changes between them (at most {MAX_EDGES}), {megabytes} MB or more of \
     memory (at most {MAX_MEGABYTES}); a longer cooldown, a shorter start-up time, smaller steps, fewer servers or a \
     longer interval make it smaller"
)]
#[non_exhaustive]
pub struct TooLarge {
    /// States found before giving up.
    pub states: usize,
    /// Ways from state to state found before giving up.
    pub edges: usize,
    /// Memory that the programme would take, as far as it was known.
    pub megabytes: usize,
}

/// A stretch of ticks with one number of ready servers, seen from the tick `t` in which the edge ends: the ticks
/// `t − first ..= t − last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Window {
    /// Servers ready.
    pub(super) ready: u32,
    /// Ticks from the first tick of the window to the end of the edge.
    pub(super) first: u32,
    /// Ticks from the last tick of the window to the end of the edge.
    pub(super) last: u32,
}

/// One decision with the ticks that it binds.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) from: u32,
    /// Servers provisioned in all its ticks.
    pub(super) provisioned: u32,
    /// Size of the change in its first tick; 0 holds, which binds one tick, anything else binds the cooldown too.
    pub(super) change: u32,
    /// Its stretches of ready servers: a range of [`Automaton::edge_windows`].
    pub(super) windows: std::ops::Range<u32>,
}

/// The free states and the edges between them. State 0 is the one before the first tick.
#[derive(Debug)]
pub(super) struct Automaton {
    /// Sorted by the state they end in, and the hold first.
    pub(super) edges: Vec<Edge>,
    /// Where each state's edges start; one more than there are states.
    pub(super) edges_into: Vec<u32>,
    /// Numbers of windows, edge after edge.
    pub(super) edge_windows: Vec<u32>,
    /// All different windows.
    pub(super) windows: Vec<Window>,
}

impl Automaton {
    pub(super) fn states(&self) -> usize {
        self.edges_into.len() - 1
    }

    /// # Errors
    /// When there are too many states or edges to be held in memory.
    pub(super) fn new(fleet: &Fleet, limits: &StepLimits) -> Result<Self, TooLarge> {
        let mut builder = Builder::default();
        builder.state(FleetState::initial(fleet));
        let mut walked = 0;
        while let Some(state) = builder.states.get(builder.expanded).cloned() {
            builder.expand(fleet, limits, state, &mut walked)?;
            builder.expanded += 1;
        }
        Ok(builder.finish())
    }
}

#[derive(Default)]
struct Builder {
    states: Vec<FleetState>,
    expanded: usize,
    number_of_state: HashMap<FleetState, u32>,
    windows: Vec<Window>,
    number_of_window: HashMap<Window, u32>,
    edge_windows: Vec<u32>,
    /// With the state that each ends in.
    edges: Vec<(u32, Edge)>,
}

impl Builder {
    /// Adds the edges out of one free state.
    fn expand(
        &mut self,
        fleet: &Fleet,
        limits: &StepLimits,
        mut state: FleetState,
        walked: &mut usize,
    ) -> Result<(), TooLarge> {
        state.begin_tick();
        let held = state.provisioned();
        let booting = state.ready() < held;
        let fewest = match limits.r#in {
            _ if booting => held,
            Some(most) => held.saturating_sub(most).max(fleet.min_servers),
            None => fleet.min_servers,
        };
        let most = limits.out.map_or(fleet.max_servers, |most| held.saturating_add(most).min(fleet.max_servers));
        for target in std::iter::once(held).chain(fewest..held).chain(held + 1..=most) {
            let mut next = state.clone();
            let change = next.apply(fleet, target).unsigned_abs();
            let provisioned = next.provisioned();
            let windows = self.walk(fleet, &mut next);
            *walked += windows.ticks;
            let to = self.state(next);
            let edge = Edge { from: self.expanded as u32, provisioned, change, windows: windows.range };
            self.edges.push((to, edge));
            if self.states.len() > MAX_STATES || self.edges.len() > MAX_EDGES || *walked > MAX_WALKED_TICKS {
                return Err(TooLarge { states: self.states.len(), edges: self.edges.len(), megabytes: 0 });
            }
        }
        Ok(())
    }

    /// Holds until no cooldown is left, and keeps the stretches of ready servers on the way.
    fn walk(&mut self, fleet: &Fleet, state: &mut FleetState) -> Walk {
        let mut stretches = vec![(0_u32, state.ready())];
        let mut ticks = 1;
        while state.cooldown_left() > 0 {
            state.begin_tick();
            state.apply(fleet, state.provisioned());
            if stretches.last().is_some_and(|&(_, ready)| ready != state.ready()) {
                stretches.push((ticks, state.ready()));
            }
            ticks += 1;
        }
        let start = self.edge_windows.len() as u32;
        let ends = stretches.iter().skip(1).map(|&(start, _)| start).chain([ticks]);
        for (&(start, ready), end) in stretches.iter().zip(ends) {
            let window = Window { ready, first: ticks - 1 - start, last: ticks - end };
            let number = *self.number_of_window.entry(window).or_insert_with(|| {
                self.windows.push(window);
                self.windows.len() as u32 - 1
            });
            self.edge_windows.push(number);
        }
        Walk { ticks: ticks as usize, range: start..self.edge_windows.len() as u32 }
    }

    fn state(&mut self, state: FleetState) -> u32 {
        if let Some(&number) = self.number_of_state.get(&state) {
            return number;
        }
        let number = self.states.len() as u32;
        self.states.push(state.clone());
        self.number_of_state.insert(state, number);
        number
    }

    fn finish(mut self) -> Automaton {
        self.edges.sort_by_key(|(to, edge)| (*to, edge.change > 0));
        let mut edges_into = vec![0; self.states.len() + 1];
        for (to, _) in &self.edges {
            edges_into[*to as usize + 1] += 1;
        }
        for state in 0..self.states.len() {
            edges_into[state + 1] += edges_into[state];
        }
        let edges = self.edges.into_iter().map(|(_, edge)| edge).collect();
        Automaton { edges, edges_into, edge_windows: self.edge_windows, windows: self.windows }
    }
}

struct Walk {
    ticks: usize,
    range: std::ops::Range<u32>,
}
