//! Bad input gives one clear error: where, what was expected, how to mend it.

use dataflow_series::source::{TraceRequest, open};
use dataflow_series::{Step, Unit};

use super::{Files, read, read_with};

fn refused(input: &str) -> String {
    open(&TraceRequest::from_input(input)).unwrap_err().to_string()
}

#[track_caller]
fn assert_message(message: &str, begin: &str, end: &str) {
    assert!(message.starts_with(begin) && message.ends_with(end), "{message}");
    assert!(!message.contains('\n'), "one line: {message}");
}

#[test]
fn files_that_cannot_be_read() {
    let files = Files::new();
    let absent = files.path("absent.csv").display().to_string();
    assert_message(&refused(&absent), &format!("{absent}: no such file; give a file"), "synthetic:NAME");
    let folder = files.path("").display().to_string();
    assert_message(&refused(&folder), &folder, "is a directory; name a file in it");
    let pattern = files.path("*.gz").display().to_string();
    assert_message(&refused(&pattern), &format!("{pattern}: fits no file; patterns are such as "), "'");
    for content in ["", " \n\n"] {
        assert_message(&read(content).unwrap_err(), "trace: is empty; expected an access log, a table", "numbers");
    }
}

#[test]
fn binary_files() {
    for (content, kind) in [
        (&b"\x7fELF\x02\x01\x01\0\0\0\0"[..], "a program (ELF)"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "an image"),
        (b"some\0thing", "a binary file"),
    ] {
        assert_eq!(read(content).unwrap_err(), format!("trace: is {kind}, not an access log, a table or numbers"));
    }
    let message = read(b"\xff\xfet\0i\0m\0e\0,\0v\0\n\0").unwrap_err();
    assert_message(&message, "trace: is text in UTF-16", "convert it to UTF-8");
}

#[test]
fn logs_that_begin_with_something_else() {
    let common = "ws1 - - [01/Jul/1995:00:00:01 -0400] \"GET / HTTP/1.0\" 200 62\n";
    let json = "{\"time\":\"1995-07-01T04:00:01Z\",\"status\":200,\"size\":62}\n";
    for line in [common, json] {
        for hole in [1, 300, 64 * 1024 - 9, 64 * 1024, 200_000] {
            let trace = read([&vec![0; hole], line.as_bytes()].concat()).unwrap();
            let traffic = trace.traffic.unwrap();
            assert_eq!((traffic.total().bytes, traffic.rejected().total()), (62, 0), "{hole} before {line}");
        }
        for first in ["level,time", "time", "started;date"] {
            let traffic = read(format!("{first}\n{line}")).unwrap().traffic.unwrap();
            assert_eq!((traffic.total().bytes, traffic.rejected().total()), (62, 1), "{first} before {line}");
        }
    }
    for holes in [1, 100_000] {
        let message = read(vec![0; holes]).unwrap_err();
        assert_eq!(message, "trace: is a binary file, not an access log, a table or numbers");
    }
}

#[test]
fn tables_without_the_right_columns() {
    let message = read("when,load\n1,2\n").unwrap_err();
    assert_message(&message, "trace: has no time column; name it `time`", "its columns are \"when\", \"load\"");
    for column in ["value\n1\n2", "value\r\n\r\n1.5\r\n", "value\n7"] {
        assert_message(
            &read(column).unwrap_err(),
            "trace: has no time column; name it `time`",
            "columns are \"value\"",
        );
    }
    let message = read("time,reads,writes\n0,2,3\n").unwrap_err();
    assert_message(&message, "trace: does not tell which column is the load", "\"reads\", \"writes\"");
    let message = read_with("time\n0\n", |request| request.measure = Some(Unit::Bytes)).unwrap_err();
    assert_message(&message, "trace: has no `size` column", "\"time\"");
    assert_message(&read("time,value\n").unwrap_err(), "trace: has no row below its header", "");
}

