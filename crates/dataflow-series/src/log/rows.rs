//! Counts per interval in a sparse map: memory goes with the intervals in use, not with the time between them.

use std::collections::BTreeMap;

use super::Essentials;

/// Which counter a line goes to, by its status.
pub(super) const CLASSES: usize = 6;

/// Sums of one interval. `counts` are lines by class: success, no change, redirected, not found, error, none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    pub(super) bytes: u64,
    pub(super) counts: [u64; CLASSES],
}

impl Sums {
    pub(super) fn requests(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
    }
}

/// The reference's classes: 2xx success, 304 no change, other 3xx redirected, 404 not found, other 4xx and 5xx error.
fn class(status: u16) -> usize {
    match status {
        200..=299 => 0,
        304 => 1,
        300..=399 => 2,
        404 => 3,
        400..=599 => 4,
        _ => 5,
    }
}

/// Where a line stands: the number of its chunk, and its own number in the chunk, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) chunk: u64,
    pub(crate) line: u64,
}

/// Intervals per block: one is allocated where any of its intervals has a line.
pub(super) const BLOCK: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) sums: [Sums; BLOCK],
    /// The first line of the block.
    pub(super) first: Place,
    /// The seconds of the earliest and the latest line.
    pub(super) reach: Reach,
}

/// The earliest and the latest of some seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    earliest: i64,
    latest: i64,
}

impl Reach {
    /// Of no seconds.
    pub(crate) const NOTHING: Self = Self { earliest: i64::MAX, latest: i64::MIN };

    pub(crate) fn add(&mut self, second: i64) {
        self.earliest = self.earliest.min(second);
        self.latest = self.latest.max(second);
    }

    pub(crate) fn take(&mut self, other: Self) {
        self.earliest = self.earliest.min(other.earliest);
        self.latest = self.latest.max(other.latest);
    }

    pub(crate) const fn ends(self) -> (i64, i64) {
        (self.earliest, self.latest)
    }

    /// Seconds from the beginning of the first minute to the end of the last one. How long a server was watched before
    /// its first line and after its last one cannot be told; a log that is changed every hour is meant to be a whole
    /// hour, although it has no line in its very first and last second.
    pub(crate) fn whole_minutes(self) -> u64 {
        let minutes = self.latest.div_euclid(60).abs_diff(self.earliest.div_euclid(60)) + 1;
        minutes.saturating_mul(60)
    }
}

/// Counts per interval; an interval's index is its distance from 1970 in steps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Rows {
    pub(super) blocks: BTreeMap<i64, Box<Block>>,
}

impl Rows {
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds to an interval; `first` is the first of the lines, `reach` that of their times.
    pub(super) fn add(&mut self, interval: i64, sums: &Sums, first: Place, reach: Reach) {
        let block = self
            .blocks
            .entry(interval.div_euclid(BLOCK as i64))
            .or_insert_with(|| Box::new(Block { sums: [Sums::default(); BLOCK], first, reach }));
        block.first = block.first.min(first);
        block.reach.take(reach);
        block.sums[interval.rem_euclid(BLOCK as i64) as usize].add(sums);
    }

    /// Adds everything from another, which is left empty.
    pub(super) fn take(&mut self, other: &mut Self) {
        for (index, theirs) in std::mem::take(&mut other.blocks) {
            match self.blocks.entry(index) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(theirs);
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    let mine = entry.get_mut();
                    mine.first = mine.first.min(theirs.first);
                    mine.reach.take(theirs.reach);
                    for (mine, theirs) in mine.sums.iter_mut().zip(&theirs.sums) {
                        mine.add(theirs);
                    }
                }
            }
        }
    }

    /// The sums of an interval; zero where no line was.
    pub(super) fn get(&self, interval: i64) -> Sums {
        let block = self.blocks.get(&interval.div_euclid(BLOCK as i64));
        block.map_or_else(Sums::default, |block| block.sums[interval.rem_euclid(BLOCK as i64) as usize])
    }

    /// The intervals with lines, in order.
    pub(crate) fn occupied(&self) -> impl Iterator<Item = (i64, &Sums)> + '_ {
        self.blocks.iter().flat_map(|(index, block)| {
            let numbered = block.sums.iter().enumerate().filter(|(_, sums)| sums.requests() > 0);
            numbered.map(move |(offset, sums)| (index * BLOCK as i64 + offset as i64, sums))
        })
    }
}

/// So many blocks a thread keeps to itself before it hands them over, which bounds its memory (about 4 MB).
const OWN_BLOCKS: usize = 1024;

/// Adds lines up; those of the interval at hand are kept apart, because the next line is nearly always of the same one.
#[derive(Debug)]
pub(crate) struct Counter {
    step_seconds: i64,
    /// The interval at hand, in seconds since 1970: from, up to.
    begins: i64,
    ends: i64,
    sums: Sums,
    first: Place,
    reach: Reach,
    pub(crate) rows: Rows,
}

impl Counter {
    pub(crate) fn new(step_seconds: u32) -> Self {
        let first = Place { chunk: 0, line: 0 };
        let step_seconds = i64::from(step_seconds);
        let (sums, reach, rows) = (Sums::default(), Reach::NOTHING, Rows::default());
        Self { step_seconds, begins: 0, ends: 0, sums, first, reach, rows }
    }

    #[inline]
    pub(crate) fn add(&mut self, line: Essentials, place: Place) {
        if line.second < self.begins || line.second >= self.ends {
            self.turn_to(line.second, place);
        }
        self.reach.add(line.second);
        self.sums.bytes = self.sums.bytes.saturating_add(line.size);
        self.sums.counts[class(line.status)] += 1;
    }

    #[cold]
    fn turn_to(&mut self, second: i64, place: Place) {
        self.settle();
        self.begins = second.div_euclid(self.step_seconds) * self.step_seconds;
        self.ends = self.begins + self.step_seconds;
        self.first = place;
    }

    /// Whether there is so much that it should be handed over.
    pub(crate) fn is_large(&self) -> bool {
        self.rows.blocks.len() > OWN_BLOCKS
    }

    /// Brings the interval at hand into the rows.
    pub(crate) fn settle(&mut self) {
        if self.begins < self.ends {
            self.rows.add(self.begins.div_euclid(self.step_seconds), &self.sums, self.first, self.reach);
        }
        (self.begins, self.ends, self.sums, self.reach) = (0, 0, Sums::default(), Reach::NOTHING);
    }
}
