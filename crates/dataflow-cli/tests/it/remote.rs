//! Data sets and web addresses from the command line.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::server::{Server, reply, serve_file};
use crate::{command, json, names, run, stderr, stdout};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(content).expect("packs");
    writer.finish().expect("packs")
}

/// A log with as many lines as that of August 1995.
fn august() -> Vec<u8> {
    let mut log = Vec::new();
    for line in 0..1_569_898 {
        let (day, hour, minute, second) = (1 + line / 86_400 % 28, line / 3_600 % 24, line / 60 % 60, line % 60);
        let time = format!("{day:02}/Aug/1995:{hour:02}:{minute:02}:{second:02} -0400");
        writeln!(log, "host - - [{time}] \"GET / HTTP/1.0\" 200 100").expect("written");
    }
    log
}

#[test]
fn data_sets_are_listed_with_what_is_known_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let listed = json(folder, &["data", "list", "--folder", "data"]);
    let july = &listed[0];
    assert_eq!(july["name"], "nasa-jul95");
    assert_eq!(july["unpacked_bytes"], 205_242_369);
    assert_eq!(july["lines"], 1_891_715);
    assert_eq!(july["sha256"], "fcfcafcd0d8e9aeb02e771a51ab19abdc443eed3021b5c05475cfb5b36909c7e");
    assert_eq!(july["is_fetched"], false);
    assert!(listed[1]["sha256"].is_null() && listed[1]["lines"] == 1_569_898);
    assert_eq!(listed.as_array().expect("a list").len(), 7);
    let text = stdout(folder, &["data", "list"]);
    for word in
        ["nasa-aug95", "none known to compare with", "may be freely redistributed", "ita.ee.lbl.gov", "fomokaguya"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(stdout(folder, &["data", "list", "--format", "csv"]).lines().count(), 8);
    assert!(stdout(folder, &["data", "list", "--format", "markdown"]).starts_with("| name"));
}

#[test]
fn a_data_set_is_fetched_found_and_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let content = gzip(&august());
    let server = Server::new(move |request, stream| serve_file(request, stream, &content, "\"a\""));
    let data = folder.join("data");
    let in_data = |arguments: &[&str]| {
        command(folder, arguments).env("DATAFLOW_DATA_DIR", &data).output().expect("the command starts")
    };
    let before = in_data(&["compare", "data:nasa-aug95"]);
    assert_eq!(before.status.code(), Some(2));
    assert!(stderr(&before).contains("fetch it with `dataflow data fetch nasa-aug95`"), "{}", stderr(&before));
    assert_eq!(in_data(&["data", "path", "nasa-aug95"]).status.code(), Some(2));
    let fetched = in_data(&["data", "fetch", "nasa-aug95", "--mirror", &server.url("/mirror")]);
    let message = stderr(&fetched);
    assert!(fetched.status.success(), "{message}");
    assert!(message.contains("1,569,898 lines") && message.contains("no checksum is known"), "{message}");
    assert!(fetched.stdout.is_empty());
    let path = in_data(&["data", "path", "nasa-aug95"]).stdout;
    assert_eq!(String::from_utf8_lossy(&path).trim_end(), data.join("NASA_access_log_Aug95.gz").display().to_string());
    assert!(stderr(&in_data(&["data", "fetch", "nasa-aug95"])).contains("--force"));
    let compared =
        in_data(&["compare", "data:nasa-aug95", "--policies", "fixed", "--measure", "requests", "--format", "json"]);
    let compared: serde_json::Value = serde_json::from_slice(&compared.stdout).expect("JSON");
    assert_eq!(compared["trace"]["source"], "data:nasa-aug95");
    assert_eq!(compared["trace"]["total"], 1_569_898.0);
    assert_eq!(names(&data), ["NASA_access_log_Aug95.gz", "NASA_access_log_Aug95.gz.json"]);
    let asked: Vec<String> =
        server.requests().iter().map(|request| format!("{}{}", request.path(), request.body)).collect();
    assert_eq!(asked, ["/mirror/NASA_access_log_Aug95.gz"]);
}

