//! The lines of access logs on several threads: each takes the next chunk in turn and counts it for itself.
//!
//! What is counted is up to a [`Count`]; what was not counted, and where, is told by a [`Report`], which is the same for
//! any number of threads.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

use memchr::{memchr, memchr_iter};

use super::SourceSummary;
use super::chunks::{Chunk, Chunks, LogInput};
use super::quick::{QuickLine, QuickReader};
use super::read::LogError;
use super::reject::{Counts, KEPT, Malformed, Rejected, RejectedLine, excerpt};
use super::rows::Place;
use crate::OpenError;

/// More threads than this only wait for the next chunk of lines.
const THREADS_MAX: usize = 64;

/// Counts lines on one thread.
pub(crate) trait Count {
    /// Counts the line at the beginning of `text`, of which the quick road tells the parts.
    fn quick(&mut self, text: &[u8], line: &QuickLine, place: Place);

    /// Counts a line, which has no line feed, by the rules of [`super::parse_line`].
    ///
    /// # Errors
    /// When it is no line of an access log.
    fn slow(&mut self, line: &[u8], place: Place) -> Result<(), Malformed>;

    /// Is told that all lines of a chunk, by its number from 0, are counted.
    ///
    /// # Errors
    /// When what was counted is too much.
    fn end_chunk(&mut self, number: u64) -> Result<(), LogError>;

    /// Is told that there is nothing more for this thread.
    ///
    /// # Errors
    /// When what was counted is too much.
    fn finish(&mut self) -> Result<(), LogError>;
}

/// Reads all inputs, one after the other and in chunks of so many bytes, on so many threads, each with a counter of its
/// own.
pub(crate) fn count_lines<'input, Inputs, Counter: Count>(
    inputs: Inputs,
    threads: NonZeroUsize,
    chunk_bytes: usize,
    counter: impl Fn() -> Counter + Sync,
) -> Result<Report, LogError>
where
    Inputs: Iterator<Item = Result<LogInput<'input>, OpenError>> + Send,
{
    let chunks = Mutex::new(Chunks::new(inputs, chunk_bytes));
    let tallies = thread::scope(|scope| {
        // Where the system gives no further thread, those that run do the work.
        let others: Vec<_> = (1..threads.get().min(THREADS_MAX))
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, || work(&chunks, counter())).ok())
            .collect();
        let mut tallies = vec![work(&chunks, counter())];
        for other in others {
            tallies.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        tallies.into_iter().collect::<Result<Vec<Tally>, LogError>>()
    })?;
    let names = chunks.into_inner().unwrap_or_else(PoisonError::into_inner).names;
    Report::new(names, tallies)
}

/// What one thread does.
fn work<'input, Inputs>(chunks: &Mutex<Chunks<'input, Inputs>>, mut counter: impl Count) -> Result<Tally, LogError>
where
    Inputs: Iterator<Item = Result<LogInput<'input>, OpenError>>,
{
    let mut buffer = Vec::new();
    let mut quick = QuickReader::default();
    let mut tally = Tally::default();
    loop {
        let (chunk, number, source) = {
            let mut chunks = chunks.lock().unwrap_or_else(PoisonError::into_inner);
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
        counter.end_chunk(number)?;
    }
    counter.finish()?;
    Ok(tally)
}

fn read_lines(
    bytes: &[u8],
    lines: &mut ChunkTally,
    quick: &mut QuickReader,
    counter: &mut impl Count,
    tally: &mut Tally,
) {
    let mut text = bytes;
    while !text.is_empty() {
        let place = Place { chunk: lines.number, line: lines.lines };
        lines.lines += 1;
        let next = if let Some(line) = quick.read(text) {
            lines.accepted += 1;
            counter.quick(text, &line, place);
            line.next
        } else {
            let end = memchr(b'\n', text).unwrap_or(text.len());
            match counter.slow(&text[..end], place) {
                Ok(()) => lines.accepted += 1,
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

/// What one thread found besides what it counted.
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
pub(crate) struct Report {
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

    /// The names of all inputs.
    pub(crate) fn name(&self) -> String {
        let names: Vec<&str> = self.sources.iter().map(|source| source.name.as_str()).collect();
        if names.is_empty() { "no input".to_owned() } else { names.join(", ") }
    }

    fn check(&self) -> Result<(), LogError> {
        if self.sources.iter().all(|source| source.lines == 0) {
            return Err(LogError::Empty { names: self.name() });
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
