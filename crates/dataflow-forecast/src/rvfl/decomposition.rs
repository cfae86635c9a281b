//! Empirical mode decomposition: splits a signal into oscillations, the fastest first, and a slow rest.
//!
//! A mode is sifted out: the mean of the envelopes through the maxima and through the minima (natural cubic splines) is
//! taken away again and again, until the changes are small. Sources: Huang et al., *The empirical mode decomposition
//! and the Hilbert spectrum for nonlinear and non-stationary time series analysis* (1998); extrema mirrored at the ends
//! as in Rilling, Flandrin, Goncalves, *On empirical mode decomposition and its algorithms* (2003).

/// Sifting ends when the change is so small a share of the energy, or after so many rounds.
const CHANGE_MIN: f64 = 0.05;
const SIFTS_MAX: usize = 10;
/// Extrema mirrored at each end.
const MIRRORED: usize = 2;

/// What adds up to the signal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decomposition {
    /// The oscillations, the fastest first.
    pub(super) modes: Vec<Vec<f64>>,
    /// What is left, with hardly an extremum.
    pub(super) rest: Vec<f64>,
}

/// The places and values of extrema of one kind, in order; places may lie beyond the ends.
#[derive(Debug, Default)]
struct Knots {
    places: Vec<f64>,
    values: Vec<f64>,
}

/// Splits a signal into at most `modes_max` modes and a rest.
pub(super) fn decompose(signal: &[f64], modes_max: usize) -> Decomposition {
    let mut rest = signal.to_vec();
    let mut modes = Vec::new();
    while modes.len() < modes_max {
        let Some(mode) = sift(&rest) else { break };
        for (rest, mode) in rest.iter_mut().zip(&mode) {
            *rest -= mode;
        }
        modes.push(mode);
    }
    Decomposition { modes, rest }
}

/// The fastest oscillation of a signal; `None` if it has too few extrema to oscillate.
fn sift(signal: &[f64]) -> Option<Vec<f64>> {
    let mut mode = signal.to_vec();
    let mut middle = vec![0.0; signal.len()];
    for round in 0..SIFTS_MAX {
        let Some([upper, lower]) = extrema(&mode) else {
            return (round > 0).then_some(mode);
        };
        middle.fill(0.0);
        upper.add_half_spline(&mut middle);
        lower.add_half_spline(&mut middle);
        let (mut change, mut energy) = (0.0, 0.0);
        for (mode, middle) in mode.iter_mut().zip(&middle) {
            energy += *mode * *mode;
            change += middle * middle;
            *mode -= middle;
        }
        if change < CHANGE_MIN * CHANGE_MIN * energy {
            break;
        }
    }
    Some(mode)
}

/// Maxima and minima with their mirror images beyond both ends; `None` if there are fewer than two of either.
fn extrema(signal: &[f64]) -> Option<[Knots; 2]> {
    let [mut upper, mut lower] = [Knots::default(), Knots::default()];
    let mut rising = None;
    // Where the last change of value ended: the middle of a plateau counts as its place.
    let mut plateau = 0;
    for place in 1..signal.len() {
        let (before, now) = (signal[place - 1], signal[place]);
        if now == before {
            continue;
        }
        let rises = now > before;
        if rising.is_some_and(|rising| rising != rises) {
            let knots = if rises { &mut lower } else { &mut upper };
            knots.push((plateau + place - 1) as f64 / 2.0, before);
        }
        rising = Some(rises);
        plateau = place;
    }
    if upper.places.len() < 2 || lower.places.len() < 2 {
        return None;
    }
    let (first, last) = (signal[0], signal[signal.len() - 1]);
    Some([upper.mirrored(signal.len(), first, last, f64::max), lower.mirrored(signal.len(), first, last, f64::min)])
}

impl Knots {
    fn push(&mut self, place: f64, value: f64) {
        self.places.push(place);
        self.values.push(value);
    }

    /// These extrema, mirrored at both ends. An end that lies beyond its nearest extremum is one itself.
    fn mirrored(mut self, length: usize, first: f64, last: f64, further: fn(f64, f64) -> f64) -> Self {
        let (start, end) = (0.0, (length - 1) as f64);
        let nearest = [self.values[0], self.values[self.values.len() - 1]];
        if further(first, nearest[0]) != nearest[0] {
            self.places.insert(0, start);
            self.values.insert(0, first);
        }
        if further(last, nearest[1]) != nearest[1] {
            self.push(end, last);
        }
        let mut all = Self::default();
        let inner = || self.places.iter().copied().zip(self.values.iter().copied());
        let before: Vec<(f64, f64)> = inner().filter(|(place, _)| *place > start).take(MIRRORED).collect();
        let after: Vec<(f64, f64)> = inner().rev().filter(|(place, _)| *place < end).take(MIRRORED).collect();
        before.iter().rev().for_each(|(place, value)| all.push(2.0 * start - place, *value));
        inner().for_each(|(place, value)| all.push(place, value));
        for (place, value) in after {
            all.push(2.0 * end - place, value);
        }
        all
    }

