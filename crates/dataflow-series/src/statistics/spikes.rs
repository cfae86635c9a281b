//! Sudden values: those far above the mean of a rolling window, in its standard deviations.

/// Below this share of the squared mean a variance is rounding.
const ROUNDING: f64 = 1e-12;

/// Where the square of a value that leaves the window is so many times the squares that stay, its rounding error is too
/// large beside them, and they are added up anew.
const FAR_LARGER: f64 = 1e3;

/// What counts as a spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpikeRule {
    /// Values in the window, of which the judged one is the last.
    pub window: usize,
    /// A spike is more than so many standard deviations above the mean of its window.
    pub threshold: f64,
    /// So many of the largest are told one by one.
    pub most: usize,
}

/// One sudden value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spike {
    /// Its place among the values, from 0.
    pub place: usize,
    /// The value.
    pub value: f64,
    /// The mean of the window that ends with it.
    pub mean: f64,
    /// How many standard deviations of that window it is above its mean.
    pub score: f64,
}

/// The sudden values of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Spikes {
    /// How many values had a whole window without a gap.
    pub judged: u64,
    /// How many of them are spikes.
    pub count: u64,
    /// The highest above their mean, the highest first, and at most one per window.
    pub largest: Vec<Spike>,
}

/// Finds spikes: `(x − mean) / deviation > threshold`, both over the window that ends with x itself, the deviation
/// divided by n − 1, as `rolling(window)` of pandas has them. A window is whole and without gaps, or nothing is judged.
pub fn spikes(values: impl Iterator<Item = Option<f64>>, rule: &SpikeRule) -> Spikes {
    let size = rule.window.max(2);
    let mut window = vec![0.0; size];
    let (mut filled, mut sum, mut squares) = (0, 0.0, 0.0);
    let mut found = Spikes { judged: 0, count: 0, largest: Vec::new() };
    let mut all: Vec<Spike> = Vec::new();
    for (place, value) in values.enumerate() {
        let Some(value) = value else {
            (filled, sum, squares) = (0, 0.0, 0.0);
            continue;
        };
        let leaves = std::mem::replace(&mut window[place % size], value);
        if filled == size {
            sum += value - leaves;
            squares += value * value - leaves * leaves;
        } else {
            filled += 1;
            sum += value;
            squares += value * value;
        }
        if filled < size {
            continue;
        }
        // Running sums gather rounding errors, so they begin anew once per window as well.
        if place % size == 0 || !squares.is_finite() || leaves * leaves > FAR_LARGER * squares {
            sum = window.iter().sum();
            squares = window.iter().map(|value| value * value).sum();
        }
        found.judged += 1;
        let count = size as f64;
        let mean = sum / count;
        let variance = (squares - sum * mean) / (count - 1.0);
        let above = value - mean;
        if above > 0.0 && variance > ROUNDING * mean * mean && above * above > rule.threshold.powi(2) * variance {
            found.count += 1;
            keep(&mut all, Spike { place, value, mean, score: above / variance.sqrt() }, size);
        }
    }
    all.sort_by(|left, right| {
        (right.value - right.mean).total_cmp(&(left.value - left.mean)).then(left.place.cmp(&right.place))
    });
    all.truncate(rule.most);
    found.largest = all;
    found
}

/// Keeps a spike, or of several within one window the one that is higher above its mean.
fn keep(all: &mut Vec<Spike>, spike: Spike, window: usize) {
    match all.last_mut() {
        Some(last) if spike.place - last.place < window => {
            if spike.value - spike.mean > last.value - last.mean {
                *last = spike;
            }
        }
        _ => all.push(spike),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: SpikeRule = SpikeRule { window: 60, threshold: 3.0, most: 3 };

    #[test]
    fn a_jump_is_a_spike_and_noise_is_none() {
        let noise = |place: usize| Some(10.0 + (place % 3) as f64);
        let calm = spikes((0..500).map(noise), &RULE);
        assert_eq!((calm.judged, calm.count), (441, 0));
        let jump = |place: usize| if place == 200 { Some(40.0) } else { noise(place) };
        let found = spikes((0..500).map(jump), &RULE);
        assert_eq!(found.count, 1);
        let spike = found.largest[0];
        // By hand: 59 values of 10, 11, 12 and one of 40.
        let window: Vec<f64> = (141..=200).map(|place| jump(place).unwrap()).collect();
        let mean = window.iter().sum::<f64>() / 60.0;
        let deviation = (window.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 59.0).sqrt();
        assert_eq!((spike.place, spike.value), (200, 40.0));
        assert!((spike.mean - mean).abs() < 1e-9 && (spike.score - (40.0 - mean) / deviation).abs() < 1e-9);
    }

    #[test]
    fn gaps_begin_a_new_window_and_constants_have_no_spikes() {
        let gappy = (0..200).map(|place| if place % 50 == 0 { None } else { Some(1.0) });
        assert_eq!(spikes(gappy, &RULE), Spikes { judged: 0, count: 0, largest: Vec::new() });
        assert_eq!(spikes((0..200).map(|_| Some(0.1)), &RULE).count, 0);
    }

    #[test]
    fn a_huge_value_leaves_no_error_behind() {
        let noise = |place: usize| 0.01 + 0.001 * (place % 7) as f64;
        for huge in [1e9, 1e17, 1e200] {
            let value = |place: usize| match place {
                100 => huge,
                // One while the running sums have not begun anew by themselves, and one long after.
                162 | 400 => 0.05,
                _ => noise(place),
            };
            let found = spikes((0..500).map(|place| Some(value(place))), &SpikeRule { most: 10, ..RULE });
            for place in [162, 400] {
                let spike = found.largest.iter().find(|spike| spike.place == place);
                let window: Vec<f64> = (place - 59..=place).map(value).collect();
                let mean = window.iter().sum::<f64>() / 60.0;
                let deviation = (window.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 59.0).sqrt();
                let score = spike.map_or(f64::NAN, |spike| spike.score);
                assert!((score - (0.05 - mean) / deviation).abs() < 1e-6, "{huge} {place}: {spike:?}");
            }
        }
    }
}
