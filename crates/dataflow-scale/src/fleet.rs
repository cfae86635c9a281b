//! A fleet of servers and its one law of motion.
//!
//! Everything that moves a fleet (simulator, optimum, live controller) goes through [`FleetState::begin_tick`] and
//! [`FleetState::apply`], in that order within each tick: boot, *decide*, apply. Times are in ticks, the intervals of
//! the trace. Because a shrinking fleet cancels booting servers first, newest first, the servers ready in a tick are
//! the fewest provisioned in any of the last `startup_ticks + 1` ticks.

use std::collections::VecDeque;

/// The limits a fleet lives under. Times are in ticks.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    /// Load that one ready server serves in one tick, in the unit of the trace.
    pub capacity: f64,
    /// Ticks from the order of a server to the first tick whose load it serves; 0 serves at once.
    pub startup_ticks: u32,
    /// Ticks after a change in which policies hold still.
    pub cooldown_ticks: u32,
    /// Fewest servers provisioned; also the number that stands ready before the first tick.
    pub min_servers: u32,
    /// Most servers provisioned.
    pub max_servers: u32,
}

/// Servers ordered in one tick that are not ready yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Batch {
    servers: u32,
    ticks_left: u32,
}

/// The servers of a fleet at one moment: those ready, those booting, and the cooldown left.
///
/// In the order of states, those that differ in the number of ready servers alone are neighbours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FleetState {
    /// Oldest order first.
    booting: VecDeque<Batch>,
    cooldown_left: u32,
    provisioned: u32,
    ready: u32,
}

impl FleetState {
    /// The state before the first tick: the fewest servers allowed, all ready, no cooldown.
    pub fn initial(fleet: &Fleet) -> Self {
        Self { provisioned: fleet.min_servers, ready: fleet.min_servers, cooldown_left: 0, booting: VecDeque::new() }
    }

    /// Servers paid for: ready and booting ones.
    pub const fn provisioned(&self) -> u32 {
        self.provisioned
    }

    /// Servers that serve load.
    pub const fn ready(&self) -> u32 {
        self.ready
    }

    /// Ticks for which policies still hold still.
    pub const fn cooldown_left(&self) -> u32 {
        self.cooldown_left
    }

    /// First part of a tick: servers whose start-up time has passed become ready.
    #[inline]
    pub fn begin_tick(&mut self) {
        if self.booting.is_empty() {
            return;
        }
        let mut due = 0;
        for batch in &mut self.booting {
            batch.ticks_left -= 1;
            if batch.ticks_left == 0 {
                due += batch.servers;
            }
        }
        if due > 0 {
            self.ready += due;
            self.booting.retain(|batch| batch.ticks_left > 0);
        }
    }

    /// Third part of a tick, after the decision: moves towards `target`, clamped to the fleet's limits, and returns
    /// the change in provisioned servers. A change starts the cooldown; a tick without change counts it down by one.
    #[inline]
    pub fn apply(&mut self, fleet: &Fleet, target: u32) -> i32 {
        self.move_to(fleet, target, |state, servers| state.order(servers, fleet.startup_ticks))
    }

    /// As [`Self::apply`], with a start-up time for each server: `startup_ticks(n)` is that of the n-th server ordered in
    /// this tick, from 0. Servers ordered later may be ready earlier; the newest are still cancelled first.
    #[inline]
    pub fn apply_drawn(&mut self, fleet: &Fleet, target: u32, startup_ticks: impl Fn(u32) -> u32) -> i32 {
        self.move_to(fleet, target, |state, servers| {
            for server in 0..servers {
                state.order(1, startup_ticks(server));
            }
        })
    }

    #[inline]
    fn move_to(&mut self, fleet: &Fleet, target: u32, order: impl FnOnce(&mut Self, u32)) -> i32 {
        let target = target.max(fleet.min_servers).min(fleet.max_servers);
        if target == self.provisioned {
            self.cooldown_left = self.cooldown_left.saturating_sub(1);
            return 0;
        }
        let change = i64::from(target) - i64::from(self.provisioned);
        if target > self.provisioned {
            order(self, target - self.provisioned);
        } else {
            self.release(self.provisioned - target);
        }
        self.provisioned = target;
        self.cooldown_left = fleet.cooldown_ticks;
        change as i32
    }

    fn order(&mut self, servers: u32, startup_ticks: u32) {
        match self.booting.back_mut() {
            _ if startup_ticks == 0 => self.ready += servers,
            Some(newest) if newest.ticks_left == startup_ticks => newest.servers += servers,
            _ => self.booting.push_back(Batch { servers, ticks_left: startup_ticks }),
        }
    }

    /// Cancels booting servers, newest first, then stops ready ones.
    fn release(&mut self, mut servers: u32) {
        while servers > 0 {
            let Some(newest) = self.booting.back_mut() else {
                self.ready -= servers;
                return;
            };
            let cancelled = newest.servers.min(servers);
            newest.servers -= cancelled;
            servers -= cancelled;
            if newest.servers == 0 {
                self.booting.pop_back();
            }
        }
    }
}

/// What servers, changes and dropped load cost, in one currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// For one provisioned server for one tick, booting ones included.
    pub server: f64,
    /// For each server ordered or released.
    pub scale: f64,
    /// For each unit of load that found no ready server.
    pub violation: f64,
}

