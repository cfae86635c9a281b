//! The reasons of cloud autoscalers.

use std::fmt;

/// One link in the chain of reasons of a cloud autoscaler's decision. Metrics are shares of the ready capacity.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Link {
    /// No server was ready, so the metric has no data.
    NoData,
    /// No new data point of the metric since the last decision.
    NoNewData,
    /// The metric was on the alarm's side of its threshold for long enough, or not yet.
    Alarm {
        /// Whether the alarm is for a metric above the threshold.
        is_high: bool,
        /// The newest data point.
        metric: f64,
        /// The threshold.
        threshold: f64,
        /// Data points in a row beyond it.
        run: u32,
        /// Data points in a row that make an alarm.
        needed: u32,
    },
    /// The metric lies between the thresholds of all alarms.
    Between {
        /// The newest data point.
        metric: f64,
    },
    /// Capacity in proportion to the metric.
    Proportional {
        /// The metric.
        metric: f64,
        /// What it should be.
        target: f64,
        /// Servers that would bring it there.
        servers: u32,
    },
    /// A step adjustment.
    Step {
        /// Metric less threshold.
        breach: f64,
        /// Servers after the adjustment.
        servers: u32,
    },
    /// A cooldown blocks the change, or counts what it has added already.
    Cooldown {
        /// Whether it is that of scaling out.
        is_out: bool,
        /// Ticks left of it.
        ticks_left: u32,
    },
    /// Servers still start, so none are removed.
    WarmingUp,
    /// Another policy of the group does not want to scale in.
    NotAllAgree,
    /// Scaling in is switched off.
    ScaleInDisabled,
    /// Nothing is ever changed in this mode.
    ModeOff,
    /// The forecast needs more history.
    TooLittleHistory {
        /// Ticks known.
        known: u32,
        /// Ticks needed.
        needed: u32,
    },
    /// The capacity that the forecast asks for.
    Forecast {
        /// Servers it needs.
        servers: u32,
    },
    /// What the forecast would ask for; it only forecasts.
    ForecastOnly {
        /// Servers it would need.
        servers: u32,
    },
    /// The peak over the stabilisation period.
    Peak {
        /// Servers it needs.
        servers: u32,
    },
    /// Scaling in was limited.
    ScaleInLimited {
        /// Fewest servers allowed now.
        servers: u32,
    },
    /// The target was moved into the limits of the scalable target.
    Limited {
        /// Servers allowed.
        servers: u32,
    },
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoData => formatter.write_str("no server ready, so the metric has no data"),
            Self::NoNewData => formatter.write_str("no new data point of the metric"),
            Self::Alarm { is_high, metric, threshold, run, needed } => {
                let relation = if is_high { "above" } else { "below" };
                write!(formatter, "metric {metric:.3} {relation} {threshold:.3} for {run} of {needed} data points")
            }
            Self::Between { metric } => write!(formatter, "metric {metric:.3} raises no alarm"),
            Self::Proportional { metric, target, servers } => {
                write!(formatter, "metric {metric:.3} against target {target:.3} needs {servers}")
            }
            Self::Step { breach, servers } => write!(formatter, "breach by {breach:.3} adjusts to {servers}"),
            Self::Cooldown { is_out, ticks_left } => {
                let direction = if is_out { "scale-out" } else { "scale-in" };
                write!(formatter, "{direction} cooldown, {ticks_left} ticks left")
            }
            Self::WarmingUp => formatter.write_str("servers are starting, none removed"),
            Self::NotAllAgree => formatter.write_str("not all policies want to scale in"),
            Self::ScaleInDisabled => formatter.write_str("scale-in is disabled"),
            Self::ModeOff => formatter.write_str("mode off, nothing changed"),
            Self::TooLittleHistory { known, needed } => {
                write!(formatter, "no forecast yet, {known} of {needed} ticks known")
            }
            Self::Forecast { servers } => write!(formatter, "forecast needs {servers}"),
            Self::ForecastOnly { servers } => write!(formatter, "forecast would need {servers}, forecast only"),
            Self::Peak { servers } => write!(formatter, "peak of the stabilisation period needs {servers}"),
            Self::ScaleInLimited { servers } => write!(formatter, "scale-in limited to {servers}"),
            Self::Limited { servers } => write!(formatter, "limited to {servers} by the scalable target"),
        }
    }
}
