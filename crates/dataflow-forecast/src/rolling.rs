//! Forecasts made by rolling origin over a whole trace, one row per decision, none of which sees the future.

/// Forecasts for the decisions of a whole trace.
///
/// Row `t` is what is known at the decision of tick `t`: a forecast of the load of tick `t + lead`, made only from
/// loads up to `t − 1` (or up to `t` when the current load is observed). Rows before the first possible forecast hold
/// NaN. Units are those of the series.
#[derive(Debug, Clone, PartialEq)]
pub struct RollingForecast {
    /// Ticks between the decision and the load that is forecast (the start-up time of a server, usually).
    pub lead: usize,
    /// Expected load, one per tick.
    pub mean: Vec<f64>,
    /// The quantile levels asked for, ascending, each in (0, 1).
    pub levels: Vec<f64>,
    /// For each level its quantiles, one per tick.
    pub quantiles: Vec<Vec<f64>>,
}
