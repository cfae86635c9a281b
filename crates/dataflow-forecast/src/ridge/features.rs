//! What the linear model looks at: recent loads, rolling means, the same time on earlier days, and the calendar.
//!
//! Loads are seen as √(load + 3/8), which makes the spread of counts nearly the same at every level (Anscombe, *The
//! Transformation of Poisson, Binomial and Negative-Binomial Data*, 1948). A load of more than 256 times the mean so
//! far counts as that much, lest one absurd value rule for weeks. Indices are intervals since the start.

use std::sync::LazyLock;

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::history::View;
use crate::model::{season, steps_per_days};

/// The last so many loads are inputs of their own.
const LAGS: usize = 10;
/// Pairs of sine and cosine of the day and of the week, and of the day on weekends only.
const DAY_WAVES: usize = 4;
const WEEK_WAVES: usize = 3;
const WEEKEND_WAVES: usize = 2;
pub(crate) const CALENDAR_INPUTS: usize = 2 * (DAY_WAVES + WEEK_WAVES + WEEKEND_WAVES) + 1;
/// A root is cut at so many times the root mean square of those before it.
const CUT: f64 = 16.0;
/// A row with an input beyond so many times the root mean square is not learnt from.
const LEARN_MAX: f64 = 8.0;
const MINUTES_PER_WEEK: usize = 10_080;
/// Seasons whose loads around the same time are averaged. More than seven on purpose: where gaps were filled from the
/// week before, the load of a week ago would look like a perfect forecast.
const SEASONS_AVERAGED: usize = 14;

/// The calendar inputs of every minute of the week, from Monday 00:00.
static CALENDAR: LazyLock<Vec<[f64; CALENDAR_INPUTS]>> =
    LazyLock::new(|| (0..MINUTES_PER_WEEK).map(calendar_inputs).collect());

/// The past as the linear model keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Features {
    /// √(load + 3/8), cut.
    roots: Vec<f64>,
    /// Sum of the squares of the roots.
    squares: f64,
    /// The last interval whose load was cut.
    last_cut: Option<usize>,
    /// `sums[i]` is the sum of the first `i` roots.
    sums: Vec<f64>,
    calendar: Calendar,
    /// Lengths of the rolling means, in steps.
    windows: Vec<usize>,
    /// Steps per day (or per week for long steps); `None` if the step is longer than half a week.
    season: Option<usize>,
    /// Intervals at the start that only set the scale: none of them is cut.
    warm_up: usize,
    /// Half the width of the smoothed loads around the same time on earlier days, in steps.
    half_width: usize,
}

impl Features {
    /// Features of a past, none of whose loads is taken in yet.
    pub(crate) fn new(past: View<'_>) -> Self {
        let week = steps_per_days(past.step(), 7);
        let day = steps_per_days(past.step(), 1);
        let mut windows: Vec<usize> =
            (4..usize::BITS).map(|power| 1 << power).take_while(|window| *window < day).collect();
        windows.extend([day, week].into_iter().filter(|window| *window > LAGS));
        windows.dedup();
        let half_hour = (1_800.0 / f64::from(past.step().seconds())).round() as usize;
        Self {
            roots: Vec::new(),
            squares: 0.0,
            last_cut: None,
            sums: vec![0.0],
            calendar: Calendar::of(past),
            windows,
            season: season(past.step()),
            warm_up: Self::first_origin(past.step()),
            half_width: half_hour.max(1),
        }
    }

    /// Number of inputs, the constant included.
    pub(crate) fn inputs(&self) -> usize {
        1 + LAGS + self.windows.len() + self.season.map_or(0, |_| 8) + CALENDAR_INPUTS
    }

    /// Number of loads taken in.
    pub(crate) fn len(&self) -> usize {
        self.roots.len()
    }

    /// The first origin whose inputs are worth learning from.
    pub(crate) fn first_origin(step: Step) -> usize {
        season(step).unwrap_or(1).max(LAGS)
    }

    /// Takes the next load in; the calendar reaches `ahead` intervals beyond it.
    pub(crate) fn push(&mut self, load: f64, ahead: usize) {
        let index = self.roots.len();
        let mut root = to_root(load);
        if index >= self.warm_up && root > CUT * self.scale() {
            root = CUT * self.scale();
            self.last_cut = Some(index);
        }
        self.squares += root * root;
        self.roots.push(root);
        self.sums.push(self.sums[self.sums.len() - 1] + root);
        self.calendar.reach(self.roots.len() + ahead);
    }

    /// Whether a row whose target is the newest interval is fit to learn from: no load was cut within a season, and no
    /// input is out of all proportion.
    pub(super) fn is_ordinary(&self, inputs: &[f64]) -> bool {
        let since_cut = self.last_cut.map_or(usize::MAX, |cut| self.roots.len() - cut);
        let largest = LEARN_MAX * self.scale();
        since_cut > self.warm_up && inputs[1..].iter().all(|input| *input <= largest)
    }

    /// Whether its parts fit each other and forecasts so many steps ahead, after it was read from a file.
    pub(crate) fn is_sound(&self, ahead: usize) -> bool {
        self.len() > 0
            && self.sums.len() == self.len() + 1
            && self.season != Some(0)
            && self.windows.iter().all(|window| *window > 0)
            && self.last_cut.is_none_or(|cut| cut < self.len())
            && self.calendar.knows(self.len().saturating_add(ahead))
    }

