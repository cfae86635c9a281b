//! How missing intervals are replaced. Always by choice and never silently: a gap is not a zero.
//!
//! [`Observed::fill`] may look at values after the gap, so it is for the load that a simulation plays. What a policy or
//! a model knows of that load is filled by [`Observed::fill_from_past`], in which no value depends on a later one.

use std::fmt;
use std::str::FromStr;

use crate::{DurationError, Observed, Series, SeriesError, Step};

/// How missing intervals are replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Fill {
    /// By zero: nothing arrived.
    Zero,
    /// By the last value seen (before any: by the first one seen).
    Hold,
    /// By the straight line between the neighbours (at the ends: by the nearest value seen).
    Interpolate,
    /// By the value that the nearest season before saw, or the nearest after it where none did before; what no
    /// season reaches is interpolated. The length of the season is a duration, such as a day.
    Season(Step),
    /// By the same minute of other weeks, else of other days, else by interpolation: the sensible choice for traffic,
    /// whatever the length of the trace. The default.
    #[default]
    Seasonal,
}

/// Why a text names no way of filling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FillError {
    /// No such way.
    #[error("{0:?} is no way to fill gaps; write zero, hold, interpolate, seasonal or seasonal:1d")]
    Unknown(String),
    /// The length of the season is no duration.
    #[error("the season in {text:?}: {source}")]
    Season {
        /// The whole text.
        text: String,
        /// What is wrong with the duration.
        source: DurationError,
    },
}

impl fmt::Display for Fill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => formatter.write_str("zero"),
            Self::Hold => formatter.write_str("hold"),
            Self::Interpolate => formatter.write_str("interpolate"),
            Self::Season(season) => write!(formatter, "seasonal:{season}"),
            Self::Seasonal => formatter.write_str("seasonal"),
        }
    }
}

impl FromStr for Fill {
    type Err = FillError;

    fn from_str(text: &str) -> Result<Self, FillError> {
        match text.trim() {
            "zero" => Ok(Self::Zero),
            "hold" => Ok(Self::Hold),
            "interpolate" => Ok(Self::Interpolate),
            "seasonal" => Ok(Self::Seasonal),
            other => match other.strip_prefix("seasonal:") {
                Some(season) => season
                    .parse()
                    .map(Self::Season)
                    .map_err(|source| FillError::Season { text: other.to_owned(), source }),
                None => Err(FillError::Unknown(text.to_owned())),
            },
        }
    }
}

impl Observed {
    /// Replaces the missing intervals. Every value seen is kept as it is. Takes time in proportion to the length.
    ///
    /// # Errors
    /// When nothing was observed at all, or a season is no whole number of intervals.
    pub fn fill(&self, fill: Fill) -> Result<Series, SeriesError> {
        if self.missing() == self.len() {
            return Err(SeriesError::AllMissing);
        }
        let mut values = self.raw().to_vec();
        match fill {
            Fill::Zero => values.iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = 0.0),
            Fill::Hold => hold(&mut values),
            Fill::Interpolate => interpolate(&mut values),
            Fill::Season(season) => {
                let seconds = self.step().seconds();
                if !season.seconds().is_multiple_of(seconds) {
                    return Err(SeriesError::SeasonNotAMultiple { step: self.step(), season });
                }
                copy_seasons(&mut values, (season.seconds() / seconds) as usize);
                interpolate(&mut values);
            }
            Fill::Seasonal => {
                for season in [Step::WEEK, Step::DAY] {
                    if season.seconds().is_multiple_of(self.step().seconds()) {
                        copy_seasons(&mut values, (season.seconds() / self.step().seconds()) as usize);
                    }
                }
                interpolate(&mut values);
            }
        }
        Ok(Series::from_raw(self.start(), self.step(), self.unit(), values))
    }
}

