//! `dataflow man`: the manual page of the program or of one subcommand.

use clap::{Args, CommandFactory as _};

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output;

/// Print a manual page
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dataflow man compare | man -l -")]
pub(crate) struct ManArguments {
    /// Subcommand whose page it is [default: the program's own]
    #[arg(value_name = "SUBCOMMAND")]
    of: Option<String>,
}

pub(crate) fn run(arguments: &ManArguments) -> Result<(), Failure> {
    let mut program = Arguments::command();
    program.build();
    let page = match &arguments.of {
        None => program,
        Some(name) => program
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Failure::Input(format!("there is no subcommand {name:?}; `dataflow --help` lists them")))?,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut text)
        .map_err(|error| Failure::Work(format!("the page cannot be made: {error}")))?;
    output::print(&String::from_utf8_lossy(&text))
}
