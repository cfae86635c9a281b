//! Scales and their ticks: round numbers on loads and costs, round moments on time.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A linear map from values to pixels. Values beyond its ends are held at them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) values: (f64, f64),
    pub(super) pixels: (f64, f64),
}

impl Scale {
    pub(super) fn at(&self, value: f64) -> f64 {
        let (low, high) = self.values;
        let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }
}

/// Round numbers (1, 2 or 5 times a power of ten apart) from 0 to `most`, about `wanted` of them.
pub(super) fn number_ticks(most: f64, wanted: usize) -> Vec<f64> {
    if most <= 0.0 || !most.is_finite() {
        return vec![0.0];
    }
    let rough = most / wanted.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let count = (most * (1.0 + 1e-9) / step) as usize;
    (0..=count).map(|index| index as f64 * step).collect()
}

/// A moment on the time axis: its second since 1970, its label, and the date where that changes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TimeTick {
    pub(super) second: i64,
    pub(super) label: String,
    pub(super) date: Option<String>,
}

/// Round moments of UTC within a range of seconds since 1970, at most `most` of them.
pub(super) fn time_ticks(range: &Range<i64>, most: usize) -> Vec<TimeTick> {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const STEPS: [i64; 19] = [
        1,
        5,
        10,
        30,
        MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        3 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
        2 * DAY,
        7 * DAY,
        14 * DAY,
        28 * DAY,
    ];
    let length = range.end - range.start;
    match STEPS.into_iter().find(|step| length / step < most as i64) {
        Some(step) => regular_ticks(range, step),
        None => year_or_month_ticks(range, most),
    }
}

fn regular_ticks(range: &Range<i64>, step: i64) -> Vec<TimeTick> {
    // Weeks begin on Mondays: 5 January 1970 was one.
    let origin = if step >= 7 * 86_400 { 4 * 86_400 } else { 0 };
    let first = origin + (range.start - origin).div_euclid(step) * step;
    let mut last_date = None;
    let mut ticks = Vec::new();
    for second in (first..=range.end).step_by(step as usize).filter(|second| *second >= range.start) {
        let Ok(time) = Timestamp::from_second(second) else { continue };
        let local = time.to_zoned_datetime(TimeZone::UTC);
        let date = local.date();
        let whole_days = step >= 86_400;
        let changed =
            last_date.is_none_or(|last: Date| if whole_days { last.year() != date.year() } else { last != date });
        last_date = Some(date);
        let (label, second_line) = if whole_days {
            (local.strftime("%-d %b").to_string(), local.strftime("%Y").to_string())
        } else {
            let clock = if step < 60 { "%H:%M:%S" } else { "%H:%M" };
            (local.strftime(clock).to_string(), local.strftime("%-d %b %Y").to_string())
        };
        ticks.push(TimeTick { second, label, date: changed.then_some(second_line) });
    }
    ticks
}

fn year_or_month_ticks(range: &Range<i64>, most: usize) -> Vec<TimeTick> {
    let months = (range.end - range.start) / (28 * 86_400);
    let every = [1, 2, 3, 6, 12, 24, 60, 120, 600, 1_200].into_iter().find(|every| months / every < most as i64);
    let every = every.unwrap_or(12_000);
    let Ok(start) = Timestamp::from_second(range.start) else { return Vec::new() };
    let start = start.to_zoned_datetime(TimeZone::UTC).date();
    let first_month = i64::from(start.year()) * 12 + i64::from(start.month()) - 1;
    let mut month = first_month.div_euclid(every) * every;
    let mut ticks = Vec::new();
    let mut last_year = None;
    while let Ok(date) = Date::new(month.div_euclid(12) as i16, month.rem_euclid(12) as i8 + 1, 1) {
        let Ok(time) = date.to_zoned_datetime(TimeZone::UTC) else { break };
        let second = time.timestamp().as_second();
        if second > range.end {
            break;
        }
        if second >= range.start {
            let label = time.strftime(if every >= 12 { "%Y" } else { "%b" }).to_string();
            let changed = every < 12 && last_year != Some(date.year());
            ticks.push(TimeTick { second, label, date: changed.then(|| date.year().to_string()) });
            last_year = Some(date.year());
        }
        month += every;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn second(time: &str) -> i64 {
        time.parse::<Timestamp>().unwrap().as_second()
    }

    fn labels(from: &str, to: &str, most: usize) -> Vec<String> {
        let ticks = time_ticks(&(second(from)..second(to)), most);
        ticks.iter().map(|tick| format!("{}|{}", tick.label, tick.date.as_deref().unwrap_or(""))).collect()
    }

    #[test]
    fn time_is_marked_at_round_moments() {
        let hours = labels("1995-07-13T21:10:00Z", "1995-07-14T01:00:00Z", 5);
        assert_eq!(hours, ["22:00|13 Jul 1995", "23:00|", "00:00|14 Jul 1995", "01:00|"]);
        let weeks = labels("1995-07-01T04:00:00Z", "1995-08-28T17:00:00Z", 9);
        assert_eq!(weeks[..2], ["3 Jul|1995", "10 Jul|"]);
        let years = labels("2019-11-01T00:00:00Z", "2021-03-01T00:00:00Z", 7);
        assert_eq!(years, ["Jan|2020", "Apr|", "Jul|", "Oct|", "Jan|2021"]);
    }

    #[test]
    fn numbers_are_marked_at_round_values() {
        assert_eq!(number_ticks(4300.0, 4), [0.0, 2000.0, 4000.0]);
        assert_eq!(number_ticks(0.0, 4), [0.0]);
        assert_eq!(number_ticks(f64::INFINITY, 4), [0.0]);
    }

    proptest! {
        #[test]
        fn ticks_are_few_ordered_and_inside(
            start in -60_000_000_000_i64..60_000_000_000, length in 1_i64..40_000_000_000, most in 2_usize..20,
        ) {
            let range = start..start + length;
            let ticks = time_ticks(&range, most);
            prop_assert!(ticks.len() <= most + 1, "{} ticks", ticks.len());
            prop_assert!(ticks.windows(2).all(|pair| pair[0].second < pair[1].second));
            prop_assert!(ticks.iter().all(|tick| tick.second >= range.start && tick.second <= range.end));
        }

        #[test]
        fn number_ticks_are_few_and_inside(most in 1e-9_f64..1e18, wanted in 1_usize..10) {
            let ticks = number_ticks(most, wanted);
            prop_assert!(ticks.len() <= wanted + 1 && !ticks.is_empty());
            prop_assert!(ticks.iter().all(|tick| *tick <= most * 1.000_001));
        }
    }
}
