//! Fetching data sets from a mirror: parts, cuts, redirects, refusals, and content that is not what it should be.

use std::cell::RefCell;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dataflow_remote::Patience;
use dataflow_remote::data_set::{DataSet, Event, FetchError, FetchOptions, Fetched, Folder, fetch};

use crate::server::{Server, reply, reply_head, serve_file};
use crate::{gzip, log, variables};

const FILE: &str = "NASA_access_log_Aug95.gz";
/// The lines known of the log of August: so many are served, so that it is taken for it.
const LINES: usize = 1_569_898;

/// The smallest content that has the number of lines known.
fn august() -> Vec<u8> {
    gzip(&b"\n".repeat(LINES))
}

fn set(name: &str) -> &'static DataSet {
    DataSet::named(name).expect("a data set")
}

fn options(mirror: &str) -> FetchOptions {
    let patience = Patience { silence: Duration::from_secs(5), first_wait: Duration::from_millis(20), attempts: 3 };
    FetchOptions { mirror: Some(mirror.to_owned()), force: false, patience }
}

/// Fetches and gives what was told on the way.
fn fetched(
    folder: &Path,
    name: &str,
    mirror: &str,
    told: &[(&str, &str)],
) -> (Result<Option<Fetched>, FetchError>, Vec<String>) {
    let events = RefCell::new(Vec::new());
    let tell = |event: Event<'_>| {
        if !matches!(event, Event::Received { .. }) {
            events.borrow_mut().push(format!("{event:?}"));
        }
    };
    let result = fetch(set(name), &Folder::at(folder), &variables(told), &options(mirror), &tell);
    (result, events.into_inner())
}

fn refused(folder: &Path, mirror: &str) -> String {
    match fetched(folder, "nasa-aug95", mirror, &[]).0 {
        Err(FetchError::Failed(problem)) => problem,
        other => panic!("{mirror}: {other:?}"),
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|file| file.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_data_set_is_fetched_once_and_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = august();
    let served = content.clone();
    let server = Server::new(move |request, stream| serve_file(request, stream, &served, "\"one\""));
    let mirror = server.url("/traces/");
    let (result, events) = fetched(folder.path(), "nasa-aug95", &mirror, &[]);
    let record = result.expect("fetched").expect("new");
    assert_eq!((record.lines, record.bytes), (LINES as u64, content.len() as u64));
    assert_eq!(record.from, format!("{mirror}{FILE}"));
    assert!(events.contains(&format!("Receiving {{ received: 0, total: Some({}) }}", content.len())), "{events:?}");
    assert_eq!(files(folder.path()), [FILE.to_owned(), format!("{FILE}.json")]);
    assert_eq!(fs::read(folder.path().join(FILE)).expect("there"), content);
    assert_eq!(Folder::at(folder.path()).record(set("nasa-aug95")), Some(record));
    assert_eq!(fetched(folder.path(), "nasa-aug95", &mirror, &[]).0, Ok(None));
    assert_eq!(server.requests().len(), 1);
    assert_eq!(server.requests()[0].body, "");
    let forced = FetchOptions { force: true, ..options(&mirror) };
    let again = fetch(set("nasa-aug95"), &Folder::at(folder.path()), &variables(&[]), &forced, &|_| {});
    assert!(again.expect("fetched").is_some());
}

#[test]
fn a_cut_connection_is_gone_on_with_where_it_broke_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = august();
    let served = content.clone();
    // The first answers stop after a third of the file each.
    let server = Server::new(move |request, stream| {
        let start = request.range_start().unwrap_or(0);
        let end = (start + served.len() / 3 + 1).min(served.len());
        let (length, range) =
            ((served.len() - start).to_string(), format!("bytes {start}-{}/{}", served.len() - 1, served.len()));
        let status = if start == 0 { "200 OK" } else { "206 Partial Content" };
        reply_head(stream, status, &[("etag", "\"a\""), ("content-length", &length), ("content-range", &range)])?;
        std::io::Write::write_all(stream, &served[start..end])
    });
    let (result, events) = fetched(folder.path(), "nasa-aug95", &server.url(""), &[]);
    assert!(result.expect("fetched").is_some(), "{events:?}");
    let starts: Vec<_> = server.requests().iter().map(crate::server::Request::range_start).collect();
    let third = content.len() / 3 + 1;
    assert_eq!(starts, [None, Some(third), Some(2 * third)]);
    assert!(server.requests()[1].header("if-range") == Some("\"a\""));
    assert_eq!(fs::read(folder.path().join(FILE)).expect("there"), content);
}

