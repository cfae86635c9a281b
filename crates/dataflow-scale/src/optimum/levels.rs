//! The optimum without cooldown and step limits, level by level.
//!
//! Level `k` is on in the ticks in which at least `k` servers are provisioned. Because the servers ready are the fewest
//! provisioned in the last `S + 1` ticks (`S` the start-up time), the whole cost is a sum over the levels:
//!
//! ```text
//! Σ_t  server·x[t] + scale·|x[t] − x[t−1]| + lost[t]·(1 − min(x[t−S..=t]))
//! lost[t] = violation · clamp(load[t] − (k−1)·capacity, 0, capacity)
//! ```
//!
//! That is submodular in `x`, and `lost` falls with `k`; so the least minimisers of the levels nest (Topkis 1978) and
//! add up to one plan. Each level is a two-state problem, off or ready, for switching off a booting server never pays.
//! Only the difference `d[t]` of the least costs of being ready and being off in tick `t` matters. With
//! `g[t] = max(0, −d[t−1] − scale)`, what off gains in tick `t` by coming from ready,
//!
//! ```text
//! d[t] = min(d[t−1] + server,  scale + (S+1)·server + g[t−S] + … + g[t−1]) + g[t] − lost[t]
//! ```
//!
//! Ties go to fewer servers. Rounding may break a tie differently in two levels; their sum is a plan all the same, and
//! by submodularity one that costs no more than the levels together.
//!
//! Eight neighbouring levels move together, so that the compiler uses vector registers. Of each level and tick two bits
//! are kept, whether ready comes from a boot and whether off comes from ready, and only until the block of levels has
//! been traced back: memory is two bytes per tick and thread. Blocks run in parallel and add whole numbers, so the plan
//! is the same on any number of threads.

use std::sync::atomic::{AtomicI32, Ordering};

use rayon::prelude::*;

use super::{Plan, most_useful_servers};
use crate::{Fleet, Prices};

/// Levels that move together.
const LANES: usize = 8;
/// Ticks whose decisions fill one word.
const WORD: usize = u64::BITS as usize;

/// The least cost that any plan can reach, whatever its cooldown and steps, with such a plan.
///
/// Takes time proportional to ticks × (most servers ever useful − fewest servers), and runs on the current rayon pool.
/// Levels never reached by the load, and stretches in which a level is idle or full, cost next to nothing.
pub fn by_levels(fleet: &Fleet, prices: &Prices, load: &[f64]) -> Plan {
    let ticks = load.len();
    let startup = fleet.startup_ticks as usize;
    let highest = most_useful_servers(fleet, load);
    // How many levels switch on (positive) or off in each tick.
    let switches: Vec<AtomicI32> = (0..=ticks).map(|_| AtomicI32::new(0)).collect();
    // A server ordered in the first tick is ready `startup` ticks later: before that there is nothing to decide.
    if startup < ticks && highest > fleet.min_servers {
        let words: Vec<Word<'_>> = load[startup..].chunks(WORD).map(Word::new).collect();
        let blocks: Vec<u32> = (fleet.min_servers..highest).step_by(LANES).collect();
        blocks.into_par_iter().with_max_len(1).for_each_init(Scratch::default, |scratch, first| {
            let levels = (highest - first).min(LANES as u32) as usize;
            let final_difference = Block::new(fleet, prices, first, levels).run(&words, scratch);
            for (lane, &difference) in final_difference.iter().enumerate().take(levels) {
                let decisions = Decisions { words: &scratch.decisions, lane, startup };
                decisions.trace_back(ticks, difference < 0.0, |tick, change| {
                    switches[tick].fetch_add(change, Ordering::Relaxed);
                });
            }
        });
    }
    let mut servers = fleet.min_servers;
    let provisioned = switches[..ticks].iter().map(|change| {
        servers = servers.wrapping_add_signed(change.load(Ordering::Relaxed));
        servers
    });
    let provisioned = provisioned.collect();
    Plan::charged(fleet, prices, load, provisioned)
}

