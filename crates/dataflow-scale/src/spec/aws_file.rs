//! AWS scaling policies from the JSON or YAML that its command line takes.
//!
//! One document, or a list of them: the input of `aws application-autoscaling put-scaling-policy` (or of `aws autoscaling
//! put-scaling-policy`, whose configurations have other names), of `aws cloudwatch put-metric-alarm` for the alarms of
//! step scaling, and of `register-scalable-target` for capacity limits. Metrics are taken for the load of the trace:
//! average utilization in percent, or requests per target and minute.

use dataflow_series::Step;

use super::settings::Settings;
use crate::policy::cloud::{
    Adjustment, AwsRules, BreachBehavior, CapacityLimits, Pace, PredictiveRules, StepAdjustment, StepRules,
    TrackingRules, points,
};
use crate::policy::kubernetes::manifest::place::{Place, documents};

const PERCENT: f64 = 100.0;
const DAY_SECONDS: f64 = 86_400.0;
const COOLDOWN_SECONDS: f64 = 300.0;

/// The policies of a file, in the units of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsFile {
    /// The file's name.
    pub name: String,
    tracking: Vec<Tracking>,
    steps: Vec<Steps>,
    predictive: Option<Predictive>,
    limits: Option<CapacityLimits>,
}

/// What a metric's target or threshold is measured in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Amount {
    Percent(f64),
    /// Requests for one server in a minute.
    RequestsPerServer(f64),
}

#[derive(Debug, Clone, PartialEq)]
struct Tracking {
    target: Amount,
    is_ec2: bool,
    out_cooldown: f64,
    in_cooldown: f64,
    scale_in_disabled: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Steps {
    policy: String,
    adjustments: Vec<StepAdjustment>,
    adjustment: Adjustment,
    cooldown: f64,
    alarm: Option<MetricAlarm>,
}

#[derive(Debug, Clone, PartialEq)]
struct MetricAlarm {
    threshold: f64,
    is_above: bool,
    seconds: f64,
    actions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Predictive {
    target: Amount,
    buffer: f64,
    forecasts_only: bool,
    breach: BreachBehavior,
}

impl AwsFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it holds no scaling policy, or one that cannot be simulated: file, line, field, what was expected.
    pub fn read(name: &str, text: &str) -> Result<Self, String> {
        let mut file =
            Self { name: name.to_owned(), tracking: Vec::new(), steps: Vec::new(), predictive: None, limits: None };
        let mut alarms = Vec::new();
        for document in documents(name, text)? {
            let root = document.root();
            for place in root.items().unwrap_or_else(|_| vec![root.clone()]) {
                file.add(&place, &mut alarms)?;
            }
        }
        file.attach(&alarms)?;
        if file.tracking.is_empty() && file.steps.is_empty() && file.predictive.is_none() {
            return Err(format!("{name}: expected the input of put-scaling-policy, found no scaling policy"));
        }
        Ok(file)
    }

    fn add(&mut self, place: &Place<'_>, alarms: &mut Vec<MetricAlarm>) -> Result<(), String> {
        if place.get("ComparisonOperator").is_some() {
            alarms.push(read_alarm(place)?);
            return Ok(());
        }
        if place.get("MinCapacity").is_some() || place.get("MaxCapacity").is_some() {
            let (min, max) = (place.need("MinCapacity")?, place.need("MaxCapacity")?);
            let least = min.whole(0, i32::MAX)?.unsigned_abs();
            let most = max.whole(0, i32::MAX)?.unsigned_abs();
            if most < least {
                return Err(max.expected(format!("at least the MinCapacity of {least}")));
            }
            self.limits = Some(CapacityLimits { min: least, max: most });
            return Ok(());
        }
        place.only(&POLICY_FIELDS)?;
        let kind = place
            .get("PolicyType")
            .map(|kind| kind.one_of(&[("TargetTrackingScaling", 0), ("StepScaling", 1), ("PredictiveScaling", 2)]));
        match kind.transpose()? {
            Some(0) => self.tracking.push(read_tracking(place)?),
            Some(2) => self.predictive = Some(read_predictive(place)?),
            // Where no type is given it is step scaling.
            _ if place.get("TargetTrackingScalingPolicyConfiguration").is_some()
                || place.get("TargetTrackingConfiguration").is_some() =>
            {
                let configuration = place.get("TargetTrackingScalingPolicyConfiguration");
                let wrong = configuration.unwrap_or_else(|| place.clone());
                return Err(wrong.wrong("needs PolicyType: TargetTrackingScaling beside it"));
            }
            _ => self.steps.push(read_steps(place)?),
        }
        Ok(())
    }

