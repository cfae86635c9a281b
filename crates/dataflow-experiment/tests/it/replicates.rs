//! Laws of replicates: what is the same stays the same, intervals hold what they should, and threads change nothing.

use dataflow_experiment::{
    Contestant, Replicate, ReplicateError, Replication, Resampling, Spread, Testbed, chance_less, replicate,
};
use dataflow_scale::spec::{Configuration, PolicySpec, Settings};
use dataflow_series::{Fill, Step};
use proptest::prelude::*;

use crate::traffic::testbed;

fn settings() -> Settings {
    Configuration::default().settings().clone()
}

fn contestants(policies: &[PolicySpec]) -> Vec<Contestant> {
    policies.iter().map(|policy| Contestant { policy: policy.clone(), settings: settings() }).collect()
}

fn replication(count: usize, resampling: Resampling, startup_spread: f64, seed: u64) -> Replication {
    Replication { count, resampling, startup_spread, seed, fill: Fill::Seasonal }
}

fn run(testbed: &Testbed, policies: &[PolicySpec], replication: &Replication) -> Vec<Vec<Replicate>> {
    replicate(testbed, &contestants(policies), replication, &|| {}).expect("replicates")
}

/// Quarters of an hour with a daily wave, noise by formula, and a gap.
fn waves(days: usize) -> Vec<Option<f64>> {
    let load = |tick: usize| {
        let wave = 1.5 + (tick as f64 / 96.0 * std::f64::consts::TAU).sin();
        let noise = ((tick * 7_919) % 1_009) as f64 / 1_009.0;
        1.5e7 * (wave + 0.5 * noise)
    };
    (0..96 * days).map(|tick| (tick % 500 != 77).then(|| load(tick))).collect()
}

fn quarter() -> Step {
    Step::from_seconds(900).expect("a step")
}

const KINDS: [Resampling; 2] = [Resampling::Blocks, Resampling::Noise];

#[test]
fn the_same_policy_twice_meets_the_same_fate() {
    let testbed = testbed(quarter(), &waves(10), 96);
    for kind in KINDS {
        let rows = run(
            &testbed,
            &[PolicySpec::Reactive, PolicySpec::Hybrid, PolicySpec::Reactive],
            &replication(6, kind, 0.5, 1),
        );
        assert!(rows.iter().all(|row| row[0] == row[2]));
        assert_eq!(chance_less(rows.iter().map(|row| (row[0].outcome.cost.total(), row[2].outcome.cost.total()))), 0.5);
        let spread = Spread::of(rows.iter().map(|row| row[0].outcome.cost.total()));
        assert!(spread.low < spread.high, "replicates do not differ: {spread:?}");
    }
}

#[test]
fn nothing_beats_the_optimum_of_its_own_replicate() {
    let testbed = testbed(quarter(), &waves(8), 96);
    for kind in KINDS {
        for row in run(&testbed, &PolicySpec::DEFAULT, &replication(4, kind, 0.6, 3)) {
            for Replicate { outcome, bound } in row {
                assert!(outcome.cost.total() >= bound - 1e-9, "{outcome:?} {bound}");
            }
        }
    }
}

#[test]
fn a_constant_trace_leaves_nothing_uncertain() {
    let testbed = testbed(quarter(), &vec![Some(4.2e7); 96 * 6], 0);
    for kind in KINDS {
        let rows = run(&testbed, &[PolicySpec::Reactive, PolicySpec::Quantile], &replication(5, kind, 0.0, 9));
        for contestant in 0..2 {
            let Spread { mean, low, high } = Spread::of(rows.iter().map(|row| row[contestant].outcome.cost.total()));
            assert!(low == high && mean == low, "{kind:?}: {low} to {high}");
        }
    }
}

#[test]
fn threads_change_nothing_and_the_seed_does() {
    let testbed = testbed(quarter(), &waves(7), 50);
    let of = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| run(&testbed, &[PolicySpec::Hybrid], &replication(5, Resampling::Blocks, 0.3, seed)))
    };
    assert_eq!(of(1, 4), of(2, 4));
    assert_ne!(of(2, 4), of(2, 5));
}

#[test]
fn fewer_replicates_are_the_first_of_more() {
    let testbed = testbed(quarter(), &waves(7), 0);
    let of = |count| run(&testbed, &[PolicySpec::Reactive], &replication(count, Resampling::Blocks, 0.3, 4));
    assert_eq!(of(3), of(6)[..3]);
}

#[test]
fn too_few_days_are_refused_and_noise_needs_none() {
    let short = testbed(quarter(), &waves(3), 96);
    let asked = |kind| replicate(&short, &contestants(&[PolicySpec::Reactive]), &replication(2, kind, 0.0, 1), &|| {});
    assert!(matches!(asked(Resampling::Blocks), Err(ReplicateError::FewDays { found: 1 })));
    assert_eq!(asked(Resampling::Noise).expect("noise").len(), 2);
    let weekly = testbed(Step::WEEK, &[Some(1.0); 30], 0);
    let refused =
        replicate(&weekly, &contestants(&[PolicySpec::Reactive]), &replication(2, Resampling::Blocks, 0.0, 1), &|| {});
    assert!(matches!(refused, Err(ReplicateError::LongIntervals(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Days of independent heights, whose mean is known: the interval of what a fixed server drops must hold what it drops
    /// in expectation about as often as it says.
    #[test]
    fn intervals_of_blocks_hold_the_truth_about_as_often_as_they_say(seed in 0u64..1_000) {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut settings = settings();
        settings.max_servers = 1;
        settings.min_servers = 1;
        let (days, traces) = (35, 60);
        let step = Step::from_seconds(6 * 3_600).expect("a step");
        let capacity = settings.fleet(step).capacity;
        let contestant = [Contestant { policy: PolicySpec::Fixed(Some(1)), settings }];
        let mut held = 0;
        for trace in 0..traces {
            // Starts at midnight of its zone, four quarters of a day of one height: drops 4 · height, half a capacity on
            // average.
            let loads: Vec<Option<f64>> =
                (0..days).flat_map(|_| [Some(capacity * (1.0 + uniform())); 4]).collect();
            let expected = 4.0 * f64::from(days) * capacity * 0.5;
            let testbed = testbed(step, &loads, 0);
            let rows = replicate(&testbed, &contestant, &replication(200, Resampling::Blocks, 0.0, trace), &|| {});
            let spread = Spread::of(rows.expect("replicates").iter().map(|row| row[0].outcome.dropped));
            held += i32::from(spread.low <= expected && expected <= spread.high);
        }
        // 95% are 57 of 60; few days of each weekday make intervals a little too narrow.
        prop_assert!((46..=60).contains(&held), "{held} of {traces} intervals hold the truth");
    }
}
