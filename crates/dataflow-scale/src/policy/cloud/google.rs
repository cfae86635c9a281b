//! The autoscaler of Google's managed instance groups, with its predictive method.
//!
//! Source: Compute Engine documentation, "Understanding autoscaler decisions" and "Scaling based on predictions";
//! `AutoscalingPolicy` of the API. Its forecasts are not published: assumed is a quantile of the run's own model at the
//! initialisation period.

use std::cmp::Reverse;

use dataflow_series::Step;

use super::meter::{Meter, Reading};
use super::{Link, servers};
use crate::policy::recent_peak::RecentPeak;
use crate::policy::{Explanation, Observation, Policy, Reason};

/// What the autoscaler may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Scale out and in.
    #[default]
    On,
    /// Only scale out.
    OnlyScaleOut,
    /// Nothing.
    Off,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::On, Self::OnlyScaleOut, Self::Off];

    /// Its name in a configuration; `on` and `off` would be truth values in YAML.
    pub const fn name(self) -> &'static str {
        match self {
            Self::On => "out-and-in",
            Self::OnlyScaleOut => "only-out",
            Self::Off => "neither",
        }
    }

    /// The mode of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// How much smaller a group may get within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleInControl {
    /// Most servers removed from the largest size within the window.
    pub most: u32,
    /// The window, in ticks.
    pub window_ticks: u32,
}

/// The method `OPTIMIZE_AVAILABILITY`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GooglePrediction {
    /// Quantile of the forecast that is provisioned for, in (0, 1).
    pub level: f64,
    /// Ticks of history without which it scales by what is, not by what is to come.
    pub history_ticks: u32,
}

/// The settings of the autoscaler.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GoogleRules {
    /// Target utilization, a share of the ready capacity above 0.
    pub target: f64,
    /// Ticks from the order of a server until its use counts.
    pub initialization_ticks: u32,
    /// Ticks whose peak decides.
    pub stabilization_ticks: u32,
    /// Limits on scaling in.
    pub scale_in: Option<ScaleInControl>,
    /// What it may do.
    pub mode: Mode,
    /// The predictive method, where it is on.
    pub prediction: Option<GooglePrediction>,
}

/// The autoscaler at work.
#[derive(Debug, Clone)]
pub struct Google {
    rules: GoogleRules,
    meter: Meter,
    /// What the load needed.
    needs: RecentPeak<u32>,
    /// The fewest servers provisioned within the initialisation period: those that are past it.
    initialized: RecentPeak<Reverse<u32>>,
    sizes: RecentPeak<u32>,
}

impl Google {
    /// The autoscaler at ticks of this length.
    pub fn new(rules: GoogleRules, step: Step) -> Self {
        Self {
            rules,
            meter: Meter::new(step, true),
            needs: RecentPeak::over(rules.stabilization_ticks),
            initialized: RecentPeak::over(rules.initialization_ticks.saturating_add(1)),
            sizes: RecentPeak::over(rules.scale_in.map_or(1, |control| control.window_ticks)),
        }
    }

    /// What the peak of the stabilisation period needs; what there is while nothing is known.
    fn needed(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let Reverse(oldest) = self.initialized.push(now.tick, Reverse(now.state.provisioned()));
        let peak = match self.meter.read(now) {
            Reading::Point(point) => {
                let initialized = point.ready.min(oldest.max(1));
                let metric = point.utilization;
                let needed = servers(f64::from(initialized) * metric / self.rules.target);
                let target = self.rules.target;
                explanation.note(|| Reason::Cloud(Link::Proportional { metric, target, servers: needed }));
                Some(self.needs.push(now.tick, needed))
            }
            Reading::Missing => {
                explanation.note(|| Reason::Cloud(Link::NoData));
                self.needs.at(now.tick)
            }
            Reading::Nothing => {
                explanation.note(|| Reason::Cloud(Link::NoNewData));
                self.needs.at(now.tick)
            }
        };
        let Some(servers) = peak else { return now.state.provisioned() };
        explanation.note(|| Reason::Cloud(Link::Peak { servers }));
        servers
    }

