//! Experiments as a whole, over the public interface.

mod elasticity;
mod replicates;
mod traffic;
