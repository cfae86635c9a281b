//! A week of minutes with days, nights and noise from a fixed seed, forecast by its last value.

use std::sync::Arc;

use dataflow_experiment::{ForecastMaker, Forecasts, LEVELS, Methods, Testbed};
use dataflow_forecast::{History, ModelSettings, ModelSpec, RollingSettings, rolling_forecast};
use dataflow_scale::Observe;
use dataflow_series::{Fill, Observed, Step, Unit};
use jiff::Timestamp;
use jiff::tz::TimeZone;

const MINUTES: usize = 7 * 1_440;

pub(crate) fn testbed() -> Testbed {
    let mut state = 20_260_101_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    let day = |tick: usize| 0.5 - 0.45 * (std::f64::consts::TAU * tick as f64 / 1_440.0).cos();
    let loads: Vec<f64> = (0..MINUTES).map(|tick| 6e6 * day(tick) * (0.8 + 0.4 * noise())).collect();
    let observed = Observed::new(Timestamp::UNIX_EPOCH, Step::MINUTE, Unit::Bytes, loads.iter().copied().map(Some))
        .expect("loads");
    let forecast: ForecastMaker = Arc::new(|view, lead| {
        let model = ModelSpec::Naive.model(ModelSettings::default())?;
        let levels = LEVELS.to_vec();
        let settings = RollingSettings { lead, observe_current: false, levels, model: ModelSettings::default() };
        rolling_forecast(view, model.as_ref(), &settings, None)
    });
    let methods = Methods { observe: Observe::Previous, forecasts: Forecasts::Made(forecast), alarms: None };
    let history = History::new(observed.fill(Fill::Zero).expect("loads"));
    Testbed::new(history, loads, MINUTES, TimeZone::UTC, methods).expect("a load for every minute")
}
