//! Tests of the crate against results from elsewhere, and of laws that span its modules.

mod golden;
mod hpa;
mod hpa_manifest;
mod hpa_policy;
mod keda;
mod laws;
mod optimum;
