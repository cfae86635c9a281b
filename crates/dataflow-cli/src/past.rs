//! What models may look at of a trace: its load filled from the past alone, which of it was missing, the answers by
//! status class, and the minutes inside of longer intervals.

use dataflow_forecast::{Dispersion, Exogenous, History, HistoryError};
use dataflow_series::source::Extra;
use dataflow_series::{Fill, Observed, Series, Step, Unit};

/// The status classes that models are given beside the load.
const CLASSES: [&str; 5] = ["success", "no_change", "redirected", "not_found", "error"];
/// Given as the logarithm of one more than the bytes.
const LOG_BYTES: &str = "log_bytes";
const BYTES: &str = "bytes";
const REQUESTS: &str = "requests";

/// The past of a trace as models see it. `known` is the load of `observed`, filled from the past; `finer` and `extras`
/// begin with it and are cut where they are longer. Nothing in it depends on anything later.
///
/// # Errors
/// When the parts do not fit together, which no trace makes.
pub(crate) fn history(
    known: Series,
    observed: &Observed,
    finer: Option<&Observed>,
    extras: &[Extra],
    fill: Fill,
) -> Result<History, HistoryError> {
    let (length, step) = (known.len(), known.step());
    let load = observed.unit();
    let mut history = History::new(known).with_missing(observed.values().map(|load| load.is_none()).collect())?;
    for name in CLASSES {
        if let Some(values) = column(extras, name, length, fill) {
            history = history.with_exogenous(Exogenous { name: name.to_owned(), values })?;
        }
    }
    let bytes = if load == Unit::Bytes {
        Some(history.series().values().to_vec())
    } else {
        column(extras, BYTES, length, fill)
    };
    if let Some(bytes) = bytes.filter(|_| !history.exogenous().is_empty()) {
        let values = bytes.into_iter().map(f64::ln_1p).collect();
        history = history.with_exogenous(Exogenous { name: LOG_BYTES.to_owned(), values })?;
    }
    match finer.and_then(|finer| minutes_inside(finer, step, length, fill)) {
        Some((parts, loads)) => history.with_inside(parts, loads),
        None => Ok(history),
    }
}

/// Whether models are given every status class.
pub(crate) fn has_classes(history: &History) -> bool {
    CLASSES.iter().all(|class| history.exogenous().iter().any(|column| column.name == *class))
}

/// A column filled from the past; `None` where the trace lacks it or all of it is missing.
fn column(extras: &[Extra], name: &str, length: usize, fill: Fill) -> Option<Vec<f64>> {
    let extra = extras.iter().find(|extra| extra.name == name)?;
    let filled = extra.values.fill_from_past(fill).ok()?;
    filled.values().get(..length).map(<[f64]>::to_vec)
}

/// The loads of the minutes inside of each longer interval, or of the trace's own steps where they are longer than a
/// minute.
fn minutes_inside(finer: &Observed, interval: Step, length: usize, fill: Fill) -> Option<(usize, Vec<f64>)> {
    if interval <= Step::MINUTE {
        return None;
    }
    let minutes = if finer.step() < Step::MINUTE { finer.resample(Step::MINUTE).ok()? } else { finer.clone() };
    let part = minutes.step().seconds();
    let parts = interval.seconds().is_multiple_of(part).then(|| (interval.seconds() / part) as usize)?;
    let filled = minutes.fill_from_past(fill).ok()?;
    Some((parts, filled.values().get(..length * parts)?.to_vec())).filter(|(parts, _)| *parts > 1)
}

/// How much counts of this trace vary beyond their mean: measured within minutes where loads of seconds are known, else
/// that of independent arrivals. Over longer times the rate itself changes, which a forecast may know. `None` where the
/// load is no count, so that nothing can be said.
pub(crate) fn dispersion(
    observed: &Observed,
    finer: Option<&Observed>,
    extras: &[Extra],
    scale: f64,
) -> Option<Dispersion> {
    let least = mean_size(observed, extras).map(|size| size * scale);
    let measured = finer.filter(|finer| finer.step() < Step::MINUTE).and_then(|finer| {
        let parts = (Step::MINUTE.seconds() / finer.step().seconds()) as usize;
        let loads: Vec<f64> = finer.values().map(|load| load.map_or(f64::NAN, |load| load * scale)).collect();
        Dispersion::measured(&loads, parts, least.unwrap_or(0.0))
    });
    least.map(|least| measured.unwrap_or(Dispersion::assumed(least)))
}

