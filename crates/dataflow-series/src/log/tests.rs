//! The rules of [`parse_line`] on real and crafted lines, and its agreement with the reading of whole logs.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;

use base64::Engine;
use proptest::prelude::*;

use super::*;
use crate::{Step, Unit};

const COMMON: &[u8] = br#"199.72.81.55 - - [01/Jul/1995:00:00:01 -0400] "GET /history/apollo/ HTTP/1.0" 200 6245"#;
const COMBINED: &[u8] = br#"83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a.png HTTP/1.1" 200 203023 "http://x/y" "Mozilla/5.0 (X11)""#;
const NGINX_JSON: &[u8] = br#"{"time_iso8601":"2024-05-17T10:05:03+02:00","remote_addr":"10.0.0.7","remote_user":"","request":"GET /a?b=c HTTP/2.0","status":"200","body_bytes_sent":"512","http_user_agent":"curl/8"}"#;
const CADDY_JSON: &[u8] = br#"{"level":"info","ts":1715940303.25,"request":{"remote_ip":"10.0.0.7","proto":"HTTP/2.0","method":"GET","host":"example.com","uri":"/a","headers":{"User-Agent":["curl/8"]}},"user_id":"","duration":0.01,"size":512,"status":404}"#;

struct Case {
    label: String,
    line: Vec<u8>,
    accepted: bool,
    bytes: u64,
}

fn golden() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/logs/edge_lines.json");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let cases = json["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 24);
    cases
        .iter()
        .map(|case| Case {
            label: case["label"].as_str().unwrap().to_owned(),
            line: base64::engine::general_purpose::STANDARD.decode(case["line_base64"].as_str().unwrap()).unwrap(),
            accepted: case["accepted"].as_bool().unwrap(),
            bytes: case["bytes"].as_u64().unwrap(),
        })
        .collect()
}

fn options(threads: usize) -> Options {
    Options { threads: NonZeroUsize::new(threads).unwrap(), ..Options::default() }
}

fn read(bytes: &[u8]) -> Result<Traffic, LogError> {
    read_logs([Ok(LogInput::new("test", bytes))], &options(1))
}

#[test]
fn every_edge_line_comes_out_as_told() {
    let cases = golden();
    for case in &cases {
        let expected = case.accepted.then_some(case.bytes);
        assert_eq!(parse_line(&case.line).ok().map(|record| record.size), expected, "{}", case.label);
        let traffic = read(&[&case.line[..], b"\n"].concat());
        assert_eq!(traffic.ok().map(|traffic| traffic.total().bytes), expected, "{}", case.label);
    }
    let whole: Vec<u8> = cases.iter().flat_map(|case| [&case.line[..], b"\n"].concat()).collect();
    let total = read(&whole).unwrap().total();
    assert_eq!((total.requests, total.bytes), (19, 24_950));
}

