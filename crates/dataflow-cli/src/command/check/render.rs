//! The result of a check as people and programs read it.

use super::{CheckFacts, Difference, MeasureFacts};
use crate::output::Format;
use crate::quantity::{count, percent};
use crate::table::Table;

/// The result in the format asked for.
pub(super) fn render(facts: &CheckFacts, format: Format) -> String {
    match format {
        // No key or value can fail to be written.
        Format::Json => serde_json::to_string_pretty(facts).unwrap_or_default() + "\n",
        Format::Csv => csv(facts),
        Format::Table => page(facts, false),
        Format::Markdown => page(facts, true),
    }
}

/// Why the candidate fails, in one line.
pub(super) fn verdict(facts: &CheckFacts) -> String {
    let broken = |measure: &MeasureFacts| {
        let limit = measure.limit.filter(|_| !measure.within)?;
        Some(format!(
            "{} {} where {} is allowed (baseline {}, limit {})",
            measure.name,
            measure.measure.text(measure.candidate),
            measure.measure.text(measure.most.unwrap_or(f64::NAN)),
            measure.measure.text(measure.baseline),
            limit.text(measure.measure)
        ))
    };
    let broken: Vec<String> = facts.measures.iter().filter_map(broken).collect();
    format!("{} exceeds its budget: {}", facts.candidate.file, broken.join("; "))
}

fn page(facts: &CheckFacts, markdown: bool) -> String {
    let mark = |passed: bool| if passed { "within its budget" } else { "over its budget" };
    let heading = format!("{} is {}", facts.candidate.file, mark(facts.passed));
    let heading = if markdown { format!("## {heading}") } else { heading };
    let policies = if facts.baseline.policy == facts.candidate.policy {
        format!("policy {}", facts.baseline.policy)
    } else {
        format!("policies {} and {}", facts.baseline.policy, facts.candidate.policy)
    };
    let about =
        format!("Against {} on {} ({} intervals), {policies}.", facts.baseline.file, facts.trace, count(facts.ticks));
    let print = |table: &Table| if markdown { table.markdown() } else { table.text() };
    let replicates = match &facts.replicates {
        Some(words) => format!(
            "\n{words}: both sides meet the same ones. Interval: that of 95% of the differences; chance: the share of \
             replicates within the budget.\n"
        ),
        None => String::new(),
    };
    let settings = if facts.settings.is_empty() {
        "\nNo setting differs.\n".to_owned()
    } else {
        format!("\nSettings that differ:\n\n{}", print(&settings(&facts.settings)))
    };
    format!("{heading}\n\n{about}\n\n{}{replicates}{settings}", print(&measures(facts)))
}

fn measures(facts: &CheckFacts) -> Table {
    let mut head = vec!["measure", "baseline", "candidate", "difference", "", "budget", "verdict"];
    if facts.replicates.is_some() {
        head.extend(["95% interval", "chance"]);
    }
    let mut table = Table::new(head);
    for facts in &facts.measures {
        let (measure, none) = (facts.measure, || "–".to_owned());
        let sign = |value: f64| if value > 0.0 { format!("+{}", measure.text(value)) } else { measure.text(value) };
        let relative = match facts.difference / facts.baseline {
            share if share > 0.0 && share.is_finite() => format!("+{}", percent(share)),
            share => percent(share),
        };
        let verdict = match (facts.limit, facts.within) {
            (None, _) => none(),
            (_, true) => "ok".to_owned(),
            (_, false) => "over".to_owned(),
        };
        let mut row = vec![
            measure.about().to_owned(),
            measure.text(facts.baseline),
            measure.text(facts.candidate),
            sign(facts.difference),
            relative,
            facts.limit.map_or_else(none, |limit| limit.text(measure)),
            verdict,
        ];
        if let Some(spread) = facts.difference_replicated {
            row.push(format!("{} … {}", sign(spread.low), sign(spread.high)));
            row.push(facts.chance_within.map_or_else(none, percent));
        }
        table.push(&row);
    }
    table
}

fn settings(differences: &[Difference]) -> Table {
    let mut table = Table::new(["setting", "baseline", "candidate"]);
    for Difference { key, baseline, candidate } in differences {
        table.push(&[key.clone(), baseline.clone(), candidate.clone()]);
    }
    table
}

/// One row for each measure, at full precision.
fn csv(facts: &CheckFacts) -> String {
    let mut text =
        "measure,baseline,candidate,difference,most,within,difference_low,difference_high,chance_within\n".to_owned();
    for measure in &facts.measures {
        let figure = |value: Option<f64>| {
            value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
        };
        let spread = measure.difference_replicated;
        let cells = [
            measure.name.to_owned(),
            figure(Some(measure.baseline)),
            figure(Some(measure.candidate)),
            figure(Some(measure.difference)),
            figure(measure.most),
            measure.within.to_string(),
            figure(spread.map(|spread| spread.low)),
            figure(spread.map(|spread| spread.high)),
            figure(measure.chance_within),
        ];
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}
