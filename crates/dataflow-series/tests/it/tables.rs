//! Tables and plain numbers, read and written.

use std::io::Write;

use dataflow_series::source::{Columns, TraceRequest, open, write_columns};
use dataflow_series::{Observed, Step, Unit};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{Files, read, read_with, values};

fn step(text: &str) -> Step {
    text.parse().expect("a step")
}

#[test]
fn numbers_have_a_start_and_a_step_and_are_summed_to_minutes() {
    let text = "1 ".repeat(130);
    let trace = read_with(&text, |request| request.measure = Some(Unit::Requests)).unwrap();
    assert_eq!(values(&trace), [Some(60.0), Some(60.0)]);
    assert_eq!((trace.observed.start(), trace.observed.unit()), (Timestamp::UNIX_EPOCH, Unit::Requests));
    assert_eq!(trace.notes, ["the last 10 s fill no whole interval of 1m and are left out"]);
    let start = "1995-07-01T04:00:00Z".parse().unwrap();
    let hourly = read_with("3\n4\n", |request| {
        request.start = Some(start);
        request.step = Some(Step::HOUR);
    });
    let hourly = hourly.unwrap().observed;
    assert_eq!((hourly.start(), hourly.step(), hourly.unit(), hourly.total()), (start, Step::HOUR, Unit::Value, 7.0));
    let short = read("1 2 3").unwrap();
    assert_eq!((short.observed.step(), short.notes.len()), (Step::SECOND, 1));
}

#[test]
fn a_row_per_request_is_counted_and_its_size_summed() {
    let text = "time,size\n1995-07-01 04:00:01+00:00,100\n1995-07-01 04:02:59+00:00,5\n1995-07-01 04:00:59+00:00,\n";
    assert_eq!(values(&read(text).unwrap()), [Some(100.0), Some(0.0), Some(5.0)]);
    let requests = read_with(text, |request| request.measure = Some(Unit::Requests)).unwrap();
    assert_eq!(values(&requests), [Some(2.0), Some(0.0), Some(1.0)]);
    assert_eq!(requests.observed.start().to_string(), "1995-07-01T04:00:00Z");
    let gap = read_with(text, |request| request.silence_as_gap = Some(Step::MINUTE)).unwrap();
    assert_eq!(values(&gap), [Some(100.0), None, Some(5.0)]);
    let three = read_with(text, |request| request.interval = Some(step("3m"))).unwrap();
    assert_eq!(values(&three), [Some(105.0)]);
}

#[test]
fn a_row_per_interval_keeps_its_gaps() {
    let text = "timestamp;cpu\n2014-02-14 14:30:00;0.132\n2014-02-14 14:35:00;\n2014-02-14 14:40:00;0.134\n\n2014-02-14 14:50:00;0.136\n";
    let trace = read(text).unwrap();
    assert_eq!(values(&trace), [Some(0.132), None, Some(0.134), None, Some(0.136)]);
    assert_eq!((trace.observed.step(), trace.observed.unit()), (step("5m"), Unit::Value));
    let summed = read_with(text, |request| request.interval = Some(step("10m"))).unwrap();
    assert_eq!(values(&summed), [None, None], "a sum with a gap in it is unknown");
}

#[test]
fn the_measure_picks_the_column() {
    let text = "time\trequests\tbytes\n0\t1\t10\n60\t2\t20\n";
    assert_eq!(read(text).unwrap().observed.total(), 30.0);
    let requests = read_with(text, |request| request.measure = Some(Unit::Requests)).unwrap();
    assert_eq!((requests.observed.total(), requests.observed.unit()), (3.0, Unit::Requests));
    let refused = read_with(text, |request| request.measure = Some(Unit::Value)).unwrap_err();
    assert_eq!(refused, "trace: has no column `value`; its columns are \"time\", \"requests\", \"bytes\"");
}

