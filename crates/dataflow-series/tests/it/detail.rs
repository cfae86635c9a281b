//! What models learn from besides the load: finer loads, and counts by status class.

use std::fmt::Write as _;

use dataflow_series::source::{Extra, Trace};
use dataflow_series::{Step, Unit};

use super::{read_with, values};

fn minutes(count: u32) -> Step {
    Step::from_seconds(60 * count).expect("a step")
}

/// Requests from 00:07:30 on, of unlike sizes and statuses, some minutes apart, with a silence of two hours.
fn log() -> String {
    let mut text = String::new();
    for (index, second) in (450..3_600).step_by(37).chain((10_800..14_000).step_by(53)).enumerate() {
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let status = [200, 304, 302, 404, 500][index % 5];
        writeln!(
            text,
            "client - - [01/Jul/1995:{hour:02}:{minute:02}:{second:02} +0000] \"GET / HTTP/1.0\" {status} {}",
            index * 7
        )
        .expect("text");
    }
    text
}

fn extra(trace: &Trace, name: &str) -> Extra {
    trace.extras.iter().find(|extra| extra.name == name).unwrap_or_else(|| panic!("no {name}")).clone()
}

#[test]
fn a_log_counted_finely_is_the_same_load_with_its_detail() {
    for silence in [None, Some(Step::HOUR)] {
        let plain = read_with(log(), |request| {
            (request.interval, request.silence_as_gap) = (Some(minutes(5)), silence);
        });
        let fine = read_with(log(), |request| {
            (request.interval, request.silence_as_gap) = (Some(minutes(5)), silence);
            request.detail = Some(Step::MINUTE);
        });
        let (plain, fine) = (plain.unwrap(), fine.unwrap());
        assert_eq!(plain.observed, fine.observed);
        assert_eq!(plain.observed.missing() > 0, silence.is_some());
        assert!(plain.finer.is_none() && plain.extras.is_empty(), "only where it is asked for");
        let finer = fine.finer.as_ref().expect("minutes");
        assert_eq!(
            (finer.step(), finer.start(), finer.end()),
            (Step::MINUTE, fine.observed.start(), fine.observed.end())
        );
        assert_eq!(finer.total(), fine.observed.total());
        let classes = ["requests", "success", "no_change", "redirected", "not_found", "error"];
        assert_eq!(fine.extras.iter().map(|extra| extra.name).collect::<Vec<_>>(), classes);
        let all: f64 = classes[1..].iter().map(|name| extra(&fine, name).values.total()).sum();
        assert_eq!(all, extra(&fine, "requests").values.total());
        assert!(fine.extras.iter().all(|extra| extra.values.len() == fine.observed.len()));
    }
}

#[test]
fn requests_of_a_table_counted_finely_are_the_same_load() {
    let mut table = String::from("time,size\n");
    for second in (450..9_000).step_by(41) {
        writeln!(table, "{second},{}", second % 97).expect("text");
    }
    let plain = read_with(&table, |request| request.interval = Some(minutes(15))).unwrap();
    let fine = read_with(&table, |request| {
        (request.interval, request.detail) = (Some(minutes(15)), Some(Step::MINUTE));
    });
    let fine = fine.unwrap();
    assert_eq!(plain.observed, fine.observed);
    assert_eq!(fine.finer.expect("minutes").resample(minutes(15)).as_ref(), Ok(&fine.observed));
}

#[test]
fn the_columns_of_ingest_are_read_and_those_of_other_tables_let_be() {
    let ingested = "time,requests,bytes,success,no_change,redirected,not_found,error\n\
                    0,9,90,5,1,1,1,1\n60,3,30,3,0,0,0,0\n120,,,,,,,\n180,1,5,0,0,0,0,1\n";
    let trace = read_with(ingested, |request| {
        (request.measure, request.detail) = (Some(Unit::Requests), Some(Step::MINUTE));
    });
    let trace = trace.unwrap();
    assert_eq!(values(&trace), [Some(9.0), Some(3.0), None, Some(1.0)]);
    let column = |name| extra(&trace, name).values.values().collect::<Vec<_>>();
    assert_eq!(column("bytes"), [Some(90.0), Some(30.0), None, Some(5.0)]);
    assert_eq!(column("error"), [Some(1.0), Some(0.0), None, Some(1.0)]);
    assert!(!trace.extras.iter().any(|extra| extra.name == "requests"), "that is the load");
    let other = read_with("time,value,error\n0,1,none\n60,2,some\n", |request| request.detail = Some(Step::MINUTE));
    assert_eq!(other.unwrap().extras, []);
    let wrong = ingested.replace(",5,1,1,1,1", ",5,1,1,1,many");
    let message = read_with(wrong, |_| ()).unwrap_err();
    assert!(message.contains("line 2") && message.contains("error") && message.contains("many"), "{message}");
}

#[test]
fn numbers_keep_their_own_step_inside_of_longer_ones() {
    let trace = read_with("1 2 3 4 ".repeat(40), |request| request.detail = Some(Step::MINUTE)).unwrap();
    let finer = trace.finer.expect("seconds");
    assert_eq!((finer.step(), finer.len(), trace.observed.len()), (Step::SECOND, 120, 2));
    assert_eq!(finer.values().take(3).collect::<Vec<_>>(), [Some(1.0), Some(2.0), Some(3.0)]);
}
