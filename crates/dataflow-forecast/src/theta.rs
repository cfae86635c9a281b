//! The theta method, optimised: a smoothed level that follows a part of the linear trend.
//!
//! The daily season is taken off first, where the test of [`classical`](crate::classical) finds one. Of the loads then,
//! μ = ℓ + (1 − 1/θ)(A(1 − α)ᵗ + B(1 − (1 − α)ᵗ⁺¹)/α) is expected at step t (from 0), ℓ is the level smoothed with
//! weight α, A + B(t + 1) the trend line: of all loads (static), or of those known at t (dynamic). Given α, the
//! expectation is linear in the first level and in 1 − 1/θ, so only α is searched for. Static or dynamic is chosen by
//! the squared one-step errors; θ = 2, the standard method, is among the candidates. Missing loads are skipped.
//! Source: Assimakopoulos and Nikolopoulos, *The theta model* (2000); Fiorucci et al., *Models for optimising the theta
//! method and their relationship to state space models* (2016), equations 8–16.

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use crate::absurd::{limit, mend};
use crate::classical::{is_seasonal, profile};
use crate::history::View;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, SaveError, check_horizons, check_past, from_bytes, season, to_bytes,
};
use crate::normal::quantile;
use crate::recent::Recent;

const MODEL: &str = "theta";
/// The fewest intervals learnt from.
const SHORTEST_PAST: usize = 10;
/// The bounds of α.
const WEIGHTS: (f64, f64) = (0.1, 0.99);
/// Candidates for α before the search.
const CANDIDATES: usize = 16;
/// The first errors, made while the trend of the dynamic form is not yet known, do not count.
const WARM_UP: usize = 3;

/// The optimised theta method.
#[derive(Debug, Clone, Copy)]
pub struct Theta;

#[derive(Debug, Serialize, Deserialize)]
struct FittedTheta {
    horizons: Vec<usize>,
    season: Option<usize>,
    recent: Recent,
    /// One value per step of the season from the first recent load on; a single neutral one without a season.
    profile: Vec<f64>,
    /// Whether the profile holds factors.
    factors: bool,
    limit: f64,
    line: Line,
    state: State,
}

/// What a fit determines.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Line {
    dynamic: bool,
    /// α.
    weight: f64,
    /// 1 − 1/θ.
    share: f64,
    /// The mean squared one-step error.
    variance: f64,
}

/// What is known after some loads.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct State {
    level: f64,
    /// A and B of the trend line.
    intercept: f64,
    slope: f64,
    mean: f64,
    /// (1 − α) to the power of the steps seen.
    decay: f64,
    steps: usize,
}

impl MeanModel for Theta {
    fn name(&self) -> &'static str {
        MODEL
    }

    fn shortest_past(&self, _step: Step, _furthest: usize) -> usize {
        SHORTEST_PAST
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        check_past(self, past, horizons)?;
        let season = season(past.step());
        let recent = Recent::of_seasons(past, season);
        Ok(Box::new(FittedTheta::learn(recent, season, horizons.to_vec())?))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let restored: FittedTheta = from_bytes(saved)?;
        if restored.profile.is_empty() || check_horizons(&restored.horizons).is_err() {
            return Err(SaveError::NotRestored("it has no profile or no horizons".to_owned()));
        }
        Ok(Box::new(restored))
    }
}

impl FittedTheta {
    fn learn(recent: Recent, season: Option<usize>, horizons: Vec<usize>) -> Result<Self, FitError> {
        let (values, missing) = recent.get();
        if recent.observed() == 0 {
            return Err(FitError::NothingToLearn { model: MODEL });
        }
        let mut missing = missing.to_vec();
        let too_large = || FitError::TooLarge { model: MODEL, largest: recent.largest() };
        let limit = limit(values, &missing).ok_or_else(too_large)?;
        let values = mend(values, &mut missing, season.unwrap_or(1), limit);
        let found = season.filter(|season| is_seasonal(&values, *season)).map(|season| profile(&values, season));
        let (factors, profile) = found.map_or((false, vec![0.0]), |found| (found.factors, found.values));
        let adjusted: Vec<f64> =
            values.iter().zip(profile.iter().cycle()).map(|(value, part)| without(*value, *part, factors)).collect();
        let loads: Vec<Option<f64>> =
            adjusted.iter().zip(&missing).map(|(load, missing)| (!missing).then_some(*load)).collect();
        let (line, start) = Line::fit(&adjusted, &loads).ok_or_else(too_large)?;
        let mut fitted = Self { horizons, season, recent, profile, factors, limit, line, state: start };
        for load in loads {
            fitted.state.observe(load, &line);
        }
        Ok(fitted)
    }

