//! Tests of the static plot: nothing is lost in drawing, every ending is written or refused, texts are as expected.

use dataflow_series::Unit;
use proptest::prelude::*;

use super::drawing::Mark;
use super::palette::{DROP, Paint};
use super::*;
use crate::sample::{self, Trace};

fn examples() -> Vec<(&'static str, Trace)> {
    let mut gap = Trace::days(5);
    gap.loads[2000..4220].fill(None);
    let mut bytes = Trace::days(1);
    bytes.unit = Unit::Bytes;
    bytes.capacity *= 1e6;
    bytes.loads.iter_mut().for_each(|load| *load = load.map(|load| load * 1e6));
    vec![
        ("days", Trace::days(20)),
        ("constant", Trace::of(vec![50.0; 3000])),
        ("one tick", Trace::of(vec![7.0])),
        ("zero", Trace::of(vec![0.0; 2000])),
        ("gap", gap),
        ("bytes", bytes),
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
            let bytes = std::fs::read(&path).unwrap();
            let start: &[u8] = if ending == "svg" { b"<svg xmlns=" } else { b"\x89PNG" };
            assert!(bytes.starts_with(start) && bytes.len() > 1000, "{}", path.display());
        }
    }
}

#[test]
fn nothing_simulated_is_drawn_as_such() {
    let mut sample = sample::comparison(&Trace::of(vec![1.0]));
    sample.ticks.timelines.clear();
    sample.comparison.runs.clear();
    let svg = lay_out(&sample.comparison, &sample.ticks).to_svg().unwrap();
    assert!(svg.contains("No policy was compared.") && svg.contains("No tick was simulated."));
}

#[test]
fn an_unknown_ending_names_the_known_ones() {
    let folder = tempfile::tempdir().unwrap();
    let sample = sample::comparison(&Trace::of(vec![1.0; 9]));
    for name in ["plot.pdf", "plot", "svg"] {
        let path = folder.path().join(name);
        let failure = write(&sample.comparison, &sample.ticks, &path).unwrap_err();
        assert!(matches!(&failure, Failure::Input(words) if words.contains(".svg or .png")), "{failure}");
        assert!(!path.exists());
    }
    write(&sample.comparison, &sample.ticks, &folder.path().join("plot.SVG")).unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let sample = sample::comparison(&Trace::of(vec![1.0; 9]));
    let failure = write(&sample.comparison, &sample.ticks, &folder.path().join("missing/plot.svg")).unwrap_err();
    assert!(failure.to_string().contains("plot.svg"), "{failure}");
}

#[test]
fn names_from_users_are_text() {
    let mut trace = Trace::of(vec![1.0; 9]);
    trace.source = "<script>&\u{1}".to_owned();
    let sample = sample::comparison(&trace);
    let svg = lay_out(&sample.comparison, &sample.ticks).to_svg().unwrap();
    assert!(!svg.contains("<script>") && !svg.contains('\u{1}'));
    assert!(svg.contains("&lt;script&gt;&amp;"));
}

/// Every text, from top to bottom: what a reader of the SVG finds.
#[test]
fn the_words_of_a_plot_are_these() {
    let sample = sample::comparison(&Trace::days(2));
    let drawing = lay_out(&sample.comparison, &sample.ticks);
    let words: Vec<&str> = drawing
        .marks
        .iter()
        .filter_map(|mark| match mark {
            Mark::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    insta::assert_snapshot!(words.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_drop_is_seen_however_long_the_trace(length in 400_usize..40_000, at in 0.0_f64..1.0) {
        let tick = (at * length as f64) as usize;
        let trace = Trace::of((0..length).map(|index| if index == tick { 4_000.0 } else { 100.0 }).collect());
        let sample = sample::comparison(&trace);
        let drawing = lay_out(&sample.comparison, &sample.ticks);
        let is_drop = |paint: &Paint| (paint.red, paint.green, paint.blue) == (DROP.red, DROP.green, DROP.blue);
        let drops = drawing.marks.iter().filter(|mark| match mark {
            Mark::Rectangle { corners: [from, to], paint } => {
                is_drop(paint) && from.1 > 300.0 && to.0 - from.0 >= 0.5 && to.1 - from.1 >= 0.5
            }
            _ => false,
        });
        // In each of the four panels at least once as a bar and once in the strip, besides the legend.
        prop_assert!(drops.count() >= 4 * 2, "tick {tick} of {length}");
    }
}
