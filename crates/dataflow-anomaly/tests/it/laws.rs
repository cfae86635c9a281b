//! Nothing sees the future, every score is a score, and the same seed gives the same ones.

use proptest::prelude::*;

use super::*;

/// Loads of every size, values below zero, and missing ones, in runs.
fn loads() -> impl Strategy<Value = Vec<Option<f64>>> {
    let value = prop_oneof![
        8 => (0.0_f64..1e3).prop_map(Some),
        2 => (-1e3_f64..0.0).prop_map(Some),
        2 => Just(Some(0.0)),
        2 => Just(None),
        1 => prop_oneof![Just(1e18), Just(f64::MAX), Just(-f64::MAX), Just(5e-324), Just(1e200)].prop_map(Some),
    ];
    let run = (value, 1_usize..30, 0.0_f64..20.0);
    let runs = prop::collection::vec(run, 20..60);
    runs.prop_map(|runs| {
        let run = |(value, length, spread): (Option<f64>, usize, f64)| {
            (0..length).map(move |index| value.map(|value| (value + spread * (index * 7 % 5) as f64).min(f64::MAX)))
        };
        runs.into_iter().flat_map(run).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_score_depends_on_nothing_later(past in loads(), one in loads(), other in loads()) {
        for spec in DetectorSpec::ALL.iter().copied() {
            let alone = scores(spec, &settings(), &past);
            for future in [&one, &other] {
                let whole: Vec<Option<f64>> = past.iter().chain(future).copied().collect();
                let prefix = &scores(spec, &settings(), &whole)[..past.len()];
                prop_assert_eq!(prefix, &alone[..], "{}", spec);
            }
        }
    }

    #[test]
    fn every_score_lies_from_0_to_1_and_a_missing_value_scores_0(values in loads()) {
        for spec in DetectorSpec::ALL.iter().copied() {
            for (index, score) in scores(spec, &settings(), &values).into_iter().enumerate() {
                prop_assert!((0.0..=1.0).contains(&score), "{}: {} at {}", spec, score, index);
                prop_assert!(values[index].is_some() || score == 0.0, "{}: {} for a missing value", spec, score);
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_scores() {
    let values = days(5, 6);
    for spec in DetectorSpec::ALL.iter().copied() {
        let seeded = |seed| DetectorSettings { seed, ..settings() };
        assert_eq!(scores(spec, &seeded(7), &values), scores(spec, &seeded(7), &values), "{spec}");
    }
}

#[test]
fn names_are_read_back_with_either_dash() {
    for spec in DetectorSpec::ALL.iter().copied() {
        assert_eq!(spec.name().parse(), Ok(spec));
        assert_eq!(spec.name().to_uppercase().replace('-', "_").parse(), Ok(spec));
    }
    let error = "isolaton-forest".parse::<DetectorSpec>().unwrap_err().to_string();
    assert!(error.contains("isolation-forest"), "{error}");
}