    /// Gives each step policy its alarm: the one whose actions name it, or the only one there is.
    fn attach(&mut self, alarms: &[MetricAlarm]) -> Result<(), String> {
        let is_only = alarms.len() == 1 && self.steps.len() == 1;
        for steps in &mut self.steps {
            let names_it = |alarm: &&MetricAlarm| alarm.actions.iter().any(|action| action.contains(&steps.policy));
            let alarm = alarms.iter().find(|alarm| is_only || names_it(alarm)).cloned();
            steps.alarm = Some(alarm.ok_or_else(|| {
                format!(
                    "{}: the step scaling policy {:?} has no alarm; put the input of `aws cloudwatch put-metric-alarm` \
                     beside it, in a list, with the policy's name in its AlarmActions",
                    self.name, steps.policy
                )
            })?);
        }
        Ok(())
    }

    /// The rules at intervals of this length; what AWS does not publish is as the settings assume it.
    pub(super) fn rules(&self, settings: &Settings, step: Step) -> AwsRules {
        let per_server = settings.capacity_per_server.per_tick(step) * 60.0 / f64::from(step.seconds());
        let share = |amount: Amount| match amount {
            Amount::Percent(percent) => percent / PERCENT,
            Amount::RequestsPerServer(requests) => requests / per_server,
        };
        let is_percent = |tracking: &Tracking| matches!(tracking.target, Amount::Percent(_));
        AwsRules {
            tracking: self
                .tracking
                .iter()
                .map(|tracking| tracking.rules(settings, step, share(tracking.target)))
                .collect(),
            steps: self.steps.iter().filter_map(|steps| steps.rules(step)).collect(),
            predictive: self.predictive.as_ref().map(|predictive| PredictiveRules {
                target: share(predictive.target),
                buffer_seconds: predictive.buffer,
                forecasts_only: predictive.forecasts_only,
                breach: predictive.breach,
                history_seconds: DAY_SECONDS,
            }),
            limits: self.limits,
            saturates: self.tracking.iter().all(is_percent),
        }
    }
}

impl Tracking {
    fn rules(&self, settings: &Settings, step: Step, target: f64) -> TrackingRules {
        let assumed = settings.aws.tracking(step);
        let cooldowns = Pace::Cooldowns { out: step.ticks(self.out_cooldown), r#in: step.ticks(self.in_cooldown) };
        TrackingRules {
            target,
            low_share: if self.is_ec2 { settings.aws.low_alarm_share_ec2 } else { assumed.low_share },
            pace: if self.is_ec2 { Pace::WarmUp } else { cooldowns },
            scale_in_disabled: self.scale_in_disabled,
            ..assumed
        }
    }
}

impl Steps {
    fn rules(&self, step: Step) -> Option<StepRules> {
        let alarm = self.alarm.as_ref()?;
        let bound = |bound: Option<f64>| bound.map(|bound| bound / PERCENT);
        let steps = self.adjustments.iter().map(|step| StepAdjustment {
            lower: bound(step.lower),
            upper: bound(step.upper),
            adjustment: step.adjustment,
        });
        Some(StepRules {
            threshold: alarm.threshold / PERCENT,
            is_above: alarm.is_above,
            points: points(step, alarm.seconds),
            steps: steps.collect(),
            adjustment: self.adjustment,
            cooldown_ticks: step.ticks(self.cooldown),
        })
    }
}

const POLICY_FIELDS: [&str; 15] = [
    "PolicyName",
    "ServiceNamespace",
    "ResourceId",
    "ScalableDimension",
    "PolicyType",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
    "PredictiveScalingPolicyConfiguration",
    "AutoScalingGroupName",
    "AdjustmentType",
    "StepAdjustments",
    "MinAdjustmentMagnitude",
    "TargetTrackingConfiguration",
    "PredictiveScalingConfiguration",
    "EstimatedInstanceWarmup",
];

/// A number within bounds.
fn number(place: &Place<'_>, low: f64, high: f64) -> Result<f64, String> {
    let read = place.text().ok().and_then(|text| text.parse().ok());
    let expected = || match (low, high) {
        (f64::MIN, f64::MAX) => "a number".to_owned(),
        (low, f64::MAX) => format!("a number of at least {low}"),
        (low, high) => format!("a number from {low} to {high}"),
    };
    read.filter(|read: &f64| (low..=high).contains(read)).ok_or_else(|| place.expected(expected()))
}

fn optional(place: &Place<'_>, name: &str, default: f64, high: f64) -> Result<f64, String> {
    place.get(name).map_or(Ok(default), |field| number(&field, 0.0, high))
}

/// The target of a metric that can be told from the load.
fn target(configuration: &Place<'_>, metric: Option<Place<'_>>) -> Result<Amount, String> {
    let value = configuration.need("TargetValue")?;
    let amount = number(&value, f64::MIN_POSITIVE, f64::MAX).map_err(|_| value.expected("a number above 0"))?;
    let kind = metric.and_then(|metric| metric.get("PredefinedMetricType"));
    let is_requests = kind.as_ref().and_then(|kind| kind.text().ok()).is_some_and(|kind| kind.contains("RequestCount"));
    Ok(if is_requests { Amount::RequestsPerServer(amount) } else { Amount::Percent(amount) })
}

fn read_tracking(place: &Place<'_>) -> Result<Tracking, String> {
    let ec2 = place.get("TargetTrackingConfiguration");
    let is_ec2 = ec2.is_some();
    let configuration = match ec2 {
        Some(configuration) => configuration,
        None => place.need("TargetTrackingScalingPolicyConfiguration")?,
    };
    configuration.only(&[
        "TargetValue",
        "PredefinedMetricSpecification",
        "CustomizedMetricSpecification",
        "ScaleOutCooldown",
        "ScaleInCooldown",
        "DisableScaleIn",
    ])?;
    let disabled = configuration.get("DisableScaleIn");
    Ok(Tracking {
        target: target(&configuration, configuration.get("PredefinedMetricSpecification"))?,
        is_ec2,
        out_cooldown: optional(&configuration, "ScaleOutCooldown", COOLDOWN_SECONDS, DAY_SECONDS)?,
        in_cooldown: optional(&configuration, "ScaleInCooldown", COOLDOWN_SECONDS, DAY_SECONDS)?,
        scale_in_disabled: disabled.map_or(Ok(false), |field| field.one_of(&[("true", true), ("false", false)]))?,
    })
}

fn read_steps(place: &Place<'_>) -> Result<Steps, String> {
    let is_ec2 = place.get("AutoScalingGroupName").is_some();
    let configuration = if is_ec2 { place.clone() } else { place.need("StepScalingPolicyConfiguration")? };
    if !is_ec2 {
        configuration.only(&[
            "AdjustmentType",
            "StepAdjustments",
            "MinAdjustmentMagnitude",
            "Cooldown",
            "MetricAggregationType",
        ])?;
    }
    let least = configuration.get("MinAdjustmentMagnitude").map_or(Ok(0), |field| field.whole(1, i32::MAX))?;
    let adjustment = configuration.need("AdjustmentType")?.one_of(&[
        ("ChangeInCapacity", Adjustment::ChangeInCapacity),
        ("ExactCapacity", Adjustment::ExactCapacity),
        ("PercentChangeInCapacity", Adjustment::PercentChangeInCapacity { least: least.unsigned_abs() }),
    ])?;
    let list = configuration.need("StepAdjustments")?;
    let mut steps = list.items()?.iter().map(read_step).collect::<Result<Vec<_>, _>>()?;
    steps.sort_by(|left, right| {
        let lower = |step: &StepAdjustment| step.lower.unwrap_or(f64::NEG_INFINITY);
        lower(left).total_cmp(&lower(right))
    });
    if steps.is_empty() || steps.windows(2).any(|pair| pair[0].upper.is_none() || pair[0].upper != pair[1].lower) {
        return Err(list.wrong("expected steps without gaps or overlaps, each ending where the next one begins"));
    }
    Ok(Steps {
        policy: place.need("PolicyName")?.text()?.to_owned(),
        adjustments: steps,
        adjustment,
        cooldown: optional(&configuration, "Cooldown", COOLDOWN_SECONDS, DAY_SECONDS)?,
        alarm: None,
    })
}

fn read_step(place: &Place<'_>) -> Result<StepAdjustment, String> {
    place.only(&["MetricIntervalLowerBound", "MetricIntervalUpperBound", "ScalingAdjustment"])?;
    let bound = |name| place.get(name).map(|field| number(&field, f64::MIN, f64::MAX)).transpose();
    let (lower, upper) = (bound("MetricIntervalLowerBound")?, bound("MetricIntervalUpperBound")?);
    if let (Some(low), Some(high)) = (lower, upper)
        && low >= high
    {
        return Err(place.wrong("expected a MetricIntervalLowerBound below the MetricIntervalUpperBound"));
    }
    let adjustment = number(&place.need("ScalingAdjustment")?, f64::MIN, f64::MAX)?;
    Ok(StepAdjustment { lower, upper, adjustment })
}

fn read_alarm(place: &Place<'_>) -> Result<MetricAlarm, String> {
    let period = optional(place, "Period", 60.0, DAY_SECONDS)?;
    let periods = number(&place.need("EvaluationPeriods")?, 1.0, DAY_SECONDS)?;
    let actions = place.get("AlarmActions").map_or(Ok(Vec::new()), |field| field.items())?;
    Ok(MetricAlarm {
        threshold: number(&place.need("Threshold")?, 0.0, f64::MAX)?,
        is_above: place.need("ComparisonOperator")?.one_of(&[
            ("GreaterThanOrEqualToThreshold", true),
            ("GreaterThanThreshold", true),
            ("LessThanOrEqualToThreshold", false),
            ("LessThanThreshold", false),
        ])?,
        seconds: period * periods,
        actions: actions.iter().map(|action| action.text().map(str::to_owned)).collect::<Result<_, _>>()?,
    })
}

fn read_predictive(place: &Place<'_>) -> Result<Predictive, String> {
    let configuration = match place.get("PredictiveScalingConfiguration") {
        Some(configuration) => configuration,
        None => place.need("PredictiveScalingPolicyConfiguration")?,
    };
    configuration.only(&[
        "MetricSpecifications",
        "Mode",
        "SchedulingBufferTime",
        "MaxCapacityBreachBehavior",
        "MaxCapacityBuffer",
    ])?;
    let list = configuration.need("MetricSpecifications")?;
    let specifications = list.items()?;
    let [specification] = specifications.as_slice() else {
        return Err(list.wrong("expected one metric specification"));
    };
    let mode = configuration.get("Mode");
    let buffer = optional(&configuration, "MaxCapacityBuffer", 0.0, PERCENT)?;
    let breach =
        configuration.get("MaxCapacityBreachBehavior").map_or(Ok(BreachBehavior::HonorMaxCapacity), |field| {
            field.one_of(&[
                ("HonorMaxCapacity", BreachBehavior::HonorMaxCapacity),
                ("IncreaseMaxCapacity", BreachBehavior::IncreaseMaxCapacity { buffer }),
            ])
        })?;
    let pair = specification.get("PredefinedMetricPairSpecification");
    let scaling = pair.or_else(|| specification.get("PredefinedScalingMetricSpecification"));
    Ok(Predictive {
        target: target(specification, scaling)?,
        buffer: optional(&configuration, "SchedulingBufferTime", COOLDOWN_SECONDS, 3_600.0)?,
        forecasts_only: mode
            .map_or(Ok(true), |field| field.one_of(&[("ForecastOnly", true), ("ForecastAndScale", false)]))?,
        breach,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Configuration;

    const EXAMPLE: &str = include_str!("../../../../examples/aws.json");

    fn rules(text: &str) -> AwsRules {
        AwsFile::read("aws.json", text).unwrap().rules(Configuration::default().settings(), Step::MINUTE)
    }

    #[test]
    fn the_example_tracks_seventy_five_percent() {
        let tracking = rules(EXAMPLE).tracking;
        assert_eq!((tracking.len(), tracking[0].target, tracking[0].low_share), (1, 0.75, 0.9));
        assert_eq!(tracking[0].pace, Pace::Cooldowns { out: 1, r#in: 5 });
    }

    #[test]
    fn steps_find_their_alarms_and_groups_of_ec2_warm_up() {
        let rules = rules(
            "- {PolicyName: out, PolicyType: StepScaling, StepScalingPolicyConfiguration: {AdjustmentType: \
             ChangeInCapacity, StepAdjustments: [{MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 10, \
             ScalingAdjustment: 1}, {MetricIntervalLowerBound: 10, ScalingAdjustment: 3}]}}\n\
             - {AlarmName: hot, ComparisonOperator: GreaterThanThreshold, Threshold: 60, EvaluationPeriods: 2, \
             Period: 60, AlarmActions: [out]}\n\
             - {AutoScalingGroupName: web, PolicyName: cpu, PolicyType: TargetTrackingScaling, \
             TargetTrackingConfiguration: {TargetValue: 40}}\n\
             - {MinCapacity: 2, MaxCapacity: 7}\n",
        );
        assert_eq!(
            (rules.steps[0].threshold, rules.steps[0].points, rules.steps[0].steps[1].lower),
            (0.6, 2, Some(0.1))
        );
        assert_eq!((rules.tracking[0].pace, rules.tracking[0].low_share), (Pace::WarmUp, 0.7));
        assert_eq!(rules.limits, Some(CapacityLimits { min: 2, max: 7 }));
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_field() {
        let head = "PolicyName: a\nPolicyType: TargetTrackingScaling\nTargetTrackingScalingPolicyConfiguration:\n";
        for (text, expected) in [
            (
                format!("{head}  TargetValue: hot\n"),
                "f:4: TargetTrackingScalingPolicyConfiguration.TargetValue: expected a number",
            ),
            (
                format!("{head}  TargetVal: 1\n"),
                "f:4: TargetTrackingScalingPolicyConfiguration.TargetVal: there is no such field",
            ),
            (
                format!("{head}  TargetValue: 50\n  ScaleInCooldown: -1\n"),
                "f:5: TargetTrackingScalingPolicyConfiguration.ScaleInCooldown: expected",
            ),
            ("PolicyType: SimpleScaling\n".to_owned(), "f:1: PolicyType: expected TargetTrackingScaling or"),
            ("kind: HorizontalPodAutoscaler\n".to_owned(), "f:1: kind: there is no such field"),
            (String::new(), "f: expected the input of put-scaling-policy"),
        ] {
            let error = AwsFile::read("f", &text).unwrap_err();
            assert!(error.starts_with(expected), "{text}\n  {error}\n  {expected}");
        }
    }
}
