//! The mistakes of a run: stretches of time in which a policy paid more than the optimum, because it had too few servers or
//! too many.

use std::ops::Range;

use dataflow_scale::Timeline;

/// What a policy did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MistakeKind {
    /// More load was dropped than by the optimum.
    TooFewServers,
    /// More servers were paid for than by the optimum.
    TooManyServers,
}

/// A stretch of ticks in which a policy paid more than the optimum, for one reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// What was wrong.
    pub kind: MistakeKind,
    /// The ticks of the stretch.
    pub ticks: Range<usize>,
    /// What it cost beyond the optimum in those ticks, in the currency of the prices.
    pub cost: f64,
    /// Load dropped beyond that of the optimum, in the unit of the trace.
    pub dropped: f64,
    /// The tick whose decision made it: for too few servers the last one whose order would have been in time for the first
    /// drop, else the first of the stretch.
    pub decided: usize,
}

impl MistakeKind {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooFewServers => "too few servers",
            Self::TooManyServers => "too many servers",
        }
    }
}

/// The mistakes of a run beside the optimum's replay of the same ticks, dearest first. Stretches of the same kind that are
/// no further apart than a start-up are one.
pub fn mistakes(run: &Timeline, optimum: &Timeline, startup_ticks: usize) -> Vec<Mistake> {
    let ticks = run.len().min(optimum.len());
    let mut found: Vec<Mistake> = Vec::new();
    for tick in 0..ticks {
        let Some(kind) = kind(run, optimum, tick) else { continue };
        let goes_on = |last: &Mistake| last.kind == kind && tick - last.ticks.end <= startup_ticks;
        match found.last_mut().filter(|last| goes_on(last)) {
            Some(last) => last.ticks.end = tick + 1,
            None => found.push(Mistake {
                kind,
                ticks: tick..tick + 1,
                cost: 0.0,
                dropped: 0.0,
                decided: match kind {
                    MistakeKind::TooFewServers => tick.saturating_sub(startup_ticks),
                    MistakeKind::TooManyServers => tick,
                },
            }),
        }
    }
    for mistake in &mut found {
        mistake.cost = mistake.ticks.clone().map(|tick| excess(run, optimum, tick)).sum();
        mistake.dropped = mistake.ticks.clone().map(|tick| run.dropped[tick] - optimum.dropped[tick]).sum();
    }
    found.retain(|mistake| mistake.cost > 0.0);
    found.sort_by(|one, other| other.cost.total_cmp(&one.cost).then(one.ticks.start.cmp(&other.ticks.start)));
    found
}

/// What a run paid in a tick beyond the optimum.
pub fn excess(run: &Timeline, optimum: &Timeline, tick: usize) -> f64 {
    run.cost[tick].total() - optimum.cost[tick].total()
}

fn kind(run: &Timeline, optimum: &Timeline, tick: usize) -> Option<MistakeKind> {
    if run.dropped[tick] > optimum.dropped[tick] {
        Some(MistakeKind::TooFewServers)
    } else if run.provisioned[tick] > optimum.provisioned[tick] {
        Some(MistakeKind::TooManyServers)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use dataflow_scale::policy::Replay;
    use dataflow_scale::{Fleet, Observe, Policy, Prices, Scenario, simulate};
    use proptest::prelude::*;

    use super::*;

    const PRICES: Prices = Prices { server: 1.0, scale: 0.5, violation: 1.0 };

    fn replay(load: &[f64], plan: &[u32], startup_ticks: u32) -> Timeline {
        let fleet = Fleet { capacity: 10.0, startup_ticks, cooldown_ticks: 0, min_servers: 1, max_servers: 9 };
        let scenario =
            Scenario { fleet: &fleet, prices: &PRICES, load, known: load, observe: Observe::Previous, forecast: None };
        let mut timeline = Timeline::default();
        let policy: &mut dyn Policy = &mut Replay(plan.to_vec());
        simulate(&scenario, policy, Some(&mut timeline)).expect("a load for each tick");
        timeline
    }

    #[test]
    fn what_was_dropped_and_what_was_idle_are_told_apart() {
        let load = [5.0, 5.0, 25.0, 25.0, 5.0, 5.0, 5.0];
        let optimum = replay(&load, &[1, 3, 3, 3, 1, 1, 1], 1);
        let run = replay(&load, &[1, 1, 3, 3, 3, 3, 1], 1);
        let found = mistakes(&run, &optimum, 1);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].kind, found[0].ticks.clone(), found[0].decided), (MistakeKind::TooFewServers, 2..3, 1));
        assert_eq!((found[0].dropped, found[0].cost), (15.0, 16.0));
        assert_eq!((found[1].kind, found[1].ticks.clone(), found[1].decided), (MistakeKind::TooManyServers, 4..6, 4));
    }

    proptest! {
        #[test]
        fn mistakes_lie_apart_and_each_cost_something(
            load in prop::collection::vec(0.0_f64..90.0, 1..60), seed in 0u32..1000,
        ) {
            let plan = |salt: u32| -> Vec<u32> {
                (0..load.len() as u32).map(|tick| 1 + (tick * 7 + seed * salt + tick * tick % 5) % 9).collect()
            };
            let (run, optimum) = (replay(&load, &plan(3), 2), replay(&load, &plan(11), 2));
            let mut found = mistakes(&run, &optimum, 2);
            prop_assert!(found.windows(2).all(|pair| pair[0].cost >= pair[1].cost));
            prop_assert!(found.iter().all(|mistake| mistake.cost > 0.0 && mistake.decided <= mistake.ticks.start));
            let of_kind = |found: &[Mistake], kind| found.iter().filter(|one| one.kind == kind).cloned().collect::<Vec<_>>();
            found.sort_by_key(|mistake| mistake.ticks.start);
            for kind in [MistakeKind::TooFewServers, MistakeKind::TooManyServers] {
                prop_assert!(of_kind(&found, kind).windows(2).all(|pair| pair[0].ticks.end <= pair[1].ticks.start));
            }
        }
    }
}
