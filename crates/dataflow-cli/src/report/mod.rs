//! `--report FILE.html`: one page that holds a comparison whole, with interactive plots, and loads nothing.
//!
//! Figures and words are written into the page here ([`askama`] escapes them); plots, decision log and zoom are drawn
//! by small scripts from embedded columns, with plotly.js from the `plotly` crate's own copy.

mod columns;
mod facts;

use std::path::Path;

use askama::Template;
use dataflow_series::source::write_file;

use crate::comparison::{Comparison, RunFacts, Ticks, TraceFacts};
use crate::failure::Failure;
use crate::quantity::{count, duration, grouped, load, per_interval, percent};
use crate::story;

/// The page's own scripts, in the order in which they need each other.
const SCRIPTS: [&str; 7] = [
    include_str!("data.js"),
    include_str!("theme.js"),
    include_str!("buckets.js"),
    include_str!("costs.js"),
    include_str!("timeline.js"),
    include_str!("tables.js"),
    include_str!("start.js"),
];

/// Heads of the cost table, after the policy's name.
const COST_HEADS: [&str; 11] = [
    "Policy",
    "Total cost",
    "Servers",
    "Scaling",
    "Violation",
    "Saving vs fixed",
    "Above optimum",
    "Dropped",
    "Share",
    "Out / in",
    "Utilization",
];

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    version: &'static str,
    title: String,
    style: &'static str,
    headline: String,
    facts: Vec<(&'static str, String)>,
    bound: String,
    limited_bound: Option<String>,
    cost_heads: [&'static str; 11],
    costs: Vec<CostRow>,
    policies: Vec<&'a str>,
    selected: usize,
    spans: Vec<(usize, &'static str)>,
    base: usize,
    legend: Vec<(&'static str, String)>,
    notes: &'a [String],
    configuration: &'a str,
    command: &'a str,
    data: String,
    columns: String,
    plotly: String,
    scripts: [&'static str; 7],
}

/// How a comparison came about, for those who want to check it or make it again.
#[derive(Debug, Default)]
pub(crate) struct Provenance {
    /// The command line, as a shell would take it.
    pub(crate) command: String,
    /// The whole configuration, as a file that could be given.
    pub(crate) configuration: String,
    /// What the user should know, one sentence each: what was refused, filled or assumed.
    pub(crate) notes: Vec<String>,
}

/// One line of the cost table: for each cell the number to sort by and the text to show.
struct CostRow {
    policy: String,
    best: bool,
    cells: Vec<(f64, String)>,
}

/// Writes the report of a comparison into `path`, which is replaced only once the page is complete.
///
/// # Errors
/// When the ending is not `.html`, or the file cannot be written.
pub(crate) fn write(
    comparison: &Comparison,
    ticks: &Ticks,
    provenance: &Provenance,
    path: &Path,
) -> Result<(), Failure> {
    check_ending(path)?;
    let page = render(comparison, ticks, provenance)?;
    write_file(path, |file| file.write_all(page.as_bytes())).map_err(|error| Failure::Work(error.to_string()))
}

/// Checks that a file is named as a page.
///
/// # Errors
/// When its ending is not `.html`.
pub(crate) fn check_ending(path: &Path) -> Result<(), Failure> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if ending.eq_ignore_ascii_case("html") || ending.eq_ignore_ascii_case("htm") {
        return Ok(());
    }
    let shown = path.display();
    Err(Failure::Input(format!("{shown}: a report is written as .html; give the file that ending")))
}

fn render(comparison: &Comparison, ticks: &Ticks, provenance: &Provenance) -> Result<String, Failure> {
    let (facts, columns) = facts::gather(comparison, ticks);
    let failed = |error: &dyn std::error::Error| Failure::Work(format!("the report could not be made: {error}"));
    // In a script element only "<" could end it or open a comment; JSON may write it as an escape.
    let data = serde_json::to_string(&facts).map_err(|error| failed(&error))?.replace('<', "\\u003c");
    let best = story::best(comparison).map(|run| run.policy.as_str());
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        title: format!("Autoscaling policies on {}", comparison.trace.source),
        style: include_str!("report.css"),
        headline: story::headline(comparison),
        facts: trace_facts(comparison, ticks),
        bound: grouped(comparison.bound.no_cooldown),
        limited_bound: comparison.bound.cooldown_and_steps.map(grouped),
        cost_heads: COST_HEADS,
        costs: comparison.runs.iter().map(|run| cost_row(run, best, &comparison.trace)).collect(),
        policies: comparison.runs.iter().map(|run| run.policy.as_str()).collect(),
        selected: comparison.runs.iter().position(|run| Some(run.policy.as_str()) == best).unwrap_or(0),
        spans: spans(&comparison.trace),
        base: facts.base,
        legend: legend(comparison, ticks),
        notes: &provenance.notes,
        configuration: &provenance.configuration,
        command: &provenance.command,
        data,
        columns: columns.packed()?,
        plotly: plotly_script()?,
        scripts: SCRIPTS,
    };
    page.render().map_err(|error| failed(&error))
}

/// The timeline's colours: the class in `report.css` and the words.
fn legend(comparison: &Comparison, ticks: &Ticks) -> Vec<(&'static str, String)> {
    let per = per_interval(comparison.trace.interval_seconds);
    let mut entries = vec![
        ("load", format!("load ({} per {per})", comparison.trace.unit)),
        ("server", "capacity ready".to_owned()),
        ("scale", "booting".to_owned()),
        ("drop", "dropped load".to_owned()),
    ];
    entries.extend(ticks.forecast.as_ref().and_then(story::band_name).map(|name| ("forecast", name)));
    entries.extend([("out", "scale out".to_owned()), ("in", "scale in".to_owned())]);
    if ticks.filled.contains(&true) {
        entries.push(("missing", "missing".to_owned()));
    }
    entries
}

fn trace_facts(comparison: &Comparison, ticks: &Ticks) -> Vec<(&'static str, String)> {
    let trace = &comparison.trace;
    let time = |text: &str| text.replace('T', " ").replace('Z', " UTC");
    let missing = match trace.missing_ticks {
        0 => "none".to_owned(),
        missing => {
            format!("{} ticks ({}), filled", count(missing), percent(missing as f64 / trace.ticks.max(1) as f64))
        }
    };
    let mut facts = vec![
        ("Trace", trace.source.clone()),
        ("From", time(&trace.start)),
        ("To", time(&ticks.load.end().to_string())),
        ("Ticks", format!("{} of {}", count(trace.ticks), duration(u64::from(trace.interval_seconds)))),
        ("Load in total", load(trace.total, &trace.unit)),
        ("Missing", missing),
        ("One server serves", format!("{} per tick", load(ticks.capacity, &trace.unit))),
        ("Newest load known to policies", format!("that of the {} tick", comparison.observe)),
    ];
    if let Some(forecast) = &comparison.forecast {
        let figures = format!(
            "{} (MASE {}, 95% band holds {})",
            forecast.model,
            grouped(forecast.mase),
            percent(forecast.coverage_95)
        );
        facts.push(("Forecast", figures));
    }
    facts
}

fn cost_row(run: &RunFacts, best: Option<&str>, trace: &TraceFacts) -> CostRow {
    let cost = run.cost;
    let actions = run.actions.out + run.actions.r#in;
    let signed = |share: f64| if share > 0.0 { format!("+{}", percent(share)) } else { percent(share) };
    let mut cells: Vec<(f64, String)> =
        [cost.total, cost.server, cost.scale, cost.violation].map(|cost| (cost, grouped(cost))).to_vec();
    cells.extend([
        (run.saving_vs_fixed, percent(run.saving_vs_fixed)),
        (run.gap_to_optimum, signed(run.gap_to_optimum)),
        (run.dropped, load(run.dropped, &trace.unit)),
        (run.dropped_share, percent(run.dropped_share)),
        (actions as f64, format!("{} / {}", count(run.actions.out), count(run.actions.r#in))),
        (run.mean_utilization, percent(run.mean_utilization)),
    ]);
    CostRow { policy: run.policy.clone(), best: Some(run.policy.as_str()) == best, cells }
}

/// The zoom buttons that make sense for a trace: ticks in view (0 is all) and name.
fn spans(trace: &TraceFacts) -> Vec<(usize, &'static str)> {
    const SPANS: [(usize, &str); 7] = [
        (60, "1 min"),
        (600, "10 min"),
        (3_600, "1 h"),
        (6 * 3_600, "6 h"),
        (86_400, "1 day"),
        (7 * 86_400, "1 week"),
        (28 * 86_400, "4 weeks"),
    ];
    let interval = trace.interval_seconds.max(1) as usize;
    let ticks = SPANS.into_iter().map(|(seconds, name)| (seconds / interval, name));
    ticks.filter(|(ticks, _)| (20..trace.ticks).contains(ticks)).chain([(0, "All")]).collect()
}

/// plotly.js alone: the crate hands it out inside script elements, followed by a formula renderer we do not use.
fn plotly_script() -> Result<String, Failure> {
    let elements = plotly::Plot::offline_js_sources();
    let script = elements.split_once('>').and_then(|(_, rest)| rest.split_once("</script>"));
    let script = script.map(|(script, _)| script.to_owned());
    script.ok_or_else(|| Failure::Work("plotly.js is not where it was expected; please report this".to_owned()))
}

#[cfg(test)]
mod browser_tests;
#[cfg(test)]
mod tests;
