//! Traffic made of days of the traffic itself: a bootstrap that keeps the rhythm of day and week.
//!
//! Blocks of whole days are drawn with replacement, each day for one of its own weekday, or of its own kind (working day,
//! weekend) where there are few of that. A block goes on to the next day with a chance that makes its mean length the cube
//! root of the number of days: the stationary bootstrap of D. N. Politis and J. P. Romano, *The Stationary Bootstrap*,
//! Journal of the American Statistical Association 89 (1994), with days as its observations.

use std::ops::Range;

use dataflow_series::{LocalTime, Step, local_times};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand_chacha::ChaCha8Rng;

use super::random::{choice, uniform};

/// Fewer days of one weekday than this say too little about it.
const WEEKDAY_CHOICES: usize = 4;
/// Fewer working days, or weekends, than this say too little about them.
const KIND_CHOICES: usize = 2;
/// Fewer whole days than this are nothing to draw from.
pub(super) const DAYS_MIN: usize = 3;

/// A day, or the part of one, of a stretch of traffic.
#[derive(Debug, Clone)]
struct Day {
    ticks: Range<usize>,
    /// Ticks of the day before its first one here.
    offset: usize,
    weekday: u32,
    is_whole: bool,
}

/// A stretch of traffic as days.
#[derive(Debug, Clone)]
pub(super) struct Days {
    all: Vec<Day>,
    /// For each day those that may stand for it, by their places in `all`.
    choices: Vec<Vec<usize>>,
    whole: usize,
}

impl Days {
    /// The days of the ticks in `stretch`, of a trace that starts at `start`.
    pub(super) fn of(start: Timestamp, step: Step, zone: &TimeZone, stretch: Range<usize>) -> Self {
        let days = split(start, step, zone, &stretch);
        let whole: Vec<usize> = (0..days.len()).filter(|day| days[*day].is_whole).collect();
        let is_weekend = |weekday: u32| weekday >= 5;
        let choices_of = |day: &Day| {
            let same: Vec<usize> = whole.iter().copied().filter(|other| days[*other].weekday == day.weekday).collect();
            if same.len() >= WEEKDAY_CHOICES {
                return same;
            }
            let is_of_kind = |other: &usize| is_weekend(days[*other].weekday) == is_weekend(day.weekday);
            let kind: Vec<usize> = whole.iter().copied().filter(is_of_kind).collect();
            if kind.len() >= KIND_CHOICES { kind } else { whole.clone() }
        };
        let choices = days.iter().map(choices_of).collect();
        Self { choices, whole: whole.len(), all: days }
    }

    /// Whole days to draw from.
    pub(super) const fn whole(&self) -> usize {
        self.whole
    }

    /// For each tick of the stretch the tick whose traffic stands there; its own where there is no day to draw from.
    pub(super) fn draw(&self, random: &mut ChaCha8Rng) -> Vec<usize> {
        let go_on = 1.0 - 1.0 / (self.whole as f64).cbrt().max(1.0);
        let mut sources = Vec::new();
        let mut last: Option<usize> = None;
        for (day, choices) in self.all.iter().zip(&self.choices) {
            let next = last.map(|last| last + 1).filter(|next| choices.contains(next) && uniform(random) < go_on);
            let Some(drawn) = next.or_else(|| choices.get(choice(random, choices.len())).copied()) else {
                sources.extend(day.ticks.clone());
                continue;
            };
            let source = &self.all[drawn].ticks;
            // Where clocks change, a day is longer than others: its last tick stands for the rest.
            let at = |place: usize| source.start + place.min(source.len() - 1);
            sources.extend((day.offset..day.offset + day.ticks.len()).map(at));
            last = Some(drawn);
        }
        sources
    }
}

/// Cuts a stretch at midnights.
fn split(start: Timestamp, step: Step, zone: &TimeZone, stretch: &Range<usize>) -> Vec<Day> {
    let clock: Vec<LocalTime> = local_times(start, step, zone).take(stretch.end + 1).collect();
    let begins_day = |tick: usize| match tick.checked_sub(1) {
        None => clock[0].second_of_day() < step.seconds(),
        Some(before) => clock[tick].weekday() != clock[before].weekday(),
    };
    let mut days: Vec<Day> = Vec::new();
    for tick in stretch.clone() {
        if tick == stretch.start || begins_day(tick) {
            let offset = if begins_day(tick) { 0 } else { clock[tick].second_of_day() / step.seconds() };
            days.push(Day {
                ticks: tick..tick,
                offset: offset as usize,
                weekday: clock[tick].weekday(),
                is_whole: begins_day(tick),
            });
        }
        if let Some(day) = days.last_mut() {
            day.ticks.end = tick + 1;
        }
    }
    if let Some(last) = days.last_mut() {
        last.is_whole &= begins_day(stretch.end);
    }
    days
}

#[cfg(test)]
mod tests {
    use super::super::random::{Stream, stream};
    use super::*;

    const HOURS: Step = Step::HOUR;

    fn monday(hours_later: i64) -> Timestamp {
        Timestamp::from_second(4 * 86_400 + hours_later * 3_600).unwrap()
    }

    #[test]
    fn every_hour_is_drawn_from_the_same_hour_of_the_same_weekday() {
        let days = Days::of(monday(5), HOURS, &TimeZone::UTC, 0..24 * 7 * 6);
        let sources = days.draw(&mut stream(1, 0, Stream::Traffic));
        assert_eq!(sources.len(), 24 * 7 * 6);
        let mut moved = 0;
        for (tick, source) in sources.iter().enumerate() {
            assert_eq!(tick % (24 * 7), source % (24 * 7), "tick {tick} is drawn from {source}");
            moved += usize::from(tick != *source);
        }
        assert!(moved > 24 * 7, "hardly anything was drawn");
    }

    #[test]
    fn few_days_of_a_weekday_make_do_with_its_kind() {
        let days = Days::of(monday(0), HOURS, &TimeZone::UTC, 0..24 * 14);
        for replicate in 0..20 {
            let sources = days.draw(&mut stream(1, replicate, Stream::Traffic));
            for (tick, source) in sources.iter().enumerate() {
                assert_eq!((tick / 24 % 7) >= 5, (source / 24 % 7) >= 5, "tick {tick} is drawn from {source}");
                assert_eq!(tick % 24, source % 24);
            }
        }
    }

    #[test]
    fn nothing_is_drawn_from_outside_of_the_stretch() {
        let days = Days::of(monday(5), HOURS, &TimeZone::UTC, 100..400);
        assert_eq!(days.whole(), 11);
        let sources = days.draw(&mut stream(3, 0, Stream::Traffic));
        assert!(sources.len() == 300 && sources.iter().all(|source| (100..400).contains(source)));
    }

    #[test]
    fn the_days_of_changing_clocks_are_as_long_as_they_were() {
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        // From Friday 1 November 2024, 00:00, over the Sunday of 25 hours.
        let start = "2024-11-01T04:00:00Z".parse().unwrap();
        let days = Days::of(start, HOURS, &zone, 0..24 * 9 + 1);
        assert_eq!((days.whole(), days.all.len(), days.all[2].ticks.len()), (9, 9, 25));
        assert_eq!(days.draw(&mut stream(3, 0, Stream::Traffic)).len(), 24 * 9 + 1);
    }

    #[test]
    fn a_part_of_a_day_alone_stays_as_it_is() {
        let days = Days::of(monday(5), HOURS, &TimeZone::UTC, 0..10);
        assert_eq!((days.whole(), days.draw(&mut stream(3, 0, Stream::Traffic))), (0, (0..10).collect()));
    }
}
