//! Several models side by side: their forecasts are averaged, with weights from the errors that they made on the last
//! seven days, or the one that was best there is followed.
//!
//! Every member forecasts every interval before its load is known, and learns anew at fixed intervals of the past
//! (daily; dear models less often once the past is long), so that errors are those of real use. Weights are per horizon
//! and learnt anew once a day; before there are errors, all members count the same. Source: Bates and Granger, *The
//! Combination of Forecasts* (1969); Timmermann, *Forecast Combinations* (2006).

mod member;
mod weights;

use std::collections::VecDeque;

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use self::member::{Candidate, Member, Schedule, period};
use self::weights::ErrorProducts;
use crate::boosted_trees::BoostedTrees;
use crate::exponential_smoothing::ExponentialSmoothing;
use crate::history::View;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, SaveError, check_past, from_bytes, steps_per_days, to_bytes,
};
use crate::naive::SeasonalNaive;
use crate::ridge::Ridge;

/// Days of errors from which weights are learnt, and never fewer intervals than so many.
const WINDOW_DAYS: u32 = 7;
const WINDOW_STEPS_MIN: usize = 168;
/// The most errors kept per horizon: with finer steps only every n-th is kept.
const ERRORS_MAX: usize = 10_080;
/// What the fits of all members may cost together, in nanoseconds by their estimates.
const BUDGET: u64 = 60_000_000_000;

/// Several models as one.
pub struct Combination {
    name: &'static str,
    rule: Rule,
    candidates: Vec<Candidate>,
}

/// What is made of the members' forecasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Their weighted mean.
    Average,
    /// The forecast of the one with the least errors.
    Best,
}

struct FittedCombination {
    rule: Rule,
    names: Vec<&'static str>,
    /// The candidates that are no members, and why.
    left_out: Vec<Learnt>,
    members: Vec<Member>,
    state: State,
}

/// All but the members themselves.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// Which of the first candidates are members: one whose arithmetic overflowed on the past is none.
    present: Vec<bool>,
    step_seconds: u32,
    period: usize,
    window: usize,
    /// Every so many intervals errors are kept.
    stride: usize,
    /// Intervals known.
    known: usize,
    horizons: Vec<Horizon>,
}

/// One horizon.
#[derive(Debug, Serialize, Deserialize)]
struct Horizon {
    steps: usize,
    /// One weight per member.
    weights: Vec<f64>,
    /// The members' forecasts made from the end of the past.
    forecasts: Vec<f64>,
    /// Those for the next intervals, the nearest first.
    waiting: VecDeque<Vec<f64>>,
    /// The interval and the members' errors there, the oldest first.
    errors: VecDeque<(usize, Vec<f64>)>,
}

impl Combination {
    /// The weighted mean of the linear model in three forms and of boosted trees.
    pub fn average(seed: u64) -> Self {
        let candidates = vec![
            Candidate { name: "ridge", model: Box::new(Ridge::new()), cost: 10_000 },
            Candidate { name: "ridge with profiles", model: Box::new(Ridge::with_profile()), cost: 20_000 },
            Candidate { name: "ridge with hidden units", model: Box::new(Ridge::with_hidden(seed)), cost: 50_000 },
            Candidate { name: "boosted-trees", model: Box::new(BoostedTrees::new(seed)), cost: 100_000 },
        ];
        Self { name: "combination", rule: Rule::Average, candidates }
    }

    /// The best of several models, the simplest first, the weighted mean last. Those whose fits would take longer than
    /// the budget together are not tried.
    pub fn best(seed: u64) -> Self {
        let candidates = vec![
            Candidate { name: "seasonal-naive", model: Box::new(SeasonalNaive), cost: 100 },
            Candidate { name: "exponential-smoothing", model: Box::new(ExponentialSmoothing), cost: 1_000 },
            Candidate { name: "ridge", model: Box::new(Ridge::new()), cost: 10_000 },
            Candidate { name: "boosted-trees", model: Box::new(BoostedTrees::new(seed)), cost: 100_000 },
            Candidate { name: "combination", model: Box::new(Self::average(seed)), cost: 180_000 },
        ];
        Self { name: "auto", rule: Rule::Best, candidates }
    }

