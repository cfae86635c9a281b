//! Scores detectors the way the Numenta Anomaly Benchmark does.
//!
//! A detector goes over every series of a [`Corpus`]; its scores make alarms above one threshold for all of them. The
//! first alarm within a labelled window earns the more the earlier it is; alarms elsewhere and windows without an alarm
//! cost. The threshold is the one that suits the [`Profile`] best, and a total is given relative to no alarm at all (0)
//! and to every window caught at once (100).
//!
//! Sources: A. Lavin, S. Ahmad, *Evaluating Real-time Anomaly Detection Algorithms – the Numenta Anomaly Benchmark*
//! (ICMLA 2015), section II; and the benchmark's own scorer, version 1.1, where the paper leaves a choice.

mod corpus;
mod profile;
mod run;
mod sweep;

pub use corpus::{Corpus, CorpusError, LabelledSeries, Row};
pub use profile::{Profile, ProfilesError};
pub use run::{Contestant, Run};
pub use sweep::{FileScore, Sweep};
