//! The optimum under the cooldown and step limits: a dynamic programme over the free states of the fleet.
//!
//! `value[t][b]` is the least cost of the ticks `0..=t` that ends them in free state `b`:
//!
//! ```text
//! value[t][b] = min over edges a → b:  value[t − ticks][a] + scale·|change| + server·provisioned·ticks
//!                                      + Σ spans  (drops[t − last][ready] − drops[t − first − 1][ready])
//! ```
//!
//! with `drops[t][r]` the price of the load that `r` servers would have dropped in the ticks `0..=t`. An edge may outlast
//! the trace: the sweep goes on for a cooldown's length of ticks that cost nothing. Which run of edges was best is kept
//! in two bytes per state and tick. Where that is too much, the sweep keeps its state at intervals only and is run again,
//! from the last interval to the first, as the plan is traced back.

use super::automaton::{Automaton, TooLarge};
use super::{Plan, StepLimits, by_levels, most_useful_servers};
use crate::{Fleet, Prices};

/// Most memory that the programme may take.
pub(super) const MAX_MEGABYTES: usize = 2048;
/// Memory up to which all best runs are kept, so that the sweep runs once.
const ONE_SWEEP_MEGABYTES: usize = 128;
const MEGABYTE: usize = 1 << 20;
/// Ticks between two reports of progress.
const REPORT_TICKS: usize = 1 << 12;

/// The least cost that any plan can reach which holds still during the cooldown and changes by no more than `limits`,
/// with such a plan. `progress` is told the share of the work done, from 0 to 1.
///
/// Takes time proportional to ticks × (states and edges of the fleet): with a cooldown at least as long as the start-up
/// time there is about one state per number of servers, and one edge per allowed change.
///
/// # Errors
/// When the cooldown is so short against the start-up time, or so many servers may come and go at once, that the
/// fleet has too many states or changes.
pub fn under_limits(
    fleet: &Fleet,
    prices: &Prices,
    load: &[f64],
    limits: &StepLimits,
    progress: &mut dyn FnMut(f64),
) -> Result<Plan, TooLarge> {
    if fleet.cooldown_ticks == 0 && *limits == StepLimits::NONE {
        return Ok(by_levels(fleet, prices, load));
    }
    // Times beyond the trace's end and servers beyond its peak change nothing, but would cost memory.
    let longest = u32::try_from(load.len()).unwrap_or(u32::MAX);
    let bounded = Fleet {
        startup_ticks: fleet.startup_ticks.min(longest),
        cooldown_ticks: fleet.cooldown_ticks.min(longest),
        max_servers: most_useful_servers(fleet, load),
        ..fleet.clone()
    };
    let automaton = Automaton::new(&bounded, limits)?;
    let segments = Segments::new(&bounded, &automaton, load.len())?;
    let sweep = Sweep::new(&bounded, prices, load, &automaton);
    let provisioned = segments.trace_back(sweep, progress);
    Ok(Plan::charged(fleet, prices, load, provisioned))
}

/// The dynamic programme on its way through the trace.
struct Sweep<'a> {
    prices: &'a Prices,
    load: &'a [f64],
    automaton: &'a Automaton,
    /// What each state's servers cost in a tick.
    server_costs: Vec<f64>,
    /// What each number of ready servers serves in a tick.
    served: Vec<f64>,
    /// For each span, the price of the load dropped in it by each number of ready servers.
    span_costs: Vec<f64>,
    fewest: u32,
    /// Ticks that a change binds: its own and those of the cooldown.
    bound: usize,
    /// Next tick.
    tick: usize,
    /// One row per tick, the last `bound` at least: the value of each state, then the drops of each number of ready
    /// servers.
    rows: Vec<f64>,
    width: usize,
    /// Where in `rows` the row of the next tick starts.
    next: usize,
}

impl<'a> Sweep<'a> {
    fn new(fleet: &Fleet, prices: &'a Prices, load: &'a [f64], automaton: &'a Automaton) -> Self {
        let states = automaton.states();
        let width = row_width(fleet, automaton);
        let bound = bound_ticks(fleet);
        // Before the first tick nothing has cost anything, and only the initial state is possible.
        let mut rows = vec![0.0; rows_held(bound) * width];
        for row in rows.chunks_mut(width) {
            row[..states].fill(f64::INFINITY);
        }
        rows[(bound - 1) * width + automaton.initial] = 0.0;
        Self {
            prices,
            load,
            automaton,
            server_costs: automaton.provisioned.iter().map(|&servers| prices.server * f64::from(servers)).collect(),
            served: (fleet.min_servers..=fleet.max_servers).map(|ready| fleet.capacity * f64::from(ready)).collect(),
            span_costs: vec![0.0; automaton.spans.len() * (width - states)],
            fewest: fleet.min_servers,
            bound,
            tick: 0,
            rows,
            width,
            next: bound * width,
        }
    }

    /// Ticks of the trace and those of a cooldown after it.
    fn end(&self) -> usize {
        self.load.len() + self.bound - 1
    }

