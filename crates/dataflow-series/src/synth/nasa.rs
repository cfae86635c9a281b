//! The `nasa-like` shape: requests per minute of a public web server, from figures measured on the NASA trace.
//!
//! The rate of a minute (requests per minute) is the product of an hour-of-week profile, a factor for the days around
//! a landing and a launch, and two mean-one lognormal autoregressions: slow (days) and fast (hours). Visits make the
//! counts over-dispersed in two ways, both gamma-Poisson: clusters of requests over some minutes (a shot noise: gamma
//! innovations that fade geometrically) and pages with their images within the minute. The variance of a count is
//! therefore proportional to its mean, as in the trace. Stalls of a few minutes are zeros; the outage is missing.

use rand_chacha::ChaCha8Rng;

use super::SyntheticRequest;
use super::nasa_figures as figures;
use super::random::{Autoregression, Stream, gamma, normal, poisson, stream, uniform};
use crate::{Step, local_times};

const MINUTES_PER_DAY: usize = 1_440;
const MINUTES_PER_WEEK: u32 = 10_080;

/// The spread of what no single trace can tell: how strong a launch is (log-factor of its log-factor), and when it
/// and the outage begin (minutes).
const LAUNCH_STRENGTH_DEVIATION: f64 = 0.05;
const LAUNCH_DELAY_MINUTES: f64 = 15.0;
const OUTAGE_DELAY_MINUTES: f64 = 60.0;

/// The requests of each minute; `None` in an outage.
pub(super) fn minute_counts(request: &SyntheticRequest, minutes: usize) -> Vec<Option<u64>> {
    let happenings = Happenings::draw(request.seed, minutes);
    let mut level = stream(request.seed, Stream::Level);
    let mut counts = stream(request.seed, Stream::Counts);
    let profile = Profile::new();
    let mut stalls = Stalls::new(request.seed);
    let mut slow = per_minute(&mut level, figures::SLOW_DEVIATION, figures::SLOW_DAY_CORRELATION, MINUTES_PER_DAY);
    let mut fast = per_minute(&mut level, figures::HOURLY_DEVIATION, figures::HOURLY_CORRELATION, 60);
    let mean_one = -0.5 * (figures::SLOW_DEVIATION.powi(2) + figures::HOURLY_DEVIATION.powi(2));
    let mut clusters: Option<f64> = None;
    let mut times = local_times(request.start, Step::MINUTE, &figures::time_zone()).peekable();
    let after_midnight = times.peek().map_or(0, |time| time.minute_of_day() as usize);
    times
        .zip(happenings.factors(minutes, after_midnight))
        .enumerate()
        .map(|(minute, (time, factor))| {
            let level = libm::exp(mean_one + slow.next(&mut level) + fast.next(&mut level));
            let rate = profile.at(time.minute_of_week()) * factor * level / Stalls::UP_SHARE;
            let count = clustered_count(&mut counts, &mut clusters, rate);
            let stalled = stalls.next();
            if happenings.is_out(minute) {
                return None;
            }
            Some(if stalled { 0 } else { count })
        })
        .collect()
}

/// An autoregression per minute with this standard deviation and this correlation over so many minutes.
fn per_minute(random: &mut ChaCha8Rng, deviation: f64, correlation: f64, minutes: usize) -> Autoregression {
    Autoregression::new(random, deviation, libm::pow(correlation, 1.0 / minutes as f64))
}

/// The hour-of-week profile on straight lines between the middles of the hours.
struct Profile {
    middles: Vec<f64>,
}

impl Profile {
    fn new() -> Self {
        let hours = figures::HOUR_OF_WEEK.len();
        let rate = |hour: usize| figures::HOUR_OF_WEEK[hour % hours];
        // Lines between neighbours cut corners: over an hour they mean (before + 6·own + after) / 8. The middles are
        // moved out by what is lost, so that the means of the hours stay the measured ones.
        let middle = |hour| rate(hour) + (2.0 * rate(hour) - rate(hour + hours - 1) - rate(hour + 1)) / 8.0;
        Self { middles: (0..hours).map(middle).collect() }
    }

    /// The rate at a minute of the local week.
    fn at(&self, minute_of_week: u32) -> f64 {
        let from_middle = (minute_of_week + MINUTES_PER_WEEK - 30) as usize % MINUTES_PER_WEEK as usize;
        let (hour, within) = (from_middle / 60, (from_middle % 60) as f64 / 60.0);
        let next = (hour + 1) % self.middles.len();
        self.middles[hour] * (1.0 - within) + self.middles[next] * within
    }
}

