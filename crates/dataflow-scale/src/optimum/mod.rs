//! The exact optimum: the least cost that any policy could have reached knowing the whole trace.

/// A plan and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Cost of the plan, in the currency of the prices.
    pub cost: f64,
    /// Servers provisioned in each tick.
    pub provisioned: Vec<u32>,
}

/// What a change may be, besides the fleet's cooldown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepLimits {
    /// Most servers added by one change; `None` is no limit.
    pub out: Option<u32>,
    /// Most servers removed by one change; `None` is no limit.
    pub r#in: Option<u32>,
}