#[test]
fn tables_with_wrong_rows() {
    for (rows, begin, end) in [
        ("0,1\nnoon,2\n", "trace, line 3, column \"time\": \"noon\" is not a time; write ", "since 1970"),
        ("0,1\n60,many\n", "trace, line 3, column \"value\": \"many\" is not a number; a load is", "zero"),
        ("0,1\n60,-2\n", "trace, line 3, column \"value\": -2 is not a load", "a missing row"),
        ("0,1\n60,NaN\n", "trace, line 3, column \"value\": NaN is not a load", "a missing row"),
        ("0,1\n60,inf\n", "trace, line 3, column \"value\": inf is not a load", "a missing row"),
        ("0,1\n60,2,3\n", "trace, line 3: 3 cells, but the header has 2", ""),
        ("60,1\n\n0,2\n", "trace, line 4: 1970-01-01T00:00:00Z comes after 1970-01-01T00:01:00Z", "by time"),
        ("0,1\n60,2\n60,3\n", "trace, line 4: 1970-01-01T00:01:00Z is there twice; keep one row", "offset)"),
        ("0,1\n60,2\n120,3\n200,4\n", "trace, line 5: 1970-01-01T00:03:20Z does not lie on the grid of 1m", "step"),
        ("0,1\n", "trace: its interval cannot be told from 1 row; give the step", ""),
    ] {
        let text = format!("time,value\n{rows}");
        assert_message(&read(&text).unwrap_err(), begin, end);
        assert_message(&read(text.replace('\n', "\r\n")).unwrap_err(), begin, end);
        assert_message(&read(text.trim_end()).unwrap_err(), begin, end);
    }
    let message = read("time,size\n0,1\n9999999999,1\n").unwrap_err();
    assert_message(&message, "trace: from 1970-01-01T00:00:00Z to ", "choose a longer interval");
}

#[test]
fn a_truncated_gzip_file() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writeln!(encoder, "time,value").unwrap();
    for row in 0..5_000 {
        writeln!(encoder, "{},{}", row * 60, row * 7 % 1_001).unwrap();
    }
    let whole = encoder.finish().unwrap();
    let message = read(&whole[..whole.len() / 2]).unwrap_err();
    assert_message(&message, "trace: the gzip data ends in the middle", "again");
}

#[test]
fn intervals_that_do_not_fit_the_trace() {
    let numbers = "1 ".repeat(100);
    let with_interval = |text: &str| {
        let interval: Step = text.parse().unwrap();
        read_with(&numbers, |request| request.interval = Some(interval)).unwrap_err()
    };
    assert_message(&with_interval("1h"), "trace: an interval of 1h is longer than the trace (100 s)", "");
    let message = read_with(&numbers, |request| {
        request.step = Some(Step::MINUTE);
        request.interval = Step::from_seconds(90);
    });
    assert_message(&message.unwrap_err(), "trace: 90s is not a whole multiple of the trace's own interval of 1m", "");
}

#[test]
fn intervals_longer_than_the_time_from_the_first_request_to_the_last() {
    let line = |time: &str| format!("ws1 - - [01/Jul/1995:{time} +0000] \"GET / HTTP/1.0\" 200 62\n");
    // Two intervals of twelve hours have a line, although the lines are three seconds apart.
    let log = line("11:59:58") + &line("12:00:01");
    let table = "time,size\n1995-07-01T11:59:58Z,62\n1995-07-01T12:00:01Z,62\n";
    for text in [&log, table] {
        let with_interval =
            |text: &str, interval: &str| read_with(text, |request| request.interval = Some(interval.parse().unwrap()));
        for interval in ["3m", "12h", "366d"] {
            let message = with_interval(text, interval).unwrap_err();
            assert_message(&message, "trace: an interval of ", " is longer than the trace (120 s)");
            assert!(message.contains(interval), "{message}");
        }
        assert_eq!(with_interval(text, "2m").unwrap().observed.len(), 2);
        assert_eq!(read(text).unwrap().observed.len(), 2);
        // A few requests within one minute are a trace of one interval.
        let one = text.lines().take(if text.starts_with("time") { 2 } else { 1 }).collect::<Vec<_>>().join("\n");
        assert_eq!(with_interval(&one, "1m").unwrap().observed.len(), 1);
        assert_eq!(read(&one).unwrap().observed.len(), 1);
        assert_message(&with_interval(&one, "61s").unwrap_err(), "trace: an interval of 61s", "(60 s)");
    }
    // A log that is changed every hour has lines in its first and in its last minute, and is that hour.
    let hour = line("12:00:07") + &line("12:59:52");
    assert_eq!(read_with(hour, |request| request.interval = Some(Step::HOUR)).unwrap().observed.len(), 1);
}

