//! Sizes of answers by powers of two.

/// Zero, and one bin for every number of binary digits.
const BINS: usize = 65;

/// Lines and bytes by size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeBins {
    requests: [u64; BINS],
    bytes: [u64; BINS],
}

/// The answers of one power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeBin {
    /// The smallest size, in bytes: 0, or a power of two.
    pub from: u64,
    /// The largest size, in bytes: 0, or one less than the next power of two.
    pub to: u64,
    /// Lines.
    pub requests: u64,
    /// The sum of their sizes.
    pub bytes: u64,
}

impl Default for SizeBins {
    fn default() -> Self {
        Self { requests: [0; BINS], bytes: [0; BINS] }
    }
}

impl SizeBins {
    #[inline]
    pub(super) fn add(&mut self, size: u64) {
        let bin = (u64::BITS - size.leading_zeros()) as usize;
        self.requests[bin] += 1;
        self.bytes[bin] = self.bytes[bin].saturating_add(size);
    }

    pub(super) fn take(&mut self, other: &Self) {
        self.requests.iter_mut().zip(other.requests).for_each(|(mine, theirs)| *mine += theirs);
        self.bytes.iter_mut().zip(other.bytes).for_each(|(mine, theirs)| *mine = mine.saturating_add(theirs));
    }

    /// The bins from the first to the last that is not empty.
    pub fn bins(&self) -> Vec<SizeBin> {
        let bin = |index: usize| SizeBin {
            from: if index == 0 { 0 } else { 1 << (index - 1) },
            to: if index == 0 { 0 } else { u64::MAX >> (u64::BITS as usize - index) },
            requests: self.requests[index],
            bytes: self.bytes[index],
        };
        let is_used = |index: &usize| self.requests[*index] > 0;
        match ((0..BINS).find(is_used), (0..BINS).rfind(is_used)) {
            (Some(first), Some(last)) => (first..=last).map(bin).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_falls_into_its_bin() {
        let mut sizes = SizeBins::default();
        for size in [0, 1, 1023, 1024, 2047, u64::MAX] {
            sizes.add(size);
        }
        let bins = sizes.bins();
        assert_eq!(bins.iter().map(|bin| bin.requests).sum::<u64>(), 6);
        assert_eq!((bins[0].from, bins[0].to, bins[0].requests), (0, 0, 1));
        assert_eq!(bins[11], SizeBin { from: 1024, to: 2047, requests: 2, bytes: 3071 });
        assert_eq!(bins.last().map(|bin| (bin.from, bin.to)), Some((1 << 63, u64::MAX)));
        assert!(bins.windows(2).all(|pair| pair[0].to + 1 == pair[1].from));
    }
}
