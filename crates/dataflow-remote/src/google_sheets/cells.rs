//! Cells of a sheet as CSV: times, which a sheet keeps as days in its own time zone, become instants.

use dataflow_series::source::is_time_name;
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Days since 30 December 1899 between 1954 and 2119: larger numbers in a time column are seconds since 1970.
const SERIAL_DAYS: std::ops::Range<f64> = 20_000.0..80_000.0;
const DAY_SECONDS: f64 = 86_400.0;

/// The rows as CSV, all as wide as the first. Rows without a word are left out.
pub(super) fn csv(rows: &[Vec<Value>], zone: &TimeZone) -> Result<Vec<u8>, String> {
    let mut rows = rows.iter().filter(|row| row.iter().any(|cell| !text(cell).trim().is_empty()));
    let Some(names) = rows.next() else { return Ok(Vec::new()) };
    let names: Vec<String> = names.iter().map(text).collect();
    let is_time: Vec<bool> = names.iter().map(|name| is_time_name(name)).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&names).map_err(|error| error.to_string())?;
    for row in rows {
        let cell = |(column, is_time): (usize, &bool)| match row.get(column) {
            Some(Value::Number(days)) if *is_time => {
                days.as_f64().and_then(|days| instant(days, zone)).unwrap_or_else(|| days.to_string())
            }
            cell => cell.map(text).unwrap_or_default(),
        };
        writer.write_record(is_time.iter().enumerate().map(cell)).map_err(|error| error.to_string())?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

/// A cell as text.
pub(super) fn text(cell: &Value) -> String {
    match cell {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The instant of a day and its part, which sheets count from 30 December 1899; to the second, as parts of days are not
/// exact.
fn instant(days: f64, zone: &TimeZone) -> Option<String> {
    if !SERIAL_DAYS.contains(&days) {
        return None;
    }
    let seconds = SignedDuration::from_secs((days * DAY_SECONDS).round() as i64);
    let local = date(1899, 12, 30).at(0, 0, 0, 0).checked_add(seconds).ok()?;
    let instant: Timestamp = zone.to_timestamp(local).ok()?;
    Some(instant.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_sheets_zone_become_instants() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let rows: Vec<Vec<Value>> = serde_json::from_str(
            r#"[["time","requests"],[34881,12],[],["1995-07-01T05:00:00Z",3.5],[34881.0006944444,1],[804571260]]"#,
        )
        .unwrap();
        let csv = String::from_utf8(csv(&rows, &zone).unwrap()).unwrap();
        let expected =
            "time,requests\n1995-07-01T04:00:00Z,12\n1995-07-01T05:00:00Z,3.5\n1995-07-01T04:01:00Z,1\n804571260,\n";
        assert_eq!(csv, expected);
    }

    #[test]
    fn an_empty_sheet_is_an_empty_table() {
        assert_eq!(csv(&[vec![], vec![Value::Null]], &TimeZone::UTC).unwrap(), Vec::<u8>::new());
    }
}