/// What one tick, or a whole run, cost, by component.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// For provisioned servers.
    pub server: f64,
    /// For changes.
    pub scale: f64,
    /// For dropped load.
    pub violation: f64,
}

impl Cost {
    /// The sum of the components.
    pub fn total(&self) -> f64 {
        self.server + self.scale + self.violation
    }
}

impl Prices {
    /// Last part of a tick: what the state after [`FleetState::apply`] costs under `load`, and the load dropped.
    #[inline]
    pub fn charge(&self, fleet: &Fleet, state: &FleetState, change: i32, load: f64) -> (Cost, f64) {
        let dropped = (load - fleet.capacity * f64::from(state.ready)).max(0.0);
        let cost = Cost {
            server: self.server * f64::from(state.provisioned),
            scale: self.scale * f64::from(change.unsigned_abs()),
            violation: self.violation * dropped,
        };
        (cost, dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fleet(startup_ticks: u32, cooldown_ticks: u32) -> Fleet {
        Fleet { capacity: 10.0, startup_ticks, cooldown_ticks, min_servers: 1, max_servers: 9 }
    }

    fn tick(fleet: &Fleet, state: &mut FleetState, target: u32) -> i32 {
        state.begin_tick();
        state.apply(fleet, target)
    }

    #[test]
    fn a_server_is_ready_its_start_up_time_after_the_order() {
        let fleet = fleet(3, 5);
        let mut state = FleetState::initial(&fleet);
        assert_eq!(tick(&fleet, &mut state, 2), 1);
        for ready in [1, 1, 2] {
            tick(&fleet, &mut state, 2);
            assert_eq!(state.ready(), ready);
        }
    }

    #[test]
    fn the_next_action_can_come_one_tick_after_the_cooldown() {
        let fleet = fleet(0, 5);
        let mut state = FleetState::initial(&fleet);
        tick(&fleet, &mut state, 2);
        let waited = (1..99).find(|_| {
            let free = state.cooldown_left() == 0;
            tick(&fleet, &mut state, 2);
            free
        });
        assert_eq!(waited, Some(6));
    }

    #[test]
    fn shrinking_cancels_the_newest_order_first() {
        let fleet = fleet(2, 0);
        let mut state = FleetState::initial(&fleet);
        tick(&fleet, &mut state, 3);
        tick(&fleet, &mut state, 6);
        assert_eq!(tick(&fleet, &mut state, 3), -3);
        assert_eq!((state.provisioned(), state.ready()), (3, 3));
    }

    #[test]
    fn a_server_ordered_later_may_be_ready_earlier() {
        let fleet = fleet(3, 0);
        let mut state = FleetState::initial(&fleet);
        let draws = [5, 1];
        state.begin_tick();
        assert_eq!(state.apply_drawn(&fleet, 3, |server| draws[server as usize]), 2);
        for ready in [2, 2, 2, 2, 3] {
            tick(&fleet, &mut state, 3);
            assert_eq!(state.ready(), ready);
        }
    }

    proptest! {
        #[test]
        fn a_constant_draw_is_the_usual_start_up_time(
            startup in 0u32..6,
            targets in prop::collection::vec(0u32..12, 1..60),
        ) {
            let fleet = fleet(startup, 2);
            let mut usual = FleetState::initial(&fleet);
            let mut drawn = usual.clone();
            for target in targets {
                tick(&fleet, &mut usual, target);
                drawn.begin_tick();
                drawn.apply_drawn(&fleet, target, |_| startup);
                prop_assert_eq!(&usual, &drawn);
            }
        }

        #[test]
        fn no_draw_makes_more_ready_than_its_fewest_ticks(
            draws in prop::collection::vec(1u32..6, 200),
            targets in prop::collection::vec(0u32..12, 1..60),
        ) {
            let fastest = fleet(draws.iter().copied().min().unwrap_or(1), 0);
            let mut quick = FleetState::initial(&fastest);
            let mut drawn = quick.clone();
            for (at, target) in targets.into_iter().enumerate() {
                tick(&fastest, &mut quick, target);
                drawn.begin_tick();
                drawn.apply_drawn(&fastest, target, |server| draws[(3 * at + server as usize) % draws.len()]);
                prop_assert_eq!(quick.provisioned(), drawn.provisioned());
                prop_assert!(drawn.ready() <= quick.ready());
            }
        }

        #[test]
        fn ready_is_the_fewest_provisioned_within_the_start_up_time(
            startup in 0u32..6,
            cooldown in 0u32..4,
            targets in prop::collection::vec(0u32..12, 1..60),
        ) {
            let fleet = fleet(startup, cooldown);
            let mut state = FleetState::initial(&fleet);
            let mut provisioned = vec![fleet.min_servers; startup as usize];
            for target in targets {
                let before = state.provisioned();
                let change = tick(&fleet, &mut state, target);
                prop_assert_eq!(i64::from(state.provisioned()) - i64::from(before), i64::from(change));
                prop_assert!((fleet.min_servers..=fleet.max_servers).contains(&state.provisioned()));
                provisioned.push(state.provisioned());
                let fewest = provisioned.iter().rev().take(startup as usize + 1).min().copied();
                prop_assert_eq!(Some(state.ready()), fewest);
            }
        }
    }
}
