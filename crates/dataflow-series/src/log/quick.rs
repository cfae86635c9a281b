//! The fast road for lines of Common and Combined Log Format: fixed-width reads, eight bytes at a time, and the times
//! of the line before.
//!
//! It answers only for lines that are beyond doubt, and then exactly as [`super::parse_line`] does; any other line is
//! left to the rules there.

use memchr::memchr;

use super::{Essentials, date};

/// Behind the opening bracket: the time and `] "`.
const STAMP_BYTES: usize = date::LENGTH + 3;
/// Shortest line that is taken: it leaves room for the eight-byte reads at both ends.
const SHORTEST: usize = 48;
const ONES: u64 = 0x0101_0101_0101_0101;

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
    /// Reads a line without its line feed; `None` when this road does not know.
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Essentials> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() < SHORTEST {
            return None;
        }
        let bracket = memchr(b'[', line)?;
        // Client, then identity and user, which nearly always are dashes. White space is no client, and a brace, maybe
        // behind a byte order mark, begins a JSON object.
        if matches!(line[0], 0..=b' ' | b'{' | 0xef) || bracket < 6 || line[bracket - 5..bracket] != *b" - - " {
            return None;
        }
        let (stamp, body) = line[bracket + 1..].split_first_chunk::<STAMP_BYTES>()?;
        let (status, size) = if line[line.len() - 1] == b'"' { combined(body)? } else { common(body)? };
        Some(Essentials { second: self.second(stamp)?, status, size })
    }

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

/// Status and size at the end of a line whose request holds no quote.
fn common(body: &[u8]) -> Option<(u16, u64)> {
    let tail = word(body, body.len().checked_sub(8)?)?;
    let digits = (nondigits(tail).leading_zeros() / 8) as usize;
    let size_length = match digits {
        0 if body.ends_with(b"-") => 1,
        1..=7 => digits,
        _ => return None,
    };
    let size_start = body.len() - size_length;
    let window = word(body, size_start.checked_sub(8)?)?;
    let status = status(window)?;
    let quote = size_start - 6;
    if memchr(b'"', &body[..quote]).is_some() {
        return None;
    }
    let size = if digits == 0 { 0 } else { number(tail & (u64::MAX << (64 - 8 * digits))) };
    Some((status, size))
}

/// Status and size behind the first quote, which must close the request, with another quote behind them.
fn combined(body: &[u8]) -> Option<(u16, u64)> {
    let quote = memchr(b'"', body)?;
    if quote < 2 || body[quote - 1] == b'\\' {
        return None;
    }
    let status = status(word(body, quote - 2)?)?;
    let size = word(body, quote + 6)?;
    let digits = (nondigits(size).trailing_zeros() / 8) as usize;
    let size_length = match digits {
        0 if size.to_le_bytes()[0] == b'-' => 1,
        1..=7 => digits,
        _ => return None,
    };
    if !body[quote + 6 + size_length..].starts_with(b" \"") {
        return None;
    }
    // Shifting the digits to the end of the word puts zeros before them.
    Some((status, if digits == 0 { 0 } else { number(size << (64 - 8 * digits)) }))
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

/// The status in eight bytes of the form `??" SSS `.
fn status(window: u64) -> Option<u16> {
    let bytes = window.to_le_bytes();
    let [_, _, b'"', b' ', first, second, third, b' '] = bytes else { return None };
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
