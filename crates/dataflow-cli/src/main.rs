//! The `dataflow` command.
#![allow(dead_code)]

mod aggregate;
mod comparison;
mod failure;
mod plot;
mod quantity;
mod report;
#[cfg(test)]
mod sample;
mod story;

fn main() {}
