//! What a Prometheus server answers to a range query (its HTTP API, "Range queries").

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dataflow_series::source::is_web_page;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What is shown of a message of the server.
const SHOWN_CHARACTERS: usize = 400;

/// The whole answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    status: String,
    data: Option<Data>,
    error_type: Option<String>,
    error: Option<String>,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Vec<ResultSeries>,
}

/// One series of a result.
#[derive(Debug, Deserialize)]
pub(super) struct ResultSeries {
    metric: BTreeMap<String, String>,
    /// Seconds since 1970 and the value as text.
    #[serde(default)]
    pub(super) values: Vec<(f64, String)>,
    #[serde(default)]
    histograms: Vec<IgnoredAny>,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it is none, in words.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(body).map_err(|_| {
            if is_web_page(body) {
                "the answer is a web page (HTML), not that of a Prometheus; check the address, its prefix and who may ask"
                    .to_owned()
            } else {
                "the answer is not that of a Prometheus; check the address and its prefix".to_owned()
            }
        })
    }

    /// What the server says is wrong, if it says so.
    pub(super) fn refusal(&self) -> Option<String> {
        (self.status != "success").then(|| {
            let kind = self.error_type.as_deref().unwrap_or("error");
            let message = self.error.as_deref().unwrap_or("without a word");
            format!("the server refuses the query ({kind}): {}", one_line(message))
        })
    }

    /// The series of a successful answer.
    ///
    /// # Errors
    /// When the result is something else.
    pub(super) fn series(self) -> Result<Vec<ResultSeries>, String> {
        let data = self.data.ok_or("the answer has no data")?;
        if data.result_type != "matrix" {
            return Err(format!("the query gives a {}, not values over time", one_line(&data.result_type)));
        }
        if data.result.iter().any(|series| !series.histograms.is_empty()) {
            return Err("the query gives histograms, not values; take one of histogram_count(…), histogram_sum(…) or \
                        histogram_quantile(…)"
                .to_owned());
        }
        Ok(data.result)
    }
}

impl ResultSeries {
    /// Its name and labels, as queries write them.
    pub(super) fn labels(&self) -> String {
        let name = self.metric.get("__name__").map_or("", String::as_str);
        let labels = self.metric.iter().filter(|(label, _)| *label != "__name__");
        let mut text = format!("{name}{{");
        for (index, (label, value)) in labels.enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let _ = write!(text, "{comma}{label}={value:?}");
        }
        text.push('}');
        one_line(&text)
    }
}

/// A message of the server as a part of ours.
pub(super) fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|letter| !letter.is_control()).take(SHOWN_CHARACTERS).collect()
}
