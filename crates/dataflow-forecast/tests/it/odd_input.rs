//! Pasts that are too short, constant, zero, absurdly large: a clear error or finite forecasts, never NaN.

use dataflow_forecast::{BacktestSettings, FitError, RollingSettings, backtest, rolling_forecast};

use super::*;

/// Fits on `loads`; whatever comes out must be finite.
fn finite_or_refused(spec: ModelSpec, step_seconds: u32, loads: &[f64]) -> Result<(), FitError> {
    let series = series(step_seconds, loads);
    let zone = TimeZone::UTC;
    let mut fitted = spec.model(ModelSettings::default())?.fit(View::of(&series, &zone), &[1, 7])?;
    for next in [0.0, 1e18, 3.0] {
        let forecast = fitted.predict(&LEVELS);
        for value in forecast.mean.iter().chain(forecast.quantiles.iter().flatten()) {
            assert!(value.is_finite() && *value >= 0.0, "{spec} on {} loads: {forecast:?}", loads.len());
        }
        extend(fitted.as_mut(), &self::series(step_seconds, &[next; 30]), 0);
    }
    Ok(())
}

#[test]
fn short_pasts_are_refused_with_what_is_needed() {
    let zone = TimeZone::UTC;
    for spec in quick_models() {
        let nothing = spec
            .model(ModelSettings::default())
            .and_then(|model| model.fit(View::of(&series(60, &[1.0]), &zone).first(0), &[1]))
            .err();
        assert!(matches!(nothing, Some(FitError::TooShort { got: 0, .. })), "{nothing:?}");
        for length in [1, 2, 9, 10, 11, 30, 119, 120, 121] {
            match finite_or_refused(spec, 3_600, &vec![3.0; length]) {
                Err(FitError::TooShort { needed, got, .. }) => assert!(got == length && needed > length),
                Err(other) => panic!("{spec}: {other}"),
                Ok(()) => {}
            }
        }
    }
}

#[test]
fn zeros_spikes_and_huge_loads_stay_finite() {
    let mut spike = vec![40.0; 500];
    spike[300] = 1e18;
    let mut late_spike = spike.clone();
    late_spike[499] = f64::MAX;
    for loads in [vec![0.0; 500], spike, late_spike, vec![f64::MAX; 500], vec![f64::MIN_POSITIVE; 500]] {
        for spec in quick_models() {
            match finite_or_refused(spec, 900, &loads) {
                Ok(()) => {}
                Err(error @ FitError::TooLarge { .. }) => {
                    assert!(loads.contains(&f64::MAX), "{spec}: {error}");
                }
                Err(other) => panic!("{spec}: {other}"),
            }
        }
    }
}

#[test]
fn a_past_of_gaps_alone_is_refused_and_one_that_begins_with_them_is_not_taken_for_too_large() {
    let zone = TimeZone::UTC;
    for spec in quick_models() {
        let model = spec.model(ModelSettings::default()).expect("a model of this build");
        for measured_from in [500, 495, 300] {
            let history = history(900, &[40.0; 500], |interval| interval < measured_from);
            match model.fit(history.view(&zone), &[1, 7]) {
                Ok(fitted) if measured_from < 500 => {
                    let forecast = fitted.predict(&LEVELS);
                    for value in forecast.mean.iter().chain(forecast.quantiles.iter().flatten()) {
                        assert!((value - 40.0).abs() < 0.01, "{spec} from {measured_from}: {forecast:?}");
                    }
                }
                Ok(fitted) => panic!("{spec} learnt from nothing: {:?}", fitted.predict(&LEVELS)),
                Err(FitError::NothingToLearn { .. }) => {}
                Err(FitError::TooShort { needed, got, .. }) if measured_from < 500 => assert!(got < needed, "{spec}"),
                Err(other) => panic!("{spec} from {measured_from}: {other}"),
            }
        }
    }
}

#[test]
fn one_spike_is_forgotten() {
    let mut loads: Vec<f64> = (0..24 * 40).map(|hour| 50.0 + f64::from(hour * 7919 % 20)).collect();
    loads[24 * 10 + 5] = 1e18;
    let series = series(3_600, &loads);
    for spec in quick_models() {
        let forecast = fit(spec, &series, loads.len(), &[1, 4]).predict(&[0.05, 0.95]);
        for mean in &forecast.mean {
            assert!((20.0..150.0).contains(mean), "{spec}: {forecast:?}");
        }
    }
}

#[test]
fn any_step_works() {
    let loads: Vec<f64> = (0..700).map(|index| f64::from(index % 13)).collect();
    for step in [1, 7, 60, 1_000, 43_200, 86_400, 604_800, 100_000_000, u32::MAX] {
        for spec in quick_models() {
            // A day of seconds is longer than this past.
            match finite_or_refused(spec, step, &loads) {
                Ok(()) => {}
                Err(FitError::TooShort { .. }) => assert!(step < 600, "{spec} at {step} s"),
                Err(other) => panic!("{spec}: {other}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn rolling_rows_are_finite_wherever_anything_is_known(
        spec in any_model(), lead in 0_usize..20,
        loads in prop::collection::vec(prop_oneof![4 => 0.0..100.0, 1 => Just(0.0), 1 => Just(1e18)], 1..260),
    ) {
        let settings =
            RollingSettings { lead, observe_current: false, levels: LEVELS.to_vec(), model: ModelSettings::default() };
        let (series, zone) = (series(3_600, &loads), TimeZone::UTC);
        let model = spec.model(settings.model).expect("a model of this build");
        let forecast = rolling_forecast(View::of(&series, &zone), model.as_ref(), &settings, None).expect("levels in order");
        for column in forecast.quantiles.iter().chain([&forecast.mean]) {
            prop_assert!(column[0].is_nan());
            prop_assert!(column[1..].iter().all(|value| value.is_finite() && *value >= 0.0), "{column:?}");
        }
    }
}

#[test]
fn senseless_requests_are_refused() {
    let series = series(3_600, &[5.0; 300]);
    let zone = TimeZone::UTC;
    let past = View::of(&series, &zone);
    for spec in quick_models() {
        for horizons in [vec![], vec![0], vec![3, 2], vec![2, 2]] {
            let refused = spec.model(ModelSettings::default()).and_then(|model| model.fit(past, &horizons)).err();
            assert_eq!(refused, Some(FitError::BadHorizons(horizons)));
        }
    }
    for levels in [vec![0.0], vec![1.0], vec![0.9, 0.1], vec![f64::NAN]] {
        let settings = RollingSettings { lead: 1, observe_current: false, levels, model: ModelSettings::default() };
        let naive = ModelSpec::Naive.model(settings.model).expect("a model of every build");
        let refused = rolling_forecast(past, naive.as_ref(), &settings, None);
        assert!(matches!(refused, Err(FitError::BadLevels(_))), "{refused:?}");
    }
    let settings = |holdout: usize| BacktestSettings {
        holdout,
        horizons: vec![1, 12],
        levels: vec![0.5],
        coverages: vec![0.9],
        refit: None,
        model: ModelSettings { calibration: Calibration::Frozen, ..ModelSettings::default() },
        dispersion: 1.0,
    };
    for holdout in [0, 295, 301] {
        let refused = backtest(past, ModelSpec::Naive, &settings(holdout));
        assert!(matches!(refused, Err(FitError::BadHoldout { .. })), "{holdout}: {refused:?}");
    }
    assert!(matches!(backtest(past, ModelSpec::Ridge, &settings(250)), Err(FitError::TooShort { .. })));
}
