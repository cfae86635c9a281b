//! `dataflow compare`: every policy and the optimum on one trace.

mod columns;

use std::path::{Path, PathBuf};

use clap::Args;
use dataflow_remote::shown_word;

use super::{note_built_in_trace, on_threads};
use crate::arguments::{KnowledgeArguments, SettingsArguments, TraceArguments};
use crate::failure::Failure;
use crate::laboratory::Laboratory;
use crate::output::{self, Format};
use crate::pipeline::{self, Compared, Wanted};
use crate::plot;
use crate::policy;
use crate::progress::Progress;
use crate::replicates::{ReplicateArguments, share};
use crate::report::{self, Provenance};
use crate::results;
use crate::staging::Staging;
use crate::timeline_file;

/// The policies compared where none are named: the reference's, ours, and the rival that nobody should be without: an HPA
/// tuned to the same traffic.
const DEFAULT_POLICIES: &str = "fixed,reactive,predictive,hybrid,hpa:tuned,quantile,quantile:tuned,optimal";

/// Compare autoscaling policies and the exact optimum on one trace
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  \
    dataflow compare access.log.gz --interval 1m\n  \
    dataflow compare requests.txt --step 1s --start 1995-07-01T04:00:00Z --measure requests\n  \
    dataflow compare traffic.csv --policies fixed:3,reactive,quantile --set simulation.max_servers=20 --format json\n  \
    dataflow compare access.log.gz --replicates 50 --startup-spread 30% --format markdown\n  \
    dataflow compare services.csv --each-column='api-*'")]
pub(crate) struct CompareArguments {
    #[command(flatten)]
    trace: TraceArguments,
    /// Compare every column of a wide table, or those that fit a PATTERN such as 'api-*', each with a fleet of its own
    #[arg(long, value_name = "PATTERN", num_args = 0..=1, require_equals = true, default_missing_value = "*",
        conflicts_with_all = ["column", "plot", "report", "timeline", "out", "sheet"], help_heading = "Traffic")]
    each_column: Option<String>,
    /// Policies to compare, or `all`: fixed, fixed:N, reactive, predictive, hybrid, quantile, newsvendor, chance-constrained,
    /// lazy, model-predictive, model-predictive-limited, hpa, aws-target-tracking, aws-step-scaling, aws-predictive, google,
    /// google-predictive, optimal; a manifest as hpa:FILE, keda:FILE or aws:FILE; NAME:tuned learns its numbers from the past
    /// as it goes
    #[arg(long, visible_alias = "policy", value_name = "LIST", value_delimiter = ',', default_value = DEFAULT_POLICIES, help_heading = "Comparison")]
    policies: Vec<String>,
    /// Share of a day's load that must be served to call the day good, such as 99.9% or 0.999
    #[arg(long, value_name = "SHARE", default_value = "99.9%", value_parser = served_share, help_heading = "Comparison")]
    slo: f64,
    #[command(flatten)]
    knowledge: KnowledgeArguments,
    #[command(flatten)]
    replicates: ReplicateArguments,
    /// Draw the comparison as .svg or .png
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    plot: Option<PathBuf>,
    /// Write the comparison as one page with interactive plots
    #[arg(long, value_name = "FILE.html", help_heading = "Results")]
    report: Option<PathBuf>,
    /// Write every tick of every run as CSV
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    timeline: Option<PathBuf>,
    /// Write everything into a folder: comparison.json, costs.csv, plot.svg, report.html, timeline.csv, and the
    /// configuration.yaml that was used
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    out: Option<PathBuf>,
    /// Add the costs, with the time and the trace, to a tab of a Google Sheet, such as 'sheets:ID?range=results'
    #[arg(long, value_name = "SHEET", help_heading = "Results")]
    sheet: Option<String>,
    #[command(flatten)]
    settings: SettingsArguments,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Results")]
    format: Format,
}

pub(crate) fn run(arguments: &CompareArguments, quiet: bool) -> Result<(), Failure> {
    if let Some(pattern) = &arguments.each_column {
        return columns::run(arguments, pattern, quiet);
    }
    let progress = Progress::new(quiet);
    // Places for results are found before the work, so that a mistake costs no wait.
    let mut staging = Staging::default();
    let files = stage(arguments, &mut staging)?;
    if cfg!(not(feature = "google-sheets")) && arguments.sheet.is_some() {
        let problem = "--sheet: this program cannot write to Google Sheets; build it with the cargo feature \
                       `google-sheets`";
        return Err(Failure::Input(problem.to_owned()));
    }
    note_built_in_trace(&arguments.trace.trace, "compare", quiet);
    let compared = compared(arguments, !files.is_empty(), &progress, quiet)?;
    drop(progress);
    if !quiet {
        compared.notes.iter().for_each(|note| output::note(note));
    }
    for (path, kind) in &files {
        write(&compared, path, *kind)?;
    }
    staging.commit()?;
    #[cfg(feature = "google-sheets")]
    if let Some(sheet) = &arguments.sheet {
        add_to_sheet(&compared, sheet)?;
    }
    output::print(&results::render(&compared, arguments.format))
}