/// What one arrival adds to the load, on average: 1 where it counts, the mean answer where it is of bytes.
fn mean_size(observed: &Observed, extras: &[Extra]) -> Option<f64> {
    match observed.unit() {
        Unit::Requests => Some(1.0),
        Unit::Bytes => {
            let requests = extras.iter().find(|extra| extra.name == REQUESTS)?.values.total();
            Some(observed.total() / requests).filter(|size| size.is_finite() && *size > 0.0)
        }
        // Whole numbers of which some differ may well be counts; a measured quantity never is.
        _ => {
            let mut loads = observed.values().flatten();
            loads.all(|load| load.fract() == 0.0).then_some(1.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use dataflow_forecast::DispersionBasis;
    use jiff::Timestamp;

    use super::*;

    fn observed(step: u32, unit: Unit, loads: impl IntoIterator<Item = Option<f64>>) -> Observed {
        Observed::new(Timestamp::UNIX_EPOCH, Step::from_seconds(step).unwrap(), unit, loads).unwrap()
    }

    #[test]
    fn models_see_classes_bytes_gaps_and_minutes_filled_from_the_past() {
        let finer = observed(60, Unit::Requests, (0..9).map(|minute| (minute != 4).then_some(f64::from(minute))));
        let load = finer.resample(Step::from_seconds(180).unwrap()).unwrap();
        let extra = |name, loads: [Option<f64>; 3]| Extra { name, values: observed(180, Unit::Requests, loads) };
        let extras = [
            extra("error", [Some(1.0), None, Some(3.0)]),
            extra("bytes", [Some(0.0), Some(9.0), None]),
            extra("success", [None, None, None]),
        ];
        let known = load.fill_from_past(Fill::Hold).unwrap();
        let history = history(known, &load, Some(&finer), &extras, Fill::Hold).unwrap();
        let columns: Vec<_> =
            history.exogenous().iter().map(|column| (column.name.as_str(), &column.values[..])).collect();
        assert_eq!(columns, [("error", &[1.0, 1.0, 3.0][..]), ("log_bytes", &[0.0, 10.0_f64.ln(), 10.0_f64.ln()])]);
        let zone = jiff::tz::TimeZone::UTC;
        let view = history.view(&zone);
        assert_eq!([0, 1, 2].map(|interval| view.is_missing(interval)), [false, true, false]);
        assert_eq!(view.inside(), Some((3, &[0.0, 1.0, 2.0, 3.0, 3.0, 5.0, 6.0, 7.0, 8.0][..])));
    }

    #[test]
    fn the_dispersion_is_measured_assumed_or_unknown() {
        let seconds: Vec<_> = (0..600).map(|second| Some(f64::from(second % 7 % 3))).collect();
        let finer = observed(1, Unit::Requests, seconds);
        let minutes = finer.resample(Step::MINUTE).unwrap();
        let known = dispersion(&minutes, Some(&finer), &[], 1.0).unwrap();
        assert_eq!((known.value, known.basis), (1.0, DispersionBasis::Measured));
        assert_eq!(
            dispersion(&minutes, Some(&minutes), &[], 1.0),
            Some(Dispersion::assumed(1.0)),
            "minutes are too coarse"
        );
        assert_eq!(dispersion(&minutes, None, &[], 2.0), Some(Dispersion::assumed(2.0)));
        let bytes = observed(60, Unit::Bytes, [Some(100.0), Some(300.0)]);
        assert_eq!(dispersion(&bytes, None, &[], 1.0), None);
        let requests = [Extra { name: "requests", values: observed(60, Unit::Requests, [Some(2.0), Some(6.0)]) }];
        assert_eq!(dispersion(&bytes, None, &requests, 1.0), Some(Dispersion::assumed(50.0)));
        let share = observed(60, Unit::Value, [Some(0.25), Some(0.5)]);
        assert_eq!(dispersion(&share, None, &[], 1.0), None);
    }
}
