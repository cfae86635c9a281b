//! The local clock of every interval of a past and of the intervals after it, looked up once.

use dataflow_series::{LocalTime, LocalTimes, Step, local_times};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::history::View;

/// Minutes of the week at which intervals begin. Index 0 is the first interval of the past it was made for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Origin", into = "Origin")]
pub(crate) struct Calendar {
    origin: Origin,
    times: LocalTimes,
    minutes: Vec<u16>,
}

/// From where a calendar counts; all that is saved of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Origin {
    start: Timestamp,
    step_seconds: u32,
    #[serde(with = "jiff::fmt::serde::tz::required")]
    time_zone: TimeZone,
    /// Intervals that were looked up.
    known: usize,
}

/// Far more intervals than any trace has: a saved number beyond it comes from a damaged file.
const KNOWN_MAX: usize = 1 << 31;

impl Calendar {
    /// The calendar that begins with a past.
    pub(crate) fn of(past: View<'_>) -> Self {
        Self::from_origin(Origin {
            start: past.start(),
            step_seconds: past.step().seconds(),
            time_zone: past.time_zone().clone(),
            known: 0,
        })
    }

    fn from_origin(origin: Origin) -> Self {
        let step = Step::from_seconds(origin.step_seconds).unwrap_or(Step::MINUTE);
        let times = local_times(origin.start, step, &origin.time_zone);
        let mut calendar = Self { times, minutes: Vec::new(), origin };
        calendar.reach(calendar.origin.known);
        calendar
    }

    /// Makes the first `length` intervals known.
    pub(crate) fn reach(&mut self, length: usize) {
        while self.minutes.len() < length {
            let minute = self.times.next().map_or(0, LocalTime::minute_of_week);
            self.minutes.push(minute as u16);
        }
        self.origin.known = self.minutes.len();
    }

    /// Whether so many intervals were reached.
    pub(crate) fn knows(&self, length: usize) -> bool {
        self.minutes.len() >= length
    }

    /// The minute of the week, from Monday 00:00, at which an interval begins. It must have been reached.
    pub(crate) fn minute_of_week(&self, interval: usize) -> usize {
        usize::from(self.minutes[interval])
    }
}

impl TryFrom<Origin> for Calendar {
    type Error = &'static str;

    fn try_from(origin: Origin) -> Result<Self, &'static str> {
        if origin.known > KNOWN_MAX || origin.step_seconds == 0 {
            return Err("a calendar of a sensible length and step");
        }
        Ok(Self::from_origin(origin))
    }
}

impl From<Calendar> for Origin {
    fn from(calendar: Calendar) -> Self {
        calendar.origin
    }
}

#[cfg(test)]
mod tests {
    use dataflow_series::{Fill, Observed, Unit};

    use super::*;

    #[test]
    fn a_saved_calendar_goes_on_where_it_was() {
        let start = "2024-03-10T05:00:00Z".parse().unwrap();
        let hours = Observed::new(start, Step::HOUR, Unit::Requests, [Some(1.0); 3]).unwrap();
        let series = hours.fill(Fill::Zero).unwrap();
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        let mut calendar = Calendar::of(View::of(&series, &zone));
        calendar.reach(4);
        // Sunday; at 02:00 clocks went to 03:00.
        let sunday = 6 * 24 * 60;
        assert_eq!(calendar.minute_of_week(1), sunday + 60);
        assert_eq!(calendar.minute_of_week(2), sunday + 180);
        let saved = postcard::to_allocvec(&calendar).unwrap();
        let mut restored: Calendar = postcard::from_bytes(&saved).unwrap();
        assert_eq!(restored.minutes, calendar.minutes);
        calendar.reach(40);
        restored.reach(40);
        assert_eq!(restored.minutes, calendar.minutes);
    }
}
