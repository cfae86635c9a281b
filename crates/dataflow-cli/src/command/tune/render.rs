//! What `dataflow tune` found, as people and programs read it.

use std::fmt::Write as _;

use super::facts::{ChangeFacts, Part, TuneFacts};
use crate::output::Format;
use crate::quantity::{count, duration, grouped, percent};
use crate::table::Table;

/// The result in the format asked for.
pub(super) fn render(facts: &TuneFacts, format: Format) -> String {
    match format {
        // No key or value can fail to be written.
        Format::Json => serde_json::to_string_pretty(facts).unwrap_or_default() + "\n",
        Format::Csv => csv(facts),
        Format::Table => page(facts, false),
        Format::Markdown => page(facts, true),
    }
}

/// One row per change, at full precision.
fn csv(facts: &TuneFacts) -> String {
    let mut text = String::from("name,unit,from,to,set_back_cost,set_back_dropped_share\n");
    for ChangeFacts { name, unit, from, to, set_back, .. } in &facts.changes {
        let cost = if set_back.cost.is_nan() { String::new() } else { set_back.cost.to_string() };
        let _ = writeln!(text, "{name},{unit},{from},{to},{cost},{}", set_back.dropped_share);
    }
    text
}

fn page(facts: &TuneFacts, markdown: bool) -> String {
    let line = |(name, fact): (&str, String)| {
        if markdown { format!("- {name}: {fact}") } else { format!("{name:<10} {fact}") }
    };
    let table = |table: Table| if markdown { table.markdown() } else { table.text() };
    let lines: Vec<String> = lines(facts).into_iter().map(line).collect();
    let mut text = format!("{}\n\n", lines.join("\n"));
    if !facts.changes.is_empty() {
        text += &table(changes(facts));
        text.push('\n');
        for change in &facts.changes {
            let _ = writeln!(text, "{}{}", if markdown { "- " } else { "" }, sentence(change, facts));
        }
        text.push('\n');
    }
    text += &table(costs(facts));
    text + &format!("\n{}\n", closing(facts))
}

fn lines(facts: &TuneFacts) -> Vec<(&'static str, String)> {
    let limit =
        facts.max_dropped.map_or(String::new(), |limit| format!(", dropping at most {} of the load", percent(limit)));
    vec![
        ("trace", facts.trace.source.clone()),
        ("policy", format!("{}, tuned for the least cost{limit}", facts.policy)),
        (
            "search",
            format!(
                "{} settings tried in the time of {} whole runs; {} folds of {}; seed {}",
                count(facts.evaluations),
                count(facts.whole_runs.ceil() as usize),
                facts.folds,
                length(facts, facts.training.ticks / facts.folds),
                facts.seed
            ),
        ),
        ("training", format!("{} from {}", length(facts, facts.training.ticks), facts.training.start)),
        ("held back", format!("{} from {}", length(facts, facts.held_back.ticks), facts.held_back.start)),
    ]
}

fn length(facts: &TuneFacts, ticks: usize) -> String {
    duration(ticks as u64 * u64::from(facts.trace.interval_seconds))
}

/// A number with its unit: times in words, others as they are.
pub(crate) fn value(number: f64, unit: &str) -> String {
    match unit {
        "s" if number.fract() == 0.0 => duration(number as u64),
        "" => number.to_string(),
        unit => format!("{number} {unit}"),
    }
}

fn changes(facts: &TuneFacts) -> Table {
    let mut table = Table::new(["setting", "from", "to", "set back alone"]);
    for change in &facts.changes {
        let from = value(change.from, change.unit);
        table.push(&[change.name.clone(), from, value(change.to, change.unit), loss(change, facts)]);
    }
    table
}

/// What undoing a change alone costs on the training part.
fn loss(change: &ChangeFacts, facts: &TuneFacts) -> String {
    let difference = change.set_back.cost / facts.training.after.cost - 1.0;
    match difference {
        _ if difference.is_nan() => "–".to_owned(),
        more if more > 0.0 => format!("+{}", percent(more)),
        less => percent(less),
    }
}

/// Why a change helps: what the number means, and what was measured.
fn sentence(change: &ChangeFacts, facts: &TuneFacts) -> String {
    let ChangeFacts { name, about, unit, from, to, set_back, .. } = change;
    let (from, to) = (value(*from, unit), value(*to, unit));
    let (after, meaning) = (&facts.training.after, about.trim_end_matches('.'));
    let measured = if set_back.cost.is_nan() {
        "it cannot be set back alone".to_owned()
    } else {
        format!(
            "set back alone, the training part costs {} instead of {} and drops {} of the load instead of {}",
            grouped(set_back.cost),
            grouped(after.cost),
            percent(set_back.dropped_share),
            percent(after.dropped_share)
        )
    };
    format!("{name}: {from} -> {to}. {meaning}; {measured}.")
}

fn costs(facts: &TuneFacts) -> Table {
    let header = ["part", "before", "tuned", "saving", "least possible", "dropped before", "dropped tuned"];
    let mut table = Table::new(header);
    for (name, part) in [("training", &facts.training), ("held back", &facts.held_back)] {
        let Part { before, after, bound, .. } = part;
        table.push(&[
            name.to_owned(),
            grouped(before.cost),
            grouped(after.cost),
            percent(part.saving()),
            grouped(*bound),
            percent(before.dropped_share),
            percent(after.dropped_share),
        ]);
    }
    table
}

/// The result in a sentence or two.
pub(crate) fn closing(facts: &TuneFacts) -> String {
    if facts.changes.is_empty() {
        return format!("Nothing that was tried is worth a change: {} stays as it is.", facts.policy);
    }
    let part = &facts.held_back;
    let gap = |cost: f64| percent(cost / part.bound - 1.0);
    let verdict = match part.saving() {
        saving if saving > 0.0 => format!("saves {}", percent(saving)),
        saving if saving < 0.0 => format!("costs {} more", percent(-saving)),
        _ => "costs the same".to_owned(),
    };
    format!(
        "On traffic that the search never saw, the tuned {} {verdict}: {} instead of {}, {} above the least possible \
         instead of {}.",
        facts.policy,
        grouped(part.after.cost),
        grouped(part.before.cost),
        gap(part.after.cost),
        gap(part.before.cost)
    )
}
