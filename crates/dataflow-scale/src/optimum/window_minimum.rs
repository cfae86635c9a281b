//! The least of every window of neighbouring values, and where it is.
//!
//! Windows double in length from pass to pass, and two overlapping ones make the length asked for; every pass is a
//! plain loop over neighbours, which the compiler puts in vector registers.

/// Memory for the least values, reused from tick to tick.
#[derive(Default)]
pub(super) struct WindowMinimum {
    least: Vec<f64>,
    places: Vec<i32>,
}

impl WindowMinimum {
    /// For each place the least of the `width` values before it, and its place; the nearest of equals. Infinite where
    /// there is none before it. `width` is at least 1.
    pub(super) fn before(&mut self, values: impl ExactSizeIterator<Item = f64>, width: usize) -> (&[f64], &[i32]) {
        let count = values.len();
        self.least.clear();
        self.least.extend(std::iter::repeat_n(f64::INFINITY, width));
        self.least.extend(values);
        self.number_places(-(width as i32));
        self.widen(width, |nearer, farther| farther <= nearer);
        (&self.least[..count], &self.places[..count])
    }

    /// For each place the least of the `width` values after it, and its place; the nearest of equals. Infinite where
    /// there is none after it. `width` is at least 1.
    pub(super) fn after(&mut self, values: impl ExactSizeIterator<Item = f64>, width: usize) -> (&[f64], &[i32]) {
        let count = values.len();
        self.least.clear();
        self.least.extend(values);
        self.least.extend(std::iter::repeat_n(f64::INFINITY, width));
        self.number_places(0);
        self.widen(width, |left, right| right < left);
        (&self.least[1..=count], &self.places[1..=count])
    }

    fn number_places(&mut self, first: i32) {
        self.places.clear();
        self.places.extend(first..first + self.least.len() as i32);
    }

    /// From windows of one value to those of `width`, which start at their place.
    #[inline]
    fn widen(&mut self, width: usize, takes_right: impl Fn(f64, f64) -> bool) {
        let mut reached = 1;
        while reached < width {
            let further = reached.min(width - reached);
            for left in 0..self.least.len() - further {
                let right = left + further;
                let takes = takes_right(self.least[left], self.least[right]);
                self.least[left] = if takes { self.least[right] } else { self.least[left] };
                self.places[left] = if takes { self.places[right] } else { self.places[left] };
            }
            reached += further;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The least of some values and its place, the first of equals.
    fn least_of(candidates: impl Iterator<Item = (usize, f64)>) -> (f64, Option<usize>) {
        candidates.fold(
            (f64::INFINITY, None),
            |least, (place, value)| {
                if value < least.0 { (value, Some(place)) } else { least }
            },
        )
    }

    proptest! {
        #[test]
        fn windows_hold_the_least_of_their_values(
            values in prop::collection::vec((0u8..9).prop_map(f64::from), 1..40),
            width in 1usize..40,
        ) {
            let mut windows = WindowMinimum::default();
            let numbered = || values.iter().copied().enumerate();
            let (least, places) = windows.before(values.iter().copied(), width);
            for at in 0..values.len() {
                let (value, place) = least_of(numbered().take(at).rev().take(width));
                prop_assert_eq!(least[at], value);
                prop_assert!(place.is_none_or(|place| place as i32 == places[at]));
            }
            let (least, places) = windows.after(values.iter().copied(), width);
            for at in 0..values.len() {
                let (value, place) = least_of(numbered().skip(at + 1).take(width));
                prop_assert_eq!(least[at], value);
                prop_assert!(place.is_none_or(|place| place as i32 == places[at]));
            }
        }
    }
}
