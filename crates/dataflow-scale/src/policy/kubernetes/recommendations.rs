//! What was recommended lately, which stabilisation looks back to.
//!
//! [`RecommendationList`] keeps what Kubernetes' controller keeps, entry by entry. [`SlidingExtremes`] keeps only those
//! that can still be the largest or smallest of a window (Lemire, "Streaming maximum-minimum filter", Nordic Journal of
//! Computing 13, 2006), and answers the same in a time that does not grow with the window.

use std::collections::VecDeque;

/// How far stabilisation looks back, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// For scaling up.
    pub up: i64,
    /// For scaling down.
    pub down: i64,
    /// Whether what is exactly as old as the window still counts.
    pub is_end_included: bool,
}

impl Windows {
    /// The age from which on a recommendation counts no more in a window of this length.
    fn end(self, window: i64) -> i64 {
        window + i64::from(self.is_end_included)
    }
}

/// Recommendations of the past.
pub trait Recommendations {
    /// Notes what is recommended now. Returns the smallest of the window of scaling up and the largest of that of
    /// scaling down, the present one among both. Times must not go back.
    fn note(&mut self, replicas: i32, now: i64, windows: Windows) -> (i32, i32);

    /// Whether noting the newest recommendation again and again until then would always return the same; if so, takes
    /// it for noted.
    fn holds_until(&mut self, last: i64, windows: Windows) -> bool;
}

/// A recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recommendation {
    /// Replicas.
    pub replicas: i32,
    /// When.
    pub at: i64,
}

/// All that the controller keeps: an entry older than both windows is overwritten by the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecommendationList {
    entries: Vec<Recommendation>,
}

impl From<Vec<Recommendation>> for RecommendationList {
    fn from(entries: Vec<Recommendation>) -> Self {
        Self { entries }
    }
}

impl RecommendationList {
    /// The entries kept, in the controller's order.
    pub fn entries(&self) -> &[Recommendation] {
        &self.entries
    }
}

impl Recommendations for RecommendationList {
    fn note(&mut self, replicas: i32, now: i64, windows: Windows) -> (i32, i32) {
        let (mut smallest, mut largest) = (replicas, replicas);
        let mut place = None;
        for (index, entry) in self.entries.iter().enumerate() {
            let age = now - entry.at;
            if age < windows.end(windows.up) {
                smallest = smallest.min(entry.replicas);
            }
            if age < windows.end(windows.down) {
                largest = largest.max(entry.replicas);
            }
            if age > windows.up && age > windows.down {
                place = Some(index);
            }
        }
        let entry = Recommendation { replicas, at: now };
        match place {
            Some(index) => self.entries[index] = entry,
            None => self.entries.push(entry),
        }
        (smallest, largest)
    }

    fn holds_until(&mut self, _last: i64, _windows: Windows) -> bool {
        false
    }
}

/// Those recommendations that can still be the smallest or largest of their window.
#[derive(Debug, Clone, Default)]
pub struct SlidingExtremes {
    newest: Option<i32>,
    /// Times ascending, replicas ascending: the first is the smallest of the window of scaling up.
    smallest: VecDeque<Recommendation>,
    /// Times ascending, replicas descending: the first is the largest of the window of scaling down.
    largest: VecDeque<Recommendation>,
}

impl Recommendations for SlidingExtremes {
    #[inline]
    fn note(&mut self, replicas: i32, now: i64, windows: Windows) -> (i32, i32) {
        self.newest = Some(replicas);
        let entry = Recommendation { replicas, at: now };
        let up = windows.end(windows.up);
        let smallest = if up > 0 { push(&mut self.smallest, entry, up, i32::ge) } else { replicas };
        let largest = push(&mut self.largest, entry, windows.end(windows.down), i32::le);
        (smallest, largest)
    }

    #[inline]
    fn holds_until(&mut self, last: i64, windows: Windows) -> bool {
        let Some(newest) = self.newest else { return false };
        let holds = |queue: &VecDeque<Recommendation>, window: i64| {
            queue.front().is_none_or(|first| first.replicas == newest || last - first.at < window)
        };
        if !holds(&self.smallest, windows.end(windows.up)) || !holds(&self.largest, windows.end(windows.down)) {
            return false;
        }
        for queue in [&mut self.smallest, &mut self.largest] {
            if let Some(back) = queue.back_mut() {
                back.at = last;
            }
        }
        true
    }
}

/// Adds an entry, drops those that it hides and those that are too old, and returns the extreme of the window.
#[inline]
fn push(
    queue: &mut VecDeque<Recommendation>,
    entry: Recommendation,
    window: i64,
    is_hidden: fn(&i32, &i32) -> bool,
) -> i32 {
    while queue.back().is_some_and(|back| is_hidden(&back.replicas, &entry.replicas)) {
        queue.pop_back();
    }
    queue.push_back(entry);
    // The present entry counts whatever the window.
    while queue.len() > 1 && queue.front().is_some_and(|first| entry.at - first.at >= window) {
        queue.pop_front();
    }
    queue.front().map_or(entry.replicas, |first| first.replicas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_ways_to_remember_say_the_same(
            up in 0_i64..90,
            down in 0_i64..90,
            is_end_included: bool,
            looks in prop::collection::vec((0_i64..40, 0_i32..9, 1_i64..5), 1..60),
        ) {
            let windows = Windows { up, down, is_end_included };
            let (mut list, mut sliding) = (RecommendationList::default(), SlidingExtremes::default());
            let mut now = 0;
            for (pause, replicas, repeats) in looks {
                now += pause;
                let last = now + (repeats - 1) * 15;
                let mut held = None;
                while now <= last {
                    let said = list.note(replicas, now, windows);
                    if let Some(held) = held {
                        // What was taken for noted would have said the same.
                        prop_assert_eq!(said, held);
                    } else {
                        prop_assert_eq!(said, sliding.note(replicas, now, windows));
                        held = sliding.holds_until(last, windows).then_some(said);
                    }
                    now += 15;
                }
                now = last;
            }
        }
    }
}
