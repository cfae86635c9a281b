//! What the networks look at: a window of the last intervals, each as a row of columns, and what they learn to say.
//!
//! Loads are seen as roots, √(load + 3/8), which makes the spread of counts nearly the same at every level (Anscombe,
//! 1948). From each root its usual value is taken away: the smoothed mean of the same time on earlier days. What is left,
//! the departure, is what windows show and what is forecast: by a linear guess (ridge regression on the same window) and a
//! network's correction to it. So a network that has learnt nothing still says something sensible, and one that sees a
//! constant load has nothing to learn. Indices are intervals since the start.

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::history::View;
use crate::model::{season, steps_per_days};
use crate::ridge::{Linear, NormalEquations};

/// Intervals of a window.
pub(super) const STEPS: usize = 16;
/// A root is cut at so many times the root mean square of those before it.
const CUT: f64 = 16.0;
/// A standardised column is cut at so many standard deviations.
const COLUMN_MAX: f64 = 6.0;
/// A departure beyond so many times their root mean square is not learnt from.
const TARGET_MAX: f64 = 8.0;
/// Added to the variance of every column for the linear guess.
const PENALTY: f64 = 0.1;
/// Seasons whose loads around the same time are averaged.
const SEASONS_AVERAGED: usize = 14;
/// Lengths of the rolling means of departures, in steps.
const ROLLING: [usize; 3] = [4, 16, 96];
/// Columns beside the exogenous ones: departure, usual value, rolling means, the departures around the target's time a
/// season and a week before, and the calendar.
const OWN_COLUMNS: usize = 2 + ROLLING.len() + 2 + CALENDAR_COLUMNS;
/// Sines and cosines of the day, of half a day, of the week, and of the day on weekends only; weekend.
const CALENDAR_COLUMNS: usize = 9;
const MINUTES_PER_DAY: f64 = 1_440.0;
const WORKING_DAYS: f64 = 5.0;

/// The past as the networks see it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Inputs {
    /// √(load + 3/8), cut.
    roots: Vec<f64>,
    /// Sum of the squares of the roots.
    squares: f64,
    /// `sums[i]` is the sum of the first `i` roots.
    sums: Vec<f64>,
    /// `departures[i]` is the sum of the departures of the first `i` intervals.
    departures: Vec<f64>,
    /// Intervals whose load was missing.
    missing: Vec<bool>,
    calendar: Calendar,
    /// One column of signed logarithms per exogenous quantity.
    exogenous: Vec<Vec<f32>>,
    season: Option<usize>,
    week: usize,
    /// Half the width of the smoothed loads around the same time on earlier days, in steps.
    half_width: usize,
    horizons: Vec<usize>,
}

/// Mean and deviation of a column; a deviation of zero makes the column zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Standard {
    mean: f64,
    deviation: f64,
}

/// How columns and targets are scaled, learnt from the rows of a training.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Scales {
    columns: Vec<Standard>,
    /// Per horizon the guess that the network corrects.
    guesses: Vec<Guess>,
}

/// The linear guess of one horizon's departure.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Guess {
    linear: Linear,
    /// The root mean square of what it leaves unexplained, the unit of corrections.
    deviation: f64,
}

/// Rows to learn from: windows one after the other (rows × steps × columns), and per row and horizon the scaled
/// correction to be forecast with its weight, zero where the load was missing.
pub(super) struct Rows {
    pub(super) windows: Vec<f32>,
    pub(super) targets: Vec<f32>,
    pub(super) weights: Vec<f32>,
    pub(super) columns: usize,
    pub(super) horizons: usize,
}

impl Inputs {
    /// Inputs of a past, none of whose intervals is taken in yet.
    pub(super) fn new(past: View<'_>, horizons: &[usize]) -> Self {
        let half_hour = (1_800.0 / f64::from(past.step().seconds())).round() as usize;
        Self {
            roots: Vec::new(),
            squares: 0.0,
            sums: vec![0.0],
            departures: vec![0.0],
            missing: Vec::new(),
            calendar: Calendar::of(past),
            exogenous: vec![Vec::new(); past.exogenous().len()],
            season: season(past.step()),
            week: steps_per_days(past.step(), 7),
            half_width: half_hour.max(1),
            horizons: horizons.to_vec(),
        }
    }

