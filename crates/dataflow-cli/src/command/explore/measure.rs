//! From what was read to what is told: totals, rhythms, spikes and tests.

use std::ops::Range;

use dataflow_series::explore::{HeavyHitters, LogFacts};
use dataflow_series::log::Traffic;
use dataflow_series::statistics::{
    Spike, SpikeRule, Spikes, StationarityTest, augmented_dickey_fuller, dispersion, kpss, profile, seasonality,
    spikes, whole_hours,
};
use dataflow_series::{LocalTime, Observed, Step, Unit};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::facts::{
    Before, Classes, Column, DispersionFacts, Distinct, Facts, LineFacts, ListFacts, NameFacts, OneSpike, Peak,
    RejectedFacts, Rhythm, SeasonalityFacts, Silence, SilenceFacts, SizeFacts, SpikeFacts, SpikesFacts,
    StationarityFacts, StatusFacts, TestFacts, TimeFacts, Timeline, Totals,
};
use super::sight::Sight;

const HOUR_SECONDS: u32 = 3_600;
const DAY_SECONDS: u32 = 24 * HOUR_SECONDS;
const DAYS: usize = 7;
const HOURS: usize = 24;
/// Intervals of a timeline whose length nobody chose, at most.
const INTERVALS_MAX: u64 = 400;
const INTERVALS: [u32; 14] =
    [1, 5, 15, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 7 * 86_400, 28 * 86_400];
/// Round multiples, times powers of ten.
const ROUND: [u32; 3] = [1, 2, 5];
/// A usual length is near a round multiple that it is not so many times as long as.
const NEAR: u32 = 6;
/// Spikes are told as the reference tells them: a rolling window of 60 values and three standard deviations.
const SPIKE_WINDOW: u32 = 60;
const SPIKE_THRESHOLD: f64 = 3.0;
/// Error rates are counted in these parts, so that sums of them are exact.
const RATE_PARTS: f64 = (1 << 20) as f64;
/// Values in which the rate of a Poisson process is taken for constant.
const DISPERSION_BLOCK: u32 = 600;
/// Hours that a test for stationarity needs; where there are fewer, finer steps are tested.
const TEST_HOURS_MIN: usize = 100;
/// Finer steps are tested on so many values before the end.
const TEST_VALUES_MAX: usize = 10_000;
/// The place of 5 % among critical values.
const AT_FIVE_PERCENT: usize = 1;
const LONGEST_SILENCES: usize = 5;

/// Columns by name.
type Columns = [(&'static str, Observed)];

/// Measures everything; `top` names and spikes are told one by one, and sums per `interval`.
pub(super) fn measure(sight: &Sight, top: usize, interval: Option<Step>) -> Option<Facts> {
    let main = sight.main()?;
    let unit = sight.columns.first().map_or("value", |(name, _)| *name);
    let time = time(sight, main);
    let timeline = timeline(&sight.columns, interval, unit);
    let log = sight.facts.as_deref();
    let all = log.map_or(0.0, |log| log.lines as f64);
    let list = |list: fn(&LogFacts) -> &HeavyHitters| {
        log.map(list).filter(|list| list.requests() > 0).map(|list| list_facts(list, all, top))
    };
    let totals = Totals {
        distinct_clients: log.map(|log| distinct(&log.clients)),
        distinct_resources: log.map(|log| distinct(&log.resources)),
        peak: peak(&timeline),
        ..totals(&sight.columns, time.days, time.seconds)
    };
    Some(Facts {
        source: sight.source.clone(),
        before: before(sight),
        rhythm: rhythm(main, unit, &sight.time_zone),
        statuses: log.map(|log| statuses(log, all)),
        sizes: log.map(|log| sizes(log, all)),
        clients: list(|log| &log.clients),
        resources: list(|log| &log.resources),
        file_types: list(|log| &log.file_types),
        methods: list(|log| &log.methods),
        protocols: list(|log| &log.protocols),
        referrers: list(|log| &log.referrers),
        agents: list(|log| &log.agents),
        spikes: all_spikes(sight, main, top),
        silences: silences(main),
        seasonality: seasonality(main).map(|found| SeasonalityFacts {
            day: found.day,
            week: found.week,
            trend: found.trend,
            hours: found.hours,
        }),
        stationarity: stationarity(main),
        dispersion: dispersion_of(sight, main),
        lines: sight.traffic.as_ref().map(lines),
        time,
        totals,
        timeline,
    })
}

fn column<'a>(columns: &'a Columns, name: &str) -> Option<&'a Observed> {
    columns.iter().find(|(other, _)| *other == name).map(|(_, column)| column)
}

