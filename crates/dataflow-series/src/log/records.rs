//! Reads access logs line by line with all fields, on one thread, in the order of the lines.

use std::ops::ControlFlow;

use super::chunks::{CHUNK_BYTES, Chunk, Chunks, LogInput};
use super::lines::{ChunkTally, Report, Tally, lines_of};
use super::read::LogError;
use super::reject::{Malformed, Rejected};
use super::rows::Place;
use super::{Record, SourceSummary, parse_line};
use crate::OpenError;

/// Calls `visit` with every line of access logs, in order, until it says to stop. Gives what each input held and the
/// lines that could not be read, as far as it came.
///
/// # Errors
/// When an input cannot be opened or read to its end, has lines but no valid one, or when there is no line at all.
pub fn read_records<'input>(
    inputs: impl IntoIterator<Item = Result<LogInput<'input>, OpenError>>,
    mut visit: impl FnMut(&Record<'_>) -> ControlFlow<()>,
) -> Result<(Vec<SourceSummary>, Rejected), LogError> {
    let mut chunks = Chunks::new(inputs.into_iter(), CHUNK_BYTES);
    let mut tally = Tally::default();
    let mut buffer = Vec::new();
    let mut flow = ControlFlow::Continue(());
    while let Some(chunk) = chunks.next(&mut buffer)? {
        let (number, source) = (chunks.handed_out - 1, chunks.names.len() - 1);
        let mut lines = ChunkTally { number, source, lines: 0, accepted: 0 };
        match chunk {
            Chunk::LongLine(kept) => {
                tally.reject(Place { chunk: number, line: 0 }, Malformed::TooLong, &buffer[..kept]);
                lines.lines = 1;
            }
            Chunk::Lines(length) => {
                for line in lines_of(&buffer[..length]) {
                    match parse_line(line) {
                        Ok(record) => {
                            lines.accepted += 1;
                            flow = visit(&record);
                        }
                        Err(reason) => tally.reject(Place { chunk: number, line: lines.lines }, reason, line),
                    }
                    lines.lines += 1;
                    if flow.is_break() {
                        break;
                    }
                }
            }
        }
        tally.chunks.push(lines);
        if flow.is_break() {
            break;
        }
    }
    let report = Report::new(chunks.names, vec![tally])?;
    Ok((report.sources, report.rejected))
}
