//! The left matrix profile: how far the newest stretch of values lies from the most similar one before it.
//!
//! Distances are Euclidean between roots of values, not normalised: of a load its level counts, and a flat stretch, as in
//! an outage, has no shape to normalise. Only a bounded past is searched, and a comparison ends as soon as it can no
//! longer be the nearest, which makes a value cheap.
//!
//! Sources: Yeh et al., *Matrix Profile I* (2016); left profiles and early abandoning for streams: Lu et al.,
//! *Matrix Profile XXIV: DAMP* (2022).

use jiff::Timestamp;

use crate::detector::DetectorSettings;
use crate::recent::Recent;
use crate::root::root;
use crate::surprise::Surprise;

/// The values of a stretch.
const LENGTH: usize = 12;
/// The stretches that are searched: two days, within these limits.
const SEARCHED_SECONDS: u32 = 2 * 86_400;
const SEARCHED: (usize, usize) = (500, 4_096);
/// The fewest stretches to compare with.
const LEAST_SEARCHED: usize = 32;

/// The distance of the newest stretch to its nearest neighbour in the past.
#[derive(Debug)]
pub(crate) struct LeftMatrixProfile {
    recent: Recent,
    /// Values since the last missing one.
    unbroken: usize,
}

impl LeftMatrixProfile {
    pub(crate) fn new(settings: &DetectorSettings) -> Self {
        let searched = (SEARCHED_SECONDS / settings.step.seconds()) as usize;
        Self { recent: Recent::new(searched.clamp(SEARCHED.0, SEARCHED.1) + 2 * LENGTH), unbroken: 0 }
    }
}

impl Surprise for LeftMatrixProfile {
    fn next(&mut self, _time: Timestamp, value: Option<f64>) -> Option<f64> {
        let Some(value) = value else {
            self.unbroken = 0;
            return None;
        };
        self.unbroken += 1;
        self.recent.push(root(value));
        // A stretch across a gap is none.
        if self.unbroken < LENGTH {
            return None;
        }
        let all = self.recent.all();
        let (past, newest) = all.split_at(all.len() - LENGTH);
        if past.len() < LENGTH + LEAST_SEARCHED {
            return None;
        }
        Some(nearest(past, newest))
    }
}

/// The distance of `stretch` to the nearest one in `past`, the newest of which are tried first.
fn nearest(past: &[f64], stretch: &[f64]) -> f64 {
    let mut least = f64::INFINITY;
    for other in past.windows(stretch.len()).rev() {
        let mut sum = 0.0;
        // From its end: the newest value is what differs most where something begins.
        for (one, other) in stretch.iter().zip(other).rev() {
            sum += (one - other) * (one - other);
            if sum >= least {
                break;
            }
        }
        least = least.min(sum);
    }
    least.sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn abandoned_comparisons_change_nothing(
            past in prop::collection::vec(0.0_f64..9.0, 10..60), stretch in prop::collection::vec(0.0_f64..9.0, 5),
        ) {
            let distances = past.windows(5).map(|other| {
                other.iter().zip(&stretch).map(|(one, other)| (one - other).powi(2)).sum::<f64>().sqrt()
            });
            let expected = distances.fold(f64::INFINITY, f64::min);
            prop_assert!((nearest(&past, &stretch) - expected).abs() < 1e-12);
        }
    }
}
