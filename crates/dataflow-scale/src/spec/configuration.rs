//! A configuration built in layers: defaults, then files, variables and flags, each knowing where a value came from.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::document;
use super::keys::{KEYS, Key};
use super::settings::Settings;

const CAPACITY: &str = "cost_parameters.capacity_per_server";
const MAX_SERVERS: &str = "simulation.max_servers";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave it.
    Default,
    /// A line of a file, from 1.
    File {
        /// The file's name.
        name: String,
        /// The line, from 1.
        line: u64,
    },
    /// Anything else: a variable or a flag, as the user wrote it.
    Named(String),
}

/// What is wrong with a configuration: where, at which key, what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {}{problem}", .key.as_ref().map(|key| format!("{key}: ")).unwrap_or_default())]
pub struct ConfigurationError {
    /// Where the value came from.
    pub origin: Origin,
    /// The key, where it is known.
    pub key: Option<String>,
    /// What was expected and what was found.
    pub problem: String,
}

/// Settings with the origin of each value that is not a default.
#[derive(Debug, Clone)]
pub struct Configuration {
    settings: Settings,
    origins: BTreeMap<&'static str, Origin>,
}

impl Default for Configuration {
    fn default() -> Self {
        let mut settings = Settings::blank();
        for key in KEYS {
            if let Some(text) = key.default {
                let kept = key.slot.keep(&mut settings, text);
                assert!(kept.is_some(), "the default {text:?} of {} is {}", key.path, key.expected());
            }
        }
        Self { settings, origins: BTreeMap::new() }
    }
}

/// What a server is to a trace: the default file does not set these, since whoever sets them says that they fit the
/// trace, and servers are then not sized to it.
const LEFT_TO_THE_TRACE: [&str; 2] = ["cost_parameters.capacity_per_server", "cost_parameters.violation_cost"];

impl Configuration {
    /// The values as they stand.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The values, to be replaced by what the program itself works out.
    pub const fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Where the value of a key came from.
    pub fn origin(&self, path: &str) -> &Origin {
        self.origins.get(path).unwrap_or(&Origin::Default)
    }

    /// Lays a YAML document over what is there.
    ///
    /// # Errors
    /// At the first thing that is wrong, with its line.
    pub fn add_yaml(&mut self, name: &str, text: &str) -> Result<(), ConfigurationError> {
        let place = |line| Origin::File { name: name.to_owned(), line };
        let entries = document::read(text).map_err(|error| ConfigurationError {
            origin: place(error.line),
            key: error.key,
            problem: error.problem,
        })?;
        entries.into_iter().try_for_each(|entry| self.keep(entry.key, &entry.text, &entry.written, place(entry.line)))
    }

    /// Lays one value over what is there.
    ///
    /// # Errors
    /// When there is no such key or the value is not what it must be.
    pub fn set(&mut self, path: &str, text: &str, origin: Origin) -> Result<(), ConfigurationError> {
        let Some(key) = Key::find(path) else {
            return Err(ConfigurationError {
                origin,
                key: Some(path.to_owned()),
                problem: document::unknown_key(path, document::Candidates::Keys),
            });
        };
        self.keep(key, text, text, origin)
    }

    /// Keeps a value; where it is none, the error shows it as it is `written`.
    fn keep(&mut self, key: &'static Key, text: &str, written: &str, origin: Origin) -> Result<(), ConfigurationError> {
        if key.slot.keep(&mut self.settings, text).is_none() {
            let problem = format!("expected {}, found {written:?}", key.expected());
            return Err(ConfigurationError { origin, key: Some(key.path.to_owned()), problem });
        }
        self.origins.insert(key.path, origin);
        Ok(())
    }

    /// Checks what keys must hold together.
    ///
    /// # Errors
    /// At the first pair of keys that contradict each other.
    pub fn check(&self) -> Result<(), ConfigurationError> {
        let settings = &self.settings;
        if settings.capacity_per_server.amount <= 0.0 {
            return Err(
                self.wrong(CAPACITY, "a server must be able to serve some load; expected more than 0".to_owned())
            );
        }
        if settings.max_servers == 0 {
            return Err(self.wrong(MAX_SERVERS, "expected at least 1 server, found 0".to_owned()));
        }
        let (fewest, most) = (f64::from(settings.min_servers), f64::from(settings.max_servers));
        if fewest > most {
            return Err(self.contradiction(
                "simulation.min_servers",
                fewest,
                "at most",
                "simulation.max_servers",
                most,
            ));
        }
        match settings.thresholds_in_order().into_iter().find(|(_, low, _, high)| low >= high) {
            Some((low_key, low, high_key, high)) => Err(self.contradiction(low_key, low, "below", high_key, high)),
            None => Ok(()),
        }
    }

