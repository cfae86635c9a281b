//! From the value of a metric to a number of replicas.
//!
//! Source: Kubernetes' replica calculator and its `GetResourceUtilizationRatio` and `GetMetricUsageRatio`. Values are
//! whole milli-units, ratios IEEE doubles, as there: a utilization is truncated to whole percent before its ratio.

use std::collections::BTreeMap;

use super::pods::{Groups, Initialization, Pod, Sample, group, requests};

/// How far a ratio may be from 1 without a change, by direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Below 1.
    pub down: f64,
    /// Above 1.
    pub up: f64,
}

impl Tolerance {
    /// The controller manager's default for both directions.
    pub const DEFAULT: f64 = 0.1;

    /// Whether the ratio asks for no change.
    #[inline]
    pub fn contains(self, ratio: f64) -> bool {
        (1.0 - self.down) <= ratio && ratio <= (1.0 + self.up)
    }
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { down: Self::DEFAULT, up: Self::DEFAULT }
    }
}

/// Why a metric gives no number of replicas. The words are the controller's own, as its users search for them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// No samples at all.
    #[error("unable to get metrics for resource {resource}: no metrics returned from resource metrics API")]
    NoResourceMetrics {
        /// The resource asked for.
        resource: String,
    },
    /// A pod's samples lack the container.
    #[error(
        "unable to get metrics for resource {resource}: failed to get container metrics: container {container} not \
         present in metrics for pod {pod}"
    )]
    NoContainerMetrics {
        /// The resource asked for.
        resource: String,
        /// The container asked for.
        container: String,
        /// The pod that has no sample of it.
        pod: String,
    },
    /// No samples of a custom metric at all.
    #[error("unable to get metric {metric}: no metrics returned from custom metrics API")]
    NoPodMetrics {
        /// The metric asked for.
        metric: String,
    },
    /// No value of a metric of an object.
    #[error("unable to get metric {metric}: no metrics returned from custom metrics API for the object")]
    NoObjectMetric {
        /// The metric asked for.
        metric: String,
    },
    /// No value of an external metric.
    #[error("unable to get external metric {metric}: no metrics returned from external metrics API")]
    NoExternalMetric {
        /// The metric asked for.
        metric: String,
    },
    /// No pods to calculate for.
    #[error("no pods returned by selector while calculating replica count")]
    NoPods,
    /// Samples, but none that counts.
    #[error("did not receive metrics for targeted pods (pods might be unready)")]
    NoReadyPods,
    /// Samples, but of other pods.
    #[error("no metrics returned matched known pods")]
    NoKnownPods,
    /// A container without a request.
    #[error("missing request for {resource} in container {container} of Pod {pod}")]
    NoRequest {
        /// The resource looked at.
        resource: String,
        /// The container without a request.
        container: String,
        /// Its pod.
        pod: String,
    },
    /// No container of this name.
    #[error("container {container} not found in Pod {pod}")]
    NoSuchContainer {
        /// The name looked for.
        container: String,
        /// The pod that has none.
        pod: String,
    },
    /// A kind of metric that there is not.
    #[error("unknown metric source type {0:?}")]
    UnknownSource(String),
    /// A kind of target that the metric cannot have.
    #[error("invalid {source_kind} metric source: {problem}")]
    InvalidTarget {
        /// The kind of the metric, in small letters.
        source_kind: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}

/// What samples of pods are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Percent of what the pods request.
    Utilization(i32),
    /// Milli-units per pod.
    AverageValue(i64),
}

/// What one metric asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    /// Replicas.
    pub replicas: i32,
    /// Value over target, before pods without samples were counted in.
    pub ratio: f64,
    /// The same after it, where any were counted in.
    pub damped: Option<f64>,
    /// Percent of the requests used, for a utilization.
    pub utilization: Option<i32>,
    /// The value in milli-units: average per pod, or of the whole for a `Value` target.
    pub usage: i64,
    /// Whether the ratio asked for no change.
    pub is_within_tolerance: bool,
}

/// Sums over a group of pods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Pods with a sample or counted in without one.
    pub samples: i64,
    /// Those of them that are known, so that their requests are.
    pub known: i64,
    /// Milli-units used, by known pods only where requests count.
    pub usage: i64,
    /// Milli-units requested.
    pub requests: i64,
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self {
            samples: self.samples + other.samples,
            known: self.known + other.known,
            usage: self.usage.saturating_add(other.usage),
            requests: self.requests.saturating_add(other.requests),
        }
    }
}

