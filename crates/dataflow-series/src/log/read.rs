//! Reads access logs on several threads: each takes the next chunk of lines in turn and adds it up for itself.
//!
//! Sums do not depend on the order in which they are added, and everything else carries the place of its line, so the
//! result is the same for any number of threads.

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use jiff::Timestamp;
use memchr::{memchr, memchr_iter};

use super::chunks::{Chunk, Chunks, LogInput};
use super::quick::QuickReader;
use super::reject::{Counts, KEPT, Malformed, Rejected, RejectedLine, excerpt};
use super::rows::{BLOCK, Counter, Place, Rows};
use super::{SourceSummary, Traffic, essentials};
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
/// So many blocks a thread keeps to itself before it hands them over, which bounds its memory (about 4 MB).
const OWN_BLOCKS: usize = 1024;

/// More threads than this only wait for the next chunk of lines.
const THREADS_MAX: usize = 64;

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
    let shared = Shared {
        chunks: Mutex::new(Chunks::new(inputs.into_iter())),
        rows: Mutex::new(Rows::default()),
        step: options.step,
    };
    let workers = thread::scope(|scope| {
        // Where the system gives no further thread, those that run do the work.
        let others: Vec<_> = (1..options.threads.get().min(THREADS_MAX))
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, || shared.work()).ok())
            .collect();
        let mut workers = vec![shared.work()];
        for other in others {
            workers.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        workers.into_iter().collect::<Result<Vec<Tally>, LogError>>()
    })?;
    let names = shared.chunks.into_inner().unwrap_or_else(PoisonError::into_inner).names;
    let rows = shared.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    let report = Report::new(names, workers)?;
    Traffic::new(rows, report, options)
}

/// What the threads have in common.
struct Shared<Inputs> {
    chunks: Mutex<Inputs>,
    rows: Mutex<Rows>,
    step: Step,
}

/// What one thread found besides the sums.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Counts,
    /// The first rejected lines of this thread.
    first: Vec<(Place, Malformed, String)>,
    pub(super) chunks: Vec<ChunkTally>,
}

/// How many lines a chunk has.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkTally {
    pub(super) number: u64,
    pub(super) source: usize,
    pub(super) lines: u64,
    pub(super) accepted: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'input, Inputs: Iterator<Item = Result<LogInput<'input>, OpenError>>> Shared<Chunks<'input, Inputs>> {
    /// What one thread does.
    fn work(&self) -> Result<Tally, LogError> {
        let mut buffer = Vec::new();
        let mut quick = QuickReader::default();
        let mut counter = Counter::new(self.step.seconds());
        let mut tally = Tally::default();
        loop {
            let (chunk, number, source) = {
                let mut chunks = lock(&self.chunks);
                let Some(chunk) = chunks.next(&mut buffer)? else { break };
                (chunk, chunks.handed_out - 1, chunks.names.len() - 1)
            };
            let mut lines = ChunkTally { number, source, lines: 0, accepted: 0 };
            match chunk {
                Chunk::LongLine(kept) => {
                    tally.reject(Place { chunk: number, line: 0 }, Malformed::TooLong, &buffer[..kept]);
                    lines.lines = 1;
                }
                Chunk::Lines(length) => read_lines(&buffer[..length], &mut lines, &mut quick, &mut counter, &mut tally),
            }
            tally.chunks.push(lines);
            if counter.rows.blocks.len() > OWN_BLOCKS {
                self.hand_over(&mut counter)?;
            }
        }
        counter.settle();
        self.hand_over(&mut counter)?;
        Ok(tally)
    }

    fn hand_over(&self, counter: &mut Counter) -> Result<(), LogError> {
        let mut rows = lock(&self.rows);
        rows.take(&mut counter.rows);
        if rows.blocks.len() as u64 > INTERVALS_MAX / BLOCK as u64 { Err(too_many(&rows, self.step)) } else { Ok(()) }
    }
}

