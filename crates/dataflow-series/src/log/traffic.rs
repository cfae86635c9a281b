//! The traffic of access logs on a regular grid, with what was not counted.

use std::ops::Range;

use jiff::Timestamp;

use super::lines::Report;
use super::read::{INTERVALS_MAX, LogError, Options, too_many};
use super::reject::{Malformed, Rejected};
use super::rows::{Place, Reach, Rows, Sums};
use crate::{Observed, Step, Unit};

/// The traffic of one interval, or of several.
///
/// The classes are those of the reference. A status outside 200–599 (such as 101, switching protocols) counts as a
/// request with its bytes, but in no class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// All lines.
    pub requests: u64,
    /// The sum of the sizes.
    pub bytes: u64,
    /// Status 2xx.
    pub success: u64,
    /// Status 304.
    pub no_change: u64,
    /// Status 3xx but 304.
    pub redirected: u64,
    /// Status 404.
    pub not_found: u64,
    /// Status 4xx and 5xx but 404.
    pub error: u64,
}

impl From<&Sums> for Row {
    fn from(sums: &Sums) -> Self {
        let [success, no_change, redirected, not_found, error, _] = sums.counts;
        let (requests, bytes) = (sums.requests(), sums.bytes);
        Self { requests, bytes, success, no_change, redirected, not_found, error }
    }
}

/// What one input held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSummary {
    /// Its name.
    pub name: String,
    /// How many lines it has.
    pub lines: u64,
    /// How many of them are of an access log.
    pub accepted: u64,
}

/// Traffic per interval, from the first interval with a line to the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    step: Step,
    /// Intervals since 1970, from the first with a line up to behind the last.
    intervals: Range<i64>,
    rows: Rows,
    /// Silences that are missing, in order.
    gaps: Vec<Range<i64>>,
    sources: Vec<SourceSummary>,
    rejected: Rejected,
}

impl Traffic {
    pub(crate) fn new(mut rows: Rows, mut report: Report, options: &Options) -> Result<Self, LogError> {
        let far = set_aside_far(&mut rows, options.step);
        for group in &far {
            report.rejected.counts.add(Malformed::FarTime, group.lines);
        }
        // Places are of whole groups, so these come behind the lines that are rejected for what they are.
        for (place, interval) in far.iter().flat_map(|group| &group.first) {
            report.show(*place, Malformed::FarTime, time_of(*interval, options.step).to_string());
        }
        let first = rows.occupied().next().map_or(0, |(interval, _)| interval);
        let last = rows.occupied().last().map_or(0, |(interval, _)| interval);
        if last.abs_diff(first) >= INTERVALS_MAX {
            return Err(too_many(&rows, options.step));
        }
        let gaps =
            options.silence_as_gap_seconds.map_or_else(Vec::new, |seconds| silences(&rows, options.step, seconds));
        let (sources, rejected) = (report.sources, report.rejected);
        Ok(Self { step: options.step, intervals: first..last + 1, rows, gaps, sources, rejected })
    }

    /// The traffic of some lines of which nothing else is told.
    pub(crate) fn of_rows(rows: Rows, step: Step) -> Self {
        let first = rows.occupied().next().map_or(0, |(interval, _)| interval);
        let last = rows.occupied().last().map_or(0, |(interval, _)| interval);
        let (gaps, sources, rejected) = (Vec::new(), Vec::new(), Rejected::default());
        Self { step, intervals: first..last + 1, rows, gaps, sources, rejected }
    }

    /// The instant at which the first interval begins, a whole number of steps since 1970 in UTC.
    pub fn start(&self) -> Timestamp {
        time_of(self.intervals.start, self.step)
    }

    /// The length of one interval.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// Number of intervals.
    pub fn len(&self) -> usize {
        self.intervals.end.abs_diff(self.intervals.start) as usize
    }

    /// The times of the first and of the last line, in whole seconds.
    pub fn first_and_last(&self) -> (Timestamp, Timestamp) {
        let instant = |second| Timestamp::from_second(second).unwrap_or_default();
        let (first, last) = self.reach().ends();
        (instant(first), instant(last))
    }