/// The comparison of the trace that the arguments name.
fn compared(arguments: &CompareArguments, record: bool, progress: &Progress, quiet: bool) -> Result<Compared, Failure> {
    on_threads(arguments.settings.threads, || {
        let laboratory =
            Laboratory::open(&arguments.trace, &arguments.settings, &arguments.knowledge, progress, quiet)?;
        let policies = policy::all_named(&arguments.policies, "--policies", laboratory.settings())?;
        let seed = laboratory.settings().random_seed;
        let replication = arguments.replicates.replication(seed, arguments.trace.fill);
        pipeline::compare(laboratory, &Wanted { policies, record, slo_target: arguments.slo, replication }, progress)
    })
}

/// Reads the share of a load.
fn served_share(text: &str) -> Result<f64, String> {
    share(text)
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or_else(|| "expected a share above 0 and up to 1, such as 99.9% or 0.999".to_owned())
}

/// What a result file holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Json,
    Csv,
    Plot,
    Report,
    Timeline,
    Configuration,
}

/// The files of a folder of results.
const FOLDER: [(&str, Kind); 6] = [
    ("comparison.json", Kind::Json),
    ("costs.csv", Kind::Csv),
    ("plot.svg", Kind::Plot),
    ("report.html", Kind::Report),
    ("timeline.csv", Kind::Timeline),
    ("configuration.yaml", Kind::Configuration),
];

/// Finds a place for every file asked for.
fn stage(arguments: &CompareArguments, staging: &mut Staging) -> Result<Vec<(PathBuf, Kind)>, Failure> {
    // Endings are checked before anything is made, and before the work.
    arguments.plot.as_deref().map(plot::Form::of).transpose()?;
    arguments.report.as_deref().map(report::check_ending).transpose()?;
    let mut files = Vec::new();
    let single =
        [(&arguments.plot, Kind::Plot), (&arguments.report, Kind::Report), (&arguments.timeline, Kind::Timeline)];
    for (target, kind) in single {
        if let Some(target) = target {
            files.push((staging.file(target)?, kind));
        }
    }
    if let Some(folder) = &arguments.out {
        staging.folder(folder)?;
        for (name, kind) in FOLDER {
            files.push((staging.file(&folder.join(name))?, kind));
        }
    }
    Ok(files)
}

fn write(compared: &Compared, path: &Path, kind: Kind) -> Result<(), Failure> {
    let Compared { comparison, ticks, .. } = compared;
    let text = match kind {
        Kind::Plot => return plot::write(comparison, ticks, path),
        Kind::Report => return report::write(comparison, ticks, &provenance(compared), path),
        Kind::Timeline => return timeline_file::write(comparison, ticks, path),
        Kind::Json => results::json(comparison),
        Kind::Csv => results::csv(comparison),
        Kind::Configuration => compared.configuration.clone(),
    };
    std::fs::write(path, text).map_err(|error| Failure::Work(format!("the results cannot be written: {error}")))
}

/// Adds the costs to a tab of a Google Sheet, below those of earlier runs.
#[cfg(feature = "google-sheets")]
fn add_to_sheet(compared: &Compared, sheet: &str) -> Result<(), Failure> {
    let now = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string();
    let mut rows = results::rows(&compared.comparison);
    for (index, row) in rows.iter_mut().enumerate() {
        let run =
            if index == 0 { ["time", "trace"] } else { [now.as_str(), compared.comparison.trace.source.as_str()] };
        row.splice(0..0, run.map(str::to_owned));
    }
    Ok(dataflow_remote::append_rows(sheet, &dataflow_remote::Variables::read(), &rows)?)
}

/// How the results came about, for the report; credentials in addresses are left out.
fn provenance(compared: &Compared) -> Provenance {
    let words = std::env::args_os().skip(1).map(|word| quoted(&shown_word(&word.to_string_lossy())));
    Provenance {
        command: std::iter::once("dataflow".to_owned()).chain(words).collect::<Vec<_>>().join(" "),
        configuration: compared.configuration.clone(),
        notes: compared.notes.clone(),
    }
}

/// A word as a shell must be given it.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_them_otherwise() {
        assert_eq!(quoted("--set=a.b=1m"), "--set=a.b=1m");
        assert_eq!(quoted("synthetic:nasa-like?days=3"), "'synthetic:nasa-like?days=3'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }
}
