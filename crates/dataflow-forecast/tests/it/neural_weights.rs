//! Networks with weights from PyTorch give what PyTorch gives, and other files are refused with the reason.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use dataflow_forecast::{
    Architecture, Exogenous, History, MeanModel as _, ReferenceModel, ReferenceNetwork, ReferenceOutput, WeightsError,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::*;

const NETWORKS: [(&str, Architecture); 3] = [
    ("bilstm", Architecture::Bilstm),
    ("bilstm_attention", Architecture::BilstmAttention),
    ("transformer", Architecture::Transformer),
];

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden").join(path)
}

fn read_json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("the golden file is JSON")
}

/// The two inputs of the golden files, by their formulas: four windows of twelve intervals of six columns.
fn windows(name: &str) -> Vec<f32> {
    let places = (0..4).flat_map(|batch| (0..12).flat_map(move |step| (0..6).map(move |column| (batch, step, column))));
    let value = |(batch, step, column): (i32, i32, i32)| match (name, column) {
        ("sin", _) => (0.1 * f64::from(batch * 72 + step * 6 + column)).sin(),
        (_, 5) => 14.0 + (0.2 * f64::from(batch * 12 + step)).sin(),
        _ => 40.0 * (1.0 + (0.3 * f64::from(batch + step) + f64::from(column)).sin()) / 2.0,
    };
    places.map(|place| value(place) as f32).collect()
}

/// Asserts that numbers agree with the first of the computed ones, within a tolerance relative to those above 1.
fn assert_close(what: &str, computed: &[f32], expected: &Value, tolerance: f64) {
    let expected: Vec<f64> = flattened(expected);
    assert!(!expected.is_empty() && computed.len() >= expected.len(), "{what}: {} numbers", computed.len());
    for (place, (computed, expected)) in computed.iter().zip(&expected).enumerate() {
        let difference = (f64::from(*computed) - expected).abs() / expected.abs().max(1.0);
        assert!(difference <= tolerance, "{what} at {place}: {computed} instead of {expected}");
    }
}

fn flattened(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(flattened).collect(),
        value => value.as_f64().into_iter().collect(),
    }
}

#[test]
fn networks_agree_with_pytorch_to_five_digits() {
    let document = read_json(&golden("pytorch/golden.json"));
    for (name, architecture) in NETWORKS {
        let network = ReferenceNetwork::load(architecture, &golden(&format!("pytorch/{name}.pt"))).expect("weights");
        for input in ["sin", "realistic"] {
            let case = &document["models"][name][input];
            let ReferenceOutput { values, attention, recurrent } = network.predict(&windows(input)).expect("windows");
            assert_close(&format!("{name} {input}"), &values, &case["output"], 1e-5);
            assert_close(&format!("{name} {input}"), &values, &case["output_float64"], 1e-5);
            if name != "transformer" {
                assert_close(&format!("{name} {input} recurrent"), &recurrent, &case["recurrent"], 1e-5);
            }
            if name == "bilstm_attention" {
                assert_close(&format!("{name} {input} attention"), &attention, &case["attention"], 1e-5);
            }
        }
    }
}