impl Observed {
    /// Replaces the missing intervals from what came before them alone: by the season before, if `fill` is seasonal and
    /// there is one, else by the last value; before anything was seen, by zero. No value depends on a later one.
    ///
    /// # Errors
    /// As [`Self::fill`].
    pub fn fill_from_past(&self, fill: Fill) -> Result<Series, SeriesError> {
        if self.missing() == self.len() {
            return Err(SeriesError::AllMissing);
        }
        let seasons = match fill {
            Fill::Season(season) => vec![season],
            Fill::Seasonal => vec![Step::WEEK, Step::DAY],
            Fill::Zero | Fill::Hold | Fill::Interpolate => Vec::new(),
        };
        let step = self.step().seconds();
        let whole = |season: &Step| season.seconds().is_multiple_of(step).then(|| (season.seconds() / step) as usize);
        let seasons: Vec<usize> = seasons.iter().filter_map(whole).collect();
        let mut values = self.raw().to_vec();
        for index in 0..values.len() {
            if values[index].is_nan() {
                let before = seasons.iter().find_map(|season| index.checked_sub(*season)).or(index.checked_sub(1));
                values[index] = before.filter(|_| fill != Fill::Zero).map_or(0.0, |before| values[before]);
            }
        }
        Ok(Series::from_raw(self.start(), self.step(), self.unit(), values))
    }
}

fn hold(values: &mut [f64]) {
    let mut last = values.iter().copied().find(|value| !value.is_nan()).unwrap_or(0.0);
    for value in values {
        if value.is_nan() {
            *value = last;
        }
        last = *value;
    }
}

fn interpolate(values: &mut [f64]) {
    let mut begin = 0;
    while let Some(gap) = values[begin..].iter().position(|value| value.is_nan()).map(|offset| begin + offset) {
        let end = values[gap..].iter().position(|value| !value.is_nan()).map_or(values.len(), |offset| gap + offset);
        let before = gap.checked_sub(1).map(|index| values[index]);
        let after = values.get(end).copied();
        let (from, to) = match (before, after) {
            (Some(before), Some(after)) => (before, after),
            (Some(only), None) | (None, Some(only)) => (only, only),
            (None, None) => return,
        };
        let intervals = (end - gap + 1) as f64;
        for (index, value) in values[gap..end].iter_mut().enumerate() {
            let share = (index + 1) as f64 / intervals;
            // This form lies between the two ends even where their difference would round.
            *value = from * (1.0 - share) + to * share;
        }
        begin = end;
    }
}

