//! The configuration of a run, laid in layers: defaults, file, variables (a `.env` file, then the environment), flags.
//!
//! A variable is `DATAFLOW_` and the key in capitals, with `__` between sections and name:
//! `DATAFLOW_COST_PARAMETERS__SERVER_COST=0.1`.

use std::collections::BTreeMap;
use std::path::Path;

use dataflow_scale::spec::{Configuration, ConfigurationError, KEYS, Origin};

use crate::arguments::SettingsArguments;
use crate::failure::Failure;
use crate::output;

const PREFIX: &str = "DATAFLOW_";
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

/// Sets the key that a variable names. A variable without `__` that names no key is none of ours.
fn set_variable(
    configuration: &mut Configuration,
    name: &str,
    value: &str,
    place: &str,
) -> Result<(), ConfigurationError> {
    let written = name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase().replace("__", ".");
    let is_key = KEYS.iter().any(|key| key.path == written || key.alias == Some(written.as_str()));
    if is_key || written.contains('.') {
        configuration.set(&written, value, Origin::Named(place.to_owned()))
    } else {
        Ok(())
    }
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
}
