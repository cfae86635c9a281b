//! Requests and errors of every second, as far as memory allows.

use std::collections::BTreeMap;
use std::ops::Range;

const SECONDS: usize = 60;
/// Of more minutes with a line than this (91 days) seconds are not kept: they would fill more than 63 MB.
const MINUTES_MAX: usize = 1 << 17;
/// Nor where there is more time between the first and the last.
const SECONDS_MAX: usize = 2 * SECONDS * MINUTES_MAX;

/// So many minutes a thread keeps to itself before it hands them over (2 MB).
const OWN_MINUTES: usize = 1 << 12;

/// What was counted in each second of a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Minute {
    requests: [u32; SECONDS],
    errors: [u32; SECONDS],
}

/// Before any line.
const NEVER: i64 = i64::MIN;
const NOTHING: Minute = Minute { requests: [0; SECONDS], errors: [0; SECONDS] };

/// Requests and errors by second; those of the minute at hand are kept apart, because the next line is nearly always of
/// the same one.
#[derive(Debug, Clone)]
pub(super) struct Seconds {
    /// When the minute at hand begins.
    begins: i64,
    minute: Minute,
    minutes: BTreeMap<i64, Box<Minute>>,
    /// There were too many minutes.
    is_too_long: bool,
}

impl Default for Seconds {
    fn default() -> Self {
        Self { begins: NEVER, minute: NOTHING, minutes: BTreeMap::new(), is_too_long: false }
    }
}

impl Seconds {
    #[inline]
    pub(super) fn add(&mut self, second: i64, is_error: bool) {
        if second.wrapping_sub(self.begins) as u64 >= SECONDS as u64 {
            self.turn_to(second);
        }
        let place = (second - self.begins) as usize;
        if let (Some(requests), Some(errors)) = (self.minute.requests.get_mut(place), self.minute.errors.get_mut(place))
        {
            *requests = requests.saturating_add(1);
            *errors = errors.saturating_add(u32::from(is_error));
        }
    }

    #[cold]
    fn turn_to(&mut self, second: i64) {
        self.settle();
        self.begins = second.div_euclid(SECONDS as i64) * SECONDS as i64;
    }

    /// Brings the minute at hand to the others.
    pub(super) fn settle(&mut self) {
        let begins = std::mem::replace(&mut self.begins, NEVER);
        if begins != NEVER {
            let minute = std::mem::replace(&mut self.minute, NOTHING);
            self.take_minute(begins, Box::new(minute));
        }
    }

    fn take_minute(&mut self, begins: i64, minute: Box<Minute>) {
        if self.is_too_long {
            return;
        }
        match self.minutes.entry(begins) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(minute);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let mine = entry.get_mut();
                let add = |mine: &mut [u32], theirs: &[u32]| {
                    mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine = mine.saturating_add(*theirs));
                };
                add(&mut mine.requests, &minute.requests);
                add(&mut mine.errors, &minute.errors);
            }
        }
        if self.minutes.len() > MINUTES_MAX {
            self.is_too_long = true;
            self.minutes.clear();
        }
    }

    /// Whether there is so much that it should be handed over.
    pub(super) fn is_large(&self) -> bool {
        self.minutes.len() > OWN_MINUTES
    }

    /// Adds what another thread counted and settled.
    pub(super) fn take(&mut self, other: Self) {
        self.is_too_long |= other.is_too_long;
        if self.is_too_long {
            self.minutes.clear();
        }
        for (begins, minute) in other.minutes {
            self.take_minute(begins, minute);
        }
    }

    /// Requests and errors of each second of a range of seconds since 1970; `None` where there were too many minutes.
    pub(super) fn within(&self, range: &Range<i64>) -> Option<SecondCounts> {
        let length = usize::try_from(range.end.checked_sub(range.start)?).ok()?;
        if self.is_too_long || length == 0 || length > SECONDS_MAX {
            return None;
        }
        let mut counts = SecondCounts { start: range.start, requests: vec![0; length], errors: vec![0; length] };
        // The range may begin within a minute.
        let first = range.start.div_euclid(SECONDS as i64) * SECONDS as i64;
        for (begins, minute) in self.minutes.range(first..range.end) {
            for (second, (requests, errors)) in (*begins..).zip(minute.requests.iter().zip(&minute.errors)) {
                if range.contains(&second) {
                    let place = (second - range.start) as usize;
                    (counts.requests[place], counts.errors[place]) = (*requests, *errors);
                }
            }
        }
        Some(counts)
    }
}

/// Requests and errors of successive seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondCounts {
    /// The first of them, in seconds since 1970.
    pub start: i64,
    /// Requests in each second.
    pub requests: Vec<u32>,
    /// Requests with a status of 400 or more in each second.
    pub errors: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_the_second() {
        let mut seconds = Seconds::default();
        for second in [-61, -1, 0, 59, 59, 60, 125] {
            seconds.add(second, second == 59);
        }
        seconds.settle();
        let counts = seconds.within(&(59..126)).unwrap();
        assert_eq!((counts.start, counts.requests.len()), (59, 67));
        assert_eq!((&counts.requests[..3], counts.requests[66]), (&[2, 1, 0][..], 1));
        assert_eq!((counts.errors[0], counts.errors.iter().sum::<u32>()), (2, 2));
        assert_eq!(seconds.within(&(-61..0)).unwrap().requests.iter().sum::<u32>(), 2);
        assert_eq!((seconds.within(&(5..5)), seconds.within(&(i64::MIN..i64::MAX))), (None, None));
    }
}
