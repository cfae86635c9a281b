//! The optimum under the cooldown and step limits: a dynamic programme over the number of servers.
//!
//! Orders are never cancelled here: a server switched off while it boots cost something and served nothing, and leaving
//! it out makes the changes smaller and no closer together. So the fleet only grows while servers boot, and what the load
//! loses to them is known when they are ordered: the boot queue need not be remembered. With `S` the start-up time, `C`
//! the cooldown, `drops[t][n]` the price of the load that `n` ready servers would drop in the ticks before `t`, an order
//! from `a` to `b` servers in tick `t` adds
//!
//! ```text
//! Σ over ticks t .. t+S of (what a would drop − what b would drop)
//! ```
//!
//! to a fleet that is charged as if all its servers were ready. Two least costs are kept for each number of servers `n`
//! and the ticks before `t`, both less `drops[t][n]`: `steady[t][n]`, free to change either way, no server booting; and
//! `growing[t][n]`, free to grow.
//!
//! ```text
//! steady[t][b]  = min  steady[t−1][b] + server·b
//!                      growing[u][a] + drops[u+S][a] − drops[u+S][b] + scale·(b−a) + server·b·(t−u)   u = t − max(C+1, S)
//!                      steady[u][a]  + drops[u][a]   − drops[u][b]   + scale·(a−b) + server·b·(t−u)   u = t − (C+1)
//! growing[t][b] = min  growing[t−1][b] + server·b,   steady[t][b]
//!                      growing[u][a] + drops[u+S][a] − drops[u+S][b] + scale·(b−a) + server·b·(t−u)   u = t − (C+1)
//! ```
//!
//! with `a` within the step limits of `b`. What depends on `a` and what on `b` are apart, so that the least over `a` is
//! that of a window. Where the cooldown covers the boot both are the same and one is kept. A change may outlast the trace:
//! the sweep goes on for a cooldown's length of ticks that cost nothing. Which change was best is kept for each number and
//! tick. Where that is too much, the sweep keeps its state at intervals only and is run again, from the last interval to
//! the first, as the plan is traced back.

use super::window_minimum::WindowMinimum;
use super::{Plan, StepLimits, by_levels, most_useful_servers};
use crate::{Fleet, Prices};

/// Most memory that the programme may take.
const MAX_MEGABYTES: usize = 2048;
/// Memory up to which all best changes are kept, so that the sweep runs once.
const ONE_SWEEP_MEGABYTES: usize = 128;
const MEGABYTE: usize = 1 << 20;
/// Ticks between two reports of progress.
const REPORT_TICKS: usize = 1 << 12;

/// The dynamic programme does not fit in memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the optimum under the cooldown and step limits would take {megabytes} MB of memory (at most {MAX_MEGABYTES}): fewer \
     servers, a shorter start-up time or cooldown, or a longer interval make it smaller"
)]
#[non_exhaustive]
pub struct TooLarge {
    /// Memory that the programme would take.
    pub megabytes: usize,
}

/// The least cost that any plan can reach which holds still during the cooldown and changes by no more than `limits`,
/// with such a plan. `progress` is told the share of the work done, from 0 to 1.
///
/// Takes time proportional to ticks × servers ever useful × the logarithm of the largest step, whatever the start-up time
/// and cooldown.
///
/// # Errors
/// When so many servers over so many ticks do not fit in memory.
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
    let segments = Segments::new(&Shape::of(&bounded), load.len())?;
    let sweep = Sweep::new(&bounded, prices, load, limits);
    let provisioned = segments.trace_back(sweep, progress);
    Ok(Plan::charged(fleet, prices, load, provisioned))
}

/// The measures of the programme.
#[derive(Clone, Copy)]
struct Shape {
    /// Different numbers of servers.
    counts: usize,
    /// Ticks that a change binds: its own and those of the cooldown.
    bound: usize,
    /// Ticks from an order to the first tick in which the fleet may shrink again.
    settling: usize,
    /// Where in a row the values of growing fleets start: 0 where they are those of steady ones.
    growing: usize,
    /// Values of a row: those of steady fleets, then those of growing ones.
    width: usize,
}

impl Shape {
    fn of(fleet: &Fleet) -> Self {
        let counts = (fleet.max_servers - fleet.min_servers) as usize + 1;
        let bound = fleet.cooldown_ticks as usize + 1;
        let settling = bound.max(fleet.startup_ticks as usize);
        let growing = if settling > bound { counts } else { 0 };
        Self { counts, bound, settling, growing, width: growing + counts }
    }

