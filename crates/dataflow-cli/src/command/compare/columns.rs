//! `dataflow compare --each-column`: a comparison for every service of a wide table, and what they cost together.

use serde::Serialize;

use super::{CompareArguments, compared};
use crate::comparison::{Comparison, RunFacts};
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::progress::Progress;
use crate::quantity::{self, count, grouped, percent};
use crate::table::Table;
use crate::{results, story, world};

/// A column and the comparison of its fleet.
#[derive(Serialize)]
struct Service {
    column: String,
    #[serde(flatten)]
    comparison: Comparison,
}

/// Compares every column that fits the pattern, each with a fleet of its own.
///
/// # Errors
/// When the trace is no table, no column fits, or the comparison of one fails.
pub(super) fn run(arguments: &CompareArguments, pattern: &str, quiet: bool) -> Result<(), Failure> {
    let wrong = |problem: String| Failure::Input(format!("--each-column={pattern}: {problem}"));
    let fits = glob::Pattern::new(pattern).map_err(|error| wrong(error.to_string()))?;
    let columns = world::load_columns(&arguments.trace)?;
    let chosen: Vec<&String> = columns.iter().filter(|column| fits.matches(column)).collect();
    if chosen.is_empty() {
        return Err(wrong(format!("fits no column; the columns are {}", columns.join(", "))));
    }
    let progress = Progress::new(quiet);
    let mut services = Vec::new();
    for column in chosen {
        let mut arguments = arguments.clone();
        arguments.trace.column = Some(column.clone());
        let compared = compared(&arguments, false, &progress, quiet)?;
        if !quiet {
            compared.notes.iter().for_each(|note| output::note(&format!("{column}: {note}")));
        }
        services.push(Service { column: column.clone(), comparison: compared.comparison });
    }
    drop(progress);
    output::print(&match arguments.format {
        // No key or value of a comparison can fail to be written.
        Format::Json => serde_json::to_string_pretty(&services).unwrap_or_default() + "\n",
        Format::Csv => csv(&services),
        Format::Table => format!("{}\n{}\n", table(&services).text(), closing(&services)),
        Format::Markdown => format!("{}\n{}\n", table(&services).markdown(), closing(&services)),
    })
}

/// The rows of every comparison, with the column before them.
fn csv(services: &[Service]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (index, service) in services.iter().enumerate() {
        let rows = results::rows(&service.comparison);
        for (row, cells) in rows.iter().enumerate().skip(usize::from(index > 0)) {
            let first = if row == 0 { "column" } else { &service.column };
            // Writing to memory does not fail.
            let _ = writer.write_record(std::iter::once(first).chain(cells.iter().map(String::as_str)));
        }
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn fixed(comparison: &Comparison) -> Option<&RunFacts> {
    comparison.runs.iter().find(|run| run.policy == "fixed")
}

/// A row for each service: its cheapest policy, beside fixed servers and the least possible.
fn table(services: &[Service]) -> Table {
    let mut table = Table::new([
        "column",
        "load",
        "cheapest",
        "total",
        "fixed",
        "saving",
        "least possible",
        "above optimum",
        "dropped",
    ]);
    table.align_left(2);
    for Service { column, comparison } in services {
        let best = story::best(comparison);
        let of_best = |text: fn(&RunFacts) -> String| best.map_or_else(|| "–".to_owned(), text);
        table.push(&[
            column.clone(),
            quantity::load(comparison.trace.total, &comparison.trace.unit),
            of_best(|best| best.policy.clone()),
            of_best(|best| grouped(best.cost.total)),
            fixed(comparison).map_or_else(|| "–".to_owned(), |fixed| grouped(fixed.cost.total)),
            of_best(|best| percent(best.saving_vs_fixed)),
            grouped(comparison.bound.no_cooldown),
            of_best(|best| percent(best.gap_to_optimum)),
            of_best(|best| percent(best.dropped_share)),
        ]);
    }
    table
}

/// What all services cost together.
fn closing(services: &[Service]) -> String {
    let sum = |cost: fn(&Comparison) -> Option<f64>| -> Option<f64> {
        services.iter().map(|service| cost(&service.comparison)).sum()
    };
    let least = sum(|comparison| Some(comparison.bound.no_cooldown)).unwrap_or(f64::NAN);
    let best = sum(|comparison| story::best(comparison).map(|best| best.cost.total));
    let fixed = sum(|comparison| fixed(comparison).map(|fixed| fixed.cost.total));
    let columns =
        if services.len() == 1 { "1 column".to_owned() } else { format!("{} columns", count(services.len())) };
    let best = best.map_or_else(String::new, |best| {
        let saving = fixed
            .map_or_else(String::new, |fixed| format!(", {} less than fixed servers", percent(1.0 - best / fixed)));
        format!(" With the cheapest policy of each they cost {} together{saving};", grouped(best))
    });
    format!(
        "{columns}, each with a fleet of its own.{best} the least possible is {}.\n--column NAME shows one of them with its \
         plots, report and timeline.",
        grouped(least)
    )
}
