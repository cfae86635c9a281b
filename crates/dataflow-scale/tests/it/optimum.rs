//! Laws of the exact optima: equal to brute force, replayable, never beaten, and never made dearer by more choice.

use dataflow_scale::optimum::{Plan, StepLimits, by_levels, under_limits};
use dataflow_scale::policy::{
    Fixed, Hybrid, HybridThresholds, Predictive, QuantileBaseStock, Reactive, Replay, UtilizationThresholds,
};
use dataflow_scale::{Fleet, FleetState, ForecastTrack, Observe, Policy, Prices, Scenario, simulate};
use proptest::prelude::*;

fn constrained(fleet: &Fleet, prices: &Prices, load: &[f64], limits: StepLimits) -> Plan {
    under_limits(fleet, prices, load, &limits, &mut |_| {}).expect("a small fleet")
}

fn replayed(fleet: &Fleet, prices: &Prices, load: &[f64], provisioned: &[u32]) -> f64 {
    let scenario = Scenario { fleet, prices, load, known: load, observe: Observe::Previous, forecast: None };
    simulate(&scenario, &mut Replay(provisioned.to_vec()), None).expect("no forecast to be too short").cost.total()
}

/// Equal up to rounding, which on these sums is far below the difference of two plans.
fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

fn at_most(less: f64, more: f64) -> bool {
    less <= more || close(less, more)
}

/// Whether every tick of a plan is within the fleet's bounds, its cooldown and the limits.
fn is_legal(fleet: &Fleet, limits: StepLimits, provisioned: &[u32]) -> bool {
    let mut state = FleetState::initial(fleet);
    provisioned.iter().all(|&target| {
        state.begin_tick();
        let legal = targets(fleet, limits, &state).contains(&target);
        state.apply(fleet, target);
        legal
    })
}

fn targets(fleet: &Fleet, limits: StepLimits, state: &FleetState) -> std::ops::RangeInclusive<u32> {
    let now = state.provisioned();
    if state.cooldown_left() > 0 {
        return now..=now;
    }
    let fewest = limits.r#in.map_or(0, |most| now.saturating_sub(most)).max(fleet.min_servers);
    let most = limits.out.map_or(u32::MAX, |most| now + most).min(fleet.max_servers);
    fewest..=most
}

/// The least cost of all plans from `state` on: every target of every tick is tried.
fn by_brute_force(fleet: &Fleet, prices: &Prices, load: &[f64], limits: StepLimits, state: &FleetState) -> f64 {
    let Some((&arriving, later)) = load.split_first() else { return 0.0 };
    let mut state = state.clone();
    state.begin_tick();
    let costs = targets(fleet, limits, &state).map(|target| {
        let mut next = state.clone();
        let change = next.apply(fleet, target);
        let (cost, _) = prices.charge(fleet, &next, change, arriving);
        cost.total() + by_brute_force(fleet, prices, later, limits, &next)
    });
    costs.fold(f64::INFINITY, f64::min)
}

/// A world small enough for brute force, full of ties: zero prices, loads that meet a capacity exactly.
fn small_worlds() -> impl Strategy<Value = (Fleet, Prices, Vec<f64>, StepLimits)> {
    let price = || prop_oneof![Just(0.0), Just(0.5), Just(1.0), Just(2.0), 0.0..5.0];
    let fleet = (0u32..4, 0u32..4, 0u32..2, 1u32..4).prop_map(|(startup_ticks, cooldown_ticks, fewest, most)| Fleet {
        capacity: 10.0,
        startup_ticks,
        cooldown_ticks,
        min_servers: fewest,
        max_servers: most,
    });
    let prices = (price(), price(), price()).prop_map(|(server, scale, violation)| Prices {
        server,
        scale,
        violation: violation / 5.0,
    });
    let load = prop::collection::vec(prop_oneof![Just(0.0), Just(10.0), Just(20.0), Just(30.0), 0.0..45.0], 0..8);
    (fleet, prices, load, limits())
}

