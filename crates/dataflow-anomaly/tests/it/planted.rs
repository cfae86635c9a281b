//! What is planted is found.

use jiff::tz::TimeZone;

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
fn values_below_zero_blind_no_detector() {
    // Days like those of a thermometer around zero; by night and at noon.
    for at in [8 * 288 + 10, 8 * 288 + 140] {
        let values = days(1, 9).into_iter().map(|value| value.map(|value| value - 250.0));
        let mut values: Vec<Option<f64>> = values.collect();
        values[at..at + 3].fill(Some(2_000.0));
        for spec in own() {
            assert!(is_caught(spec, &values, at..at + 3), "{spec} at {at}");
        }
    }
}

#[test]
fn days_follow_the_clocks_where_the_load_arises() {
    // Weeks of Berlin with a steep morning, beyond the change to daylight-saving time on 31 March.
    let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
    let start: Timestamp = "2024-03-11T23:00:00Z".parse().expect("a time");
    let time = |index: usize| start + SignedDuration::from_secs(300 * index as i64);
    let noise = noise(9, 24 * 288);
    let is_day = |index: usize| (8..20).contains(&berlin.to_datetime(time(index)).hour());
    let load =
        |(index, noise): (usize, &Option<f64>)| noise.map(|noise| if is_day(index) { noise } else { noise / 9.0 });
    let loads: Vec<Option<f64>> = noise.iter().enumerate().map(load).collect();
    for spec in [DetectorSpec::SeasonalMad, DetectorSpec::Ensemble] {
        let alarms = |time_zone: &TimeZone| {
            let settings = DetectorSettings { time_zone: time_zone.clone(), ..settings() };
            let mut detector = spec.build(&settings);
            let scores = loads.iter().enumerate().map(|(index, load)| detector.score(time(index), *load));
            let scores: Vec<f64> = scores.collect();
            scores[19 * 288..].iter().filter(|score| **score >= detector.threshold()).count()
        };
        let (local, elsewhere) = (alarms(&berlin), alarms(&TimeZone::UTC));
        assert!(local <= 2 && elsewhere > local, "{spec}: {local} alarms, and {elsewhere} by the clocks of UTC");
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
