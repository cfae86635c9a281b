//! A linear autoregression with the day and the week, for series that have both, however long they are.
//!
//! Two autoregressions are learnt and each is run forward step by step; the forecast is their mean. One knows the
//! usual level of every hour of the week and looks at the last loads only, so it follows the calendar; the other looks
//! at the last day, and at the same time one day, two days and a week before, so it follows what lately happened. They
//! err at different times. The fourth root of the load is modelled, scaled: it is nearly as even as the logarithm, and
//! zeros are welcome. All choices were made on the training parts of the hourly series of the M4 competition.
//!
//! Sources: autoregression with seasonal dummies averaged with a second one, Doornik, Castle, Hendry, *Card forecasts
//! for M4* (2020); Hoerl and Kennard, *Ridge Regression* (1970); variance-stabilising powers, Tukey, *On the
//! Comparative Anatomy of Transformations* (1957).

mod autoregression;
mod profile;
mod roots;

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use self::autoregression::{Autoregression, Window};
use self::profile::Profile;
use self::roots::Roots;
use crate::history::View;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, SaveError, check_horizons, check_past, from_bytes, season, steps_per_days,
    to_bytes,
};

const MODEL: &str = "seasonal-autoregression";
/// The fewest seasons of past to learn from, and the fewest intervals where there is no season.
const SEASONS_MIN: usize = 3;
const STEPS_MIN: usize = 24;
/// The day is cut into so many hours at most, however short the steps are.
const HOURS: usize = 24;
/// The autoregression by the calendar looks at the last so many hours.
const HOURS_BY_CALENDAR: usize = 3;
/// The one by what lately happened looks at a day of hours and a little more.
const HOURS_BY_RECENT: usize = 26;
/// The same where there is no season, in steps.
const STEPS_WITHOUT_SEASON: usize = 8;
/// Where steps are shorter than an hour, the last so many loads are looked at one by one.
const FINE_LAGS: usize = 8;

/// The mean of two seasonal autoregressions.
#[derive(Debug, Clone, Copy)]
pub struct SeasonalAutoregression;

/// A season that is longer than two steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Season {
    days: u32,
    steps: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct FittedSeasonalAutoregression {
    step_seconds: u32,
    seasons: Vec<Season>,
    horizons: Vec<usize>,
    roots: Roots,
    by_calendar: Autoregression,
    by_recent: Autoregression,
}

impl MeanModel for SeasonalAutoregression {
    fn name(&self) -> &'static str {
        MODEL
    }

    fn shortest_past(&self, step: Step, _furthest: usize) -> usize {
        season(step).map_or(0, |season| SEASONS_MIN * season).max(STEPS_MIN)
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        check_past(self, past, horizons)?;
        let mut fitted = FittedSeasonalAutoregression {
            step_seconds: past.step().seconds(),
            seasons: seasons(past.step()),
            horizons: horizons.to_vec(),
            roots: Roots::default(),
            by_calendar: Autoregression::default(),
            by_recent: Autoregression::default(),
        };
        fitted.extend(past);
        fitted.refit()?;
        Ok(Box::new(fitted))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let restored: FittedSeasonalAutoregression = from_bytes(saved)?;
        let known = restored.roots.len();
        let sound = check_horizons(&restored.horizons).is_ok()
            && restored.roots.is_sound()
            && [&restored.by_calendar, &restored.by_recent].iter().all(|part| part.is_sound(known));
        if sound {
            Ok(Box::new(restored))
        } else {
            Err(SaveError::NotRestored("its lags do not fit its loads".to_owned()))
        }
    }
}

impl FittedMean for FittedSeasonalAutoregression {
    fn extend(&mut self, new: View<'_>) {
        for (index, load) in new.values().iter().enumerate() {
            self.roots.push(*load, new.is_missing(index));
        }
    }

    fn refit(&mut self) -> Result<(), FitError> {
        let mut roots = self.roots.clone();
        roots.scale();
        let by_calendar = Autoregression::fit(&roots, calendar_windows(&self.seasons), self.profiles(&self.seasons));
        let shortest = &self.seasons[..self.seasons.len().min(1)];
        let by_recent = Autoregression::fit(&roots, recent_windows(&self.seasons), self.profiles(shortest));
        let (Some(by_calendar), Some(by_recent)) = (by_calendar, by_recent) else {
            return Err(FitError::TooLarge { model: MODEL, largest: roots.largest_load() });
        };
        (self.roots, self.by_calendar, self.by_recent) = (roots, by_calendar, by_recent);
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        let furthest = self.horizons.last().copied().unwrap_or(0);
        means.fill(0.0);
        for part in [&self.by_calendar, &self.by_recent] {
            let path = part.forecast(&self.roots, furthest);
            for (mean, horizon) in means.iter_mut().zip(&self.horizons) {
                *mean += 0.5 * self.roots.expected_load(path[horizon - 1], part.variance);
            }
        }
    }

