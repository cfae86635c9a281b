//! Adds up the lines of access logs per interval, on several threads.
//!
//! Sums do not depend on the order in which they are added, and everything else carries the place of its line, so the
//! result is the same for any number of threads.

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

use jiff::Timestamp;

use super::chunks::{CHUNK_BYTES, LogInput};
use super::lines::{Count, count_lines};
use super::quick::QuickLine;
use super::reject::Malformed;
use super::rows::{BLOCK, Counter, Place, Rows};
use super::{Traffic, essentials};
use crate::{OpenError, Step};

/// How logs are read.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The interval for which lines are added up.
    pub step: Step,
    /// Silences of at least so many seconds are missing, not zero. By default every silence is a true zero.
    pub silence_as_gap_seconds: Option<u32>,
    /// How many threads read, at most 64 of them; by default as many as the machine has cores.
    pub threads: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { step: Step::MINUTE, silence_as_gap_seconds: None, threads }
    }
}

/// Why logs could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// An input could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An input broke off.
    #[error("{name}: {source}")]
    Read {
        /// The name of the input.
        name: String,
        /// What went wrong: the system's words or a [`crate::DecompressError`].
        source: io::Error,
    },
    /// An input has lines, but none of an access log.
    #[error("{name}: none of its {lines} lines is one of an access log (common, combined or JSON); the first: {first}")]
    NoValidLine {
        /// The name of the input.
        name: String,
        /// How many lines it has.
        lines: u64,
        /// The first line and what is wrong with it.
        first: String,
    },
    /// There is no line at all.
    #[error("{names}: empty; an access log with at least one line is needed")]
    Empty {
        /// The names of the inputs.
        names: String,
    },
    /// No line is of the time asked for.
    #[error("{name}: no line is within {start}..{end}; they reach from {first} to {last}")]
    NothingInWindow {
        /// The names of the inputs.
        name: String,
        /// From when lines were asked for.
        start: Timestamp,
        /// Until when.
        end: Timestamp,
        /// The time of the first line.
        first: Timestamp,
        /// The time of the last line.
        last: Timestamp,
    },
    /// The lines lie too far apart for the step.
    #[error(
        "the lines reach from {start} to {end}, which are more than {INTERVALS_MAX} intervals of {step}; choose a longer interval or fewer files"
    )]
    TooManyIntervals {
        /// The time of the first interval.
        start: Timestamp,
        /// The time of the last interval.
        end: Timestamp,
        /// The step asked for.
        step: Step,
    },
}

/// More intervals than this are refused: 97 days of seconds, 15 years of minutes.
pub(super) const INTERVALS_MAX: u64 = 1 << 23;
/// Adds up the lines of access logs per interval, in memory that depends on the number of intervals only.
///
/// The lines may come in any order. An input is opened when the one before it has been read. Lines that are not of an
/// access log are counted ([`Traffic::rejected`]). So are the lines of a time that is off: a group of lines that is more
/// than a year from every other, and has less than 1 % of the lines of the largest group (or is of at most three lines,
/// not more than a tenth of it), is left out.
///
/// # Errors
/// When an input cannot be opened or read to its end, has lines but no valid one, when there is no line at all, or when
/// the lines lie too far apart for the step.
pub fn read_logs<'input, Inputs>(inputs: Inputs, options: &Options) -> Result<Traffic, LogError>
where
    Inputs: IntoIterator<Item = Result<LogInput<'input>, OpenError>>,
    Inputs::IntoIter: Send,
{
    let shared = Mutex::new(Rows::default());
    let worker = || Sums { shared: &shared, step: options.step, counter: Counter::new(options.step.seconds()) };
    let report = count_lines(inputs.into_iter(), options.threads, CHUNK_BYTES, worker)?;
    let rows = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    Traffic::new(rows, report, options)
}

/// Adds lines up per interval; what one thread has is handed over to what all have in common.
struct Sums<'all> {
    shared: &'all Mutex<Rows>,
    step: Step,
    counter: Counter,
}

impl Count for Sums<'_> {
    #[inline]
    fn quick(&mut self, _text: &[u8], line: &QuickLine, place: Place) {
        self.counter.add(line.essentials, place);
    }

    fn slow(&mut self, line: &[u8], place: Place) -> Result<(), Malformed> {
        self.counter.add(essentials(line)?, place);
        Ok(())
    }

    fn end_chunk(&mut self, _number: u64) -> Result<(), LogError> {
        if self.counter.is_large() { hand_over(&mut self.counter, self.shared, self.step) } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<(), LogError> {
        self.counter.settle();
        hand_over(&mut self.counter, self.shared, self.step)
    }
}

/// Adds the rows of one thread, which are left empty, to those of all.
pub(crate) fn hand_over(counter: &mut Counter, shared: &Mutex<Rows>, step: Step) -> Result<(), LogError> {
    let mut rows = shared.lock().unwrap_or_else(PoisonError::into_inner);
    rows.take(&mut counter.rows);
    if rows.blocks.len() as u64 > INTERVALS_MAX / BLOCK as u64 { Err(too_many(&rows, step)) } else { Ok(()) }
}

pub(super) fn too_many(rows: &Rows, step: Step) -> LogError {
    let time = |interval: Option<(i64, _)>| {
        let second = interval.map_or(0, |(interval, _)| interval.saturating_mul(i64::from(step.seconds())));
        Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
    };
    LogError::TooManyIntervals { start: time(rows.occupied().next()), end: time(rows.occupied().last()), step }
}
