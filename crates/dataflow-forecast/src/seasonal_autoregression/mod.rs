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

use self::autoregression::Autoregression;
use self::profile::Profile;
use self::roots::{Roots, to_load};
use crate::history::View;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, SaveError, check_horizons, from_bytes, season, steps_per_days, to_bytes,
};

const MODEL: &str = "seasonal-autoregression";
/// The fewest seasons of past to learn from, and the fewest intervals where there is no season.
const SEASONS_MIN: usize = 3;
const STEPS_MIN: usize = 24;
/// The day is cut into so many hours at most, however short the steps are.
const HOURS: usize = 24;
/// The last so many loads are looked at by the autoregression that follows what lately happened: a day of hours and
/// a little more.
const RECENT: usize = 26;
/// The same where there is no season.
const RECENT_WITHOUT_SEASON: usize = 8;

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
        check_horizons(horizons)?;
        let (needed, got) = (self.shortest_past(past.step(), 1), past.len());
        if got < needed {
            return Err(FitError::TooShort { model: MODEL, needed, got });
        }
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
        let by_calendar = Autoregression::fit(&roots, calendar_lags(&self.seasons), self.profiles(&self.seasons));
        let shortest = &self.seasons[..self.seasons.len().min(1)];
        let by_recent = Autoregression::fit(&roots, recent_lags(&self.seasons), self.profiles(shortest));
        let (Some(by_calendar), Some(by_recent)) = (by_calendar, by_recent) else {
            return Err(FitError::TooLarge { model: MODEL, largest: roots.largest_load() });
        };
        (self.roots, self.by_calendar, self.by_recent) = (roots, by_calendar, by_recent);
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        let furthest = self.horizons.last().copied().unwrap_or(0);
        let [calendar, recent] = [&self.by_calendar, &self.by_recent].map(|part| part.forecast(&self.roots, furthest));
        for (mean, horizon) in means.iter_mut().zip(&self.horizons) {
            let loads = [&calendar, &recent].map(|path| to_load(self.roots.unscaled(path[horizon - 1])));
            *mean = 0.5 * loads[0] + 0.5 * loads[1];
        }
    }

    fn learnt(&self) -> Vec<Learnt> {
        let lags = |part: &Autoregression| part.lags().iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        vec![
            Learnt { name: "lags beside the calendar", value: lags(&self.by_calendar) },
            Learnt { name: "lags alone", value: lags(&self.by_recent) },
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

/// The last three loads, and those around the same time one and two seasons before.
fn calendar_lags(seasons: &[Season]) -> Vec<usize> {
    (1..=3).chain(around(centres(seasons))).collect()
}

/// The last loads, and those around the same time one season, two seasons and a week before.
fn recent_lags(seasons: &[Season]) -> Vec<usize> {
    let recent = seasons.first().map_or(RECENT_WITHOUT_SEASON, |season| RECENT.min(season.steps + 2));
    let week = seasons.last().map(|season| season.steps);
    (1..=recent).chain(around(centres(seasons).chain(week))).collect()
}

/// One and two of the shortest season.
fn centres(seasons: &[Season]) -> impl Iterator<Item = usize> {
    seasons.first().into_iter().flat_map(|season| [season.steps, 2 * season.steps])
}

fn around(centres: impl Iterator<Item = usize>) -> impl Iterator<Item = usize> {
    centres.flat_map(|centre| centre - 1..=centre + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_follow_the_step() {
        let [hour, minute, day] = [3_600, 60, 86_400].map(|seconds| seasons(Step::from_seconds(seconds).unwrap()));
        assert_eq!(calendar_lags(&hour), [1, 2, 3, 23, 24, 25, 47, 48, 49]);
        assert!(recent_lags(&hour).ends_with(&[47, 48, 49, 167, 168, 169]));
        assert!(recent_lags(&minute).ends_with(&[2_879, 2_880, 2_881, 10_079, 10_080, 10_081]));
        assert_eq!(minute.iter().map(Season::slots).collect::<Vec<_>>(), [24, 168]);
        // The only season of days is the week.
        assert_eq!(day, [Season { days: 7, steps: 7 }]);
        assert_eq!(calendar_lags(&day), [1, 2, 3, 6, 7, 8, 13, 14, 15]);
    }
}
