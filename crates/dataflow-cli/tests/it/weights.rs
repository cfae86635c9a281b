//! `dataflow forecast --weights`: networks with weights that PyTorch saved, on the board and refused.

use std::fs;
use std::path::{Path, PathBuf};

#[cfg(feature = "neural")]
use serde_json::Value;

#[cfg(feature = "neural")]
use crate::{json, stdout};
use crate::{run, stderr};

const BYTES: [&str; 5] = ["forecast", "synthetic:diurnal?days=4", "--interval=30m", "--measure=bytes", "--quiet"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/pytorch").join(name)
}

/// A folder with the golden weights, so that messages name files and not places.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["bilstm.pt", "bilstm_attention.pt", "transformer.pt", "golden.json"] {
        fs::copy(golden(name), folder.path().join(name)).expect("a golden file");
    }
    folder
}

/// The one error of a run that must be refused.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert!(output.stdout.is_empty() && message.lines().count() == 1, "{arguments:?}: {message}");
    message
}

#[cfg(not(feature = "neural"))]
#[test]
fn a_build_without_networks_names_the_feature() {
    let folder = folder();
    let message = refused(folder.path(), &[&BYTES[..], &["--model=bilstm", "--weights=bilstm.pt"]].concat());
    assert!(message.contains("--features neural"), "{message}");
}

#[cfg(feature = "neural")]
#[test]
fn networks_with_weights_are_judged_one_step_ahead() {
    let folder = folder();
    for (model, file) in
        [("bilstm", "bilstm.pt"), ("bilstm-attention", "bilstm_attention.pt"), ("transformer", "transformer.pt")]
    {
        let wanted = [&BYTES[..], &["--model", model, "--weights", file]].concat();
        let board = json(folder.path(), &wanted);
        let name = format!("{model} ({file})");
        let models = board["models"].as_array().expect("models");
        let facts = models.iter().find(|facts| facts["model"] == name.as_str()).expect("the network");
        let horizons = facts["horizons"].as_array().expect("horizons");
        assert_eq!((horizons.len(), &horizons[0]["horizon"]), (1, &Value::from(1)), "{facts}");
        assert!(horizons[0]["rmse"].as_f64().is_some_and(f64::is_finite), "{facts}");
        assert_eq!((&facts["sees_the_future"], &facts["problem"]), (&Value::from(false), &Value::Null));
        assert!(models.iter().any(|facts| facts["model"] == "naive"), "the yardsticks stay");
    }
    let files = ["--model=bilstm,ridge", "--weights=bilstm.pt", "--out=results"];
    let table = stdout(folder.path(), &[&BYTES[..], &files].concat());
    assert!(table.contains("bilstm (bilstm.pt)") && table.contains("ridge"), "{table}");
    let forecasts = fs::read_to_string(folder.path().join("results/forecasts.csv")).expect("a file");
    assert_eq!(forecasts.lines().count(), 3, "one step ahead by each of both: {forecasts}");
    assert!(forecasts.contains("\nbilstm (bilstm.pt),1800,"), "{forecasts}");
}

#[cfg(feature = "neural")]
#[test]
fn files_that_hold_no_such_weights_are_refused_with_the_tensor_and_the_shapes() {
    let folder = folder();
    let whole = fs::read(golden("bilstm.pt")).expect("a golden file");
    fs::write(folder.path().join("cut.pt"), &whole[..whole.len() / 2]).expect("writable");
    for (model, file, expected) in [
        (
            "bilstm",
            "bilstm_attention.pt",
            "lstm.weight_ih_l0 must be f32 of shape [128, 6], but is f32 of shape [256, 6]",
        ),
        ("bilstm-attention", "bilstm.pt", "of shape [256, 6], but is f32 of shape [128, 6]"),
        ("transformer", "bilstm.pt", "the weights hold no tensor"),
        ("bilstm", "cut.pt", "not a PyTorch state dict"),
        ("bilstm", "golden.json", "not a PyTorch state dict"),
        ("bilstm", "none.pt", "the weights cannot be read: No such file"),
    ] {
        let message = refused(folder.path(), &[&BYTES[..], &["--model", model, "--weights", file]].concat());
        assert!(message.contains(&format!("--weights {file}: ")) && message.contains(expected), "{message}");
    }
    // Damage may hit what nobody reads; else it is told in one line, whatever the decoder makes of it.
    for place in (60..1_000).step_by(94) {
        let mut bytes = whole.clone();
        bytes[place] = b'0'.wrapping_add(bytes[place]);
        fs::write(folder.path().join("damaged.pt"), bytes).expect("writable");
        let output = run(folder.path(), &[&BYTES[..], &["--model", "bilstm", "--weights", "damaged.pt"]].concat());
        let message = stderr(&output);
        assert!(!message.contains("panicked"), "{place}: {message}");
        assert!(output.status.success() || message.contains("--weights damaged.pt: "), "{place}: {message}");
    }
}

#[cfg(feature = "neural")]
#[test]
fn traces_and_arguments_that_do_not_fit_are_refused() {
    let folder = folder();
    fs::write(folder.path().join("bytes.csv"), "time,bytes\n0,5\n60,7\n120,6\n180,6\n").expect("writable");
    let model = ["--model=bilstm", "--weights=bilstm.pt", "--quiet"];
    for (trace, more, expected) in [
        ("synthetic:steady?days=2", &["--measure=requests"][..], "give --measure bytes"),
        ("bytes.csv", &["--measure=bytes"], "by status class"),
        ("synthetic:steady?days=2", &["--measure=bytes", "--horizons=1,12"], "give --horizons 1"),
        ("synthetic:steady?days=2", &["--measure=bytes", "--model=transformer"], "name the one network"),
    ] {
        let message = refused(folder.path(), &[&["forecast", trace], &model[..], more].concat());
        assert!(message.contains(expected), "{message}");
    }
    let message = refused(folder.path(), &["forecast", "bytes.csv", "--model=ridge", "--weights=bilstm.pt"]);
    assert!(message.contains("name the one network"), "{message}");
    let output = run(folder.path(), &[&BYTES[..], &model, &["--save=m"]].concat());
    assert_eq!(output.status.code(), Some(2), "a model file holds no weights of others");
}
