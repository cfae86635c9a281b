//! What a fitted model keeps of the traffic it has seen.

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use super::regressors::Known;
use crate::calendar::Calendar;
use crate::history::View;

/// A load is beyond all proportion when it is larger than so many times those of the busiest hundredth.
const PROPORTION: f64 = 64.0;

/// The intervals seen, from the first one that matters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Past {
    calendar: Calendar,
    /// The place in the calendar of the first interval kept.
    first: usize,
    step_seconds: u32,
    loads: Vec<f64>,
    missing: Vec<bool>,
    names: Vec<String>,
    /// One column per name, as long as the loads.
    exogenous: Vec<Vec<f64>>,
    /// Minute of the week at which each interval begins, and of the intervals to be forecast.
    #[serde(skip)]
    minutes: Vec<u16>,
}

impl Past {
    /// Nothing yet, from the start of a view.
    pub(super) fn of(view: View<'_>) -> Self {
        let names: Vec<String> = view.exogenous().map(|(name, _)| name.to_owned()).collect();
        Self {
            calendar: Calendar::of(view),
            first: 0,
            step_seconds: view.step().seconds(),
            loads: Vec::new(),
            missing: Vec::new(),
            exogenous: vec![Vec::new(); names.len()],
            names,
            minutes: Vec::new(),
        }
    }

    /// Adds intervals; the calendar reaches `ahead` intervals beyond them.
    pub(super) fn extend(&mut self, new: View<'_>, ahead: usize) {
        self.loads.extend_from_slice(new.values());
        self.missing.extend((0..new.len()).map(|interval| new.is_missing(interval)));
        let mut given = new.exogenous();
        for column in &mut self.exogenous {
            match given.next() {
                Some((_, values)) => column.extend_from_slice(values),
                // A column that is no longer measured stays as it was.
                None => column.resize(self.loads.len(), column.last().copied().unwrap_or(0.0)),
            }
        }
        self.look_up_minutes(ahead);
    }

    /// Looks up the minutes of all intervals and of those ahead; false if those would be too many.
    pub(super) fn look_up_minutes(&mut self, ahead: usize) -> bool {
        let Some(until) = self.loads.len().checked_add(ahead) else { return false };
        self.calendar.reach(self.first + until);
        let new =
            (self.minutes.len()..until).map(|interval| self.calendar.minute_of_week(self.first + interval) as u16);
        self.minutes.extend(new);
        true
    }

    /// The last so many intervals.
    pub(super) fn last(&self, count: usize) -> Self {
        let dropped = self.loads.len().saturating_sub(count);
        Self {
            calendar: self.calendar.clone(),
            first: self.first + dropped,
            step_seconds: self.step_seconds,
            loads: self.loads[dropped..].to_vec(),
            missing: self.missing[dropped..].to_vec(),
            names: self.names.clone(),
            exogenous: self.exogenous.iter().map(|column| column[dropped..].to_vec()).collect(),
            minutes: self.minutes[dropped..].to_vec(),
        }
    }

    /// Whether what was read from a file fits together.
    pub(super) fn is_sound(&self) -> bool {
        const FIRST_MAX: usize = 1 << 31;
        self.first <= FIRST_MAX
            && self.missing.len() == self.loads.len()
            && self.exogenous.len() == self.names.len()
            && self.exogenous.iter().all(|column| column.len() == self.loads.len())
    }

    pub(super) const fn len(&self) -> usize {
        self.loads.len()
    }

    pub(super) fn loads(&self) -> &[f64] {
        &self.loads
    }

    /// The load of an interval, unless it was missing.
    pub(super) fn load(&self, interval: usize) -> Option<f64> {
        (!self.missing[interval]).then_some(self.loads[interval])
    }

    pub(super) fn step(&self) -> Step {
        Step::from_seconds(self.step_seconds).unwrap_or(Step::MINUTE)
    }

    pub(super) fn known(&self) -> Known<'_> {
        Known { minutes: &self.minutes, exogenous: &self.exogenous }
    }

    pub(super) fn name(&self, column: usize) -> Option<&str> {
        self.names.get(column).map(String::as_str)
    }

    /// The load beyond which one is out of all proportion to the others.
    pub(super) fn limit(&self) -> f64 {
        let mut present: Vec<f64> = (0..self.len()).filter_map(|interval| self.load(interval)).collect();
        present.sort_by(f64::total_cmp);
        let busy = present.get(present.len() * 99 / 100).copied().unwrap_or(0.0);
        // Where nearly all loads are zero, those that are not set the proportion.
        let positive = &present[present.partition_point(|load| *load == 0.0)..];
        let usual = positive.get(positive.len() / 2).copied().unwrap_or(0.0);
        let reference = if busy > 0.0 { busy } else { usual.min(f64::from(u32::MAX)) };
        (PROPORTION * reference).clamp(PROPORTION, f64::MAX)
    }
}