/// Fills from the season before, first to last, so that a value travels over any number of seasons; then what is left
/// from the season after, last to first.
fn copy_seasons(values: &mut [f64], season: usize) {
    for index in season..values.len() {
        if values[index].is_nan() {
            values[index] = values[index - season];
        }
    }
    for index in (0..values.len().saturating_sub(season)).rev() {
        if values[index].is_nan() {
            values[index] = values[index + season];
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::Unit;

    const GAP: f64 = f64::NAN;

    proptest! {
        #[test]
        fn what_is_filled_from_the_past_depends_on_nothing_later(
            values in prop::collection::vec(prop_oneof![Just(None), (0.0..100.0).prop_map(Some)], 2..60),
            at in any::<prop::sample::Index>(),
            other in prop_oneof![Just(None), (0.0..100.0).prop_map(Some)],
        ) {
            let at = at.index(values.len());
            let mut changed = values.clone();
            changed[at] = other;
            for fill in [Fill::Zero, Fill::Hold, Fill::Interpolate, Fill::Seasonal, Fill::Season(Step::DAY)] {
                let known = |values: &[Option<f64>]| {
                    let hours = Observed::new(Timestamp::UNIX_EPOCH, Step::HOUR, Unit::Value, values.iter().copied());
                    hours.unwrap().fill_from_past(fill).map(|series| series.values().to_vec())
                };
                if let (Ok(one), Ok(two)) = (known(&values), known(&changed)) {
                    prop_assert_eq!(&one[..at], &two[..at]);
                    let seen = values.iter().zip(&one).all(|(value, filled)| value.is_none_or(|value| value == *filled));
                    prop_assert!(seen);
                }
            }
        }
    }

    fn filled(values: &[f64], step_seconds: u32, fill: Fill) -> Vec<f64> {
        let step = Step::from_seconds(step_seconds).unwrap();
        let values = values.iter().map(|value| (!value.is_nan()).then_some(*value));
        let observed = Observed::new(Timestamp::UNIX_EPOCH, step, Unit::Value, values).unwrap();
        observed.fill(fill).unwrap().values().to_vec()
    }

    #[test]
    fn each_way_of_filling_does_what_its_name_says() {
        let values = [GAP, 2.0, GAP, GAP, 8.0, GAP];
        assert_eq!(filled(&values, 60, Fill::Zero), [0.0, 2.0, 0.0, 0.0, 8.0, 0.0]);
        assert_eq!(filled(&values, 60, Fill::Hold), [2.0, 2.0, 2.0, 2.0, 8.0, 8.0]);
        assert_eq!(filled(&values, 60, Fill::Interpolate), [2.0, 2.0, 4.0, 6.0, 8.0, 8.0]);
        let season = Fill::Season(Step::from_seconds(120).unwrap());
        assert_eq!(filled(&[GAP, 2.0, 3.0, GAP, GAP, GAP], 60, season), [3.0, 2.0, 3.0, 2.0, 3.0, 2.0]);
    }

    #[test]
    fn seasonal_prefers_the_week_then_the_day_then_the_neighbours() {
        // Eight days of one value each: day 7 is a week after day 0.
        assert_eq!(
            filled(&[5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, GAP], 86_400, Fill::Seasonal),
            [5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 5.0]
        );
        // Half days over two days: no week, but a day.
        assert_eq!(filled(&[1.0, 2.0, GAP, 4.0], 43_200, Fill::Seasonal), [1.0, 2.0, 1.0, 4.0]);
        assert_eq!(filled(&[1.0, GAP, 3.0], 60, Fill::Seasonal), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        let step = Step::from_seconds(7).unwrap();
        let nothing = Observed::new(Timestamp::UNIX_EPOCH, step, Unit::Value, [None, None]).unwrap();
        assert_eq!(nothing.fill(Fill::Zero), Err(SeriesError::AllMissing));
        let some = Observed::new(Timestamp::UNIX_EPOCH, step, Unit::Value, [None, Some(1.0)]).unwrap();
        let season = Step::from_seconds(60).unwrap();
        assert_eq!(some.fill(Fill::Season(season)), Err(SeriesError::SeasonNotAMultiple { step, season }));
    }

    #[test]
    fn fills_are_read_as_they_are_written() {
        for text in ["zero", "hold", "interpolate", "seasonal", "seasonal:1d", "seasonal:90m"] {
            let fill: Fill = text.parse().unwrap();
            assert_eq!(fill.to_string().parse(), Ok(fill), "{text}");
        }
        assert_eq!("seasonal:1d".parse(), Ok(Fill::Season(Step::DAY)));
        assert!(matches!("mean".parse::<Fill>(), Err(FillError::Unknown(_))));
        assert!(matches!("seasonal:soon".parse::<Fill>(), Err(FillError::Season { .. })));
    }

    proptest! {
        #[test]
        fn every_seen_value_is_kept_and_every_gap_lies_within_what_was_seen(
            values in prop::collection::vec(prop::option::weighted(0.6, 0.0..1e12_f64), 1..200),
            season in 1_u32..40,
        ) {
            let observed = Observed::new(Timestamp::UNIX_EPOCH, Step::MINUTE, Unit::Bytes, values.clone()).unwrap();
            prop_assume!(observed.missing() < observed.len());
            let highest = values.iter().flatten().copied().fold(0.0, f64::max);
            let lowest = values.iter().flatten().copied().fold(f64::MAX, f64::min);
            let season = Fill::Season(Step::from_seconds(60 * season).unwrap());
            for fill in [Fill::Hold, Fill::Interpolate, season, Fill::Seasonal, Fill::Zero] {
                let series = observed.fill(fill).unwrap();
                prop_assert_eq!(series.len(), values.len());
                for (seen, now) in values.iter().zip(series.values()) {
                    match seen {
                        Some(seen) => prop_assert_eq!(seen, now),
                        None if fill == Fill::Zero => prop_assert_eq!(*now, 0.0),
                        None => prop_assert!(*now <= highest * (1.0 + 1e-15) && *now >= lowest * (1.0 - 1e-15)),
                    }
                }
            }
        }
    }
}
