//! One linear autoregression with profiles of the day and the week, learnt by ridge regression and run forward.

use serde::{Deserialize, Serialize};

use super::profile::Profile;
use super::roots::Roots;
use crate::cholesky::solve_in_place;

/// Added to the sum of squares of every input but the constant: as if each had been seen ten times less than once.
const PENALTY: f64 = 0.1;
/// A window is looked at where the past is so many times as long as it reaches back.
const PAST_PER_REACH: usize = 2;
/// Rows learnt from at most: with more only every n-th interval is a row.
const ROWS_MAX: usize = 20_000;

/// `root(t) = constant + Σ profile(t) + Σ coefficient · mean of the roots of a window before t`, in scaled roots.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Autoregression {
    constant: f64,
    /// Ascending.
    windows: Vec<Window>,
    coefficients: Vec<f64>,
    profiles: Vec<Profile>,
    /// Mean squared error of the next scaled root, on the rows learnt from.
    pub(super) variance: f64,
}

/// Some intervals in a row: the latest `near` steps before, the first `far` steps before. A lag is a window of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) near: usize,
    pub(super) far: usize,
}

/// The inputs of one interval: the constant and the windows, which come first, and those slots of the profiles that
/// are not zero, each with its place.
#[derive(Default)]
struct Row {
    dense: Vec<f64>,
    sparse: Vec<(usize, f64)>,
}

/// Sums of products of inputs and output.
struct Sums {
    size: usize,
    /// Lower triangle, row by row.
    products: Vec<f64>,
    outputs: Vec<f64>,
    /// Sum of output².
    squares: f64,
    rows: usize,
}

impl Autoregression {
    /// Learns from all that is known, with those of the windows for which the past is long enough. `None` if the
    /// arithmetic overflows.
    pub(super) fn fit(roots: &Roots, mut windows: Vec<Window>, profiles: Vec<Profile>) -> Option<Self> {
        let known = roots.len();
        windows.retain(|window| window.far * PAST_PER_REACH <= known);
        windows.sort_unstable();
        windows.dedup();
        let mut unfitted =
            Self { constant: 0.0, coefficients: vec![0.0; windows.len()], windows, profiles, variance: 0.0 };
        let first = unfitted.windows.iter().map(|window| window.far).max().unwrap_or(0);
        let stride = (known - first).div_ceil(ROWS_MAX).max(1);
        let mut sums = Sums::new(unfitted.inputs());
        let mut row = Row::default();
        for interval in (first..known).step_by(stride).filter(|interval| roots.is_telling(*interval)) {
            unfitted.write_row(roots, interval, &mut row);
            sums.add(&row, roots.scaled(interval));
        }
        if sums.rows > 0 {
            let (solution, variance) = sums.solve()?;
            unfitted.take(&solution);
            unfitted.variance = variance;
        }
        Some(unfitted)
    }

    pub(super) fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// The scaled roots of the next `steps` intervals, each forecast taken as if it had been seen.
    pub(super) fn forecast(&self, roots: &Roots, steps: usize) -> Vec<f64> {
        let known = roots.len();
        let mut path = Vec::with_capacity(steps);
        // The sum of the first so many of them.
        let mut sums = Vec::with_capacity(steps + 1);
        sums.push(0.0);
        for ahead in 0..steps {
            let usual: f64 = self.profiles.iter().map(|profile| profile.at(known + ahead)).sum();
            let terms = self.windows.iter().zip(&self.coefficients).map(|(window, coefficient)| {
                let (from, until) = window.before(known + ahead);
                let seen = if from < known { roots.scaled_sum(from, until.min(known)) } else { 0.0 };
                let ahead_of_known =
                    if until > known { sums[until - known] - sums[from.max(known) - known] } else { 0.0 };
                coefficient * (seen + ahead_of_known) / window.length()
            });
            let next = roots.within_reach(self.constant + usual + terms.sum::<f64>());
            sums.push(sums[ahead] + next);
            path.push(next);
        }
        path
    }

    /// Whether it can be run forward from a past of this length.
    pub(super) fn is_sound(&self, known: usize) -> bool {
        self.windows.len() == self.coefficients.len()
            && self.windows.iter().all(|window| 1 <= window.near && window.near <= window.far && window.far <= known)
            && self.profiles.iter().all(Profile::is_sound)
    }

    /// Constant, windows, slots of the profiles.
    fn inputs(&self) -> usize {
        1 + self.windows.len() + self.profiles.iter().map(|profile| profile.effects.len()).sum::<usize>()
    }

    fn write_row(&self, roots: &Roots, interval: usize, row: &mut Row) {
        row.dense.clear();
        row.dense.push(1.0);
        row.dense.extend(self.windows.iter().map(|window| {
            let (from, until) = window.before(interval);
            roots.scaled_sum(from, until) / window.length()
        }));
        row.sparse.clear();
        let mut offset = row.dense.len();
        for profile in &self.profiles {
            let slots = profile.slots(interval).into_iter().filter(|(_, weight)| *weight > 0.0);
            row.sparse.extend(slots.map(|(slot, weight)| (offset + slot, weight)));
            offset += profile.effects.len();
        }
    }

    /// Takes the unknowns of the equations over.
    fn take(&mut self, solution: &[f64]) {
        let mut rest = solution.iter().copied();
        self.constant = rest.next().unwrap_or(0.0);
        let effects = self.profiles.iter_mut().flat_map(|profile| &mut profile.effects);
        for (unknown, value) in self.coefficients.iter_mut().chain(effects).zip(rest) {
            *unknown = value;
        }
    }
}

impl Window {
    /// One interval.
    pub(super) fn lag(lag: usize) -> Self {
        Self { near: lag, far: lag }
    }