#[test]
fn the_weights_of_the_reference_give_its_figures() {
    let Some(folder) = std::env::var_os("DATAFLOW_REFERENCE_WEIGHTS").map(PathBuf::from) else {
        eprintln!(
            "SKIPPED: set DATAFLOW_REFERENCE_WEIGHTS to the folder of the reference's bilstm.pt and bilstm_attention.pt"
        );
        return;
    };
    let document = read_json(&golden("reference/neural.json"));
    for (name, architecture) in &NETWORKS[..2] {
        let expected = &document["models"][*name];
        let path = folder.join(format!("{name}.pt"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut hash = String::new();
        for byte in Sha256::digest(&bytes) {
            write!(hash, "{byte:02x}").expect("a string takes all");
        }
        assert_eq!(Some(hash.as_str()), expected["sha256"].as_str(), "{} is another file", path.display());
        let network = ReferenceNetwork::load(*architecture, &path).expect("weights");
        for input in ["sin", "realistic"] {
            let case = &expected["cases"][input];
            let windows = windows(input);
            assert_close(&format!("{input} input"), &windows, &case["input_first_row"], 1e-7);
            assert_close(&format!("{input} input"), &windows[windows.len() - 6..], &case["input_last_row"], 1e-7);
            let ReferenceOutput { values, attention, recurrent } = network.predict(&windows).expect("windows");
            assert_close(&format!("{name} {input}"), &values, &case["output_float32_predict"], 1e-4);
            assert_close(&format!("{name} {input}"), &values, &case["output_float64"], 1e-4);
            assert_close(&format!("{name} {input} LSTM"), &recurrent, &case["lstm_out_last_step_first8_b0"], 1e-4);
            if *name == "bilstm_attention" {
                assert_close(&format!("{name} {input} attention"), &attention, &case["attention_weights_b0"], 1e-4);
            }
        }
    }
}

#[test]
fn other_files_are_refused_with_the_tensor_and_the_shapes() {
    let file = |name: &str| golden(&format!("pytorch/{name}"));
    let refusal = |architecture, path: &Path| match ReferenceNetwork::load(architecture, path) {
        Ok(_) => panic!("{} was taken for another network", path.display()),
        Err(error) => (error.to_string(), error),
    };
    let (text, error) = refusal(Architecture::Bilstm, &file("bilstm_attention.pt"));
    assert!(matches!(error, WeightsError::Shape { .. }), "{text}");
    assert!(text.contains("lstm.weight_ih_l0") && text.contains("[128, 6]") && text.contains("[256, 6]"), "{text}");
    let (text, error) = refusal(Architecture::Transformer, &file("bilstm.pt"));
    assert!(matches!(error, WeightsError::Missing { .. }) && text.contains("input_proj.weight"), "{text}");
    let (text, error) = refusal(Architecture::Bilstm, &file("there_is_none.pt"));
    assert!(matches!(error, WeightsError::Io(_)), "{text}");
    let (_, error) = refusal(Architecture::Bilstm, &file("golden.json"));
    assert!(matches!(error, WeightsError::NotPyTorch(_)), "{error:?}");
}

#[test]
fn cut_and_damaged_files_are_refused() {
    let whole = std::fs::read(golden("pytorch/bilstm.pt")).expect("a golden file");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weights.pt");
    let mut damaged: Vec<Vec<u8>> =
        [0, 1, 100, whole.len() / 2, whole.len() - 1].map(|end| whole[..end].to_vec()).into();
    // Bytes of the list of tensors, which stands near the start of the archive.
    damaged.extend((60..1_000).step_by(37).map(|place| {
        let mut bytes = whole.clone();
        bytes[place] = b'0'.wrapping_add(bytes[place]);
        bytes
    }));
    for bytes in &damaged {
        std::fs::write(&path, bytes).expect("a folder to write to");
        // Damage may hit what nobody reads; what must not happen is a panic or weights that are no numbers.
        let loaded = ReferenceNetwork::load(Architecture::Bilstm, &path);
        if bytes.len() < whole.len() {
            assert!(matches!(loaded, Err(WeightsError::NotPyTorch(_))), "cut to {} bytes", bytes.len());
        }
    }
}

/// Bytes that grow by the hour, with the counts of all status classes but the last `without`.
fn history(without: usize) -> History {
    let bytes: Vec<f64> = (0..80).map(|hour| 1e6 + 1e4 * f64::from(hour)).collect();
    let mut history = History::new(series(3_600, &bytes));
    for (place, name) in ["success", "error", "redirected", "not_found", "no_change"][..5 - without].iter().enumerate()
    {
        let values = (0..80).map(|hour| f64::from((hour + place as u32) % 7)).collect();
        history = history.with_exogenous(Exogenous { name: (*name).to_owned(), values }).expect("one value per hour");
    }
    history
}

#[test]
fn a_model_with_weights_forecasts_what_the_network_says_of_the_last_twelve_intervals() {
    let (history, zone) = (history(0), TimeZone::UTC);
    for (name, architecture) in NETWORKS {
        let path = golden(&format!("pytorch/{name}.pt"));
        let model = ReferenceModel::load(architecture, &path).expect("weights");
        let mut fitted = model.fit(history.view(&zone).first(60), &[1]).expect("a past of bytes and classes");
        fitted.extend(history.view(&zone).slice(60..70));
        let mut mean = [0.0];
        fitted.means(&mut mean);

        // Error, No Change, Not Found, Redirected, Success: the places of the columns above.
        let window = (58..70_u32).flat_map(|hour| {
            let classes = [1, 4, 3, 2, 0].map(|place| f64::from((hour + place) % 7) as f32);
            classes.into_iter().chain([(1e6 + 1e4 * f64::from(hour)).ln_1p() as f32])
        });
        let network = ReferenceNetwork::load(architecture, &path).expect("weights");
        let output = network.predict(&window.collect::<Vec<f32>>()).expect("a window");
        assert_eq!(mean, [f64::from(output.values[0]).exp_m1().max(0.0)], "{name}");
    }
}

#[test]
fn a_model_with_weights_refuses_what_they_do_not_know() {
    let (whole, zone) = (history(0), TimeZone::UTC);
    let path = golden("pytorch/bilstm.pt");
    let model = ModelSpec::Bilstm.with_weights(&path, Calibration::Rolling).expect("weights");
    let refusal = |past: View<'_>, horizons: &[usize]| model.fit(past, horizons).err().expect("refused").to_string();
    assert!(refusal(whole.view(&zone), &[1, 2]).contains("1 step ahead"));
    let lacking = history(1);
    assert!(refusal(lacking.view(&zone), &[1]).contains("no column no_change"));
    assert!(refusal(whole.view(&zone).first(20), &[1]).contains("at least"));
    let fitted = model.fit(whole.view(&zone), &[1]).expect("a past of bytes and classes");
    assert!(fitted.save().is_err(), "its weights stay in their own file");

    let other = ModelSpec::Transformer.with_weights(&path, Calibration::Rolling).err().expect("refused").to_string();
    assert!(other.contains("bilstm.pt: the weights hold no tensor"), "{other}");
    let ridge = ModelSpec::Ridge.with_weights(&path, Calibration::Rolling).err().expect("refused").to_string();
    assert!(ridge.contains("bilstm, bilstm-attention, transformer"), "{ridge}");
}

#[test]
fn only_whole_windows_are_taken() {
    let network = ReferenceNetwork::load(Architecture::Bilstm, &golden("pytorch/bilstm.pt")).expect("weights");
    for length in [0, 1, 71, 73] {
        let error = network.predict(&vec![0.0; length]).expect_err("no whole window");
        assert!(error.to_string().contains("12 intervals of 6 columns"), "{error}");
    }
    assert_eq!(network.predict(&[0.0; 144]).expect("two windows").values.len(), 2);
}
