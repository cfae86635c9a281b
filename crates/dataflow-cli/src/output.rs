//! What the program says: results to standard output, everything else to standard error, colours on terminals only.

use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};

use crate::failure::Failure;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people; the same when piped, but without colours
    Table,
    /// For programs, at full precision
    Json,
    /// One row per result, at full precision
    Csv,
    /// For documents
    Markdown,
}

/// Prints a result. A reader that has seen enough (`| head`) is no error.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Work(format!("standard output: {error}; the result was not printed whole")))
        }
        _ => Ok(()),
    }
}

/// Says something worth knowing.
pub(crate) fn note(text: &str) {
    say("note", AnsiColor::Cyan.on_default(), text);
}

/// Says what is likely not meant.
pub(crate) fn warn(text: &str) {
    say("warning", AnsiColor::Yellow.on_default().bold(), text);
}

/// Says why the program ends.
pub(crate) fn error(failure: &Failure) {
    say("error", AnsiColor::Red.on_default().bold(), &failure.to_string());
}

fn say(kind: &str, style: Style, text: &str) {
    // Without standard error there is nobody to tell.
    let _ = writeln!(anstream::stderr().lock(), "{style}{kind}:{style:#} {text}");
}
