//! Traffic for these tests: made by formula, or real where it is at hand.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use dataflow_experiment::{ForecastMaker, Forecasts, LEVELS, Methods, Testbed};
use dataflow_forecast::{History, ModelSettings, ModelSpec, RollingSettings, rolling_forecast};
use dataflow_scale::Observe;
use dataflow_series::{Fill, Observed, Step, Unit};
use jiff::tz::TimeZone;

/// A testbed of these loads, all of them judged but the first `before`, with the last load as forecast.
pub(crate) fn testbed(step: Step, loads: &[Option<f64>], before: usize) -> Testbed {
    let forecast: ForecastMaker = Arc::new(|view, lead| {
        let model = ModelSpec::Naive.model(ModelSettings::default())?;
        let settings =
            RollingSettings { lead, observe_current: false, levels: LEVELS.to_vec(), model: ModelSettings::default() };
        rolling_forecast(view, model.as_ref(), &settings, None)
    });
    let methods = Methods { observe: Observe::Previous, forecasts: Forecasts::Made(forecast), alarms: None };
    let start = "1995-07-01T04:00:00Z".parse().expect("a time");
    let observed = Observed::new(start, step, Unit::Bytes, loads.iter().copied()).expect("loads");
    let known = observed.fill_from_past(Fill::Seasonal).expect("some load");
    let missing = loads.iter().map(Option::is_none).collect();
    let history = History::new(known).with_missing(missing).expect("a mark for each");
    let load = observed.fill(Fill::Seasonal).expect("some load").values().to_vec();
    let judged = load.len() - before;
    Testbed::new(history, load, judged, TimeZone::UTC, methods).expect("loads that fit")
}

/// The last fifth of the minutes of the NASA trace as bytes; `None` where the data is not at hand.
pub(crate) fn last_fifth_of_nasa() -> Option<Vec<f64>> {
    let folder = PathBuf::from(std::env::var_os("DATAFLOW_DATA")?);
    let file = std::fs::File::open(folder.join("nasa_requests_per_second.tar.bz2")).ok()?;
    let mut archive = tar::Archive::new(bzip2::read::MultiBzDecoder::new(file));
    for entry in archive.entries().expect("the archive can be read") {
        let mut entry = entry.expect("an archive entry");
        if entry.path().expect("an entry's path").file_name().is_some_and(|name| name == "workload.txt") {
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("the workload is text");
            let seconds: Vec<f64> = text.split_whitespace().map(|count| count.parse().expect("a count")).collect();
            let minutes: Vec<f64> = seconds.chunks_exact(60).map(|minute| minute.iter().sum()).collect();
            let first = minutes.len() - minutes.len() / 5;
            return Some(
                minutes[first..].iter().map(|requests| requests * 18943.0 * 2.209_811_809_970_916_3).collect(),
            );
        }
    }
    panic!("the archive holds no workload.txt");
}
