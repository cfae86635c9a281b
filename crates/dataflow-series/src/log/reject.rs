//! Why lines were not counted, how many, and where the first of them are.

use std::fmt;

/// Why a line is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Nothing but white space.
    #[error("empty")]
    Empty,
    /// Longer than [`super::MAXIMUM_LINE_BYTES`].
    #[error("longer than 1 MiB")]
    TooLong,
    /// No time in square brackets.
    #[error("no time such as [01/Jul/1995:00:00:01 -0400]")]
    NoTime,
    /// A day, hour or zone that does not exist.
    #[error("impossible time")]
    ImpossibleTime,
    /// Fewer than three fields before the time.
    #[error("no client, identity and user before the time")]
    NoClient,
    /// No quoted request behind the time.
    #[error("no quoted request after the time")]
    NoRequest,
    /// No status and size behind the request.
    #[error("no status and size after the request")]
    NoStatusAndSize,
    /// Begins like a JSON object but is none.
    #[error("not a JSON object")]
    NotJson,
    /// A JSON object without a time.
    #[error("no time under any known key")]
    JsonNoTime,
    /// A JSON object whose time cannot be read.
    #[error("time is neither RFC 3339 with a zone, nor [01/Jul/1995:00:00:01 -0400], nor seconds since 1970")]
    JsonTime,
    /// A JSON object without a status of three digits.
    #[error("no status of three digits under any known key")]
    JsonStatus,
    /// A JSON object whose size is no number of bytes.
    #[error("size is not a number of bytes")]
    JsonSize,
    /// The line is sound, but its time is far from all others.
    #[error("time is more than a year from the rest")]
    FarTime,
}

impl Malformed {
    /// Every reason, in the order of their index.
    pub(super) const ALL: [Self; 13] = [
        Self::Empty,
        Self::TooLong,
        Self::NoTime,
        Self::ImpossibleTime,
        Self::NoClient,
        Self::NoRequest,
        Self::NoStatusAndSize,
        Self::NotJson,
        Self::JsonNoTime,
        Self::JsonTime,
        Self::JsonStatus,
        Self::JsonSize,
        Self::FarTime,
    ];

    const fn index(self) -> usize {
        self as usize
    }
}

/// One line that was not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedLine {
    /// The name of the input.
    pub source: String,
    /// The line's number in it, from 1.
    pub line: u64,
    /// Why it was not counted.
    pub reason: Malformed,
    /// The beginning of the line, made safe to print; for [`Malformed::FarTime`], its time.
    pub excerpt: String,
}

/// The lines that were not counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rejected {
    pub(super) counts: Counts,
    pub(super) first: Vec<RejectedLine>,
}

impl Rejected {
    /// How many lines were not counted.
    pub fn total(&self) -> u64 {
        self.counts.0.iter().sum()
    }

    /// How many lines for each reason that occurred.
    pub fn by_reason(&self) -> impl Iterator<Item = (Malformed, u64)> + '_ {
        Malformed::ALL.iter().map(|reason| (*reason, self.counts.0[reason.index()])).filter(|(_, count)| *count > 0)
    }

    /// The first few of them, in the order of the inputs and lines.
    pub fn first(&self) -> &[RejectedLine] {
        &self.first
    }
}

impl fmt::Display for RejectedLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.source, self.line, self.reason)?;
        if self.excerpt.is_empty() { Ok(()) } else { write!(formatter, ": {}", self.excerpt) }
    }
}

/// How many lines for each reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Counts([u64; Malformed::ALL.len()]);

impl Counts {
    pub(super) fn add(&mut self, reason: Malformed, lines: u64) {
        self.0[reason.index()] += lines;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

/// How many rejected lines are kept to be shown.
pub(super) const KEPT: usize = 5;
const EXCERPT_BYTES: usize = 100;

/// The beginning of a line, without control characters that a terminal would obey.
pub(super) fn excerpt(line: &[u8]) -> String {
    let line = line.trim_ascii_end();
    let shown = &line[..line.len().min(EXCERPT_BYTES)];
    let mut text = String::new();
    for character in String::from_utf8_lossy(shown).chars() {
        if character.is_control() { text.extend(character.escape_default()) } else { text.push(character) }
    }
    if shown.len() < line.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_place() {
        for (index, reason) in Malformed::ALL.iter().enumerate() {
            assert_eq!(reason.index(), index, "{reason:?}");
        }
    }

    #[test]
    fn an_excerpt_is_short_and_safe_to_print() {
        assert_eq!(excerpt(b"a\x1b[31m\xff\r"), "a\\u{1b}[31m\u{fffd}");
        assert_eq!(excerpt(&[b'x'; 500]).chars().count(), EXCERPT_BYTES + 1);
    }
}
