//! `dataflow forecast`: which model suits a trace, and may its band be trusted? Judges models on the last part of the
//! trace, forecasts what comes after its end, and keeps fitted models in files.

mod board;
mod contestant;
mod fleet;
mod future;
mod render;
mod saved;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::Args;
use clap::builder::ArgPredicate;
use dataflow_forecast::{Calibration, ModelSettings, ModelSpec, Refits};
use dataflow_series::{Step, Unit};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::Error as ValueError;

pub(crate) use board::{Board, HorizonFacts, ModelFacts};
use board::{Holdout, Refit, Wanted, judge};
use contestant::Contestant;
use future::Row;
pub(crate) use render::{floor, headline};

use super::{note_built_in_trace, on_threads};
use crate::arguments::{SettingsArguments, TraceArguments};
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::past;
use crate::pipeline::refuse_overflow;
use crate::plot;
use crate::progress::Progress;
use crate::quantity::grouped;
use crate::staging::Staging;
use crate::table::Table;
use crate::world::{Detail, World};

/// The list of models as `--help` shows it.
static MODELS: LazyLock<String> = LazyLock::new(|| {
    let mut text =
        String::from("Models to judge, beside the naive ones [default: every model that is fitted in seconds]\n");
    for model in ModelSpec::ALL {
        let _ = write!(text, "\n{}: {}", model.name(), model.description());
    }
    text
});
/// What others must beat, and what is always on the board.
const YARDSTICKS: [ModelSpec; 2] = [ModelSpec::Naive, ModelSpec::SeasonalNaive];
/// More steps ahead than this are a slip of the hand.
const HORIZON_MAX: usize = 100_000;

/// Judge forecast models on one trace, and forecast what comes after its end
///
/// The last part of the trace is held out: models are fitted on what lies before it and forecast it step by step. The
/// leader board tells their errors, how well their bands hold, and what the fleet costs whose policy acts on them, beside
/// the last value, the seasonal naive and the noise floor, below which no honest forecast lies.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dataflow forecast access.log.gz --intervals 1m,5m,15m\n  \
    dataflow forecast traffic.csv --all --plot board.svg\n  \
    dataflow forecast traffic.csv --model ridge --horizons 1..48 -o next.csv --save ridge.model\n  \
    dataflow forecast today.csv --load ridge.model --format json")]
pub(crate) struct ForecastArguments {
    #[command(flatten)]
    trace: TraceArguments,
    /// Several intervals in one go, such as 1m,5m,15m,1h
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "interval", help_heading = "Traffic")]
    intervals: Vec<Step>,
    /// Models to judge, beside the naive ones [default: every model that is fitted in seconds]
    #[arg(long, value_name = "LIST", value_delimiter = ',', long_help = MODELS.as_str(), help_heading = "Models")]
    model: Vec<ModelSpec>,
    /// Judge every model there is, those that train for minutes too
    #[arg(long, conflicts_with = "model", help_heading = "Models")]
    all: bool,
    /// Run the network that --model names with weights that PyTorch saved: one step ahead, on bytes of a trace that
    /// knows the answers by status class
    #[arg(long, value_name = "FILE.pt", requires = "model", conflicts_with = "save", help_heading = "Models")]
    weights: Option<PathBuf>,
    /// Steps ahead that are judged and forecast, such as 1,12 or 1..48; with --weights 1
    #[arg(long, value_name = "LIST", default_value = "1,12", default_value_if("weights", ArgPredicate::IsPresent, "1"), value_parser = horizons, help_heading = "Models")]
    horizons: Horizons,
    /// How bands learn: adaptive (from errors of the last seven days, wider after misses), rolling (without that), frozen
    /// (from errors before the held-out part), or own (what the model itself believes)
    #[arg(long, value_name = "HOW", default_value = "adaptive", value_parser = calibration, help_heading = "Models")]
    bands: Calibration,
    /// How much of the end is held out: a share below 1, or a number of intervals
    #[arg(long, value_name = "SHARE|N", default_value = "0.2", value_parser = holdout, help_heading = "Models")]
    holdout: Holdout,
    /// When models learn anew within the held-out part: never, or every N intervals [default: daily where it is cheap]
    #[arg(long, value_name = "never|N", value_parser = refit, help_heading = "Models")]
    refit: Option<Refit>,
    /// Go on with a model that --save wrote: from the end of its own past, or of a TRACE that continues it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "weights", "all", "intervals", "horizons", "bands", "holdout", "refit", "plot", "out", "backtest"], help_heading = "Models")]
    load: Option<PathBuf>,
    /// Fit the one model named on all of the trace and keep it in a file
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    save: Option<PathBuf>,
    /// Write the forecasts of what comes after the end, as .csv, .json or .parquet
    #[arg(long = "forecasts", short = 'o', value_name = "FILE", help_heading = "Results")]
    forecasts: Option<PathBuf>,
    /// Write every forecast of the held-out part beside its load, as CSV
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    backtest: Option<PathBuf>,
    /// Draw the board, the best model's forecasts, errors and coverage as .svg or .png; one file per interval
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    plot: Option<PathBuf>,
    /// Write everything into a folder: board.json, board.csv, plot.svg, forecasts.csv and backtest.csv
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    out: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArguments,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Results")]
    format: Format,
}

