//! The errors of all models as bars, with the noise floor as a line, beside their figures.

use super::super::axis::{Scale, number_ticks};
use super::super::drawing::{Anchor, Drawing};
use super::super::palette::{FORECAST, INK, RULE, SERVER, SOFT_INK};
use super::super::{MARGIN, WIDTH, shortened};
use crate::command::forecast::{Board, HorizonFacts, ModelFacts, floor};
use crate::quantity::{Prefix, grouped, percent, prefix, unit_name};

const NAMES: f64 = 190.0;
const BARS: f64 = 720.0;
const ROW: f64 = 26.0;
/// Heights of the bars of the nearest and of the furthest horizon.
const BAR: f64 = 7.0;
/// Right edges of the columns of figures.
const COLUMNS: [f64; 5] = [800.0, 885.0, 965.0, 1060.0, WIDTH - MARGIN];

/// Draws the errors from `top` down and returns where they end.
pub(super) fn draw(drawing: &mut Drawing, board: &Board, top: f64) -> f64 {
    drawing.bold((MARGIN, top), "Error by model", 15.0, Anchor::Start, INK);
    let errors = board.models.iter().flat_map(|facts| &facts.horizons).map(|scores| scores.rmse);
    let limit = limit(errors.collect(), board.noise_floor_rmse.unwrap_or(0.0));
    let prefix = prefix(limit);
    let scale = Scale { values: (0.0, limit), pixels: (NAMES, BARS) };
    let rows = top + 52.0;
    let bottom = rows + ROW * board.models.len() as f64;
    let horizons =
        board.models.iter().find_map(|facts| Some((facts.horizons.first()?.horizon, facts.horizons.last()?.horizon)));
    legend(drawing, horizons, &unit_name(&board.trace.unit, prefix), top);
    axis(drawing, scale, prefix, rows, bottom);
    heads(drawing, horizons, rows - 12.0);
    for (index, facts) in board.models.iter().enumerate() {
        let middle = rows + ROW * (index as f64 + 0.5);
        drawing.text((NAMES - 10.0, middle), shortened(&facts.model.to_string(), 26), 13.0, Anchor::End, INK);
        if let Some(last) = facts.horizons.last() {
            row(drawing, facts, last, scale, prefix, middle, index == 0);
        } else {
            let problem = facts.problem.as_deref().unwrap_or("not judged");
            drawing.text((NAMES + 8.0, middle), shortened(problem, 150), 11.0, Anchor::Start, SOFT_INK);
        }
    }
    noise_floor(drawing, board, scale, rows, bottom);
    bottom + 40.0
}

/// The end of the axis. One very bad model would shrink all others to nothing, so longer bars than three times the
/// median are cut.
fn limit(mut errors: Vec<f64>, floor: f64) -> f64 {
    errors.sort_by(f64::total_cmp);
    let median = errors.get(errors.len() / 2).copied().unwrap_or(1.0);
    let largest = errors.into_iter().rfind(|error| *error <= 3.0 * median).unwrap_or(1.0);
    let limit = largest.max(floor) * 1.05;
    if limit > 0.0 && limit.is_finite() { limit } else { 1.0 }
}

fn legend(drawing: &mut Drawing, horizons: Option<(usize, usize)>, unit: &str, y: f64) {
    let Some((first, last)) = horizons else { return };
    let ahead =
        |horizon: usize| if horizon == 1 { "next interval".to_owned() } else { format!("{horizon} intervals ahead") };
    let mut entries = vec![(SERVER, ahead(first)), (FORECAST, ahead(last))];
    entries.dedup_by(|one, other| one.1 == other.1);
    let mut x = NAMES;
    for (paint, name) in entries {
        drawing.rectangle((x, y - 5.0), (x + 12.0, y + 5.0), paint);
        drawing.text((x + 17.0, y), &name, 12.0, Anchor::Start, INK);
        x += 40.0 + 6.3 * name.len() as f64;
    }
    drawing.text((BARS, y), format!("RMSE in {unit}"), 11.0, Anchor::End, SOFT_INK);
}

fn axis(drawing: &mut Drawing, scale: Scale, prefix: Prefix, top: f64, bottom: f64) {
    for value in number_ticks(scale.values.1 / prefix.factor, 6) {
        let x = scale.at(value * prefix.factor);
        drawing.line(vec![(x, top), (x, bottom + 4.0)], RULE, 0.5);
        drawing.text((x, bottom + 14.0), grouped(value), 11.0, Anchor::Middle, SOFT_INK);
    }
}

fn heads(drawing: &mut Drawing, horizons: Option<(usize, usize)>, y: f64) {
    let Some((first, last)) = horizons else { return };
    let error = |horizon: usize| format!("RMSE +{horizon}");
    let heads =
        [error(first), error(last), "95% holds".to_owned(), "fleet cost".to_owned(), "above optimum".to_owned()];
    for (x, head) in COLUMNS.into_iter().zip(heads) {
        drawing.text((x, y), head, 11.0, Anchor::End, SOFT_INK);
    }
}

fn row(
    drawing: &mut Drawing,
    facts: &ModelFacts,
    last: &HorizonFacts,
    scale: Scale,
    prefix: Prefix,
    middle: f64,
    best: bool,
) {
    let first = facts.horizons.first().unwrap_or(last);
    let near = if facts.horizons.len() > 1 { Some((first.rmse, SERVER, middle - BAR)) } else { None };
    for (rmse, paint, top) in
        near.into_iter().chain([(last.rmse, FORECAST, if near.is_some() { middle } else { middle - BAR / 2.0 })])
    {
        let end = scale.at(rmse);
        drawing.rectangle((NAMES, top), (end.max(NAMES + 0.5), top + BAR - 0.5), paint);
        if rmse > scale.values.1 {
            drawing.text((end + 4.0, top + BAR / 2.0), "cut", 9.0, Anchor::Start, SOFT_INK);
        }
    }
    let holds = HorizonFacts::of_wide_band(&last.coverage);
    let cost = facts.fleet.map(|fleet| fleet.quantile);
    let texts = [
        grouped(first.rmse / prefix.factor),
        grouped(last.rmse / prefix.factor),
        if holds.is_finite() { format!("{:.1}%", holds * 100.0) } else { "–".to_owned() },
        grouped(cost.map_or(f64::NAN, |cost| cost.cost)),
        cost.and_then(|cost| cost.regret).map_or_else(|| "–".to_owned(), |regret| format!("+{}", percent(regret))),
    ];
    for (x, text) in COLUMNS.into_iter().zip(texts) {
        if best {
            drawing.bold((x, middle), text, 13.0, Anchor::End, INK);
        } else {
            drawing.text((x, middle), text, 13.0, Anchor::End, INK);
        }
    }
}

fn noise_floor(drawing: &mut Drawing, board: &Board, scale: Scale, top: f64, bottom: f64) {
    if let Some(rmse) = board.noise_floor_rmse {
        let x = scale.at(rmse);
        drawing.dashes((x, top - 4.0), (x, bottom + 4.0), INK, 1.0);
    }
    drawing.text(
        (NAMES, bottom + 32.0),
        format!("Noise floor (dashed): {}", floor(board)),
        11.0,
        Anchor::Start,
        SOFT_INK,
    );
}
