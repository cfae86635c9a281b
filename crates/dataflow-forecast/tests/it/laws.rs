//! What a fitted model must obey.

use super::*;

/// The fewest hours on which every model can be fitted and calibrated here.
const HOURS: usize = 200;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn quantiles_ascend_and_are_finite_and_never_negative(spec in any_model(), loads in hourly_loads(HOURS..400)) {
        let series = series(3_600, &loads);
        let mut fitted = fit(spec, &series, HOURS, &[1, 3, 24]);
        extend(fitted.as_mut(), &series, HOURS);
        let forecast = fitted.predict(&LEVELS);
        prop_assert_eq!(&forecast.horizons, &[1, 3, 24]);
        for (place, mean) in forecast.mean.iter().enumerate() {
            prop_assert!(mean.is_finite() && *mean >= 0.0);
            let quantiles: Vec<f64> = forecast.quantiles.iter().map(|quantiles| quantiles[place]).collect();
            prop_assert!(quantiles.is_sorted(), "{quantiles:?}");
            prop_assert!(quantiles.iter().all(|quantile| quantile.is_finite() && *quantile >= 0.0));
        }
        let wide = forecast.band(0.025, 0.975).expect("levels asked for");
        let narrow = forecast.band(0.25, 0.75).expect("levels asked for");
        for (wide, narrow) in wide.iter().zip(narrow) {
            prop_assert!(wide.0 <= narrow.0 && narrow.1 <= wide.1);
        }
    }

    #[test]
    fn learning_anew_after_more_loads_is_the_same_as_learning_from_all_of_them(
        spec in any_model(), loads in hourly_loads(HOURS..400),
    ) {
        let series = series(3_600, &loads);
        let mut extended = fit(spec, &series, HOURS, &[1, 5]);
        extend(extended.as_mut(), &series, HOURS);
        extended.refit().expect("more than before");
        let whole = fit(spec, &series, loads.len(), &[1, 5]);
        prop_assert_eq!(extended.predict(&[]).mean, whole.predict(&[]).mean);
    }

    #[test]
    fn loads_may_come_one_by_one_or_together(spec in any_model(), loads in hourly_loads(HOURS..300)) {
        let series = series(3_600, &loads);
        let (mut single, mut together) = (fit(spec, &series, HOURS, &[2]), fit(spec, &series, HOURS, &[2]));
        let zone = TimeZone::UTC;
        for tick in HOURS..loads.len() {
            single.extend(View::of(&series, &zone).slice(tick..tick + 1));
        }
        extend(together.as_mut(), &series, HOURS);
        prop_assert_eq!(single.predict(&LEVELS), together.predict(&LEVELS));
    }

    #[test]
    fn a_restored_model_goes_on_as_the_one_that_was_saved(spec in any_model(), loads in hourly_loads(HOURS..300)) {
        let series = series(3_600, &loads);
        let mut fitted = fit(spec, &series, HOURS, &[1, 5]);
        let model = spec.model(ModelSettings::default()).expect("a model of this build");
        let mut restored = model.restore(&fitted.save().expect("UTC has a name")).expect("just saved");
        for again in 0..2 {
            prop_assert_eq!(fitted.predict(&LEVELS), restored.predict(&LEVELS), "{} after {} extensions", spec, again);
            extend(fitted.as_mut(), &series, HOURS);
            extend(restored.as_mut(), &series, HOURS);
        }
        fitted.refit().expect("as before");
        restored.refit().expect("as before");
        prop_assert_eq!(fitted.predict(&LEVELS), restored.predict(&LEVELS));
    }

    #[test]
    fn with_gaps_and_columns_too(spec in any_model(), loads in hourly_loads(HOURS..300)) {
        let (history, zone) = (history(3_600, &loads, |hour| hour % 11 == 5), TimeZone::UTC);
        let (past, new) = (history.view(&zone).first(HOURS), history.view(&zone).slice(HOURS..loads.len()));
        let model = spec.model(ModelSettings::default()).expect("a model of this build");
        let mut fitted = model.fit(past, &[1, 5]).expect("a past that is long enough");
        let mut restored = model.restore(&fitted.save().expect("UTC has a name")).expect("just saved");
        fitted.extend(new);
        for place in 0..new.len() {
            restored.extend(new.slice(place..place + 1));
        }
        prop_assert_eq!(fitted.predict(&LEVELS), restored.predict(&LEVELS));
        fitted.refit().expect("more than before");
        let whole = model.fit(history.view(&zone), &[1, 5]).expect("a past that is long enough");
        prop_assert_eq!(fitted.predict(&[]).mean, whole.predict(&[]).mean);
    }

    #[test]
    fn a_constant_load_stays_constant(spec in any_model(), load in 0.0..1e9_f64, minutes in prop::sample::select(vec![15_u32, 60])) {
        let series = series(minutes * 60, &vec![load; 400]);
        let forecast = fit(spec, &series, 400, &[1, 4, 30]).predict(&LEVELS);
        for value in forecast.mean.iter().chain(forecast.quantiles.iter().flatten()) {
            prop_assert!((value - load).abs() <= 1e-6 * load.max(1.0), "{value} instead of {load}");
        }
    }
}

