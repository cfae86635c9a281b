//! One look of the horizontal pod autoscaler at its metrics, from bounds to the number of replicas it sets.
//!
//! Source: `reconcileAutoscaler` of Kubernetes' horizontal controller. Order: bounds, metrics (the largest proposal
//! counts, an invalid metric vetoes scaling down), stabilisation, rate policies.

use super::behavior::{Behavior, Changes, Limit, ScaleEvents, UpStep, within_rates, within_step};
use super::metric::{Proposal, Tolerance};
use super::recommendations::{Recommendations, Windows};

/// What a horizontal pod autoscaler goes by.
#[derive(Debug, Clone, PartialEq)]
pub struct HpaRules {
    /// Fewest replicas.
    pub minimum: i32,
    /// Most replicas.
    pub maximum: i32,
    /// How fast it may change; `None` is the older way without rate policies.
    pub behavior: Option<Behavior>,
    /// The controller's tolerance, for directions without their own.
    pub tolerance: Tolerance,
    /// The controller's window for scaling down, in seconds, where the rules give none.
    pub down_stabilization_seconds: i32,
    /// How far one step goes up without a `behavior`.
    pub up_step: UpStep,
}

impl HpaRules {
    /// Those of a manifest that says nothing but its bounds.
    pub fn new(minimum: i32, maximum: i32) -> Self {
        Self {
            minimum,
            maximum,
            behavior: None,
            tolerance: Tolerance::default(),
            down_stabilization_seconds: 300,
            up_step: UpStep::default(),
        }
    }

    /// The tolerance of each direction.
    pub fn tolerance(&self) -> Tolerance {
        let Some(behavior) = &self.behavior else { return self.tolerance };
        Tolerance {
            down: behavior.down.tolerance.unwrap_or(self.tolerance.down),
            up: behavior.up.tolerance.unwrap_or(self.tolerance.up),
        }
    }

    /// How far stabilisation looks back.
    #[inline]
    pub fn windows(&self) -> Windows {
        let (up, down) = match &self.behavior {
            Some(behavior) => (behavior.up.stabilization_seconds, behavior.down.stabilization_seconds),
            None => (None, None),
        };
        Windows {
            up: i64::from(up.unwrap_or(0)),
            down: i64::from(down.unwrap_or(self.down_stabilization_seconds)),
            is_end_included: self.behavior.is_none(),
        }
    }
}

/// A metric that gave no number, by the reason that the condition `ScalingActive` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedMetric(
    /// Such as `FailedGetResourceMetric`.
    pub &'static str,
);

/// The condition `AbleToScale`, which holds as long as there is something to scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbleToScale {
    /// The present scale is known.
    GotScale,
    /// Nothing stands against a new scale.
    Ready,
    /// A lower recommendation of the window of scaling up counts.
    UpStabilized,
    /// A higher recommendation of the window of scaling down counts.
    DownStabilized,
    /// A new scale was set.
    Rescaled,
}

impl AbleToScale {
    /// The reason as the condition shows it.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::GotScale => "SucceededGetScale",
            Self::Ready => "ReadyForNewScale",
            Self::UpStabilized => "ScaleUpStabilized",
            Self::DownStabilized => "ScaleDownStabilized",
            Self::Rescaled => "SucceededRescale",
        }
    }
}

/// The condition `ScalingActive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalingActive {
    /// Metrics were not looked at, as the bounds decided.
    NotAsked,
    /// A metric decided.
    Valid,
    /// There are no replicas, and the fewest allowed are more: somebody switched it off.
    Disabled,
    /// Metrics failed.
    Failed(FailedMetric),
}

impl ScalingActive {
    /// Whether the condition holds, and the reason as it shows it.
    pub const fn condition(self) -> Option<(bool, &'static str)> {
        match self {
            Self::NotAsked => None,
            Self::Valid => Some((true, "ValidMetricFound")),
            Self::Disabled => Some((false, "ScalingDisabled")),
            Self::Failed(FailedMetric(reason)) => Some((false, reason)),
        }
    }
}

impl Limit {
    /// Whether the condition `ScalingLimited` holds, and the reason as it shows it.
    pub const fn condition(self) -> (bool, &'static str) {
        match self {
            Self::None => (false, "DesiredWithinRange"),
            Self::Minimum => (true, "TooFewReplicas"),
            Self::Maximum => (true, "TooManyReplicas"),
            Self::UpRate(_) => (true, "ScaleUpLimit"),
            Self::DownRate(_) => (true, "ScaleDownLimit"),
        }
    }
}

/// What one look led to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// Replicas from now on.
    pub replicas: i32,
    /// What the metrics ask for; `None` where they were not looked at or do not count.
    pub raw: Option<i32>,
    /// The same after stabilisation.
    pub stabilized: Option<i32>,
    /// The condition `ScalingLimited`, where it was looked at.
    pub limit: Option<Limit>,
    /// The condition `AbleToScale`.
    pub able: AbleToScale,
    /// The condition `ScalingActive`.
    pub active: ScalingActive,
}