/// Steps ahead, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Horizons(Vec<usize>);

/// A board and what was forecast after the end of its trace.
struct Judged {
    board: Board,
    future: Vec<Row>,
    notes: Vec<String>,
}

/// What a result file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Csv,
    /// Of the interval at this place.
    Plot(usize),
    Forecasts,
    Backtest,
}

/// Judges, forecasts, or goes on with a saved model.
///
/// # Errors
/// When an argument, the trace or a file is wrong, or results cannot be written.
pub(crate) fn run(arguments: &ForecastArguments, quiet: bool) -> Result<(), Failure> {
    if let Some(path) = &arguments.load {
        return go_on(arguments, path, quiet);
    }
    let models = arguments.models()?;
    let progress = Progress::new(quiet);
    let mut staging = Staging::default();
    let intervals = arguments.intervals()?;
    let files = stage(arguments, &intervals, &mut staging)?;
    let model_file = arguments.save.as_ref().map(|path| staging.file(path)).transpose()?;
    note_built_in_trace(&arguments.trace.trace, "forecast", quiet);
    note_of_work(&models, intervals.len(), quiet);
    let judged = on_threads(arguments.settings.threads, || {
        let bar = progress.steps("judging", models.len() * intervals.len());
        let judge = |interval: &Option<Step>| {
            let world = arguments.world(*interval, &progress, quiet)?;
            let wanted = arguments.wanted(&models);
            arguments.check_weights(&world)?;
            let board = judge(&world, &wanted, &bar, &progress)?;
            let future = arguments.future(
                &world,
                &models,
                files.iter().any(|(_, kind)| *kind == Kind::Forecasts),
                model_file.as_deref(),
                &progress,
            )?;
            Ok(Judged { board, future, notes: world.notes })
        };
        intervals.iter().map(judge).collect::<Result<Vec<Judged>, Failure>>()
    })?;
    drop(progress);
    if !quiet {
        let mut notes: Vec<&String> = Vec::new();
        for note in judged.iter().flat_map(|judged| &judged.notes) {
            // Intervals of one trace have most of them in common.
            if !notes.contains(&note) {
                output::note(note);
                notes.push(note);
            }
        }
    }
    let future: Vec<Row> = judged.iter().flat_map(|judged| judged.future.iter().cloned()).collect();
    let boards: Vec<Board> = judged.into_iter().map(|judged| judged.board).collect();
    refuse_nothing_judged(&boards)?;
    for (path, kind) in &files {
        write(&boards, &future, path, *kind)?;
    }
    staging.commit()?;
    output::print(&render::render(&boards, arguments.format))
}

/// Refuses boards without a single score, with why the last model, the one that was likely asked for, has none.
fn refuse_nothing_judged(boards: &[Board]) -> Result<(), Failure> {
    let models = || boards.iter().flat_map(|board| &board.models);
    if models().any(|model| !model.horizons.is_empty()) {
        return Ok(());
    }
    let why = models().rev().find_map(|facts| Some(format!(": {}: {}", facts.model, facts.problem.as_deref()?)));
    Err(Failure::Input(format!("no model could be judged{}", why.unwrap_or_default())))
}

