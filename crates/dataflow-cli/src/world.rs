//! The world of a run: the load of every tick, the fleet, and the prices, as trace and settings describe them.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use dataflow_experiment::{Methods, Testbed};
use dataflow_forecast::{Dispersion, History, View};
use dataflow_remote::{Places, Variables};
use dataflow_scale::spec::{Configuration, Origin, Rate};
use dataflow_scale::{Fleet, Prices};
use dataflow_series::source::{self, Extra, Remote, Trace, TraceRequest};
use dataflow_series::synth::DEFAULT_SEED;
use dataflow_series::{Fill, Observed, Series, SeriesError, Step, Unit, Window};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::arguments::{SettingsArguments, TraceArguments};
use crate::failure::Failure;
use crate::layers::{self, Flags};
use crate::past;
use crate::progress::Progress;
use crate::quantity::{duration, grouped, percent};

const CAPACITY: &str = "cost_parameters.capacity_per_server";
const SERVER_COST: &str = "cost_parameters.server_cost";
const VIOLATION: &str = "cost_parameters.violation_cost";
const INTERVAL: &str = "simulation.interval";

/// Where the capacity is sized, the 99th percentile of the load fills this share of the most servers.
const FILLED_SHARE: f64 = 0.9;
/// A capacity fits where the 99th percentile of the load needs between so many servers and so many times the most.
const FITTING_SERVERS: (f64, f64) = (0.5, 4.0);
/// More load than this share lost at the most servers is worth a word.
const LOST_SHARE: f64 = 0.02;
/// A silence of this length is worth a word where silence is rare.
const SILENCE_SECONDS: u64 = 3_600;
const MINUTE_SECONDS: f64 = 60.0;
/// Requests are counted in steps of so many seconds where their noise is to be measured.
const NOISE_SECONDS: u32 = 5;

/// How finely the load inside of intervals is read, where the trace does not say it by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Minutes inside of longer intervals, which models look at.
    Minutes,
    /// Five seconds, in which the noise of the load is measured as well.
    Seconds,
}

impl Detail {
    fn step(self, interval: Step) -> Step {
        match self {
            Self::Minutes => interval.min(Step::MINUTE),
            Self::Seconds => Step::from_seconds(NOISE_SECONDS).map_or(interval, |step| step.min(interval)),
        }
    }
}

/// Everything that is simulated, and what there is to say about it.
pub(crate) struct World {
    /// Where the trace comes from, in words that the user knows.
    pub(crate) source: String,
    /// The load of each tick, gaps filled.
    pub(crate) load: Series,
    /// The load from the beginning of the trace to the end of the window, gaps filled as in `load`.
    pub(crate) load_with_past: Series,
    /// The load as it is seen, gaps and all: that of `load` before filling.
    pub(crate) seen: Observed,
    /// What policies and models come to know, from the beginning of the trace to the end of the window: gaps are filled
    /// from the past alone. Forecasts of a window know what came before it.
    pub(crate) history: History,
    /// How much the load varies beyond its mean, for the noise floor; `None` where it is no count.
    pub(crate) dispersion: Option<Dispersion>,
    /// For each tick, whether it was missing and had to be filled.
    pub(crate) filled: Vec<bool>,
    pub(crate) configuration: Configuration,
    pub(crate) fleet: Fleet,
    pub(crate) prices: Prices,
    /// Whether the capacity was chosen to fit the trace, as nobody said what it is.
    pub(crate) capacity_is_sized: bool,
    pub(crate) time_zone: TimeZone,
    /// What the user should know, one sentence each.
    pub(crate) notes: Vec<String>,
    pub(crate) ingest_seconds: f64,
}

impl World {
    /// Reads settings and trace.
    ///
    /// # Errors
    /// When a setting or the trace is wrong.
    pub(crate) fn open(
        trace: &TraceArguments,
        settings: &SettingsArguments,
        flags: Flags,
        progress: &Progress,
        quiet: bool,
    ) -> Result<Self, Failure> {
        Self::open_in_detail(trace, settings, flags, Detail::Minutes, progress, quiet)
    }

