//! What models that learn from rows look at: the inputs of the linear model and, where the trace has them, the columns
//! measured beside the load; with the choice of rows that are worth learning from.

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use crate::history::View;
use crate::model::{check_horizons, steps_per_days};
use crate::ridge::{CALENDAR_INPUTS, Features, to_root};

/// The last value of a column, and its means over so many intervals.
const COLUMN_WINDOWS: [usize; 3] = [1, 4, 16];

/// The fewest intervals to learn from, whatever the step.
const SHORTEST_PAST: usize = 150;

/// A past as rows of inputs. Loads are seen as roots, √(load + 3/8).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Inputs {
    features: Features,
    /// Sums of the values of each column up to each interval, as signed logarithms.
    columns: Vec<Vec<f64>>,
    /// Whether the load of each interval is fit to be learnt: it was measured, and no load was absurd for a while.
    learnable: Vec<bool>,
    /// Intervals for which an absurd load spoils the rows after it.
    spoilt: usize,
    last_absurd: Option<usize>,
    first_origin: usize,
    /// Intervals of a week.
    week: usize,
}

impl Inputs {
    /// The inputs of a past, none of which is taken in yet.
    pub(crate) fn new(past: View<'_>) -> Self {
        let first_origin = Features::first_origin(past.step());
        Self {
            features: Features::new(past),
            columns: past.exogenous().map(|_| vec![0.0]).collect(),
            learnable: Vec::new(),
            spoilt: first_origin,
            last_absurd: None,
            first_origin,
            week: steps_per_days(past.step(), 7),
        }
    }

    /// The fewest intervals that hold enough rows to learn to forecast up to `furthest` steps ahead.
    pub(crate) fn shortest_past(step: Step, furthest: usize) -> usize {
        let day = steps_per_days(step, 1);
        (day + day / 2).max(SHORTEST_PAST).max(Features::first_origin(step) + furthest + SHORTEST_PAST / 2)
    }

    /// Number of inputs, the constant of the linear model included (it is the first).
    pub(crate) fn width(&self) -> usize {
        self.features.inputs() + self.columns.len() * COLUMN_WINDOWS.len()
    }

    /// Number of intervals taken in.
    pub(crate) fn len(&self) -> usize {
        self.features.len()
    }

    pub(crate) fn root(&self, interval: usize) -> f64 {
        self.features.root(interval)
    }

    /// Takes in what came next; the calendar reaches `ahead` intervals beyond it.
    pub(crate) fn extend(&mut self, new: View<'_>, ahead: usize) {
        for (sums, (_, values)) in self.columns.iter_mut().zip(new.exogenous()) {
            for value in values {
                let before = sums.last().copied().unwrap_or(0.0);
                sums.push(before + value.abs().ln_1p().copysign(*value));
            }
        }
        for (place, load) in new.values().iter().enumerate() {
            self.features.push(*load, ahead);
            let interval = self.features.len() - 1;
            // The features cut a load that is out of all proportion.
            if self.features.root(interval) < to_root(*load) {
                self.last_absurd = Some(interval);
            }
            let spoilt = self.last_absurd.is_some_and(|absurd| interval - absurd <= self.spoilt);
            self.learnable.push(!spoilt && !new.is_missing(place));
        }
    }

    /// Writes the inputs for the forecast, made when `origin` is the newest known interval, of the interval `horizon`
    /// steps later. Only what was known at the end of `origin` is read.
    pub(crate) fn write(&self, origin: usize, horizon: usize, inputs: &mut [f64]) {
        let (of_loads, of_columns) = inputs.split_at_mut(self.features.inputs());
        self.features.write(origin, horizon, of_loads);
        for (sums, inputs) in self.columns.iter().zip(of_columns.chunks_exact_mut(COLUMN_WINDOWS.len())) {
            for (input, window) in inputs.iter_mut().zip(COLUMN_WINDOWS) {
                // A column that ended stays at its last value.
                let until = (origin + 1).min(sums.len() - 1);
                let from = until.saturating_sub(window);
                *input = (sums[until] - sums[from]) / (until - from).max(1) as f64;
            }
        }
    }