/// The requests of a minute at this rate. The rate of clusters remembers the minutes before:
/// x ← ρ·x + (1 − ρ)·g with gamma innovations g, whose scale gives x the measured variance.
fn clustered_count(random: &mut ChaCha8Rng, clusters: &mut Option<f64>, rate: f64) -> u64 {
    let memory = figures::CLUSTER_CORRELATION;
    let scale = figures::CLUSTER_DISPERSION * (1.0 + memory) / (1.0 - memory);
    let before = clusters.unwrap_or(rate);
    let now = memory * before + (1.0 - memory) * gamma(random, rate, scale);
    *clusters = Some(now);
    let pages = gamma(random, now, figures::PAGE_DISPERSION);
    poisson(random, pages)
}

/// What happens once in each repetition of the mission calendar: a landing, a launch, an outage.
struct Happenings {
    /// Strength (exponent of the factors) and delay (minutes) of the launch of each repetition.
    launches: Vec<(f64, f64)>,
    /// First minute and end of each outage.
    outages: Vec<std::ops::Range<usize>>,
}

impl Happenings {
    fn draw(seed: u64, minutes: usize) -> Self {
        let mut random = stream(seed, Stream::Happenings);
        let calendar = figures::CALENDAR_DAYS * MINUTES_PER_DAY;
        let (mut launches, mut outages) = (Vec::new(), Vec::new());
        // One more than begins within the trace, so that the factors have a value on both sides of every minute.
        for first in (0..minutes + 2 * calendar).step_by(calendar) {
            let strength = libm::exp(LAUNCH_STRENGTH_DEVIATION * normal(&mut random));
            launches.push((strength, LAUNCH_DELAY_MINUTES * (2.0 * uniform(&mut random) - 1.0)));
            let delay = OUTAGE_DELAY_MINUTES * uniform(&mut random);
            let begin = first + figures::OUTAGE_FIRST_MINUTE + delay as usize;
            outages.push(begin..begin + figures::OUTAGE_MINUTES);
        }
        Self { launches, outages }
    }

    fn is_out(&self, minute: usize) -> bool {
        self.outages.iter().any(|outage| outage.contains(&minute))
    }

    /// The factor of each minute, on straight lines between the middles of the measured days and hours; the trace
    /// begins so many minutes after its first local midnight.
    fn factors(&self, minutes: usize, after_midnight: usize) -> impl Iterator<Item = f64> {
        let anchors = self.anchors();
        let mut at = 0;
        (after_midnight..after_midnight + minutes).map(move |minute| {
            let minute = minute as f64;
            while anchors.get(at + 1).is_some_and(|(time, _)| *time <= minute) {
                at += 1;
            }
            let (time, factor) = anchors[at];
            let (next_time, next_factor) = anchors.get(at + 1).copied().unwrap_or((time + 1.0, factor));
            let within = ((minute - time) / (next_time - time)).clamp(0.0, 1.0);
            factor + within * (next_factor - factor)
        })
    }

    /// Times (minutes since the first local midnight, ascending) and factors.
    fn anchors(&self) -> Vec<(f64, f64)> {
        let day_minutes = MINUTES_PER_DAY as f64;
        let mut anchors = Vec::new();
        for (repetition, (strength, delay)) in self.launches.iter().enumerate() {
            let first = (repetition * figures::CALENDAR_DAYS) as f64 * day_minutes;
            let middle = |day: usize| first + (day as f64 + 0.5) * day_minutes;
            for (day, factor) in figures::MISSION_DAYS.iter().enumerate() {
                if day != figures::LAUNCH_DAY {
                    anchors.push((middle(day), *factor));
                    continue;
                }
                for (hour, factor) in figures::LAUNCH_DAY_HOURS.iter().enumerate() {
                    let time = middle(day) + (hour as f64 - 11.5) * 60.0 + delay;
                    anchors.push((time, libm::pow(*factor, *strength)));
                }
            }
            anchors.push((middle(figures::CALENDAR_DAYS - 1), 1.0));
        }
        anchors
    }
}

/// Minutes in which the server answered nothing although it was not down: runs of geometric length.
struct Stalls {
    random: ChaCha8Rng,
    stalled: bool,
}

impl Stalls {
    /// The share of minutes outside stalls.
    const UP_SHARE: f64 = 1.0 / (1.0 + figures::STALLS_PER_DAY * figures::STALL_MINUTES / MINUTES_PER_DAY as f64);

    fn new(seed: u64) -> Self {
        Self { random: stream(seed, Stream::Stalls), stalled: false }
    }

    fn next(&mut self) -> bool {
        let chance = if self.stalled {
            1.0 - 1.0 / figures::STALL_MINUTES
        } else {
            figures::STALLS_PER_DAY / MINUTES_PER_DAY as f64
        };
        self.stalled = uniform(&mut self.random) < chance;
        self.stalled
    }
}