    fn part(&self, step: usize) -> f64 {
        self.profile[step % self.profile.len()]
    }

    /// For each horizon the expected load without its season, and the part that the season adds.
    fn ahead(&self) -> impl Iterator<Item = (usize, f64, f64)> {
        let furthest = self.horizons.last().copied().unwrap_or(0);
        let mut state = self.state;
        let means: Vec<f64> = (0..furthest)
            .map(|_| {
                let mean = state.expected(&self.line);
                state.observe(None, &self.line);
                mean
            })
            .collect();
        self.horizons
            .iter()
            .map(move |horizon| (*horizon, means[horizon - 1], self.part(self.state.steps + horizon - 1)))
    }

    fn with(&self, mean: f64, part: f64) -> f64 {
        (if self.factors { mean * part } else { mean + part }).clamp(0.0, f64::MAX)
    }
}

impl FittedMean for FittedTheta {
    fn extend(&mut self, new: View<'_>) {
        for (index, value) in new.values().iter().enumerate() {
            let load = without(value.min(self.limit), self.part(self.state.steps), self.factors);
            self.state.observe((!new.is_missing(index)).then_some(load), &self.line);
        }
        self.recent.extend(new);
    }

    fn refit(&mut self) -> Result<(), FitError> {
        *self = Self::learn(self.recent.clone(), self.season, self.horizons.clone())?;
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        for (mean, (_, ahead, part)) in means.iter_mut().zip(self.ahead()) {
            *mean = self.with(ahead, part);
        }
    }

    /// As simple exponential smoothing with drift, which the static form is (Hyndman and Billah, 2003).
    fn own_quantiles(&self, level: f64) -> Option<Vec<f64>> {
        let score = quantile(level);
        let weight = self.line.weight * self.line.weight;
        let at = |(horizon, mean, part): (usize, f64, f64)| {
            let deviation = (self.line.variance * (1.0 + weight * (horizon - 1) as f64)).sqrt();
            self.with(mean + score * deviation, part)
        };
        Some(self.ahead().map(at).collect())
    }

    fn learnt(&self) -> Vec<Learnt> {
        let season = match (self.season, self.profile.len()) {
            (Some(season), 2..) => {
                format!("{season} steps, {}", if self.factors { "as factors" } else { "as differences" })
            }
            (Some(_), _) => "none: the autocorrelation does not show it".to_owned(),
            (None, _) => "none".to_owned(),
        };
        let trend = if self.line.dynamic { "dynamic" } else { "static" };
        let theta = 1.0 / (1.0 - self.line.share);
        let squares = self.line.variance;
        [
            ("trend line", trend.to_owned()),
            ("level weight", format!("{:.6}", self.line.weight)),
            ("theta", format!("{theta:.6}")),
            ("mean squared error", format!("{squares:.6e}")),
            ("season", season),
        ]
        .map(|(name, value)| Learnt { name, value })
        .to_vec()
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(self)
    }
}

fn without(load: f64, part: f64, factors: bool) -> f64 {
    if factors { load / part } else { load - part }
}

impl State {
    /// Before the first load.
    fn new(level: f64, intercept: f64, slope: f64) -> Self {
        Self { level, intercept, slope, mean: 0.0, decay: 1.0, steps: 0 }
    }

    /// What the trend line adds to the level, for a share of 1.
    fn lift(&self, weight: f64) -> f64 {
        self.intercept * self.decay + self.slope * (1.0 - self.decay * (1.0 - weight)) / weight
    }

    fn expected(&self, line: &Line) -> f64 {
        self.level + line.share * self.lift(line.weight)
    }

    /// Takes in the next load; where there is none, the expected one.
    fn observe(&mut self, load: Option<f64>, line: &Line) {
        let load = load.unwrap_or_else(|| self.expected(line));
        self.level = line.weight * load + (1.0 - line.weight) * self.level;
        self.step(load, line.weight, line.dynamic);
    }

