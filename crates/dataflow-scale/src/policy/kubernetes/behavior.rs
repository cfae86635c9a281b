//! How fast a fleet of pods may change: rate policies, the events they count, and the limits they give.
//!
//! Source: `behavior` of `autoscaling/v2` and the rules of the same name in Kubernetes' horizontal controller. Percent
//! limits are computed on IEEE doubles, as there.

/// Which policy counts where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SelectPolicy {
    /// The one that allows the largest change.
    #[default]
    Max,
    /// The one that allows the smallest.
    Min,
    /// None: no change in this direction.
    Disabled,
}

/// What the value of a rate policy counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Pods.
    Pods,
    /// Percent of the pods there were at the start of the period.
    Percent,
}

/// At most so many pods in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatePolicy {
    /// What the value counts.
    pub unit: Unit,
    /// Pods or percent.
    pub value: i32,
    /// The period, in seconds.
    pub period_seconds: i32,
}

/// The rules of one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Seconds whose most cautious recommendation counts; `None` is the controller's own setting.
    pub stabilization_seconds: Option<i32>,
    /// Which policy counts.
    pub select: SelectPolicy,
    /// The policies.
    pub policies: Vec<RatePolicy>,
    /// Tolerance in this direction; `None` is the controller's own setting.
    pub tolerance: Option<f64>,
}

/// The rules of one direction as they are written, to be completed by the defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WrittenRules {
    /// Seconds of the stabilisation window.
    pub stabilization_seconds: Option<i32>,
    /// Which policy counts.
    pub select: Option<SelectPolicy>,
    /// The policies.
    pub policies: Option<Vec<RatePolicy>>,
    /// Tolerance in this direction.
    pub tolerance: Option<f64>,
}

impl WrittenRules {
    fn completed(self, defaults: Rules) -> Rules {
        Rules {
            stabilization_seconds: self.stabilization_seconds.or(defaults.stabilization_seconds),
            select: self.select.unwrap_or(defaults.select),
            policies: self.policies.unwrap_or(defaults.policies),
            tolerance: self.tolerance,
        }
    }
}

impl Rules {
    /// The rules of scaling up: what is written, else 4 pods or 100 percent in 15 s, at once.
    pub fn up(written: WrittenRules) -> Self {
        let policies = vec![
            RatePolicy { unit: Unit::Pods, value: 4, period_seconds: 15 },
            RatePolicy { unit: Unit::Percent, value: 100, period_seconds: 15 },
        ];
        let defaults = Self { stabilization_seconds: Some(0), select: SelectPolicy::Max, policies, tolerance: None };
        written.completed(defaults)
    }

    /// The rules of scaling down: what is written, else all pods in 15 s, after the controller's own window.
    pub fn down(written: WrittenRules) -> Self {
        let policies = vec![RatePolicy { unit: Unit::Percent, value: 100, period_seconds: 15 }];
        let defaults = Self { stabilization_seconds: None, select: SelectPolicy::Max, policies, tolerance: None };
        written.completed(defaults)
    }

    fn longest_period(&self) -> i64 {
        self.policies.iter().map(|policy| i64::from(policy.period_seconds)).max().unwrap_or(0)
    }
}

/// The rules of both directions.
#[derive(Debug, Clone, PartialEq)]
pub struct Behavior {
    /// More pods.
    pub up: Rules,
    /// Fewer pods.
    pub down: Rules,
}

impl Default for Behavior {
    fn default() -> Self {
        Self { up: Rules::up(WrittenRules::default()), down: Rules::down(WrittenRules::default()) }
    }
}

/// One change made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleEvent {
    /// Pods added or removed.
    pub change: i32,
    /// When.
    pub at: i64,
    /// Whether no policy looks back so far any more, so that its place may be used again.
    pub is_outdated: bool,
}

/// The changes made in one direction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScaleEvents {
    events: Vec<ScaleEvent>,
}

impl From<Vec<ScaleEvent>> for ScaleEvents {
    fn from(events: Vec<ScaleEvent>) -> Self {
        Self { events }
    }
}

impl ScaleEvents {
    /// The events kept.
    pub fn kept(&self) -> &[ScaleEvent] {
        &self.events
    }

    /// Pods changed in the last `period_seconds`, the moment that long ago excluded.
    pub fn changed_within(&self, period_seconds: i32, now: i64) -> i32 {
        let start = now - i64::from(period_seconds);
        self.events.iter().filter(|event| event.at > start).map(|event| event.change).sum()
    }

    /// Notes a change; the place of an event that no policy of `rules` looks back to is used again.
    pub fn note(&mut self, change: i32, now: i64, rules: &Rules) {
        let oldest = now - rules.longest_period();
        for event in &mut self.events {
            event.is_outdated |= event.at < oldest;
        }
        let event = ScaleEvent { change, at: now, is_outdated: false };
        match self.events.iter_mut().rev().find(|event| event.is_outdated) {
            Some(place) => *place = event,
            None => self.events.push(event),
        }
    }
}

