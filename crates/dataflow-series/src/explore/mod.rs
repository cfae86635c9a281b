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

use crate::log::{LogError, LogInput, Options, Reach, Rows, Traffic, count_lines};
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
    /// Lines within the window, of which names, statuses and sizes are told.
    pub lines: u64,
    /// Requests and errors of every second from the first line to the last or, where there are lines outside, to the
    /// window's ends; `None` where there are too many to keep.
    pub seconds: Option<SecondCounts>,
}

/// Counts the lines of access logs, as [`crate::log::read_logs`] does, and what they tell besides.
///
/// Lines whose time is far from all others, which is known only in the end, are in no interval, but they are among
/// [`LogFacts::lines`], names, statuses and sizes.
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
    let Shared { window, lists, rows, rows_before, sums, .. } = shared;
    let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rows_before = rows_before.into_inner().unwrap_or_else(PoisonError::into_inner);
    if rows.is_empty() {
        return Err(nothing_inside(&report.name(), exploration, &sums, &rows_before, options.step));
    }
    let before = (!rows_before.is_empty()).then(|| Traffic::of_rows(rows_before, options.step));
    let traffic = Traffic::new(rows, report, options)?;
    let watched = watched(&window, &sums, before.as_ref(), &traffic);
    let facts = facts(lists.into_whole(), &sums, before, &watched);
    Ok((traffic, facts))
}

/// The first whole second that is not before an instant.
fn ceiling(instant: Timestamp) -> i64 {
    let second = instant.as_second();
    if instant.subsec_nanosecond() > 0 { second + 1 } else { second }
}

/// The seconds of the window of which is known what was in them: before the first line and behind the last one of all
/// nobody may have watched.
fn watched(window: &Range<i64>, sums: &Sums, before: Option<&Traffic>, traffic: &Traffic) -> Range<i64> {
    let (first, last) = traffic.reach().ends();
    let mut outside = Reach::NOTHING;
    for (earliest, latest) in sums.outside.into_iter().chain(before.map(|before| before.reach().ends())) {
        outside.add(earliest);
        outside.add(latest);
    }
    let (earliest, latest) = outside.ends();
    let start = if earliest < window.start { window.start } else { first };
    let end = if latest >= window.end { window.end } else { last.saturating_add(1) };
    start..end
}

fn facts(lists: Lists, sums: &Sums, before: Option<Traffic>, watched: &Range<i64>) -> LogFacts {
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
        lines: sums.sizes.bins().iter().map(|bin| bin.requests).sum(),
        seconds: sums.seconds.within(watched),
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

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::num::NonZeroUsize;

    use super::*;

    /// Line by line at these seconds after 2024-03-10T12:00:00Z.
    fn log(seconds: impl IntoIterator<Item = (i64, u16)>) -> String {
        seconds.into_iter().fold(String::new(), |mut log, (second, status)| {
            let time = instant(second).strftime("%d/%b/%Y:%H:%M:%S +0000").to_string();
            let _ = writeln!(log, "a - - [{time}] \"GET / HTTP/1.1\" {status} 1");
            log
        })
    }

    fn instant(second: i64) -> Timestamp {
        Timestamp::from_second(1_710_072_000 + second).unwrap()
    }

    fn explore(log: &str, step: Step, window: Option<Range<i64>>) -> LogFacts {
        let options = Options { step, threads: NonZeroUsize::MIN, ..Options::default() };
        let window = window.map(|window| instant(window.start)..instant(window.end));
        let exploration = Exploration { window, before: None };
        explore_logs([Ok(LogInput::new("log", log.as_bytes()))], &options, &exploration).unwrap().1
    }

    /// When the seconds begin, how many they are and the requests in them.
    fn seconds(facts: &LogFacts) -> (i64, usize, u32) {
        let seconds = facts.seconds.as_ref().unwrap();
        (seconds.start - instant(0).as_second(), seconds.requests.len(), seconds.requests.iter().sum())
    }

    #[test]
    fn seconds_begin_with_the_first_line_and_end_with_the_last() {
        assert_eq!(seconds(&explore(&log([(59, 200)]), Step::MINUTE, None)), (59, 1, 1));
        let whole = log((30..630).map(|second| (second, 200)));
        for step in [Step::SECOND, Step::MINUTE, Step::HOUR] {
            assert_eq!(seconds(&explore(&whole, step, None)), (30, 600, 600), "{step}");
        }
        // Within a minute the rate of errors is known as well.
        let facts = explore(&log([(10, 200), (20, 500)]), Step::SECOND, None);
        assert_eq!(seconds(&facts), (10, 11, 2));
        assert_eq!(facts.seconds.map(|seconds| seconds.errors[10]), Some(1));
    }

    #[test]
    fn seconds_of_a_window_reach_to_its_ends_where_the_log_reaches_beyond() {
        let every_ten = log((0..100).map(|ten| (10 * ten + 5, 200)));
        assert_eq!(seconds(&explore(&every_ten, Step::MINUTE, Some(30..630))), (30, 600, 60));
        assert_eq!(seconds(&explore(&every_ten, Step::MINUTE, Some(-600..630))), (5, 625, 63));
        assert_eq!(seconds(&explore(&every_ten, Step::MINUTE, Some(30..5_000))), (30, 966, 97));
    }

    #[test]
    fn lines_of_a_time_far_off_are_among_the_lines() {
        let decades = -30 * 366 * 86_400;
        let facts = explore(&log((0..1_000).map(|second| (second, 200)).chain([(decades, 404)])), Step::MINUTE, None);
        let statuses: u64 = facts.statuses.iter().map(|(_, counts)| counts.requests).sum();
        assert_eq!((facts.lines, statuses, facts.clients.requests()), (1_001, 1_001, 1_001));
        assert_eq!(seconds(&facts), (0, 1_000, 1_000));
    }
}
