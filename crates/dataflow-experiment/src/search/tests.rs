//! Tests of the search: what it finds on functions whose least value is known, by seed, on any number of threads.

use proptest::prelude::*;

use super::*;

fn axis(low: f64, high: f64) -> Axis {
    Axis { low, high, step: None, is_logarithmic: false }
}

/// Searches four parts whose losses add up to `loss`, each of them more on one side.
fn found(space: &Space, start: Vec<f64>, budget: Budget, loss: impl Fn(&[f64]) -> f64 + Sync) -> Found<f64> {
    let run = |values: &[f64], part: usize| Some(loss(values) * (1.0 + 0.1 * part as f64));
    let sum = |results: &[f64]| results.iter().sum::<f64>() / results.len() as f64;
    let problem = Problem { space, parts: 4, run: &run, loss: &sum, progress: &|_| {} };
    search(&problem, &[start], budget).unwrap()
}

/// A narrow valley at an angle to the axes.
fn valley(values: &[f64]) -> f64 {
    let (x, y) = (values[0], values[1]);
    (x + y - 1.1).powi(2) * 25.0 + (x - y + 0.3).powi(2)
}

#[test]
fn a_valley_at_an_angle_is_found() {
    let space = Space::new(vec![axis(0.0, 1.0), axis(0.0, 1.0)]).unwrap();
    for seed in 0..5 {
        let found = found(&space, vec![0.9, 0.1], Budget { evaluations: 300, seed }, valley);
        let best = &found.trials[found.best];
        assert!(best.is_complete());
        assert!(best.loss < 2e-3, "{} at {:?}", best.loss, best.values);
        // Half of the settings are given up after a quarter of the time, half of the others after half of it.
        let whole_runs = found.part_runs as f64 / 4.0;
        assert!(whole_runs < 0.56 * found.trials.len() as f64, "{whole_runs}");
    }
}

#[test]
fn a_box_of_few_whole_numbers_is_searched_to_the_last() {
    let whole = Axis { step: Some(1.0), ..axis(0.0, 5.0) };
    let space = Space::new(vec![whole, whole]).unwrap();
    let loss = |values: &[f64]| (values[0] - 4.0).abs() + (values[1] - 1.0).abs();
    let found = found(&space, vec![0.0, 0.0], Budget { evaluations: 500, seed: 3 }, loss);
    assert_eq!(found.trials[found.best].values, [4.0, 1.0]);
    assert!(found.trials.len() <= 36, "{}", found.trials.len());
}

#[test]
fn what_is_not_allowed_is_never_chosen() {
    let space = Space::new(vec![axis(0.0, 1.0)]).unwrap();
    let run = |values: &[f64], _: usize| (values[0] < 0.5).then_some(-values[0]);
    let problem = Problem { space: &space, parts: 2, run: &run, loss: &|results| results[0], progress: &|_| {} };
    let found = search(&problem, &[vec![0.1]], Budget { evaluations: 100, seed: 0 }).unwrap();
    let best = found.trials[found.best].values[0];
    assert!((0.45..0.5).contains(&best), "{best}");
    assert_eq!(search(&problem, &[], Budget { evaluations: 1, seed: 0 }), Err(NothingToStartFrom));
}

#[test]
fn the_same_is_found_on_any_number_of_threads() {
    let space = Space::new(vec![axis(0.0, 1.0), axis(0.0, 2.0)]).unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| found(&space, vec![0.2, 0.2], Budget { evaluations: 120, seed: 9 }, valley))
    };
    assert_eq!(on(1), on(3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_found_is_at_most_what_was_given(
        start in prop::collection::vec(-1.0..1.0f64, 3),
        seed: u64,
        evaluations in 1usize..90,
        frequency in 1.0..20.0f64,
    ) {
        let space = Space::new(vec![axis(-1.0, 1.0); 3]).unwrap();
        let loss = |values: &[f64]| values.iter().map(|x| x * x - (frequency * x).cos()).sum::<f64>() + 9.0;
        let found = found(&space, start.clone(), Budget { evaluations, seed }, loss);
        prop_assert_eq!(&found.trials[0].values, &start);
        prop_assert!(found.trials[found.best].loss <= found.trials[0].loss);
        prop_assert!(found.trials.len() <= evaluations.max(1));
    }
}
