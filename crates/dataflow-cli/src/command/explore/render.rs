//! What was measured as people and programs read it: a page, Markdown, JSON, or one row per figure.

use std::fmt::Write as _;

use anstyle::AnsiColor;

use super::chart::{bar, heat_row, sparkline};
use super::facts::{Facts, ListFacts, SizeFacts, SpikeFacts, TestFacts, Timeline, Totals};
use crate::output::Format;
use crate::quantity::{self, count, duration, grouped, per_interval, percent};
use crate::table::Table;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Names are cut to so many characters, so that a row stays on a line.
const NAME_WIDTH: usize = 52;
const BAR_WIDTH: usize = 16;
/// Strengths from here on are called strong, and below the other weak.
const STRONG: f64 = 0.6;
const WEAK: f64 = 0.3;

/// The facts in the format asked for.
pub(super) fn render(facts: &Facts, format: Format) -> String {
    match format {
        // No key or value can fail to be written.
        Format::Json => serde_json::to_string_pretty(facts).unwrap_or_default() + "\n",
        Format::Csv => {
            let mut text = String::from("key,value\n");
            let value = serde_json::to_value(facts).unwrap_or_default();
            flatten(&value, &mut String::new(), &mut text);
            text
        }
        Format::Table => page(facts, false),
        Format::Markdown => page(facts, true),
    }
}

/// One row per figure and text of the JSON, its place written with dots; what is not known is empty.
fn flatten(value: &serde_json::Value, place: &mut String, text: &mut String) {
    let mut inside = |key: &str, value: &serde_json::Value, place: &mut String| {
        let length = place.len();
        let dot = if length > 0 { "." } else { "" };
        let _ = write!(place, "{dot}{key}");
        flatten(value, place, text);
        place.truncate(length);
    };
    match value {
        serde_json::Value::Object(entries) => entries.iter().for_each(|(key, value)| inside(key, value, place)),
        serde_json::Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| inside(&index.to_string(), value, place));
        }
        serde_json::Value::Null => {
            let _ = writeln!(text, "{place},");
        }
        serde_json::Value::String(value) => {
            let _ = writeln!(text, "{place},\"{}\"", value.replace('"', "\"\""));
        }
        value => {
            let _ = writeln!(text, "{place},{value}");
        }
    }
}

/// A page for a terminal or a document.
struct Page {
    markdown: bool,
    text: String,
}

impl Page {
    fn title(&mut self, title: &str) {
        let bold = AnsiColor::Cyan.on_default().bold();
        let _ = if self.markdown {
            writeln!(self.text, "\n### {title}\n")
        } else {
            writeln!(self.text, "\n{bold}{title}{bold:#}")
        };
    }

    /// Names and what is to be said of each.
    fn lines(&mut self, lines: &[(&str, String)]) {
        let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, line) in lines {
            let _ = if self.markdown {
                writeln!(self.text, "- {name}: {line}")
            } else {
                writeln!(self.text, "{name:<width$}  {line}")
            };
        }
    }

    /// Lines whose characters stand under each other.
    fn drawing(&mut self, lines: &str) {
        let _ = if self.markdown {
            write!(self.text, "```text\n{}```\n", anstream::adapter::strip_str(lines))
        } else {
            write!(self.text, "{lines}")
        };
    }

    fn table(&mut self, table: &Table) {
        self.text.push_str(&if self.markdown { table.markdown() } else { table.text() });
    }
}

fn page(facts: &Facts, markdown: bool) -> String {
    let mut page = Page { markdown, text: String::new() };
    page.lines(&overview(facts));
    course(&mut page, facts);
    rhythm(&mut page, facts);
    answers(&mut page, facts);
    let lists = [
        ("Clients", &facts.clients),
        ("Resources", &facts.resources),
        ("File types", &facts.file_types),
        ("Methods", &facts.methods),
        ("Protocols", &facts.protocols),
        ("Referrers", &facts.referrers),
        ("Agents", &facts.agents),
    ];
    for (title, list) in lists {
        if let Some(list) = list {
            names(&mut page, title, list);
        }
    }
    page.title("Nature");
    page.lines(&nature(facts));
    page.text
}

