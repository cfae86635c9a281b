//! Reads a `ScaledObject` of KEDA, `keda.sh/v1alpha1`.

use super::place::Place;
use super::spec::{KedaSpec, Meaning, Measure, MetricSpec, Spec, behavior};
use crate::policy::kubernetes::keda::{ExecutorRules, Formula, Switches};
use crate::policy::kubernetes::workload::Goal;

pub(super) fn read(root: &Place<'_>, notes: &mut Vec<String>) -> Result<Spec, String> {
    root.need("apiVersion")?.one_of(&[("keda.sh/v1alpha1", ())])?;
    root.only(&["apiVersion", "kind", "metadata", "spec", "status"])?;
    let spec = root.need("spec")?;
    spec.only(&[
        "scaleTargetRef",
        "pollingInterval",
        "cooldownPeriod",
        "initialCooldownPeriod",
        "idleReplicaCount",
        "minReplicaCount",
        "maxReplicaCount",
        "fallback",
        "advanced",
        "triggers",
    ])?;
    let count = |name: &str| spec.get(name).map(|place| place.whole(0, i32::MAX)).transpose();
    let minimum = count("minReplicaCount")?;
    let maximum = spec.get("maxReplicaCount").map_or(Ok(100), |place| place.whole(1, i32::MAX))?;
    if minimum.is_some_and(|minimum| minimum > maximum) {
        return Err(spec.wrong(format!("expected minReplicaCount to be at most maxReplicaCount, which is {maximum}")));
    }
    let idle = count("idleReplicaCount")?;
    if let Some(place) = spec.get("idleReplicaCount").filter(|_| idle.is_some_and(|idle| idle >= minimum.unwrap_or(0)))
    {
        return Err(place.expected("fewer than minReplicaCount"));
    }
    let meaning = Meaning::read(root.get("metadata").as_ref())?;
    let (switches, paused_replicas) = annotations(root.get("metadata").as_ref())?;
    let executor = ExecutorRules {
        minimum: minimum.unwrap_or(0),
        idle,
        cooldown_seconds: count("cooldownPeriod")?.unwrap_or(300).into(),
        initial_cooldown_seconds: count("initialCooldownPeriod")?.unwrap_or(0).into(),
        fallback_replicas: None,
        switches,
    };
    if let Some(place) = spec.get("fallback") {
        place.only(&["failureThreshold", "replicas", "behavior"])?;
        notes.push("triggers never fail in a simulation: the fallback is not used".to_owned());
    }
    let advanced = spec.get("advanced");
    let hpa = advanced.as_ref().and_then(|place| place.get("horizontalPodAutoscalerConfig"));
    let behavior = behavior(hpa.and_then(|place| place.get("behavior")))?;
    let metrics = triggers(&spec.need("triggers")?, &meaning, notes)?;
    let modifiers = advanced.as_ref().and_then(|place| place.get("scalingModifiers"));
    let is_of_cpu = metrics.iter().any(|metric| metric.measure == Measure::Cpu);
    if let Some(place) = modifiers.as_ref().filter(|_| is_of_cpu) {
        return Err(place.wrong("a formula beside a trigger of cpu is not simulated; keep one of the two"));
    }
    let formula = modifiers.map(|place| formula(&place, &metrics)).transpose()?;
    let polling_seconds = spec.get("pollingInterval").map_or(Ok(30), |place| place.whole(1, 86_400))?;
    let keda = Some(KedaSpec { executor, polling_seconds, paused_replicas, formula });
    Ok(Spec { minimum, maximum, metrics, behavior, meaning, keda })
}

fn annotations(metadata: Option<&Place<'_>>) -> Result<(Switches, Option<i32>), String> {
    let mut switches = Switches::default();
    let mut paused_replicas = None;
    let Some(annotations) = metadata.and_then(|metadata| metadata.get("annotations")) else {
        return Ok((switches, None));
    };
    for (name, text) in annotations.texts() {
        let is_on = text == "true";
        match name.strip_prefix("autoscaling.keda.sh/") {
            Some("paused") => switches.is_paused |= is_on,
            Some("paused-scale-in") => switches.is_scale_in_paused = is_on,
            Some("paused-scale-out") => switches.is_scale_out_paused = is_on,
            Some("force-activation") => switches.is_activation_forced = is_on,
            Some("paused-replicas") => {
                let place = annotations.need(name)?;
                paused_replicas = Some(place.whole(0, i32::MAX)?);
                switches.is_paused = true;
            }
            _ => {}
        }
    }
    Ok((switches, paused_replicas))
}