    /// Root mean square of the roots.
    pub(crate) fn scale(&self) -> f64 {
        (self.squares / self.roots.len() as f64).sqrt()
    }

    /// The largest root that anything counts as.
    pub(super) fn largest(&self) -> f64 {
        if self.is_warm() { CUT * self.scale() } else { f64::MAX }
    }

    /// Whether enough was seen to know the scale of the loads.
    pub(super) fn is_warm(&self) -> bool {
        self.roots.len() > self.warm_up
    }

    /// The minute of the week at which an interval begins.
    pub(super) fn minute_of_week(&self, interval: usize) -> usize {
        self.calendar.minute_of_week(interval)
    }

    /// The mean of the last roots up to an interval: at most so many.
    pub(super) fn last_mean(&self, interval: usize, length: usize) -> f64 {
        self.mean((interval + 1).saturating_sub(length), interval + 1)
    }

    /// The same of so many seasons.
    pub(super) fn season_mean(&self, interval: usize, seasons: usize) -> f64 {
        self.last_mean(interval, self.season.unwrap_or(1) * seasons)
    }

    pub(crate) fn root(&self, index: usize) -> f64 {
        self.roots[index]
    }

    /// Writes the inputs for the forecast, made when `origin` is the newest known interval, of the interval `horizon`
    /// steps later. Only roots up to `origin` are read.
    pub(crate) fn write(&self, origin: usize, horizon: usize, inputs: &mut [f64]) {
        inputs[0] = 1.0;
        let mut at = 1;
        for lag in 0..LAGS {
            inputs[at] = self.roots[origin.saturating_sub(lag)];
            at += 1;
        }
        for window in &self.windows {
            inputs[at] = self.mean((origin + 1).saturating_sub(*window), origin + 1);
            at += 1;
        }
        if let Some(season) = self.season {
            self.write_seasons(origin, horizon, season, &mut inputs[at..at + 8]);
            at += 8;
        }
        inputs[at..].copy_from_slice(&CALENDAR[self.calendar.minute_of_week(origin + horizon)]);
    }

    /// The load at the target's time (exact and smoothed) and around the origin's time: in the season before, in the
    /// furthest of the seasons that are looked at, and (smoothed only) on average of them.
    fn write_seasons(&self, origin: usize, horizon: usize, season: usize, inputs: &mut [f64]) {
        // The smallest number of seasons that puts the smoothed target into the past.
        let nearest = (horizon + self.half_width).div_ceil(season).max(1);
        let mut sums = [0.0; 2];
        let mut found = 0.0;
        for seasons in nearest..nearest + SEASONS_AVERAGED {
            let Some(around) = self.around(origin, horizon, seasons * season) else { break };
            sums = [sums[0] + around[1], sums[1] + around[2]];
            found += 1.0;
            if seasons == nearest {
                inputs[..3].copy_from_slice(&around);
            }
            inputs[3..6].copy_from_slice(&around);
        }
        if found == 0.0 {
            inputs.fill(self.mean((origin + 1).saturating_sub(season), origin + 1));
        } else {
            inputs[6] = sums[0] / found;
            inputs[7] = sums[1] / found;
        }
    }

    /// The root `shift` steps before the target, its smoothed surroundings, and the smoothed surroundings of the
    /// interval `shift` steps before the origin; `None` where that lies before the start.
    fn around(&self, origin: usize, horizon: usize, shift: usize) -> Option<[f64; 3]> {
        let origin_then = origin.checked_sub(shift)?;
        let target_then = origin_then + horizon;
        let smooth = |centre: usize| {
            self.mean(centre.saturating_sub(self.half_width), (centre + self.half_width + 1).min(origin + 1))
        };
        Some([self.roots[target_then], smooth(target_then), smooth(origin_then)])
    }

    /// The mean of the roots of a range of intervals that is not empty.
    pub(crate) fn mean(&self, from: usize, until: usize) -> f64 {
        (self.sums[until] - self.sums[from]) / (until - from) as f64
    }
}

/// √(load + 3/8).
pub(crate) fn to_root(load: f64) -> f64 {
    (load + 0.375).sqrt()
}

/// The load expected when its root is expected to be `root` with this variance: E y = (E r)² + Var r − 3/8.
pub(crate) fn from_root(root: f64, variance: f64) -> f64 {
    let root = root.max(0.0);
    (root * root + variance - 0.375).clamp(0.0, f64::MAX)
}

fn calendar_inputs(minute: usize) -> [f64; CALENDAR_INPUTS] {
    let minutes_per_day = MINUTES_PER_WEEK / 7;
    let day = (minute % minutes_per_day) as f64 / minutes_per_day as f64;
    let week = minute as f64 / MINUTES_PER_WEEK as f64;
    let weekend = if minute >= 5 * minutes_per_day { 1.0 } else { 0.0 };
    let mut inputs = [0.0; CALENDAR_INPUTS];
    let waves = (1..=DAY_WAVES)
        .map(|wave| (day * wave as f64, 1.0))
        .chain((1..=WEEK_WAVES).map(|wave| (week * wave as f64, 1.0)))
        .chain((1..=WEEKEND_WAVES).map(|wave| (day * wave as f64, weekend)));
    for (index, (turns, amplitude)) in waves.enumerate() {
        let (sine, cosine) = (turns * std::f64::consts::TAU).sin_cos();
        inputs[2 * index] = amplitude * sine;
        inputs[2 * index + 1] = amplitude * cosine;
    }
    inputs[CALENDAR_INPUTS - 1] = weekend;
    inputs
}
