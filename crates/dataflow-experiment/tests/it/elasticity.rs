//! The elasticity metrics on real traffic, against figures worked out independently.

use dataflow_experiment::{Elasticity, SERVED_TARGET, Scorecard, Testbed};
use dataflow_scale::spec::{Configuration, PolicySpec, Settings};
use dataflow_series::Step;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::traffic::{last_fifth_of_nasa, testbed};

/// Start-up 3 minutes, at most 5 servers, the reference's prices.
fn settings() -> Settings {
    let mut configuration = Configuration::default();
    configuration
        .add_yaml(
            "reference.yaml",
            "cost_parameters: {server_cost: 0.05, scale_cost: 0.20, violation_cost: 0.000005, startup_time: 3, \
             capacity_per_server: 1200000}\nsimulation: {cooldown_minutes: 5, min_servers: 1, max_servers: 5}\n",
        )
        .expect("settings of the reference");
    configuration.settings().clone()
}

fn elasticity(testbed: &Testbed, policy: &PolicySpec, plan: &[u32]) -> Elasticity {
    let settings = settings();
    let fleet = settings.fleet(Step::MINUTE);
    let mut card = Scorecard::new(&fleet, Timestamp::UNIX_EPOCH, Step::MINUTE, &TimeZone::UTC, SERVED_TARGET);
    let mut built = policy.build(&settings, Step::MINUTE, plan);
    testbed.watch(built.as_mut(), policy, &settings, &mut card).expect("a run");
    card.elasticity()
}

#[test]
fn the_published_metrics_of_known_policies_are_found_on_nasa() {
    let Some(load) = last_fifth_of_nasa() else {
        eprintln!("SKIPPED the_published_metrics_of_known_policies_are_found_on_nasa: set DATAFLOW_DATA");
        return;
    };
    let loads: Vec<Option<f64>> = load.into_iter().map(Some).collect();
    let testbed = testbed(Step::MINUTE, &loads, 0);
    let plan = testbed.plan(&settings());
    assert!((plan.cost - 2219.0).abs() < 1.0, "{}", plan.cost);
    let of = |policy: PolicySpec| elasticity(&testbed, &policy, &plan.provisioned);
    let reactive = of(PolicySpec::Reactive);
    let cases = [
        ("fixed 4", of(PolicySpec::Fixed(Some(4))), [0.24, 166.0, 1.16, 93.5]),
        ("reactive", reactive, [3.93, 43.7, 8.31, 51.7]),
        ("optimum", of(PolicySpec::Optimal), [0.31, 33.3, 0.84, 42.0]),
    ];
    for (name, found, expected) in cases {
        let percents =
            [found.under_accuracy, found.over_accuracy, found.under_time, found.over_time].map(|share| 100.0 * share);
        eprintln!("{name} {percents:?}");
        for (found, expected) in percents.iter().zip(expected) {
            assert!((found - expected).abs() <= 0.01 * expected.max(0.5), "{name}: {percents:?}");
        }
    }
    for (policy, expected) in [(PolicySpec::Fixed(Some(5)), 8.45), (PolicySpec::Optimal, 3.77)] {
        let speedup = of(policy.clone()).speedup_over(&reactive).expect("a bound");
        eprintln!("{policy} {speedup}");
        assert!((speedup - expected).abs() < 0.02, "{policy}: {speedup}");
    }
}
