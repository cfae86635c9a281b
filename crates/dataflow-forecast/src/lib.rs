//! Models of traffic: from a past to a future with bands, and how good they are.

mod rolling;

pub use rolling::RollingForecast;
