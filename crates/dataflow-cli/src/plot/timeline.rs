//! The ticks of the most telling policies: one panel each, the whole trace and, beside it, one stretch tick by tick.

use std::ops::Range;

use dataflow_scale::Cost;

use super::axis::Scale;
use super::drawing::{Anchor, Drawing};
use super::palette::{DROP, FORECAST, IN, INK, LOAD, MISSING, OUT, Paint, SCALE, SERVER, SOFT_INK};
use super::panel::{self, Frame};
use super::{MARGIN, WIDTH, shortened};
use crate::comparison::{Comparison, RunFacts, Ticks};
use crate::quantity::{self, Prefix, count, duration, grouped, percent};
use crate::story;

const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - MARGIN - 34.0;
const PANEL_HEIGHT: f64 = 118.0;
const PANEL_GAP: f64 = 60.0;
const COLUMN_GAP: f64 = 56.0;
const PANELS: usize = 4;
/// Traces up to this length are drawn tick by tick; longer ones get a second column for a stretch of `DETAIL_TICKS`.
const PLAIN_TICKS: usize = 720;
const DETAIL_TICKS: usize = 360;
/// A load beyond this many times the capacity of all servers runs off the panel, so that the servers stay visible.
const HEADROOM: f64 = 4.0;

/// Draws the panels from `top` down and returns where they end.
pub(super) fn draw(drawing: &mut Drawing, comparison: &Comparison, ticks: &Ticks, top: f64) -> f64 {
    let shown = telling_runs(comparison, ticks);
    drawing.bold((MARGIN, top), "Load and capacity", 15.0, Anchor::Start, INK);
    if ticks.load.is_empty() || shown.is_empty() {
        drawing.text((MARGIN, top + 24.0), "No tick was simulated.", 13.0, Anchor::Start, INK);
        return top + 48.0;
    }
    legend(drawing, top, ticks);
    let windows = windows(ticks, &shown);
    let axes: Vec<LoadAxis> = windows.iter().map(|window| load_axis(ticks, &shown, &window.ticks)).collect();
    let whole = axes[0];
    let first = top + 62.0;
    column_heads(drawing, ticks, &windows, top + 24.0);
    let mut bottom = first;
    for (index, run) in shown.iter().enumerate() {
        let panel_top = first + index as f64 * (PANEL_HEIGHT + PANEL_GAP);
        bottom = panel_top + PANEL_HEIGHT;
        panel_head(drawing, &comparison.runs[*run], panel_top - 13.0);
        for (column, (window, axis)) in windows.iter().zip(&axes).enumerate() {
            let frame = Frame {
                window: window.ticks.clone(),
                time: Scale { values: (window.ticks.start as f64, window.ticks.end as f64), pixels: window.pixels },
                load: Scale { values: (0.0, axis.most), pixels: (bottom, panel_top) },
                prefix: whole.prefix,
                first_column: column == 0,
                last_column: column + 1 == windows.len(),
                last_row: index + 1 == shown.len(),
            };
            panel::draw(drawing, ticks, &ticks.timelines[*run], &frame);
            if let Some(detail) = windows.get(column + 1) {
                panel::mark_detail(drawing, &frame, &detail.ticks);
            }
        }
    }
    unit_note(drawing, comparison, whole, (first - 13.0, shown.len()));
    bottom + 92.0
}

/// The indices of the runs worth a panel: the cheapest of all, the cheapest others that adapt, and the optimum; other
/// fixed fleets only fill up.
fn telling_runs(comparison: &Comparison, ticks: &Ticks) -> Vec<usize> {
    let recorded = comparison.runs.len().min(ticks.timelines.len());
    let mut order: Vec<usize> = (0..recorded).collect();
    let best = story::best(comparison).map(|run| run.policy.as_str());
    let rank = |run: &RunFacts| match run.policy.as_str() {
        policy if Some(policy) == best => 0,
        story::OPTIMAL => 3,
        policy if policy.starts_with("fixed") => 2,
        _ => 1,
    };
    order.sort_by(|one, other| {
        let (one, other) = (&comparison.runs[*one], &comparison.runs[*other]);
        rank(one).cmp(&rank(other)).then(one.cost.total.total_cmp(&other.cost.total))
    });
    let optimal = order.iter().copied().find(|run| comparison.runs[*run].policy == story::OPTIMAL);
    let places = PANELS - usize::from(optimal.is_some());
    let mut shown: Vec<usize> = order.into_iter().filter(|run| Some(*run) != optimal).take(places).collect();
    shown.extend(optimal);
    shown
}

