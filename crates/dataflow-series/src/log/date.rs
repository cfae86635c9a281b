//! The time of Common Log Format, `dd/Mon/yyyy:HH:MM:SS ±zzzz`, as seconds since 1970 in UTC.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// Length of a time, without brackets.
pub(super) const LENGTH: usize = 26;
/// A time: `01/Jul/1995:00:00:01 -0400`.
pub(super) type Stamp = [u8; LENGTH];
/// The letters stand for a digit, a letter and a sign; the rest for itself.
const SHAPE: &Stamp = b"00/aaa/0000:00:00:00 +0000";
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Whether a text has digits, letters, colons and so on where a time has them; the time may still be impossible.
pub(super) fn has_shape(text: &Stamp) -> bool {
    text.iter().zip(SHAPE).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        b'+' => matches!(byte, b'+' | b'-'),
        _ => byte == shape,
    })
}

/// Seconds since 1970 in UTC of a text that [`has_shape`]; `None` when there is no such time. Second 60 is the first
/// of the next minute.
pub(super) fn seconds(text: &Stamp) -> Option<i64> {
    let number =
        |from: usize| i8::try_from(text[from] - b'0').ok().map(|tens| tens * 10 + (text[from + 1] - b'0') as i8);
    let month = MONTHS.iter().position(|month| text[3..6].eq_ignore_ascii_case(&month[..]))? as i8 + 1;
    let year = i16::from(number(7)?) * 100 + i16::from(number(9)?);
    let (hour, minute, second) = (number(12)?, number(15)?, number(18)?);
    let (zone_hours, zone_minutes) = (i32::from(number(22)?), i32::from(number(24)?));
    if second > 60 || zone_minutes > 59 {
        return None;
    }
    let zone_seconds = (zone_hours * 60 + zone_minutes) * 60;
    let offset = Offset::from_seconds(if text[21] == b'-' { -zone_seconds } else { zone_seconds }).ok()?;
    let local = Date::new(year, month, number(0)?).ok()?.to_datetime(Time::new(hour, minute, 0, 0).ok()?);
    let minute_second = offset.to_timestamp(local).ok()?.as_second();
    // The range of instants ends in the middle of a minute; a minute is taken as a whole or not at all.
    if minute_second > Timestamp::MAX.as_second() - 60 {
        return None;
    }
    Some(minute_second + i64::from(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<i64> {
        let stamp: &Stamp = text.as_bytes().try_into().ok()?;
        if has_shape(stamp) { seconds(stamp) } else { None }
    }

    #[test]
    fn times_are_read_in_their_zone() {
        for (text, expected) in [
            ("01/Jul/1995:00:00:01 -0400", "1995-07-01T04:00:01Z"),
            ("29/Feb/2024:23:59:59 +0530", "2024-02-29T18:29:59Z"),
            ("31/Dec/2016:23:59:60 +0000", "2017-01-01T00:00:00Z"),
            ("01/Jan/1970:00:00:00 +0100", "1969-12-31T23:00:00Z"),
        ] {
            assert_eq!(read(text), Some(expected.parse::<jiff::Timestamp>().unwrap().as_second()), "{text}");
        }
    }

    #[test]
    fn impossible_times_are_none() {
        for text in [
            "20/Foo/1995:07:34:34 -0400",
            "20/Jul/1995:25:34:34 -0400",
            "20/Jul/1995:07:60:34 -0400",
            "20/Jul/1995:07:34:61 -0400",
            "29/Feb/1995:07:34:34 -0400",
            "00/Jul/1995:07:34:34 -0400",
            "20/Jul/1995:07:34:34 +0060",
            "20/Jul/1995:07:34:34 +9900",
            "31/Dec/9999:23:59:59 -1200",
            "20/Jul/1995 07:34:34 -0400",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