    /// Moves the trend line on by a load.
    fn step(&mut self, load: f64, weight: f64, dynamic: bool) {
        let before = self.steps as f64;
        self.mean = (before * self.mean + load) / (before + 1.0);
        if dynamic {
            let pull = 6.0 * (load - self.mean) / (before + 1.0);
            self.slope = if self.steps == 0 { 0.0 } else { ((before - 1.0) * self.slope + pull) / (before + 2.0) };
            self.intercept = self.mean - self.slope * (before + 2.0) / 2.0;
        }
        self.decay *= 1.0 - weight;
        self.steps += 1;
    }
}

impl Line {
    /// The best line through loads (`filled` has no gaps), and the state before the first; `None` if sums overflow.
    fn fit(filled: &[f64], loads: &[Option<f64>]) -> Option<(Self, State)> {
        let (intercept, slope) = trend(filled);
        let forms = [State::new(0.0, intercept, slope), State::new(0.0, 0.0, 0.0)].into_iter().zip([false, true]);
        let fits = forms.filter_map(|(start, dynamic)| Self::search(loads, start, dynamic));
        fits.min_by(|(one, _), (other, _)| one.variance.total_cmp(&other.variance))
    }

    /// The best weight: of some candidates, then between the neighbours of the best one by golden section.
    fn search(loads: &[Option<f64>], start: State, dynamic: bool) -> Option<(Self, State)> {
        let (least, most) = WEIGHTS;
        let at = |weight: f64| Self::given(weight, loads, start, dynamic);
        let width = (most - least) / (CANDIDATES - 1) as f64;
        let better = |one: &(Self, State), other: &(Self, State)| one.0.variance.total_cmp(&other.0.variance);
        let mut best = (0..CANDIDATES).filter_map(|index| at(least + width * index as f64)).min_by(better)?;
        let (mut low, mut high) = ((best.0.weight - width).max(least), (best.0.weight + width).min(most));
        let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
        while high - low > 1e-5 {
            let (left, right) = (high - golden * (high - low), low + golden * (high - low));
            let (Some(one), Some(other)) = (at(left), at(right)) else { break };
            if one.0.variance < other.0.variance {
                high = right;
            } else {
                low = left;
            }
            best = [best, one, other].into_iter().min_by(better)?;
        }
        Some(best)
    }

    /// The first level and the share with the least squared errors, given the weight.
    fn given(weight: f64, loads: &[Option<f64>], start: State, dynamic: bool) -> Option<(Self, State)> {
        // Each expectation is known + first · level + lift · share, the level counted from the first load.
        let origin = loads.iter().flatten().next().copied().unwrap_or_default();
        let (mut known, mut first, mut lifted) = (origin, 1.0, 0.0);
        let mut state = start;
        let mut sums = Sums::default();
        for (step, load) in loads.iter().enumerate() {
            let lift = state.lift(weight);
            if let Some(load) = load {
                if step >= WARM_UP {
                    sums.add(load - known, first, lifted + lift);
                }
                known += weight * (load - known);
                first *= 1.0 - weight;
                lifted *= 1.0 - weight;
            } else {
                lifted += weight * lift;
            }
            // Without a load the line goes on as it is.
            let on_line = state.intercept + state.slope * (step + 1) as f64;
            state.step(load.unwrap_or(on_line), weight, dynamic);
        }
        let (level, share, variance) = sums.solve()?;
        Some((Self { dynamic, weight, share, variance }, State { level: origin + level, ..start }))
    }
}

/// Sums of products for two unknowns.
#[derive(Default)]
struct Sums {
    count: f64,
    squares: f64,
    /// Output × each input.
    outputs: [f64; 2],
    /// First × first, first × second, second × second.
    inputs: [f64; 3],
}

impl Sums {
    fn add(&mut self, output: f64, first: f64, second: f64) {
        self.count += 1.0;
        self.squares += output * output;
        self.outputs = [self.outputs[0] + output * first, self.outputs[1] + output * second];
        let [a, b, c] = self.inputs;
        self.inputs = [a + first * first, b + first * second, c + second * second];
    }

    /// Level, share (of 1 − 1/θ for θ from 1 to 10⁶) and mean squared error.
    fn solve(&self) -> Option<(f64, f64, f64)> {
        let ([u, v], [a, b, c]) = (self.outputs, self.inputs);
        let determinant = a * c - b * b;
        let free = if determinant > 1e-12 * a * c { (a * v - b * u) / determinant } else { 0.0 };
        let share = free.clamp(0.0, 1.0 - 1e-6);
        let level = if a > 0.0 { (u - b * share) / a } else { 0.0 };
        let explained = 2.0 * (level * u + share * v) - level * level * a - 2.0 * level * share * b - share * share * c;
        let variance = (self.squares - explained).max(0.0) / self.count.max(1.0);
        (level.is_finite() && share.is_finite() && variance.is_finite()).then_some((level, share, variance))
    }
}

