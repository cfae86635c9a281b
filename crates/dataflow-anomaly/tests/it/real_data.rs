//! The outage of the NASA log, of which all of its readers tell, is found as one.

use std::io::Read as _;
use std::path::PathBuf;

use dataflow_anomaly::{DetectorSettings, DetectorSpec, Kind, Watch};
use dataflow_series::{Step, open_decompressed};
use jiff::{SignedDuration, Timestamp};

const ARCHIVE: &str = "nasa_requests_per_second.tar.bz2";
const MINUTES: usize = 5;
/// July ends at this second of the file; the outage lasts from 14:52 on 1 August to 04:36 on 3 August.
const AUGUST: usize = 2_381_545;
const OUTAGE: (usize, usize) = (AUGUST + 14 * 3_600 + 52 * 60, AUGUST + 2 * 86_400 + 4 * 3_600 + 36 * 60);

/// Requests per five minutes; `None` where the data is not at hand.
fn requests() -> Option<Vec<f64>> {
    let archive = PathBuf::from(std::env::var_os("DATAFLOW_DATA")?).join(ARCHIVE);
    let mut archive = tar::Archive::new(open_decompressed(&archive).ok()?);
    for entry in archive.entries().expect("the archive can be read") {
        let mut entry = entry.expect("an archive entry");
        if entry.path().expect("an entry's path").file_name().is_some_and(|name| name == "workload.txt") {
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("the workload is text");
            let seconds: Vec<f64> = text.split_whitespace().map(|count| count.parse().expect("a count")).collect();
            return Some(seconds.chunks_exact(60 * MINUTES).map(|part| part.iter().sum()).collect());
        }
    }
    panic!("the archive holds no workload.txt");
}

#[test]
fn the_outage_of_august_is_found_whatever_the_detector() {
    let Some(loads) = requests() else {
        eprintln!(
            "SKIPPED the_outage_of_august_is_found_whatever_the_detector: set DATAFLOW_DATA to a folder with {ARCHIVE}"
        );
        return;
    };
    let settings = DetectorSettings::new(Step::from_seconds(60 * MINUTES as u32).expect("a step"));
    for spec in [DetectorSpec::SeasonalMad, DetectorSpec::ForecastResidual, DetectorSpec::ZScore] {
        let mut detector = spec.build(&settings);
        let mut watch = Watch::new(&settings, detector.threshold());
        let mut said = Vec::new();
        for (index, load) in loads.iter().enumerate() {
            let time = Timestamp::UNIX_EPOCH + SignedDuration::from_secs((60 * MINUTES * index) as i64);
            let score = detector.score(time, Some(*load));
            said.push(watch.next(time, Some(*load), score).kind);
        }
        let (from, to) = (OUTAGE.0.div_ceil(60 * MINUTES), OUTAGE.1 / (60 * MINUTES));
        let outages: Vec<_> = watch.finish().into_iter().filter(|episode| episode.kind == Kind::Outage).collect();
        let found = outages.iter().find(|outage| outage.intervals.contains(&usize::midpoint(from, to)));
        let found = found.unwrap_or_else(|| panic!("{spec}: {outages:?}"));
        // In its last hour a few requests came and went.
        let is_near = found.intervals.start.abs_diff(from) <= 2 && found.intervals.end.abs_diff(to) <= 12;
        assert!(is_near, "{spec}: {found:?}, not {from}..{to}");
        let known = said[from..].iter().position(|kind| *kind == Some(Kind::Outage));
        assert!(known.is_some_and(|after| after <= 6), "{spec}: known after {known:?} intervals");
    }
}
