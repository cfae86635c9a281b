//! Several seasons taken off by local regression (MSTL), the rest forecast by exponential smoothing.
//!
//! Seasons are a day and a week, each from when two of it are known. Their profiles stay as the last day and week had
//! them; the rest is followed load by load. With steps finer than a quarter of an hour the seasons are found in means
//! of quarter hours and drawn as lines between their middles, so that a profile does not repeat the noise of single
//! minutes. Learnt from are the last twelve weeks; the smoothing is chosen on their last 2,016 steps.
//! Source: Bandara, Hyndman, Bergmeir, *MSTL: A Seasonal-Trend Decomposition Algorithm for Time Series with Multiple
//! Seasonal Patterns* (2021), with the windows and the forecasts of `forecast` for R. The decomposition is the crate
//! `stlrs`, a translation of Cleveland's own STL (1990) without dependencies.

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

use crate::absurd::{limit, mend};
use crate::ets::{Form, Season, Slots, Smoother, Unfit};
use crate::history::View;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, SaveError, check_horizons, check_past, from_bytes, season, steps_per_days,
    to_bytes,
};
use crate::normal::quantile;
use crate::recent::Recent;

const MODEL: &str = "mstl";
/// The fewest intervals learnt from.
const SHORTEST_PAST: usize = 10;
/// The seasons are found in at most so many days before the end of the past.
const DAYS_MAX: u32 = 84;
/// However long a step is, so many are learnt from.
const STEPS_MIN: usize = 1000;
/// The smoothing is chosen on at most so many steps.
const SMOOTHED_STEPS_MAX: usize = 2016;
/// The most slots of a day.
const SLOTS_MAX: usize = 96;
/// Days of a week, the second season.
const WEEK: usize = 7;

/// Several seasons by local regression, and exponential smoothing of the rest.
#[derive(Debug, Clone, Copy)]
pub struct Mstl;

#[derive(Debug, Serialize, Deserialize)]
struct FittedMstl {
    horizons: Vec<usize>,
    recent: Recent,
    /// Steps of the shortest season; `None` where a step is too long for any.
    day: Option<usize>,
    /// Whether seven of those make a second season.
    weeks: bool,
    seasons: Seasons,
    smoother: Smoother,
    /// Steps from the start of the recent loads to the next one.
    next: usize,
}

/// What the seasons add to each step from the end of the fit on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Seasons {
    slots: Slots,
    /// One profile per season found, from its slot 0 on.
    profiles: Vec<Vec<f64>>,
}

impl MeanModel for Mstl {
    fn name(&self) -> &'static str {
        MODEL
    }

    fn shortest_past(&self, _step: Step, _furthest: usize) -> usize {
        SHORTEST_PAST
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        check_past(self, past, horizons)?;
        let day = season(past.step());
        let weeks = day.is_some_and(|day| day == steps_per_days(past.step(), 1));
        let mut recent = Recent::new(steps_per_days(past.step(), DAYS_MAX).max(STEPS_MIN));
        recent.extend(past);
        Ok(Box::new(FittedMstl::learn(recent, day, weeks, horizons.to_vec())?))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let restored: FittedMstl = from_bytes(saved)?;
        let Seasons { slots, profiles } = &restored.seasons;
        let whole =
            slots.count >= 1 && slots.count <= slots.steps && profiles.iter().all(|profile| !profile.is_empty());
        if !whole || !restored.smoother.is_whole() || check_horizons(&restored.horizons).is_err() {
            return Err(SaveError::NotRestored("its profiles do not fit its seasons".to_owned()));
        }
        Ok(Box::new(restored))
    }
}

impl FittedMstl {
    fn learn(recent: Recent, day: Option<usize>, weeks: bool, horizons: Vec<usize>) -> Result<Self, FitError> {
        let (values, missing) = recent.get();
        let mut missing = missing.to_vec();
        let too_large = || FitError::TooLarge { model: MODEL, largest: recent.largest() };
        let limit = limit(values, &missing).ok_or_else(too_large)?;
        let values = mend(values, &mut missing, day.unwrap_or(1), limit);
        let (seasons, rest) = Seasons::find(&values, day, weeks);
        let from = rest.len().saturating_sub(SMOOTHED_STEPS_MAX);
        let forms = Form::all().filter(|form| form.season == Season::None);
        // Chosen for the next step: on M4 hourly, choosing further ahead gained nothing here.
        let smoother = Smoother::learn(&rest[from..], &missing[from..], Slots::NONE, forms, &[1]);
        let smoother = smoother.map_err(|unfit| match unfit {
            Unfit::TooFew => FitError::TooShort { model: MODEL, needed: SHORTEST_PAST, got: recent.observed() },
            Unfit::TooLarge => too_large(),
        })?;
        let next = rest.len();
        Ok(Self { horizons, recent, day, weeks, seasons, smoother, next })
    }
}