    /// As [`Self::open`], with the loads inside of intervals read as finely as asked for.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_in_detail(
        trace: &TraceArguments,
        settings: &SettingsArguments,
        flags: Flags,
        detail: Detail,
        progress: &Progress,
        quiet: bool,
    ) -> Result<Self, Failure> {
        let mut configuration = configure(trace, settings, flags, quiet)?;
        let time_zone = zone_named(trace.time_zone.as_deref())?;
        let started = Instant::now();
        let Sight { source, history, finer, extras, window, mut notes } =
            Sight::of(trace, &configuration, &time_zone, progress, settings.threads, detail)?;
        let wrong = |error: SeriesError| Failure::Input(format!("{source}: {error}"));
        let seen = history.window(window.clone()).map_err(wrong)?;
        let sized = size_capacity(&mut configuration, &seen, trace.scale);
        let capacity_is_sized = sized.is_some();
        notes.extend(sized);
        let filled: Vec<bool> = seen.values().map(|load| load.is_none()).collect();
        notes.extend(note_of_missing(&seen, trace.fill));
        notes.extend(note_of_silence(&seen));
        let history = if trace.scale == 1.0 { history } else { history.scale(trace.scale).map_err(wrong)? };
        let load_with_past = history.fill(trace.fill).map_err(wrong)?;
        let load = load_with_past.window(window.clone()).map_err(wrong)?;
        let finer = finer.map(|finer| finer.scale(trace.scale)).transpose().map_err(wrong)?;
        let dispersion = past::dispersion(&history, finer.as_ref(), &extras, trace.scale);
        let known = history.fill_from_past(trace.fill).map_err(wrong)?;
        let past = past::history(known, &history, finer.as_ref(), &extras, trace.fill)
            .map_err(|error| Failure::Work(format!("{source}: {error}")))?;
        let seen = history.window(window).map_err(wrong)?;
        let ingest_seconds = started.elapsed().as_secs_f64();
        let settings = configuration.settings();
        let (fleet, prices) = (settings.fleet(load.step()), settings.prices(load.step()));
        for (key, amount) in [(CAPACITY, fleet.capacity), (SERVER_COST, prices.server)] {
            if !amount.is_finite() || (key == CAPACITY && amount <= 0.0) {
                let origin = configuration.origin(key);
                let interval = load.step();
                return Err(Failure::Input(format!("{origin}: {key}: is {amount} in an interval of {interval}")));
            }
        }
        notes.extend(note_of_small_fleet(&fleet, &load));
        Ok(Self {
            source,
            load,
            load_with_past,
            seen,
            history: past,
            dispersion,
            filled,
            configuration,
            fleet,
            prices,
            capacity_is_sized,
            time_zone,
            notes,
            ingest_seconds,
        })
    }

    /// The traffic, ready for policies under any settings.
    ///
    /// # Errors
    /// When what is known of the load does not fit it.
    pub(crate) fn testbed(&self, methods: Methods) -> Result<Testbed, Failure> {
        let (history, load) = (self.history.clone(), self.load_with_past.values().to_vec());
        Testbed::new(history, load, self.load.len(), self.time_zone.clone(), methods)
            .map_err(|error| Failure::Work(error.to_string()))
    }

    /// What is known of the load of each tick that is simulated.
    pub(crate) fn known_in_window(&self) -> &[f64] {
        let known = self.history.series();
        &known.values()[known.len() - self.load.len()..]
    }

    /// What models may look at.
    pub(crate) fn view(&self) -> View<'_> {
        self.history.view(&self.time_zone)
    }

    /// The length of one tick.
    pub(crate) fn step(&self) -> Step {
        self.load.step()
    }
}

/// A load as it was seen, gaps and all, without fleet and prices.
pub(crate) struct Seen {
    /// Where the trace comes from, in words that the user knows.
    pub(crate) source: String,
    /// From the beginning of the trace to the end of the window.
    pub(crate) load: Observed,
    /// The first interval of the window.
    pub(crate) first: usize,
    pub(crate) time_zone: TimeZone,
    pub(crate) configuration: Configuration,
    /// What the user should know, one sentence each.
    pub(crate) notes: Vec<String>,
}

