//! The textbook loads: a rate per minute by a formula, and Poisson requests at that rate.
//!
//! Rates are in requests per minute; times of day are UTC.

use std::f64::consts::TAU;

use rand_chacha::ChaCha8Rng;

use super::random::{Stream, poisson, stream, uniform};
use super::{Shape, SyntheticRequest};

/// The base of every shape.
const BASE: f64 = 60.0;
/// How far the diurnal rate swings over a day, as a share of the base; it is highest at 15:00.
const DAY_SWING: f64 = 0.6;
/// How far the diurnal rate swings over a week, as a share of the base; it is highest on Wednesday at noon.
const WEEK_SWING: f64 = 0.2;
/// A crowd's peak in multiples of the base, from and to.
const CROWD_PEAK: (f64, f64) = (4.0, 12.0);
/// The minutes in which a crowd fades to 1/e.
const CROWD_FADES_MINUTES: f64 = 45.0;
/// Batch jobs: one at the start of every period.
const BATCH_PERIOD_MINUTES: usize = 360;
const BATCH_LENGTH_MINUTES: usize = 60;
const BATCH_RATE: f64 = 200.0;
/// The rate between batch jobs.
const IDLE_RATE: f64 = 2.0;
/// A batch job begins so many minutes late at most.
const BATCH_DELAY_MINUTES: usize = 15;

const MINUTES_PER_DAY: usize = 1_440;

/// The requests of each minute.
pub(super) fn minute_counts(request: &SyntheticRequest, minutes: usize) -> Vec<Option<u64>> {
    let mut random = stream(request.seed, Stream::Counts);
    rates(request, minutes).into_iter().map(|rate| Some(poisson(&mut random, rate))).collect()
}

/// The expected requests of each minute.
fn rates(request: &SyntheticRequest, minutes: usize) -> Vec<f64> {
    let mut happenings = stream(request.seed, Stream::Happenings);
    match request.shape {
        Shape::Diurnal => (0..minutes).map(|minute| diurnal(request.start.as_second() + minute as i64 * 60)).collect(),
        Shape::FlashCrowd => flash_crowds(&mut happenings, minutes),
        Shape::Step => (0..minutes).map(|minute| if minute < minutes / 2 { BASE } else { 2.0 * BASE }).collect(),
        Shape::OnOff => batches(&mut happenings, minutes),
        Shape::Steady | Shape::NasaLike => vec![BASE; minutes],
    }
}

fn diurnal(second: i64) -> f64 {
    let hour_of_day = second.rem_euclid(86_400) as f64 / 3_600.0;
    // 1 January 1970 was a Thursday, so Wednesday noon is six and a half days later.
    let day_of_week = second.rem_euclid(7 * 86_400) as f64 / 86_400.0;
    let day = libm::cos((hour_of_day - 15.0) / 24.0 * TAU);
    let week = libm::cos((day_of_week - 6.5) / 7.0 * TAU);
    BASE * (1.0 + DAY_SWING * day + WEEK_SWING * week)
}

fn flash_crowds(random: &mut ChaCha8Rng, minutes: usize) -> Vec<f64> {
    let mut rates = vec![BASE; minutes];
    for day_start in (0..minutes).step_by(MINUTES_PER_DAY) {
        // In a last day that is cut short, the crowd comes within what there is of it.
        let length = MINUTES_PER_DAY.min(minutes - day_start);
        let begin = day_start + (uniform(random) * length as f64) as usize;
        let peak = CROWD_PEAK.0 + uniform(random) * (CROWD_PEAK.1 - CROWD_PEAK.0);
        for (since, rate) in rates[begin..].iter_mut().enumerate() {
            *rate += BASE * (peak - 1.0) * libm::exp(-(since as f64) / CROWD_FADES_MINUTES);
        }
    }
    rates
}

fn batches(random: &mut ChaCha8Rng, minutes: usize) -> Vec<f64> {
    let mut rates = vec![IDLE_RATE; minutes];
    for period_start in (0..minutes).step_by(BATCH_PERIOD_MINUTES) {
        let begin = period_start + (uniform(random) * BATCH_DELAY_MINUTES as f64) as usize;
        for rate in rates.iter_mut().skip(begin).take(BATCH_LENGTH_MINUTES) {
            *rate = BATCH_RATE;
        }
    }
    rates
}
