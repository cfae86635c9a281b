//! The leader board as people and programs read it: a table, JSON, CSV or Markdown.

use std::fmt::Write as _;

use dataflow_forecast::DispersionBasis;
use serde::Serialize;

use super::board::{Against, Board, HorizonFacts, ModelFacts};
use crate::output::Format;
use crate::quantity::{self, Prefix, count, duration, grouped, percent};
use crate::table::Table;

/// Differences that chance makes more often than so are no differences.
const SIGNIFICANCE: f64 = 0.05;
/// The table has room for the errors of so many horizons; all are in the other forms.
const HORIZONS_SHOWN: usize = 4;

/// The boards, one per interval, in the format asked for.
pub(crate) fn render(boards: &[Board], format: Format) -> String {
    match format {
        Format::Json => json(boards),
        Format::Csv => csv(boards),
        Format::Table | Format::Markdown => {
            let pages: Vec<String> = boards.iter().map(|board| page(board, format == Format::Markdown)).collect();
            pages.join("\n")
        }
    }
}

/// The JSON contract: one board, or several under `intervals`. Figures that are not defined are null.
pub(crate) fn json(boards: &[Board]) -> String {
    #[derive(Serialize)]
    struct Intervals<'a> {
        intervals: &'a [Board],
    }
    // No key or value of a board can fail to be written.
    let text = match boards {
        [board] => serde_json::to_string_pretty(board),
        intervals => serde_json::to_string_pretty(&Intervals { intervals }),
    };
    text.unwrap_or_default() + "\n"
}

/// One row per interval, model and horizon, at full precision. Figures that are not defined are left empty.
pub(crate) fn csv(boards: &[Board]) -> String {
    let mut text = String::from(
        "interval_seconds,model,horizon,count,mae,rmse,r2,mape,smape,mase,bias,pinball_50,pinball_90,pinball_95,\
         coverage_80,coverage_95,above_95,below_95,width_80,width_95,skill,simple_model,dm_statistic,dm_p_value,\
         noise_floor_rmse,fleet_cost,fleet_regret,fit_seconds,update_microseconds,problem\n",
    );
    for board in boards {
        for facts in &board.models {
            for scores in &facts.horizons {
                csv_row(&mut text, board, facts, Some(scores));
            }
            if facts.horizons.is_empty() {
                csv_row(&mut text, board, facts, None);
            }
        }
    }
    text
}

fn csv_row(text: &mut String, board: &Board, facts: &ModelFacts, scores: Option<&HorizonFacts>) {
    let number = |value: Option<f64>| {
        value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
    };
    let of = |figure: fn(&HorizonFacts) -> Option<f64>| number(scores.and_then(figure));
    let against = scores.and_then(|scores| scores.against_simple);
    let regret = facts.fleet.and_then(|fleet| fleet.quantile.regret);
    let cells = [
        board.trace.interval_seconds.to_string(),
        facts.model.csv(),
        scores.map_or_else(String::new, |scores| scores.horizon.to_string()),
        scores.map_or_else(String::new, |scores| scores.count.to_string()),
        of(|scores| Some(scores.mae)),
        of(|scores| Some(scores.rmse)),
        of(|scores| scores.r2),
        of(|scores| scores.mape),
        of(|scores| Some(scores.smape)),
        of(|scores| scores.mase),
        of(|scores| Some(scores.bias)),
        of(|scores| scores.pinball.get("0.5").copied()),
        of(|scores| scores.pinball.get("0.9").copied()),
        of(|scores| scores.pinball.get("0.95").copied()),
        of(|scores| scores.coverage.get("0.8").copied()),
        of(|scores| scores.coverage.get("0.95").copied()),
        of(|scores| scores.above.get("0.95").copied()),
        of(|scores| scores.below.get("0.95").copied()),
        of(|scores| scores.width.get("0.8").copied()),
        of(|scores| scores.width.get("0.95").copied()),
        of(|scores| scores.skill),
        against.map_or_else(String::new, |against| against.model.to_string()),
        number(against.map(|against| against.statistic)),
        number(against.map(|against| against.p_value)),
        number(board.noise_floor_rmse),
        number(facts.fleet_cost),
        number(regret),
        number(facts.fit_seconds),
        number(facts.update_microseconds),
        facts.problem.as_ref().map_or_else(String::new, |problem| format!("\"{}\"", problem.replace('"', "\"\""))),
    ];
    let _ = writeln!(text, "{}", cells.join(","));
}