#[test]
fn a_file_that_changed_meanwhile_is_begun_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = august();
    let half = content.len() / 2;
    let (cut, whole) = (content.clone(), content.clone());
    let begun = Server::new(move |request, stream| {
        let is_first = request.range_start().is_none();
        let length = cut.len().to_string();
        if is_first {
            reply_head(stream, "200 OK", &[("etag", "\"old\""), ("content-length", &length)])?;
            return std::io::Write::write_all(stream, &[b"x".repeat(half)].concat());
        }
        serve_file(request, stream, &whole, "\"new\"")
    });
    let (result, _) = fetched(folder.path(), "nasa-aug95", &begun.url(""), &[]);
    assert!(result.expect("fetched").is_some());
    assert_eq!(fs::read(folder.path().join(FILE)).expect("there"), content);
}

/// A server that knows no parts sends the same bytes again and again.
#[test]
fn bytes_that_come_again_are_no_progress() {
    for tag in [Some("\"a\""), None] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::new(move |_, stream| {
            let tag: Vec<(&str, &str)> = tag.map(|tag| ("etag", tag)).into_iter().collect();
            reply_head(stream, "200 OK", &[&tag[..], &[("content-length", "1000")]].concat())?;
            std::io::Write::write_all(stream, &[b'x'; 500])
        });
        let problem = refused(folder.path(), &server.url(""));
        assert!(problem.contains("cut") && problem.contains("in 3 attempts"), "{problem}");
        assert_eq!(server.requests().len(), 3);
    }
}

#[test]
fn an_end_that_nobody_told_is_none_where_nothing_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = "fomokaguya-original-test";
    let open_end = Server::new(|_, stream| {
        reply_head(stream, "200 OK", &[])?;
        std::io::Write::write_all(stream, &log(10))
    });
    let problem = fetched(folder.path(), name, &open_end.url(""), &[]).0.unwrap_err().to_string();
    assert!(problem.contains("does not say how long the file is"), "{problem}");
    assert!(Folder::at(folder.path()).fetched_path(set(name)).is_err());
    // Where chunks have their own end, and where something is known, it is told.
    let chunked = Server::new(|_, stream| {
        reply_head(stream, "200 OK", &[("transfer-encoding", "chunked")])?;
        std::io::Write::write_all(stream, &[b"6\r\nhello\n\r\n".repeat(2), b"0\r\n\r\n".to_vec()].concat())
    });
    let record = fetched(folder.path(), name, &chunked.url(""), &[]).0.expect("fetched").expect("new");
    assert_eq!(record.lines, 2);
    let known = Server::new(|_, stream| {
        reply_head(stream, "200 OK", &[])?;
        std::io::Write::write_all(stream, &august())
    });
    assert!(fetched(folder.path(), "nasa-aug95", &known.url(""), &[]).0.expect("fetched").is_some());
}

#[test]
fn what_was_received_is_kept_for_the_next_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = august();
    let half = content.len() / 2;
    let served = content.clone();
    let count = AtomicUsize::new(0);
    let server = Server::new(move |request, stream| {
        // Fails for as long as the first run goes on.
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => {
                let length = served.len().to_string();
                reply_head(stream, "200 OK", &[("etag", "\"a\""), ("content-length", &length)])?;
                std::io::Write::write_all(stream, &served[..half])
            }
            1 | 2 => reply(stream, "503 Service Unavailable", &[], b""),
            _ => serve_file(request, stream, &served, "\"a\""),
        }
    });
    let problem = refused(folder.path(), &server.url(""));
    assert!(problem.contains("503") && problem.contains("goes on from what was received"), "{problem}");
    assert!(files(folder.path()).contains(&format!("{FILE}.part")));
    assert!(fetched(folder.path(), "nasa-aug95", &server.url(""), &[]).0.expect("fetched").is_some());
    assert_eq!(server.requests().last().and_then(crate::server::Request::range_start), Some(half));
    assert_eq!(fs::read(folder.path().join(FILE)).expect("there"), content);
}

