//! The result of `dataflow tune`, as scripts read it.

use std::collections::BTreeMap;

use dataflow_experiment::Testbed;
use dataflow_experiment::tune::{Attempt, Score, Setup, Tuned, Wish};
use serde::Serialize;

use super::render::value;
use crate::comparison::TraceFacts;
use crate::pipeline::trace_facts;
use crate::quantity::percent;
use crate::world::World;

/// Values as near to an end of their range as this share of it may be better beyond it.
const END_SHARE: f64 = 0.02;

/// What was tuned, what was found, and what it is worth. Costs in the configured currency.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TuneFacts {
    pub(crate) trace: TraceFacts,
    pub(crate) policy: String,
    pub(crate) max_dropped: Option<f64>,
    pub(crate) seed: u64,
    pub(crate) evaluations: usize,
    /// What was simulated for them, in lengths of the training part.
    pub(crate) whole_runs: f64,
    pub(crate) folds: usize,
    pub(crate) training: Part,
    pub(crate) held_back: Part,
    pub(crate) changes: Vec<ChangeFacts>,
    /// What nothing beats in both cost and dropped load on the training part, the cheapest first.
    pub(crate) front: Vec<Point>,
    /// Everything tried on the whole training part, for plots; the first is how things stood.
    #[serde(skip)]
    pub(crate) attempts: Vec<Point>,
}

/// A part of the trace with what the settings cost there.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Part {
    pub(crate) start: String,
    pub(crate) ticks: usize,
    pub(crate) before: PartScore,
    pub(crate) after: PartScore,
    /// The least that any policy could cost.
    pub(crate) bound: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct PartScore {
    pub(crate) cost: f64,
    pub(crate) dropped_share: f64,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct ChangeFacts {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) unit: &'static str,
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// The range in which it was searched.
    pub(crate) range: [f64; 2],
    /// What the training part comes to where this change alone is undone; null where it may not be undone alone.
    pub(crate) set_back: PartScore,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Point {
    #[serde(flatten)]
    pub(crate) score: PartScore,
    pub(crate) values: BTreeMap<String, f64>,
}

impl From<Score> for PartScore {
    fn from(score: Score) -> Self {
        Self { cost: score.cost, dropped_share: score.dropped_share() }
    }
}

impl Part {
    /// The share of the cost that the new settings save.
    pub(crate) fn saving(&self) -> f64 {
        if self.before.cost == self.after.cost { 0.0 } else { 1.0 - self.after.cost / self.before.cost }
    }
}

impl TuneFacts {
    pub(super) fn new(
        world: &World,
        before: &Setup,
        wish: &Wish,
        tuned: &Tuned,
        (training, held_back): (&Testbed, &Testbed),
        judged: (Score, Score),
    ) -> Self {
        let start = |part: &Testbed| {
            let offset = world.history.series().len() - world.load.len();
            world.load.time(part.judged().first - offset).to_string()
        };
        let part = |testbed: &Testbed, scores: (Score, Score), bound: f64| Part {
            start: start(testbed),
            ticks: testbed.judged().load.len(),
            before: scores.0.into(),
            after: scores.1.into(),
            bound,
        };
        let names: Vec<&str> = wish.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let point = |attempt: &Attempt| Point {
            score: attempt.score.into(),
            values: names.iter().map(|name| (*name).to_owned()).zip(attempt.values.iter().copied()).collect(),
        };
        let changes = tuned.changes.iter().map(|change| ChangeFacts {
            name: change.parameter.name.clone(),
            about: change.parameter.about.clone(),
            unit: change.parameter.unit,
            from: change.parameter.value,
            to: change.to,
            range: [change.parameter.low, change.parameter.high],
            set_back: change.set_back.into(),
        });
        Self {
            trace: trace_facts(world),
            policy: before.policy.to_string(),
            max_dropped: wish.max_dropped,
            seed: wish.budget.seed,
            evaluations: tuned.evaluations,
            whole_runs: tuned.whole_runs,
            folds: tuned.folds,
            training: part(training, (tuned.before, tuned.after), tuned.bound),
            held_back: part(held_back, judged, held_back.bound(&before.settings)),
            changes: changes.collect(),
            front: Attempt::front(&tuned.attempts).into_iter().map(point).collect(),
            attempts: tuned.attempts.iter().map(point).collect(),
        }
    }

    /// Where more may be found: numbers that lie near an end of their range.
    pub(super) fn hints(&self) -> Vec<String> {
        let at_end = |change: &&ChangeFacts| {
            let [low, high] = change.range;
            let margin = END_SHARE * (high - low);
            change.to <= low + margin || change.to >= high - margin
        };
        let hint = |change: &ChangeFacts| {
            let [low, high] = change.range.map(|end| value(end, change.unit));
            let name = &change.name;
            format!(
                "{name} lies near an end of its range, {low} to {high}; --vary {name}=LOW..HIGH searches another one"
            )
        };
        self.changes.iter().filter(at_end).map(hint).collect()
    }

    /// What speaks against using what was found.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let over = |score: &PartScore| self.max_dropped.filter(|limit| score.dropped_share > *limit);
        if let Some(limit) = over(&self.training.after) {
            warnings.push(format!(
                "nothing that was tried drops as little as {} of the load on the training part; the least is {}: widen \
                 the ranges, or allow more servers",
                percent(limit),
                percent(self.training.after.dropped_share)
            ));
        } else if let Some(limit) = over(&self.held_back.after) {
            warnings.push(format!(
                "the held-back part drops {} of its load under the new settings, more than the {} allowed",
                percent(self.held_back.after.dropped_share),
                percent(limit)
            ));
        }
        if self.changes.is_empty() {
            return warnings;
        }
        let saves = |part: &Part| part.after.cost < part.before.cost;
        if saves(&self.training) && !saves(&self.held_back) {
            warnings.push(format!(
                "the held-back part does not confirm the gain: it costs {} more under the new settings; keep the old ones, \
                 or tune on more traffic",
                percent(-self.held_back.saving())
            ));
        }
        warnings
    }
}
