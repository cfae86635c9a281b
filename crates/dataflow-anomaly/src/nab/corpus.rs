//! Reads a folder laid out as the benchmark is: `data/GROUP/NAME.csv`, `labels/combined_windows.json` and, if it is
//! there, `config/profiles.json`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use dataflow_series::Step;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::profile::{Profile, ProfilesError};
use crate::detector::DetectorSettings;

const WINDOWS: &str = "labels/combined_windows.json";
const PROFILES: &str = "config/profiles.json";
const PROBATION: f64 = 0.15;
/// Longer series have no longer probation than one of so many rows.
const PROBATION_ROWS: f64 = 5_000.0;

/// Series with the windows in which something was wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Corpus {
    /// In the order of their paths.
    pub series: Vec<LabelledSeries>,
    /// How they are judged.
    pub profiles: Vec<Profile>,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledSeries {
    /// `GROUP/NAME.csv`.
    pub path: String,
    /// In the order of the file.
    pub rows: Vec<Row>,
    windows: Vec<RangeInclusive<usize>>,
}

/// One row of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// As it stands in the file.
    pub stamp: String,
    /// As it stands in the file.
    pub text: String,
    /// The stamp, taken as UTC.
    pub time: Timestamp,
    /// None where there is none.
    pub value: Option<f64>,
}

/// Why a folder cannot be scored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// A file or folder cannot be read.
    #[error("{}: {problem}; a folder in the benchmark's layout has data/GROUP/NAME.csv and {WINDOWS}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        problem: std::io::Error,
    },
    /// There is nothing to score.
    #[error("{}: no data/GROUP/NAME.csv that {WINDOWS} names", .0.display())]
    Empty(PathBuf),
    /// A row is not `timestamp,value`.
    #[error("data/{path}, line {line}: expected \"YYYY-MM-DD HH:MM:SS,VALUE\", found {found:?}")]
    Row {
        /// Which file.
        path: String,
        /// From 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// The windows cannot be read.
    #[error("{WINDOWS}: expected {{\"GROUP/NAME.csv\": [[\"FIRST\", \"LAST\"], …]}}: {0}")]
    Windows(serde_json::Error),
    /// A window begins or ends where its series has no row, or ends before it begins.
    #[error("{WINDOWS}: {path} has no rows from {first} to {last}")]
    Window {
        /// Which file.
        path: String,
        /// As the labels have it.
        first: String,
        /// As the labels have it.
        last: String,
    },
    /// The profiles cannot be read.
    #[error("{PROFILES}: {0}")]
    Profiles(ProfilesError),
}

impl Corpus {
    /// Reads a folder. Series without an entry among the windows are left out, and so are windows of series that are
    /// not there.
    ///
    /// # Errors
    /// When something is missing or is not what its name promises.
    pub fn read(folder: &Path) -> Result<Self, CorpusError> {
        let mut files = BTreeMap::new();
        for name in [WINDOWS, PROFILES] {
            match read_text(&folder.join(name)) {
                Ok(text) => drop(files.insert(name.to_owned(), text)),
                Err(_) if name == PROFILES && !folder.join(name).exists() => {}
                Err(error) => return Err(error),
            }
        }
        let data = folder.join("data");
        for group in entries(&data)?.into_iter().filter(|path| path.is_dir()) {
            for path in entries(&group)? {
                if path.extension().is_some_and(|extension| extension == "csv") {
                    let names = [&group, &path].map(|path| path.file_name().unwrap_or_default().to_string_lossy());
                    files.insert(format!("data/{}/{}", names[0], names[1]), read_text(&path)?);
                }
            }
        }
        Self::from_texts(&files, folder)
    }

    /// The same of texts by their paths; `origin` is for messages.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_texts(files: &BTreeMap<String, String>, origin: &Path) -> Result<Self, CorpusError> {
        let windows = files.get(WINDOWS).map_or("{}", String::as_str);
        let windows: HashMap<String, Vec<[String; 2]>> = serde_json::from_str(windows).map_err(CorpusError::Windows)?;
        let mut series = Vec::new();
        for (name, text) in files {
            let Some(path) = name.strip_prefix("data/") else { continue };
            let Some(windows) = windows.get(path) else { continue };
            series.push(LabelledSeries::parse(path, text, windows)?);
        }
        if series.is_empty() {
            return Err(CorpusError::Empty(origin.to_owned()));
        }
        let profiles = match files.get(PROFILES) {
            Some(text) => Profile::parse(text).map_err(CorpusError::Profiles)?,
            None => Profile::published().to_vec(),
        };
        Ok(Self { series, profiles })
    }

    /// How many windows there are.
    pub fn windows(&self) -> usize {
        self.series.iter().map(|series| series.windows.len()).sum()
    }
}

