//! A user's own manifest as a policy: read, adjusted, and written back with nothing changed but what was adjusted.

pub(crate) mod place;
mod read_hpa;
mod read_keda;
mod spec;

use std::fmt;
use std::sync::Arc;

use dataflow_series::Step;

use self::spec::{DIRECTIONS, Spec};
use super::behavior::{RatePolicy, SelectPolicy, Unit, WrittenRules};
use super::hpa::HorizontalPodAutoscaler;
use super::keda::KedaPolicy;
use super::link::Measured;
use super::workload::{Goal, SimulatedMetric, Source};
use crate::policy::Policy;
use crate::spec::{Parameter, Settings};

/// The kinds of manifests that are policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestKind {
    /// A `HorizontalPodAutoscaler` of `autoscaling/v2`.
    Hpa,
    /// A `ScaledObject` of KEDA.
    Keda,
}

impl ManifestKind {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Hpa => ("hpa", "HorizontalPodAutoscaler"),
            Self::Keda => ("keda", "ScaledObject"),
        }
    }
}

/// A manifest that was read, and what was adjusted in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    source: Arc<ManifestSource>,
    spec: Spec,
}

#[derive(Debug, PartialEq)]
struct ManifestSource {
    kind: ManifestKind,
    file: String,
    text: String,
    /// Which of the documents of the file it is.
    document: usize,
    written: Spec,
    notes: Vec<String>,
}

/// One number of a manifest that was adjusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestChange {
    /// Its path, such as `spec.metrics[0].resource.target.averageUtilization`.
    pub field: String,
    /// As it was.
    pub from: String,
    /// As it is now.
    pub to: String,
    /// What that does, one sentence.
    pub why: String,
}

impl Manifest {
    /// Reads the first document of the kind from the text of a file.
    ///
    /// # Errors
    /// When there is none, or it is not one that can be simulated: file, line, field, what was expected.
    pub fn read(kind: ManifestKind, file: &str, text: &str) -> Result<Self, String> {
        let documents = place::documents(file, text)?;
        let (_, wanted) = kind.words();
        let of_kind = |place: &place::Place<'_>| place.get("kind").is_some_and(|kind| kind.text() == Ok(wanted));
        let Some(index) = documents.iter().position(|document| of_kind(&document.root())) else {
            let Some(first) = documents.first() else {
                return Err(format!("{file}: expected a {wanted}, found nothing"));
            };
            return Err(first.root().need("kind")?.expected(wanted));
        };
        let mut notes = Vec::new();
        let root = documents[index].root();
        let written = match kind {
            ManifestKind::Hpa => read_hpa::read(&root, &mut notes)?,
            ManifestKind::Keda => read_keda::read(&root, &mut notes)?,
        };
        let (file, text) = (file.to_owned(), text.to_owned());
        let spec = written.clone();
        let source = Arc::new(ManifestSource { kind, file, text, document: index, written, notes });
        Ok(Self { source, spec })
    }

    /// Takes away windows, limits of the rate of change, and the cooldown.
    pub(crate) fn act_at_once(&mut self) {
        let most = RatePolicy { unit: Unit::Pods, value: i32::MAX, period_seconds: 15 };
        let [up, down] = self.spec.behavior.get_or_insert_with(|| [WrittenRules::default(), WrittenRules::default()]);
        for rules in [up, down] {
            rules.stabilization_seconds = Some(0);
            rules.select = Some(SelectPolicy::Max);
            rules.policies = Some(vec![most]);
        }
        if let Some(keda) = &mut self.spec.keda {
            keda.executor.cooldown_seconds = 0;
        }
    }

    /// Takes away the bounds of the replicas, up to `most`.
    pub(crate) fn unbound(&mut self, most: u32) {
        self.spec.minimum = self.spec.minimum.map(|minimum| minimum.min(1));
        self.spec.maximum = self.spec.maximum.max(i32::try_from(most).unwrap_or(i32::MAX));
    }

    /// What a user should know of how it is simulated, and of bounds that the fleet does not have.
    pub fn notes(&self, settings: &Settings) -> Vec<String> {
        let mut notes = self.source.notes.clone();
        let (low, high) = (i64::from(settings.min_servers), i64::from(settings.max_servers));
        let (minimum, maximum) = (i64::from(self.spec.minimum()), i64::from(self.spec.maximum));
        if minimum < low || maximum > high {
            notes.push(format!(
                "{}: from {minimum} to {maximum} replicas; the fleet keeps from {low} to {high} servers \
                 (simulation.min_servers and max_servers)",
                self.source.file
            ));
        }
        notes
    }

