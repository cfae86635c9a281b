//! Pods as the autoscaler sees them: which of them count, and what they request.
//!
//! Source: `groupPods` and `calculateRequests` of Kubernetes' replica calculator. Quantities are whole milli-units
//! (1 CPU = 1000), instants whole seconds of any one clock.

use std::collections::{BTreeMap, BTreeSet};

use super::metric::MetricError;

/// Where in its life a pod is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not running yet.
    Pending,
    /// Its containers run.
    Running,
    /// All its containers ended well.
    Succeeded,
    /// All its containers ended, at least one of them badly.
    Failed,
}

/// What a condition of a pod says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody knows.
    Unknown,
}

/// A pod's condition `Ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Whether the pod is ready.
    pub status: Status,
    /// Since when it is so.
    pub changed: i64,
}

/// A container and what it requests of the resource looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name, unique in its pod.
    pub name: String,
    /// Milli-units requested; `None` where it requests none.
    pub request: Option<i64>,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Where in its life it is.
    pub phase: Phase,
    /// Whether it is being deleted.
    pub is_deleting: bool,
    /// Its condition `Ready`, if it has one yet.
    pub ready: Option<Ready>,
    /// When it started, if it has.
    pub started: Option<i64>,
    /// Its containers, restartable init containers (sidecars) after the others.
    pub containers: Vec<Container>,
    /// The request of the pod as a whole, where it has one.
    pub request: Option<i64>,
}

impl Pod {
    /// Whether it runs and is ready.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Running && self.ready.is_some_and(|ready| ready.status == Status::True)
    }
}

/// One value measured of one pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Milli-units.
    pub value: i64,
    /// When it was taken.
    pub taken: i64,
    /// Seconds before that over which it was averaged.
    pub window: i64,
}

/// How long the CPU samples of young pods are mistrusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Initialization {
    /// Seconds after its start in which a pod's samples count only while it is ready.
    pub cpu_initialization_seconds: i64,
    /// Seconds after its start within which a change of readiness is taken for the first.
    pub readiness_delay_seconds: i64,
}

impl Default for Initialization {
    /// The controller manager's defaults: 5 minutes and 30 seconds.
    fn default() -> Self {
        Self { cpu_initialization_seconds: 300, readiness_delay_seconds: 30 }
    }
}

/// Pods by what their samples are good for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups<'a> {
    /// How many pods' samples count.
    pub ready: usize,
    /// Pods whose samples do not count yet.
    pub unready: BTreeSet<&'a str>,
    /// Pods without a sample.
    pub missing: BTreeSet<&'a str>,
    /// Pods that are gone or going.
    pub ignored: BTreeSet<&'a str>,
}

/// Sorts pods into groups; readiness is looked at only where the samples are of CPU (`is_cpu`).
///
/// A pod that ended well counts like any other, as in the published tables; newer controllers ignore it.
pub fn group<'a>(
    pods: &'a [Pod],
    samples: &BTreeMap<&str, Sample>,
    is_cpu: bool,
    initialization: Initialization,
    now: i64,
) -> Groups<'a> {
    let mut groups = Groups::default();
    for pod in pods {
        let name = pod.name.as_str();
        if pod.is_deleting || pod.phase == Phase::Failed {
            groups.ignored.insert(name);
        } else if pod.phase == Phase::Pending {
            groups.unready.insert(name);
        } else if let Some(sample) = samples.get(name) {
            if is_cpu && !counts_for_cpu(pod, *sample, initialization, now) {
                groups.unready.insert(name);
            } else {
                groups.ready += 1;
            }
        } else {
            groups.missing.insert(name);
        }
    }
    groups
}

fn counts_for_cpu(pod: &Pod, sample: Sample, initialization: Initialization, now: i64) -> bool {
    let (Some(ready), Some(started)) = (pod.ready, pod.started) else { return false };
    let is_unready = ready.status == Status::False;
    if started.saturating_add(initialization.cpu_initialization_seconds) > now {
        // Its first samples are of its start: one whole window must have passed since it became ready.
        return !is_unready && sample.taken >= ready.changed.saturating_add(sample.window);
    }
    let was_never_ready = started.saturating_add(initialization.readiness_delay_seconds) > ready.changed;
    !(is_unready && was_never_ready)
}

/// What each pod requests of a resource: of one container where it is named, else of the pod as a whole where
/// `pod_level` is on and the pod says so, else of all its containers together.
///
/// # Errors
/// When a container that counts requests nothing, or none has the name.
pub fn requests<'a>(
    pods: &'a [Pod],
    container: Option<&str>,
    resource: &str,
    pod_level: bool,
) -> Result<BTreeMap<&'a str, i64>, MetricError> {
    let request = |pod: &'a Pod| {
        let of_pod = pod.request.filter(|_| pod_level && container.is_none());
        let request = of_pod.map_or_else(|| request_of_containers(pod, container, resource), Ok)?;
        Ok((pod.name.as_str(), request))
    };
    pods.iter().map(request).collect()
}

fn request_of_containers(pod: &Pod, container: Option<&str>, resource: &str) -> Result<i64, MetricError> {
    let counted = || pod.containers.iter().filter(|other| container.is_none_or(|name| name == other.name));
    if let Some(name) = container.filter(|_| counted().next().is_none()) {
        return Err(MetricError::NoSuchContainer { container: name.to_owned(), pod: pod.name.clone() });
    }
    counted().try_fold(0_i64, |sum, container| {
        let request = container.request.ok_or_else(|| MetricError::NoRequest {
            resource: resource.to_owned(),
            container: container.name.clone(),
            pod: pod.name.clone(),
        })?;
        Ok(sum.saturating_add(request))
    })
}
