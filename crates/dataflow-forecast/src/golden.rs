//! What statsforecast found on series made by formula, for the tests; see `golden/statsforecast/make_golden.py`.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// One of the files.
#[derive(Deserialize)]
pub(crate) struct Golden<T> {
    pub(crate) season: usize,
    pub(crate) cases: Vec<T>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    loads: Vec<f64>,
}

impl<T: DeserializeOwned> Golden<T> {
    pub(crate) fn read(file: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../golden/statsforecast").join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap()
    }
}

/// The loads of a series by name.
pub(crate) fn loads_of(name: &str) -> Vec<f64> {
    let series = Golden::<Named>::read("series.json").cases;
    series.into_iter().find(|series| series.name == name).unwrap().loads
}