#[test]
fn logs_that_are_none() {
    let line = "ws1 - - [01/Jul/1995:00:00:01 -0400] \"GET / HTTP/1.0\" 200 62\n";
    assert_eq!(read(line).unwrap().observed.total(), 62.0);
    let message = read(line.replace("-0400", "")).unwrap_err();
    assert_message(&message, "trace: none of its 1 lines is one of an access log", "");
    let message = read("{\"level\":\"info\",\"message\":\"started\"}\n").unwrap_err();
    assert_message(&message, "trace: none of its 1 lines is one of an access log", "");
    let message = read("Dear reader\nthis is a letter\n").unwrap_err();
    assert_message(&message, "trace: none of its 2 lines is one of an access log", "");
    let value = read_with(line, |request| request.measure = Some(Unit::Value)).unwrap_err();
    assert_message(&value, "trace: has no value; ask for bytes or requests", "");
    let step = read_with(line, |request| request.step = Some(Step::SECOND)).unwrap_err();
    assert_message(&step, "trace: is an access log, which has no step", "instead");
}

#[test]
fn settings_that_the_trace_has_no_use_for() {
    let start = Some("2024-01-01T00:00:00Z".parse().unwrap());
    let message = read_with("time,value\n0,1\n60,2\n", |request| request.start = start).unwrap_err();
    assert_message(&message, "trace: has times of its own", "only");
    let with_start = TraceRequest { start, ..TraceRequest::default() };
    assert_message(&open(&with_start).unwrap_err().to_string(), "synthetic:nasa-like: takes its start", "step=10s");
}

#[test]
fn synthetic_traces_that_do_not_exist() {
    assert_message(&refused("synthetic:mars"), "there is no synthetic trace \"mars\"; expected one of nasa-like", "");
    assert_message(&refused("synthetic:steady?speed=3"), "a synthetic trace has no setting \"speed\"", "");
    let request = TraceRequest { inputs: vec!["-".into(), "synthetic:steady".into()], ..TraceRequest::default() };
    let message = open(&request).unwrap_err().to_string();
    assert_message(&message, "synthetic:steady: cannot be read together", "other inputs");
}

#[test]
fn inputs_that_do_not_fit_together() {
    let files = Files::new();
    let table = files.add("a.csv", "time,value\n0,1\n60,2\n");
    let numbers = files.add("b.txt", "1 2 3\n");
    let bytes = files.add("c.csv", "time,bytes\n120,1\n180,2\n");
    let together = |names: [&String; 2]| {
        let request = TraceRequest { inputs: names.map(String::clone).to_vec(), ..TraceRequest::default() };
        open(&request).unwrap_err().to_string()
    };
    assert_message(&together([&table, &numbers]), &format!("{numbers}: is no table"), "on its own");
    assert_message(&together([&numbers, &table]), &format!("{table}: plain numbers tell no time"), "be read");
    assert_message(&together([&table, &bytes]), &format!("{bytes}: has other columns"), "one by one");
    assert_message(&together([&table, &table]), &format!("{table}: covers times that"), "in one file");
}