fn text(second: i64) -> String {
    Timestamp::from_second(second).unwrap_or_default().to_string()
}

fn time(sight: &Sight, main: &Observed) -> TimeFacts {
    let (first, last) = match &sight.traffic {
        Some(traffic) => traffic.first_and_last(),
        None => (main.start(), main.end()),
    };
    let zone = &sight.time_zone;
    // The end of a series is the beginning of what comes next.
    let last_day = if sight.traffic.is_some() { last } else { last - jiff::SignedDuration::from_secs(1) };
    let days = |instant: Timestamp| instant.to_zoned_datetime(zone.clone()).date();
    let between = days(first).until(days(last_day.max(first))).map_or(0, |span| i64::from(span.get_days()));
    let inclusive = u64::from(sight.traffic.is_some());
    TimeFacts {
        first: first.to_string(),
        last: last.to_string(),
        seconds: last.as_second().abs_diff(first.as_second()) + inclusive,
        days: between.unsigned_abs() + 1,
        time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        window: sight.window.as_ref().map(|window| [window.start.to_string(), window.end.to_string()]),
    }
}

fn totals(columns: &Columns, days: u64, seconds: u64) -> Totals {
    let total = |name: &str| column(columns, name).map(Observed::total);
    let (requests, bytes) = (total("requests"), total("bytes"));
    let classes = || {
        let class = |name: &str| total(name);
        Some(Classes {
            success: class("success")?,
            no_change: class("no_change")?,
            redirected: class("redirected")?,
            not_found: class("not_found")?,
            error: class("error")?,
        })
    };
    let classes = classes();
    let some = |requests: &f64| *requests > 0.0;
    let rate = |part: fn(&Classes, f64) -> f64| Some(part(&classes?, requests?) / requests.filter(some)?);
    Totals {
        requests,
        bytes,
        value: total("value"),
        mean_daily_requests: requests.map(|requests| requests / days as f64),
        mean_requests_per_second: requests.filter(|_| seconds > 0).map(|requests| requests / seconds as f64),
        mean_bytes_per_request: bytes.zip(requests.filter(some)).map(|(bytes, requests)| bytes / requests),
        error_rate: rate(|classes, _| classes.not_found + classes.error),
        not_success_rate: rate(|classes, requests| requests - classes.success),
        classes,
        distinct_clients: None,
        distinct_resources: None,
        peak: None,
    }
}

fn distinct(list: &HeavyHitters) -> Distinct {
    Distinct { count: list.distinct(), is_exact: list.is_exact() }
}

fn before(sight: &Sight) -> Option<Before> {
    let columns = sight.before.as_ref()?;
    let window = sight.window.as_ref()?;
    let length = window.start.until(window.end).ok()?;
    let start = window.start.checked_sub(length).ok()?;
    let day = |instant: Timestamp| instant.to_zoned_datetime(sight.time_zone.clone()).date();
    let last = window.start - jiff::SignedDuration::from_secs(1);
    let days = day(start).until(day(last)).map_or(0, |span| i64::from(span.get_days()));
    let seconds = window.start.as_second().abs_diff(start.as_second());
    let totals = totals(columns, days.unsigned_abs() + 1, seconds);
    Some(Before { start: start.to_string(), end: window.start.to_string(), totals })
}

