//! What the page's scripts know of a comparison: figures by policy, and the ticks as columns.

use std::collections::BTreeMap;
use std::ops::Range;

use dataflow_scale::Timeline;
use serde::Serialize;

use super::columns::{Columns, Place};
use crate::aggregate::{Bucket, Extent, recorded};
use crate::comparison::{Bound, Comparison, CostFacts, RunFacts, Ticks};
use crate::story;

/// Most rows embedded; longer traces are bucketed to this many.
const ROWS: usize = 120_000;
/// Most decisions embedded for one policy: half of them the first, half the last.
const DECISIONS: usize = 40_000;
/// Largest drops listed for one policy.
const DROPS: usize = 10;

/// The JSON that the page embeds.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    start_ms: i64,
    step_ms: i64,
    ticks: usize,
    /// Ticks in one row of the columns.
    pub(super) base: usize,
    unit: String,
    capacity: f64,
    cost_axis_limit: f64,
    bound: Bound,
    policies: Vec<PolicyFacts>,
    columns: BTreeMap<String, Place>,
}

#[derive(Debug, Serialize)]
struct PolicyFacts {
    name: String,
    cost: CostFacts,
    actions: usize,
    actions_kept: usize,
    drop_episodes: usize,
    drops: Vec<DropEpisode>,
}

/// Successive ticks that dropped load.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct DropEpisode {
    tick: usize,
    ticks: usize,
    dropped: f64,
    worst: f64,
    cost: f64,
    /// Servers ready at its start.
    ready: u32,
}

/// Gathers the facts and the columns they refer to.
pub(super) fn gather(comparison: &Comparison, ticks: &Ticks) -> (Facts, Columns) {
    let length = ticks.timelines.iter().map(|run| recorded(ticks, run)).min().unwrap_or(0);
    let base = length.div_ceil(ROWS).max(1);
    let mut columns = Columns::default();
    load_columns(&mut columns, ticks, length, base);
    forecast_columns(&mut columns, ticks, length, base);
    let runs = comparison.runs.iter().zip(&ticks.timelines).enumerate();
    let policies =
        runs.map(|(index, (facts, run))| policy(&mut columns, index, facts, run, ticks, (length, base))).collect();
    let facts = Facts {
        start_ms: ticks.load.start().as_millisecond(),
        step_ms: i64::from(ticks.load.step().seconds()) * 1000,
        ticks: length,
        base,
        unit: comparison.trace.unit.clone(),
        capacity: ticks.capacity,
        cost_axis_limit: story::cost_axis_limit(comparison),
        bound: comparison.bound,
        policies,
        columns: columns.directory.clone(),
    };
    (facts, columns)
}

/// Rows of exactly `base` ticks, the last one perhaps shorter.
fn rows(length: usize, base: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length.div_ceil(base)).map(move |row| row * base..((row + 1) * base).min(length))
}

fn load_columns(columns: &mut Columns, ticks: &Ticks, length: usize, base: usize) {
    let loads: Vec<Extent> =
        rows(length, base).map(|row| Extent::of(ticks.load.values()[row].iter().copied())).collect();
    columns.numbers("load.mean", loads.iter().map(|load| load.mean));
    columns.numbers("load.least", loads.iter().map(|load| load.least));
    columns.numbers("load.most", loads.iter().map(|load| load.most));
    let filled = |row: Range<usize>| {
        let missing = ticks.filled[row.clone()].iter().filter(|filled| **filled).count();
        missing as f64 / row.len() as f64
    };
    columns.numbers("filled", rows(length, base).map(filled));
}

/// The forecast band at the ticks it was made for, not at those it was made in.
fn forecast_columns(columns: &mut Columns, ticks: &Ticks, length: usize, base: usize) {
    let Some(forecast) = &ticks.forecast else { return };
    let Some((low, high)) = story::band(forecast) else { return };
    let (low, high) = (&forecast.quantiles[low], &forecast.quantiles[high]);
    for (name, quantile) in [("forecast.low", low), ("forecast.high", high)] {
        let row_mean = |row: Range<usize>| {
            let made = row.filter_map(|tick| tick.checked_sub(forecast.lead));
            let known: Vec<f64> =
                made.filter_map(|tick| quantile.get(tick)).copied().filter(|load| !load.is_nan()).collect();
            known.iter().sum::<f64>() / known.len() as f64
        };
        columns.numbers(name, rows(length, base).map(row_mean));
    }
}

fn policy(
    columns: &mut Columns,
    index: usize,
    facts: &RunFacts,
    run: &Timeline,
    ticks: &Ticks,
    (length, base): (usize, usize),
) -> PolicyFacts {
    let buckets: Vec<Bucket> = rows(length, base).map(|row| Bucket::of(ticks, run, row)).collect();
    columns.numbers(format!("{index}.ready"), buckets.iter().map(|bucket| bucket.ready.mean));
    columns.numbers(format!("{index}.provisioned"), buckets.iter().map(|bucket| bucket.provisioned.mean));
    columns.numbers(format!("{index}.dropped"), buckets.iter().map(|bucket| bucket.dropped));
    columns.numbers(format!("{index}.worst"), buckets.iter().map(|bucket| bucket.worst_drop));
    columns.numbers(format!("{index}.worst.load"), buckets.iter().map(|bucket| bucket.load_at_worst_drop));
    let actions: Vec<usize> = (0..length).filter(|tick| run.change[*tick] != 0).collect();
    let kept = ends(&actions, DECISIONS);
    columns.integers(format!("{index}.action.tick"), kept.iter().map(|tick| *tick as i32));
    columns.integers(format!("{index}.action.change"), kept.iter().map(|tick| run.change[*tick]));
    columns.integers(format!("{index}.action.servers"), kept.iter().map(|tick| run.provisioned[*tick] as i32));
    columns.texts(format!("{index}.action.reason"), kept.iter().map(|tick| reasons(ticks, run, *tick)));
    let mut drops = drop_episodes(run, length);
    let drop_episodes = drops.len();
    drops.sort_by(|one, other| other.dropped.total_cmp(&one.dropped).then(one.tick.cmp(&other.tick)));
    drops.truncate(DROPS);
    PolicyFacts {
        name: facts.policy.clone(),
        cost: facts.cost,
        actions: actions.len(),
        actions_kept: kept.len(),
        drop_episodes,
        drops,
    }
}

/// The first and last of a list, `most` together.
fn ends(list: &[usize], most: usize) -> Vec<usize> {
    if list.len() <= most {
        return list.to_vec();
    }
    let half = most / 2;
    [&list[..half], &list[list.len() - half..]].concat()
}

/// The chain of reasons of one tick, from the signal to the target.
fn reasons(ticks: &Ticks, run: &Timeline, tick: usize) -> String {
    let chain: Vec<String> = run.reasons(tick).iter().map(|reason| ticks.words(reason, tick)).collect();
    chain.join(" → ")
}

fn drop_episodes(run: &Timeline, length: usize) -> Vec<DropEpisode> {
    let mut episodes: Vec<DropEpisode> = Vec::new();
    for (tick, dropped) in run.dropped.iter().copied().enumerate().take(length).filter(|(_, dropped)| *dropped > 0.0) {
        let cost = run.cost[tick].violation;
        match episodes.last_mut().filter(|last| last.tick + last.ticks == tick) {
            Some(last) => {
                last.ticks += 1;
                last.dropped += dropped;
                last.worst = last.worst.max(dropped);
                last.cost += cost;
            }
            None => {
                episodes.push(DropEpisode { tick, ticks: 1, dropped, worst: dropped, cost, ready: run.ready[tick] });
            }
        }
    }
    episodes
}
