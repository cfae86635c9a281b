//! The numbers of a form that explain the loads best, and the form that does so with the fewest numbers.
//!
//! The search is Levenberg–Marquardt in a box: a number that stands at a bound and would leave it is held. Weights and
//! states are searched for together. Source: Marquardt, *An algorithm for least-squares estimation of nonlinear
//! parameters* (1963); Hyndman et al. (2008), sections 5.1 and 7.1 (likelihood and choice by the corrected AIC).
//! How forms are judged further ahead than one step is in [`ahead`](super::ahead).

use serde::{Deserialize, Serialize};

use super::ahead;
use super::form::{Form, Season, Trend};
use super::layout::Layout;
use super::likelihood::{Likelihood, Slope, Sums};
use super::sample::Sample;
use super::start;
use super::state::{Slots, State, Weights};
use crate::cholesky::solve_in_place;

/// A profile of more slots is held as it was started; its weight is still searched for.
const FREE_SLOTS_MAX: usize = 48;
/// The search ends when a step gains a smaller share than this; the log-likelihood then moves by n/2 times as much.
const GAIN_LEAST: f64 = 1e-8;
/// The search ends after so many steps,
const STEPS_MAX: usize = 60;
/// or when the damping has grown to this.
const DAMPING_MAX: f64 = 1e8;
/// Errors below this share of the loads are none: a constant or perfectly periodic past.
pub(super) const RESIDUAL_LEAST: f64 = 1e-10;
/// Shares tried before the search: α,
const LEVEL_TRIES: [f64; 4] = [0.03, 0.2, 0.5, 0.9];
/// β/α,
const SLOPE_TRIES: [f64; 2] = [0.02, 0.3];
/// and γ/(1 − α).
const SEASON_TRIES: [f64; 2] = [0.02, 0.25];
/// The damping from which the search starts.
const DAMPING_TRY: f64 = 0.95;

/// A form whose numbers have been found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Fit {
    pub(crate) form: Form,
    pub(crate) weights: Weights,
    /// The state before the first load.
    pub(crate) start: State,
    /// The season that the profile follows; that of [`Slots::NONE`] without one.
    pub(crate) slots: Slots,
    /// Of the one-step errors, relative ones where the form's are.
    pub(crate) variance: f64,
    /// −n/2 · ln(Σr²) − Σ ln|f|, without the constants, as `forecast` for R and statsforecast give it.
    pub(crate) log_likelihood: f64,
    /// Akaike's criterion, corrected for short samples.
    pub(crate) corrected_aic: f64,
}

/// The best of these forms for forecasts at some horizons by the corrected AIC; `None` if there are too few loads for
/// any of them.
pub(crate) fn choose(sample: &Sample<'_>, forms: impl Iterator<Item = Form>, horizons: &[usize]) -> Option<Fit> {
    let positive = sample.is_positive();
    let seasonal = sample.slots.count > 1;
    let allowed =
        forms.filter(|form| (positive || !form.needs_positive()) && (seasonal || form.season == Season::None));
    let judged = ahead::judged(horizons, sample.values.len());
    let fits = allowed.filter_map(|form| {
        let fit = fit(sample, form)?;
        let next = judged.is_empty();
        Some((if next { fit.corrected_aic } else { fit.corrected_aic_ahead(sample, &judged) }, fit))
    });
    fits.min_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, fit)| fit)
}

/// One form with its best numbers; `None` if there are too few loads for it or it cannot describe them.
pub(crate) fn fit(sample: &Sample<'_>, form: Form) -> Option<Fit> {
    let slots = if form.season == Season::None { Slots::NONE } else { sample.slots.clone() };
    let count = sample.observed as f64;
    let parameters = form.parameters(slots.count) as f64;
    if count < parameters + 2.0 {
        return None;
    }
    let start = start::state(sample, form);
    let layout = Layout::new(form, start, slots.count > FREE_SLOTS_MAX);
    let likelihood = Likelihood { form, sample, layout };
    let (numbers, sums) = search(&likelihood)?;
    let floor = count * RESIDUAL_LEAST * RESIDUAL_LEAST;
    let deviance = count * sums.squares.max(floor).ln() + 2.0 * sums.logarithms;
    Some(Fit {
        form,
        weights: likelihood.layout.weights(&numbers),
        start: likelihood.layout.state(&numbers),
        slots,
        variance: sums.squares / (count - parameters),
        log_likelihood: -0.5 * deviance,
        corrected_aic: deviance + penalty(count, parameters),
    })
}

