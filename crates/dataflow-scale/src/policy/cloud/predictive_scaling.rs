//! AWS predictive scaling: a floor under the capacity for each hour, from the hours of the days before.
//!
//! Source: EC2 Auto Scaling User Guide, "How predictive scaling works"; `PredictiveScalingConfiguration` of the API. The
//! model is not published. Assumed here: the load of an hour is the mean of the same hour of up to 14 days, or, where a
//! week is known, of the same weekdays among them.

use dataflow_series::Step;

use super::{Link, servers};
use crate::policy::{Explanation, Observation, Reason};

const HOUR_SECONDS: u32 = 3_600;
const DAY_SECONDS: u32 = 86_400;
const HISTORY_DAYS: usize = 14;
const WEEK_DAYS: usize = 7;
/// Hours after which the forecast is made anew.
const REFRESH_HOURS: usize = 6;
/// Hours ahead for which it is made.
const HORIZON_HOURS: usize = 48;

/// What happens where the forecast asks for more than the most servers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BreachBehavior {
    /// The maximum stays.
    HonorMaxCapacity,
    /// The maximum is raised to the forecast and this many percent more, and stays there.
    IncreaseMaxCapacity {
        /// Percent above the forecast.
        buffer: f64,
    },
}

impl BreachBehavior {
    /// The maximum in effect under a forecast of so many servers.
    pub fn maximum(self, forecast: u32, maximum: u32) -> u32 {
        match self {
            Self::IncreaseMaxCapacity { buffer } if forecast > maximum => {
                servers(f64::from(forecast) * (1.0 + buffer / 100.0))
            }
            _ => maximum,
        }
    }
}

/// The settings of predictive scaling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictiveRules {
    /// Load over capacity that each hour is provisioned for.
    pub target: f64,
    /// Seconds before an hour in which its capacity is launched.
    pub buffer_seconds: f64,
    /// Whether forecasts are made but not acted upon.
    pub forecasts_only: bool,
    /// What happens beyond the most servers.
    pub breach: BreachBehavior,
    /// Seconds of history without which there is no forecast.
    pub history_seconds: f64,
}

/// Predictive scaling at work.
#[derive(Debug, Clone)]
pub(super) struct PredictiveScaling {
    pub(super) rules: PredictiveRules,
    tick_seconds: u64,
    /// An hour, or a tick where that is longer.
    hour_seconds: u64,
    hours_per_day: usize,
    /// The mean load of a tick, hour by hour, since the beginning.
    hours: Vec<f64>,
    sum: f64,
    ticks: u32,
    seen: usize,
    /// The hour from which the forecast counts, and the load of each hour from there on.
    forecast_from: usize,
    forecast: Vec<f64>,
}

impl PredictiveScaling {
    pub(super) fn new(rules: PredictiveRules, step: Step) -> Self {
        let hour_seconds = step.seconds().max(HOUR_SECONDS);
        Self {
            rules,
            tick_seconds: u64::from(step.seconds()),
            hour_seconds: u64::from(hour_seconds),
            hours_per_day: (DAY_SECONDS / hour_seconds).max(1) as usize,
            hours: Vec::new(),
            sum: 0.0,
            ticks: 0,
            seen: 0,
            forecast_from: 0,
            forecast: Vec::new(),
        }
    }

    fn hour_of(&self, seconds: u64) -> usize {
        (seconds / self.hour_seconds) as usize
    }

    /// The servers that the forecast wants at this tick; 0 where there is none.
    #[inline]
    pub(super) fn floor(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        for load in &now.known_loads[self.seen.min(now.known_loads.len())..] {
            self.learn(*load);
        }
        self.seen = now.known_loads.len();
        let seconds = now.tick as u64 * self.tick_seconds;
        let needed = (self.rules.history_seconds / self.tick_seconds as f64).ceil() as u32;
        if (self.seen as u64) < u64::from(needed) {
            explanation.note(|| Reason::Cloud(Link::TooLittleHistory { known: self.seen as u32, needed }));
            return 0;
        }
        let hour = self.hour_of(seconds);
        if self.forecast.is_empty() || hour >= self.forecast_from + REFRESH_HOURS {
            self.refresh(hour);
        }
        let ahead = self.hour_of(seconds + self.rules.buffer_seconds as u64);
        let load = self.forecast_of(hour).max(self.forecast_of(ahead));
        let floor = servers(load / (self.rules.target * now.fleet.capacity));
        if self.rules.forecasts_only {
            explanation.note(|| Reason::Cloud(Link::ForecastOnly { servers: floor }));
            return 0;
        }
        explanation.note(|| Reason::Cloud(Link::Forecast { servers: floor }));
        floor
    }

