//! Forecasts of whole traces kept on disk, by the hash of everything that they depend on: the history to the last bit,
//! the model and its settings, and this very program. A damaged entry is as good as none.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use dataflow_forecast::{ModelSpec, RollingForecast, RollingSettings, View};
use sha2::{Digest as _, Sha256};

/// Raised whenever entries change their form.
const MAGIC: &[u8] = b"DataFlow forecasts 1\n";
const ENDING: &str = "forecasts";
const CHECKSUM_BYTES: usize = 32;
/// The oldest entries are removed where all of them together are larger.
const BYTES_MAX: u64 = 512 << 20;
/// Names the folder; empty, nothing is kept.
const VARIABLE: &str = "DATAFLOW_CACHE_DIR";

/// A folder of forecasts.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The user's: `DATAFLOW_CACHE_DIR`, else `dataflow` in the folder that the system has for such things; `None` where
    /// there is none, or the variable is empty.
    pub(crate) fn of_user() -> Option<Self> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(folder) = std::env::var_os(VARIABLE) {
            return (!folder.is_empty()).then(|| Self { folder: folder.into() });
        }
        let home = || variable("HOME");
        let base = if cfg!(windows) {
            variable("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            home().map(|home| home.join("Library/Caches"))
        } else {
            variable("XDG_CACHE_HOME")
                .filter(|path| path.is_absolute())
                .or_else(|| home().map(|home| home.join(".cache")))
        };
        base.map(|base| Self { folder: base.join("dataflow") })
    }

    /// The folder, for a message.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.{ENDING}"))
    }

    /// The forecasts of a key; `None` where there are none or they are damaged.
    pub(crate) fn get(&self, key: &str) -> Option<RollingForecast> {
        let path = self.path(key);
        let forecast = decode(&fs::read(&path).ok()?)?;
        // What is used stays longest; where the time cannot be set, it is only removed earlier.
        if let Ok(file) = fs::File::options().append(true).open(&path) {
            let _ = file.set_modified(SystemTime::now());
        }
        Some(forecast)
    }

    /// Keeps forecasts. Where that fails (a full disk, a folder that cannot be written to) they are made again the next
    /// time.
    pub(crate) fn put(&self, key: &str, forecast: &RollingForecast) {
        let kept = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder)?;
            file.write_all(&encode(forecast))?;
            file.persist(self.path(key)).map_err(|error| error.error)?;
            self.remove_oldest(BYTES_MAX)
        };
        let _ = kept();
    }

    /// Removes entries, those longest unused first, until the rest is small enough.
    fn remove_oldest(&self, most: u64) -> std::io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                let metadata = entry.metadata()?;
                entries.push((metadata.modified()?, metadata.len(), path));
            }
        }
        entries.sort();
        let mut bytes: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, size, path) in entries {
            if bytes <= most {
                break;
            }
            fs::remove_file(path)?;
            bytes -= size;
        }
        Ok(())
    }
}

