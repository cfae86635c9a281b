//! Exponential smoothing in state-space form (ETS), the form chosen automatically.
//!
//! Error additive or relative, trend none, additive or damped, season (a day) none, additive or as factors: each of the
//! allowed forms is fitted by maximum likelihood and the one with the least corrected AIC is taken: that of the
//! errors at all asked horizons, where more than the next load is asked for (`ahead`). Missing loads are skipped: the
//! state moves on without an error. With steps finer than a quarter of an hour the profile has 96 slots a day, each of
//! several steps; a profile of more than 48 slots starts from the mean of the first four seasons instead of being
//! searched for. Learnt from is the end of the past: two seasons of 1,008 steps or fourteen days, whichever is longer.
//! Source: Hyndman, Koehler, Ord, Snyder, *Forecasting with Exponential Smoothing* (2008).
//!
//! Own code rather than the crate `augurs`, whose models skip no missing loads and have no state to go on with or save.

mod ahead;
mod distribution;
mod fit;
mod form;
#[cfg(test)]
mod golden;
mod layout;
mod likelihood;
mod sample;
mod smoother;
mod start;
mod state;

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

pub(crate) use form::{Form, Season};
pub(crate) use smoother::{Smoother, Unfit};
pub(crate) use state::Slots;

use crate::history::View;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, SaveError, Spread, check_horizons, check_past, from_bytes, season,
    to_bytes,
};
use crate::normal::quantile;
use crate::recent::Recent;

const MODEL: &str = "ets";
/// The fewest intervals on which a form is chosen.
const SHORTEST_PAST: usize = 10;
/// The most slots of the profile.
const SLOTS_MAX: usize = 96;

/// Exponential smoothing in the form that suits the past best.
#[derive(Debug, Clone, Copy)]
pub struct Ets;

#[derive(Debug, Serialize, Deserialize)]
struct FittedEts {
    horizons: Vec<usize>,
    season: Option<usize>,
    recent: Recent,
    smoother: Smoother,
}

impl MeanModel for Ets {
    fn name(&self) -> &'static str {
        MODEL
    }

    fn shortest_past(&self, _step: Step, _furthest: usize) -> usize {
        SHORTEST_PAST
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        check_past(self, past, horizons)?;
        let season = season(past.step());
        let recent = Recent::of_seasons(past, season);
        let smoother = learn(&recent, season, horizons)?;
        Ok(Box::new(FittedEts { horizons: horizons.to_vec(), season, recent, smoother }))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let restored: FittedEts = from_bytes(saved)?;
        if !restored.smoother.is_whole() || check_horizons(&restored.horizons).is_err() {
            return Err(SaveError::NotRestored("its profile does not fit its season".to_owned()));
        }
        Ok(Box::new(restored))
    }
}

/// The best form for these horizons; with a season where two of it are known.
fn learn(recent: &Recent, season: Option<usize>, horizons: &[usize]) -> Result<Smoother, FitError> {
    let (values, missing) = recent.get();
    let known = season.filter(|season| values.len() >= 2 * season);
    let slots = known.map_or(Slots::NONE, |season| Slots::new(season, SLOTS_MAX));
    Smoother::learn(values, missing, slots, Form::all(), horizons).map_err(|unfit| match unfit {
        Unfit::TooFew => FitError::TooShort { model: MODEL, needed: SHORTEST_PAST, got: recent.observed() },
        Unfit::TooLarge => FitError::TooLarge { model: MODEL, largest: recent.largest() },
    })
}

impl FittedMean for FittedEts {
    fn extend(&mut self, new: View<'_>) {
        for (index, value) in new.values().iter().enumerate() {
            self.smoother.observe((!new.is_missing(index)).then_some(*value));
        }
        self.recent.extend(new);
    }

    fn refit(&mut self) -> Result<(), FitError> {
        self.smoother = learn(&self.recent, self.season, &self.horizons)?;
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        for (mean, horizon) in means.iter_mut().zip(&self.horizons) {
            *mean = self.smoother.mean(*horizon).clamp(0.0, f64::MAX);
        }
    }

    /// Where errors are shares of the forecast. Absolute errors would give every hour the same spread, but counts spread
    /// with the root of their level even where such a form explains their means best.
    fn spreads(&self, spreads: &mut [Spread]) -> bool {
        if !self.smoother.is_relative() {
            return false;
        }
        let deviations = self.smoother.deviations(self.horizons.last().copied().unwrap_or(0));
        for (spread, horizon) in spreads.iter_mut().zip(&self.horizons) {
            let deviation = deviations[horizon - 1];
            *spread = Spread { below: deviation, above: deviation };
        }
        true
    }

    fn own_quantiles(&self, level: f64) -> Option<Vec<f64>> {
        let deviations = self.smoother.deviations(self.horizons.last().copied().unwrap_or(0));
        let score = quantile(level);
        let at = |horizon: &usize| self.smoother.mean(*horizon) + score * deviations[horizon - 1];
        Some(self.horizons.iter().map(|horizon| at(horizon).clamp(0.0, f64::MAX)).collect())
    }

    fn learnt(&self) -> Vec<Learnt> {
        let season = match self.season {
            Some(season) if self.recent.get().0.len() < 2 * season => "none: fewer than two are known".to_owned(),
            Some(season) => format!("{season} steps"),
            None => "none".to_owned(),
        };
        let mut learnt = self.smoother.learnt(self.recent.observed());
        learnt.push(Learnt { name: "season", value: season });
        learnt
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(self)
    }
}
