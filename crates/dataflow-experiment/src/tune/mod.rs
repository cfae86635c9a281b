//! Tuning: the numbers of a policy that cost least on past traffic, and how far to trust them.
//!
//! The training time is cut into folds, each played by a fleet that starts afresh; what is minimised is the mean over
//! all of them, so that one lucky week does not decide. Forecasts are made as time goes on and never know what comes,
//! in no fold. The settings as they stand are tried first and left only for better ones.

mod front;
mod vary;

use dataflow_scale::Outcome;
use dataflow_scale::spec::{Parameter, PolicySpec, Settings};
use dataflow_series::Step;

pub use front::Attempt;
pub use vary::{Vary, VaryError, varied};

use crate::search::{Axis, Budget, Found, Problem, Space, SpaceError, Trial, search};
use crate::{ExperimentError, Testbed};

/// Most folds of the training time. A power of two, so that each round of a search doubles them evenly.
const FOLDS_MAX: usize = 8;
/// A fold is this long where the trace allows, so that each has a day and a night.
const FOLD_SECONDS: u64 = 86_400;
/// Shorter folds show a policy nothing but its start.
const FOLD_TICKS_MIN: usize = 30;
/// A time is searched in ticks where its range has so many of them.
const TICKS_TOLD_APART: f64 = 5.0;
/// A change that saves less than this share of the cost is not worth the reading.
const WORTH_SAYING: f64 = 0.000_5;
/// The losses of settings that drop too much begin here: beyond every cost.
const TOO_MUCH_DROPPED: f64 = 1e300;

/// A policy and the settings it runs under.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// The policy, with the numbers of its manifest if it has one.
    pub policy: PolicySpec,
    /// The settings.
    pub settings: Settings,
}

/// What is wanted of the settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The numbers to vary, each within its range.
    pub parameters: Vec<Parameter>,
    /// The most load that may be dropped, as a share of all; settings that drop more rank behind all that do not.
    pub max_dropped: Option<f64>,
    /// What the search may spend.
    pub budget: Budget,
    /// Whether other weights of dropped load are tried as well, for a front from cheap to safe. Takes half as many
    /// evaluations again.
    pub front: bool,
}

/// What settings came to, in one fold or more.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Cost in the currency of the prices.
    pub cost: f64,
    /// The part of it that is for dropped load.
    pub violation: f64,
    /// Load that found no ready server.
    pub dropped: f64,
    /// All load.
    pub offered: f64,
}

/// A number that was changed, and what the change is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The number as it was, with what it means.
    pub parameter: Parameter,
    /// What it is now.
    pub to: f64,
    /// What the training part comes to where this number alone is set back.
    pub set_back: Score,
}

/// What tuning found.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    /// The policy with its new settings.
    pub setup: Setup,
    /// What was changed, the change worth most first.
    pub changes: Vec<Change>,
    /// What the settings as they stood come to on the training part, over all folds.
    pub before: Score,
    /// What the new settings come to there.
    pub after: Score,
    /// The least that any policy could cost there, under the fleet and prices of the old settings.
    pub bound: f64,
    /// Folds of the training part.
    pub folds: usize,
    /// Different settings tried.
    pub evaluations: usize,
    /// The time that was simulated for them, in lengths of the training part: most were given up early.
    pub whole_runs: f64,
    /// Everything that was tried on all folds, in the order of trial; the first is how things stood.
    pub attempts: Vec<Attempt>,
}

/// Why there is nothing to tune, or tuning failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// The policy has no numbers, or the ranges hold none.
    #[error("the search space is empty: {0}")]
    Space(String),
    /// The trace is too short to be cut into folds.
    #[error("the training part has {ticks} intervals; tuning needs at least {needed}")]
    TooShort {
        /// Intervals of the training part.
        ticks: usize,
        /// Intervals needed.
        needed: usize,
    },
    /// A run failed.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
}

impl Score {
    fn of(outcome: &Outcome) -> Self {
        Self {
            cost: outcome.cost.total(),
            violation: outcome.cost.violation,
            dropped: outcome.dropped,
            offered: outcome.offered,
        }
    }

    /// The sum of scores.
    fn sum(scores: impl IntoIterator<Item = Self>) -> Self {
        scores.into_iter().fold(Self::default(), |sum, score| Self {
            cost: sum.cost + score.cost,
            violation: sum.violation + score.violation,
            dropped: sum.dropped + score.dropped,
            offered: sum.offered + score.offered,
        })
    }

    /// The load dropped as a share of all.
    pub fn dropped_share(&self) -> f64 {
        if self.offered > 0.0 { self.dropped / self.offered } else { 0.0 }
    }

    /// What is minimised: the cost, with `weight` times as much for dropped load; too much dropped is worse than any
    /// cost, and the worse the more it is.
    fn loss(&self, max_dropped: Option<f64>, weight: f64) -> f64 {
        match max_dropped.filter(|limit| self.dropped_share() > *limit) {
            Some(_) => TOO_MUCH_DROPPED * (1.0 + self.dropped_share()),
            None => self.cost + (weight - 1.0) * self.violation,
        }
    }
}

