//! What forecasts over a whole trace must obey.

use dataflow_forecast::{RollingForecast, RollingSettings, rolling_forecast};

use super::*;

fn settings(lead: usize, observe_current: bool) -> RollingSettings {
    RollingSettings { lead, observe_current, levels: LEVELS.to_vec(), model: ModelSettings::default() }
}

fn roll(spec: ModelSpec, loads: &[f64], settings: &RollingSettings) -> RollingForecast {
    let (series, zone) = (series(3_600, loads), TimeZone::UTC);
    let model = spec.model(settings.model).expect("a model of this build");
    rolling_forecast(View::of(&series, &zone), model.as_ref(), settings, None).expect("levels in order")
}

/// Everything that a row says, as bits, so that NaN equals NaN.
fn row(forecast: &RollingForecast, tick: usize) -> Vec<u64> {
    let quantiles = forecast.quantiles.iter().map(|quantiles| quantiles[tick]);
    std::iter::once(forecast.mean[tick]).chain(quantiles).map(f64::to_bits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_row_depends_on_a_load_it_could_not_know(
        spec in any_model(), loads in hourly_loads(240..420), lead in 0_usize..6, observe_current: bool,
        place in 0.0..1.0_f64, other in prop_oneof![Just(0.0), 0.0..1e4, Just(1e18)],
    ) {
        let changed_at = (place * loads.len() as f64) as usize;
        let settings = settings(lead, observe_current);
        let before = roll(spec, &loads, &settings);
        let mut changed = loads.clone();
        changed[changed_at..].fill(other);
        let after = roll(spec, &changed, &settings);
        // Row t knows the loads below t, or up to t.
        let unaware = if observe_current { changed_at } else { changed_at + 1 };
        for tick in 0..unaware.min(loads.len()) {
            prop_assert_eq!(row(&before, tick), row(&after, tick), "row {} of {}", tick, changed_at);
        }
    }

    #[test]
    fn nor_on_a_mark_a_column_or_a_part_of_an_interval(
        spec in any_model(), loads in hourly_loads(240..320), lead in 0_usize..6, observe_current: bool,
        place in 0.5..1.0_f64, other in prop_oneof![0.0..1e4, Just(1e18)], missing_after: bool,
    ) {
        let changed_at = (place * loads.len() as f64) as usize;
        let settings = settings(lead, observe_current);
        let roll = |loads: &[f64], missing_after: Option<bool>| {
            let is_missing = |hour: usize| {
                missing_after.filter(|_| hour >= changed_at).unwrap_or(hour % 11 == 5)
            };
            let (history, zone) = (history(3_600, loads, is_missing), TimeZone::UTC);
            let model = spec.model(settings.model).expect("a model of this build");
            rolling_forecast(history.view(&zone), model.as_ref(), &settings, None).expect("levels in order")
        };
        let before = roll(&loads, None);
        let mut changed = loads.clone();
        changed[changed_at..].fill(other);
        let after = roll(&changed, Some(missing_after));
        let unaware = if observe_current { changed_at } else { changed_at + 1 };
        for tick in 0..unaware.min(loads.len()) {
            prop_assert_eq!(row(&before, tick), row(&after, tick), "row {} of {}", tick, changed_at);
        }
    }

    #[test]
    fn a_row_ahead_is_what_the_model_says_at_that_origin(loads in hourly_loads(60..100), lead in 0_usize..6) {
        let forecast = roll(ModelSpec::Naive, &loads, &settings(lead, false));
        prop_assert!(forecast.mean[0].is_nan() && forecast.quantiles.iter().all(|quantiles| quantiles[0].is_nan()));
        for tick in 1..loads.len() {
            prop_assert_eq!(forecast.mean[tick], loads[tick - 1]);
        }
        let current = roll(ModelSpec::Naive, &loads, &settings(lead, true));
        prop_assert_eq!(&current.mean, &loads);
        prop_assert!(lead > 0 || current.quantiles.iter().all(|quantiles| quantiles == &loads));
    }
}

#[test]
fn rows_tell_from_where_on_the_model_itself_speaks() {
    let loads: Vec<f64> = (0..400).map(|hour| f64::from(50 + hour % 24)).collect();
    let ridge = roll(ModelSpec::Ridge, &loads, &settings(1, false));
    let from = ridge.model_from.expect("two weeks are enough");
    assert!((120..240).contains(&from), "{from}");
    // Until then exponential smoothing stands in.
    let smoothing = roll(ModelSpec::ExponentialSmoothing, &loads, &settings(1, false));
    assert_eq!(&ridge.mean[1..from], &smoothing.mean[1..from]);
    assert_eq!(roll(ModelSpec::Ridge, &loads[..100], &settings(1, false)).model_from, None);
}

#[test]
fn the_linear_model_takes_over_once_it_can_be_fitted_and_beats_the_last_load() {
    let loads: Vec<f64> = (0..24 * 30)
        .map(|hour| (200.0 * (1.2 + (f64::from(hour) * std::f64::consts::TAU / 24.0).sin())).round())
        .collect();
    let series = series(3_600, &loads);
    let error = |spec: ModelSpec| {
        let forecast = roll(spec, &loads, &settings(3, false));
        dataflow_forecast::scores(&Observed::from(series.clone()), &forecast).expect("rows to score").rmse
    };
    assert!(error(ModelSpec::Ridge) < 0.2 * error(ModelSpec::Naive));
}

#[test]
fn progress_goes_from_nothing_to_all() {
    let told = std::sync::Mutex::new(Vec::new());
    let tell = |share: f64| told.lock().expect("no panic before").push(share);
    let loads = vec![5.0; 9_000];
    let (series, zone) = (series(60, &loads), TimeZone::UTC);
    let model = ModelSpec::Naive.model(ModelSettings::default()).expect("a model of every build");
    rolling_forecast(View::of(&series, &zone), model.as_ref(), &settings(3, false), Some(&tell))
        .expect("levels in order");
    let told = told.into_inner().expect("no panic before");
    assert_eq!((told.first(), told.last()), (Some(&0.0), Some(&1.0)));
    assert!(told.is_sorted());
}