    fn wrong(&self, key: &'static str, problem: String) -> ConfigurationError {
        ConfigurationError { origin: self.origin(key).clone(), key: Some(key.to_owned()), problem }
    }

    fn contradiction(
        &self,
        key: &'static str,
        value: f64,
        relation: &str,
        other: &'static str,
        limit: f64,
    ) -> ConfigurationError {
        // The error is placed where somebody wrote something.
        let place = if *self.origin(key) == Origin::Default { other } else { key };
        let other_origin = self.origin(if place == key { other } else { key });
        let problem =
            format!("{key} is {value} but must be {relation} {other}, which is {limit} (the other: {other_origin})");
        ConfigurationError { origin: self.origin(place).clone(), key: None, problem }
    }

    /// A commented file with every key at its default.
    pub fn default_file() -> String {
        let mut file = String::from(
            "# Configuration of dataflow. Every key may be left out; this file holds the defaults.\n\
             # Rates carry their time (0.05/min); a bare number is per interval of the trace. Times carry their unit\n\
             # (90s, 3m); a bare number is in minutes. `dataflow config check FILE` checks a file.\n\
             # What a server serves, and what dropped load costs, are left to the trace until you say them.\n\n",
        );
        let mut open: Vec<&str> = Vec::new();
        for key in KEYS {
            let (indent, name) = open_sections(&mut file, &mut open, key.path, "\n");
            let mark = if key.default.is_some() && !LEFT_TO_THE_TRACE.contains(&key.path) { "" } else { "# " };
            let _ = writeln!(file, "{indent}# {}\n{indent}{mark}{name}: {}", key.about, key.example);
        }
        file
    }

    /// The values as they stand, as a file; beside each that is not the default, where it came from.
    pub fn to_file(&self) -> String {
        let mut file = String::new();
        let mut open: Vec<&str> = Vec::new();
        for key in KEYS {
            let Some(text) = key.slot.text(&self.settings) else { continue };
            let (indent, name) = open_sections(&mut file, &mut open, key.path, "");
            let origin = match self.origin(key.path) {
                Origin::Default => String::new(),
                // A comment ends with its line.
                origin => format!("  # {}", origin.to_string().replace(char::is_control, " ")),
            };
            let _ = writeln!(file, "{indent}{name}: {text}{origin}");
        }
        file
    }

    /// The JSON Schema (draft 2020-12) of a configuration file.
    pub fn json_schema() -> serde_json::Value {
        let mut root = section_schema();
        for key in KEYS {
            for path in [Some(key.path), key.alias].into_iter().flatten() {
                let (section, name) = Key::section_and_name(path);
                let mut place = &mut root;
                for part in section.split('.').filter(|part| !part.is_empty()) {
                    let slot = &mut place["properties"][part];
                    if slot.is_null() {
                        *slot = section_schema();
                    }
                    place = slot;
                }
                let above_zero = [CAPACITY, MAX_SERVERS].contains(&key.path);
                let mut value = if above_zero { key.slot.schema_above_zero() } else { key.slot.schema() };
                value["description"] = format!("{} Expected {}.", key.about, key.expected()).into();
                value["examples"] = serde_json::json!([key.example]);
                place["properties"][name] = value;
            }
        }
        root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        root["title"] = "Configuration of dataflow".into();
        root
    }
}

fn section_schema() -> serde_json::Value {
    serde_json::json!({"type": "object", "additionalProperties": false, "properties": {}})
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { name, line } => write!(formatter, "{name}:{line}"),
            Self::Named(name) => formatter.write_str(name),
        }
    }
}

