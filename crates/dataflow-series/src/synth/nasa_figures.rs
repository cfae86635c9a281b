//! The figures of the `nasa-like` shape, measured on two months of requests to a public web server of NASA (July and
//! August 1995, Internet Traffic Archive) with `cargo xtask measure nasa`, which prints this file's numbers. Status
//! classes and sizes come from the first ten thousand lines of the July log; the mean size has a source of its own.
//!
//! Rates are requests per minute, hours and days are local (UTC−4). What the figures mean and how they are put
//! together is told in the generator; how they are estimated, in the command's own modules.

use jiff::tz::{TimeZone, offset};

use crate::statistics::MinuteStatistics;

/// The server's clock: Florida in summer, UTC−4.
pub fn time_zone() -> TimeZone {
    TimeZone::fixed(offset(-4))
}

/// The mean rate by hour of the week from Monday midnight, once the mission days' factors are divided out.
#[rustfmt::skip]
pub const HOUR_OF_WEEK: [f64; 168] = [
    28.1, 22.4, 19.8, 17.3, 14.3, 15.8, 17.7, 27.0, 38.8, 51.7, 53.7, 59.9,
    69.0, 67.5, 67.1, 70.0, 66.7, 51.6, 41.4, 36.8, 34.9, 37.2, 33.8, 32.6,
    29.2, 24.9, 21.4, 18.5, 15.4, 15.4, 16.6, 27.2, 42.2, 49.9, 54.4, 60.7,
    67.6, 68.4, 66.3, 73.4, 70.3, 52.2, 42.8, 41.1, 37.1, 36.0, 36.3, 35.1,
    26.6, 22.0, 21.4, 19.5, 17.0, 15.9, 19.9, 30.2, 45.2, 51.0, 55.6, 66.2,
    68.2, 65.8, 73.2, 71.4, 66.5, 54.8, 45.8, 41.0, 38.5, 36.3, 35.8, 34.8,
    28.4, 22.0, 19.1, 16.0, 15.5, 13.9, 15.5, 26.4, 39.2, 44.5, 53.3, 61.1,
    71.7, 65.0, 67.3, 73.8, 65.8, 55.2, 41.8, 35.3, 36.9, 33.5, 36.0, 30.9,
    27.4, 24.4, 21.3, 19.2, 15.8, 17.5, 18.8, 32.0, 49.0, 56.3, 63.0, 63.0,
    66.6, 72.4, 64.8, 68.0, 64.5, 51.4, 36.3, 32.4, 31.2, 32.0, 30.4, 28.1,
    27.0, 23.4, 17.8, 14.7, 12.4, 11.5, 11.5, 13.3, 17.3, 19.5, 25.1, 25.9,
    26.2, 28.5, 31.1, 30.8, 31.3, 30.9, 27.4, 25.4, 26.4, 26.8, 29.3, 29.6,
    29.8, 23.3, 16.8, 13.0, 11.9, 10.6, 10.4, 11.4, 13.6, 19.1, 21.6, 24.8,
    27.5, 28.6, 31.4, 30.3, 32.6, 32.3, 30.0, 29.3, 32.0, 32.8, 35.2, 31.4,
];

/// The length of the mission calendar in whole weeks of days: with it the mission days and the outage come again in a
/// trace that is longer. Not measured: no other launch falls within the two months.
pub const CALENDAR_DAYS: usize = 63;

/// The day of the launch, from 0: Thursday, 13 July 1995.
pub const LAUNCH_DAY: usize = 12;

/// The factor of each of the first days, from the end of one mission (a landing on day 6) over the launch of the next
/// to where interest is back to normal. The launch day's own factor is told by the hour below.
pub const MISSION_DAYS: [f64; 18] =
    [1.92, 1.73, 1.53, 1.17, 1.54, 1.74, 1.47, 1.15, 1.01, 1.25, 1.34, 1.51, 2.31, 1.42, 1.35, 1.38, 1.28, 1.07];