#[test]
fn busy_servers_are_waited_for_and_redirects_followed_without_credentials() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = august();
    let store = Server::new(move |request, stream| serve_file(request, stream, &content, "\"a\""));
    let to = store.url("/signed?signature=secret");
    let count = AtomicUsize::new(0);
    let server = Server::new(move |_, stream| match count.fetch_add(1, Ordering::SeqCst) {
        0 => reply(stream, "429 Too Many Requests", &[("retry-after", "0")], b""),
        1 => reply(stream, "502 Bad Gateway", &[], b""),
        _ => reply(stream, "302 Found", &[("location", &to)], b""),
    });
    let mirror = server.url("").replace("127.0.0.1", "me:password@127.0.0.1");
    let (result, events) = fetched(folder.path(), "nasa-aug95", &mirror, &[]);
    let record = result.expect("fetched").expect("new");
    assert_eq!(record.from, server.url(&format!("/{FILE}")));
    assert!(events.iter().any(|event| event.contains("429")) && events.iter().any(|event| event.contains("502")));
    assert!(server.requests().iter().all(|request| request.header("authorization").is_some()));
    assert!(store.requests().iter().all(|request| request.header("authorization").is_none()));
    let kept = fs::read_to_string(folder.path().join(format!("{FILE}.json"))).expect("a record");
    assert!(!kept.contains("password") && !kept.contains("secret"), "{kept}");
}

