//! A real Prometheus that scrapes an exporter of ours, and holds a long past, as the trace of `dataflow compare`.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{Server, reply};
use crate::{json, run, stderr, stdout};

/// When the long past begins: 1 January 2026, 00:00 UTC.
const PAST: i64 = 1_767_225_600;
/// More minutes than a server gives in one answer.
const MINUTES: i64 = 11_500;
/// Minutes in which nothing was scraped.
const OUTAGE: std::ops::Range<i64> = 3_000..3_060;
/// By how much the exporter's counter grows with every scrape.
const HITS: u64 = 5;

/// A running Prometheus, which ends with the test.
struct Prometheus {
    child: Child,
    port: u16,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// Starts one that scrapes `target` every second and knows the long past; `None` where it is not installed.
    fn start(folder: &Path, target: &str) -> Option<Self> {
        let is_there = |program: &str| {
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
        };
        if !is_there("prometheus") || !is_there("promtool") {
            return None;
        }
        let (past, data, settings) = (folder.join("past.txt"), folder.join("data"), folder.join("prometheus.yml"));
        fs::write(&past, long_past()).expect("written");
        let filled = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&past, &data])
            .output()
            .expect("promtool runs");
        assert!(filled.status.success(), "{}", stderr(&filled));
        let scrape = format!(
            "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: ours\n    static_configs:\n      - targets: ['{target}']\n"
        );
        fs::write(&settings, scrape).expect("written");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", settings.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--storage.tsdb.retention.time=100y", "--web.external-url=/metrics-of/ours"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus starts");
        let started = Self { child, port };
        let began = Instant::now();
        while !started.get("/metrics-of/ours/-/ready").contains(" 200 ") {
            assert!(began.elapsed() < Duration::from_mins(1), "prometheus is not ready");
            thread::sleep(Duration::from_millis(100));
        }
        Some(started)
    }

    /// The answer to a request, with its head; empty where there is none.
    fn get(&self, path: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = write!(stream, "GET {path} HTTP/1.0\r\n\r\n");
            let _ = stream.read_to_string(&mut answer);
        }
        answer
    }

    fn trace(&self, parameters: &str) -> String {
        format!("prometheus:http://127.0.0.1:{}/metrics-of/ours?{parameters}", self.port)
    }
}

/// By how much the counter of the long past grows in a minute.
fn growth(minute: i64) -> i64 {
    4 * (100 + minute % 1_440 / 10)
}

/// A counter every 15 seconds, and a gauge every minute, but for the outage.
fn long_past() -> String {
    let mut text = String::from("# TYPE past counter\n");
    let mut total = 0;
    for minute in 0..=MINUTES {
        for quarter in 0..4 {
            let is_seen = !OUTAGE.contains(&minute) || (minute == OUTAGE.start && quarter == 0);
            if is_seen && (minute < MINUTES || quarter == 0) {
                let time = PAST + minute * 60 + quarter * 15;
                let _ = writeln!(text, "past_total{{server=\"a\"}} {total} {time}");
            }
            total += growth(minute) / 4;
        }
    }
    text.push_str("# EOF\n");
    text
}

#[test]
fn a_real_prometheus_is_compared_on_exactly_what_it_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let hits = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&hits);
    let exporter = Server::new(move |_, stream| {
        let total = counter.fetch_add(HITS, Ordering::SeqCst);
        let text = format!("# TYPE hits_total counter\nhits_total{{path=\"/\"}} {total}\n");
        reply(stream, "200 OK", &[("content-type", "text/plain; version=0.0.4")], text.as_bytes())
    });
    let target = exporter.url("").replace("http://", "");
    let Some(prometheus) = Prometheus::start(folder.path(), &target) else {
        eprintln!("SKIPPED: prometheus and promtool are not installed, so no real server was asked");
        return;
    };
    check_long_past(&prometheus, folder.path());
    check_scraped(&prometheus, folder.path(), &hits);
    check_refusals(&prometheus, folder.path());
}

