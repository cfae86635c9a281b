//! The configuration of a run, laid in layers: defaults, file, variables (a `.env` file, then the environment), flags.
//!
//! A variable is `DATAFLOW_` and the key in capitals, with `__` between sections and name:
//! `DATAFLOW_COST_PARAMETERS__SERVER_COST=0.1`.

use std::collections::BTreeMap;
use std::path::Path;

use dataflow_scale::spec::{Configuration, KEYS, Origin};

use crate::arguments::SettingsArguments;
use crate::failure::Failure;
use crate::output;

const PREFIX: &str = "DATAFLOW_";
/// The folders of kept forecasts and of data sets, who asks a Prometheus, and variables of the project's own tests and
/// scripts: they name no key.
const NO_KEYS: [&str; 11] = [
    "CACHE_DIR",
    "DATA_DIR",
    "PROMETHEUS_USER",
    "PROMETHEUS_PASSWORD",
    "PROMETHEUS_TOKEN",
    "DATA",
    "SEED_GOLDEN",
    "HPA_VECTORS",
    "PYTHON",
    "CHROMIUM",
    "LOOK",
];
/// Read from the working folder where no other file is named.
const USUAL_FILE: &str = "dataflow.yaml";

/// Flags that set a key: the key, the value, and the flag as the user wrote it.
pub(crate) type Flags = Vec<(&'static str, String, String)>;

/// Reads all layers; `flags` are those of the subcommand that set a key of their own.
///
/// # Errors
/// At the first key or value that is wrong, with its layer and place.
pub(crate) fn read(arguments: &SettingsArguments, flags: Flags, quiet: bool) -> Result<Configuration, Failure> {
    let mut configuration = Configuration::default();
    match &arguments.config {
        Some(path) => add_file(&mut configuration, path)?,
        None if Path::new(USUAL_FILE).is_file() => {
            if !quiet {
                output::note(&format!("settings are read from {USUAL_FILE}; --config names another file"));
            }
            add_file(&mut configuration, Path::new(USUAL_FILE))?;
        }
        None => {}
    }
    for (name, value, place) in variables()? {
        set_variable(&mut configuration, &name, &value, &place)?;
    }
    for assignment in &arguments.set {
        let (key, value) = assignment.split_once('=').ok_or_else(|| {
            Failure::Input(format!("--set {assignment}: expected KEY=VALUE, such as simulation.max_servers=10"))
        })?;
        let origin = Origin::Named(format!("--set {assignment}"));
        configuration.set(key.trim(), value, origin)?;
    }
    let seed = arguments.seed.map(|seed| ("random_seed", seed.to_string(), format!("--seed {seed}")));
    for (key, value, flag) in seed.into_iter().chain(flags) {
        configuration.set(key, &value, Origin::Named(flag))?;
    }
    configuration.check()?;
    Ok(configuration)
}

/// Lays a file over what is there.
///
/// # Errors
/// When it cannot be read or something in it is wrong.
pub(crate) fn add_file(configuration: &mut Configuration, path: &Path) -> Result<(), Failure> {
    let name = path.display();
    let text = std::fs::read(path)
        .map_err(|error| Failure::Input(format!("{name}: the configuration cannot be read: {error}")))?;
    let text = String::from_utf8(text)
        .map_err(|_| Failure::Input(format!("{name}: is not text; expected a configuration in YAML")))?;
    Ok(configuration.add_yaml(&name.to_string(), &text)?)
}

/// Variables that may name keys, with where each was given. The environment wins over the `.env` file.
fn variables() -> Result<Vec<(String, String, String)>, Failure> {
    let mut variables = BTreeMap::new();
    let dot_env = Path::new(".env");
    if dot_env.is_file() {
        let lines = dotenvy::from_path_iter(dot_env)
            .map_err(|error| Failure::Input(format!(".env: cannot be read: {error}")))?;
        for line in lines {
            match line {
                Ok((name, value)) if name.starts_with(PREFIX) => {
                    let place = format!(".env: {name}");
                    variables.insert(name, (value, place));
                }
                // Lines for other programs are theirs to mind.
                Err(dotenvy::Error::LineParse(line, _)) if line.contains(PREFIX) => {
                    return Err(Failure::Input(format!(".env: {line:?} is not of the form NAME=VALUE")));
                }
                _ => {}
            }
        }
    }
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)).map(str::to_owned) else { continue };
        let value = value
            .into_string()
            .map_err(|_| Failure::Input(format!("environment variable {name}: its value is not text")))?;
        let place = format!("environment variable {name}");
        variables.insert(name, (value, place));
    }
    Ok(variables.into_iter().map(|(name, (value, place))| (name, value, place)).collect())
}

