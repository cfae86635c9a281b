//! Named data sets of others: where they are, what is known of them, and the folder that keeps those fetched.

mod download;
mod fetch;
#[cfg(feature = "hub")]
mod hub;

use std::fs;
use std::path::{Path, PathBuf};

use dataflow_series::did_you_mean;
use serde::{Deserialize, Serialize};

use crate::Variables;
pub use fetch::{Event, FetchError, FetchOptions, fetch};

/// What a trace begins with that is a data set.
pub const PREFIX: &str = "data:";
/// Names the folder.
const VARIABLE: &str = "DATAFLOW_DATA_DIR";

const ARCHIVE: &str = "Internet Traffic Archive, Lawrence Berkeley National Laboratory";
const ARCHIVE_PAGE: &str = "https://ita.ee.lbl.gov/html/contrib/NASA-HTTP.html";
const ARCHIVE_LICENCE: &str = "may be freely redistributed";
const HUB: &str = "Hugging Face hub, data set zinzinmit/Fomokaguya2026";
const HUB_PAGE: &str = "https://huggingface.co/datasets/zinzinmit/Fomokaguya2026";
const HUB_REPOSITORY: &str = "zinzinmit/Fomokaguya2026";
const HUB_LICENCE: &str = "see its page";

/// A file that can be fetched by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataSet {
    /// The name it is asked for by.
    pub name: &'static str,
    /// What it holds.
    pub title: &'static str,
    /// Who keeps it.
    pub source: &'static str,
    /// Where it is described.
    pub page: &'static str,
    /// Whether it may be used and passed on.
    pub licence: &'static str,
    /// Size in bytes when unpacked, where it is known.
    pub unpacked_bytes: Option<u64>,
    /// Number of lines, an unfinished last one included, where it is known.
    pub lines: Option<u64>,
    /// SHA-256 of the unpacked content in hexadecimal digits, where it is known.
    pub sha256: Option<&'static str>,
    /// The file, below the folder of all and below a mirror's address.
    pub file: &'static str,
    #[serde(skip)]
    place: Place,
}

/// Where a data set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At a web address.
    Web(&'static str),
    /// In a data set of this name on the Hugging Face hub.
    Hub(&'static str),
}

/// What every log of the archive has.
const NASA: DataSet = DataSet {
    name: "",
    title: "",
    source: ARCHIVE,
    page: ARCHIVE_PAGE,
    licence: ARCHIVE_LICENCE,
    unpacked_bytes: None,
    lines: None,
    sha256: None,
    file: "",
    place: Place::Web(""),
};

/// What every file on the hub has.
const FOMOKAGUYA: DataSet =
    DataSet { source: HUB, page: HUB_PAGE, licence: HUB_LICENCE, place: Place::Hub(HUB_REPOSITORY), ..NASA };

/// Every data set.
pub const ALL: [DataSet; 7] = [
    DataSet {
        name: "nasa-jul95",
        title: "access log of the NASA Kennedy Space Center, July 1995 (clocks at UTC−4)",
        unpacked_bytes: Some(205_242_369),
        lines: Some(1_891_715),
        sha256: Some("fcfcafcd0d8e9aeb02e771a51ab19abdc443eed3021b5c05475cfb5b36909c7e"),
        file: "NASA_access_log_Jul95.gz",
        place: Place::Web("https://ita.ee.lbl.gov/traces/NASA_access_log_Jul95.gz"),
        ..NASA
    },
    DataSet {
        name: "nasa-aug95",
        title: "the same, August 1995, with no record from 1 August 14:52 to 3 August 04:36",
        lines: Some(1_569_898),
        file: "NASA_access_log_Aug95.gz",
        place: Place::Web("https://ita.ee.lbl.gov/traces/NASA_access_log_Aug95.gz"),
        ..NASA
    },
    DataSet {
        name: "fomokaguya-original-train",
        title: "both NASA logs, lines to learn from",
        file: "original/train.txt",
        ..FOMOKAGUYA
    },
    DataSet {
        name: "fomokaguya-original-test",
        title: "both NASA logs, lines to judge by",
        file: "original/test.txt",
        ..FOMOKAGUYA
    },
    DataSet {
        name: "fomokaguya-processed-train",
        title: "the fields of the lines to learn from",
        file: "processed/train.csv",
        ..FOMOKAGUYA
    },
    DataSet {
        name: "fomokaguya-processed-test",
        title: "the fields of the lines to judge by",
        file: "processed/test.csv",
        ..FOMOKAGUYA
    },
    DataSet {
        name: "fomokaguya-visualization",
        title: "what the reference project draws",
        file: "processed/for_visualization.csv",
        ..FOMOKAGUYA
    },
];

/// What was fetched, as it is kept beside the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// Where it is from, without credentials.
    pub from: String,
    /// When it was fetched.
    pub at: jiff::Timestamp,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Size of its content in bytes.
    pub unpacked_bytes: u64,
    /// Number of lines, an unfinished last one included.
    pub lines: u64,
    /// SHA-256 of its content in hexadecimal digits.
    pub sha256: String,
}