impl FittedMean for FittedMstl {
    fn extend(&mut self, new: View<'_>) {
        for (index, value) in new.values().iter().enumerate() {
            let rest = value - self.seasons.at(self.next);
            self.smoother.observe((!new.is_missing(index)).then_some(rest));
            self.next += 1;
        }
        self.recent.extend(new);
    }

    fn refit(&mut self) -> Result<(), FitError> {
        *self = Self::learn(self.recent.clone(), self.day, self.weeks, self.horizons.clone())?;
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        for (mean, horizon) in means.iter_mut().zip(&self.horizons) {
            let seasonal = self.seasons.at(self.next + horizon - 1);
            *mean = (self.smoother.mean(*horizon) + seasonal).clamp(0.0, f64::MAX);
        }
    }

    fn own_quantiles(&self, level: f64) -> Option<Vec<f64>> {
        let deviations = self.smoother.deviations(self.horizons.last().copied().unwrap_or(0));
        let score = quantile(level);
        let mut quantiles = vec![0.0; self.horizons.len()];
        self.means(&mut quantiles);
        for (quantile, horizon) in quantiles.iter_mut().zip(&self.horizons) {
            *quantile = (*quantile + score * deviations[horizon - 1]).clamp(0.0, f64::MAX);
        }
        Some(quantiles)
    }

    fn learnt(&self) -> Vec<Learnt> {
        let season = match (self.day, self.seasons.profiles.len()) {
            (None, _) => "none".to_owned(),
            (Some(_), 0) => "none: fewer than two are known".to_owned(),
            (Some(day), 1) => format!("{day} steps"),
            (Some(day), _) => format!("{day} and {} steps", day * WEEK),
        };
        let observed = self.recent.observed().min(SMOOTHED_STEPS_MAX);
        let mut learnt = self.smoother.learnt(observed);
        learnt.push(Learnt { name: "season", value: season });
        learnt
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(self)
    }
}

impl Seasons {
    /// The seasons of some loads, and the loads without them.
    fn find(values: &[f64], day: Option<usize>, weeks: bool) -> (Self, Vec<f64>) {
        let slots = day.map_or(Slots::NONE, |day| Slots::new(day, SLOTS_MAX));
        let none = || (Self { slots: slots.clone(), profiles: Vec::new() }, values.to_vec());
        let coarse = slot_means(values, &slots);
        let lengths = [slots.count, slots.count * WEEK];
        let known = lengths.into_iter().take(1 + usize::from(weeks)).filter(|length| coarse.len() >= 2 * length);
        let lengths: Vec<usize> = known.filter(|length| *length > 1).collect();
        // The windows of `forecast` for R: 11, 15, …
        let windows: Vec<usize> = (0..lengths.len()).map(|index| 11 + 4 * index).collect();
        let Ok(found) = stlrs::MstlParams::new().seasonal_lengths(&windows).fit(&coarse, &lengths) else {
            return none();
        };
        let last_slot = coarse.len() - 1;
        let at = |seasonal: &Vec<f64>, step: usize| slots.between(step, |slot| seasonal[slot.min(last_slot)]);
        let all_at = |step: usize| found.seasonal().iter().map(|seasonal| at(seasonal, step)).sum::<f64>();
        let rest = values.iter().enumerate().map(|(step, value)| value - all_at(step)).collect();
        let last = |(seasonal, length): (&Vec<f64>, &usize)| -> Vec<f64> {
            let first = seasonal.len() - length;
            (0..*length).map(|slot| seasonal[first + (slot + length - first % length) % length]).collect()
        };
        let profiles = found.seasonal().iter().zip(&lengths).map(last).collect();
        (Self { slots, profiles }, rest)
    }