impl ForecastArguments {
    /// The models to judge: those asked for and the yardsticks, in the order of the list of models.
    fn models(&self) -> Result<Vec<Contestant>, Failure> {
        for model in &self.model {
            model
                .model(ModelSettings::default())
                .map_err(|error| Failure::Input(format!("--model {model}: {error}")))?;
        }
        if let Some(path) = &self.weights {
            self.check_weights_file(path)?;
        }
        if self.save.is_some() && self.model.len() != 1 {
            return Err(Failure::Input("--save: name the one model to keep, as in --model ridge".to_owned()));
        }
        if self.save.is_some() && self.intervals.len() > 1 {
            return Err(Failure::Input(
                "--save: a model knows one interval; give --interval instead of several".to_owned(),
            ));
        }
        let is_quick = |model: &ModelSpec| {
            model.model(ModelSettings::default()).is_ok_and(|model| model.refits() == Refits::Daily)
        };
        let is_wanted = |model: &ModelSpec| match &self.model[..] {
            _ if YARDSTICKS.contains(model) => true,
            [] => self.all || is_quick(model),
            named => named.contains(model),
        };
        Ok(ModelSpec::ALL.into_iter().filter(is_wanted).map(|model| self.contestant(model)).collect())
    }

    fn contestant(&self, spec: ModelSpec) -> Contestant {
        Contestant { spec, weights: self.weights.clone().filter(|_| spec.is_neural()) }
    }

    /// Refuses weights that no network asked for can use.
    fn check_weights_file(&self, path: &Path) -> Result<(), Failure> {
        let wrong = |message: &str| Err(Failure::Input(message.to_owned()));
        let networks: Vec<&ModelSpec> = self.model.iter().filter(|model| model.is_neural()).collect();
        let [network] = networks[..] else {
            return wrong("--weights: name the one network they belong to, as in --model bilstm-attention");
        };
        if self.horizons.0 != [1] {
            return wrong("--horizons: a network with --weights forecasts one step ahead; give --horizons 1");
        }
        let loaded = network.with_weights(path, self.bands);
        loaded.map(drop).map_err(|error| Failure::Input(format!("--weights {error}")))
    }

    /// Refuses a trace that a network with weights from a file cannot look at.
    fn check_weights(&self, world: &World) -> Result<(), Failure> {
        let source = &world.source;
        match world.load.unit() {
            _ if self.weights.is_none() => Ok(()),
            unit if unit != Unit::Bytes => Err(Failure::Input(format!(
                "{source}: the network of --weights forecasts bytes, but the trace is read as {unit}; give --measure bytes"
            ))),
            _ if !past::has_classes(&world.history) => Err(Failure::Input(format!(
                "{source}: the network of --weights looks at the answers by status class, which the trace lacks; give an \
                 access log, or a table that dataflow ingest wrote"
            ))),
            _ => Ok(()),
        }
    }

    /// The intervals asked for; `None` is the usual one.
    fn intervals(&self) -> Result<Vec<Option<Step>>, Failure> {
        if self.intervals.is_empty() {
            return Ok(vec![self.trace.interval]);
        }
        let mut intervals = self.intervals.clone();
        intervals.sort_unstable();
        intervals.dedup();
        if intervals.len() > 1 && self.trace.trace.iter().any(|input| input == "-") {
            let message = "--intervals: standard input can be read only once; give a file, or one --interval";
            return Err(Failure::Input(message.to_owned()));
        }
        Ok(intervals.into_iter().map(Some).collect())
    }

    fn world(&self, interval: Option<Step>, progress: &Progress, quiet: bool) -> Result<World, Failure> {
        let trace = TraceArguments { interval, ..self.trace.clone() };
        let world = World::open_in_detail(&trace, &self.settings, Vec::new(), Detail::Seconds, progress, quiet)?;
        refuse_overflow(&world)?;
        Ok(world)
    }

    fn wanted(&self, models: &[Contestant]) -> Wanted {
        Wanted {
            models: models.to_vec(),
            horizons: self.horizons.0.clone(),
            holdout: self.holdout,
            refit: self.refit.unwrap_or(Refit::Own),
            calibration: self.bands,
        }
    }

    /// Fits on everything, where something after the end is wanted.
    fn future(
        &self,
        world: &World,
        models: &[Contestant],
        write: bool,
        model_file: Option<&Path>,
        progress: &Progress,
    ) -> Result<Vec<Row>, Failure> {
        let mut future = Vec::new();
        let settings = ModelSettings { calibration: self.bands, seed: world.configuration.settings().random_seed };
        let named: Vec<Contestant> = if self.model.is_empty() {
            models.to_vec()
        } else {
            self.model.iter().map(|model| self.contestant(*model)).collect()
        };
        for model in named.iter().filter(|_| write || model_file.is_some()) {
            let fitted = match future::fit(world, model, settings, &self.horizons.0, progress) {
                Ok(fitted) => fitted,
                // A model that cannot be fitted is told on the board; here it would be the one asked for.
                Err(error) if named.len() == 1 => return Err(Failure::Input(error.to_string())),
                Err(_) => continue,
            };
            let end = world.history.series().end();
            future.extend(future::rows(model, world.step(), end, &fitted.predict(&future::LEVELS)));
            if let Some(path) = model_file {
                saved::save(world, model.spec, settings, fitted, path)?;
            }
        }
        Ok(future)
    }
}

