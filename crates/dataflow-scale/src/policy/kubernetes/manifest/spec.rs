//! What a manifest says, of either kind: bounds, metrics, behaviour, and KEDA's part where it has one.

use super::place::Place;
use crate::policy::kubernetes::behavior::{Behavior, RatePolicy, Rules, SelectPolicy, Unit, WrittenRules};
use crate::policy::kubernetes::keda::{ExecutorRules, Formula};
use crate::policy::kubernetes::link::Measured;
use crate::policy::kubernetes::reconcile::HpaRules;
use crate::policy::kubernetes::workload::{CPU_REQUEST, Goal, SimulatedMetric, Source};

/// What a metric measures of the simulated world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// CPU of the pods.
    Cpu,
    /// Load per ready pod.
    LoadPerPod,
    /// All load.
    Load,
}

/// A metric with its goal, and where that stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MetricSpec {
    pub(super) measure: Measure,
    pub(super) goal: Goal,
    /// The path of the goal's number in the manifest.
    pub(super) path: String,
    /// KEDA's activation threshold.
    pub(super) activation: f64,
    /// The name of the trigger, for a formula.
    pub(super) name: String,
}

/// How metrics relate to the load of a trace, by annotations.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Meaning {
    /// `dataflow/measure`: more names of metrics that measure the load.
    pub(super) measures: Vec<String>,
    /// `dataflow/load-per-unit`: load in the trace's unit that is one of a metric's.
    pub(super) load_per_unit: f64,
    /// `dataflow/cpu-per-server`: CPU that a server uses which serves as much as it can, in milli-units.
    pub(super) cpu_per_server: Option<i64>,
    /// `dataflow/cpu-limit`: the most CPU that a pod uses, as a share of what it uses at its capacity.
    pub(super) cpu_limit: f64,
}

impl Meaning {
    const WORDS: [&'static str; 9] =
        ["request", "rps", "qps", "load", "byte", "traffic", "hits", "throughput", "connections"];

    pub(super) fn read(metadata: Option<&Place<'_>>) -> Result<Self, String> {
        let mut meaning = Self { measures: Vec::new(), load_per_unit: 1.0, cpu_per_server: None, cpu_limit: 1.0 };
        let Some(annotations) = metadata.and_then(|metadata| metadata.get("annotations")) else { return Ok(meaning) };
        if let Some(place) = annotations.get("dataflow/measure") {
            meaning.measures = place.text()?.split(',').map(|name| name.trim().to_owned()).collect();
        }
        if let Some(place) = annotations.get("dataflow/load-per-unit") {
            meaning.load_per_unit = place.quantity()? as f64 / 1_000.0;
        }
        if let Some(place) = annotations.get("dataflow/cpu-limit") {
            meaning.cpu_limit = place.quantity()? as f64 / 1_000.0;
        }
        meaning.cpu_per_server =
            annotations.get("dataflow/cpu-per-server").map(|place| place.quantity()).transpose()?;
        Ok(meaning)
    }

    /// Whether a metric of this name measures the load.
    pub(super) fn is_load(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        let mut words = lower.split(|letter: char| !letter.is_alphanumeric());
        let is_named = self.measures.iter().any(|other| other == name);
        is_named || words.any(|word| Self::WORDS.iter().any(|part| word.starts_with(part)))
    }

    /// Says that the trace has no metric of this name, and what would make it one.
    pub(super) fn unknown(place: &Place<'_>, name: &str) -> String {
        place.wrong(format!(
            "the trace has no metric {name:?}; it has its load, which is what metrics measure whose name has a word \
             that begins with {}; \
             if {name:?} measures the load too, say so by the annotation `dataflow/measure: {name}`",
            Self::WORDS.join(", ")
        ))
    }
}

/// KEDA's part of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KedaSpec {
    pub(super) executor: ExecutorRules,
    pub(super) polling_seconds: i32,
    pub(super) paused_replicas: Option<i32>,
    /// Formula, target in milli-units, activation target.
    pub(super) formula: Option<(Formula, Goal, f64)>,
}

/// What a manifest says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spec {
    pub(super) minimum: Option<i32>,
    pub(super) maximum: i32,
    pub(super) metrics: Vec<MetricSpec>,
    /// The rules of scaling up and down as they are written, where there is a `behavior` at all.
    pub(super) behavior: Option<[WrittenRules; 2]>,
    pub(super) meaning: Meaning,
    pub(super) keda: Option<KedaSpec>,
}

/// The directions as a manifest names them, in the order of [`Spec::behavior`].
pub(super) const DIRECTIONS: [&str; 2] = ["scaleUp", "scaleDown"];

