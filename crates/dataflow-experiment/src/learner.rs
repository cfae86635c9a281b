//! Policies that learn their numbers while the trace goes on: tuned on what is known, again and again, and judged on what
//! comes.

use dataflow_scale::policy::{Policy, Relay};
use dataflow_scale::spec::{PolicySpec, Settings};

use crate::search::Budget;
use crate::testbed::{ExperimentError, Testbed};
use crate::tune::{Setup, TuneError, tuned};

/// Different settings tried whenever a policy learns.
const EVALUATIONS: usize = 160;
/// Less past than this teaches nothing: a day and a night.
const SECONDS_NEEDED: u64 = 86_400;
/// More past than this is not looked at: traffic changes, and the search would take ever longer.
const SECONDS_LOOKED_AT: u64 = 56 * 86_400;

/// The policy with numbers learnt from the past alone: before the first judged tick where a day came before it, and again
/// whenever the past has doubled since. Until it has learnt for the first time it plays by its settings.
///
/// # Errors
/// When the forecasts that it needs cannot be made.
pub(crate) fn learning(
    testbed: &Testbed,
    base: &PolicySpec,
    settings: &Settings,
) -> Result<Box<dyn Policy>, ExperimentError> {
    let step = testbed.step();
    let of_seconds = |seconds: u64| (seconds / u64::from(step.seconds())).max(1) as usize;
    let (first, ticks) = (testbed.judged().first, testbed.judged().load.len());
    let mut legs = Vec::new();
    let mut setup = Setup { policy: base.clone(), settings: settings.clone() };
    let day = of_seconds(SECONDS_NEEDED);
    if first < day {
        legs.push((0, base.build(settings, step, &[])));
    }
    let mut known = first.max(day);
    while known < first + ticks {
        // The load of the tick before the decision is the newest that a controller can know.
        let past = testbed.as_known().part(known.saturating_sub(of_seconds(SECONDS_LOOKED_AT))..known - 1);
        match tuned(&past, &setup, Budget { evaluations: EVALUATIONS, seed: settings.random_seed }) {
            Ok(found) => setup = found.setup,
            Err(TuneError::Experiment(error)) => return Err(error),
            // A past too short, or a policy without numbers: it plays on as it is.
            Err(TuneError::Space(_) | TuneError::TooShort { .. }) => {}
        }
        legs.push((known - first, setup.policy.build(&setup.settings, step, &[])));
        known *= 2;
    }
    Ok(Box::new(Relay::new(legs)))
}

#[cfg(test)]
mod tests {
    use dataflow_scale::spec::Configuration;

    use super::*;
    use crate::testbed::tests::testbed_of;

    fn waves(ticks: usize, changed_from: usize) -> Vec<f64> {
        let wave = |tick: usize| {
            let day = (tick as f64 / 1_440.0 * std::f64::consts::TAU).sin();
            let wave = 2.4e6 + 1.8e6 * day + 4e5 * (tick * 7 % 5) as f64;
            if tick < changed_from { wave } else { 5e6 - wave / 2.0 }
        };
        (0..ticks).map(wave).collect()
    }

    #[test]
    fn what_is_learnt_does_not_depend_on_what_comes_later() {
        let settings = Configuration::default().settings().clone();
        let policy = PolicySpec::Tuned(Box::new(PolicySpec::Reactive));
        let changed = 4_000;
        let (_, one) = testbed_of(&waves(4_400, 9_999)).record(&policy, &settings).unwrap();
        let (_, other) = testbed_of(&waves(4_400, changed)).record(&policy, &settings).unwrap();
        assert_eq!(one.provisioned[..=changed], other.provisioned[..=changed]);
        assert_ne!(one.provisioned[changed..], other.provisioned[changed..]);
    }

    #[test]
    fn learning_from_the_time_before_the_window_pays() {
        let settings = Configuration::default().settings().clone();
        let testbed = testbed_of(&waves(5 * 1_440, 99_999)).part(4 * 1_440..5 * 1_440);
        let cost = |policy: &PolicySpec| testbed.run(policy, &settings).unwrap().cost.total();
        let tuned = cost(&PolicySpec::Tuned(Box::new(PolicySpec::Reactive)));
        assert!(tuned < cost(&PolicySpec::Reactive), "{tuned}");
        assert!(tuned >= testbed.bound(&settings));
    }
}
