//! A number of the settings with the values that it takes in turn.

use dataflow_scale::spec::{Configuration, Key, Origin, PolicySpec, Settings};
use dataflow_series::{Step, did_you_mean};

/// More values than these for one lever are a slip of the hand.
const VALUES_MAX: usize = 100_000;
/// Keys whose other values would be another trace, or other forecasts of it.
const OF_THE_TRACE: [&str; 5] = [
    "simulation.interval",
    "forecasting.model",
    "forecasting.window_size",
    "forecasting.anomaly_detector",
    "random_seed",
];

/// A number with the values that it takes: a key of the configuration, or a field of a policy's manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Lever {
    /// Its name.
    pub name: String,
    /// What values are measured in; empty for amounts, shares and counts.
    pub unit: &'static str,
    /// Its value where nothing is changed.
    pub present: f64,
    /// The values, at least one.
    pub values: Vec<f64>,
    /// Whether ratios matter more than differences.
    pub is_logarithmic: bool,
}

/// Why a number cannot take these values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}: {problem}")]
pub struct LeverError {
    text: String,
    problem: String,
}

impl Lever {
    /// A lever as the user writes it: `KEY=V1,V2,…`, or `KEY=LOW..HIGH:N` for N values from one to the other with equal
    /// differences, with `:log` behind it with equal ratios. Values are read as the configuration reads them.
    ///
    /// # Errors
    /// When there is no such number, it would change the trace, or a value may not be.
    pub fn parse(
        text: &str,
        policies: &[PolicySpec],
        configuration: &Configuration,
        step: Step,
    ) -> Result<Self, LeverError> {
        let wrong = |problem: String| LeverError { text: text.to_owned(), problem };
        let Some((name, values)) = text.split_once('=') else {
            return Err(wrong("expected KEY=V1,V2,… or KEY=LOW..HIGH:N".to_owned()));
        };
        let mut lever = Self::named(name.trim(), policies, configuration).map_err(wrong)?;
        let number = |text: &str| lever.number(text.trim(), configuration, step);
        if let Some((low, rest)) = values.split_once("..") {
            let (high, count, is_logarithmic) = range_end(rest).map_err(wrong)?;
            let ends = (number(low).map_err(wrong)?, number(high).map_err(wrong)?);
            lever.values = spaced(ends, count, is_logarithmic).map_err(wrong)?;
            lever.is_logarithmic = is_logarithmic;
        } else {
            lever.values = values.split(',').map(number).collect::<Result<_, _>>().map_err(wrong)?;
        }
        for value in &lever.values {
            let mut settings = configuration.settings().clone();
            if lever.set(&mut policies.to_vec(), &mut settings, *value).is_none() {
                let expected = Key::find(&lever.name).map_or("another value", Key::expected);
                return Err(wrong(format!("it may not be {value}; expected {expected}")));
            }
        }
        Ok(lever)
    }

    /// The lever of a name at its present value.
    ///
    /// # Errors
    /// When there is no such number, or it would change the trace: why.
    pub fn named(name: &str, policies: &[PolicySpec], configuration: &Configuration) -> Result<Self, String> {
        let settings = configuration.settings();
        if let Some(key) = Key::find(name) {
            if OF_THE_TRACE.contains(&key.path) {
                return Err(
                    "it changes the trace or its forecasts, not what is done on them; run `dataflow compare` with \
                            each value instead"
                        .to_owned(),
                );
            }
            let lead = || (key.unit() == "s").then_some(settings.startup_seconds);
            let present = key.number(settings).or_else(lead);
            let present = present.unwrap_or_else(|| f64::from(settings.max_servers));
            let (name, unit) = (key.path.to_owned(), key.unit());
            return Ok(Self { name, unit, present, values: vec![present], is_logarithmic: false });
        }
        let own = policies.iter().flat_map(|policy| policy.parameters(settings));
        let fields: Vec<_> = own.filter(|parameter| Key::find(&parameter.name).is_none()).collect();
        if let Some(field) = fields.iter().find(|field| field.name == name) {
            let values = vec![field.value];
            return Ok(Self {
                name: name.to_owned(),
                unit: field.unit,
                present: field.value,
                values,
                is_logarithmic: false,
            });
        }
        let keys = dataflow_scale::spec::KEYS.iter().map(|key| key.path);
        let suggestion = did_you_mean(name, keys.chain(fields.iter().map(|field| field.name.as_str())));
        Err(format!("there is no such number{suggestion}; `dataflow config init -` lists the keys"))
    }

