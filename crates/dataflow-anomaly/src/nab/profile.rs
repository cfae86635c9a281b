//! What catches, misses and false alarms count for different users.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The weights of one kind of user.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// As the benchmark names it.
    pub name: String,
    /// Of a window caught.
    pub true_positive: f64,
    /// Of an alarm outside windows.
    pub false_positive: f64,
    /// Of a window missed.
    pub false_negative: f64,
}

/// The profiles of a corpus cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("expected {{\"NAME\": {{\"CostMatrix\": {{\"tpWeight\", \"fpWeight\", \"fnWeight\"}}}}}}: {0}")]
pub struct ProfilesError(serde_json::Error);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    cost_matrix: CostMatrix,
}

#[derive(Deserialize)]
struct CostMatrix {
    #[serde(rename = "tpWeight")]
    true_positive: f64,
    #[serde(rename = "fpWeight")]
    false_positive: f64,
    #[serde(rename = "fnWeight")]
    false_negative: f64,
}

impl Profile {
    /// The benchmark's three: standard, few false alarms, few misses.
    pub fn published() -> [Self; 3] {
        let profile = |name: &str, false_positive, false_negative| Self {
            name: name.to_owned(),
            true_positive: 1.0,
            false_positive,
            false_negative,
        };
        [
            profile("standard", 0.11, 1.0),
            profile("reward_low_FP_rate", 0.22, 1.0),
            profile("reward_low_FN_rate", 0.11, 2.0),
        ]
    }

    /// Reads the benchmark's `config/profiles.json`; those of its three names, in their order, then any others.
    ///
    /// # Errors
    /// When the text is no such file.
    pub fn parse(text: &str) -> Result<Vec<Self>, ProfilesError> {
        let mut entries: BTreeMap<String, Entry> = serde_json::from_str(text).map_err(ProfilesError)?;
        let first = Self::published().into_iter().filter_map(|profile| entries.remove_entry(&profile.name));
        let first: Vec<(String, Entry)> = first.collect();
        let profile = |(name, Entry { cost_matrix }): (String, Entry)| Self {
            name,
            true_positive: cost_matrix.true_positive,
            false_positive: cost_matrix.false_positive,
            false_negative: cost_matrix.false_negative,
        };
        Ok(first.into_iter().chain(entries).map(profile).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read() {
        let text = r#"{"mine": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 3.0, "fpWeight": 0.5, "tnWeight": 1.0}},
            "standard": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 1.0, "fpWeight": 0.11, "tnWeight": 1.0}}}"#;
        let profiles = Profile::parse(text).unwrap();
        assert_eq!(profiles[0], Profile::published()[0]);
        assert_eq!((profiles[1].name.as_str(), profiles[1].false_negative), ("mine", 3.0));
        assert!(Profile::parse("{\"standard\": 1}").unwrap_err().to_string().contains("CostMatrix"));
    }
}
