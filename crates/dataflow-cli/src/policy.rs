//! Policies as the command line names them: by name, or by the file of a manifest.

use dataflow_scale::spec::{PolicySpec, Settings};

use crate::failure::Failure;
use crate::output;

/// What stands for every policy that has a name.
const ALL: &str = "all";

/// The policies that texts name, each once; `all` is every policy with a name, and those of ours and of Kubernetes that learn.
///
/// # Errors
/// As [`named`].
pub(crate) fn all_named(texts: &[String], place: &str, settings: &Settings) -> Result<Vec<PolicySpec>, Failure> {
    let mut policies = Vec::new();
    for text in texts {
        let of_text = if text.trim() == ALL { every_named() } else { vec![named(text, place, settings)?] };
        for policy in of_text {
            if !policies.contains(&policy) {
                policies.push(policy);
            }
        }
    }
    Ok(policies)
}

fn every_named() -> Vec<PolicySpec> {
    let learning = [PolicySpec::Hpa, PolicySpec::Quantile].map(|base| PolicySpec::Tuned(Box::new(base)));
    PolicySpec::NAMED.iter().cloned().chain(learning).collect()
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
    if let PolicySpec::Manifest(manifest) = &policy {
        for note in manifest.notes(settings) {
            output::note(&note);
        }
    }
    Ok(policy)
}
