//! Planted episodes are told by their kind, and nothing is said before it can be known.

use dataflow_series::Step;
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

const DAY: usize = 288;

fn settings() -> DetectorSettings {
    DetectorSettings::new(Step::from_seconds(300).unwrap())
}

/// Ten days of five minutes with a wave, in which only what is planted is wrong.
fn days() -> Vec<Option<f64>> {
    let load = |index: usize| {
        let wave = 300.0 - 200.0 * libm::cos(index as f64 / DAY as f64 * std::f64::consts::TAU);
        Some((wave + wave.sqrt() * ((index * 7_919 % 101) as f64 / 50.0 - 1.0)).max(0.0))
    };
    (0..10 * DAY).map(load).collect()
}

/// Scores of a detector that knows what is wrong.
fn watch(loads: &[Option<f64>], alarms: &[Range<usize>]) -> (Vec<Verdict>, Vec<Episode>) {
    let mut watch = Watch::new(&settings(), 0.5);
    let next = |(index, load): (usize, &Option<f64>)| {
        let score = if alarms.iter().any(|alarm| alarm.contains(&index)) { 0.9 } else { 0.1 };
        watch.next(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(300 * index as i64), *load, score)
    };
    let verdicts = loads.iter().enumerate().map(next).collect();
    (verdicts, watch.finish())
}

fn multiplied(mut loads: Vec<Option<f64>>, range: Range<usize>, factor: f64) -> Vec<Option<f64>> {
    loads[range].iter_mut().for_each(|load| *load = load.map(|load| factor * load));
    loads
}

#[test]
fn spikes_and_drops_are_told_with_what_was_expected() {
    let at = 8 * DAY + 140;
    let loads = days();
    for (factor, kind) in [(4.0, Kind::Spike), (0.3, Kind::Drop), (0.0, Kind::Outage)] {
        let alarms = at..at + 2;
        let (verdicts, episodes) =
            watch(&multiplied(loads.clone(), alarms.clone(), factor), std::slice::from_ref(&alarms));
        let [episode] = episodes.as_slice() else { panic!("{episodes:?}") };
        assert_eq!((episode.kind, episode.intervals.clone()), (kind, alarms.clone()));
        assert_eq!((verdicts[at].kind, verdicts[at + 2].kind), (Some(kind), None));
        let (load, expected) = (episode.load.unwrap(), episode.expected.unwrap());
        assert!((load / expected - factor).abs() <= 0.2 * factor, "{load} for {expected}");
    }
}

#[test]
fn a_shift_of_level_begins_as_a_spike_and_is_renamed() {
    let at = 8 * DAY + 30;
    let loads = multiplied(days(), at..at + 100, 2.0);
    let (verdicts, episodes) = watch(&loads, &[at..at + 3, at + 40..at + 41]);
    let [episode] = episodes.as_slice() else { panic!("{episodes:?}") };
    assert_eq!(episode.kind, Kind::LevelShift);
    assert!(episode.intervals.start == at && (at + 95..=at + 100).contains(&episode.intervals.end), "{episode:?}");
    assert_eq!((verdicts[at].kind, verdicts[at + 40].kind), (Some(Kind::Spike), Some(Kind::LevelShift)));
}

#[test]
fn a_shift_within_the_noise_is_told_by_its_length() {
    // Noise as wide as the wave lets half of the loads of a shift look usual.
    let at = 8 * DAY + 30;
    let noisy =
        |(index, load): (usize, Option<f64>)| load.map(|load| load * (0.5 + (index * 7_919 % 97) as f64 / 97.0));
    let loads: Vec<Option<f64>> = days().into_iter().enumerate().map(noisy).collect();
    let shifted = multiplied(loads.clone(), at..at + 100, 2.0);
    let one_alarm = at..at + 1;
    let (_, episodes) = watch(&shifted, std::slice::from_ref(&one_alarm));
    let [episode] = episodes.as_slice() else { panic!("{episodes:?}") };
    assert!(episode.kind == Kind::LevelShift && episode.intervals.len() >= 90, "{episode:?}");
    let (_, episodes) = watch(&multiplied(loads, at..at + 1, 5.0), std::slice::from_ref(&one_alarm));
    assert_eq!(episodes[0].kind, Kind::Spike);
}

