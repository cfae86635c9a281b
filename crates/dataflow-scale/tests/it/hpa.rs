//! The horizontal pod autoscaler and KEDA against recorded cases (`golden/kubernetes`, whose README tells their origin).
//!
//! Reads every `*.json` of the folder that `DATAFLOW_HPA_VECTORS` names, else of `../shared/golden/hpa` beside the
//! project where there is one, else of the project's own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use dataflow_scale::policy::kubernetes::behavior::{
    Behavior, Changes, Limit, RatePolicy, Rules, ScaleEvent, ScaleEvents, SelectPolicy, Unit, UpStep, WrittenRules,
    within_rates, within_step,
};
use dataflow_scale::policy::kubernetes::metric::{
    Aim, MetricError, PodSamples, Proposal, Resource, Sums, Tolerance, for_average_value, for_value, from_pods,
    sum_of_samples, usage_ratio,
};
use dataflow_scale::policy::kubernetes::pods::{
    Container, Initialization, Phase, Pod, Ready, Sample, Status, group, requests,
};
use dataflow_scale::policy::kubernetes::recommendations::{
    Recommendation, RecommendationList, Recommendations, Windows,
};
use dataflow_scale::policy::kubernetes::reconcile::{AbleToScale, Controller, FailedMetric, HpaRules, stabilize};
use serde_json::Value;

/// A case, told by its name where it fails.
pub(crate) struct Case(pub(crate) Value);

impl std::ops::Deref for Case {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Case {
    pub(crate) fn kind(&self) -> &str {
        self["kind"].as_str().unwrap()
    }

    fn int(&self, key: &str) -> i64 {
        self[key].as_i64().unwrap_or_else(|| panic!("{}: {key} is no number: {}", self["id"], self[key]))
    }

    fn count(&self, key: &str) -> i32 {
        i32::try_from(self.int(key)).unwrap()
    }

    /// Compares what the case expects, each thing that it names; one that nobody compares with fails.
    pub(crate) fn expect(&self, actual: &[(&str, Value)]) {
        for (key, expected) in self["expected"].as_object().unwrap() {
            let found = actual.iter().find(|(name, _)| name == key);
            let (_, actual) = found.unwrap_or_else(|| panic!("{}: nothing to compare {key} with", self["id"]));
            let same = match (expected.as_f64(), actual.as_f64()) {
                (Some(expected), Some(actual)) if expected.fract() != 0.0 => (expected - actual).abs() < 1e-9,
                (Some(_), Some(_)) if expected.is_f64() != actual.is_f64() => expected.as_f64() == actual.as_f64(),
                _ => expected == actual,
            };
            assert!(same, "{} ({}): {key}: expected {expected}, got {actual}", self["id"], self["name"]);
        }
    }

