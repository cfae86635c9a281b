//! Tables with a column for each of many services: one of them, or all.

use std::fmt::Write as _;
use std::fs;

use crate::{json, run, stderr, stdout};

/// Half a day of minutes of three services, and the host that they run on.
fn wide() -> String {
    let mut table = String::from("time,host,api-orders,api-users,batch\n");
    for minute in 0..720 {
        let (orders, users) = (2_000 + minute * 7 % 900, 500 + minute % 60 * 10);
        let batch = if minute % 240 < 30 { 9_000 } else { 0 };
        let _ = writeln!(table, "2026-11-02T{:02}:{:02}:00Z,web-1,{orders},{users},{batch}", minute / 60, minute % 60);
    }
    table
}

#[test]
fn every_column_is_compared_as_it_is_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("wide.csv"), wide()).expect("written");
    let policies = ["--policies", "fixed,reactive,optimal"];
    let all = json(folder, &[&["compare", "wide.csv", "--each-column"], &policies[..]].concat());
    let columns: Vec<&str> =
        all.as_array().expect("a list").iter().map(|one| one["column"].as_str().unwrap()).collect();
    assert_eq!(columns, ["api-orders", "api-users", "batch"]);
    for one in all.as_array().expect("a list") {
        let column = one["column"].as_str().expect("a name");
        let alone = json(folder, &[&["compare", "wide.csv", "--column", column], &policies[..]].concat());
        assert_eq!((&one["runs"], &one["bound"]), (&alone["runs"], &alone["bound"]), "{column}");
    }
    let table = stdout(folder, &[&["compare", "wide.csv", "--each-column=api-*"], &policies[..]].concat());
    assert!(table.contains("api-users") && !table.contains("batch") && table.contains("2 columns"), "{table}");
    let csv = stdout(folder, &[&["compare", "wide.csv", "--each-column", "--format", "csv"], &policies[..]].concat());
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 1 + 3 * 3);
    assert!(rows[0].starts_with("column,policy,total,") && rows[9].starts_with("batch,optimal,"), "{csv}");
}

#[test]
fn columns_that_are_not_there_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("wide.csv"), wide()).expect("written");
    fs::write(folder.join("numbers.txt"), "1\n2\n3\n").expect("written");
    for (arguments, words) in [
        (
            &["compare", "wide.csv", "--each-column=web*"][..],
            "fits no column; the columns are api-orders, api-users, batch",
        ),
        (&["compare", "wide.csv", "--each-column=["], "--each-column=["),
        (&["compare", "numbers.txt", "--each-column"], "is no table"),
        (&["compare", "--each-column"], "is no table"),
        (&["compare", "numbers.txt", "--column", "batch"], "is no table"),
        (&["compare", "--column", "batch"], "is no table"),
        (&["compare", "-", "--each-column"], "can be read once only"),
        (&["compare", "wide.csv", "--each-column", "--plot", "costs.svg"], "cannot be used with"),
        (&["compare", "wide.csv", "--column", "api-user"], "did you mean api-users?"),
    ] {
        let output = run(folder, arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(words), "{arguments:?}: {message}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn columns_of_parquet_files_are_compared_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let line = |minute: u32| {
        let time = format!("02/Nov/2026:{:02}:{:02}:00 +0000", minute / 60, minute % 60);
        format!("host - - [{time}] \"GET / HTTP/1.1\" 200 {}\n", 1_000 + minute % 500)
    };
    fs::write(folder.join("access.log"), (0..600).map(line).collect::<String>()).expect("written");
    stdout(folder, &["ingest", "access.log", "-o", "traffic.parquet"]);
    let pattern = "--each-column=[rb]*";
    let all = json(folder, &["compare", "traffic.parquet", pattern, "--policies", "fixed,reactive"]);
    let columns: Vec<&str> =
        all.as_array().expect("a list").iter().map(|one| one["column"].as_str().unwrap()).collect();
    assert_eq!(columns, ["requests", "bytes", "redirected"]);
}