    fn learnt(&self) -> Vec<Learnt> {
        let reach = |part: &Autoregression| {
            let furthest = part.windows().iter().map(|window| window.far).max().unwrap_or(0);
            format!("{} inputs, up to {furthest} steps back", part.windows().len())
        };
        vec![
            Learnt { name: "by the calendar", value: reach(&self.by_calendar) },
            Learnt { name: "by what lately happened", value: reach(&self.by_recent) },
        ]
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(self)
    }
}

impl FittedSeasonalAutoregression {
    /// Flat profiles of those of the seasons that the past holds twice.
    fn profiles(&self, seasons: &[Season]) -> Vec<Profile> {
        let lived = seasons.iter().filter(|season| 2 * season.steps <= self.roots.len());
        lived.map(|season| Profile::new(self.step_seconds, season.days, season.slots())).collect()
    }
}

impl Season {
    /// Steps of a short season, hours of a long one.
    fn slots(&self) -> usize {
        self.steps.min(HOURS * self.days as usize)
    }
}

/// The day and the week, without those that take no more than two steps.
fn seasons(step: Step) -> Vec<Season> {
    let both = [1, 7].map(|days| Season { days, steps: steps_per_days(step, days) });
    both.into_iter().filter(|season| season.steps > 2).collect()
}

/// The last hours, and those around the same time one and two seasons before.
fn calendar_windows(seasons: &[Season]) -> Vec<Window> {
    let hour = hour(seasons);
    fine(hour).chain(hours(HOURS_BY_CALENDAR, hour)).chain(around(centres(seasons), hour)).collect()
}

/// The last hours, and those around the same time one season, two seasons and a week before.
fn recent_windows(seasons: &[Season]) -> Vec<Window> {
    let hour = hour(seasons);
    let count = seasons.first().map_or(STEPS_WITHOUT_SEASON, |season| HOURS_BY_RECENT.min(season.steps + 2));
    let week = seasons.last().map(|season| season.steps);
    fine(hour).chain(hours(count, hour)).chain(around(centres(seasons).chain(week), hour)).collect()
}

/// Steps of an hour, or one step where that is longer.
fn hour(seasons: &[Season]) -> usize {
    seasons.first().map_or(1, |season| season.steps / season.slots())
}

/// The last hours, one by one.
fn hours(count: usize, hour: usize) -> impl Iterator<Item = Window> {
    (0..count).map(move |index| Window { near: index * hour + 1, far: (index + 1) * hour })
}

/// What tells of the next step within an hour: the last loads one by one, then windows of twice the length each.
fn fine(hour: usize) -> impl Iterator<Item = Window> {
    let lags = (1..=FINE_LAGS).filter(move |_| hour > 1).map(Window::lag);
    let doubled = (1..usize::BITS).map(|power| FINE_LAGS << power).take_while(move |length| *length < hour);
    lags.chain(doubled.map(|far| Window { near: 1, far }))
}

/// One and two of the shortest season.
fn centres(seasons: &[Season]) -> impl Iterator<Item = usize> {
    seasons.first().into_iter().flat_map(|season| [season.steps, 2 * season.steps])
}

/// The hour before, that around and that after each centre.
fn around(centres: impl Iterator<Item = usize>, hour: usize) -> impl Iterator<Item = Window> {
    let starts = centres.flat_map(move |centre| [centre - hour, centre, centre + hour]);
    starts.map(move |centre| {
        let near = (centre - hour / 2).max(1);
        Window { near, far: near + hour - 1 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_at_follows_the_step() {
        let [hour, minute, day] = [3_600, 60, 86_400].map(|seconds| seasons(Step::from_seconds(seconds).unwrap()));
        let lags = |lags: &[usize]| lags.iter().copied().map(Window::lag).collect::<Vec<_>>();
        assert_eq!(calendar_windows(&hour), lags(&[1, 2, 3, 23, 24, 25, 47, 48, 49]));
        assert!(recent_windows(&hour).ends_with(&lags(&[47, 48, 49, 167, 168, 169])));
        // Minutes are gathered into hours.
        let window = |near: usize, far: usize| Window { near, far };
        assert!(recent_windows(&minute).ends_with(&[
            window(9_990, 10_049),
            window(10_050, 10_109),
            window(10_110, 10_169)
        ]));
        assert!(recent_windows(&minute).starts_with(&lags(&[1, 2, 3, 4, 5, 6, 7, 8])));
        assert!(
            recent_windows(&minute).contains(&window(1, 32)) && recent_windows(&minute).contains(&window(1_501, 1_560))
        );
        assert_eq!(minute.iter().map(Season::slots).collect::<Vec<_>>(), [24, 168]);
        // The only season of days is the week.
        assert_eq!(day, [Season { days: 7, steps: 7 }]);
        assert_eq!(calendar_windows(&day), lags(&[1, 2, 3, 6, 7, 8, 13, 14, 15]));
    }
}