/// The hash of all that forecasts depend on, in hexadecimal digits.
pub(crate) fn key(history: View<'_>, model: ModelSpec, settings: &RollingSettings) -> String {
    let mut hash = Sha256::new();
    // Written with its length, so that nothing can be taken for the end of something else.
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    add(MAGIC);
    add(program().as_bytes());
    add(format!("{model} {settings:?}").as_bytes());
    add(format!("{} {} {:?}", history.start(), history.step(), history.time_zone()).as_bytes());
    add(&bytes_of(history.values()));
    add(&(0..history.len()).map(|interval| u8::from(history.is_missing(interval))).collect::<Vec<u8>>());
    for (name, values) in history.exogenous() {
        add(name.as_bytes());
        add(&bytes_of(values));
    }
    if let Some((parts, loads)) = history.inside() {
        add(&(parts as u64).to_le_bytes());
        add(&bytes_of(loads));
    }
    let mut digits = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// This very program: another build may forecast otherwise.
fn program() -> String {
    let file = std::env::current_exe().and_then(fs::metadata).and_then(|file| Ok((file.len(), file.modified()?)));
    format!("{} {:?}", env!("CARGO_PKG_VERSION"), file.ok())
}

fn bytes_of(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn encode(forecast: &RollingForecast) -> Vec<u8> {
    let mut content = Vec::new();
    let from = forecast.model_from.map_or(u64::MAX, |from| from as u64);
    for count in [forecast.lead as u64, from, forecast.mean.len() as u64, forecast.levels.len() as u64] {
        content.extend(count.to_le_bytes());
    }
    for column in [&forecast.levels, &forecast.mean].into_iter().chain(&forecast.quantiles) {
        content.extend(bytes_of(column));
    }
    [MAGIC, &Sha256::digest(&content), &content].concat()
}

fn decode(bytes: &[u8]) -> Option<RollingForecast> {
    let (checksum, mut content) = bytes.strip_prefix(MAGIC)?.split_at_checked(CHECKSUM_BYTES)?;
    if Sha256::digest(content).as_slice() != checksum {
        return None;
    }
    let mut word = || {
        let (word, rest) = content.split_first_chunk::<8>()?;
        content = rest;
        Some(*word)
    };
    let mut counts = [0_u64; 4];
    for count in &mut counts {
        *count = u64::from_le_bytes(word()?);
    }
    let [lead, from, ticks, levels] = counts;
    let mut column = |length: u64| (0..length).map(|_| word().map(f64::from_le_bytes)).collect::<Option<Vec<f64>>>();
    let levels = column(levels)?;
    let mean = column(ticks)?;
    let quantiles = levels.iter().map(|_| column(ticks)).collect::<Option<_>>()?;
    let model_from = (from != u64::MAX).then_some(from as usize);
    Some(RollingForecast { lead: lead as usize, model_from, mean, levels, quantiles })
}

#[cfg(test)]
mod tests {
    use dataflow_forecast::{History, ModelSettings};
    use dataflow_series::{Fill, Observed, Step, Unit};
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    fn forecast() -> RollingForecast {
        RollingForecast {
            lead: 3,
            model_from: None,
            mean: vec![f64::NAN, 1.5, 2.0],
            levels: vec![0.5, 0.9],
            quantiles: vec![vec![f64::NAN, 1.0, 2.0], vec![0.0, 2.0, 1e300]],
        }
    }

    fn bits(forecast: &RollingForecast) -> Vec<u64> {
        forecast.mean.iter().chain(forecast.quantiles.iter().flatten()).map(|value| value.to_bits()).collect()
    }

    #[test]
    fn what_is_kept_comes_back_bit_for_bit_and_damage_is_told_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache { folder: folder.path().join("made/when/needed") };
        assert!(cache.get("key").is_none());
        cache.put("key", &forecast());
        assert_eq!(bits(&cache.get("key").unwrap()), bits(&forecast()));
        let whole = fs::read(cache.path("key")).unwrap();
        for place in [0, MAGIC.len(), MAGIC.len() + CHECKSUM_BYTES, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            assert!(decode(&damaged).is_none() && decode(&whole[..place]).is_none(), "{place}");
        }
    }

    #[test]
    fn the_oldest_entries_make_room() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache { folder: folder.path().to_owned() };
        for (age, key) in [(300, "oldest"), (200, "older"), (100, "new")] {
            cache.put(key, &forecast());
            let file = fs::File::options().append(true).open(cache.path(key)).unwrap();
            file.set_modified(SystemTime::now() - std::time::Duration::from_secs(age)).unwrap();
        }
        fs::write(folder.path().join("other.txt"), vec![0; 1_000]).unwrap();
        assert!(cache.get("oldest").is_some(), "now it was used last");
        let one = fs::metadata(cache.path("new")).unwrap().len();
        cache.remove_oldest(2 * one).unwrap();
        assert!(cache.get("older").is_none() && cache.get("oldest").is_some() && cache.get("new").is_some());
        assert!(folder.path().join("other.txt").exists());
    }

    #[test]
    fn whatever_forecasts_depend_on_is_in_the_key() {
        let zone = TimeZone::UTC;
        let history = |first: f64| {
            let loads = [Some(first), Some(2.0), Some(3.0)];
            let observed = Observed::new(Timestamp::UNIX_EPOCH, Step::MINUTE, Unit::Requests, loads).unwrap();
            History::new(observed.fill(Fill::Zero).unwrap())
        };
        let settings = |seed: u64, lead: usize| RollingSettings {
            lead,
            observe_current: false,
            levels: vec![0.5],
            model: ModelSettings { seed, ..ModelSettings::default() },
        };
        let marked = history(1.0).with_missing(vec![false, true, false]).unwrap();
        let inside = history(1.0).with_inside(2, vec![0.5; 6]).unwrap();
        let keys = [
            key(history(1.0).view(&zone), ModelSpec::Ridge, &settings(1, 3)),
            key(history(1.5).view(&zone), ModelSpec::Ridge, &settings(1, 3)),
            key(history(1.0).view(&zone), ModelSpec::Naive, &settings(1, 3)),
            key(history(1.0).view(&zone), ModelSpec::Ridge, &settings(2, 3)),
            key(history(1.0).view(&zone), ModelSpec::Ridge, &settings(1, 4)),
            key(marked.view(&zone), ModelSpec::Ridge, &settings(1, 3)),
            key(inside.view(&zone), ModelSpec::Ridge, &settings(1, 3)),
            key(history(1.0).view(&TimeZone::fixed(jiff::tz::offset(1))), ModelSpec::Ridge, &settings(1, 3)),
        ];
        for (place, one) in keys.iter().enumerate() {
            assert_eq!(one.len(), 64);
            assert!(!keys[..place].contains(one), "{place}");
        }
        assert_eq!(keys[0], key(history(1.0).view(&zone), ModelSpec::Ridge, &settings(1, 3)));
    }
}
