use super::*;
use crate::sample::{self, Trace};

fn examples() -> Vec<(&'static str, Trace)> {
    let mut gap = Trace::days(5);
    gap.loads[2000..4220].fill(None);
    vec![
        ("days", Trace::days(20)),
        ("constant", Trace::of(vec![50.0; 3000])),
        ("one tick", Trace::of(vec![7.0])),
        ("zero", Trace::of(vec![0.0; 2000])),
        ("gap", gap),
        ("flash crowd", Trace::of((0..600).map(|tick| if tick == 300 { 1e6 } else { 10.0 }).collect())),
    ]
}

/// Draws into the folder named by `DATAFLOW_LOOK`, for people who want to look.
#[test]
fn every_example_is_drawn_in_both_forms() {
    let folder = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("DATAFLOW_LOOK").map_or(folder.path().to_owned(), Into::into);
    for (name, trace) in examples() {
        let sample = sample::comparison(&trace);
        for ending in ["svg", "png"] {
            let path = folder.join(format!("{name}.{ending}"));
            write(&sample.comparison, &sample.ticks, &path).unwrap();
            assert!(std::fs::metadata(&path).unwrap().len() > 1000, "{}", path.display());
        }
    }
}