impl Seen {
    /// Reads settings and trace.
    ///
    /// # Errors
    /// When a setting or the trace is wrong.
    pub(crate) fn open(
        trace: &TraceArguments,
        settings: &SettingsArguments,
        flags: Flags,
        progress: &Progress,
        quiet: bool,
    ) -> Result<Self, Failure> {
        let configuration = configure(trace, settings, flags, quiet)?;
        let time_zone = zone_named(trace.time_zone.as_deref())?;
        let Sight { source, history, window, notes, .. } =
            Sight::of(trace, &configuration, &time_zone, progress, settings.threads, Detail::Minutes)?;
        let wrong = |error: SeriesError| Failure::Input(format!("{source}: {error}"));
        let shown = history.window(window).map_err(wrong)?.len();
        let load = history.scale(trace.scale).map_err(wrong)?;
        let first = load.len() - shown;
        Ok(Self { source, load, first, time_zone, configuration, notes })
    }
}

/// The settings for a trace.
fn configure(
    trace: &TraceArguments,
    settings: &SettingsArguments,
    mut flags: Flags,
    quiet: bool,
) -> Result<Configuration, Failure> {
    if let Some(interval) = trace.interval {
        flags.push((INTERVAL, interval.to_string(), format!("--interval {interval}")));
    }
    let configuration = layers::read(settings, flags, quiet)?;
    if !(trace.scale.is_finite() && trace.scale > 0.0) {
        return Err(Failure::Input(format!("--scale {}: expected a finite number above 0", trace.scale)));
    }
    Ok(configuration)
}

/// The load as it was seen, on the interval asked for, but not yet scaled.
struct Sight {
    source: String,
    /// From the beginning of the trace to the end of the window.
    history: Observed,
    /// The same time at a finer step, where there is one; not scaled either.
    finer: Option<Observed>,
    extras: Vec<Extra>,
    /// The part that is simulated.
    window: Range<Timestamp>,
    notes: Vec<String>,
}

impl Sight {
    fn of(
        arguments: &TraceArguments,
        configuration: &Configuration,
        zone: &TimeZone,
        progress: &Progress,
        threads: Option<usize>,
        detail: Detail,
    ) -> Result<Self, Failure> {
        let Trace { source, observed, finer, extras, notes, .. } =
            observe(arguments, configuration, zone, progress, threads, detail)?;
        let all = observed.start()..observed.end();
        let Some(window) = &arguments.window else {
            return Ok(Self { source, history: observed, finer, extras, window: all, notes });
        };
        let window = Window::parse(window, zone).and_then(|window| window.on(all.clone()));
        let window = window.map_err(|error| Failure::Input(format!("--window: {error}")))?;
        let until_its_end = all.start..window.end;
        let history = observed.window(until_its_end).map_err(|error| Failure::Input(format!("{source}: {error}")))?;
        Ok(Self { source, history, finer, extras, window, notes })
    }
}

/// The columns of a table that may be a load.
///
/// # Errors
/// When the trace is no table or cannot be read.
pub(crate) fn load_columns(arguments: &TraceArguments) -> Result<Vec<String>, Failure> {
    let remote: Arc<dyn Remote> = Arc::new(Places::new(Variables::read()));
    let request = TraceRequest { inputs: arguments.trace.clone(), remote: Some(remote), ..TraceRequest::default() };
    Ok(source::load_columns(&request)?)
}