    /// What they add to a step, counted from the first load learnt from.
    fn at(&self, step: usize) -> f64 {
        let part = |profile: &Vec<f64>| self.slots.between(step, |slot| profile[slot % profile.len()]);
        self.profiles.iter().map(part).sum()
    }
}

/// The mean of the loads of each slot, one after the other; the last may be cut short.
fn slot_means(values: &[f64], slots: &Slots) -> Vec<f64> {
    if slots.count == slots.steps {
        return values.to_vec();
    }
    let mut means: Vec<(f64, f64)> = Vec::with_capacity(values.len() * slots.count / slots.steps + 1);
    for (step, value) in values.iter().enumerate() {
        let slot = slots.running(step);
        if slot == means.len() {
            means.push((0.0, 0.0));
        }
        if let Some((sum, count)) = means.get_mut(slot) {
            *sum += value;
            *count += 1.0;
        }
    }
    means.iter().map(|(sum, count)| sum / count).collect()
}

#[cfg(test)]
mod tests {
    use dataflow_series::{Fill, Observed, Unit};
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::golden::{Golden, loads_of};

    fn wave(step: usize, length: usize) -> f64 {
        (step as f64 / length as f64 * std::f64::consts::TAU).sin()
    }

    #[test]
    fn two_seasons_are_found_and_go_on() {
        let load = |step: usize| 100.0 + 30.0 * wave(step, 24) + 10.0 * wave(step, 168);
        let values: Vec<f64> = (0..168 * 5 + 17).map(load).collect();
        let (seasons, rest) = Seasons::find(&values, Some(24), true);
        assert_eq!(seasons.profiles.len(), 2);
        for (step, rest) in rest.iter().enumerate() {
            assert!((rest - 100.0).abs() < 1.5, "{rest} at {step}");
        }
        for step in values.len()..values.len() + 200 {
            assert!((seasons.at(step) - (load(step) - 100.0)).abs() < 1.5, "{step}");
        }
    }

    #[test]
    fn fine_steps_get_seasons_of_quarter_hours() {
        let load = |step: usize| 100.0 + 30.0 * wave(step, 1440);
        let values: Vec<f64> = (0..1440 * 4 + 100).map(load).collect();
        let (seasons, rest) = Seasons::find(&values, Some(1440), true);
        assert_eq!((seasons.profiles.len(), seasons.profiles[0].len()), (1, 96));
        for step in values.len()..values.len() + 1500 {
            assert!((seasons.at(step) - 30.0 * wave(step, 1440)).abs() < 0.5, "{step}: {}", seasons.at(step));
        }
        assert!(rest.iter().all(|rest| (rest - 100.0).abs() < 1.0));
    }

    #[test]
    fn without_two_days_there_is_no_season() {
        let (seasons, rest) = Seasons::find(&[5.0; 40], Some(24), true);
        assert!(seasons.profiles.is_empty() && rest == [5.0; 40] && seasons.at(100) == 0.0);
    }

    #[derive(Deserialize)]
    struct Theirs {
        name: String,
        forecast: Vec<f64>,
    }

    #[test]
    fn forecasts_are_near_those_of_statsforecast() {
        // The decompositions differ in how often they go over the series, and so the last profiles a little.
        let hour = Step::from_seconds(3_600).unwrap();
        for theirs in Golden::<Theirs>::read("mstl.json").cases {
            let loads = loads_of(&theirs.name);
            let mean = loads.iter().sum::<f64>() / loads.len() as f64;
            let series = Observed::new(Timestamp::UNIX_EPOCH, hour, Unit::Requests, loads.into_iter().map(Some));
            let series = series.unwrap().fill(Fill::Zero).unwrap();
            let horizons: Vec<usize> = (1..=48).collect();
            let fitted = Mstl.fit(View::of(&series, &TimeZone::UTC), &horizons).unwrap();
            let mut means = [0.0; 48];
            fitted.means(&mut means);
            let misses = means.iter().zip(&theirs.forecast).map(|(mean, theirs)| (mean - theirs.max(0.0)).abs());
            let miss = misses.sum::<f64>() / 48.0 / mean;
            assert!(miss < 0.05, "{}: {miss}", theirs.name);
        }
    }
}