impl Setup {
    /// The same with other numbers; `None` where one of them, or all together, may not be.
    fn with(&self, parameters: &[Parameter], values: &[f64]) -> Option<Self> {
        let mut setup = self.clone();
        for (parameter, value) in parameters.iter().zip(values) {
            setup.policy.adjust(&mut setup.settings, &parameter.name, *value)?;
        }
        setup.settings.is_consistent().then_some(setup)
    }

    /// What it comes to on traffic that is judged whole.
    ///
    /// # Errors
    /// When the forecasts that it needs cannot be made.
    pub fn score(&self, testbed: &Testbed) -> Result<Score, ExperimentError> {
        Ok(Score::of(&testbed.run(&self.policy, &self.settings)?))
    }
}

/// The setup with the numbers that cost least on the judged ticks of `training`: those of the policy itself, each
/// within its own range.
///
/// # Errors
/// When the policy has no numbers to tune, the training part is too short, or forecasts cannot be made.
pub fn tuned(training: &Testbed, setup: &Setup, budget: Budget) -> Result<Tuned, TuneError> {
    let parameters = setup.policy.parameters(&setup.settings);
    tune(training, setup, &Wish { parameters, max_dropped: None, budget, front: false }, &|_| {})
}

/// The setup that fits the wish best on the judged ticks of `training`; `progress` is told the share done.
///
/// # Errors
/// As [`tuned`].
pub fn tune(
    training: &Testbed,
    setup: &Setup,
    wish: &Wish,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<Tuned, TuneError> {
    let folds = folds(training)?;
    // Forecasts are made once, before threads ask for them at the same time, and their failure is told here.
    setup.score(&folds[0])?;
    let tuning = Tuning { space: space(&wish.parameters, training.step())?, folds, setup, wish };
    let start: Vec<f64> = wish.parameters.iter().map(|parameter| parameter.value).collect();
    let searches: &[f64] = if wish.front { &front::WEIGHTS } else { &[] };
    let all = wish.budget.evaluations + searches.len() * front::evaluations(wish.budget);
    let told = |before: usize| move |done: usize| progress((before + done) as f64 / all as f64);
    let found = tuning.search(std::slice::from_ref(&start), wish.budget, 1.0, &told(0))?;
    let best = found.trials[found.best].values.clone();
    let mut trials = found.trials;
    let mut part_runs = found.part_runs;
    for (index, weight) in searches.iter().enumerate() {
        let budget = Budget { evaluations: front::evaluations(wish.budget), seed: wish.budget.seed ^ weight.to_bits() };
        let starts = [start.clone(), best.clone()];
        let more =
            tuning.search(&starts, budget, *weight, &told(wish.budget.evaluations + index * budget.evaluations))?;
        part_runs += more.part_runs;
        trials.extend(more.trials);
    }
    tuning.conclude(trials, part_runs)
}

/// The judged ticks of a testbed in parts of the same length.
fn folds(training: &Testbed) -> Result<Vec<Testbed>, TuneError> {
    let judged = training.judged();
    let (first, ticks) = (judged.first, judged.load.len());
    let needed = 2 * FOLD_TICKS_MIN;
    if ticks < needed {
        return Err(TuneError::TooShort { ticks, needed });
    }
    let day = (FOLD_SECONDS / u64::from(training.step().seconds())).max(1) as usize;
    let mut count = FOLDS_MAX;
    while count > 2 && ticks / count < day.max(FOLD_TICKS_MIN) {
        count /= 2;
    }
    let end = |fold: usize| first + ticks * fold / count;
    Ok((0..count).map(|fold| training.part(end(fold)..end(fold + 1))).collect())
}

/// The box of the parameters. Times are tried in whole ticks where their range has some, as no policy can tell the
/// seconds between them, and otherwise in whole seconds.
fn space(parameters: &[Parameter], tick: Step) -> Result<Space, TuneError> {
    let tick = f64::from(tick.seconds());
    let axis = |parameter: &Parameter| {
        let Parameter { low, high, is_whole, is_logarithmic, .. } = *parameter;
        let time_step = if high - low >= TICKS_TOLD_APART * tick { tick } else { 1.0 };
        let step = if parameter.unit == "s" { Some(time_step) } else { is_whole.then_some(1.0) };
        Axis { low, high, step, is_logarithmic }
    };
    Space::new(parameters.iter().map(axis).collect()).map_err(|error| {
        TuneError::Space(match error {
            SpaceError::Range { axis, low, high, problem } => {
                format!("{} has the range {low}..{high}, but {problem}", parameters[axis].name)
            }
            SpaceError::Empty => "this policy has no numbers to tune".to_owned(),
        })
    })
}

/// One tuning under way.
struct Tuning<'a> {
    space: Space,
    folds: Vec<Testbed>,
    setup: &'a Setup,
    wish: &'a Wish,
}

