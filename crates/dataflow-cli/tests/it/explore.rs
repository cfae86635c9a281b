//! `dataflow explore`: its figures against an independent count, its screens, windows, and bad input.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::{json, run, stderr, stdout};

const LOG: &str = concat!(
    "a.example - - [01/Jul/1995:00:00:01 -0400] \"GET /index.html HTTP/1.0\" 200 1000\n",
    "a.example - - [01/Jul/1995:00:00:02 -0400] \"GET /logo.GIF HTTP/1.0\" 304 -\n",
    "b.example - - [01/Jul/1995:00:10:00 -0400] \"GET /missing?x=1 HTTP/1.0\" 404 -\n",
    "c.example - - [01/Jul/1995:01:20:00 -0400] \"POST /form HTTP/1.1\" 500 20 \"http://x/\" \"curl/8\"\n",
    "rubbish\n",
    "a.example - - [02/Jul/1995:00:00:00 -0400] \"GET /index.html HTTP/1.0\" 200 1000\n",
    "{\"time\":\"1995-07-02T04:00:30Z\",\"ip\":\"d.example\",\"request\":\"GET /new HTTP/2\",\"status\":200,\"size\":8}\n",
);

fn folder_with(log: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("access.log"), log).expect("writable");
    folder
}

/// Names, requests, bytes and errors of a list.
fn list(facts: &Value, name: &str) -> Vec<(String, u64, u64, u64)> {
    let top = facts[name]["top"].as_array().unwrap_or_else(|| panic!("{name} is there"));
    let number = |row: &Value, key: &str| row[key].as_u64().expect("a count");
    top.iter()
        .map(|row| {
            let name = row["name"].as_str().expect("a name").to_owned();
            (name, number(row, "requests"), number(row, "bytes"), number(row, "errors"))
        })
        .collect()
}

#[test]
fn every_kind_of_line_is_counted() {
    let folder = folder_with(LOG);
    let facts = json(folder.path(), &["explore", "access.log", "--time-zone", "America/New_York"]);
    let totals = &facts["totals"];
    assert_eq!((totals["requests"].as_f64(), totals["bytes"].as_f64()), (Some(6.0), Some(2028.0)));
    assert_eq!(totals["mean_daily_requests"].as_f64(), Some(3.0));
    assert_eq!((totals["error_rate"].as_f64(), totals["not_success_rate"].as_f64()), (Some(2.0 / 6.0), Some(0.5)));
    assert_eq!(facts["time"]["first"], "1995-07-01T04:00:01Z");
    assert_eq!(facts["time"]["last"], "1995-07-02T04:00:30Z");
    assert_eq!((facts["lines"]["read"].as_u64(), facts["lines"]["accepted"].as_u64()), (Some(7), Some(6)));
    assert_eq!(
        list(&facts, "clients"),
        [
            ("a.example".to_owned(), 3, 2000, 0),
            ("b.example".to_owned(), 1, 0, 1),
            ("c.example".to_owned(), 1, 20, 1),
            ("d.example".to_owned(), 1, 8, 0)
        ]
    );
    let types: Vec<_> = list(&facts, "file_types").into_iter().map(|(name, requests, ..)| (name, requests)).collect();
    assert_eq!(types, [("(none)".to_owned(), 3), ("html".to_owned(), 2), ("gif".to_owned(), 1)]);
    assert_eq!(list(&facts, "resources")[0], ("/index.html".to_owned(), 2, 2000, 0));
    assert_eq!(list(&facts, "methods").len(), 2);
    assert_eq!(list(&facts, "protocols").len(), 3);
    assert_eq!(list(&facts, "agents"), [("curl/8".to_owned(), 1, 20, 1)]);
    // Saturday midnight and one o'clock, and Sunday midnight, by the clock of the zone.
    assert_eq!(facts["rhythm"]["heat_map"][5][0].as_f64(), Some(3.0));
    assert_eq!(facts["rhythm"]["heat_map"][6][1], Value::Null);
}

