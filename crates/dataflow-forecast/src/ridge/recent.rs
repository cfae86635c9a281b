//! Exponentially weighted levels of the load, at several time constants, from whole intervals and from the finer loads
//! inside of them: the last minutes of a quarter of an hour tell more of the next one than its first minutes.
//!
//! Levels are roots, √(load + 3/8), of loads per whole interval. Source: Brown, *Statistical Forecasting for Inventory
//! Control* (1959), for the weights; which constants, was chosen before the hold-out of the NASA trace.

use std::collections::VecDeque;

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use super::features::to_root;

/// Time constants of the levels taken from whole intervals, in minutes; those shorter than the step are left out.
const MINUTES: [f64; 6] = [15.0, 30.0, 60.0, 120.0, 240.0, 720.0];
/// Time constants of the levels taken from the loads inside, in minutes; those shorter than a part are left out.
const MINUTES_INSIDE: [f64; 5] = [2.0, 4.0, 8.0, 16.0, 32.0];
/// A constant is kept if it is at least this share of what it averages.
const SHORTEST: f64 = 0.7;

/// The levels at the end of the last intervals.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Recent {
    /// The weight of the newest interval, per level.
    weights: Vec<f64>,
    /// The weight of the newest part of an interval, per level.
    weights_inside: Vec<f64>,
    /// Parts of each interval; 0 where nothing finer is known.
    parts: usize,
    /// Levels now, those of the parts last; empty before the first interval.
    levels: Vec<f64>,
    /// The levels after each of the last intervals, the oldest first.
    kept: VecDeque<Vec<f64>>,
    keep: usize,
    seen: usize,
}

impl Recent {
    /// Levels of intervals of this step, each of `parts` parts (0: none), kept for the last `keep` of them.
    pub(super) fn new(step: Step, parts: usize, keep: usize) -> Self {
        let minutes = f64::from(step.seconds()) / 60.0;
        Self {
            weights: weights(&MINUTES, minutes),
            weights_inside: if parts > 1 { weights(&MINUTES_INSIDE, minutes / parts as f64) } else { Vec::new() },
            parts,
            levels: Vec::new(),
            kept: VecDeque::new(),
            keep,
            seen: 0,
        }
    }

    /// Number of levels.
    pub(super) fn width(&self) -> usize {
        self.weights.len() + self.weights_inside.len()
    }

    /// Takes the next interval in: its root, and the loads of its parts (none, if they are not known), each of which
    /// counts as at most the root `largest`.
    pub(super) fn push(&mut self, root: f64, inside: &[f64], largest: f64) {
        if self.levels.is_empty() {
            self.levels = vec![root; self.width()];
        }
        let (levels, levels_inside) = self.levels.split_at_mut(self.weights.len());
        for (level, weight) in levels.iter_mut().zip(&self.weights) {
            *level += weight * (root - *level);
        }
        for part in 0..self.parts {
            let load = inside.get(part).map(|load| to_root(load.max(0.0) * self.parts as f64).min(largest));
            for (level, weight) in levels_inside.iter_mut().zip(&self.weights_inside) {
                *level += weight * (load.unwrap_or(root) - *level);
            }
        }
        let mut row = if self.kept.len() > self.keep { self.kept.pop_front() } else { None }.unwrap_or_default();
        row.clone_from(&self.levels);
        self.kept.push_back(row);
        self.seen += 1;
    }

    /// Whether so many intervals were taken in and its parts fit each other, after it was read from a file.
    pub(super) fn is_sound(&self, intervals: usize) -> bool {
        let mut rows = self.kept.iter().chain([&self.levels]);
        self.seen == intervals && rows.all(|levels| levels.len() == self.width())
    }

    /// The levels after an interval, which must be one of the last.
    pub(super) fn after(&self, interval: usize) -> &[f64] {
        let back = self.seen.saturating_sub(1 + interval);
        self.kept.len().checked_sub(1 + back).map_or(&self.levels, |place| &self.kept[place])
    }
}

fn weights(minutes: &[f64], step: f64) -> Vec<f64> {
    let kept = minutes.iter().map(|constant| constant / step).filter(|constant| *constant >= SHORTEST);
    kept.map(|constant| 1.0 - (-1.0 / constant).exp()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_part_weighs_most() {
        let quarter = Step::from_seconds(900).unwrap();
        let mut rising = Recent::new(quarter, 3, 4);
        let mut falling = Recent::new(quarter, 3, 4);
        for recent in [&mut rising, &mut falling] {
            recent.push(to_root(300.0), &[100.0; 3], f64::MAX);
        }
        rising.push(to_root(300.0), &[50.0, 100.0, 150.0], f64::MAX);
        falling.push(to_root(300.0), &[150.0, 100.0, 50.0], f64::MAX);
        let last = rising.width() - 1;
        assert!(rising.after(1)[last] > falling.after(1)[last] + 0.1);
        // Whole intervals do not differ, and earlier levels stay as they were.
        assert_eq!(rising.after(1)[0], falling.after(1)[0]);
        assert_eq!(rising.after(0), falling.after(0));
    }

    #[test]
    fn constants_shorter_than_the_step_are_left_out() {
        assert_eq!(Recent::new(Step::HOUR, 0, 1).width(), 4);
        assert_eq!(Recent::new(Step::MINUTE, 1, 1).width(), 6);
    }
}
