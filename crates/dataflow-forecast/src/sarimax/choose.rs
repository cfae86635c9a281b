//! From a stretch of traffic to a model of it: scale, waves, orders and coefficients.
//!
//! Two families compete where the season is short: a seasonal ARIMA model with waves of the week, and a regression on
//! waves of the day and the week with ARIMA errors; where it is long (more than 48 steps) only the latter. Their one-step
//! errors on the same loads decide, by the corrected criterion of Akaike. Regression and ARMA coefficients are raised to
//! the maximum of the likelihood in turn, so that the search for the latter never carries the regressors along.

use dataflow_series::Step;

use super::estimate::{Arima, Problem, filled};
use super::optimise::{FINE, Precision, ROUGH};
use super::orders::{Coefficients, Orders};
use super::regressors::{Known, Regressors, wave_groups};
use super::search::{corrected_criterion, stepwise};
use super::transform::{Scale, Transform};

/// The longest season for which the model has a state per step.
const SEASON_MAX: usize = 48;
/// So few missing loads may be bridged while coefficients are learnt: they move none.
const MISSING_BRIDGED: f64 = 0.01;
/// The fewest loads for which orders are searched.
const LOADS_MIN: usize = 30;

/// A stretch of traffic.
pub(super) struct Stretch<'a> {
    /// Loads, NaN where they are missing or not to be believed.
    pub(super) loads: &'a [f64],
    /// The clock and the exogenous columns.
    pub(super) known: Known<'a>,
    pub(super) step: Step,
    /// The season in steps.
    pub(super) season: Option<usize>,
    /// Steps after which an exogenous value is surely known when it is needed.
    pub(super) lag: usize,
}

/// What was chosen.
pub(super) struct Choice {
    pub(super) transform: Transform,
    pub(super) regressors: Regressors,
    pub(super) model: Arima,
    /// How many orders were tried; 0 for the fallback.
    pub(super) tried: usize,
}

/// A model of one family and its criterion.
struct Candidate {
    regressors: Regressors,
    model: Arima,
    tried: usize,
}

/// The best model of a stretch; for one that is too short, does not vary or has too few loads, a walk from the last load.
pub(super) fn choose(stretch: &Stretch<'_>) -> Choice {
    best(stretch).unwrap_or_else(|| fallback(stretch))
}

fn best(stretch: &Stretch<'_>) -> Option<Choice> {
    if stretch.loads.iter().filter(|load| !load.is_nan()).count() < LOADS_MIN {
        return None;
    }
    let length = stretch.loads.len();
    let groups = wave_groups(stretch.step, length, true);
    let all = Regressors { waves: groups.concat(), ..Regressors::default() };
    let columns = all.all(stretch.known, length);
    let transform = choose_scale(stretch, &columns)?;
    let values: Vec<f64> = stretch.loads.iter().map(|load| transform.to(*load)).collect();
    let mut candidates = Vec::new();
    candidates.extend(candidate(stretch, &values, &groups, None));
    if let Some(season) = stretch.season.filter(|season| *season <= SEASON_MAX && length >= 3 * season) {
        let weekly = wave_groups(stretch.step, length, false);
        // Where the season itself is a week, its waves would say the same.
        let weekly = if season * stretch.step.seconds() as usize > 86_400 { Vec::new() } else { weekly };
        candidates.extend(candidate(stretch, &values, &weekly, Some(season)));
    }
    let judged = candidates.iter().map(|candidate| candidate.model.orders.lost()).max()?;
    let criterion = |candidate: &Candidate| {
        let columns = candidate.regressors.all(stretch.known, length);
        let log_likelihood = candidate.model.log_likelihood_from(&values, &columns, judged)?;
        let count = values[judged..].iter().filter(|value| !value.is_nan()).count();
        let parameters = candidate.model.orders.coefficients() + candidate.regressors.columns() + 1;
        Some(corrected_criterion(log_likelihood, parameters, count as f64))
    };
    let judged = candidates.into_iter().filter_map(|candidate| Some((criterion(&candidate)?, candidate)));
    let finite = judged.filter(|(criterion, _)| criterion.is_finite());
    let (_, Candidate { regressors, mut model, tried }) = finite.min_by(|a, b| a.0.total_cmp(&b.0))?;
    if present(stretch.loads) < (1.0 - MISSING_BRIDGED) * length as f64 {
        // Until here gaps were bridged, because the fast recursion knows none. The last word has the Kalman filter.
        let columns = regressors.all(stretch.known, length);
        model = raise(&values, &columns, model.orders, &model.coefficients, 1, ROUGH).unwrap_or(model);
    }
    Some(Choice { transform, regressors, model, tried })
}

/// A walk: tomorrow is as today.
fn fallback(stretch: &Stretch<'_>) -> Choice {
    let transform = Transform::of(Scale::Root, stretch.loads).unwrap_or(Transform::unscaled());
    let values: Vec<f64> = stretch.loads.iter().filter(|load| !load.is_nan()).map(|load| transform.to(*load)).collect();
    let moves = values.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum::<f64>() / values.len().max(1) as f64;
    let orders = Orders::plain(0, 1, 0);
    let variance = if moves.is_finite() { moves.max(1e-12) } else { 1.0 };
    let model = Arima { orders, coefficients: Coefficients::default(), regression: vec![0.0], variance };
    Choice { transform, regressors: Regressors::default(), model, tried: 0 }
}

