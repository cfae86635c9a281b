//! A first guess of the state before the first load, from the first seasons.

use super::form::{Form, Season, Trend};
use super::sample::Sample;
use super::state::State;

/// At most so many seasons are read.
const SEASONS: usize = 4;
/// Without a season, so many loads are.
const LOADS: usize = 10;
/// No factor of a profile starts below this.
const LEAST_FACTOR: f64 = 0.02;

/// The state from which a fit of the form starts: the mean of the first season as level, no slope, and for each slot
/// the mean deviation from (or factor of) the mean of its season.
pub(super) fn state(sample: &Sample<'_>, form: Form) -> State {
    let multiplicative = form.season == Season::Multiplicative;
    let seasonal = form.season != Season::None;
    let span = if seasonal { sample.slots.steps } else { LOADS };
    let mut profile = vec![0.0; if seasonal { sample.slots.count } else { 1 }];
    let mut counts = vec![0.0; profile.len()];
    let mut means = Vec::with_capacity(SEASONS);
    for season in 0..SEASONS {
        let steps = season * span..((season + 1) * span).min(sample.values.len());
        let Some(mean) = sample.mean(steps.clone()) else { break };
        if seasonal && steps.len() < span && season > 0 {
            break;
        }
        means.push(mean);
        for step in steps.filter(|step| seasonal && !sample.is_missing(*step)) {
            let deviation = if multiplicative {
                sample.values[step] / mean.max(f64::MIN_POSITIVE)
            } else {
                sample.values[step] - mean
            };
            let slot = sample.slots.of(step);
            profile[slot] += deviation;
            counts[slot] += 1.0;
        }
    }
    let neutral = if multiplicative { 1.0 } else { 0.0 };
    for (deviation, count) in profile.iter_mut().zip(&counts) {
        *deviation = if *count > 0.0 { *deviation / count } else { neutral };
    }
    if seasonal {
        centre(&mut profile, multiplicative);
    }
    let level = means.first().copied().unwrap_or_default();
    let slope = match (form.trend, means.last()) {
        (Trend::None, _) | (_, None) => 0.0,
        (_, Some(last)) => (last - level) / (span * means.len().max(2)) as f64,
    };
    State { level, slope, profile, phase: 0 }
}

/// Makes deviations sum to zero, factors to their number.
fn centre(profile: &mut [f64], multiplicative: bool) {
    let count = profile.len() as f64;
    if multiplicative {
        let sum: f64 = profile.iter().map(|factor| factor.max(LEAST_FACTOR)).sum();
        for factor in profile {
            *factor = factor.max(LEAST_FACTOR) * count / sum;
        }
    } else {
        let mean = profile.iter().sum::<f64>() / count;
        for deviation in profile {
            *deviation -= mean;
        }
    }
}
