//! The figures of the counts within the hour: over-dispersion, its memory over minutes, and stalls.

use std::fmt;

use anyhow::{Result, ensure};
use dataflow_series::Observed;

const MINUTES_PER_DAY: f64 = 1_440.0;
/// Half the window of the local mean.
const HALF_WINDOW: usize = 30;
/// A minute without a request is a stall where the local mean is above this; below, chance makes zeros too.
const STALL_MEAN_MIN: f64 = 25.0;
/// The lag at which clusters have faded and the level has not yet moved.
const FAR_LAG: usize = 15;

pub(super) struct Counts {
    cluster_dispersion: f64,
    cluster_correlation: f64,
    page_dispersion: f64,
    stalls_per_day: f64,
    stall_minutes: f64,
}

impl Counts {
    pub(super) fn measure(minutes: &Observed) -> Result<Self> {
        let values: Vec<Option<f64>> = minutes.values().collect();
        let local = local_means(&values);
        let busy = |index: usize| local[index].is_some_and(|mean| mean > STALL_MEAN_MIN);
        let stalled = |index: usize| busy(index) && values[index] == Some(0.0);
        let busy_minutes = (0..values.len()).filter(|index| busy(*index)).count();
        let stalled_minutes = (0..values.len()).filter(|index| stalled(*index)).count();
        let stalls = (0..values.len()).filter(|index| stalled(*index) && (*index == 0 || !stalled(index - 1))).count();
        ensure!(stalls > 0, "no stall was found");
        // Half the mean squared difference over the mean is the dispersion less the covariance at that lag, whatever
        // the slow level does.
        let semivariance = |lag: usize| {
            let (mut sum, mut count) = (0.0, 0_u32);
            for later in lag..values.len() {
                let earlier = later - lag;
                if stalled(earlier) || stalled(later) {
                    continue;
                }
                if let (Some(first), Some(second), Some(mean)) = (values[earlier], values[later], local[earlier]) {
                    sum += (first - second).powi(2) / (2.0 * mean.max(1.0));
                    count += 1;
                }
            }
            sum / f64::from(count)
        };
        let far = semivariance(FAR_LAG);
        let (one, two) = (far - semivariance(1), far - semivariance(2));
        let cluster_correlation = two / one;
        let cluster_dispersion = one / cluster_correlation;
        Ok(Self {
            cluster_dispersion,
            cluster_correlation,
            page_dispersion: far - 1.0 - cluster_dispersion,
            stalls_per_day: stalls as f64 / busy_minutes as f64 * MINUTES_PER_DAY,
            stall_minutes: stalled_minutes as f64 / stalls as f64,
        })
    }
}

/// The mean of the hour around each minute; `None` near a gap.
fn local_means(values: &[Option<f64>]) -> Vec<Option<f64>> {
    (0..values.len())
        .map(|index| {
            let window = values.get(index.checked_sub(HALF_WINDOW)?..=index + HALF_WINDOW)?;
            let sum: Option<f64> = window.iter().copied().sum();
            sum.map(|sum| sum / window.len() as f64)
        })
        .collect()
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "CLUSTER_DISPERSION: {:.2}", self.cluster_dispersion)?;
        writeln!(formatter, "CLUSTER_CORRELATION: {:.2}", self.cluster_correlation)?;
        writeln!(formatter, "PAGE_DISPERSION: {:.2}", self.page_dispersion)?;
        writeln!(formatter, "STALLS_PER_DAY: {:.2}", self.stalls_per_day)?;
        write!(formatter, "STALL_MINUTES: {:.2}", self.stall_minutes)
    }
}