/// The loads of up to [`WORD`] ticks, with their range.
struct Word<'a> {
    load: &'a [f64],
    least: f64,
    most: f64,
}

impl<'a> Word<'a> {
    fn new(load: &'a [f64]) -> Self {
        let least = load.iter().copied().fold(f64::INFINITY, f64::min);
        let most = load.iter().copied().fold(0.0, f64::max);
        Self { load, least, most }
    }
}

/// The decisions of all levels of a block in up to [`WORD`] ticks; the first tick is the highest bit.
#[derive(Clone, Copy, Default)]
struct WordDecisions {
    /// Ready comes from a boot.
    boots: [u64; LANES],
    /// Off comes from ready.
    releases: [u64; LANES],
}

/// Memory reused from block to block.
#[derive(Default)]
struct Scratch {
    decisions: Vec<WordDecisions>,
    /// The sums of gains of the last `startup` ticks, as a ring.
    gains_before: Vec<[f64; LANES]>,
}

/// What the whole block sees in a word of ticks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Regime {
    /// No level has anything to lose.
    Idle,
    /// Every level is needed to the full.
    Full,
    /// Anything else.
    Mixed,
}

/// Neighbouring levels on their way through the trace.
struct Block {
    startup: usize,
    server: f64,
    scale: f64,
    violation: f64,
    capacity: f64,
    /// What a boot costs: the change, and the server until it is ready and in that tick.
    boot: f64,
    /// Load served by the levels below each level. Lanes beyond the last level repeat it.
    below: [f64; LANES],
    /// Least cost of being ready less that of being off.
    difference: [f64; LANES],
    /// Sum of all gains so far; only its differences matter.
    gains: [f64; LANES],
    /// Where in the ring the oldest sum of gains is.
    oldest: usize,
}

impl Block {
    /// The levels `first + 1 ..= first + levels`, off before the first tick.
    fn new(fleet: &Fleet, prices: &Prices, first: u32, levels: usize) -> Self {
        let below = std::array::from_fn(|lane| fleet.capacity * f64::from(first + lane.min(levels - 1) as u32));
        Self {
            startup: fleet.startup_ticks as usize,
            server: prices.server,
            scale: prices.scale,
            violation: prices.violation,
            capacity: fleet.capacity,
            boot: prices.scale + (f64::from(fleet.startup_ticks) + 1.0) * prices.server,
            below,
            difference: [f64::INFINITY; LANES],
            gains: [0.0; LANES],
            oldest: 0,
        }
    }

