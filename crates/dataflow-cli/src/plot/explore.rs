//! What `dataflow explore` found, in one picture: requests over time by status class, the week as a heat map, sizes of
//! answers, and the commonest clients and resources.

use std::path::Path;

use super::axis::{Scale, number_ticks, time_ticks};
use super::drawing::{Anchor, Drawing};
use super::palette::{DROP, FORECAST, IN, INK, MISSING, OUT, Paint, RULE, SCALE, SERVER, SOFT_INK};
use super::{Form, MARGIN, WIDTH, shortened, write_drawing};
use crate::command::explore::{Facts, ListFacts};
use crate::failure::Failure;
use crate::quantity::{count, duration, grouped, load, per_interval, percent, prefix, unit_name};

/// The left edge of what has an axis.
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - MARGIN;
const COURSE_HEIGHT: f64 = 190.0;
const CELL: (f64, f64) = (21.0, 23.0);
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Where the panel beside the heat map begins.
const SECOND: f64 = 700.0;
const NAMES: usize = 8;
const ROW: f64 = 21.0;
/// Status classes from the bottom up.
const CLASSES: [(&str, &str, Paint); 5] = [
    ("success", "2xx", SERVER),
    ("no_change", "304", OUT),
    ("redirected", "other 3xx", IN),
    ("not_found", "404", SCALE),
    ("error", "other 4xx, 5xx", DROP),
];

/// Draws an exploration into `path`, which is replaced only once the picture is complete.
///
/// # Errors
/// When the ending is neither `.svg` nor `.png`, or the file cannot be written.
pub(crate) fn write(facts: &Facts, path: &Path) -> Result<(), Failure> {
    write_drawing(&lay_out(facts), Form::of(path)?, path)
}

fn lay_out(facts: &Facts) -> Drawing {
    let title = format!("Traffic of {}", shortened(&facts.source, 76));
    let line = summary(facts);
    let mut drawing =
        Drawing { width: WIDTH, height: 0.0, title: title.clone(), description: line.clone(), marks: Vec::new() };
    drawing.bold((MARGIN, 34.0), title, 22.0, Anchor::Start, INK);
    drawing.text((MARGIN, 62.0), line, 14.0, Anchor::Start, INK);
    let moment = |text: &str| text.replace('T', " ").replace('Z', "");
    let time = &facts.time;
    let span = format!("{} to {} UTC · {}", moment(&time.first), moment(&time.last), duration(time.seconds));
    drawing.text((MARGIN, 84.0), span, 12.0, Anchor::Start, SOFT_INK);
    let mut bottom = course(&mut drawing, facts, 118.0);
    bottom = week_and_sizes(&mut drawing, facts, bottom + 40.0);
    drawing.height = lists(&mut drawing, facts, bottom + 36.0) + 12.0;
    drawing
}

