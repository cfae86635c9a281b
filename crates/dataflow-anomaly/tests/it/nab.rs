//! The benchmark's scorer agrees with what the benchmark published.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use dataflow_anomaly::DetectorSpec;
use dataflow_anomaly::nab::{Contestant, Corpus, FileScore, LabelledSeries, Profile, Row, Sweep};
use dataflow_series::open_decompressed;
use proptest::prelude::*;

use super::time;

/// The figures were printed with 12 digits.
const TOLERANCE: f64 = 1e-11;

/// The part of the benchmark among the real data, if that is there.
fn part(test: &str) -> Option<Corpus> {
    let Some(folder) = env::var_os("DATAFLOW_DATA") else {
        eprintln!("SKIPPED {test}: set DATAFLOW_DATA to the folder of the real data");
        return None;
    };
    let path = PathBuf::from(folder).join("nab_part.tar.xz");
    let mut archive = tar::Archive::new(open_decompressed(&path).expect("the archive opens"));
    let mut files = BTreeMap::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("a member");
        let name = entry.path().expect("a name").to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        files.insert(name, text);
    }
    Some(Corpus::from_texts(&files, &path).expect("a corpus"))
}

/// The published scores were read back from result files, which had 12 digits: nearly 1 had become 1.
fn as_written(score: f64) -> f64 {
    format!("{score:.11e}").parse().expect("a number")
}

fn agrees(contestant: Contestant, golden: &str, threshold: f64, test: &str) {
    let Some(corpus) = part(test) else { return };
    let run = contestant.run(&corpus);
    let scores: Vec<Vec<f64>> =
        run.scores.iter().map(|scores| scores.iter().copied().map(as_written).collect()).collect();
    let mut rows = golden.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let profiles: Vec<&str> =
        rows.next().unwrap()[1..].iter().copied().filter(|name| !name.ends_with("positives")).collect();
    let rows: Vec<Vec<&str>> = rows.collect();
    assert_eq!(rows.len(), corpus.series.len());
    for (column, name) in profiles.iter().enumerate() {
        let profile = corpus.profiles.iter().find(|profile| profile.name == *name).expect("a known profile");
        let files = Sweep::new(&corpus, &scores, profile).files_at(threshold, corpus.series.len());
        for ((row, series), file) in rows.iter().zip(&corpus.series).zip(files) {
            assert_eq!(row[0], series.path);
            let figures: Vec<f64> = row[1..].iter().map(|text| text.parse().expect("a figure")).collect();
            let FileScore { score, true_positives, false_positives, .. } = file;
            let counts = [true_positives as f64, false_positives as f64];
            assert_eq!(counts, figures[figures.len() - 2..], "{name} {}", row[0]);
            assert!((score - figures[column]).abs() < TOLERANCE, "{name} {}: {score} {}", row[0], figures[column]);
        }
    }
}

#[test]
fn windowed_gaussian_scores_as_published() {
    let golden = include_str!("../../../../golden/nab/windowedGaussian.csv");
    let contestant = Contestant::Detector(DetectorSpec::WindowedGaussian);
    agrees(contestant, golden, 1.0, "windowed_gaussian_scores_as_published");
}

#[test]
fn relative_entropy_scores_as_published() {
    let golden = include_str!("../../../../golden/nab/relativeEntropy.csv");
    agrees(Contestant::RelativeEntropyToldTheRange, golden, 0.5, "relative_entropy_scores_as_published");
}

#[test]
fn the_ensemble_is_as_good_as_told() {
    let Some(corpus) = part("the_ensemble_is_as_good_as_told") else { return };
    let run = Contestant::Detector(DetectorSpec::Ensemble).run(&corpus);
    let sweep = Sweep::new(&corpus, &run.scores, &corpus.profiles[0]);
    let own = sweep.at(run.own_threshold);
    eprintln!("best {:.1}, at its own threshold {own:.1}", sweep.best().1);
    assert!(sweep.best().1 > 78.0 && own > 77.0);
}

/// Forty rows a minute apart, and a window over rows 20 to 29.
fn small_corpus(folder: &Path) {
    let mut text = "timestamp,value\n".to_owned();
    for minute in 0..40 {
        writeln!(text, "2024-01-01 00:{minute:02}:00,{minute}").unwrap();
    }
    fs::create_dir_all(folder.join("data/group")).unwrap();
    fs::create_dir_all(folder.join("labels")).unwrap();
    fs::write(folder.join("data/group/one.csv"), text).unwrap();
    let windows = r#"{"group/one.csv": [["2024-01-01 00:20:00.000000", "2024-01-01 00:29:00.000000"]],
        "group/elsewhere.csv": [["2024-01-01 00:20:00.000000", "2024-01-01 00:29:00.000000"]]}"#;
    fs::write(folder.join("labels/combined_windows.json"), windows).unwrap();
}

fn total(corpus: &Corpus, alarms: &[usize]) -> f64 {
    let mut scores = vec![0.0; 40];
    for row in alarms {
        scores[*row] = 1.0;
    }
    Sweep::new(corpus, &[scores], &Profile::published()[0]).at(1.0)
}

