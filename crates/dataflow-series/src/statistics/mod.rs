//! Statistics of a load that show its nature: rhythm, burstiness and memory.
//!
//! Missing intervals are left out of every sum (a pair with one missing end is left out of a covariance); nothing is
//! filled. Moments are those of the whole trace, with its daily and weekly rhythm in them. A statistic that has no
//! value (too few intervals, a constant or an all-zero load) is `None`.

mod dispersion;
mod seasonality;
mod spikes;
mod stationarity;

use jiff::tz::TimeZone;

use crate::{LocalTime, Observed, Step, local_times};

pub use dispersion::{Dispersion, dispersion};
pub use seasonality::{Seasonality, seasonality, whole_hours};
pub use spikes::{Spike, SpikeRule, Spikes, spikes};
pub use stationarity::{StationarityTest, augmented_dickey_fuller, kpss};

/// Hours of a day.
const HOURS: usize = 24;
const MINUTES_PER_DAY: usize = 1_440;

/// The mean of the intervals that were observed, in the unit of the series per interval.
pub fn mean(observed: &Observed) -> Option<f64> {
    let seen = observed.len() - observed.missing();
    (seen > 0).then(|| observed.total() / seen as f64)
}

/// The variance (divided by n) of the intervals that were observed, in the squared unit of the series.
pub fn variance(observed: &Observed) -> Option<f64> {
    let mean = mean(observed)?;
    let seen = observed.len() - observed.missing();
    let squares: f64 = observed.values().flatten().map(|value| (value - mean).powi(2)).sum();
    Some(squares / seen as f64)
}

/// The variance-to-mean ratio (index of dispersion for counts) at the step of the series: 1 for a Poisson process,
/// more for bursty or rhythmic loads, and growing with the step when neighbouring intervals resemble each other.
///
/// Source: D. R. Cox and P. A. W. Lewis, *The Statistical Analysis of Series of Events*, 1966, section 4.6.
pub fn variance_to_mean(observed: &Observed) -> Option<f64> {
    let mean = mean(observed)?;
    (mean > 0.0).then_some(variance(observed)? / mean)
}

/// The autocorrelation at a lag of so many intervals: the mean product of the deviations of all pairs with both ends
/// observed, over the variance.
///
/// Without gaps this is the usual estimate up to the factor n / (n − lag).
/// Source: W. Dunsmuir and P. M. Robinson, *Estimation of time series models in the presence of missing data*,
/// Journal of the American Statistical Association 76, 1981 (amplitude-modulated observations).
pub fn autocorrelation(observed: &Observed, lag: usize) -> Option<f64> {
    let (mean, variance) = (mean(observed)?, variance(observed)?);
    if variance <= 0.0 {
        return None;
    }
    let (mut products, mut pairs) = (0.0, 0_u64);
    for (earlier, later) in observed.values().zip(observed.values().skip(lag)) {
        if let (Some(earlier), Some(later)) = (earlier, later) {
            products += (earlier - mean) * (later - mean);
            pairs += 1;
        }
    }
    (pairs > 0).then(|| products / pairs as f64 / variance)
}

/// The mean interval by hour of the local day, in the unit of the series per interval; an interval belongs to the hour
/// in which it begins. `None` for an hour in which no interval was observed.
pub fn hourly_profile(observed: &Observed, time_zone: &TimeZone) -> [Option<f64>; HOURS] {
    profile(observed, time_zone, 1, LocalTime::hour)
}

/// The mean interval by any part of the local week, such as [`LocalTime::weekday`], in the unit of the series per
/// interval; an interval belongs where it begins, and nowhere where the part is not below `PARTS`. `None` for a part in
/// which fewer than `fewest` intervals, or none, were observed.
pub fn profile<const PARTS: usize>(
    observed: &Observed,
    time_zone: &TimeZone,
    fewest: u64,
    part: impl Fn(LocalTime) -> u32,
) -> [Option<f64>; PARTS] {
    let (mut sums, mut counts) = ([0.0; PARTS], [0_u64; PARTS]);
    for (value, time) in observed.values().zip(local_times(observed.start(), observed.step(), time_zone)) {
        let part = part(time) as usize;
        if let (Some(value), true) = (value, part < PARTS) {
            sums[part] += value;
            counts[part] += 1;
        }
    }
    std::array::from_fn(|part| (counts[part] >= fewest.max(1)).then(|| sums[part] / counts[part] as f64))
}

