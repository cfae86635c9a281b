//! The settings of cloud autoscalers: their keys with the documented defaults, and the rules they make.

use dataflow_series::Step;

use super::keys::{Key, Slot, key};
use crate::policy::cloud::{
    Adjustment, AwsRules, BreachBehavior, GooglePrediction, GoogleRules, Mode, Pace, PredictiveRules, ScaleInControl,
    StepAdjustment, StepRules, TrackingRules, points,
};

/// The settings of AWS's policies. Times are in seconds, targets and thresholds shares of the ready capacity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AwsSettings {
    pub(super) target: f64,
    pub(super) high_alarm_seconds: f64,
    pub(super) low_alarm_seconds: f64,
    pub(super) low_alarm_share: f64,
    pub(super) low_alarm_share_ec2: f64,
    pub(super) scale_out_cooldown_seconds: f64,
    pub(super) scale_in_cooldown_seconds: f64,
    pub(super) scale_in_step: Option<u32>,
    pub(super) step_threshold: f64,
    pub(super) step_width: f64,
    pub(super) step_percent: f64,
    pub(super) step_far_percent: f64,
    pub(super) step_alarm_seconds: f64,
    pub(super) step_cooldown_seconds: f64,
    pub(super) predictive_target: f64,
    pub(super) buffer_seconds: f64,
    pub(super) history_seconds: f64,
}

/// The settings of Google's autoscaler. Times are in seconds, the target is a share of the ready capacity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GoogleSettings {
    target: f64,
    initialization_seconds: f64,
    stabilization_seconds: f64,
    scale_in_limit: Option<u32>,
    scale_in_window_seconds: f64,
    pub(super) mode: Mode,
    level: f64,
    history_seconds: f64,
}

/// The keys of these settings.
pub(super) const KEYS: &[Key] = &[
    key(
        "aws.target_tracking.target",
        "0.5",
        Slot::Utilization(|s| &mut s.aws.target),
        "Utilization that AWS target tracking keeps; AWS has no default.",
    ),
    key(
        "aws.target_tracking.high_alarm_time",
        "3m",
        Slot::Time(|s| &mut s.aws.high_alarm_seconds),
        "Time above the target before it scales out. Assumption: seen in the alarms that AWS creates.",
    ),
    key(
        "aws.target_tracking.low_alarm_time",
        "15m",
        Slot::Time(|s| &mut s.aws.low_alarm_seconds),
        "Time below the lower threshold before it scales in. Assumption: seen in the alarms that AWS creates.",
    ),
    key(
        "aws.target_tracking.low_alarm_share",
        "0.9",
        Slot::Utilization(|s| &mut s.aws.low_alarm_share),
        "Lower threshold as a share of the target. Assumption: seen with Application Auto Scaling.",
    ),
    key(
        "aws.target_tracking.low_alarm_share_ec2",
        "0.7",
        Slot::Utilization(|s| &mut s.aws.low_alarm_share_ec2),
        "The same for files of EC2 Auto Scaling. Assumption: seen with EC2 groups.",
    ),
    key(
        "aws.target_tracking.scale_out_cooldown",
        "5m",
        Slot::Time(|s| &mut s.aws.scale_out_cooldown_seconds),
        "Time after scaling out in which only a larger scale-out happens.",
    ),
    key(
        "aws.target_tracking.scale_in_cooldown",
        "5m",
        Slot::Time(|s| &mut s.aws.scale_in_cooldown_seconds),
        "Time after scaling in without another scale-in.",
    ),
    key(
        "aws.target_tracking.scale_in_step",
        "none",
        Slot::Limit(|s| &mut s.aws.scale_in_step),
        "Most servers removed at once. Assumption: none, as many as the metric asks for; AWS does not publish it.",
    ),
    key(
        "aws.step_scaling.threshold",
        "0.5",
        Slot::Utilization(|s| &mut s.aws.step_threshold),
        "Utilization around which AWS step scaling has its steps, as in AWS's own example.",
    ),
    key(
        "aws.step_scaling.width",
        "0.1",
        Slot::Utilization(|s| &mut s.aws.step_width),
        "Utilization from the threshold to the first step, and from there to the second.",
    ),
    key(
        "aws.step_scaling.percent",
        "10",
        Slot::Price(|s| &mut s.aws.step_percent),
        "Percent of the servers added or removed by the first step.",
    ),
    key(
        "aws.step_scaling.far_percent",
        "30",
        Slot::Price(|s| &mut s.aws.step_far_percent),
        "Percent of the servers added or removed by the second step.",
    ),
    key(
        "aws.step_scaling.alarm_time",
        "2m",
        Slot::Time(|s| &mut s.aws.step_alarm_seconds),
        "Time beyond a threshold before a step. Assumption: the alarm is the user's own.",
    ),
    key(
        "aws.step_scaling.cooldown",
        "5m",
        Slot::Time(|s| &mut s.aws.step_cooldown_seconds),
        "Time after a step in which only a larger scale-out happens.",
    ),
    key(
        "aws.predictive.target",
        "0.5",
        Slot::Utilization(|s| &mut s.aws.predictive_target),
        "Utilization that AWS predictive scaling provisions each hour for; AWS has no default.",
    ),
    key(
        "aws.predictive.buffer_time",
        "5m",
        Slot::Time(|s| &mut s.aws.buffer_seconds),
        "Time before an hour in which its servers are launched.",
    ),
    key(
        "aws.predictive.history_time",
        "24h",
        Slot::Time(|s| &mut s.aws.history_seconds),
        "Time, from the first interval judged, before it forecasts.",
    ),
    key(
        "google.target",
        "0.6",
        Slot::Utilization(|s| &mut s.google.target),
        "Utilization that Google's autoscaler keeps.",
    ),
    key(
        "google.initialization_time",
        "1m",
        Slot::Time(|s| &mut s.google.initialization_seconds),
        "Initialisation period: time from a server's order until its use counts, and the lead of predictions.",
    ),
    key(
        "google.stabilization_time",
        "10m",
        Slot::Time(|s| &mut s.google.stabilization_seconds),
        "Stabilisation period: time whose peak decides.",
    ),
    key(
        "google.scale_in_limit",
        "none",
        Slot::Limit(|s| &mut s.google.scale_in_limit),
        "Scale-in control: most servers removed within its window; none is no control.",
    ),
    key(
        "google.scale_in_window",
        "10m",
        Slot::Time(|s| &mut s.google.scale_in_window_seconds),
        "Window of the scale-in control.",
    ),
    key("google.mode", "out-and-in", Slot::Mode(|s| &mut s.google.mode), "How Google's autoscaler may scale."),
    key(
        "google.prediction_level",
        "0.9",
        Slot::Level(|s| &mut s.google.level),
        "Quantile of the forecast that the predictive method provisions for. Assumption: Google's own is not published.",
    ),
    key(
        "google.prediction_history",
        "3d",
        Slot::Time(|s| &mut s.google.history_seconds),
        "Time, from the first interval judged, before it predicts.",
    ),
];

