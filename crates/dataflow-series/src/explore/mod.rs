//! What is in access logs besides their traffic per interval: who asked for what, how it was answered, and when it
//! was sudden. Counted in one pass, in bounded memory, on every core, with the same answer on any number of them.

mod counting;
mod distinct;
mod heavy_hitters;
mod in_order;
mod names;
mod seconds;
mod sizes;

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::log::{LogError, LogInput, Options, Rows, Traffic, count_lines};
use crate::{OpenError, Step};
use counting::{Lists, Shared, Sums, Worker};
use in_order::InOrder;

pub use heavy_hitters::{HeavyHitter, HeavyHitters};
pub use names::NameCounts;
pub use seconds::SecondCounts;
pub use sizes::{SizeBin, SizeBins};

/// Larger than where only sums are counted: the names of a chunk are brought to all others once it is read, and the more
/// lines it has, the more of them bear a name that it had before.
const CHUNK_BYTES: usize = 4 << 20;

/// What is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exploration {
    /// Only lines of this time count; all where it is not told.
    pub window: Option<Range<Timestamp>>,
    /// The traffic of this time is summed up for comparison; it must not overlap the window.
    pub before: Option<Range<Timestamp>>,
}

/// What was counted of access logs.
#[derive(Debug, Clone)]
pub struct LogFacts {
    /// The traffic of the time before, where it was asked for and has lines.
    pub before: Option<Traffic>,
    /// Clients by their address or host name.
    pub clients: HeavyHitters,
    /// Resources: path and query.
    pub resources: HeavyHitters,
    /// Pages that linked here.
    pub referrers: HeavyHitters,
    /// Programs of the clients.
    pub agents: HeavyHitters,
    /// Methods of the requests.
    pub methods: HeavyHitters,
    /// Protocols of the requests.
    pub protocols: HeavyHitters,
    /// Endings of the resources' paths in small letters; `(none)` where there is none.
    pub file_types: HeavyHitters,
    /// Statuses that occur, in their order.
    pub statuses: Vec<(u16, NameCounts)>,
    /// Sizes of the answers.
    pub sizes: SizeBins,
    /// Requests and errors of every second; `None` where there are too many to keep.
    pub seconds: Option<SecondCounts>,
}

/// Counts the lines of access logs, as [`crate::log::read_logs`] does, and what they tell besides.
///
/// Lines whose time is far from all others are in no interval, but they are among names, statuses and sizes.
///
/// # Errors
/// As [`crate::log::read_logs`], and when no line is within the window.
pub fn explore_logs<'input, Inputs>(
    inputs: Inputs,
    options: &Options,
    exploration: &Exploration,
) -> Result<(Traffic, LogFacts), LogError>
where
    Inputs: IntoIterator<Item = Result<LogInput<'input>, OpenError>>,
    Inputs::IntoIter: Send,
{
    let seconds = |range: &Range<Timestamp>| ceiling(range.start)..ceiling(range.end);
    let shared = Shared {
        step: options.step,
        window: exploration.window.as_ref().map_or(i64::MIN..i64::MAX, seconds),
        before: exploration.before.as_ref().map_or(0..0, seconds),
        lists: InOrder::new(Lists::default()),
        rows: Mutex::new(Rows::default()),
        rows_before: Mutex::new(Rows::default()),
        sums: Mutex::new(Sums::default()),
    };
    let report = count_lines(inputs.into_iter(), options.threads, CHUNK_BYTES, || Worker::new(&shared))?;
    let Shared { lists, rows, rows_before, sums, .. } = shared;
    let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rows_before = rows_before.into_inner().unwrap_or_else(PoisonError::into_inner);
    if rows.is_empty() {
        return Err(nothing_inside(&report.name(), exploration, &sums, &rows_before, options.step));
    }
    let before = (!rows_before.is_empty()).then(|| Traffic::of_rows(rows_before, options.step));
    let traffic = Traffic::new(rows, report, options)?;
    let facts = facts(lists.into_whole(), &sums, before, &traffic);
    Ok((traffic, facts))
}

/// The first whole second that is not before an instant.
fn ceiling(instant: Timestamp) -> i64 {
    let second = instant.as_second();
    if instant.subsec_nanosecond() > 0 { second + 1 } else { second }
}

fn facts(lists: Lists, sums: &Sums, before: Option<Traffic>, traffic: &Traffic) -> LogFacts {
    let (start, step) = (traffic.start().as_second(), i64::from(traffic.step().seconds()));
    let reach = start..start.saturating_add(step.saturating_mul(traffic.len() as i64));
    let statuses = sums.statuses.iter().enumerate().filter(|(_, counts)| counts.requests > 0);
    LogFacts {
        before,
        clients: lists.clients,
        resources: lists.resources,
        referrers: lists.referrers,
        agents: lists.agents,
        methods: lists.methods,
        protocols: lists.protocols,
        file_types: lists.file_types,
        statuses: statuses.map(|(status, counts)| (status as u16, *counts)).collect(),
        sizes: sums.sizes.clone(),
        seconds: sums.seconds.within(&reach),
    }
}

fn nothing_inside(name: &str, exploration: &Exploration, sums: &Sums, before: &Rows, step: Step) -> LogError {
    let instant = |second: i64| Timestamp::from_second(second).unwrap_or_default();
    let (mut first, mut last) = sums.outside.unwrap_or((i64::MAX, i64::MIN));
    for (interval, _) in before.occupied() {
        let second = interval.saturating_mul(i64::from(step.seconds()));
        (first, last) = (first.min(second), last.max(second));
    }
    let window = exploration.window.clone().unwrap_or(Timestamp::MIN..Timestamp::MAX);
    LogError::NothingInWindow {
        name: name.to_owned(),
        start: window.start,
        end: window.end,
        first: instant(first),
        last: instant(last),
    }
}
