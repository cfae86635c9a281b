//! The horizontal pod autoscaler as a policy against the same controller asked pod by pod, look by look.

use std::collections::BTreeMap;

use dataflow_scale::policy::Observation;
use dataflow_scale::policy::kubernetes::behavior::{Behavior, RatePolicy, Rules, SelectPolicy, Unit, WrittenRules};
use dataflow_scale::policy::kubernetes::metric::{
    Aim, PodSamples, Proposal, Resource, Tolerance, for_average_value, for_value, from_pods,
};
use dataflow_scale::policy::kubernetes::pods::{Container, Initialization, Phase, Pod, Ready, Sample, Status};
use dataflow_scale::policy::kubernetes::recommendations::RecommendationList;
use dataflow_scale::policy::kubernetes::reconcile::{Controller, FailedMetric, HpaRules};
use dataflow_scale::policy::kubernetes::workload::{CPU_REQUEST, Goal, SimulatedMetric, Source};
use dataflow_scale::policy::kubernetes::{HorizontalPodAutoscaler, Measured};
use dataflow_scale::{Explanation, Fleet, FleetState, Policy};
use proptest::prelude::*;

const CAPACITY: f64 = 100.0;

/// Pods of the fleet one by one: ready ones for long, the others pending.
fn pods(current: i32, ready: i32) -> Vec<Pod> {
    let pod = |index: i32| Pod {
        name: format!("pod-{index}"),
        phase: if index < ready { Phase::Running } else { Phase::Pending },
        is_deleting: false,
        ready: (index < ready).then_some(Ready { status: Status::True, changed: -9_000 }),
        started: Some(-9_000),
        containers: vec![Container { name: "server".to_owned(), request: Some(CPU_REQUEST) }],
        request: None,
    };
    (0..current).map(pod).collect()
}

fn proposal(
    metric: SimulatedMetric,
    load: Option<f64>,
    tolerance: Tolerance,
    pods: &[Pod],
) -> Result<Proposal, FailedMetric> {
    let failed = FailedMetric("failed");
    let load = load.ok_or(failed)?;
    let current = i32::try_from(pods.len()).unwrap();
    let ready = pods.iter().filter(|pod| pod.is_ready()).count();
    let (per_pod, is_cpu) = match metric.source {
        Source::Load { per_load } => {
            let value = (load * per_load) as i64;
            return match metric.goal {
                Goal::Value(target) => Ok(for_value(value, target, tolerance, current, ready as i64)),
                Goal::AverageValue(target) => Ok(for_average_value(value, target, tolerance, current)),
                Goal::Utilization(_) => Err(failed),
            };
        }
        Source::Cpu { per_load, limit } => ((load * per_load / ready as f64).min(limit), true),
        Source::LoadPerPod { per_load } => (load * per_load / ready as f64, false),
    };
    let sample = Sample { value: per_pod as i64, taken: 0, window: 30 };
    let samples: BTreeMap<&str, Sample> =
        pods.iter().filter(|pod| pod.is_ready()).map(|pod| (pod.name.as_str(), sample)).collect();
    let resource = is_cpu.then_some(Resource { name: "cpu", container: None, pod_level: true });
    let known = PodSamples { pods, samples: &samples, resource, initialization: Initialization::default(), now: 0 };
    let aim = match metric.goal {
        Goal::Utilization(percent) => Aim::Utilization(percent),
        Goal::AverageValue(target) | Goal::Value(target) => Aim::AverageValue(target),
    };
    from_pods(&known, aim, tolerance, current).map_err(|_| failed)
}

fn metric() -> impl Strategy<Value = SimulatedMetric> {
    let shown = |source, goal| SimulatedMetric { source, goal, measured: Measured::Load, shown: 1_000.0 };
    let per_load = CPU_REQUEST as f64 / CAPACITY;
    prop_oneof![
        (20_i32..150, 0.5_f64..2.0).prop_map(move |(percent, limit)| {
            shown(Source::Cpu { per_load, limit: limit * CPU_REQUEST as f64 }, Goal::Utilization(percent))
        }),
        (10_i64..150).prop_map(move |target| {
            shown(Source::LoadPerPod { per_load: 1_000.0 }, Goal::AverageValue(target * 1_000))
        }),
        (10_i64..150)
            .prop_map(move |target| shown(Source::Load { per_load: 1_000.0 }, Goal::AverageValue(target * 1_000))),
        (10_i64..999).prop_map(move |target| shown(Source::Load { per_load: 1_000.0 }, Goal::Value(target * 1_000))),
    ]
}

