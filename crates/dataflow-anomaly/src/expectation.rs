//! What the next value of a load would be if all went on as usual: the median of the same time on earlier days, moved by
//! how today differs from them. Medians of the past are hardly moved by what goes wrong in it.
//!
//! Everything is reckoned in roots of the load.
//! Source of the robust deviation: Leys et al., *Detecting outliers: Do not use standard deviation around the mean, use
//! absolute deviation around the median* (2013).

use dataflow_forecast::SortedWindow;
use jiff::Timestamp;

use crate::detector::DetectorSettings;
use crate::recent::Recent;
use crate::root::root;
use crate::season::Season;

const DAY_SECONDS: u32 = 86_400;
/// So many earlier seasons are looked at.
const SEASONS: usize = 7;
/// The values whose median stands in for the season while it is the first one.
const RECENT: usize = 31;
/// The residuals whose median and deviation count: of a day, within these limits.
const RESIDUALS: (usize, usize) = (60, 1_440);
/// The standard deviation of normal noise is so many times its median absolute deviation.
const PER_MAD: f64 = 1.482_6;
/// The same for the mean absolute deviation, where the median one is zero.
const PER_MEAN_DEVIATION: f64 = 1.253_3;

/// What is usual, learnt from a past.
#[derive(Debug, Clone)]
pub(crate) struct Expectation {
    season: Season,
    recent: Recent,
    /// Whether a value was below zero, so that the next one may be.
    is_signed: bool,
    residuals: SortedWindow,
}

/// The next value as it would be as usual, as a root.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Usual {
    /// Its median.
    pub(crate) root: f64,
    /// Its standard deviation, robustly; zero where nothing varied.
    pub(crate) deviation: f64,
}

impl Expectation {
    pub(crate) fn new(settings: &DetectorSettings) -> Self {
        let residuals = (DAY_SECONDS / settings.step.seconds()) as usize;
        Self {
            season: Season::new(settings, SEASONS + 1),
            recent: Recent::new(RECENT),
            is_signed: false,
            residuals: SortedWindow::new(residuals.clamp(RESIDUALS.0, RESIDUALS.1)),
        }
    }

    /// What to expect at this time; `None` where hardly anything is known.
    pub(crate) fn at(&self, time: Timestamp) -> Option<Usual> {
        let seasonal = self.seasonal(time)?;
        let residuals = self.residuals.sorted();
        if residuals.len() < RECENT {
            return None;
        }
        let centre = residuals[residuals.len() / 2];
        let root = if self.is_signed { seasonal + centre } else { (seasonal + centre).max(0.0) };
        Some(Usual { root, deviation: deviation(residuals, centre) })
    }

    /// Takes a value into the past.
    pub(crate) fn learn(&mut self, time: Timestamp, value: f64) {
        let root = root(value);
        self.is_signed |= value < 0.0;
        if let Some(seasonal) = self.seasonal(time) {
            self.residuals.push(root - seasonal);
        }
        self.recent.push(root);
        self.season.learn(time, root);
    }

    /// The median root at a time and just before and after it in earlier seasons; in the first one, that of the last
    /// values.
    fn seasonal(&self, time: Timestamp) -> Option<f64> {
        let (season, slot) = self.season.place(time);
        let slots = self.season.slots();
        let count = slots.len();
        let near = if count >= 24 { vec![(slot + count - 1) % count, slot, (slot + 1) % count] } else { vec![slot] };
        let seasons = near.into_iter().flat_map(|slot| &slots[slot]);
        let roots: Vec<f64> = seasons.filter(|seen| seen.season < season).map(|seen| seen.mean).collect();
        if roots.is_empty() {
            self.recent.last(RECENT).map(|recent| median(recent.to_vec()))
        } else {
            Some(median(roots))
        }
    }
}

/// The robust standard deviation of ascending numbers around their median.
fn deviation(ascending: &[f64], centre: f64) -> f64 {
    // The deviations of both halves ascend away from the centre: the median of both is found by merging them.
    let half = ascending.len() / 2;
    let (mut below, mut above) = (half, half);
    let mut median = 0.0;
    for _ in 0..=half {
        let down = below.checked_sub(1).map(|place| centre - ascending[place]);
        let up = ascending.get(above).map(|value| value - centre);
        match (down, up) {
            (Some(down), Some(up)) if down < up => (median, below) = (down, below - 1),
            (_, Some(up)) => (median, above) = (up, above + 1),
            (Some(down), None) => (median, below) = (down, below - 1),
            (None, None) => break,
        }
    }
    if median > 0.0 {
        return PER_MAD * median;
    }
    let count = ascending.len().max(1) as f64;
    PER_MEAN_DEVIATION * ascending.iter().map(|value| (value - centre).abs() / count).sum::<f64>()
}

fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f64::total_cmp).1 }
}

#[cfg(test)]
mod tests {
    use dataflow_series::Step;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_deviation_is_that_of_the_median_distance(
            mut values in prop::collection::vec(-9.0_f64..9.0, 1..50),
        ) {
            values.sort_by(f64::total_cmp);
            let centre = values[values.len() / 2];
            let distance = median(values.iter().map(|value| (value - centre).abs()).collect());
            prop_assume!(distance > 0.0);
            prop_assert!((deviation(&values, centre) - PER_MAD * distance).abs() < 1e-12);
        }
    }

    #[test]
    fn days_are_remembered_and_a_level_is_followed() {
        let step = Step::from_seconds(300).unwrap();
        let mut expectation = Expectation::new(&DetectorSettings::new(step));
        let load = |index: i64| {
            let wave = 1.0 - 0.5 * libm::cos(index as f64 / 288.0 * std::f64::consts::TAU);
            100.0 * wave * if index < 4 * 288 { 1.0 } else { 1.44 }
        };
        let time = |index: i64| Timestamp::from_second(index * 300).unwrap();
        assert_eq!(expectation.at(time(0)), None);
        (0..5 * 288).for_each(|index| expectation.learn(time(index), load(index)));
        let usual = expectation.at(time(5 * 288 + 144)).unwrap();
        let error = usual.root.powi(2) / load(5 * 288 + 144) - 1.0;
        assert!(error.abs() < 0.15, "{error}");
    }
}