    /// Enough that moving the rows needed to the front is rare.
    fn rows_held(&self) -> usize {
        self.settling * 2 + 64
    }
}

/// The dynamic programme on its way through the trace.
struct Sweep<'a> {
    prices: &'a Prices,
    load: &'a [f64],
    shape: Shape,
    startup: usize,
    fewest: u32,
    /// Largest changes worth a look.
    most_out: usize,
    most_in: usize,
    /// What each number of servers costs in a tick.
    server_costs: Vec<f64>,
    /// What each number of servers more than the fewest costs to change.
    scale_costs: Vec<f64>,
    /// Ticks swept.
    tick: usize,
    /// What was dropped when a change that ends now was made, when what it ordered was ready, and the latter for a
    /// change whose boot ends now.
    dropped: [Dropped; 3],
    /// What each number of ready servers serves in a tick.
    served: Vec<f64>,
    /// One row for each number of ticks swept, the last `settling` at least.
    rows: Vec<f64>,
    /// Where in `rows` the next row starts.
    next: usize,
    windows: WindowMinimum,
}

/// The price of the load that each number of ready servers would have dropped in the ticks before `tick`.
#[derive(Clone)]
struct Dropped {
    tick: usize,
    prices: Vec<f64>,
}

impl Dropped {
    fn advance_to(&mut self, tick: usize, load: &[f64], served: &[f64], violation: f64) {
        // After the trace nothing is dropped any more.
        for &arriving in load.get(self.tick..tick.min(load.len())).unwrap_or_default() {
            for (price, served) in self.prices.iter_mut().zip(served) {
                let excess = arriving - served;
                *price += violation * if excess > 0.0 { excess } else { 0.0 };
            }
        }
        self.tick = self.tick.max(tick);
    }
}

