//! What the model of traffic promises beyond the laws of every model.

use dataflow_series::{Fill, Observed, Step, Unit};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::history::{Exogenous, History};

/// Hours of a daily wave with noise, both times `level`.
fn loads(hours: usize, level: f64, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let day = |hour: usize| (hour as f64 * std::f64::consts::TAU / 24.0).sin();
    (0..hours).map(|hour| level * (2.0 + day(hour) + 0.3 * uniform())).collect()
}

fn history(loads: &[f64]) -> History {
    let start = "2024-01-01T00:00:00Z".parse().unwrap();
    let observed = Observed::new(start, Step::HOUR, Unit::Requests, loads.iter().copied().map(Some)).unwrap();
    History::new(observed.fill(Fill::Zero).unwrap())
}

fn fit(history: &History, length: usize) -> Box<dyn FittedMean> {
    Sarimax.fit(history.view(&TimeZone::UTC).first(length), &[1, 6]).unwrap()
}

fn learnt(fitted: &dyn FittedMean, name: &str) -> String {
    fitted.learnt().into_iter().find(|learnt| learnt.name == name).map(|learnt| learnt.value).unwrap_or_default()
}

fn width(fitted: &dyn FittedMean) -> f64 {
    let quantile = |level: f64| fitted.own_quantiles(level).unwrap()[0];
    quantile(0.975) - quantile(0.025)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn going_on_is_the_same_as_filtering_everything_anew(seed: u64, level in 0.5..1e6_f64, more in 1_usize..60) {
        let history = history(&loads(260, level, seed));
        let mut fitted = fit(&history, 200);
        fitted.extend(history.view(&TimeZone::UTC).slice(200..200 + more));
        // Only data and parameters are saved, so what is restored has filtered them from the start.
        let anew = Sarimax.restore(&fitted.save().unwrap()).unwrap();
        let (mut gone_on, mut filtered) = ([0.0; 2], [0.0; 2]);
        fitted.means(&mut gone_on);
        anew.means(&mut filtered);
        for (a, b) in gone_on.iter().zip(filtered) {
            prop_assert!((a - b).abs() <= 1e-9 * b, "{a} {b}");
        }
        let (a, b) = (width(fitted.as_ref()), width(anew.as_ref()));
        prop_assert!((a - b).abs() <= 1e-3 * b, "{a} {b}");
    }

    #[test]
    fn missing_loads_widen_the_band_and_their_filling_does_not_matter(seed: u64, filling in 0.0..1e4_f64) {
        let known = loads(240, 50.0, seed);
        let with_gap = |filling: f64| {
            let filled: Vec<f64> = known.iter().copied().chain([filling; 4]).collect();
            let missing = (0..244).map(|interval| interval >= 240).collect();
            let history = history(&filled).with_missing(missing).unwrap();
            let mut fitted = fit(&history, 240);
            let before = width(fitted.as_ref());
            fitted.extend(history.view(&TimeZone::UTC).slice(240..244));
            let mut means = [0.0; 2];
            fitted.means(&mut means);
            (before, width(fitted.as_ref()), means)
        };
        let (before, after, means) = with_gap(filling);
        prop_assert!(after >= before * 0.8 && after > 0.0, "{before} {after}");
        prop_assert_eq!(means, with_gap(1.0).2);
    }
}

#[test]
fn a_gap_widens_the_band_of_a_walk() {
    let mut level = 1_000.0;
    let walk: Vec<f64> = loads(300, 50.0, 3)
        .iter()
        .enumerate()
        .map(|(hour, load)| {
            level += load - 100.0 - 50.0 * (hour as f64 * std::f64::consts::TAU / 24.0).sin() - 7.5;
            level
        })
        .collect();
    let missing = (0..300).map(|interval| interval >= 280).collect();
    let history = history(&walk).with_missing(missing).unwrap();
    let mut fitted = fit(&history, 280);
    let before = width(fitted.as_ref());
    fitted.extend(history.view(&TimeZone::UTC).slice(280..300));
    assert!(width(fitted.as_ref()) > 2.0 * before, "{before} {}", width(fitted.as_ref()));
}

#[test]
fn a_series_without_movement_falls_back_and_says_so() {
    for history in [history(&[7.0; 60]), history(&[0.0; 60])] {
        assert!(learnt(fit(&history, 60).as_ref(), "orders").contains("carried on"));
    }
    let nothing = history(&[5.0; 60]).with_missing(vec![true; 60]).unwrap();
    let fitted = fit(&nothing, 60);
    let mut means = [f64::NAN; 2];
    fitted.means(&mut means);
    assert!(means.iter().all(|mean| mean.is_finite() && *mean >= 0.0), "{means:?}");
    assert!(learnt(fitted.as_ref(), "orders").contains("carried on"));
}

#[test]
fn an_exogenous_column_that_tells_is_used_and_one_of_noise_is_not() {
    let signal = loads(500, 10.0, 5).iter().map(|load| (load * 1e6) % 97.0).collect::<Vec<f64>>();
    let noise = loads(500, 10.0, 9).iter().map(|load| (load * 1e6) % 89.0).collect::<Vec<f64>>();
    let base = loads(500, 50.0, 1);
    // The column moves the load six hours later, which is the furthest horizon.
    let moved: Vec<f64> =
        (0..500).map(|hour| base[hour] + 20.0 * signal[usize::saturating_sub(hour, 6)].asinh()).collect();
    let history = history(&moved)
        .with_exogenous(Exogenous { name: "noise".to_owned(), values: noise })
        .and_then(|history| history.with_exogenous(Exogenous { name: "signal".to_owned(), values: signal }))
        .unwrap();
    let used = learnt(fit(&history, 500).as_ref(), "exogenous columns");
    assert_eq!(used, "signal");
}

#[test]
fn damaged_bytes_are_refused() {
    let history = history(&loads(100, 10.0, 1));
    let saved = fit(&history, 100).save().unwrap();
    for length in [0, 1, saved.len() / 2, saved.len() - 1] {
        assert!(Sarimax.restore(&saved[..length]).is_err());
    }
}
