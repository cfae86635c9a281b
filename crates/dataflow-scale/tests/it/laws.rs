//! Laws of the simulator: nothing sees the future, costs add up, more servers never drop more, replays agree.

use dataflow_scale::policy::{
    Fixed, Hybrid, HybridThresholds, Predictive, QuantileBaseStock, Reactive, Replay, UtilizationThresholds,
};
use dataflow_scale::{Fleet, ForecastTrack, Observe, Outcome, Policy, Prices, Scenario, Timeline, simulate};
use proptest::prelude::*;

const PRICES: Prices = Prices { server: 0.05, scale: 0.2, violation: 0.01 };

fn fleets() -> impl Strategy<Value = Fleet> {
    (1.0..500.0, 0u32..5, 0u32..6, 0u32..3, 3u32..8).prop_map(
        |(capacity, startup_ticks, cooldown_ticks, min_servers, max_servers)| Fleet {
            capacity,
            startup_ticks,
            cooldown_ticks,
            min_servers,
            max_servers,
        },
    )
}

fn loads() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![Just(0.0), 0.0..1000.0], 2..80)
}

fn policies() -> Vec<Box<dyn Policy>> {
    vec![
        Box::new(Fixed(3)),
        Box::new(Reactive(UtilizationThresholds { high: 0.75, low: 0.30 })),
        Box::new(Predictive(UtilizationThresholds { high: 0.70, low: 0.35 })),
        Box::new(Hybrid::new(HybridThresholds { out: 0.75, r#in: 0.40, emergency: 0.90, hysteresis_ticks: 2 })),
        Box::new(QuantileBaseStock::new(0.95, 4)),
    ]
}

/// The naive forecast, so that a change of a load reaches the forecasts of later ticks only.
fn naive(load: &[f64]) -> ForecastTrack {
    let mean: Vec<f64> = (0..load.len()).map(|tick| if tick == 0 { f64::NAN } else { load[tick - 1] }).collect();
    ForecastTrack {
        lower: mean.iter().map(|mean| mean * 0.8).collect(),
        upper: mean.iter().map(|mean| mean * 1.2).collect(),
        quantiles: Vec::new(),
        anomaly: mean.iter().map(|mean| *mean > 900.0).collect(),
        mean,
    }
}

fn run(fleet: &Fleet, load: &[f64], policy: &mut dyn Policy) -> (Outcome, Timeline) {
    let track = naive(load);
    let scenario =
        Scenario { fleet, prices: &PRICES, load, known: load, observe: Observe::Previous, forecast: Some(&track) };
    let mut timeline = Timeline::default();
    let outcome = simulate(&scenario, policy, Some(&mut timeline)).expect("one forecast per tick");
    (outcome, timeline)
}

proptest! {
    #[test]
    fn a_change_of_the_future_changes_no_decision_before_it(
        fleet in fleets(),
        load in loads(),
        at in any::<prop::sample::Index>(),
        other in 0.0..5000.0,
    ) {
        let at = at.index(load.len());
        let mut changed = load.clone();
        changed[at] = other;
        for (mut one, mut two) in policies().into_iter().zip(policies()) {
            let (_, before) = run(&fleet, &load, one.as_mut());
            let (_, after) = run(&fleet, &changed, two.as_mut());
            // The decision of tick `at` itself is made from the loads before it.
            prop_assert_eq!(&before.provisioned[..=at], &after.provisioned[..=at]);
        }
    }

    #[test]
    fn costs_of_the_ticks_add_up_and_servers_stay_in_bounds(fleet in fleets(), load in loads()) {
        for mut policy in policies() {
            let (outcome, timeline) = run(&fleet, &load, policy.as_mut());
            let total: f64 = timeline.cost.iter().map(dataflow_scale::Cost::total).sum();
            prop_assert!((total - outcome.cost.total()).abs() <= 1e-9 * total.max(1.0));
            prop_assert!((timeline.dropped.iter().sum::<f64>() - outcome.dropped).abs() <= 1e-9 * outcome.offered.max(1.0));
            let bounds = fleet.min_servers..=fleet.max_servers;
            prop_assert!(timeline.provisioned.iter().all(|servers| bounds.contains(servers)));
            prop_assert!(timeline.ready.iter().zip(&timeline.provisioned).all(|(ready, all)| ready <= all));
            prop_assert!((0..timeline.len()).all(|tick| !timeline.reasons(tick).is_empty()));
        }
    }

    #[test]
    fn more_fixed_servers_never_drop_more(fleet in fleets(), load in loads(), servers in 0u32..8) {
        let (few, _) = run(&fleet, &load, &mut Fixed(servers));
        let (many, _) = run(&fleet, &load, &mut Fixed(servers + 1));
        prop_assert!(many.dropped <= few.dropped);
    }

    #[test]
    fn replaying_a_run_costs_what_the_run_cost(fleet in fleets(), load in loads()) {
        for mut policy in policies() {
            let (outcome, timeline) = run(&fleet, &load, policy.as_mut());
            let (again, _) = run(&fleet, &load, &mut Replay(timeline.provisioned));
            prop_assert_eq!(outcome, again);
        }
    }
}

#[test]
fn hysteresis_delays_scaling_in_until_the_condition_has_held() {
    let fleet = Fleet { capacity: 100.0, startup_ticks: 0, cooldown_ticks: 0, min_servers: 1, max_servers: 4 };
    let load: Vec<f64> = [390.0; 5].into_iter().chain([20.0; 10]).collect();
    let limits = |hysteresis_ticks| HybridThresholds { out: 0.75, r#in: 0.40, emergency: 0.90, hysteresis_ticks };
    let first_scale_in = |hysteresis| {
        let (_, timeline) = run(&fleet, &load, &mut Hybrid::new(limits(hysteresis)));
        timeline.change.iter().position(|change| *change < 0)
    };
    assert_eq!(first_scale_in(0), Some(6));
    assert_eq!(first_scale_in(4), Some(9));
}

#[test]
fn the_base_stock_keeps_its_largest_recent_target() {
    let fleet = Fleet { capacity: 100.0, startup_ticks: 0, cooldown_ticks: 9, min_servers: 1, max_servers: 9 };
    let load = [100.0, 500.0, 100.0, 100.0, 100.0, 100.0, 100.0];
    let (_, timeline) = run(&fleet, &load, &mut QuantileBaseStock::new(0.95, 3));
    // A load of 500 is seen one tick later, when its quantile is 550, and its target then holds for three ticks.
    assert_eq!(timeline.provisioned, [1, 2, 6, 6, 6, 2, 2]);
}

#[test]
fn forecasts_must_cover_the_whole_trace() {
    let fleet = Fleet { capacity: 1.0, startup_ticks: 0, cooldown_ticks: 0, min_servers: 1, max_servers: 2 };
    let track = naive(&[1.0, 2.0]);
    let scenario = Scenario {
        fleet: &fleet,
        prices: &PRICES,
        load: &[1.0, 2.0, 3.0],
        known: &[1.0, 2.0, 3.0],
        observe: Observe::Previous,
        forecast: Some(&track),
    };
    let refused = simulate(&scenario, &mut Fixed(1), None).map_err(|error| error.to_string());
    assert_eq!(refused, Err("the forecast has 2 rows but the trace has 3 ticks; it needs one row per tick".to_owned()));
}