impl LabelledSeries {
    /// A series with windows of rows, first and last, in any order. Windows that share a row become one, as one alarm
    /// there would catch both; what lies outside of the rows is cut away.
    pub fn new(path: String, rows: Vec<Row>, mut windows: Vec<RangeInclusive<usize>>) -> Self {
        windows.sort_by_key(|window| *window.start());
        let mut apart: Vec<RangeInclusive<usize>> = Vec::with_capacity(windows.len());
        for window in windows {
            let (first, last) = (*window.start(), (*window.end()).min(rows.len().saturating_sub(1)));
            match apart.last_mut() {
                _ if first > last || first >= rows.len() => {}
                Some(before) if first <= *before.end() => *before = *before.start()..=last.max(*before.end()),
                _ => apart.push(first..=last),
            }
        }
        Self { path, rows, windows: apart }
    }

    /// Rows, first and last, in order; no row is in two of them.
    pub fn windows(&self) -> &[RangeInclusive<usize>] {
        &self.windows
    }

    fn parse(path: &str, text: &str, windows: &[[String; 2]]) -> Result<Self, CorpusError> {
        let mut rows = Vec::new();
        for (index, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
            let row = Row::parse(line).ok_or_else(|| CorpusError::Row {
                path: path.to_owned(),
                line: index + 1,
                found: line.chars().take(80).collect(),
            })?;
            rows.push(row);
        }
        let series = Self::new(path.to_owned(), rows, Vec::new());
        let windows = windows.iter().map(|window| series.window(window)).collect::<Result<_, _>>()?;
        Ok(Self::new(series.path, series.rows, windows))
    }

    fn window(&self, [first, last]: &[String; 2]) -> Result<RangeInclusive<usize>, CorpusError> {
        // Where a stamp is repeated, all of its rows are within.
        let first_row = parse_time(first).and_then(|time| self.rows.iter().position(|row| row.time == time));
        let last_row = parse_time(last).and_then(|time| self.rows.iter().rposition(|row| row.time == time));
        match (first_row, last_row) {
            (Some(from), Some(to)) if from <= to => Ok(from..=to),
            _ => Err(CorpusError::Window { path: self.path.clone(), first: first.clone(), last: last.clone() }),
        }
    }

    /// So many rows at the beginning are for learning: they are not scored.
    pub fn probation(&self) -> usize {
        (PROBATION * self.rows.len() as f64).floor().min(PROBATION * PROBATION_ROWS) as usize
    }

    /// What a detector is told: the commonest distance of the first rows, and the probation. Nothing of later rows.
    pub fn settings(&self) -> DetectorSettings {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for pair in self.rows[..self.probation().max(2).min(self.rows.len())].windows(2) {
            let seconds = pair[1].time.as_second() - pair[0].time.as_second();
            if let Some(seconds) = u32::try_from(seconds).ok().filter(|seconds| *seconds > 0) {
                *counts.entry(seconds).or_default() += 1;
            }
        }
        let commonest = counts.into_iter().max_by_key(|(_, count)| *count).map(|(seconds, _)| seconds);
        let step = commonest.and_then(Step::from_seconds).unwrap_or(Step::MINUTE);
        DetectorSettings { probation: self.probation(), ..DetectorSettings::new(step) }
    }
}

impl Row {
    fn parse(line: &str) -> Option<Self> {
        let (stamp, text) = line.split_once(',')?;
        let text = text.trim();
        let value = match text {
            "" => None,
            _ => Some(text.parse::<f64>().ok()?).filter(|value| value.is_finite()),
        };
        Some(Self { stamp: stamp.to_owned(), text: text.to_owned(), time: parse_time(stamp)?, value })
    }
}

fn parse_time(text: &str) -> Option<Timestamp> {
    let time: DateTime = text.trim().parse().ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

fn read_text(path: &Path) -> Result<String, CorpusError> {
    fs::read_to_string(path).map_err(|problem| CorpusError::Io { path: path.to_owned(), problem })
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, CorpusError> {
    let wrong = |problem| CorpusError::Io { path: folder.to_owned(), problem };
    let entries = fs::read_dir(folder).map_err(wrong)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(wrong)).collect()
}
