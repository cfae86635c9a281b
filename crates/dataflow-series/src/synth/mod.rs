//! Synthetic traffic: seeded generators of requests, status classes and bytes per interval.
//!
//! A shape gives the requests of each minute; each request then draws its status class and size, and minutes are
//! summed to longer intervals or spread over shorter ones. The default shape, `nasa-like`, imitates the access log of
//! a public web server with figures measured on it ([`nasa_figures`]); the others are plain textbook loads.
//! Equal requests make equal traces, to the byte.

mod nasa;
pub mod nasa_figures;
mod random;
mod replies;
mod request;
mod shapes;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rand_chacha::rand_core::Rng;

use crate::log::Row;
use crate::{Observed, Step, Unit};
use random::{Stream, stream};
use replies::{Replies, ReplyTable};
pub use request::{DEFAULT_SEED, SyntheticError, SyntheticRequest};

/// The shape of a synthetic load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// Like a public web server of a space centre: daily and weekly rhythm, slow changes, bursts around a launch, short
    /// stalls, one outage of 38 hours.
    NasaLike,
    /// The same rate all the time, 60 requests per minute.
    Steady,
    /// A smooth wave over the day and a smaller one over the week around 60 requests per minute.
    Diurnal,
    /// A steady load on which, once a day at a random time, a crowd of 4 to 12 times as much breaks in and fades away.
    FlashCrowd,
    /// A steady load that doubles in the middle of the trace and stays there.
    Step,
    /// Almost nothing, and batch jobs of one hour every six hours.
    OnOff,
}

impl Shape {
    /// Every shape, the default one first.
    pub const ALL: [Self; 6] = [Self::NasaLike, Self::Steady, Self::Diurnal, Self::FlashCrowd, Self::Step, Self::OnOff];

    /// The name by which a user asks for the shape.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NasaLike => "nasa-like",
            Self::Steady => "steady",
            Self::Diurnal => "diurnal",
            Self::FlashCrowd => "flash-crowd",
            Self::Step => "step",
            Self::OnOff => "on-off",
        }
    }

    /// What the load is like, in one line.
    pub const fn description(self) -> &'static str {
        match self {
            Self::NasaLike => "like a space centre's web server in 1995: day and week, a launch, stalls, an outage",
            Self::Steady => "60 requests per minute all the time",
            Self::Diurnal => "a wave over the day and a smaller one over the week",
            Self::FlashCrowd => "steady, and once a day a crowd of 4 to 12 times as much that fades away",
            Self::Step => "steady, doubling in the middle of the trace",
            Self::OnOff => "batch jobs of one hour every six hours, almost nothing between them",
        }
    }

    /// The length of the trace in days when none is asked for.
    pub const fn default_days(self) -> f64 {
        match self {
            Self::NasaLike => 58.0,
            Self::Diurnal => 28.0,
            Self::Steady | Self::FlashCrowd | Self::Step | Self::OnOff => 7.0,
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Shape {
    type Err = SyntheticError;

    fn from_str(name: &str) -> Result<Self, SyntheticError> {
        let known = Self::ALL.into_iter().find(|shape| shape.name() == name);
        known.ok_or_else(|| SyntheticError::UnknownShape { name: name.to_owned() })
    }
}

/// Synthetic traffic on a contiguous grid; an interval in an outage is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticTraffic {
    start: Timestamp,
    step: Step,
    intervals: Vec<Option<Replies>>,
}

impl SyntheticTraffic {
    /// Requests per interval.
    pub fn requests(&self) -> Observed {
        self.column(Unit::Requests, Replies::requests)
    }

    /// Bytes sent per interval.
    pub fn bytes(&self) -> Observed {
        self.column(Unit::Bytes, |replies| replies.bytes)
    }

    /// Every interval's time and traffic by status class, in order, as an access log would give them; `None` is an
    /// interval in an outage.
    pub fn rows(&self) -> impl Iterator<Item = (Timestamp, Option<Row>)> + '_ {
        let (start, step) = (self.start.as_second(), i64::from(self.step.seconds()));
        self.intervals.iter().enumerate().map(move |(index, replies)| {
            // A request that ends beyond what a timestamp can hold is refused, so every time has one.
            let time = Timestamp::from_second(start + index as i64 * step).unwrap_or(Timestamp::MAX);
            (time, replies.as_ref().map(Row::from))
        })
    }

    fn column(&self, unit: Unit, count: impl Fn(&Replies) -> u64) -> Observed {
        let values = self.intervals.iter().map(|replies| replies.as_ref().map(|replies| count(replies) as f64));
        Observed::new(self.start, self.step, unit, values)
            .unwrap_or_else(|error| unreachable!("a count is a load: {error}"))
    }
}

