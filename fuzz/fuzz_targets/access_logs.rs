//! Any bytes read as an access log: nothing panics, and the counting of whole logs agrees with the reading of single
//! lines.
#![no_main]

use std::io::{Cursor, Read};

use dataflow_series::log::{LogError, LogInput, Malformed, Options, Row, parse_line, read_logs, recognise};
use dataflow_series::{Compression, decompress};
use libfuzzer_sys::fuzz_target;

/// A few bytes can be the compressed form of gigabytes.
const DECOMPRESSED_BYTES_MAX: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Ok((compression, reader)) = decompress("fuzz", Cursor::new(data.to_vec())) else { return };
    let mut text = Vec::new();
    if reader.take(DECOMPRESSED_BYTES_MAX).read_to_end(&mut text).is_err() {
        assert_ne!(compression, Compression::Plain, "only damaged compressed data cannot be read");
        return;
    }
    // Threads cost far more than so few lines: most runs are on one.
    agree(&text, if text.len().is_multiple_of(8) { 3 } else { 1 });
});

fn agree(text: &[u8], threads: usize) {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let parsed: Vec<_> = lines.iter().map(|line| parse_line(line.strip_suffix(b"\n").unwrap_or(line))).collect();
    let accepted: Vec<_> = parsed.iter().flatten().collect();
    assert_eq!(recognise(text), accepted.first().map(|record| record.format));

    let options = Options { threads: threads.try_into().unwrap(), ..Options::default() };
    let traffic = match read_logs([Ok(LogInput::new("fuzz", text))], &options) {
        Ok(traffic) => traffic,
        Err(LogError::Empty { .. }) => return assert!(lines.is_empty()),
        Err(LogError::NoValidLine { lines: count, .. }) => {
            return assert!(accepted.is_empty() && count == lines.len() as u64);
        }
        // A few lines can lie millennia apart.
        Err(LogError::TooManyIntervals { .. }) => return assert!(accepted.len() > 1),
        Err(error) => panic!("{error}"),
    };
    for (reason, count) in traffic.rejected().by_reason().filter(|(reason, _)| *reason != Malformed::FarTime) {
        let told = parsed.iter().filter(|line| line.as_ref().err() == Some(&reason)).count();
        assert_eq!(count, told as u64, "{reason}");
    }
    let far = traffic.rejected().by_reason().find(|(reason, _)| *reason == Malformed::FarTime).map_or(0, |(_, n)| n);
    let Row { requests, bytes, .. } = traffic.total();
    assert_eq!(requests + far, accepted.len() as u64);
    assert_eq!(traffic.rejected().total() - far, (lines.len() - accepted.len()) as u64);
    let sizes: u64 = accepted.iter().map(|record| record.size).sum();
    assert!(if far == 0 { bytes == sizes } else { bytes <= sizes });
    let rows: u64 = traffic.rows().filter_map(|(_, row)| row).map(|row| row.requests).sum();
    assert_eq!(rows, requests);
}