fn triggers(place: &Place<'_>, meaning: &Meaning, notes: &mut Vec<String>) -> Result<Vec<MetricSpec>, String> {
    let mut read = Vec::new();
    for (index, item) in place.items()?.iter().enumerate() {
        item.only(&["type", "name", "metadata", "metricType", "authenticationRef", "useCachedMetrics"])?;
        let kind = item.need("type")?;
        match kind.text()? {
            "cron" => {
                notes.push(item.wrong("the simulation does not know the time of day: the cron trigger is left out"));
            }
            "memory" => notes.push(item.wrong("memory is not simulated: the trigger is left out")),
            other => read.push(trigger(item, other, index, meaning)?),
        }
    }
    if read.is_empty() {
        return Err(place.wrong("expected a trigger that measures cpu or the load; these do neither"));
    }
    Ok(read)
}

fn trigger(item: &Place<'_>, kind: &str, index: usize, meaning: &Meaning) -> Result<MetricSpec, String> {
    let metadata = item.need("metadata")?;
    let named = item.get("name").map(|place| place.text().map(str::to_owned)).transpose()?;
    let name = named.clone().unwrap_or_else(|| format!("trigger_{index}"));
    let types = [("AverageValue", "AverageValue"), ("Value", "Value"), ("Utilization", "Utilization")];
    let metric_type = item.get("metricType").map(|place| place.one_of(&types)).transpose()?;
    if kind == "cpu" {
        let place = metadata.need("value")?;
        let goal = match metric_type {
            Some("AverageValue") if meaning.cpu_per_server.is_some() => Goal::AverageValue(place.quantity()?),
            Some("AverageValue") => {
                return Err(place.wrong("cpu per pod needs the annotation `dataflow/cpu-per-server: 500m`"));
            }
            _ => Goal::Utilization(place.whole(1, i32::MAX)?),
        };
        return Ok(MetricSpec { measure: Measure::Cpu, goal, path: place.path().to_owned(), activation: 0.0, name });
    }
    let is_load = metadata
        .texts()
        .iter()
        .any(|(field, text)| matches!(*field, "query" | "metricName" | "topic" | "queueName") && meaning.is_load(text));
    if !is_load && !named.iter().any(|name| meaning.is_load(name)) && !meaning.is_load(kind) {
        return Err(Meaning::unknown(&metadata, named.as_deref().unwrap_or(kind)));
    }
    let fields = ["threshold", "targetValue", "value", "lagThreshold", "queueLength", "targetQueryValue"];
    let place = fields.iter().find_map(|field| metadata.get(field));
    let place = place.ok_or_else(|| metadata.wrong("expected a threshold, found none"))?;
    let target = place.quantity()?;
    let activation = match metadata.get("activationThreshold").or_else(|| metadata.get("activationValue")) {
        Some(place) => place.text()?.parse().map_err(|_| place.expected("a number"))?,
        None => 0.0,
    };
    let goal = if metric_type == Some("Value") { Goal::Value(target) } else { Goal::AverageValue(target) };
    Ok(MetricSpec { measure: Measure::Load, goal, path: place.path().to_owned(), activation, name })
}

fn formula(place: &Place<'_>, metrics: &[MetricSpec]) -> Result<(Formula, Goal, f64), String> {
    place.only(&["formula", "target", "activationTarget", "metricType"])?;
    let text = place.need("formula")?;
    let formula = Formula::parse(text.text()?).map_err(|error| text.wrong(error))?;
    for name in formula.triggers() {
        let metric = metrics.iter().find(|metric| metric.name == name);
        if metric.is_none() {
            return Err(text.wrong(format!("there is no trigger named {name:?} that is simulated")));
        }
    }
    let target = place.need("target")?.quantity()?;
    let is_value = match place.get("metricType") {
        Some(kind) => kind.one_of(&[("Value", true), ("AverageValue", false)])?,
        None => false,
    };
    let activation = match place.get("activationTarget") {
        Some(place) => place.text()?.parse().map_err(|_| place.expected("a number"))?,
        None => 0.0,
    };
    Ok((formula, if is_value { Goal::Value(target) } else { Goal::AverageValue(target) }, activation))
}
