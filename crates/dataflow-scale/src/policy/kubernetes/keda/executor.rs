//! KEDA's own half of scaling: between nothing (or the idle number) and active. From one replica on an ordinary
//! horizontal pod autoscaler scales.
//!
//! Source: `pkg/scaling/executor` of kedacore/keda.

/// What the annotations of a `ScaledObject` switch off or on.
#[expect(clippy::struct_excessive_bools, reason = "each is an annotation of its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switches {
    /// `autoscaling.keda.sh/paused`, or `paused-replicas`: nothing is done at all.
    pub is_paused: bool,
    /// `autoscaling.keda.sh/paused-scale-in`: no step down.
    pub is_scale_in_paused: bool,
    /// `autoscaling.keda.sh/paused-scale-out`: no step up.
    pub is_scale_out_paused: bool,
    /// `autoscaling.keda.sh/force-activation`: active whatever the triggers say.
    pub is_activation_forced: bool,
}

/// What the executor goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutorRules {
    /// `minReplicaCount`.
    pub minimum: i32,
    /// `idleReplicaCount`.
    pub idle: Option<i32>,
    /// `cooldownPeriod` in seconds.
    pub cooldown_seconds: i64,
    /// `initialCooldownPeriod` in seconds.
    pub initial_cooldown_seconds: i64,
    /// Replicas of the `fallback`, if there is one.
    pub fallback_replicas: Option<i32>,
    /// The annotations.
    pub switches: Switches,
}

impl Default for ExecutorRules {
    fn default() -> Self {
        Self {
            minimum: 0,
            idle: None,
            cooldown_seconds: 300,
            initial_cooldown_seconds: 0,
            fallback_replicas: None,
            switches: Switches::default(),
        }
    }
}

/// The condition `Active` after a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Active {
    /// As it was before the poll, which did nothing.
    Unchanged,
    /// A trigger is active.
    True,
    /// No trigger is active.
    False,
    /// No trigger is active, and the cooldown holds the replicas.
    CoolingDown,
}

impl Active {
    /// The reason as the condition shows it.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Unchanged => None,
            Self::True => Some("ScalerActive"),
            Self::False => Some("ScalerNotActive"),
            Self::CoolingDown => Some("ScalerCooldown"),
        }
    }
}

/// The condition `Ready` after a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerHealth {
    /// All triggers answered.
    Ready,
    /// Some failed while others are active.
    PartialTriggerError,
    /// Some failed, none is active, and there is no fallback.
    TriggerError,
}

/// What one poll found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    /// The present.
    pub now: i64,
    /// Replicas now.
    pub current: i32,
    /// Whether any trigger is active.
    pub is_active: bool,
    /// Whether any trigger failed.
    pub is_error: bool,
}

/// What one poll led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The replicas to be set; `None` leaves them to the autoscaler beneath.
    pub replicas: Option<i32>,
    /// The condition `Active`.
    pub active: Active,
    /// The condition `Ready`.
    pub health: TriggerHealth,
}

/// The executor of one `ScaledObject`: what it remembers between two polls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Executor {
    /// When a trigger was last active.
    pub last_active: Option<i64>,
    /// When the object was made.
    pub created: i64,
}

impl Executor {
    /// Acts on one poll.
    pub fn poll(&mut self, rules: &ExecutorRules, poll: Poll) -> Outcome {
        if rules.switches.is_paused {
            return Outcome { replicas: None, active: Active::Unchanged, health: TriggerHealth::Ready };
        }
        if poll.is_active || rules.switches.is_activation_forced {
            self.activate(rules, poll)
        } else {
            self.deactivate(rules, poll)
        }
    }

    fn activate(&mut self, rules: &ExecutorRules, poll: Poll) -> Outcome {
        let mut outcome = Outcome { replicas: None, active: Active::True, health: TriggerHealth::Ready };
        if poll.current == 0 || (rules.idle.is_some() && poll.current < rules.minimum) {
            if !rules.switches.is_scale_out_paused {
                outcome.replicas = Some(rules.minimum.max(1));
                self.last_active = Some(poll.now);
            }
        } else if poll.is_error {
            outcome.health = TriggerHealth::PartialTriggerError;
        } else {
            self.last_active = Some(poll.now);
        }
        outcome
    }

    fn deactivate(&self, rules: &ExecutorRules, poll: Poll) -> Outcome {
        let mut outcome = Outcome { replicas: None, active: Active::False, health: TriggerHealth::Ready };
        if poll.is_error {
            if rules.fallback_replicas.is_none_or(|replicas| replicas == 0) {
                outcome.health = TriggerHealth::TriggerError;
            }
            return outcome;
        }
        let is_above_idle = rules.idle.is_some_and(|idle| poll.current > idle);
        if is_above_idle || (poll.current > 0 && rules.minimum == 0) {
            if rules.switches.is_scale_in_paused {
                return outcome;
            }
            if self.is_cooled_down(rules, poll.now) {
                outcome.replicas = Some(rules.idle.unwrap_or(rules.minimum));
            } else {
                outcome.active = Active::CoolingDown;
            }
        } else if rules.idle.is_none() && poll.current < rules.minimum && !rules.switches.is_scale_out_paused {
            outcome.replicas = Some(rules.minimum);
        }
        outcome
    }

    fn is_cooled_down(&self, rules: &ExecutorRules, now: i64) -> bool {
        match self.last_active {
            Some(last) => last.saturating_add(rules.cooldown_seconds) < now,
            None => self.created.saturating_add(rules.initial_cooldown_seconds) < now,
        }
    }
}