    /// Fills `scratch.decisions`, and returns the difference after the last tick.
    fn run(mut self, words: &[Word<'_>], scratch: &mut Scratch) -> [f64; LANES] {
        scratch.decisions.clear();
        scratch.decisions.reserve(words.len());
        scratch.gains_before.clear();
        scratch.gains_before.resize(self.startup, [0.0; LANES]);
        // Words in a row that left everything as it was. Once they cover the start-up time, another one of the same
        // regime changes nothing either and decides the same.
        let mut settled = 0;
        let mut before = Regime::Mixed;
        for word in words {
            let regime = self.regime(word);
            if regime != before {
                settled = 0;
            }
            before = regime;
            if let Some(&repeated) = scratch.decisions.last().filter(|_| settled > self.startup.div_ceil(WORD)) {
                scratch.decisions.push(repeated);
                continue;
            }
            let start = self.difference;
            let decisions = if self.startup == 0 {
                self.advance::<false>(word.load, &mut [])
            } else {
                self.advance::<true>(word.load, &mut scratch.gains_before)
            };
            scratch.decisions.push(decisions);
            settled = if start == self.difference && regime.is_settled(&decisions) { settled + 1 } else { 0 };
        }
        self.difference
    }

    fn regime(&self, word: &Word<'_>) -> Regime {
        if word.most <= self.below[0] {
            Regime::Idle
        } else if word.least >= self.below[LANES - 1] + self.capacity {
            Regime::Full
        } else {
            Regime::Mixed
        }
    }

    /// One word of ticks.
    #[inline]
    fn advance<const BOOTS: bool>(&mut self, load: &[f64], gains_before: &mut [[f64; LANES]]) -> WordDecisions {
        let Self { server, scale, violation, capacity, boot, below, .. } = *self;
        let mut difference = self.difference;
        let mut gains = self.gains;
        let mut decisions = WordDecisions::default();
        for &arriving in load {
            let mut gains_while_booting = [0.0; LANES];
            if BOOTS {
                let oldest = &mut gains_before[self.oldest];
                for lane in 0..LANES {
                    gains_while_booting[lane] = gains[lane] - oldest[lane];
                }
                *oldest = gains;
                self.oldest += 1;
                if self.oldest == self.startup {
                    self.oldest = 0;
                }
            }
            for lane in 0..LANES {
                // `if` instead of `f64::min` and `max`: those also order NaN, which costs instructions.
                let excess = arriving - below[lane];
                let excess = if excess > 0.0 { excess } else { 0.0 };
                let lost = violation * if excess < capacity { excess } else { capacity };
                let booted = boot + gains_while_booting[lane];
                let stayed = difference[lane] + server;
                let gain = -(difference[lane] + scale);
                let gain = if gain > 0.0 { gain } else { 0.0 };
                let ready = if booted <= stayed { booted } else { stayed };
                difference[lane] = ready + gain - lost;
                gains[lane] += gain;
                decisions.boots[lane] = (decisions.boots[lane] << 1) | u64::from(booted <= stayed);
                decisions.releases[lane] = (decisions.releases[lane] << 1) | u64::from(gain > 0.0);
            }
        }
        self.difference = difference;
        self.gains = gains;
        let unused = (WORD - load.len()) as u32;
        for lane in 0..LANES {
            decisions.boots[lane] = decisions.boots[lane].checked_shl(unused).unwrap_or(0);
            decisions.releases[lane] = decisions.releases[lane].checked_shl(unused).unwrap_or(0);
        }
        decisions
    }
}

impl Regime {
    /// Whether a word of this regime was decided the same way in every tick of every level.
    fn is_settled(self, decisions: &WordDecisions) -> bool {
        let all = |words: &[u64; LANES], value: u64| words.iter().all(|word| *word == value);
        match self {
            Self::Idle => all(&decisions.boots, u64::MAX) && all(&decisions.releases, 0),
            Self::Full => all(&decisions.boots, 0) && all(&decisions.releases, u64::MAX),
            Self::Mixed => false,
        }
    }
}

/// The decisions of one level.
struct Decisions<'a> {
    words: &'a [WordDecisions],
    lane: usize,
    startup: usize,
}

impl Decisions<'_> {
    /// Walks back from the last tick, and tells in which ticks the level is switched on (`+1`) and off (`−1`).
    fn trace_back(&self, ticks: usize, ready_at_end: bool, mut switch: impl FnMut(usize, i32)) {
        // Decisions are counted from the first tick in which a server can be ready.
        let mut undecided = ticks - self.startup;
        let mut off_from = ticks;
        let mut ready = ready_at_end;
        loop {
            if !ready {
                let Some(release) = self.latest(undecided, |word| word.releases[self.lane]) else { return };
                off_from = release + self.startup;
                undecided = release;
            }
            // Ordered `startup` ticks before it is ready: that is the tick of the decision's own number.
            let Some(ordered) = self.latest(undecided, |word| word.boots[self.lane]) else { return };
            switch(ordered, 1);
            switch(off_from, -1);
            let Some(left) = ordered.checked_sub(self.startup) else { return };
            undecided = left;
            ready = false;
        }
    }

    /// The latest decision before `end` whose bit is set.
    fn latest(&self, end: usize, bits: impl Fn(&WordDecisions) -> u64) -> Option<usize> {
        let last = end.checked_sub(1)?;
        let mut word = last / WORD;
        let mut found = bits(&self.words[word]) & (u64::MAX << (WORD - 1 - last % WORD));
        while found == 0 {
            word = word.checked_sub(1)?;
            found = bits(&self.words[word]);
        }
        Some(word * WORD + WORD - 1 - found.trailing_zeros() as usize)
    }
}