#[test]
fn no_load_where_there_usually_is_is_an_outage_even_if_no_detector_says_so() {
    let at = 8 * DAY + 100;
    let loads = multiplied(days(), at..at + 30, 0.0);
    let (verdicts, episodes) = watch(&loads, &[]);
    let [episode] = episodes.as_slice() else { panic!("{episodes:?}") };
    assert_eq!((episode.kind, episode.intervals.clone(), episode.load), (Kind::Outage, at..at + 30, Some(0.0)));
    assert!(episode.expected.unwrap() > 100.0);
    assert_eq!((verdicts[at + 1].kind, verdicts[at + 2].kind), (None, Some(Kind::Outage)));
}

#[test]
fn silence_that_is_usual_is_no_outage() {
    // Every night nothing arrives.
    let loads: Vec<Option<f64>> =
        days().into_iter().enumerate().map(|(index, load)| if index % DAY < 60 { Some(0.0) } else { load }).collect();
    assert_eq!(watch(&loads, &[]).1, []);
}

#[test]
fn gaps_are_missing_data_from_the_first_interval_on() {
    let mut loads = days();
    loads[10..15].fill(None);
    loads[8 * DAY..8 * DAY + 7].fill(None);
    let (verdicts, episodes) = watch(&loads, &[]);
    let kinds: Vec<(Kind, Range<usize>)> =
        episodes.iter().map(|episode| (episode.kind, episode.intervals.clone())).collect();
    assert_eq!(kinds, [(Kind::MissingData, 10..15), (Kind::MissingData, 8 * DAY..8 * DAY + 7)]);
    assert_eq!(verdicts[12].kind, Some(Kind::MissingData));
}

#[test]
fn alarms_of_the_probation_are_none() {
    let probation = 0..DAY;
    let (verdicts, episodes) = watch(&days(), std::slice::from_ref(&probation));
    assert!(episodes.is_empty() && verdicts.iter().all(|verdict| verdict.kind.is_none()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn a_verdict_depends_on_nothing_later_and_episodes_are_in_order(
        loads in prop::collection::vec(prop_oneof![
            6 => (0.0_f64..100.0).prop_map(Some), 2 => Just(Some(0.0)), 1 => Just(None), 1 => Just(Some(f64::MAX)),
        ], 400..600),
        alarms in prop::collection::vec((300_usize..600, 1_usize..20), 0..8),
    ) {
        let alarms: Vec<Range<usize>> = alarms.into_iter().map(|(start, length)| start..start + length).collect();
        let (verdicts, episodes) = watch(&loads, &alarms);
        let (prefix, _) = watch(&loads[..350], &alarms);
        prop_assert_eq!(&verdicts[..350], &prefix[..]);
        for pair in episodes.windows(2) {
            prop_assert!(pair[0].intervals.end <= pair[1].intervals.start, "{:?}", pair);
        }
        prop_assert!(episodes.iter().all(|episode| !episode.intervals.is_empty()));
        prop_assert!(episodes.last().is_none_or(|episode| episode.intervals.end <= loads.len()));
    }
}

#[test]
fn a_job_that_runs_now_and_then_is_silent_in_between_and_missed_where_it_does_not_come() {
    // Half an hour in every four.
    let runs = |index: usize| index % 48 < 6;
    let loads: Vec<Option<f64>> =
        (0..10 * DAY).map(|index| Some(if runs(index) { 900.0 + (index * 7_919 % 101) as f64 } else { 0.0 })).collect();
    let (_, episodes) = watch(&loads, &[]);
    assert!(episodes.is_empty(), "{episodes:?}");
    let begin = 8 * DAY + 6;
    let (_, episodes) = watch(&multiplied(loads, begin..begin + 140, 0.0), &[]);
    assert!(episodes.iter().any(|episode| episode.kind == Kind::Outage), "{episodes:?}");
}