    /// What the forecast at the initialisation period needs; 0 where there is none.
    fn predicted(&self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let Some(GooglePrediction { level, history_ticks }) = self.rules.prediction else { return 0 };
        if now.known_loads.len() < history_ticks as usize {
            let known = now.known_loads.len() as u32;
            explanation.note(|| Reason::Cloud(Link::TooLittleHistory { known, needed: history_ticks }));
            return 0;
        }
        let quantile = now.forecast.map(|forecast| forecast.quantile(level)).filter(|load| !load.is_nan());
        let Some(load) = quantile else { return 0 };
        let servers = servers(load / (self.rules.target * now.fleet.capacity));
        explanation.note(|| Reason::Cloud(Link::Forecast { servers }));
        servers
    }

    /// Keeps scaling in within its limits and the mode.
    fn controlled(&mut self, target: u32, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let provisioned = now.state.provisioned();
        let largest = self.sizes.push(now.tick, provisioned);
        let target = match self.rules.mode {
            Mode::Off => {
                explanation.note(|| Reason::Cloud(Link::ModeOff));
                return provisioned;
            }
            Mode::OnlyScaleOut if target < provisioned => {
                explanation.note(|| Reason::Cloud(Link::ScaleInDisabled));
                provisioned
            }
            Mode::OnlyScaleOut | Mode::On => target,
        };
        let fewest = self.rules.scale_in.map_or(0, |control| largest.saturating_sub(control.most)).min(provisioned);
        if target < fewest {
            explanation.note(|| Reason::Cloud(Link::ScaleInLimited { servers: fewest }));
        }
        target.max(fewest)
    }
}

impl Policy for Google {
    fn decide(&mut self, now: &Observation<'_>, explanation: &mut Explanation) -> u32 {
        let needed = self.needed(now, explanation).max(self.predicted(now, explanation));
        let target = self.controlled(needed, now, explanation);
        self.meter.decided(now, target);
        target
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fleet, Observe, Prices, Scenario, Timeline, simulate};

    const RULES: GoogleRules = GoogleRules {
        target: 0.5,
        initialization_ticks: 0,
        stabilization_ticks: 10,
        scale_in: None,
        mode: Mode::On,
        prediction: None,
    };

    /// The servers of every tick under a burst of load.
    fn sizes(rules: GoogleRules) -> Vec<u32> {
        let fleet = Fleet { capacity: 10.0, startup_ticks: 0, cooldown_ticks: 0, min_servers: 1, max_servers: 20 };
        let prices = Prices { server: 1.0, scale: 0.0, violation: 0.0 };
        let load: Vec<f64> = (0..40).map(|tick| if (5..12).contains(&tick) { 40.0 } else { 4.0 }).collect();
        let scenario = Scenario {
            fleet: &fleet,
            prices: &prices,
            load: &load,
            known: &load,
            observe: Observe::Previous,
            forecast: None,
        };
        let mut timeline = Timeline::default();
        simulate(&scenario, &mut Google::new(rules, Step::MINUTE), Some(&mut timeline)).unwrap();
        timeline.provisioned
    }

    #[test]
    fn it_scales_out_at_once_and_in_after_the_stabilisation_period() {
        let sizes = sizes(RULES);
        // Use shows at most full capacity, so it doubles until use is at the target.
        assert_eq!(sizes[5..10], [1, 2, 4, 8, 8]);
        assert_eq!((sizes[20], sizes[21], sizes[22], sizes[39]), (8, 8, 1, 1));
    }

    #[test]
    fn modes_and_controls_limit_scaling_in() {
        assert_eq!(sizes(GoogleRules { mode: Mode::OnlyScaleOut, ..RULES })[39], 8);
        assert_eq!(sizes(GoogleRules { mode: Mode::Off, ..RULES })[39], 1);
        let control = ScaleInControl { most: 2, window_ticks: 5 };
        let limited = sizes(GoogleRules { scale_in: Some(control), ..RULES });
        assert_eq!((limited[21], limited[22], limited[27]), (8, 6, 4), "{limited:?}");
    }

    #[test]
    fn servers_within_the_initialisation_period_do_not_count() {
        let sizes = sizes(GoogleRules { initialization_ticks: 3, ..RULES });
        assert!(sizes[6] == 2 && sizes[7] < 4, "{sizes:?}");
    }
}
