//! How sure a comparison is: arguments, figures and tables of replicates.

use clap::Args;
use dataflow_experiment::{Contestant, Replicate, Replication, Resampling, Spread, chance_less, replicate};
use dataflow_series::Fill;
use serde::Serialize;

use crate::failure::Failure;
use crate::laboratory::Laboratory;
use crate::progress::Progress;
use crate::quantity::{count, grouped, percent};
use crate::story::OPTIMAL;
use crate::table::Table;

/// More replicates than this are a slip of the hand.
const REPLICATES_MAX: usize = 100_000;

/// Whether and how a comparison is repeated on traffic that might have been.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Uncertainty")]
pub(crate) struct ReplicateArguments {
    /// Repeat the comparison on so many resampled traces, the same for every policy, to say how sure it is
    #[arg(long, value_name = "N", value_parser = replicate_count)]
    pub(crate) replicates: Option<usize>,
    /// How traffic is resampled: whole days drawn for days of their kind, or each load around the level of its hour
    #[arg(long, value_enum, default_value_t = By::Blocks, requires = "replicates")]
    pub(crate) replicate_by: By,
    /// Standard deviation of start-up times in replicates, as a share of the usual time, such as 0.3 or 30%
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = spread, requires = "replicates",
        allow_hyphen_values = true)]
    pub(crate) startup_spread: f64,
}

/// As `--replicate-by` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum By {
    /// Keeps the rhythm of day and week
    Blocks,
    /// Keeps every day as it was, with other noise
    Noise,
}

fn replicate_count(text: &str) -> Result<usize, String> {
    let wrong = || format!("expected a whole number from 2 to {}", count(REPLICATES_MAX));
    text.parse().ok().filter(|number| (2..=REPLICATES_MAX).contains(number)).ok_or_else(wrong)
}

fn spread(text: &str) -> Result<f64, String> {
    share(text)
        .filter(|share| (0.0..=10.0).contains(share))
        .ok_or_else(|| "expected a share from 0 to 10, such as 0.3 or 30%".to_owned())
}

/// A share as a number or in per cent; `None` where it is neither.
pub(crate) fn share(text: &str) -> Option<f64> {
    let (number, divisor) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    number.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number / divisor)
}

impl ReplicateArguments {
    /// What is to be replicated, if anything.
    pub(crate) fn replication(&self, seed: u64, fill: Fill) -> Option<Replication> {
        let resampling = match self.replicate_by {
            By::Blocks => Resampling::Blocks,
            By::Noise => Resampling::Noise,
        };
        let startup_spread = self.startup_spread;
        self.replicates.map(|count| Replication { count, resampling, startup_spread, seed, fill })
    }
}

/// The figures of all replicates.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReplicateFacts {
    pub(crate) count: usize,
    pub(crate) by: &'static str,
    pub(crate) startup_spread: f64,
    pub(crate) seed: u64,
    /// The same in words.
    #[serde(skip)]
    pub(crate) words: String,
    pub(crate) runs: Vec<ReplicatedRun>,
    /// The chance that the policy of a row is cheaper than that of a column, both in the order of `runs`; a tie is half.
    pub(crate) chance_cheaper: Vec<Vec<f64>>,
}

/// The figures of one policy over all replicates.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReplicatedRun {
    pub(crate) policy: String,
    pub(crate) cost: SpreadFacts,
    /// Share above the optimum of each replicate.
    pub(crate) regret: SpreadFacts,
    pub(crate) dropped_share: SpreadFacts,
    /// Share of replicates in which it was the cheapest of those that do not know the future.
    pub(crate) cheapest: f64,
}

/// Mean, and the percentiles between which 95% of the replicates lie.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct SpreadFacts {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl SpreadFacts {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let Spread { mean, low, high } = Spread::of(values);
        Self { mean, low, high }
    }
}

/// Repeats a contest.
///
/// # Errors
/// When the traffic is too short for what is asked, or a run fails.
pub(crate) fn rows(
    laboratory: &Laboratory,
    contestants: &[Contestant],
    replication: &Replication,
    progress: &Progress,
) -> Result<Vec<Vec<Replicate>>, Failure> {
    let bar = progress.steps("replicates", replication.count);
    let testbed = laboratory.testbed_to_resample()?;
    replicate(&testbed, contestants, replication, &|| bar.step()).map_err(|error| {
        Failure::Input(format!("--replicates {}: {error}; --replicate-by noise needs no days", replication.count))
    })
}

