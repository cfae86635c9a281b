//! Manifests of Kubernetes and KEDA: read, refused with a reason, adjusted and written back.

use std::path::Path;
use std::process::Command;

use dataflow_scale::policy::kubernetes::{Manifest, ManifestKind};
use dataflow_scale::spec::{Configuration, Settings};

const HPA: &str = include_str!("../../../../examples/hpa.yaml");
const KEDA: &str = include_str!("../../../../examples/keda.yaml");

fn settings() -> Settings {
    Configuration::default().settings().clone()
}

fn read(kind: ManifestKind, text: &str) -> Result<Manifest, String> {
    Manifest::read(kind, "m.yaml", text)
}

/// A short autoscaler without a behaviour, with the lines of a metric's target.
fn short(metrics: &str, rest: &str) -> String {
    format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: a\nspec:\n  scaleTargetRef: \
         {{kind: Deployment, name: a}}\n  maxReplicas: 9\n  metrics: [{metrics}]\n{rest}"
    )
}

const CPU: &str = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}";

#[test]
fn hpa_and_keda_manifests_offer_their_numbers_and_keep_all_else() {
    for (kind, text) in [(ManifestKind::Hpa, HPA), (ManifestKind::Keda, KEDA)] {
        let untouched = read(kind, text).unwrap();
        assert_eq!(untouched.to_yaml().unwrap(), text);
        let parameters = untouched.parameters(&settings());
        assert!(parameters.len() >= 4, "{parameters:?}");
        for parameter in parameters {
            let mut manifest = untouched.clone();
            let value = if parameter.value == parameter.high { parameter.low } else { parameter.high };
            assert_eq!(manifest.adjust(&parameter.name, value), Some(()), "{parameter:?}");
            let written = manifest.to_yaml().unwrap();
            let again = read(kind, &written).unwrap_or_else(|error| panic!("{error}\n{written}"));
            let found = again.parameters(&settings()).into_iter().find(|other| other.name == parameter.name);
            assert_eq!(found.map(|found| found.value), Some(value), "{parameter:?}\n{written}");
            assert_eq!(manifest.changes().len(), 1, "{parameter:?}");
            let kept = text.lines().filter(|line| written.lines().any(|other| other == *line)).count();
            assert!(kept + 1 >= text.lines().count(), "more than one line changed:\n{written}");
        }
    }
}

#[test]
fn hpa_manifest_gets_a_behavior_where_it_had_none() {
    for rest in [
        "",
        "  behavior: {}\n",
        "  behavior: {scaleUp: {selectPolicy: Min}}\n",
        "  behavior:\n    scaleUp:\n      selectPolicy: Min\n",
    ] {
        let mut manifest = read(ManifestKind::Hpa, &short(CPU, rest)).unwrap();
        for (path, value) in [
            ("spec.behavior.scaleDown.stabilizationWindowSeconds", 120.0),
            ("spec.behavior.scaleUp.stabilizationWindowSeconds", 30.0),
            ("spec.minReplicas", 3.0),
            ("spec.metrics[0].resource.target.averageUtilization", 55.0),
        ] {
            assert_eq!(manifest.adjust(path, value), Some(()), "{path}");
        }
        let written = manifest.to_yaml().unwrap();
        let again = read(ManifestKind::Hpa, &written).unwrap_or_else(|error| panic!("{error}\n{written}"));
        let values: Vec<f64> = again.parameters(&settings()).iter().map(|parameter| parameter.value).collect();
        assert_eq!(values, [55.0, 3.0, 30.0, 120.0], "{written}");
    }
}

#[test]
fn hpa_manifest_is_found_among_the_documents_of_a_file() {
    let file = format!("kind: Service\n---\n{HPA}---\nkind: ConfigMap\n");
    let mut manifest = read(ManifestKind::Hpa, &file).unwrap();
    manifest.adjust("spec.minReplicas", 2.0).unwrap();
    assert_eq!(manifest.to_yaml().unwrap(), file.replace("minReplicas: 1", "minReplicas: 2"));
    let broken = file.replace("maxReplicas: 5", "maxReplicas: none");
    let line = broken.lines().position(|line| line.contains("maxReplicas")).unwrap() + 1;
    let error = read(ManifestKind::Hpa, &broken).unwrap_err();
    assert_eq!(
        error,
        format!("m.yaml:{line}: spec.maxReplicas: expected a whole number of at least 1, found \"none\"")
    );
}

