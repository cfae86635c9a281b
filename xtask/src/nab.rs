//! `cargo xtask bench nab`: every detector over a folder laid out as the Numenta Anomaly Benchmark is, scored its way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use dataflow_anomaly::DetectorSpec;
use dataflow_anomaly::nab::{Contestant, Corpus, LabelledSeries, Run, Sweep};
use dataflow_series::open_decompressed;

use crate::measure::data_folder;

const ARCHIVE: &str = "nab_part.tar.xz";

/// Totals over the whole benchmark as its own page publishes them: standard, few false alarms, few misses.
const PEERS: [(&str, f64, f64, f64); 7] = [
    ("ARTime", 74.9, 65.2, 80.4),
    ("Numenta HTM", 70.1, 63.1, 74.3),
    ("CAD OSE", 69.9, 67.0, 73.2),
    ("KNN-CAD", 58.0, 43.4, 64.8),
    ("relative entropy", 54.6, 47.6, 58.8),
    ("random cut forest", 51.7, 38.4, 59.8),
    ("windowed Gaussian", 39.7, 20.9, 47.4),
];

/// What `bench nab` is told.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// `nab`: a folder in the benchmark's layout; else the part of it among the real data.
    #[arg(long)]
    data: Option<PathBuf>,
    /// `nab`: how the totals are printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// `nab`: write every detector's scores here, as the benchmark's own scorer reads them.
    #[arg(long)]
    scores_out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
}

#[derive(serde::Serialize)]
struct Report {
    detectors: Vec<Totals>,
}

#[derive(serde::Serialize)]
#[expect(non_snake_case, reason = "the benchmark's own names of its profiles")]
struct Totals {
    detector: &'static str,
    standard: f64,
    reward_low_FP_rate: f64,
    reward_low_FN_rate: f64,
    microseconds_per_value: f64,
    /// At the threshold that the detector chose itself: standard.
    #[serde(skip)]
    unlabelled: f64,
    #[serde(rename = "causal")]
    is_causal: bool,
}

impl Options {
    /// The same as arguments.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let format = self.format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        let paths = [("--data", &self.data), ("--scores-out", &self.scores_out)];
        let paths =
            paths.into_iter().filter_map(|(name, path)| Some([name.to_owned(), path.as_ref()?.display().to_string()]));
        paths.flatten().chain(["--format".to_owned(), format]).collect()
    }
}

/// Scores every detector, and prints the totals.
///
/// # Errors
/// When the data cannot be found or read, or the scores cannot be written.
pub(crate) fn run(options: &Options) -> Result<()> {
    let corpus = match &options.data {
        Some(folder) if folder.is_dir() => Corpus::read(folder)?,
        Some(archive) => unpack(archive)?,
        None => unpack(&data_folder().join(ARCHIVE))?,
    };
    let mut detectors = Vec::new();
    let mut ensemble = None;
    for contestant in Contestant::all() {
        let run = contestant.run(&corpus);
        if let Some(folder) = &options.scores_out {
            write_scores(&corpus, contestant.name(), &run, folder)?;
        }
        detectors.push(totals(&corpus, contestant, &run));
        if contestant == Contestant::Detector(DetectorSpec::Ensemble) {
            ensemble = Some(run);
        }
    }
    print(&corpus, &Report { detectors }, options.format)?;
    if let Some(run) = ensemble.filter(|_| options.format == Format::Table) {
        print_alarms(&corpus, &run);
        print_transfer(&corpus, &run.scores);
    }
    Ok(())
}

fn unpack(path: &Path) -> Result<Corpus> {
    let missing = || {
        let path = path.display();
        format!("{path}: cannot be read; name a folder with --data, or set DATAFLOW_DATA to that of {ARCHIVE}")
    };
    let mut archive = tar::Archive::new(open_decompressed(path).with_context(missing)?);
    let mut files = BTreeMap::new();
    for entry in archive.entries().with_context(missing)? {
        let mut entry = entry.with_context(missing)?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).with_context(missing)?;
        files.insert(name, text);
    }
    Ok(Corpus::from_texts(&files, path)?)
}

