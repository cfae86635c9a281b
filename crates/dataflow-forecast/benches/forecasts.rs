//! How long forecasts take: a whole trace of 58 days of minutes by rolling origin, and one step of live use.

use dataflow_forecast::{Calibration, ModelSpec, RollingSettings, View, rolling_forecast};
use dataflow_series::synth::{Shape, SyntheticRequest, generate};
use dataflow_series::{Fill, Series};
use divan::Bencher;
use jiff::tz::TimeZone;

const TICKS: usize = 84_000;

fn main() {
    divan::main();
}

/// Every row of 84,000 minutes, four minutes ahead, five quantiles, parameters learnt anew every day.
#[divan::bench(args = ["naive", "seasonal-naive", "exponential-smoothing", "ridge"], sample_count = 5)]
fn rolling(bencher: Bencher<'_, '_>, model: &str) {
    let series = minutes();
    let spec: ModelSpec = model.parse().expect("a name of the list");
    let settings = RollingSettings {
        lead: 3,
        observe_current: false,
        levels: vec![0.025, 0.05, 0.95, 0.975, 0.9985],
        time_zone: TimeZone::UTC,
    };
    bencher.bench_local(|| rolling_forecast(&series, &spec, &settings, None));
}

/// A fitted model takes in one minute and forecasts the fourth after it.
#[divan::bench(args = ["naive", "seasonal-naive", "exponential-smoothing", "ridge"])]
fn one_step(bencher: Bencher<'_, '_>, model: &str) {
    let series = minutes();
    let spec: ModelSpec = model.parse().expect("a name of the list");
    let zone = TimeZone::UTC;
    let past = View::of(&series, TICKS / 2, &zone);
    let mut fitted = spec.model(Calibration::Rolling).fit(past, &[4]).expect("a month of minutes");
    let mut next = series.values()[TICKS / 2..].iter().cycle();
    bencher.bench_local(|| {
        fitted.extend(std::slice::from_ref(next.next().expect("a cycle has no end")));
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
