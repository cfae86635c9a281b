//! The fast road for lines of Common and Combined Log Format: every byte is looked at once, fixed-width parts eight bytes
//! at a time, and the time of the line before is kept.
//!
//! It answers only for lines that are beyond doubt, and then exactly as [`super::parse_line`] does; any other line is
//! left to the rules there.

use memchr::{memchr, memchr2};

use super::{Essentials, MAXIMUM_LINE_BYTES, clf, date};

/// Behind the opening bracket: the time and `] "`.
const STAMP_BYTES: usize = date::LENGTH + 3;
const ONES: u64 = 0x0101_0101_0101_0101;

/// A line that was read, and where in the text its parts are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuickLine {
    pub(crate) essentials: Essentials,
    /// The length of the client.
    client: usize,
    /// Where the request begins.
    request: usize,
    /// Where the quote stands that closes it.
    quote: usize,
    /// Where that begins what follows the size.
    rest: usize,
    /// Where the next line begins.
    pub(super) next: usize,
}

impl QuickLine {
    /// Client and request of a line that was read from the beginning of `text`.
    #[inline]
    pub(crate) fn client_and_request<'text>(&self, text: &'text [u8]) -> (&'text [u8], &'text [u8]) {
        (&text[..self.client], &text[self.request..self.quote])
    }

    /// What is behind the size of a line that was read from the beginning of `text`: nothing, or referrer and agent as
    /// [`referrer_and_agent`] takes them apart.
    #[inline]
    pub(crate) fn more<'text>(&self, text: &'text [u8]) -> &'text [u8] {
        if text[self.rest] == b' ' { &text[self.rest..self.next - 1] } else { b"" }
    }
}

/// Referrer and agent in what [`QuickLine::more`] gives.
#[inline]
pub(crate) fn referrer_and_agent(more: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    let (referrer, rest) = clf::quoted(more.trim_ascii_end());
    (referrer, clf::quoted(rest).0)
}

/// Reads lines, remembering the time of the last one.
#[derive(Debug)]
pub(super) struct QuickReader {
    /// `dd/Mon/yyyy:HH:MM:` of the last line, and the second since 1970 at which that minute began.
    minute: [u8; 18],
    minute_second: i64,
    /// ` ±zzzz] "` of the last line.
    zone: [u8; 9],
}

impl Default for QuickReader {
    fn default() -> Self {
        Self { minute: *b"01/Jan/1970:00:00:", minute_second: 0, zone: *b" +0000] \"" }
    }
}

impl QuickReader {
    /// Reads the line at the beginning of `text`; `None` when this road does not know.
    #[inline]
    pub(super) fn read(&mut self, text: &[u8]) -> Option<QuickLine> {
        // White space is no client, and a brace, maybe behind a byte order mark, begins a JSON object.
        if matches!(text.first()?, 0..=b' ' | b'{' | 0xef) {
            return None;
        }
        let client = memchr2(b' ', b'\n', text)?;
        // Behind the client stand identity and user, which nearly always are dashes.
        let (dashes, stamped) = text[client..].split_first_chunk::<6>()?;
        if dashes != b" - - [" {
            return None;
        }
        let (stamp, body) = stamped.split_first_chunk::<STAMP_BYTES>()?;
        let second = self.second(stamp)?;
        let end = status_and_size(body)?;
        let request = client + 6 + STAMP_BYTES;
        let next = request + end.next;
        let essentials = Essentials { second, status: end.status, size: end.size };
        let (quote, rest) = (request + end.quote, request + end.rest);
        if next > MAXIMUM_LINE_BYTES {
            None
        } else {
            Some(QuickLine { essentials, client, request, quote, rest, next })
        }
    }

    #[inline]
    fn second(&mut self, stamp: &[u8; STAMP_BYTES]) -> Option<i64> {
        if stamp[..18] != self.minute || stamp[20..] != self.zone {
            self.remember(stamp)?;
        }
        let (tens, ones) = (stamp[18].wrapping_sub(b'0'), stamp[19].wrapping_sub(b'0'));
        if tens > 5 || ones > 9 {
            return None;
        }
        Some(self.minute_second + i64::from(tens * 10 + ones))
    }

    #[cold]
    fn remember(&mut self, stamp: &[u8; STAMP_BYTES]) -> Option<()> {
        let (time, end) = stamp.split_first_chunk::<{ date::LENGTH }>()?;
        if end != b"] \"" || !date::has_shape(time) {
            return None;
        }
        let mut minute = *time;
        minute[18..20].copy_from_slice(b"00");
        self.minute_second = date::seconds(&minute)?;
        self.minute.copy_from_slice(&stamp[..18]);
        self.zone.copy_from_slice(&stamp[20..]);
        Some(())
    }
}

/// What follows the request of a body, by indices into the body.
struct End {
    status: u16,
    size: u64,
    /// Of the quote that closes the request.
    quote: usize,
    /// Behind the size.
    rest: usize,
    /// Of the next line.
    next: usize,
}

/// Status and size behind the first quote of a body, which must close the request.
#[inline]
fn status_and_size(body: &[u8]) -> Option<End> {
    let quote = memchr2(b'"', b'\n', body)?;
    let status = status(word(body, quote)?)?;
    let tail = word(body, quote + 6)?;
    let digits = (nondigits(tail).trailing_zeros() / 8) as usize;
    // Shifting the digits to the end of the word puts zeros before them.
    let (size, size_length) = match digits {
        0 if body[quote + 6] == b'-' => (0, 1),
        1..=7 => (number(tail << (64 - 8 * digits)), digits),
        _ => return None,
    };
    let end = quote + 6 + size_length;
    let length = match &body[end..] {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        // Another quoted field: the request is closed for certain, unless the quote is an escaped one.
        [b' ', b'"', more @ ..] if quote > 0 && body[quote - 1] != b'\\' => 3 + memchr(b'\n', more)?,
        _ => return None,
    };
    Some(End { status, size, quote, rest: end, next: end + length })
}

/// Eight bytes; the first is the lowest.
fn word(text: &[u8], start: usize) -> Option<u64> {
    text.get(start..)?.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes))
}

/// The high bit of every byte that is no digit.
fn nondigits(word: u64) -> u64 {
    let digits = word ^ (ONES * 0x30);
    (((digits & (ONES * 0x7f)) + ONES * 0x76) | digits) & (ONES * 0x80)
}

/// The number of eight bytes that are digits or zero bytes before the digits.
fn number(word: u64) -> u64 {
    // Zero bytes become the digit 0, then pairs, then fours, then all eight are joined.
    let digits = word & (ONES * 0x0f);
    let pairs = (digits.wrapping_mul(10 * 256 + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 * 65_536 + 1) >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000 * (1 << 32) + 1) >> 32
}

/// The status in eight bytes of the form `" SSS ??`.
fn status(window: u64) -> Option<u16> {
    let bytes = window.to_le_bytes();
    let [b'"', b' ', first, second, third, b' ', _, _] = bytes else { return None };
    let [first, second, third] = [first, second, third].map(|byte| u16::from(byte.wrapping_sub(b'0')));
    if first > 9 || second > 9 || third > 9 { None } else { Some(first * 100 + second * 10 + third) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_become_a_number() {
        assert_eq!(number(u64::from_le_bytes(*b"12345678")), 12_345_678);
        assert_eq!(number(u64::from_le_bytes(*b"\0\0\0\x006245")), 6245);
        let marks = nondigits(u64::from_le_bytes(*b"0:/9\xff\xb00\0")).to_le_bytes();
        assert_eq!(marks.map(|mark| mark != 0), [false, true, true, false, true, true, false, true]);
    }
}
