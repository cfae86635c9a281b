//! What is said of every client, resource and so on within one chunk of lines, in the order of the lines.
//!
//! Names are told apart by their length and a hash of 64 bits (XXH3): that any two of a million names of one length are
//! mixed up happens once in forty million logs, and comparing the names themselves costs a tenth of all the time.

use twox_hash::XxHash3_64;

/// Of a longer name only the beginning is kept.
pub(super) const KEPT_BYTES: usize = 1024;
/// The slots of a table with its first name.
const SLOTS: usize = 64;

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
    length: u32,
    /// Where its name begins among all names; those of a chunk or of a summary are far below 4 GB.
    start: u32,
    counts: NameCounts,
}

impl Entry {
    fn kept<'names>(&self, names: &'names [u8]) -> &'names [u8] {
        let start = self.start as usize;
        names.get(start..start + (self.length as usize).min(KEPT_BYTES)).unwrap_or_default()
    }

    #[inline]
    const fn is(&self, key: &Key<'_>) -> bool {
        self.hash == key.hash && self.length as usize == key.length
    }
}

/// A place of [`Names`] in 32 bits below the upper half of its hash, plus one; 0 where there is none.
#[derive(Debug, Clone, Copy)]
struct Slot(u64);

impl Slot {
    const FREE: Self = Self(0);

    const fn new(hash: u64, place: u32) -> Self {
        Self((hash & !(u32::MAX as u64)) | (place as u64 + 1))
    }

    /// The place, if the upper half of the hash is the same.
    #[inline]
    const fn place(self, hash: u64) -> Option<usize> {
        if (self.0 ^ hash) >> 32 == 0 { (self.0 as u32 as usize).checked_sub(1) } else { None }
    }
}

/// Counts by name, without an allocation per name.
///
/// The table is open and at most half full: most names are found with one look at it and one at the entry, and a slot
/// tells by half of the hash that another name has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// A power of two of them, or none.
    slots: Vec<Slot>,
    entries: Vec<Entry>,
    text: Vec<u8>,
}

impl Names {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Counts for a name; whether it was known before.
    #[inline]
    pub(super) fn add(&mut self, key: &Key<'_>, counts: &NameCounts) -> bool {
        let last = self.slots.len().wrapping_sub(1);
        let mut at = key.hash as usize & last;
        while let Some(slot) = self.slots.get(at).filter(|slot| slot.0 != 0) {
            let entry = slot.place(key.hash).and_then(|place| self.entries.get_mut(place));
            if let Some(entry) = entry.filter(|entry| entry.is(key)) {
                entry.counts.add(counts);
                return true;
            }
            at = (at + 1) & last;
        }
        self.insert(key, counts);
        false
    }

    #[inline(never)]
    fn insert(&mut self, key: &Key<'_>, counts: &NameCounts) {
        if self.slots.len() <= 2 * self.entries.len() {
            self.grow();
        }
        self.occupy(key.hash, self.entries.len() as u32);
        let start = self.text.len() as u32;
        self.text.extend_from_slice(key.kept);
        self.entries.push(Entry { hash: key.hash, length: key.length as u32, start, counts: *counts });
    }

    fn grow(&mut self) {
        let length = (2 * self.slots.len()).max(SLOTS);
        self.slots.clear();
        self.slots.resize(length, Slot::FREE);
        for place in 0..self.entries.len() {
            self.occupy(self.entries[place].hash, place as u32);
        }
    }

    /// Takes the first free slot for an entry; there is one.
    fn occupy(&mut self, hash: u64, place: u32) {
        let last = self.slots.len() - 1;
        let mut at = hash as usize & last;
        while self.slots[at].0 != 0 {
            at = (at + 1) & last;
        }
        self.slots[at] = Slot::new(hash, place);
    }

    /// All names with their counts, in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key<'_>, &NameCounts)> + '_ {
        self.entries.iter().map(|entry| {
            let key = Key { hash: entry.hash, length: entry.length as usize, kept: entry.kept(&self.text) };
            (key, &entry.counts)
        })
    }

    /// Forgets everything, but keeps the memory for what comes next.
    pub(super) fn clear(&mut self) {
        self.slots.fill(Slot::FREE);
        self.entries.clear();
        self.text.clear();
    }
}
