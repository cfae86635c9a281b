//! The `dataflow` command: reads its arguments, runs one subcommand, and turns what went wrong into an exit code.

mod aggregate;
mod alarms;
mod arguments;
mod cache;
mod command;
mod comparison;
mod failure;
mod forecasting;
mod laboratory;
mod layers;
mod output;
mod past;
mod pipeline;
mod plot;
mod policy;
mod progress;
mod quality;
mod quantity;
mod replicates;
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
    #[cfg(any(feature = "hub", feature = "neural", feature = "parquet"))]
    keep_decoder_panics_quiet();
    match command::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure);
            failure.exit_code()
        }
    }
}

/// The decoders of Parquet files and of PyTorch's pickles panic on some damaged files, and the client of the hub on some
/// answers. That is caught where they are called and told as one clear error, so the panic's own words would only be noise.
#[cfg(any(feature = "hub", feature = "neural", feature = "parquet"))]
fn keep_decoder_panics_quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_decoder = |file: &str| {
            ["/parquet-", "/hf-hub-"].iter().any(|name| file.contains(name))
                || (file.contains("/candle-core-") && file.ends_with("pickle.rs"))
        };
        if !panic.location().is_some_and(|place| is_decoder(place.file())) {
            usual(panic);
        }
    }));
}
