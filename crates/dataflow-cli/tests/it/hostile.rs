//! Input that is meant to do harm, or might as well be: endless lines, zip bombs, web pages, times out of order. It is read
//! in bounded memory, and ends soon with one clear error or a count of what was refused.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::server::Server;
use crate::{command, run, stderr};

/// Address space of the command, in KiB: what the program itself needs, and little more.
const MEMORY_KIBIBYTES: &str = "700000";
const SOON: Duration = Duration::from_mins(1);

/// Runs in bounded memory on what is piped in.
fn bounded(
    folder: &Path,
    arguments: &[&str],
    feed: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()> + Send,
) -> Output {
    let plain = command(folder, arguments);
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(format!("ulimit -v {MEMORY_KIBIBYTES}; exec \"$0\" \"$@\"")).arg(plain.get_program());
    limited.args(plain.get_args()).current_dir(folder).env("DATAFLOW_CACHE_DIR", "").env("NO_COLOR", "1");
    let mut child =
        limited.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let began = Instant::now();
    let output = std::thread::scope(|scope| {
        // It may have seen enough before the end.
        scope.spawn(move || feed(&mut stdin).err());
        child.wait_with_output().expect("it ends")
    });
    assert!(began.elapsed() < SOON, "{arguments:?} took {:?}", began.elapsed());
    output
}

/// The one error of a run that must fail for bad input.
fn refused(output: &Output) -> String {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(message.matches("error: ").count(), 1, "{message}");
    assert!(message.len() < 2_000, "{} bytes of message", message.len());
    message
}

#[test]
fn two_gigabytes_of_one_line_are_read_in_bounded_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = "host - - [01/Jul/1995:00:00:00 -0400] \"GET / HTTP/1.0\" 200 9000\n";
    for (begin, piece, words) in [
        ("", "a".repeat(1 << 20), &["none of its 1 lines", "standard input"][..]),
        ("", "a,b;".repeat(1 << 18), &["standard input, line 1", "longer than 16 MiB"]),
        ("time,value\n2026-01-01,\"", "7,".repeat(1 << 19), &["standard input, line 2", "a quote may be open"]),
        ("", "1".repeat(1 << 20), &["number 1"]),
        ("{\"time\":\"", "x".repeat(1 << 20), &["none of its 1 lines"]),
    ] {
        let output = bounded(folder.path(), &["compare", "-"], |stdin| {
            stdin.write_all(begin.as_bytes())?;
            (0..2_048).try_for_each(|_| stdin.write_all(piece.as_bytes()))
        });
        let message = refused(&output);
        assert!(words.iter().all(|word| message.contains(word)), "{begin:?}: {message}");
    }
    // In a log it is one line that is not counted.
    let arguments = ["compare", "-", "--policies", "fixed", "--interval", "1m"];
    let output = bounded(folder.path(), &arguments, |stdin| {
        stdin.write_all(log.as_bytes())?;
        let piece = vec![b'a'; 1 << 20];
        (0..2_048).try_for_each(|_| stdin.write_all(&piece))?;
        stdin.write_all(b"\n")?;
        stdin.write_all(log.replace("00:00:00", "00:05:00").as_bytes())
    });
    let message = stderr(&output);
    assert!(output.status.success(), "{message}");
    assert!(message.contains("1 of 3 lines was not counted"), "{message}");
}

#[test]
fn zip_bombs_are_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    member.write_all(&vec![0; 64 << 20]).expect("packs");
    let member = member.finish().expect("packs");
    // Ten gigabytes of zeros, as they are and behind the first line of a table.
    let mut head = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    head.write_all(b"time,value\n2026-01-01T00:00:00Z,1\n").expect("packs");
    let head = head.finish().expect("packs");
    fs::write(folder.join("zeros.gz"), member.repeat(160)).expect("written");
    fs::write(folder.join("table.gz"), [head, member.repeat(160)].concat()).expect("written");
    for (file, word) in [("zeros.gz", "taken for a zip bomb"), ("table.gz", "longer than 16 MiB")] {
        for subcommand in ["compare", "optimize"] {
            let message = refused(&bounded(folder, &[subcommand, file], |_| Ok(())));
            assert!(message.contains(word) && message.contains(file), "{message}");
        }
    }
    let message = refused(&bounded(folder, &["ingest", "--fields", "zeros.gz"], |_| Ok(())));
    assert!(message.contains("taken for a zip bomb"), "{message}");
}

#[test]
fn an_endless_answer_of_a_server_is_read_in_bounded_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::new(|_, stream| {
        crate::server::reply_head(stream, "200 OK", &[])?;
        let digits = vec![b'1'; 65_536];
        loop {
            stream.write_all(&digits)?;
        }
    });
    let message = refused(&bounded(folder.path(), &["compare", &server.url("/numbers.txt")], |_| Ok(())));
    assert!(message.contains("number 1"), "{message}");
}

#[test]
fn web_pages_in_the_place_of_data_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>\n";
    fs::write(folder.path().join("access.log"), page).expect("written");
    let server = Server::fixed("200 OK", &[("content-type", "text/html")], page);
    for input in ["access.log", &server.url("/access.log")] {
        let message = refused(&run(folder.path(), &["compare", input]));
        assert!(message.contains("is a web page (HTML)"), "{message}");
    }
}

#[test]
fn times_out_of_order_are_counted_in_logs_and_refused_in_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let line = |time: &str| format!("host - - [{time} +0000] \"GET / HTTP/1.0\" 200 9000\n");
    // Backwards and twice: requests come in any order. A clock that was off by a century is another matter.
    let mut log: String = (0..60).rev().map(|minute| line(&format!("01/Jul/2025:10:{minute:02}:00"))).collect();
    log = format!("{log}{log}{}", line("01/Jul/1925:10:00:00"));
    fs::write(folder.join("access.log"), log).expect("written");
    let output =
        run(folder, &["compare", "access.log", "--measure", "requests", "--policies", "fixed", "--format", "json"]);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&result["trace"]["total"], &result["trace"]["ticks"]), (&120.0.into(), &60.into()));
    assert!(stderr(&output).contains("1 of 121 lines was not counted"), "{}", stderr(&output));
    for (rows, words) in [
        ("10:01:00Z,1\n2025-07-01T10:00:00Z,1", ["line 3", "sort the rows by time"]),
        ("10:01:00Z,1\n2025-07-01T10:01:00Z,1", ["line 3", "is there twice"]),
    ] {
        fs::write(folder.join("t.csv"), format!("time,value\n2025-07-01T{rows}\n")).expect("written");
        let message = refused(&run(folder, &["compare", "t.csv"]));
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }
}
