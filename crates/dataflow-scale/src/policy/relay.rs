//! Policies one after the other: for settings that are learnt anew while a trace goes on.

use super::{Explanation, Observation, Policy};

/// Plays each policy from its first tick until that of the next. A policy starts afresh when its turn comes.
pub struct Relay {
    /// First ticks, ascending; the first one is that of the trace.
    legs: Vec<(usize, Box<dyn Policy>)>,
    leg: usize,
}

impl Relay {
    /// Policies with the tick from which each plays, ascending; before the first of them the first plays too.
    ///
    /// Without any policy the fleet stays as it is.
    pub fn new(legs: Vec<(usize, Box<dyn Policy>)>) -> Self {
        Self { legs, leg: 0 }
    }
}

impl Policy for Relay {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        while self.legs.get(self.leg + 1).is_some_and(|(first, _)| *first <= now.tick) {
            self.leg += 1;
        }
        match self.legs.get_mut(self.leg) {
            Some((_, policy)) => policy.decide(now, explanation),
            None => now.state.provisioned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Fixed;
    use crate::{Fleet, Observe, Prices, Scenario, Timeline, simulate};

    #[test]
    fn each_policy_plays_from_its_first_tick() {
        let fleet = Fleet { capacity: 1.0, startup_ticks: 0, cooldown_ticks: 0, min_servers: 1, max_servers: 9 };
        let prices = Prices { server: 1.0, scale: 0.0, violation: 0.0 };
        let load = [0.0; 5];
        let scenario = Scenario {
            fleet: &fleet,
            prices: &prices,
            load: &load,
            known: &load,
            observe: Observe::Previous,
            forecast: None,
        };
        let legs: Vec<(usize, Box<dyn Policy>)> = vec![(0, Box::new(Fixed(2))), (3, Box::new(Fixed(5)))];
        let mut timeline = Timeline::default();
        simulate(&scenario, &mut Relay::new(legs), Some(&mut timeline)).expect("a load for each tick");
        assert_eq!(timeline.provisioned, [2, 2, 2, 5, 5]);
    }
}