fn limits() -> impl Strategy<Value = StepLimits> {
    let step = || prop::option::of(0u32..3);
    (step(), step()).prop_map(|(out, r#in)| StepLimits { out, r#in })
}

/// A world of a realistic size.
fn worlds() -> impl Strategy<Value = (Fleet, Prices, Vec<f64>, StepLimits)> {
    let fleet = (1.0..40.0, 0u32..7, 0u32..9, 0u32..4, 0u32..20).prop_map(
        |(capacity, startup_ticks, cooldown_ticks, min_servers, more)| Fleet {
            capacity,
            startup_ticks,
            cooldown_ticks,
            min_servers,
            max_servers: min_servers + more,
        },
    );
    let prices =
        (0.0..1.0, 0.0..3.0, 0.0..0.2).prop_map(|(server, scale, violation)| Prices { server, scale, violation });
    (fleet, prices, loads(), limits())
}

/// Spells of noise and of steady load, long enough to cross the words that the levels are packed in.
fn loads() -> impl Strategy<Value = Vec<f64>> {
    let spell = prop_oneof![
        (0.0..150.0, 1usize..300).prop_map(|(level, ticks)| vec![level; ticks]),
        prop::collection::vec(0.0..150.0, 1..80),
    ];
    prop::collection::vec(spell, 1..6).prop_map(|spells| spells.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn both_optima_equal_brute_force((fleet, prices, load, limits) in small_worlds()) {
        let initial = FleetState::initial(&fleet);
        let free = by_levels(&fleet, &prices, &load);
        let any = Fleet { cooldown_ticks: 0, ..fleet.clone() };
        let least = by_brute_force(&any, &prices, &load, StepLimits::NONE, &initial);
        prop_assert!(close(free.cost, least), "{} by levels, {} by brute force", free.cost, least);
        let plan = constrained(&fleet, &prices, &load, limits);
        let least = by_brute_force(&fleet, &prices, &load, limits, &initial);
        prop_assert!(close(plan.cost, least), "{} under limits, {} by brute force", plan.cost, least);
        prop_assert!(is_legal(&fleet, limits, &plan.provisioned));
        // The programme also answers what the levels answer.
        let unlimited = constrained(&any, &prices, &load, StepLimits { out: Some(9), r#in: Some(9) });
        prop_assert!(close(unlimited.cost, free.cost));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn replaying_a_plan_costs_what_the_optimum_said((fleet, prices, load, limits) in worlds()) {
        let free = by_levels(&fleet, &prices, &load);
        let plan = constrained(&fleet, &prices, &load, limits);
        for plan in [&free, &plan] {
            prop_assert_eq!(plan.provisioned.len(), load.len());
            prop_assert_eq!(plan.cost, replayed(&fleet, &prices, &load, &plan.provisioned));
        }
        let impatient = Fleet { cooldown_ticks: 0, ..fleet.clone() };
        prop_assert!(is_legal(&impatient, StepLimits::NONE, &free.provisioned));
        prop_assert!(is_legal(&fleet, limits, &plan.provisioned));
        prop_assert!(at_most(free.cost, plan.cost));
    }

    #[test]
    fn the_levels_equal_the_programme((fleet, prices, load, _) in worlds()) {
        // Steps as large as the fleet.
        let fleet = Fleet { cooldown_ticks: 0, ..fleet };
        let free = by_levels(&fleet, &prices, &load);
        let plan = constrained(&fleet, &prices, &load, StepLimits { out: Some(99), r#in: Some(99) });
        prop_assert!(close(free.cost, plan.cost), "{} by levels, {} by the programme", free.cost, plan.cost);
    }

    #[test]
    fn no_plan_beats_the_levels_and_no_legal_plan_the_limited_optimum(
        (fleet, prices, load, limits) in worlds(),
        wishes in prop::collection::vec(0u32..30, 1..200),
    ) {
        let free = by_levels(&fleet, &prices, &load);
        let plan = constrained(&fleet, &prices, &load, limits);
        let wild: Vec<u32> = wishes.iter().copied().cycle().take(load.len()).collect();
        prop_assert!(at_most(free.cost, replayed(&fleet, &prices, &load, &wild)));
        let mut state = FleetState::initial(&fleet);
        let tame: Vec<u32> = wild.iter().map(|wish| {
            state.begin_tick();
            let allowed = targets(&fleet, limits, &state);
            let target = (*wish).clamp(*allowed.start(), *allowed.end());
            state.apply(&fleet, target);
            target
        }).collect();
        prop_assert!(at_most(plan.cost, replayed(&fleet, &prices, &load, &tame)));
    }

    #[test]
    fn no_policy_beats_its_bound((fleet, prices, load, _) in worlds(), seed in any::<u64>(), fixed in 0u32..24) {
        let free = by_levels(&fleet, &prices, &load);
        let bound = constrained(&fleet, &prices, &load, StepLimits::default());
        let forecast = random_forecasts(load.len(), seed);
        let hybrid = HybridThresholds { out: 0.75, r#in: 0.40, emergency: 0.90, hysteresis_ticks: 0 };
        for observe in [Observe::Previous, Observe::Current] {
            let forecast = Some(&forecast);
            let scenario = Scenario { fleet: &fleet, prices: &prices, load: &load, known: &load, observe, forecast };
            // The last two neither hold still during the cooldown nor keep to the step limits.
            let policies: [(&mut dyn Policy, f64); 5] = [
                (&mut Reactive(UtilizationThresholds { high: 0.75, low: 0.30 }), bound.cost),
                (&mut Predictive(UtilizationThresholds { high: 0.70, low: 0.35 }), bound.cost),
                (&mut Hybrid::new(hybrid), bound.cost),
                (&mut QuantileBaseStock::new(0.95, seed as u32 % 9), free.cost),
                (&mut Fixed(fixed), free.cost),
            ];
            for (policy, bound) in policies {
                let cost = simulate(&scenario, policy, None).expect("one forecast per tick").cost.total();
                prop_assert!(at_most(bound, cost));
                prop_assert!(at_most(free.cost, cost));
            }
        }
    }

    #[test]
    fn more_choice_never_costs_more((fleet, prices, load, limits) in worlds()) {
        let free = by_levels(&fleet, &prices, &load).cost;
        let cost = constrained(&fleet, &prices, &load, limits).cost;
        let more_servers = Fleet { max_servers: fleet.max_servers + 1, ..fleet.clone() };
        let sooner_ready = Fleet { startup_ticks: fleet.startup_ticks.saturating_sub(1), ..fleet.clone() };
        for wider in [&more_servers, &sooner_ready] {
            prop_assert!(at_most(by_levels(wider, &prices, &load).cost, free));
            prop_assert!(at_most(constrained(wider, &prices, &load, limits).cost, cost));
        }
        let sooner_free = Fleet { cooldown_ticks: fleet.cooldown_ticks.saturating_sub(1), ..fleet.clone() };
        prop_assert!(at_most(constrained(&sooner_free, &prices, &load, limits).cost, cost));
        let out = StepLimits { out: limits.out.map(|most| most + 1), ..limits };
        let r#in = StepLimits { r#in: limits.r#in.map(|most| most + 1), ..limits };
        for wider in [out, r#in] {
            prop_assert!(at_most(constrained(&fleet, &prices, &load, wider).cost, cost));
        }
    }

    #[test]
    fn costs_scale_with_the_prices_and_not_with_the_unit((fleet, prices, load, limits) in worlds(), factor in 0.01..100.0) {
        let costs = |fleet: &Fleet, prices: &Prices, load: &[f64]| {
            [by_levels(fleet, prices, load).cost, constrained(fleet, prices, load, limits).cost]
        };
        let plain = costs(&fleet, &prices, &load);
        let Prices { server, scale, violation } = prices;
        let dearer = Prices { server: server * factor, scale: scale * factor, violation: violation * factor };
        let other_unit: Vec<f64> = load.iter().map(|load| load * factor).collect();
        let finer = Fleet { capacity: fleet.capacity * factor, ..fleet.clone() };
        let per_unit = Prices { violation: violation / factor, ..prices };
        for (plain, (dearer, same)) in plain.into_iter().zip(
            costs(&fleet, &dearer, &load).into_iter().zip(costs(&finer, &per_unit, &other_unit)),
        ) {
            prop_assert!(close(plain * factor, dearer));
            prop_assert!(close(plain, same));
        }
    }
}

/// Forecasts that know nothing, from a linear congruential generator.
fn random_forecasts(ticks: usize, seed: u64) -> ForecastTrack {
    let mut state = seed;
    let mut draw = |most: f64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64 * most
    };
    let mut track = ForecastTrack::default();
    for _ in 0..ticks {
        let mean = draw(150.0);
        track.mean.push(mean);
        track.lower.push(mean - draw(40.0));
        track.upper.push(mean + draw(40.0));
        track.anomaly.push(draw(1.0) > 0.95);
    }
    track
}

const PRICES: Prices = Prices { server: 1.0, scale: 4.0, violation: 0.5 };

fn fleet() -> Fleet {
    Fleet { capacity: 10.0, startup_ticks: 2, cooldown_ticks: 3, min_servers: 1, max_servers: 40 }
}

fn both(fleet: &Fleet, prices: &Prices, load: &[f64]) -> [Plan; 2] {
    [by_levels(fleet, prices, load), constrained(fleet, prices, load, StepLimits::default())]
}

#[test]
fn an_empty_trace_costs_nothing() {
    for plan in both(&fleet(), &PRICES, &[]) {
        assert_eq!(plan, Plan { cost: 0.0, provisioned: vec![] });
    }
}

#[test]
fn one_tick_is_too_short_to_boot() {
    for plan in both(&fleet(), &PRICES, &[30.0]) {
        assert_eq!(plan, Plan { cost: 1.0 + 10.0, provisioned: vec![1] });
    }
}

#[test]
fn no_load_and_no_prices_keep_the_fewest_servers() {
    let free = Prices { server: 0.0, scale: 0.0, violation: 0.0 };
    for plan in [both(&fleet(), &PRICES, &[0.0; 100]), both(&fleet(), &free, &[90.0; 100])].as_flattened() {
        assert_eq!(plan.provisioned, vec![1; 100]);
    }
}

#[test]
fn a_fleet_of_one_size_has_one_plan() {
    let fleet = Fleet { min_servers: 3, max_servers: 3, ..fleet() };
    for plan in both(&fleet, &PRICES, &[50.0; 10]) {
        assert_eq!(plan, Plan { cost: 10.0 * (3.0 + 10.0), provisioned: vec![3; 10] });
    }
}

#[test]
fn a_start_up_or_cooldown_beyond_the_trace_is_no_burden() {
    let never_ready = Fleet { startup_ticks: u32::MAX, ..fleet() };
    for plan in both(&never_ready, &PRICES, &[50.0; 10]) {
        assert_eq!(plan.provisioned, vec![1; 10]);
    }
    let one_change = Fleet { cooldown_ticks: u32::MAX, max_servers: u32::MAX, ..fleet() };
    let plan = constrained(&one_change, &PRICES, &[50.0; 100], StepLimits::default());
    assert_eq!(plan.provisioned, vec![3; 100]);
}

#[test]
fn capacity_met_exactly_needs_no_further_server() {
    let fleet = Fleet { startup_ticks: 0, ..fleet() };
    let [free, _] = both(&fleet, &PRICES, &[30.0; 50]);
    assert_eq!(free.provisioned, vec![3; 50]);
}

#[test]
fn too_little_memory_is_refused_with_what_to_change() {
    let fleet = Fleet { startup_ticks: 60, max_servers: u32::MAX, ..fleet() };
    let load: Vec<f64> = (0..1000).map(|tick| f64::from(tick % 400) * 1e6).collect();
    let refused = under_limits(&fleet, &PRICES, &load, &StepLimits::default(), &mut |_| {}).expect_err("too large");
    assert!(refused.megabytes > 2048);
    assert!(refused.to_string().contains("fewer servers"));
}

/// Servers that boot over many cooldowns, or without any, are as quick to plan as others.
#[test]
fn a_start_up_of_many_cooldowns_is_no_burden() {
    let seconds: Vec<f64> = (0..3600).map(|tick| f64::from(tick % 900) / 20.0).collect();
    let minutes: Vec<f64> = (0..1440).map(|tick| f64::from(tick * 7 % 1000)).collect();
    for (startup_ticks, cooldown_ticks, max_servers, load) in
        [(180, 30, 5, &seconds), (180, 10, 5, &seconds), (10, 0, 100, &minutes)]
    {
        let fleet = Fleet { startup_ticks, cooldown_ticks, max_servers, ..fleet() };
        let [free, plan] = both(&fleet, &PRICES, load);
        assert!(plan.provisioned.iter().max() > Some(&2));
        assert!(is_legal(&fleet, StepLimits::default(), &plan.provisioned));
        assert!(at_most(free.cost, plan.cost));
        assert!(plan.cost < replayed(&fleet, &PRICES, load, &vec![1; load.len()]));
    }
}

#[test]
fn nothing_is_ordered_that_cannot_boot_before_the_end() {
    for startup_ticks in [10, 11] {
        let fleet = Fleet { startup_ticks, cooldown_ticks: 0, max_servers: u32::MAX, ..fleet() };
        for plan in both(&fleet, &PRICES, &[1e9; 10]) {
            assert_eq!(plan.provisioned, vec![1; 10]);
        }
    }
}

#[test]
fn a_plan_is_the_same_on_any_number_of_threads() {
    let load: Vec<f64> =
        (0..3000_u32).map(|tick| f64::from(tick * 7919 % 397) * f64::from(tick % 700) / 700.0).collect();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
        pool.install(|| by_levels(&fleet(), &PRICES, &load))
    };
    let one = on(1);
    assert!(one.provisioned.iter().max() > Some(&16));
    for threads in [2, 5] {
        assert_eq!(one, on(threads));
    }
}

#[test]
fn progress_grows_to_its_end() {
    let load: Vec<f64> = (0..20_000).map(|tick| f64::from(tick % 400)).collect();
    let mut shares = Vec::new();
    under_limits(&fleet(), &PRICES, &load, &StepLimits::default(), &mut |share| shares.push(share))
        .expect("a small fleet");
    assert!(shares.len() > 2 && shares.is_sorted() && shares.iter().all(|share| (0.0..=1.0).contains(share)));
}
