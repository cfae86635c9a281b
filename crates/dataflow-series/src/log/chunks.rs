//! Inputs cut into chunks of whole lines, one after the other, in bounded memory.

use std::io::{self, ErrorKind, Read};

use memchr::{memchr, memrchr};

use super::LogError;
use crate::OpenError;
use crate::decompress::read_up_to;

/// A longer line is rejected, not read.
pub const MAXIMUM_LINE_BYTES: usize = 1024 * 1024;
/// Large enough to make the work around a chunk small, small enough to stay in a core's own cache.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;
/// What is kept of a line that is too long, to be shown.
const LONG_LINE_KEPT: usize = 256;

/// One input: a name for messages, and its decompressed bytes.
pub struct LogInput<'input> {
    /// A path, or `standard input`.
    pub name: String,
    /// The bytes; read in large pieces, so it needs no buffer of its own.
    pub reader: Box<dyn Read + Send + 'input>,
}

impl<'input> LogInput<'input> {
    /// An input with a name for messages.
    pub fn new(name: impl Into<String>, reader: impl Read + Send + 'input) -> Self {
        Self { name: name.into(), reader: Box::new(reader) }
    }
}

/// A piece of an input.
#[derive(Debug)]
pub(super) enum Chunk {
    /// Whole lines: so many bytes at the beginning of the buffer.
    Lines(usize),
    /// The beginning of one line that is too long: so many bytes at the beginning of the buffer.
    LongLine(usize),
}

/// Hands out the chunks of all inputs in order.
pub(super) struct Chunks<'input, Inputs> {
    inputs: Inputs,
    /// The length of a chunk, if no line is longer.
    bytes: usize,
    reader: Option<Box<dyn Read + Send + 'input>>,
    /// The beginning of a line whose end is not read yet.
    carry: Vec<u8>,
    /// The input at hand is in the middle of a line that is too long.
    skipping: bool,
    /// The names of the inputs so far; the last one is at hand.
    pub(super) names: Vec<String>,
    /// Number of chunks handed out.
    pub(super) handed_out: u64,
    failed: bool,
}

impl<'input, Inputs: Iterator<Item = Result<LogInput<'input>, OpenError>>> Chunks<'input, Inputs> {
    pub(super) fn new(inputs: Inputs, bytes: usize) -> Self {
        let (carry, names) = (Vec::new(), Vec::new());
        Self { inputs, bytes, reader: None, carry, skipping: false, names, handed_out: 0, failed: false }
    }

    /// Puts the next chunk at the beginning of `buffer`; `None` at the end of the last input, and after an error.
    pub(super) fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Chunk>, LogError> {
        if self.failed {
            return Ok(None);
        }
        let result = self.advance(buffer);
        self.failed = result.is_err();
        if let Ok(Some(_)) = result {
            self.handed_out += 1;
        }
        result
    }

    fn advance(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Chunk>, LogError> {
        loop {
            if self.reader.is_none() {
                let Some(input) = self.inputs.next() else { return Ok(None) };
                let input = input?;
                self.names.push(input.name);
                self.reader = Some(input.reader);
            }
            // Another thread's buffer may have grown for a long line, whose end is carried over here; and where a chunk
            // ends must not depend on which thread reads it.
            buffer.resize(self.bytes.max(self.carry.len() * 2), 0);
            if let Some(chunk) = self.fill(buffer).map_err(|source| self.explained(source))? {
                return Ok(Some(chunk));
            }
        }
    }

    fn explained(&self, source: io::Error) -> LogError {
        LogError::Read { name: self.names.last().cloned().unwrap_or_default(), source }
    }

    /// The next chunk of the input at hand; `None` at its end.
    fn fill(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<Chunk>> {
        let Some(reader) = self.reader.as_mut() else { return Ok(None) };
        if self.skipping {
            self.skipping = !skip_line(reader.as_mut(), buffer, &mut self.carry)?;
        }
        let mut length = self.carry.len();
        buffer[..length].copy_from_slice(&self.carry);
        self.carry.clear();
        loop {
            length += read_up_to(reader.as_mut(), &mut buffer[length..])?;
            if length < buffer.len() {
                self.reader = None;
                self.skipping = false;
                return Ok((length > 0).then_some(Chunk::Lines(length)));
            }
            if let Some(newline) = memrchr(b'\n', &buffer[..length]) {
                self.carry.extend_from_slice(&buffer[newline + 1..length]);
                return Ok(Some(Chunk::Lines(newline + 1)));
            }
            if length > MAXIMUM_LINE_BYTES {
                self.skipping = true;
                return Ok(Some(Chunk::LongLine(LONG_LINE_KEPT)));
            }
            buffer.resize(length * 2, 0);
        }
    }
}

/// Reads past the end of the line at hand, and keeps what was read of the next; false when the input ended before.
fn skip_line(reader: &mut dyn Read, buffer: &mut [u8], carry: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        // Not more than a chunk, so that what is carried fits into any buffer.
        match reader.read(&mut buffer[..CHUNK_BYTES]) {
            Ok(0) => return Ok(false),
            Ok(count) => {
                if let Some(newline) = memchr(b'\n', &buffer[..count]) {
                    carry.extend_from_slice(&buffer[newline + 1..count]);
                    return Ok(true);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