fn summary(facts: &Facts) -> String {
    let totals = &facts.totals;
    let parts = [
        totals.requests.map(|requests| format!("{} requests", grouped(requests))),
        totals.bytes.map(|bytes| load(bytes, "bytes")),
        totals.value.map(|value| load(value, "value")),
        totals.error_rate.map(|rate| format!("{} errors (4xx, 5xx)", percent(rate))),
        totals.distinct_clients.map(|clients| format!("{} clients", count(clients.count as usize))),
        totals.distinct_resources.map(|resources| format!("{} resources", count(resources.count as usize))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The timeline, stacked by class where classes are known.
fn course(drawing: &mut Drawing, facts: &Facts, top: f64) -> f64 {
    let timeline = &facts.timeline;
    let values = |name: &str| timeline.columns.iter().find(|column| column.name == name).map(|column| &column.values);
    let mut layers: Vec<(&str, Paint, &Vec<Option<f64>>)> =
        CLASSES.iter().filter_map(|(name, shown, paint)| Some((*shown, *paint, values(name)?))).collect();
    if layers.len() < CLASSES.len() || timeline.main != "requests" {
        layers = values(&timeline.main).map(|values| (timeline.main.as_str(), SERVER, values)).into_iter().collect();
    }
    let length = layers.first().map_or(0, |(_, _, values)| values.len());
    let sum = |place: usize| layers.iter().filter_map(|(_, _, values)| values[place]).sum::<f64>();
    let most = (0..length).map(sum).fold(0.0, f64::max);
    let prefix = prefix(most);
    let what = if timeline.main == "value" { "load" } else { &timeline.main };
    let title = format!("{what} per {}", per_interval(timeline.interval_seconds));
    drawing.bold((MARGIN, top), capital(&title), 15.0, Anchor::Start, INK);
    if layers.len() > 1 {
        legend(drawing, &layers, top);
    }
    let (upper, lower) = (top + 22.0, top + 22.0 + COURSE_HEIGHT);
    let height = Scale { values: (0.0, most.max(f64::MIN_POSITIVE)), pixels: (lower, upper) };
    for tick in number_ticks(most / prefix.factor, 4) {
        let y = height.at(tick * prefix.factor);
        drawing.line(vec![(LEFT, y), (RIGHT, y)], RULE, 0.5);
        let symbol = if tick > 0.0 { prefix.symbol } else { "" };
        drawing.text((LEFT - 8.0, y), format!("{}{symbol}", grouped(tick)), 11.0, Anchor::End, SOFT_INK);
    }
    let width = Scale { values: (0.0, length as f64), pixels: (LEFT, RIGHT) };
    // Bars leave a hair between them where there is room for one.
    let gap = if (RIGHT - LEFT) / length.max(1) as f64 > 4.0 { 0.5 } else { 0.0 };
    for place in 0..length {
        let (from, to) = (width.at(place as f64), width.at(place as f64 + 1.0) - gap);
        if layers.iter().all(|(_, _, values)| values[place].is_none()) {
            drawing.rectangle((from, upper), (width.at(place as f64 + 1.0), lower), MISSING);
        }
        let mut below = 0.0;
        for (_, paint, values) in &layers {
            let value = values[place].unwrap_or(0.0);
            if value > 0.0 {
                drawing.rectangle((from, height.at(below + value)), (to, height.at(below)), *paint);
                below += value;
            }
        }
    }
    time_axis(drawing, facts, length, lower)
}

fn time_axis(drawing: &mut Drawing, facts: &Facts, length: usize, lower: f64) -> f64 {
    let (start, step) = (facts.timeline.start_second, i64::from(facts.timeline.interval_seconds));
    let range = start..start + step * length as i64;
    let scale = Scale { values: (range.start as f64, range.end as f64), pixels: (LEFT, RIGHT) };
    drawing.line(vec![(LEFT, lower), (RIGHT, lower)], SOFT_INK, 1.0);
    for tick in time_ticks(&range, 12) {
        let x = scale.at(tick.second as f64);
        drawing.line(vec![(x, lower), (x, lower + 4.0)], SOFT_INK, 1.0);
        drawing.text((x, lower + 14.0), &tick.label, 11.0, Anchor::Middle, SOFT_INK);
        if let Some(date) = &tick.date {
            drawing.text((x, lower + 28.0), date, 11.0, Anchor::Middle, SOFT_INK);
        }
    }
    drawing.text((RIGHT, lower + 28.0), "UTC", 11.0, Anchor::End, SOFT_INK);
    lower + 34.0
}

fn legend(drawing: &mut Drawing, layers: &[(&str, Paint, &Vec<Option<f64>>)], y: f64) {
    let mut x = RIGHT;
    for (name, paint, _) in layers.iter().rev() {
        let width = 6.6 * name.chars().count() as f64;
        x -= width;
        drawing.text((x, y), name, 12.0, Anchor::Start, INK);
        x -= 17.0;
        drawing.rectangle((x, y - 5.0), (x + 12.0, y + 5.0), *paint);
        x -= 14.0;
    }
}

fn week_and_sizes(drawing: &mut Drawing, facts: &Facts, top: f64) -> f64 {
    let rhythm = &facts.rhythm;
    let title = format!("Mean {} per hour, {}", unit_name(&rhythm.unit, prefix(1.0)), facts.time.time_zone);
    drawing.bold((MARGIN, top), title, 15.0, Anchor::Start, INK);
    let upper = top + 22.0;
    let lower = upper + CELL.1 * WEEKDAYS.len() as f64;
    match &rhythm.heat_map {
        Some(days) => heat_map(drawing, days, upper),
        None => drawing.text((LEFT, upper + 20.0), "intervals longer than an hour", 12.0, Anchor::Start, SOFT_INK),
    }
    if facts.sizes.as_ref().is_some_and(|bins| !bins.is_empty()) {
        sizes(drawing, facts, top, lower);
    } else if let Some(hours) = &rhythm.by_hour {
        by_hour(drawing, hours, top, lower);
    }
    lower + 20.0
}

fn heat_map(drawing: &mut Drawing, days: &[Vec<Option<f64>>], upper: f64) {
    let most = days.iter().flatten().flatten().fold(f64::MIN_POSITIVE, |most: f64, value| most.max(*value));
    let lower = upper + CELL.1 * days.len() as f64;
    for (row, (hours, name)) in days.iter().zip(WEEKDAYS).enumerate() {
        let y = upper + CELL.1 * row as f64;
        drawing.text((LEFT - 8.0, y + CELL.1 / 2.0), name, 12.0, Anchor::End, INK);
        for (hour, value) in hours.iter().enumerate() {
            let x = LEFT + CELL.0 * hour as f64;
            let paint = value.map_or(MISSING, |value| SERVER.at(0.06 + 0.94 * value / most));
            drawing.rectangle((x, y), (x + CELL.0 - 1.0, y + CELL.1 - 1.0), paint);
        }
    }
    for hour in (0..24).step_by(3) {
        let x = LEFT + CELL.0 * (f64::from(hour) + 0.5);
        drawing.text((x, lower + 12.0), format!("{hour:02}"), 11.0, Anchor::Middle, SOFT_INK);
    }
    let x = LEFT + CELL.0 * 24.0 + 4.0;
    drawing.text((x, upper + 6.0), grouped(most.round()), 11.0, Anchor::Start, SOFT_INK);
    for part in 0..10 {
        let y = upper + 16.0 + 9.0 * f64::from(part);
        drawing.rectangle((x, y), (x + 12.0, y + 8.0), SERVER.at(0.06 + 0.94 * (1.0 - f64::from(part) / 9.0)));
    }
    drawing.text((x, upper + 114.0), "0", 11.0, Anchor::Start, SOFT_INK);
}

/// The mean of each hour of the day, where no sizes are known.
fn by_hour(drawing: &mut Drawing, hours: &[Option<f64>], top: f64, lower: f64) {
    drawing.bold((SECOND, top), "By hour of the day", 15.0, Anchor::Start, INK);
    let most = hours.iter().flatten().fold(f64::MIN_POSITIVE, |most: f64, value| most.max(*value));
    let prefix = prefix(most);
    let height = Scale { values: (0.0, most), pixels: (lower, top + 22.0) };
    let left = SECOND + 46.0;
    for tick in number_ticks(most / prefix.factor, 3) {
        let y = height.at(tick * prefix.factor);
        drawing.line(vec![(left, y), (RIGHT, y)], RULE, 0.5);
        let symbol = if tick > 0.0 { prefix.symbol } else { "" };
        drawing.text((left - 8.0, y), format!("{}{symbol}", grouped(tick)), 11.0, Anchor::End, SOFT_INK);
    }
    let width = (RIGHT - left) / hours.len().max(1) as f64;
    for (hour, mean) in hours.iter().enumerate() {
        let x = left + width * hour as f64;
        if let Some(mean) = mean {
            drawing.rectangle((x + 1.0, height.at(*mean)), (x + width - 1.0, lower), SERVER);
        }
        if hour.is_multiple_of(3) {
            drawing.text((x + width / 2.0, lower + 12.0), format!("{hour:02}"), 11.0, Anchor::Middle, SOFT_INK);
        }
    }
}

fn sizes(drawing: &mut Drawing, facts: &Facts, top: f64, lower: f64) {
    let Some(bins) = facts.sizes.as_ref().filter(|bins| !bins.is_empty()) else { return };
    drawing.bold((SECOND, top), "Requests by size of the answer", 15.0, Anchor::Start, INK);
    let upper = top + 22.0;
    let most = bins.iter().map(|bin| bin.requests as f64).fold(1.0, f64::max);
    let prefix = prefix(most);
    let height = Scale { values: (0.0, most), pixels: (lower, upper) };
    let left = SECOND + 46.0;
    for tick in number_ticks(most / prefix.factor, 3) {
        let y = height.at(tick * prefix.factor);
        drawing.line(vec![(left, y), (RIGHT, y)], RULE, 0.5);
        let label = format!("{}{}", grouped(tick), if tick > 0.0 { prefix.symbol } else { "" });
        drawing.text((left - 8.0, y), label, 11.0, Anchor::End, SOFT_INK);
    }
    let width = (RIGHT - left) / bins.len() as f64;
    for (place, bin) in bins.iter().enumerate() {
        let x = left + width * place as f64;
        drawing.rectangle((x + 1.0, height.at(bin.requests as f64)), (x + width - 1.0, lower), FORECAST);
        let label = match bin.from {
            0 => Some("none".to_owned()),
            // No room beside `none`.
            1 if place > 0 => None,
            // Every tenth power of two is a prefix, and one between fits.
            from if from.ilog2() % 10 == 0 => Some(load_of_power(from)),
            from if from.ilog2() % 10 == 5 => Some(load_of_power(from)),
            _ => None,
        };
        if let Some(label) = label {
            let x = if bin.from == 0 { x + width / 2.0 } else { x };
            drawing.text((x, lower + 12.0), label, 11.0, Anchor::Middle, SOFT_INK);
        }
    }
}

/// A power of two with a binary prefix.
fn load_of_power(bytes: u64) -> String {
    let prefixes = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let power = bytes.ilog2() / 10;
    format!("{} {}", bytes >> (10 * power), prefixes.get(power as usize).unwrap_or(&"B"))
}

fn lists(drawing: &mut Drawing, facts: &Facts, top: f64) -> f64 {
    let middle = f64::midpoint(MARGIN, RIGHT);
    let mut bottom = top;
    let columns =
        [("Clients", &facts.clients, MARGIN, middle - 18.0), ("Resources", &facts.resources, middle + 18.0, RIGHT)];
    for (title, list, left, right) in columns {
        if let Some(list) = list {
            bottom = f64::max(bottom, names(drawing, title, list, (left, right), top));
        }
    }
    bottom
}

fn names(drawing: &mut Drawing, title: &str, list: &ListFacts, (left, right): (f64, f64), top: f64) -> f64 {
    drawing.bold((left, top), title, 15.0, Anchor::Start, INK);
    drawing.text((right, top), "share of requests", 11.0, Anchor::End, SOFT_INK);
    let most = list.top.iter().map(|name| name.share).fold(f64::MIN_POSITIVE, f64::max);
    let mut y = top + 20.0;
    for name in list.top.iter().take(NAMES) {
        let width = (right - left - 60.0) * name.share / most;
        drawing.rectangle((left, y - 10.0), (left + width.max(1.0), y + 8.0), SERVER.at(0.22));
        drawing.text((left + 5.0, y), shortened(&name.name, 66), 12.0, Anchor::Start, INK);
        drawing.text((right, y), percent(name.share), 12.0, Anchor::End, INK);
        y += ROW;
    }
    y
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