    /// How many of the candidates can be tried on a past of this length: as many as fit into the budget, and one.
    fn affordable(&self, length: usize) -> usize {
        let costs = self.candidates.iter().scan(0_u64, |sum, candidate| {
            *sum += candidate.cost;
            Some(sum.saturating_mul(length as u64))
        });
        costs.take_while(|cost| *cost <= BUDGET).count().max(1)
    }

    fn schedules(&self, step: Step, furthest: usize) -> Vec<Schedule> {
        self.candidates.iter().map(|candidate| Schedule::of(candidate.model.as_ref(), step, furthest)).collect()
    }
}

impl MeanModel for Combination {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shortest_past(&self, step: Step, furthest: usize) -> usize {
        self.schedules(step, furthest).into_iter().map(Schedule::first).max().unwrap_or(1)
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        let furthest = check_past(self, past, horizons)?;
        let needed = self.shortest_past(past.step(), furthest);
        let window = steps_per_days(past.step(), WINDOW_DAYS).max(WINDOW_STEPS_MIN);
        let period = period(past.step());
        // From here on errors must be known, so that the last weights come from a whole window.
        let begin = past.len().saturating_sub(window + period + furthest).max(needed);
        let joined: Vec<Result<Member, FitError>> = self
            .candidates
            .iter()
            .zip(self.schedules(past.step(), furthest))
            .take(self.affordable(past.len()))
            .map(|(candidate, schedule)| candidate.join(schedule, past, horizons, begin, begin))
            .collect();
        let present: Vec<bool> = joined.iter().map(Result::is_ok).collect();
        if !present.contains(&true) {
            return Err(joined.into_iter().find_map(Result::err).unwrap_or(FitError::TooShort {
                model: self.name,
                needed,
                got: past.len(),
            }));
        }
        let members: Vec<Member> = joined.into_iter().flatten().collect();
        let horizon = |steps: &usize| Horizon::new(*steps, members.len());
        let state = State {
            horizons: horizons.iter().map(horizon).collect(),
            stride: window.div_ceil(ERRORS_MAX),
            known: begin,
            present,
            step_seconds: past.step().seconds(),
            period,
            window,
        };
        let mut fitted = self.fitted(members, state);
        fitted.forecast();
        fitted.extend(past.slice(begin..past.len()));
        Ok(Box::new(fitted))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let (state, members): (State, Vec<Vec<u8>>) = from_bytes(saved)?;
        let wrong = || SaveError::NotRestored("its members do not fit each other".to_owned());
        let step = Step::from_seconds(state.step_seconds).ok_or_else(wrong)?;
        let furthest = state.horizons.last().ok_or_else(wrong)?.steps;
        let count = state.present.iter().filter(|present| **present).count();
        let fit = |horizon: &Horizon| {
            let errors = horizon.errors.iter().map(|(_, row)| row);
            let mut rows = [&horizon.weights, &horizon.forecasts].into_iter().chain(&horizon.waiting).chain(errors);
            rows.all(|row| row.len() == count)
        };
        if state.present.len() > self.candidates.len() || members.len() != count || !state.horizons.iter().all(fit) {
            return Err(wrong());
        }
        let schedules = self.schedules(step, furthest);
        let present = self.candidates.iter().zip(schedules).zip(&state.present).filter(|(_, present)| **present);
        let members = present.zip(&members).map(|(((candidate, schedule), _), saved)| {
            Ok(Member { schedule, fitted: candidate.model.restore(saved)? })
        });
        let members = members.collect::<Result<_, SaveError>>()?;
        Ok(Box::new(self.fitted(members, state)))
    }
}

impl Combination {
    fn fitted(&self, members: Vec<Member>, state: State) -> FittedCombination {
        let tried = |present: bool| {
            let alike = self.candidates.iter().zip(&state.present).filter(move |(_, other)| **other == present);
            alike.map(|(candidate, _)| candidate.name).collect::<Vec<_>>()
        };
        let too_dear = self.candidates.iter().skip(state.present.len()).map(|candidate| candidate.name).collect();
        let left_out = [("not tried, to save time", too_dear), ("could not be fitted", tried(false))];
        let left_out = left_out.into_iter().filter(|(_, names)| !names.is_empty());
        let left_out = left_out.map(|(name, names)| Learnt { name, value: names.join(", ") }).collect();
        FittedCombination { rule: self.rule, names: tried(true), left_out, members, state }
    }
}