/// Pods by group, each summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Pods whose samples count, by the controller's count of pods.
    pub ready_pods: i64,
    /// Samples that count.
    pub ready: Sums,
    /// Pods whose samples do not count yet; their usage is taken for 0.
    pub unready: Sums,
    /// Pods without a sample; their usage as it is assumed where the others' asks for fewer replicas.
    pub missing: Sums,
}

/// Value over target, percent of requests (for a utilization) and average usage.
///
/// # Errors
/// When no sample is of a known pod.
pub fn usage_ratio(sums: Sums, aim: Aim) -> Result<(f64, Option<i32>, i64), MetricError> {
    match aim {
        Aim::Utilization(target) => {
            if sums.requests == 0 || sums.known == 0 {
                return Err(MetricError::NoKnownPods);
            }
            let percent = match sums.usage.checked_mul(100) {
                Some(hundredfold) => hundredfold / sums.requests,
                None => (i128::from(sums.usage) * 100 / i128::from(sums.requests)) as i64,
            };
            let percent = percent as i32;
            Ok((f64::from(percent) / f64::from(target), Some(percent), sums.usage / sums.known))
        }
        Aim::AverageValue(target) => {
            if sums.samples == 0 {
                return Err(MetricError::NoReadyPods);
            }
            let average = sums.usage / sums.samples;
            Ok((average as f64 / target as f64, None, average))
        }
    }
}

/// Replicas for samples of pods that are summed up already.
///
/// # Errors
/// When no sample counts, or none is of a known pod.
pub fn propose(totals: &Totals, aim: Aim, tolerance: Tolerance, current: i32) -> Result<Proposal, MetricError> {
    if totals.ready.samples == 0 {
        return Err(MetricError::NoReadyPods);
    }
    let (ratio, utilization, usage) = usage_ratio(totals.ready, aim)?;
    let no_change = Proposal { replicas: current, ratio, damped: None, utilization, usage, is_within_tolerance: false };
    let counts_unready = totals.unready.samples > 0 && ratio > 1.0;
    if !counts_unready && totals.missing.samples == 0 {
        if tolerance.contains(ratio) {
            return Ok(Proposal { is_within_tolerance: true, ..no_change });
        }
        let replicas = (ratio * totals.ready_pods as f64).ceil() as i32;
        return Ok(Proposal { replicas, ..no_change });
    }
    let mut sums = totals.ready;
    if ratio < 1.0 {
        sums = sums.plus(totals.missing);
    } else if ratio > 1.0 {
        sums = sums.plus(Sums { usage: 0, ..totals.missing });
    }
    if counts_unready {
        sums = sums.plus(Sums { usage: 0, ..totals.unready });
    }
    let (damped, ..) = usage_ratio(sums, aim)?;
    let no_change = Proposal { damped: Some(damped), ..no_change };
    if tolerance.contains(damped) {
        return Ok(Proposal { is_within_tolerance: true, ..no_change });
    }
    let replicas = (damped * sums.samples as f64).ceil() as i32;
    let turns = (ratio < 1.0 && damped > 1.0) || (ratio > 1.0 && damped < 1.0);
    let goes_the_other_way = (damped < 1.0 && replicas > current) || (damped > 1.0 && replicas < current);
    Ok(if turns || goes_the_other_way { no_change } else { Proposal { replicas, ..no_change } })
}

/// A resource of pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource<'a> {
    /// Such as `cpu`.
    pub name: &'a str,
    /// The one container looked at; `None` for all of a pod.
    pub container: Option<&'a str>,
    /// Whether a request of a pod as a whole counts.
    pub pod_level: bool,
}

/// What is known of pods and their samples at one moment.
#[derive(Debug, Clone, Copy)]
pub struct PodSamples<'a> {
    /// The pods.
    pub pods: &'a [Pod],
    /// Their samples by name; those of other pods may be among them.
    pub samples: &'a BTreeMap<&'a str, Sample>,
    /// The resource that the samples are of; `None` for other metrics.
    pub resource: Option<Resource<'a>>,
    /// How long young pods' CPU samples are mistrusted.
    pub initialization: Initialization,
    /// The present.
    pub now: i64,
}

