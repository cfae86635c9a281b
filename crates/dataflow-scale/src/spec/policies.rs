//! Policies by name, as `--policies` lists them, and how each is built from the settings.

use std::fmt;

use dataflow_series::{Step, did_you_mean};

use super::aws_file::AwsFile;
use super::settings::Settings;
use crate::Fleet;
use crate::policy::cloud::{Aws, Google};
use crate::policy::control::{ChanceConstrained, Lazy, ModelPredictive, Newsvendor};
use crate::policy::kubernetes::{Manifest, ManifestKind};
use crate::policy::{Fixed, Hybrid, Policy, Predictive, QuantileBaseStock, Reactive, Replay};

/// A policy as data: what it is, without the settings it runs under.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicySpec {
    /// Always this many servers; `None` is as many as allowed.
    Fixed(Option<u32>),
    /// The reference's thresholds on the newest known load.
    Reactive,
    /// The reference's thresholds on the forecast.
    Predictive,
    /// The reference's thresholds on the forecast's interval, with anomalies and emergencies.
    Hybrid,
    /// Enough servers for a quantile of the forecast, held a while.
    Quantile,
    /// Enough servers that a bounded share of the load is expected to be dropped.
    ChanceConstrained,
    /// As many servers as are each expected to save more than they cost.
    Newsvendor,
    /// Lazy capacity provisioning.
    Lazy,
    /// Model-predictive control.
    ModelPredictive,
    /// The same under the cooldown and step limits.
    ModelPredictiveLimited,
    /// AWS target tracking.
    AwsTargetTracking,
    /// AWS step scaling.
    AwsStepScaling,
    /// AWS predictive scaling over target tracking.
    AwsPredictive,
    /// The autoscaler of Google's managed instance groups.
    Google,
    /// The same with its predictive method.
    GooglePredictive,
    /// The AWS policies of a file.
    Aws(Box<AwsFile>),
    /// Another policy that learns its numbers from the past, again and again. Learning takes many runs, so whoever runs it
    /// does the learning; built from settings alone it plays by those.
    Tuned(Box<PolicySpec>),
    /// The replay of the optimum's plan.
    Optimal,
    /// Kubernetes' horizontal pod autoscaler with the numbers of the configuration.
    Hpa,
    /// The autoscaler of a manifest.
    Manifest(Box<Manifest>),
}

/// Why a text names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// There is no policy of this name.
    #[error("{name:?} is no policy{suggestion}; there are {}, and fixed:N of N servers", names().join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// The name that may have been meant, in words, or nothing.
        suggestion: String,
    },
    /// The file behind the name cannot be read, or does not hold such a policy: where, what was expected.
    #[error("{0}")]
    Manifest(String),
}

/// Reads a manifest: the file's name and its content; or says what is wrong where, what was expected, how to mend it.
type OfManifest = fn(&str, &str) -> Result<PolicySpec, String>;

/// The kinds of manifests that are policies.
const MANIFESTS: &[(&str, OfManifest)] = &[
    ("hpa", |file, text| of_kubernetes(ManifestKind::Hpa, file, text)),
    ("keda", |file, text| of_kubernetes(ManifestKind::Keda, file, text)),
    ("aws", |file, text| Ok(PolicySpec::Aws(Box::new(AwsFile::read(file, text)?)))),
];

fn of_kubernetes(kind: ManifestKind, file: &str, text: &str) -> Result<PolicySpec, String> {
    Ok(PolicySpec::Manifest(Box::new(Manifest::read(kind, file, text)?)))
}

/// What follows the name of a policy that learns its numbers.
const TUNED: &str = ":tuned";

/// The names of all policies but `fixed:N` and those of manifests.
fn names() -> Vec<String> {
    PolicySpec::NAMED.iter().map(ToString::to_string).collect()
}

impl PolicySpec {
    /// The reference's policies, our best, and the optimum.
    pub const DEFAULT: [Self; 6] =
        [Self::Fixed(None), Self::Reactive, Self::Predictive, Self::Hybrid, Self::Quantile, Self::Optimal];

