//! Traffic with the same level and other noise: each load drawn anew around the level that its hour had.
//!
//! The level is a moving mean; the noise is that of arrivals in groups, whose variance is the level times a dispersion
//! (1 for independent requests, Poisson's), measured as the mean square around the level. Days keep their order and their
//! heights, so this tells less than blocks of days do: what chance within the hour does, not what another month brings.

use dataflow_series::{Step, Unit};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Poisson};

/// The level is the mean over so long a time, in seconds, and over so many loads at least.
const LEVEL_SECONDS: u32 = 3_600;
const LEVEL_LOADS: usize = 5;
/// Below this a dispersion is rounding.
const DISPERSION_MIN: f64 = 1e-9;

/// A load as its level and the size of its noise.
#[derive(Debug, Clone)]
pub(super) struct Noise {
    /// The level of each interval; `None` where the load is missing.
    level: Vec<Option<f64>>,
    /// Variance over mean.
    dispersion: f64,
    counts: bool,
}

impl Noise {
    /// Measures a load, of which `None` is missing.
    pub(super) fn of(loads: &[Option<f64>], step: Step, unit: Unit) -> Self {
        let half = ((LEVEL_SECONDS / step.seconds()) as usize).max(LEVEL_LOADS) / 2;
        let (level, shares) = moving_mean(loads, half);
        let (mut squares, mut sum) = (0.0, 0.0);
        for ((load, level), share) in loads.iter().zip(&level).zip(&shares) {
            if let (Some(load), Some(level)) = (load, level)
                && *share < 1.0
            {
                // A load draws its own level towards itself, by its share in it.
                squares += (load - level) * (load - level) / (1.0 - share);
                sum += level;
            }
        }
        let dispersion = if sum > 0.0 { squares / sum } else { 0.0 };
        let counts = unit == Unit::Requests && loads.iter().flatten().all(|load| load.fract() == 0.0);
        Self { level, dispersion, counts }
    }

    /// Draws every load anew; what was missing is missing.
    pub(super) fn draw(&self, random: &mut ChaCha8Rng) -> Vec<Option<f64>> {
        self.level.iter().map(|level| level.map(|level| self.load(random, level))).collect()
    }

    /// Counts are drawn from a Poisson distribution with a rate that varies as Gamma does (a negative binomial), others
    /// from a Gamma distribution alone; both have the level as mean and the level times the dispersion as variance.
    fn load(&self, random: &mut ChaCha8Rng, level: f64) -> f64 {
        if self.dispersion * level <= DISPERSION_MIN * level * level || level <= 0.0 {
            return level;
        }
        if !self.counts {
            return gamma(random, level, self.dispersion);
        }
        let more = self.dispersion - 1.0;
        let rate = if more > DISPERSION_MIN { gamma(random, level, more) } else { level };
        if rate < DISPERSION_MIN { 0.0 } else { Poisson::new(rate).map_or(rate, |counts| counts.sample(random)) }
    }
}

/// A variate with this mean, whose variance is mean times `scale`.
fn gamma(random: &mut ChaCha8Rng, mean: f64, scale: f64) -> f64 {
    Gamma::new(mean / scale, scale).map_or(mean, |distribution| distribution.sample(random))
}

/// The mean of each load that is there and its neighbours, `half` on each side, and the share of each in its own mean.
fn moving_mean(loads: &[Option<f64>], half: usize) -> (Vec<Option<f64>>, Vec<f64>) {
    let mut sums = vec![(0.0, 0_usize)];
    let (mut sum, mut count) = (0.0, 0);
    for load in loads {
        if let Some(load) = load {
            (sum, count) = (sum + load, count + 1);
        }
        sums.push((sum, count));
    }
    let mean = |place: usize| {
        loads[place]?;
        let (from, until) = (sums[place.saturating_sub(half)], sums[(place + half + 1).min(loads.len())]);
        let count = (until.1 - from.1) as f64;
        Some(((until.0 - from.0).max(0.0) / count, 1.0 / count))
    };
    (0..loads.len()).map(mean).map(|found| (found.map(|found| found.0), found.map_or(1.0, |found| found.1))).unzip()
}

#[cfg(test)]
mod tests {
    use super::super::random::{Stream, stream};
    use super::*;

    fn mean_and_dispersion(loads: &[f64]) -> (f64, f64) {
        let mean = loads.iter().sum::<f64>() / loads.len() as f64;
        let variance = loads.iter().map(|load| (load - mean).powi(2)).sum::<f64>() / loads.len() as f64;
        (mean, variance / mean)
    }

    #[test]
    fn what_is_drawn_has_the_level_and_the_dispersion_that_was_measured() {
        let mut random = stream(1, 0, Stream::Traffic);
        for (dispersion, counts) in [(1.0, true), (4.0, true), (3.0, false)] {
            let made = Noise { level: vec![Some(50.0); 20_000], dispersion, counts };
            let loads = made.draw(&mut random);
            let unit = if counts { Unit::Requests } else { Unit::Bytes };
            let measured = Noise::of(&loads, Step::MINUTE, unit);
            assert!((measured.dispersion / dispersion - 1.0).abs() < 0.1, "{} of {dispersion}", measured.dispersion);
            assert_eq!(measured.counts, counts);
            let again: Vec<f64> = measured.draw(&mut random).into_iter().flatten().collect();
            let (mean, found) = mean_and_dispersion(&again);
            // The level that is measured varies by a sixtieth of the noise.
            assert!((mean - 50.0).abs() < 1.0 && (found / dispersion - 1.0).abs() < 0.1, "{mean} {found}");
        }
    }

    #[test]
    fn a_load_without_noise_and_a_gap_stay_as_they_are() {
        let loads: Vec<Option<f64>> = (0..500).map(|tick| (tick % 100 != 7).then_some(42.5)).collect();
        let noise = Noise::of(&loads, Step::MINUTE, Unit::Bytes);
        let drawn = noise.draw(&mut stream(1, 0, Stream::Traffic));
        for (load, drawn) in loads.iter().zip(drawn) {
            assert_eq!(load.is_none(), drawn.is_none());
            assert!(drawn.is_none_or(|drawn| (drawn - 42.5).abs() < 1e-9));
        }
        let none = Noise::of(&[None, Some(0.0)], Step::DAY, Unit::Requests);
        assert_eq!(none.draw(&mut stream(1, 0, Stream::Traffic)), [None, Some(0.0)]);
    }
}
