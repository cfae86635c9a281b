//! The laws of all models for the neural ones, in fewer cases, since each fit is a training.

use std::process::Command;
use std::sync::{Arc, Mutex};

use dataflow_forecast::{
    Architecture, ExponentialSmoothing, FitError, FittedMean, Learnt, MeanModel, Neural, RollingForecast,
    RollingSettings, rolling_forecast,
};

use super::*;

const MODELS: [ModelSpec; 3] = [ModelSpec::Bilstm, ModelSpec::BilstmAttention, ModelSpec::Transformer];
const ARCHITECTURES: [Architecture; 3] =
    [Architecture::Bilstm, Architecture::BilstmAttention, Architecture::Transformer];

/// Hours with a daily wave, a slower one that no day repeats, and noise from a linear congruential generator.
fn hours(count: usize) -> Vec<f64> {
    let mut state = 11_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let wave = |hour: usize, period: f64| (hour as f64 * std::f64::consts::TAU / period).sin();
    (0..count)
        .map(|hour| (200.0 + 90.0 * wave(hour, 24.0) + 60.0 * wave(hour, 13.7) + 20.0 * noise()).round())
        .collect()
}

/// A network alone, fitted on all of these hours for one and six steps ahead: one training.
fn train(architecture: Architecture, seed: u64, loads: &[f64]) -> Box<dyn FittedMean> {
    let series = series(3_600, loads);
    Neural::new(architecture, seed).fit(View::of(&series, &TimeZone::UTC), &[1, 6]).expect("a past that is long enough")
}

fn means(fitted: &dyn FittedMean) -> [u64; 2] {
    let mut means = [0.0; 2];
    fitted.means(&mut means);
    means.map(f64::to_bits)
}