#[test]
fn local_times_are_meant_in_the_zone_asked_for() {
    let text =
        "time,value\n2024-11-03 00:00:00,1\n2024-11-03 01:00:00,2\n2024-11-03 01:00:00,3\n2024-11-03 02:00:00,4\n";
    let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
    let trace = read_with(text, |request| request.time_zone = Some(zone)).unwrap();
    assert_eq!(trace.observed.start().to_string(), "2024-11-03T04:00:00Z");
    assert_eq!(values(&trace), [Some(1.0), Some(2.0), Some(3.0), Some(4.0)]);
}

#[test]
fn patterns_name_many_files_and_compression_is_seen_through() {
    let files = Files::new();
    files.add("b.csv", "time,value\n120,3\n180,4\n");
    let mut writer = Vec::new();
    let mut encoder = flate2::write::GzEncoder::new(&mut writer, flate2::Compression::default());
    encoder.write_all(b"\xef\xbb\xbftime,value\r\n0,1\r\n60,2\r\n").unwrap();
    encoder.finish().unwrap();
    files.add("c.csv", writer);
    let trace = open(&TraceRequest::from_input(files.path("*.csv").display().to_string())).unwrap();
    assert_eq!(values(&trace), [Some(1.0), Some(2.0), Some(3.0), Some(4.0)]);
}

#[test]
fn the_default_is_the_built_in_synthetic_trace() {
    let trace = open(&TraceRequest::default()).unwrap();
    assert_eq!((trace.source.as_str(), trace.observed.unit()), ("synthetic:nasa-like", Unit::Bytes));
    assert_eq!((trace.observed.step(), trace.observed.len()), (Step::MINUTE, 58 * 1_440));
    let seeded = trace.notes.iter().find(|note| note.contains("seed 1995")).unwrap();
    let again = open(&TraceRequest::from_input(seeded.split('\'').nth(1).unwrap())).unwrap();
    assert_eq!(again.observed, trace.observed);
    let hours = TraceRequest { interval: Some(Step::HOUR), ..TraceRequest::from_input("synthetic:steady?days=2") };
    assert_eq!(open(&hours).unwrap().observed.len(), 48);
}

#[test]
fn progress_counts_every_byte_once() {
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counter = std::sync::Arc::clone(&count);
    let text = "7\n".repeat(300_000);
    let trace = read_with(&text, |request| {
        request.progress = Some(std::sync::Arc::new(move |bytes| {
            counter.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
        }));
    });
    assert_eq!(trace.unwrap().observed.total(), 7.0 * 300_000.0);
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), text.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_is_read_as_the_same(
        loads in prop::collection::vec(
            prop::option::weighted(0.8, prop_oneof![0.0..1e300_f64, 0.0..1.0_f64, (0_u32..9).prop_map(f64::from)]),
            2..50,
        ),
        start in 0_i64..4_000_000_000,
        step in 1_u32..100_000,
        unit in prop::sample::select(vec![Unit::Bytes, Unit::Requests, Unit::Value]),
    ) {
        let step = Step::from_seconds(step).unwrap();
        let observed = Observed::new(Timestamp::from_second(start).unwrap(), step, unit, loads).unwrap();
        let files = Files::new();
        let forms: &[&str] = if cfg!(feature = "parquet") { &["csv", "parquet"] } else { &["csv"] };
        for form in forms {
            let path = files.path(&format!("series.{form}"));
            write_columns(&Columns::from(observed.clone()), &path).unwrap();
            let input = TraceRequest::from_input(path.display().to_string());
            let read = open(&TraceRequest { interval: Some(step), ..input }).unwrap();
            prop_assert_eq!(&read.observed, &observed);
        }
    }

    #[test]
    fn no_content_makes_it_panic(content in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&content);
        let _ = read([b"time,value\n", &content[..]].concat());
        let _ = read([b"time,size\n", &content[..]].concat());
    }

    #[test]
    fn no_table_makes_it_panic(
        cells in prop::collection::vec(("[-+0-9eE.:TZ naif/]{0,12}", "[-+0-9eE.naif,\"]{0,6}"), 0..20),
    ) {
        let rows: Vec<String> = cells.iter().map(|(time, value)| format!("{time},{value}")).collect();
        let rows = rows.join("\n");
        let _ = read(format!("time,value\n{rows}"));
        let _ = read(format!("time,size\n{rows}"));
    }
}