    /// Takes the next intervals in.
    pub(super) fn extend(&mut self, new: View<'_>) {
        for (index, load) in new.values().iter().enumerate() {
            let mut root = (load + 0.375).sqrt();
            if self.len() >= STEPS {
                root = root.min(CUT * self.scale());
            }
            let usual = if self.roots.is_empty() { root } else { self.usual(self.len(), 1) };
            self.squares += root * root;
            self.roots.push(root);
            self.sums.push(self.sums[self.sums.len() - 1] + root);
            self.departures.push(self.departures[self.departures.len() - 1] + root - usual);
            self.missing.push(new.is_missing(index));
        }
        for (column, (_, values)) in self.exogenous.iter_mut().zip(new.exogenous()) {
            column.extend(values.iter().map(|value| (value.signum() * value.abs().ln_1p()) as f32));
        }
        for column in &mut self.exogenous {
            // A column that stopped coming keeps its last value.
            column.resize(self.roots.len(), column.last().copied().unwrap_or(0.0));
        }
        self.calendar.reach(self.roots.len() + self.horizons.last().copied().unwrap_or(1));
    }

    /// Number of intervals taken in.
    pub(super) fn len(&self) -> usize {
        self.roots.len()
    }

    /// The horizons that are forecast.
    pub(super) fn horizons(&self) -> &[usize] {
        &self.horizons
    }

    /// Columns of a window.
    pub(super) fn columns(&self) -> usize {
        OWN_COLUMNS + self.exogenous.len()
    }

    /// Makes it ready after it was read from a file; false if its parts do not fit each other.
    pub(super) fn restore(&mut self) -> bool {
        let length = self.roots.len();
        self.calendar.reach(length + self.horizons.last().copied().unwrap_or(1));
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        self.sums.len() == length + 1
            && self.departures.len() == length + 1
            && self.missing.len() == length
            && self.exogenous.iter().all(|column| column.len() == length)
            && (length > STEPS && self.season != Some(0) && self.half_width > 0 && self.week > 0)
            && crate::model::check_horizons(&self.horizons).is_ok()
            && (finite(&self.roots) && finite(&self.sums) && finite(&self.departures))
    }

    /// The largest load taken in, as far as it was not cut.
    pub(super) fn largest(&self) -> f64 {
        self.roots.iter().copied().fold(0.0, f64::max).powi(2)
    }

    /// Root mean square of the roots.
    fn scale(&self) -> f64 {
        (self.squares / self.roots.len() as f64).sqrt()
    }

    /// The usual root of an interval as known `horizon` intervals before it: the smoothed mean of the same time on
    /// earlier days; before there is any, the mean of the last season.
    fn usual(&self, target: usize, horizon: usize) -> f64 {
        let Some(known) = (target + 1).checked_sub(horizon).filter(|known| *known > 0) else {
            return self.roots.first().copied().unwrap_or(0.0);
        };
        let season = self.season.unwrap_or(1);
        let nearest = (horizon + self.half_width).div_ceil(season);
        let (mut sum, mut found) = (0.0, 0.0);
        if self.season.is_some() {
            for seasons in nearest..nearest + SEASONS_AVERAGED {
                let Some(centre) = target.checked_sub(seasons * season) else { break };
                sum += self.around(centre, known);
                found += 1.0;
            }
        }
        if found > 0.0 { sum / found } else { mean(&self.sums, known.saturating_sub(season.max(STEPS)), known) }
    }

    /// The mean root around an interval, of those that are known.
    fn around(&self, centre: usize, known: usize) -> f64 {
        mean(&self.sums, centre.saturating_sub(self.half_width), (centre + self.half_width + 1).min(known))
    }

    fn departure(&self, interval: usize) -> f64 {
        self.departures[interval + 1] - self.departures[interval]
    }

