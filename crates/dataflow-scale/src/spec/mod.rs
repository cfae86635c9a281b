//! Experiments as data: the configuration with its layers, and the policies by name. Pure: everything comes as text.

mod aws_file;
mod cloud;
mod configuration;
pub(crate) mod document;
mod keys;
mod parameters;
mod policies;
mod quantity;
mod settings;

pub use aws_file::AwsFile;
pub use cloud::{AwsSettings, GoogleSettings};
pub use configuration::{Configuration, ConfigurationError, Origin};
pub use keys::{KEYS, Key};
pub use parameters::Parameter;
pub use policies::{PolicyError, PolicySpec};
pub use quantity::Rate;
pub use settings::Settings;
