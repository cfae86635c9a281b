//! Calls to the Sheets API by a service account, with retries where the service asks for them.

use std::path::Path;
use std::time::{Duration, Instant};

use google_sheets4::api::{
    AddSheetRequest, BatchUpdateSpreadsheetRequest, Request, Scope, SheetProperties, ValueRange,
};
use google_sheets4::common::{self, Delegate, Retry};
use google_sheets4::hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use google_sheets4::hyper_util::client::legacy::Client as HttpClient;
use google_sheets4::hyper_util::client::legacy::connect::HttpConnector;
use google_sheets4::hyper_util::rt::TokioExecutor;
use google_sheets4::yup_oauth2::client::{CustomHyperClientBuilder, HyperClientBuilder as _};
use google_sheets4::yup_oauth2::{ServiceAccountAuthenticator, ServiceAccountKey, parse_service_account_key};
use google_sheets4::{Error, Sheets};
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::Variables;
use crate::address::escaped_value;

const USUAL_KEY_FILE: &str = "secret/ggsheet_credentials.json";
const CALL_TIMEOUT: Duration = Duration::from_mins(2);
const RETRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What the account is to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// What is known of a spreadsheet as a whole.
pub(super) struct Spreadsheet {
    pub(super) tabs: Vec<String>,
    pub(super) time_zone: TimeZone,
}

/// A service account at work.
pub(super) struct Client {
    hub: Sheets<HttpsConnector<HttpConnector>>,
    scope: Scope,
    /// The account's address, with which a spreadsheet must be shared.
    account: String,
    runtime: Runtime,
}

impl Client {
    /// Reads the account's key; nothing is asked of the service yet.
    pub(super) fn new(variables: &Variables, access: Access) -> Result<Self, String> {
        let key = key(variables)?;
        let account = key.client_email.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| format!("the system's certificates cannot be read: {error}"))?
            .https_or_http()
            .enable_http1()
            .build();
        let mut hub = runtime.block_on(async {
            let for_tokens = HttpClient::builder(TokioExecutor::new()).build(connector.clone());
            let for_tokens = CustomHyperClientBuilder::from(for_tokens).with_timeout(CALL_TIMEOUT);
            let authenticator = ServiceAccountAuthenticator::with_client(key, for_tokens).build().await;
            let client = HttpClient::builder(TokioExecutor::new()).build(connector);
            authenticator.map(|authenticator| Sheets::new(client, authenticator))
        });
        if let (Ok(hub), Some(url)) = (&mut hub, variables.get("GOOGLE_SHEETS_URL")) {
            hub.base_url(format!("{}/", url.trim_end_matches('/')));
        }
        let hub = hub.map_err(|error| format!("the key of the service account cannot be used: {error}"))?;
        let scope = if access == Access::Read { Scope::SpreadsheetReadonly } else { Scope::Spreadsheet };
        Ok(Self { hub, scope, account, runtime })
    }

    /// The tabs and the time zone of a spreadsheet.
    pub(super) fn spreadsheet(&self, id: &str) -> Result<Spreadsheet, String> {
        let found = self.call(Repeat::Safe, async |delegate| {
            let call = self.hub.spreadsheets().get(&escaped_value(id)).delegate(delegate).add_scope(self.scope);
            call.param("fields", "properties.timeZone,sheets.properties.title").doit().await
        })?;
        let zone = found.properties.and_then(|properties| properties.time_zone);
        let time_zone = zone.and_then(|zone| TimeZone::get(&zone).ok()).unwrap_or(TimeZone::UTC);
        let titles = found.sheets.unwrap_or_default().into_iter();
        Ok(Spreadsheet { tabs: titles.filter_map(|sheet| sheet.properties?.title).collect(), time_zone })
    }

    /// The cells of a range, row by row: numbers as numbers, times as days.
    pub(super) fn values(&self, id: &str, range: &str) -> Result<Vec<Vec<Value>>, String> {
        let range = self.call(Repeat::Safe, async |delegate| {
            let call = self.hub.spreadsheets().values_get(&escaped_value(id), &escaped_value(range)).delegate(delegate);
            let call = call.value_render_option("UNFORMATTED_VALUE").date_time_render_option("SERIAL_NUMBER");
            call.add_scope(self.scope).doit().await
        })?;
        Ok(range.values.unwrap_or_default())
    }

    /// Makes a tab.
    pub(super) fn add_tab(&self, id: &str, tab: &str) -> Result<(), String> {
        let properties = Some(SheetProperties { title: Some(tab.to_owned()), ..SheetProperties::default() });
        let add_sheet = Some(AddSheetRequest { properties });
        let requests = Some(vec![Request { add_sheet, ..Request::default() }]);
        let request = BatchUpdateSpreadsheetRequest { requests, ..BatchUpdateSpreadsheetRequest::default() };
        self.call(Repeat::Unsafe, async |delegate| {
            let call = self.hub.spreadsheets().batch_update(request.clone(), &escaped_value(id)).delegate(delegate);
            call.add_scope(self.scope).doit().await
        })?;
        Ok(())
    }

    /// Adds rows below a tab's last one; what looks like a number is one, nothing is taken for a formula.
    pub(super) fn append(&self, id: &str, range: &str, rows: &[Vec<String>]) -> Result<(), String> {
        let cell = |text: &String| match text.parse::<serde_json::Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::String(text.clone()),
        };
        let values = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        let request = ValueRange { values: Some(values), ..ValueRange::default() };
        self.call(Repeat::Unsafe, async |delegate| {
            let spreadsheets = self.hub.spreadsheets();
            let call = spreadsheets
                .values_append(request.clone(), &escaped_value(id), &escaped_value(range))
                .delegate(delegate);
            let call = call.value_input_option("RAW").insert_data_option("INSERT_ROWS");
            call.add_scope(self.scope).doit().await
        })?;
        Ok(())
    }

    /// Makes a call, and gives its answer or what went wrong with it.
    fn call<T>(
        &self,
        repeat: Repeat,
        call: impl AsyncFnOnce(&mut dyn Delegate) -> common::Result<(common::Response, T)>,
    ) -> Result<T, String> {
        let mut patience = Patience { repeat, retries: 0, began: Instant::now() };
        let answer = self.runtime.block_on(async { tokio::time::timeout(CALL_TIMEOUT, call(&mut patience)).await });
        match answer {
            Err(_) => Err(format!("Google Sheets did not answer within {} s", CALL_TIMEOUT.as_secs())),
            Ok(Err(error)) => Err(self.told(&error)),
            Ok(Ok((_, value))) => Ok(value),
        }
    }

    /// What went wrong and how to mend it, without a token.
    fn told(&self, error: &Error) -> String {
        let (code, message) = match error {
            Error::BadRequest(body) => {
                let detail = body.get("error").unwrap_or(body);
                let message = detail.get("message").and_then(Value::as_str).unwrap_or("no reason given");
                (detail.get("code").and_then(Value::as_u64).unwrap_or(0), message.to_owned())
            }
            Error::Failure(response) => {
                let status = response.status();
                (u64::from(status.as_u16()), status.canonical_reason().unwrap_or("no reason given").to_owned())
            }
            Error::MissingToken(cause) => {
                return format!(
                    "no token is given to the service account {}: {}; check that its key is still valid and that the \
                     clock of this machine is right",
                    self.account,
                    crate::innermost(cause.as_ref())
                );
            }
            other => return format!("Google Sheets cannot be asked: {}", crate::innermost(other)),
        };
        let account = &self.account;
        let hint = match code {
            401 => format!("; the token of {account} is refused: check its key and the clock of this machine"),
            403 => format!("; share the spreadsheet with {account}, and enable the Sheets API for its project"),
            404 => "; check the spreadsheet's identifier: it is the part behind /d/ of its address".to_owned(),
            429 => "; the quota is used up even after waiting: try again in a minute".to_owned(),
            _ => String::new(),
        };
        format!("Google Sheets answers {code}: {message}{hint}")
    }
}