    /// The columns of one interval, unscaled; nothing after it is read.
    fn write_columns(&self, interval: usize, columns: &mut [f64]) {
        let furthest = self.horizons.last().copied().unwrap_or(1);
        let departure = self.departure(interval);
        columns[0] = departure;
        columns[1] = self.roots[interval] - departure;
        for (column, length) in columns[2..].iter_mut().zip(ROLLING) {
            *column = mean(&self.departures, (interval + 1).saturating_sub(length), interval + 1);
        }
        let usual = self.usual(interval + furthest, furthest);
        let at = 2 + ROLLING.len();
        for (column, period) in columns[at..].iter_mut().zip([self.season.unwrap_or(self.week), self.week]) {
            let shift = (furthest + self.half_width).div_ceil(period) * period;
            let then = (interval + furthest).checked_sub(shift);
            *column = then.map_or(0.0, |then| self.around(then, interval + 1) - usual);
        }
        columns[at + 2..OWN_COLUMNS]
            .copy_from_slice(&calendar_columns(self.calendar.minute_of_week(interval + furthest)));
        for (column, values) in columns[OWN_COLUMNS..].iter_mut().zip(&self.exogenous) {
            *column = f64::from(values[interval]);
        }
    }

    /// The window that ends with `origin`, scaled; nothing after it is read.
    pub(super) fn window(&self, origin: usize, scales: &Scales) -> Vec<f32> {
        let mut columns = vec![0.0; self.columns()];
        let mut window = Vec::with_capacity(STEPS * columns.len());
        for interval in origin + 1 - STEPS..=origin {
            self.write_columns(interval, &mut columns);
            window.extend(columns.iter().zip(&scales.columns).map(|(value, standard)| standard.scale(*value)));
        }
        window
    }

    /// At most `most` origins to learn from, evenly spread over the past and up to its end, but for those whose every
    /// target was missing.
    pub(super) fn origins(&self, most: usize) -> Vec<usize> {
        let furthest = self.horizons.last().copied().unwrap_or(1);
        // Half of a short past is enough to begin with; the first day of a long one knows no usual value.
        let first = STEPS.max(self.season.unwrap_or(1).min(self.len() / 4));
        let Some(last) = (self.len() - 1).checked_sub(furthest).filter(|last| *last >= first) else {
            return Vec::new();
        };
        let seen = |origin: &usize| self.horizons.iter().any(|horizon| !self.missing[origin + horizon]);
        let seen: Vec<usize> = (first..=last).filter(seen).collect();
        let mut origins: Vec<usize> =
            seen.iter().rev().step_by(seen.len().div_ceil(most.max(1)).max(1)).copied().collect();
        origins.reverse();
        origins
    }

    /// Learns scales from the rows with these origins; `None` where the arithmetic overflows.
    pub(super) fn scales(&self, origins: &[usize]) -> Option<Scales> {
        let mut columns = vec![0.0; self.columns()];
        let mut sums = vec![[0.0; 2]; columns.len()];
        for origin in origins {
            self.write_columns(*origin, &mut columns);
            for (sums, value) in sums.iter_mut().zip(&columns) {
                *sums = [sums[0] + value, sums[1] + value * value];
            }
        }
        let count = origins.len().max(1) as f64;
        let standard = |[sum, squares]: &[f64; 2]| Standard::of(sum / count, squares / count);
        let mut scales = Scales { columns: sums.iter().map(standard).collect(), guesses: Vec::new() };
        let windows: Vec<Vec<f64>> =
            origins.iter().map(|origin| self.guess_inputs(&self.window(*origin, &scales))).collect();
        let guess = |horizon: &usize| self.guess(origins, &windows, *horizon);
        scales.guesses = self.horizons.iter().map(guess).collect::<Option<_>>()?;
        scales.fit(self).then_some(scales)
    }

    /// What linear guesses look at: a constant, the departures of a scaled window and the other columns of its end.
    fn guess_inputs(&self, window: &[f32]) -> Vec<f64> {
        let columns = self.columns();
        let departures = window.iter().step_by(columns);
        let others = &window[window.len() - columns + 1..];
        std::iter::once(1.0).chain(departures.chain(others).map(|value| f64::from(*value))).collect()
    }

