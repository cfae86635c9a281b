//! The numbers of a policy that can be tuned: where each may lie, and how it is changed.

use dataflow_series::Step;

use super::keys::Key;
use super::policies::PolicySpec;
use super::settings::Settings;

/// A number that tuning may change, and where it may lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// A key of the configuration, or a field of a manifest.
    pub name: String,
    /// What it means, one sentence.
    pub about: String,
    /// Its present value, in `unit`.
    pub value: f64,
    /// Least value worth trying, in `unit`.
    pub low: f64,
    /// Largest value worth trying, in `unit`.
    pub high: f64,
    /// Whether only whole numbers are meant.
    pub is_whole: bool,
    /// Whether ratios matter more than differences.
    pub is_logarithmic: bool,
    /// What it is measured in; empty for shares and counts.
    pub unit: &'static str,
}

/// Where the value of a key is worth trying.
#[derive(Debug, Clone, Copy)]
struct Span {
    path: &'static str,
    low: f64,
    high: f64,
    is_logarithmic: bool,
}

const fn linear(path: &'static str, low: f64, high: f64) -> Span {
    Span { path, low, high, is_logarithmic: false }
}

const COOLDOWN: Span = linear("simulation.cooldown_minutes", 0.0, 1_800.0);
const REACTIVE: [Span; 3] =
    [linear("thresholds.reactive.high", 0.3, 0.98), linear("thresholds.reactive.low", 0.05, 0.8), COOLDOWN];
const PREDICTIVE: [Span; 3] =
    [linear("thresholds.predictive.high", 0.3, 0.98), linear("thresholds.predictive.low", 0.05, 0.8), COOLDOWN];
const HYBRID: [Span; 5] = [
    linear("thresholds.hybrid.out", 0.3, 1.2),
    linear("thresholds.hybrid.in", 0.05, 0.9),
    linear("thresholds.hybrid.emergency", 0.5, 1.5),
    linear("thresholds.hybrid.hysteresis_time", 0.0, 3_600.0),
    COOLDOWN,
];
const QUANTILE: [Span; 2] = [linear("quantile.level", 0.5, 0.998), linear("quantile.hold", 0.0, 7_200.0)];
const CHANCE_CONSTRAINED: [Span; 2] = [
    Span { is_logarithmic: true, ..linear("chance_constrained.dropped_share", 0.000_01, 0.1) },
    linear("chance_constrained.hold", 0.0, 7_200.0),
];
const NEWSVENDOR: [Span; 1] = [linear("newsvendor.hold", 0.0, 7_200.0)];
const MODEL_PREDICTIVE: [Span; 1] = [linear("model_predictive.hold", 0.0, 3_600.0)];

const TARGET_TRACKING: [Span; 7] = [
    linear("aws.target_tracking.target", 0.2, 0.98),
    linear("aws.target_tracking.high_alarm_time", 0.0, 600.0),
    linear("aws.target_tracking.low_alarm_time", 0.0, 7_200.0),
    linear("aws.target_tracking.low_alarm_share", 0.3, 1.0),
    linear("aws.target_tracking.scale_out_cooldown", 0.0, 900.0),
    linear("aws.target_tracking.scale_in_cooldown", 0.0, 1_800.0),
    linear("aws.target_tracking.scale_in_step", 1.0, 10.0),
];
const STEP_SCALING: [Span; 6] = [
    linear("aws.step_scaling.threshold", 0.2, 0.9),
    linear("aws.step_scaling.width", 0.01, 0.3),
    linear("aws.step_scaling.percent", 5.0, 100.0),
    linear("aws.step_scaling.far_percent", 10.0, 200.0),
    linear("aws.step_scaling.alarm_time", 0.0, 900.0),
    linear("aws.step_scaling.cooldown", 0.0, 1_800.0),
];
const AWS_PREDICTIVE: [Span; 4] = [
    linear("aws.predictive.target", 0.2, 0.98),
    linear("aws.predictive.buffer_time", 0.0, 3_600.0),
    TARGET_TRACKING[0],
    TARGET_TRACKING[2],
];
const GOOGLE: [Span; 2] = [linear("google.target", 0.2, 0.98), linear("google.stabilization_time", 0.0, 7_200.0)];
const GOOGLE_PREDICTIVE: [Span; 4] = [
    GOOGLE[0],
    GOOGLE[1],
    linear("google.initialization_time", 0.0, 1_800.0),
    linear("google.prediction_level", 0.5, 0.998),
];
const HPA: [Span; 6] = [
    linear("hpa.target_utilization", 0.3, 1.0),
    linear("hpa.tolerance", 0.0, 0.3),
    linear("hpa.scale_up_stabilization", 0.0, 600.0),
    linear("hpa.scale_down_stabilization", 0.0, 7_200.0),
    linear("hpa.scale_up_pods", 1.0, 20.0),
    linear("hpa.scale_down_percent", 1.0, 100.0),
];