impl Tuning<'_> {
    fn search(
        &self,
        starts: &[Vec<f64>],
        budget: Budget,
        weight: f64,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<Found<Score>, TuneError> {
        let run = |values: &[f64], fold: usize| {
            self.setup.with(&self.wish.parameters, values)?.score(self.folds.get(fold)?).ok()
        };
        let loss = |scores: &[Score]| {
            Score::sum(scores.iter().copied()).loss(self.wish.max_dropped, weight) / scores.len() as f64
        };
        let problem = Problem { space: &self.space, parts: self.folds.len(), run: &run, loss: &loss, progress };
        search(&problem, starts, budget).map_err(|error| TuneError::Space(error.to_string()))
    }

    /// What values come to over all folds; `None` where they may not be.
    fn score(&self, values: &[f64]) -> Option<Score> {
        let setup = self.setup.with(&self.wish.parameters, values)?;
        let scores: Option<Vec<Score>> = self.folds.iter().map(|fold| setup.score(fold).ok()).collect();
        Some(Score::sum(scores?))
    }

    fn loss(&self, score: &Score) -> f64 {
        score.loss(self.wish.max_dropped, 1.0)
    }

    /// The best of all trials, without the changes that are worth nothing.
    fn conclude(&self, trials: Vec<Trial<Score>>, part_runs: usize) -> Result<Tuned, TuneError> {
        let evaluations = trials.len();
        let attempts: Vec<Attempt> = trials.into_iter().filter(Trial::is_complete).map(Attempt::of).collect();
        let first = attempts.first().ok_or_else(|| {
            TuneError::Space("the settings as they stand are outside of what this policy allows".to_owned())
        })?;
        let least = |best: usize, other: usize| {
            let is_less = self.loss(&attempts[other].score) < self.loss(&attempts[best].score);
            if is_less { other } else { best }
        };
        let best = &attempts[(0..attempts.len()).reduce(least).unwrap_or(0)];
        let before = first.score;
        let (values, after) = self.simplified(best.values.clone(), best.score, self.loss(&before));
        let setup = self.setup.with(&self.wish.parameters, &values).unwrap_or_else(|| self.setup.clone());
        let changes = self.changes(&values);
        let bound = self.folds.iter().map(|fold| fold.bound(&self.setup.settings)).sum();
        let folds = self.folds.len();
        let whole_runs = part_runs as f64 / folds as f64;
        Ok(Tuned { setup, changes, before, after, bound, folds, evaluations, whole_runs, attempts })
    }

    /// The values with every number set back whose change is not worth saying, the least worth first.
    fn simplified(&self, mut values: Vec<f64>, mut score: Score, loss_before: f64) -> (Vec<f64>, Score) {
        let limit = (self.loss(&score) * (1.0 + WORTH_SAYING)).min(loss_before);
        loop {
            let set_back = self.set_back(&values).into_iter().map(|(index, score)| (self.loss(&score), index, score));
            let Some((loss, index, simpler)) = set_back.min_by(|left, right| left.0.total_cmp(&right.0)) else { break };
            if loss > limit {
                break;
            }
            values[index] = self.wish.parameters[index].value;
            score = simpler;
        }
        self.shortened(values, score, limit)
    }

    /// The values with as few digits as the limit of the loss allows, one after the other.
    fn shortened(&self, mut values: Vec<f64>, mut score: Score, limit: f64) -> (Vec<f64>, Score) {
        for (index, parameter) in self.wish.parameters.iter().enumerate() {
            let found = values[index];
            if found == parameter.value || found.fract() == 0.0 {
                continue;
            }
            for digits in 0..3 {
                let short = format!("{found:.digits$e}").parse().unwrap_or(found);
                values[index] = short;
                let within = (parameter.low..=parameter.high).contains(&short);
                if let Some(simpler) = self.score(&values).filter(|score| within && self.loss(score) <= limit) {
                    score = simpler;
                    break;
                }
                values[index] = found;
            }
        }
        (values, score)
    }

    /// For every number that was changed what all folds come to with it alone set back.
    fn set_back(&self, values: &[f64]) -> Vec<(usize, Score)> {
        let changed = self.wish.parameters.iter().enumerate().filter(|(index, old)| old.value != values[*index]);
        let scores = changed.filter_map(|(index, old)| {
            let mut other = values.to_vec();
            other[index] = old.value;
            Some((index, self.score(&other)?))
        });
        scores.collect()
    }

    fn changes(&self, values: &[f64]) -> Vec<Change> {
        let scores = self.set_back(values);
        let change = |(index, parameter): (usize, &Parameter)| {
            let score = scores.iter().find(|(changed, _)| *changed == index).map(|(_, score)| *score);
            // What may not be set back alone has no price of its own.
            let set_back = score.unwrap_or(Score { cost: f64::NAN, ..Score::default() });
            Change { parameter: parameter.clone(), to: values[index], set_back }
        };
        let changed = self.wish.parameters.iter().enumerate().filter(|(index, old)| old.value != values[*index]);
        let mut changes: Vec<Change> = changed.map(change).collect();
        changes.sort_by(|left, right| right.set_back.cost.total_cmp(&left.set_back.cost));
        changes
    }
}

#[cfg(test)]
pub(crate) mod tests;
