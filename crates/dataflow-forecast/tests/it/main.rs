//! Laws that hold for every model, tested through the public interface.

mod laws;
#[cfg(feature = "neural")]
mod neural;
#[cfg(feature = "neural")]
mod neural_weights;
mod odd_input;
mod rolling;

use dataflow_forecast::{Calibration, Exogenous, Fitted, History, ModelSettings, ModelSpec, View};
use dataflow_series::{Fill, Observed, Series, Step, Unit};
use jiff::tz::TimeZone;
use proptest::prelude::*;

const LEVELS: [f64; 6] = [0.025, 0.25, 0.5, 0.75, 0.975, 0.9985];

/// A series from the start of a Saturday.
fn series(step_seconds: u32, values: &[f64]) -> Series {
    let step = Step::from_seconds(step_seconds).expect("a step of at least one second");
    let start = "1995-07-01T00:00:00Z".parse().expect("an instant");
    let observed = Observed::new(start, step, Unit::Requests, values.iter().copied().map(Some));
    observed.and_then(|observed| observed.fill(Fill::Zero)).expect("loads")
}

/// A series with all that may be known beside it: a column, the loads inside of each interval, and which were missing.
fn history(step_seconds: u32, values: &[f64], is_missing: impl Fn(usize) -> bool) -> History {
    let inside = values.iter().flat_map(|load| [0.2, 0.5, 0.3].map(|share| share * load)).collect();
    let errors = Exogenous { name: "errors".to_owned(), values: values.iter().map(|load| 0.1 * load).collect() };
    let history = History::new(series(step_seconds, values)).with_inside(3, inside);
    let history = history.and_then(|history| history.with_exogenous(errors));
    history
        .and_then(|history| history.with_missing((0..values.len()).map(is_missing).collect()))
        .expect("whole columns")
}

fn fit(spec: ModelSpec, series: &Series, length: usize, horizons: &[usize]) -> Box<dyn Fitted> {
    let zone = TimeZone::UTC;
    let model = spec.model(ModelSettings::default()).expect("a model of this build");
    model.fit(View::of(series, &zone).first(length), horizons).expect("a past that is long enough")
}

/// Tells a fitted model the loads of a series from `from` on, all at once.
fn extend(fitted: &mut dyn Fitted, series: &Series, from: usize) {
    let zone = TimeZone::UTC;
    fitted.extend(View::of(series, &zone).slice(from..series.len()));
}

/// The models that are fitted in no time; neural ones have tests of their own.
fn quick_models() -> impl Iterator<Item = ModelSpec> {
    let neural = [ModelSpec::Bilstm, ModelSpec::BilstmAttention, ModelSpec::Transformer];
    ModelSpec::ALL.into_iter().filter(move |spec| !neural.contains(spec))
}

fn any_model() -> impl Strategy<Value = ModelSpec> {
    prop::sample::select(quick_models().collect::<Vec<_>>())
}

/// Hourly loads of some days: a daily wave with noise, now and then a zero or a burst.
fn hourly_loads(hours: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    let noise = prop_oneof![8 => 0.5..1.5, 1 => Just(0.0), 1 => 2.0..9.0_f64];
    (prop::collection::vec(noise, hours), 1.0..500.0_f64).prop_map(|(noise, level): (Vec<f64>, f64)| {
        let wave = |hour: usize| 1.0 + 0.7 * (hour as f64 * std::f64::consts::TAU / 24.0).sin();
        noise.iter().enumerate().map(|(hour, noise)| (level * wave(hour) * noise).round()).collect()
    })
}