    /// The policy it describes.
    pub fn policy(&self, settings: &Settings, step: Step) -> Box<dyn Policy> {
        let capacity = settings.fleet(step).capacity;
        let rules = self.spec.rules(settings.min_servers, settings.max_servers);
        let metrics = self.spec.simulated(capacity, step.seconds());
        let Some(keda) = &self.spec.keda else {
            return Box::new(HorizontalPodAutoscaler::<super::recommendations::SlidingExtremes>::new(
                rules,
                metrics,
                step.seconds(),
            ));
        };
        let names = self.spec.metrics.iter().map(|metric| (metric.name.clone(), metric.activation));
        let triggers = names.zip(metrics.iter().copied()).collect();
        let composed = keda.formula.as_ref().map(|(_, goal, _)| SimulatedMetric {
            source: Source::Load { per_load: 1_000.0 },
            goal: *goal,
            measured: Measured::Formula,
            shown: 1_000.0,
        });
        let metrics = composed.map_or(metrics, |metric| vec![metric]);
        let formula = keda.formula.as_ref().map(|(formula, _, activation)| (formula.clone(), *activation));
        let hpa = HorizontalPodAutoscaler::new(rules, metrics, step.seconds());
        Box::new(KedaPolicy::new(
            hpa,
            keda.executor,
            keda.paused_replicas,
            keda.polling_seconds,
            triggers,
            formula,
            step,
        ))
    }

    /// The numbers worth tuning.
    pub fn parameters(&self, settings: &Settings) -> Vec<Parameter> {
        let numbers = self.spec.numbers();
        let parameter = |number: Number| {
            let value = number.value;
            let (low, high, is_logarithmic) = match number.field {
                Field::Goal(_) if number.unit == "%" => (20.0, 150.0, false),
                Field::Goal(_) => ((value / 4.0).ceil().max(1.0), (value * 4.0).ceil(), true),
                Field::Minimum => (f64::from(settings.min_servers), f64::from(settings.max_servers), false),
                Field::Window(0) => (0.0, 600.0, false),
                Field::Window(_) => (0.0, 1_800.0, false),
                Field::Rate(..) if number.unit == "%" => (1.0, 400.0, true),
                Field::Rate(..) => (1.0, 32.0, true),
                Field::Cooldown => (0.0, 3_600.0, false),
            };
            let high = if number.field == Field::Minimum { high.min(f64::from(self.spec.maximum)) } else { high };
            Parameter {
                name: number.path,
                about: number.field.about().to_owned(),
                value,
                low: low.min(value),
                high: high.max(value),
                is_whole: true,
                is_logarithmic,
                unit: number.unit,
            }
        };
        numbers.into_iter().map(parameter).filter(|parameter| parameter.low < parameter.high).collect()
    }

    /// Changes a number by its path; `None` where there is none, or it may not have this value.
    pub fn adjust(&mut self, path: &str, value: f64) -> Option<()> {
        let number = self.spec.numbers().into_iter().find(|number| number.path == path)?;
        let is_whole = value.fract() == 0.0 && (0.0..=f64::from(i32::MAX)).contains(&value);
        if !is_whole {
            return None;
        }
        if value == number.value {
            return Some(());
        }
        self.spec.set(number.field, value)
    }

    /// What was adjusted, in the order of the manifest.
    pub fn changes(&self) -> Vec<ManifestChange> {
        let before = self.source.written.numbers();
        let changed = |number: Number| {
            let old = before.iter().find(|old| old.path == number.path)?;
            (old.value != number.value).then(|| ManifestChange {
                why: number.field.why(old.value, number.value),
                from: old.text(),
                to: number.text(),
                field: number.path,
            })
        };
        self.spec.numbers().into_iter().filter_map(changed).collect()
    }

    /// The file with what was adjusted, and all else as it was.
    ///
    /// # Errors
    /// When a number cannot be put where it belongs in the form in which the file is written.
    pub fn to_yaml(&self) -> Result<String, String> {
        let ManifestSource { file, text, document, .. } = &*self.source;
        let mut text = text.clone();
        for change in self.changes() {
            text = place::with_value(file, &text, *document, &change.field, &change.to)?;
        }
        Ok(text)
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.source.kind.words().0, self.source.file)
    }
}

/// A number of a manifest that may be adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// The goal of a metric.
    Goal(usize),
    /// The fewest replicas.
    Minimum,
    /// The stabilisation window of a direction.
    Window(usize),
    /// The value of a rate policy of a direction.
    Rate(usize, usize),
    /// KEDA's cooldown.
    Cooldown,
}

/// Such a number, with its place and value.
struct Number {
    field: Field,
    path: String,
    value: f64,
    unit: &'static str,
}

impl Number {
    /// As a manifest has it.
    fn text(&self) -> String {
        // Decimals are quantities to Kubernetes and numbers to KEDA, which knows no `500m`.
        if self.unit == "milli" { format!("{}", self.value / 1_000.0) } else { format!("{}", self.value) }
    }
}

