//! The real trace, per minute, with its calendar repaired.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use dataflow_series::{Observed, Step, Unit};

const DAY: usize = 86_400;
/// The July log ends at this second of the file (28 July 13:32:25), and that of August follows directly.
const JULY_SECONDS: usize = 2_381_545;

/// Counts per minute from 1 July 1995, local midnight, to 31 August, and where the outage lies.
pub(super) struct Trace {
    pub(super) minutes: Observed,
    outage_first_second: usize,
    outage_seconds: usize,
}

impl Trace {
    /// Reads the archive of one file of numbers: requests per second, both months after each other.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut seconds = calendar(&read_numbers(path).with_context(|| format!("cannot read {}", path.display()))?)?;
        let (outage_first_second, outage_seconds) = longest_zeros(&seconds);
        seconds[outage_first_second..outage_first_second + outage_seconds].fill(None);
        let start = "1995-07-01T04:00:00Z".parse()?;
        let minutes = Observed::new(start, Step::SECOND, Unit::Requests, seconds)?.resample(Step::MINUTE)?;
        Ok(Self { minutes, outage_first_second, outage_seconds })
    }

    /// The outage's figures.
    pub(super) fn outage(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "OUTAGE_FIRST_MINUTE: {}", self.outage_first_second / 60);
        let _ = writeln!(text, "OUTAGE_MINUTES: {}", self.outage_seconds / 60);
        text
    }
}

/// The numbers of the one file in an archive.
pub(crate) fn read_numbers(path: &Path) -> Result<Vec<f64>> {
    let mut archive = tar::Archive::new(bzip2::read::BzDecoder::new(File::open(path)?));
    let mut text = String::new();
    archive.entries()?.next().context("the archive is empty")??.read_to_string(&mut text)?;
    let numbers = text.split_ascii_whitespace().map(|number| number.parse().with_context(|| number.to_owned()));
    numbers.collect()
}

/// Puts the seconds where they were: July from its first second, August from its own midnight, nothing between.
fn calendar(file: &[f64]) -> Result<Vec<Option<f64>>> {
    ensure!(file.len() > JULY_SECONDS, "expected two months of seconds, found {}", file.len());
    let (july, august) = file.split_at(JULY_SECONDS);
    let mut seconds = vec![None; 62 * DAY];
    for (second, count) in seconds.iter_mut().zip(july) {
        *second = Some(*count);
    }
    for (second, count) in seconds[31 * DAY..].iter_mut().zip(august) {
        *second = Some(*count);
    }
    if seconds.iter().all(Option::is_none) {
        bail!("the trace holds nothing");
    }
    Ok(seconds)
}

/// First index and length of the longest run of zeros.
fn longest_zeros(seconds: &[Option<f64>]) -> (usize, usize) {
    let (mut longest, mut first) = ((0, 0), 0);
    for (index, count) in seconds.iter().enumerate() {
        if *count == Some(0.0) {
            if index + 1 - first > longest.1 {
                longest = (first, index + 1 - first);
            }
        } else {
            first = index + 1;
        }
    }
    longest
}