/// Sets the key that a variable names.
fn set_variable(configuration: &mut Configuration, name: &str, value: &str, place: &str) -> Result<(), Failure> {
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    if NO_KEYS.contains(&rest) {
        return Ok(());
    }
    let written = rest.to_lowercase().replace("__", ".");
    let is_key = KEYS.iter().any(|key| key.path == written || key.alias == Some(written.as_str()));
    if is_key || written.contains('.') {
        Ok(configuration.set(&written, value, Origin::Named(place.to_owned()))?)
    } else {
        let suggestion = variable_meant(&written).map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
        Err(Failure::Input(format!(
            "{place}: there is no such setting{suggestion}; a variable is {PREFIX} and a key in capitals, with two \
             underscores for each dot"
        )))
    }
}

/// The variable that was meant where only its underscores or its section are wrong.
fn variable_meant(written: &str) -> Option<String> {
    let letters = |text: &str| text.replace(['.', '_'], "");
    let wanted = letters(written);
    let names = KEYS.iter().flat_map(|key| [Some(key.path), key.alias]).flatten();
    let exact = names
        .clone()
        .find(|path| letters(path) == wanted || path.rsplit_once('.').is_some_and(|(_, name)| letters(name) == wanted));
    let path = exact.or_else(|| names.clone().find(|path| letters(path).ends_with(&wanted) && !wanted.is_empty()));
    path.map(|path| format!("{PREFIX}{}", path.to_uppercase().replace('.', "__")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_name_keys_by_double_underscores() {
        let mut configuration = Configuration::default();
        set_variable(&mut configuration, "DATAFLOW_COST_PARAMETERS__SERVER_COST", "0.1", "here").unwrap();
        set_variable(&mut configuration, "DATAFLOW_RANDOM_SEED", "7", "here").unwrap();
        set_variable(&mut configuration, "DATAFLOW_DATA", "/data", "here").unwrap();
        assert_eq!(configuration.settings().server_cost.amount, 0.1);
        assert_eq!(configuration.settings().random_seed, 7);
        let error = set_variable(&mut configuration, "DATAFLOW_SIMULATION__MAX_SERVER", "7", "here").unwrap_err();
        assert!(error.to_string().starts_with("here: simulation.max_server: there is no such key"), "{error}");
    }

    #[test]
    fn variables_that_name_no_key_are_refused_with_the_one_meant() {
        for (name, meant) in [
            ("MAX_SERVERS", "DATAFLOW_SIMULATION__MAX_SERVERS"),
            ("SIMULATION_MAX_SERVERS", "DATAFLOW_SIMULATION__MAX_SERVERS"),
            ("COST_PARAMETERS_SERVER_COST", "DATAFLOW_COST_PARAMETERS__SERVER_COST"),
            ("RANDOMSEED", "DATAFLOW_RANDOM_SEED"),
            ("REACTIVE_HIGH", "DATAFLOW_THRESHOLDS__REACTIVE__HIGH"),
            ("COOLDOWN", "DATAFLOW_SIMULATION__COOLDOWN"),
        ] {
            let name = format!("{PREFIX}{name}");
            let error = set_variable(&mut Configuration::default(), &name, "2", "here").unwrap_err().to_string();
            assert!(error.starts_with("here: there is no such setting"), "{error}");
            assert!(error.contains(&format!("(did you mean {meant}?)")), "{name}: {error}");
        }
        let error = set_variable(&mut Configuration::default(), "DATAFLOW_COLOUR", "2", "here").unwrap_err();
        assert!(!error.to_string().contains("did you mean"), "{error}");
    }

    #[test]
    fn variables_of_the_projects_own_tests_are_let_be() {
        let mut configuration = Configuration::default();
        for name in NO_KEYS {
            set_variable(&mut configuration, &format!("{PREFIX}{name}"), "/somewhere", "here").unwrap();
        }
        assert_eq!(configuration.settings(), Configuration::default().settings());
    }
}
