//! Reads a `HorizontalPodAutoscaler` of `autoscaling/v2`.

use super::place::Place;
use super::spec::{Meaning, Measure, MetricSpec, Spec, behavior};
use crate::policy::kubernetes::workload::Goal;

pub(super) fn read(root: &Place<'_>, notes: &mut Vec<String>) -> Result<Spec, String> {
    let version = root.need("apiVersion")?;
    match version.text()? {
        "autoscaling/v2" => {}
        old @ ("autoscaling/v1" | "autoscaling/v2beta1" | "autoscaling/v2beta2") => {
            return Err(version.wrong(format!(
                "expected autoscaling/v2, found {old:?}; `kubectl get hpa.v2.autoscaling NAME -o yaml` prints the same \
                 autoscaler so"
            )));
        }
        _ => return Err(version.expected("autoscaling/v2")),
    }
    root.only(&["apiVersion", "kind", "metadata", "spec", "status"])?;
    let spec = root.need("spec")?;
    spec.only(&["scaleTargetRef", "minReplicas", "maxReplicas", "metrics", "behavior"])?;
    let meaning = Meaning::read(root.get("metadata").as_ref())?;
    let minimum = spec.get("minReplicas").map(|place| place.whole(0, i32::MAX)).transpose()?;
    let place = spec.need("maxReplicas")?;
    let maximum = place.whole(1, i32::MAX)?;
    if minimum.is_some_and(|minimum| minimum > maximum) {
        return Err(place.expected("a number of at least minReplicas"));
    }
    let metrics = match spec.get("metrics") {
        Some(place) => metrics(&place, &meaning, notes)?,
        None => Vec::new(),
    };
    let metrics = if metrics.is_empty() { default_metrics(&spec, notes)? } else { metrics };
    let behavior = behavior(spec.get("behavior"))?;
    Ok(Spec { minimum, maximum, metrics, behavior, meaning, keda: None })
}

/// What Kubernetes takes where no metrics are given.
fn default_metrics(spec: &Place<'_>, notes: &mut Vec<String>) -> Result<Vec<MetricSpec>, String> {
    if let Some(place) = spec.get("metrics").filter(|place| place.items().is_ok_and(|items| !items.is_empty())) {
        return Err(place.wrong("expected a metric of cpu or of the load; memory alone is not simulated"));
    }
    notes.push("no metrics are given: 80% of the requested cpu, as Kubernetes takes it".to_owned());
    Ok(vec![MetricSpec {
        measure: Measure::Cpu,
        goal: Goal::Utilization(80),
        path: String::new(),
        activation: 0.0,
        name: "cpu".to_owned(),
    }])
}

fn metrics(place: &Place<'_>, meaning: &Meaning, notes: &mut Vec<String>) -> Result<Vec<MetricSpec>, String> {
    let mut read = Vec::new();
    for item in place.items()? {
        match metric(&item, meaning)? {
            Some(metric) => read.push(metric),
            None => notes.push(item.wrong("is of a resource that is not simulated, only cpu is: left out")),
        }
    }
    Ok(read)
}

/// The kinds of metrics, the field each stands in, and the fields there.
const KINDS: [(&str, &str, &[&str]); 5] = [
    ("Resource", "resource", &["name", "target"]),
    ("ContainerResource", "containerResource", &["name", "container", "target"]),
    ("Pods", "pods", &["metric", "target"]),
    ("Object", "object", &["metric", "describedObject", "target"]),
    ("External", "external", &["metric", "target"]),
];

fn metric(item: &Place<'_>, meaning: &Meaning) -> Result<Option<MetricSpec>, String> {
    let words = KINDS.map(|kind| (kind.0, kind));
    let (kind, field, fields) = item.need("type")?.one_of(&words)?;
    item.only(&["type", field])?;
    let source = item.need(field)?;
    source.only(fields)?;
    let target = source.need("target")?;
    let is_resource = kind.ends_with("Resource");
    let name = if is_resource { source.need("name")? } else { source.need("metric")?.need("name")? };
    let text = name.text()?.to_owned();
    let (goal, path) = goal(kind, &target)?;
    let measure = match kind {
        _ if is_resource && text == "cpu" => Measure::Cpu,
        _ if is_resource => return Ok(None),
        _ if !meaning.is_load(&text) => return Err(Meaning::unknown(&name, &text)),
        "Pods" => Measure::LoadPerPod,
        _ => Measure::Load,
    };
    if measure == Measure::Cpu && !matches!(goal, Goal::Utilization(_)) && meaning.cpu_per_server.is_none() {
        return Err(target.wrong(
            "cpu per pod needs to know how much cpu a server uses that serves as much as it can; say so by the \
             annotation `dataflow/cpu-per-server: 500m`, or use averageUtilization",
        ));
    }
    Ok(Some(MetricSpec { measure, goal, path, activation: 0.0, name: text }))
}

fn goal(kind: &str, target: &Place<'_>) -> Result<(Goal, String), String> {
    let allowed: &[(&str, &str)] = match kind {
        "Pods" => &[("AverageValue", "averageValue")],
        "Object" | "External" => &[("Value", "value"), ("AverageValue", "averageValue")],
        _ => &[("Utilization", "averageUtilization"), ("AverageValue", "averageValue")],
    };
    let field = target.need("type")?.one_of(allowed)?;
    target.only(&["type", field])?;
    let place = target.need(field)?;
    let goal = match field {
        "averageUtilization" => Goal::Utilization(place.whole(1, i32::MAX)?),
        "value" => Goal::Value(place.quantity()?),
        _ => Goal::AverageValue(place.quantity()?),
    };
    Ok((goal, place.path().to_owned()))
}