    /// Advances by one tick and keeps the number of the best run into each state.
    fn advance(&mut self, best: &mut [u16]) {
        if self.next == self.rows.len() {
            let kept = self.bound * self.width;
            self.rows.copy_within(self.next - kept.., 0);
            self.next = kept;
        }
        self.add_drops();
        self.price_spans();
        self.choose(best);
        self.next += self.width;
        self.tick += 1;
    }

    fn add_drops(&mut self) {
        let states = self.automaton.states();
        let (before, now) = self.rows[self.next - self.width..self.next + self.width].split_at_mut(self.width);
        // After the trace nothing is dropped any more.
        let arriving = self.load.get(self.tick).copied().unwrap_or(0.0);
        for ((now, before), served) in now[states..].iter_mut().zip(&before[states..]).zip(&self.served) {
            let excess = arriving - served;
            *now = before + self.prices.violation * if excess > 0.0 { excess } else { 0.0 };
        }
    }

    fn price_spans(&mut self) {
        let states = self.automaton.states();
        let drops_after = |ticks: u32| {
            let row = self.next - ticks as usize * self.width;
            &self.rows[row + states..row + self.width]
        };
        for (costs, span) in self.span_costs.chunks_exact_mut(self.width - states).zip(&self.automaton.spans) {
            let (before, after) = (drops_after(span.first + 1), drops_after(span.last));
            for ((cost, after), before) in costs.iter_mut().zip(after).zip(before) {
                *cost = after - before;
            }
        }
    }

    fn choose(&mut self, best: &mut [u16]) {
        let states = self.automaton.states();
        let columns = self.width - states;
        let (before, now) = self.rows.split_at_mut(self.next);
        let before_hold = &before[self.next - self.width..][..states];
        let before_change = &before[self.next - self.bound * self.width..][..states];
        let paid_until = (self.tick + 1).min(self.load.len());
        let hold_ticks = paid_until.saturating_sub(self.tick) as f64;
        let change_ticks = paid_until.saturating_sub((self.tick + 1).saturating_sub(self.bound)) as f64;
        let values = &mut now[..states];
        values.fill(f64::INFINITY);
        best.fill(0);
        for (number, run) in self.automaton.runs.iter().enumerate() {
            let length = run.into.len();
            let (before, ticks) =
                if run.change == 0 { (before_hold, hold_ticks) } else { (before_change, change_ticks) };
            let step = Step {
                from: &before[run.from..][..length],
                server_costs: &self.server_costs[run.into.clone()],
                ticks,
                change: self.prices.scale * f64::from(run.change),
                values: &mut values[run.into.clone()],
                best: &mut best[run.into.clone()],
                number: number as u16,
            };
            let drops = |&(span, ready): &(usize, u32)| {
                &self.span_costs[span * columns + (ready - self.fewest) as usize..][..length]
            };
            match run.ready.as_slice() {
                [only] => {
                    let only = drops(only);
                    step.relax(|edge| only[edge]);
                }
                [first, second] => {
                    let (first, second) = (drops(first), drops(second));
                    step.relax(|edge| first[edge] + second[edge]);
                }
                several => step.relax(|edge| several.iter().map(|span| drops(span)[edge]).sum()),
            }
        }
    }

    fn cheapest_state(&self) -> usize {
        let values = &self.rows[self.next - self.width..][..self.automaton.states()];
        let least = values.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
        least.map_or(0, |(state, _)| state)
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot { tick: self.tick, rows: self.rows[self.next - self.bound * self.width..self.next].to_vec() }
    }

    fn restore(&mut self, snapshot: &Snapshot) {
        self.tick = snapshot.tick;
        self.next = snapshot.rows.len();
        self.rows[..self.next].copy_from_slice(&snapshot.rows);
    }
}

/// One tick of the edges of one run.
struct Step<'a> {
    from: &'a [f64],
    server_costs: &'a [f64],
    /// Ticks for which the servers are paid.
    ticks: f64,
    change: f64,
    values: &'a mut [f64],
    best: &'a mut [u16],
    number: u16,
}

impl Step<'_> {
    /// Lowers the values that the run's edges lower, given what each edge drops.
    #[inline]
    fn relax(self, drops: impl Fn(usize) -> f64) {
        let length = self.from.len();
        let (server_costs, values, best) =
            (&self.server_costs[..length], &mut self.values[..length], &mut self.best[..length]);
        for edge in 0..length {
            let cost = self.from[edge] + self.change + server_costs[edge] * self.ticks + drops(edge);
            let better = cost < values[edge];
            values[edge] = if better { cost } else { values[edge] };
            best[edge] = if better { self.number } else { best[edge] };
        }
    }
}

/// All that a sweep needs to go on from a tick.
struct Snapshot {
    tick: usize,
    rows: Vec<f64>,
}

fn row_width(fleet: &Fleet, automaton: &Automaton) -> usize {
    automaton.states() + (fleet.max_servers - fleet.min_servers) as usize + 1
}

fn bound_ticks(fleet: &Fleet) -> usize {
    fleet.cooldown_ticks as usize + 1
}

