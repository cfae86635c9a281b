//! Laws of the simulator: nothing sees the future, costs add up, more servers never drop more, replays agree.

use dataflow_scale::optimum::by_levels;
use dataflow_scale::policy::control::{ChanceConstrained, Lazy, ModelPredictive, Newsvendor, PlanRules};
use dataflow_scale::policy::{Fixed, Hybrid, HybridThresholds, QuantileBaseStock, Replay};
use dataflow_scale::spec::{Configuration, PolicySpec};
use dataflow_scale::{
    Fleet, ForecastTrack, Observe, Outcome, Policy, Prices, QuantileTrack, Scenario, Timeline, simulate,
};
use dataflow_series::Step;
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

/// Every policy that has a name, as the defaults have it, but the replay of a plan.
fn policies() -> Vec<Box<dyn Policy>> {
    let settings = Configuration::default().settings().clone();
    let named = PolicySpec::NAMED.iter().filter(|policy| **policy != PolicySpec::Optimal);
    named.map(|policy| policy.build(&settings, Step::MINUTE, &[])).collect()
}

/// The naive forecast, so that a change of a load reaches the forecasts of later ticks only.
fn naive(load: &[f64]) -> ForecastTrack {
    let mean: Vec<f64> = (0..load.len()).map(|tick| if tick == 0 { f64::NAN } else { load[tick - 1] }).collect();
    ForecastTrack {
        lower: mean.iter().map(|mean| mean * 0.8).collect(),
        upper: mean.iter().map(|mean| mean * 1.2).collect(),
        quantiles: [3, 0, 20].map(|lead_ticks| quantiles(&mean, lead_ticks)).to_vec(),
        anomaly: mean.iter().map(|mean| *mean > 900.0).collect(),
        mean,
    }
}

/// A band around the mean at every lead.
fn quantiles(mean: &[f64], lead_ticks: usize) -> QuantileTrack {
    let row = |mean: &f64| [0.8, 1.0, 1.2].map(|share| mean * share);
    QuantileTrack { lead_ticks, levels: vec![0.05, 0.5, 0.95], values: mean.iter().flat_map(row).collect() }
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
            let bound = by_levels(&fleet, &PRICES, &load).cost;
            prop_assert!(bound <= total * (1.0 + 1e-9) + 1e-9, "{} beats the optimum {}", total, bound);
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

/// Runs a policy that knows the load of its own tick, without forecasts.
fn run_knowing(fleet: &Fleet, prices: &Prices, load: &[f64], policy: &mut dyn Policy) -> Outcome {
    let scenario = Scenario { fleet, prices, load, known: load, observe: Observe::Current, forecast: None };
    simulate(&scenario, policy, None).expect("loads of one length")
}

proptest! {
    #[test]
    fn lazy_provisioning_costs_at_most_three_times_the_optimum(
        capacity in 1.0..500.0_f64, max_servers in 1u32..8, mut load in loads(), scale in 0.0..2.0_f64, violation in 0.0..0.01_f64,
    ) {
        // The bound is that of a data centre without start-up times, whose servers are off at the end.
        let fleet = Fleet { capacity, startup_ticks: 0, cooldown_ticks: 0, min_servers: 0, max_servers };
        let prices = Prices { server: 0.05, scale, violation };
        load.extend([0.0; 50]);
        let cost = run_knowing(&fleet, &prices, &load, &mut Lazy::new(prices)).cost.total();
        let least = by_levels(&fleet, &prices, &load).cost;
        prop_assert!(cost <= 3.0 * least + 1e-9, "{} against {}", cost, least);
    }

    #[test]
    fn a_plan_under_limits_obeys_them(fleet in fleets(), load in loads()) {
        let rules =
            PlanRules { horizon_ticks: 20, hold_ticks: 2, obeys_cooldown: true, step_out: Some(2), step_in: Some(1) };
        let (_, timeline) = run(&fleet, &load, &mut ModelPredictive::new(rules, PRICES));
        prop_assert!(timeline.change.iter().all(|change| (-1..=2).contains(change)));
        let changes: Vec<usize> = (0..load.len()).filter(|tick| timeline.change[*tick] != 0).collect();
        prop_assert!(changes.windows(2).all(|pair| pair[1] - pair[0] > fleet.cooldown_ticks as usize));
    }
}

#[test]
fn a_plan_orders_servers_before_a_rise_and_keeps_them_over_a_lull_that_is_shorter_than_it_is_dear() {
    let fleet = Fleet { capacity: 100.0, startup_ticks: 3, cooldown_ticks: 0, min_servers: 1, max_servers: 9 };
    let rules = PlanRules { horizon_ticks: 20, hold_ticks: 1, obeys_cooldown: false, step_out: None, step_in: None };
    // What comes: `soon` in the next three ticks, `later` from there on.
    let first_target = |soon: f64, later: f64, servers: u32| {
        let track = ForecastTrack {
            mean: vec![later; 2],
            lower: vec![later; 2],
            upper: vec![later; 2],
            anomaly: vec![false; 2],
            quantiles: [(3, later), (0, soon), (2, soon), (20, later)]
                .map(|(lead_ticks, load)| QuantileTrack { lead_ticks, levels: vec![0.5], values: vec![load; 2] })
                .to_vec(),
        };
        let load = [soon; 2];
        let fleet = Fleet { min_servers: servers, ..fleet };
        let scenario = Scenario {
            fleet: &fleet,
            prices: &PRICES,
            load: &load,
            known: &load,
            observe: Observe::Previous,
            forecast: Some(&track),
        };
        let mut timeline = Timeline::default();
        simulate(&scenario, &mut ModelPredictive::new(rules, PRICES), Some(&mut timeline)).expect("two rows");
        timeline.provisioned[0]
    };
    assert_eq!(first_target(50.0, 450.0, 1), 5);
    assert_eq!(first_target(50.0, 50.0, 1), 1);
}

#[test]
fn sizes_follow_what_is_expected_to_be_dropped_and_saved() {
    let fleet = Fleet { capacity: 100.0, startup_ticks: 0, cooldown_ticks: 0, min_servers: 1, max_servers: 9 };
    let load = [400.0; 4];
    // The forecast says 320 to 480: all of it needs five servers, and a tenth of it may go with four.
    let second = |mut policy: Box<dyn Policy>| run(&fleet, &load, policy.as_mut()).1.provisioned[2];
    assert_eq!(second(Box::new(ChanceConstrained::new(0.000_1, 1))), 5);
    assert_eq!(second(Box::new(ChanceConstrained::new(0.1, 1))), 4);
    // The fifth server is expected to save 0.25 per tick, five times its price.
    assert_eq!(second(Box::new(Newsvendor::new(PRICES, 1))), 5);
    assert_eq!(second(Box::new(Newsvendor::new(Prices { violation: 0.001, ..PRICES }, 1))), 4);
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
