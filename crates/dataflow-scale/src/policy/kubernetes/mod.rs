//! Kubernetes' horizontal pod autoscaler (`autoscaling/v2`) and KEDA.
//!
//! The algorithm is that of Kubernetes' controller, number by number (`golden/kubernetes`): [`metric`] turns what was
//! measured into a proposal, [`reconcile`] the proposals into a decision under [`behavior`]. [`workload`] says what is
//! measured in the simulated world, [`HorizontalPodAutoscaler`] is the policy made of all that.

pub mod behavior;
mod built_in;
mod hpa;
pub mod keda;
mod link;
pub(crate) mod manifest;
pub mod metric;
pub mod pods;
pub mod recommendations;
pub mod reconcile;
pub mod workload;

pub use built_in::HpaSettings;
pub use hpa::{HorizontalPodAutoscaler, SYNC_SECONDS};
pub use link::{Link, Measured};
pub use manifest::{Manifest, ManifestChange, ManifestKind};