/// Forecasts with a saved model.
fn go_on(arguments: &ForecastArguments, path: &Path, quiet: bool) -> Result<(), Failure> {
    let mut model = saved::load(path)?;
    let mut staging = Staging::default();
    if let Some(path) = &arguments.forecasts {
        future::check_ending(path)?;
    }
    let forecasts = arguments.forecasts.as_ref().map(|path| staging.file(path)).transpose()?;
    let save = arguments.save.as_ref().map(|path| staging.file(path)).transpose()?;
    if !arguments.trace.trace.is_empty() {
        let progress = Progress::new(quiet);
        let trace = TraceArguments {
            interval: arguments.trace.interval.or(Some(model.step)),
            measure: arguments.trace.measure.or(Some(model.unit)),
            ..arguments.trace.clone()
        };
        let world = World::open(&trace, &arguments.settings, Vec::new(), &progress, quiet)?;
        let new = saved::extend(&mut model, &world)?;
        drop(progress);
        if !quiet && new == 0 {
            output::warn(&format!(
                "{}: holds nothing after the model's past, which ends at {}",
                world.source, model.next
            ));
        }
    }
    let rows = saved::forecast(&model);
    if let Some(path) = &forecasts {
        future::write(&rows, path)?;
    }
    if let Some(path) = &save {
        saved::write(&model, path)?;
    }
    staging.commit()?;
    output::print(&match arguments.format {
        Format::Json => future::json(&rows),
        Format::Csv => future::csv(&rows),
        format => {
            let table = table(&rows);
            if format == Format::Markdown { table.markdown() } else { table.text() }
        }
    })
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(["time", "ahead", "expected", "2.5%", "10%", "50%", "90%", "97.5%"]);
    for row in rows {
        let mut cells = vec![row.time.to_string(), row.horizon.to_string(), grouped(row.mean)];
        cells.extend(row.quantiles.map(grouped));
        table.push(&cells);
    }
    table
}

/// Says how much work lies ahead, where it is much.
fn note_of_work(models: &[Contestant], intervals: usize, quiet: bool) {
    let is_dear = |model: &&Contestant| {
        model.weights.is_none()
            && model.spec.model(ModelSettings::default()).is_ok_and(|model| model.refits() == Refits::Seldom)
    };
    let dear: Vec<&str> = models.iter().filter(is_dear).map(|model| model.spec.name()).collect();
    if !quiet && !dear.is_empty() {
        output::note(&format!(
            "{} models at {intervals} {}: {} may train for minutes; --model names fewer",
            models.len(),
            if intervals == 1 { "interval" } else { "intervals" },
            dear.join(", ")
        ));
    }
}

/// Finds a place for every file asked for.
fn stage(
    arguments: &ForecastArguments,
    intervals: &[Option<Step>],
    staging: &mut Staging,
) -> Result<Vec<(PathBuf, Kind)>, Failure> {
    // Endings are checked before anything is made, and before the work.
    arguments.plot.as_deref().map(plot::Form::of).transpose()?;
    arguments.forecasts.as_deref().map(future::check_ending).transpose()?;
    let mut targets: Vec<(PathBuf, Kind)> = Vec::new();
    let plots = |path: &Path| {
        let name = |(place, interval): (usize, &Option<Step>)| match interval {
            Some(interval) if intervals.len() > 1 => (with_suffix(path, &interval.to_string()), Kind::Plot(place)),
            _ => (path.to_owned(), Kind::Plot(place)),
        };
        intervals.iter().enumerate().map(name).collect::<Vec<_>>()
    };
    targets.extend(arguments.plot.as_deref().map(plots).unwrap_or_default());
    targets.extend(arguments.forecasts.clone().map(|path| (path, Kind::Forecasts)));
    targets.extend(arguments.backtest.clone().map(|path| (path, Kind::Backtest)));
    if let Some(folder) = &arguments.out {
        staging.folder(folder)?;
        let files = [
            ("board.json", Kind::Json),
            ("board.csv", Kind::Csv),
            ("forecasts.csv", Kind::Forecasts),
            ("backtest.csv", Kind::Backtest),
        ];
        targets.extend(files.map(|(name, kind)| (folder.join(name), kind)));
        targets.extend(plots(&folder.join("plot.svg")));
    }
    targets.into_iter().map(|(target, kind)| Ok((staging.file(&target)?, kind))).collect()
}

