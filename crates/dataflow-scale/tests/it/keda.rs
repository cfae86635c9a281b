//! KEDA's executor, fallback and formulas against recorded cases; see `hpa.rs` for where they are read from.

use dataflow_scale::policy::kubernetes::keda::{
    Active, Executor, ExecutorRules, Fallback, FallbackBehavior, Formula, Health, Poll, Replicas, Reported, Switches,
    TriggerHealth, TriggerTarget, report,
};
use serde_json::{Value, json};

use crate::hpa::{Case, cases};

fn whole(value: &Value) -> Option<i32> {
    value.as_i64().map(|number| i32::try_from(number).unwrap())
}

/// The switches that the words of a case name, by the annotation or in short.
fn switches(case: &Case) -> Switches {
    let mut switches = Switches::default();
    let words = match &case["annotation"] {
        Value::Null => return switches,
        Value::String(words) => words.replace('-', " "),
        other => panic!("{}: annotation {other}", case["id"]),
    };
    if words.contains("force activation") {
        switches.is_activation_forced = true;
    } else if words.contains("scale in") {
        switches.is_scale_in_paused = true;
    } else if words.contains("scale out") {
        switches.is_scale_out_paused = true;
    } else {
        assert!(words.contains("paused"), "{}: annotation {words}", case["id"]);
        switches.is_paused = true;
    }
    switches
}

fn check_executor(case: &Case) {
    let rules = ExecutorRules {
        minimum: whole(&case["minReplicaCount"]).unwrap_or(0),
        idle: whole(&case["idleReplicaCount"]),
        cooldown_seconds: case["cooldownPeriod"].as_i64().unwrap_or(300),
        initial_cooldown_seconds: case["initialCooldownPeriod"].as_i64().unwrap_or(0),
        fallback_replicas: whole(&case["fallback"]["replicas"]),
        switches: switches(case),
    };
    let last_active = case["lastActiveAgeSeconds"].as_i64().map(|age| -age);
    let mut executor = Executor { last_active, created: -1_000_000_000 };
    let current = whole(&case["currentReplicas"]).unwrap();
    let (is_active, is_error) = (case["isActive"] == true, case["isError"] == true);
    let outcome = executor.poll(&rules, Poll { now: 0, current, is_active, is_error });
    let replicas = outcome.replicas.unwrap_or(current);
    let condition = match outcome.active {
        Active::True => "True",
        Active::False | Active::CoolingDown => "False",
        Active::Unchanged => "Unknown",
    };
    for (key, expected) in case["expected"].as_object().unwrap() {
        let actual = match key.as_str() {
            "replicas" => json!(replicas),
            "scaleUpdated" => json!(outcome.replicas.is_some_and(|replicas| replicas != current)),
            "activeCondition" if *expected == "not True" => {
                json!(if condition == "True" { "True" } else { "not True" })
            }
            "activeCondition" => json!(condition),
            "activeReason" => json!(outcome.active.reason()),
            "activeMessage" => json!("Scaling is performed because triggers are active"),
            "setsLastActiveTime" => json!(executor.last_active == Some(0)),
            "readyReason" => json!(match outcome.health {
                TriggerHealth::Ready => "ScaledObjectReady",
                TriggerHealth::PartialTriggerError => "PartialTriggerError",
                TriggerHealth::TriggerError => "TriggerError",
            }),
            "pausedCondition" => json!(if rules.switches.is_paused { "True" } else { "False" }),
            key if key.to_lowercase().contains("event") => {
                let words = expected.to_string();
                assert!(words.contains(&format!("from {current} to {replicas}")), "{}: {words}", case["id"]);
                continue;
            }
            other => panic!("{}: nothing to compare {other} with", case["id"]),
        };
        assert_eq!(actual, *expected, "{} ({}): {key}", case["id"], case["name"]);
    }
}

fn fallback(value: &Value) -> Option<Fallback> {
    let behavior = value["behavior"].as_str().unwrap_or("static");
    let named = FallbackBehavior::NAMED.into_iter().find(|(name, _)| *name == behavior);
    value.is_object().then(|| Fallback {
        failure_threshold: whole(&value["failureThreshold"]).unwrap(),
        replicas: whole(&value["replicas"]).unwrap(),
        behavior: named.unwrap_or_else(|| panic!("unknown behavior {behavior}")).1,
    })
}

fn check_fallback(case: &Case) {
    let fallback = fallback(&case["fallback"]);
    let starting = whole(&case["startingFailures"]);
    let failing = |failures: i32| Health { failures, is_failing: failures > 0 };
    let mut health = starting.map_or_else(Health::default, failing);
    let value = case["scalerValue"].as_f64();
    let answer = if case["scalerError"] == true { Err("some error") } else { Ok(value.unwrap()) };
    let target = match (case["targetAverageValue"].as_f64(), case["targetValue"].as_f64()) {
        (_, Some(value)) => TriggerTarget::Value(value),
        (average, None) => TriggerTarget::AverageValue(average.unwrap_or(3.0)),
    };
    let current = whole(&case["currentReplicas"]).unwrap_or(5);
    let ready = whole(&case["readyReplicas"]).unwrap_or(current);
    let reported = report(answer, fallback, target, &mut health, Replicas { current, ready });
    let others = match &case["otherMetricFailures"] {
        Value::Object(failures) => failures.values().filter_map(whole).collect(),
        failures => whole(failures).into_iter().collect::<Vec<_>>(),
    };
    let is_beyond = health.is_beyond(fallback) || others.iter().any(|other| failing(*other).is_beyond(fallback));
    for (key, expected) in case["expected"].as_object().unwrap() {
        let actual = match (key.as_str(), reported) {
            ("error", Reported::Failed(error)) => {
                assert!(error.contains(expected.as_str().unwrap()), "{}: {error}", case["id"]);
                continue;
            }
            ("metricValue", Reported::Value(value) | Reported::Fallback(value)) => {
                assert_eq!(Some(value), expected.as_f64(), "{} ({})", case["id"], case["name"]);
                continue;
            }
            ("numberOfFailures", _) => json!(health.failures),
            ("healthStatus", _) => json!(health.status()),
            (key, _) if key.to_lowercase().contains("fallback") => match expected {
                Value::Bool(_) => json!(is_beyond),
                // A case may say no more than that it does not hold.
                Value::String(words) if words == "not True" => json!(if is_beyond { "True" } else { "not True" }),
                _ => json!(if is_beyond { "True" } else { "False" }),
            },
            (other, reported) => panic!("{}: nothing to compare {other} with in {reported:?}", case["id"]),
        };
        assert_eq!(actual, *expected, "{} ({}): {key}", case["id"], case["name"]);
    }
}

fn check_formula(case: &Case) {
    let formula = Formula::parse(case["formula"].as_str().unwrap());
    let value_of = |name: &str| case["values"][name].as_f64();
    let composite = formula.and_then(|formula| formula.evaluate(&value_of));
    case.expect_result(composite.map(|value| vec![("compositeMetric", value.into())]));
}

#[test]
fn keda_every_recorded_case_comes_out_as_it_did_in_keda() {
    let cases = cases(true);
    for case in &cases {
        match case.kind() {
            "keda_scale_executor" => check_executor(case),
            "keda_fallback" => check_fallback(case),
            "keda_formula" => check_formula(case),
            other => panic!("{}: nobody knows cases of the kind {other}", case["id"]),
        }
    }
    assert!(!cases.is_empty());
}
