//! `dataflow detect`: which loads of a trace are not as those before them, what kind of trouble that is, and, where
//! labels are given, how good the detector was.

mod labels;
mod render;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::Args;
use dataflow_anomaly::{Detector, DetectorSettings, DetectorSpec, Episode, Kind, Verdict, Watch};
use dataflow_series::Observed;
use dataflow_series::source::write_file;
use jiff::tz::TimeZone;

use super::{note_built_in_trace, on_threads};
use crate::arguments::{SettingsArguments, TraceArguments};
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::plot;
use crate::progress::Progress;
use crate::quantity::count;
use crate::staging::Staging;
use crate::world::Seen;

/// The list of detectors as `--help` shows it.
static DETECTORS: LazyLock<String> = LazyLock::new(|| {
    let mut text = format!("What judges the loads [default: {DEFAULT_DETECTOR}]\n");
    for detector in DetectorSpec::ALL {
        let _ = write!(text, "\n{}: {}", detector.name(), detector.description());
    }
    text
});
/// What is used where none is named.
const DEFAULT_DETECTOR: DetectorSpec = DetectorSpec::Ensemble;
/// With fewer intervals nothing can be said to be unusual.
const LEAST_INTERVALS: usize = 50;
/// This share of a trace is for learning, at most a day of it.
const PROBATION_SHARE: f64 = 0.15;

/// Find anomalies in a trace: spikes, drops, level shifts, outages and missing data
///
/// Every load is scored from 0 (as usual) to 1, from what came before it alone, as a live system could. Scores from the
/// threshold on are alarms, and alarms next to each other are one episode with a kind, beside the load that was expected.
/// The first 15% of a trace, at most a day, are for learning and raise no alarm.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dataflow detect access.log.gz --interval 5m\n  \
    dataflow detect traffic.csv --detector seasonal-mad --plot anomalies.svg -o scores.csv\n  \
    dataflow detect traffic.csv --labels windows.json --format json")]
pub(crate) struct DetectArguments {
    #[command(flatten)]
    trace: TraceArguments,
    /// What judges the loads
    #[arg(long, value_name = "NAME", default_value_t = DEFAULT_DETECTOR, hide_default_value = true, long_help = DETECTORS.as_str(), help_heading = "Detection")]
    detector: DetectorSpec,
    /// Scores from here on are alarms [default: the detector's own, chosen without labels]
    #[arg(long, value_name = "SCORE", value_parser = threshold, allow_hyphen_values = true, help_heading = "Detection")]
    threshold: Option<f64>,
    /// Learn from the whole trace before scoring it, as detectors in batch use do: scores then know the future
    #[arg(long, help_heading = "Detection")]
    batch: bool,
    /// Score the detector by the rules of the Numenta Anomaly Benchmark: windows of true anomalies, as JSON
    /// ([[START, END], …], or by file as the benchmark has them) or CSV (start,end)
    #[arg(long, value_name = "FILE", help_heading = "Detection")]
    labels: Option<PathBuf>,
    /// Write every interval with its load, expected load, score and kind, as CSV
    #[arg(long = "scores", short = 'o', value_name = "FILE", help_heading = "Results")]
    scores: Option<PathBuf>,
    /// Draw the load with its anomalies, and the scores, as .svg or .png
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArguments,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Results")]
    format: Format,
}

/// What was found in a trace.
pub(crate) struct Detection {
    pub(crate) source: String,
    pub(crate) time_zone: TimeZone,
    /// The load of the window.
    pub(crate) load: Observed,
    pub(crate) detector: DetectorSpec,
    pub(crate) knows_future: bool,
    pub(crate) threshold: f64,
    /// The first intervals, which are for learning.
    pub(crate) probation: usize,
    /// The score of every interval.
    pub(crate) scores: Vec<f64>,
    /// What could be said of every interval at its time.
    pub(crate) verdicts: Vec<Verdict>,
    /// In order of time.
    pub(crate) episodes: Vec<Episode>,
    /// The benchmark's scores at the threshold, where labels were given.
    nab: Option<Nab>,
}

/// The normalised scores of the benchmark's three profiles: 0 for no alarm at all, 100 for perfection.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[expect(non_snake_case, reason = "the benchmark's own names")]
struct Nab {
    standard: f64,
    reward_low_FP_rate: f64,
    reward_low_FN_rate: f64,
}

pub(crate) fn run(arguments: &DetectArguments, quiet: bool) -> Result<(), Failure> {
    let progress = Progress::new(quiet);
    let mut staging = Staging::default();
    let scores = arguments.scores.as_deref().map(|target| staging.file(target)).transpose()?;
    if let Some(path) = &arguments.plot {
        plot::Form::of(path)?;
    }
    let plot = arguments.plot.as_deref().map(|target| staging.file(target)).transpose()?;
    note_built_in_trace(&arguments.trace.trace, "detect", quiet);
    let (detection, notes) = on_threads(arguments.settings.threads, || {
        let seen = Seen::open(&arguments.trace, &arguments.settings, Vec::new(), &progress, quiet)?;
        detect(seen, arguments, &progress)
    })?;
    drop(progress);
    for note in notes.iter().filter(|_| !quiet) {
        output::note(note);
    }
    if let Some(path) = scores {
        write_scores(&detection, &path)?;
    }
    if let Some(path) = plot {
        plot::write_anomalies(&detection, &path)?;
    }
    staging.commit()?;
    output::print(&match arguments.format {
        Format::Json => render::json(&detection),
        Format::Csv => render::csv(&detection),
        format => render::page(&detection, format == Format::Markdown),
    })
}

