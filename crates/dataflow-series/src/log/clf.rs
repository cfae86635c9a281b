//! Lines of Common and Combined Log Format, by the rules that [`super::parse_line`] states.

use std::borrow::Cow;

use jiff::Timestamp;
use memchr::{memchr, memchr_iter};

use super::{Essentials, LogFormat, Malformed, Record, date, split_request};

/// More digits than this are no size of an answer; so many lines of this size that a sum overflows cannot be.
const SIZE_DIGITS: usize = 15;

/// All fields of a line, which has no white space at its end.
pub(super) fn record(line: &[u8]) -> Result<Record<'_>, Malformed> {
    let AtTime { head, stamp, second, body } = split_at_time(line)?;
    let [ip, identd, user] = split_head(head)?;
    let end = request_end(body).ok_or(Malformed::NoStatusAndSize)?;
    let request = &body[..end.quote];
    let (method, resource, protocol) = split_request(request);
    let (referrer, rest) = quoted(&body[end.rest..]);
    let (agent, _) = quoted(rest);
    Ok(Record {
        format: if end.rest < body.len() { LogFormat::Combined } else { LogFormat::Common },
        ip: Cow::Borrowed(ip),
        identd: Cow::Borrowed(identd),
        user: Cow::Borrowed(user),
        time_text: Cow::Borrowed(stamp),
        time: Timestamp::from_second(second).map_err(|_| Malformed::ImpossibleTime)?,
        request: Cow::Borrowed(request),
        method: Cow::Borrowed(method),
        resource: Cow::Borrowed(resource),
        protocol: Cow::Borrowed(protocol),
        status: end.status,
        size: end.size,
        referrer: referrer.map(Cow::Borrowed),
        agent: agent.map(Cow::Borrowed),
    })
}

/// Only what is counted.
pub(super) fn essentials(line: &[u8]) -> Result<Essentials, Malformed> {
    let AtTime { head, second, body, .. } = split_at_time(line)?;
    split_head(head)?;
    let end = request_end(body).ok_or(Malformed::NoStatusAndSize)?;
    Ok(Essentials { second, status: end.status, size: end.size })
}

/// A line, split at its time.
struct AtTime<'line> {
    /// What stands before the bracket that opens the time.
    head: &'line [u8],
    stamp: &'line date::Stamp,
    /// The time in seconds since 1970.
    second: i64,
    /// What follows the quote that opens the request.
    body: &'line [u8],
}

fn split_at_time(line: &[u8]) -> Result<AtTime<'_>, Malformed> {
    for bracket in memchr_iter(b'[', line) {
        let Some((stamp, rest)) = line[bracket + 1..].split_first_chunk::<{ date::LENGTH }>() else { break };
        let Some(rest) = rest.strip_prefix(b"]") else { continue };
        if date::has_shape(stamp) {
            let second = date::seconds(stamp).ok_or(Malformed::ImpossibleTime)?;
            let body = rest.strip_prefix(b" \"").ok_or(Malformed::NoRequest)?;
            return Ok(AtTime { head: &line[..bracket], stamp, second, body });
        }
    }
    Err(Malformed::NoTime)
}

/// Client, identity and user; the user may hold spaces.
fn split_head(head: &[u8]) -> Result<[&[u8]; 3], Malformed> {
    let head = head.strip_suffix(b" ").ok_or(Malformed::NoClient)?;
    let first = memchr(b' ', head).filter(|length| *length > 0).ok_or(Malformed::NoClient)?;
    let (ip, rest) = (&head[..first], &head[first + 1..]);
    let second = memchr(b' ', rest).ok_or(Malformed::NoClient)?;
    Ok([ip, &rest[..second], &rest[second + 1..]])
}

/// Where a request ends.
struct RequestEnd {
    /// The index of its closing quote.
    quote: usize,
    status: u16,
    size: u64,
    /// The index behind the size.
    rest: usize,
}

/// Finds the end of the request at the start of `body`, which may hold quotes itself.
fn request_end(body: &[u8]) -> Option<RequestEnd> {
    let at_line_end = ends_line(body);
    if let Some(end) = at_line_end.as_ref()
        && memchr(b'"', &body[..end.quote]).is_none()
    {
        return at_line_end;
    }
    let unescaped = || memchr_iter(b'"', body).filter(|quote| !is_escaped(body, *quote));
    let followed = |quote: usize| status_and_size(body, quote);
    // Another quoted field behind the size: no request looks like that by chance.
    let combined = unescaped().filter_map(followed).find(|end| body[end.rest..].starts_with(b" \""));
    combined
        .or(at_line_end)
        .or_else(|| unescaped().find_map(followed))
        .or_else(|| memchr_iter(b'"', body).find_map(followed))
}

/// The request's end when status and size end the line.
fn ends_line(body: &[u8]) -> Option<RequestEnd> {
    let size_start = body.iter().rposition(|byte| *byte == b' ')? + 1;
    let quote = size_start.checked_sub(6)?;
    status_and_size(body, quote).filter(|end| end.rest == body.len())
}

/// Reads `" SSS SIZE` from a quote on, up to a space or the end of the line.
fn status_and_size(body: &[u8], quote: usize) -> Option<RequestEnd> {
    let [b'"', b' ', status @ .., b' '] = body.get(quote..quote + 6)? else { return None };
    if !status.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let status = status.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    let size = &body[quote + 6..];
    let size = &size[..memchr(b' ', size).unwrap_or(size.len())];
    let rest = quote + 6 + size.len();
    let size = if size == b"-" {
        0
    } else if (1..=SIZE_DIGITS).contains(&size.len()) && size.iter().all(u8::is_ascii_digit) {
        size.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    } else {
        return None;
    };
    Some(RequestEnd { quote, status, size, rest })
}

/// Whether an odd number of backslashes stands before an index.
fn is_escaped(text: &[u8], index: usize) -> bool {
    text[..index].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The next quoted field, up to an unescaped quote before a space or the end, and what follows it.
pub(super) fn quoted(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let Some(field) = text.strip_prefix(b" \"") else { return (None, b"") };
    let closes = |quote: &usize| !is_escaped(field, *quote) && matches!(field.get(quote + 1), None | Some(b' '));
    match memchr_iter(b'"', field).find(closes) {
        Some(quote) => (Some(&field[..quote]), &field[quote + 1..]),
        None => (Some(field), b""),
    }
}
