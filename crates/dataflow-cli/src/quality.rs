//! What a run was like besides its cost: how it served, and how well servers followed demand.

use dataflow_experiment::{Elasticity, FLAPPING_SECONDS, Scorecard, Service};
use dataflow_scale::Outcome;
use serde::Serialize;

use crate::comparison::{Comparison, RunFacts};
use crate::quantity::{self, duration, grouped, percent};
use crate::table::Table;

/// How a run served.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ServiceFacts {
    /// Time in which any load was dropped.
    pub(crate) late_seconds: f64,
    /// Share of a day's load that makes it a good one where it is served.
    pub(crate) slo_target: f64,
    pub(crate) slo_days: usize,
    pub(crate) days: usize,
    pub(crate) changes_per_day: f64,
    /// Changes that soon undid the direction of the one before.
    pub(crate) flaps_per_day: f64,
    /// Cost of a million units of load.
    pub(crate) cost_per_million: f64,
}

/// The elasticity metrics of the SPEC research group, as shares. The speed-up never stands without the regret.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ElasticityFacts {
    pub(crate) accuracy_under: f64,
    pub(crate) accuracy_over: f64,
    pub(crate) time_under: f64,
    pub(crate) time_over: f64,
    pub(crate) instability: f64,
    /// Against `reactive`; null where it has no bound.
    pub(crate) speedup: Option<f64>,
    /// Share above the bound without cooldown.
    pub(crate) regret: f64,
}

impl ServiceFacts {
    pub(crate) fn of(card: &Scorecard, slo_target: f64, outcome: &Outcome) -> Self {
        let Service { late_seconds, good_days, days, changes_per_day, flaps_per_day } = card.service();
        Self {
            late_seconds,
            slo_target,
            slo_days: good_days,
            days,
            changes_per_day,
            flaps_per_day,
            cost_per_million: outcome.cost.total() / outcome.offered * 1e6,
        }
    }
}

impl ElasticityFacts {
    /// Of a run, with the baseline of the speed-up.
    pub(crate) fn of(card: &Scorecard, baseline: &Scorecard, regret: f64) -> Self {
        let elasticity = card.elasticity();
        let Elasticity { under_accuracy, over_accuracy, under_time, over_time, instability } = elasticity;
        Self {
            accuracy_under: under_accuracy,
            accuracy_over: over_accuracy,
            time_under: under_time,
            time_over: over_time,
            instability,
            speedup: elasticity.speedup_over(&baseline.elasticity()),
            regret,
        }
    }
}

/// The second table of a comparison, with a word on what its columns are; nothing where no run was judged.
pub(crate) fn section(comparison: &Comparison, markdown: bool) -> String {
    let judged = |run: &RunFacts| Some((run.policy.clone(), run.service.clone()?, run.elasticity.clone()?));
    let runs: Vec<_> = comparison.runs.iter().filter_map(judged).collect();
    let Some((_, service, _)) = runs.first() else { return String::new() };
    // Rounded to what a table holds, 99.9% would be all.
    let target = format!("{}%", (service.slo_target * 1e8).round() / 1e6);
    let (each, factor) = match comparison.trace.unit.as_str() {
        "bytes" => ("per GB", 1e3),
        "requests" => ("per M requests", 1.0),
        _ => ("per M units", 1.0),
    };
    let mut table = Table::new([
        "policy",
        "late",
        "good days",
        "changes/d",
        "flaps/d",
        each,
        "θ_U",
        "θ_O",
        "τ_U",
        "τ_O",
        "υ",
        "speed-up",
        "regret",
    ]);
    for (policy, service, elasticity) in &runs {
        table.push(&[
            policy.clone(),
            duration(service.late_seconds as u64),
            format!("{}/{}", service.slo_days, service.days),
            quantity::grouped(service.changes_per_day),
            quantity::grouped(service.flaps_per_day),
            grouped(service.cost_per_million * factor),
            percent(elasticity.accuracy_under),
            percent(elasticity.accuracy_over),
            percent(elasticity.time_under),
            percent(elasticity.time_over),
            percent(elasticity.instability),
            elasticity.speedup.map_or_else(|| "–".to_owned(), grouped),
            percent(elasticity.regret),
        ]);
    }
    let table = if markdown { table.markdown() } else { table.text() };
    format!(
        "\n{table}\nLate: time in which any load was dropped. Good days: those with at least {target} of the load served. \
         Flaps: turns within {}.\nθ and τ: servers missing (U) and too many (O), as a share of those needed and of time; υ: \
         steps against demand.\nSpeed-up: elasticity against `reactive` (SPEC-RG-2016-01). A fleet that is far too large \
         wins it: read it beside the regret.\n",
        duration(u64::from(FLAPPING_SECONDS))
    )
}
