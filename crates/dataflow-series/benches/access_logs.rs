//! How fast access logs are read: bytes of log per second, by format and number of threads.
//!
//! The lines are those of the data folder (environment variable `DATAFLOW_DATA`, else `../shared/data` beside the
//! project) where it is there, else generated ones of the same form.

use std::fs::File;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use dataflow_series::decompress;
use dataflow_series::explore::{Exploration, explore_logs};
use dataflow_series::log::{LogInput, Options, parse_line, read_logs};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};

const BYTES: usize = 64 * 1024 * 1024;

fn main() {
    divan::main();
}

#[divan::bench(args = [1, 2])]
fn common(bencher: Bencher<'_, '_>, threads: usize) {
    read(bencher, &common_lines(), threads);
}

#[divan::bench(args = [1, 2])]
fn combined(bencher: Bencher<'_, '_>, threads: usize) {
    read(bencher, &combined_lines(), threads);
}

#[divan::bench(args = [1, 2])]
fn json(bencher: Bencher<'_, '_>, threads: usize) {
    let line = |index: u32| {
        let (minute, second) = (index / 60 % 60, index % 60);
        format!(
            "{{\"time\":\"2024-05-17T10:{minute:02}:{second:02}+00:00\",\"remote_addr\":\"10.0.0.{}\",\"request\":\"GET /a/{index} HTTP/1.1\",\"status\":200,\"body_bytes_sent\":{}}}\n",
            index % 256,
            index * 7 % 100_000
        )
    };
    read(bencher, &(0..10_000).map(line).collect::<String>().into_bytes(), threads);
}

/// What logs tell besides their traffic, to be seen beside `common` and `combined`: the aim is twice their time.
#[divan::bench(args = [1, 2])]
fn explore_common(bencher: Bencher<'_, '_>, threads: usize) {
    explore(bencher, &common_lines(), threads);
}

#[divan::bench(args = [1, 2])]
fn explore_combined(bencher: Bencher<'_, '_>, threads: usize) {
    explore(bencher, &combined_lines(), threads);
}

/// Single lines with all their fields.
#[divan::bench]
fn fields(bencher: Bencher<'_, '_>) {
    let text = combined_lines();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| text.split(|byte| *byte == b'\n').filter_map(|line| parse_line(black_box(line)).ok()).count());
}

fn read(bencher: Bencher<'_, '_>, lines: &[u8], threads: usize) {
    let text = lines.repeat(BYTES / lines.len());
    let options = Options { threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN), ..Options::default() };
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| read_logs([Ok(LogInput::new("bench", black_box(&text[..])))], &options).map(|all| all.total()));
}

fn explore(bencher: Bencher<'_, '_>, lines: &[u8], threads: usize) {
    let text = lines.repeat(BYTES / lines.len());
    let options = Options { threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN), ..Options::default() };
    bencher.counter(BytesCount::new(text.len())).bench_local(|| {
        let inputs = [Ok(LogInput::new("bench", black_box(&text[..])))];
        explore_logs(inputs, &options, &Exploration::default()).map(|(traffic, _)| traffic.total())
    });
}

fn common_lines() -> Vec<u8> {
    real("nasa_1995-07-01_first_10001_lines.log.gz").unwrap_or_else(|| generated(""))
}

fn combined_lines() -> Vec<u8> {
    real("apache_combined_2015-05_10000_lines.log.gz")
        .unwrap_or_else(|| generated(" \"http://example.com/start\" \"Mozilla/5.0 (X11; Linux x86_64) Firefox/115.0\""))
}

fn real(name: &str) -> Option<Vec<u8>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("DATAFLOW_DATA").map_or_else(beside, PathBuf::from);
    let (_, mut reader) = decompress(name, File::open(folder.join(name)).ok()?).ok()?;
    let mut lines = Vec::new();
    reader.read_to_end(&mut lines).ok()?;
    if !lines.ends_with(b"\n") {
        lines.push(b'\n');
    }
    Some(lines)
}

/// Ten thousand lines over some hours, with the real ones' mean length.
fn generated(tail: &str) -> Vec<u8> {
    let line = |index: u32| {
        let (hour, minute, second) = (index / 1400, index / 23 % 60, index * 7 % 60);
        let scattered = index.wrapping_mul(2_654_435_761);
        let (host, size) = (scattered % 997, scattered % 60_000);
        let status = if index.is_multiple_of(9) { 304 } else { 200 };
        format!(
            "host{host}.example.com - - [01/Jul/1995:{hour:02}:{minute:02}:{second:02} -0400] \"GET /shuttle/missions/{host}/picture.gif HTTP/1.0\" {status} {size}{tail}\n"
        )
    };
    (0..10_000).map(line).collect::<String>().into_bytes()
}