#[test]
fn a_wave_that_no_day_repeats_is_learnt() {
    let loads = hours(360);
    let series = series(3_600, &loads);
    let error = |mut fitted: Box<dyn FittedMean>| {
        let mut squares = 0.0;
        for origin in 280..350 {
            let mut mean = [0.0; 2];
            fitted.means(&mut mean);
            squares += (mean[0] - loads[origin]).powi(2) + (mean[1] - loads[origin + 5]).powi(2);
            fitted.extend(View::of(&series, &TimeZone::UTC).slice(origin..origin + 1));
        }
        f64::sqrt(squares / 140.0)
    };
    let zone = TimeZone::UTC;
    let past = View::of(&series, &zone).first(280);
    let yardstick = error(ExponentialSmoothing.fit(past, &[1, 6]).expect("a long past"));
    for architecture in ARCHITECTURES {
        let error = error(train(architecture, 1, &loads[..280]));
        assert!(error < 0.7 * yardstick, "{architecture:?}: {error}, exponential smoothing {yardstick}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_a_restored_model_goes_on_alike() {
    let loads = hours(150);
    let series = series(3_600, &loads);
    for architecture in ARCHITECTURES {
        let mut fitted = train(architecture, 1, &loads[..120]);
        let saved = fitted.save().expect("a model that can be saved");
        assert_eq!(train(architecture, 1, &loads[..120]).save(), Ok(saved.clone()));
        assert_ne!(train(architecture, 2, &loads[..120]).save(), Ok(saved.clone()));

        let mut restored = Neural::new(architecture, 1).restore(&saved).expect("what was saved");
        assert_eq!(means(restored.as_ref()), means(fitted.as_ref()));
        for fitted in [&mut fitted, &mut restored] {
            fitted.extend(View::of(&series, &TimeZone::UTC).slice(120..150));
        }
        assert_eq!(means(restored.as_ref()), means(fitted.as_ref()));
        restored.refit().expect("more than before");
        // Learning anew after more loads is learning from all of them.
        assert_eq!(means(restored.as_ref()), means(train(architecture, 1, &loads).as_ref()));

        assert!(Neural::new(architecture, 1).restore(&saved[..saved.len() - 1]).is_err());
        for other in ARCHITECTURES.into_iter().filter(|other| *other != architecture) {
            assert!(Neural::new(other, 1).restore(&saved).is_err(), "weights of {architecture:?} in {other:?}");
        }
    }
}

/// Trains and prints what comes out; run by the next test in processes with other numbers of threads.
#[test]
fn forecasts_as_bytes() {
    if std::env::var_os("DATAFLOW_TEST_THREADS").is_some() {
        for architecture in ARCHITECTURES {
            eprintln!("BYTES {architecture:?} {:?}", means(train(architecture, 1, &hours(200)).as_ref()));
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let run = |threads: &str| {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program)
            .args(["--exact", "neural::forecasts_as_bytes", "--nocapture"])
            .envs([("DATAFLOW_TEST_THREADS", "1"), ("RAYON_NUM_THREADS", threads)])
            .output()
            .expect("this program runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.lines().filter_map(|line| line.split_once("BYTES")).map(|(_, bytes)| bytes.to_owned()).collect::<Vec<_>>()
    };
    let single = run("1");
    assert_eq!(single.len(), ARCHITECTURES.len());
    assert_eq!(single, run("3"));
}

#[test]
fn no_row_depends_on_a_load_it_could_not_know() {
    let loads = hours(170);
    let settings =
        RollingSettings { lead: 2, observe_current: false, levels: LEVELS.to_vec(), model: ModelSettings::default() };
    let roll = |spec: ModelSpec, loads: &[f64], missing_after: bool| {
        let is_missing = |hour: usize| if hour > 155 { missing_after } else { hour % 11 == 5 };
        let (history, zone) = (history(3_600, loads, is_missing), TimeZone::UTC);
        let model = spec.model(settings.model).expect("a build with neural networks");
        rolling_forecast(history.view(&zone), model.as_ref(), &settings, None).expect("levels in order")
    };
    let mut changed = loads.clone();
    changed[155..].fill(1e18);
    for spec in MODELS {
        let (before, after) = (roll(spec, &loads, false), roll(spec, &changed, true));
        assert!(before.model_from.is_some_and(|from| from < 155), "{spec} never spoke: {:?}", before.model_from);
        let columns = |rows: &RollingForecast| [&rows.quantiles[..], std::slice::from_ref(&rows.mean)].concat();
        for (before, after) in columns(&before).iter().zip(&columns(&after)) {
            let same = |(left, right): (&f64, &f64)| left.to_bits() == right.to_bits();
            assert!(before[..=155].iter().zip(&after[..=155]).all(same), "{spec}");
            assert!(!same((&before[156], &after[156])), "{spec} does not look at the last load");
        }
    }
}

#[test]
fn odd_pasts_give_finite_forecasts() {
    let with = |place: usize, load: f64| {
        let mut loads = hours(130);
        loads[place] = load;
        loads
    };
    let constant = |load: f64| vec![load; 130];
    let flat = [constant(0.0), constant(7.0), constant(1e18), constant(f64::MAX), constant(f64::MIN_POSITIVE)];
    let spikes = [with(60, 1e18), with(129, f64::MAX), with(60, f64::MAX)];
    for loads in flat.iter().chain(&spikes) {
        // Constant loads need no training.
        let count = if loads[0] == loads[1] { 3 } else { 1 };
        for architecture in ARCHITECTURES.into_iter().take(count) {
            let mut fitted = train(architecture, 1, loads);
            let mut mean = [0.0; 2];
            for next in [loads[0], 0.0, 1e18, f64::MAX, 3.0] {
                fitted.means(&mut mean);
                assert!(mean.iter().all(|mean| mean.is_finite() && *mean >= 0.0), "{architecture:?}: {mean:?}");
                if count == 3 && next == loads[0] {
                    assert!((mean[1] - next).abs() <= 1e-6 * next.max(1.0), "{architecture:?}: {mean:?} of {next}");
                }
                fitted.extend(View::of(&series(3_600, &[next; 5]), &TimeZone::UTC));
            }
        }
    }
}

#[test]
fn short_pasts_and_senseless_horizons_are_refused() {
    let series = series(3_600, &hours(101));
    for spec in MODELS {
        let model = spec.model(ModelSettings::default()).expect("a build with neural networks");
        for length in [0, 1, 16, 101] {
            let refused = model.fit(View::of(&series, &TimeZone::UTC).first(length), &[6]).err();
            assert!(matches!(refused, Some(FitError::TooShort { got, .. }) if got == length), "{refused:?}");
        }
        let refused = model.fit(View::of(&series, &TimeZone::UTC), &[0]).err();
        assert_eq!(refused, Some(FitError::BadHorizons(vec![0])));
    }
}

#[test]
fn progress_goes_up_to_all_and_what_was_learnt_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let model = Neural::new(Architecture::Transformer, 5)
        .with_progress(Some(Arc::new(move |share| listener.lock().expect("no panic before").push(share))));
    let series = series(3_600, &hours(110));
    let fitted = model.fit(View::of(&series, &TimeZone::UTC), &[1]).expect("four days");
    let told = told.lock().expect("no panic before");
    assert!(told.len() > 2 && told.is_sorted() && told.last() == Some(&1.0), "{told:?}");
    let Learnt { name, value } = &fitted.learnt()[0];
    // The Transformer for six columns has 42,817 weights; every column more has 64.
    assert_eq!((*name, value.as_str()), ("parameters", (42_817 + 64 * 10).to_string().as_str()));
}