/// More than one answer's values, an outage as a gap, and every load exactly what the counter grew by.
fn check_long_past(prometheus: &Prometheus, folder: &Path) {
    let (start, end) = (PAST, PAST + MINUTES * 60);
    let trace = prometheus.trace(&format!("query=sum(increase(past_total[1m]))&start={start}&end={end}&unit=requests"));
    let ticks = folder.join("ticks.csv");
    let arguments =
        ["compare", &trace, "--policies", "fixed", "--fill", "zero", "--timeline", ticks.to_str().expect("text")];
    let result = json(folder, &arguments);
    let seen = (0..MINUTES).filter(|minute| !OUTAGE.contains(minute));
    assert_eq!(result["trace"]["ticks"], MINUTES);
    assert_eq!(result["trace"]["missing_ticks"], OUTAGE.end - OUTAGE.start);
    assert_eq!(result["trace"]["start"], "2026-01-01T00:00:00Z");
    assert_eq!(result["trace"]["unit"], "requests");
    let total = result["trace"]["total"].as_f64().expect("a number");
    assert_eq!(total, seen.map(|minute| growth(minute) as f64).sum::<f64>());
    let mut rows = csv::Reader::from_path(ticks).expect("a table");
    let load = rows.headers().expect("a header").iter().position(|name| name == "load").expect("loads");
    for (minute, row) in (0..MINUTES).zip(rows.records()) {
        let expected = if OUTAGE.contains(&minute) { 0.0 } else { growth(minute) as f64 };
        let found: f64 = row.expect("a row")[load].parse().expect("a number");
        assert_eq!(found, expected, "minute {minute}");
    }
    // A rate over the same time is the same load.
    let trace = prometheus.trace(&format!("query=sum(rate(past_total[1m]))&start={start}&end={end}&unit=requests"));
    let rate = json(folder, &["compare", &trace, "--policies", "fixed", "--fill", "zero"]);
    assert!((rate["trace"]["total"].as_f64().expect("a number") / total - 1.0).abs() < 1e-9);
    assert_eq!(rate["trace"]["missing_ticks"], result["trace"]["missing_ticks"]);
}

fn check_refusals(prometheus: &Prometheus, folder: &Path) {
    for (parameters, word) in [
        (
            "query=sum(rate(past_total[5m])",
            "the server refuses the query (bad_data): 1:25: parse error: unclosed left parenthesis",
        ),
        ("query=absent_total&start=-1h", "gives no value in this time"),
        ("query={__name__=~\"scrape_.*\"}&start=-1h&step=1s", "add them up with sum(…)"),
        ("query=past_total&start=2026-01-01&end=2026-01-01T00:00:10Z", "no whole step"),
    ] {
        let output = run(folder, &["compare", &prometheus.trace(parameters)]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{parameters}: {message}");
        let errors = message.lines().filter(|line| line.starts_with("error: ")).count();
        assert!(message.contains(word) && errors == 1, "{parameters}: {message}");
    }
    let message =
        stderr(&run(folder, &["compare", &prometheus.trace("query=up").replace("/metrics-of/ours", "/elsewhere")]));
    assert!(message.contains("check the address and its prefix"), "{message}");
}

/// What it scrapes from the exporter while the test runs.
fn check_scraped(prometheus: &Prometheus, folder: &Path, hits: &AtomicU64) {
    let began = Instant::now();
    while hits.load(Ordering::SeqCst) < 9 * HITS {
        assert!(began.elapsed() < Duration::from_mins(1), "prometheus does not scrape");
        thread::sleep(Duration::from_millis(100));
    }
    let table = folder.join("scraped.csv");
    let trace = prometheus.trace("query=increase(hits_total{path=\"/\"}[3s]) / 3&start=now-1m&step=1s&unit=requests");
    let arguments =
        ["compare", &trace, "--interval", "1s", "--policies", "fixed", "--timeline", table.to_str().expect("text")];
    stdout(folder, &arguments);
    let mut rows = csv::Reader::from_path(table).expect("a table");
    let load = rows.headers().expect("a header").iter().position(|name| name == "load").expect("loads");
    let loads: Vec<f64> = rows.records().map(|row| row.expect("a row")[load].parse().expect("a number")).collect();
    // Scrapes come about every second, so windows of three seconds see about three of them grow.
    let mean = loads.iter().sum::<f64>() / loads.len() as f64;
    assert!(loads.len() >= 4, "{loads:?}");
    assert!((mean / HITS as f64 - 1.0).abs() < 0.35, "{loads:?}");
}
