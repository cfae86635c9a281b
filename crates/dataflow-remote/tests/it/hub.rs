//! Fetching from the Hugging Face hub, played by a server on loopback.

use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dataflow_remote::Patience;
use dataflow_remote::data_set::{DataSet, FetchError, FetchOptions, Fetched, Folder, fetch};

use crate::server::{Request, Server, reply, reply_head};
use crate::{log, variables};

const NAME: &str = "fomokaguya-original-train";
const PATH: &str = "/datasets/zinzinmit/Fomokaguya2026/resolve/main/original/train.txt";

/// As the hub answers: every part with the size of the whole, the entity tag and the commit.
fn serve(request: &Request, stream: &mut impl std::io::Write, content: &[u8]) -> std::io::Result<()> {
    let start = request.range_start().unwrap_or(0);
    let end = request.header("range").and_then(|range| range.rsplit_once('-')?.1.parse().ok());
    let end = end.map_or(content.len(), |end: usize| (end + 1).min(content.len()));
    let range = format!("bytes {start}-{}/{}", end - 1, content.len());
    let headers = [("etag", "\"abc\""), ("x-repo-commit", "0123456789"), ("content-range", range.as_str())];
    reply(stream, "206 Partial Content", &headers, &content[start..end])
}

fn fetched(folder: &std::path::Path, told: &[(&str, &str)]) -> Result<Option<Fetched>, FetchError> {
    let patience = Patience { silence: Duration::from_secs(5), first_wait: Duration::from_millis(20), attempts: 3 };
    let options = FetchOptions { patience, ..FetchOptions::default() };
    let set = DataSet::named(NAME).expect("a data set");
    fetch(set, &Folder::at(folder), &variables(told), &options, &|_| {})
}

#[test]
fn files_of_the_hub_are_fetched_with_the_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::new(|request, stream| match request.header("authorization") {
        Some("Bearer hf_secret") => serve(request, stream, &log(1_000)),
        _ => reply(stream, "401 Unauthorized", &[], b""),
    });
    let endpoint = server.url("");
    let home = tempfile::tempdir().expect("a folder");
    let told = [("HF_ENDPOINT", endpoint.as_str()), ("HF_HOME", home.path().to_str().expect("text"))];
    let problem = fetched(folder.path(), &told).unwrap_err().to_string();
    assert!(problem.contains("401") && problem.contains("HF_TOKEN"), "{problem}");
    let record = fetched(folder.path(), &[&told[..], &[("HF_TOKEN", "hf_secret")]].concat());
    let record = record.expect("fetched").expect("new");
    assert_eq!(
        (record.lines, record.from.as_str()),
        (1_000, server.url("/datasets/zinzinmit/Fomokaguya2026/original/train.txt").as_str())
    );
    assert!(server.requests().iter().all(|request| request.path() == PATH));
    // The token that its own programs keep is found as well.
    fs::write(home.path().join("token"), "hf_secret\n").expect("written");
    let path = folder.path().join("fomokaguya2026/original/train.txt");
    assert_eq!(fs::read(&path).expect("there"), log(1_000));
    fs::remove_file(path).expect("removed");
    assert!(fetched(folder.path(), &told).expect("fetched").is_some());
}

#[test]
fn busy_hubs_are_waited_for_and_cut_connections_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let count = AtomicUsize::new(0);
    let server = Server::new(move |request, stream| match count.fetch_add(1, Ordering::SeqCst) {
        0 => reply(stream, "429 Too Many Requests", &[("retry-after", "0")], b""),
        2 => {
            let content = log(1_000);
            let length = content.len().to_string();
            reply_head(stream, "206 Partial Content", &[("content-length", &length)])?;
            stream.write_all(&content[..content.len() / 2])
        }
        _ => serve(request, stream, &log(1_000)),
    });
    let endpoint = server.url("");
    let record = fetched(folder.path(), &[("HF_ENDPOINT", &endpoint), ("HF_TOKEN", "t")]);
    assert_eq!(record.expect("fetched").expect("new").lines, 1_000);
    let starts: Vec<_> = server.requests().iter().map(Request::range_start).collect();
    assert_eq!(starts, [Some(0), Some(0), Some(0), Some(0), Some(log(1_000).len() / 2)]);
}

#[test]
fn answers_that_are_none_of_the_hub_are_told_without_a_panic() {
    type Headers = &'static [(&'static str, &'static str)];
    let cases: [(&str, Headers, &str); 4] = [
        ("404 Not Found", &[], "nothing at this address"),
        ("200 OK", &[], "none of the hub"),
        ("302 Found", &[("etag", "a"), ("x-repo-commit", "b")], "none of the hub"),
        (
            "206 Partial Content",
            &[("etag", "a"), ("x-repo-commit", "b"), ("content-range", "bytes")],
            "none of the hub",
        ),
    ];
    for (status, headers, word) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::fixed(status, headers, b"<html>");
        let endpoint = server.url("").replace("127", "me:password@127");
        let problem =
            fetched(folder.path(), &[("HF_ENDPOINT", &endpoint), ("HF_TOKEN", "secret")]).unwrap_err().to_string();
        assert!(problem.contains(word), "{status}: {problem}");
        assert!(!problem.contains("secret") && !problem.contains("password"), "{problem}");
    }
}
