//! A part of a trace as people write it: `1995-07-01..1995-07-08`, `2024-03-10T12:00:00Z..6h`, `..7d`, `-2d..`.

use std::ops::Range;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::parse_duration_seconds;

/// A part of a trace, from an instant up to, but without, another.
///
/// Each end is left open, or an instant (RFC 3339), or a date or a local time in a time zone (a date means its
/// midnight, so `2024-01-01..2024-01-03` is two days), or a duration. A duration at the front counts from the start of
/// the trace, and at the back from the start of the window; with a minus sign it counts back from the end of the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    text: String,
    start: Edge,
    end: Edge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Open,
    At(Timestamp),
    After(SignedDuration),
    BeforeEnd(SignedDuration),
}

/// Why a text is no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// No `..` in it.
    #[error(
        "{0:?} is not a window; write START..END, such as 1995-07-01..1995-07-08, 2024-03-10T12:00:00Z..6h or ..7d"
    )]
    NotAWindow(String),
    /// One of its ends cannot be read.
    #[error(
        "{edge:?} in the window {text:?} is neither an instant (2024-03-10T12:00:00Z), a date (2024-03-10), \
         a local time (2024-03-10T12:00) nor a duration (6h)"
    )]
    NotAnEdge {
        /// The end that is wrong.
        edge: String,
        /// The whole text.
        text: String,
    },
    /// It ends before it starts.
    #[error("the window {0:?} ends where it starts or before")]
    Backwards(String),
}

impl Window {
    /// Reads `START..END`; dates and local times are meant in `zone`. A local time that the clocks skipped or repeated
    /// is the later or the earlier one, as most calendars do.
    ///
    /// # Errors
    /// When the text has no `..`, an end is unreadable, or both ends are instants in the wrong order.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, WindowError> {
        let (start, end) = text.split_once("..").ok_or_else(|| WindowError::NotAWindow(text.to_owned()))?;
        let edge = |part: &str| {
            parse_edge(part.trim(), zone)
                .ok_or_else(|| WindowError::NotAnEdge { edge: part.trim().to_owned(), text: text.to_owned() })
        };
        let window = Self { text: text.to_owned(), start: edge(start)?, end: edge(end)? };
        match (window.start, window.end) {
            (Edge::At(start), Edge::At(end)) if start >= end => Err(WindowError::Backwards(window.text)),
            _ => Ok(window),
        }
    }

    /// Whether it means the same instants on every trace.
    pub const fn is_fixed(&self) -> bool {
        matches!((self.start, self.end), (Edge::At(_), Edge::At(_) | Edge::After(_)))
    }

    /// The instants that the window means on a trace that covers `trace`; the result may reach beyond the trace.
    ///
    /// # Errors
    /// When the window ends where it starts or before.
    pub fn on(&self, trace: Range<Timestamp>) -> Result<Range<Timestamp>, WindowError> {
        let start = match self.start {
            Edge::Open => trace.start,
            Edge::At(instant) => instant,
            Edge::After(duration) => trace.start.saturating_add(duration).unwrap_or(Timestamp::MAX),
            Edge::BeforeEnd(duration) => trace.end.saturating_sub(duration).unwrap_or(Timestamp::MIN).max(trace.start),
        };
        let end = match self.end {
            Edge::Open => trace.end,
            Edge::At(instant) => instant,
            Edge::After(duration) => start.saturating_add(duration).unwrap_or(Timestamp::MAX),
            Edge::BeforeEnd(duration) => trace.end.saturating_sub(duration).unwrap_or(Timestamp::MIN),
        };
        // An open end takes whatever is there, and the trace itself tells whether that is anything.
        let is_open = self.start == Edge::Open || self.end == Edge::Open;
        if start >= end && !is_open { Err(WindowError::Backwards(self.text.clone())) } else { Ok(start..end) }
    }
}

fn parse_edge(text: &str, zone: &TimeZone) -> Option<Edge> {
    if text.is_empty() {
        return Some(Edge::Open);
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(Edge::At(instant));
    }
    let civil = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(DateTime::from));
    if let Some(civil) = civil {
        return zone.to_timestamp(civil).ok().map(Edge::At);
    }
    let (digits, is_before_end) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let seconds = parse_duration_seconds(digits).ok()?;
    let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Some(if is_before_end { Edge::BeforeEnd(duration) } else { Edge::After(duration) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn on_july(text: &str) -> Result<(String, String), WindowError> {
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        let july = instant("1995-07-01T04:00:00Z")..instant("1995-08-01T04:00:00Z");
        let window = Window::parse(text, &zone)?.on(july)?;
        Ok((window.start.to_string(), window.end.to_string()))
    }

    #[test]
    fn windows_are_read_as_people_write_them() {
        let first = "1995-07-01T04:00:00Z";
        let last = "1995-08-01T04:00:00Z";
        for (text, start, end) in [
            ("..", first, last),
            ("1995-07-01..1995-07-08", first, "1995-07-08T04:00:00Z"),
            ("1995-07-01T12:00..1995-07-02 12:00:30", "1995-07-01T16:00:00Z", "1995-07-02T16:00:30Z"),
            ("1995-07-13T13:41:55Z..6h", "1995-07-13T13:41:55Z", "1995-07-13T19:41:55Z"),
            ("..7d", first, "1995-07-08T04:00:00Z"),
            ("7d..1d", "1995-07-08T04:00:00Z", "1995-07-09T04:00:00Z"),
            ("-1d..", "1995-07-31T04:00:00Z", last),
            ("..-1d", first, "1995-07-31T04:00:00Z"),
            ("-400d..", first, last),
        ] {
            assert_eq!(on_july(text), Ok((start.to_owned(), end.to_owned())), "{text}");
        }
    }

    #[test]
    fn only_windows_between_instants_are_the_same_on_every_trace() {
        for (text, is_fixed) in [
            ("1995-07-01..2d", true),
            ("1995-07-01..1995-07-08", true),
            ("..7d", false),
            ("1995-07-01..", false),
            ("1d..2d", false),
        ] {
            assert_eq!(Window::parse(text, &TimeZone::UTC).unwrap().is_fixed(), is_fixed, "{text}");
        }
    }

    #[test]
    fn what_is_no_window_is_refused() {
        assert!(matches!(on_july("1995-07-01"), Err(WindowError::NotAWindow(_))));
        assert!(matches!(on_july("1995-07-01..soon"), Err(WindowError::NotAnEdge { edge, .. }) if edge == "soon"));
        assert!(matches!(on_july("1995-07-08..1995-07-01"), Err(WindowError::Backwards(_))));
        assert!(matches!(on_july("5d..-30d"), Err(WindowError::Backwards(_))));
        assert!(matches!(on_july("1995-02-30.."), Err(WindowError::NotAnEdge { .. })));
    }
}
