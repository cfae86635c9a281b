//! How a band held at each hour of the day: a band that holds 95% of all loads may hold far fewer at noon.

use dataflow_series::{Step, local_times};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// How a band held in one hour of the day, by the local clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HourCoverage {
    /// The hour, 0 to 23.
    pub hour: u8,
    /// Number of loads scored.
    pub count: usize,
    /// The share of them within the band.
    pub actual: f64,
    /// The share above the band.
    pub above: f64,
    /// The share below the band.
    pub below: f64,
}

/// Counts the loads within, above and below a band by the hour in which their interval begins.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    all: usize,
    above: usize,
    below: usize,
}

/// How a band held at each hour of the day that has any load. Interval `i` begins at `start + i·step`; `loads` and both
/// bounds are per interval, and where any of them is not a number the interval is left out.
pub(crate) fn by_hour(
    start: Timestamp,
    step: Step,
    zone: &TimeZone,
    loads: &[f64],
    lower: &[f64],
    upper: &[f64],
) -> Vec<HourCoverage> {
    let mut hours = [Count::default(); 24];
    let rows = loads.iter().zip(lower.iter().zip(upper)).zip(local_times(start, step, zone));
    for ((load, (lower, upper)), time) in rows.filter(|((load, (low, high)), _)| !(**load + **low + **high).is_nan()) {
        if let Some(count) = hours.get_mut(time.hour() as usize) {
            count.all += 1;
            count.above += usize::from(load > upper);
            count.below += usize::from(load < lower);
        }
    }
    let share = |part: usize, count: &Count| part as f64 / count.all as f64;
    let seen = hours.iter().zip(0..).filter(|(count, _)| count.all > 0);
    seen.map(|(count, hour)| HourCoverage {
        hour,
        count: count.all,
        actual: share(count.all - count.above - count.below, count),
        above: share(count.above, count),
        below: share(count.below, count),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_of_the_local_clock_and_missing_loads_are_not_counted() {
        let start = "2024-01-01T22:30:00Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let half_hour = Step::from_seconds(1_800).unwrap();
        // 23:30, 00:00, 00:30 and 01:00 by the clock.
        let loads = [5.0, 11.0, -1.0, f64::NAN];
        let hours = by_hour(start, half_hour, &zone, &loads, &[0.0; 4], &[10.0; 4]);
        assert_eq!(hours.len(), 2);
        assert_eq!(hours[0], HourCoverage { hour: 0, count: 2, actual: 0.0, above: 0.5, below: 0.5 });
        assert_eq!(hours[1], HourCoverage { hour: 23, count: 1, actual: 1.0, above: 0.0, below: 0.0 });
    }
}
