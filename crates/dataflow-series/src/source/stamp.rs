//! Times as tables write them: RFC 3339, `1995-07-01 04:00:00`, the form of access logs, and seconds or milliseconds
//! since 1970.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::time::whole_second;

static PARSER: DateTimeParser = DateTimeParser::new();

/// Reads times in whole seconds since 1970 (fractions are cut off), remembering which form the last one had, as all of
/// a column usually have the same.
pub(super) struct StampReader {
    zone: TimeZone,
    form: Form,
}

#[derive(Clone, Copy)]
enum Form {
    Number,
    Instant,
    Local,
    Log,
}

impl StampReader {
    /// Times without an offset from UTC are meant in `zone`.
    pub(super) const fn new(zone: TimeZone) -> Self {
        Self { zone, form: Form::Instant }
    }

    /// The time in seconds since 1970. Where clocks repeat an hour, a local time is the first one that comes after
    /// `previous`, so that a sorted column is read right.
    pub(super) fn read(&mut self, text: &str, previous: Option<i64>) -> Option<i64> {
        let text = text.trim();
        // `2024/03/10 12:00:00`, the year first, leaves no doubt either.
        let dashed = matches!(text.as_bytes(), [_, _, _, _, b'/', _, _, b'/', ..]).then(|| text.replacen('/', "-", 2));
        let text = dashed.as_deref().unwrap_or(text);
        for form in [self.form, Form::Instant, Form::Local, Form::Number, Form::Log] {
            let second = match form {
                Form::Number => read_number(text),
                Form::Instant => read_instant(text),
                Form::Local => PARSER.parse_datetime(text).ok().and_then(|local| self.resolve(local, previous)),
                Form::Log => self.read_log(text, previous),
            };
            if second.is_some() {
                self.form = form;
                return second;
            }
        }
        None
    }

    /// The second at which a clock in the zone shows so many seconds since 1970.
    #[cfg(feature = "parquet")]
    pub(super) fn local(&self, second: i64, previous: Option<i64>) -> Option<i64> {
        let local = TimeZone::UTC.to_datetime(Timestamp::from_second(second).ok()?);
        self.resolve(local, previous)
    }

    fn read_log(&self, text: &str, previous: Option<i64>) -> Option<i64> {
        let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(parsed) = strtime::parse("%d/%b/%Y:%H:%M:%S %z", text) {
            return parsed.to_timestamp().ok().map(Timestamp::as_second);
        }
        let local = strtime::parse("%d/%b/%Y:%H:%M:%S", text).ok()?.to_datetime().ok()?;
        self.resolve(local, previous)
    }

    fn resolve(&self, local: DateTime, previous: Option<i64>) -> Option<i64> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let earlier = match ambiguous.offset() {
            AmbiguousOffset::Fold { before, after } => {
                let earlier = before.to_timestamp(local).ok()?;
                let is_past = previous.is_some_and(|previous| earlier.as_second() <= previous);
                if is_past { after.to_timestamp(local).ok()? } else { earlier }
            }
            _ => ambiguous.compatible().ok()?,
        };
        Some(whole_second(earlier))
    }
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, told by their size: the borders lie in 1973 for the
/// finer unit and in the year 5138 for the coarser one.
fn read_number(text: &str) -> Option<i64> {
    if !text.bytes().next()?.is_ascii_digit() && !text.starts_with('-') {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    let size = number.abs();
    let units_per_second = match size {
        _ if size < 1e11 => 1.0,
        _ if size < 1e14 => 1e3,
        _ if size < 1e17 => 1e6,
        _ => 1e9,
    };
    let second = (number / units_per_second).floor();
    Timestamp::from_second(second as i64).ok().map(Timestamp::as_second)
}

fn read_instant(text: &str) -> Option<i64> {
    let instant = PARSER.parse_timestamp(text).ok().or_else(|| {
        // `2024-03-10 12:00:00 UTC` and `2024-03-10 12:00:00 +0000`: the standard has no space there.
        let (time, offset) = text.rsplit_once(' ')?;
        let offset = match offset {
            "UTC" | "GMT" | "Z" => "Z",
            _ if offset.starts_with(['+', '-']) => offset,
            _ => return None,
        };
        PARSER.parse_timestamp(format!("{}{offset}", time.trim_end())).ok()
    })?;
    Some(whole_second(instant))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<i64> {
        StampReader::new(TimeZone::UTC).read(text, None)
    }

    #[test]
    fn the_same_instant_in_every_form() {
        for text in [
            "1995-07-01T04:00:01Z",
            "1995-07-01T00:00:01-04:00",
            "1995-07-01 04:00:01.999+00:00",
            "1995-07-01 04:00:01+00",
            "1995-07-01 04:00:01+0000",
            "1995-07-01 04:00:01 +0000",
            "1995-07-01 04:00:01 UTC",
            "1995/07/01 04:00:01",
            "1995-07-01 04:00:01",
            "1995-07-01T04:00:01.5",
            " 804571201 ",
            "804571201.7",
            "804571201000",
            "804571201000000",
            "804571201000000000",
            "01/Jul/1995:00:00:01 -0400",
            "[01/Jul/1995:00:00:01 -0400]",
            "01/Jul/1995:04:00:01",
        ] {
            assert_eq!(read(text), Some(804_571_201), "{text}");
        }
        assert_eq!(read("1995-07-01"), Some(804_556_800));
        assert_eq!(read("1969-12-31T23:59:59.5Z"), Some(-1));
        for text in ["", "noon", "07/01/1995 04:00", "1995-07-01T25:00:00Z", "-", "nan", "1e30"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn local_times_follow_their_zone_and_repeated_ones_their_order() {
        let mut reader = StampReader::new(TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap());
        assert_eq!(reader.read("1995-07-01 00:00:01", None), Some(804_571_201));
        // 3 November 2024, 01:30: first at 05:30 UTC, then again at 06:30 UTC.
        let first = reader.read("2024-11-03 01:30:00", None).unwrap();
        assert_eq!(reader.read("2024-11-03 01:30:00", Some(first)), Some(first + 3_600));
    }
}