    /// The times of the lines, whatever the intervals.
    pub(crate) fn reach(&self) -> Reach {
        let mut reach = Reach::NOTHING;
        self.rows.blocks.values().for_each(|block| reach.take(block.reach));
        reach
    }

    /// Whether there is no interval; there always is one.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// Every interval's time and traffic, in order; `None` is a silence that is missing.
    pub fn rows(&self) -> impl Iterator<Item = (Timestamp, Option<Row>)> + '_ {
        let mut gaps = self.gaps.iter().peekable();
        self.intervals.clone().map(move |interval| {
            while gaps.next_if(|gap| gap.end <= interval).is_some() {}
            let missing = gaps.peek().is_some_and(|gap| gap.contains(&interval));
            let row = if missing { None } else { Some(Row::from(&self.rows.get(interval))) };
            (time_of(interval, self.step), row)
        })
    }

    /// The requests or the bytes per interval as a series; a log knows no other unit.
    pub fn series(&self, unit: Unit) -> Option<Observed> {
        let load: fn(Row) -> u64 = match unit {
            Unit::Requests => |row| row.requests,
            Unit::Bytes => |row| row.bytes,
            Unit::Value => return None,
        };
        let values = self.rows().map(|(_, row)| row.map(|row| load(row) as f64));
        Observed::new(self.start(), self.step, unit, values).ok()
    }

    /// The sum over all intervals.
    pub fn total(&self) -> Row {
        let mut total = Sums::default();
        for (_, sums) in self.rows.occupied() {
            total.add(sums);
        }
        Row::from(&total)
    }

    /// The inputs, in order.
    pub fn sources(&self) -> &[SourceSummary] {
        &self.sources
    }

    /// The lines that were not counted.
    pub const fn rejected(&self) -> &Rejected {
        &self.rejected
    }
}

fn time_of(interval: i64, step: Step) -> Timestamp {
    // Only the beginning of an interval longer than all of history could lie outside.
    Timestamp::from_second(interval.saturating_mul(i64::from(step.seconds()))).unwrap_or(Timestamp::MIN)
}

/// A longer silence parts groups of lines.
const FAR_SECONDS: i64 = 366 * 86_400;

/// Lines of which each is near another one.
#[derive(Debug, Default)]
struct Group {
    lines: u64,
    /// Of every block the first line and the first interval with a line.
    first: Vec<(Place, i64)>,
    blocks: Vec<i64>,
}

/// Takes out the groups of lines that lie far from the largest group and are small beside it.
fn set_aside_far(rows: &mut Rows, step: Step) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut previous = None;
    for (index, block) in &rows.blocks {
        let offsets =
            || block.sums.iter().enumerate().filter(|(_, sums)| sums.requests() > 0).map(|(offset, _)| offset);
        let interval = |offset: usize| index * super::rows::BLOCK as i64 + offset as i64;
        let (Some(first), Some(last)) = (offsets().next(), offsets().next_back()) else { continue };
        let distance = previous.map_or(i64::MAX, |previous| (interval(first) - previous) * i64::from(step.seconds()));
        if distance > FAR_SECONDS || groups.is_empty() {
            groups.push(Group::default());
        }
        if let Some(group) = groups.last_mut() {
            group.lines += block.sums.iter().map(Sums::requests).sum::<u64>();
            group.first.push((block.first, interval(first)));
            group.blocks.push(*index);
        }
        previous = Some(interval(last));
    }
    let largest = groups.iter().map(|group| group.lines).max().unwrap_or(0);
    let is_far = |group: &Group| group.lines * 100 < largest || (group.lines <= 3 && group.lines * 10 <= largest);
    let far: Vec<Group> = groups.into_iter().filter(is_far).collect();
    for block in far.iter().flat_map(|group| &group.blocks) {
        rows.blocks.remove(block);
    }
    far
}

/// The runs of intervals without a line that last at least so many seconds.
fn silences(rows: &Rows, step: Step, seconds: u32) -> Vec<Range<i64>> {
    let mut gaps = Vec::new();
    let mut next = None;
    for (interval, _) in rows.occupied() {
        if let Some(next) = next
            && interval > next
            && (interval - next) * i64::from(step.seconds()) >= i64::from(seconds)
        {
            gaps.push(next..interval);
        }
        next = Some(interval + 1);
    }
    gaps
}
