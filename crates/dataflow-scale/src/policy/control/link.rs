//! The reasons of policies that weigh prices.

use std::fmt;

/// One link in the chain of reasons of a policy that weighs prices. Loads are per tick, in the unit of the trace.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Link {
    /// The capacity beyond which no more than a share of the load is expected.
    DroppedShare {
        /// The share.
        share: f64,
        /// The load.
        load: f64,
        /// Servers that serve it.
        target: u32,
    },
    /// Another server is expected to save less than it costs.
    MarginalValue {
        /// What the last server saves per tick.
        saves: f64,
        /// What the next one would save.
        next: f64,
        /// Servers worth their price.
        target: u32,
    },
    /// The servers that the plan over the horizon begins with.
    Planned {
        /// The number.
        target: u32,
    },
    /// Servers whose stop has not been wanted for long enough.
    StopNotSure {
        /// Their number.
        servers: u32,
        /// Ticks for which a stop must be wanted.
        needed: u32,
    },
    /// A change was limited in size.
    StepLimited {
        /// Servers allowed.
        target: u32,
    },
    /// The optimum of what is past would have this many servers by now, at least and at most.
    PastOptimum {
        /// Least.
        least: u32,
        /// Most.
        most: u32,
    },
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::DroppedShare { share, load, target } => {
                write!(
                    formatter,
                    "{:.3}% of the load is expected beyond {load:.0}, which needs {target}",
                    100.0 * share
                )
            }
            Self::MarginalValue { saves, next, target } => {
                write!(formatter, "server {target} is expected to save {saves:.4} per tick, one more {next:.4}")
            }
            Self::Planned { target } => write!(formatter, "the plan over the horizon begins with {target}"),
            Self::StopNotSure { servers, needed } => {
                write!(formatter, "{servers} kept until their stop is wanted for {needed} ticks")
            }
            Self::StepLimited { target } => write!(formatter, "step limited to {target}"),
            Self::PastOptimum { least, most } => {
                write!(formatter, "the optimum of the past would now have {least} to {most}")
            }
        }
    }
}
