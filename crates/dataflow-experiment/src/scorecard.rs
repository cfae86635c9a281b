//! What there is to say of a run besides its cost, added up while it goes on.

use dataflow_scale::{Fleet, Tick, Watch};
use dataflow_series::Step;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::elasticity::{Elasticity, ElasticitySums};
use crate::service::{Service, ServiceSums};

/// Adds up the elasticity and the service of a run.
#[derive(Debug, Clone)]
pub struct Scorecard {
    elasticity: ElasticitySums,
    service: ServiceSums,
}

impl Scorecard {
    /// For a run of `fleet` whose ticks of `step` begin at `start`; days are those of `zone`, and good where at least the
    /// share `target` of their load was served.
    pub fn new(fleet: &Fleet, start: Timestamp, step: Step, zone: &TimeZone, target: f64) -> Self {
        Self {
            elasticity: ElasticitySums::new(fleet.capacity, fleet.min_servers),
            service: ServiceSums::new(start, step, zone, target),
        }
    }

    /// How well supply followed demand; servers that serve are the supply.
    pub fn elasticity(&self) -> Elasticity {
        self.elasticity.finish()
    }

    /// How the run served.
    pub fn service(&self) -> Service {
        self.service.finish()
    }
}

impl Watch for Scorecard {
    #[inline]
    fn tick(&mut self, tick: &Tick<'_>) {
        self.elasticity.add(tick.load, tick.state.ready());
        self.service.add(tick.load, tick.dropped, tick.change);
    }
}