fn rhythm(main: &Observed, unit: &str, zone: &TimeZone) -> Rhythm {
    let step = main.step().seconds();
    let per_hour = f64::from(HOUR_SECONDS) / f64::from(step);
    let hourly = |mean: &Option<f64>| mean.map(|mean| mean * per_hour);
    let has_hours = step <= HOUR_SECONDS;
    let by_hour: [_; HOURS] = profile(main, zone, 1, LocalTime::hour);
    let by_weekday: [_; DAYS] = profile(main, zone, 1, LocalTime::weekday);
    // In a day or more, the minutes of an hour that was hardly begun would stand out for nothing.
    let is_long = main.len() >= (DAY_SECONDS / step) as usize;
    let fewest = if is_long { u64::from(HOUR_SECONDS / 2 / step) } else { 1 };
    let all: [_; DAYS * HOURS] = profile(main, zone, fewest, LocalTime::hour_of_week);
    Rhythm {
        unit: unit.to_owned(),
        by_hour: has_hours.then(|| by_hour.iter().map(hourly).collect()),
        by_weekday: by_weekday.iter().map(hourly).collect(),
        heat_map: has_hours.then(|| all.chunks(HOURS).map(|day| day.iter().map(hourly).collect()).collect()),
    }
}

/// Sums per interval; intervals begin at whole multiples of their length since 1970.
fn timeline(columns: &Columns, interval: Option<Step>, main: &str) -> Timeline {
    let (start, end, own) = columns
        .first()
        .map_or((0, 0, 1), |(_, first)| (first.start().as_second(), first.end().as_second(), first.step().seconds()));
    let seconds = interval.map_or_else(|| interval_seconds(own, end.abs_diff(start)), Step::seconds);
    let first = start.div_euclid(i64::from(seconds));
    let length = (end - 1).div_euclid(i64::from(seconds)) - first + 1;
    let sums = |column: &Observed| {
        let mut sums: Vec<Option<f64>> = vec![None; usize::try_from(length).unwrap_or(0)];
        for (place, value) in column.values().enumerate() {
            let second = start + place as i64 * i64::from(own);
            let interval = (second.div_euclid(i64::from(seconds)) - first) as usize;
            if let (Some(sum), Some(value)) = (sums.get_mut(interval), value) {
                *sum = Some(sum.unwrap_or(0.0) + value);
            }
        }
        sums
    };
    let start_second = first * i64::from(seconds);
    Timeline {
        start: text(start_second),
        start_second,
        interval_seconds: seconds,
        main: main.to_owned(),
        columns: columns.iter().map(|(name, all)| Column { name: (*name).to_owned(), values: sums(all) }).collect(),
    }
}

/// A length that gives at most [`INTERVALS_MAX`] intervals: the trace's own, else a usual one, or where none is near, a
/// round multiple of its own.
fn interval_seconds(own: u32, span: u64) -> u32 {
    let fits = |seconds: &u32| span / u64::from(*seconds) <= INTERVALS_MAX;
    let tens = std::iter::successors(Some(own), |seconds| seconds.checked_mul(10));
    let mut round = tens.flat_map(|ten| ROUND.into_iter().filter_map(move |times| ten.checked_mul(times)));
    let round = round.find(fits).unwrap_or(own);
    let usual = INTERVALS.into_iter().find(|usual| usual.is_multiple_of(own) && fits(usual));
    usual.filter(|usual| round > own && usual / round < NEAR).unwrap_or(round)
}

fn peak(timeline: &Timeline) -> Option<Peak> {
    let values = timeline.columns.first()?.values.iter().enumerate();
    // The first of equally busy ones.
    let (place, value) =
        values.filter_map(|(place, value)| Some((place, (*value)?))).rev().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let time = text(timeline.start_second + place as i64 * i64::from(timeline.interval_seconds));
    Some(Peak { time, value })
}