/// Makes the traffic that was asked for.
///
/// # Errors
/// When the length, step or start asked for cannot be made.
pub fn generate(request: &SyntheticRequest) -> Result<SyntheticTraffic, SyntheticError> {
    let intervals = request.intervals()?;
    let seconds = intervals * request.step.seconds() as usize;
    let minutes = seconds.div_ceil(60);
    let counts = match request.shape {
        Shape::NasaLike => nasa::minute_counts(request, minutes),
        Shape::Steady | Shape::Diurnal | Shape::FlashCrowd | Shape::Step | Shape::OnOff => {
            shapes::minute_counts(request, minutes)
        }
    };
    let table = ReplyTable::new();
    let mut random = stream(request.seed, Stream::Replies);
    let intervals = requests_per_interval(request, &counts, intervals)
        .into_iter()
        .map(|requests| requests.map(|requests| table.draw(&mut random, requests)))
        .collect();
    Ok(SyntheticTraffic { start: request.start, step: request.step, intervals })
}

/// Sums minutes to longer intervals (missing when a minute is), or spreads each minute evenly at random over shorter
/// ones.
fn requests_per_interval(request: &SyntheticRequest, counts: &[Option<u64>], intervals: usize) -> Vec<Option<u64>> {
    let step = request.step.seconds() as usize;
    if step >= 60 {
        return counts.chunks_exact(step / 60).map(|minutes| minutes.iter().copied().sum()).collect();
    }
    let mut random = stream(request.seed, Stream::Spread);
    let parts = 60 / step;
    let mut spread = Vec::with_capacity(counts.len() * parts);
    for count in counts {
        let first = spread.len();
        spread.resize(first + parts, count.map(|_| 0));
        for _ in 0..count.unwrap_or(0) {
            let part = (u64::from(random.next_u32()) * parts as u64) >> 32;
            if let Some(Some(here)) = spread.get_mut(first + part as usize) {
                *here += 1;
            }
        }
    }
    spread.truncate(intervals);
    spread
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::MinuteStatistics;

    /// How far a statistic of the synthetic trace may lie from the real one.
    const TOLERANCE: f64 = 0.10;

    fn request(shape: Shape, seed: u64, days: f64) -> SyntheticRequest {
        SyntheticRequest { seed, days, ..SyntheticRequest::new(shape) }
    }

    #[test]
    fn the_default_trace_has_the_statistics_of_the_real_one() {
        let requests = generate(&SyntheticRequest::new(Shape::NasaLike)).unwrap().requests();
        let own = MinuteStatistics::measure(&requests, &nasa_figures::time_zone()).unwrap();
        let (name, distance) = own.largest_distance(&nasa_figures::REAL);
        assert!(distance <= TOLERANCE, "{name}: {distance}");
    }

    #[test]
    fn the_default_trace_does_not_change_unnoticed() {
        // Reports and documents quote figures of this trace, so a change of it is a change for users.
        let traffic = generate(&SyntheticRequest::new(Shape::NasaLike)).unwrap();
        assert_eq!((traffic.requests().total(), traffic.bytes().total()), (3_311_417.0, 62_558_790_901.0));
    }

    #[test]
    fn a_shorter_trace_is_the_beginning_of_a_longer_one() {
        let long = generate(&request(Shape::NasaLike, 5, 3.0)).unwrap().bytes();
        let short = generate(&request(Shape::NasaLike, 5, 2.0)).unwrap().bytes();
        assert!(long.values().take(short.len()).eq(short.values()));
    }

    #[test]
    fn the_outage_is_missing_not_zero() {
        let requests = generate(&SyntheticRequest::new(Shape::NasaLike)).unwrap().requests();
        assert_eq!(requests.len(), 58 * 1_440);
        assert_eq!(requests.missing(), nasa_figures::OUTAGE_MINUTES);
    }

    #[test]
    fn the_mean_reply_has_the_measured_size() {
        let traffic = generate(&SyntheticRequest::new(Shape::NasaLike)).unwrap();
        let mean = traffic.bytes().total() / traffic.requests().total();
        assert!((mean / nasa_figures::BYTES_PER_REQUEST - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn poisson_shapes_have_a_dispersion_of_one_and_their_mean() {
        let requests = generate(&request(Shape::Steady, 3, 30.0)).unwrap().requests();
        let mean = crate::statistics::mean(&requests).unwrap();
        let dispersion = crate::statistics::variance_to_mean(&requests).unwrap();
        // 43,200 minutes: the standard errors are 0.037 and 0.007.
        assert!((mean - 60.0).abs() < 0.2, "{mean}");
        assert!((dispersion - 1.0).abs() < 0.035, "{dispersion}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn traces_obey_their_request(
            shape in proptest::sample::select(Shape::ALL.to_vec()),
            seed in any::<u64>(),
            days in 0.01_f64..70.0,
            seconds in proptest::sample::select(vec![15_u32, 60, 300, 3_600]),
        ) {
            let step = Step::from_seconds(seconds).unwrap();
            let request = SyntheticRequest { step, ..request(shape, seed, days) };
            prop_assume!(request.intervals().is_ok());
            let traffic = generate(&request).unwrap();
            prop_assert_eq!(&traffic, &generate(&request).unwrap());
            let (requests, bytes) = (traffic.requests(), traffic.bytes());
            prop_assert_eq!(requests.len(), (days * 86_400.0 / f64::from(seconds)) as usize);
            prop_assert_eq!((requests.start(), requests.step()), (request.start, step));
            prop_assert_eq!(traffic.rows().count(), requests.len());
            for (index, (time, row)) in traffic.rows().enumerate() {
                prop_assert_eq!(time, requests.time(index));
                prop_assert_eq!(row.map(|row| row.requests as f64), requests.get(index));
                prop_assert_eq!(row.map(|row| row.bytes as f64), bytes.get(index));
                if let Some(row) = row {
                    let classes = [row.success, row.no_change, row.redirected, row.not_found, row.error];
                    prop_assert_eq!(classes.iter().sum::<u64>(), row.requests);
                }
            }
        }

        #[test]
        fn another_seed_is_another_trace(
            shape in proptest::sample::select(Shape::ALL.to_vec()),
            seed in any::<u64>(),
        ) {
            let first = generate(&request(shape, seed, 1.0)).unwrap();
            let second = generate(&request(shape, seed.wrapping_add(1), 1.0)).unwrap();
            prop_assert_ne!(first, second);
        }

        #[test]
        fn minutes_add_up_to_hours(shape in proptest::sample::select(Shape::ALL.to_vec()), seed in any::<u64>()) {
            let hour = Step::from_seconds(3_600).unwrap();
            let minutes = generate(&request(shape, seed, 2.0)).unwrap();
            let hours = generate(&SyntheticRequest { step: hour, ..request(shape, seed, 2.0) }).unwrap();
            prop_assert_eq!(minutes.requests().resample(hour).unwrap(), hours.requests());
            prop_assert_eq!(minutes.bytes().resample(hour).unwrap(), hours.bytes());
        }
    }
}