#[test]
fn fetches_that_fail_end_with_one_error_and_the_right_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let wrong = Server::new(|request, stream| serve_file(request, stream, &gzip(b"hello\n"), "\"a\""));
    let (wrong, absent) = (wrong.url(""), Server::fixed("404 Not Found", &[], b"").url(""));
    let cases: [(&[&str], i32, &str); 5] = [
        (&["nasa-jul95", "--mirror", &wrong], 1, "its SHA-256 is"),
        (&["nasa-jul95", "--mirror", &absent], 1, "404"),
        (&["nasa-jul"], 2, "did you mean nasa-jul95?"),
        (&["nasa-jul95", "--mirror", "ftp://host"], 2, "--mirror: expected an address that begins with http"),
        (&["nasa-jul95", "--mirror", "http://me:secret@"], 2, "--mirror: is no web address"),
    ];
    for (arguments, code, word) in cases {
        let output = run(folder, &[&["data", "fetch", "--folder", "data"], arguments].concat());
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
        assert!(message.contains(word) && message.matches("error: ").count() == 1, "{arguments:?}: {message}");
        assert!(!message.contains("secret") && output.stdout.is_empty(), "{message}");
    }
    assert!(!Path::new(&folder.join("data/NASA_access_log_Jul95.gz")).exists());
}

#[test]
fn credentials_of_addresses_are_in_no_result_and_no_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let table = "time,value\n2026-01-01T00:00:00Z,5000\n2026-01-01T00:01:00Z,7000\n2026-01-01T00:02:00Z,6000\n";
    let server = Server::new(move |request, stream| match request.header("authorization") {
        Some("Basic bWU6cEBzc3dvcmQ=") => reply(stream, "200 OK", &[], table.as_bytes()),
        _ => reply(stream, "401 Unauthorized", &[], b""),
    });
    let url = |who: &str| server.url("/traffic.csv?X-Amz-Signature=s1gnature").replace("127", &format!("{who}@127"));
    let arguments =
        ["compare", &url("me:p%40ssword"), "--policies", "fixed,reactive", "--out", "out", "--report", "report.html"];
    let output = run(folder, &arguments);
    let message = stderr(&output);
    assert!(output.status.success(), "{message}");
    let mut seen = vec![message, String::from_utf8_lossy(&output.stdout).into_owned()];
    for file in names(&folder.join("out")) {
        seen.push(String::from_utf8_lossy(&fs::read(folder.join("out").join(file)).expect("readable")).into_owned());
    }
    seen.push(fs::read_to_string(folder.join("report.html")).expect("readable"));
    let refused = run(folder, &["compare", &url("me:wr0ng")]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("the credentials are missing or wrong"), "{}", stderr(&refused));
    seen.push(stderr(&refused));
    for text in seen {
        for secret in ["s1gnature", "p@ssword", "p%40ssword", "wr0ng"] {
            assert!(!text.contains(secret), "{secret} in {}", text.chars().take(400).collect::<String>());
        }
    }
}

/// What ends a host does not end a password: none of it is shown, and nobody is asked for.
#[test]
fn credentials_with_signs_that_should_be_escaped_are_refused_unseen() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let cases: [&[&str]; 6] = [
        &["explore", "http://me:pa/ssHUSHHUSH@127.0.0.1:1/x"],
        &["compare", "http://me:HUSHHUSH?pa@127.0.0.1:1/x"],
        &["compare", "prometheus:http://me:pa/ssHUSHHUSH@127.0.0.1:1?query=up"],
        &["compare", "prometheus:http://me:HUSHHUSH#pa@127.0.0.1:1?query=up"],
        &["data", "fetch", "nasa-jul95", "--folder", "data", "--mirror", "http://me:pa/ssHUSHHUSH@127.0.0.1:1/x"],
        &["data", "fetch", "nasa-jul95", "--folder", "data", "--mirror", "http://me:HUSHHUSH?pa@127.0.0.1:1/x"],
    ];
    for arguments in cases {
        let output = run(folder, arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains("/ as %2F") && !message.contains("HUSHHUSH"), "{arguments:?}: {message}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let message = stderr(&run(folder, &["compare", "s3://AKIA:abc/defHUSHHUSH@bucket/log"]));
    assert!(message.contains("s3://…@bucket/log") && !message.contains("HUSHHUSH"), "{message}");
    let message = stderr(&run(folder, &["compare", "az://c/blob?sig=HUSHHUSH"]));
    assert!(message.contains("az://c/blob") && !message.contains("HUSHHUSH"), "{message}");
    let server = Server::new(|_, stream| reply(stream, "200 OK", &[], b"5\n6\n7\n"));
    let output = run(folder, &["compare", &server.url("/@user/file"), "--policies", "fixed", "--measure", "requests"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(server.requests()[0].path(), "/@user/file");
}