    /// As [`Self::expect`], where an error may be expected: a part of its words.
    pub(crate) fn expect_result<E: std::fmt::Display>(&self, actual: Result<Vec<(&str, Value)>, E>) {
        match (actual, self["expected"]["error"].as_str()) {
            (Ok(actual), None) => self.expect(&actual),
            (Err(error), Some(expected)) => {
                assert!(error.to_string().contains(expected), "{}: {error} is not {expected}", self["id"]);
            }
            (Ok(_), Some(expected)) => panic!("{}: expected the error {expected}", self["id"]),
            (Err(error), None) => panic!("{}: unexpected error: {error}", self["id"]),
        }
    }
}

/// All cases whose kind begins with `keda` or not, as asked for.
pub(crate) fn cases(of_keda: bool) -> Vec<Case> {
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = project.join("../shared/golden/hpa");
    let folder = match std::env::var_os("DATAFLOW_HPA_VECTORS") {
        Some(named) => PathBuf::from(named),
        None if shared.is_dir() => shared,
        None => project.join("golden/kubernetes"),
    };
    let folder = if folder.is_relative() { project.join(folder) } else { folder };
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no *.json in {}", folder.display());
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let content: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let listed = content["cases"].as_array().unwrap_or_else(|| panic!("{}: no cases", file.display()));
        cases.extend(listed.iter().cloned().map(Case).filter(|case| case.kind().starts_with("keda") == of_keda));
    }
    cases
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn ago(value: &Value) -> Option<i64> {
    value.as_i64().map(|age| -age)
}

/// An instant that the cases leave out where it is Go's zero time.
fn ago_or_never(value: &Value) -> i64 {
    ago(value).unwrap_or(-1_000_000_000)
}

fn pod(value: &Value) -> Pod {
    let container = |container: &Value| Container {
        name: container["name"].as_str().unwrap().to_owned(),
        request: container["requestMilli"].as_i64(),
    };
    let sidecars = list(&value["initContainers"]).iter().filter(|container| container["restartable"] == true);
    let single = value
        .get("cpuRequestMilli")
        .map(|request| Container { name: "container".to_owned(), request: request.as_i64() });
    Pod {
        name: value["name"].as_str().unwrap().to_owned(),
        phase: match value["phase"].as_str() {
            Some("Pending") => Phase::Pending,
            Some("Running") | None => Phase::Running,
            Some("Succeeded") => Phase::Succeeded,
            Some("Failed") => Phase::Failed,
            Some(other) => panic!("unknown phase {other}"),
        },
        is_deleting: value["deleting"].as_bool().unwrap_or(false),
        ready: value["ready"].as_str().map(|status| Ready {
            status: match status {
                "True" => Status::True,
                "False" => Status::False,
                "Unknown" => Status::Unknown,
                other => panic!("unknown status {other}"),
            },
            changed: ago_or_never(&value["readyTransitionAgeSeconds"]),
        }),
        started: ago(&value["startAgeSeconds"]),
        containers: list(&value["containers"]).iter().chain(sidecars).map(container).chain(single).collect(),
        request: value["podLevelRequestMilli"].as_i64(),
    }
}

fn pods(case: &Case) -> Vec<Pod> {
    list(&case["pods"]).iter().map(pod).collect()
}

fn tolerance(case: &Case) -> Tolerance {
    let side = |key: &str| case["tolerance"][key].as_f64().unwrap_or(Tolerance::DEFAULT);
    Tolerance { down: side("scaleDown"), up: side("scaleUp") }
}

fn initialization(case: &Case) -> Initialization {
    Initialization {
        cpu_initialization_seconds: case["cpuInitializationPeriodSeconds"].as_i64().unwrap_or(120),
        readiness_delay_seconds: case["initialReadinessDelaySeconds"].as_i64().unwrap_or(10),
    }
}

/// The samples of resource metrics: one per pod, of one container or of all together.
fn resource_samples(case: &Case) -> Result<BTreeMap<&str, Sample>, MetricError> {
    let resource = case["resource"].as_str().unwrap_or("cpu").to_owned();
    if list(&case["podMetrics"]).is_empty() {
        return Err(MetricError::NoResourceMetrics { resource });
    }
    let mut samples = BTreeMap::new();
    for metric in list(&case["podMetrics"]) {
        let pod = metric["pod"].as_str().unwrap();
        let containers = list(&metric["containers"]);
        let counted: Vec<_> = match case["container"].as_str() {
            Some(name) => containers.iter().filter(|container| container["name"] == name).collect(),
            None => containers.iter().collect(),
        };
        if let Some(container) = case["container"].as_str().filter(|_| counted.is_empty()) {
            let (container, pod) = (container.to_owned(), pod.to_owned());
            return Err(MetricError::NoContainerMetrics { resource, container, pod });
        }
        let usages: Option<Vec<i64>> = counted.iter().map(|container| container["usageMilli"].as_i64()).collect();
        if let Some(usages) = usages.filter(|usages| !usages.is_empty()) {
            samples.insert(pod, sample(metric, usages.iter().sum()));
        }
    }
    Ok(samples)
}

fn sample(metric: &Value, value: i64) -> Sample {
    Sample {
        value,
        taken: ago_or_never(&metric["timestampAgeSeconds"]),
        window: metric["windowSeconds"].as_i64().unwrap_or(60),
    }
}

fn plain_samples(case: &Case) -> BTreeMap<&str, Sample> {
    let value = |metric: &Value| metric["valueMilli"].as_i64().or_else(|| metric["value"].as_i64()).unwrap();
    let metrics = list(&case["podMetrics"]).iter();
    metrics.map(|metric| (metric["pod"].as_str().unwrap(), sample(metric, value(metric)))).collect()
}

fn resource_utilization(case: &Case) -> Result<Proposal, MetricError> {
    let (pods, samples) = (pods(case), resource_samples(case)?);
    let resource = Resource {
        name: case["resource"].as_str().unwrap_or("cpu"),
        container: case["container"].as_str(),
        pod_level: case["podLevelResourcesEnabled"].as_bool().unwrap_or(true),
    };
    let known = PodSamples {
        pods: &pods,
        samples: &samples,
        resource: Some(resource),
        initialization: initialization(case),
        now: 0,
    };
    let aim = Aim::Utilization(case.count("targetUtilizationPercent"));
    from_pods(&known, aim, tolerance(case), case.count("currentReplicas"))
}

fn of_pods(case: &Case) -> Result<Proposal, MetricError> {
    let (pods, samples) = (pods(case), plain_samples(case));
    if samples.is_empty() {
        return Err(MetricError::NoPodMetrics { metric: "qps".to_owned() });
    }
    let known =
        PodSamples { pods: &pods, samples: &samples, resource: None, initialization: initialization(case), now: 0 };
    from_pods(&known, Aim::AverageValue(case.int("targetAverageMilli")), tolerance(case), case.count("currentReplicas"))
}

fn of_whole(case: &Case) -> Result<Proposal, MetricError> {
    let values: Vec<i64> = list(&case["metricSamplesMilli"]).iter().map(|value| value.as_i64().unwrap()).collect();
    let is_external = case.kind().starts_with("external");
    let metric = "qps".to_owned();
    let value = match values.first() {
        None if is_external => return Err(MetricError::NoExternalMetric { metric }),
        None => return Err(MetricError::NoObjectMetric { metric }),
        Some(_) if is_external => sum_of_samples(&values),
        Some(first) => *first,
    };
    let (tolerance, current) = (tolerance(case), case.count("currentReplicas"));
    if case.kind().ends_with("average_value") {
        let there = case["statusReplicas"].as_i64().map_or(current, |there| i32::try_from(there).unwrap());
        return Ok(for_average_value(value, case.int("targetAverageMilli"), tolerance, there));
    }
    let pods = pods(case);
    if pods.is_empty() && current != 0 && !tolerance.contains(value as f64 / case.int("targetValueMilli") as f64) {
        return Err(MetricError::NoPods);
    }
    let ready = pods.iter().filter(|pod| pod.is_ready()).count() as i64;
    Ok(for_value(value, case.int("targetValueMilli"), tolerance, current, ready))
}

fn check_proposal(case: &Case, proposal: Result<Proposal, MetricError>) {
    case.expect_result(proposal.map(|proposal| {
        vec![
            ("replicas", proposal.replicas.into()),
            ("utilizationPercent", proposal.utilization.into()),
            ("rawAverageMilli", proposal.usage.into()),
            ("usageMilli", proposal.usage.into()),
        ]
    }));
}

fn check_groups(case: &Case) {
    let (pods, samples) = (pods(case), plain_samples(case));
    let groups = group(&pods, &samples, case["resource"] == "cpu", initialization(case), 0);
    let sorted = |key: &str| list(&case["expected"][key]).iter().map(|n| n.as_str().unwrap()).collect::<BTreeSet<_>>();
    assert_eq!(groups.ready as i64, case["expected"]["readyPodCount"].as_i64().unwrap(), "{}", case["id"]);
    assert_eq!(groups.unready, sorted("unreadyPods"), "{}", case["id"]);
    assert_eq!(groups.missing, sorted("missingPods"), "{}", case["id"]);
    assert_eq!(groups.ignored, sorted("ignoredPods"), "{}", case["id"]);
}

fn check_requests(case: &Case) {
    let pods = pods(case);
    let pod_level = case["podLevelResourcesEnabled"].as_bool().unwrap_or(false);
    let requests = requests(&pods, case["container"].as_str(), case["resource"].as_str().unwrap(), pod_level);
    case.expect_result(requests.map(|requests| vec![("requestMilliByPod", serde_json::to_value(requests).unwrap())]));
}

fn check_utilization_ratio(case: &Case) {
    let requests = case["requestMilliByPod"].as_object().unwrap();
    let mut sums = Sums::default();
    for (pod, sample) in plain_samples(case) {
        sums.samples += 1;
        if let Some(request) = requests.get(pod) {
            sums.known += 1;
            sums.usage += sample.value;
            sums.requests += request.as_i64().unwrap();
        }
    }
    let aim = Aim::Utilization(case.count("targetUtilizationPercent"));
    case.expect_result(usage_ratio(sums, aim).map(|(ratio, percent, average)| {
        vec![("ratio", ratio.into()), ("utilizationPercent", percent.into()), ("rawAverageMilli", average.into())]
    }));
}

fn check_usage_ratio(case: &Case) {
    let samples = plain_samples(case);
    let usage = samples.values().map(|sample| sample.value).sum();
    let sums = Sums { samples: samples.len() as i64, known: samples.len() as i64, usage, requests: 0 };
    let ratio = usage_ratio(sums, Aim::AverageValue(case.int("targetAverageMilli")));
    case.expect_result(ratio.map(|(ratio, _, usage)| vec![("ratio", ratio.into()), ("usageMilli", usage.into())]));
}

fn rate_policies(value: &Value) -> Option<Vec<RatePolicy>> {
    let one = |policy: &Value| RatePolicy {
        unit: if policy["type"] == "Pods" { Unit::Pods } else { Unit::Percent },
        value: i32::try_from(policy["value"].as_i64().unwrap()).unwrap(),
        period_seconds: i32::try_from(policy["periodSeconds"].as_i64().unwrap()).unwrap(),
    };
    value.as_array().map(|policies| policies.iter().map(one).collect())
}

fn written_rules(value: &Value) -> WrittenRules {
    WrittenRules {
        stabilization_seconds: value["stabilizationWindowSeconds"].as_i64().map(|window| window as i32),
        select: value["selectPolicy"].as_str().map(|select| match select {
            "Max" => SelectPolicy::Max,
            "Min" => SelectPolicy::Min,
            "Disabled" => SelectPolicy::Disabled,
            other => panic!("unknown select policy {other}"),
        }),
        // An empty list in Go is one that was not given.
        policies: rate_policies(&value["policies"]).filter(|policies| !policies.is_empty()),
        tolerance: value["tolerance"].as_f64(),
    }
}

fn rules_in_words(rules: &Rules) -> Value {
    let policy = |policy: &RatePolicy| {
        let unit = if policy.unit == Unit::Pods { "Pods" } else { "Percent" };
        serde_json::json!({"type": unit, "value": policy.value, "periodSeconds": policy.period_seconds})
    };
    serde_json::json!({
        "policies": rules.policies.iter().map(policy).collect::<Vec<_>>(),
        "stabilizationWindowSeconds": rules.stabilization_seconds,
        "selectPolicy": format!("{:?}", rules.select),
        "tolerance": rules.tolerance,
    })
}

fn check_default_rules(case: &Case) {
    let written = written_rules(&case["input"]);
    let rules = if case["direction"] == "up" { Rules::up(written) } else { Rules::down(written) };
    let words = rules_in_words(&rules);
    let pairs = words.as_object().unwrap().iter().map(|(key, value)| (key.as_str(), value.clone()));
    case.expect(&pairs.collect::<Vec<_>>());
}

fn events(value: &Value) -> ScaleEvents {
    let one = |event: &Value| ScaleEvent {
        change: i32::try_from(event["replicaChange"].as_i64().unwrap()).unwrap(),
        at: ago(&event["ageSeconds"]).unwrap(),
        is_outdated: event["outdated"].as_bool().unwrap_or(false),
    };
    list(value).iter().map(one).collect::<Vec<_>>().into()
}

fn limited(replicas: i32, limit: Limit) -> Vec<(&'static str, Value)> {
    vec![("replicas", replicas.into()), ("condition", limit.condition().1.into())]
}

fn check_rates(case: &Case) {
    let (ups, downs) = (events(&case["scaleUpEvents"]), events(&case["scaleDownEvents"]));
    let changes = Changes { current: case.count("currentReplicas"), ups: &ups, downs: &downs, now: 0 };
    if case.kind() == "scale_up_limit" {
        return case.expect(&[("limit", changes.up_limit(&Rules::up(written_rules(&case["rules"]))).0.into())]);
    }
    let behavior = Behavior {
        up: Rules::up(written_rules(&case["scaleUpRules"])),
        down: Rules::down(written_rules(&case["scaleDownRules"])),
    };
    let minimum = case["minReplicas"].as_i64().unwrap_or(1) as i32;
    let desired = case.count("prenormalizedDesired");
    let (replicas, limit) = within_rates(&changes, &behavior, minimum, case.count("maxReplicas"), desired);
    case.expect(&limited(replicas, limit));
}

fn check_convert(case: &Case) {
    let minimum = case["minReplicas"].as_i64().unwrap_or(1) as i32;
    let (current, desired) = (case.count("currentReplicas"), case.count("prenormalizedDesired"));
    let step_of = |step: UpStep| within_step(current, step, minimum, case.count("maxReplicas"), desired);
    let (mut replicas, mut limit) = step_of(up_step(case));
    // Upstream's own tests set the factor to 8: a case that names none may have been recorded with either.
    let is_named = case["legacyScaleUpLimit"].is_object();
    if !is_named && Some(i64::from(replicas)) != case["expected"]["replicas"].as_i64() {
        (replicas, limit) = step_of(UpStep { factor: 8.0, minimum: 4.0 });
    }
    case.expect(&limited(replicas, limit));
}

fn up_step(case: &Case) -> UpStep {
    let step = &case["legacyScaleUpLimit"];
    let default = UpStep::default();
    UpStep {
        factor: step["factor"].as_f64().unwrap_or(default.factor),
        minimum: step["minimum"].as_f64().unwrap_or(default.minimum),
    }
}

fn check_events(case: &Case) {
    let mut events = events(&case["previousEvents"]);
    let changed = events.changed_within(case.count("observePeriodSeconds"), 0);
    if case["rules"].is_object() {
        events.note(case.count("replicaChange"), 0, &Rules::up(written_rules(&case["rules"])));
    }
    let stored = events.kept().iter();
    let stored = stored.map(|event| serde_json::json!({"replicaChange": event.change, "outdated": event.is_outdated}));
    case.expect(&[
        ("changeInObservePeriodBefore", changed.into()),
        ("storedEvents", stored.collect::<Vec<_>>().into()),
    ]);
}

fn recommendations(value: &Value) -> RecommendationList {
    let one = |entry: &Value| Recommendation {
        replicas: i32::try_from(entry["replicas"].as_i64().unwrap()).unwrap(),
        at: ago(&entry["ageSeconds"]).unwrap(),
    };
    list(value).iter().map(one).collect::<Vec<_>>().into()
}

fn check_stabilize(case: &Case) {
    let mut log = recommendations(&case["recommendations"]);
    let raw = case.count("prenormalizedDesired");
    let has_behavior = case.kind() == "stabilize_with_behavior";
    let window = |key: &str| case[key].as_i64();
    let windows = Windows {
        up: window("scaleUpStabilizationSeconds").unwrap_or(0),
        down: window("scaleDownStabilizationSeconds").or(window("downscaleStabilizationSeconds")).unwrap_or(300),
        is_end_included: !has_behavior,
    };
    let (smallest, largest) = log.note(raw, 0, windows);
    let stabilized = if has_behavior { stabilize(case.count("currentReplicas"), smallest, largest) } else { largest };
    let stored: Vec<i32> = log.entries().iter().map(|entry| entry.replicas).collect();
    case.expect(&[
        ("stabilized", stabilized.into()),
        ("logLength", stored.len().into()),
        ("storedRecommendations", stored.into()),
    ]);
}

fn reconcile_metric(case: &Case, metric: &Value) -> Result<Proposal, FailedMetric> {
    let kind = metric["type"].as_str().unwrap();
    let levels: Vec<i64> = list(&case["reportedLevels"]).iter().map(|level| level.as_i64().unwrap()).collect();
    let pods = pods(case);
    let tolerance = tolerance(case);
    let current = case.count("specReplicas");
    let names: Vec<String> = (0..levels.len()).map(|index| format!("test-pod-{index}")).collect();
    let one = |value: &i64| Sample { value: *value, taken: 0, window: 60 };
    let samples: BTreeMap<&str, Sample> = names.iter().map(String::as_str).zip(levels.iter().map(one)).collect();
    let average = metric["targetAverageMilli"].as_i64();
    match kind {
        "Resource" | "ContainerResource" | "Pods" => {
            let reason = match kind {
                "Resource" => "FailedGetResourceMetric",
                "Pods" => "FailedGetPodsMetric",
                _ => "FailedGetContainerResourceMetric",
            };
            let failed = |_| FailedMetric(reason);
            let utilization = metric["targetUtilizationPercent"].as_i64();
            let aim = utilization.map(|percent| Aim::Utilization(percent as i32));
            let aim = aim.or(average.map(Aim::AverageValue)).ok_or(FailedMetric(reason))?;
            if samples.is_empty() {
                return Err(FailedMetric(reason));
            }
            let resource = Resource { name: "cpu", container: None, pod_level: false };
            let known = PodSamples {
                pods: &pods,
                samples: &samples,
                resource: (kind != "Pods").then_some(resource),
                initialization: initialization(case),
                now: 0,
            };
            from_pods(&known, aim, tolerance, current).map_err(failed)
        }
        "Object" | "External" => {
            let is_external = kind == "External";
            let failed = FailedMetric(if is_external { "FailedGetExternalMetric" } else { "FailedGetObjectMetric" });
            let value = if is_external { sum_of_samples(&levels) } else { *levels.first().ok_or(failed)? };
            if levels.is_empty() {
                return Err(failed);
            }
            let whole = metric["targetValueMilli"].as_i64();
            let ready = pods.iter().filter(|pod| pod.is_ready()).count() as i64;
            match (whole, average) {
                (Some(_), _) if pods.is_empty() && current != 0 => Err(failed),
                (Some(target), _) => Ok(for_value(value, target, tolerance, current, ready)),
                (None, Some(target)) => Ok(for_average_value(value, target, tolerance, case.count("statusReplicas"))),
                (None, None) => Err(failed),
            }
        }
        "Invalid" => Err(FailedMetric("InvalidMetricSourceType")),
        other => panic!("{}: unknown type of metric {other}", case["id"]),
    }
}

fn check_reconcile(case: &Case) {
    let rules = HpaRules {
        tolerance: tolerance(case),
        down_stabilization_seconds: case["downscaleStabilizationSeconds"].as_i64().unwrap_or(300) as i32,
        up_step: up_step(case),
        ..HpaRules::new(case["minReplicas"].as_i64().unwrap_or(1) as i32, case.count("maxReplicas"))
    };
    let mut controller = match &case["recommendations"] {
        Value::Null => Controller::<RecommendationList>::new(),
        listed => Controller::resumed(recommendations(listed)),
    };
    let metrics = list(&case["metrics"]);
    let current = case.count("specReplicas");
    let decision =
        controller.reconcile(&rules, 0, current, metrics.len(), |index| reconcile_metric(case, &metrics[index]));
    let mut conditions = serde_json::Map::new();
    let mut condition = |name: &str, holds: bool, reason: &str| {
        let status = if holds { "True" } else { "False" };
        conditions.insert(name.to_owned(), serde_json::json!({"status": status, "reason": reason}));
    };
    condition("AbleToScale", true, decision.able.reason());
    if let Some((holds, reason)) = decision.active.condition() {
        condition("ScalingActive", holds, reason);
    }
    if let Some(limit) = decision.limit {
        condition("ScalingLimited", limit.condition().0, limit.condition().1);
    }
    for (name, expected) in case["expected"]["conditionsMentioned"].as_object().into_iter().flatten() {
        assert_eq!(conditions.get(name), Some(expected), "{} ({}): {name}", case["id"], case["name"]);
    }
    let mentioned = case["expected"]["conditionsMentioned"].clone();
    case.expect(&[("desiredReplicas", decision.replicas.into()), ("conditionsMentioned", mentioned)]);
    assert_eq!(decision.able == AbleToScale::Rescaled, decision.replicas != current, "{}", case["id"]);
}

#[test]
fn hpa_every_recorded_case_comes_out_as_it_did_in_kubernetes() {
    let cases = cases(false);
    for case in &cases {
        match case.kind() {
            "resource_utilization" => check_proposal(case, resource_utilization(case)),
            "pods_metric" => check_proposal(case, of_pods(case)),
            "object_value" | "object_average_value" | "external_value" | "external_average_value" => {
                check_proposal(case, of_whole(case));
            }
            "group_pods" => check_groups(case),
            "calculate_requests" => check_requests(case),
            "resource_utilization_ratio" => check_utilization_ratio(case),
            "metric_usage_ratio" => check_usage_ratio(case),
            "default_rules" => check_default_rules(case),
            "behavior_rate" | "scale_up_limit" => check_rates(case),
            "convert_without_behavior" => check_convert(case),
            "store_scale_event" => check_events(case),
            "stabilize_with_behavior" | "stabilize_without_behavior" => check_stabilize(case),
            "reconcile_without_behavior" => check_reconcile(case),
            other => panic!("{}: nobody knows cases of the kind {other}", case["id"]),
        }
    }
    assert!(!cases.is_empty());
}