/// Whether a call may be made again after a failure of which nobody knows how far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// It changes nothing.
    Safe,
    /// It may have been done: rows would be there twice.
    Unsafe,
}

/// Waits and asks again where the service is busy.
struct Patience {
    repeat: Repeat,
    retries: u32,
    began: Instant,
}

impl Delegate for Patience {
    fn http_failure(&mut self, response: &common::Response, _error: Option<&Value>) -> Retry {
        let status = response.status();
        // Who has asked too often was not heard at all.
        let may_help = status.as_u16() == 429 || (status.is_server_error() && self.repeat == Repeat::Safe);
        if self.retries == RETRIES || !may_help {
            return Retry::Abort;
        }
        let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let wait = asked.map_or(FIRST_WAIT * 2_u32.pow(self.retries), Duration::from_secs);
        // What cannot be waited for is told at once.
        if self.began.elapsed().saturating_add(wait) >= CALL_TIMEOUT {
            return Retry::Abort;
        }
        self.retries += 1;
        Retry::After(wait)
    }
}

/// The key of the service account.
fn key(variables: &Variables) -> Result<ServiceAccountKey, String> {
    let file = variables.get("GOOGLE_API_CREDS").unwrap_or(USUAL_KEY_FILE);
    let text = std::fs::read(Path::new(file)).map_err(|error| {
        format!(
            "needs the key of a service account: {file}: {error}; make one in the Google Cloud console (IAM, service \
             accounts, keys, JSON) and set GOOGLE_API_CREDS to its path"
        )
    })?;
    // What is wrong is told by place alone: the text holds a private key.
    parse_service_account_key(text).map_err(|_| {
        format!("{file}: is no key of a service account; expected the JSON file that the Google Cloud console gives")
    })
}