/// Writes the heads of the sections of a key that are not open yet, each outermost one behind `gap`; returns the key's
/// indentation and its own name.
fn open_sections<'key>(
    file: &mut String,
    open: &mut Vec<&'key str>,
    path: &'key str,
    gap: &str,
) -> (String, &'key str) {
    let (section, name) = Key::section_and_name(path);
    let sections: Vec<&str> = section.split('.').filter(|part| !part.is_empty()).collect();
    let shared = open.iter().zip(&sections).take_while(|(left, right)| left == right).count();
    for (depth, part) in sections.iter().enumerate().skip(shared) {
        let _ = writeln!(file, "{}{}{part}:", if depth == 0 { gap } else { "" }, "  ".repeat(depth));
    }
    *open = sections;
    ("  ".repeat(open.len()), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::keys::Slot;
    use crate::{Fleet, Prices};
    use dataflow_series::Step;
    use regex_lite::Regex;

    const REFERENCE: &str = r#"
random_seed: 42
cost_parameters: {server_cost: 0.05, scale_cost: 0.20, violation_cost: 0.000005, startup_time: 3, capacity_per_server: 1200000}
thresholds:
  reactive: {high: 0.75, low: 0.30}
  predictive: {high: 0.70, low: 0.35}
  hybrid: {out: 0.75, in: 0.40, emergency: 0.90, hysteresis_time: 15}
simulation: {cooldown_minutes: 5, min_servers: 1, max_servers: 5, interval: "1min"}
forecasting: {model: "bilstm_attention", window_size: 60}
"#;

    fn read(text: &str) -> Result<Configuration, String> {
        let mut configuration = Configuration::default();
        configuration.add_yaml("c.yaml", text).map_err(|error| error.to_string())?;
        configuration.check().map_err(|error| error.to_string())?;
        Ok(configuration)
    }

    #[test]
    fn the_reference_file_means_what_it_means_there() {
        let configuration = read(REFERENCE).unwrap();
        let settings = configuration.settings();
        let fleet =
            Fleet { capacity: 1_200_000.0, startup_ticks: 3, cooldown_ticks: 5, min_servers: 1, max_servers: 5 };
        assert_eq!(settings.fleet(Step::MINUTE), fleet);
        assert_eq!(settings.prices(Step::MINUTE), Prices { server: 0.05, scale: 0.2, violation: 5e-6 });
        assert_eq!(settings.hybrid(Step::MINUTE).hysteresis_ticks, 15);
        assert_eq!(settings.interval, Some(Step::MINUTE));
        assert_eq!(settings.model, "bilstm_attention");
    }

    #[test]
    fn the_file_of_a_configuration_says_the_same_again() {
        let mut changed = read(REFERENCE).unwrap();
        let origin = || Origin::Named("--set\nx: 1".to_owned());
        for (path, text) in [
            ("cost_parameters.capacity_per_server", "1234.5/h"),
            ("cost_parameters.server_cost", "0.1/7s"),
            ("cost_parameters.startup_time", "90s"),
            ("forecasting.model", "odd: \"name\" # here"),
        ] {
            changed.set(path, text, origin()).unwrap();
        }
        for configuration in [changed, Configuration::default()] {
            let again = read(&configuration.to_file()).unwrap();
            assert_eq!(again.settings(), configuration.settings());
        }
    }

    #[test]
    fn at_a_minute_the_defaults_are_the_references_values() {
        let (reference, default) = (read(REFERENCE).unwrap(), Configuration::default());
        let (reference, default) = (reference.settings(), default.settings());
        assert_eq!(reference.fleet(Step::MINUTE), default.fleet(Step::MINUTE));
        assert_eq!(reference.prices(Step::MINUTE), default.prices(Step::MINUTE));
        assert_eq!(reference.hybrid(Step::MINUTE), default.hybrid(Step::MINUTE));
        assert_eq!((reference.reactive, reference.predictive), (default.reactive, default.predictive));
    }

    #[test]
    fn the_default_file_reads_back_as_the_defaults() {
        let read = read(&Configuration::default_file()).unwrap();
        assert_eq!(read.settings(), Configuration::default().settings());
    }

    #[test]
    fn what_is_wrong_is_told_with_line_key_and_what_was_expected() {
        let cases = [
            (
                "simulation:\n  max_server: 3\n",
                "c.yaml:2: simulation.max_server: there is no such key (did you mean simulation.max_servers?)",
            ),
            ("max_servers: 3\n", "c.yaml:1: max_servers: there is no such key (did you mean simulation.max_servers?)"),
            (
                "simulation:\n  max_servers: three\n",
                "c.yaml:2: simulation.max_servers: expected a whole number from 0 to 1000000, found \"three\"",
            ),
            ("\nsimulation: 3\n", "c.yaml:2: simulation: expected a section with keys, found \"3\""),
            (
                "simulation:\n  max_servers: [3]\n",
                "c.yaml:2: simulation.max_servers: expected a whole number from 0 to 1000000, found a list",
            ),
            (
                "simulation:\n  max_servers:\n",
                "c.yaml:2: simulation.max_servers: expected a whole number from 0 to 1000000, found nothing",
            ),
            (
                "cost_parameters:\n  startup_time: -3m\n",
                "c.yaml:2: cost_parameters.startup_time: expected a time from 0 to 366d",
            ),
            (
                "cost_parameters:\n  server_cost: .nan\n",
                "c.yaml:2: cost_parameters.server_cost: expected an amount of at least 0",
            ),
            (
                "cost_parameters:\n  capacity_per_server: 0\n",
                "c.yaml:2: cost_parameters.capacity_per_server: a server must",
            ),
            (
                "simulation:\n  min_servers: 6\n",
                "c.yaml:2: simulation.min_servers is 6 but must be at most simulation.max_servers, which is 5 (the other: default)",
            ),
            (
                "thresholds:\n  reactive:\n    high: 0.2\n",
                "c.yaml:3: thresholds.reactive.low is 0.3 but must be below thresholds.reactive.high, which is 0.2",
            ),
        ];
        for (text, expected) in cases {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}\n  {error}\n  {expected}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_in_our_own_words() {
        const NOT_YAML: &str =
            "expected YAML: lines of `key: value`, the keys of a section indented below its name; the line reads";
        let deep = "[".repeat(5_000);
        let aliases: Vec<String> = (1..30)
            .map(|depth| format!("a{depth}: &a{depth} [{}]\n", vec![format!("*a{}", depth - 1); 9].join(",")))
            .collect();
        let bomb = format!("a0: &a0 [1]\n{}", aliases.concat());
        let cases = [
            ("random_seed: 1\n  b: [\n", format!("c.yaml:2: {NOT_YAML} \"b: [\"")),
            ("random_seed: 'x\n", format!("c.yaml:1: {NOT_YAML} \"random_seed: 'x\"")),
            ("random_seed: *x\n", "c.yaml:1: expected an alias (*name) of an anchor (&name) above it; the line".into()),
            ("random_seed: 1\n---\nrandom_seed: 2\n", "c.yaml:3: expected one document, found a second one".into()),
            (&deep, "c.yaml:1: expected".into()),
            (&bomb, "c.yaml:7: expected a configuration, found a document that is nested or repeated".into()),
            (
                "random_seed: 18446744073709551616\n",
                "c.yaml:1: random_seed: expected a whole number from 0 to 18446744073709551615, found \
                 \"18446744073709551616\""
                    .into(),
            ),
            (
                "random_seed: '-1'\n",
                "c.yaml:1: random_seed: expected a whole number from 0 to 18446744073709551615, found \"-1\"".into(),
            ),
        ];
        for (text, expected) in cases {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(&expected), "{text:.80}\n  {error}\n  {expected}");
            let leaked = ["Options", "Policy", "from_str", "budget", "breach", "saphyr", "serde", "limit exceeded"];
            assert!(!leaked.iter().any(|word| error.contains(word)), "{error}");
        }
    }

    #[test]
    fn a_key_given_twice_or_with_dots_is_refused() {
        let cases = [
            ("random_seed: 1\nrandom_seed: 2\n", "c.yaml:2: random_seed: is given twice, first in line 1; keep one"),
            (
                "simulation:\n  cooldown: 3m\n  cooldown_minutes: 7\n",
                "c.yaml:3: simulation.cooldown_minutes: is given twice, first in line 2 as simulation.cooldown, another",
            ),
            (
                "simulation:\n  max_servers: 3\nrandom_seed: 1\nsimulation:\n  min_servers: 1\n",
                "c.yaml:4: simulation: is given twice, first in line 1; keep one",
            ),
            (
                "random_seed: 1\nsimulation.max_servers: 3\n",
                "c.yaml:2: simulation.max_servers: a file has no dots in its keys; write `simulation: max_servers` with",
            ),
            ("thresholds.reactive: {high: 0.9}\n", "c.yaml:1: thresholds.reactive: a file has no dots"),
        ];
        for (text, expected) in cases {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}\n  {error}\n  {expected}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[ -~\n]{0,80}", key in "[a-z_.]{0,30}", value in ".{0,20}") {
            let _ = read(&text);
            let _ = read(&format!("simulation:\n  {key}: {value}\n"));
            let _ = Configuration::default().set(&key, &value, Origin::Default);
            for key in KEYS {
                let _ = Configuration::default().set(key.path, &value, Origin::Default);
            }
        }
    }

    #[test]
    fn an_empty_document_changes_nothing() {
        for text in ["", "# nothing\n", "simulation:\n"] {
            assert_eq!(read(text).unwrap().settings(), Configuration::default().settings(), "{text:?}");
        }
    }

    #[test]
    fn sections_are_offered_where_they_may_stand() {
        let set = |path| Configuration::default().set(path, "4", Origin::Default).unwrap_err().problem;
        assert_eq!(
            set("simulation"),
            "this is a section; expected one of its keys, such as simulation.cooldown_minutes"
        );
        assert!(!set("simulatio").contains("did you mean"), "{}", set("simulatio"));
        assert!(read("simulatio: {max_servers: 4}\n").unwrap_err().contains("(did you mean simulation?)"));
    }

    #[test]
    fn a_flag_is_laid_over_a_file() {
        let mut configuration = read(REFERENCE).unwrap();
        configuration.set("simulation.cooldown", "90s", Origin::Named("--set".to_owned())).unwrap();
        assert_eq!(configuration.settings().cooldown_seconds, 90.0);
        assert_eq!(*configuration.origin("simulation.cooldown_minutes"), Origin::Named("--set".to_owned()));
    }

    /// Whether a value satisfies a schema of the few words that ours use.
    fn satisfies(schema: &serde_json::Value, value: &serde_json::Value) -> bool {
        if let Some(schemas) = schema["anyOf"].as_array() {
            return schemas.iter().any(|schema| satisfies(schema, value));
        }
        let bound = |word: &str| schema[word].as_f64();
        match (schema["type"].as_str().unwrap(), value) {
            ("string", serde_json::Value::String(text)) => {
                schema["pattern"].as_str().is_none_or(|pattern| Regex::new(pattern).unwrap().is_match(text))
            }
            (kind @ ("number" | "integer"), serde_json::Value::Number(number)) => {
                let number = number.as_f64().unwrap();
                (kind == "number" || number.fract() == 0.0)
                    && bound("minimum").is_none_or(|least| number >= least)
                    && bound("exclusiveMinimum").is_none_or(|least| number > least)
                    && bound("maximum").is_none_or(|most| number <= most)
                    && bound("exclusiveMaximum").is_none_or(|most| number < most)
            }
            _ => false,
        }
    }

    #[test]
    fn the_schema_takes_what_the_checker_takes_for_every_key() {
        let root = Configuration::json_schema();
        let values = [
            "0",
            "1",
            "5",
            "7",
            "0.5",
            "0.95",
            "-1",
            "-0.5",
            "1.5",
            "3000000",
            "5000000000",
            "1e300",
            "true",
            r#""7""#,
            r#""0""#,
            r#""0.5""#,
            r#""-3""#,
            r#""none""#,
            r#""soon""#,
            r#""0s""#,
            r#""90s""#,
            r#""3m""#,
            r#""15min""#,
            r#""1h30m""#,
            r#""1000000h""#,
            r#""400d""#,
            r#""2d""#,
            r#""0.05/min""#,
            r#""0/min""#,
            r#""1/parsec""#,
            r#""-1/min""#,
            r#""1e-3/h""#,
            r#""nan""#,
            r#""inf""#,
        ];
        for key in KEYS.iter().filter(|key| !matches!(key.slot, Slot::Name(_))) {
            let pointer = format!("/properties/{}", key.path.replace('.', "/properties/"));
            let schema = root.pointer(&pointer).unwrap_or_else(|| panic!("no schema of {}", key.path));
            for text in values {
                let value: serde_json::Value = serde_json::from_str(text).unwrap();
                let mut configuration = Configuration::default();
                let (section, name) = Key::section_and_name(key.path);
                let parts: Vec<&str> = section.split('.').filter(|part| !part.is_empty()).collect();
                let open: String = parts.iter().map(|part| format!("{{{part}: ")).collect::<Vec<_>>().concat();
                let file = format!("{open}{{{name}: {text}}}{}", "}".repeat(parts.len()));
                let told = configuration.add_yaml("c.yaml", &file).and_then(|()| configuration.check());
                // What two keys must hold together no schema of one can say.
                let taken = told.as_ref().err().is_none_or(|error| error.key.is_none());
                assert_eq!(satisfies(schema, &value), taken, "{}: {text}: {told:?}", key.path);
            }
            let example: serde_json::Value = serde_json::from_str(key.example).unwrap_or_else(|_| key.example.into());
            assert!(satisfies(schema, &example), "{}: {example}", key.path);
        }
    }

    #[test]
    fn the_schema_knows_every_key() {
        let schema = Configuration::json_schema();
        let high = &schema["properties"]["thresholds"]["properties"]["reactive"]["properties"]["high"];
        assert_eq!(high["anyOf"][0]["type"], "number");
        assert!(schema["properties"]["simulation"]["properties"]["cooldown"].is_object());
    }
}
