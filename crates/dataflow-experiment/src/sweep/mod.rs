//! Sensitivity: what costs are when settings are others, each crossed with each, or drawn at random.

mod sobol;

pub use sobol::{Design, Estimate, Indices};
