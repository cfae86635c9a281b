//! What `dataflow explore` tells, in the order and under the names of its JSON (`docs/exploration.md` describes them).
//!
//! Figures that cannot be told are null; shares are from 0 to 1; times are in UTC.

use serde::Serialize;

/// Everything told of one trace.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Facts {
    pub(crate) source: String,
    pub(crate) time: TimeFacts,
    pub(crate) totals: Totals,
    /// The time of the same length before the window.
    pub(crate) before: Option<Before>,
    pub(crate) rhythm: Rhythm,
    pub(crate) timeline: Timeline,
    pub(crate) statuses: Option<Vec<StatusFacts>>,
    pub(crate) sizes: Option<Vec<SizeFacts>>,
    pub(crate) clients: Option<ListFacts>,
    pub(crate) resources: Option<ListFacts>,
    pub(crate) file_types: Option<ListFacts>,
    pub(crate) methods: Option<ListFacts>,
    pub(crate) protocols: Option<ListFacts>,
    pub(crate) referrers: Option<ListFacts>,
    pub(crate) agents: Option<ListFacts>,
    pub(crate) spikes: SpikesFacts,
    pub(crate) silences: SilenceFacts,
    pub(crate) seasonality: Option<SeasonalityFacts>,
    pub(crate) stationarity: Option<StationarityFacts>,
    pub(crate) dispersion: Option<DispersionFacts>,
    pub(crate) lines: Option<LineFacts>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct TimeFacts {
    /// The first line, or the beginning of the first interval.
    pub(crate) first: String,
    /// The last line, or the end of the last interval.
    pub(crate) last: String,
    pub(crate) seconds: u64,
    /// Days of the calendar in the time zone that have a part in it.
    pub(crate) days: u64,
    pub(crate) time_zone: String,
    /// The part asked for, as two instants.
    pub(crate) window: Option<[String; 2]>,
}

/// Sums and means. Of a trace that is no access log, what its columns tell.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Totals {
    pub(crate) requests: Option<f64>,
    pub(crate) bytes: Option<f64>,
    /// The load where it is neither requests nor bytes.
    pub(crate) value: Option<f64>,
    /// Requests over calendar days.
    pub(crate) mean_daily_requests: Option<f64>,
    pub(crate) mean_requests_per_second: Option<f64>,
    pub(crate) mean_bytes_per_request: Option<f64>,
    /// Statuses of 400 and more over requests.
    pub(crate) error_rate: Option<f64>,
    /// All but 2xx over requests, which counts 304 and redirections as well.
    pub(crate) not_success_rate: Option<f64>,
    pub(crate) classes: Option<Classes>,
    pub(crate) distinct_clients: Option<Distinct>,
    pub(crate) distinct_resources: Option<Distinct>,
    pub(crate) peak: Option<Peak>,
}

/// Requests by the reference's status classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Classes {
    pub(crate) success: f64,
    pub(crate) no_change: f64,
    pub(crate) redirected: f64,
    pub(crate) not_found: f64,
    pub(crate) error: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Distinct {
    pub(crate) count: u64,
    /// Counted; else estimated with a standard error of 0.8 %.
    pub(crate) is_exact: bool,
}

/// The busiest interval of the timeline.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Peak {
    pub(crate) time: String,
    pub(crate) value: f64,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Before {
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) totals: Totals,
}

/// Means per hour of the load in `unit`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rhythm {
    pub(crate) unit: String,
    /// By hour of the local day.
    pub(crate) by_hour: Option<Vec<Option<f64>>>,
    /// By weekday, from Monday on.
    pub(crate) by_weekday: Vec<Option<f64>>,
    /// By weekday and hour.
    pub(crate) heat_map: Option<Vec<Vec<Option<f64>>>>,
}

