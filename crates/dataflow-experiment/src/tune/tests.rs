//! Tests of tuning: what it saves, what it never loses, and what it refuses.

use std::sync::Arc;

use dataflow_forecast::{History, ModelSettings, ModelSpec, RollingSettings, rolling_forecast};
use dataflow_scale::Observe;
use dataflow_scale::spec::Configuration;
use dataflow_series::{Fill, Observed, Step, Unit};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::{ForecastMaker, Forecasts, LEVELS, Methods};

/// Days of 96 intervals of 15 minutes, busy at noon.
pub(crate) fn testbed(days: usize, noise: u64) -> Testbed {
    let loads: Vec<f64> = (0..96 * days)
        .map(|tick| {
            let wave = 1.0 - (std::f64::consts::TAU * tick as f64 / 96.0).cos();
            let jitter = ((tick as u64).wrapping_mul(2_654_435_761 + noise) % 1_000) as f64 / 1_000.0;
            2e7 * wave + 3e7 * jitter
        })
        .collect();
    let step = Step::from_seconds(900).unwrap();
    let observed = Observed::new(Timestamp::UNIX_EPOCH, step, Unit::Bytes, loads.iter().copied().map(Some)).unwrap();
    let forecast: ForecastMaker = Arc::new(|view, lead| {
        let model = ModelSpec::Naive.model(ModelSettings::default())?;
        let settings =
            RollingSettings { lead, observe_current: false, levels: LEVELS.to_vec(), model: ModelSettings::default() };
        rolling_forecast(view, model.as_ref(), &settings, None)
    });
    let methods = Methods { observe: Observe::Previous, forecasts: Forecasts::Made(forecast), alarms: None };
    let history = History::new(observed.fill(Fill::Zero).unwrap());
    let ticks = loads.len();
    Testbed::new(history, loads, ticks, TimeZone::UTC, methods).unwrap()
}

fn setup(policy: PolicySpec) -> Setup {
    Setup { policy, settings: Configuration::default().settings().clone() }
}

fn budget(evaluations: usize, seed: u64) -> Budget {
    Budget { evaluations, seed }
}

#[test]
fn tuning_saves_and_says_what_each_change_is_worth() {
    let testbed = testbed(8, 0);
    let before = setup(PolicySpec::Reactive);
    let tuned = tuned(&testbed, &before, budget(200, 1)).unwrap();
    assert!(tuned.after.cost < 0.95 * tuned.before.cost, "{} {}", tuned.after.cost, tuned.before.cost);
    assert!(!tuned.changes.is_empty());
    for change in &tuned.changes {
        assert!(change.set_back.cost.is_nan() || change.set_back.cost > tuned.after.cost, "{change:?}");
        assert_ne!(change.parameter.value, change.to);
    }
    assert!(tuned.settings_differ_only_by_changes(&before));
    assert!(tuned.whole_runs < 0.7 * tuned.evaluations as f64, "{}", tuned.whole_runs);
    let again = Score::sum(folds(&testbed).unwrap().iter().map(|fold| tuned.setup.score(fold).unwrap()));
    assert_eq!(again, tuned.after);
}

impl Tuned {
    fn settings_differ_only_by_changes(&self, before: &Setup) -> bool {
        let mut other = self.setup.clone();
        for change in &self.changes {
            let set = other.policy.adjust(&mut other.settings, &change.parameter.name, change.parameter.value);
            assert_eq!(set, Some(()));
        }
        other == *before
    }
}

#[test]
fn a_limit_of_dropped_load_goes_before_the_cost() {
    let testbed = testbed(8, 0);
    let quantile = setup(PolicySpec::Quantile);
    let mut wish =
        Wish { parameters: varied(&quantile, &[]).unwrap(), max_dropped: None, budget: budget(120, 1), front: true };
    let free = tune(&testbed, &quantile, &wish, &|_| {}).unwrap();
    let limit = free.after.dropped_share() / 3.0;
    wish.max_dropped = Some(limit);
    let limited = tune(&testbed, &quantile, &wish, &|_| {}).unwrap();
    assert!(limited.after.dropped_share() <= limit);
    assert!(limited.after.cost >= free.after.cost);
    let front = Attempt::front(&free.attempts);
    assert!(front.len() > 2, "{front:?}");
}

#[test]
fn what_cannot_be_tuned_is_told() {
    let testbed = testbed(2, 0);
    let error = tuned(&testbed, &setup(PolicySpec::Optimal), budget(9, 0)).unwrap_err().to_string();
    assert!(error.contains("search space is empty"), "{error}");
    let error = tuned(&testbed.part(0..40), &setup(PolicySpec::Reactive), budget(9, 0)).unwrap_err().to_string();
    assert!(error.contains("40 intervals"), "{error}");
    let wrong = |text: &str| {
        let vary = text.parse::<Vary>().and_then(|vary| varied(&setup(PolicySpec::Reactive), &[vary]));
        vary.unwrap_err().to_string()
    };
    for (text, words) in [
        ("thresholds.reactive.hihg=0.1..0.5", "did you mean thresholds.reactive.high?"),
        ("quantile.level", "reactive cannot be tuned by it"),
        ("thresholds.reactive.high=0.5", "expected NAME=LOW..HIGH"),
        ("thresholds.reactive.high=0.5..0.5", "empty"),
        ("thresholds.reactive.high=-1..0.5", "expected a share"),
        ("simulation.cooldown=1m..9parsec", "expected a time"),
        ("simulation.min_servers", "empty"),
    ] {
        let error = wrong(text);
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn ranges_are_read_as_the_configuration_reads_values() {
    let vary = ["simulation.cooldown=1m..90s", "thresholds.reactive.low"].map(|text| text.parse::<Vary>().unwrap());
    let parameters = varied(&setup(PolicySpec::Reactive), &vary).unwrap();
    assert_eq!((parameters[0].low, parameters[0].high, parameters[0].value), (60.0, 90.0, 300.0));
    assert_eq!(parameters[1].name, "thresholds.reactive.low");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn tuned_settings_cost_at_most_what_the_old_ones_did_and_depend_on_the_seed_alone(
        policy in prop::sample::select(vec![PolicySpec::Reactive, PolicySpec::Hpa, PolicySpec::Hybrid, PolicySpec::Quantile]),
        noise in 0u64..1_000,
        seed: u64,
        evaluations in 1usize..60,
    ) {
        let testbed = testbed(3, noise);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| tuned(&testbed, &setup(policy.clone()), budget(evaluations, seed)).unwrap())
        };
        let tuned = on(1);
        prop_assert!(tuned.after.cost <= tuned.before.cost);
        prop_assert!(tuned.setup.settings.is_consistent());
        prop_assert_eq!(&tuned, &on(3));
    }
}