struct Window {
    ticks: Range<usize>,
    pixels: (f64, f64),
    head: String,
}

fn windows(ticks: &Ticks, shown: &[usize]) -> Vec<Window> {
    let length = ticks.load.len();
    if length <= PLAIN_TICKS {
        return vec![Window { ticks: 0..length, pixels: (LEFT, RIGHT), head: String::new() }];
    }
    let split = LEFT + (RIGHT - LEFT - COLUMN_GAP) * 0.56;
    let pixels = split - LEFT;
    let per_pixel = (length as f64 / pixels).max(1.0) * f64::from(ticks.load.step().seconds());
    let (start, what) = telling_stretch(ticks, shown);
    let detail = duration(DETAIL_TICKS as u64 * u64::from(ticks.load.step().seconds()));
    // Seconds are of no interest beside minutes, nor minutes beside hours.
    let whole = [3_600.0, 60.0, 1.0].into_iter().find(|unit| per_pixel >= 5.0 * unit).unwrap_or(1.0);
    let each = duration(((per_pixel / whole).round() * whole) as u64);
    let head = format!("Whole trace: mean and range of about {each} per point");
    vec![
        Window { ticks: 0..length, pixels: (LEFT, split), head },
        Window {
            ticks: start..start + DETAIL_TICKS,
            pixels: (split + COLUMN_GAP, RIGHT),
            head: format!("{detail} {what}"),
        },
    ]
}

/// The start of the stretch to look at closely, and what it shows: where the costs of the panels lie furthest above
/// the cheapest of them, or around the highest load where they do not differ.
fn telling_stretch(ticks: &Ticks, shown: &[usize]) -> (usize, &'static str) {
    let last = ticks.load.len() - DETAIL_TICKS;
    let regret = |start: usize| {
        let costs = shown.iter().map(|run| {
            let stretch = &ticks.timelines[*run].cost[start..start + DETAIL_TICKS];
            stretch.iter().map(Cost::total).sum::<f64>()
        });
        let costs: Vec<f64> = costs.collect();
        let cheapest = costs.iter().copied().fold(f64::INFINITY, f64::min);
        costs.iter().map(|cost| cost - cheapest).sum::<f64>()
    };
    let starts = (0..=last).step_by(DETAIL_TICKS / 4).chain([last]);
    let most = starts.map(|start| (start, regret(start))).max_by(|one, other| one.1.total_cmp(&other.1));
    if let Some((start, _)) = most.filter(|(_, regret)| *regret > 0.0) {
        return (start, "in which the policies' costs differ most");
    }
    let peak = ticks.load.values().iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
    let centre = peak.map_or(0, |(tick, _)| tick);
    (centre.saturating_sub(DETAIL_TICKS / 2).min(last), "around the highest load")
}

#[derive(Clone, Copy)]
struct LoadAxis {
    most: f64,
    prefix: Prefix,
    /// The highest load, where it runs off the panel.
    cut: Option<f64>,
}

fn load_axis(ticks: &Ticks, shown: &[usize], window: &Range<usize>) -> LoadAxis {
    let provisioned = shown.iter().filter_map(|run| ticks.timelines[*run].provisioned.get(window.clone()));
    let servers = provisioned.flatten().max().copied().unwrap_or(1);
    let capacity = ticks.capacity * f64::from(servers);
    let peak = ticks.load.values()[window.clone()].iter().copied().fold(0.0, f64::max);
    let limit = HEADROOM * capacity;
    let cut = (peak > limit && limit > 0.0).then_some(peak);
    let most = if cut.is_some() { limit } else { peak.max(capacity) };
    let most = if most > 0.0 { most * 1.05 } else { 1.0 };
    LoadAxis { most, prefix: quantity::prefix(most), cut }
}