impl<'a> Sweep<'a> {
    fn new(fleet: &Fleet, prices: &'a Prices, load: &'a [f64], limits: &StepLimits) -> Self {
        let shape = Shape::of(fleet);
        let Shape { counts, settling, growing, width, .. } = shape;
        // Before the first tick nothing has cost anything, and only the fewest servers are possible.
        let mut rows = vec![f64::INFINITY; shape.rows_held() * width];
        let initial = (settling - 1) * width;
        rows[initial] = 0.0;
        rows[initial + growing] = 0.0;
        let step = |limit: Option<u32>| limit.map_or(usize::MAX, |limit| limit as usize).min(counts - 1);
        let start = Dropped { tick: 0, prices: vec![0.0; counts] };
        let servers = || (fleet.min_servers..=fleet.max_servers).map(f64::from);
        Self {
            prices,
            load,
            shape,
            startup: fleet.startup_ticks as usize,
            fewest: fleet.min_servers,
            most_out: step(limits.out),
            most_in: step(limits.r#in),
            server_costs: servers().map(|servers| prices.server * servers).collect(),
            scale_costs: (0..counts).map(|more| prices.scale * more as f64).collect(),
            tick: 0,
            dropped: [start.clone(), start.clone(), start],
            served: servers().map(|servers| fleet.capacity * servers).collect(),
            rows,
            next: settling * width,
            windows: WindowMinimum::default(),
        }
    }

    /// Ticks of the trace and those of a cooldown after it.
    fn end(&self) -> usize {
        self.load.len() + self.shape.bound - 1
    }

    /// Advances by one tick and keeps the best change of each value: 0 holds, above 0 grows, below 0 shrinks or, for a
    /// growing fleet, says that the steady one is best.
    fn advance(&mut self, best: &mut [i32]) {
        let Shape { counts, bound, settling, growing, width } = self.shape;
        if self.next == self.rows.len() {
            let kept = settling * width;
            self.rows.copy_within(self.next - kept.., 0);
            self.next = kept;
        }
        self.tick += 1;
        self.hold(best);
        let changed = self.tick.saturating_sub(bound);
        let settled = self.tick.saturating_sub(settling);
        for (dropped, tick) in self.dropped.iter_mut().zip([changed, changed + self.startup, settled + self.startup]) {
            dropped.advance_to(tick, self.load, &self.served, self.prices.violation);
        }
        let (best_steady, best_growing) = best.split_at_mut(counts);
        self.grow(0, settling, 2, best_steady);
        self.shrink(best_steady);
        if growing > 0 {
            self.grow(growing, bound, 1, best_growing);
            let (steady, grown) = self.rows[self.next..self.next + width].split_at_mut(counts);
            for ((steady, grown), best) in steady.iter().zip(grown).zip(best_growing) {
                let better = *steady < *grown;
                *grown = if better { *steady } else { *grown };
                *best = if better { -1 } else { *best };
            }
        }
        self.next += width;
    }

    /// How many of the last `ticks` ticks were within the trace.
    fn paid(&self, ticks: usize) -> f64 {
        let end = self.load.len();
        (self.tick.min(end) - self.tick.saturating_sub(ticks).min(end)) as f64
    }

    fn hold(&mut self, best: &mut [i32]) {
        let (paid, width) = (self.paid(1), self.shape.width);
        let (before, now) = self.rows[self.next - width..self.next + width].split_at_mut(width);
        for (now, before) in now.chunks_exact_mut(self.shape.counts).zip(before.chunks_exact(self.shape.counts)) {
            for ((now, before), server) in now.iter_mut().zip(before).zip(&self.server_costs) {
                *now = before + paid * server;
            }
        }
        best.fill(0);
    }

    /// Orders made `ticks` ago, into the values at `offset` of the row.
    fn grow(&mut self, offset: usize, ticks: usize, dropped: usize, best: &mut [i32]) {
        if self.most_out == 0 {
            return;
        }
        let (paid, Shape { counts, growing, width, .. }) = (self.paid(ticks), self.shape);
        let (before, now) = self.rows.split_at_mut(self.next);
        let from = &before[self.next - ticks * width + growing..][..counts];
        let drops = &self.dropped[dropped].prices;
        let apart = from.iter().zip(drops).zip(&self.scale_costs).map(|((from, drops), scale)| from + drops - scale);
        let (least, places) = self.windows.before(apart, self.most_out);
        let costs = self.scale_costs.iter().zip(&self.server_costs).zip(drops);
        let costs = costs.map(|((scale, server), drops)| scale + paid * server - drops);
        relax(&mut now[offset..offset + counts], best, least, places, costs);
    }

    /// Servers switched off when the cooldown that ends now began.
    fn shrink(&mut self, best: &mut [i32]) {
        if self.most_in == 0 {
            return;
        }
        let (paid, Shape { counts, bound, width, .. }) = (self.paid(self.shape.bound), self.shape);
        let (before, now) = self.rows.split_at_mut(self.next);
        let from = &before[self.next - bound * width..][..counts];
        let drops = &self.dropped[0].prices;
        let apart = from.iter().zip(drops).zip(&self.scale_costs).map(|((from, drops), scale)| from + drops + scale);
        let (least, places) = self.windows.after(apart, self.most_in);
        let costs = self.scale_costs.iter().zip(&self.server_costs).zip(drops);
        let costs = costs.map(|((scale, server), drops)| paid * server - scale - drops);
        relax(&mut now[..counts], best, least, places, costs);
    }

    /// The place of the least value of a growing fleet, which a steady one's is never below.
    fn cheapest(&self) -> usize {
        let Shape { counts, growing, width, .. } = self.shape;
        let values = &self.rows[self.next - width + growing..][..counts];
        let costs = values.iter().zip(&self.final_drops()).map(|(value, drops)| value + drops).collect::<Vec<_>>();
        let least = costs.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
        least.map_or(0, |(place, _)| place)
    }

    /// The price of the load that each number of servers would have dropped in the whole trace.
    fn final_drops(&self) -> Vec<f64> {
        let mut dropped = self.dropped[0].clone();
        dropped.advance_to(self.load.len(), self.load, &self.served, self.prices.violation);
        dropped.prices
    }

    fn snapshot(&self) -> Snapshot {
        let kept = self.shape.settling * self.shape.width;
        let rows = self.rows[self.next - kept..self.next].to_vec();
        Snapshot { tick: self.tick, dropped: self.dropped.clone(), rows }
    }

    fn restore(&mut self, snapshot: &Snapshot) {
        self.tick = snapshot.tick;
        self.dropped.clone_from(&snapshot.dropped);
        self.next = snapshot.rows.len();
        self.rows[..self.next].copy_from_slice(&snapshot.rows);
    }
}

/// Lowers the values that changes lower: the least of where each may come from, and what it costs to come here.
#[inline]
fn relax(values: &mut [f64], best: &mut [i32], least: &[f64], places: &[i32], costs: impl Iterator<Item = f64>) {
    let changes = least.iter().zip(places).zip(costs).enumerate();
    for ((value, best), (place, ((least, from), cost))) in values.iter_mut().zip(best).zip(changes) {
        let cost = least + cost;
        let better = cost < *value;
        *value = if better { cost } else { *value };
        *best = if better { place as i32 - from } else { *best };
    }
}

/// All that a sweep needs to go on from a tick.
struct Snapshot {
    tick: usize,
    dropped: [Dropped; 3],
    rows: Vec<f64>,
}

/// How the trace is cut, so that the best changes of one segment and the snapshots before all of them fit in memory.
struct Segments {
    ticks: usize,
}

impl Segments {
    /// # Errors
    /// When even the least memory is too much.
    fn new(shape: &Shape, trace_ticks: usize) -> Result<Self, TooLarge> {
        let ticks = trace_ticks + shape.bound - 1;
        let row_bytes = shape.width * size_of::<f64>();
        let best_bytes = shape.width * size_of::<i32>();
        let snapshot_bytes = shape.settling.saturating_mul(row_bytes) + 3 * shape.counts * size_of::<f64>();
        let segment = if ticks.saturating_mul(best_bytes) <= ONE_SWEEP_MEGABYTES * MEGABYTE {
            ticks
        } else {
            // Where the memory for the best changes of a segment and for all snapshots is least together.
            (ticks as f64 * snapshot_bytes as f64 / best_bytes as f64).sqrt().ceil() as usize
        };
        let segment = segment.clamp(1, ticks.max(1));
        let bytes = [
            shape.rows_held().saturating_mul(row_bytes),
            segment.saturating_mul(best_bytes),
            ticks.div_ceil(segment).saturating_mul(snapshot_bytes),
        ];
        let bytes = bytes.into_iter().fold(0, usize::saturating_add);
        if bytes > MAX_MEGABYTES * MEGABYTE {
            return Err(TooLarge { megabytes: bytes.div_ceil(MEGABYTE) });
        }
        Ok(Self { ticks: segment })
    }