impl ReplicateFacts {
    /// From a row for each replicate, with a cell for each of `policies`.
    pub(crate) fn of(policies: &[String], rows: &[Vec<Replicate>], replication: &Replication) -> Self {
        let total = |row: &[Replicate], run: usize| row[run].outcome.cost.total();
        let honest: Vec<usize> = (0..policies.len()).filter(|run| policies[*run] != OPTIMAL).collect();
        let cheapest_of = |row: &[Replicate]| {
            honest.iter().copied().min_by(|one, other| total(row, *one).total_cmp(&total(row, *other)))
        };
        let winners: Vec<Option<usize>> = rows.iter().map(|row| cheapest_of(row)).collect();
        let run = |run: usize| {
            let cells = || rows.iter().map(move |row| row[run]);
            ReplicatedRun {
                policy: policies[run].clone(),
                cost: SpreadFacts::of(cells().map(|cell| cell.outcome.cost.total())),
                regret: SpreadFacts::of(cells().map(|cell| regret(&cell))),
                dropped_share: SpreadFacts::of(cells().map(|cell| dropped_share(&cell))),
                cheapest: winners.iter().filter(|winner| **winner == Some(run)).count() as f64 / rows.len() as f64,
            }
        };
        let chances = |one: usize| {
            let against = |other: usize| chance_less(rows.iter().map(|row| (total(row, one), total(row, other))));
            (0..policies.len()).map(against).collect()
        };
        Self {
            count: rows.len(),
            by: match replication.resampling {
                Resampling::Blocks => "blocks",
                Resampling::Noise => "noise",
            },
            startup_spread: replication.startup_spread,
            seed: replication.seed,
            words: words(replication),
            runs: (0..policies.len()).map(run).collect(),
            chance_cheaper: (0..policies.len()).map(chances).collect(),
        }
    }

    /// The places of the runs, the cheapest on average first.
    pub(crate) fn ranked(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.runs.len()).collect();
        order.sort_by(|one, other| self.runs[*one].cost.mean.total_cmp(&self.runs[*other].cost.mean));
        order
    }

    /// The table of intervals, and in documents the matrix of chances below it.
    pub(crate) fn section(&self, markdown: bool) -> String {
        let order = self.ranked();
        let mut table = Table::new([
            "policy",
            "mean cost",
            "95% interval",
            "above optimum",
            "95% interval",
            "dropped",
            "cheapest",
            "beats the next",
        ]);
        for (rank, place) in order.iter().enumerate() {
            let run = &self.runs[*place];
            let next = order.get(rank + 1).map(|next| percent(self.chance_cheaper[*place][*next]));
            table.push(&[
                run.policy.clone(),
                grouped(run.cost.mean),
                interval(run.cost, grouped),
                percent(run.regret.mean),
                interval(run.regret, percent),
                percent(run.dropped_share.mean),
                if run.policy == OPTIMAL { "–".to_owned() } else { percent(run.cheapest) },
                next.unwrap_or_else(|| "–".to_owned()),
            ]);
        }
        let body = if markdown { table.markdown() } else { table.text() };
        let matrix = if markdown { format!("\n{}", self.matrix(&order).markdown()) } else { String::new() };
        format!(
            "\n{}: every policy meets the same ones. Intervals: 2.5th to 97.5th percentile.\n\n{body}{matrix}\nCheapest: share \
             of replicates, `optimal` aside as it knows the future. Beats the next: chance to be cheaper than the policy of the \
             next line.\n",
            self.words
        )
    }

    /// The chance of each policy to be cheaper than each other.
    fn matrix(&self, order: &[usize]) -> Table {
        let names = order.iter().map(|place| self.runs[*place].policy.clone());
        let mut table = Table::new(std::iter::once("cheaper than →".to_owned()).chain(names));
        for one in order {
            let chance = |other: &usize| {
                if one == other { "–".to_owned() } else { percent(self.chance_cheaper[*one][*other]) }
            };
            let row: Vec<String> =
                std::iter::once(self.runs[*one].policy.clone()).chain(order.iter().map(chance)).collect();
            table.push(&row);
        }
        table
    }
}

/// What is replicated, in words.
pub(crate) fn words(replication: &Replication) -> String {
    let by = match replication.resampling {
        Resampling::Noise => "each load drawn anew around the level of its hour",
        Resampling::Blocks => "whole days drawn for days of their kind",
    };
    let start_ups = match replication.startup_spread {
        spread if spread > 0.0 => format!(", start-up times that vary by {}", percent(spread)),
        _ => String::new(),
    };
    format!("{} replicates ({by}{start_ups}; seed {})", count(replication.count), replication.seed)
}

/// An interval as people read it.
pub(crate) fn interval(spread: SpreadFacts, text: fn(f64) -> String) -> String {
    format!("{} … {}", text(spread.low), text(spread.high))
}

/// The share above the optimum of its replicate; nothing where both cost nothing.
fn regret(cell: &Replicate) -> f64 {
    let total = cell.outcome.cost.total();
    if total == cell.bound { 0.0 } else { total / cell.bound - 1.0 }
}

/// The share of the load that was dropped.
pub(crate) fn dropped_share(cell: &Replicate) -> f64 {
    if cell.outcome.offered > 0.0 { cell.outcome.dropped / cell.outcome.offered } else { 0.0 }
}
