//! The `dataflow` command.
fn main() {}