    /// Runs the sweep, and returns the servers provisioned in each tick of the cheapest way through.
    fn trace_back(&self, mut sweep: Sweep<'_>, progress: &mut dyn FnMut(f64)) -> Vec<u32> {
        let end = sweep.end();
        let width = sweep.shape.width;
        let mut best = vec![0; self.ticks.min(end) * width];
        let mut snapshots = Vec::new();
        let mut advanced = 0;
        // All segments but the last are swept twice.
        let work = (end * 2).saturating_sub(self.ticks.min(end)).max(1);
        let mut run = |sweep: &mut Sweep<'_>, best: &mut [i32]| {
            for best in best.chunks_mut(width).take(end - sweep.tick) {
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
        let mut plan = PlanTrace {
            place: sweep.cheapest(),
            fewest: sweep.fewest,
            growing: true,
            tick: end,
            provisioned: vec![sweep.fewest; sweep.load.len()],
        };
        for (later, snapshot) in snapshots.iter().rev().enumerate() {
            if later > 0 {
                sweep.restore(snapshot);
                run(&mut sweep, &mut best);
            }
            plan.trace_back_to(snapshot.tick, &sweep.shape, &best);
        }
        plan.provisioned
    }
}

/// The cheapest way, followed from its end.
struct PlanTrace {
    fewest: u32,
    /// Servers more than the fewest.
    place: usize,
    /// Whether it is followed through the values of growing fleets.
    growing: bool,
    /// The tick after the last one not yet known.
    tick: usize,
    provisioned: Vec<u32>,
}

impl PlanTrace {
    /// Follows the best changes down to `start`, from which on `best` has them.
    fn trace_back_to(&mut self, start: usize, shape: &Shape, best: &[i32]) {
        while self.tick > start {
            let row = (self.tick - 1 - start) * shape.width;
            let offset = if self.growing { shape.growing } else { 0 };
            let change = best[row + offset + self.place];
            if self.growing && shape.growing > 0 && change < 0 {
                self.growing = false;
                continue;
            }
            let ticks = match change {
                0 => 1,
                ..0 => shape.bound,
                _ if self.growing => shape.bound,
                _ => shape.settling,
            };
            let first = self.tick.saturating_sub(ticks);
            let in_trace = first.min(self.provisioned.len())..self.tick.min(self.provisioned.len());
            self.provisioned[in_trace].fill(self.fewest + self.place as u32);
            self.tick = first;
            self.place = self.place.saturating_add_signed(-(change as isize)).min(shape.counts - 1);
            // An order is made by a fleet free to grow; holding leaves a fleet as free as it is.
            self.growing |= change > 0;
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
            let plan = |ticks| {
                let sweep = Sweep::new(&fleet, &prices, &load, &limits);
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