/// The five statistics by which per-minute counts are known again: daily rhythm, burstiness and memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MinuteStatistics {
    /// Mean requests per minute by hour of the local day.
    pub hourly_profile: [f64; HOURS],
    /// Variance-to-mean ratio of the counts per minute.
    pub variance_to_mean_minute: f64,
    /// Variance-to-mean ratio of the counts per hour.
    pub variance_to_mean_hour: f64,
    /// Autocorrelation of the counts per minute at a lag of one minute.
    pub autocorrelation_minute: f64,
    /// Autocorrelation of the counts per minute at a lag of one day.
    pub autocorrelation_day: f64,
}

impl MinuteStatistics {
    /// Measures them on counts per minute, hours counted from the first minute. `None` when the step is not a minute
    /// or one of the statistics has no value, as in less than a day.
    pub fn measure(observed: &Observed, time_zone: &TimeZone) -> Option<Self> {
        if observed.step() != Step::MINUTE {
            return None;
        }
        let profile = hourly_profile(observed, time_zone);
        let hours = observed.resample(Step::from_seconds(3_600)?).ok()?;
        Some(Self {
            hourly_profile: profile.iter().all(Option::is_some).then(|| profile.map(|mean| mean.unwrap_or(0.0)))?,
            variance_to_mean_minute: variance_to_mean(observed)?,
            variance_to_mean_hour: variance_to_mean(&hours)?,
            autocorrelation_minute: autocorrelation(observed, 1)?,
            autocorrelation_day: autocorrelation(observed, MINUTES_PER_DAY)?,
        })
    }

    /// Every statistic with its name, in a fixed order.
    pub fn named(&self) -> Vec<(String, f64)> {
        let hours = self.hourly_profile.iter().enumerate().map(|(hour, mean)| (format!("mean at {hour:02} h"), *mean));
        let others = [
            ("variance to mean, 1 minute", self.variance_to_mean_minute),
            ("variance to mean, 1 hour", self.variance_to_mean_hour),
            ("autocorrelation, lag 1 minute", self.autocorrelation_minute),
            ("autocorrelation, lag 1 day", self.autocorrelation_day),
        ];
        hours.chain(others.map(|(name, value)| (name.to_owned(), value))).collect()
    }

    /// The largest relative distance |self / other − 1| over all statistics, with the name of the one it is of.
    pub fn largest_distance(&self, other: &Self) -> (String, f64) {
        let distances = self.named().into_iter().zip(other.named());
        distances
            .map(|((name, own), (_, others))| (name, (own / others - 1.0).abs()))
            .max_by(|left, right| left.1.total_cmp(&right.1))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::offset;

    use super::*;
    use crate::Unit;

    fn observed(values: &[Option<f64>]) -> Observed {
        let start = "1995-07-01T04:00:00Z".parse::<Timestamp>().unwrap();
        Observed::new(start, Step::MINUTE, Unit::Requests, values.iter().copied()).unwrap()
    }

    #[test]
    fn gaps_are_left_out() {
        let gappy = observed(&[Some(1.0), None, Some(3.0), None]);
        assert_eq!(mean(&gappy), Some(2.0));
        assert_eq!(variance(&gappy), Some(1.0));
        assert_eq!(variance_to_mean(&gappy), Some(0.5));
        // The only pair two intervals apart is (1, 3): (−1)·(+1) / 1.
        assert_eq!(autocorrelation(&gappy, 2), Some(-1.0));
        assert_eq!(autocorrelation(&gappy, 1), None);
    }

    #[test]
    fn what_has_no_value_is_none() {
        for values in [&[][..], &[None, None]] {
            assert_eq!(mean(&observed(values)), None);
            assert_eq!(variance_to_mean(&observed(values)), None);
            assert_eq!(autocorrelation(&observed(values), 1), None);
        }
        assert_eq!(variance_to_mean(&observed(&[Some(0.0); 5])), None);
        assert_eq!(autocorrelation(&observed(&[Some(4.0); 5]), 1), None);
        assert_eq!(autocorrelation(&observed(&[Some(4.0), Some(5.0)]), 7), None);
    }

    #[test]
    fn autocorrelation_sees_a_period() {
        let alternating = observed(&[Some(0.0), Some(2.0)].repeat(50));
        assert_eq!(autocorrelation(&alternating, 0), Some(1.0));
        assert_eq!(autocorrelation(&alternating, 1), Some(-1.0));
        assert_eq!(autocorrelation(&alternating, 2), Some(1.0));
    }

    #[test]
    fn hours_are_local() {
        let day: Vec<Option<f64>> = (0..1440_u32).map(|minute| Some(f64::from(minute / 60))).collect();
        let local = hourly_profile(&observed(&day), &TimeZone::fixed(offset(-4)));
        assert_eq!(local, std::array::from_fn(|hour| Some(hour as f64)));
        let utc = hourly_profile(&observed(&day[..60]), &TimeZone::UTC);
        assert_eq!(utc.iter().position(Option::is_some), Some(4));
    }
}
