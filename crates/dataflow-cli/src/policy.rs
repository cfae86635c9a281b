//! Policies as the command line names them: by name, or by the file of a manifest.

use dataflow_scale::spec::{PolicySpec, Settings};

use crate::failure::Failure;

/// The policies that texts name, each once.
///
/// # Errors
/// As [`named`].
pub(crate) fn all_named(texts: &[String], place: &str, settings: &Settings) -> Result<Vec<PolicySpec>, Failure> {
    let mut policies = Vec::new();
    for text in texts {
        let policy = named(text, place, settings)?;
        if !policies.contains(&policy) {
            policies.push(policy);
        }
    }
    Ok(policies)
}

/// The policy that a text names, as the flag `place` was given it; files are read.
///
/// # Errors
/// When there is no such policy, its file is wrong, or it does not fit the fleet.
pub(crate) fn named(text: &str, place: &str, settings: &Settings) -> Result<PolicySpec, Failure> {
    let mut read = |file: &str| {
        std::fs::read_to_string(file).map_err(|error| format!("{file}: the manifest cannot be read: {error}"))
    };
    let policy = PolicySpec::resolve(text, &mut read).map_err(|error| Failure::Input(format!("{place}: {error}")))?;
    if let PolicySpec::Fixed(Some(servers)) = policy
        && !(settings.min_servers..=settings.max_servers).contains(&servers)
    {
        return Err(Failure::Input(format!(
            "{place} {policy}: expected a number of servers from {} to {} \
             (simulation.min_servers and simulation.max_servers)",
            settings.min_servers, settings.max_servers
        )));
    }
    Ok(policy)
}
