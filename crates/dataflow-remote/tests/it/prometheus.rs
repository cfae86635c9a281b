//! Prometheus servers as traces, played by a server on loopback; the real one is asked in the tests of the command line.

use std::fmt::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dataflow_remote::Places;
use dataflow_series::source::{RemoteTrace, Trace, TraceRequest, open};
use dataflow_series::{Step, Unit};
use jiff::Timestamp;

use crate::server::{Request, Server, reply};
use crate::{gzip, variables};

const JSON: (&str, &str) = ("content-type", "application/json");

fn trace_with(told: &[(&str, &str)], request: TraceRequest, url: &str, rest: &str) -> Result<Trace, String> {
    let remote = Some(Arc::new(Places::new(variables(told))) as Arc<_>);
    let inputs = vec![format!("prometheus:{url}?{rest}")];
    open(&TraceRequest { remote, inputs, ..request }).map_err(|error| error.to_string())
}

fn trace(server: &Server, rest: &str) -> Result<Trace, String> {
    trace_with(&[], TraceRequest::default(), &server.url(""), rest)
}

fn parameter(request: &Request, name: &str) -> i64 {
    let query = request.path().split_once('?').expect("a query").1;
    let value = query.split('&').find_map(|part| part.strip_prefix(&format!("{name}=")));
    value.expect("the parameter").parse().expect("a number")
}

