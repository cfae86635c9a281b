//! Tests of the report: escaping, what it embeds, and every control pressed in a real browser.

use super::*;
use crate::sample::{self, Trace};

#[test]
fn names_from_users_cannot_leave_the_text() {
    let mut trace = Trace::days(1);
    trace.source = "<script>alert(1)</script><!--".to_owned();
    let mut sample = sample::comparison(&trace);
    sample.comparison.runs[1].policy = "</script><img src=x onerror=alert(1)>".to_owned();
    let page = render(&sample.comparison, &sample.ticks, &Provenance::default()).unwrap();
    assert!(!page.contains("<script>alert"), "a script from the trace's name");
    assert!(!page.contains("<img"), "an element from a policy's name");
    assert!(page.contains("&#60;script&#62;alert(1)"));
}

/// Writes into the folder named by `DATAFLOW_LOOK`, for people who want to look.
#[test]
fn a_report_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("DATAFLOW_LOOK").map_or(folder.path().to_owned(), Into::into);
    let sample = sample::comparison(&Trace::days(58));
    write(&sample.comparison, &sample.ticks, &provenance(), &folder.join("days.html")).unwrap();
}

pub(super) fn provenance() -> Provenance {
    Provenance {
        command: "dataflow compare 'my log.gz' --interval 1m".to_owned(),
        configuration: "random_seed: 42\nsimulation:\n  max_servers: 5\n".to_owned(),
        notes: vec!["12 lines of 10,000 were refused".to_owned()],
    }
}
