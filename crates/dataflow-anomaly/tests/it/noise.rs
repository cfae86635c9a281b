//! On noise in which nothing is wrong, alarms are as rare as promised.

use super::*;

/// The share of values that a detector promises to take for anomalies where there are none.
fn nominal(spec: DetectorSpec) -> f64 {
    match spec {
        DetectorSpec::ZScore => 0.0027,
        DetectorSpec::IsolationForest => 0.05,
        // Its alarms become rarer with time.
        DetectorSpec::Ensemble => 0.000_5,
        // Its published threshold is 8.3 deviations.
        DetectorSpec::WindowedGaussian => 0.0,
        _ => 0.001,
    }
}

#[test]
fn false_alarms_on_noise_are_as_rare_as_promised() {
    const VALUES: usize = 12_000;
    for spec in DetectorSpec::ALL.iter().copied() {
        let settings = settings();
        let mut alarms = 0;
        let mut counted = 0;
        for seed in 0..2 {
            let threshold = spec.build(&settings).threshold();
            let scores = scores(spec, &settings, &noise(seed, VALUES));
            counted += VALUES - 1_000;
            alarms += scores[1_000..].iter().filter(|score| **score >= threshold).count();
        }
        let expected = nominal(spec) * counted as f64;
        // Neighbouring scores hang together, so their number varies more than that of independent ones.
        eprintln!("{spec}: {alarms} alarms, {expected:.0} promised");
        assert!((alarms as f64) < 2.5 * expected + 5.0, "{spec}: {alarms} alarms, {expected:.0} promised");
        assert!(alarms as f64 > 0.3 * expected - 5.0, "{spec}: {alarms} alarms, {expected:.0} promised");
    }
}