fn column_heads(drawing: &mut Drawing, ticks: &Ticks, windows: &[Window], y: f64) {
    for window in windows.iter().filter(|window| !window.head.is_empty()) {
        drawing.text((window.pixels.0, y), &window.head, 12.0, Anchor::Start, SOFT_INK);
    }
    if windows.len() == 1 {
        let head = format!("Every tick of {}", duration(u64::from(ticks.load.step().seconds())));
        drawing.text((LEFT, y), head, 12.0, Anchor::Start, SOFT_INK);
    }
}

fn panel_head(drawing: &mut Drawing, run: &RunFacts, y: f64) {
    let name = shortened(&run.policy, 24);
    let words = match run.policy.as_str() {
        story::OPTIMAL => "knows the future · ",
        _ => "",
    };
    let figures = format!(
        "{words}cost {} · drops {} · {} out, {} in",
        grouped(run.cost.total),
        percent(run.dropped_share),
        count(run.actions.out),
        count(run.actions.r#in),
    );
    let width = 7.6 * name.chars().count() as f64;
    drawing.bold((LEFT, y), name, 13.0, Anchor::Start, INK);
    drawing.text((LEFT + width + 12.0, y), figures, 12.0, Anchor::Start, SOFT_INK);
}

fn unit_note(drawing: &mut Drawing, comparison: &Comparison, loads: LoadAxis, (y, panels): (f64, usize)) {
    let unit = quantity::unit_name(&comparison.trace.unit, loads.prefix);
    let per = quantity::per_interval(comparison.trace.interval_seconds);
    drawing.text((LEFT - 8.0, y), unit, 11.0, Anchor::End, SOFT_INK);
    drawing.text((LEFT - 8.0, y + 12.0 - 1.0), format!("per {per}"), 11.0, Anchor::End, SOFT_INK);
    drawing.text((WIDTH - MARGIN, y), "servers", 11.0, Anchor::End, SOFT_INK);
    let last = y + 13.0 + panels as f64 * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP + 78.0;
    let mut notes = vec![format!("{panels} of {} policies, the cheapest first", comparison.runs.len())];
    if let Some(peak) = loads.cut {
        notes.push(format!(
            "loads above the axis are cut; the highest is {}",
            quantity::load(peak, &comparison.trace.unit)
        ));
    }
    drawing.text((LEFT, last), notes.join(" · "), 11.0, Anchor::Start, SOFT_INK);
    drawing.text((RIGHT, last), "time in UTC", 11.0, Anchor::End, SOFT_INK);
}

fn legend(drawing: &mut Drawing, y: f64, ticks: &Ticks) {
    let mut entries: Vec<(Paint, &str)> =
        vec![(LOAD, "load"), (SERVER, "capacity ready"), (SCALE, "booting"), (DROP, "dropped load")];
    if ticks.forecast.as_ref().and_then(story::band).is_some() {
        entries.push((FORECAST.at(0.5), "forecast band"));
    }
    entries.extend([(OUT, "scale out"), (IN, "scale in")]);
    if ticks.filled.contains(&true) {
        entries.push((MISSING, "missing"));
    }
    let width = |name: &str| 36.0 + 6.3 * name.len() as f64;
    let mut x = RIGHT - entries.iter().map(|(_, name)| width(name)).sum::<f64>() + 18.0;
    for (paint, name) in entries {
        drawing.rectangle((x, y - 5.0), (x + 12.0, y + 5.0), paint);
        drawing.text((x + 17.0, y), name, 12.0, Anchor::Start, INK);
        x += width(name);
    }
}
