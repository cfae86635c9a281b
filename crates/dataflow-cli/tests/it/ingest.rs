//! `dataflow ingest`: the columns that scripts rely on, what is told of lines not counted, bad input and interrupts.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::{command, names, run, stderr, stdout};

const LOG: &str = concat!(
    "199.72.81.55 - - [01/Jul/1995:00:00:01 -0400] \"GET /history/apollo/ HTTP/1.0\" 200 6245\n",
    "host.a - - [01/Jul/1995:00:02:00 -0400] \"GET /a\"b HTTP/1.0\" 404 -\n",
    "rubbish\n",
    "host.b - John Doe [01/Jul/1995:00:02:59 -0400] \"GET /c HTTP/1.0\" 304 0\n",
);
const SERIES: &str = concat!(
    "time,requests,bytes,success,no_change,redirected,not_found,error\n",
    "1995-07-01T04:00:00Z,1,6245,1,0,0,0,0\n",
    "1995-07-01T04:01:00Z,0,0,0,0,0,0,0\n",
    "1995-07-01T04:02:00Z,2,0,0,1,0,1,0\n",
);

fn packed(text: &str) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(text.as_bytes()).expect("packs");
    writer.finish().expect("packs")
}

#[test]
fn logs_become_a_series_with_status_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("access.log"), LOG).expect("writable");
    let output = run(folder, &["ingest", "access.log", "-o", "traffic.csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(folder.join("traffic.csv")).expect("it was written"), SERIES);
    assert!(stderr(&output).contains("1 of 4 lines not counted:"), "{}", stderr(&output));
    assert!(stderr(&output).contains("access.log:3: no time such as"), "{}", stderr(&output));
    assert_eq!(stdout(folder, &["ingest", "access.log", "--threads", "3"]), SERIES);
    let gaps = stdout(folder, &["ingest", "access.log", "--silence-as-gap", "1m"]);
    assert_eq!(gaps.lines().nth(2), Some("1995-07-01T04:01:00Z,,,,,,,"));
    assert_eq!(stdout(folder, &["ingest", "access.log", "--interval", "3m"]).lines().count(), 2);
    let longer = run(folder, &["ingest", "access.log", "--interval", "1h"]);
    assert_eq!(longer.status.code(), Some(2));
    assert!(stderr(&longer).contains("an interval of 1h is longer than the trace (180 s)"), "{}", stderr(&longer));
}

#[test]
fn several_logs_are_read_as_one_packed_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (first, second) = LOG.split_at(LOG.find("rubbish").expect("it is there"));
    fs::write(folder.join("a.log.gz"), packed(first)).expect("writable");
    fs::write(folder.join("b.log"), second).expect("writable");
    assert_eq!(stdout(folder, &["ingest", "*.log*"]), SERIES);
    assert_eq!(stdout(folder, &["ingest", "b.log", "a.log.gz"]), SERIES);
}

#[test]
fn fields_are_given_line_by_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("access.log"), LOG).expect("writable");
    let csv = stdout(folder, &["ingest", "access.log", "--fields"]);
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows[0], "ip,identd,user,time,request,method,resource,protocol,status,size,utc_time");
    assert_eq!(
        rows[2],
        "host.a,-,-,01/Jul/1995:00:02:00 -0400,\"GET /a\"\"b HTTP/1.0\",GET,\"/a\"\"b\",HTTP/1.0,404,0,1995-07-01T04:02:00Z"
    );
    let json = stdout(folder, &["ingest", "access.log", "--fields", "--format", "json"]);
    let row: serde_json::Value = serde_json::from_str(json.lines().nth(2).expect("three rows")).expect("JSON");
    assert_eq!((row["user"].as_str(), row["size"].as_u64()), (Some("John Doe"), Some(0)));
}