fn statuses(log: &LogFacts, all: f64) -> Vec<StatusFacts> {
    let facts = log.statuses.iter().map(|(status, counts)| StatusFacts {
        status: *status,
        requests: counts.requests,
        share: counts.requests as f64 / all,
        bytes: counts.bytes,
    });
    facts.collect()
}

fn sizes(log: &LogFacts, all: f64) -> Vec<SizeFacts> {
    let bins = log.sizes.bins().into_iter();
    bins.map(|bin| SizeFacts {
        from: bin.from,
        to: bin.to,
        requests: bin.requests,
        share: bin.requests as f64 / all,
        bytes: bin.bytes,
    })
    .collect()
}

fn list_facts(list: &HeavyHitters, all: f64, top: usize) -> ListFacts {
    let names = list.top(top).into_iter().map(|hitter| NameFacts {
        name: String::from_utf8_lossy(&hitter.name).into_owned(),
        requests: hitter.counts.requests,
        share: hitter.counts.requests as f64 / all,
        bytes: hitter.counts.bytes,
        errors: hitter.counts.errors,
        missed_at_most: hitter.missed_at_most,
    });
    ListFacts {
        distinct: distinct(list),
        requests: list.requests(),
        missed_at_most: list.missed_at_most(),
        top: names.collect(),
    }
}

fn all_spikes(sight: &Sight, main: &Observed, top: usize) -> SpikesFacts {
    let rule = SpikeRule { window: SPIKE_WINDOW as usize, threshold: SPIKE_THRESHOLD, most: top };
    let seconds = sight.facts.as_ref().and_then(|log| log.seconds.as_ref());
    // Of seconds only the requests are known.
    let (step, load, error_rate) = if let Some(counts) = seconds.filter(|_| main.unit() == Unit::Requests) {
        let load = spikes(counts.requests.iter().map(|requests| Some(f64::from(*requests))), &rule);
        let rate = |(errors, requests): (&u32, &u32)| {
            Some((f64::from(*errors) / f64::from((*requests).max(1)) * RATE_PARTS).round())
        };
        let errors = spikes(counts.errors.iter().zip(&counts.requests).map(rate), &rule);
        let facts = |spikes: Spikes, parts: f64| spike_facts(spikes, counts.start, 1, parts);
        (1, facts(load, 1.0), Some(facts(errors, RATE_PARTS)))
    } else {
        let finest = sight.finer.as_ref().unwrap_or(main);
        let step = finest.step().seconds();
        let facts = |spikes: Spikes, parts: f64| spike_facts(spikes, finest.start().as_second(), step, parts);
        let rates = error_rates(&sight.columns).filter(|_| finest.step() == main.step());
        let errors = rates.map(|rates| facts(spikes(rates, &rule), RATE_PARTS));
        (step, facts(spikes(finest.values(), &rule), 1.0), errors)
    };
    let window_seconds = step.saturating_mul(SPIKE_WINDOW);
    SpikesFacts { step_seconds: step, window_seconds, threshold: SPIKE_THRESHOLD, load, error_rate }
}

/// Errors over requests of each interval, in parts.
fn error_rates(columns: &Columns) -> Option<impl Iterator<Item = Option<f64>> + '_> {
    let [requests, not_found, error] = ["requests", "not_found", "error"].map(|name| column(columns, name));
    let errors = not_found?.values().zip(error?.values()).map(|(not_found, error)| Some(not_found? + error?));
    let rate =
        |(errors, requests): (Option<f64>, Option<f64>)| Some((errors? / requests?.max(1.0) * RATE_PARTS).round());
    Some(errors.zip(requests?.values()).map(rate))
}

fn spike_facts(found: Spikes, start: i64, step: u32, parts: f64) -> SpikeFacts {
    let one = |spike: Spike| OneSpike {
        time: text(start + spike.place as i64 * i64::from(step)),
        value: spike.value / parts,
        mean: spike.mean / parts,
        score: spike.score,
    };
    SpikeFacts { judged: found.judged, count: found.count, largest: found.largest.into_iter().map(one).collect() }
}

