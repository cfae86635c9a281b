//! Proof that a model did not see the future: with everything after an origin shuffled, every forecast made up to that
//! origin must come out the same, bit for bit.

use std::ops::Range;

use dataflow_series::{Fill, Observed, Unit};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::backtest::{BacktestSettings, Trial, origins, trial_until};
use crate::history::{Exogenous, History, View};
use crate::model::{FitError, Model};

/// Origins, from the first on, whose forecasts are made again.
const CHECKED_ORIGINS: usize = 64;
const SEED: u64 = 0x5EED;

/// Whether the forecasts of a trial depend on loads that came after them. The model is fitted a second time and a sample
/// of its forecasts is made again, on a history whose intervals after the sample are in another order.
///
/// # Errors
/// As [`crate::backtest`]; also where the shuffled history makes the model fail, which it would not if it did not look.
pub fn sees_the_future(
    history: View<'_>,
    model: &dyn Model,
    settings: &BacktestSettings,
    made: &Trial,
) -> Result<bool, FitError> {
    let (_, first_origin) = origins(history.len(), settings)?;
    let last = (first_origin + CHECKED_ORIGINS.min(settings.holdout / 2)).min(history.len());
    let shuffled = shuffled(history, last..history.len()).map_err(|error| FitError::NotChecked(error.to_string()))?;
    let again = trial_until(shuffled.view(history.time_zone()), model, settings, last + 1)?;
    Ok(!again.held_out.begins_as(&made.held_out))
}

/// The history with the intervals of a range in another order: loads, marks, columns and finer loads alike.
///
/// # Errors
/// None that a history can cause: what a view holds is finite and complete.
fn shuffled(history: View<'_>, range: Range<usize>) -> Result<History, Box<dyn std::error::Error>> {
    let mut order: Vec<usize> = (0..history.len()).collect();
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for place in (range.start + 1..range.end).rev() {
        let among = (place - range.start + 1) as u64;
        order.swap(place, range.start + (random.next_u64() % among) as usize);
    }
    let loads = order.iter().map(|from| history.values().get(*from).copied());
    let series = Observed::new(history.start(), history.step(), Unit::Value, loads)?.fill(Fill::Zero)?;
    let missing = order.iter().map(|from| history.is_missing(*from)).collect();
    let mut columns = History::new(series).with_missing(missing)?;
    for (name, values) in history.exogenous() {
        let values = order.iter().filter_map(|from| values.get(*from).copied()).collect();
        columns = columns.with_exogenous(Exogenous { name: name.to_owned(), values })?;
    }
    if let Some((parts, inside)) = history.inside() {
        let of = |from: &usize| inside.get(from * parts..(from + 1) * parts).unwrap_or_default().iter().copied();
        let inside = order.iter().flat_map(of).collect();
        columns = columns.with_inside(parts, inside)?;
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use dataflow_series::Step;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::backtest::trial;
    use crate::spec::{ModelSettings, ModelSpec};

    fn history() -> History {
        let load = |hour: u32| f64::from(100 + hour % 24 + hour % 7);
        let observed =
            Observed::new(Timestamp::UNIX_EPOCH, Step::HOUR, Unit::Requests, (0..600).map(|hour| Some(load(hour))));
        let series = observed.unwrap().fill(Fill::Zero).unwrap();
        let inside = series.values().iter().flat_map(|load| [load / 3.0, load * 2.0 / 3.0]).collect();
        let errors = Exogenous { name: "errors".to_owned(), values: series.values().to_vec() };
        let history = History::new(series).with_inside(2, inside).and_then(|history| history.with_exogenous(errors));
        history.and_then(|history| history.with_missing((0..600).map(|hour| hour % 50 == 0).collect())).unwrap()
    }

    fn settings() -> BacktestSettings {
        BacktestSettings {
            holdout: 120,
            horizons: vec![1, 12],
            levels: vec![0.5],
            coverages: vec![0.8],
            refit: Some(24),
            model: ModelSettings::default(),
            dispersion: 1.0,
        }
    }

    #[test]
    fn what_is_shuffled_stays_together_and_nothing_before_moves() {
        let (history, zone) = (history(), TimeZone::UTC);
        let other = shuffled(history.view(&zone), 500..600).unwrap();
        let (before, after) = (history.view(&zone), other.view(&zone));
        assert_eq!(before.values()[..500], after.values()[..500]);
        assert_ne!(before.values()[500..], after.values()[500..]);
        let (_, column) = after.exogenous().next().unwrap();
        assert_eq!(column, after.values());
        let (parts, inside) = after.inside().unwrap();
        assert_eq!(parts, 2);
        assert!(inside.chunks(2).zip(after.values()).all(|(parts, load)| parts[0] == load / 3.0));
        assert_eq!((0..600).filter(|interval| after.is_missing(*interval)).count(), 12);
    }

    #[test]
    fn honest_models_pass_and_forecasts_of_another_future_do_not() {
        let (history, zone) = (history(), TimeZone::UTC);
        let view = history.view(&zone);
        for spec in [ModelSpec::Naive, ModelSpec::SeasonalNaive, ModelSpec::Ridge] {
            let model = spec.model(ModelSettings::default()).unwrap();
            let made = trial(view, model.as_ref(), &settings()).unwrap();
            assert_eq!(sees_the_future(view, model.as_ref(), &settings(), &made), Ok(false), "{spec}");
        }
        // A trial of a model that was told later loads: here one of a series that differs before the origin.
        let ridge = ModelSpec::Ridge.model(ModelSettings::default()).unwrap();
        let mut other = trial(view, ridge.as_ref(), &settings()).unwrap();
        let another = shuffled(view, 400..600).unwrap();
        other.held_out = trial(another.view(&zone), ridge.as_ref(), &settings()).unwrap().held_out;
        assert_eq!(sees_the_future(view, ridge.as_ref(), &settings(), &other), Ok(true));
    }
}
