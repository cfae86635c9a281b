//! A web server on loopback, for as long as a test runs; also used by the tests of the command line.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a client asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The method and what follows it, such as `GET /path?query`.
    pub(crate) line: String,
    /// By names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The path with its query.
    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    /// The first byte asked for, if a part is.
    pub(crate) fn range_start(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.split_once('-')?.0.parse().ok()
    }
}

/// Answers every request by a function and keeps what was asked.
pub(crate) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn new(answer: impl Fn(&Request, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = stream;
                    if let Some(request) = read(&stream) {
                        kept.lock().expect("no test panics with it").push(request.clone());
                        // A client that leaves early is what some tests are about.
                        let _ = answer(&request, &mut stream);
                    }
                });
            }
        });
        Self { port, requests }
    }

    /// One that always gives the same answer.
    pub(crate) fn fixed(status: &'static str, headers: &'static [(&'static str, &'static str)], body: &[u8]) -> Self {
        let body = body.to_vec();
        Self::new(move |_, stream| reply(stream, status, headers, &body))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no test panics with it").clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let line = reader.by_ref().lines().next()?.ok()?;
    let mut headers = BTreeMap::new();
    for header in reader.by_ref().lines() {
        let header = header.ok()?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body).ok()?;
    Some(Request { line, headers, body })
}

/// Writes a whole answer.
pub(crate) fn reply(stream: &mut impl Write, status: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
    let length = body.len().to_string();
    reply_head(stream, status, &[headers, &[("content-length", &length)]].concat())?;
    stream.write_all(body)?;
    stream.flush()
}

/// Writes the head of an answer.
pub(crate) fn reply_head(stream: &mut impl Write, status: &str, headers: &[(&str, &str)]) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\n")?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    stream.write_all(b"\r\n")
}

/// Serves a file as good servers do: whole, or from the byte asked for where it is still the same.
pub(crate) fn serve_file(request: &Request, stream: &mut impl Write, content: &[u8], tag: &str) -> io::Result<()> {
    let is_same = request.header("if-range").is_none_or(|range| range == tag);
    match request.range_start().filter(|_| is_same) {
        Some(start) if start >= content.len() => {
            let range = format!("bytes */{}", content.len());
            reply(stream, "416 Range Not Satisfiable", &[("content-range", &range)], b"")
        }
        Some(start) => {
            let range = format!("bytes {start}-{}/{}", content.len() - 1, content.len());
            reply(stream, "206 Partial Content", &[("etag", tag), ("content-range", &range)], &content[start..])
        }
        None => reply(stream, "200 OK", &[("etag", tag), ("accept-ranges", "bytes")], content),
    }
}
