//! Each number alone at its least and at its greatest value, the others as they are: what a tornado shows.

use serde::Serialize;

use super::{Facts, Question, csv_line, figure};
use crate::failure::Failure;
use crate::output::Format;
use crate::quantity::{grouped, percent};
use crate::table::Table;

/// The costs at both ends of every lever.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Single {
    #[serde(flatten)]
    pub(crate) facts: Facts,
    /// What policies and the optimum cost as things stand.
    pub(crate) present: Vec<Named>,
    /// For each lever, what they cost at both ends.
    pub(crate) ends: Vec<Ends>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Named {
    pub(crate) policy: String,
    pub(crate) cost: Option<f64>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ends {
    pub(crate) name: String,
    pub(crate) low: End,
    pub(crate) high: End,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct End {
    pub(crate) value: f64,
    /// For each policy, and last for the optimum; null where the value may not be.
    pub(crate) costs: Vec<Option<f64>>,
}

impl Single {
    pub(super) fn of(question: Question<'_>) -> Result<Self, Failure> {
        let present: Vec<f64> = question.levers.iter().map(|lever| lever.present).collect();
        let mut points = vec![present.clone()];
        for (index, lever) in question.levers.iter().enumerate() {
            for value in [lever.ends().0, lever.ends().1] {
                let mut point = present.clone();
                point[index] = value;
                points.push(point);
            }
        }
        let policies = question.policies.len();
        let cells = question.cells(points)?;
        let costs: Vec<Vec<Option<f64>>> = cells
            .iter()
            .map(|cell| {
                let costs = cell.outcomes.iter().map(|outcome| Some(outcome.cost.total()));
                let costs: Vec<Option<f64>> =
                    if cell.outcomes.is_empty() { vec![None; policies] } else { costs.collect() };
                [costs, vec![cell.bound]].concat()
            })
            .collect();
        let Question { facts, levers, .. } = question;
        let subjects = facts.subjects();
        let named = std::iter::zip(&subjects, costs.first().into_iter().flatten());
        let present = named.map(|(policy, cost)| Named { policy: (*policy).to_owned(), cost: *cost }).collect();
        let pairs = costs.get(1..).unwrap_or_default().chunks_exact(2);
        let ends = levers.iter().zip(pairs).map(|(lever, pair)| {
            let (low, high) = lever.ends();
            let end = |value: f64, costs: &Vec<Option<f64>>| End { value, costs: costs.clone() };
            Ends { name: lever.name.clone(), low: end(low, &pair[0]), high: end(high, &pair[1]) }
        });
        let ends = ends.collect();
        Ok(Self { facts, present, ends })
    }

    pub(super) fn render(&self, format: Format) -> String {
        match format {
            // No key or value can fail to be written.
            Format::Json => serde_json::to_string_pretty(self).unwrap_or_default() + "\n",
            Format::Csv => self.csv(),
            Format::Table | Format::Markdown => {
                let present: Vec<String> = self
                    .present
                    .iter()
                    .map(|named| format!("{} {}", named.policy, grouped(named.cost.unwrap_or(f64::NAN))))
                    .collect();
                let closing = format!("As it stands: {}. Costs: in the currency of the prices.", present.join(", "));
                self.facts.page(&self.table(), &closing, format == Format::Markdown)
            }
        }
    }

    fn csv(&self) -> String {
        let mut text = String::from("name,low,high,policy,cost,cost_low,cost_high\n");
        for ends in &self.ends {
            for (index, named) in self.present.iter().enumerate() {
                let figures = [named.cost, ends.low.costs[index], ends.high.costs[index]].map(figure);
                let start = [ends.name.clone(), ends.low.value.to_string(), ends.high.value.to_string()];
                let cells = start.into_iter().chain([named.policy.clone()]).chain(figures);
                text += &csv_line(&cells.collect::<Vec<_>>());
            }
        }
        text
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["setting", "low", "high", "policy", "cost at low", "cost at high", "change"]);
        table.align_left(3);
        for subject in 0..self.present.len() {
            let Named { policy, cost } = &self.present[subject];
            for index in self.by_width(subject) {
                let (ends, lever) = (&self.ends[index], &self.facts.levers[index]);
                let costs = [&ends.low, &ends.high].map(|end| end.costs[subject].unwrap_or(f64::NAN));
                let shares = costs.map(|end| signed(end / cost.unwrap_or(f64::NAN) - 1.0));
                table.push(&[
                    ends.name.clone(),
                    lever.text(ends.low.value),
                    lever.text(ends.high.value),
                    policy.clone(),
                    grouped(costs[0]),
                    grouped(costs[1]),
                    shares.join(" to "),
                ]);
            }
        }
        table
    }

    /// The levers from that which moves a subject's cost most to that which moves it least.
    pub(crate) fn by_width(&self, subject: usize) -> Vec<usize> {
        let width = |index: &usize| {
            let present = self.present[subject].cost.unwrap_or(0.0);
            let ends = [&self.ends[*index].low, &self.ends[*index].high];
            let distance = ends.map(|end| end.costs[subject].map_or(0.0, |cost| (cost - present).abs()));
            distance[0].max(distance[1])
        };
        let mut order: Vec<usize> = (0..self.ends.len()).collect();
        order.sort_by(|left, right| width(right).total_cmp(&width(left)));
        order
    }
}

/// A share with its sign.
fn signed(share: f64) -> String {
    if share > 0.0 { format!("+{}", percent(share)) } else { percent(share) }
}