#[test]
fn shares_add_up_and_threads_change_nothing() {
    let folder = folder_with(&LOG.repeat(3_000));
    let one = json(folder.path(), &["explore", "access.log", "--threads", "1", "--top", "100"]);
    for threads in ["2", "7"] {
        assert_eq!(json(folder.path(), &["explore", "access.log", "--threads", threads, "--top", "100"]), one);
    }
    let shares =
        |rows: &Value| rows.as_array().expect("rows").iter().filter_map(|row| row["share"].as_f64()).sum::<f64>();
    for rows in
        [&one["statuses"], &one["sizes"], &one["clients"]["top"], &one["resources"]["top"], &one["file_types"]["top"]]
    {
        assert!((shares(rows) - 1.0).abs() < 1e-9, "{rows}");
    }
    let sums = |column: &str| {
        let values = one["timeline"]["columns"][column].as_array().expect("a column").iter();
        values.filter_map(Value::as_f64).sum::<f64>()
    };
    assert_eq!(
        (Some(sums("requests")), Some(sums("bytes"))),
        (one["totals"]["requests"].as_f64(), one["totals"]["bytes"].as_f64())
    );
    let classes: f64 =
        ["success", "no_change", "redirected", "not_found", "error"].iter().map(|class| sums(class)).sum();
    assert_eq!(classes, sums("requests"));
}

#[test]
fn a_window_is_counted_alone_and_compared_with_the_time_before() {
    let folder = folder_with(LOG);
    let window = "1995-07-01T05:00:00Z..1h";
    let facts = json(folder.path(), &["explore", "access.log", "--window", window]);
    assert_eq!(facts["totals"]["requests"].as_f64(), Some(1.0));
    assert_eq!(list(&facts, "clients").len(), 1);
    assert_eq!(facts["before"]["totals"]["requests"].as_f64(), Some(3.0));
    // The last hour of the trace, which is known only once it was read.
    let facts = json(folder.path(), &["explore", "access.log", "--window", "-1h.."]);
    assert_eq!((facts["totals"]["requests"].as_f64(), &facts["before"]), (Some(2.0), &Value::Null));
    let outside = run(folder.path(), &["explore", "access.log", "--window", "2001-01-01..2001-01-02"]);
    assert_eq!(outside.status.code(), Some(2));
    let message = stderr(&outside);
    assert!(message.contains("no line is within") && message.contains("1995-07-01T04:00:01Z"), "{message}");
}

#[test]
fn every_interval_is_honoured_and_multiples_of_the_own_are_chosen() {
    let folder = folder_with(LOG);
    let folder = folder.path();
    for (interval, seconds) in [("7s", 7), ("90s", 90), ("7m", 420), ("1d", 86_400)] {
        let timeline = &json(folder, &["explore", "access.log", "--interval", interval])["timeline"];
        assert_eq!(timeline["interval_seconds"], seconds);
        let sums = timeline["columns"]["requests"].as_array().expect("requests").iter();
        assert_eq!(sums.filter_map(Value::as_f64).sum::<f64>(), 6.0);
    }
    fs::write(folder.join("numbers.txt"), "5\n".repeat(1_000)).expect("writable");
    for (step, interval, expected) in [
        ("7s", None, (35, 200)),
        ("7m", None, (2_100, 200)),
        ("1m", None, (300, 200)),
        ("10m", None, (1_800, 334)),
        ("1h", Some("1d"), (86_400, 42)),
    ] {
        let mut arguments = vec!["explore", "numbers.txt", "--step", step];
        arguments.extend(interval.into_iter().flat_map(|interval| ["--interval", interval]));
        let timeline = &json(folder, &arguments)["timeline"];
        let length = timeline["columns"]["value"].as_array().map(Vec::len);
        assert_eq!((timeline["interval_seconds"].as_u64(), length), (Some(expected.0), Some(expected.1)), "{step}");
    }
}

#[test]
fn a_log_is_explored_by_its_bytes_where_that_is_asked_for() {
    let folder = folder_with(LOG);
    let requests = json(folder.path(), &["explore", "access.log"]);
    assert_eq!(json(folder.path(), &["explore", "access.log", "--measure", "requests"]), requests);
    let bytes = json(folder.path(), &["explore", "access.log", "--measure", "bytes"]);
    assert_eq!((&bytes["rhythm"]["unit"], &bytes["timeline"]["main"]), (&"bytes".into(), &"bytes".into()));
    // Saturday and Sunday at four o'clock, by the minutes of which something is known.
    let saturday = bytes["rhythm"]["heat_map"][5][4].as_f64().expect("a rate");
    assert!((saturday - 1000.0).abs() < 1e-6, "{saturday}");
    assert_eq!(bytes["totals"]["peak"]["value"].as_f64(), Some(1008.0));
    assert_eq!(bytes["spikes"]["step_seconds"], 60);
    assert_eq!(bytes["spikes"]["load"]["largest"][0]["value"].as_f64(), Some(1008.0));
    assert!(bytes["spikes"]["error_rate"]["judged"].as_u64() > Some(1_000));
    for key in ["clients", "statuses", "sizes"] {
        assert_eq!(bytes[key], requests[key]);
    }
    assert_eq!(bytes["totals"]["requests"], requests["totals"]["requests"]);
    let page = stdout(folder.path(), &["explore", "access.log", "--measure", "bytes"]);
    let line = |name: &str| page.lines().find(|line| line.starts_with(name)).expect("the line is there").to_owned();
    assert!(line("bytes ").contains("busiest") && !line("requests ").contains("busiest"), "{page}");
}