    /// The intervals that it holds as seen from an interval: from, and until (exclusive).
    fn before(self, interval: usize) -> (usize, usize) {
        (interval - self.far, interval - self.near + 1)
    }

    fn length(self) -> f64 {
        (self.far - self.near + 1) as f64
    }
}

impl Sums {
    fn new(size: usize) -> Self {
        Self { size, products: vec![0.0; size * size], outputs: vec![0.0; size], squares: 0.0, rows: 0 }
    }

    fn add(&mut self, row: &Row, output: f64) {
        for (place, value) in row.dense.iter().enumerate() {
            self.add_products(place, *value, &row.dense[..=place]);
            self.outputs[place] += value * output;
        }
        for (index, (place, value)) in row.sparse.iter().enumerate() {
            self.add_products(*place, *value, &row.dense);
            for (other, factor) in &row.sparse[..=index] {
                self.products[place.max(other) * self.size + place.min(other)] += value * factor;
            }
            self.outputs[*place] += value * output;
        }
        self.squares += output * output;
        self.rows += 1;
    }

    /// Adds the products of an input and the first ones.
    fn add_products(&mut self, place: usize, value: f64, first: &[f64]) {
        for (product, factor) in self.products[place * self.size..].iter_mut().zip(first) {
            *product += value * factor;
        }
    }

    /// The unknowns, and the mean squared error that is left.
    fn solve(mut self) -> Option<(Vec<f64>, f64)> {
        for place in 1..self.size {
            self.products[place * self.size + place] += PENALTY;
        }
        let mut solution = self.outputs.clone();
        solve_in_place(&mut self.products, &mut solution)?;
        // With (P + λI)β = r: the sum of squares left is y² − 2βᵀr + βᵀPβ = y² − βᵀr − λβᵀβ, the constant unpenalised.
        let explained: f64 = solution.iter().zip(&self.outputs).map(|(value, output)| value * output).sum();
        let penalty: f64 = solution[1..].iter().map(|value| PENALTY * value * value).sum();
        let variance = ((self.squares - explained - penalty) / self.rows as f64).max(0.0);
        (variance.is_finite() && solution.iter().all(|value| value.is_finite())).then_some((solution, variance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Roots of a wave of six intervals on a level: root(t) = root(t−1) − root(t−2) + level.
    fn wave() -> Roots {
        let mut roots = Roots::default();
        for interval in 0..600_u32 {
            let root = 5.0 + (f64::from(interval) * std::f64::consts::TAU / 6.0).sin();
            roots.push(root.powi(4), false);
        }
        roots.scale();
        roots
    }

    #[test]
    fn a_recursion_without_noise_is_found_and_continued() {
        let roots = wave();
        let fitted = Autoregression::fit(&roots, [2, 1, 2, 5_000].map(Window::lag).to_vec(), Vec::new()).unwrap();
        assert_eq!(fitted.windows, [1, 2].map(Window::lag));
        assert!((fitted.coefficients[0] - 1.0).abs() < 0.01 && (fitted.coefficients[1] + 1.0).abs() < 0.01);
        for (ahead, value) in fitted.forecast(&roots, 12).iter().enumerate() {
            assert!((value - roots.scaled(ahead)).abs() < 0.02, "{ahead}: {value}");
        }
        assert!(fitted.variance < 1e-4, "{}", fitted.variance);
    }

    #[test]
    fn a_window_runs_from_what_is_known_into_what_is_forecast() {
        let mut roots = Roots::default();
        for interval in 0..30 {
            roots.push([16.0, 81.0, 256.0][interval % 3], false);
        }
        roots.scale();
        let part = Autoregression {
            windows: vec![Window { near: 2, far: 3 }],
            coefficients: vec![1.0],
            ..Autoregression::default()
        };
        let scaled = |interval: usize| roots.scaled(interval);
        let first = f64::midpoint(scaled(27), scaled(28));
        let second = f64::midpoint(scaled(28), scaled(29));
        let third = f64::midpoint(scaled(29), first);
        let fourth = f64::midpoint(first, second);
        for (value, expected) in part.forecast(&roots, 4).iter().zip([first, second, third, fourth]) {
            assert!((value - expected).abs() < 1e-12, "{value} {expected}");
        }
    }

    #[test]
    fn a_profile_alone_learns_what_is_usual() {
        let roots = wave();
        let profile = Profile::new(14_400, 1, 6);
        let fitted = Autoregression::fit(&roots, Vec::new(), vec![profile]).unwrap();
        for (ahead, value) in fitted.forecast(&roots, 6).iter().enumerate() {
            assert!((value - roots.scaled(ahead)).abs() < 0.01, "{ahead}: {value}");
        }
    }

    #[test]
    fn missing_values_are_not_learnt_from() {
        let (mut clean, mut filled) = (Roots::default(), Roots::default());
        for interval in 0..600_u32 {
            let gap = (300..420).contains(&interval);
            let root = 5.0 + (f64::from(interval) * std::f64::consts::TAU / 6.0).sin();
            clean.push(root.powi(4), gap);
            filled.push(if gap { 0.0 } else { root.powi(4) }, gap);
        }
        clean.scale();
        filled.scale();
        let profile = || vec![Profile::new(14_400, 1, 6)];
        let path = |roots: &Roots| Autoregression::fit(roots, Vec::new(), profile()).unwrap().forecast(roots, 6);
        for (one, other) in path(&clean).iter().zip(path(&filled)) {
            let loads = [clean.expected_load(*one, 0.0), filled.expected_load(other, 0.0)];
            assert!((loads[0] / loads[1] - 1.0).abs() < 0.01, "{loads:?}");
        }
    }
}