/// Replicas for samples of pods.
///
/// # Errors
/// When there are no pods, no sample counts, or none is of a known pod.
pub fn from_pods(
    known: &PodSamples<'_>,
    aim: Aim,
    tolerance: Tolerance,
    current: i32,
) -> Result<Proposal, MetricError> {
    if known.pods.is_empty() {
        return Err(MetricError::NoPods);
    }
    let is_cpu = known.resource.is_some_and(|resource| resource.name == "cpu");
    let groups = group(known.pods, known.samples, is_cpu, known.initialization, known.now);
    let is_out = |name: &&str| groups.ignored.contains(name) || groups.unready.contains(name);
    if known.samples.keys().all(is_out) {
        return Err(MetricError::NoReadyPods);
    }
    let requests = match (aim, known.resource) {
        (Aim::Utilization(_), Some(Resource { name, container, pod_level })) => {
            Some(requests(known.pods, container, name, pod_level)?)
        }
        _ => None,
    };
    propose(&totals(known, &groups, requests.as_ref(), aim), aim, tolerance, current)
}

fn totals(known: &PodSamples<'_>, groups: &Groups<'_>, requests: Option<&BTreeMap<&str, i64>>, aim: Aim) -> Totals {
    let request_of = |name: &str| requests.map_or(Some(0), |requests| requests.get(name).copied());
    let add = |sums: Sums, name: &str, usage: i64| {
        let known = request_of(name);
        let one = Sums { samples: 1, known: 0, usage: 0, requests: 0 };
        sums.plus(known.map_or(one, |requests| Sums { samples: 1, known: 1, usage, requests }))
    };
    let counts = |name: &&&str| !groups.ignored.contains(**name) && !groups.unready.contains(**name);
    let ready = known.samples.keys().filter(counts);
    let assumed = |name: &str| match aim {
        // The controller divides each pod's request, not their sum.
        Aim::Utilization(target) => request_of(name).unwrap_or(0).saturating_mul(i64::from(target.max(100))) / 100,
        Aim::AverageValue(target) => target,
    };
    Totals {
        ready_pods: groups.ready as i64,
        ready: ready.fold(Sums::default(), |sums, name| add(sums, name, known.samples[*name].value)),
        unready: groups.unready.iter().fold(Sums::default(), |sums, name| add(sums, name, 0)),
        missing: groups.missing.iter().fold(Sums::default(), |sums, name| add(sums, name, assumed(name))),
    }
}

/// Replicas for a metric of an object or from outside, with a target for its whole value.
#[inline]
pub fn for_value(value: i64, target: i64, tolerance: Tolerance, current: i32, ready_pods: i64) -> Proposal {
    let ratio = value as f64 / target as f64;
    let is_within_tolerance = current != 0 && tolerance.contains(ratio);
    let replicas = if is_within_tolerance {
        current
    } else if current == 0 {
        ratio.ceil() as i32
    } else {
        // The cast saturates.
        (ratio * ready_pods as f64).ceil() as i32
    };
    Proposal { replicas, ratio, damped: None, utilization: None, usage: value, is_within_tolerance }
}

/// Replicas for a metric of an object or from outside, with a target per pod; `status_replicas` are the pods there are.
#[inline]
pub fn for_average_value(value: i64, target: i64, tolerance: Tolerance, status_replicas: i32) -> Proposal {
    let ratio = value as f64 / (target as f64 * f64::from(status_replicas));
    let is_within_tolerance = tolerance.contains(ratio);
    let replicas = if is_within_tolerance { status_replicas } else { (value as f64 / target as f64).ceil() as i32 };
    let usage = if value as f64 >= i64::MAX as f64 {
        i64::MAX
    } else if status_replicas == 0 {
        0
    } else {
        (value as f64 / f64::from(status_replicas)).ceil() as i64
    };
    Proposal { replicas, ratio, damped: None, utilization: None, usage, is_within_tolerance }
}

/// The sum of external samples, which stops at the largest number there is.
pub fn sum_of_samples(samples: &[i64]) -> i64 {
    samples.iter().fold(0_i64, |sum, value| sum.saturating_add(*value))
}