/// The whole trace on the interval asked for.
fn observe(
    arguments: &TraceArguments,
    configuration: &Configuration,
    zone: &TimeZone,
    progress: &Progress,
    threads: Option<usize>,
    detail: Detail,
) -> Result<Trace, Failure> {
    let bar = progress.bytes("reading");
    let wanted = configuration.settings().interval;
    // A file is written for many traces: what it says of the interval holds as far as the trace allows.
    let is_usual = matches!(configuration.origin(INTERVAL), Origin::File { .. });
    let is_usual = is_usual && wanted.is_some_and(|wanted| wanted >= Step::MINUTE);
    let request = TraceRequest {
        inputs: seeded(&arguments.trace, configuration.settings().random_seed),
        start: arguments.start.as_deref().map(|text| instant(text, zone, "--start")).transpose()?,
        step: arguments.step,
        interval: wanted.filter(|_| !is_usual),
        detail: Some(detail.step(wanted.unwrap_or(Step::MINUTE))),
        measure: arguments.measure,
        column: arguments.column.clone(),
        silence_as_gap: arguments.silence_as_gap,
        time_zone: Some(zone.clone()),
        progress: Some(bar.byte_counter()),
        threads: threads.and_then(NonZeroUsize::new),
        remote: Some(Arc::new(Places::new(Variables::read()))),
        exploration: None,
    };
    let mut trace = source::open(&request)?;
    let source = trace.source.clone();
    let wrong = |error: SeriesError| Failure::Input(format!("{source}: {error}"));
    if let Some(wanted) = wanted.filter(|wanted| is_usual && *wanted != trace.observed.step()) {
        match trace.observed.resample(wanted) {
            Ok(resampled) => {
                // What was read is finer than what is wanted now.
                trace.finer.get_or_insert(std::mem::replace(&mut trace.observed, resampled));
                for extra in &mut trace.extras {
                    extra.values = extra.values.resample(wanted).map_err(wrong)?;
                }
            }
            Err(SeriesError::NotAMultiple { .. }) => trace.notes.push(format!(
                "the interval of {wanted} in the configuration is not to be had from a trace of {own}; {own} is kept{}",
                note_of_bare_rates(configuration, trace.observed.step()),
                own = trace.observed.step()
            )),
            Err(error) => return Err(wrong(error)),
        }
    }
    Ok(trace)
}

/// Says which rates of a file mean another amount where its interval is not kept.
fn note_of_bare_rates(configuration: &Configuration, kept: Step) -> String {
    let settings = configuration.settings();
    let rates = [(CAPACITY, settings.capacity_per_server), (SERVER_COST, settings.server_cost)];
    let is_bare = |(key, rate): &(&str, Rate)| {
        rate.per_seconds.is_none() && matches!(configuration.origin(key), Origin::File { .. })
    };
    let bare: Vec<&str> = rates.iter().filter(|rate| is_bare(rate)).map(|(key, _)| *key).collect();
    if bare.is_empty() {
        return String::new();
    }
    format!(
        ", and what the file says of {} is taken per {kept}; write the time with it (such as …/min) to mean the same at \
         any interval",
        bare.join(" and ")
    )
}

fn note_of_missing(seen: &Observed, fill: Fill) -> Option<String> {
    let (missing, all) = (seen.missing(), seen.len());
    (missing > 0).then(|| {
        format!(
            "{} of {} intervals ({}) are missing; they are filled by --fill {fill}",
            grouped(missing as f64),
            grouped(all as f64),
            percent(missing as f64 / all as f64)
        )
    })
}

/// The inputs, with the seed where the synthetic trace among them tells none.
fn seeded(inputs: &[String], seed: u64) -> Vec<String> {
    let default = [source::DEFAULT_INPUT.to_owned()];
    let inputs = if inputs.is_empty() { default.as_slice() } else { inputs };
    let with_seed = |input: &String| match input.strip_prefix("synthetic:") {
        Some(rest) if seed != DEFAULT_SEED && !rest.contains("seed=") => {
            format!("{input}{}seed={seed}", if rest.contains('?') { '&' } else { '?' })
        }
        _ => input.clone(),
    };
    inputs.iter().map(with_seed).collect()
}

/// The zone of a name; UTC without one.
///
/// # Errors
/// When there is no such zone.
pub(crate) fn zone_named(name: Option<&str>) -> Result<TimeZone, Failure> {
    let Some(name) = name else { return Ok(TimeZone::UTC) };
    TimeZone::get(name).map_err(|_| {
        Failure::Input(format!("--time-zone {name}: there is no such zone; expected a name such as America/New_York"))
    })
}