fn overview(facts: &Facts) -> Vec<(&'static str, String)> {
    let mut lines = vec![("trace", facts.source.clone())];
    let time = &facts.time;
    let moment = |text: &str| text.replace('T', " ").replace('Z', "");
    let days = if time.days == 1 {
        "1 calendar day".to_owned()
    } else {
        format!("{} calendar days", count(time.days as usize))
    };
    lines.push((
        "time",
        format!(
            "{} to {} UTC · {} · {days} in {}",
            moment(&time.first),
            moment(&time.last),
            duration(time.seconds),
            time.time_zone
        ),
    ));
    lines.extend(sums(&facts.totals, &facts.timeline));
    if let Some(before) = &facts.before {
        lines.push(("before", compared(&facts.totals, &before.totals, &moment(&before.start))));
    }
    if let Some(read) = &facts.lines {
        let rejected: Vec<String> = read
            .rejected
            .iter()
            .map(|reason| format!("{} × {}", grouped(reason.lines as f64), reason.reason))
            .collect();
        let rest =
            if rejected.is_empty() { String::new() } else { format!(" · not counted: {}", rejected.join(", ")) };
        lines.push(("lines", format!("{} read{rest}", grouped(read.read as f64))));
    }
    lines
}

fn sums(totals: &Totals, timeline: &Timeline) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let peak = totals.peak.as_ref().map(|peak| (peak.value, peak.time.replace('T', " ").replace('Z', "")));
    let busiest = |unit: &str| {
        let (value, time) = peak.clone().filter(|_| timeline.main == unit)?;
        let value = if unit == "requests" { grouped(value) } else { quantity::load(value, unit) };
        Some(format!(" · busiest {}: {value} at {time}", per_interval(timeline.interval_seconds)))
    };
    if let Some(requests) = totals.requests {
        let mean = totals.mean_daily_requests.map(|mean| format!(" · {} a day", grouped(mean.round())));
        let rate = totals.mean_requests_per_second.map(|rate| format!(" · {} a second", grouped(rate)));
        let parts = [mean, rate, busiest("requests")].into_iter().flatten().collect::<String>();
        lines.push(("requests", grouped(requests) + &parts));
    }
    if let Some(bytes) = totals.bytes {
        let each = totals.mean_bytes_per_request.map(|mean| format!(" · {} a request", quantity::load(mean, "bytes")));
        lines.push((
            "bytes",
            quantity::load(bytes, "bytes") + &[each, busiest("bytes")].into_iter().flatten().collect::<String>(),
        ));
    }
    if let Some(value) = totals.value {
        lines.push(("load", quantity::load(value, "value") + &busiest("value").unwrap_or_default()));
    }
    if let Some((errors, rest)) = totals.error_rate.zip(totals.not_success_rate) {
        lines.push(("errors", format!("{} are 4xx or 5xx · {} are not 2xx", percent(errors), percent(rest))));
    }
    if let Some((clients, resources)) = totals.distinct_clients.zip(totals.distinct_resources) {
        let about = |is_exact: bool| if is_exact { "" } else { "about " };
        lines.push((
            "different",
            format!(
                "{}{} clients · {}{} resources",
                about(clients.is_exact),
                count(clients.count as usize),
                about(resources.is_exact),
                count(resources.count as usize)
            ),
        ));
    }
    lines
}

fn compared(now: &Totals, before: &Totals, start: &str) -> String {
    let change = |now: Option<f64>, before: Option<f64>| {
        let ratio = now? / before.filter(|before| *before > 0.0)? - 1.0;
        let sign = if ratio >= 0.0 { "+" } else { "" };
        Some(format!("{sign}{}", percent(ratio)))
    };
    let mut parts = Vec::new();
    for (name, now, before) in [
        ("requests", now.requests, before.requests),
        ("bytes", now.bytes, before.bytes),
        ("load", now.value, before.value),
    ] {
        if let (Some(change), Some(before)) = (change(now, before), before) {
            let shown = if name == "bytes" { quantity::load(before, "bytes") } else { grouped(before) };
            parts.push(format!("{name} {change} from {shown}"));
        }
    }
    if let (Some(now), Some(before)) = (now.error_rate, before.error_rate) {
        parts.push(format!("errors {} from {}", percent(now), percent(before)));
    }
    format!("{} since the time of the same length from {start} UTC", parts.join(" · "))
}

/// The sums over time.
fn course(page: &mut Page, facts: &Facts) {
    let timeline = &facts.timeline;
    let shown: Vec<_> = timeline
        .columns
        .iter()
        .filter(|column| {
            column.name == timeline.main || ["bytes", "not_found", "error"].contains(&column.name.as_str())
        })
        .collect();
    page.title(&format!("Over time, per {}", per_interval(timeline.interval_seconds)));
    let mut lines = String::new();
    for column in shown {
        let most = column.values.iter().flatten().fold(0.0, |most: f64, value| most.max(*value));
        let unit = if column.name == "bytes" { "bytes" } else { "" };
        let most = if unit.is_empty() { grouped(most) } else { quantity::load(most, unit) };
        let _ = writeln!(lines, "{:<10} {}  up to {most}", column.name, sparkline(&column.values));
    }
    page.drawing(&lines);
}