#[test]
fn bad_input_is_one_error_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let packed = packed(&LOG.repeat(1_000));
    fs::write(folder.join("truncated.log.gz"), &packed[..packed.len() - 9]).expect("writable");
    fs::write(folder.join("empty.log"), "").expect("writable");
    fs::write(folder.join("prose.log"), "hello\nworld\n").expect("writable");
    fs::write(folder.join("binary.log"), [0x7f, b'E', b'L', b'F', 0, 10, 0, 255]).expect("writable");
    fs::write(folder.join("table.csv"), "time,value\n2024-01-01T00:00:00Z,1\n2024-01-01T00:01:00Z,2\n")
        .expect("writable");
    fs::create_dir(folder.join("folder")).expect("a folder");
    let before = names(folder);
    for (input, word) in [
        ("truncated.log.gz", "cut short"),
        ("empty.log", "empty"),
        ("prose.log", "prose.log"),
        ("binary.log", "binary.log"),
        ("table.csv", "no access log"),
        ("folder", "folder"),
        ("missing.log", "missing.log"),
    ] {
        for extra in [&[][..], &["--fields"]] {
            let output = run(folder, &[&["ingest", input, "-o", "traffic.csv", "--quiet"], extra].concat());
            let message = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{input}: {message}");
            assert_eq!(message.matches("error: ").count(), 1, "{input}: {message}");
            assert!(message.contains(input) && (message.contains(word) || !extra.is_empty()), "{input}: {message}");
            assert_eq!(names(folder), before, "{input} left something");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    // Enough rows to fill a pipe whose reader has left, however they are written.
    fs::write(folder.join("access.log"), LOG.repeat(5_000)).expect("writable");
    for extra in [&["--interval", "1s"][..], &["--fields"], &["--fields", "--format", "json"]] {
        let mut child = command(folder, &[&["ingest", "access.log", "--quiet"], extra].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()), "{extra:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_fails_the_work() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("access.log"), LOG).expect("writable");
    for extra in [&[][..], &["--fields"]] {
        let output = run(folder.path(), &[&["ingest", "access.log", "-o", "/dev/full", "--quiet"], extra].concat());
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains("No space left"), "{}", stderr(&output));
        assert_eq!(names(folder.path()), ["access.log"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_finished_is_named_as_it_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("access.log"), LOG.repeat(500)).expect("writable");
    for extra in [&["--interval", "1s"][..], &["--fields"], &["--fields", "--format", "json"]] {
        let ingest = command(folder, &[&["ingest", "access.log", "-o", "traffic.csv", "--quiet"], extra].concat());
        // Files of at most a few blocks, and an error instead of a signal for what is longer.
        let output = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$@\"", "sh"])
            .arg(ingest.get_program())
            .args(ingest.get_args())
            .current_dir(folder)
            .output()
            .expect("a shell");
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{extra:?}: {message}");
        assert!(message.starts_with("error: traffic.csv: cannot be written (File too large"), "{extra:?}: {message}");
        assert_eq!(names(folder), ["access.log"]);
    }
}

#[test]
fn a_form_that_is_not_written_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    // Were the log looked for, it would be told as missing.
    for name in ["traffic.txt", "traffic.csv.gz"] {
        let output = run(folder.path(), &["ingest", "missing.log", "-o", name]);
        assert_eq!(output.status.code(), Some(2));
        let message = stderr(&output);
        let expected = format!("error: {name}: its form cannot be told; end the name in .csv or .parquet\n");
        assert_eq!(message, expected);
    }
    #[cfg(not(feature = "parquet"))]
    {
        let output = run(folder.path(), &["ingest", "missing.log", "-o", "traffic.parquet"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).starts_with("error: traffic.parquet: build with"), "{}", stderr(&output));
    }
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_half_written() {
    for extra in [&[][..], &["--fields"]] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let mut child = command(folder, &[&["ingest", "-", "--quiet", "-o", "traffic.csv"], extra].concat())
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        // Lines, and then a silence in which the run waits for more.
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(LOG.as_bytes()).expect("it reads");
        wait_for_staged(folder);
        let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(interrupt.expect("kill runs").success());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert_eq!(names(folder), Vec::<String>::new());
    }
}

fn wait_for_staged(folder: &Path) {
    let waiting = std::time::Instant::now();
    while names(folder).is_empty() {
        assert!(waiting.elapsed() < Duration::from_secs(30), "nothing was staged");
        std::thread::sleep(Duration::from_millis(5));
    }
}