/// An instant, or a date or local time in the zone, as the flag `place` was given it.
pub(crate) fn instant(text: &str, zone: &TimeZone, place: &str) -> Result<Timestamp, Failure> {
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let local = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(DateTime::from));
    local.and_then(|local| zone.to_timestamp(local).ok()).ok_or_else(|| {
        Failure::Input(format!("{place} {text}: expected a time such as 1995-07-01 or 1995-07-01T04:00:00Z"))
    })
}

/// Says when much of the load is lost whatever a policy does.
fn note_of_small_fleet(fleet: &Fleet, load: &Series) -> Option<String> {
    let most = f64::from(fleet.max_servers) * fleet.capacity;
    let lost: f64 = load.values().iter().map(|arriving| (arriving - most).max(0.0)).sum();
    let share = lost / load.total();
    (share > LOST_SHARE).then(|| {
        format!(
            "{} servers, the most allowed, cannot serve {} of the load, whatever the policy: raise \
             simulation.max_servers, or say what one serves with {CAPACITY}",
            fleet.max_servers,
            percent(share)
        )
    })
}

/// Names the longest silence of a trace that is hardly ever silent: more likely an outage of the records than of users.
fn note_of_silence(seen: &Observed) -> Option<String> {
    let loads: Vec<Option<f64>> = seen.values().collect();
    let (mut longest, mut begin) = (0..0, 0);
    for (index, load) in loads.iter().chain([&None]).enumerate() {
        if *load != Some(0.0) {
            if index - begin > longest.len() {
                longest = begin..index;
            }
            begin = index + 1;
        }
    }
    let silent = loads.iter().filter(|load| **load == Some(0.0)).count();
    let seconds = longest.len() as u64 * u64::from(seen.step().seconds());
    let rare = (silent - longest.len()) * 20 < loads.len() - longest.len();
    (seconds >= SILENCE_SECONDS && rare).then(|| {
        format!(
            "nothing arrived for {} from {}, which counts as a load of zero; --silence-as-gap 1h takes such silences \
             for missing",
            duration(seconds),
            seen.time(longest.start)
        )
    })
}

/// Sizes servers to the trace where nobody said what one serves and the default would make nonsense of it. They are
/// sized before scaling: a user who scales the load wants to see the same servers under another load.
fn size_capacity(configuration: &mut Configuration, observed: &Observed, scale: f64) -> Option<String> {
    if *configuration.origin(CAPACITY) != Origin::Default {
        return None;
    }
    let step = observed.step();
    let high_load = percentile(observed, 0.99)?;
    let keeps_price = *configuration.origin(VIOLATION) != Origin::Default;
    let settings = configuration.settings_mut();
    let most = f64::from(settings.max_servers);
    let default = settings.capacity_per_server.per_tick(step);
    let needed = high_load * scale / default;
    if high_load <= 0.0 || (FITTING_SERVERS.0..=FITTING_SERVERS.1 * most).contains(&needed) {
        return None;
    }
    let filled = FILLED_SHARE * most;
    let per_minute = high_load / filled * (MINUTE_SECONDS / f64::from(step.seconds()));
    // What a server drops in a minute costs the same, whatever the unit.
    let full_minute = settings.violation_cost * settings.capacity_per_server.amount;
    settings.capacity_per_server = Rate { amount: per_minute, per_seconds: Some(MINUTE_SECONDS) };
    if !keeps_price {
        settings.violation_cost = full_minute / per_minute;
    }
    let unit = load_unit(observed.unit());
    let price = if keeps_price {
        String::new()
    } else {
        format!(", and each of them dropped costs {}", grouped(settings.violation_cost))
    };
    Some(format!(
        "a server is taken to serve {} {unit} per minute, so that the busiest 1% of the trace needs more than {filled} \
         servers{price}: the default capacity does not fit this trace; say what yours is with --set {CAPACITY}=…/min",
        grouped(per_minute),
    ))
}

/// The unit in a sentence.
pub(crate) fn load_unit(unit: Unit) -> String {
    match unit {
        Unit::Value => "units of load".to_owned(),
        unit => unit.to_string(),
    }
}