impl Field {
    const fn about(self) -> &'static str {
        match self {
            Self::Goal(_) => "What the metric is kept at, in percent or thousandths of its unit.",
            Self::Minimum => "Fewest replicas.",
            Self::Window(0) => "Time whose lowest recommendation counts for scaling up.",
            Self::Window(_) => "Time whose highest recommendation counts for scaling down.",
            Self::Rate(..) => "Pods, or percent of them, that one period may change.",
            Self::Cooldown => "Time without an active trigger after which the workload is switched off.",
        }
    }

    fn why(self, from: f64, to: f64) -> String {
        let is_more = to > from;
        match self {
            Self::Goal(_) if is_more => "Each pod carries more, so that fewer are paid for.",
            Self::Goal(_) => "Each pod carries less, so that a rise in load finds room while new pods start.",
            Self::Minimum if is_more => "More pods stand ready for a rise that comes faster than pods start.",
            Self::Minimum => "Quiet times need fewer pods than were kept.",
            Self::Window(0) if is_more => "Short peaks are waited out instead of followed.",
            Self::Window(0) => "A rise is followed sooner.",
            Self::Window(_) if is_more => "Pods are kept through short lulls instead of started anew.",
            Self::Window(_) => "Pods are released sooner after a peak.",
            Self::Rate(0, _) if is_more => "A rise is followed in larger steps.",
            Self::Rate(0, _) => "A rise is followed in smaller steps, so that peaks overshoot less.",
            Self::Rate(..) if is_more => "Pods are released in larger steps.",
            Self::Rate(..) => "Pods are released in smaller steps, so that fewer must start anew.",
            Self::Cooldown if is_more => "The workload stays on through longer pauses.",
            Self::Cooldown => "The workload is switched off sooner.",
        }
        .to_owned()
    }
}

impl Spec {
    fn numbers(&self) -> Vec<Number> {
        let mut numbers = Vec::new();
        let (behavior, minimum) = self.paths();
        for (index, metric) in self.metrics.iter().enumerate().filter(|(_, metric)| !metric.path.is_empty()) {
            let (value, unit) = match metric.goal {
                Goal::Utilization(percent) => (f64::from(percent), "%"),
                Goal::AverageValue(milli) | Goal::Value(milli) => (milli as f64, "milli"),
            };
            numbers.push(Number { field: Field::Goal(index), path: metric.path.clone(), value, unit });
        }
        let value = f64::from(self.minimum());
        numbers.push(Number { field: Field::Minimum, path: minimum.to_owned(), value, unit: "" });
        let nothing = [WrittenRules::default(), WrittenRules::default()];
        for (direction, rules) in self.behavior.as_ref().unwrap_or(&nothing).iter().enumerate() {
            let name = DIRECTIONS[direction];
            let default = if direction == 0 { 0 } else { 300 };
            numbers.push(Number {
                field: Field::Window(direction),
                path: format!("{behavior}.{name}.stabilizationWindowSeconds"),
                value: f64::from(rules.stabilization_seconds.unwrap_or(default)),
                unit: "s",
            });
            for (index, policy) in rules.policies.iter().flatten().enumerate() {
                numbers.push(Number {
                    field: Field::Rate(direction, index),
                    path: format!("{behavior}.{name}.policies[{index}].value"),
                    value: f64::from(policy.value),
                    unit: if policy.unit == Unit::Percent { "%" } else { "" },
                });
            }
        }
        if let Some(keda) = &self.keda {
            let value = keda.executor.cooldown_seconds as f64;
            numbers.push(Number { field: Field::Cooldown, path: "spec.cooldownPeriod".to_owned(), value, unit: "s" });
        }
        numbers
    }

    fn set(&mut self, field: Field, value: f64) -> Option<()> {
        let whole = value as i32;
        match field {
            Field::Goal(index) => {
                let goal = &mut self.metrics.get_mut(index)?.goal;
                *goal = match goal {
                    _ if whole < 1 => return None,
                    Goal::Utilization(_) => Goal::Utilization(whole),
                    Goal::AverageValue(_) => Goal::AverageValue(value as i64),
                    Goal::Value(_) => Goal::Value(value as i64),
                };
            }
            Field::Minimum if whole > self.maximum => return None,
            Field::Minimum => {
                self.minimum = Some(whole);
                if let Some(keda) = &mut self.keda {
                    keda.executor.minimum = whole;
                }
            }
            Field::Window(_) if whole > 3_600 => return None,
            Field::Window(direction) => {
                // A window can only be written with a `behavior`, which then has all other defaults of one.
                let rules = self.behavior.get_or_insert_with(Default::default);
                rules.get_mut(direction)?.stabilization_seconds = Some(whole);
            }
            Field::Rate(direction, index) => {
                let rules = self.behavior.as_mut()?.get_mut(direction)?;
                let policy = rules.policies.as_mut()?.get_mut(index)?;
                policy.value = Some(whole).filter(|whole| *whole > 0)?;
            }
            Field::Cooldown => self.keda.as_mut()?.executor.cooldown_seconds = i64::from(whole),
        }
        Some(())
    }
}