fn rhythm(page: &mut Page, facts: &Facts) {
    let rhythm = &facts.rhythm;
    let most = |values: &[Option<f64>]| values.iter().flatten().fold(0.0, |most: f64, value| most.max(*value));
    page.title(&format!("Mean {} per hour, in {}", rhythm.unit, facts.time.time_zone));
    let mean = |mean: Option<f64>| match mean {
        Some(mean) if rhythm.unit == "bytes" => quantity::load(mean, "bytes"),
        Some(mean) => grouped(mean),
        None => "–".to_owned(),
    };
    let mut lines = String::new();
    if let Some(days) = &rhythm.heat_map {
        let highest = days.iter().map(|day| most(day)).fold(0.0, f64::max);
        let _ = writeln!(lines, "     00    03    06    09    12    15    18    21");
        for (day, (name, total)) in days.iter().zip(WEEKDAYS.iter().zip(&rhythm.by_weekday)) {
            let _ = writeln!(lines, "{name}  {}  {:>10}", heat_row(day, highest), mean(*total));
        }
    } else {
        for (name, total) in WEEKDAYS.iter().zip(&rhythm.by_weekday) {
            let share = total.unwrap_or(0.0) / most(&rhythm.by_weekday);
            let _ = writeln!(lines, "{name}  {:<BAR_WIDTH$}  {:>10}", bar(share, BAR_WIDTH), mean(*total));
        }
    }
    if let Some(hours) = &rhythm.by_hour {
        let doubled: Vec<Option<f64>> = hours.iter().flat_map(|hour| [*hour, *hour]).collect();
        let all = hours.iter().flatten().sum::<f64>() / hours.iter().flatten().count().max(1) as f64;
        let _ = writeln!(lines, "all  {}  {:>10}", sparkline(&doubled), mean(Some(all)));
    }
    page.drawing(&lines);
}

fn answers(page: &mut Page, facts: &Facts) {
    if let Some(statuses) = &facts.statuses {
        page.title("Status codes");
        let mut table = Table::new(["status", "requests", "share", "bytes", ""]);
        table.align_left(4);
        for status in statuses {
            table.push(&[
                status.status.to_string(),
                grouped(status.requests as f64),
                percent(status.share),
                quantity::load(status.bytes as f64, "bytes"),
                bar(status.share, BAR_WIDTH),
            ]);
        }
        page.table(&table);
    }
    if let Some(sizes) = &facts.sizes {
        page.title("Sizes of answers");
        let mut table = Table::new(["size", "requests", "share", "bytes", ""]);
        table.align_left(4);
        for pair in in_fours(sizes).iter().filter(|pair| pair.requests > 0) {
            table.push(&[
                size_range(pair),
                grouped(pair.requests as f64),
                percent(pair.share),
                quantity::load(pair.bytes as f64, "bytes"),
                bar(pair.share, BAR_WIDTH),
            ]);
        }
        page.table(&table);
    }
}

/// Two neighbouring powers of two in one, so that the table is half as long.
fn in_fours(sizes: &[SizeFacts]) -> Vec<SizeFacts> {
    let mut fours: Vec<SizeFacts> = Vec::new();
    for bin in sizes {
        match fours.last_mut() {
            Some(last) if last.from > 0 && last.from.ilog2() / 2 == bin.from.max(1).ilog2() / 2 => {
                last.to = bin.to;
                last.requests += bin.requests;
                last.share += bin.share;
                last.bytes += bin.bytes;
            }
            _ => fours.push(bin.clone()),
        }
    }
    fours
}

fn size_range(bin: &SizeFacts) -> String {
    let short = |bytes: u64| match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes / 1_048_576),
        _ => format!("{} GiB", bytes / 1_073_741_824),
    };
    match bin.to {
        0 => "none".to_owned(),
        to => format!("{} to {}", short(bin.from), short(to.saturating_add(1))),
    }
}

fn names(page: &mut Page, title: &str, list: &ListFacts) {
    let about = if list.distinct.is_exact { "" } else { "about " };
    let rest = if list.missed_at_most > 0 {
        format!(", counts too low by {} at most", grouped(list.missed_at_most as f64))
    } else {
        String::new()
    };
    page.title(&format!("{title}: {about}{} different{rest}", count(list.distinct.count as usize)));
    if list.top.is_empty() {
        return;
    }
    let mut table = Table::new(["name", "requests", "share", "bytes", "errors", ""]);
    table.align_left(5);
    let most = list.top.iter().map(|name| name.share).fold(f64::MIN_POSITIVE, f64::max);
    for name in &list.top {
        table.push(&[
            shown(&name.name),
            grouped(name.requests as f64),
            percent(name.share),
            quantity::load(name.bytes as f64, "bytes"),
            grouped(name.errors as f64),
            bar(name.share / most, BAR_WIDTH),
        ]);
    }
    page.table(&table);
}