    /// The same lever from half its present value to twice it, where it may be that.
    #[must_use]
    pub fn halved_and_doubled(self) -> Self {
        Self { values: vec![self.present / 2.0, self.present * 2.0], is_logarithmic: true, ..self }
    }

    /// The least and the greatest of its values.
    pub fn ends(&self) -> (f64, f64) {
        let least = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        (least, self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    }

    /// The value at a share of the way from its least to its greatest value.
    pub fn at(&self, share: f64) -> f64 {
        let (low, high) = self.ends();
        let value = if self.is_logarithmic && low > 0.0 {
            low * libm::pow(high / low, share)
        } else {
            low + share * (high - low)
        };
        if Key::find(&self.name).is_some_and(Key::is_whole) { value.round() } else { value }
    }

    /// Gives the number this value; `None` where it may not have it.
    pub(super) fn set(&self, policies: &mut [PolicySpec], settings: &mut Settings, value: f64) -> Option<()> {
        if let Some(key) = Key::find(&self.name) {
            return key.set_number(settings, value);
        }
        // A field is one of some policies' manifests; the others are as they are.
        let mut is_set = None;
        for policy in policies {
            is_set = policy.adjust(settings, &self.name, value).or(is_set);
        }
        is_set
    }

    /// A value as the configuration reads it. Amounts per time are turned into that of the present setting, which keeps
    /// its time.
    fn number(&self, text: &str, configuration: &Configuration, step: Step) -> Result<f64, String> {
        let Some(key) = Key::find(&self.name) else {
            return text.parse().map_err(|_| format!("expected a number, found {text:?}"));
        };
        let mut changed = configuration.clone();
        if changed.set(key.path, text, Origin::Default).is_err() {
            return Err(format!("expected {}, found {text:?}", key.expected()));
        }
        let per_tick = |settings: &Settings| match key.path {
            "cost_parameters.server_cost" => Some(settings.server_cost.per_tick(step)),
            "cost_parameters.capacity_per_server" => Some(settings.capacity_per_server.per_tick(step)),
            _ => None,
        };
        let (new, old) = (per_tick(changed.settings()), per_tick(configuration.settings()));
        match (new, old, self.present) {
            (Some(new), Some(old), present) if old > 0.0 => {
                // The ratio may round what was written; where units agree nothing is to be turned.
                let plain = key.number(changed.settings()).unwrap_or(new);
                let turned = present * (new / old);
                Ok(if (plain - turned).abs() <= 1e-12 * plain.abs() { plain } else { turned })
            }
            _ => key.number(changed.settings()).ok_or_else(|| format!("expected a number, found {text:?}")),
        }
    }
}

/// `HIGH:N` or `HIGH:N:log`.
fn range_end(text: &str) -> Result<(&str, usize, bool), String> {
    let mut parts = text.split(':');
    let high = parts.next().unwrap_or_default();
    let count =
        parts.next().and_then(|count| count.trim().parse().ok()).filter(|count| (2..=VALUES_MAX).contains(count));
    let count = count.ok_or_else(|| format!("expected LOW..HIGH:N with a number of values from 2 to {VALUES_MAX}"))?;
    match (parts.next().map(str::trim), parts.next()) {
        (None, None) => Ok((high, count, false)),
        (Some("log"), None) => Ok((high, count, true)),
        _ => Err("expected LOW..HIGH:N or LOW..HIGH:N:log".to_owned()),
    }
}

fn spaced((low, high): (f64, f64), count: usize, is_logarithmic: bool) -> Result<Vec<f64>, String> {
    if low >= high {
        return Err("the range is empty; expected the lower end below the upper one".to_owned());
    }
    if is_logarithmic && low <= 0.0 {
        return Err("equal ratios need a lower end above 0".to_owned());
    }
    let value = |index: usize| {
        let share = index as f64 / (count - 1) as f64;
        match index {
            0 => low,
            last if last == count - 1 => high,
            _ if is_logarithmic => short(low * libm::pow(high / low, share)),
            _ => short(low + share * (high - low)),
        }
    };
    Ok((0..count).map(value).collect())
}

/// A number of six digits, as people write them.
fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