#[test]
fn refusals_are_told_at_once() {
    for (status, word) in [
        ("401 Unauthorized", "credentials are missing or wrong"),
        ("403 Forbidden", "access is denied"),
        ("404 Not Found", "nothing at this address"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::fixed(status, &[], b"<html>no</html>");
        let problem = refused(folder.path(), &server.url("/a").replace("127", "me:secret@127"));
        assert!(problem.contains(word) && problem.contains(&status[..3]) && !problem.contains("secret"), "{problem}");
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[test]
fn content_that_is_not_the_one_known_is_never_kept() {
    let html = b"<!DOCTYPE html>\n<html><body>Log in</body></html>".to_vec();
    let mut damaged = gzip(&log(1_000));
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    for (body, name, word) in [
        (html, "nasa-aug95", "web page"),
        (gzip(&log(100)), "nasa-aug95", "100 lines, not 1569898"),
        (gzip(&log(100)), "nasa-jul95", "not fcfcafcd0d8e9aeb02e771a51ab19abdc443eed3021b5c05475cfb5b36909c7e"),
        (damaged, "nasa-jul95", "damaged"),
        (Vec::new(), "nasa-jul95", "empty"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::new(move |request, stream| serve_file(request, stream, &body, "\"a\""));
        let problem = match fetched(folder.path(), name, &server.url(""), &[]).0 {
            Err(FetchError::Failed(problem)) => problem,
            other => panic!("{name}: {other:?}"),
        };
        assert!(problem.contains(word), "{problem}");
        assert_eq!(files(folder.path()), [format!("{}.lock", set(name).file)]);
    }
}

#[test]
fn servers_that_say_nothing_are_not_waited_for_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::new(|_, stream| {
        reply_head(stream, "200 OK", &[("content-length", "1000")])?;
        thread::sleep(Duration::from_secs(30));
        Ok(())
    });
    let mut quick = options(&server.url(""));
    quick.patience.silence = Duration::from_millis(200);
    let began = Instant::now();
    let error = fetch(set("nasa-aug95"), &Folder::at(folder.path()), &variables(&[]), &quick, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("no answer came within 0.2 s, in 3 attempts"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_slow_server_is_waited_for_as_long_as_it_says_something() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = august();
    let served = content.clone();
    let server = Server::new(move |_, stream| {
        reply_head(stream, "200 OK", &[("content-length", &served.len().to_string())])?;
        for piece in served.chunks(served.len() / 8) {
            thread::sleep(Duration::from_millis(50));
            std::io::Write::write_all(stream, piece)?;
        }
        Ok(())
    });
    let mut quick = options(&server.url(""));
    quick.patience.silence = Duration::from_millis(300);
    let fetched = fetch(set("nasa-aug95"), &Folder::at(folder.path()), &variables(&[]), &quick, &|_| {});
    assert_eq!(fetched.expect("fetched").expect("new").bytes, content.len() as u64);
}

#[test]
fn a_proxy_is_asked_in_the_place_of_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = august();
    let proxy = Server::new(move |request, stream| {
        if !request.line.starts_with("CONNECT ") {
            return reply(stream, "400 Bad Request", &[], b"");
        }
        // Plays the server at the other end as well. What it is asked is read first: a connection that is closed with
        // something unread is cut.
        reply_head(stream, "200 Connection established", &[])?;
        let mut asked = std::io::BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        while std::io::BufRead::read_line(&mut asked, &mut line)? > 2 {
            line.clear();
        }
        serve_file(request, stream, &content, "\"a\"")
    });
    let address = proxy.url("").replace("127.0.0.1", "me:pass%40word@127.0.0.1");
    let told = [("HTTP_PROXY", address.as_str())];
    let (result, _) = fetched(folder.path(), "nasa-aug95", "http://mirror.invalid/a", &told);
    assert!(result.expect("fetched").is_some());
    let asked = proxy.requests();
    assert_eq!(asked[0].path(), "mirror.invalid:80");
    assert_eq!(asked[0].header("proxy-authorization"), Some("Basic bWU6cGFzc0B3b3Jk"));
    // Hosts excepted are asked directly, and a proxy that refuses is told without its password.
    let other = tempfile::tempdir().expect("a folder");
    let excepted = [("HTTP_PROXY", address.as_str()), ("NO_PROXY", "mirror.invalid")];
    let problem = fetched(other.path(), "nasa-aug95", "http://mirror.invalid/a", &excepted).0.unwrap_err().to_string();
    assert!(problem.contains("no host of this name"), "{problem}");
    let refusing = Server::fixed("403 Forbidden", &[], b"");
    let address = refusing.url("").replace("127.0.0.1", "me:password@127.0.0.1");
    let told = [("http_proxy", address.as_str())];
    let problem = fetched(other.path(), "nasa-aug95", "http://mirror.invalid/a", &told).0.unwrap_err().to_string();
    assert!(problem.contains("proxy") && problem.contains("403") && !problem.contains("password"), "{problem}");
}

#[test]
fn a_server_that_is_not_there_or_speaks_no_tls_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
    let problem = refused(folder.path(), &format!("http://127.0.0.1:{free}/"));
    assert!(problem.contains("nothing answers there"), "{problem}");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    // As web servers answer what they do not understand.
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Read::read(&mut stream, &mut [0; 1024]);
            let _ = reply(&mut stream, "400 Bad Request", &[], b"");
        }
    });
    let problem = refused(folder.path(), &format!("https://127.0.0.1:{port}/"));
    assert!(problem.contains("TLS") && problem.contains("try http://"), "{problem}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = august();
    let server = Server::new(move |request, stream| serve_file(request, stream, &content, "\"a\""));
    std::os::unix::fs::symlink("/dev/full", folder.path().join(format!("{FILE}.part"))).expect("a link");
    let problem = refused(folder.path(), &server.url(""));
    assert!(problem.contains("No space left"), "{problem}");
}

#[test]
fn the_hub_is_asked_only_where_it_is_built_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = "fomokaguya-original-test";
    if !cfg!(feature = "hub") {
        let result = fetch(set(name), &Folder::at(folder.path()), &variables(&[]), &FetchOptions::default(), &|_| {});
        let Err(FetchError::Usage(problem)) = result else { panic!("{result:?}") };
        assert!(problem.contains("cargo feature `hub`") && problem.contains("--mirror"), "{problem}");
    }
    let server = Server::new(|request, stream| serve_file(request, stream, &log(10), "\"a\""));
    let (result, _) = fetched(folder.path(), name, &server.url("/resolve/main"), &[]);
    assert_eq!(result.expect("fetched").expect("new").lines, 10);
    assert_eq!(server.requests()[0].path(), "/resolve/main/original/test.txt");
}