/// Answers a range query as a Prometheus does, one series with these labels and values.
fn matrix(request: &Request, labels: &str, value: impl Fn(i64) -> Option<f64>) -> String {
    let (start, end, step) = (parameter(request, "start"), parameter(request, "end"), parameter(request, "step"));
    if (end - start) / step > 11_000 {
        return r#"{"status":"error","errorType":"bad_data","error":"exceeded maximum resolution of 11,000 points"}"#
            .to_owned();
    }
    let mut values = String::new();
    for time in (start..=end).step_by(step as usize) {
        if let Some(value) = value(time) {
            let comma = if values.is_empty() { "" } else { "," };
            let _ = write!(values, r#"{comma}[{time},"{value}"]"#);
        }
    }
    let series =
        if values.is_empty() { String::new() } else { format!(r#"{{"metric":{labels},"values":[{values}]}}"#) };
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#)
}

fn send(stream: &mut TcpStream, body: &str) -> std::io::Result<()> {
    reply(stream, "200 OK", &[JSON], body.as_bytes())
}

#[test]
fn long_ranges_are_asked_for_in_parts_and_stale_values_are_gaps() {
    // Stale from the 100th minute for an hour, and across the border of two parts.
    let is_stale = |minute: i64| (100..160).contains(&minute) || (9_990..10_020).contains(&minute);
    let server = Server::new(move |request, stream| {
        let value = |time: i64| (!is_stale(time / 60 - 1)).then_some((time / 60 - 1) as f64);
        let body = gzip(matrix(request, "{}", value).as_bytes());
        reply(stream, "200 OK", &[JSON, ("content-encoding", "gzip")], &body)
    });
    let end = 25_000 * 60;
    let trace = trace(&server, &format!("query=increase(x[1m])&start=0&end={end}&unit=requests")).expect("a trace");
    assert_eq!((trace.observed.len(), trace.observed.missing()), (25_000, 90));
    assert_eq!((trace.observed.start(), trace.observed.unit()), (Timestamp::UNIX_EPOCH, Unit::Requests));
    for (minute, load) in trace.observed.values().enumerate() {
        assert_eq!(load, (!is_stale(minute as i64)).then_some(minute as f64));
    }
    assert_eq!(server.requests().len(), 3);
    assert_eq!(
        trace.source,
        format!(
            "prometheus:{}?query=increase(x[1m])&start=1970-01-01T00:00:00Z&end=1970-01-18T08:40:00Z&step=1m",
            server.url("")
        )
    );
}

#[test]
fn rates_become_the_load_of_an_interval_and_are_summed_to_longer_ones() {
    let server = Server::new(|request, stream| send(stream, &matrix(request, "{}", |_| Some(2.5))));
    let rate = trace(&server, "query=sum(rate(x[1m]))&start=0&end=3600&step=15s").expect("a trace");
    assert_eq!((rate.observed.step(), rate.observed.get(0)), (Step::MINUTE, Some(150.0)));
    assert!(rate.notes.iter().any(|note| note.contains("rate per second; times 15")), "{:?}", rate.notes);
    let count = trace(&server, "query=sum(rate(x[1m]))&start=0&end=3600&step=15s&per=step").expect("a trace");
    assert_eq!(count.observed.get(0), Some(10.0));
    let label = trace(&server, "query=rate(x{path=~\"/a.*\"}[5m])&start=0&end=3600").expect("a trace");
    assert_eq!(label.observed.get(0), Some(150.0));
    let increase = trace(&server, "query=increase(x[5m])&start=0&end=3600").expect("a trace");
    assert_eq!(increase.observed.get(0), Some(0.5));
    assert!(increase.notes.iter().any(|note| note.contains("times 0.2")), "{:?}", increase.notes);
    let gauge = trace(&server, "query=x&start=0&end=3600").expect("a trace");
    assert!(gauge.notes.iter().any(|note| note.contains("as it is")), "{:?}", gauge.notes);
    let hour = TraceRequest { interval: Some(Step::HOUR), measure: Some(Unit::Bytes), ..TraceRequest::default() };
    let hour = trace_with(&[], hour, &server.url(""), "query=x&per=second&start=0&end=7200").expect("a trace");
    assert_eq!((hour.observed.len(), hour.observed.get(0), hour.observed.unit()), (2, Some(9_000.0), Unit::Bytes));
}

#[test]
fn what_the_server_has_not_yet_or_no_more_is_cut_and_told() {
    let server = Server::new(|request, stream| {
        send(
            stream,
            &matrix(request, "{}", |time| {
                (600..1_200).contains(&time).then_some(if time == 900 { f64::NAN } else { 1.0 })
            }),
        )
    });
    let trace = trace(&server, "query=x&start=0&end=6000").expect("a trace");
    assert_eq!((trace.observed.start().as_second(), trace.observed.len(), trace.observed.missing()), (540, 10, 1));
    for word in ["90 intervals before the first value", "1 values are no finite numbers"] {
        assert!(trace.notes.iter().any(|note| note.contains(word)), "{:?}", trace.notes);
    }
}

#[test]
fn several_series_are_refused_with_their_names_even_when_they_take_turns() {
    let together = Server::fixed(
        "200 OK",
        &[JSON],
        br#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"x","pod":"a"},"values":[[60,"1"]]},{"metric":{"__name__":"x","pod":"b"},"values":[[60,"1"]]}]}}"#,
    );
    let problem = trace(&together, "query=x&start=0&end=60").unwrap_err();
    assert!(problem.contains(r#"2 series: x{pod="a"}, x{pod="b"}; add them up with sum(…)"#), "{problem}");
    let in_turns = Server::new(|request, stream| {
        let pod = if parameter(request, "start") < 600_000 { r#"{"pod":"a"}"# } else { r#"{"pod":"b"}"# };
        send(stream, &matrix(request, pod, |_| Some(1.0)))
    });
    let problem = trace(&in_turns, "query=x&start=0&end=1200000").unwrap_err();
    assert!(problem.contains("2 series"), "{problem}");
}

#[test]
fn answers_that_are_no_load_are_one_clear_error() {
    let values = |values: &str| {
        format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[{values}]}}]}}}}"#
        )
    };
    let cases: [(&'static str, String, &str); 16] = [
        (
            "400 Bad Request",
            r#"{"status":"error","errorType":"bad_data","error":"1:5: parse error:\n unclosed left parenthesis"}"#
                .to_owned(),
            "refuses the query (bad_data): 1:5: parse error: unclosed left parenthesis",
        ),
        (
            "422 Unprocessable Entity",
            r#"{"status":"error","errorType":"execution","error":"many-to-many matching"}"#.to_owned(),
            "(execution): many-to-many",
        ),
        (
            "503 Service Unavailable",
            r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#.to_owned(),
            "(timeout): query timed out",
        ),
        ("200 OK", "<html><body>Log in</body></html>".to_owned(), "web page (HTML)"),
        ("200 OK", "hello".to_owned(), "not that of a Prometheus"),
        ("401 Unauthorized", "Unauthorized".to_owned(), "DATAFLOW_PROMETHEUS_TOKEN"),
        ("403 Forbidden", "<html>".to_owned(), "DATAFLOW_PROMETHEUS_USER"),
        ("404 Not Found", "404 page not found".to_owned(), "check the address and its prefix"),
        ("200 OK", values(""), "gives no value in this time"),
        ("200 OK", values(r#"[60,"NaN"]"#), "gives no value that is a number"),
        ("200 OK", values(r#"[60,"-3"]"#), "gives -3 at 1970-01-01T00:01:00Z"),
        ("200 OK", values(r#"[60,"1"],[60,"2"]"#), "out of order"),
        ("200 OK", values(r#"[120,"1"],[60,"2"]"#), "out of order"),
        ("200 OK", values(r#"[61,"1"]"#), "not asked for"),
        ("200 OK", values(r#"[60,"one"]"#), "in the place of a number"),
        (
            "200 OK",
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[[60,{}]]}]}}"#
                .to_owned(),
            "histogram",
        ),
    ];
    for (status, body, word) in cases {
        let server = Server::new(move |_, stream| reply(stream, status, &[], body.as_bytes()));
        let url = server.url("").replace("127", "me:password@127");
        let problem = trace_with(
            &[("DATAFLOW_PROMETHEUS_TOKEN", "secret")],
            TraceRequest::default(),
            &url,
            "query=x{a=\"b\"}&start=0&end=120",
        )
        .unwrap_err();
        assert!(problem.contains(word), "{word}: {problem}");
        assert!(problem.starts_with("prometheus:http://127.0.0.1:") && !problem.contains('\n'), "{problem}");
        assert!(!problem.contains("password") && !problem.contains("secret"), "{problem}");
        assert_eq!(server.requests().len(), 1, "{word}");
    }
}

#[test]
fn who_asks_is_told_by_the_address_or_by_variables() {
    let server = Server::new(|request, stream| send(stream, &matrix(request, "{}", |_| Some(1.0))));
    let rest = "query=x&start=0&end=60";
    let (user, password) = (("DATAFLOW_PROMETHEUS_USER", "me"), ("DATAFLOW_PROMETHEUS_PASSWORD", "pass"));
    let in_address = server.url("").replace("127", "you:pass@127");
    for (told, url, header) in [
        (&[][..], server.url(""), None),
        (&[user, password], server.url(""), Some("Basic bWU6cGFzcw==")),
        (&[("DATAFLOW_PROMETHEUS_TOKEN", "abc")], server.url(""), Some("Bearer abc")),
        (&[user, password], in_address, Some("Basic eW91OnBhc3M=")),
    ] {
        let trace = trace_with(told, TraceRequest::default(), &url, rest).expect("a trace");
        assert!(!trace.source.contains("pass"), "{}", trace.source);
        assert_eq!(server.requests().last().expect("asked").header("authorization"), header);
    }
}

#[test]
fn a_busy_server_is_asked_again_and_its_clock_and_warnings_told() {
    let count = AtomicUsize::new(0);
    let server = Server::new(move |request, stream| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            return reply(stream, "429 Too Many Requests", &[("retry-after", "0")], b"");
        }
        let body = matrix(request, "{}", |_| Some(1.0)).replacen('{', r#"{"warnings":["a part is missing"],"#, 1);
        reply(stream, "200 OK", &[JSON, ("date", "Tue, 24 Nov 2099 12:00:00 GMT")], body.as_bytes())
    });
    let trace = trace(&server, "query=x&start=-1h").expect("a trace");
    assert_eq!(trace.observed.len(), 60);
    for word in ["s ahead of this one", "a part is missing"] {
        assert!(trace.notes.iter().any(|note| note.contains(word)), "{:?}", trace.notes);
    }
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let server = Server::new(|_, stream| {
        crate::server::reply_head(stream, "200 OK", &[JSON])?;
        let spaces = vec![b' '; 65_536];
        loop {
            std::io::Write::write_all(stream, &spaces)?;
        }
    });
    let problem = trace(&server, "query=x&start=0&end=60").unwrap_err();
    assert!(problem.contains("more than 64 MiB"), "{problem}");
}

#[test]
fn places_are_told_by_their_beginning() {
    use dataflow_series::source::Remote as _;
    let places = Places::new(variables(&[("DATAFLOW_DATA_DIR", "/nowhere")]));
    let request = TraceRequest::default();
    for path in ["access.log", "prometheus.csv", "data/a.csv", "https", "C:\\logs", "é:b"] {
        assert!(places.find(path, &request).is_none(), "{path}");
    }
    let problem = places.find("data:nasa-jul95", &request).expect("known").unwrap_err().to_string();
    assert!(problem.contains("dataflow data fetch nasa-jul95"), "{problem}");
    let file = places.find("HTTP://host/a", &request).expect("known").expect("an object");
    assert!(matches!(file, RemoteTrace::Objects(objects) if objects.len() == 1));
}
