//! Evaluations of a week of minutes under other settings, as tuning makes them: on all threads, forecasts made once.
//!
//! `cargo bench -p dataflow-experiment --bench evaluations`; the target on two cores is 100,000 a minute, which is a
//! batch of 100 in 60 ms, and 10,000 cells of a day with their optima in 2 s. `cargo xtask bench floors` fails where
//! twice as long is not enough.

use dataflow_experiment::Testbed;
use dataflow_experiment::search::Budget;
use dataflow_experiment::tune::{Setup, tuned};
use dataflow_scale::spec::{Configuration, PolicySpec};
use rayon::prelude::*;

mod week;

fn main() {
    divan::main();
}

fn policy(name: &str) -> PolicySpec {
    PolicySpec::resolve(name, &mut |_| Err("no file is read here".to_owned())).expect("the name of a policy")
}

/// A hundred settings, each a little different, each over the whole week.
#[divan::bench(args = ["reactive", "quantile", "hybrid", "hpa"])]
fn a_hundred_evaluations_of_a_week(bencher: divan::Bencher<'_, '_>, name: &str) {
    let (testbed, policy) = (week::testbed(), policy(name));
    let settings = Configuration::default().settings().clone();
    bencher.bench(|| evaluate(&testbed, &policy, &settings));
}

/// With the search that proposes them: most are given up after a part of the week.
#[divan::bench(args = ["reactive", "quantile", "hpa"], sample_count = 5, sample_size = 1)]
fn a_tuning_of_1000_evaluations(bencher: divan::Bencher<'_, '_>, name: &str) {
    let testbed = week::testbed();
    let setup = Setup { policy: policy(name), settings: Configuration::default().settings().clone() };
    bencher.bench(|| tuned(&testbed, &setup, Budget { evaluations: 1_000, seed: 1 }).map(|tuned| tuned.whole_runs));
}

fn evaluate(testbed: &Testbed, policy: &PolicySpec, settings: &dataflow_scale::spec::Settings) -> f64 {
    let parameters = policy.parameters(settings);
    let costs = (0..100).into_par_iter().map(|index| {
        let mut settings = settings.clone();
        let mut policy = policy.clone();
        for parameter in &parameters {
            let value = parameter.value * (1.0 + 0.001 * f64::from(index));
            policy.adjust(&mut settings, &parameter.name, value.clamp(parameter.low, parameter.high));
        }
        testbed.run(&policy, &settings).map_or(f64::NAN, |outcome| outcome.cost.total())
    });
    costs.sum()
}
