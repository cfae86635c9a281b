//! What a load is regressed on: waves of the day and of the week by the local clock, and other quantities known at the
//! origin.
//!
//! Every wave turns a whole number of times per week, so that waves of the day are every seventh of them; those beside
//! a wave of the day make it differ from weekday to weekday. Dynamic harmonic regression: Hyndman and Athanasopoulos,
//! *Forecasting: Principles and Practice* (2021), section 10.5.

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use crate::model::steps_per_days;

const MINUTES_PER_WEEK: f64 = 10_080.0;
/// Waves of the day, by turns per week; those of the first group are always there, a criterion decides on the others.
const DAY_GROUPS: [&[u16]; 2] = [&[7, 14, 21, 28, 35, 42], &[49, 56, 63, 70]];
/// Waves of the week, likewise.
const WEEK_GROUPS: [&[u16]; 2] = [&[1, 2, 3, 4, 5, 6, 8, 9, 10], &[12, 13, 15, 16]];

/// The regressors of a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Regressors {
    /// Waves, by their turns per week.
    pub(super) waves: Vec<u16>,
    /// The exogenous columns used, by their places.
    pub(super) exogenous: Vec<usize>,
    /// An exogenous value enters so many intervals after its own.
    pub(super) lag: usize,
}

/// Loads, gaps and exogenous columns, with the minute of the week of each interval and of those after the last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) minutes: &'a [u16],
    pub(super) exogenous: &'a [Vec<f64>],
}

/// Groups of waves that so many intervals can tell of, the most important first: of the day (unless a season of the
/// model takes care of it) and of the week. A wave needs more than two steps per turn, its day two turns, its week three.
pub(super) fn wave_groups(step: Step, length: usize, of_the_day: bool) -> Vec<Vec<u16>> {
    let steps_per_week = steps_per_days(step, 7);
    let seconds = u64::from(step.seconds()) * steps_per_week as u64;
    // A step that does not divide the week (and is not short) has no phase within it.
    if seconds != 604_800 && steps_per_week < 1_000 {
        return Vec::new();
    }
    let (day, week) = (of_the_day && length > 2 * steps_per_week / 7, length >= 3 * steps_per_week);
    let groups = (0..DAY_GROUPS.len()).map(|rank| {
        let (daily, weekly) = (DAY_GROUPS[rank].iter().filter(|_| day), WEEK_GROUPS[rank].iter().filter(|_| week));
        let turns = daily.chain(weekly).copied();
        turns.filter(|turns| 2 * usize::from(*turns) < steps_per_week).collect()
    });
    groups.filter(|group: &Vec<u16>| !group.is_empty()).collect()
}

impl Regressors {
    /// Number of columns: a constant, two per wave, one per exogenous quantity.
    pub(super) fn columns(&self) -> usize {
        1 + 2 * self.waves.len() + self.exogenous.len()
    }

    /// Writes the regressors of one interval. Exogenous values before the first are taken to be as the first.
    pub(super) fn write(&self, known: Known<'_>, interval: usize, row: &mut [f64]) {
        row[0] = 1.0;
        let turn = f64::from(known.minutes[interval]) / MINUTES_PER_WEEK * std::f64::consts::TAU;
        for (pair, turns) in row[1..].chunks_exact_mut(2).zip(&self.waves) {
            let (sine, cosine) = (turn * f64::from(*turns)).sin_cos();
            pair.copy_from_slice(&[sine, cosine]);
        }
        let first = 1 + 2 * self.waves.len();
        for (value, column) in row[first..].iter_mut().zip(&self.exogenous) {
            let column = known.exogenous.get(*column);
            // The inverse hyperbolic sine is nearly a logarithm, but takes zero and negative values.
            *value = column.and_then(|column| column.get(interval.saturating_sub(self.lag))).map_or(0.0, |x| x.asinh());
        }
    }

    /// All columns of the first `length` intervals.
    pub(super) fn all(&self, known: Known<'_>, length: usize) -> Vec<Vec<f64>> {
        let mut columns = vec![Vec::with_capacity(length); self.columns()];
        let mut row = vec![0.0; columns.len()];
        for interval in 0..length {
            self.write(known, interval, &mut row);
            columns.iter_mut().zip(&row).for_each(|(column, value)| column.push(*value));
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_fit_the_step_and_the_length() {
        let quarter = Step::from_seconds(900).unwrap();
        assert_eq!(wave_groups(quarter, 4_000, true).concat().len(), 23);
        assert_eq!(wave_groups(quarter, 1_000, true).concat().len(), 10);
        assert!(wave_groups(quarter, 150, true).is_empty());
        assert_eq!(wave_groups(Step::DAY, 400, true), [vec![1, 2, 3]]);
        // A season that the calendar does not know has no waves.
        assert!(wave_groups(Step::from_seconds(100_000).unwrap(), 700, true).is_empty());
    }

    #[test]
    fn exogenous_values_enter_late() {
        let regressors = Regressors { waves: vec![7], exogenous: vec![0], lag: 2 };
        let exogenous = [vec![1.0, 2.0, 3.0, 4.0]];
        let known = Known { minutes: &[0, 360, 720, 1_080], exogenous: &exogenous };
        let columns = regressors.all(known, 4);
        assert!((columns[1][1] - 1.0).abs() < 1e-12 && (columns[2][2] + 1.0).abs() < 1e-12, "{columns:?}");
        assert_eq!(columns[3], [1.0, 1.0, 1.0, 2.0].map(f64::asinh));
    }
}
