//! An explanation as people and programs read it.

use std::fmt::Write as _;

use super::{ExplainFacts, MistakeFacts, TickFacts};
use crate::output::Format;
use crate::quantity::{self, count, duration, grouped, percent};
use crate::table::Table;

/// The explanation in the format asked for.
pub(super) fn render(facts: &ExplainFacts, format: Format) -> String {
    match format {
        // No key or value can fail to be written.
        Format::Json => serde_json::to_string_pretty(facts).unwrap_or_default() + "\n",
        Format::Csv => csv(facts),
        Format::Table | Format::Markdown => page(facts, format == Format::Markdown),
    }
}

/// One row per mistake, at full precision.
fn csv(facts: &ExplainFacts) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let mut row = |cells: [String; 9]| drop(writer.write_record(cells));
    row(["kind", "start", "end", "cost", "dropped", "decided_at", "provisioned_then", "optimum_then", "reasons"]
        .map(str::to_owned));
    for mistake in &facts.mistakes {
        row([
            mistake.kind.to_owned(),
            mistake.start.clone(),
            mistake.end.clone(),
            mistake.cost.to_string(),
            mistake.dropped.to_string(),
            mistake.decided_at.clone(),
            mistake.provisioned_then.to_string(),
            mistake.optimum_then.to_string(),
            mistake.reasons.join("; "),
        ]);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn page(facts: &ExplainFacts, markdown: bool) -> String {
    let mut text = String::new();
    if let Some(tick) = &facts.at {
        text += &tick_page(facts, tick, markdown);
        text.push('\n');
    }
    if facts.mistakes.is_empty() {
        let _ = writeln!(text, "{} made no mistake that the optimum did not make.", facts.policy);
        return text;
    }
    let head = |text: &str| if markdown { format!("### {text}") } else { text.to_owned() };
    let few = facts.mistakes.len();
    let _ = writeln!(text, "{}\n", head(&format!("The {} dearest mistakes of {}", count(few), facts.policy)));
    let table = mistakes(facts);
    let _ = writeln!(text, "{}", if markdown { table.markdown() } else { table.text() });
    for (place, mistake) in facts.mistakes.iter().enumerate() {
        let _ = writeln!(text, "{}", decision(place + 1, mistake, markdown));
    }
    let shown: f64 = facts.mistakes.iter().map(|mistake| mistake.cost).sum();
    let regret = facts.cost - facts.bound;
    let share = if regret > 0.0 { percent(shown / regret) } else { "nothing".to_owned() };
    let _ = writeln!(
        text,
        "\n{} costs {}, the least possible is {}. These {} of {} mistakes cost {}, {share} of the difference.\nCost: paid \
         beyond the optimum in those ticks, in the currency of the prices.",
        facts.policy,
        grouped(facts.cost),
        grouped(facts.bound),
        count(few),
        count(facts.mistakes_found),
        grouped(shown),
    );
    text
}

fn mistakes(facts: &ExplainFacts) -> Table {
    let interval = u64::from(facts.trace.interval_seconds);
    let mut table = Table::new(["", "mistake", "from", "for", "cost", "dropped", "decided on", "optimum then"]);
    table.align_left(1);
    for (place, mistake) in facts.mistakes.iter().enumerate() {
        table.push(&[
            format!("{}", place + 1),
            mistake.kind.to_owned(),
            mistake.start.clone(),
            duration(interval * mistake.ticks as u64),
            grouped(mistake.cost),
            quantity::load(mistake.dropped.max(0.0), &facts.trace.unit),
            mistake.provisioned_then.to_string(),
            mistake.optimum_then.to_string(),
        ]);
    }
    table
}

fn decision(place: usize, mistake: &MistakeFacts, markdown: bool) -> String {
    let reasons = mistake.reasons.join(" → ");
    let place = if markdown { format!("{place}.") } else { format!("{place:>2} ") };
    format!("{place} decided at {}: {reasons}", mistake.decided_at)
}

/// One tick, from what was known to what it cost.
fn tick_page(facts: &ExplainFacts, tick: &TickFacts, markdown: bool) -> String {
    let load = |load: f64| quantity::load(load, &facts.trace.unit);
    let mut lines: Vec<(&str, String)> = Vec::new();
    let known =
        tick.newest_known_load.map_or_else(|| "no load yet".to_owned(), |known| format!("load {}", load(known)));
    let forecast = tick.forecast.as_ref().map_or_else(String::new, |forecast| {
        format!(
            "; forecast for {}: {} (95%: {} to {})",
            forecast.time,
            load(forecast.mean),
            load(forecast.lower),
            load(forecast.upper)
        )
    });
    lines.push(("knew", known + &forecast));
    lines.push(("had", format!("{} servers provisioned", tick.provisioned_before)));
    for (place, reason) in tick.reasons.iter().enumerate() {
        lines.push((if place == 0 { "because" } else { "" }, reason.clone()));
    }
    lines.push(("decided", format!("{} servers ({})", tick.provisioned, change(tick.change))));
    lines.push((
        "came",
        format!(
            "load {} for {} ready servers, which serve {}; dropped {}",
            load(tick.load),
            tick.ready,
            load(tick.capacity_ready),
            load(tick.dropped)
        ),
    ));
    let optimum = &tick.optimum;
    lines.push((
        "optimum",
        format!(
            "{} servers ({}), {} of them ready; dropped {}",
            optimum.provisioned,
            change(optimum.change),
            optimum.ready,
            load(optimum.dropped)
        ),
    ));
    let part = tick.mistake.map_or_else(String::new, |place| format!("; part of mistake {place}"));
    lines.push((
        "cost",
        format!(
            "{}, the optimum {}: {} beyond it{part}",
            grouped(tick.cost),
            grouped(optimum.cost),
            grouped(tick.excess)
        ),
    ));
    let mut text = format!("{} at {} (tick {})\n\n", facts.policy, tick.time, count(tick.tick));
    for (name, line) in lines {
        let _ = if markdown { writeln!(text, "- {name}: {line}") } else { writeln!(text, "{name:<9} {line}") };
    }
    text
}

fn change(change: i32) -> String {
    match change {
        0 => "no change".to_owned(),
        change => format!("{change:+}"),
    }
}
