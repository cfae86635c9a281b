//! Access logs: from lines to traffic per interval, streaming, in bounded memory, on every core.
//!
//! Common Log Format, Combined Log Format and JSON lines are told apart line by line, by what is in them, so one file
//! may hold all three. A line is bytes, not text. What a line must look like is defined once, by [`parse_line`];
//! [`read_logs`] takes a faster road to the same answer (a property test and a fuzz target hold the two together).
//!
//! ```
//! use dataflow_series::log::{LogInput, Options, parse_line, read_logs};
//! use dataflow_series::Unit;
//!
//! let line = br#"199.72.81.55 - - [01/Jul/1995:00:00:01 -0400] "GET /history/apollo/ HTTP/1.0" 200 6245"#;
//! let record = parse_line(line)?;
//! assert_eq!((record.status, record.size, record.time.to_string()), (200, 6245, "1995-07-01T04:00:01Z".into()));
//!
//! let traffic = read_logs([Ok(LogInput::new("memory", &line[..]))], &Options::default())?;
//! assert_eq!(traffic.series(Unit::Bytes).map(|bytes| bytes.total()), Some(6245.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chunks;
mod clf;
mod date;
mod json;
mod lines;
mod quick;
mod read;
mod records;
mod reject;
mod rows;
#[cfg(test)]
mod tests;
mod traffic;

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;

use crate::time::whole_second;

pub use chunks::{LogInput, MAXIMUM_LINE_BYTES};
pub(crate) use lines::{Count, count_lines};
pub(crate) use quick::{QuickLine, referrer_and_agent};
pub(crate) use read::hand_over;
pub use read::{LogError, Options, read_logs};
pub use records::read_records;
pub use reject::{Malformed, Rejected, RejectedLine};
pub(crate) use rows::{Counter, Place, Reach, Rows};
pub use traffic::{Row, SourceSummary, Traffic};

/// The form of an access-log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogFormat {
    /// `client identd user [time] "request" status size`.
    Common,
    /// Common Log Format and more fields behind it: referrer, user agent, or whatever else the server adds.
    Combined,
    /// One JSON object per line.
    JsonLines,
}

/// The fields of one line. Texts are borrowed from the line, unless JSON wrote them with escapes. An empty text and
/// `-` both mean that the server did not know; the texts here are as the server wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'line> {
    /// The form of the line.
    pub format: LogFormat,
    /// The client's address or host name.
    pub ip: Cow<'line, [u8]>,
    /// The client's identity by RFC 1413, in practice always `-`.
    pub identd: Cow<'line, [u8]>,
    /// The authenticated user; may hold spaces.
    pub user: Cow<'line, [u8]>,
    /// When the request was received, as the server wrote it.
    pub time_text: Cow<'line, [u8]>,
    /// When the request was received, in UTC.
    pub time: Timestamp,
    /// The whole request line, whatever the client sent.
    pub request: Cow<'line, [u8]>,
    /// The method; empty where the request does not begin with one.
    pub method: Cow<'line, [u8]>,
    /// The path and query; the whole request where it has no method.
    pub resource: Cow<'line, [u8]>,
    /// The protocol, such as `HTTP/1.1`; empty where the request does not end with one.
    pub protocol: Cow<'line, [u8]>,
    /// The status code, three digits.
    pub status: u16,
    /// Bytes of the answer; `-` counts 0.
    pub size: u64,
    /// The page that linked here; none in Common Log Format.
    pub referrer: Option<Cow<'line, [u8]>>,
    /// The client's program; none in Common Log Format.
    pub agent: Option<Cow<'line, [u8]>>,
}

/// What the counting of traffic needs of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Essentials {
    /// Seconds since 1970 in UTC.
    pub(crate) second: i64,
    pub(crate) status: u16,
    pub(crate) size: u64,
}

/// Reads one line (without its line feed; NUL bytes before it, and a carriage return and spaces at its end, are ignored).
///
/// - Common and Combined Log Format: the time is the first `[dd/Mon/yyyy:HH:MM:SS ±zzzz]`; before it stand client,
///   identity and user, behind it a quoted request, the status (three digits) and the size (at most 15 digits, or `-`).
///   Requests may hold anything, quotes included. The request ends where status and size end the line; else at the
///   first quote without a backslash before it that is followed by status, size and another quoted field; else at the
///   first quote that is followed by status and size.
/// - JSON: an object with a time (RFC 3339, the form above, or seconds or milliseconds since 1970), a status and,
///   where known, the size and the rest, under the names that nginx, Caddy, Traefik, Envoy and Google Cloud use.
///
/// # Errors
/// Tells what is missing or wrong.
pub fn parse_line(line: &[u8]) -> Result<Record<'_>, Malformed> {
    let line = trimmed(line)?;
    if is_json(line) { json::record(line) } else { clf::record(line) }
}

/// Tells the format of an access log from its beginning: that of the first line that can be read. `None` when no
/// whole line of `head` is one of an access log. `head` may end in the middle of a line.
pub fn recognise(head: &[u8]) -> Option<LogFormat> {
    head.split(|byte| *byte == b'\n').find_map(|line| parse_line(line).ok()).map(|record| record.format)
}

impl Record<'_> {
    pub(crate) fn essentials(&self) -> Essentials {
        Essentials { second: whole_second(self.time), status: self.status, size: self.size }
    }
}

fn essentials(line: &[u8]) -> Result<Essentials, Malformed> {
    let line = trimmed(line)?;
    if is_json(line) { json::essentials(line) } else { clf::essentials(line) }
}

fn trimmed(line: &[u8]) -> Result<&[u8], Malformed> {
    if line.len() > MAXIMUM_LINE_BYTES {
        return Err(Malformed::TooLong);
    }
    // What is left where a log was cut short under a server that kept its place.
    let hole = line.iter().take_while(|byte| **byte == 0).count();
    let line = line[hole..].trim_ascii_end();
    if line.is_empty() { Err(Malformed::Empty) } else { Ok(line) }
}

fn is_json(line: &[u8]) -> bool {
    without_byte_order_mark(line).trim_ascii_start().first() == Some(&b'{')
}

fn without_byte_order_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

/// Splits a request line into method, resource and protocol.
pub(crate) fn split_request(request: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let request = request.trim_ascii();
    if request == b"-" {
        return (b"", b"", b"");
    }
    let (method, rest) = match memchr::memchr(b' ', request) {
        Some(space) if request[..space].iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-') => {
            (&request[..space], request[space..].trim_ascii_start())
        }
        _ => (&b""[..], request),
    };
    match memchr::memrchr(b' ', rest) {
        Some(space) if is_protocol(&rest[space + 1..]) => (method, rest[..space].trim_ascii_end(), &rest[space + 1..]),
        None if is_protocol(rest) => (method, b"", rest),
        _ => (method, rest, b""),
    }
}

fn is_protocol(word: &[u8]) -> bool {
    word.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"HTTP/"))
}

impl fmt::Display for LogFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Common => "Common Log Format",
            Self::Combined => "Combined Log Format",
            Self::JsonLines => "JSON lines",
        })
    }
}
