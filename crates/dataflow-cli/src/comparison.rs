//! The result of `dataflow compare`: what scripts read as JSON, and the ticks behind it for plots and reports.

use std::collections::BTreeMap;

use dataflow_forecast::RollingForecast;
use dataflow_scale::{Reason, Timeline};
use dataflow_series::Series;
use serde::Serialize;

use crate::alarms::Alarms;
use crate::quality::{ElasticityFacts, ServiceFacts};
use crate::quantity;
use crate::replicates::ReplicateFacts;

/// The figures of one comparison; its serialisation is the JSON contract of `compare`. Costs in the configured
/// currency, loads in the unit of the trace.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    pub(crate) trace: TraceFacts,
    pub(crate) observe: &'static str,
    pub(crate) forecast: Option<ForecastFacts>,
    pub(crate) bound: Bound,
    pub(crate) runs: Vec<RunFacts>,
    /// What replicates say, where some were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replicates: Option<ReplicateFacts>,
    pub(crate) elapsed_seconds: BTreeMap<&'static str, f64>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct TraceFacts {
    pub(crate) source: String,
    /// RFC 3339, UTC.
    pub(crate) start: String,
    pub(crate) interval_seconds: u32,
    pub(crate) ticks: usize,
    pub(crate) unit: String,
    pub(crate) total: f64,
    pub(crate) missing_ticks: usize,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct ForecastFacts {
    pub(crate) model: String,
    pub(crate) mae: f64,
    pub(crate) mase: f64,
    pub(crate) coverage_95: f64,
}

/// The least costs possible: for any policy, and for policies under the cooldown and step limits.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Bound {
    pub(crate) no_cooldown: f64,
    /// Missing where the exact programme would be too large; a note says so.
    pub(crate) cooldown_and_steps: Option<f64>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct RunFacts {
    pub(crate) policy: String,
    pub(crate) cost: CostFacts,
    pub(crate) dropped: f64,
    pub(crate) dropped_share: f64,
    pub(crate) actions: Actions,
    pub(crate) server_ticks: u64,
    pub(crate) mean_utilization: f64,
    /// Share of the cost of `fixed`; positive is cheaper.
    pub(crate) saving_vs_fixed: f64,
    /// Share above the bound without cooldown.
    pub(crate) gap_to_optimum: f64,
    /// How the run served and followed demand; not judged for plans alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<ServiceFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) elasticity: Option<ElasticityFacts>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct CostFacts {
    pub(crate) total: f64,
    pub(crate) server: f64,
    pub(crate) scale: f64,
    pub(crate) violation: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Actions {
    pub(crate) out: usize,
    pub(crate) r#in: usize,
}

/// The ticks behind a [`Comparison`]: what plots, the report and the timeline file show.
pub(crate) struct Ticks {
    /// The load simulated, gaps filled.
    pub(crate) load: Series,
    /// For each tick, whether its load was missing in the trace and had to be filled.
    pub(crate) filled: Vec<bool>,
    /// Load one server serves in one tick.
    pub(crate) capacity: f64,
    /// One timeline for each of [`Comparison::runs`], in the same order.
    pub(crate) timelines: Vec<Timeline>,
    /// That of the least possible cost; empty where it was not recorded.
    pub(crate) optimum: Timeline,
    /// The forecast the policies used, if any: levels 0.025, …, 0.975 among them.
    pub(crate) forecast: Option<RollingForecast>,
    /// What told the policies of anomalies, where that is known.
    pub(crate) alarms: Option<Alarms>,
}

impl Ticks {
    /// A reason of a decision in words, with what only the run as a whole knows of it.
    pub(crate) fn words(&self, reason: &Reason, tick: usize) -> String {
        match (reason, &self.alarms) {
            (Reason::Anomaly, Some(alarms)) => alarms.reason(tick),
            (Reason::Quantile { load, target }, _) => {
                format!("forecast quantile {} needs {target}", quantity::load(*load, &self.load.unit().to_string()))
            }
            (reason, _) => reason.to_string(),
        }
    }
}