    /// The linear guess of one horizon.
    fn guess(&self, origins: &[usize], windows: &[Vec<f64>], horizon: usize) -> Option<Guess> {
        let seen = || {
            let rows = origins.iter().zip(windows).filter(|(origin, _)| !self.missing[**origin + horizon]);
            rows.map(|(origin, window)| (self.departure_ahead(*origin, horizon), window))
        };
        let largest = TARGET_MAX * root_mean_square(seen().map(|(departure, _)| departure));
        let usable = || seen().filter(|(departure, _)| departure.abs() <= largest);
        let mut sums = NormalEquations::new(windows.first()?.len());
        usable().for_each(|(departure, window)| sums.add(window, departure));
        // Where every target was missing or overflowed there is nothing to guess from.
        let nothing = || Some(Linear { coefficients: vec![0.0; windows.first()?.len()], variance: 0.0 });
        let linear = if usable().next().is_some() { sums.solve(PENALTY)? } else { nothing()? };
        let deviation = root_mean_square(usable().map(|(departure, window)| departure - linear.at(window)));
        // What is left of a constant load is rounding.
        let deviation = if deviation > 1e-6 * self.scale() { deviation } else { 0.0 };
        Some(Guess { linear, deviation })
    }

    /// How far the root at a horizon departs from what is usual there, as known at the origin.
    fn departure_ahead(&self, origin: usize, horizon: usize) -> f64 {
        self.roots[origin + horizon] - self.usual(origin + horizon, horizon)
    }

    /// The rows with these origins.
    pub(super) fn rows(&self, origins: &[usize], scales: &Scales) -> Rows {
        let (columns, horizons) = (self.columns(), self.horizons.len());
        let mut rows = Rows { windows: Vec::new(), targets: Vec::new(), weights: Vec::new(), columns, horizons };
        for origin in origins {
            let window = self.window(*origin, scales);
            let inputs = self.guess_inputs(&window);
            rows.windows.extend(window);
            for (horizon, guess) in self.horizons.iter().zip(&scales.guesses) {
                let left = self.departure_ahead(*origin, *horizon) - guess.linear.at(&inputs);
                let target = if guess.deviation > 0.0 { left / guess.deviation } else { 0.0 };
                rows.targets.push(target as f32);
                rows.weights.push(if self.missing[origin + horizon] { 0.0 } else { 1.0 });
            }
        }
        rows
    }

    /// The root expected at each horizon after the newest interval, given the scaled window that ends with it and the
    /// network's corrections.
    pub(super) fn roots_ahead(&self, scales: &Scales, window: &[f32], corrections: &[f32]) -> Vec<f64> {
        let inputs = self.guess_inputs(window);
        let ahead = self.horizons.iter().zip(&scales.guesses).zip(corrections).map(|((horizon, guess), correction)| {
            let departure = guess.linear.at(&inputs) + guess.deviation * f64::from(*correction);
            self.usual(self.len() - 1 + horizon, *horizon) + departure
        });
        ahead.collect()
    }
}

impl Standard {
    fn of(mean: f64, mean_square: f64) -> Self {
        let variance = mean_square - mean * mean;
        let deviation = if variance > 1e-12 * mean_square { variance.sqrt() } else { 0.0 };
        Self { mean, deviation }
    }

    fn scale(self, value: f64) -> f32 {
        if self.deviation > 0.0 {
            ((value - self.mean) / self.deviation).clamp(-COLUMN_MAX, COLUMN_MAX) as f32
        } else {
            0.0
        }
    }
}

impl Scales {
    /// Whether every target is exactly what the linear guess says, so that there is nothing to learn.
    pub(super) fn explain_all(&self) -> bool {
        self.guesses.iter().all(|guess| guess.deviation == 0.0)
    }

    /// Whether they are finite and fit inputs.
    pub(super) fn fit(&self, inputs: &Inputs) -> bool {
        // A constant, the departures of the window, and the other columns of its end.
        let guess_inputs = STEPS + inputs.columns();
        self.columns.len() == inputs.columns()
            && self.columns.iter().all(|column| column.mean.is_finite() && column.deviation.is_finite())
            && self.guesses.len() == inputs.horizons.len()
            && self.guesses.iter().all(|Guess { linear, deviation }| {
                deviation.is_finite()
                    && linear.coefficients.len() == guess_inputs
                    && linear.coefficients.iter().all(|coefficient| coefficient.is_finite())
            })
    }

    /// The unit of each horizon's correction, in roots.
    pub(super) fn deviations(&self) -> impl Iterator<Item = f64> {
        self.guesses.iter().map(|guess| guess.deviation)
    }
}