/// Sums per interval, one list per column; null is missing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Timeline {
    /// Beginning of the first interval.
    pub(crate) start: String,
    #[serde(skip)]
    pub(crate) start_second: i64,
    pub(crate) interval_seconds: u32,
    /// The column that `rhythm` and `totals.peak` are about.
    pub(crate) main: String,
    #[serde(serialize_with = "columns")]
    pub(crate) columns: Vec<Column>,
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) values: Vec<Option<f64>>,
}

fn columns<S: serde::Serializer>(columns: &[Column], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(columns.iter().map(|column| (&column.name, &column.values)))
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct StatusFacts {
    pub(crate) status: u16,
    pub(crate) requests: u64,
    pub(crate) share: f64,
    pub(crate) bytes: u64,
}

/// Answers of `from` up to and with `to` bytes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SizeFacts {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) requests: u64,
    pub(crate) share: f64,
    pub(crate) bytes: u64,
}

/// The commonest names of a kind.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ListFacts {
    pub(crate) distinct: Distinct,
    /// Requests that tell a name.
    pub(crate) requests: u64,
    /// No name that is left out has more requests than this, and no count is too low by more; 0 where all are exact.
    pub(crate) missed_at_most: u64,
    pub(crate) top: Vec<NameFacts>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct NameFacts {
    pub(crate) name: String,
    pub(crate) requests: u64,
    /// Of all lines within the window, as those of statuses and sizes are.
    pub(crate) share: f64,
    pub(crate) bytes: u64,
    pub(crate) errors: u64,
    pub(crate) missed_at_most: u64,
}

/// Values more than `threshold` standard deviations above the mean of the `window_seconds` that end with them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SpikesFacts {
    pub(crate) step_seconds: u32,
    pub(crate) window_seconds: u32,
    pub(crate) threshold: f64,
    pub(crate) load: SpikeFacts,
    pub(crate) error_rate: Option<SpikeFacts>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct SpikeFacts {
    pub(crate) judged: u64,
    pub(crate) count: u64,
    /// The highest above their mean.
    pub(crate) largest: Vec<OneSpike>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct OneSpike {
    pub(crate) time: String,
    pub(crate) value: f64,
    pub(crate) mean: f64,
    pub(crate) score: f64,
}

/// Intervals without any load.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SilenceFacts {
    pub(crate) step_seconds: u32,
    pub(crate) intervals: usize,
    pub(crate) silent: usize,
    pub(crate) missing: usize,
    pub(crate) longest: Vec<Silence>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Silence {
    pub(crate) start: String,
    pub(crate) seconds: u64,
    /// Missing, not zero.
    pub(crate) is_missing: bool,
}

/// Strengths from 0 to 1 in hourly sums.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SeasonalityFacts {
    pub(crate) day: f64,
    pub(crate) week: Option<f64>,
    pub(crate) trend: f64,
    pub(crate) hours: usize,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct StationarityFacts {
    pub(crate) step_seconds: u32,
    pub(crate) kpss: Option<TestFacts>,
    pub(crate) augmented_dickey_fuller: Option<TestFacts>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct TestFacts {
    pub(crate) statistic: f64,
    pub(crate) lags: usize,
    pub(crate) values: usize,
    /// At 10 %, 5 % and 1 %.
    pub(crate) critical: [f64; 3],
    /// What the test says at 5 %.
    pub(crate) is_stationary: bool,
}

/// Variance over mean of the requests per second within ten minutes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DispersionFacts {
    pub(crate) step_seconds: u32,
    pub(crate) block_seconds: u32,
    pub(crate) index: f64,
    /// Where 95 % of Poisson processes of this length have it.
    pub(crate) poisson: [f64; 2],
    pub(crate) degrees: u64,
    pub(crate) is_poisson: bool,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct LineFacts {
    pub(crate) read: u64,
    /// Lines of an access log; some may be outside of the window.
    pub(crate) accepted: u64,
    pub(crate) rejected: Vec<RejectedFacts>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct RejectedFacts {
    pub(crate) reason: String,
    pub(crate) lines: u64,
}
