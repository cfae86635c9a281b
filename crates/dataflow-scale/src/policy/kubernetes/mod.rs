//! Kubernetes' horizontal pod autoscaler (`autoscaling/v2`) and KEDA.
//!
//! The algorithm is that of Kubernetes' controller, number by number (`golden/kubernetes`): [`metric`] turns what was
//! measured into a proposal, [`reconcile`] the proposals into a decision under [`behavior`].

pub mod behavior;
pub mod keda;
pub mod metric;
pub mod pods;
pub mod recommendations;
pub mod reconcile;
