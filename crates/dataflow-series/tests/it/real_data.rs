//! The real data gives the figures that are known of it.

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use dataflow_series::source::{Columns, Trace, TraceRequest, open, write_columns};
use dataflow_series::{Fill, Step, Unit, open_decompressed};

use super::{Files, data_folder};

/// Unpacks a file of a `.tar.bz2` into `files`.
fn unpack(archive: &Path, name: &str, files: &Files) -> String {
    let mut archive = tar::Archive::new(open_decompressed(archive).expect("the archive opens"));
    for entry in archive.entries().expect("the archive can be read") {
        let mut entry = entry.expect("an archive entry");
        if entry.path().expect("an entry's path").file_name().is_some_and(|found| found == name) {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("the entry can be read");
            return files.add(name, content);
        }
    }
    panic!("the archive holds no {name}");
}

fn requests(path: &str, interval: Step, silence_as_gap: Option<Step>) -> Trace {
    let request = TraceRequest {
        start: Some("1995-07-01T04:00:00Z".parse().expect("an instant")),
        interval: Some(interval),
        measure: Some(Unit::Requests),
        silence_as_gap,
        ..TraceRequest::from_input(path)
    };
    open(&request).expect("the workload can be read")
}

#[test]
fn nasa_requests_per_second() {
    let Some(data) = data_folder("nasa_requests_per_second") else { return };
    let files = Files::new();
    let path = unpack(&data.join("nasa_requests_per_second.tar.bz2"), "workload.txt", &files);
    let begin = Instant::now();
    let seconds = requests(&path, Step::SECOND, None).observed;
    eprintln!("{} numbers read in {:?}", seconds.len(), begin.elapsed());
    assert_eq!((seconds.total(), seconds.len() / 60), (3_461_610.0, 84_332));
    assert_eq!(seconds.values().flatten().fold(0.0, f64::max), 20.0);
    let minutes = requests(&path, Step::MINUTE, None);
    assert_eq!((minutes.observed.len(), minutes.observed.missing()), (84_332, 0));

    // The outage of 1–3 August is 135,851 seconds of zeros: 2,264 minutes in a row, whichever way they fall.
    let gapped = requests(&path, Step::MINUTE, Some(Step::HOUR)).observed;
    assert!((2_264..=2_270).contains(&gapped.missing()), "{}", gapped.missing());
    let filled = gapped.fill(Fill::default()).expect("most of it is seen");
    let added = filled.total() - gapped.total();
    // About 38 of 1,405 hours, so about as large a share of the requests.
    assert!((0.01..0.05).contains(&(added / gapped.total())), "{added}");
}

#[test]
fn twitter_requests_per_second() {
    let Some(data) = data_folder("twitter_requests_per_second") else { return };
    let files = Files::new();
    let path = unpack(&data.join("twitter_2021_08_per_second.tar.bz2"), "workload.txt", &files);
    let minutes = requests(&path, Step::MINUTE, None).observed;
    assert_eq!((minutes.len(), minutes.missing()), (31_651, 0));
    assert_eq!(minutes.window(minutes.time(60)..minutes.time(120)).expect("an hour").len(), 60);
}

#[test]
fn access_logs() {
    let Some(data) = data_folder("access_logs") else { return };
    let open_log = |name: &str, measure| {
        let request = TraceRequest { measure, ..TraceRequest::from_input(data.join(name).display().to_string()) };
        open(&request).expect("the log can be read")
    };
    let nasa = open_log("nasa_1995-07-01_first_10001_lines.log.gz", None);
    assert_eq!((nasa.observed.unit(), nasa.observed.total(), nasa.observed.len()), (Unit::Bytes, 197_645_388.0, 75));
    assert_eq!(nasa.observed.start().to_string(), "1995-07-01T04:00:00Z");
    assert_eq!(nasa.notes.len(), 1);
    let note = "1 of 10001 lines was not counted; the first: ";
    assert!(nasa.notes[0].starts_with(note) && nasa.notes[0].contains(".gz:10001: "), "{}", nasa.notes[0]);
    let apache = open_log("apache_combined_2015-05_10000_lines.log.gz", Some(Unit::Requests));
    assert_eq!((apache.observed.total(), apache.observed.len()), (10_000.0, 4_981));
    assert_eq!(apache.traffic.expect("a log has traffic").total().bytes, 2_747_282_740);
}

#[test]
fn what_is_ingested_is_read_as_the_same() {
    let Some(data) = data_folder("what_is_ingested_is_read_as_the_same") else { return };
    let log = data.join("apache_combined_2015-05_10000_lines.log.gz").display().to_string();
    let request = TraceRequest { silence_as_gap: Some(Step::HOUR), ..TraceRequest::from_input(log) };
    let traffic = open(&request).expect("the log can be read").traffic.expect("a log has traffic");
    let files = Files::new();
    let forms: &[&str] = if cfg!(feature = "parquet") { &["csv", "parquet"] } else { &["csv"] };
    for form in forms {
        let path = files.path(&format!("traffic.{form}"));
        write_columns(&Columns::from(&traffic), &path).expect("it can be written");
        for unit in [Unit::Bytes, Unit::Requests] {
            let input = TraceRequest::from_input(path.display().to_string());
            let read = open(&TraceRequest { measure: Some(unit), ..input }).expect("it can be read");
            assert_eq!(Some(read.observed), traffic.series(unit));
        }
    }
    let text = std::fs::read_to_string(files.path("traffic.csv")).expect("it is text");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("time,requests,bytes,success,no_change,redirected,not_found,error"));
    assert_eq!(lines.next().map(|line| line.starts_with("2015-05-17T10:05:00Z,")), Some(true));
}
