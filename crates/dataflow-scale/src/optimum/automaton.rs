//! The fleet as a finite automaton: the states in which it may be changed, and the ways from one to the next.
//!
//! Built by the fleet's own law of motion. A state is *free* when no cooldown is left: the next tick may hold or change.
//! A hold takes one tick; a change binds the fleet for the cooldown, so its edge runs to the next free state, one tick
//! after the cooldown. What an edge costs is a sum over stretches of ticks with one number of ready servers. Edges that
//! differ in nothing but the number of servers are kept as one [`Run`], so that a sweep passes over them in step.
//!
//! Orders are never cancelled here: a server switched off while it boots cost something and served nothing, and
//! leaving it out makes the changes smaller and no closer together.

use std::collections::HashMap;
use std::ops::Range;

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

/// Ticks of an edge, seen from the tick `t` in which it ends: `t − first ..= t − last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Span {
    /// Ticks from the first tick of the span to the end of the edge.
    pub(super) first: u32,
    /// Ticks from the last tick of the span to the end of the edge.
    pub(super) last: u32,
}

/// Edges into neighbouring states, each with one server more than the one before: provisioned, in the states it comes
/// from and leads to, and ready in each span.
#[derive(Debug)]
pub(super) struct Run {
    /// State that the first edge comes from; the others follow.
    pub(super) from: usize,
    /// States that the edges lead to.
    pub(super) into: Range<usize>,
    /// Size of the change in the first tick; 0 holds, which binds one tick, anything else binds the cooldown too.
    pub(super) change: u32,
    /// The spans of an edge, as indices of [`Automaton::spans`], with the servers ready in them on the first edge.
    pub(super) ready: Vec<(usize, u32)>,
}

/// The free states and the edges between them.
#[derive(Debug)]
pub(super) struct Automaton {
    /// Servers provisioned in each state, and on all edges into it.
    pub(super) provisioned: Vec<u32>,
    /// The state before the first tick.
    pub(super) initial: usize,
    /// All edges; holds first, then by the size of the change.
    pub(super) runs: Vec<Run>,
    /// All different spans.
    pub(super) spans: Vec<Span>,
    /// Number of edges in all runs.
    pub(super) edges: usize,
}

impl Automaton {
    /// # Errors
    /// When there are too many states or edges to be held in memory.
    pub(super) fn new(fleet: &Fleet, limits: &StepLimits) -> Result<Self, TooLarge> {
        let mut builder = Builder::default();
        builder.number_of(FleetState::initial(fleet));
        while let Some(state) = builder.states.get(builder.expanded).cloned() {
            builder.expand(fleet, limits, state)?;
            builder.expanded += 1;
        }
        Ok(builder.finish())
    }

    /// Number of free states.
    pub(super) fn states(&self) -> usize {
        self.provisioned.len()
    }
}

/// One decision with the ticks that it binds.
struct Edge {
    from: usize,
    into: usize,
    change: u32,
    /// Spans and the servers ready in them.
    ready: Vec<(usize, u32)>,
}

#[derive(Default)]
struct Builder {
    states: Vec<FleetState>,
    /// States whose edges are known.
    expanded: usize,
    numbers: HashMap<FleetState, usize>,
    spans: Vec<Span>,
    edges: Vec<Edge>,
    walked_ticks: usize,
}

impl Builder {
    /// Adds the edges out of one free state.
    fn expand(&mut self, fleet: &Fleet, limits: &StepLimits, mut state: FleetState) -> Result<(), TooLarge> {
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
            let ready = self.walk(fleet, &mut next);
            let into = self.number_of(next);
            self.edges.push(Edge { from: self.expanded, into, change, ready });
            if self.states.len() > MAX_STATES || self.edges.len() > MAX_EDGES || self.walked_ticks > MAX_WALKED_TICKS {
                return Err(TooLarge { states: self.states.len(), edges: self.edges.len(), megabytes: 0 });
            }
        }
        Ok(())
    }

    /// Holds until no cooldown is left, and returns the spans on the way with the servers ready in them.
    fn walk(&mut self, fleet: &Fleet, state: &mut FleetState) -> Vec<(usize, u32)> {
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
        self.walked_ticks += ticks as usize;
        let ends = stretches.iter().skip(1).map(|&(start, _)| start).chain([ticks]);
        let spans = stretches.iter().zip(ends).map(|(&(start, ready), end)| {
            let span = Span { first: ticks - 1 - start, last: ticks - end };
            let known = self.spans.iter().position(|known| *known == span);
            let number = known.unwrap_or_else(|| {
                self.spans.push(span);
                self.spans.len() - 1
            });
            (number, ready)
        });
        spans.collect()
    }

    fn number_of(&mut self, state: FleetState) -> usize {
        if let Some(&number) = self.numbers.get(&state) {
            return number;
        }
        let number = self.states.len();
        self.states.push(state.clone());
        self.numbers.insert(state, number);
        number
    }

    /// Sorts the states so that those with the same boot queue are neighbours, and joins the edges to runs.
    fn finish(self) -> Automaton {
        let Self { states, spans, mut edges, .. } = self;
        let mut sorted: Vec<usize> = (0..states.len()).collect();
        sorted.sort_by(|&one, &other| states[one].cmp(&states[other]));
        let mut place = vec![0; states.len()];
        for (number, &state) in sorted.iter().enumerate() {
            place[state] = number;
        }
        for edge in &mut edges {
            edge.from = place[edge.from];
            edge.into = place[edge.into];
        }
        // What the edges of a run have in common, then their order in it.
        edges.sort_by(|one, other| {
            let relative = |edge: &Edge| {
                let shifts = edge.ready.iter().map(|&(span, ready)| (span, i64::from(ready) - edge.into as i64));
                (edge.change, edge.from as i64 - edge.into as i64, shifts.collect::<Vec<_>>())
            };
            relative(one).cmp(&relative(other)).then(one.into.cmp(&other.into))
        });
        let mut runs: Vec<Run> = Vec::new();
        for edge in &edges {
            match runs.last_mut().filter(|run| run.goes_on_with(edge)) {
                Some(run) => run.into.end += 1,
                None => runs.push(Run {
                    from: edge.from,
                    into: edge.into..edge.into + 1,
                    change: edge.change,
                    ready: edge.ready.clone(),
                }),
            }
        }
        let provisioned = sorted.iter().map(|&state| states[state].provisioned()).collect();
        Automaton { provisioned, initial: place[0], runs, spans, edges: edges.len() }
    }
}

impl Run {
    /// Whether an edge is this run's next one.
    fn goes_on_with(&self, edge: &Edge) -> bool {
        let length = self.into.len();
        edge.into == self.into.end
            && edge.from == self.from + length
            && edge.change == self.change
            && edge.ready.len() == self.ready.len()
            && edge
                .ready
                .iter()
                .zip(&self.ready)
                .all(|(edge, first)| edge.0 == first.0 && edge.1 as usize == first.1 as usize + length)
    }
}
