//! One model among several that run side by side, and when it learns anew.
//!
//! The points at which a member learns anew are fixed numbers of intervals since the start of the past, whenever it was
//! first fitted. So its forecasts of any interval are the same however the past was handed over.

use dataflow_series::Step;

use crate::history::View;
use crate::model::{FitError, FittedMean, MeanModel, Refits, steps_per_days};

/// The fewest intervals between two points.
const PERIOD_MIN: usize = 24;
/// Up to so many intervals even a dear model learns quickly enough to do so at every period; from there on it waits
/// until the past has grown by an eighth.
const QUICK: usize = 10_000;

/// A model that may be a member.
pub(super) struct Candidate {
    pub(super) name: &'static str,
    pub(super) model: Box<dyn MeanModel>,
    /// What a fit costs per interval of the past, in nanoseconds of an ordinary core: an estimate that is the same on
    /// every machine, so that the same past gives the same choice.
    pub(super) cost: u64,
}

/// When a member learns anew, in intervals since the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    first: usize,
    period: usize,
    refits: Refits,
}

/// A fitted model that learns anew by its schedule.
pub(super) struct Member {
    pub(super) schedule: Schedule,
    pub(super) fitted: Box<dyn FittedMean>,
}

/// Intervals between two points: a day, as far as that is many.
pub(super) fn period(step: Step) -> usize {
    steps_per_days(step, 1).max(PERIOD_MIN)
}

impl Schedule {
    pub(super) fn of(model: &dyn MeanModel, step: Step, furthest: usize) -> Self {
        let period = period(step);
        // A quarter of a period does for the first: a short past shall not wait for more.
        let quarter = (period / 4).max(1);
        let first = model.shortest_past(step, furthest).div_ceil(quarter) * quarter;
        Self { first, period, refits: model.refits() }
    }

    /// The first point: the fewest intervals on which a member is fitted.
    pub(super) const fn first(self) -> usize {
        self.first
    }

    /// The point after this one.
    fn after(self, point: usize) -> usize {
        let growth = if self.refits == Refits::Seldom && point > QUICK { point / 8 } else { 0 };
        ((point + growth) / self.period + 1) * self.period
    }

    /// The last point that is at most `known`, or the first.
    fn last(self, known: usize) -> usize {
        let mut point = self.first;
        while self.after(point) <= known {
            point = self.after(point);
        }
        point
    }
}

impl Candidate {
    /// Fits the model at the last point that is at most `known` (or at the first), and moves it on to `until`.
    pub(super) fn join(
        &self,
        schedule: Schedule,
        past: View<'_>,
        horizons: &[usize],
        known: usize,
        until: usize,
    ) -> Result<Member, FitError> {
        let point = schedule.last(known);
        let mut member = Member { schedule, fitted: self.model.fit(past.first(point), horizons)? };
        member.extend(past.slice(point..until), point);
        Ok(member)
    }
}

impl Member {
    /// Takes in what came after the first `known` intervals.
    pub(super) fn extend(&mut self, new: View<'_>, known: usize) {
        let mut done = 0;
        while done < new.len() {
            let next = self.schedule.after(self.schedule.last(known + done)).max(self.schedule.first);
            let until = next.saturating_sub(known).clamp(done + 1, new.len());
            self.fitted.extend(new.slice(done..until));
            done = until;
            if known + done == next {
                // A refit that fails leaves the parameters as they were, which are still honest.
                let _ = self.fitted.refit();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_do_not_depend_on_where_one_begins() {
        for refits in [Refits::Daily, Refits::Seldom] {
            let schedule = Schedule { first: 2_880, period: 1_440, refits };
            assert_eq!((schedule.last(0), schedule.last(4_319), schedule.last(4_320)), (2_880, 2_880, 4_320));
            let mut point = schedule.first();
            while point < 84_000 {
                let next = schedule.after(point);
                assert!(next > point && next.is_multiple_of(1_440));
                assert_eq!((schedule.last(next - 1), schedule.last(next)), (point, next));
                point = next;
            }
        }
        let seldom = Schedule { first: 2_880, period: 1_440, refits: Refits::Seldom };
        assert_eq!(seldom.after(80_640), 80_640 + 8 * 1_440);
        let odd = Schedule { first: 150, period: 24, refits: Refits::Daily };
        assert_eq!((odd.after(150), odd.last(167), odd.last(170)), (168, 150, 168));
    }
}