impl FittedMean for FittedCombination {
    fn extend(&mut self, new: View<'_>) {
        for place in 0..new.len() {
            let next = new.slice(place..place + 1);
            if let [load] = next.values() {
                self.state.observe(*load, next.is_missing(0));
            }
            for member in &mut self.members {
                member.extend(next, self.state.known);
            }
            self.state.known += 1;
            if self.state.known.is_multiple_of(self.state.period) {
                self.state.weigh(self.rule);
            }
            self.forecast();
        }
    }

    /// Does nothing: members and weights learn anew at fixed intervals by themselves.
    fn refit(&mut self) -> Result<(), FitError> {
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        for (mean, horizon) in means.iter_mut().zip(&self.state.horizons) {
            let weighted: f64 =
                horizon.weights.iter().zip(&horizon.forecasts).map(|(weight, each)| weight * each).sum();
            *mean = weighted.clamp(0.0, f64::MAX);
        }
    }

    fn learnt(&self) -> Vec<Learnt> {
        let line = |name, horizon: &Horizon, values: &[f64]| {
            let each = self.names.iter().zip(values).map(|(name, value)| format!("{name} {value:.2}"));
            let value = format!("{} ahead: {}", horizon.steps, each.collect::<Vec<_>>().join(", "));
            Learnt { name, value }
        };
        let weights = self.state.horizons.iter().map(|horizon| line("weights", horizon, &horizon.weights));
        let errors = self.state.horizons.iter().map(|horizon| line("RMSE of the last days", horizon, &horizon.rmse()));
        weights.chain(errors).chain(self.left_out.iter().cloned()).collect()
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        let members = self.members.iter().map(|member| member.fitted.save()).collect::<Result<Vec<_>, _>>()?;
        to_bytes(&(&self.state, members))
    }
}

impl FittedCombination {
    /// Asks every member for its forecasts from the end of the past.
    fn forecast(&mut self) {
        let mut means = vec![0.0; self.state.horizons.len()];
        for (place, member) in self.members.iter().enumerate() {
            member.fitted.means(&mut means);
            for (horizon, mean) in self.state.horizons.iter_mut().zip(&means) {
                horizon.forecasts[place] = *mean;
            }
        }
    }
}

impl State {
    /// Keeps the errors of the forecasts that were made for the next load, unless it was missing.
    fn observe(&mut self, load: f64, is_missing: bool) {
        let keep = !is_missing && self.known.is_multiple_of(self.stride);
        for horizon in &mut self.horizons {
            horizon.observe(self.known, load, keep, self.window);
        }
    }

    fn weigh(&mut self, rule: Rule) {
        let products: Vec<Option<ErrorProducts>> = self.horizons.iter().map(Horizon::error_products).collect();
        let best = best(&products, self.horizons.first().map_or(0, |horizon| horizon.weights.len()));
        for (horizon, products) in self.horizons.iter_mut().zip(&products) {
            match (rule, products, best) {
                (Rule::Average, Some(products), _) => horizon.weights = products.weights(),
                (Rule::Best, _, Some(best)) => {
                    for (place, weight) in horizon.weights.iter_mut().enumerate() {
                        *weight = if place == best { 1.0 } else { 0.0 };
                    }
                }
                _ => {}
            }
        }
    }
}

/// The member whose squared errors are least, in the geometric mean over the horizons.
fn best(products: &[Option<ErrorProducts>], members: usize) -> Option<usize> {
    let known: Vec<&ErrorProducts> = products.iter().flatten().collect();
    let score = |member: usize| known.iter().map(|products| products.squared(member).ln()).sum::<f64>();
    if known.is_empty() { None } else { (0..members).min_by(|one, other| score(*one).total_cmp(&score(*other))) }
}

impl Horizon {
    fn new(steps: usize, members: usize) -> Self {
        Self {
            steps,
            weights: vec![1.0 / members as f64; members],
            forecasts: vec![0.0; members],
            waiting: VecDeque::new(),
            errors: VecDeque::new(),
        }
    }