impl Rows {
    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.targets.len() / self.horizons.max(1)
    }
}

/// The calendar columns of a minute of the week.
fn calendar_columns(minute: usize) -> [f64; CALENDAR_COLUMNS] {
    let (day, week) = (minute as f64 / MINUTES_PER_DAY, minute as f64 / (7.0 * MINUTES_PER_DAY));
    let turn = |share: f64| (share * std::f64::consts::TAU).sin_cos();
    let weekend = if day >= WORKING_DAYS { 1.0 } else { 0.0 };
    let [daily, half_daily, weekly] = [turn(day), turn(2.0 * day), turn(week)];
    [daily.0, daily.1, half_daily.0, half_daily.1, weekly.0, weekly.1, weekend * daily.0, weekend * daily.1, weekend]
}

fn root_mean_square(values: impl Iterator<Item = f64>) -> f64 {
    let (squares, count) = values.fold((0.0, 0.0), |(squares, count), value| (squares + value * value, count + 1.0));
    (squares / f64::max(count, 1.0)).sqrt()
}

/// The mean of `from..until`, from prefix sums. The range must not be empty.
fn mean(sums: &[f64], from: usize, until: usize) -> f64 {
    (sums[until] - sums[from]) / (until - from) as f64
}

#[cfg(test)]
mod tests {
    use dataflow_series::{Fill, Observed, Series, Step, Unit};
    use jiff::tz::TimeZone;

    use super::*;

    fn series(loads: &[f64]) -> Series {
        let start = "2024-03-01T00:00:00Z".parse().unwrap();
        let observed = Observed::new(start, Step::HOUR, Unit::Requests, loads.iter().copied().map(Some)).unwrap();
        observed.fill(Fill::Zero).unwrap()
    }

    fn inputs(loads: &[f64], horizons: &[usize]) -> Inputs {
        let (series, zone) = (series(loads), TimeZone::UTC);
        let mut inputs = Inputs::new(View::of(&series, &zone), horizons);
        inputs.extend(View::of(&series, &zone));
        inputs
    }

    #[test]
    fn neither_windows_nor_guesses_see_anything_after_their_origin() {
        let loads: Vec<f64> = (0..400).map(|hour| f64::from(50 + hour * 37 % 91)).collect();
        for horizons in [&[1, 6][..], &[30], &[23, 24, 200]] {
            let whole = inputs(&loads, horizons);
            let scales = whole.scales(&whole.origins(100)).unwrap();
            for origin in [20, 60, 199, 250] {
                let mut changed = loads.clone();
                changed[origin + 1..].fill(1e6);
                let changed = inputs(&changed, horizons);
                assert_eq!(whole.window(origin, &scales), changed.window(origin, &scales));
                for horizon in horizons {
                    assert_eq!(whole.usual(origin + horizon, *horizon), changed.usual(origin + horizon, *horizon));
                }
                let cut = inputs(&loads[..=origin], horizons);
                assert_eq!(whole.window(origin, &scales), cut.window(origin, &scales));
                assert_ne!(whole.window(origin + 1, &scales), changed.window(origin + 1, &scales));
            }
        }
    }

    #[test]
    fn targets_and_forecasts_are_each_other_s_inverse() {
        let loads: Vec<f64> = (0..400).map(|hour| f64::from(50 + hour * 37 % 91)).collect();
        let whole = inputs(&loads, &[1, 7]);
        let origins = whole.origins(30);
        assert!(origins.len() <= 30 && origins.is_sorted() && origins.last() == Some(&392));
        let scales = whole.scales(&origins).unwrap();
        let rows = whole.rows(&origins, &scales);
        assert_eq!((rows.len(), rows.windows.len()), (origins.len(), origins.len() * STEPS * whole.columns()));
        for (origin, targets) in origins.iter().zip(rows.targets.chunks(2)) {
            let window = whole.window(*origin, &scales);
            let roots = inputs(&loads[..=*origin], &[1, 7]).roots_ahead(&scales, &window, targets);
            for (root, horizon) in roots.iter().zip([1, 7]) {
                let load = root * root - 0.375;
                assert!((load - loads[origin + horizon]).abs() < 1e-3, "{load} at {origin} + {horizon}");
            }
        }
    }
}
