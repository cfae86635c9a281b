//! The search of a box for the settings of least loss, where a trial takes time and time comes in parts.
//!
//! Trials start on few parts of the time, and only the better half goes on to twice as many (successive halving:
//! Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016).
//! The first trials fill the box evenly (Sobol points scrambled as Owen does), later ones follow a tree-structured
//! Parzen estimator (Bergstra et al., "Algorithms for hyper-parameter optimization", NIPS 2011; the crate `tpe`), and,
//! every other one, the neighbourhood of the best, ever more closely: the estimator looks at one number at a time and
//! misses what two of them do together. What is found depends on the seed, never on the number of threads.

mod proposals;
mod space;

use std::collections::HashSet;

use rayon::prelude::*;

pub use space::{Axis, Space, SpaceError};

pub(crate) use proposals::sobol;

use proposals::Proposals;

/// Trials that go through the halving together, once the box is filled.
const BATCH: usize = 32;
/// Trials that fill the box: this share of all.
const FILLING_SHARE: f64 = 0.3;

/// What a search may spend, and its seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Different settings that are tried at most, those given at the start included.
    pub evaluations: usize,
    /// Seed of everything random.
    pub seed: u64,
}

/// One trial: settings, and what came of them in each part of the time in which they were tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial<R> {
    /// A value for each axis.
    pub values: Vec<f64>,
    /// The result in each part, `None` where it was given up before.
    pub results: Vec<Option<R>>,
    /// The loss over the parts tried; infinite where the settings are not allowed.
    pub loss: f64,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<R> {
    /// The best of the trials that were tried on all parts; on a tie the earliest, so that settings given at the start
    /// are left only for better ones.
    pub best: usize,
    /// Every trial, in the order in which they were made; those given at the start come first.
    pub trials: Vec<Trial<R>>,
    /// Runs of one trial on one part.
    pub part_runs: usize,
}

impl<R> Trial<R> {
    /// Whether it was tried on all parts.
    pub fn is_complete(&self) -> bool {
        self.results.iter().all(Option::is_some)
    }

    fn tried(&self) -> usize {
        self.results.iter().flatten().count()
    }
}

/// What is searched: a box, a number of parts of the time, and what a trial costs.
pub struct Problem<'a, R> {
    /// The box.
    pub space: &'a Space,
    /// Parts of the time, at least one.
    pub parts: usize,
    /// The result of values in one part; `None` where they are not allowed.
    pub run: &'a (dyn Fn(&[f64], usize) -> Option<R> + Sync),
    /// The loss of results, the smaller the better. Results of the same parts are compared with each other.
    pub loss: &'a (dyn Fn(&[R]) -> f64 + Sync),
    /// Told after every batch how many of the evaluations are done.
    pub progress: &'a (dyn Fn(usize) + Sync),
}

/// Searches for the values of least loss; those of `starts` are among the trials, on all parts.
///
/// # Errors
/// When there is nothing to start from.
pub fn search<R: Copy + Send + Sync>(
    problem: &Problem<'_, R>,
    starts: &[Vec<f64>],
    budget: Budget,
) -> Result<Found<R>, NothingToStartFrom> {
    if starts.is_empty() {
        return Err(NothingToStartFrom);
    }
    let mut search = Search { problem, trials: Vec::new(), seen: HashSet::new(), part_runs: 0, brackets: 0 };
    search.try_all(starts.to_vec(), |_| 1);
    let mut proposals = Proposals::new(problem.space, budget.seed);
    let filling = (budget.evaluations as f64 * FILLING_SHARE).ceil() as usize;
    let filling = filling.max(2 * problem.space.axes().len()).min(budget.evaluations.saturating_sub(starts.len()));
    search.halve(proposals.filling(filling));
    while search.trials.len() < budget.evaluations {
        let count = BATCH.min(budget.evaluations - search.trials.len());
        let progress = search.trials.len() as f64 / budget.evaluations as f64;
        let ranked = search.ranked();
        let proposed = proposals.informed(&search.trials, &ranked, count, progress);
        // A box of a few whole numbers is at some time known to the last of them.
        if !search.halve(proposed) {
            break;
        }
    }
    let best = search.ranked().first().copied().unwrap_or(0);
    Ok(Found { best, trials: search.trials, part_runs: search.part_runs })
}

