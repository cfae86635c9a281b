//! What to try next: points that fill the box, points where the estimator hopes for less, and neighbours of the best.

use std::collections::HashSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use rand_distr::{Distribution as _, StandardNormal};
use rayon::prelude::*;
use tpe::density_estimation::DefaultEstimatorBuilder;
use tpe::{TpeOptimizer, parzen_estimator, range};

use super::{Space, Trial};

/// The estimator is told of the best trials and of an even choice of the others: it takes time for each of them.
const BEST_TOLD: usize = 40;
const OTHERS_TOLD: usize = 160;
/// Neighbours are sought around so many of the best.
const PARENTS: usize = 4;
/// How far neighbours lie from the best on average, as a share of the axis, at the beginning and at the end.
const REACH: (f64, f64) = (0.15, 0.004);
/// Points of the sequence that the crate can tell apart.
const POINTS_MAX: u32 = 1 << 16;

/// Makes proposals; each has a random stream of its own.
pub(super) struct Proposals<'a> {
    space: &'a Space,
    seed: u64,
    made: u64,
}

impl<'a> Proposals<'a> {
    pub(super) const fn new(space: &'a Space, seed: u64) -> Self {
        Self { space, seed, made: 0 }
    }

    /// Points that fill the box evenly.
    pub(super) fn filling(&mut self, count: usize) -> Vec<Vec<f64>> {
        let axes = self.space.axes().len();
        let seed = (self.seed ^ (self.seed >> 32)) as u32;
        let point = |index: u32| -> Vec<f64> { (0..axes).map(|axis| sobol(index, axis, seed)).collect() };
        (0..count as u32).map(|index| self.space.values(&point(index))).collect()
    }

    /// Points that promise less loss than those `ranked`, the best first; `progress` goes from 0 to 1.
    pub(super) fn informed<R: Sync>(
        &mut self,
        trials: &[Trial<R>],
        ranked: &[usize],
        count: usize,
        progress: f64,
    ) -> Vec<Vec<f64>> {
        let points: Vec<Vec<f64>> = ranked.iter().map(|trial| self.space.point(&trials[*trial].values)).collect();
        let told = told(points.len());
        let first = self.made;
        self.made += count as u64;
        let seen: HashSet<Vec<u64>> =
            trials.iter().map(|trial| trial.values.iter().map(|value| value.to_bits()).collect()).collect();
        let propose = |index: usize| {
            let stream = first + index as u64;
            let mut random = ChaCha8Rng::seed_from_u64(self.seed);
            random.set_stream(stream + 1);
            let propose_once = |random: &mut ChaCha8Rng| {
                let point = if index.is_multiple_of(2) {
                    (0..self.space.axes().len()).map(|axis| estimated(&points, &told, axis, random)).collect()
                } else {
                    neighbour(&points, progress, random)
                };
                self.space.values(&point)
            };
            // What was tried already teaches nothing; a box of few whole numbers has little else.
            let is_new = |values: &Vec<f64>| !seen.contains(&values.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
            let mut values = propose_once(&mut random);
            for _ in 0..8 {
                if is_new(&values) {
                    break;
                }
                values = propose_once(&mut random);
            }
            values
        };
        (0..count).into_par_iter().map(propose).collect()
    }
}

/// One coordinate of a scrambled Sobol point, in (0, 1).
pub(crate) fn sobol(index: u32, dimension: usize, seed: u32) -> f64 {
    // Past the end of the sequence another scrambling begins.
    let round = index / POINTS_MAX;
    let dimension = dimension as u32;
    // Beyond the dimensions of the crate they begin anew, scrambled otherwise.
    let seed =
        seed.wrapping_add((round + (dimension / sobol_burley::NUM_DIMENSIONS) * 7_919).wrapping_mul(0x9e37_79b9));
    let point = sobol_burley::sample(index % POINTS_MAX, dimension % sobol_burley::NUM_DIMENSIONS, seed);
    // The crate gives multiples of 2^-24 from 0 on; the middle of each lies inside of the interval.
    f64::from(point) + 2f64.powi(-25)
}

/// Which of so many ranked trials the estimator is told of.
fn told(trials: usize) -> Vec<usize> {
    let best = trials.min(BEST_TOLD);
    let others = trials - best;
    let chosen = others.min(OTHERS_TOLD);
    (0..best).chain((0..chosen).map(|index| best + index * others / chosen)).collect()
}

/// Where on an axis the estimator expects the greatest improvement. It only looks at the order of what it is told.
fn estimated(points: &[Vec<f64>], told: &[usize], axis: usize, random: &mut ChaCha8Rng) -> f64 {
    let Ok(unit) = range(0.0, 1.0) else { return 0.5 };
    let mut optimizer: TpeOptimizer<DefaultEstimatorBuilder> = TpeOptimizer::new(parzen_estimator(), unit);
    for (rank, point) in told.iter().enumerate() {
        // The range is half open.
        let share = points[*point][axis].clamp(0.0, 1.0 - f64::EPSILON);
        let is_told = optimizer.tell(share, rank as f64).is_ok();
        debug_assert!(is_told, "{share} is no share");
    }
    optimizer.ask(random).unwrap_or(0.5)
}

/// A point near one of the best: one axis or more moved by a normal step.
fn neighbour(points: &[Vec<f64>], progress: f64, random: &mut ChaCha8Rng) -> Vec<f64> {
    let parents = points.len().min(PARENTS) as u64;
    let mut point = points[(random.next_u64() % parents.max(1)) as usize].clone();
    let (wide, narrow) = REACH;
    let reach = wide * libm::pow(narrow / wide, progress);
    let axes = point.len() as u64;
    let surely_moved = random.next_u64() % axes;
    for (axis, share) in point.iter_mut().enumerate() {
        let is_moved = random.next_u64().is_multiple_of(2);
        let step: f64 = StandardNormal.sample(random);
        if is_moved || axis as u64 == surely_moved {
            // Steps beyond an end stop there: that is where the best value of many numbers lies.
            *share = (*share + reach * step).clamp(0.0, 1.0);
        }
    }
    point
}
