//! KEDA: triggers that switch a workload on and off, and that feed the horizontal pod autoscaler beneath.
//!
//! Source: kedacore/keda and its documentation. The executor polls (every 30 s unless set otherwise) and only decides
//! between nothing and active; the autoscaler, which asks KEDA for values every 15 s, does the rest.

mod executor;
mod fallback;
mod formula;
mod policy;

pub use executor::{Active, Executor, ExecutorRules, Outcome, Poll, Switches, TriggerHealth};
pub use fallback::{Fallback, FallbackBehavior, Health, Replicas, Reported, TriggerTarget, report};
pub use formula::{Formula, FormulaError};
pub use policy::{KedaPolicy, Trigger};