/// A name safe to print, its middle left out where it is long: beginnings and ends tell most.
fn shown(name: &str) -> String {
    let safe: Vec<char> = name.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect();
    if safe.len() <= NAME_WIDTH {
        return safe.into_iter().collect();
    }
    let (begin, end) = (NAME_WIDTH / 2, NAME_WIDTH - NAME_WIDTH / 2 - 1);
    safe[..begin].iter().chain(&['…']).chain(&safe[safe.len() - end..]).collect()
}

fn nature(facts: &Facts) -> Vec<(&'static str, String)> {
    let mut lines = vec![("spikes", spikes(&facts.spikes.load, facts, &facts.rhythm.unit))];
    if let Some(errors) = &facts.spikes.error_rate {
        lines.push(("", spikes(errors, facts, "error rate")));
    }
    lines.push(("silences", silences(facts)));
    if let Some(found) = &facts.seasonality {
        let strength = |strength: f64| {
            let word = match strength {
                _ if strength >= STRONG => "strong",
                _ if strength < WEAK => "weak",
                _ => "moderate",
            };
            format!("{strength:.2} ({word})")
        };
        let week = found.week.map_or_else(|| "too short to tell".to_owned(), strength);
        let trend = found.trend;
        lines.push((
            "rhythm",
            format!("day {} · week {week} · trend {trend:.2} (strengths from 0 to 1)", strength(found.day)),
        ));
    }
    if let Some(found) = &facts.stationarity {
        let step = per_interval(found.step_seconds);
        let test = |name: &str, test: &TestFacts, sign: &str| {
            let word = if test.is_stationary { "stationary" } else { "not stationary" };
            let five = test.critical[1];
            format!("{name} {:.3} ({sign} {five:.3} at 5%): {word}", test.statistic)
        };
        let kpss = found.kpss.as_ref().map(|kpss| test("KPSS", kpss, "stationary up to"));
        let adf = found.augmented_dickey_fuller.as_ref().map(|adf| test("ADF", adf, "stationary below"));
        let both = [kpss, adf].into_iter().flatten().collect::<Vec<_>>().join(" · ");
        lines.push(("level", format!("{both} (per {step})")));
    }
    if let Some(found) = &facts.dispersion {
        let word = match found.index {
            _ if found.is_poisson => "as random as a Poisson process",
            index if index > 1.0 => "burstier than a Poisson process",
            _ => "more regular than a Poisson process",
        };
        lines.push((
            "noise",
            format!(
                "variance {:.2} × mean per {} within {}: {word} ({:.2} to {:.2} in 95% of cases)",
                found.index,
                per_interval(found.step_seconds),
                duration(u64::from(found.block_seconds)),
                found.poisson[0],
                found.poisson[1]
            ),
        ));
    }
    lines
}

fn spikes(found: &SpikeFacts, facts: &Facts, what: &str) -> String {
    let rule = &facts.spikes;
    if found.judged == 0 {
        return format!("{what}: too short to tell");
    }
    let value = |value: f64| match what {
        "error rate" => percent(value),
        "bytes" => quantity::load(value, "bytes"),
        _ => grouped(value),
    };
    let largest = found.largest.first().map_or_else(String::new, |spike| {
        format!(
            "; highest {} at {} UTC, {:.1} deviations above {}",
            value(spike.value),
            spike.time.replace('T', " ").replace('Z', ""),
            spike.score,
            value(spike.mean)
        )
    });
    format!(
        "{what}: {} of {} ({}) per {} more than {} deviations above the mean of {}{largest}",
        grouped(found.count as f64),
        grouped(found.judged as f64),
        percent(found.count as f64 / found.judged as f64),
        per_interval(rule.step_seconds),
        grouped(rule.threshold),
        duration(u64::from(rule.window_seconds)),
    )
}

fn silences(facts: &Facts) -> String {
    let found = &facts.silences;
    let share = |part: usize| percent(part as f64 / found.intervals.max(1) as f64);
    let step = per_interval(found.step_seconds);
    let mut text = format!("{} of the intervals of a {step} are empty", share(found.silent));
    if found.missing > 0 {
        let _ = write!(text, ", {} are missing", share(found.missing));
    }
    if let Some(longest) = found.longest.first() {
        let kind = if longest.is_missing { "gap" } else { "silence" };
        let start = longest.start.replace('T', " ").replace('Z', "");
        let _ = write!(text, "; longest {kind}: {} from {start} UTC", duration(longest.seconds));
    }
    text
}
