//! How strong the daily and the weekly rhythm of a load are.

use stlrs::Mstl;

use super::mean;
use crate::{Fill, Observed, Step};

const HOUR: u32 = 3_600;
const DAY_HOURS: usize = 24;
const WEEK_HOURS: usize = 7 * DAY_HOURS;
/// Only so many hours before the end of a trace are looked at: a year.
const HOURS_MAX: usize = 366 * DAY_HOURS;

/// Strengths from 0 (none) to 1 (nothing else).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seasonality {
    /// Of the day, from two days on.
    pub day: f64,
    /// Of the week, from two weeks on.
    pub week: Option<f64>,
    /// Of the trend.
    pub trend: f64,
    /// The hours looked at.
    pub hours: usize,
}

/// The strength of the rhythms in the sums of whole hours: max(0, 1 − Var(remainder) / Var(season + remainder)), the
/// parts by local regression (MSTL). `None` for less than two days, for steps that do not divide an hour and for a load
/// that never changes.
///
/// Source: Wang, Smith and Hyndman, *Characteristic-based clustering for time series data* (2006); Bandara, Hyndman and
/// Bergmeir, *MSTL* (2021).
pub fn seasonality(observed: &Observed) -> Option<Seasonality> {
    let hours = whole_hours(observed)?;
    let hours = &hours[hours.len().saturating_sub(HOURS_MAX)..];
    let has_weeks = hours.len() >= 2 * WEEK_HOURS;
    let seasons: &[usize] = if has_weeks { &[DAY_HOURS, WEEK_HOURS] } else { &[DAY_HOURS] };
    if hours.len() < 2 * DAY_HOURS || hours.windows(2).all(|pair| pair[0] == pair[1]) {
        return None;
    }
    let parts = Mstl::fit(hours, seasons).ok()?;
    let strengths = parts.seasonal_strength();
    let within = |strength: f64| if strength.is_finite() { strength.clamp(0.0, 1.0) } else { 0.0 };
    Some(Seasonality {
        day: within(*strengths.first()?),
        week: strengths.get(1).map(|strength| within(*strength)),
        trend: within(parts.trend_strength()),
        hours: hours.len(),
    })
}

/// Sums of whole hours by the clock of UTC, gaps filled by their season.
pub fn whole_hours(observed: &Observed) -> Option<Vec<f64>> {
    mean(observed)?;
    let step = Step::from_seconds(HOUR)?;
    let filled = observed.fill(Fill::default()).ok()?;
    let filled = Observed::new(filled.start(), filled.step(), filled.unit(), filled.values().iter().map(|v| Some(*v)));
    let hours = filled.ok()?.resample(step).ok()?;
    Some(hours.values().map(Option::unwrap_or_default).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unit;

    fn hourly(days: usize, load: impl Fn(usize) -> f64) -> Observed {
        let values = (0..days * DAY_HOURS).map(|hour| Some(load(hour)));
        let hour = Step::from_seconds(HOUR).unwrap();
        Observed::new(jiff::Timestamp::UNIX_EPOCH, hour, Unit::Requests, values).unwrap()
    }

    #[test]
    fn a_day_is_strong_and_noise_is_not() {
        let noise = |hour: usize| ((hour * 7919 + hour * hour * 31) % 101) as f64;
        let day = |hour: usize| 1000.0 + 500.0 * (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
        let rhythmic = seasonality(&hourly(28, |hour| day(hour) + noise(hour))).unwrap();
        assert!(rhythmic.day > 0.95 && rhythmic.week.is_some_and(|week| week < 0.6), "{rhythmic:?}");
        let restless = seasonality(&hourly(28, noise)).unwrap();
        assert!(restless.day < 0.4, "{restless:?}");
        assert!(seasonality(&hourly(7, day)).unwrap().week.is_none());
    }

    #[test]
    fn what_is_too_short_or_constant_has_none() {
        assert_eq!(seasonality(&hourly(1, |hour| hour as f64)), None);
        assert_eq!(seasonality(&hourly(30, |_| 5.0)), None);
    }
}
