//! Files at web addresses as traces.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dataflow_remote::Places;
use dataflow_series::source::{Trace, TraceRequest, open};

use crate::server::{Server, reply, reply_head, serve_file};
use crate::{gzip, log, variables};

fn trace(url: &str) -> Result<Trace, String> {
    let remote = Some(Arc::new(Places::new(variables(&[]))) as Arc<_>);
    open(&TraceRequest { remote, ..TraceRequest::from_input(url) }).map_err(|error| error.to_string())
}

#[test]
fn logs_tables_and_numbers_are_told_by_their_content_packed_or_not() {
    let table = b"time,requests\n2026-01-01T00:00:00Z,5\n2026-01-01T00:01:00Z,7\n".to_vec();
    for (content, total) in [(log(120), 7_140.0), (gzip(&log(120)), 7_140.0), (table, 12.0)] {
        let server = Server::new(move |request, stream| serve_file(request, stream, &content, "\"a\""));
        let trace = trace(&server.url("/access?key=secret")).expect("a trace");
        assert_eq!(trace.source, server.url("/access?…"));
        assert_eq!(trace.observed.values().flatten().sum::<f64>(), total);
        assert_eq!(server.requests()[0].path(), "/access?key=secret");
    }
}

#[test]
fn what_is_no_data_is_told_by_one_error_without_secrets() {
    let page = b"\n<!doctype HTML><html>".to_vec();
    for (status, body, word) in [
        ("200 OK", page.clone(), "a web page (HTML)"),
        ("200 OK", gzip(&page), "a web page (HTML)"),
        ("200 OK", Vec::new(), "is empty"),
        ("401 Unauthorized", page.clone(), "credentials"),
        ("404 Not Found", page, "nothing at this address"),
    ] {
        let server = Server::new(move |_, stream| reply(stream, status, &[], &body));
        let url = server.url("/a.log?token=secret").replace("127", "me:password@127");
        let problem = trace(&url).unwrap_err();
        assert!(problem.contains(word) && problem.contains("/a.log?…"), "{problem}");
        assert!(!problem.contains("secret") && !problem.contains("password"), "{problem}");
    }
    for (url, word) in [("http://", "no web address"), ("https://host.invalid/a", "no host of this name")] {
        let problem = trace(url).unwrap_err();
        assert!(problem.contains(word), "{problem}");
    }
}

#[test]
fn a_cut_connection_is_no_end_of_the_data() {
    let content = log(100_000);
    let server = Server::new(move |_, stream| {
        reply_head(stream, "200 OK", &[("content-length", &content.len().to_string())])?;
        stream.write_all(&content[..content.len() / 2])
    });
    let problem = trace(&server.url("/")).unwrap_err();
    assert!(problem.contains("connection was cut after"), "{problem}");
}

#[test]
fn a_server_that_is_busy_or_cuts_before_the_first_byte_is_asked_again() {
    let count = AtomicUsize::new(0);
    let server = Server::new(move |request, stream| match count.fetch_add(1, Ordering::SeqCst) {
        0 => reply(stream, "429 Too Many Requests", &[("retry-after", "0")], b""),
        1 => reply(stream, "503 Service Unavailable", &[("retry-after", "0")], b""),
        2 => reply_head(stream, "200 OK", &[("content-length", "9")]),
        _ => serve_file(request, stream, &log(120), "\"a\""),
    });
    let trace = trace(&server.url("/")).expect("a trace");
    assert_eq!(trace.observed.values().flatten().sum::<f64>(), 7_140.0);
    assert_eq!(server.requests().len(), 4);
}