impl DataSet {
    /// The data set of a name.
    ///
    /// # Errors
    /// When there is none, with the one that was likely meant.
    pub fn named(name: &str) -> Result<&'static Self, String> {
        const SETS: &[DataSet] = &ALL;
        let names = || SETS.iter().map(|set| set.name);
        SETS.iter().find(|set| set.name == name).ok_or_else(|| {
            let meant = did_you_mean(name, names());
            format!("there is no data set {name:?}{meant}; there are {}", names().collect::<Vec<_>>().join(", "))
        })
    }

    /// Where it is fetched from by itself.
    pub fn address(&self) -> String {
        match self.place {
            Place::Web(url) => url.to_owned(),
            Place::Hub(repository) => format!("hf://datasets/{repository}/{}", self.file),
        }
    }

    /// Whether fetching it from where it is needs the cargo feature `hub`, and this build lacks it.
    pub const fn lacks_feature(&self) -> bool {
        matches!(self.place, Place::Hub(_)) && !cfg!(feature = "hub")
    }

    /// Whether anything is known that what was fetched can be compared with.
    pub const fn is_known(&self) -> bool {
        self.sha256.is_some() || self.unpacked_bytes.is_some() || self.lines.is_some()
    }

    /// Its place in the folder of all data sets.
    fn path_in(&self, folder: &Path) -> PathBuf {
        match self.place {
            Place::Web(_) => folder.join(self.file),
            Place::Hub(_) => folder.join("fomokaguya2026").join(self.file),
        }
    }
}

/// The folder of all data sets fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// This folder.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The user's: `DATAFLOW_DATA_DIR`, else `dataflow` in the folder that the system has for data of programs.
    ///
    /// # Errors
    /// When the system names no such folder.
    pub fn of_user(variables: &Variables) -> Result<Self, String> {
        let path = |name: &str| variables.get(name).map(PathBuf::from);
        if let Some(folder) = path(VARIABLE) {
            return Ok(Self(folder));
        }
        let base = if cfg!(windows) {
            path("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            path("HOME").map(|home| home.join("Library/Application Support"))
        } else {
            let named = path("XDG_DATA_HOME").filter(|path| path.is_absolute());
            named.or_else(|| path("HOME").map(|home| home.join(".local/share")))
        };
        let base = base.ok_or_else(|| format!("the system names no folder for data; name one in {VARIABLE}"))?;
        Ok(Self(base.join("dataflow")))
    }

    /// Where a data set is, fetched or not.
    pub fn path(&self, set: &DataSet) -> PathBuf {
        set.path_in(&self.0)
    }

    /// Where a data set is that was fetched.
    ///
    /// # Errors
    /// When it was not, with the command that does it.
    pub fn fetched_path(&self, set: &DataSet) -> Result<PathBuf, String> {
        let path = self.path(set);
        if path.is_file() {
            return Ok(path);
        }
        Err(format!("is not in {}; fetch it with `dataflow data fetch {}`", self.0.display(), set.name))
    }

    /// What is known of a data set that was fetched; `None` where it was not, or its record is lost.
    pub fn record(&self, set: &DataSet) -> Option<Fetched> {
        let path = self.fetched_path(set).ok()?;
        serde_json::from_slice(&fs::read(beside(&path, "json")).ok()?).ok()
    }
}

/// A file beside another, with a further ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_are_found_and_slips_told() {
        for set in &ALL {
            assert_eq!(DataSet::named(set.name), Ok(set));
        }
        let problem = DataSet::named("nasa-jul96").unwrap_err();
        assert!(problem.contains("did you mean nasa-jul95?"), "{problem}");
    }

    #[test]
    fn files_are_apart() {
        let folder = Folder::at("/data");
        let mut paths: Vec<PathBuf> = ALL.iter().map(|set| folder.path(set)).collect();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), ALL.len());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_folder_is_the_one_named_or_that_of_the_system() {
        let folder = |pairs: &[(&str, &str)]| Folder::of_user(&variables(pairs)).map(|folder| folder.0);
        assert_eq!(folder(&[("HOME", "/home/me")]), Ok("/home/me/.local/share/dataflow".into()));
        assert_eq!(folder(&[("HOME", "/home/me"), ("XDG_DATA_HOME", "/data")]), Ok("/data/dataflow".into()));
        assert_eq!(folder(&[("XDG_DATA_HOME", "/data"), ("DATAFLOW_DATA_DIR", "here")]), Ok("here".into()));
        assert!(folder(&[]).unwrap_err().contains("DATAFLOW_DATA_DIR"));
    }
}