    /// All policies that have a name alone.
    pub const NAMED: &[Self] = &[
        Self::Fixed(None),
        Self::Reactive,
        Self::Predictive,
        Self::Hybrid,
        Self::Quantile,
        Self::ChanceConstrained,
        Self::Newsvendor,
        Self::Lazy,
        Self::ModelPredictive,
        Self::ModelPredictiveLimited,
        Self::AwsTargetTracking,
        Self::AwsStepScaling,
        Self::AwsPredictive,
        Self::Google,
        Self::GooglePredictive,
        Self::Hpa,
        Self::Optimal,
    ];

    /// The policy that a text names: a name of the list, or a kind of manifest with a file (`kind:FILE`), whose content
    /// `read` gives, or why there is none.
    ///
    /// # Errors
    /// When there is no such policy, or the file does not hold one.
    pub fn resolve(text: &str, read: &mut dyn FnMut(&str) -> Result<String, String>) -> Result<Self, PolicyError> {
        let text = text.trim();
        if let Some(base) = text.strip_suffix(TUNED) {
            let base = Self::resolve(base, read)?;
            return match base {
                Self::Fixed(_) | Self::Lazy | Self::Aws(_) | Self::Optimal | Self::Tuned(_) => {
                    Err(PolicyError::Manifest(format!(
                        "{text}: {base} has no numbers to learn; expected another policy before {TUNED}, such as hpa{TUNED}"
                    )))
                }
                base => Ok(Self::Tuned(Box::new(base))),
            };
        }
        if let Some((kind, argument)) = text.split_once(':') {
            if kind == "fixed"
                && let Ok(servers) = argument.parse()
            {
                return Ok(Self::Fixed(Some(servers)));
            }
            if let Some((_, of_manifest)) = MANIFESTS.iter().find(|(known, _)| *known == kind) {
                let content = read(argument).map_err(PolicyError::Manifest)?;
                return of_manifest(argument, &content).map_err(PolicyError::Manifest);
            }
        }
        Self::NAMED.iter().find(|policy| policy.to_string() == text).cloned().ok_or_else(|| PolicyError::Unknown {
            name: text.to_owned(),
            suggestion: did_you_mean(text, names().iter().map(String::as_str)),
        })
    }

    /// Whether it acts on forecasts.
    pub const fn uses_forecast(&self) -> bool {
        match self {
            Self::Tuned(base) => base.uses_forecast(),
            Self::Predictive
            | Self::Hybrid
            | Self::Quantile
            | Self::ChanceConstrained
            | Self::Newsvendor
            | Self::ModelPredictive
            | Self::ModelPredictiveLimited
            | Self::GooglePredictive => true,
            Self::Fixed(_)
            | Self::Reactive
            | Self::Lazy
            | Self::Hpa
            | Self::Manifest(_)
            | Self::Aws(_)
            | Self::AwsTargetTracking
            | Self::AwsStepScaling
            | Self::AwsPredictive
            | Self::Google
            | Self::Optimal => false,
        }
    }

    /// The leads, in ticks, at which it wants quantiles of the forecast; the first one is that of the mean.
    pub fn leads(&self, settings: &Settings, step: Step) -> Vec<usize> {
        let lead = match self {
            Self::Tuned(base) => return base.leads(settings, step),
            Self::GooglePredictive => settings.google.lead_ticks(step),
            _ => settings.lead_ticks(step),
        };
        let lead = lead as usize;
        let others = match self {
            Self::Quantile if settings.quantile_ahead_seconds > 0.0 => {
                vec![lead + step.ticks(settings.quantile_ahead_seconds) as usize]
            }
            Self::ModelPredictive | Self::ModelPredictiveLimited => {
                let horizon = step.ticks(settings.horizon_seconds) as usize;
                vec![0, lead + 5, horizon / 2, horizon]
            }
            _ => Vec::new(),
        };
        let mut leads = vec![lead];
        for other in others {
            if !leads.contains(&other) {
                leads.push(other);
            }
        }
        leads
    }

