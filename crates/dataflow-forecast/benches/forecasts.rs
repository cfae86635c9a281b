//! How long forecasts take: a whole trace of 58 days of minutes by rolling origin, and one step of live use.

use dataflow_forecast::{ModelSettings, ModelSpec, RollingSettings, View, rolling_forecast};
use dataflow_series::synth::{Shape, SyntheticRequest, generate};
use dataflow_series::{Fill, Series};
use divan::Bencher;
use jiff::tz::TimeZone;

const TICKS: usize = 84_000;

fn main() {
    divan::main();
}

/// Every row of 84,000 minutes, four minutes ahead, five quantiles, parameters learnt anew every day.
#[divan::bench(args = ["naive", "seasonal-naive", "exponential-smoothing", "ets", "theta", "mstl", "ridge", "seasonal-autoregression"], sample_count = 5)]
fn rolling(bencher: Bencher<'_, '_>, model: &str) {
    let series = minutes();
    let spec: ModelSpec = model.parse().expect("a name of the list");
    let settings = RollingSettings {
        lead: 3,
        observe_current: false,
        levels: vec![0.025, 0.05, 0.95, 0.975, 0.9985],
        model: ModelSettings::default(),
    };
    let zone = TimeZone::UTC;
    let model = spec.model(ModelSettings::default()).expect("a model of this build");
    bencher.bench_local(|| rolling_forecast(View::of(&series, &zone), model.as_ref(), &settings, None));
}

/// A fitted model takes in one minute and forecasts the fourth after it.
#[divan::bench(args = ["naive", "seasonal-naive", "exponential-smoothing", "ets", "theta", "mstl", "ridge",
    "seasonal-autoregression", "rvfl", "deep-rvfl", "ensemble-deep-rvfl", "emd-ensemble-deep-rvfl", "boosted-trees", "boosted-quantiles", "sarimax"])]
fn one_step(bencher: Bencher<'_, '_>, model: &str) {
    let series = minutes();
    let spec: ModelSpec = model.parse().expect("a name of the list");
    let zone = TimeZone::UTC;
    let all = View::of(&series, &zone);
    let model = spec.model(ModelSettings::default()).expect("a model of this build");
    let mut fitted = model.fit(all.first(TICKS / 2), &[4]).expect("a month of minutes");
    let mut next = (TICKS / 2..TICKS).cycle();
    bencher.bench_local(|| {
        let tick = next.next().expect("a cycle has no end");
        fitted.extend(all.slice(tick..tick + 1));
        fitted.predict(&[0.025, 0.975])
    });
}

fn minutes() -> Series {
    let traffic = generate(&SyntheticRequest::new(Shape::NasaLike)).expect("the default trace");
    let series = traffic.requests().fill(Fill::Zero).expect("traffic was seen");
    let end = series.time(TICKS);
    let window = series.start()..end;
    series.window(window).expect("the trace is longer")
}

/// A model that learns at length is fitted on the first month of minutes, calibration included.
#[divan::bench(args = ["rvfl", "ensemble-deep-rvfl", "emd-ensemble-deep-rvfl", "boosted-trees", "boosted-quantiles", "sarimax"], sample_count = 1)]
fn fit(bencher: Bencher<'_, '_>, model: &str) {
    let series = minutes();
    let spec: ModelSpec = model.parse().expect("a name of the list");
    let zone = TimeZone::UTC;
    let model = spec.model(ModelSettings::default()).expect("a model of this build");
    bencher.bench_local(|| model.fit(View::of(&series, &zone).first(TICKS / 2), &[4]).map(|_| ()));
}
