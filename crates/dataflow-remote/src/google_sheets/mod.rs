//! Ranges of Google Sheets as traces, and results as rows of a sheet.
//!
//! A service account reads and writes, whose key file `GOOGLE_API_CREDS` names (`secret/ggsheet_credentials.json` where
//! it is not set); `GOOGLE_SHEET_ID` is the spreadsheet where the address names none. Both names are those of the
//! reference project's `.env`. `GOOGLE_SHEETS_URL` is another server than Google's.

mod cells;
mod client;

use std::io::Cursor;
use std::sync::Arc;

use dataflow_series::did_you_mean;
use dataflow_series::source::{RemoteObject, RemoteTrace, SourceError};

use crate::Variables;
use crate::address::unescaped;
use client::{Access, Client};

const SCHEME: &str = "sheets:";
const WEB: &str = "https://docs.google.com/spreadsheets/d/";
const HOW_TO_NAME: &str = "name it as sheets:ID?range=Tab!A:B, or set GOOGLE_SHEET_ID and write sheets:?range=Tab";

/// A spreadsheet, and a range of it in A1 notation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Address {
    spreadsheet: String,
    range: Option<String>,
}

/// What a text names on Google Sheets; `None` where it is no address of them.
pub(crate) fn find(text: &str, variables: &Variables) -> Option<Result<RemoteTrace, SourceError>> {
    let address = Address::parse(text, variables)?;
    let read = address.and_then(|address| {
        let csv = read(&address, variables)?;
        let open = move || Ok(Box::new(Cursor::new(csv.clone())) as _);
        Ok(RemoteTrace::Objects(vec![RemoteObject { name: text.to_owned(), open: Arc::new(open) }]))
    });
    Some(read.map_err(|problem| SourceError::Remote { name: text.to_owned(), problem }))
}

/// Adds rows below those of a tab that has the same columns; a tab that is not there is made.
///
/// `text` is as a trace is named, with the tab as its range. The first of `rows` are the names of the columns.
///
/// # Errors
/// When the text names no tab, the tab has other columns, or the service refuses.
pub fn append_rows(text: &str, variables: &Variables, rows: &[Vec<String>]) -> Result<(), SourceError> {
    let wrong = |problem: String| SourceError::Remote { name: text.to_owned(), problem };
    let address = Address::parse(text, variables).unwrap_or_else(|| Err(format!("is no sheet; {HOW_TO_NAME}")));
    let address = address.map_err(wrong)?;
    let tab = address.range.as_deref().filter(|range| !range.contains('!'));
    let tab =
        tab.ok_or_else(|| wrong("names no tab; results are added to one, as in sheets:ID?range=results".into()))?;
    let Some((names, results)) = rows.split_first() else { return Ok(()) };
    let client = Client::new(variables, Access::Write).map_err(wrong)?;
    let spreadsheet = client.spreadsheet(&address.spreadsheet).map_err(wrong)?;
    let range = quoted(tab);
    let add = || {
        let there = if spreadsheet.tabs.iter().any(|there| there == tab) {
            client.values(&address.spreadsheet, &format!("{range}!1:1"))?.into_iter().next().unwrap_or_default()
        } else {
            client.add_tab(&address.spreadsheet, tab)?;
            Vec::new()
        };
        let there: Vec<String> = there.iter().map(cells::text).collect();
        if there.is_empty() {
            return client.append(&address.spreadsheet, &range, rows);
        }
        if there != *names {
            return Err(format!("the tab {tab} has other columns ({}); name another tab", there.join(", ")));
        }
        client.append(&address.spreadsheet, &range, results)
    };
    add().map_err(wrong)
}

impl Address {
    /// `None` where the text is no address of a sheet.
    fn parse(text: &str, variables: &Variables) -> Option<Result<Self, String>> {
        let (place, query) = text.split_once(['?', '#']).unwrap_or((text, ""));
        let spreadsheet = if let Some(rest) = place.strip_prefix(WEB) {
            rest.split('/').next().unwrap_or_default()
        } else {
            place.strip_prefix(SCHEME)?
        };
        let spreadsheet = if spreadsheet.is_empty() { variables.get("GOOGLE_SHEET_ID") } else { Some(spreadsheet) };
        let Some(spreadsheet) = spreadsheet.map(str::to_owned) else {
            return Some(Err(format!("names no spreadsheet; {HOW_TO_NAME}")));
        };
        let range = query.split('&').find_map(|part| part.strip_prefix("range=")).filter(|range| !range.is_empty());
        let is_known = |part: &&str| ["range=", "gid=", "usp="].iter().any(|known| part.starts_with(known));
        if let Some(part) = query.split('&').find(|part| !part.is_empty() && !is_known(part)) {
            return Some(Err(format!("there is no setting {part:?} of a sheet; {HOW_TO_NAME}")));
        }
        Some(Ok(Self { spreadsheet, range: range.map(unescaped) }))
    }
}

/// The cells of a range as CSV, times in UTC.
fn read(address: &Address, variables: &Variables) -> Result<Vec<u8>, String> {
    let client = Client::new(variables, Access::Read)?;
    let spreadsheet = client.spreadsheet(&address.spreadsheet)?;
    let range = match &address.range {
        None => quoted(spreadsheet.tabs.first().ok_or("has no tab")?),
        Some(range) => {
            let (tab, cells) = range.split_once('!').map_or((range.as_str(), None), |(tab, cells)| (tab, Some(cells)));
            let tab = tab.trim_matches('\'');
            if !spreadsheet.tabs.iter().any(|there| there == tab) {
                let tabs = spreadsheet.tabs.iter().map(String::as_str);
                let meant = did_you_mean(tab, tabs);
                return Err(format!("has no tab {tab:?}{meant}; its tabs are {}", spreadsheet.tabs.join(", ")));
            }
            cells.map_or_else(|| quoted(tab), |cells| format!("{}!{cells}", quoted(tab)))
        }
    };
    let rows = client.values(&address.spreadsheet, &range)?;
    cells::csv(&rows, &spreadsheet.time_zone)
}

/// The name of a tab as a range writes it, whatever letters are in it.
fn quoted(tab: &str) -> String {
    format!("'{}'", tab.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_named_by_scheme_address_or_variable() {
        let variables = Variables::from_iter([("GOOGLE_SHEET_ID".to_owned(), "usual".to_owned())]);
        let parse = |text: &str| Address::parse(text, &variables);
        let address = |spreadsheet: &str, range: Option<&str>| {
            Some(Ok(Address { spreadsheet: spreadsheet.to_owned(), range: range.map(str::to_owned) }))
        };
        assert_eq!(parse("sheets:abc?range=Load!A:B"), address("abc", Some("Load!A:B")));
        assert_eq!(parse("sheets:?range=My%20tab"), address("usual", Some("My tab")));
        assert_eq!(parse("https://docs.google.com/spreadsheets/d/abc/edit#gid=0"), address("abc", None));
        assert_eq!(parse("traffic.csv"), None);
        assert!(matches!(parse("sheets:abc?rang=A"), Some(Err(problem)) if problem.contains("rang=A")));
        assert!(matches!(Address::parse("sheets:", &Variables::default()), Some(Err(_))));
        assert_eq!(quoted("it's"), "'it''s'");
    }
}
