//! What is said of every client, resource and so on within one chunk of lines, in the order of the lines.
//!
//! Names are told apart by their length and a hash of 64 bits (XXH3): that any two of a million names of one length are
//! mixed up happens once in forty million logs, and comparing the names themselves costs a tenth of all the time.

use hashbrown::HashTable;
use twox_hash::XxHash3_64;

/// Of a longer name only the beginning is kept.
const KEPT_BYTES: usize = 1024;

/// What was counted of the lines that bear a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NameCounts {
    /// Lines.
    pub requests: u64,
    /// The sum of their sizes.
    pub bytes: u64,
    /// Those with a status of 400 or more.
    pub errors: u64,
}

impl NameCounts {
    /// One line.
    pub(super) const fn of_line(size: u64, status: u16) -> Self {
        Self { requests: 1, bytes: size, errors: (status >= 400) as u64 }
    }

    #[inline]
    pub(super) const fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.errors += other.errors;
    }
}

/// A name and how it is known again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'name> {
    pub(super) hash: u64,
    /// Its whole length.
    length: usize,
    /// Its beginning.
    kept: &'name [u8],
}

impl<'name> Key<'name> {
    #[inline]
    pub(super) fn of(name: &'name [u8]) -> Self {
        Self { hash: XxHash3_64::oneshot(name), length: name.len(), kept: &name[..name.len().min(KEPT_BYTES)] }
    }

    /// The name; of a long one its beginning.
    pub(super) const fn name(&self) -> &'name [u8] {
        self.kept
    }
}

/// An entry of [`Names`].
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    length: usize,
    /// Where its name begins among all names.
    start: usize,
    counts: NameCounts,
}

impl Entry {
    fn kept<'names>(&self, names: &'names [u8]) -> &'names [u8] {
        let end = self.start + self.length.min(KEPT_BYTES);
        names.get(self.start..end).unwrap_or_default()
    }

    #[inline]
    const fn is(&self, key: &Key<'_>) -> bool {
        self.hash == key.hash && self.length == key.length
    }
}

/// Counts by name, without an allocation per name.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    places: HashTable<u32>,
    entries: Vec<Entry>,
    text: Vec<u8>,
}

impl Names {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The place of a name, where it is known.
    #[inline]
    pub(super) fn find(&self, key: &Key<'_>) -> Option<usize> {
        let is_it = |place: &u32| self.entries[*place as usize].is(key);
        self.places.find(key.hash, is_it).map(|place| *place as usize)
    }

    /// Counts for a name; whether it was known before.
    #[inline]
    pub(super) fn add(&mut self, key: &Key<'_>, counts: &NameCounts) -> bool {
        if let Some(place) = self.find(key) {
            self.entries[place].counts.add(counts);
            return true;
        }
        self.insert(key, counts);
        false
    }

    fn insert(&mut self, key: &Key<'_>, counts: &NameCounts) {
        let place = self.entries.len() as u32;
        let start = self.text.len();
        self.text.extend_from_slice(key.kept);
        self.entries.push(Entry { hash: key.hash, length: key.length, start, counts: *counts });
        let entries = &self.entries;
        self.places.insert_unique(key.hash, place, |place| entries[*place as usize].hash);
    }

    /// All names with their counts, in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key<'_>, &NameCounts)> + '_ {
        self.entries.iter().map(|entry| {
            let key = Key { hash: entry.hash, length: entry.length, kept: entry.kept(&self.text) };
            (key, &entry.counts)
        })
    }

    /// Forgets everything, but keeps the memory for what comes next.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.entries.clear();
        self.text.clear();
    }
}
