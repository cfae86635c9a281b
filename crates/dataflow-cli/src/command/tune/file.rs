//! The tuned settings as a file that is ready to be used.

use std::path::Path;

use dataflow_experiment::tune::Tuned;
use dataflow_scale::policy::kubernetes::{Manifest, ManifestChange};
use dataflow_scale::spec::{Key, Origin, PolicySpec};

use super::facts::TuneFacts;
use super::render::{closing, value};
use crate::failure::Failure;
use crate::quantity::grouped;
use crate::world::World;

/// Writes a configuration with the changes, each with what it is worth, or the manifest that was tuned.
pub(super) fn write(facts: &TuneFacts, world: &World, tuned: &Tuned, path: &Path) -> Result<(), Failure> {
    let text = match &tuned.setup.policy {
        PolicySpec::Manifest(manifest) => of_manifest(facts, manifest)?,
        _ => of_configuration(facts, world, tuned)?,
    };
    std::fs::write(path, text).map_err(|error| Failure::Work(format!("the settings cannot be written: {error}")))
}

/// The manifest as its user wrote it but for the changes, which stand above it with a sentence each.
fn of_manifest(facts: &TuneFacts, manifest: &Manifest) -> Result<String, Failure> {
    let change = |change: ManifestChange| {
        let ManifestChange { field, from, to, why } = change;
        format!("# {field}: {from} -> {to}. {why}\n")
    };
    let changes: String = manifest.changes().into_iter().map(change).collect();
    let text = manifest.to_yaml().map_err(Failure::Work)?;
    Ok(format!(
        "# {} tuned by `dataflow tune`, seed {}.\n{changes}# {}\n{text}",
        facts.policy,
        facts.seed,
        closing(facts)
    ))
}

fn of_configuration(facts: &TuneFacts, world: &World, tuned: &Tuned) -> Result<String, Failure> {
    let mut configuration = world.configuration.clone();
    for change in &facts.changes {
        let Some(key) = Key::find(&change.name) else { continue };
        let Some(text) = key.text(&tuned.setup.settings) else { continue };
        let worth = if change.set_back.cost.is_nan() {
            String::new()
        } else {
            format!(", which would cost {} more", grouped(change.set_back.cost - facts.training.after.cost))
        };
        let origin = Origin::Named(format!("dataflow tune, from {}{worth}", value(change.from, change.unit)));
        configuration.set(key.path, &text, origin)?;
    }
    let head = format!("# Settings of {} tuned by `dataflow tune`, seed {}.\n", facts.policy, facts.seed);
    Ok(format!("{head}# {}\n{}", closing(facts), configuration.to_file()))
}