/// Scores the trace and makes episodes of its alarms; with what the user should know.
fn detect(seen: Seen, arguments: &DetectArguments, progress: &Progress) -> Result<(Detection, Vec<String>), Failure> {
    let Seen { source, load, first, time_zone, configuration, mut notes } = seen;
    if load.len() < LEAST_INTERVALS {
        return Err(Failure::Input(format!(
            "{source}: {} intervals of {} are too few to tell what is usual; expected at least {LEAST_INTERVALS}: give a \
             longer trace or a shorter --interval",
            load.len(),
            load.step()
        )));
    }
    let usual = DetectorSettings::new(load.step());
    let probation = usual.probation.min((PROBATION_SHARE * load.len() as f64) as usize);
    let settings = DetectorSettings {
        time_zone: time_zone.clone(),
        probation,
        seed: configuration.settings().random_seed,
        ..usual
    };
    let spec = arguments.detector;
    let mut detector = if arguments.batch { in_batch(spec, &load, &settings)? } else { spec.build(&settings) };
    let threshold = arguments.threshold.unwrap_or_else(|| detector.threshold());
    let (scores, verdicts, episodes) = go_along(&load, detector.as_mut(), &settings, threshold, progress);

    let shown = load.window(load.time(first)..load.end());
    let shown = shown.map_err(|error| Failure::Input(format!("{source}: {error}")))?;
    let within = |episode: Episode| {
        let intervals = episode.intervals.start.saturating_sub(first)..episode.intervals.end.saturating_sub(first);
        (!intervals.is_empty()).then_some(Episode { intervals, ..episode })
    };
    let mut detection = Detection {
        source,
        time_zone,
        load: shown,
        detector: spec,
        knows_future: arguments.batch,
        threshold,
        probation: probation.saturating_sub(first),
        scores: scores[first..].to_vec(),
        verdicts: verdicts[first..].to_vec(),
        episodes: episodes.into_iter().filter_map(within).collect(),
        nab: None,
    };
    if let Some(path) = &arguments.labels {
        let (windows, note) = labels::read(path, &detection)?;
        detection.nab = Some(labels::score(&detection, windows));
        notes.extend(note);
    }
    if arguments.batch {
        notes.push(format!("{spec} has learnt from the whole trace: a live system could not have these scores"));
    }
    Ok((detection, notes))
}

fn in_batch(spec: DetectorSpec, load: &Observed, settings: &DetectorSettings) -> Result<Box<dyn Detector>, Failure> {
    let is_batch = |spec: &&DetectorSpec| spec.learns_in_batch();
    spec.build_on(load, settings).ok_or_else(|| {
        let others: Vec<&str> = DetectorSpec::ALL.iter().filter(is_batch).map(|spec| spec.name()).collect();
        Failure::Input(format!(
            "--batch: {spec} scores a whole trace as it scores a stream; leave --batch away, or use it with --detector {}",
            others.join(" or ")
        ))
    })
}

/// Scores, verdicts and episodes of a whole load.
fn go_along(
    load: &Observed,
    detector: &mut dyn Detector,
    settings: &DetectorSettings,
    threshold: f64,
    progress: &Progress,
) -> (Vec<f64>, Vec<Verdict>, Vec<Episode>) {
    const TELL_EVERY: usize = 1_024;
    let bar = progress.share("detecting");
    let mut watch = Watch::new(settings, threshold);
    let mut scores = Vec::with_capacity(load.len());
    let mut verdicts = Vec::with_capacity(load.len());
    for (index, value) in load.values().enumerate() {
        let time = load.time(index);
        let score = detector.score(time, value);
        verdicts.push(watch.next(time, value, score));
        scores.push(score);
        if index % TELL_EVERY == 0 {
            bar.set(index as f64 / load.len() as f64);
        }
    }
    (scores, verdicts, watch.finish())
}

/// Every interval as CSV, floats in the shortest form that reads back the same; what is missing or not known is empty.
fn write_scores(detection: &Detection, path: &Path) -> Result<(), Failure> {
    let mut text = String::from("time,load,expected,score,kind\n");
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for (index, (load, (score, verdict))) in
        detection.load.values().zip(detection.scores.iter().zip(&detection.verdicts)).enumerate()
    {
        let kind = verdict.kind.map_or("", Kind::name);
        let _ = writeln!(
            text,
            "{},{},{},{},{kind}",
            detection.load.time(index),
            number(load),
            number(verdict.expected),
            number(load.map(|_| *score)),
        );
    }
    write_file(path, |file| file.write_all(text.as_bytes())).map_err(|error| Failure::Work(error.to_string()))
}

impl Detection {
    /// What was found, in a sentence.
    pub(crate) fn headline(&self) -> String {
        let kinds = Kind::ALL.into_iter().filter_map(|kind| {
            let episodes = self.episodes.iter().filter(|episode| episode.kind == kind).count();
            let plural = if episodes == 1 || kind == Kind::MissingData { "" } else { "s" };
            (episodes > 0).then(|| format!("{} {kind}{plural}", count(episodes)))
        });
        let kinds: Vec<String> = kinds.collect();
        match self.episodes.len() {
            0 => format!("{} finds nothing unusual.", self.detector),
            1 => format!("{} finds 1 episode: {}.", self.detector, kinds.join(", ")),
            episodes => format!("{} finds {} episodes: {}.", self.detector, count(episodes), kinds.join(", ")),
        }
    }
}

fn threshold(text: &str) -> Result<f64, String> {
    let wrong = || "expected a number above 0 and at most 1, such as 0.5".to_owned();
    text.parse().ok().filter(|threshold| *threshold > 0.0 && *threshold <= 1.0).ok_or_else(wrong)
}