fn silences(main: &Observed) -> SilenceFacts {
    let step = main.step().seconds();
    let mut runs: Vec<(Range<usize>, bool)> = Vec::new();
    let (mut silent, mut missing) = (0, 0);
    for (place, value) in main.values().enumerate() {
        if value.is_some_and(|value| value != 0.0) {
            continue;
        }
        let is_missing = value.is_none();
        *(if is_missing { &mut missing } else { &mut silent }) += 1;
        match runs.last_mut() {
            Some((run, kind)) if run.end == place && *kind == is_missing => run.end += 1,
            _ => runs.push((place..place + 1, is_missing)),
        }
    }
    runs.sort_by_key(|(run, _)| (std::cmp::Reverse(run.len()), run.start));
    let silence = |(run, is_missing): (Range<usize>, bool)| Silence {
        start: main.time(run.start).to_string(),
        seconds: run.len() as u64 * u64::from(step),
        is_missing,
    };
    let longest = runs.into_iter().take(LONGEST_SILENCES).map(silence).collect();
    SilenceFacts { step_seconds: step, intervals: main.len(), silent, missing, longest }
}

fn stationarity(main: &Observed) -> Option<StationarityFacts> {
    let hours = whole_hours(main).filter(|hours| hours.len() >= TEST_HOURS_MIN);
    let (step_seconds, values) = match hours {
        Some(hours) => (HOUR_SECONDS, hours),
        None => (main.step().seconds(), main.values().collect::<Option<Vec<f64>>>()?),
    };
    let values = &values[values.len().saturating_sub(TEST_VALUES_MAX)..];
    let facts = |test: StationarityTest, is_stationary: bool| TestFacts {
        statistic: test.statistic,
        lags: test.lags,
        values: test.length,
        critical: test.critical,
        is_stationary,
    };
    let kpss = kpss(values).map(|test| facts(test, test.statistic <= test.critical[AT_FIVE_PERCENT]));
    let dickey_fuller =
        augmented_dickey_fuller(values).map(|test| facts(test, test.statistic < test.critical[AT_FIVE_PERCENT]));
    (kpss.is_some() || dickey_fuller.is_some()).then_some(StationarityFacts {
        step_seconds,
        kpss,
        augmented_dickey_fuller: dickey_fuller,
    })
}

/// Only counts of requests can be those of a Poisson process.
fn dispersion_of(sight: &Sight, main: &Observed) -> Option<DispersionFacts> {
    let seconds = sight.facts.as_ref().and_then(|log| log.seconds.as_ref());
    let (step_seconds, found) = if let Some(counts) = seconds {
        let requests = counts.requests.iter().map(|requests| Some(f64::from(*requests)));
        (1, dispersion(requests, DISPERSION_BLOCK as usize)?)
    } else {
        let finest = sight.finer.as_ref().unwrap_or(main);
        let step = finest.step().seconds();
        let is_whole = |value: Option<f64>| value.is_none_or(|value| value.fract() == 0.0);
        if main.unit() == Unit::Bytes || step > 60 || !finest.values().all(is_whole) {
            return None;
        }
        (step, dispersion(finest.values(), (DISPERSION_BLOCK / step).max(10) as usize)?)
    };
    let block_seconds = (DISPERSION_BLOCK / step_seconds).max(10) * step_seconds;
    Some(DispersionFacts {
        step_seconds,
        block_seconds,
        index: found.index,
        poisson: [found.poisson.0, found.poisson.1],
        degrees: found.degrees,
        is_poisson: found.is_poisson(),
    })
}

fn lines(traffic: &Traffic) -> LineFacts {
    let sources = traffic.sources();
    LineFacts {
        read: sources.iter().map(|source| source.lines).sum(),
        accepted: sources.iter().map(|source| source.accepted).sum(),
        rejected: traffic
            .rejected()
            .by_reason()
            .map(|(reason, lines)| RejectedFacts { reason: reason.to_string(), lines })
            .collect(),
    }
}