    /// The policy at intervals of this length; `plan` is the optimum's, servers provisioned in each tick.
    pub fn build(&self, settings: &Settings, step: Step, plan: &[u32]) -> Box<dyn Policy> {
        match self {
            Self::Fixed(servers) => Box::new(Fixed(servers.unwrap_or(settings.max_servers))),
            Self::Reactive => Box::new(Reactive(settings.reactive)),
            Self::Predictive => Box::new(Predictive(settings.predictive)),
            Self::Hybrid => Box::new(Hybrid::new(settings.hybrid(step))),
            Self::Quantile => {
                let hold_ticks = step.ticks(settings.quantile_hold_seconds);
                let policy = QuantileBaseStock::new(settings.quantile_level, hold_ticks);
                match step.ticks(settings.quantile_ahead_seconds) {
                    0 => Box::new(policy),
                    ahead => Box::new(policy.and_ahead((settings.lead_ticks(step) + ahead) as usize)),
                }
            }
            Self::ChanceConstrained => {
                let hold_ticks = step.ticks(settings.chance_hold_seconds);
                Box::new(ChanceConstrained::new(settings.dropped_share, hold_ticks))
            }
            Self::Newsvendor => {
                let hold_ticks = step.ticks(settings.newsvendor_hold_seconds);
                Box::new(Newsvendor::new(settings.prices(step), hold_ticks))
            }
            Self::Lazy => Box::new(Lazy::new(settings.prices(step))),
            Self::ModelPredictive | Self::ModelPredictiveLimited => {
                let is_limited = *self == Self::ModelPredictiveLimited;
                Box::new(ModelPredictive::new(settings.plan(step, is_limited), settings.prices(step)))
            }
            Self::AwsTargetTracking => Box::new(Aws::new(settings.aws.target_tracking(step), step)),
            Self::AwsStepScaling => Box::new(Aws::new(settings.aws.step_scaling(step), step)),
            Self::AwsPredictive => Box::new(Aws::new(settings.aws.predictive(step), step)),
            Self::Google => Box::new(Google::new(settings.google.rules(step, false), step)),
            Self::GooglePredictive => Box::new(Google::new(settings.google.rules(step, true), step)),
            Self::Tuned(base) => base.build(settings, step, plan),
            Self::Optimal => Box::new(Replay(plan.to_vec())),
            Self::Manifest(manifest) => manifest.policy(settings, step),
            Self::Aws(file) => Box::new(Aws::new(file.rules(settings, step), step)),
            Self::Hpa => {
                let Fleet { capacity, min_servers, max_servers, .. } = settings.fleet(step);
                Box::new(settings.hpa.policy(capacity, step.seconds(), min_servers, max_servers))
            }
        }
    }
}

impl fmt::Display for PolicySpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(Some(servers)) => write!(formatter, "fixed:{servers}"),
            Self::Fixed(None) => formatter.write_str("fixed"),
            Self::Reactive => formatter.write_str("reactive"),
            Self::Predictive => formatter.write_str("predictive"),
            Self::Hybrid => formatter.write_str("hybrid"),
            Self::Quantile => formatter.write_str("quantile"),
            Self::ChanceConstrained => formatter.write_str("chance-constrained"),
            Self::Newsvendor => formatter.write_str("newsvendor"),
            Self::Lazy => formatter.write_str("lazy"),
            Self::ModelPredictive => formatter.write_str("model-predictive"),
            Self::ModelPredictiveLimited => formatter.write_str("model-predictive-limited"),
            Self::AwsTargetTracking => formatter.write_str("aws-target-tracking"),
            Self::AwsStepScaling => formatter.write_str("aws-step-scaling"),
            Self::AwsPredictive => formatter.write_str("aws-predictive"),
            Self::Google => formatter.write_str("google"),
            Self::GooglePredictive => formatter.write_str("google-predictive"),
            Self::Tuned(base) => write!(formatter, "{base}{TUNED}"),
            Self::Optimal => formatter.write_str("optimal"),
            Self::Hpa => formatter.write_str("hpa"),
            Self::Manifest(manifest) => manifest.fmt(formatter),
            Self::Aws(file) => write!(formatter, "aws:{}", file.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<PolicySpec, PolicyError> {
        PolicySpec::resolve(text, &mut |_| Err("nothing is there".to_owned()))
    }

    #[test]
    fn every_name_is_read_as_it_is_written() {
        for policy in PolicySpec::NAMED.iter().cloned().chain([PolicySpec::Fixed(Some(3))]) {
            assert_eq!(resolve(&policy.to_string()), Ok(policy));
        }
        let error = resolve("reactiv").unwrap_err().to_string();
        assert!(error.contains("did you mean reactive?"), "{error}");
        assert!(resolve("fixed:-1").is_err());
    }
}
