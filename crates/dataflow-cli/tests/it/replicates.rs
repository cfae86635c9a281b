//! `compare --replicates`: what scripts may rely on, and bad numbers.

use crate::{json, run, stderr, stdout};

const TRACE: &str = "synthetic:nasa-like?days=4";
const POLICIES: &str = "fixed,reactive,quantile,optimal";

#[test]
fn replicates_have_intervals_chances_and_the_same_bytes_on_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |threads: &str| {
        let arguments = [
            "compare",
            TRACE,
            "--policies",
            POLICIES,
            "--replicates",
            "6",
            "--startup-spread",
            "30%",
            "--threads",
            threads,
        ];
        let mut result = json(folder.path(), &arguments);
        result["elapsed_seconds"].take();
        result
    };
    let result = of("1");
    assert_eq!(result, of("2"));
    let facts = &result["replicates"];
    assert_eq!(
        (facts["count"].as_u64(), facts["by"].as_str(), facts["seed"].as_u64()),
        (Some(6), Some("blocks"), Some(1995))
    );
    let runs = facts["runs"].as_array().expect("runs");
    for (place, run) in runs.iter().enumerate() {
        assert_eq!(run["policy"], result["runs"][place]["policy"]);
        let of = |part: &str, end: &str| run[part][end].as_f64().expect("a number");
        for part in ["cost", "regret", "dropped_share"] {
            assert!(of(part, "low") <= of(part, "mean") && of(part, "mean") <= of(part, "high"), "{run}");
        }
        assert!(of("regret", "low") >= -1e-9, "{run}");
        assert_eq!(facts["chance_cheaper"][place][place], 0.5);
    }
    let chance = |one: usize, other: usize| facts["chance_cheaper"][one][other].as_f64().expect("a chance");
    assert!((chance(0, 2) + chance(2, 0) - 1.0).abs() < 1e-12);
    let cheapest: f64 = runs.iter().map(|run| run["cheapest"].as_f64().expect("a share")).sum();
    assert!((cheapest - 1.0).abs() < 1e-12);
    let table =
        stdout(folder.path(), &["compare", TRACE, "--policies", POLICIES, "--replicates", "3", "--format", "markdown"]);
    assert!(table.contains("95% interval") && table.contains("cheaper than →"), "{table}");
}

#[test]
fn bad_replicates_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases: [(&[&str], &str); 5] = [
        (&["--replicates", "1"], "from 2 to"),
        (&["--replicates", "2", "--startup-spread", "-0.1"], "a share from 0"),
        (&["--startup-spread", "0.1"], "--replicates"),
        (&["--replicates", "2", "--window", "..1d"], "--replicate-by noise"),
        (&["--slo", "0%"], "99.9%"),
    ];
    for (rest, told) in cases {
        let output = run(folder.path(), &[&["compare", TRACE, "--policies", "fixed", "--quiet"], rest].concat());
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{rest:?}: {message}");
        assert!(message.contains(told), "{rest:?}: {message}");
    }
}