/// No settings were given to start from, so there is nothing that what is found must not be worse than.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a search needs at least one setting to start from")]
pub struct NothingToStartFrom;

struct Search<'a, R> {
    problem: &'a Problem<'a, R>,
    trials: Vec<Trial<R>>,
    /// The bits of all values tried.
    seen: HashSet<Vec<u64>>,
    part_runs: usize,
    brackets: usize,
}

impl<R: Copy + Send + Sync> Search<'_, R> {
    /// Tries what is new among the values on few parts first, and the better half on twice as many, until all parts
    /// are used. Tells whether anything was new.
    fn halve(&mut self, values: Vec<Vec<f64>>) -> bool {
        self.try_all(values, |count| count.div_ceil(2))
    }

    /// As [`Self::halve`], where `kept` of so many go on to the next round.
    fn try_all(&mut self, values: Vec<Vec<f64>>, kept: impl Fn(usize) -> usize) -> bool {
        let fresh: Vec<Vec<f64>> = values
            .into_iter()
            .filter(|values| self.seen.insert(values.iter().map(|v| v.to_bits()).collect()))
            .collect();
        let parts = self.problem.parts.max(1);
        let first = self.trials.len();
        let is_start = first == 0;
        self.trials.extend(fresh.into_iter().map(|values| Trial {
            values,
            results: vec![None; parts],
            loss: f64::INFINITY,
        }));
        let mut going_on: Vec<usize> = (first..self.trials.len()).collect();
        if going_on.is_empty() {
            return false;
        }
        let mut used = if is_start { parts } else { 1 };
        loop {
            self.run_until(&going_on, used);
            if used == parts {
                break;
            }
            going_on.sort_by(|left, right| self.trials[*left].loss.total_cmp(&self.trials[*right].loss));
            going_on.truncate(kept(going_on.len()).max(1));
            used = (2 * used).min(parts);
        }
        self.brackets += 1;
        (self.problem.progress)(self.trials.len());
        true
    }

    /// Runs trials on the parts that they lack of the first so many, counted from where this bracket begins.
    fn run_until(&mut self, trials: &[usize], parts_used: usize) {
        let Problem { parts, run, loss, .. } = *self.problem;
        let part = |turn: usize| (self.brackets + turn) % parts.max(1);
        let missing: Vec<(usize, usize)> = trials
            .iter()
            .filter(|trial| self.trials[**trial].tried() == 0 || self.trials[**trial].loss.is_finite())
            .flat_map(|trial| (0..parts_used).map(move |turn| (*trial, turn)))
            .map(|(trial, turn)| (trial, part(turn)))
            .filter(|(trial, part)| self.trials[*trial].results[*part].is_none())
            .collect();
        let results: Vec<Option<R>> =
            missing.par_iter().map(|(trial, part)| run(&self.trials[*trial].values, *part)).collect();
        self.part_runs += missing.len();
        for ((trial, part), result) in missing.into_iter().zip(results) {
            self.trials[trial].results[part] = result;
        }
        for trial in trials {
            let trial = &mut self.trials[*trial];
            let known: Vec<R> = trial.results.iter().flatten().copied().collect();
            let value = if known.len() == parts_used { loss(&known) } else { f64::INFINITY };
            trial.loss = if value.is_nan() { f64::INFINITY } else { value };
        }
    }

    /// The trials from the best to the worst: those tried on more parts first, as the others were given up.
    fn ranked(&self) -> Vec<usize> {
        let mut ranked: Vec<usize> = (0..self.trials.len()).collect();
        ranked.sort_by(|left, right| {
            let (left, right) = (&self.trials[*left], &self.trials[*right]);
            right.tried().cmp(&left.tried()).then(left.loss.total_cmp(&right.loss))
        });
        ranked
    }
}

#[cfg(test)]
mod tests;
