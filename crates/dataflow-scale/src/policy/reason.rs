//! Why a policy chose a target: a chain of reasons from the raw signal to the clamped number of servers.

use std::fmt;

/// What a reason measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Utilization by the newest known load.
    Load,
    /// Utilization by the forecast mean.
    Forecast,
    /// Utilization by the upper end of the prediction interval.
    UpperBound,
    /// Utilization by the lower end of the prediction interval.
    LowerBound,
}

impl fmt::Display for Signal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Load => "utilization",
            Self::Forecast => "forecast utilization",
            Self::UpperBound => "upper-bound utilization",
            Self::LowerBound => "lower-bound utilization",
        })
    }
}

/// One link in the chain of reasons of a decision.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The policy always wants this many.
    Fixed {
        /// Servers wanted.
        target: u32,
    },
    /// A plan says so.
    Planned {
        /// Servers planned.
        target: u32,
    },
    /// Nothing is known yet that the policy could act on.
    NothingKnown,
    /// A change was made a short while ago.
    Cooldown {
        /// Ticks for which the policy still holds still.
        ticks_left: u32,
    },
    /// The newest known load is anomalous.
    Anomaly,
    /// A signal lies above its limit.
    Above {
        /// What was measured.
        signal: Signal,
        /// Its value, 1 = all provisioned capacity.
        value: f64,
        /// The limit.
        limit: f64,
    },
    /// A signal lies below its limit.
    Below {
        /// What was measured.
        signal: Signal,
        /// Its value, 1 = all provisioned capacity.
        value: f64,
        /// The limit.
        limit: f64,
    },
    /// A signal asks for no change.
    Within {
        /// What was measured.
        signal: Signal,
        /// Its value, 1 = all provisioned capacity.
        value: f64,
    },
    /// The condition for scaling in has not held for long enough.
    Hysteresis {
        /// Ticks for which it has held.
        held: u32,
        /// Ticks for which it must hold.
        needed: u32,
    },
    /// Servers needed to serve a quantile of the forecast.
    Quantile {
        /// The load at the quantile, per tick.
        load: f64,
        /// Servers that serve it.
        target: u32,
    },
    /// A larger target of the recent past is held.
    Held {
        /// The largest recent target.
        target: u32,
    },
    /// A policy that weighs prices.
    Control(super::control::Link),
    /// A cloud's autoscaler.
    Cloud(super::cloud::Link),
    /// A link in the chain of an autoscaler of Kubernetes.
    Kubernetes(super::kubernetes::Link),
    /// The target was moved into the fleet's limits.
    Clamped {
        /// Servers wanted.
        from: u32,
        /// Servers allowed.
        to: u32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed { target } => write!(formatter, "fixed at {target}"),
            Self::Planned { target } => write!(formatter, "plan says {target}"),
            Self::NothingKnown => formatter.write_str("nothing known yet"),
            Self::Cooldown { ticks_left } => write!(formatter, "cooldown, {ticks_left} ticks left"),
            Self::Anomaly => formatter.write_str("anomaly in the newest load"),
            Self::Above { signal, value, limit } => write!(formatter, "{signal} {value:.3} > {limit}"),
            Self::Below { signal, value, limit } => write!(formatter, "{signal} {value:.3} < {limit}"),
            Self::Within { signal, value } => write!(formatter, "{signal} {value:.3} asks for no change"),
            Self::Hysteresis { held, needed } => {
                write!(formatter, "scale-in wanted for {held} of {needed} ticks")
            }
            Self::Quantile { load, target } => write!(formatter, "forecast quantile {load:.0} needs {target}"),
            Self::Held { target } => write!(formatter, "recent target {target} held"),
            Self::Control(link) => link.fmt(formatter),
            Self::Cloud(link) => link.fmt(formatter),
            Self::Kubernetes(link) => link.fmt(formatter),
            Self::Clamped { from, to } => write!(formatter, "clamped from {from} to {to}"),
        }
    }
}

/// Collects the reasons of decisions, or nothing at all where nobody will read them.
#[derive(Debug, Default)]
pub struct Explanation {
    wanted: bool,
    reasons: Vec<Reason>,
}

impl Explanation {
    /// One that keeps reasons.
    pub const fn kept() -> Self {
        Self { wanted: true, reasons: Vec::new() }
    }

    /// One that drops them unread: the fast path of simulations without a timeline.
    pub const fn dropped() -> Self {
        Self { wanted: false, reasons: Vec::new() }
    }

    /// Whether reasons are kept, for those that take work before there is anything to note.
    pub const fn is_kept(&self) -> bool {
        self.wanted
    }

    /// Adds the reason, which is made only where it is kept.
    #[inline]
    pub fn note(&mut self, reason: impl FnOnce() -> Reason) {
        if self.wanted {
            self.reasons.push(reason());
        }
    }

    /// The reasons noted since the last [`Self::clear`], in order.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// Forgets the reasons, ready for the next decision.
    pub fn clear(&mut self) {
        self.reasons.clear();
    }
}