fn rules(direction: fn(WrittenRules) -> Rules) -> impl Strategy<Value = Rules> {
    let unit = prop_oneof![Just(Unit::Pods), Just(Unit::Percent)];
    let policy = (unit, 1_i32..120, 1_i32..200).prop_map(|(unit, value, period_seconds)| RatePolicy {
        unit,
        value: if unit == Unit::Pods { value % 6 + 1 } else { value },
        period_seconds,
    });
    let select =
        prop_oneof![4 => Just(SelectPolicy::Max), 2 => Just(SelectPolicy::Min), 1 => Just(SelectPolicy::Disabled)];
    let window = prop::option::of(0_i32..700);
    let policies = prop::option::of(prop::collection::vec(policy, 1..3));
    let tolerance = prop::option::of(0.0_f64..0.3);
    (window, prop::option::of(select), policies, tolerance).prop_map(move |(window, select, policies, tolerance)| {
        direction(WrittenRules { stabilization_seconds: window, select, policies, tolerance })
    })
}

fn behavior() -> impl Strategy<Value = Option<Behavior>> {
    prop::option::weighted(0.8, (rules(Rules::up), rules(Rules::down)).prop_map(|(up, down)| Behavior { up, down }))
}

proptest! {
    #[test]
    fn hpa_policy_decides_as_the_controller_does_pod_by_pod(
        metrics in prop::collection::vec(metric(), 1..3),
        behavior in behavior(),
        step_seconds in prop_oneof![Just(1_u32), Just(7), Just(15), Just(60), Just(300)],
        (minimum, more) in (0_i32..3, 0_i32..12),
        startup_ticks in 0_u32..6,
        loads in prop::collection::vec((0.0_f64..1_200.0, 1_usize..8), 1..25),
    ) {
        let maximum = minimum.max(1) + more;
        let hpa = HpaRules { behavior, ..HpaRules::new(minimum, maximum) };
        let fleet = Fleet {
            capacity: CAPACITY,
            startup_ticks,
            cooldown_ticks: 0,
            min_servers: minimum.unsigned_abs(),
            max_servers: maximum.unsigned_abs(),
        };
        let mut policy: HorizontalPodAutoscaler =
            HorizontalPodAutoscaler::new(hpa.clone(), metrics.clone(), step_seconds);
        let mut told: HorizontalPodAutoscaler = policy.clone();
        let mut controller = Controller::<RecommendationList>::new();
        let mut state = FleetState::initial(&fleet);
        let known: Vec<f64> = loads.iter().flat_map(|(load, ticks)| std::iter::repeat_n(*load, *ticks)).collect();
        for tick in 0..known.len() {
            state.begin_tick();
            let known_loads = &known[..tick];
            let now = Observation { tick, known_loads, state: &state, fleet: &fleet, forecast: None };
            let decided = policy.decide(&now, &mut Explanation::dropped());
            let mut explanation = Explanation::kept();
            prop_assert_eq!(told.decide(&now, &mut explanation), decided);
            let end = tick as i64 * i64::from(step_seconds);
            let mut current = i32::try_from(state.provisioned()).unwrap();
            for look in (end - i64::from(step_seconds) + 1).max(0)..=end {
                if look % 15 == 0 && (tick > 0 || look == 0) {
                    let ready = current.min(i32::try_from(state.ready()).unwrap());
                    let pods = pods(current, ready);
                    let propose = |index: usize| proposal(metrics[index], known_loads.last().copied(), hpa.tolerance(), &pods);
                    current = controller.reconcile(&hpa, look, current, metrics.len(), propose).replicas;
                }
            }
            prop_assert_eq!(i64::from(decided), i64::from(current), "tick {}", tick);
            if decided != state.provisioned() {
                prop_assert!(!explanation.reasons().is_empty());
            }
            state.apply(&fleet, decided);
        }
    }
}