/// What rate policies look at.
#[derive(Debug, Clone, Copy)]
pub struct Changes<'a> {
    /// Pods now.
    pub current: i32,
    /// Pods added lately.
    pub ups: &'a ScaleEvents,
    /// Pods removed lately.
    pub downs: &'a ScaleEvents,
    /// The present.
    pub now: i64,
}

impl Changes<'_> {
    fn at_start_of(&self, policy: RatePolicy) -> i32 {
        let added = self.ups.changed_within(policy.period_seconds, self.now);
        let removed = self.downs.changed_within(policy.period_seconds, self.now);
        self.current.saturating_sub(added).saturating_add(removed)
    }

    /// The most pods that the rules of scaling up allow, and the policy that allows them.
    pub fn up_limit(&self, rules: &Rules) -> (i32, Option<RatePolicy>) {
        let allowed = |policy: RatePolicy| {
            let start = self.at_start_of(policy);
            match policy.unit {
                Unit::Pods => start.saturating_add(policy.value),
                Unit::Percent => (f64::from(start) * (1.0 + f64::from(policy.value) / 100.0)).ceil() as i32,
            }
        };
        let limits = rules.policies.iter().map(|policy| (allowed(*policy), Some(*policy)));
        match rules.select {
            SelectPolicy::Disabled => Some((self.current, None)),
            SelectPolicy::Min => limits.min_by_key(|(limit, _)| *limit),
            SelectPolicy::Max => limits.max_by_key(|(limit, _)| *limit),
        }
        .unwrap_or((self.current, None))
    }

    /// The fewest pods that the rules of scaling down allow, and the policy that allows them.
    pub fn down_limit(&self, rules: &Rules) -> (i32, Option<RatePolicy>) {
        let allowed = |policy: RatePolicy| {
            let start = self.at_start_of(policy);
            match policy.unit {
                Unit::Pods => start.saturating_sub(policy.value),
                Unit::Percent => (f64::from(start) * (1.0 - f64::from(policy.value) / 100.0)) as i32,
            }
        };
        let limits = rules.policies.iter().map(|policy| (allowed(*policy), Some(*policy)));
        match rules.select {
            SelectPolicy::Disabled => Some((self.current, None)),
            SelectPolicy::Min => limits.max_by_key(|(limit, _)| *limit),
            SelectPolicy::Max => limits.min_by_key(|(limit, _)| *limit),
        }
        .unwrap_or((self.current, None))
    }
}

/// What kept a number of replicas from what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Nothing.
    None,
    /// The fewest replicas allowed.
    Minimum,
    /// The most replicas allowed.
    Maximum,
    /// The rules of scaling up; the policy that decided, if it was one.
    UpRate(Option<RatePolicy>),
    /// The rules of scaling down; the policy that decided, if it was one.
    DownRate(Option<RatePolicy>),
}

/// The replicas allowed under rate policies and bounds, and what limited them.
pub fn within_rates(
    changes: &Changes<'_>,
    behavior: &Behavior,
    minimum: i32,
    maximum: i32,
    desired: i32,
) -> (i32, Limit) {
    let current = changes.current;
    if desired > current {
        let (limit, policy) = changes.up_limit(&behavior.up);
        let limit = limit.max(current);
        let (allowed, reason) =
            if maximum > limit { (limit, Limit::UpRate(policy)) } else { (maximum, Limit::Maximum) };
        if desired > allowed {
            return (allowed, reason);
        }
    } else if desired < current {
        let (limit, policy) = changes.down_limit(&behavior.down);
        let limit = limit.min(current);
        let (allowed, reason) =
            if minimum < limit { (limit, Limit::DownRate(policy)) } else { (minimum, Limit::Minimum) };
        if desired < allowed {
            return (allowed, reason);
        }
    }
    (desired, Limit::None)
}

/// How far one step may go up where there is no `behavior`: a multiple of the present, and at least so many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpStep {
    /// Multiple of the present pods.
    pub factor: f64,
    /// At least these.
    pub minimum: f64,
}

impl Default for UpStep {
    /// The controller's own: twice the present, at least 4.
    fn default() -> Self {
        Self { factor: 2.0, minimum: 4.0 }
    }
}

/// The replicas allowed without a `behavior`, and what limited them.
pub fn within_step(current: i32, step: UpStep, minimum: i32, maximum: i32, desired: i32) -> (i32, Limit) {
    let limit = (step.factor * f64::from(current)).max(step.minimum) as i32;
    let (allowed, reason) = if maximum > limit { (limit, Limit::UpRate(None)) } else { (maximum, Limit::Maximum) };
    if desired < minimum {
        (minimum, Limit::Minimum)
    } else if desired > allowed {
        (allowed, reason)
    } else {
        (desired, Limit::None)
    }
}