#[test]
fn shares_are_of_all_lines_whatever_their_time() {
    let far = "z.example - - [01/Jul/1965:00:00:01 -0400] \"GET /old HTTP/1.0\" 200 1\n";
    let folder = folder_with(&(LOG.repeat(200) + far));
    let facts = json(folder.path(), &["explore", "access.log", "--top", "100"]);
    assert_eq!(facts["totals"]["requests"].as_f64(), Some(1200.0));
    for rows in [&facts["statuses"], &facts["sizes"], &facts["clients"]["top"], &facts["resources"]["top"]] {
        let shares: f64 = rows.as_array().expect("rows").iter().filter_map(|row| row["share"].as_f64()).sum();
        assert!((shares - 1.0).abs() < 1e-9, "{rows}");
    }
}

#[test]
fn a_sudden_second_is_found_however_finely_lines_are_counted() {
    let line = |second: usize| {
        let (minute, second) = (second / 60, second % 60);
        format!("a - - [10/Mar/2024:12:{minute:02}:{second:02} +0000] \"GET / HTTP/1.1\" 200 1\n")
    };
    let log: String =
        (30..110).map(|second| line(second).repeat(if second == 100 { 30 } else { 1 + second % 2 })).collect();
    let folder = folder_with(&log);
    let minutes = json(folder.path(), &["explore", "access.log"]);
    let spikes = &minutes["spikes"]["load"];
    assert_eq!((spikes["judged"].as_u64(), spikes["count"].as_u64()), (Some(21), Some(1)), "{spikes}");
    assert_eq!(spikes["largest"][0]["time"], "2024-03-10T12:01:40Z");
    let seconds = json(folder.path(), &["explore", "access.log", "--interval", "1s"]);
    assert_eq!(&seconds["spikes"], &minutes["spikes"]);
    // One line is not sudden: nothing is known of the time before it.
    let folder = folder_with(&line(59));
    let spikes = &json(folder.path(), &["explore", "access.log"])["spikes"];
    assert_eq!((spikes["load"]["judged"].as_u64(), spikes["error_rate"]["judged"].as_u64()), (Some(0), Some(0)));
}

#[test]
fn screens() {
    let folder = folder_with(LOG);
    insta::assert_snapshot!("explore_table", stdout(folder.path(), &["explore", "access.log"]));
    insta::assert_snapshot!(
        "explore_json",
        stdout(folder.path(), &["explore", "access.log", "--format", "json", "--interval", "6h"])
    );
    let markdown = stdout(folder.path(), &["explore", "access.log", "--format", "markdown"]);
    assert!(markdown.contains("### Status codes") && markdown.contains("| 404 ") && !markdown.contains('\u{1b}'));
    let csv = stdout(folder.path(), &["explore", "access.log", "--format", "csv"]);
    assert!(csv.starts_with("key,value\n") && csv.contains("\nclients.top.0.name,\"a.example\"\n"), "{csv}");
    let help = stdout(folder.path(), &["explore", "--help"]);
    assert!(help.contains("dataflow explore 'logs/*.gz'"), "{help}");
}

#[test]
fn what_is_no_log_tells_what_it_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let facts = json(folder.path(), &["explore", "synthetic:steady?days=15"]);
    assert_eq!(facts["rhythm"]["unit"], "requests");
    assert!(facts["seasonality"]["day"].as_f64().is_some() && facts["stationarity"]["kpss"].is_object());
    assert!(facts["clients"].is_null() && facts["totals"]["error_rate"].as_f64().is_some());
    let numbers: Vec<String> = (0..5_000).map(|second| (second % 7).to_string()).collect();
    fs::write(folder.path().join("numbers.txt"), numbers.join("\n")).expect("writable");
    let facts = json(folder.path(), &["explore", "numbers.txt"]);
    assert_eq!((&facts["rhythm"]["unit"], facts["spikes"]["step_seconds"].as_u64()), (&Value::from("value"), Some(1)));
}

