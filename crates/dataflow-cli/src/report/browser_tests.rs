//! The report in a real browser: Chromium, where there is one, opens it headless and works through its controls.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::tests::provenance;
use super::*;
use crate::sample::{self, Trace};

/// Presses everything once, then tells in the page what it found.
const EXERCISE: &str = include_str!("browser_tests.js");
const LIMIT: Duration = Duration::from_mins(2);

/// The browser to test with: that of `DATAFLOW_CHROMIUM`, or one found in the search path.
fn chromium() -> Option<OsString> {
    if let Some(chosen) = std::env::var_os("DATAFLOW_CHROMIUM") {
        return Some(chosen);
    }
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &&str| Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    names.into_iter().find(|name| runs(name).is_ok_and(|status| status.success())).map(OsString::from)
}

/// The page after its scripts ran, and what was said on the console.
fn open(chromium: &OsString, page: &Path, profile: &Path) -> (String, Vec<String>) {
    let mut browser = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--window-size=1280,900", "--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let read = |mut pipe: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let page = read(Box::new(browser.stdout.take().unwrap()));
    let log = read(Box::new(browser.stderr.take().unwrap()));
    let started = Instant::now();
    while browser.try_wait().unwrap().is_none() {
        if started.elapsed() > LIMIT {
            browser.kill().unwrap();
            panic!("the browser did not finish within {LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let console = log.join().unwrap().lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    (page.join().unwrap(), console)
}

#[test]
fn the_report_works_in_a_browser() {
    let Some(chromium) = chromium() else {
        eprintln!("SKIPPED the_report_works_in_a_browser: install Chromium, or set DATAFLOW_CHROMIUM to its path");
        return;
    };
    let mut gap = Trace::days(3);
    gap.source = "<script>throw 1</script>&amp;\"'".to_owned();
    gap.loads[1000..1700].fill(None);
    let traces = [gap, Trace::of(vec![0.0; 500]), Trace::of(vec![7.0])];
    let folder = tempfile::tempdir().unwrap();
    for (index, trace) in traces.iter().enumerate() {
        let sample = sample::comparison(trace);
        let page = render(&sample.comparison, &sample.ticks, &provenance()).unwrap();
        let path = folder.path().join(format!("{index}.html"));
        std::fs::write(&path, page.replace("</body>", &format!("<script>{EXERCISE}</script></body>"))).unwrap();
        let (page, console) = open(&chromium, &path, &folder.path().join("profile"));
        assert_eq!(console, Vec::<String>::new(), "console of trace {index}");
        let found = page.split_once("data-exercise=\"").and_then(|(_, rest)| rest.split_once('"'));
        assert_eq!(found.map(|(found, _)| found), Some("works"), "trace {index}");
    }
}