/// The value that this share of the intervals seen does not exceed (nearest rank).
fn percentile(observed: &Observed, share: f64) -> Option<f64> {
    let mut loads: Vec<f64> = observed.values().flatten().collect();
    let rank = ((loads.len() as f64 * share).ceil() as usize).clamp(1, loads.len().max(1)) - 1;
    (!loads.is_empty()).then(|| *loads.select_nth_unstable_by(rank, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(loads: impl IntoIterator<Item = f64>) -> Observed {
        Observed::new(Timestamp::UNIX_EPOCH, Step::MINUTE, Unit::Requests, loads.into_iter().map(Some)).unwrap()
    }

    #[test]
    fn servers_are_sized_only_where_the_default_does_not_fit() {
        let mut configuration = Configuration::default();
        assert_eq!(
            size_capacity(&mut configuration, &observed((1..=100).map(|load| f64::from(load) * 5e4)), 1.0),
            None
        );
        let note = size_capacity(&mut configuration, &observed((1..=100).map(f64::from)), 2.0);
        let settings = configuration.settings();
        assert!(note.is_some());
        assert_eq!(settings.fleet(Step::MINUTE).capacity, 22.0);
        assert!((settings.violation_cost * 22.0 - 6.0).abs() < 1e-12);
        let mut scaled_to_fit = Configuration::default();
        let small = observed((1..=100).map(f64::from));
        assert_eq!(size_capacity(&mut scaled_to_fit, &small, 5e4), None);
        let mut told = Configuration::default();
        told.set(CAPACITY, "7/min", Origin::Named("--set".to_owned())).unwrap();
        assert_eq!(size_capacity(&mut told, &observed([1.0]), 1.0), None);
    }

    #[test]
    fn a_fleet_too_small_for_the_load_is_told() {
        let fleet = Fleet { capacity: 10.0, startup_ticks: 0, cooldown_ticks: 0, min_servers: 1, max_servers: 2 };
        let series = |loads: [f64; 2]| observed(loads).fill(Fill::Zero).unwrap();
        assert_eq!(note_of_small_fleet(&fleet, &series([20.0, 5.0])), None);
        let note = note_of_small_fleet(&fleet, &series([40.0, 0.0])).unwrap();
        assert!(note.contains("2 servers") && note.contains("50% of the load"), "{note}");
    }

    #[test]
    fn a_long_silence_in_busy_traffic_is_told() {
        let busy_but = |silent: std::ops::Range<usize>| {
            observed((0..600).map(move |minute| if silent.contains(&minute) { 0.0 } else { 9.0 }))
        };
        assert_eq!(note_of_silence(&busy_but(0..59)), None);
        let note = note_of_silence(&busy_but(120..220)).unwrap();
        assert!(note.contains("1 h 40 min from 1970-01-01T02:00:00Z"), "{note}");
        let mostly_silent = observed((0..600).map(|minute| f64::from(u8::from(minute % 90 == 0))));
        assert_eq!(note_of_silence(&mostly_silent), None);
    }

    #[test]
    fn a_seed_reaches_the_synthetic_trace_that_tells_none() {
        assert_eq!(seeded(&[], DEFAULT_SEED), ["synthetic:nasa-like"]);
        assert_eq!(seeded(&[], 7), ["synthetic:nasa-like?seed=7"]);
        let given = ["synthetic:steady?days=2".to_owned(), "synthetic:steady?seed=1".to_owned(), "a.log".to_owned()];
        assert_eq!(seeded(&given, 7), ["synthetic:steady?days=2&seed=7", "synthetic:steady?seed=1", "a.log"]);
    }

    #[test]
    fn starts_are_read_in_the_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(-4));
        assert_eq!(instant("1995-07-01", &zone, "--start").unwrap().to_string(), "1995-07-01T04:00:00Z");
        assert_eq!(instant("1995-07-01T04:00:00Z", &zone, "--start").unwrap().to_string(), "1995-07-01T04:00:00Z");
        assert!(instant("yesterday", &zone, "--start").is_err());
    }
}