#[test]
fn hpa_manifest_that_cannot_be_is_refused_with_line_field_and_what_was_expected() {
    let changed = |from: &str, to: &str| {
        assert!(HPA.contains(from), "{from}");
        HPA.replace(from, to)
    };
    for (text, expected) in [
        (
            changed("kind: HorizontalPodAutoscaler", "kind: Deployment"),
            "kind: expected HorizontalPodAutoscaler, found \"Deployment\"",
        ),
        (
            changed("autoscaling/v2", "autoscaling/v1"),
            "apiVersion: expected autoscaling/v2, found \"autoscaling/v1\"; `kubectl get hpa.v2",
        ),
        (changed("autoscaling/v2", "apps/v1"), "apiVersion: expected autoscaling/v2, found \"apps/v1\""),
        (
            changed("minReplicas: 1", "minReplica: 1"),
            "spec.minReplica: there is no such field (did you mean minReplicas?)",
        ),
        (changed("minReplicas: 1", "minReplicas: 7"), "spec.maxReplicas: expected a number of at least minReplicas"),
        (
            changed("periodSeconds: 60", "periodSeconds: 1801"),
            "spec.behavior.scaleUp.policies[0].periodSeconds: expected a whole number from 1 to 1800",
        ),
        (
            changed("value: 2", "value: -2"),
            "spec.behavior.scaleUp.policies[0].value: expected a whole number of at least 1, found \"-2\"",
        ),
        (
            changed("stabilizationWindowSeconds: 600", "stabilizationWindowSeconds: 3601"),
            "spec.behavior.scaleDown.stabilizationWindowSeconds: expected a whole number from 0 to 3600",
        ),
        (
            changed("name: cpu", "name: memory"),
            "spec.metrics: expected a metric of cpu or of the load; memory alone is not simulated",
        ),
        (
            short("", "  behavior: {scaleUp: {policies: []}}\n"),
            "spec.behavior.scaleUp.policies: expected at least one policy",
        ),
        (
            short("{type: External, external: {metric: {name: queue_depth}, target: {type: Value, value: 30}}}", ""),
            "spec.metrics[0].external.metric.name: the trace has no metric \"queue_depth\"",
        ),
        (
            short("{type: Pods, pods: {metric: {name: rps}, target: {type: Value, value: 30}}}", ""),
            "spec.metrics[0].pods.target.type: expected AverageValue",
        ),
        (
            short("{type: Custom}", ""),
            "spec.metrics[0].type: expected Resource or ContainerResource or Pods or Object or External",
        ),
        (String::new(), "expected a HorizontalPodAutoscaler, found nothing"),
        ("a: [".to_owned(), "expected YAML"),
    ] {
        let error = read(ManifestKind::Hpa, &text).unwrap_err();
        assert!(error.starts_with("m.yaml:") && error.contains(expected), "{error}\n  is not {expected}");
    }
}

#[test]
fn keda_manifest_that_cannot_be_is_refused() {
    for (from, to, expected) in [
        ("keda.sh/v1alpha1", "keda.sh/v1", "apiVersion: expected keda.sh/v1alpha1, found \"keda.sh/v1\""),
        (
            "pollingInterval: 30",
            "pollInterval: 30",
            "spec.pollInterval: there is no such field (did you mean pollingInterval?)",
        ),
        (
            "threshold: \"14000\"",
            "threshold: \"many\"",
            "spec.triggers[0].metadata.threshold: expected a quantity above 0",
        ),
        ("maxReplicaCount: 5", "maxReplicaCount: 0", "spec.maxReplicaCount: expected a whole number of at least 1"),
    ] {
        assert!(KEDA.contains(from), "{from}");
        let error = read(ManifestKind::Keda, &KEDA.replace(from, to)).unwrap_err();
        assert!(error.contains(expected), "{error}\n  is not {expected}");
    }
    let other = KEDA.replace("bytes", "orders").replace("http_response_orders_total", "orders_total");
    let error = read(ManifestKind::Keda, &other).unwrap_err();
    assert!(error.contains("the trace has no metric \"orders_per_second\""), "{error}");
}

#[test]
fn hpa_manifest_written_back_is_what_kubernetes_takes() {
    let Some(python) = std::env::var_os("DATAFLOW_PYTHON") else {
        eprintln!("SKIPPED hpa_manifest_written_back_is_what_kubernetes_takes: DATAFLOW_PYTHON names no Python");
        return;
    };
    let has_schemas = Command::new(&python).args(["-c", "import kubernetes_validate"]).output();
    if !has_schemas.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED hpa_manifest_written_back_is_what_kubernetes_takes: no kubernetes-validate in this Python");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("long", HPA.to_owned()), ("short", short(CPU, ""))] {
        let mut manifest = read(ManifestKind::Hpa, &text).unwrap();
        for parameter in manifest.parameters(&settings()) {
            let middle = f64::midpoint(parameter.low, parameter.high).round();
            manifest.adjust(&parameter.name, middle).unwrap();
        }
        let file = folder.path().join(format!("{name}.yaml"));
        std::fs::write(&file, manifest.to_yaml().unwrap()).unwrap();
        assert!(is_valid(Path::new(&python), &file), "{}", std::fs::read_to_string(&file).unwrap());
    }
    // The check can fail.
    let file = folder.path().join("wrong.yaml");
    std::fs::write(&file, HPA.replace("maxReplicas: 5", "maxReplica: 5")).unwrap();
    assert!(!is_valid(Path::new(&python), &file));
}

fn is_valid(python: &Path, file: &Path) -> bool {
    const CHECK: &str = "import sys, yaml, kubernetes_validate\n\
                         kubernetes_validate.validate(yaml.safe_load(open(sys.argv[1])), '1.31', strict=True)";
    Command::new(python).args(["-c", CHECK]).arg(file).output().is_ok_and(|output| output.status.success())
}
