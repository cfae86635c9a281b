//! What KEDA reports for a trigger that fails: an error at first, then the value that leads to a set number of replicas.
//!
//! Source: `pkg/fallback` of kedacore/keda.

/// How the replicas of a fallback relate to those there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FallbackBehavior {
    /// The set number.
    #[default]
    Static,
    /// Those there are.
    CurrentReplicas,
    /// Those there are if they are more than the set number, else that.
    CurrentReplicasIfHigher,
    /// Those there are if they are fewer than the set number, else that.
    CurrentReplicasIfLower,
    /// The formula goes on without the trigger, whose value is `nil` in it.
    ScalingModifiers,
}

impl FallbackBehavior {
    /// All of them with their names in a manifest.
    pub const NAMED: [(&'static str, Self); 5] = [
        ("static", Self::Static),
        ("currentReplicas", Self::CurrentReplicas),
        ("currentReplicasIfHigher", Self::CurrentReplicasIfHigher),
        ("currentReplicasIfLower", Self::CurrentReplicasIfLower),
        ("scalingModifiers", Self::ScalingModifiers),
    ];
}

/// The `fallback` of a `ScaledObject`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallback {
    /// Failures in a row that are still passed on.
    pub failure_threshold: i32,
    /// Replicas to fall back to.
    pub replicas: i32,
    /// How they relate to those there are.
    pub behavior: FallbackBehavior,
}

impl Fallback {
    const fn is_valid(self) -> bool {
        self.failure_threshold >= 0 && self.replicas >= 0
    }

    /// The replicas to fall back to where there are so many.
    pub fn replicas(self, current: i32) -> i32 {
        match self.behavior {
            FallbackBehavior::Static | FallbackBehavior::ScalingModifiers => self.replicas,
            FallbackBehavior::CurrentReplicas => current,
            FallbackBehavior::CurrentReplicasIfHigher => current.max(self.replicas),
            FallbackBehavior::CurrentReplicasIfLower => current.min(self.replicas),
        }
    }
}

/// What a trigger's value is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TriggerTarget {
    /// Per replica.
    AverageValue(f64),
    /// In all.
    Value(f64),
    /// A share of what is requested, which has no fallback.
    Utilization(f64),
}

/// How a trigger has been doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// Failures in a row.
    pub failures: i32,
    /// Whether the last call failed.
    pub is_failing: bool,
}

impl Health {
    /// The word that the status of a `ScaledObject` has for it.
    pub const fn status(self) -> &'static str {
        if self.is_failing { "Failing" } else { "Happy" }
    }

    /// Whether a fallback counts for this trigger, which sets the condition `Fallback`.
    pub fn is_beyond(self, fallback: Option<Fallback>) -> bool {
        let valid = fallback.filter(|fallback| fallback.is_valid());
        valid.is_some_and(|fallback| self.is_failing && self.failures > fallback.failure_threshold)
    }
}

/// The replicas there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicas {
    /// Wanted now.
    pub current: i32,
    /// Ready now.
    pub ready: i32,
}

/// What is reported for a trigger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reported<E> {
    /// Its own value.
    Value(f64),
    /// The value that leads to the fallback's replicas.
    Fallback(f64),
    /// `nil`, for a formula to go on with.
    Nil,
    /// Its failure.
    Failed(E),
}

/// What is reported for a trigger that answered so, given how it has been doing.
pub fn report<E>(
    answer: Result<f64, E>,
    fallback: Option<Fallback>,
    target: TriggerTarget,
    health: &mut Health,
    replicas: Replicas,
) -> Reported<E> {
    let enabled = fallback.filter(|_| !matches!(target, TriggerTarget::Utilization(_)));
    let Some(fallback) = enabled else {
        return answer.map_or_else(Reported::Failed, Reported::Value);
    };
    let failure = match answer {
        Ok(value) => {
            *health = Health::default();
            return Reported::Value(value);
        }
        Err(failure) => failure,
    };
    *health = Health { failures: health.failures.saturating_add(1), is_failing: true };
    if !health.is_beyond(Some(fallback)) {
        return Reported::Failed(failure);
    }
    if fallback.behavior == FallbackBehavior::ScalingModifiers {
        return Reported::Nil;
    }
    let wanted = f64::from(fallback.replicas(replicas.current));
    match target {
        TriggerTarget::Value(_) if replicas.ready == 0 => Reported::Failed(failure),
        TriggerTarget::Value(value) => Reported::Fallback(value * wanted / f64::from(replicas.ready)),
        TriggerTarget::AverageValue(value) | TriggerTarget::Utilization(value) => Reported::Fallback(value * wanted),
    }
}
