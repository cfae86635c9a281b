//! Which numbers are varied, and between which ends: the policy's own, or those that the user names.

use std::str::FromStr;

use dataflow_scale::spec::{Configuration, Key, Origin, Parameter};
use dataflow_series::{did_you_mean, parse_duration_seconds};

use super::Setup;

/// Keys that any policy may be tuned by, beside its own.
const COMMON: [&str; 3] = ["simulation.min_servers", "simulation.max_servers", "forecasting.lead"];

/// A number to vary, as the user writes it: `NAME=LOW..HIGH`, or a `NAME` alone for its own range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vary {
    name: String,
    range: Option<(String, String)>,
}

/// Why a number cannot be varied so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}: {problem}")]
pub struct VaryError {
    text: String,
    problem: String,
}

impl FromStr for Vary {
    type Err = VaryError;

    fn from_str(text: &str) -> Result<Self, VaryError> {
        let Some((name, range)) = text.split_once('=') else {
            return Ok(Self { name: text.trim().to_owned(), range: None });
        };
        let Some((low, high)) = range.split_once("..") else {
            let problem = "expected NAME=LOW..HIGH, such as thresholds.reactive.high=0.5..0.9".to_owned();
            return Err(VaryError { text: text.to_owned(), problem });
        };
        let range = Some((low.trim().to_owned(), high.trim().to_owned()));
        Ok(Self { name: name.trim().to_owned(), range })
    }
}

impl std::fmt::Display for Vary {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.range {
            Some((low, high)) => write!(formatter, "{}={low}..{high}", self.name),
            None => formatter.write_str(&self.name),
        }
    }
}

/// The numbers to vary: those wanted, or all that the policy has where none are.
///
/// # Errors
/// When there is no such number, or it may not lie in this range.
pub fn varied(setup: &Setup, wanted: &[Vary]) -> Result<Vec<Parameter>, VaryError> {
    let own = setup.policy.parameters(&setup.settings);
    if wanted.is_empty() {
        return Ok(own);
    }
    let mut parameters: Vec<Parameter> = Vec::new();
    for vary in wanted {
        let parameter = vary.parameter(setup, &own)?;
        if parameters.iter().any(|other| other.name == parameter.name) {
            return Err(vary.wrong("it is varied twice".to_owned()));
        }
        parameters.push(parameter);
    }
    Ok(parameters)
}

impl Vary {
    fn wrong(&self, problem: String) -> VaryError {
        VaryError { text: self.to_string(), problem }
    }

    fn parameter(&self, setup: &Setup, own: &[Parameter]) -> Result<Parameter, VaryError> {
        let key = Key::find(&self.name);
        let name = key.map_or(self.name.as_str(), |key| key.path);
        let found = own.iter().find(|parameter| parameter.name == name).cloned();
        let common = || key.filter(|_| COMMON.contains(&name)).map(|key| Self::common(setup, key));
        let mut parameter = found.or_else(common).ok_or_else(|| self.unknown(setup, own))?;
        if let Some((low, high)) = &self.range {
            parameter.low = self.number(&parameter, low)?;
            parameter.high = self.number(&parameter, high)?;
        }
        if parameter.low >= parameter.high {
            let problem = format!("the range {}..{} is empty", parameter.low, parameter.high);
            return Err(self.wrong(format!("{problem}; expected the lower end below the upper one")));
        }
        for end in [parameter.low, parameter.high] {
            let mut other = setup.clone();
            if other.policy.adjust(&mut other.settings, &parameter.name, end).is_none() {
                let expected = key.map_or("another value", |key| key.expected());
                return Err(self.wrong(format!("it may not be {end}; expected {expected}")));
            }
        }
        Ok(parameter)
    }

    /// A key that is no number of the policy itself; it has no range of its own.
    fn common(setup: &Setup, key: &Key) -> Parameter {
        let present = key.number(&setup.settings);
        Parameter {
            name: key.path.to_owned(),
            about: key.about.to_owned(),
            value: present.unwrap_or(setup.settings.startup_seconds),
            low: 0.0,
            high: 0.0,
            is_whole: key.is_whole(),
            is_logarithmic: false,
            unit: key.unit(),
        }
    }

    fn unknown(&self, setup: &Setup, own: &[Parameter]) -> VaryError {
        let policy = &setup.policy;
        let names: Vec<&str> = own.iter().map(|parameter| parameter.name.as_str()).chain(COMMON).collect();
        if Key::find(&self.name).is_some() {
            return self.wrong(format!(
                "{policy} cannot be tuned by it; `dataflow sweep --vary` shows what it changes. Expected one of {}",
                names.join(", ")
            ));
        }
        let suggestion = did_you_mean(&self.name, names.iter().copied());
        self.wrong(format!("{policy} has no such number{suggestion}; expected one of {}", names.join(", ")))
    }

    /// A number as the configuration would be given it; fields of manifests are bare numbers or times.
    fn number(&self, parameter: &Parameter, text: &str) -> Result<f64, VaryError> {
        if let Some(key) = Key::find(&parameter.name) {
            let mut configuration = Configuration::default();
            let number = configuration.set(key.path, text, Origin::Default).ok();
            return number
                .and_then(|()| key.number(configuration.settings()))
                .ok_or_else(|| self.wrong(format!("expected {}, found {text:?}", key.expected())));
        }
        let bare = text.parse().ok().filter(|number: &f64| number.is_finite());
        let time = || parse_duration_seconds(text).ok().filter(|_| parameter.unit == "s");
        bare.or_else(time).ok_or_else(|| self.wrong(format!("expected a number, found {text:?}")))
    }
}
