//! Tests of sweeps: values are read as written, cells are what the testbed says, and costs follow servers and prices.

use dataflow_scale::spec::Configuration;
use dataflow_series::Step;
use proptest::prelude::*;

use super::*;
use crate::tune::tests::testbed;

fn levers(texts: &[&str]) -> Vec<Lever> {
    let parse =
        |text: &&str| Lever::parse(text, &[PolicySpec::Reactive], &Configuration::default(), quarter()).unwrap();
    texts.iter().map(parse).collect()
}

fn quarter() -> Step {
    Step::from_seconds(900).unwrap()
}

fn sweep(testbed: &Testbed, policies: &[PolicySpec], texts: &[&str]) -> Vec<Cell> {
    let levers = levers(texts);
    let settings = Configuration::default().settings().clone();
    cells(testbed, policies, &settings, &levers, crossed(&levers), &|| {}).unwrap()
}

#[test]
fn levers_are_read_as_the_configuration_reads_values() {
    let lever = |text: &str| levers(&[text]).remove(0);
    assert_eq!(lever("cost_parameters.startup_time=1,90s,1h").values, [60.0, 90.0, 3_600.0]);
    assert_eq!(lever("cost_parameters.violation_cost=1e-6..1e-4:3:log").values[1], 1e-5);
    assert_eq!(lever("thresholds.reactive.high=0.4..0.8:3").values, [0.4, 0.6, 0.8]);
    // A bare rate is per tick, of 15 minutes here; the key keeps its minutes.
    assert_eq!(lever("cost_parameters.server_cost=0.05/min,3/h").values, [0.05, 0.05]);
    assert!((lever("cost_parameters.server_cost=0.75").values[0] - 0.05).abs() < 1e-12);
    for (text, words) in [
        ("simulation.interval=1m,5m", "changes the trace"),
        ("forecasting.model=ridge", "changes the trace"),
        ("simulation.max_server=3", "did you mean simulation.max_servers?"),
        ("simulation.max_servers=3,x", "expected a whole number"),
        ("simulation.max_servers=3..9", "LOW..HIGH:N"),
        ("simulation.max_servers=3..9:4:lag", "LOW..HIGH:N:log"),
        ("simulation.max_servers=9..3:4", "empty"),
        ("simulation.max_servers=3..9:6", "it may not be 4.2"),
        ("quantile.level=0..1:3:log", "expected a number between"),
        ("quantile.level", "expected KEY="),
    ] {
        let error = Lever::parse(text, &[], &Configuration::default(), Step::MINUTE).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn values_that_may_not_be_together_leave_a_cell_empty() {
    let found = sweep(
        &testbed(2, 0),
        &[PolicySpec::Reactive],
        &["thresholds.reactive.low=0.2,0.6", "thresholds.reactive.high=0.5,0.7"],
    );
    let filled: Vec<bool> = found.iter().map(|cell| cell.bound.is_some() && !cell.outcomes.is_empty()).collect();
    assert_eq!(filled, [true, true, false, true]);
    assert_eq!(found[1].values, [0.2, 0.7]);
}

#[test]
fn a_cell_is_what_the_testbed_says() {
    let testbed = testbed(2, 3);
    let policies = [PolicySpec::Hybrid, PolicySpec::Fixed(None)];
    let found = sweep(&testbed, &policies, &["simulation.max_servers=4,9", "cost_parameters.startup_time=0,30"]);
    let mut settings = Configuration::default().settings().clone();
    settings.max_servers = 9;
    settings.startup_seconds = 1_800.0;
    let outcomes: Vec<Outcome> = policies.iter().map(|policy| testbed.run(policy, &settings).unwrap()).collect();
    assert_eq!(found[3], Cell { values: vec![9.0, 1_800.0], bound: Some(testbed.bound(&settings)), outcomes });
}

#[test]
fn the_same_cells_come_from_any_number_of_threads() {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let keys = ["cost_parameters.violation_cost=1e-7..1e-4:6:log", "cost_parameters.startup_time=0,15,45"];
            sweep(&testbed(2, 5), &[PolicySpec::Quantile, PolicySpec::Hybrid], &keys)
        })
    };
    assert_eq!(on(1), on(3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn more_servers_never_drop_more_and_dearer_prices_are_never_cheaper(noise in 0u64..10_000, startup in 0u32..4) {
        let testbed = testbed(1, noise);
        let start = format!("cost_parameters.startup_time={}", 15 * startup);
        let fixed = sweep(&testbed, &[PolicySpec::Fixed(None)], &[&start, "simulation.max_servers=1,2,3,5,9"]);
        for pair in fixed.windows(2) {
            prop_assert!(pair[1].outcomes[0].dropped <= pair[0].outcomes[0].dropped);
            // More freedom never costs the optimum more.
            prop_assert!(pair[1].bound.unwrap() <= pair[0].bound.unwrap() * (1.0 + 1e-12));
        }
        for price in ["server_cost=0.1,0.2,0.9", "scale_cost=0,0.1,2", "violation_cost=0,1e-7,1e-5"] {
            let dearer = sweep(&testbed, &[PolicySpec::Reactive], &[&start, &format!("cost_parameters.{price}")]);
            for pair in dearer.windows(2) {
                prop_assert!(pair[1].bound.unwrap() >= pair[0].bound.unwrap() * (1.0 - 1e-12));
                prop_assert!(pair[1].outcomes[0].cost.total() >= pair[0].outcomes[0].cost.total());
                prop_assert!(pair[1].bound.unwrap() <= pair[1].outcomes[0].cost.total() * (1.0 + 1e-12));
            }
        }
    }
}
