//! Exponential smoothing against statsforecast on series made by formula (`golden/statsforecast/make_golden.py`).
//!
//! Theirs searches by Nelder and Mead and often stops short of the optimum, so ours must explain the loads as well or
//! better: the log-likelihood may be lower by at most 0.1%. Where both reach the same optimum, forecasts agree.

use serde::Deserialize;

use super::fit::{choose, fit};
use super::form::Form;
use super::sample::Sample;
use super::smoother::Smoother;
use super::state::Slots;
use crate::golden::{Golden, loads_of};

/// What the log-likelihood may be lower by, as a share.
const SHORTFALL: f64 = 1e-3;
/// Log-likelihoods so close to each other tell of the same optimum.
const SAME: f64 = 0.002;
/// There, forecasts 48 ahead agree to this share of the standard deviation of the loads.
const AGREEMENT: f64 = 0.02;

#[derive(Deserialize)]
struct Case {
    name: String,
    automatic: Theirs,
    forms: Vec<Theirs>,
}

#[derive(Deserialize)]
struct Theirs {
    form: String,
    log_likelihood: f64,
    corrected_aic: f64,
    forecast: Vec<f64>,
}

fn cases() -> Golden<Case> {
    Golden::read("ets.json")
}

fn scaled(loads: &[f64]) -> (f64, Vec<f64>) {
    let scale = loads.iter().sum::<f64>() / loads.len() as f64;
    (scale, loads.iter().map(|load| load / scale).collect())
}

#[test]
fn every_form_explains_the_loads_as_well_as_statsforecast_does() {
    let golden = cases();
    let mut compared = 0;
    for case in &golden.cases {
        let (scale, loads) = scaled(&loads_of(&case.name));
        let sample = Sample::new(&loads, &[], Slots::new(golden.season, 96));
        for theirs in &case.forms {
            let form: Form = theirs.form.parse().unwrap();
            let ours = fit(&sample, form).unwrap();
            let log_likelihood = ours.log_likelihood - loads.len() as f64 * scale.ln();
            let least = theirs.log_likelihood - SHORTFALL * theirs.log_likelihood.abs();
            assert!(log_likelihood >= least, "{} {form}: {log_likelihood} < {}", case.name, theirs.log_likelihood);
            compared += 1;
        }
    }
    assert!(compared >= 90, "only {compared} forms were compared");
}

#[test]
fn the_chosen_form_has_an_aic_as_low_as_theirs() {
    let golden = cases();
    for case in &golden.cases {
        let (scale, loads) = scaled(&loads_of(&case.name));
        let sample = Sample::new(&loads, &[], Slots::new(golden.season, 96));
        let ours = choose(&sample, Form::all(), &[1]).unwrap();
        let aic = ours.corrected_aic + 2.0 * loads.len() as f64 * scale.ln();
        assert!(aic <= case.automatic.corrected_aic + 1e-3 * aic.abs(), "{}: {aic} {}", case.name, ours.form);
    }
}

#[test]
fn a_form_chosen_for_two_days_misses_the_loads_no_more_than_that_of_the_next_hour() {
    let golden = cases();
    let horizons: Vec<usize> = (1..=48).collect();
    let mut changed = 0;
    for case in &golden.cases {
        let (_, loads) = scaled(&loads_of(&case.name));
        let sample = Sample::new(&loads, &[], Slots::new(golden.season, 96));
        let [next, ahead] = [&[1][..], &horizons].map(|horizons| choose(&sample, Form::all(), horizons).unwrap());
        let [of_next, of_ahead] = [&next, &ahead].map(|fit| fit.corrected_aic_ahead(&sample, &horizons));
        assert!(of_ahead <= of_next, "{}: {} {}", case.name, next.form, ahead.form);
        changed += usize::from(of_ahead < of_next);
    }
    assert!(changed >= 1, "no choice depends on the horizons");
}

#[test]
fn forecasts_agree_where_both_find_the_same_optimum() {
    let golden = cases();
    let mut compared = 0;
    for case in &golden.cases {
        let loads = loads_of(&case.name);
        let mean = loads.iter().sum::<f64>() / loads.len() as f64;
        let deviation = (loads.iter().map(|load| (load - mean).powi(2)).sum::<f64>() / loads.len() as f64).sqrt();
        for theirs in &case.forms {
            let form: Form = theirs.form.parse().unwrap();
            let slots = Slots::new(golden.season, 96);
            let ours = Smoother::learn(&loads, &[], slots, std::iter::once(form), &[1]).unwrap();
            let gap = (ours.log_likelihood(loads.len()) - theirs.log_likelihood).abs();
            if gap > SAME {
                continue;
            }
            compared += 1;
            for (index, theirs) in theirs.forecast.iter().enumerate() {
                let mean = ours.mean(index + 1);
                let miss = (mean - theirs).abs() / deviation;
                assert!(miss < AGREEMENT, "{} {form}, {} ahead: {mean}, theirs {theirs}", case.name, index + 1);
            }
        }
    }
    assert!(compared >= 8, "only {compared} forms came to the same optimum");
}

#[test]
fn missing_loads_are_skipped_and_the_rest_still_tells_the_weights() {
    let loads = loads_of("additive");
    let missing: Vec<bool> = (0..loads.len()).map(|hour| hour % 7 == 3).collect();
    // What stands in the gaps must not matter.
    let filled = |with: f64| -> Vec<f64> {
        loads.iter().zip(&missing).map(|(load, missing)| if *missing { with } else { *load }).collect()
    };
    let form = || std::iter::once("ETS(A,N,A)".parse::<Form>().unwrap());
    let learn = |loads: &[f64]| Smoother::learn(loads, &missing, Slots::new(24, 96), form(), &[1]).unwrap();
    let (zeros, large) = (learn(&filled(0.0)), learn(&filled(1e6)));
    let whole = Smoother::learn(&loads, &[], Slots::new(24, 96), form(), &[1]).unwrap();
    for horizon in 1..=48 {
        assert_eq!(zeros.mean(horizon), large.mean(horizon));
        assert!((zeros.mean(horizon) - whole.mean(horizon)).abs() < 10.0);
    }
}