fn totals(corpus: &Corpus, contestant: Contestant, run: &Run) -> Totals {
    let best = |name: &str| {
        let profile = corpus.profiles.iter().find(|profile| profile.name == name);
        profile.map_or(f64::NAN, |profile| Sweep::new(corpus, &run.scores, profile).best().1)
    };
    let unlabelled = Sweep::new(corpus, &run.scores, &corpus.profiles[0]).at(run.own_threshold);
    let values: usize = run.scores.iter().map(Vec::len).sum();
    Totals {
        detector: contestant.name(),
        standard: best("standard"),
        reward_low_FP_rate: best("reward_low_FP_rate"),
        reward_low_FN_rate: best("reward_low_FN_rate"),
        microseconds_per_value: run.duration.as_secs_f64() * 1e6 / values.max(1) as f64,
        unlabelled,
        is_causal: contestant.is_causal(),
    }
}

/// `FOLDER/DETECTOR/GROUP/DETECTOR_NAME.csv`, as the benchmark keeps its results.
fn write_scores(corpus: &Corpus, detector: &str, run: &Run, folder: &Path) -> Result<()> {
    for (series, scores) in corpus.series.iter().zip(&run.scores) {
        let (group, name) = series.path.split_once('/').unwrap_or(("", &series.path));
        let group = folder.join(detector).join(group);
        fs::create_dir_all(&group).with_context(|| format!("cannot make {}", group.display()))?;
        let path = group.join(format!("{detector}_{name}"));
        fs::write(&path, series.result_file(scores)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the totals are what the command is for")]
fn print(corpus: &Corpus, report: &Report, format: Format) -> Result<()> {
    if format == Format::Json {
        println!("{}", serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    print_totals(corpus, report);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the totals are what the command is for")]
fn print_totals(corpus: &Corpus, report: &Report) {
    println!(
        "{} series, {} windows; totals from 0 (no alarm) to 100 (perfect)\n",
        corpus.series.len(),
        corpus.windows()
    );
    println!("| detector | standard | reward low FP | reward low FN | own threshold, standard | µs per value |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for row in &report.detectors {
        let ahead = if row.is_causal { "" } else { " (looks ahead)" };
        let Totals { detector, standard, reward_low_FP_rate, reward_low_FN_rate, unlabelled, .. } = row;
        print!("| {detector}{ahead} | {standard:.1} | {reward_low_FP_rate:.1} | {reward_low_FN_rate:.1} ");
        println!("| {unlabelled:.1} | {:.1} |", row.microseconds_per_value);
    }
    for (name, standard, low_false_positives, low_false_negatives) in PEERS {
        print!("| {name} (published, whole benchmark) | {standard:.1} | {low_false_positives:.1} ");
        println!("| {low_false_negatives:.1} | – | – |");
    }
}

#[expect(clippy::print_stdout, reason = "the totals are what the command is for")]
fn print_alarms(corpus: &Corpus, run: &Run) {
    let sweep = Sweep::new(corpus, &run.scores, &corpus.profiles[0]);
    let files = sweep.files_at(run.own_threshold, corpus.series.len());
    let caught: usize = files.iter().map(|file| file.caught).sum();
    let elsewhere: usize = files.iter().map(|file| file.false_positives).sum();
    print!("\nAt its own threshold the ensemble catches {caught} of {} windows ", corpus.windows());
    println!("and raises {elsewhere} alarms elsewhere.");
}

/// How a threshold carries over: each group of series at the one that suits the other groups best.
#[expect(clippy::print_stdout, reason = "the totals are what the command is for")]
fn print_transfer(corpus: &Corpus, scores: &[Vec<f64>]) {
    let group = |series: &LabelledSeries| series.path.split('/').next().unwrap_or_default().to_owned();
    let groups: BTreeSet<String> =
        corpus.series.iter().filter(|series| !series.windows().is_empty()).map(group).collect();
    let sweep = |is_chosen: &dyn Fn(&str) -> bool| {
        let chosen = corpus.series.iter().zip(scores).filter(|(series, _)| is_chosen(&group(series)));
        let (series, scores): (Vec<_>, Vec<_>) =
            chosen.map(|(series, scores)| (series.clone(), scores.clone())).unzip();
        Sweep::new(&Corpus { series, profiles: Vec::new() }, &scores, &corpus.profiles[0])
    };
    println!("\n| group | ensemble, standard, best threshold | at the best threshold of the others |");
    println!("| --- | ---: | ---: |");
    for name in &groups {
        let own = sweep(&|group| group == name);
        let (threshold, _) = sweep(&|group| group != name).best();
        println!("| {name} | {:.1} | {:.1} |", own.best().1, own.at(threshold));
    }
}
