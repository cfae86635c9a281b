//! Why an autoscaler of Kubernetes chose a number of pods: from the metric to the bounds, in the words of its users.

use std::fmt;

use super::behavior::{RatePolicy, Unit};

/// What a metric measures in the simulated world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// CPU of the pods that are ready, in percent of their request.
    CpuPercent,
    /// CPU per ready pod.
    Cpu,
    /// Load per ready pod, in percent of what one serves.
    LoadPercent,
    /// Load per ready pod and second.
    LoadPerPod,
    /// Load per second, divided among all pods.
    LoadShared,
    /// Load per second.
    Load,
    /// What KEDA's formula makes of its triggers.
    Formula,
    /// Replicas by the clock.
    Schedule,
}

/// One link in the chain of reasons of a decision.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Link {
    /// A metric against its target.
    Metric {
        /// What was measured.
        measured: Measured,
        /// Its value.
        value: f64,
        /// Its target.
        target: f64,
        /// Value over target.
        ratio: f64,
        /// Pods it asks for.
        pods: i32,
    },
    /// The ratio is too near 1 for a change.
    WithinTolerance {
        /// Value over target.
        ratio: f64,
    },
    /// Pods that are not ready yet were counted as idle.
    Unready {
        /// How many.
        unready: i32,
        /// Value over target with them.
        ratio: f64,
    },
    /// No metric gave a value.
    NoMetric,
    /// Somebody set the pods to none.
    Disabled,
    /// A higher recommendation of the window of scaling down counts.
    DownHeld {
        /// The window.
        seconds: i64,
        /// Pods.
        pods: i32,
    },
    /// A lower recommendation of the window of scaling up counts.
    UpHeld {
        /// The window.
        seconds: i64,
        /// Pods.
        pods: i32,
    },
    /// Not more may be added at once.
    UpRate {
        /// The policy, if it was one.
        policy: Option<RatePolicy>,
        /// Pods.
        pods: i32,
    },
    /// Not more may be removed at once.
    DownRate {
        /// The policy, if it was one.
        policy: Option<RatePolicy>,
        /// Pods.
        pods: i32,
    },
    /// Without a `behavior` one step goes no further.
    Step {
        /// Pods.
        pods: i32,
    },
    /// The fewest pods allowed.
    Minimum {
        /// Pods.
        pods: i32,
    },
    /// The most pods allowed.
    Maximum {
        /// Pods.
        pods: i32,
    },
    /// KEDA switched the workload on.
    Activated {
        /// Pods.
        pods: i32,
    },
    /// KEDA switched the workload off.
    Deactivated {
        /// Pods.
        pods: i32,
    },
    /// No trigger is active, and KEDA waits.
    CoolingDown {
        /// The cooldown.
        seconds: i64,
    },
    /// An annotation stops KEDA.
    Paused,
}

impl fmt::Display for Measured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::CpuPercent => "cpu",
            Self::Cpu => "cpu per pod",
            Self::LoadPercent => "load",
            Self::LoadPerPod => "load per pod and second",
            Self::LoadShared => "load per second over all pods",
            Self::Load => "load per second",
            Self::Formula => "formula",
            Self::Schedule => "schedule",
        })
    }
}

/// A policy as a limit, such as `4 pods in 15 s`.
struct Rate(RatePolicy);

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RatePolicy { unit, value, period_seconds } = self.0;
        let unit = if unit == Unit::Pods { " pods" } else { "%" };
        write!(formatter, "{value}{unit} in {period_seconds} s")
    }
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Metric { measured, value, target, ratio, pods } => {
                if matches!(measured, Measured::CpuPercent | Measured::LoadPercent) {
                    write!(formatter, "{measured} {value:.0}% of {target:.0}% target")?;
                } else {
                    write!(formatter, "{measured} {value:.1} of {target:.1} target")?;
                }
                write!(formatter, ": ratio {ratio:.2} -> {pods} pods")
            }
            Self::WithinTolerance { ratio } => write!(formatter, "ratio {ratio:.2} is within the tolerance"),
            Self::Unready { unready, ratio } => {
                write!(formatter, "{unready} pods not ready yet count as idle: ratio {ratio:.2}")
            }
            Self::NoMetric => formatter.write_str("no metric has a value: no change"),
            Self::Disabled => formatter.write_str("no pods at all: the autoscaler is switched off"),
            Self::DownHeld { seconds, pods } => {
                write!(formatter, "scale-down held by the {seconds} s window: {pods}")
            }
            Self::UpHeld { seconds, pods } => write!(formatter, "scale-up held by the {seconds} s window: {pods}"),
            Self::UpRate { policy: Some(policy), pods } => write!(formatter, "at most {} more: {pods}", Rate(policy)),
            Self::DownRate { policy: Some(policy), pods } => {
                write!(formatter, "at most {} fewer: {pods}", Rate(policy))
            }
            Self::UpRate { policy: None, pods } => write!(formatter, "scale-up is disabled: {pods}"),
            Self::DownRate { policy: None, pods } => write!(formatter, "scale-down is disabled: {pods}"),
            Self::Step { pods } => write!(formatter, "at most twice the pods, or 4: {pods}"),
            Self::Minimum { pods } => write!(formatter, "no fewer than the minimum: {pods}"),
            Self::Maximum { pods } => write!(formatter, "no more than the maximum: {pods}"),
            Self::Activated { pods } => write!(formatter, "a trigger is active: {pods}"),
            Self::Deactivated { pods } => write!(formatter, "no trigger is active: {pods}"),
            Self::CoolingDown { seconds } => {
                write!(formatter, "no trigger is active, held by the cooldown of {seconds} s")
            }
            Self::Paused => formatter.write_str("paused by an annotation"),
        }
    }
}
