//! The figures of the level: hour-of-week profile, the days around a landing and a launch, and how what remains moves.

use std::fmt;

use anyhow::{Context, Result};
use dataflow_series::synth::nasa_figures::{LAUNCH_DAY, MISSION_DAYS, time_zone};
use dataflow_series::{Step, local_times};

use super::trace::Trace;

const HOURS_PER_WEEK: usize = 168;
/// Days after these (29 August and on) rise towards the next launch, and belong to no figure.
const DAYS_USED: usize = 59;
/// The morning after the outage, when the server was reached by few, is left out of the moments.
const RECOVERY_DAY: usize = 33;
/// Profile and mission factors are estimated in turn until they do not change any more.
const ROUNDS: usize = 20;

pub(super) struct Level {
    hour_of_week: [f64; HOURS_PER_WEEK],
    mission_days: Vec<f64>,
    launch_day_hours: Vec<f64>,
    slow_deviation: f64,
    slow_day_correlation: f64,
    hourly_deviation: f64,
    hourly_correlation: f64,
}

/// One hour that was observed whole.
struct HourlyRate {
    index: usize,
    hour_of_week: usize,
    rate: f64,
}

impl HourlyRate {
    fn day(&self) -> usize {
        self.index / 24
    }
}

impl Level {
    pub(super) fn measure(trace: &Trace) -> Result<Self> {
        let step = Step::from_seconds(3_600).context("an hour is a step")?;
        let hourly = trace.minutes.resample(step)?;
        let hours: Vec<HourlyRate> = hourly
            .values()
            .zip(local_times(hourly.start(), step, &time_zone()))
            .enumerate()
            .filter_map(|(index, (count, time))| {
                Some(HourlyRate { index, hour_of_week: time.hour_of_week() as usize, rate: count? / 60.0 })
            })
            .filter(|hour| hour.day() < DAYS_USED)
            .collect();
        let mut mission_days = vec![1.0; MISSION_DAYS.len()];
        let mut launch_day_hours = vec![1.0; 24];
        let mut hour_of_week = [0.0; HOURS_PER_WEEK];
        for _ in 0..ROUNDS {
            let factor = |hour: &HourlyRate| factor(hour, &mission_days, &launch_day_hours);
            hour_of_week = std::array::from_fn(|week_hour| {
                ratio(hours.iter().filter(|hour| hour.hour_of_week == week_hour), |hour| hour.rate, factor)
            });
            mission_days = (0..mission_days.len())
                .map(|day| {
                    let hours = hours.iter().filter(|hour| hour.day() == day);
                    ratio(hours, |hour| hour.rate, |hour| hour_of_week[hour.hour_of_week])
                })
                .collect();
            for hour in hours.iter().filter(|hour| hour.day() == LAUNCH_DAY) {
                launch_day_hours[hour.index % 24] = hour.rate / hour_of_week[hour.hour_of_week];
            }
        }
        let mut residuals = vec![None; 24 * DAYS_USED];
        for hour in hours.iter().filter(|hour| hour.day() != LAUNCH_DAY && hour.day() != RECOVERY_DAY) {
            let expected = hour_of_week[hour.hour_of_week] * factor(hour, &mission_days, &launch_day_hours);
            residuals[hour.index] = Some(hour.rate / expected - 1.0);
        }
        // Two autoregressions: at whole days only the slow one is left, at one and two hours both are.
        let covariance = |lag: usize| covariance(&residuals, lag);
        let (day, two_days) = (covariance(24), covariance(48));
        let slow_day_correlation = two_days / day;
        let slow = day / slow_day_correlation;
        let (one_hour, two_hours) = (covariance(1) - slow, covariance(2) - slow);
        let hourly_correlation = two_hours / one_hour;
        let fast = one_hour / hourly_correlation;
        // Residuals have mean one; the logarithm of a lognormal of variance v has the variance ln(1 + v).
        Ok(Self {
            hour_of_week,
            mission_days,
            launch_day_hours,
            slow_deviation: slow.ln_1p().sqrt(),
            slow_day_correlation,
            hourly_deviation: fast.ln_1p().sqrt(),
            hourly_correlation,
        })
    }
}

fn factor(hour: &HourlyRate, mission_days: &[f64], launch_day_hours: &[f64]) -> f64 {
    match mission_days.get(hour.day()) {
        Some(_) if hour.day() == LAUNCH_DAY => launch_day_hours[hour.index % 24],
        Some(factor) => *factor,
        None => 1.0,
    }
}

/// The sum of one thing over the sum of another.
fn ratio<'a>(
    hours: impl Iterator<Item = &'a HourlyRate>,
    above: impl Fn(&HourlyRate) -> f64,
    below: impl Fn(&HourlyRate) -> f64,
) -> f64 {
    let (above, below) = hours.fold((0.0, 0.0), |sums, hour| (sums.0 + above(hour), sums.1 + below(hour)));
    above / below
}

/// The mean product of residuals so many hours apart.
fn covariance(residuals: &[Option<f64>], lag: usize) -> f64 {
    let pairs = residuals.iter().zip(&residuals[lag..]);
    let (sum, count) = pairs.fold((0.0, 0_u32), |(sum, count), pair| match pair {
        (Some(earlier), Some(later)) => (sum + earlier * later, count + 1),
        _ => (sum, count),
    });
    sum / f64::from(count)
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "HOUR_OF_WEEK:")?;
        for day in self.hour_of_week.chunks(12) {
            let rates: Vec<String> = day.iter().map(|rate| format!("{rate:.1}")).collect();
            writeln!(formatter, "    {},", rates.join(", "))?;
        }
        let rounded =
            |factors: &[f64]| factors.iter().map(|factor| format!("{factor:.2}")).collect::<Vec<_>>().join(", ");
        writeln!(formatter, "MISSION_DAYS: {}", rounded(&self.mission_days))?;
        writeln!(formatter, "LAUNCH_DAY_HOURS: {}", rounded(&self.launch_day_hours))?;
        writeln!(formatter, "SLOW_DEVIATION: {:.3}", self.slow_deviation)?;
        writeln!(formatter, "SLOW_DAY_CORRELATION: {:.2}", self.slow_day_correlation)?;
        writeln!(formatter, "HOURLY_DEVIATION: {:.3}", self.hourly_deviation)?;
        write!(formatter, "HOURLY_CORRELATION: {:.2}", self.hourly_correlation)
    }
}
