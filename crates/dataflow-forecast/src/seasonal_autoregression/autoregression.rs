//! One linear autoregression with profiles of the day and the week, learnt by ridge regression and run forward.

use serde::{Deserialize, Serialize};

use super::profile::Profile;
use super::roots::Roots;
use crate::cholesky::solve_in_place;

/// Added to the sum of squares of every input but the constant: as if each had been seen ten times less than once.
const PENALTY: f64 = 0.1;
/// A lag is looked at where the past is so many times as long.
const PAST_PER_LAG: usize = 2;
/// Rows learnt from at most: with more only every n-th interval is a row.
const ROWS_MAX: usize = 20_000;

/// `root(t) = constant + Σ profile(t) + Σ coefficient · root(t − lag)`, in scaled roots.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Autoregression {
    constant: f64,
    /// Ascending.
    lags: Vec<usize>,
    coefficients: Vec<f64>,
    profiles: Vec<Profile>,
}

/// Sums of products of inputs and output. A row has few inputs that are not zero, each given with its place.
struct Sums {
    size: usize,
    /// Lower triangle, row by row.
    products: Vec<f64>,
    outputs: Vec<f64>,
}

impl Autoregression {
    /// Learns from all that is known, with those of the lags for which the past is long enough. `None` if the
    /// arithmetic overflows.
    pub(super) fn fit(roots: &Roots, mut lags: Vec<usize>, profiles: Vec<Profile>) -> Option<Self> {
        let known = roots.len();
        lags.retain(|lag| lag * PAST_PER_LAG <= known);
        lags.sort_unstable();
        lags.dedup();
        let mut unfitted = Self { constant: 0.0, coefficients: vec![0.0; lags.len()], lags, profiles };
        let first = unfitted.lags.last().copied().unwrap_or(0);
        let stride = (known - first).div_ceil(ROWS_MAX).max(1);
        let mut sums = Sums::new(unfitted.inputs());
        let mut row = Vec::new();
        let mut rows = 0_usize;
        for interval in (first..known).step_by(stride).filter(|interval| roots.is_telling(*interval)) {
            unfitted.write_row(roots, interval, &mut row);
            sums.add(&row, roots.scaled(interval));
            rows += 1;
        }
        if rows > 0 {
            let solution = sums.solve()?;
            unfitted.take(&solution);
        }
        Some(unfitted)
    }

    pub(super) fn lags(&self) -> &[usize] {
        &self.lags
    }

    /// The scaled roots of the next `steps` intervals, each forecast taken as if it had been seen.
    pub(super) fn forecast(&self, roots: &Roots, steps: usize) -> Vec<f64> {
        let known = roots.len();
        let mut path = Vec::with_capacity(steps);
        for ahead in 0..steps {
            let interval = known + ahead;
            let usual: f64 = self.profiles.iter().map(|profile| profile.at(interval)).sum();
            let terms = self.lags.iter().zip(&self.coefficients).map(|(lag, coefficient)| {
                let seen = if *lag <= ahead { path[ahead - lag] } else { roots.scaled(interval - lag) };
                coefficient * seen
            });
            path.push(roots.within_reach(self.constant + usual + terms.sum::<f64>()));
        }
        path
    }

    /// Whether it can be run forward from a past of this length.
    pub(super) fn is_sound(&self, known: usize) -> bool {
        self.lags.len() == self.coefficients.len()
            && self.lags.iter().all(|lag| (1..=known).contains(lag))
            && self.profiles.iter().all(Profile::is_sound)
    }

    /// Constant, lags, slots of the profiles.
    fn inputs(&self) -> usize {
        1 + self.lags.len() + self.profiles.iter().map(|profile| profile.effects.len()).sum::<usize>()
    }

    /// Writes the inputs of an interval that are not zero, places ascending but for the last slots of a period.
    fn write_row(&self, roots: &Roots, interval: usize, row: &mut Vec<(usize, f64)>) {
        row.clear();
        row.push((0, 1.0));
        row.extend(self.lags.iter().enumerate().map(|(place, lag)| (1 + place, roots.scaled(interval - lag))));
        let mut offset = 1 + self.lags.len();
        for profile in &self.profiles {
            let slots = profile.slots(interval).into_iter().filter(|(_, weight)| *weight > 0.0);
            row.extend(slots.map(|(slot, weight)| (offset + slot, weight)));
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

impl Sums {
    fn new(size: usize) -> Self {
        Self { size, products: vec![0.0; size * size], outputs: vec![0.0; size] }
    }

    fn add(&mut self, row: &[(usize, f64)], output: f64) {
        for (index, (place, value)) in row.iter().enumerate() {
            for (other, factor) in &row[..=index] {
                let (high, low) = if place >= other { (place, other) } else { (other, place) };
                self.products[high * self.size + low] += value * factor;
            }
            self.outputs[*place] += value * output;
        }
    }

    fn solve(mut self) -> Option<Vec<f64>> {
        for place in 1..self.size {
            self.products[place * self.size + place] += PENALTY;
        }
        solve_in_place(&mut self.products, &mut self.outputs)?;
        self.outputs.iter().all(|value| value.is_finite()).then_some(self.outputs)
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
        let fitted = Autoregression::fit(&roots, vec![2, 1, 2, 5_000], Vec::new()).unwrap();
        assert_eq!(fitted.lags, [1, 2]);
        assert!((fitted.coefficients[0] - 1.0).abs() < 0.01 && (fitted.coefficients[1] + 1.0).abs() < 0.01);
        for (ahead, value) in fitted.forecast(&roots, 12).iter().enumerate() {
            assert!((value - roots.scaled(ahead)).abs() < 0.02, "{ahead}: {value}");
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
            assert!((clean.unscaled(*one) - filled.unscaled(other)).abs() < 0.01, "{one} {other}");
        }
    }
}