/// The controller of one horizontal pod autoscaler: what it remembers between two looks.
#[derive(Debug, Clone)]
pub struct Controller<R> {
    recommendations: R,
    is_started: bool,
    ups: ScaleEvents,
    downs: ScaleEvents,
}

impl<R: Recommendations + Default> Controller<R> {
    /// A controller that was just started: it takes the first present scale for its first recommendation.
    pub fn new() -> Self {
        Self {
            recommendations: R::default(),
            is_started: false,
            ups: ScaleEvents::default(),
            downs: ScaleEvents::default(),
        }
    }
}

impl<R: Recommendations + Default> Default for Controller<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Recommendations> Controller<R> {
    /// A controller that has run for a while.
    pub fn resumed(recommendations: R) -> Self {
        Self { recommendations, is_started: true, ups: ScaleEvents::default(), downs: ScaleEvents::default() }
    }

    /// Looks at `metrics` metrics, of which `propose` tells what each asks for, and decides.
    #[inline]
    pub fn reconcile(
        &mut self,
        rules: &HpaRules,
        now: i64,
        current: i32,
        metrics: usize,
        propose: impl FnMut(usize) -> Result<Proposal, FailedMetric>,
    ) -> Decision {
        let windows = rules.windows();
        if !self.is_started {
            self.recommendations.note(current, now, windows);
            self.is_started = true;
        }
        let unchanged = Decision {
            replicas: current,
            raw: None,
            stabilized: None,
            limit: None,
            able: AbleToScale::GotScale,
            active: ScalingActive::NotAsked,
        };
        if current == 0 && rules.minimum != 0 {
            return Decision { active: ScalingActive::Disabled, ..unchanged };
        }
        let decision = if current > rules.maximum {
            Decision { replicas: rules.maximum, limit: Some(Limit::Maximum), ..unchanged }
        } else if current < rules.minimum {
            Decision { replicas: rules.minimum, limit: Some(Limit::Minimum), ..unchanged }
        } else {
            match most_of(current, metrics, propose) {
                Err(failed) => return Decision { active: ScalingActive::Failed(failed), ..unchanged },
                Ok(raw) => self.normalize(rules, windows, now, current, raw),
            }
        };
        if decision.replicas == current {
            return decision;
        }
        self.note_change(rules, now, decision.replicas - current);
        Decision { able: AbleToScale::Rescaled, ..decision }
    }

    /// Whether the same present scale, asked for again until `last`, would lead to the same; if so, takes it for done.
    #[inline]
    pub fn holds_until(&mut self, rules: &HpaRules, last: i64) -> bool {
        self.recommendations.holds_until(last, rules.windows())
    }

    fn normalize(&mut self, rules: &HpaRules, windows: Windows, now: i64, current: i32, raw: i32) -> Decision {
        let (smallest, largest) = self.recommendations.note(raw, now, windows);
        let (stabilized, (replicas, limit)) = match &rules.behavior {
            None => (largest, within_step(current, rules.up_step, rules.minimum, rules.maximum, largest)),
            Some(behavior) => {
                let stabilized = stabilize(current, smallest, largest);
                let changes = Changes { current, ups: &self.ups, downs: &self.downs, now };
                (stabilized, within_rates(&changes, behavior, rules.minimum, rules.maximum, stabilized))
            }
        };
        let able = if stabilized == raw {
            AbleToScale::Ready
        } else if raw >= current && rules.behavior.is_some() {
            AbleToScale::UpStabilized
        } else {
            AbleToScale::DownStabilized
        };
        Decision {
            replicas,
            raw: Some(raw),
            stabilized: Some(stabilized),
            limit: Some(limit),
            able,
            active: ScalingActive::Valid,
        }
    }

    fn note_change(&mut self, rules: &HpaRules, now: i64, change: i32) {
        let Some(behavior) = &rules.behavior else { return };
        if change > 0 {
            self.ups.note(change, now, &behavior.up);
        } else {
            self.downs.note(-change, now, &behavior.down);
        }
    }
}

/// The present scale, moved only as far as the recommendations of both windows ask for.
#[inline]
pub fn stabilize(current: i32, smallest_of_up_window: i32, largest_of_down_window: i32) -> i32 {
    current.max(smallest_of_up_window).min(largest_of_down_window)
}

/// The largest proposal; an invalid metric stands against going below the present scale.
#[inline]
fn most_of(
    current: i32,
    metrics: usize,
    mut propose: impl FnMut(usize) -> Result<Proposal, FailedMetric>,
) -> Result<i32, FailedMetric> {
    let (mut most, mut failed) = (None, None);
    for metric in 0..metrics {
        match propose(metric) {
            Ok(proposal) => most = most.max(Some(proposal.replicas)),
            Err(reason) => failed = failed.or(Some(reason)),
        }
    }
    match (most, failed) {
        (Some(most), None) => Ok(most),
        (Some(most), Some(_)) if most >= current => Ok(most),
        (_, failed) => Err(failed.unwrap_or(FailedMetric("InvalidMetricSourceType"))),
    }
}