/// Intercept (at step 0, the first load being step 1) and slope of the regression line.
fn trend(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let weighted = values.iter().zip(1_u32..).map(|(value, step)| value * f64::from(step)).sum::<f64>() / count;
    let slope =
        if values.len() < 2 { 0.0 } else { 6.0 * (2.0 * weighted - (count + 1.0) * mean) / (count * count - 1.0) };
    (mean - slope * (count + 1.0) / 2.0, slope)
}

#[cfg(test)]
mod tests {
    use dataflow_series::{Fill, Observed, Unit};
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::golden::{Golden, loads_of};

    #[test]
    fn a_line_without_noise_goes_on() {
        let values: Vec<f64> = (0..60).map(|step| 100.0 + 3.0 * f64::from(step)).collect();
        let loads: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        let (line, mut state) = Line::fit(&values, &loads).unwrap();
        for load in &loads {
            state.observe(*load, &line);
        }
        for step in 60..80 {
            assert!((state.expected(&line) - (100.0 + 3.0 * f64::from(step))).abs() < 1e-3, "{line:?} {state:?}");
            state.observe(None, &line);
        }
    }

    #[test]
    fn the_regression_line_is_the_right_one() {
        let (intercept, slope) = trend(&[5.0, 7.0, 9.0, 11.0]);
        assert!((intercept - 3.0).abs() < 1e-12 && (slope - 2.0).abs() < 1e-12);
    }

    #[derive(Deserialize)]
    struct Theirs {
        name: String,
        decomposed: bool,
        squares: f64,
        forecast: Vec<f64>,
    }

    fn fitted(loads: &[f64]) -> FittedTheta {
        let hour = Step::from_seconds(3_600).unwrap();
        let loads = loads.iter().copied().map(Some);
        let series = Observed::new(Timestamp::UNIX_EPOCH, hour, Unit::Requests, loads).unwrap();
        let series = series.fill(Fill::Zero).unwrap();
        let recent = Recent::of_seasons(View::of(&series, &TimeZone::UTC), Some(24));
        FittedTheta::learn(recent, Some(24), (1..=48).collect()).unwrap()
    }

    /// Of the one-step errors in the unit of the loads, as theirs are; both searches make those without season small.
    fn squares(fitted: &FittedTheta, loads: &[f64]) -> f64 {
        let part = |step: usize| fitted.part(step);
        let adjusted: Vec<f64> =
            loads.iter().enumerate().map(|(step, load)| without(*load, part(step), fitted.factors)).collect();
        let known: Vec<Option<f64>> = adjusted.iter().copied().map(Some).collect();
        let (line, mut state) = Line::fit(&adjusted, &known).unwrap();
        let errors = adjusted.iter().enumerate().map(|(step, load)| {
            let error = load - state.expected(&line);
            state.observe(Some(*load), &line);
            error * if fitted.factors { part(step) } else { 1.0 }
        });
        errors.skip(WARM_UP).map(|error| error * error).sum()
    }

    #[test]
    fn squares_are_as_small_as_those_of_statsforecast_and_forecasts_agree() {
        let golden = Golden::<Theirs>::read("theta.json");
        for theirs in &golden.cases {
            let loads = loads_of(&theirs.name);
            let ours = fitted(&loads);
            // Theirs decomposes with factors too, unless a load is zero.
            assert!(!theirs.decomposed || ours.profile.len() == golden.season, "{}", theirs.name);
            let squares = squares(&ours, &loads);
            assert!(squares <= 1.01 * theirs.squares, "{}: {squares} > {}", theirs.name, theirs.squares);
            let size = loads.iter().sum::<f64>() / loads.len() as f64;
            let mut means = [0.0; 48];
            ours.means(&mut means);
            for (index, (mean, theirs_mean)) in means.iter().zip(&theirs.forecast).enumerate() {
                let miss = (mean - theirs_mean.max(0.0)).abs() / size;
                assert!(miss < 0.05, "{} {} ahead: {mean}, theirs {theirs_mean}", theirs.name, index + 1);
            }
        }
    }
}
