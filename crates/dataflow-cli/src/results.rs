//! A comparison as people and programs read it: a table, JSON, CSV or Markdown.

use dataflow_scale::spec::PolicySpec;

use crate::comparison::{Comparison, RunFacts};
use crate::output::Format;
use crate::pipeline::Compared;
use crate::quality;
use crate::quantity::{self, count, duration, grouped, percent};
use crate::story;
use crate::table::Table;

/// The comparison in the format asked for.
pub(crate) fn render(compared: &Compared, format: Format) -> String {
    let comparison = &compared.comparison;
    match format {
        Format::Json => json(comparison),
        Format::Csv => csv(comparison),
        Format::Table | Format::Markdown => {
            let advice = story::advice(comparison).map_or_else(String::new, |advice| advice + "\n");
            let closing = format!("{}\n{advice}{}", story::headline(comparison), bounds(compared));
            let markdown = format == Format::Markdown;
            let sure = comparison.replicates.as_ref().map_or_else(String::new, |facts| facts.section(markdown));
            page(&facts(compared), &costs(comparison), &closing, markdown)
                + &sure
                + &quality::section(comparison, markdown)
        }
    }
}

/// The plans of both optima for people: no policies, so no word about what they know and which is best.
pub(crate) fn optimum_page(optimized: &Compared, markdown: bool) -> String {
    page(&trace_lines(optimized), &costs(&optimized.comparison), &bounds(optimized), markdown)
}

fn page(facts: &[(&'static str, String)], costs: &Table, closing: &str, markdown: bool) -> String {
    let line = |(name, fact): &(&'static str, String)| {
        if markdown { format!("- {name}: {fact}") } else { format!("{name:<10} {fact}") }
    };
    let lines: Vec<String> = facts.iter().map(line).collect();
    let table = if markdown { costs.markdown() } else { costs.text() };
    format!("{}\n\n{table}\n{closing}\n", lines.join("\n"))
}

/// The JSON contract of `compare`. Figures that are not defined are null.
pub(crate) fn json(comparison: &Comparison) -> String {
    // No key or value of a comparison can fail to be written.
    serde_json::to_string_pretty(comparison).unwrap_or_default() + "\n"
}

/// One row per run, at full precision, named as in the JSON. Figures that are not defined are left empty.
pub(crate) fn csv(comparison: &Comparison) -> String {
    rows(comparison).iter().map(|row| row.join(",") + "\n").collect()
}

/// The names of the columns, and one row per run.
pub(crate) fn rows(comparison: &Comparison) -> Vec<Vec<String>> {
    let names = "policy,total,server,scale,violation,dropped,dropped_share,actions_out,actions_in,server_ticks,\
                 mean_utilization,saving_vs_fixed,gap_to_optimum";
    let row = |run: &RunFacts| {
        let RunFacts { policy, cost, dropped, dropped_share, actions, server_ticks, .. } = run;
        vec![
            policy.clone(),
            figure(cost.total),
            figure(cost.server),
            figure(cost.scale),
            figure(cost.violation),
            figure(*dropped),
            figure(*dropped_share),
            actions.out.to_string(),
            actions.r#in.to_string(),
            server_ticks.to_string(),
            figure(run.mean_utilization),
            figure(run.saving_vs_fixed),
            figure(run.gap_to_optimum),
        ]
    };
    std::iter::once(names.split(',').map(str::to_owned).collect()).chain(comparison.runs.iter().map(row)).collect()
}

/// A figure at full precision, or nothing where it is not defined.
fn figure(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

/// What is known of the trace and its forecasts: names and facts.
fn facts(compared: &Compared) -> Vec<(&'static str, String)> {
    let comparison = &compared.comparison;
    let load = |load: f64| quantity::load(load, &comparison.trace.unit);
    let mut facts = trace_lines(compared);
    facts.push(("policies", format!("know the load of the {} interval when they decide", comparison.observe)));
    if let Some(forecast) = &comparison.forecast {
        facts.push((
            "forecasts",
            format!(
                "by {}: mean absolute error {}, MASE {}, 95% interval holds {} (last fifth of the trace)",
                forecast.model,
                load(forecast.mae),
                grouped(forecast.mase),
                percent(forecast.coverage_95)
            ),
        ));
    }
    facts
}

/// What is known of the trace: names and facts.
fn trace_lines(compared: &Compared) -> Vec<(&'static str, String)> {
    let Compared { comparison, ticks, .. } = compared;
    let trace = &comparison.trace;
    let load = |load: f64| quantity::load(load, &trace.unit);
    let interval = u64::from(trace.interval_seconds);
    let seen = ticks.load.values().iter().zip(&ticks.filled).filter(|(_, filled)| !**filled).map(|(load, _)| *load);
    let peak = load(seen.clone().fold(0.0, f64::max));
    let mean = load(trace.total / seen.count().max(1) as f64);
    let total = load(trace.total);
    let missing = match trace.missing_ticks {
        0 => "none missing".to_owned(),
        missing => format!("{} missing and filled", count(missing)),
    };
    let length = duration(interval * trace.ticks as u64);
    let sized = if compared.capacity_is_sized { ", sized to the trace" } else { "" };
    vec![
        ("trace", trace.source.clone()),
        ("time", format!("{} to {} ({length})", trace.start, ticks.load.end())),
        ("intervals", format!("{} of {}, {missing}", count(trace.ticks), duration(interval))),
        ("load", format!("{total} in all; per interval {mean} on average, {peak} at the peak")),
        ("server", format!("serves {} per interval{sized}", load(ticks.capacity))),
    ]
}

/// The cost of every policy, in the currency of the prices; the cheapest that does not know the future is marked.
fn costs(comparison: &Comparison) -> Table {
    let mut table = Table::new([
        "policy",
        "servers",
        "scaling",
        "violation",
        "total",
        "saving",
        "above optimum",
        "dropped",
        "out",
        "in",
        "utilization",
    ]);
    for run in &comparison.runs {
        table.push(&[
            run.policy.clone(),
            grouped(run.cost.server),
            grouped(run.cost.scale),
            grouped(run.cost.violation),
            grouped(run.cost.total),
            percent(run.saving_vs_fixed),
            percent(run.gap_to_optimum),
            percent(run.dropped_share),
            count(run.actions.out),
            count(run.actions.r#in),
            percent(run.mean_utilization),
        ]);
    }
    let best = story::best(comparison).map(|best| &best.policy);
    table.mark(comparison.runs.iter().position(|run| Some(&run.policy) == best));
    table
}

/// The least costs possible, and what the shares in the table are of.
fn bounds(compared: &Compared) -> String {
    let bound = compared.comparison.bound;
    let limits = if let Some(cost) = bound.cooldown_and_steps {
        format!("; under the cooldown and step limits {}", grouped(cost))
    } else {
        let is_replayed = compared.comparison.runs.iter().any(|run| run.policy == PolicySpec::Optimal.to_string());
        let replayed = if is_replayed { ": `optimal` replays the plan without them" } else { "" };
        format!("; under the cooldown and step limits it is not known, it would take too much memory{replayed}")
    };
    format!(
        "The least possible cost is {}{limits}.\nSaving: against `fixed` at the most servers. Above optimum: against the \
         least possible cost. Costs: in the currency of the prices.",
        grouped(bound.no_cooldown)
    )
}
