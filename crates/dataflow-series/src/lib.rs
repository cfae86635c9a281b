//! Load over time: read it, put it on a regular grid, fill it, make it.
//!
//! This crate is the vocabulary of the project. A load is a sum per interval (requests, bytes, …) on a grid of
//! fixed [`Step`], counted from a UTC instant. [`Observed`] may have gaps; [`Series`] has none and is made from an
//! [`Observed`] by stating how gaps are filled ([`Fill`]).

mod calendar;
mod decompress;
pub mod explore;
mod fill;
pub mod log;
mod series;
pub mod source;
pub mod statistics;
mod suggestion;
pub mod synth;
mod time;
mod window;

pub use calendar::{LocalTime, LocalTimes, local_times};
pub use decompress::{Compression, DecompressError, OpenError, decompress, open_decompressed, read_up_to};
pub use fill::{Fill, FillError};
pub use series::{Observed, Series, SeriesError, Unit, UnitError};
pub use suggestion::did_you_mean;
pub use time::{DurationError, Step, parse_duration_seconds};
pub use window::{Window, WindowError};