fn page(board: &Board, markdown: bool) -> String {
    let line = |(name, fact): &(&'static str, String)| {
        if markdown { format!("- {name}: {fact}") } else { format!("{name:<10} {fact}") }
    };
    let lines: Vec<String> = facts(board).iter().map(line).collect();
    let table = table(board);
    let table = if markdown { table.markdown() } else { table.text() };
    let mut text = format!("{}\n\n{table}\n{}\n", lines.join("\n"), headline(board));
    for facts in &board.models {
        if let Some(problem) = &facts.problem {
            let _ = writeln!(text, "{}{}: {problem}", if markdown { "- " } else { "" }, facts.model);
        }
    }
    text.push_str(
        "RMSE, bias, width of the 95% band and mean pinball loss: in the unit of errors, so many intervals ahead. Skill: \
         RMSE saved against\nseasonal-naive. Against simple: Diebold–Mariano test against the best of naive, \
         seasonal-naive and drift. Holds: share of loads within\nthe 95% band. Regret: fleet cost above the least \
         possible. MASE: mean absolute error over that of seasonal-naive before the held-out part.\n",
    );
    text
}

fn facts(board: &Board) -> Vec<(&'static str, String)> {
    let trace = &board.trace;
    let load = |value: f64| quantity::load(value, &trace.unit);
    let interval = u64::from(trace.interval_seconds);
    let held_out = board.holdout_ticks as u64 * interval;
    let mut facts = vec![
        ("trace", trace.source.clone()),
        ("intervals", format!("{} of {} from {}", count(trace.ticks), duration(interval), trace.start)),
        ("held out", format!("the last {} ({})", count(board.holdout_ticks), duration(held_out))),
    ];
    facts.push(("errors", format!("in {}", quantity::unit_name(&trace.unit, prefix(board)))));
    facts.push(("floor", floor(board)));
    let fleet = &board.fleet;
    facts.push((
        "fleet",
        format!(
            "`quantile` policy on forecasts {} ahead, servers of {}; least possible cost {}",
            duration((fleet.lead_ticks as u64 + 1) * interval),
            load(fleet.capacity),
            grouped(fleet.optimum)
        ),
    ));
    facts
}

/// The prefix in which the errors of a board are short.
fn prefix(board: &Board) -> Prefix {
    let errors = board.models.iter().flat_map(|facts| &facts.horizons).map(|scores| scores.rmse);
    quantity::prefix(errors.filter(|rmse| rmse.is_finite()).fold(0.0, f64::max))
}

/// A sentence on the noise floor.
pub(crate) fn floor(board: &Board) -> String {
    let Some(floor) = &board.noise_floor else {
        return "not known: the load is no count of arrivals".to_owned();
    };
    let basis = match floor.basis {
        DispersionBasis::Measured => "measured in finer loads",
        _ => "that of independent arrivals",
    };
    let formula = format!("√(mean {} × dispersion {}, {basis})", grouped(floor.mean), grouped(floor.dispersion));
    let rmse = quantity::load(floor.rmse(), &board.trace.unit);
    if floor.holds {
        format!("RMSE {rmse} = {formula}; below it no honest forecast lies")
    } else {
        format!(
            "none: even a simple model lies below {rmse} = {formula}, so this load is not made of independent arrivals"
        )
    }
}

fn table(board: &Board) -> Table {
    let horizons: Vec<usize> = board
        .models
        .iter()
        .find(|facts| !facts.horizons.is_empty())
        .map_or_else(Vec::new, |facts| facts.horizons.iter().map(|scores| scores.horizon).collect());
    let shown = shown_horizons(&horizons);
    let mut header = vec!["model".to_owned()];
    header.extend(shown.iter().map(|place| format!("RMSE +{}", horizons[*place])));
    let furthest = horizons.last().map_or_else(String::new, |horizon| format!(" +{horizon}"));
    for name in ["MASE", "bias", "skill"] {
        header.push(format!("{name}{furthest}"));
    }
    header.push("against simple".to_owned());
    for name in ["holds", "width", "pinball"] {
        header.push(format!("{name}{furthest}"));
    }
    header.extend(["fleet cost", "regret", "fit s", "update µs"].map(str::to_owned));
    let (columns, factor) = (header.len(), prefix(board).factor);
    let mut table = Table::new(header);
    for facts in &board.models {
        let mut row = vec![facts.model.to_string()];
        if let Some(last) = facts.horizons.last() {
            let rmse = |place: &usize| facts.horizons.get(*place).map_or(f64::NAN, |scores| scores.rmse);
            row.extend(shown.iter().map(|place| grouped(rmse(place) / factor)));
            row.extend(scores_cells(facts, last, factor));
        } else {
            let refused = facts.problem.as_ref().is_some_and(|problem| problem.starts_with("refused"));
            row.push(if refused { "refused" } else { "not fitted" }.to_owned());
        }
        row.resize(columns, "–".to_owned());
        table.push(&row);
    }
    table.mark(board.models.iter().position(|facts| !facts.horizons.is_empty()));
    table
}