/// The factor of each hour of the launch day; lift-off was at 9:42.
#[rustfmt::skip]
pub const LAUNCH_DAY_HOURS: [f64; 24] = [
    1.97, 2.53, 2.57, 2.60, 2.36, 3.23, 3.95, 3.83, 4.92, 5.59, 3.19, 2.66,
    1.99, 1.88, 1.85, 1.65, 1.81, 1.08, 1.81, 1.07, 1.07, 1.83, 1.55, 1.84,
];

/// The standard deviation of the slow part of the log-level, and its correlation over a day.
pub const SLOW_DEVIATION: f64 = 0.066;
/// See [`SLOW_DEVIATION`].
pub const SLOW_DAY_CORRELATION: f64 = 0.80;
/// The standard deviation of the hourly part of the log-level, and its correlation over an hour.
pub const HOURLY_DEVIATION: f64 = 0.117;
/// See [`HOURLY_DEVIATION`].
pub const HOURLY_CORRELATION: f64 = 0.55;

/// What clusters of requests over several minutes add to the dispersion (variance over mean) of a minute's count.
pub const CLUSTER_DISPERSION: f64 = 2.87;
/// The correlation of the clusters' rate over a minute.
pub const CLUSTER_CORRELATION: f64 = 0.59;
/// What pages with their images add to the dispersion within the minute. The Poisson count itself has 1.
pub const PAGE_DISPERSION: f64 = 1.14;

/// How often the server stops answering for some minutes.
pub const STALLS_PER_DAY: f64 = 1.19;
/// The mean length of such a stall in minutes.
pub const STALL_MINUTES: f64 = 3.29;

/// The minute of the outage's begin, from 0: 1 August 1995, 14:52.
pub const OUTAGE_FIRST_MINUTE: usize = 45_532;
/// The length of the outage in minutes.
pub const OUTAGE_MINUTES: usize = 2_264;

/// The shares of the status classes success, no change, redirected, not found and error.
pub const CLASS_SHARES: [f64; 5] = [0.9167, 0.0480, 0.0325, 0.0026, 0.0002];
/// The mean bytes of a reply of the classes after success.
pub const OTHER_BYTES: [u64; 4] = [0, 89, 0, 1_420];
/// The mean bytes of a reply over all requests of the two months: the figure by which the reference project turns this
/// trace's requests into bytes. The trace at hand has no sizes to measure it on.
pub const BYTES_PER_REQUEST: f64 = 18_943.0;
/// Probabilities and quantiles in bytes of the sizes of successful replies; a Pareto tail follows the last.
#[rustfmt::skip]
pub const SIZE_QUANTILES: [(f64, f64); 12] = [
    (0.0, 1.0), (0.01, 234.0), (0.05, 372.0), (0.1, 669.0), (0.2, 1_204.0), (0.3, 2_245.0), (0.4, 4_045.0),
    (0.5, 7_071.0), (0.6, 7_074.0), (0.75, 12_040.0), (0.9, 46_888.0), (0.95, 73_728.0),
];
/// The Pareto index of the tail.
pub const SIZE_TAIL_INDEX: f64 = 1.22;
/// The largest reply in bytes, where the tail is cut.
pub const SIZE_MAX: f64 = 1_269_716.0;

/// What a synthetic trace is compared with: the statistics of the real one, its outage and the days for which there is
/// no log left out.
pub const REAL: MinuteStatistics = MinuteStatistics {
    hourly_profile: [
        32.2529, 26.7792, 22.7497, 19.7056, 17.1307, 17.0966, 19.1233, 29.1468, 42.8805, 51.3420, 55.6920, 60.6509,
        65.3011, 65.2651, 65.6231, 68.6455, 64.7366, 53.1107, 43.4693, 39.0173, 38.6152, 38.6693, 39.1116, 36.8854,
    ],
    variance_to_mean_minute: 20.1418,
    variance_to_mean_hour: 883.2305,
    autocorrelation_minute: 0.8259,
    autocorrelation_day: 0.5016,
};
