//! What is planted is found.

use super::*;

/// Two detectors as others published them, thresholds too: the one knows no hours, the other no single values.
const PUBLISHED: [DetectorSpec; 2] = [DetectorSpec::WindowedGaussian, DetectorSpec::RelativeEntropy];

fn own() -> impl Iterator<Item = DetectorSpec> {
    DetectorSpec::ALL.iter().copied().filter(|spec| !PUBLISHED.contains(spec))
}

/// Whether there is an alarm within a stretch of the values.
fn is_caught(spec: DetectorSpec, values: &[Option<f64>], within: std::ops::Range<usize>) -> bool {
    let threshold = spec.build(&settings()).threshold();
    let scores = scores(spec, &settings(), values);
    scores[within].iter().any(|score| *score >= threshold)
}

#[test]
fn every_detector_catches_a_spike() {
    let mut values = days(1, 9);
    let at = 8 * 288 + 140;
    values[at] = values[at].map(|value| 4.0 * value);
    for spec in own() {
        assert!(is_caught(spec, &values, at..at + 3), "{spec}");
    }
}

#[test]
fn detectors_suited_to_it_catch_an_outage_at_noon() {
    let mut values = days(2, 9);
    let at = 8 * 288 + 140;
    values[at..at + 12].fill(Some(0.0));
    // At night a load is nearly as low, and that is all that the z-score knows.
    for spec in own().filter(|spec| *spec != DetectorSpec::ZScore) {
        assert!(is_caught(spec, &values, at..at + 12), "{spec}");
    }
}

#[test]
fn detectors_suited_to_it_catch_a_level_shift() {
    let mut values = days(3, 10);
    let at = 9 * 288;
    values[at..].iter_mut().for_each(|value| *value = value.map(|value| 3.0 * value));
    for spec in [DetectorSpec::SeasonalMad, DetectorSpec::MatrixProfile, DetectorSpec::HalfSpaceTrees] {
        assert!(is_caught(spec, &values, at..at + 100), "{spec}");
    }
}