/// What Akaike's criterion, corrected for short samples, adds to the deviance.
pub(super) fn penalty(count: f64, parameters: f64) -> f64 {
    2.0 * parameters + 2.0 * parameters * (parameters + 1.0) / (count - parameters - 1.0)
}

/// The best end of the searches, one per candidate for the share of the slope: a steady and a lively slope are often
/// two separate optima.
fn search(likelihood: &Likelihood<'_>) -> Option<(Vec<f64>, Sums)> {
    let slopes = if likelihood.form.trend == Trend::None { &SLOPE_TRIES[..1] } else { &SLOPE_TRIES };
    let ends = slopes.iter().filter_map(|slope| Some(search_from(likelihood, best_try(likelihood, *slope)?)));
    ends.min_by(|(_, one), (_, other)| one.total().total_cmp(&other.total()))
}

fn search_from(likelihood: &Likelihood<'_>, (mut numbers, mut sums): (Vec<f64>, Sums)) -> (Vec<f64>, Sums) {
    let enough = likelihood.sample.observed as f64 * RESIDUAL_LEAST * RESIDUAL_LEAST;
    let mut damping = 1e-3;
    for _ in 0..STEPS_MAX {
        let slope = likelihood.slope(&numbers, sums);
        let before = sums.total();
        let mut gain = 0.0;
        while damping < DAMPING_MAX {
            let step = step(&likelihood.layout, &slope, &numbers, damping);
            let next = step.and_then(|next| likelihood.sums(&next).map(|sums| (next, sums)));
            if let Some((next, next_sums)) = next.filter(|(_, sums)| sums.total() < before) {
                gain = 1.0 - next_sums.total() / before;
                (numbers, sums) = (next, next_sums);
                damping = (damping / 10.0).max(1e-9);
                break;
            }
            damping *= 8.0;
        }
        if gain < GAIN_LEAST || sums.squares <= enough {
            break;
        }
    }
    (numbers, sums)
}

/// The candidate shares of level and season that explain the loads best from the first guess of the state.
fn best_try(likelihood: &Likelihood<'_>, slope: f64) -> Option<(Vec<f64>, Sums)> {
    let seasons = if likelihood.form.season == Season::None { &SEASON_TRIES[..1] } else { &SEASON_TRIES };
    let mut best: Option<(Vec<f64>, Sums)> = None;
    for level in LEVEL_TRIES {
        for season in seasons {
            let numbers = likelihood.layout.pack([level, slope, *season, DAMPING_TRY]);
            let Some(sums) = likelihood.sums(&numbers) else { continue };
            if best.as_ref().is_none_or(|(_, least)| sums.total() < least.total()) {
                best = Some((numbers, sums));
            }
        }
    }
    best
}

/// The damped Gauss–Newton step from some numbers, kept within bounds.
fn step(layout: &Layout, slope: &Slope, numbers: &[f64], damping: f64) -> Option<Vec<f64>> {
    let leaves = |place: usize| {
        let (least, most) = layout.bounds(place);
        let downhill = -slope.gradient[place];
        (numbers[place] <= least && downhill < 0.0) || (numbers[place] >= most && downhill > 0.0)
    };
    let free: Vec<usize> = (0..layout.len).filter(|place| !leaves(*place)).collect();
    let size = free.len();
    let mut matrix = vec![0.0; size * size];
    let mut right = vec![0.0; size];
    for (row, &place) in free.iter().enumerate() {
        for (column, &other) in free[..=row].iter().enumerate() {
            matrix[row * size + column] = slope.products[place * layout.len + other];
        }
        let diagonal = &mut matrix[row * size + row];
        // A number that changes nothing gets no step instead of none being found.
        *diagonal += damping * *diagonal + f64::MIN_POSITIVE;
        right[row] = -slope.gradient[place];
    }
    solve_in_place(&mut matrix, &mut right)?;
    let mut next = numbers.to_vec();
    for (&place, change) in free.iter().zip(&right) {
        let (least, most) = layout.bounds(place);
        next[place] = (next[place] + change).clamp(least, most);
    }
    next.iter().all(|number| number.is_finite()).then_some(next)
}
