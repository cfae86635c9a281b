//! `dataflow config`: a commented default file, a check of a file, and the JSON Schema of all files.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use dataflow_forecast::ModelSpec;
use dataflow_scale::spec::Configuration;

use crate::failure::Failure;
use crate::forecasting::ForecastSource;
use crate::layers;
use crate::output;
use crate::staging::Staging;

/// Write, check and describe configuration files
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dataflow config init\n  dataflow config check dataflow.yaml")]
pub(crate) struct ConfigArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write a commented file with every key at its default
    #[command(after_help = "Example:\n  dataflow config init settings.yaml")]
    Init {
        /// Where to write it; `-` is standard output
        #[arg(default_value = "dataflow.yaml")]
        file: PathBuf,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Check a file: every key, every value, and what they must hold together
    #[command(after_help = "Example:\n  dataflow config check dataflow.yaml")]
    Check {
        /// The file
        #[arg(default_value = "dataflow.yaml")]
        file: PathBuf,
    },
    /// Print the JSON Schema of configuration files, for editors
    #[command(after_help = "Example:\n  dataflow config schema > dataflow.schema.json")]
    Schema,
}

pub(crate) fn run(arguments: &ConfigArguments, quiet: bool) -> Result<(), Failure> {
    match &arguments.action {
        Action::Init { file, .. } if file.as_os_str() == "-" => output::print(&Configuration::default_file()),
        Action::Init { file, force } => {
            if file.exists() && !force {
                let name = file.display();
                return Err(Failure::Input(format!("{name}: is there already; --force replaces it")));
            }
            let mut staging = Staging::default();
            let path = staging.file(file)?;
            std::fs::write(path, Configuration::default_file())
                .map_err(|error| Failure::Work(format!("{}: cannot be written: {error}", file.display())))?;
            staging.commit()?;
            if !quiet {
                output::note(&format!("{} holds the defaults; change what differs for you", file.display()));
            }
            Ok(())
        }
        Action::Check { file } => {
            let mut configuration = Configuration::default();
            layers::add_file(&mut configuration, file)?;
            configuration.check()?;
            if let (_, Some(warning)) = ForecastSource::choose(None, &configuration)? {
                output::warn(&warning);
            }
            output::print(&format!("{}: every key and value is right\n", file.display()))
        }
        Action::Schema => output::print(&format!("{:#}\n", schema())),
    }
}

/// The JSON Schema with the names of the models, of which the configuration itself knows nothing.
fn schema() -> serde_json::Value {
    let mut schema = Configuration::json_schema();
    let mut models: Vec<String> = ModelSpec::ALL.map(|model| model.name().to_owned()).to_vec();
    // The reference project writes underscores.
    models.extend(
        ModelSpec::ALL.map(|model| model.name().replace('-', "_")).into_iter().filter(|name| name.contains('_')),
    );
    schema["properties"]["forecasting"]["properties"]["model"]["enum"] = models.into();
    schema
}
