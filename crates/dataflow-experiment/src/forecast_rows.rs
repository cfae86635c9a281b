//! From forecasts as models make them to the rows that policies are given.

use dataflow_forecast::{RollingForecast, band_levels};
use dataflow_scale::{ForecastTrack, Observe, QuantileTrack};

/// The coverage of the interval that policies see as `lower` and `upper`.
pub const COVERAGE: f64 = 0.95;
/// A load above this quantile of the forecast made for it is an anomaly, where no detector says what is.
pub const ANOMALY_LEVEL: f64 = 0.997;
/// Levels nearer than this are one: 1 − 0.975 is not quite 0.025.
const SAME_LEVEL: f64 = 1e-9;
/// The levels of the quantiles that policies can ask for, ascending; between them quantiles are interpolated. The ends of
/// the interval and the level of anomalies are among them.
pub const LEVELS: [f64; 15] =
    [0.025, 0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.985, 0.993, ANOMALY_LEVEL];

/// The rows that policies are given. `known` are the loads as they become known, those of the rows; the newest one known
/// is anomalous where it lies above the anomaly quantile of the forecast that was once made for it. The forecasts of
/// `rolling` have one lead each; mean, interval and anomalies are those of the first.
pub fn forecast_track(known: &[f64], rolling: &[&RollingForecast], observe: Observe) -> ForecastTrack {
    let Some(first) = rolling.first() else { return ForecastTrack::default() };
    let level = |wanted: f64| {
        let place = first.levels.iter().position(|level| (level - wanted).abs() < SAME_LEVEL);
        place.map_or_else(|| vec![f64::NAN; first.mean.len()], |place| first.quantiles[place].clone())
    };
    let (lower, upper) = band_levels(COVERAGE);
    let unusual = level(ANOMALY_LEVEL);
    let behind = usize::from(observe == Observe::Previous);
    let is_anomaly = |tick: usize| {
        let newest = tick.checked_sub(behind)?;
        let forecast = unusual[newest.checked_sub(first.lead)?];
        Some(known[newest] > forecast)
    };
    ForecastTrack {
        mean: first.mean.clone(),
        lower: level(lower),
        upper: level(upper),
        anomaly: (0..first.mean.len()).map(|tick| is_anomaly(tick).unwrap_or(false)).collect(),
        quantiles: rolling.iter().map(|rolling| quantiles(rolling)).collect(),
    }
}

/// Column by column as models make them to row by row as policies read them.
fn quantiles(rolling: &RollingForecast) -> QuantileTrack {
    let ticks = rolling.mean.len();
    let values = (0..ticks).flat_map(|tick| rolling.quantiles.iter().map(move |column| column[tick])).collect();
    QuantileTrack { lead_ticks: rolling.lead, levels: rolling.levels.clone(), values }
}
