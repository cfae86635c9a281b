//! Which values of a series are not as its past: detectors behind one trait, and how good they are.
//!
//! A [`Detector`] scores values one by one, in order, and knows only what came before. [`DetectorSpec`] is the one list
//! of them. A [`Watch`] makes [`Episode`]s of what they flag and says of which [`Kind`] each is.
//!
//! ```
//! use dataflow_anomaly::{DetectorSettings, DetectorSpec};
//! use dataflow_series::Step;
//! use jiff::Timestamp;
//!
//! let spec: DetectorSpec = "z-score".parse()?;
//! let mut detector = spec.build(&DetectorSettings::new(Step::MINUTE));
//! let values = (0..100).map(|index| if index == 90 { 50.0 } else { f64::from(index % 7) });
//! let scores: Vec<f64> = values.map(|value| detector.score(Timestamp::UNIX_EPOCH, Some(value))).collect();
//! assert!(scores[90] > detector.threshold() && scores[89] < detector.threshold());
//! # Ok::<(), dataflow_anomaly::UnknownDetector>(())
//! ```

mod detector;
mod ensemble;
mod expectation;
mod forecast_residual;
mod half_space_trees;
mod isolation_forest;
mod kind;
mod matrix_profile;
pub mod nab;
mod random;
mod recent;
mod relative_entropy;
mod root;
mod season;
mod seasonal_mad;
mod spec;
mod spectral_residual;
mod surprise;
mod tail;
mod watch;
mod windowed_gaussian;
mod z_score;

pub use detector::{Detector, DetectorSettings};
pub use kind::Kind;
pub use spec::{DetectorSpec, UnknownDetector};
pub use watch::{Episode, Verdict, Watch};
pub use z_score::RollingZScore;