impl Spec {
    /// Where the behaviour and the fewest replicas stand in the manifest.
    pub(super) const fn paths(&self) -> (&'static str, &'static str) {
        if self.keda.is_some() {
            ("spec.advanced.horizontalPodAutoscalerConfig.behavior", "spec.minReplicaCount")
        } else {
            ("spec.behavior", "spec.minReplicas")
        }
    }

    /// The fewest replicas that the autoscaler itself keeps.
    pub(super) fn minimum(&self) -> i32 {
        self.minimum.unwrap_or(i32::from(self.keda.is_none()))
    }

    /// The rules in a fleet of `low` to `high` servers.
    pub(super) fn rules(&self, low: u32, high: u32) -> HpaRules {
        let whole = |servers: u32| i32::try_from(servers).unwrap_or(i32::MAX);
        let within = |replicas: i32| replicas.max(whole(low)).min(whole(high));
        let minimum = if self.keda.is_some() { self.minimum().max(1) } else { self.minimum() };
        let behavior = self.behavior.clone().map(|[up, down]| Behavior { up: Rules::up(up), down: Rules::down(down) });
        HpaRules { behavior, ..HpaRules::new(within(minimum), within(self.maximum)) }
    }

    /// The metrics where a server serves `capacity` in a tick of `step_seconds`.
    pub(super) fn simulated(&self, capacity: f64, step_seconds: u32) -> Vec<SimulatedMetric> {
        let per_load = 1_000.0 / (f64::from(step_seconds) * self.meaning.load_per_unit);
        let metric = |metric: &MetricSpec| {
            let is_share = matches!(metric.goal, Goal::Utilization(_));
            let (source, measured) = match metric.measure {
                Measure::Cpu => {
                    let full = self.meaning.cpu_per_server.filter(|_| !is_share).unwrap_or(CPU_REQUEST) as f64;
                    let source = Source::Cpu { per_load: full / capacity, limit: full * self.meaning.cpu_limit };
                    (source, if is_share { Measured::CpuPercent } else { Measured::Cpu })
                }
                Measure::LoadPerPod => (Source::LoadPerPod { per_load }, Measured::LoadPerPod),
                Measure::Load if matches!(metric.goal, Goal::Value(_)) => (Source::Load { per_load }, Measured::Load),
                Measure::Load => (Source::Load { per_load }, Measured::LoadShared),
            };
            SimulatedMetric { source, goal: metric.goal, measured, shown: 1_000.0 }
        };
        self.metrics.iter().map(metric).collect()
    }
}

/// Reads the rules of both directions; `behavior` may leave out each.
pub(super) fn behavior(place: Option<Place<'_>>) -> Result<Option<[WrittenRules; 2]>, String> {
    let Some(place) = place else { return Ok(None) };
    place.only(&DIRECTIONS)?;
    let rules = |name: &str| place.get(name).map_or_else(|| Ok(WrittenRules::default()), |place| written_rules(&place));
    Ok(Some([rules(DIRECTIONS[0])?, rules(DIRECTIONS[1])?]))
}

fn written_rules(place: &Place<'_>) -> Result<WrittenRules, String> {
    const SELECT: [(&str, SelectPolicy); 3] =
        [("Max", SelectPolicy::Max), ("Min", SelectPolicy::Min), ("Disabled", SelectPolicy::Disabled)];
    place.only(&["stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance"])?;
    let tolerance = |place: Place<'_>| {
        let milli = place.text().ok().and_then(super::place::milli_units).filter(|milli| *milli >= 0);
        milli.map(|milli| milli as f64 / 1_000.0).ok_or_else(|| place.expected("a share of at least 0, such as 0.05"))
    };
    let policies = |place: Place<'_>| {
        let items = place.items()?;
        if items.is_empty() {
            return Err(place.wrong("expected at least one policy; leave the field out for the defaults"));
        }
        items.iter().map(rate_policy).collect::<Result<Vec<_>, _>>()
    };
    Ok(WrittenRules {
        stabilization_seconds: place
            .get("stabilizationWindowSeconds")
            .map(|window| window.whole(0, 3_600))
            .transpose()?,
        select: place.get("selectPolicy").map(|select| select.one_of(&SELECT)).transpose()?,
        policies: place.get("policies").map(policies).transpose()?,
        tolerance: place.get("tolerance").map(tolerance).transpose()?,
    })
}

fn rate_policy(place: &Place<'_>) -> Result<RatePolicy, String> {
    place.only(&["type", "value", "periodSeconds"])?;
    Ok(RatePolicy {
        unit: place.need("type")?.one_of(&[("Pods", Unit::Pods), ("Percent", Unit::Percent)])?,
        value: place.need("value")?.whole(1, i32::MAX)?,
        period_seconds: place.need("periodSeconds")?.whole(1, 1_800)?,
    })
}
