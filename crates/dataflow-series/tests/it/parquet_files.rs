//! Parquet files, sound and broken.

use std::sync::{Arc, LazyLock};

use dataflow_series::Unit;
use dataflow_series::source::{Columns, TraceRequest, open, write_parquet};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::{read, read_with, values};

/// A file of one row group: `stamps` in the first column (64-bit or text), `loads` in the second.
fn parquet(schema: &str, stamps: &[i64], loads: &[i32]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, Arc::clone(&schema), Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    if schema.get_fields()[0].get_physical_type() == parquet::basic::Type::BYTE_ARRAY {
        let texts: Vec<ByteArray> = stamps
            .iter()
            .map(|second| jiff::Timestamp::from_second(*second).unwrap().to_string().into_bytes().into())
            .collect();
        column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
    } else {
        column.typed::<Int64Type>().write_batch(stamps, None, None).unwrap();
    }
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(loads, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.close().unwrap();
    bytes
}

#[test]
fn times_are_read_in_every_type() {
    for (time, per_second) in [
        ("INT64 time (TIMESTAMP(MILLIS,true))", 1_000),
        ("INT64 time (TIMESTAMP(MICROS,false))", 1_000_000),
        ("INT64 time (TIMESTAMP_MILLIS)", 1_000),
        ("INT64 time (TIMESTAMP(NANOS,true))", 1_000_000_000),
        ("INT64 time", 1),
        ("BYTE_ARRAY time (UTF8)", 1),
    ] {
        let schema = format!("message table {{ required {time}; required INT32 requests (INTEGER(32,false)); }}");
        let stamps = [804_571_200, 804_571_260].map(|second| second * per_second);
        let trace = read(parquet(&schema, &stamps, &[7, -1])).unwrap();
        assert_eq!(trace.observed.start().to_string(), "1995-07-01T04:00:00Z", "{time}");
        assert_eq!(values(&trace), [Some(7.0), Some(f64::from(u32::MAX))], "{time}");
        assert_eq!(trace.observed.unit(), Unit::Requests);
    }
}

#[test]
fn rows_that_are_requests_are_summed() {
    let schema = "message table { required INT64 time; required INT32 size; }";
    let trace = read(parquet(schema, &[0, 61, 59], &[1, 2, 3])).unwrap();
    assert_eq!(values(&trace), [Some(4.0), Some(2.0)]);
}

#[test]
fn wrong_rows_and_columns_are_refused_with_their_place() {
    let schema = "message table { required INT64 time; required INT32 value; }";
    assert!(
        read(parquet(schema, &[0, 60], &[1, -2])).unwrap_err().starts_with("trace, row 2, column \"value\": -2 is")
    );
    assert!(
        read(parquet(schema, &[60, 0], &[1, 2])).unwrap_err().starts_with("trace, row 2: 1970-01-01T00:00:00Z comes")
    );
    let decimal = "message table { required INT64 time; required INT32 value (DECIMAL(9,2)); }";
    let message = read(parquet(decimal, &[0, 60], &[1, 2])).unwrap_err();
    assert_eq!(message, "trace: cannot be read as Parquet (column \"value\" does not hold numbers)");
    let no_time = "message table { required INT64 when; required INT32 value; }";
    assert!(read(parquet(no_time, &[0, 60], &[1, 2])).unwrap_err().starts_with("trace: has no time column"));
    let measure = read_with(parquet(schema, &[0, 60], &[1, 2]), |request| request.measure = Some(Unit::Bytes));
    assert!(measure.unwrap_err().starts_with("trace: has no column `bytes`"));
}

/// A file as this program writes it.
static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let steady = open(&TraceRequest::from_input("synthetic:steady?days=0.1")).unwrap().observed;
    let mut bytes = Vec::new();
    write_parquet(&Columns::from(steady), &mut bytes).unwrap();
    bytes
});

proptest! {
    #[test]
    fn damage_never_makes_it_panic(place in 4_usize..2_000, byte in any::<u8>(), length in 4_usize..2_000) {
        let mut content = SOUND.clone();
        let end = content.len();
        // Most of what can go wrong is in the last part, which says how to read the rest.
        content[end - 1 - place % (end - 4)] = byte;
        let _ = read(&content);
        let _ = read(&content[..length.min(end)]);
    }
}
