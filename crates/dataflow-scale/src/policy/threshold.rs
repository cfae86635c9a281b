//! The reference project's threshold policies: reactive, predictive and hybrid.
//!
//! Each compares a utilization (load over the capacity of all provisioned servers) with strict limits and moves by one
//! server, or two in an emergency. Source: the Python project DataFlow, `observe: current` in its own runs.

use super::{Explanation, Observation, Policy, Reason, Signal};

/// Above `high` one server more, below `low` one fewer. Shares of the provisioned capacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UtilizationThresholds {
    /// Scale out above this utilization.
    pub high: f64,
    /// Scale in below this utilization.
    pub low: f64,
}

/// Acts on the newest known load.
#[derive(Debug, Clone, Copy)]
pub struct Reactive(
    /// The limits; 0.75 and 0.30 in the reference.
    pub UtilizationThresholds,
);

/// Acts on the forecast mean.
#[derive(Debug, Clone, Copy)]
pub struct Predictive(
    /// The limits; 0.70 and 0.35 in the reference.
    pub UtilizationThresholds,
);

impl Policy for Reactive {
    #[inline]
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        step_by_utilization(now, explanation, Signal::Load, now.last_load(), self.0)
    }
}

impl Policy for Predictive {
    #[inline]
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let mean = now.forecast.map(|forecast| forecast.mean).filter(|mean| !mean.is_nan());
        step_by_utilization(now, explanation, Signal::Forecast, mean, self.0)
    }
}

#[inline]
fn step_by_utilization(
    now: &Observation<'_>,
    explanation: &mut Explanation,
    signal: Signal,
    load: Option<f64>,
    limits: UtilizationThresholds,
) -> u32 {
    let provisioned = now.state.provisioned();
    if in_cooldown(now, explanation) {
        return provisioned;
    }
    let Some(load) = load else {
        explanation.note(|| Reason::NothingKnown);
        return provisioned;
    };
    let value = now.utilization(load);
    if value > limits.high {
        explanation.note(|| Reason::Above { signal, value, limit: limits.high });
        provisioned.saturating_add(1)
    } else if value < limits.low {
        explanation.note(|| Reason::Below { signal, value, limit: limits.low });
        provisioned.saturating_sub(1)
    } else {
        explanation.note(|| Reason::Within { signal, value });
        provisioned
    }
}

#[inline]
fn in_cooldown(now: &Observation<'_>, explanation: &mut Explanation) -> bool {
    let ticks_left = now.state.cooldown_left();
    if ticks_left > 0 {
        explanation.note(|| Reason::Cooldown { ticks_left });
    }
    ticks_left > 0
}

/// The limits of [`Hybrid`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HybridThresholds {
    /// Scale out by one above this utilization of the interval's upper end; 0.75 in the reference.
    pub out: f64,
    /// Scale in by one below this utilization of the interval's lower end; 0.40 in the reference.
    pub r#in: f64,
    /// Scale out by two above this utilization of the newest known load; 0.90 in the reference.
    pub emergency: f64,
    /// Ticks for which the scale-in condition must hold; 0 in the reference's runs.
    pub hysteresis_ticks: u32,
}

/// Acts on anomalies, emergencies and both ends of the prediction interval, in this order.
#[derive(Debug, Clone)]
pub struct Hybrid {
    limits: HybridThresholds,
    scale_in_held: u32,
}

impl Hybrid {
    /// A hybrid policy with these limits.
    pub const fn new(limits: HybridThresholds) -> Self {
        Self { limits, scale_in_held: 0 }
    }

    /// Servers by which to jump in an emergency: two, or as many as fit.
    fn jump(now: &Observation<'_>) -> u32 {
        now.fleet.max_servers.saturating_sub(now.state.provisioned()).min(2)
    }

    /// Counts for how long the scale-in condition has held, whether or not the policy may act.
    fn scale_in_held(&mut self, lower: Option<f64>) -> u32 {
        let low = lower.is_some_and(|value| value < self.limits.r#in);
        self.scale_in_held = if low { self.scale_in_held.saturating_add(1) } else { 0 };
        self.scale_in_held
    }
}

impl Policy for Hybrid {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let limits = self.limits;
        let provisioned = now.state.provisioned();
        let bound = |load: f64| Some(now.utilization(load)).filter(|value| !value.is_nan());
        let upper = now.forecast.and_then(|forecast| bound(forecast.upper));
        let lower = now.forecast.and_then(|forecast| bound(forecast.lower));
        let held = self.scale_in_held(lower);
        if in_cooldown(now, explanation) {
            return provisioned;
        }
        let jump = Self::jump(now);
        if now.forecast.is_some_and(|forecast| forecast.anomaly) {
            explanation.note(|| Reason::Anomaly);
            if jump > 0 {
                return provisioned + jump;
            }
        }
        if let Some(value) = now.last_load().map(|load| now.utilization(load)).filter(|value| *value > limits.emergency)
        {
            explanation.note(|| Reason::Above { signal: Signal::Load, value, limit: limits.emergency });
            if jump > 0 {
                return provisioned + jump;
            }
        }
        let (Some(upper), Some(lower)) = (upper, lower) else {
            explanation.note(|| Reason::NothingKnown);
            return provisioned;
        };
        if upper > limits.out {
            explanation.note(|| Reason::Above { signal: Signal::UpperBound, value: upper, limit: limits.out });
            return provisioned.saturating_add(1);
        }
        if lower >= limits.r#in {
            explanation.note(|| Reason::Within { signal: Signal::LowerBound, value: lower });
            return provisioned;
        }
        explanation.note(|| Reason::Below { signal: Signal::LowerBound, value: lower, limit: limits.r#in });
        if held < limits.hysteresis_ticks {
            explanation.note(|| Reason::Hysteresis { held, needed: limits.hysteresis_ticks });
            return provisioned;
        }
        provisioned.saturating_sub(1)
    }
}
