//! Every choice of one value for each number: a table with a row for each cell and policy.

use dataflow_experiment::sweep::crossed;
use serde::Serialize;

use super::{Facts, Question, ROWS_SHOWN, csv_line, figure};
use crate::comparison::CostFacts;
use crate::failure::Failure;
use crate::output::Format;
use crate::quantity::{count, grouped, percent};
use crate::table::Table;

/// The costs of all cells.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Crossed {
    #[serde(flatten)]
    pub(crate) facts: Facts,
    pub(crate) cells: Vec<CellFacts>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct CellFacts {
    /// A value for each lever, in their order.
    pub(crate) values: Vec<f64>,
    /// The least possible cost; null where the values may not be together.
    pub(crate) bound: Option<f64>,
    /// What each policy comes to, in their order; empty where the values may not be together.
    pub(crate) runs: Vec<CellRun>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct CellRun {
    pub(crate) policy: String,
    pub(crate) cost: CostFacts,
    pub(crate) dropped_share: f64,
    pub(crate) mean_servers: f64,
}

impl Crossed {
    pub(super) fn of(question: Question<'_>) -> Result<Self, Failure> {
        let cells = question.cells(crossed(&question.levers))?;
        let Question { facts, .. } = question;
        let ticks = facts.trace.ticks.max(1) as f64;
        let cells = cells.into_iter().map(|cell| CellFacts {
            values: cell.values,
            bound: cell.bound,
            runs: std::iter::zip(&facts.policies, cell.outcomes)
                .map(|(policy, outcome)| CellRun {
                    policy: policy.clone(),
                    cost: CostFacts {
                        total: outcome.cost.total(),
                        server: outcome.cost.server,
                        scale: outcome.cost.scale,
                        violation: outcome.cost.violation,
                    },
                    dropped_share: if outcome.offered > 0.0 { outcome.dropped / outcome.offered } else { 0.0 },
                    mean_servers: outcome.server_ticks as f64 / ticks,
                })
                .collect(),
        });
        let cells = cells.collect();
        Ok(Self { facts, cells })
    }

    pub(super) fn render(&self, format: Format) -> String {
        match format {
            // No key or value can fail to be written.
            Format::Json => serde_json::to_string_pretty(self).unwrap_or_default() + "\n",
            Format::Csv => self.csv(),
            Format::Table | Format::Markdown => {
                let rows: usize = self.cells.iter().map(|cell| cell.runs.len().max(1)).sum();
                let more = match rows.saturating_sub(ROWS_SHOWN) {
                    0 => String::new(),
                    more => format!("{} rows more: --format csv has all. ", count(more)),
                };
                let closing =
                    format!("{more}Costs: in the currency of the prices. Above: against the least possible cost.");
                self.facts.page(&self.table(), &closing, format == Format::Markdown)
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = String> {
        self.facts.levers.iter().map(|lever| lever.name.clone())
    }

    fn csv(&self) -> String {
        let columns = ["policy", "total", "server", "scale", "violation", "dropped_share", "mean_servers", "bound"];
        let header: Vec<String> = self.names().chain(columns.map(str::to_owned)).collect();
        let mut text = csv_line(&header);
        for cell in &self.cells {
            let values: Vec<String> = cell.values.iter().map(f64::to_string).collect();
            for run in &cell.runs {
                let CostFacts { total, server, scale, violation } = run.cost;
                let figures = [total, server, scale, violation, run.dropped_share, run.mean_servers].map(Some);
                let figures = figures.into_iter().chain([cell.bound]).map(figure);
                text +=
                    &csv_line(&values.iter().cloned().chain([run.policy.clone()]).chain(figures).collect::<Vec<_>>());
            }
        }
        text
    }

    fn table(&self) -> Table {
        let columns = ["policy", "cost", "least possible", "above", "dropped", "servers"];
        let mut table = Table::new(self.names().chain(columns.map(str::to_owned)));
        let values = |cell: &CellFacts| -> Vec<String> {
            self.facts.levers.iter().zip(&cell.values).map(|(lever, value)| lever.text(*value)).collect()
        };
        let mut rows = Vec::new();
        for cell in &self.cells {
            for run in &cell.runs {
                let bound = cell.bound.unwrap_or(f64::NAN);
                let figures = [
                    run.policy.clone(),
                    grouped(run.cost.total),
                    grouped(bound),
                    percent(run.cost.total / bound - 1.0),
                    percent(run.dropped_share),
                    grouped(run.mean_servers),
                ];
                rows.push([values(cell), figures.to_vec()].concat());
            }
            if cell.runs.is_empty() {
                let nothing = ["may not be together", "–", "–", "–", "–", "–"].map(str::to_owned);
                rows.push([values(cell), nothing.to_vec()].concat());
            }
        }
        rows.iter().take(ROWS_SHOWN).for_each(|row| table.push(row));
        table
    }

    /// The costs of a subject of [`Facts::subjects`] in every cell.
    pub(crate) fn costs(&self, subject: usize) -> impl Iterator<Item = Option<f64>> {
        self.cells.iter().map(move |cell| match cell.runs.get(subject) {
            Some(run) => Some(run.cost.total),
            None if subject >= self.facts.policies.len() => cell.bound,
            None => None,
        })
    }
}