    /// As [`Inputs::write`], with every root as a multiple of the level: the mean root of the last week, which is
    /// returned and above zero.
    pub(crate) fn write_by_level(&self, origin: usize, horizon: usize, inputs: &mut [f64]) -> f64 {
        self.write(origin, horizon, inputs);
        let level = self.features.mean((origin + 1).saturating_sub(self.week), origin + 1);
        let roots = 1..self.features.inputs() - CALENDAR_INPUTS;
        for root in &mut inputs[roots] {
            *root /= level;
        }
        level
    }

    /// The intervals to learn to forecast so many steps ahead: all that can be learnt, but at most about `rows_max`,
    /// spread evenly.
    pub(crate) fn targets(&self, horizon: usize, rows_max: usize) -> impl Iterator<Item = usize> + '_ {
        let first = self.first_origin + horizon;
        let stride = self.len().saturating_sub(first).div_ceil(rows_max.max(1)).max(1);
        (first..self.len()).filter(move |target| target.is_multiple_of(stride) && self.learnable[*target])
    }

    /// Whether there is anything to learn from, to forecast so many steps ahead.
    pub(crate) fn can_learn(&self, horizon: usize) -> bool {
        self.targets(horizon, usize::MAX).next().is_some()
    }

    /// Whether its parts fit each other and forecasts so far ahead, after it was read from a file.
    pub(crate) fn is_sound(&self, horizons: &[usize]) -> bool {
        check_horizons(horizons).is_ok()
            && self.features.is_sound(horizons.last().copied().unwrap_or(1))
            && self.learnable.len() == self.len()
            && self.columns.iter().all(|sums| !sums.is_empty())
            && self.week > 0
    }

    /// The largest load taken in, for an error.
    pub(crate) fn largest(&self) -> f64 {
        let largest = (0..self.len()).map(|interval| self.root(interval)).fold(0.0, f64::max);
        largest * largest
    }
}

#[cfg(test)]
mod tests {
    use dataflow_series::{Fill, Observed, Step, Unit};
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::history::{Exogenous, History};

    /// Ten days of hours, one of them absurd and one missing, with a column beside them.
    fn history() -> History {
        let mut loads: Vec<f64> = (0..240).map(|hour| f64::from(10 + hour % 24)).collect();
        loads[100] = 1e18;
        let mut missing = vec![false; 240];
        missing[200] = true;
        let hour = Step::from_seconds(3_600).unwrap();
        let observed = Observed::new(Timestamp::UNIX_EPOCH, hour, Unit::Requests, loads.into_iter().map(Some));
        let errors = Exogenous { name: "errors".to_owned(), values: (0..240).map(f64::from).collect() };
        let history = History::new(observed.unwrap().fill(Fill::Zero).unwrap());
        history.with_missing(missing).and_then(|history| history.with_exogenous(errors)).unwrap()
    }

    #[test]
    fn what_was_missing_or_absurd_is_not_learnt_from() {
        let history = history();
        let mut inputs = Inputs::new(history.view(&TimeZone::UTC));
        inputs.extend(history.view(&TimeZone::UTC), 1);
        let targets: Vec<usize> = inputs.targets(1, 1_000).collect();
        assert_eq!(targets.first(), Some(&25));
        assert!(!targets.contains(&200) && targets.contains(&199) && targets.contains(&201));
        // Nor a day after the absurd load.
        assert!(targets.contains(&99) && (100..=124).all(|target| !targets.contains(&target)));
        assert!(targets.contains(&125));
        let few = inputs.targets(1, 50).count();
        assert!((30..=50).contains(&few), "{few}");
    }

    #[test]
    fn columns_are_known_up_to_the_origin_and_no_further() {
        let (history, zone) = (history(), TimeZone::UTC);
        let view = history.view(&zone);
        let row = |intervals: usize| {
            let mut inputs = Inputs::new(view);
            inputs.extend(view.first(intervals), 5);
            let mut row = vec![0.0; inputs.width()];
            inputs.write(60, 5, &mut row);
            row
        };
        assert_eq!(row(61), row(240));
        let log = |interval: u32| f64::from(interval).ln_1p();
        let row = row(61);
        let [newest, four, _] = row[row.len() - 3..] else { panic!("one column has three inputs") };
        assert!((newest - log(60)).abs() < 1e-9);
        assert!((four - (57..=60).map(log).sum::<f64>() / 4.0).abs() < 1e-9);
    }
}