#[test]
fn the_fields_of_a_common_line() {
    let record = parse_line(br#"h - John Doe [20/Jul/1995:07:34:34 +0530] "GET /a b?c HTTP/1.0" 404 -"#).unwrap();
    assert_eq!(record.format, LogFormat::Common);
    assert_eq!((&record.ip[..], &record.identd[..], &record.user[..]), (&b"h"[..], &b"-"[..], &b"John Doe"[..]));
    assert_eq!(
        (&record.time_text[..], record.time.to_string()),
        (&b"20/Jul/1995:07:34:34 +0530"[..], "1995-07-20T02:04:34Z".into())
    );
    assert_eq!(&record.request[..], b"GET /a b?c HTTP/1.0");
    assert_eq!(
        (&record.method[..], &record.resource[..], &record.protocol[..]),
        (&b"GET"[..], &b"/a b?c"[..], &b"HTTP/1.0"[..])
    );
    assert_eq!((record.status, record.size, record.referrer, record.agent), (404, 0, None, None));
}

#[test]
fn the_fields_of_a_combined_line() {
    let record = parse_line(COMBINED).unwrap();
    assert_eq!(record.format, LogFormat::Combined);
    assert_eq!((record.status, record.size), (200, 203_023));
    assert_eq!(record.referrer.as_deref(), Some(&b"http://x/y"[..]));
    assert_eq!(record.agent.as_deref(), Some(&b"Mozilla/5.0 (X11)"[..]));
}

#[test]
fn the_fields_of_json_lines() {
    for (line, status, second) in
        [(NGINX_JSON, 200, "2024-05-17T08:05:03Z"), (CADDY_JSON, 404, "2024-05-17T10:05:03.25Z")]
    {
        let record = parse_line(line).unwrap();
        assert_eq!(record.format, LogFormat::JsonLines);
        assert_eq!((record.status, record.size, record.time.to_string()), (status, 512, second.to_owned()));
        assert_eq!((&record.ip[..], &record.method[..]), (&b"10.0.0.7"[..], &b"GET"[..]));
        assert!(record.resource.starts_with(b"/a") && &record.protocol[..] == b"HTTP/2.0");
        assert!(record.request.starts_with(b"GET /a"));
    }
}

#[test]
fn json_lines_that_are_no_log_say_why() {
    for (line, reason) in [
        (&br#"{"time":1,"status":200"#[..], Malformed::NotJson),
        (br#"{"status":200}"#, Malformed::JsonNoTime),
        (br#"{"time":"2024-05-17 10:05:03","status":200}"#, Malformed::JsonTime),
        (br#"{"time":"NaN","status":200}"#, Malformed::JsonTime),
        (br#"{"time":1e300,"status":200}"#, Malformed::JsonTime),
        (br#"{"time":1,"status":"2xx"}"#, Malformed::JsonStatus),
        (br#"{"time":1,"status":200,"size":-1}"#, Malformed::JsonSize),
    ] {
        assert_eq!(parse_line(line), Err(reason), "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn requests_that_are_odd_are_split_as_far_as_they_go() {
    let split = |request: &'static [u8]| split_request(request);
    assert_eq!(split(b"GET /a"), (&b"GET"[..], &b"/a"[..], &b""[..]));
    assert_eq!(split(b"1/history/apollo/"), (&b""[..], &b"1/history/apollo/"[..], &b""[..]));
    assert_eq!(split(b"GET /a   HTTP/1.0"), (&b"GET"[..], &b"/a"[..], &b"HTTP/1.0"[..]));
    assert_eq!(split(b"-"), (&b""[..], &b""[..], &b""[..]));
    assert_eq!(split(b"GET HTTP/1.0"), (&b"GET"[..], &b""[..], &b"HTTP/1.0"[..]));
}

#[test]
fn quotes_and_numbers_in_requests_do_not_mislead() {
    for (line, status, size) in [
        (&br#"h - - [20/Jul/1995:07:34:34 -0400] "GET /x" 200 5 HTTP/1.0" 404 222"#[..], 404, 222),
        (br#"h - - [20/Jul/1995:07:34:34 -0400] "GET /x\" 200 5 \"y HTTP/1.1" 404 7 "-" "a \" 500 9 \" b""#, 404, 7),
        (br#"h - - [20/Jul/1995:07:34:34 -0400] "GET /x HTTP/1.1" 200 5 "-" "agent" 301 99"#, 200, 5),
        (br#"h - - [20/Jul/1995:07:34:34 -0400] "GET /x HTTP/1.1" 200 5 0.003"#, 200, 5),
        (br#"h - [x] [20/Jul/1995:07:34:34 -0400] "GET /[1] HTTP/1.1" 200 5"#, 200, 5),
        (br#"h - - [20/Jul/1995:07:34:34 -0400] "GET /a\" 200 6"#, 200, 6),
    ] {
        let record = parse_line(line).unwrap_or_else(|why| panic!("{}: {why}", String::from_utf8_lossy(line)));
        assert_eq!((record.status, record.size), (status, size), "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn lines_that_are_no_log_say_why() {
    for (line, reason) in [
        (&b"  \r"[..], Malformed::Empty),
        (b"h - - 20/Jul/1995", Malformed::NoTime),
        (br#"h - - [32/Jul/1995:07:34:34 -0400] "GET /" 200 5"#, Malformed::ImpossibleTime),
        (br#"h [20/Jul/1995:07:34:34 -0400] "GET /" 200 5"#, Malformed::NoClient),
        (br"h - - [20/Jul/1995:07:34:34 -0400] GET / 200 5", Malformed::NoRequest),
        (br#"h - - [20/Jul/1995:07:34:34 -0400] "GET /" 20 5"#, Malformed::NoStatusAndSize),
        (br#"h - - [20/Jul/1995:07:34:34 -0400] "GET /" 200 1234567890123456"#, Malformed::NoStatusAndSize),
    ] {
        assert_eq!(parse_line(line), Err(reason), "{}", String::from_utf8_lossy(line));
    }
    assert_eq!(parse_line(&vec![b'x'; MAXIMUM_LINE_BYTES + 1]), Err(Malformed::TooLong));
}

#[test]
fn the_format_is_recognised_by_content() {
    assert_eq!(recognise(COMMON), Some(LogFormat::Common));
    assert_eq!(recognise(&[b"rubbish\n", COMBINED, b"\ncut"].concat()), Some(LogFormat::Combined));
    assert_eq!(recognise(CADDY_JSON), Some(LogFormat::JsonLines));
    assert_eq!(recognise(b"time,value\n1,2\n"), None);
}

fn line_at(time: &str, status: u16, size: &str) -> String {
    format!("h - - [{time} +0000] \"GET / HTTP/1.0\" {status} {size}\n")
}

#[test]
fn traffic_is_added_up_by_interval_and_class_in_any_order() {
    let text = [
        line_at("01/Jul/1995:00:02:59", 404, "3"),
        line_at("01/Jul/1995:00:00:01", 200, "10"),
        line_at("01/Jul/1995:00:02:00", 304, "-"),
        line_at("01/Jul/1995:00:00:59", 302, "5"),
        line_at("01/Jul/1995:00:00:30", 500, "1"),
        line_at("01/Jul/1995:00:00:30", 101, "7"),
    ]
    .concat();
    let traffic = read(text.as_bytes()).unwrap();
    assert_eq!(traffic.start().to_string(), "1995-07-01T00:00:00Z");
    let rows: Vec<_> = traffic.rows().map(|(_, row)| row.unwrap()).collect();
    let first = Row { requests: 4, bytes: 23, success: 1, no_change: 0, redirected: 1, not_found: 0, error: 1 };
    let third = Row { requests: 2, bytes: 3, no_change: 1, not_found: 1, ..Row::default() };
    assert_eq!(rows, [first, Row::default(), third]);
    let requests = traffic.series(Unit::Requests).unwrap();
    assert_eq!(requests.values().collect::<Vec<_>>(), [Some(4.0), Some(0.0), Some(2.0)]);
}

#[test]
fn silence_is_zero_unless_it_is_said_to_be_a_gap() {
    let text = [
        line_at("01/Jul/1995:00:00:00", 200, "1"),
        line_at("01/Jul/1995:00:02:00", 200, "1"),
        line_at("01/Jul/1995:00:05:00", 200, "1"),
    ]
    .concat();
    let missing = |seconds| {
        let options = Options { silence_as_gap_seconds: seconds, ..Options::default() };
        let traffic = read_logs([Ok(LogInput::new("test", text.as_bytes()))], &options).unwrap();
        traffic.rows().map(|(_, row)| row.is_none()).collect::<Vec<_>>()
    };
    assert_eq!(missing(None), [false; 6]);
    assert_eq!(missing(Some(61)), [false, false, false, true, true, false]);
    assert_eq!(missing(Some(60)), [false, true, false, true, true, false]);
}

#[test]
fn a_time_that_is_off_is_left_out_and_told() {
    let mut lines: Vec<String> =
        (0..50).map(|second| line_at(&format!("01/Jul/1995:00:00:{second:02}"), 200, "1")).collect();
    lines.insert(20, line_at("01/Jan/1970:00:00:00", 200, "1000"));
    lines.push(line_at("19/Jan/2038:03:14:07", 200, "1000"));
    let options = Options { step: Step::SECOND, ..Options::default() };
    let traffic = read_logs([Ok(LogInput::new("a.log", lines.concat().as_bytes()))], &options).unwrap();
    assert_eq!((traffic.len(), traffic.total().bytes, traffic.rejected().total()), (50, 50, 2));
    let told: Vec<String> = traffic.rejected().first().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "a.log:21: time is more than a year from the rest: 1970-01-01T00:00:00Z",
            "a.log:52: time is more than a year from the rest: 2038-01-19T03:14:07Z"
        ]
    );
}

#[test]
fn a_log_too_long_for_its_step_is_refused_without_filling_memory() {
    let text: String = (1970..2050).map(|year| line_at(&format!("01/Jan/{year}:00:00:00"), 200, "1")).collect();
    let options = Options { step: Step::SECOND, ..Options::default() };
    let error = read_logs([Ok(LogInput::new("a.log", text.as_bytes()))], &options).unwrap_err().to_string();
    assert!(error.starts_with("the lines reach from 1970-01-01T00:00:00Z to 2049-01-01T00:00:00Z"), "{error}");
}

#[test]
fn rejected_lines_are_counted_by_reason_and_the_first_are_shown() {
    let many = [COMMON, b"\nrubbish\n\n", &b"h - - [99/Jul/1995:07:34:34 -0400] \"\" 200 5\n".repeat(9)].concat();
    let traffic = read_logs([Ok(LogInput::new("a", COMMON)), Ok(LogInput::new("b", &many[..]))], &options(2)).unwrap();
    assert_eq!(
        traffic.rejected().by_reason().collect::<Vec<_>>(),
        [(Malformed::Empty, 1), (Malformed::NoTime, 1), (Malformed::ImpossibleTime, 9)]
    );
    let first: Vec<String> = traffic.rejected().first().iter().map(ToString::to_string).collect();
    assert_eq!(first[0], "b:2: no time such as [01/Jul/1995:00:00:01 -0400]: rubbish");
    assert_eq!((first.len(), &first[1][..]), (5, "b:3: empty"));
    assert_eq!(traffic.sources()[1], SourceSummary { name: "b".into(), lines: 12, accepted: 1 });
}

#[test]
fn inputs_without_a_valid_line_are_errors() {
    let error = |inputs: &[(&str, &[u8])]| {
        let inputs: Vec<_> = inputs.iter().map(|(name, bytes)| Ok(LogInput::new(*name, *bytes))).collect();
        read_logs(inputs, &options(2)).unwrap_err().to_string()
    };
    assert_eq!(error(&[("a.log", b"")]), "a.log: empty; an access log with at least one line is needed");
    assert!(error(&[("a.log", COMMON), ("b.log", b"x\ny\n")]).starts_with("b.log: none of its 2 lines is one of"));
    assert!(error(&[("a.log", &[0; 9])]).starts_with("a.log: none of its 1 lines is one of an access log"));
    // An empty log beside others is what rotation leaves behind.
    let both = read_logs([Ok(LogInput::new("a", &b""[..])), Ok(LogInput::new("b", COMMON))], &options(1)).unwrap();
    assert_eq!(both.total().requests, 1);
}

#[test]
fn records_are_visited_in_order_until_told_to_stop() {
    let text = [COMMON, b"\nrubbish\n", COMBINED].concat();
    let inputs = || [Ok(LogInput::new("a", &text[..])), Ok(LogInput::new("b", NGINX_JSON))];
    let mut sizes = Vec::new();
    let (sources, rejected) = read_records(inputs(), |record| {
        sizes.push(record.size);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((sizes, sources.len(), rejected.total()), (vec![6245, 203_023, 512], 2, 1));
    assert_eq!((&rejected.first()[0].source[..], rejected.first()[0].line), ("a", 2));
    let mut seen = 0;
    read_records(inputs(), |_| {
        seen += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn lines_longer_than_the_buffer_are_handled() {
    let request = "x".repeat(MAXIMUM_LINE_BYTES - 200);
    let long = format!("h - - [01/Jul/1995:00:00:00 +0000] \"GET /{request} HTTP/1.0\" 200 9");
    let too_long = vec![b'y'; 3 * MAXIMUM_LINE_BYTES];
    let text =
        [COMMON, b"\n", long.as_bytes(), b"\n", &too_long, b"\n", COMMON, b"\n", long.as_bytes(), b"\n"].concat();
    for threads in [1, 3] {
        for tail in [&b""[..], &too_long] {
            let text = [&text[..], tail].concat();
            let traffic = read_logs([Ok(LogInput::new("a", &text[..]))], &options(threads)).unwrap();
            assert_eq!(traffic.total().bytes, 2 * 6245 + 2 * 9);
            assert_eq!(traffic.rejected().total(), 1 + u64::from(!tail.is_empty()));
            let first = &traffic.rejected().first()[0];
            assert_eq!((first.line, first.reason), (3, Malformed::TooLong));
        }
    }
}

#[test]
fn a_number_of_threads_beyond_any_machine_reads_the_same() {
    let text = [COMMON, b"\n"].concat().repeat(9);
    let read = |threads| read_logs([Ok(LogInput::new("a", &text[..]))], &options(threads)).unwrap();
    assert_eq!(read(1_000_000_000), read(1));
}

#[test]
fn an_input_that_breaks_off_is_an_error() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&[COMMON, b"\n"].concat().repeat(9_000)).unwrap();
    let mut bytes = gzip.finish().unwrap();
    bytes.truncate(bytes.len() - 10);
    let (_, reader) = crate::decompress("a.log.gz", std::io::Cursor::new(bytes)).unwrap();
    let error = read_logs([Ok(LogInput::new("a.log.gz", reader))], &options(2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.log.gz: the gzip data ends in the middle; the file is cut short, fetch or copy it again"
    );
}

/// Hands out a few bytes at a time, as pipes do.
struct Drip<'bytes>(&'bytes [u8], usize);

impl std::io::Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

/// A line of any kind, sound or with bytes replaced, removed or put in.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = [COMMON, COMBINED, NGINX_JSON, CADDY_JSON].map(<[u8]>::to_vec).to_vec();
    seeds.extend(golden().into_iter().map(|case| case.line));
    let byte = prop_oneof![
        3 => prop::sample::select(&b" \"\\-[]/:0123456789GTH\r\t{},"[..]).boxed(),
        1 => any::<u8>().prop_filter("one line", |byte| *byte != b'\n').boxed()
    ];
    let change = (any::<prop::sample::Index>(), 0..3_u8, byte);
    (prop::sample::select(seeds), prop::collection::vec(change, 0..5)).prop_map(|(mut line, changes)| {
        for (place, kind, byte) in changes {
            let index = place.index(line.len() + 1);
            match kind {
                0 if index < line.len() => line[index] = byte,
                1 if index < line.len() => drop(line.remove(index)),
                _ => line.insert(index, byte),
            }
        }
        line
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_fast_road_agrees_with_the_rules(lines in prop::collection::vec(lines(), 1..4)) {
        // One reader for all, so that what it remembers of a line meets the next.
        let mut quick = quick::QuickReader::default();
        for line in &lines {
            let ruled = parse_line(line);
            let counted = ruled.as_ref().map(|record| (record.time.as_second(), record.status, record.size));
            prop_assert_eq!(essentials(line).map(|line| (line.second, line.status, line.size)), counted.map_err(|why| *why));
            // It reads on behind the line, where another one stands.
            let text = [&line[..], b"\n", COMMON].concat();
            if let Some(read) = quick.read(&text) {
                let essentials = read.essentials;
                prop_assert_eq!(Ok((essentials.second, essentials.status, essentials.size)), counted);
                prop_assert_eq!(read.next, line.len() + 1);
                let fields = ruled.as_ref().map(|record| (&record.ip[..], &record.request[..]));
                prop_assert_eq!(Ok(read.client_and_request(&text)), fields);
                let more = referrer_and_agent(read.more(&text));
                prop_assert_eq!(Ok(more), ruled.as_ref().map(|record| (record.referrer.as_deref(), record.agent.as_deref())));
            }
        }
    }

    #[test]
    fn the_fast_road_takes_plain_lines(host in "[a-z][a-z0-9.]{0,30}", path in "[ -!#-~]{0,80}", size in 0..9_999_999_u64) {
        for tail in ["", "\r", " \"-\" \"agent\"", " \"\" \"\" 0.003"] {
            let escape = if tail.len() > 1 { "." } else { "" };
            let line = format!("{host} - - [01/Jul/1995:00:00:01 -0400] \"GET {path}{escape}\" 200 {size}{tail}\n........");
            prop_assert!(quick::QuickReader::default().read(line.as_bytes()).is_some(), "{line}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_result_does_not_depend_on_threads_or_pieces(
        lines in prop::collection::vec(lines(), 1..40), copies in 1..300_usize, drip in 1..5_000_usize
    ) {
        let text = lines.join(&b'\n').repeat(copies);
        let one = read(&text);
        for threads in [2, 5] {
            let inputs = [Ok(LogInput::new("test", Drip(&text, drip)))];
            let many = read_logs(inputs, &options(threads));
            match (&one, many) {
                (Ok(one), Ok(many)) => prop_assert_eq!(one, &many),
                (Err(one), Err(many)) => prop_assert_eq!(one.to_string(), many.to_string()),
                (one, many) => prop_assert!(false, "{one:?} but {many:?}"),
            }
        }
    }

    #[test]
    fn counted_and_rejected_lines_are_all_lines(lines in prop::collection::vec(lines(), 1..40)) {
        let text = lines.join(&b'\n');
        let accepted: Vec<_> = text.split(|byte| *byte == b'\n').filter_map(|line| parse_line(line).ok()).collect();
        if let Ok(traffic) = read(&text) {
            prop_assert_eq!(traffic.sources()[0].accepted, accepted.len() as u64);
            let lines = text.split_inclusive(|byte| *byte == b'\n').count() as u64;
            prop_assert_eq!(traffic.total().requests + traffic.rejected().total(), lines);
        }
    }
}