#[test]
fn alarms_are_worth_what_the_rules_say() {
    let folder = tempfile::tempdir().unwrap();
    small_corpus(folder.path());
    let corpus = Corpus::read(folder.path()).unwrap();
    assert_eq!((corpus.windows(), corpus.series[0].probation()), (1, 6));
    assert_eq!(total(&corpus, &[]), 0.0);
    assert!((total(&corpus, &[20]) - 100.0).abs() < 1e-9, "the first row of a window is perfection");
    assert!(total(&corpus, &[24]) < 100.0 && total(&corpus, &[24]) > total(&corpus, &[29]));
    assert_eq!(total(&corpus, &[24, 25, 29]), total(&corpus, &[24]), "only the first alarm of a window counts");
    assert!((total(&corpus, &[10]) - -5.5).abs() < 1e-9, "a false alarm costs 0.11 of two");
    assert!(total(&corpus, &[30]) > total(&corpus, &[39]), "just behind a window it costs less");
    assert_eq!(total(&corpus, &[0, 5]), 0.0, "the probation does not count");
}

/// As many rows a minute apart as there are scores, with windows over some of them.
fn labelled(count: usize, windows: &[RangeInclusive<usize>]) -> Corpus {
    let row = |index| Row { stamp: String::new(), text: String::new(), time: time(index), value: Some(1.0) };
    let series = LabelledSeries::new("group/one.csv".to_owned(), (0..count).map(row).collect(), windows.to_vec());
    Corpus { series: vec![series], profiles: Profile::published().to_vec() }
}

#[test]
fn windows_count_in_any_order_and_as_one_where_they_share_rows() {
    let (late, early) = (30..=35, 2..=3);
    let one = labelled(40, &[late.clone(), early.clone()]);
    assert_eq!(one, labelled(40, &[early, late]));
    assert!(total(&one, &[30]) > 0.0, "the late window counts, the one within the probation does not");
    for windows in [[10..=35, 2..=3, 12..=13], [10..=20, 20..=35, 2..=3], [1..=35, 2..=3, 2..=99]] {
        let corpus = labelled(40, &windows);
        assert!(corpus.windows() <= 2, "{:?}", corpus.series[0].windows());
        assert!(total(&corpus, &[11]) > total(&corpus, &[30]), "an alarm for both is worth its place in both");
    }
    assert_eq!(labelled(40, &[10..=20, 21..=35]).windows(), 2, "windows side by side are two");
}

proptest! {
    #[test]
    fn any_windows_can_be_scored(
        ends in prop::collection::vec((0_usize..130, 0_usize..130), 0..6),
        scores in prop::collection::vec(0.0_f64..1.0, 0..100),
    ) {
        let windows: Vec<RangeInclusive<usize>> = ends.into_iter().map(|(first, last)| first..=last).collect();
        let corpus = labelled(scores.len(), &windows);
        for profile in &corpus.profiles {
            let sweep = Sweep::new(&corpus, std::slice::from_ref(&scores), profile);
            let (threshold, best) = sweep.best();
            prop_assert!(best.is_finite() && best >= 0.0 && sweep.at(0.5).is_finite());
            let file = sweep.files_at(threshold, 1)[0];
            prop_assert!(file.score.is_finite() && file.caught <= corpus.windows());
        }
    }
}

#[test]
fn all_rows_of_a_repeated_stamp_are_within_a_window() {
    let folder = tempfile::tempdir().unwrap();
    small_corpus(folder.path());
    let path = folder.path().join("data/group/one.csv");
    // The first and the last minute of the window come twice.
    let text = fs::read_to_string(&path).unwrap().replace("00:21:00,", "00:20:00,").replace("00:30:00,", "00:29:00,");
    fs::write(&path, text).unwrap();
    let corpus = Corpus::read(folder.path()).unwrap();
    assert_eq!(corpus.series[0].windows(), [20..=30]);
}

#[test]
fn the_threshold_suits_the_corpus() {
    let folder = tempfile::tempdir().unwrap();
    small_corpus(folder.path());
    let corpus = Corpus::read(folder.path()).unwrap();
    let mut scores = vec![0.1; 40];
    scores[8] = 0.9;
    scores[20] = 0.7;
    let sweep = Sweep::new(&corpus, &[scores], &Profile::published()[0]);
    let (threshold, best) = sweep.best();
    assert_eq!(threshold, 0.7);
    assert!((best - 94.5).abs() < 1e-9 && best == sweep.at(0.7) && best == sweep.at(0.5));
    let silent = Sweep::new(&corpus, &[vec![0.0; 40]], &Profile::published()[0]);
    assert!(silent.best().1 >= 0.0, "no alarm at all is always possible");
}

#[test]
fn a_folder_that_is_no_corpus_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let problem = |folder: &Path| Corpus::read(folder).unwrap_err().to_string();
    assert!(problem(folder.path()).contains("labels/combined_windows.json"));
    let error = Corpus::read(folder.path()).unwrap_err();
    assert!(std::error::Error::source(&error).is_none(), "what the system says is told once: {error}");
    small_corpus(folder.path());
    let path = folder.path().join("data/group/one.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(",7\n", ",seven\n")).unwrap();
    assert!(problem(folder.path()).contains("data/group/one.csv, line 9: expected"), "{}", problem(folder.path()));
    fs::write(&path, text.replace(":20:00", ":20:30")).unwrap();
    assert!(problem(folder.path()).contains("has no rows from 2024-01-01 00:20:00.000000"));
    fs::remove_file(&path).unwrap();
    assert!(problem(folder.path()).contains("no data/GROUP/NAME.csv"));
}

#[test]
fn results_are_in_the_benchmarks_own_format() {
    let folder = tempfile::tempdir().unwrap();
    small_corpus(folder.path());
    let corpus = Corpus::read(folder.path()).unwrap();
    let text = corpus.series[0].result_file(&[0.25; 40]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "timestamp,value,anomaly_score,label");
    assert_eq!(lines[20], "2024-01-01 00:19:00,19,0.25,0");
    assert_eq!(lines[21], "2024-01-01 00:20:00,20,0.25,1");
}