/// The places of the horizons whose errors the table has room for: the first ones and the furthest.
fn shown_horizons(horizons: &[usize]) -> Vec<usize> {
    let last = horizons.len().saturating_sub(1);
    (0..horizons.len()).filter(|place| *place + 1 < HORIZONS_SHOWN || *place == last).collect()
}

fn scores_cells(facts: &ModelFacts, scores: &HorizonFacts, factor: f64) -> Vec<String> {
    let optional = |value: Option<f64>| grouped(value.unwrap_or(f64::NAN));
    let share = |value: Option<f64>| percent(value.unwrap_or(f64::NAN));
    let holds = HorizonFacts::of_wide_band(&scores.coverage);
    vec![
        optional(scores.mase),
        grouped(scores.bias / factor),
        share(scores.skill),
        against(scores.against_simple.as_ref()),
        if holds.is_finite() { format!("{:.1}%", holds * 100.0) } else { "–".to_owned() },
        grouped(HorizonFacts::of_wide_band(&scores.width) / factor),
        grouped(scores.mean_pinball() / factor),
        optional(facts.fleet_cost),
        share(facts.fleet.and_then(|fleet| fleet.quantile.regret)),
        optional(facts.fit_seconds),
        optional(facts.update_microseconds),
    ]
}

/// What the test against the best simple model says.
fn against(against: Option<&Against>) -> String {
    let Some(Against { statistic, p_value, .. }) = against else { return "–".to_owned() };
    let verdict = match statistic {
        _ if *p_value >= SIGNIFICANCE => return "alike".to_owned(),
        statistic if *statistic < 0.0 => "better",
        _ => "worse",
    };
    format!("{verdict}, {}", probability(*p_value))
}

fn probability(value: f64) -> String {
    if value < 0.001 { "p < 0.001".to_owned() } else { format!("p = {value:.3}") }
}

/// The answer in a few sentences: which model, and may its band be trusted.
pub(crate) fn headline(board: &Board) -> String {
    let Some((best, scores)) = board.models.iter().find_map(|facts| Some((facts, facts.horizons.last()?))) else {
        return "No model could be judged.".to_owned();
    };
    let ahead = duration(scores.horizon as u64 * u64::from(board.trace.interval_seconds));
    let rmse = quantity::load(scores.rmse, &board.trace.unit);
    let tested = match &scores.against_simple {
        Some(Against { model, p_value, statistic }) if *p_value < SIGNIFICANCE && *statistic < 0.0 => {
            format!(", better than {model} by more than chance ({})", probability(*p_value))
        }
        Some(Against { model, .. }) => format!(", but no better than {model} by more than chance"),
        None => String::new(),
    };
    let mut text = format!("{} is best {ahead} ahead: RMSE {rmse}{tested}.", best.model);
    let (holds, above, below) = (
        HorizonFacts::of_wide_band(&scores.coverage),
        HorizonFacts::of_wide_band(&scores.above),
        HorizonFacts::of_wide_band(&scores.below),
    );
    if holds.is_finite() {
        let _ = write!(
            text,
            " Its 95% band held {:.1}% of the loads ({} lay above it, {} below).",
            holds * 100.0,
            percent(above),
            percent(below)
        );
    }
    let cheapest = board.models.iter().filter_map(|facts| Some((&facts.model, facts.fleet?.quantile)));
    if let Some((model, fleet)) = cheapest.min_by(|one, other| one.1.cost.total_cmp(&other.1.cost)) {
        let regret =
            fleet.regret.map_or_else(String::new, |regret| format!(", {} above the least possible", percent(regret)));
        let also = if *model == best.model { "It also makes" } else { &format!("{model} makes") };
        let _ = write!(text, " {also} the cheapest fleet: {}{regret}.", grouped(fleet.cost));
    }
    text
}
