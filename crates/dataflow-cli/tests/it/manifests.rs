//! Manifests of Kubernetes and KEDA on the command line: played, tuned, and refused where they are wrong.

use std::fs;

use crate::{run, stderr, stdout};

const HPA: &str = include_str!("../../../../examples/hpa.yaml");
const KEDA: &str = include_str!("../../../../examples/keda.yaml");

#[test]
fn the_examples_are_played_beside_other_policies() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("hpa.yaml"), HPA).expect("the manifest");
    fs::write(folder.path().join("keda.yaml"), KEDA).expect("the manifest");
    let arguments = ["compare", "--policies", "hpa:hpa.yaml,keda:keda.yaml,hpa,fixed", "--format", "csv"];
    let table = stdout(folder.path(), &arguments);
    for name in ["hpa:hpa.yaml,", "keda:keda.yaml,", "hpa,", "fixed,"] {
        assert!(table.lines().any(|line| line.starts_with(name)), "{name}\n{table}");
    }
}

#[test]
fn a_manifest_that_is_wrong_is_refused_with_file_line_and_field() {
    let folder = tempfile::tempdir().expect("a folder");
    for (from, to, expected) in [
        ("kind: HorizontalPodAutoscaler", "kind: Deployment", "m.yaml:7: kind: expected HorizontalPodAutoscaler"),
        ("autoscaling/v2", "autoscaling/v1", "m.yaml:6: apiVersion: expected autoscaling/v2"),
        ("periodSeconds: 60", "periodSeconds: 9999", "periodSeconds: expected a whole number from 1 to 1800"),
        ("maxReplicas", "maxReplica", "spec.maxReplica: there is no such field (did you mean maxReplicas?)"),
    ] {
        fs::write(folder.path().join("m.yaml"), HPA.replacen(from, to, 2)).expect("the manifest");
        let output = run(folder.path(), &["compare", "--policies", "hpa:m.yaml"]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
    let output = run(folder.path(), &["compare", "--policies", "keda:none.yaml"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("none.yaml: the manifest cannot be read"), "{}", stderr(&output));
}

#[test]
fn a_fleet_that_keeps_other_bounds_is_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("m.yaml"), HPA.replace("maxReplicas: 5", "maxReplicas: 50")).expect("the manifest");
    let output = run(folder.path(), &["compare", "--policies", "hpa:m.yaml"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("from 1 to 50 replicas; the fleet keeps from 1 to 5 servers"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn policies_of_aws_are_played_from_their_file_and_refused_where_they_are_wrong() {
    const AWS: &str = include_str!("../../../../examples/aws.json");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("aws.json"), AWS).expect("the policy");
    let table = stdout(folder.path(), &["compare", "--policies", "aws:aws.json", "--format", "csv"]);
    assert!(table.lines().any(|line| line.starts_with("aws:aws.json,")), "{table}");
    for (from, to, expected) in [
        (
            "75.0",
            "\"hot\"",
            "TargetTrackingScalingPolicyConfiguration.TargetValue: expected a number above 0, found \"hot\"",
        ),
        (
            "ScaleInCooldown",
            "ScaleInCoolDown",
            "ScaleInCoolDown: there is no such field (did you mean ScaleInCooldown?)",
        ),
        ("TargetTrackingScaling\"", "SimpleScaling\"", "aws.json:6: PolicyType: expected TargetTrackingScaling or"),
    ] {
        fs::write(folder.path().join("aws.json"), AWS.replacen(from, to, 1)).expect("the policy");
        let output = run(folder.path(), &["compare", "--policies", "aws:aws.json"]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}
