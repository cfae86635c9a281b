//! The `dataflow` command: reads its arguments, runs one subcommand, and turns what went wrong into an exit code.

mod aggregate;
mod arguments;
mod command;
mod comparison;
mod failure;
mod forecasting;
mod layers;
mod output;
mod pipeline;
mod plot;
mod progress;
mod quantity;
mod report;
mod results;
#[cfg(test)]
mod sample;
mod staging;
mod story;
mod table;
mod timeline_file;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    staging::clear_on_interrupt();
    match command::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure);
            failure.exit_code()
        }
    }
}
