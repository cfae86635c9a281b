//! All numbers drawn at random: which share of the variance of the cost is due to each, alone and with others.

use dataflow_experiment::sweep::{Design, Estimate, Indices};
use serde::Serialize;

use super::{Facts, Question, csv_line};
use crate::failure::Failure;
use crate::output::Format;
use crate::quantity::count;
use crate::table::Table;

/// Sobol indices of every number for every policy.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Drawn {
    #[serde(flatten)]
    pub(crate) facts: Facts,
    /// Rows of the design; it has (numbers + 2) draws for each.
    pub(crate) rows: usize,
    pub(crate) draws: usize,
    pub(crate) subjects: Vec<Subject>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Subject {
    pub(crate) policy: String,
    pub(crate) mean_cost: f64,
    pub(crate) indices: Vec<IndexFacts>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct IndexFacts {
    pub(crate) name: String,
    /// The share due to this number alone.
    pub(crate) first: Interval,
    /// The share due to it alone and with others.
    pub(crate) total: Interval,
}

/// A number with its interval of 95% confidence.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Interval {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl From<Estimate> for Interval {
    fn from(Estimate { value, low, high }: Estimate) -> Self {
        Self { value, low, high }
    }
}

impl Drawn {
    pub(super) fn of(question: Question<'_>, rows: usize) -> Result<Self, Failure> {
        let design = Design::new(rows, question.levers.len(), question.facts.seed);
        let point =
            |shares: Vec<f64>| question.levers.iter().zip(shares).map(|(lever, share)| lever.at(share)).collect();
        let cells = question.cells(design.points().into_iter().map(point).collect())?;
        if cells.iter().any(|cell| cell.bound.is_none()) {
            let problem = "--sobol: some draws may not be together, such as a low limit above its high one; narrow the \
                           ranges of --vary so that they do not overlap";
            return Err(Failure::Input(problem.to_owned()));
        }
        let facts = question.facts;
        let subject = |(index, policy): (usize, &str)| {
            let cost = |cell: &dataflow_experiment::sweep::Cell| {
                cell.outcomes.get(index).map_or(cell.bound.unwrap_or(f64::NAN), |outcome| outcome.cost.total())
            };
            let costs: Vec<f64> = cells.iter().map(cost).collect();
            let named = |(lever, Indices { first, total }): (&super::LeverFacts, Indices)| IndexFacts {
                name: lever.name.clone(),
                first: first.into(),
                total: total.into(),
            };
            let indices = facts.levers.iter().zip(design.indices(&costs)).map(named).collect();
            let mean_cost = costs.iter().sum::<f64>() / costs.len() as f64;
            Subject { policy: policy.to_owned(), mean_cost, indices }
        };
        let subjects = facts.subjects().into_iter().enumerate().map(subject).collect();
        Ok(Self { rows, draws: design.len(), subjects, facts })
    }

    pub(super) fn render(&self, format: Format) -> String {
        match format {
            // No key or value can fail to be written.
            Format::Json => serde_json::to_string_pretty(self).unwrap_or_default() + "\n",
            Format::Csv => self.csv(),
            Format::Table | Format::Markdown => {
                let closing = format!(
                    "{} draws, seed {}. Shares of the variance of the cost, with 95% intervals by resampling: alone is what \
                     the setting explains by itself, in all what it explains together with others.",
                    count(self.draws),
                    self.facts.seed
                );
                self.facts.page(&self.table(), &closing, format == Format::Markdown)
            }
        }
    }

    fn csv(&self) -> String {
        let mut text = String::from("policy,name,first,first_low,first_high,total,total_low,total_high\n");
        for Subject { policy, indices, .. } in &self.subjects {
            for IndexFacts { name, first, total } in indices {
                let figures = [first.value, first.low, first.high, total.value, total.low, total.high];
                let cells = [policy.clone(), name.clone()].into_iter().chain(figures.map(|figure| figure.to_string()));
                text += &csv_line(&cells.collect::<Vec<_>>());
            }
        }
        text
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["setting", "from", "to", "policy", "alone", "95%", "in all", "95%"]);
        table.align_left(3);
        for Subject { policy, indices, .. } in &self.subjects {
            let mut order: Vec<usize> = (0..indices.len()).collect();
            order.sort_by(|left, right| indices[*right].total.value.total_cmp(&indices[*left].total.value));
            for index in order {
                let (IndexFacts { name, first, total }, lever) = (&indices[index], &self.facts.levers[index]);
                let ends = lever
                    .values
                    .iter()
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
                let band = |interval: &Interval| format!("{:.2}…{:.2}", interval.low, interval.high);
                table.push(&[
                    name.clone(),
                    lever.text(ends.0),
                    lever.text(ends.1),
                    policy.clone(),
                    format!("{:.3}", first.value),
                    band(first),
                    format!("{:.3}", total.value),
                    band(total),
                ]);
            }
        }
        table
    }
}