/// A file name with something put before its ending: `board-15m.svg`.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{suffix}.{ending}"))
}

fn write(boards: &[Board], future: &[Row], path: &Path, kind: Kind) -> Result<(), Failure> {
    let text = match kind {
        Kind::Json => render::json(boards),
        Kind::Csv => render::csv(boards),
        Kind::Backtest => future::held_out_csv(boards),
        Kind::Forecasts => return future::write(future, path),
        Kind::Plot(place) => {
            return boards.get(place).map_or(Ok(()), |board| plot::write_board(board, path));
        }
    };
    std::fs::write(path, text).map_err(|error| Failure::Work(format!("the results cannot be written: {error}")))
}

/// Reads steps ahead: `1,12`, `1..48`, or both mixed.
fn horizons(text: &str) -> Result<Horizons, String> {
    let wrong = || format!("expected steps ahead from 1 to {HORIZON_MAX}, such as 1,12 or 1..48");
    let number =
        |text: &str| text.trim().parse().ok().filter(|steps| (1..=HORIZON_MAX).contains(steps)).ok_or_else(wrong);
    let mut horizons = Vec::new();
    for part in text.split(',') {
        match part.split_once("..") {
            Some((first, last)) => horizons.extend(number(first)?..=number(last)?),
            None => horizons.push(number(part)?),
        }
    }
    horizons.sort_unstable();
    horizons.dedup();
    if horizons.is_empty() { Err(wrong()) } else { Ok(Horizons(horizons)) }
}

/// Reads a way of calibration by the names that the library gives them.
fn calibration(text: &str) -> Result<Calibration, String> {
    Calibration::deserialize(text.into_deserializer()).map_err(|error: ValueError| error.to_string())
}

fn holdout(text: &str) -> Result<Holdout, String> {
    if let Ok(count) = text.parse::<usize>() {
        return if count > 0 {
            Ok(Holdout::Intervals(count))
        } else {
            Err("hold out at least one interval".to_owned())
        };
    }
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(Holdout::Share(share)),
        _ => Err("expected a share between 0 and 1, or a number of intervals".to_owned()),
    }
}

fn refit(text: &str) -> Result<Refit, String> {
    match text.parse() {
        Ok(steps) if steps > 0 => Ok(Refit::Every(steps)),
        _ if text == "never" => Ok(Refit::Never),
        _ => Err("expected never, or a number of intervals".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn horizons_are_lists_and_ranges() {
        assert_eq!(horizons("12,1"), Ok(Horizons(vec![1, 12])));
        assert_eq!(horizons("1..3,2,9"), Ok(Horizons(vec![1, 2, 3, 9])));
        for text in ["0", "", "1,", "x", "3..1", "1..0", "-1", "100001"] {
            assert!(horizons(text).is_err(), "{text}");
        }
    }

    #[test]
    fn parts_to_hold_out_are_shares_or_numbers() {
        assert_eq!(holdout("0.25"), Ok(Holdout::Share(0.25)));
        assert_eq!(holdout("100"), Ok(Holdout::Intervals(100)));
        for text in ["0", "1.0", "1.5", "-1", "NaN", "inf", "half"] {
            assert!(holdout(text).is_err(), "{text}");
        }
        assert_eq!((refit("never"), refit("60")), (Ok(Refit::Never), Ok(Refit::Every(60))));
        assert!(refit("0").is_err() && refit("daily").is_err());
    }

    #[test]
    fn bands_are_named_as_the_library_names_them() {
        assert_eq!(calibration("frozen"), Ok(Calibration::Frozen));
        let error = calibration("wide").unwrap_err();
        assert!(error.contains("rolling") && error.contains("own"), "{error}");
    }

    #[test]
    fn files_of_intervals_are_told_apart_by_their_names() {
        assert_eq!(with_suffix(Path::new("a/board.svg"), "15m"), Path::new("a/board-15m.svg"));
    }
}
