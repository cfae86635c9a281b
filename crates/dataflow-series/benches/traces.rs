//! How fast traces are read and written: numbers or rows per second, from and to a file.

use std::fs;
use std::path::Path;

use dataflow_series::source::{Columns, TraceRequest, open, write_csv};
use dataflow_series::{Fill, Step};
use divan::Bencher;
use divan::counter::ItemsCount;

const NUMBERS: usize = 5_000_000;
const ROWS: usize = 1_000_000;

fn main() {
    divan::main();
}

/// Plain numbers as one long line.
#[divan::bench(sample_count = 10)]
fn read_numbers(bencher: Bencher<'_, '_>) {
    let text: Vec<String> = (0..NUMBERS).map(|index| (index * 7 % 61).to_string()).collect();
    read(bencher, "numbers.txt", &text.join(" "), NUMBERS);
}

/// One row per interval.
#[divan::bench(sample_count = 10)]
fn read_intervals(bencher: Bencher<'_, '_>) {
    let row = |index: usize| format!("{},{}", instant(60 * index), index % 1_000);
    read(bencher, "intervals.csv", &table("time,value", row), ROWS);
}

/// One row per request.
#[divan::bench(sample_count = 10)]
fn read_requests(bencher: Bencher<'_, '_>) {
    let row = |index: usize| format!("{},{}", instant(index / 10), index * 7 % 100_000);
    read(bencher, "requests.csv", &table("time,size", row), ROWS);
}

#[divan::bench(sample_count = 10)]
fn write(bencher: Bencher<'_, '_>) {
    let columns = Columns::from(year());
    // The standard sink does not even format what it is given.
    let mut text = Vec::new();
    bencher.counter(ItemsCount::new(columns.len())).bench_local(|| {
        text.clear();
        write_csv(&columns, &mut text)
    });
}

/// Filling a year of minutes.
#[divan::bench(sample_count = 10)]
fn fill(bencher: Bencher<'_, '_>) {
    let observed = year();
    bencher.counter(ItemsCount::new(observed.len())).bench_local(|| observed.fill(Fill::Seasonal));
}

fn year() -> dataflow_series::Observed {
    let year = open(&TraceRequest::from_input("synthetic:nasa-like?days=365"));
    year.expect("a year can be made").observed
}

fn instant(second: usize) -> jiff::Timestamp {
    jiff::Timestamp::from_second(804_571_200 + second as i64).expect("in this millennium")
}

fn table(header: &str, row: impl Fn(usize) -> String) -> String {
    let rows: Vec<String> = (0..ROWS).map(row).collect();
    format!("{header}\n{}\n", rows.join("\n"))
}

fn read(bencher: Bencher<'_, '_>, name: &str, text: &str, items: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::write(&path, text).expect("the file can be written");
    bencher.counter(ItemsCount::new(items)).bench_local(|| load(&path));
}

fn load(path: &Path) -> f64 {
    let request = TraceRequest { interval: Some(Step::HOUR), ..TraceRequest::from_input(path.display().to_string()) };
    open(&request).expect("the file can be read").observed.total()
}