#[test]
fn what_another_model_saved_is_refused_or_at_least_goes_on() {
    let loads: Vec<f64> = (0..HOURS).map(|hour| (50 + hour * 7919 % 24) as f64).collect();
    let series = series(3_600, &loads);
    let model = |spec: ModelSpec| spec.model(ModelSettings::default()).expect("a model of this build");
    let saved: Vec<(ModelSpec, Vec<u8>)> =
        quick_models().map(|spec| (spec, fit(spec, &series, HOURS, &[1, 5]).save().expect("UTC has a name"))).collect();
    for (spec, bytes) in &saved {
        assert!(model(*spec).restore(&bytes[..bytes.len() - 1]).is_err(), "{spec} takes a cut file");
        for other in quick_models().filter(|other| other != spec) {
            if let Ok(mut fitted) = model(other).restore(bytes) {
                extend(fitted.as_mut(), &series, HOURS - 30);
                let _ = fitted.refit();
                let forecast = fitted.predict(&LEVELS);
                assert!(forecast.mean.iter().all(|mean| *mean >= 0.0), "{other} from {spec}: {forecast:?}");
            }
        }
    }
}

#[test]
fn every_model_tells_what_it_learnt() {
    let loads: Vec<f64> = (0..HOURS).map(|hour| (50 + hour * 7919 % 24) as f64).collect();
    let series = series(3_600, &loads);
    for spec in quick_models() {
        let learnt = fit(spec, &series, HOURS, &[1, 5]).learnt();
        assert!(!learnt.is_empty() && learnt.iter().all(|learnt| !learnt.value.is_empty()), "{spec}: {learnt:?}");
    }
}

#[test]
fn a_daily_wave_is_recognised_by_every_model_that_knows_days() {
    let loads: Vec<f64> =
        (0..24 * 21).map(|hour| 100.0 + 50.0 * (f64::from(hour) * std::f64::consts::TAU / 24.0).sin()).collect();
    let series = series(3_600, &loads);
    for spec in
        [ModelSpec::SeasonalNaive, ModelSpec::ExponentialSmoothing, ModelSpec::Ridge, ModelSpec::SeasonalAutoregression]
    {
        let forecast = fit(spec, &series, 24 * 20, &[6, 12, 18]).predict(&[]);
        for (horizon, mean) in forecast.horizons.iter().zip(&forecast.mean) {
            let expected = loads[24 * 20 + horizon - 1];
            assert!((mean - expected).abs() < 3.0, "{spec} {horizon} ahead: {mean} instead of {expected}");
        }
    }
}

#[test]
fn intervals_keep_their_coverage_where_the_level_moves() {
    // Noise that grows with the root of the level, from a linear congruential generator.
    let mut state = 7_u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let loads: Vec<f64> = (0..24 * 120)
        .map(|hour| {
            let mean = 400.0 * (1.2 + (f64::from(hour) * std::f64::consts::TAU / 24.0).sin());
            let noise = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            (mean + noise * mean.sqrt()).max(0.0)
        })
        .collect();
    let series = series(3_600, &loads);
    for spec in quick_models() {
        let settings = dataflow_forecast::BacktestSettings {
            holdout: 24 * 90,
            horizons: vec![1, 6],
            levels: vec![],
            coverages: vec![0.8, 0.95],
            refit: Some(24 * 30),
            model: ModelSettings::default(),
            dispersion: 1.0,
        };
        let zone = TimeZone::UTC;
        for scores in dataflow_forecast::backtest(View::of(&series, &zone), spec, &settings).expect("a long series") {
            for coverage in &scores.coverage {
                let miss = (coverage.actual - coverage.nominal).abs();
                assert!(miss < 0.03, "{spec} {} ahead: {coverage:?}", scores.horizon);
            }
            assert!(scores.rmse > 0.95 * scores.noise_floor, "{spec} claims to know the noise: {scores:?}");
        }
    }
}
