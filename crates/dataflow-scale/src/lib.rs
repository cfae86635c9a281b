//! Fleets of servers under load: dynamics, cost, policies, simulator and the exact optimum.
//!
//! A [`Fleet`] is moved by one law ([`FleetState::begin_tick`], [`FleetState::apply`]), which the simulator
//! ([`simulate`]) and the optima ([`optimum`]) share. A [`Policy`] sees an [`Observation`], which cannot contain the
//! future, and returns a target; [`Explanation`] keeps its reasons.

mod fleet;
mod forecast_track;
pub mod optimum;
pub mod policy;
mod simulator;
pub mod spec;
mod start_ups;

pub use fleet::{Cost, Fleet, FleetState, Prices};
pub use forecast_track::{ForecastPoint, ForecastTrack, QuantileTrack};
pub use policy::{Explanation, Observation, Policy, Reason};
pub use simulator::{Observe, Outcome, Scenario, SimulationError, Tick, Timeline, Watch, simulate, simulate_watched};
pub use start_ups::StartUps;