#[test]
fn sysstat_tells_its_times_late_and_its_restarts() {
    let text = "# hostname;interval;timestamp;CPU;%user;%idle\n\
        web1;-1;2024-01-01 00:00:01 UTC;LINUX-RESTART\t(4 CPU)\n\
        # hostname;interval;timestamp;CPU;%user;%idle\n\
        web1;600;2024-01-01 00:10:01 UTC;-1;12.50;80.10\n\
        web1;599;2024-01-01 00:20:00 UTC;-1;25.00;70.00\n\
        web1;601;2024-01-01 00:30:02 UTC;-1;50.00;45.00\n";
    let trace = read_with(text, |request| request.column = Some("%user".to_owned())).unwrap();
    assert_eq!(values(&trace), [Some(12.5), Some(25.0), Some(50.0)]);
    assert_eq!(
        (trace.observed.start().to_string(), trace.observed.step()),
        ("2024-01-01T00:10:00Z".to_owned(), step("10m"))
    );
    let refused = read(text).unwrap_err();
    assert!(refused.contains("--column NAME") && refused.contains("\"%idle\""), "{refused}");
}

#[test]
fn rows_of_kubectl_top_are_summed_over_pods() {
    let text = "TIMESTAMP             NAME    CPU(cores)   MEMORY(bytes)   \n\
        2024-01-01T00:00:00Z  web-1   250m         512Mi\n\
        2024-01-01T00:00:00Z  web-2   1            1Gi\n\
        2024-01-01T00:01:00Z  web-1   500m         512Mi\n";
    let cores = read_with(text, |request| request.column = Some("CPU(cores)".to_owned())).unwrap();
    assert_eq!(values(&cores), [Some(1.25), Some(0.5)]);
    let comma = "timestamp,namespace,pod,CPU(cores),MEMORY(bytes)\n\
        2024-01-01T00:00:00Z,shop,web-1,250m,512Mi\n2024-01-01T00:01:00Z,shop,web-1,500m,513Mi\n";
    let memory = read_with(comma, |request| request.column = Some("memory(bytes)".to_owned())).unwrap();
    assert_eq!(values(&memory), [Some(536_870_912.0), Some(537_919_488.0)]);
}

#[test]
fn exports_of_dashboards_are_read_with_what_stands_before_them() {
    let grafana =
        "sep=,\n\"Time\",\"{instance=\"\"a\"\"}\"\n1704067200000,1.5\n1704067260000,\n1704067320000,2 req/s\n";
    assert_eq!(values(&read(grafana).unwrap()), [Some(1.5), None, Some(2.0)]);
    let metrics = "Full label,RequestCount\nPeriod,300\nRegion,eu-west-1\n\nTimestamp,Sum,Unit\n\
        2024/01/01 00:00:00,120,Count\n2024/01/01 00:05:00,60,Count\n";
    let trace = read(metrics).unwrap();
    assert_eq!((values(&trace), trace.observed.step()), (vec![Some(120.0), Some(60.0)], step("5m")));
    let broken = read(metrics.replace("60,Count", "sixty,Count")).unwrap_err();
    assert!(broken.starts_with("trace, line 7"), "{broken}");
}

#[test]
fn a_column_of_many_is_chosen_by_name() {
    let wide = "time,api,web,batch\n0,1,10,100\n60,2,20,200\n";
    let web = read_with(wide, |request| request.column = Some("Web".to_owned())).unwrap();
    assert_eq!(values(&web), [Some(10.0), Some(20.0)]);
    let refused = read_with(wide, |request| request.column = Some("bacth".to_owned())).unwrap_err();
    assert!(refused.contains("did you mean batch?"), "{refused}");
    assert!(read_with(wide, |request| request.column = Some("time".to_owned())).is_err());
}