impl AwsSettings {
    /// What target tracking is by these settings.
    pub(super) fn tracking(&self, step: Step) -> TrackingRules {
        TrackingRules {
            target: self.target,
            low_share: self.low_alarm_share,
            high_points: points(step, self.high_alarm_seconds),
            low_points: points(step, self.low_alarm_seconds),
            pace: Pace::Cooldowns {
                out: step.ticks(self.scale_out_cooldown_seconds),
                r#in: step.ticks(self.scale_in_cooldown_seconds),
            },
            scale_in_step: self.scale_in_step,
            scale_in_disabled: false,
        }
    }

    /// A group with one policy that tracks a target.
    pub(super) fn target_tracking(&self, step: Step) -> AwsRules {
        AwsRules { tracking: vec![self.tracking(step)], saturates: true, ..AwsRules::default() }
    }

    /// A group that scales out above the threshold and in below it, in steps.
    pub(super) fn step_scaling(&self, step: Step) -> AwsRules {
        let (near, far) = (Some(self.step_width), Some(2.0 * self.step_width));
        let minus = |bound: Option<f64>| bound.map(|bound| -bound);
        let one = |lower, upper, adjustment| StepAdjustment { lower, upper, adjustment };
        let policy = |is_above, steps| StepRules {
            threshold: self.step_threshold,
            is_above,
            points: points(step, self.step_alarm_seconds),
            steps,
            adjustment: Adjustment::PercentChangeInCapacity { least: 0 },
            cooldown_ticks: step.ticks(self.step_cooldown_seconds),
        };
        let out = vec![one(near, far, self.step_percent), one(far, None, self.step_far_percent)];
        let r#in =
            vec![one(minus(far), minus(near), -self.step_percent), one(None, minus(far), -self.step_far_percent)];
        AwsRules { steps: vec![policy(true, out), policy(false, r#in)], saturates: true, ..AwsRules::default() }
    }

    /// A group whose forecast is a floor under one policy that tracks a target.
    pub(super) fn predictive(&self, step: Step) -> AwsRules {
        let predictive = PredictiveRules {
            target: self.predictive_target,
            buffer_seconds: self.buffer_seconds,
            forecasts_only: false,
            breach: BreachBehavior::HonorMaxCapacity,
            history_seconds: self.history_seconds,
        };
        AwsRules { predictive: Some(predictive), ..self.target_tracking(step) }
    }
}

impl GoogleSettings {
    /// Ticks from a decision to the load that the predictive method looks at.
    pub(super) fn lead_ticks(&self, step: Step) -> u32 {
        step.ticks(self.initialization_seconds)
    }

    /// The autoscaler, with its predictive method or without.
    pub(super) fn rules(&self, step: Step, is_predictive: bool) -> GoogleRules {
        let window_ticks = step.ticks(self.scale_in_window_seconds);
        GoogleRules {
            target: self.target,
            initialization_ticks: self.lead_ticks(step),
            stabilization_ticks: step.ticks(self.stabilization_seconds),
            scale_in: self.scale_in_limit.map(|most| ScaleInControl { most, window_ticks }),
            mode: self.mode,
            prediction: is_predictive
                .then(|| GooglePrediction { level: self.level, history_ticks: step.ticks(self.history_seconds) }),
        }
    }
}
