//! Objects of a real server that speaks as S3 does: moto, which runs where Python has it.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dataflow_remote::{Places, Variables};
use dataflow_series::source::{Remote as _, RemoteTrace, Trace, TraceRequest, open};

use crate::gzip;

const START: Duration = Duration::from_mins(1);

/// A running server, stopped at the end of the test.
struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a process that is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start() -> Option<Self> {
        let python = std::env::var("DATAFLOW_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let has_moto = Command::new(&python).args(["-c", "import moto.server"]).stderr(Stdio::null()).status();
        if !has_moto.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: {python} has no moto; `pip install 'moto[server]'` and set DATAFLOW_PYTHON");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let arguments = ["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()];
        let mut command = Command::new(&python);
        let process = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let server = Self { process, address: format!("http://127.0.0.1:{port}") };
        let started = Instant::now();
        while ureq::get(&server.address).call().is_err() {
            assert!(started.elapsed() < START, "the server does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(server)
    }

    fn put(&self, path: &str, content: &[u8]) {
        ureq::put(format!("{}/{path}", self.address)).send(content).expect("it is stored");
    }

    fn variables(&self) -> Variables {
        let variables = [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "very-secret"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &self.address),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect()
    }
}

fn read(text: &str, variables: Variables) -> Result<Trace, String> {
    let request = TraceRequest { remote: Some(Arc::new(Places::new(variables))), ..TraceRequest::from_input(text) };
    open(&request).map_err(|error| error.to_string())
}

fn log(minutes: std::ops::Range<u32>) -> String {
    let line = |minute| format!("a.example - - [01/Jul/1995:00:{minute:02}:01 -0400] \"GET / HTTP/1.0\" 200 100\n");
    minutes.map(line).collect()
}

#[test]
fn objects_are_read_as_files_are() {
    let Some(server) = Server::start() else { return };
    server.put("logs", b"");
    server.put("logs/1995/07/access-1.log.gz", &gzip(log(0..20).as_bytes()));
    server.put("logs/1995/07/access-2.log", log(20..40).as_bytes());
    server.put("logs/1995/07/error.txt", b"not for us");
    server.put("logs/1995/empty/", b"");
    server.put("logs/table.csv", b"time,requests\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,2\n");
    for (text, intervals, total) in [
        ("s3://logs/1995/07/access-1.log.gz", 20, 2_000.0),
        ("s3://logs/1995/07/access-*", 40, 4_000.0),
        ("s3://logs/**/access-?.log*", 40, 4_000.0),
        ("s3://logs/table.csv", 2, 3.0),
    ] {
        let trace = read(text, server.variables()).expect("it is read");
        assert_eq!((trace.observed.len(), trace.observed.total()), (intervals, total), "{text}");
    }
    let Some(Ok(RemoteTrace::Objects(objects))) =
        Places::new(server.variables()).find("s3://logs/1995/", &TraceRequest::default())
    else {
        panic!("a folder is objects");
    };
    let names: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    let expected = ["access-1.log.gz", "access-2.log", "error.txt"].map(|name| format!("s3://logs/1995/07/{name}"));
    assert_eq!(names, expected, "in order, without the mark of an empty folder");
}

#[test]
fn a_large_object_is_streamed_whole() {
    let Some(server) = Server::start() else { return };
    server.put("large", b"");
    let content: Vec<u8> = (0..20_000_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    server.put("large/object", &content);
    let Some(Ok(RemoteTrace::Objects(objects))) =
        Places::new(server.variables()).find("s3://large/object", &TraceRequest::default())
    else {
        panic!("it is an object");
    };
    let mut read = Vec::new();
    (objects[0].open)().and_then(|mut reader| reader.read_to_end(&mut read)).expect("it is read");
    assert!(read == content);
}

#[test]
fn what_is_not_there_is_told() {
    let Some(server) = Server::start() else { return };
    server.put("logs", b"");
    for (text, words) in [
        ("s3://logs/nothing.log", "no such bucket or object"),
        ("s3://logs/nothing-*", "fits no object"),
        ("s3://logs/[", "is no pattern"),
        ("s3://nowhere/access.log", "no such bucket or object"),
    ] {
        let error = read(text, server.variables()).expect_err("it is not there");
        assert!(error.starts_with(text) && error.contains(words), "{error}");
        assert!(!error.contains("very-secret"), "{error}");
    }
}

#[test]
fn a_server_that_is_not_there_and_keys_in_addresses_are_told() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "very-secret"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ];
    let variables: Variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let error = read("s3://logs/access.log", variables).expect_err("nobody is there");
    assert!(error.contains("refused") && error.contains("AWS_ENDPOINT_URL"), "{error}");
    for (text, name) in [
        ("s3://KEY:very-secret@logs/access.log", "s3://…@logs/access.log: "),
        ("s3://KEY:abc/def-very-secret@logs/access.log", "s3://…@logs/access.log: "),
        ("gs://very-secret@logs/access.log", "gs://…@logs/access.log: "),
        ("s3://KEY:very-secret/logs", "s3://…@: "),
    ] {
        let error = read(text, Variables::default()).expect_err("keys are not for there");
        assert!(error.starts_with(name) && error.contains("do not belong into an address"), "{error}");
        assert!(!error.contains("very-secret"), "{error}");
    }
    let text = "az://container/blob?sig=very-secret";
    let error = read(text, Variables::default()).expect_err("nobody says whose container it is");
    assert!(error.starts_with("az://container/blob: ") && !error.contains("very-secret"), "{error}");
}