impl PolicySpec {
    /// The numbers of this policy that are worth tuning, with their present values.
    pub fn parameters(&self, settings: &Settings) -> Vec<Parameter> {
        let spans: &[Span] = match self {
            Self::Reactive => &REACTIVE,
            Self::Predictive => &PREDICTIVE,
            Self::Hybrid => &HYBRID,
            Self::Quantile => &QUANTILE,
            Self::ChanceConstrained => &CHANCE_CONSTRAINED,
            Self::Newsvendor => &NEWSVENDOR,
            Self::ModelPredictive | Self::ModelPredictiveLimited => &MODEL_PREDICTIVE,
            Self::AwsTargetTracking => &TARGET_TRACKING,
            Self::AwsStepScaling => &STEP_SCALING,
            Self::AwsPredictive => &AWS_PREDICTIVE,
            Self::Google => &GOOGLE,
            Self::GooglePredictive => &GOOGLE_PREDICTIVE,
            Self::Hpa => &HPA,
            Self::Manifest(manifest) => return manifest.parameters(settings),
            Self::Fixed(_) | Self::Lazy | Self::Aws(_) | Self::Optimal | Self::Tuned(_) => &[],
        };
        spans.iter().filter_map(|span| span.parameter(settings)).collect()
    }

    /// Changes a number by its name, a key of the configuration; `None` where there is no such number, or it may not
    /// have this value.
    pub fn adjust(&mut self, settings: &mut Settings, name: &str, value: f64) -> Option<()> {
        if let Self::Manifest(manifest) = self {
            return manifest.adjust(name, value);
        }
        Key::find(name)?.set_number(settings, value)
    }
}

impl PolicySpec {
    /// Takes from the policy whatever keeps it from acting at once: cooldown, hold, hysteresis, stabilization, alarm times
    /// and limits of the rate of change.
    ///
    /// What the load needs before a new server could be ready is kept, or a policy that looks ahead would let go of it.
    pub fn act_at_once(&mut self, settings: &mut Settings, step: Step) {
        for (path, value) in AT_ONCE {
            // All of these keys are there and may have these values: a test says so.
            let _ = Key::find(path).and_then(|key| key.set_number(settings, *value));
        }
        if let Self::Manifest(manifest) = self {
            manifest.act_at_once();
        }
        if let Self::Tuned(base) = self {
            base.act_at_once(settings, step);
        }
        let hold = settings.startup_seconds + f64::from(step.seconds());
        settings.quantile_hold_seconds = hold;
        settings.chance_hold_seconds = hold;
        settings.newsvendor_hold_seconds = hold;
        settings.plan_hold_seconds = hold;
    }
}

impl PolicySpec {
    /// Takes from the policy its own bounds of the number of servers, up to `most`; those of the fleet stay.
    pub fn unbound(&mut self, most: u32) {
        match self {
            Self::Manifest(manifest) => manifest.unbound(most),
            Self::Tuned(base) => base.unbound(most),
            _ => {}
        }
    }
}

/// What lets every policy act at once.
const AT_ONCE: &[(&str, f64)] = &[
    ("simulation.cooldown_minutes", 0.0),
    ("thresholds.hybrid.hysteresis_time", 0.0),
    ("aws.target_tracking.high_alarm_time", 0.0),
    ("aws.target_tracking.low_alarm_time", 0.0),
    ("aws.target_tracking.scale_out_cooldown", 0.0),
    ("aws.target_tracking.scale_in_cooldown", 0.0),
    ("aws.step_scaling.alarm_time", 0.0),
    ("aws.step_scaling.cooldown", 0.0),
    ("google.stabilization_time", 0.0),
    ("hpa.scale_up_stabilization", 0.0),
    ("hpa.scale_down_stabilization", 0.0),
    ("hpa.scale_up_pods", 1_000_000.0),
    ("hpa.scale_up_percent", 1_000_000.0),
    ("hpa.scale_down_percent", 100.0),
];

impl Span {
    fn parameter(&self, settings: &Settings) -> Option<Parameter> {
        let key = Key::find(self.path)?;
        Some(Parameter {
            name: key.path.to_owned(),
            about: key.about.to_owned(),
            value: key.number(settings)?,
            low: self.low,
            high: self.high,
            is_whole: key.is_whole(),
            is_logarithmic: self.is_logarithmic,
            unit: key.unit(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Configuration;

    #[test]
    fn every_number_worth_tuning_can_be_changed_and_read_back() {
        for mut policy in PolicySpec::NAMED.iter().cloned() {
            let mut settings = Configuration::default().settings().clone();
            for parameter in policy.parameters(&settings) {
                assert!(parameter.low < parameter.high, "{parameter:?}");
                for value in [parameter.low, parameter.high] {
                    assert_eq!(policy.adjust(&mut settings, &parameter.name, value), Some(()), "{parameter:?}");
                    let changed = policy.parameters(&settings);
                    let read = changed.iter().find(|changed| changed.name == parameter.name).map(|read| read.value);
                    assert_eq!(read, Some(value), "{parameter:?}");
                }
            }
        }
    }

    #[test]
    fn every_delay_can_be_taken_away() {
        let mut settings = Configuration::default().settings().clone();
        for (path, value) in AT_ONCE {
            assert_eq!(PolicySpec::Reactive.adjust(&mut settings, path, *value), Some(()), "{path}");
        }
    }

    #[test]
    fn what_is_no_number_or_out_of_bounds_is_not_kept() {
        let mut settings = Configuration::default().settings().clone();
        let before = settings.clone();
        for (name, value) in
            [("forecasting.model", 1.0), ("nothing", 1.0), ("quantile.level", 1.0), ("simulation.max_servers", 1.5)]
        {
            assert_eq!(PolicySpec::Quantile.adjust(&mut settings, name, value), None, "{name}");
        }
        assert_eq!(settings, before);
    }
}
