//! The names that occur most, in bounded memory and with bounds that hold.
//!
//! Misra and Gries' summary (*Finding repeated elements*, 1982) in the mergeable form of Agarwal, Cormode, Huang,
//! Phillips, Wei and Yi (*Mergeable summaries*, 2012): counts of whole chunks are added, and when there are more than
//! twice as many names as may stay, all that cannot be above the floor go. Beside the summary's own, lowered count each
//! name keeps what was truly counted since it came, and how much may have been missed before, so that counts are exact
//! as long as nothing had to go. Chunks are added in their order, so the answer does not depend on the threads.
//!
//! It is written here because the kept crates decay counts at random (`heavykeeper`), which gives no bound that holds,
//! or are no summaries that can be merged.

use super::distinct::Distinct;
use super::names::{Key, NameCounts, Names};

/// The commonest names of something, such as clients.
#[derive(Debug, Clone)]
pub struct HeavyHitters {
    /// So many names stay when some must go.
    capacity: usize,
    names: Names,
    /// For each name how many requests may have been missed before it came.
    missed: Vec<u64>,
    /// No name that is not known has more requests than this.
    floor: u64,
    /// All requests with a name.
    requests: u64,
    distinct: Distinct,
}

/// One name with what was counted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeavyHitter {
    /// The name as the log has it; of a name of more than 1,024 bytes its beginning.
    pub name: Vec<u8>,
    /// What was surely counted.
    pub counts: NameCounts,
    /// How many more requests there may be at most; 0 where the count is exact.
    pub missed_at_most: u64,
}

impl HeavyHitters {
    /// Of which so many names stay for certain; at most twice as many are kept.
    pub(super) fn new(capacity: usize) -> Self {
        let (names, missed, distinct) = (Names::default(), Vec::new(), Distinct::default());
        Self { capacity: capacity.max(1), names, missed, floor: 0, requests: 0, distinct }
    }

    /// Adds what was counted in the next chunk.
    pub(super) fn merge(&mut self, chunk: &Names) {
        for (key, counts) in chunk.iter() {
            self.add(&key, counts);
        }
    }

    /// Adds exact counts of a name.
    pub(super) fn add(&mut self, key: &Key<'_>, counts: &NameCounts) {
        self.requests += counts.requests;
        if !self.names.add(key, counts) {
            self.distinct.add(key.hash);
            self.missed.push(self.floor);
            if self.names.len() >= 2 * self.capacity {
                self.prune();
            }
        }
    }

    /// Lets the names go that may have no more requests than the name behind the last one that stays for certain.
    fn prune(&mut self) {
        let mut most: Vec<u64> =
            self.names.iter().zip(&self.missed).map(|((_, c), missed)| c.requests + missed).collect();
        let (_, floor, _) = most.select_nth_unstable_by(self.capacity, |left, right| right.cmp(left));
        self.floor = *floor;
        let (mut names, mut missed) = (Names::default(), Vec::new());
        for ((key, counts), before) in self.names.iter().zip(&self.missed) {
            if counts.requests + before > self.floor {
                names.add(&key, counts);
                missed.push(*before);
            }
        }
        (self.names, self.missed) = (names, missed);
    }

    /// The requests whose name is known.
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Whether every count is exact, as all names could be kept.
    pub const fn is_exact(&self) -> bool {
        self.floor == 0
    }

    /// No name that is not among them has more requests than this, nor was more missed of any that is; 0 where every
    /// count is exact, and never more than the requests over the number of names kept.
    pub const fn missed_at_most(&self) -> u64 {
        self.floor
    }

    /// How many different names there are; an estimate (standard error 0.8 %) where not all could be kept.
    pub fn distinct(&self) -> u64 {
        if self.is_exact() { self.names.len() as u64 } else { self.distinct.estimate() }
    }

    /// Up to so many names with the most requests, the most first and those with equally many by name.
    pub fn top(&self, count: usize) -> Vec<HeavyHitter> {
        let mut all: Vec<(Key<'_>, &NameCounts, u64)> =
            self.names.iter().zip(&self.missed).map(|((key, counts), missed)| (key, counts, *missed)).collect();
        let order = |left: &(Key<'_>, &NameCounts, u64), right: &(Key<'_>, &NameCounts, u64)| {
            right.1.requests.cmp(&left.1.requests).then_with(|| left.0.name().cmp(right.0.name()))
        };
        if count < all.len() {
            all.select_nth_unstable_by(count, order);
            all.truncate(count);
        }
        all.sort_unstable_by(order);
        let hitter = |(key, counts, missed): (Key<'_>, &NameCounts, u64)| HeavyHitter {
            name: key.name().to_vec(),
            counts: *counts,
            missed_at_most: missed,
        };
        all.into_iter().map(hitter).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn chunk(names: &[u16]) -> Names {
        let mut chunk = Names::default();
        for name in names {
            chunk.add(&Key::of(&name.to_le_bytes()), &NameCounts::of_line(u64::from(*name), 200 + name % 400));
        }
        chunk
    }

    #[test]
    fn counts_are_exact_while_all_names_fit() {
        let mut hitters = HeavyHitters::new(100);
        hitters.merge(&chunk(&[7, 7, 9]));
        hitters.merge(&chunk(&[9, 9, 1]));
        assert_eq!((hitters.distinct(), hitters.is_exact(), hitters.requests()), (3, true, 6));
        let top = hitters.top(2);
        assert_eq!(top.iter().map(|hitter| hitter.name.clone()).collect::<Vec<_>>(), [[9, 0], [7, 0]]);
        assert_eq!(top[0].counts, NameCounts { requests: 3, bytes: 27, errors: 0 });
    }

    #[test]
    fn long_names_are_cut_but_not_mixed_up() {
        let (one, other) = ([b'a'; 5000], [b'a'; 5001]);
        let mut hitters = HeavyHitters::new(10);
        let line = NameCounts::of_line(1, 404);
        hitters.add(&Key::of(&one), &line);
        hitters.add(&Key::of(&other), &line);
        hitters.add(&Key::of(&other), &line);
        assert_eq!(hitters.distinct(), 2);
        assert_eq!(hitters.top(5).iter().map(|hitter| hitter.counts.errors).collect::<Vec<_>>(), [2, 1]);
    }

    proptest! {
        #[test]
        fn the_bounds_hold(
            stream in prop::collection::vec(prop_oneof![0_u16..6, 0_u16..2000], 0..3000),
            capacity in 1_usize..40,
            chunk_length in 1_usize..300,
        ) {
            let mut hitters = HeavyHitters::new(capacity);
            let mut truth: HashMap<Vec<u8>, u64> = HashMap::new();
            for name in &stream {
                *truth.entry(name.to_le_bytes().to_vec()).or_default() += 1;
            }
            stream.chunks(chunk_length).for_each(|names| hitters.merge(&chunk(names)));
            prop_assert_eq!(hitters.requests(), stream.len() as u64);
            prop_assert!(hitters.missed_at_most() * (capacity as u64 + 1) <= stream.len() as u64);
            let found = hitters.top(usize::MAX);
            for hitter in &found {
                let count = truth[&hitter.name];
                prop_assert!(hitter.missed_at_most <= hitters.missed_at_most());
                prop_assert!(hitter.counts.requests <= count && count <= hitter.counts.requests + hitter.missed_at_most);
            }
            for (name, count) in &truth {
                let is_found = found.iter().any(|hitter| hitter.name == *name);
                prop_assert!(is_found || *count <= hitters.missed_at_most());
            }
            prop_assert!(found.windows(2).all(|pair| pair[0].counts.requests >= pair[1].counts.requests));
        }
    }
}