fn read_lines(bytes: &[u8], lines: &mut ChunkTally, quick: &mut QuickReader, counter: &mut Counter, tally: &mut Tally) {
    let mut text = bytes;
    while !text.is_empty() {
        let place = Place { chunk: lines.number, line: lines.lines };
        lines.lines += 1;
        let next = if let Some((essentials, next)) = quick.read(text) {
            lines.accepted += 1;
            counter.add(essentials, place);
            next
        } else {
            let end = memchr(b'\n', text).unwrap_or(text.len());
            match essentials(&text[..end]) {
                Ok(essentials) => {
                    lines.accepted += 1;
                    counter.add(essentials, place);
                }
                Err(reason) => tally.reject(place, reason, &text[..end]),
            }
            text.len().min(end + 1)
        };
        text = &text[next..];
    }
}

/// The lines of a chunk without their line feeds; the last may have none.
pub(super) fn lines_of(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let last = (!bytes.ends_with(b"\n")).then_some(bytes.len());
    memchr_iter(b'\n', bytes).chain(last).map(move |end| {
        let line = &bytes[start..end];
        start = end + 1;
        line
    })
}

pub(super) fn too_many(rows: &Rows, step: Step) -> LogError {
    let time = |interval: Option<(i64, _)>| {
        let second = interval.map_or(0, |(interval, _)| interval.saturating_mul(i64::from(step.seconds())));
        Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
    };
    LogError::TooManyIntervals { start: time(rows.occupied().next()), end: time(rows.occupied().last()), step }
}

impl Tally {
    #[cold]
    pub(super) fn reject(&mut self, place: Place, reason: Malformed, line: &[u8]) {
        self.counts.add(reason, 1);
        if self.first.len() < KEPT {
            self.first.push((place, reason, excerpt(line)));
        }
    }
}

/// The tallies of all threads brought together.
pub(super) struct Report {
    pub(super) sources: Vec<SourceSummary>,
    pub(super) rejected: Rejected,
    /// For every chunk its source, and the number of lines before it in that source.
    chunks: Vec<(usize, u64)>,
}

impl Report {
    pub(super) fn new(names: Vec<String>, tallies: Vec<Tally>) -> Result<Self, LogError> {
        let mut sources: Vec<_> = names.into_iter().map(|name| SourceSummary { name, lines: 0, accepted: 0 }).collect();
        let (mut counts, mut first, mut chunks) = (Counts::default(), Vec::new(), Vec::new());
        for tally in tallies {
            counts.merge(&tally.counts);
            first.extend(tally.first);
            chunks.extend(tally.chunks);
        }
        chunks.sort_unstable_by_key(|chunk: &ChunkTally| chunk.number);
        let before = chunks
            .iter()
            .map(|chunk| {
                let source = &mut sources[chunk.source];
                let before = source.lines;
                source.lines += chunk.lines;
                source.accepted += chunk.accepted;
                (chunk.source, before)
            })
            .collect();
        let mut report = Self { sources, rejected: Rejected { counts, first: Vec::new() }, chunks: before };
        first.sort_unstable_by_key(|(place, ..)| *place);
        for (place, reason, excerpt) in first {
            report.show(place, reason, excerpt);
        }
        report.check()?;
        Ok(report)
    }

    /// Keeps a rejected line to be shown, if it is among the first; they must come in order.
    pub(super) fn show(&mut self, place: Place, reason: Malformed, excerpt: String) {
        if self.rejected.first.len() < KEPT {
            let (source, before) = self.chunks[place.chunk as usize];
            let line = before + place.line + 1;
            self.rejected.first.push(RejectedLine { source: self.sources[source].name.clone(), line, reason, excerpt });
        }
    }

    fn check(&self) -> Result<(), LogError> {
        if self.sources.iter().all(|source| source.lines == 0) {
            let names: Vec<&str> = self.sources.iter().map(|source| source.name.as_str()).collect();
            let names = if names.is_empty() { "no input".to_owned() } else { names.join(", ") };
            return Err(LogError::Empty { names });
        }
        match self.sources.iter().find(|source| source.lines > 0 && source.accepted == 0) {
            None => Ok(()),
            Some(source) => Err(LogError::NoValidLine {
                name: source.name.clone(),
                lines: source.lines,
                first: self.rejected.first.iter().find(|line| line.source == source.name).map_or_else(
                    || "see the lines rejected".to_owned(),
                    |line| format!("{}: {}", line.reason, line.excerpt),
                ),
            }),
        }
    }
}