    /// Adds half of the natural cubic spline through the knots, at the whole places, to `curve`.
    fn add_half_spline(&self, curve: &mut [f64]) {
        let bends = self.second_derivatives();
        let mut right = 1;
        for (place, point) in curve.iter_mut().enumerate() {
            let place = place as f64;
            while right + 1 < self.places.len() && self.places[right] < place {
                right += 1;
            }
            let left = right - 1;
            let width = self.places[right] - self.places[left];
            let (a, b) = ((self.places[right] - place) / width, (place - self.places[left]) / width);
            let bend = (a * a * a - a) * bends[left] + (b * b * b - b) * bends[right];
            *point += 0.5 * (a * self.values[left] + b * self.values[right] + bend * width * width / 6.0);
        }
    }

    /// The second derivatives of the spline at the knots, by elimination of the tridiagonal system.
    fn second_derivatives(&self) -> Vec<f64> {
        let count = self.places.len();
        let (mut bends, mut factors) = (vec![0.0; count], vec![0.0; count]);
        let slope =
            |left: usize| (self.values[left + 1] - self.values[left]) / (self.places[left + 1] - self.places[left]);
        for knot in 1..count - 1 {
            let span = self.places[knot + 1] - self.places[knot - 1];
            let share = (self.places[knot] - self.places[knot - 1]) / span;
            let pivot = share * factors[knot - 1] + 2.0;
            factors[knot] = (share - 1.0) / pivot;
            let turn = 6.0 * (slope(knot) - slope(knot - 1)) / span;
            bends[knot] = (turn - share * bends[knot - 1]) / pivot;
        }
        bends[count - 1] = 0.0;
        for knot in (0..count - 1).rev() {
            bends[knot] += factors[knot] * bends[knot + 1];
        }
        bends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fast and a slow tone on a slope.
    fn tones() -> [Vec<f64>; 3] {
        let tone = |period: f64, height: f64| {
            (0..400).map(|place| height * (f64::from(place) / period * std::f64::consts::TAU).sin()).collect()
        };
        [tone(11.0, 1.0), tone(80.0, 2.0), (0..400).map(|place| 0.01 * f64::from(place)).collect()]
    }

    fn sum(parts: &[Vec<f64>]) -> Vec<f64> {
        (0..parts[0].len()).map(|place| parts.iter().map(|part| part[place]).sum()).collect()
    }

    fn correlation(one: &[f64], other: &[f64]) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
    }

    fn crossings(mode: &[f64]) -> usize {
        mode.windows(2).filter(|pair| pair[0] * pair[1] < 0.0).count()
    }

    #[test]
    fn modes_and_rest_add_up_to_the_signal() {
        let signal = sum(&tones());
        for modes_max in [0, 1, 8] {
            let Decomposition { mut modes, rest } = decompose(&signal, modes_max);
            assert!(modes.len() <= modes_max);
            modes.push(rest);
            for (total, signal) in sum(&modes).iter().zip(&signal) {
                assert!((total - signal).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn two_tones_are_told_apart_fastest_first() {
        let tones = tones();
        let Decomposition { modes, .. } = decompose(&sum(&tones), 8);
        assert!(correlation(&modes[0], &tones[0]) > 0.98, "{}", correlation(&modes[0], &tones[0]));
        assert!(correlation(&modes[1], &tones[1]) > 0.95, "{}", correlation(&modes[1], &tones[1]));
        assert!(correlation(&modes[0], &modes[1]).abs() < 0.1);
        let crossings: Vec<usize> = modes.iter().map(|mode| crossings(mode)).collect();
        assert!(crossings.windows(2).all(|pair| pair[0] > pair[1]), "{crossings:?}");
    }

    #[test]
    fn what_does_not_oscillate_is_all_rest() {
        let slope: Vec<f64> = (0..100).map(f64::from).collect();
        for signal in [vec![], vec![3.0], vec![5.0; 100], slope, vec![1e150, 0.0, 1e150]] {
            assert_eq!(decompose(&signal, 8), Decomposition { modes: vec![], rest: signal });
        }
        let plateaus: Vec<f64> = (0..60).map(|place| f64::from(place / 5 % 2)).collect();
        assert!(!decompose(&plateaus, 8).modes.is_empty());
    }
}