#[test]
fn bad_input_is_one_clear_error() {
    let folder = folder_with(LOG);
    let folder = folder.path();
    fs::write(folder.join("empty.log"), "").expect("writable");
    fs::write(folder.join("prose.log"), "no log\nat all, it is prose\n\"GET \n").expect("writable");
    let cases: [(&[&str], &str); 11] = [
        (&["missing.log"], "no such file"),
        (&["empty.log"], "empty"),
        (&["prose.log"], "prose.log"),
        (&["access.log", "--time-zone", "Mars/Olympus"], "no such zone"),
        (&["access.log", "--window", "yesterday"], "is not a window"),
        (&["-", "--window", "-1d.."], "standard input"),
        (&["access.log", "--top", "0"], "--top"),
        (&["access.log", "--measure", "value"], "ask for bytes or requests"),
        (&["synthetic:steady?step=1h", "--interval", "90m"], "whole multiple of the trace's own interval of 1h"),
        (&["synthetic:steady?step=1m", "--interval", "90s"], "whole multiple of the trace's own interval of 1m"),
        (&["access.log", "--plot", "picture.gif"], ".svg or .png"),
    ];
    for (arguments, expected) in cases {
        let output = run(folder, &[&["explore"], arguments].concat());
        let message = stderr(&output);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}: {message}");
        assert!(message.contains(expected) && message.matches("error: ").count() == 1, "{arguments:?}: {message}");
    }
}

#[test]
fn plots_are_written_whole() {
    let folder = folder_with(LOG);
    stdout(folder.path(), &["explore", "access.log", "--plot", "picture.svg"]);
    let picture = fs::read_to_string(folder.path().join("picture.svg")).expect("it was written");
    assert!(picture.contains("a.example") && picture.contains("/index.html") && picture.ends_with("</svg>\n"));
}

/// The folder of the real data.
fn data(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("DATAFLOW_DATA").map_or_else(beside, PathBuf::from).join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not there; set DATAFLOW_DATA to the folder that holds it", path.display());
        return None;
    }
    Some(path)
}

/// What awk counts by a key: requests and bytes by name.
fn awk(path: &Path, key: &str) -> HashMap<String, (u64, u64)> {
    let program = format!(
        r#"substr($4, 1, 1) == "[" {{
            split($0, quoted, "\""); split(quoted[3], answer, " ")
            split(quoted[2], word, " ")
            key = {key}; count[key]++; bytes[key] += (answer[2] == "-") ? 0 : answer[2]
        }}
        END {{ for (key in count) printf "%s\t%d\t%.0f\n", key, count[key], bytes[key] }}"#
    );
    let shell = format!("gzip -dc '{}' | LC_ALL=C awk '{program}'", path.display());
    let output = Command::new("sh").args(["-c", &shell]).output().expect("awk starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .map(|line| {
            let cells: Vec<&str> = line.rsplitn(3, '\t').collect();
            (cells[2].to_owned(), (cells[1].parse().expect("a count"), cells[0].parse().expect("bytes")))
        })
        .collect()
}

#[test]
fn figures_of_real_logs_are_those_that_awk_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["nasa_1995-07-01_first_10001_lines.log.gz", "apache_combined_2015-05_10000_lines.log.gz"] {
        let Some(path) = data(name) else { return };
        let facts = json(folder.path(), &["explore", &path.display().to_string(), "--top", "10000"]);
        let statuses = awk(&path, "answer[1]");
        let told = facts["statuses"].as_array().expect("statuses");
        assert_eq!(told.len(), statuses.len());
        for row in told {
            let expected = statuses[&row["status"].to_string()];
            assert_eq!(
                (row["requests"].as_u64(), row["bytes"].as_u64()),
                (Some(expected.0), Some(expected.1)),
                "{row}"
            );
        }
        let (requests, bytes) = statuses.values().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        assert_eq!(facts["totals"]["requests"].as_f64(), Some(requests as f64));
        assert_eq!(facts["totals"]["bytes"].as_f64(), Some(bytes as f64));
        for (kind, key) in [("clients", "$1"), ("resources", "word[2]")] {
            let expected = awk(&path, key);
            let told = list(&facts, kind);
            assert_eq!(facts[kind]["distinct"]["count"].as_u64(), Some(expected.len() as u64), "{kind}");
            assert_eq!(told.len(), expected.len(), "{kind}");
            for (name, requests, bytes, _) in told {
                assert_eq!(expected.get(&name), Some(&(requests, bytes)), "{kind} {name}");
            }
        }
    }
}