/// Enough that moving the rows needed to the front is rare.
fn rows_held(bound: usize) -> usize {
    bound * 2 + 64
}

/// How the trace is cut, so that the best runs of one segment and the snapshots before all of them fit in memory.
struct Segments {
    ticks: usize,
}

impl Segments {
    /// # Errors
    /// When even the least memory is too much.
    fn new(fleet: &Fleet, automaton: &Automaton, trace_ticks: usize) -> Result<Self, TooLarge> {
        let bound = bound_ticks(fleet);
        let ticks = trace_ticks + bound - 1;
        let row_bytes = row_width(fleet, automaton) * size_of::<f64>();
        let best_bytes = automaton.states() * size_of::<u16>();
        let snapshot_bytes = bound * row_bytes;
        let segment = if ticks * best_bytes <= ONE_SWEEP_MEGABYTES * MEGABYTE {
            ticks
        } else {
            // Where the memory for the best runs of a segment and for all snapshots is least together.
            (ticks as f64 * snapshot_bytes as f64 / best_bytes as f64).sqrt().ceil() as usize
        };
        let segment = segment.max(1);
        let bytes = rows_held(bound) * row_bytes + segment * best_bytes + ticks.div_ceil(segment) * snapshot_bytes;
        if bytes > MAX_MEGABYTES * MEGABYTE || automaton.runs.len() > usize::from(u16::MAX) {
            let (states, edges) = (automaton.states(), automaton.edges);
            return Err(TooLarge { states, edges, megabytes: bytes.div_ceil(MEGABYTE) });
        }
        Ok(Self { ticks: segment })
    }

    /// Runs the sweep, and returns the servers provisioned in each tick of the cheapest way through.
    fn trace_back(&self, mut sweep: Sweep<'_>, progress: &mut dyn FnMut(f64)) -> Vec<u32> {
        let end = sweep.end();
        let mut best = vec![0; self.ticks.min(end) * sweep.automaton.states()];
        let mut snapshots = Vec::new();
        let mut advanced = 0;
        // All segments but the last are swept twice.
        let work = (end * 2).saturating_sub(self.ticks.min(end)).max(1);
        let mut run = |sweep: &mut Sweep<'_>, best: &mut [u16]| {
            for best in best.chunks_mut(sweep.automaton.states()).take(end - sweep.tick) {
                sweep.advance(best);
                advanced += 1;
                if advanced % REPORT_TICKS == 0 {
                    progress((advanced as f64 / work as f64).min(1.0));
                }
            }
        };
        while sweep.tick < end {
            snapshots.push(sweep.snapshot());
            run(&mut sweep, &mut best);
        }
        let mut plan = PlanTrace { state: sweep.cheapest_state(), tick: end, provisioned: vec![0; sweep.load.len()] };
        for (later, snapshot) in snapshots.iter().rev().enumerate() {
            if later > 0 {
                sweep.restore(snapshot);
                run(&mut sweep, &mut best);
            }
            plan.trace_back_to(snapshot.tick, &sweep, &best);
        }
        plan.provisioned
    }
}

/// The cheapest way, followed from its end.
struct PlanTrace {
    state: usize,
    /// The tick after the last one not yet known.
    tick: usize,
    provisioned: Vec<u32>,
}

impl PlanTrace {
    /// Follows the best runs down to `start`, from which on `best` has them.
    fn trace_back_to(&mut self, start: usize, sweep: &Sweep<'_>, best: &[u16]) {
        let automaton = sweep.automaton;
        while self.tick > start {
            let run = &automaton.runs[usize::from(best[(self.tick - 1 - start) * automaton.states() + self.state])];
            let first = self.tick.saturating_sub(if run.change == 0 { 1 } else { sweep.bound });
            let in_trace = first.min(self.provisioned.len())..self.tick.min(self.provisioned.len());
            self.provisioned[in_trace].fill(automaton.provisioned[self.state]);
            self.tick = first;
            // Within the run, unless prices without bounds left no way of finite cost.
            self.state = run.from + (self.state.saturating_sub(run.into.start)).min(run.into.len() - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_swept_in_segments_gives_the_plan_of_one_sweep() {
        let prices = Prices { server: 1.0, scale: 4.0, violation: 0.5 };
        let limits = StepLimits::default();
        let load: Vec<f64> =
            (0..2000_u32).map(|tick| f64::from(tick * 7919 % 90) * f64::from(tick % 300) / 300.0).collect();
        for cooldown_ticks in [0, 1, 5] {
            let fleet = Fleet { capacity: 10.0, startup_ticks: 3, cooldown_ticks, min_servers: 1, max_servers: 9 };
            let automaton = Automaton::new(&fleet, &limits).expect("a small fleet");
            let plan = |ticks| {
                let sweep = Sweep::new(&fleet, &prices, &load, &automaton);
                Segments { ticks }.trace_back(sweep, &mut |_| {})
            };
            let whole = plan(load.len() + 5);
            assert!(whole.iter().max() > Some(&5));
            for ticks in [1, 3, 7, 999] {
                assert_eq!(whole, plan(ticks), "segments of {ticks}");
            }
        }
    }
}
