//! Where places elsewhere are told who asks: variables of the environment, and of a `.env` file below them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Variables by name: those of the environment, and of `.env` in the working folder where the environment has none.
/// Their values may be secret, so they are not shown.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Reads both. Lines of `.env` that are none, and values that are not text, are left to those who use them.
    pub fn read() -> Self {
        let file = dotenvy::from_path_iter(Path::new(".env")).into_iter().flatten().flatten();
        let environment = std::env::vars_os();
        let texts = environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self(file.chain(texts).collect())
    }

    /// The value of a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All of them, in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_shown() {
        let variables = Variables::from_iter([("TOKEN".to_owned(), "secret".to_owned())]);
        assert_eq!((variables.get("TOKEN"), variables.get("OTHER")), (Some("secret"), None));
        assert_eq!(format!("{variables:?}"), r#"{"TOKEN"}"#);
    }
}