    fn observe(&mut self, interval: usize, load: f64, keep: bool, window: usize) {
        self.waiting.push_back(self.forecasts.clone());
        if self.waiting.len() < self.steps {
            return;
        }
        while self.errors.front().is_some_and(|(oldest, _)| oldest + window <= interval) {
            self.errors.pop_front();
        }
        if let Some(mut row) = self.waiting.pop_front().filter(|_| keep) {
            for forecast in &mut row {
                *forecast -= load;
            }
            self.errors.push_back((interval, row));
        }
    }

    /// The root mean squared error of each member in the window.
    fn rmse(&self) -> Vec<f64> {
        let count = self.errors.len().max(1) as f64;
        let squared = |place: usize| self.errors.iter().map(|(_, row)| row[place] * row[place]).sum::<f64>();
        (0..self.weights.len()).map(|place| (squared(place) / count).sqrt()).collect()
    }

    fn error_products(&self) -> Option<ErrorProducts> {
        ErrorProducts::new(self.weights.len(), self.errors.iter().map(|(_, row)| row))
    }
}

#[cfg(test)]
mod tests {
    use dataflow_series::{Fill, Observed, Unit};
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    /// Twenty days of hours with a daily wave and a little noise.
    fn fit(combination: &Combination) -> Box<dyn FittedMean> {
        let wave = |hour: u32| 200.0 + 90.0 * (f64::from(hour) * std::f64::consts::TAU / 24.0).sin();
        let loads = (0..480).map(|hour| Some(wave(hour) + f64::from(hour * 7919 % 13)));
        let series = Observed::new(Timestamp::UNIX_EPOCH, Step::HOUR, Unit::Requests, loads).unwrap();
        combination.fit(View::of(&series.fill(Fill::Zero).unwrap(), &TimeZone::UTC), &[1, 6]).unwrap()
    }

    /// What is told of one horizon, as pairs of member and value.
    fn told(fitted: &dyn FittedMean, name: &str, horizon: usize) -> Vec<(String, f64)> {
        let prefix = format!("{horizon} ahead: ");
        let learnt = fitted.learnt();
        let line = learnt.iter().find(|learnt| learnt.name == name && learnt.value.starts_with(&prefix)).unwrap();
        let pairs = line.value[prefix.len()..].split(", ").map(|pair| pair.rsplit_once(' ').unwrap());
        pairs.map(|(member, value)| (member.to_owned(), value.parse().unwrap())).collect()
    }

    #[test]
    fn auto_follows_one_member_at_every_horizon_and_none_that_is_worse_at_both() {
        let fitted = fit(&Combination::best(1));
        let [near, far] = [1, 6].map(|horizon| told(fitted.as_ref(), "weights", horizon));
        assert_eq!(near, far);
        let chosen = near.iter().position(|(_, weight)| *weight == 1.0).unwrap();
        assert_eq!(near.iter().filter(|(_, weight)| *weight == 0.0).count(), near.len() - 1);
        let [near, far] = [1, 6].map(|horizon| told(fitted.as_ref(), "RMSE of the last days", horizon));
        let product = |member: usize| near[member].1 * far[member].1;
        assert!((0..near.len()).all(|member| product(chosen) <= 1.01 * product(member)), "{near:?} {far:?}");
    }

    #[test]
    fn what_a_long_past_leaves_no_time_for_is_told() {
        let auto = Combination::best(1);
        assert_eq!([1_000, 300_000, usize::MAX].map(|length| auto.affordable(length)), [5, 4, 1]);
        let Ok(saved) = fit(&auto).save() else { panic!("UTC has a name") };
        let (mut state, mut members): (State, Vec<Vec<u8>>) = from_bytes(&saved).unwrap();
        assert!(auto.restore(&saved).unwrap().learnt().iter().all(|learnt| !learnt.name.starts_with("not tried")));
        // As if the past had been too long for the last one.
        state.present.truncate(4);
        members.truncate(4);
        for horizon in &mut state.horizons {
            let rows = horizon.waiting.iter_mut().chain(horizon.errors.iter_mut().map(|(_, row)| row));
            rows.chain([&mut horizon.weights, &mut horizon.forecasts]).for_each(|row| row.truncate(4));
        }
        let learnt = auto.restore(&to_bytes(&(state, members)).unwrap()).unwrap().learnt();
        let left_out = Learnt { name: "not tried, to save time", value: "combination".to_owned() };
        assert!(learnt.contains(&left_out), "{learnt:?}");
    }
}
