//! How rare a distance is among those of the past.

use dataflow_forecast::SortedWindow;

/// So many distances of the past are kept.
const KEPT: usize = 16_384;
/// With fewer nothing is said to be rare.
const LEAST: usize = 50;
/// The mean excess over this quantile is the scale beyond the largest.
const TAIL_FROM: f64 = 0.95;
/// Powers of ten: one view alone says no more.
const MOST: f64 = 12.0;

/// The distances of the past.
#[derive(Debug, Clone)]
pub(crate) struct Rarity {
    past: SortedWindow,
}

impl Rarity {
    pub(crate) fn new() -> Self {
        Self { past: SortedWindow::new(KEPT) }
    }

    /// The negative decimal logarithm of the probability of at least this distance, which then is past too.
    ///
    /// Among what was seen it is the rank, as in conformal prediction; beyond the largest, an exponential tail goes on
    /// from there (the peaks-over-threshold view with shape 0: Pickands 1975). `floor` is the least scale of that tail.
    pub(crate) fn next(&mut self, distance: f64, floor: f64) -> f64 {
        let rarity = if self.past.len() < LEAST { 0.0 } else { self.of(distance, floor) };
        self.past.push(distance);
        rarity.clamp(0.0, MOST)
    }

    fn of(&self, distance: f64, floor: f64) -> f64 {
        let past = self.past.sorted();
        let below = past.partition_point(|other| *other < distance);
        let rank = -libm::log10((past.len() - below + 1) as f64 / (past.len() + 1) as f64);
        if below < past.len() {
            return rank;
        }
        let tail = &past[(TAIL_FROM * past.len() as f64) as usize..];
        let [start, .., largest] = tail else { return rank };
        let scale = tail.iter().map(|other| (other - start) / tail.len() as f64).sum::<f64>().max(floor);
        let beyond = (distance - largest) / scale / std::f64::consts::LN_10;
        // Nothing at all has been different from zero: no scale.
        if beyond.is_nan() { rank } else { rank + beyond }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_within_the_past_and_a_tail_beyond() {
        let mut rarity = Rarity::new();
        for index in 0..999 {
            rarity.next(-libm::log((f64::from(index * 7_919 % 999) + 0.5) / 999.0), 0.0);
        }
        let at = |distance: f64| rarity.clone().next(distance, 0.0);
        assert_eq!(at(0.0), 0.0);
        assert!((at(std::f64::consts::LN_10) - 1.0).abs() < 0.01, "a tenth is beyond: {}", at(std::f64::consts::LN_10));
        assert!((at(13.8) - 6.0).abs() < 0.7, "an exponential tail goes on: {}", at(13.8));
        assert_eq!(at(1e9), MOST);
    }
}