    fn learn(&mut self, load: f64) {
        self.sum += load;
        self.ticks += 1;
        let end = (self.seen as u64 + 1) * self.tick_seconds;
        self.seen += 1;
        if self.hour_of(end) > self.hours.len() {
            self.hours.push(self.sum / f64::from(self.ticks));
            (self.sum, self.ticks) = (0.0, 0);
        }
    }

    fn refresh(&mut self, hour: usize) {
        self.forecast_from = hour;
        self.forecast = (hour..hour + HORIZON_HOURS).map(|hour| self.expected(hour)).collect();
    }

    fn forecast_of(&self, hour: usize) -> f64 {
        self.forecast.get(hour - self.forecast_from).copied().unwrap_or(0.0)
    }

    /// The mean of the same hour of the days before, of the same weekdays where a week is known.
    fn expected(&self, hour: usize) -> f64 {
        let mean_of = |days: usize| {
            let known = (1..=HISTORY_DAYS / days + 2)
                .filter_map(|back| self.hours.get(hour.checked_sub(back * days * self.hours_per_day)?))
                .take(HISTORY_DAYS / days);
            let (sum, count) = known.fold((0.0, 0_u32), |(sum, count), load| (sum + load, count + 1));
            (count > 0).then(|| sum / f64::from(count))
        };
        mean_of(WEEK_DAYS).or_else(|| mean_of(1)).unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fleet, FleetState};

    const RULES: PredictiveRules = PredictiveRules {
        target: 0.5,
        buffer_seconds: 300.0,
        forecasts_only: false,
        breach: BreachBehavior::HonorMaxCapacity,
        history_seconds: 86_400.0,
    };

    #[test]
    fn a_forecast_of_fifty_raises_a_maximum_of_forty_to_fifty_five() {
        let raised = BreachBehavior::IncreaseMaxCapacity { buffer: 10.0 };
        assert_eq!((raised.maximum(50, 40), raised.maximum(30, 40)), (55, 40));
        assert_eq!(BreachBehavior::HonorMaxCapacity.maximum(50, 40), 40);
    }

    /// The floor of every tick of a trace.
    fn floors(step_seconds: u32, load: &[f64]) -> Vec<u32> {
        let fleet = Fleet { capacity: 10.0, startup_ticks: 0, cooldown_ticks: 0, min_servers: 1, max_servers: 99 };
        let state = FleetState::initial(&fleet);
        let mut scaling = PredictiveScaling::new(RULES, Step::from_seconds(step_seconds).unwrap());
        let floor = |tick| {
            let now = Observation { tick, known_loads: &load[..tick], state: &state, fleet: &fleet, forecast: None };
            scaling.floor(&now, &mut Explanation::dropped())
        };
        (0..load.len()).map(floor).collect()
    }

    #[test]
    fn a_busy_hour_is_provisioned_five_minutes_early_from_the_second_day_on() {
        // Busy from 9 to 10 each day.
        let load: Vec<f64> = (0..2 * 1_440).map(|minute| if minute % 1_440 / 60 == 9 { 40.0 } else { 5.0 }).collect();
        let floors = floors(60, &load);
        assert!(floors[..1_440].iter().all(|floor| *floor == 0));
        let nine = 1_440 + 9 * 60;
        assert_eq!((floors[nine - 6], floors[nine - 5], floors[nine + 59], floors[nine + 60]), (1, 8, 8, 1));
    }

    #[test]
    fn ticks_of_seconds_and_of_half_days_are_followed_too() {
        let seconds: Vec<f64> = (0..2 * 5_760).map(|tick| if tick % 5_760 / 240 == 9 { 40.0 } else { 5.0 }).collect();
        assert_eq!(floors(15, &seconds)[5_760 + 9 * 240 - 20], 8);
        assert_eq!(floors(43_200, &[40.0, 5.0, 40.0, 5.0])[2..], [8, 1]);
        assert_eq!(floors(7 * 86_400, &[40.0, 5.0])[1], 8);
    }
}