/// The scale under which the loads are likeliest, for a regression on all waves with ARMA(2, 1) errors.
fn choose_scale(stretch: &Stretch<'_>, columns: &[Vec<f64>]) -> Option<Transform> {
    let likelihood = |scale: Scale| {
        let transform = Transform::of(scale, stretch.loads)?;
        let values: Vec<f64> = stretch.loads.iter().map(|load| transform.to(*load)).collect();
        let rest = rest(&filled(&values), columns)?;
        let problem = Problem::new(&rest, &[], Orders::plain(2, 0, 1))?;
        let (_, profile) = problem.maximise(&problem.start_point(), ROUGH)?;
        let total =
            profile.log_likelihood + transform.log_slopes(stretch.loads) * rest.len() as f64 / present(stretch.loads);
        total.is_finite().then_some((total, transform))
    };
    Scale::ALL.into_iter().filter_map(likelihood).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, transform)| transform)
}

fn present(loads: &[f64]) -> f64 {
    loads.iter().filter(|load| !load.is_nan()).count() as f64
}

/// The best model of one family: with a season among its orders, or without.
fn candidate(stretch: &Stretch<'_>, values: &[f64], groups: &[Vec<u16>], season: Option<usize>) -> Option<Candidate> {
    let complete = filled(values);
    let mut regressors = Regressors { waves: groups.concat(), lag: stretch.lag, ..Regressors::default() };
    let mut columns = regressors.all(stretch.known, values.len());
    // The season is to be found in the orders, so nothing that moves with it may be taken away before.
    let first = if season.is_some() { &columns[..1] } else { &columns[..] };
    let (mut found, tried) = stepwise(&rest(&complete, first)?, season)?;
    // Slow waves gain little one step ahead, which is all that the criterion sees, and much further ahead.
    let always = if season.is_some() { None } else { groups.first().map(Vec::len) };
    let whole = groups.iter().scan(0, |end, group| {
        *end += group.len();
        Some(*end)
    });
    let ends: Vec<usize> = std::iter::once(0).chain(whole).filter(|end| Some(*end) >= always).collect();
    let waves = choose_waves(&complete, &columns, &found.orders, &found.coefficients, &ends)?;
    regressors.waves.truncate(waves);
    columns.truncate(1 + 2 * waves);
    for exogenous in 0..stretch.known.exogenous.len() {
        let wider = Regressors { exogenous: [&regressors.exogenous[..], &[exogenous]].concat(), ..regressors.clone() };
        let more = wider.all(stretch.known, values.len());
        let worth = |columns: &[Vec<f64>]| {
            let problem = Problem::new(&complete, columns, found.orders)?;
            let profile = problem.profile(&found.coefficients.point(), &mut Vec::new())?;
            let parameters = found.orders.coefficients() + columns.len() + 1;
            Some(corrected_criterion(profile.log_likelihood, parameters, problem.counted()))
        };
        if worth(&more)? < worth(&columns)? {
            (regressors, columns) = (wider, more);
        }
    }
    // Fewer regressors leave more to the errors: their orders are looked for once more.
    if season.is_none() && columns.len() > 1 && columns.len() < 1 + 2 * ends.last()? {
        found = stepwise(&rest(&complete, &columns)?, season)?.0;
    }
    let model = raise(&complete, &columns, found.orders, &found.coefficients, 2, FINE)?;
    Some(Candidate { regressors, model, tried })
}

/// How many of the first waves are worth their coefficients, for given orders and coefficients of the errors.
fn choose_waves(
    complete: &[f64],
    columns: &[Vec<f64>],
    orders: &Orders,
    coefficients: &Coefficients,
    ends: &[usize],
) -> Option<usize> {
    let problem = Problem::new(complete, columns, *orders)?;
    let profile = problem.profile(&coefficients.point(), &mut Vec::new())?;
    let criterion = |waves: &usize| {
        let used = 1 + 2 * waves;
        let parameters = orders.coefficients() + used + 1;
        corrected_criterion(profile.log_likelihoods[used], parameters, problem.counted())
    };
    ends.iter().copied().min_by(|a, b| criterion(a).total_cmp(&criterion(b)))
}

/// Regression and ARMA coefficients of the greatest likelihood, in so many rounds of one and the other.
fn raise(
    values: &[f64],
    columns: &[Vec<f64>],
    orders: Orders,
    coefficients: &Coefficients,
    rounds: usize,
    precision: Precision,
) -> Option<Arima> {
    let whole = Problem::new(values, columns, orders)?.quick();
    let mut point = coefficients.point();
    let mut profile = whole.profile(&point, &mut Vec::new())?;
    for _ in 0..rounds {
        let rest = minus(values, columns, &profile.regression);
        (point, _) = Problem::new(&rest, &[], orders)?.quick().maximise(&point, precision)?;
        profile = whole.profile(&point, &mut Vec::new())?;
    }
    let coefficients = orders.coefficients_at(&point);
    Some(Arima { orders, coefficients, regression: profile.regression, variance: profile.variance })
}

/// What ordinary least squares on the columns leaves of complete values.
fn rest(complete: &[f64], columns: &[Vec<f64>]) -> Option<Vec<f64>> {
    let problem = Problem::new(complete, columns, Orders::plain(0, 0, 0))?;
    let profile = problem.profile(&[], &mut Vec::new())?;
    Some(minus(complete, columns, &profile.regression))
}

fn minus(values: &[f64], columns: &[Vec<f64>], regression: &[f64]) -> Vec<f64> {
    let mut rest = values.to_vec();
    for (column, weight) in columns.iter().zip(regression) {
        rest.iter_mut().zip(column).for_each(|(value, regressor)| *value -= weight * regressor);
    }
    rest
}
