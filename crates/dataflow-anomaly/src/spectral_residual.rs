//! Spectral residual: what stands out of a window once the smooth part of its spectrum is taken away.
//!
//! The window ends with the value to be scored; a few values are put behind it, as the newest place of a window is the
//! hardest to judge. They are estimated from the values before it, so that what is wrong with it does not go on in them.
//! The surprise is how far the saliency of the value lies above the mean of those before.
//!
//! Source: Ren et al., *Time-Series Anomaly Detection Service at Microsoft* (2019), section 3.1, with its constants:
//! mean over 3 frequencies, over 21 saliencies, 5 points put behind, their slope from 5 points. The window is shorter
//! than theirs at first and grows to 512.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use crate::recent::Recent;
use crate::root::root;
use crate::surprise::Surprise;

/// Values are cut here, so that their transforms stay finite.
const LARGEST: f64 = f64::MAX / 1e10;
const WINDOW: usize = 512;
const LEAST_WINDOW: usize = 64;
const FREQUENCIES_AVERAGED: usize = 3;
const SALIENCIES_AVERAGED: usize = 21;
const POINTS_BEHIND: usize = 5;
const SLOPE_POINTS: usize = 5;
/// Amplitudes below this share of the largest are noise of the arithmetic.
const LEAST_AMPLITUDE: f64 = 1e-12;

/// The saliency of the newest value of a trailing window.
pub(crate) struct SpectralResidual {
    recent: Recent,
    /// Plans for windows of 64, 128, 256 and 512 values: forwards and backwards.
    plans: Vec<Plan>,
    buffer: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    log_amplitudes: Vec<f64>,
    saliencies: Vec<f64>,
}

struct Plan {
    length: usize,
    forwards: Arc<dyn Fft<f64>>,
    backwards: Arc<dyn Fft<f64>>,
}

impl fmt::Debug for SpectralResidual {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SpectralResidual").field("recent", &self.recent).finish_non_exhaustive()
    }
}

impl SpectralResidual {
    pub(crate) fn new() -> Self {
        let mut planner = FftPlanner::new();
        let lengths = std::iter::successors(Some(WINDOW), |length| Some(length / 2));
        let plans: Vec<Plan> = lengths
            .take_while(|length| *length >= LEAST_WINDOW)
            .map(|length| Plan {
                length,
                forwards: planner.plan_fft_forward(length),
                backwards: planner.plan_fft_inverse(length),
            })
            .collect();
        let scratch = plans
            .iter()
            .flat_map(|plan| [plan.forwards.get_inplace_scratch_len(), plan.backwards.get_inplace_scratch_len()])
            .max()
            .unwrap_or(0);
        Self {
            recent: Recent::new(WINDOW - POINTS_BEHIND),
            plans,
            buffer: Vec::with_capacity(WINDOW),
            scratch: vec![Complex::default(); scratch],
            log_amplitudes: Vec::with_capacity(WINDOW),
            saliencies: Vec::with_capacity(WINDOW),
        }
    }

    /// The saliency of each place of the window, the points behind left out; `None` while the past is too short.
    fn saliencies(&mut self) -> Option<&[f64]> {
        let known = self.recent.all();
        let plan = self.plans.iter().find(|plan| plan.length <= known.len() + POINTS_BEHIND)?;
        let window = self.recent.last(plan.length - POINTS_BEHIND)?;
        // The spectrum of a constant says nothing of where anything is; without it numbers stay small.
        let largest = window.iter().copied().fold(0.0, f64::max);
        let unit = if largest > 0.0 { largest } else { 1.0 };
        self.buffer.clear();
        self.buffer.extend(window.iter().map(|value| Complex::new(value / unit, 0.0)));
        let estimate = Complex::new(estimated(&window[..window.len() - 1]) / unit, 0.0);
        self.buffer.extend([estimate; POINTS_BEHIND]);

        plan.forwards.process_with_scratch(&mut self.buffer, &mut self.scratch);
        let largest = self.buffer.iter().map(Complex::norm_sqr).fold(0.0, f64::max).sqrt();
        let least = (largest * LEAST_AMPLITUDE).max(f64::MIN_POSITIVE);
        self.log_amplitudes.clear();
        self.log_amplitudes.extend(self.buffer.iter().map(|number| libm::log(number.norm_sqr().sqrt().max(least))));
        for (place, number) in self.buffer.iter_mut().enumerate() {
            let smooth = mean_of_last(&self.log_amplitudes[..=place], FREQUENCIES_AVERAGED);
            let amplitude = number.norm_sqr().sqrt().max(least);
            *number *= libm::exp(self.log_amplitudes[place] - smooth) / amplitude;
        }
        plan.backwards.process_with_scratch(&mut self.buffer, &mut self.scratch);
        self.saliencies.clear();
        let kept = plan.length - POINTS_BEHIND;
        self.saliencies.extend(self.buffer[..kept].iter().map(|number| number.norm_sqr().sqrt()));
        Some(&self.saliencies)
    }
}

impl Surprise for SpectralResidual {
    fn next(&mut self, _time: Timestamp, value: Option<f64>) -> Option<f64> {
        self.recent.push(root(value?.clamp(-LARGEST, LARGEST)));
        let saliencies = self.saliencies()?;
        let (newest, before) = saliencies.split_last()?;
        let usual = mean_of_last(before, SALIENCIES_AVERAGED);
        if usual <= 0.0 {
            return Some(if *newest > 0.0 { f64::MAX } else { 0.0 });
        }
        Some(((newest - usual) / usual).max(0.0))
    }
}

/// The value to expect after the window, by the mean slope of its last values to the newest (equation 9).
fn estimated(window: &[f64]) -> f64 {
    let [.., newest] = window else { return 0.0 };
    let before = &window[..window.len() - 1];
    let points = before.len().min(SLOPE_POINTS);
    let slopes = before.iter().rev().take(points).enumerate().map(|(back, value)| (newest - value) / (back + 1) as f64);
    let slope = slopes.sum::<f64>() / points.max(1) as f64;
    let from = before.len().checked_sub(SLOPE_POINTS).and_then(|place| before.get(place)).unwrap_or(newest);
    // A load that was never below zero is not expected there.
    let least = before.iter().copied().fold(0.0, f64::min);
    (from + slope * SLOPE_POINTS as f64).max(least)
}

fn mean_of_last(values: &[f64], count: usize) -> f64 {
    let last = &values[values.len().saturating_sub(count)..];
    last.iter().sum::<f64>() / last.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_stands_out_where_it_breaks_a_rhythm() {
        let mut measure = SpectralResidual::new();
        let mut last = 0.0;
        let mut most_before = 0.0_f64;
        for index in 0..400_u32 {
            let value = 100.0 + 20.0 * libm::sin(f64::from(index) * 0.3) + f64::from(index * 37 % 11);
            let value = if index == 399 { value + 150.0 } else { value };
            most_before = most_before.max(last);
            last = measure.next(Timestamp::UNIX_EPOCH, Some(value)).unwrap_or(0.0);
        }
        assert!(last > 1.5 * most_before, "{last} after at most {most_before}");
    }

    #[test]
    fn the_estimate_goes_on_along_the_slope() {
        let line: Vec<f64> = (0..20).map(f64::from).collect();
        assert!((estimated(&line) - 19.0).abs() < 1.5);
        assert_eq!(estimated(&[3.0]), 3.0);
    }
}
