//! Google Sheets from a stand-in of the service: the token endpoint checks the signature as Google does.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use dataflow_remote::{Places, Variables, append_rows};
use dataflow_series::source::{Trace, TraceRequest, open};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::server::{Request, Server, reply};

/// Made for these tests; it opens nothing.
const KEY: &str = include_str!("service_account_key.pem");
const ACCOUNT: &str = "tests@project.iam.gserviceaccount.com";

/// A status, headers and a body.
type Answer = (u16, Vec<(&'static str, String)>, String);

/// Answers until the process ends; gives the address.
fn serve(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> String {
    let server = Server::new(move |asked, stream| {
        let (status, headers, body) = answer(asked);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        reply(stream, &format!("{status} Told"), &headers, body.as_bytes())
    });
    server.url("")
}

fn answer(status: u16, body: &Value) -> Answer {
    (status, vec![("content-type", "application/json".to_owned())], body.to_string())
}

fn refusal(code: u16, message: &str) -> Answer {
    answer(code, &json!({"error": {"code": code, "message": message, "status": "REFUSED"}}))
}

/// Whether the assertion of a token request is signed by the key and claims what Google demands.
fn is_signed(body: &str) -> bool {
    let assertion = body.split('&').find_map(|part| part.strip_prefix("assertion=")).expect("an assertion");
    // Some clients pad, and forms encode what pads.
    let assertion = assertion.replace("%3D", "=");
    let (signed, signature) = assertion.rsplit_once('.').expect("a signature");
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).expect("base64");
    let key = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).expect("a key");
    let pair = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).expect("an RSA key");
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    let claims: Value = serde_json::from_slice(&decode(signed.split_once('.').expect("claims").1)).expect("JSON");
    let scope = claims["scope"].as_str().expect("a scope");
    public.verify(signed.as_bytes(), &decode(signature)).is_ok()
        && claims["iss"] == ACCOUNT
        && scope.contains("https://www.googleapis.com/auth/spreadsheets")
        && claims["exp"].as_i64() > claims["iat"].as_i64()
}

/// A stand-in whose tokens live for so many seconds, and the variables that lead to it. What is asked of the API is
/// answered by `api`, which is told the token's number.
fn stand_in(
    token_seconds: u64,
    api: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static,
) -> (Variables, NamedTempFile) {
    let tokens = Mutex::new(0);
    let address = serve(move |asked: &Request| {
        if asked.path() == "/token" {
            assert!(asked.line.starts_with("POST") && is_signed(&asked.body));
            let mut count = tokens.lock().expect("no test fails with it");
            *count += 1;
            let token = format!("token-{count}");
            return answer(200, &json!({"access_token": token, "token_type": "Bearer", "expires_in": token_seconds}));
        }
        let token = asked.header("authorization").and_then(|token| token.strip_prefix("Bearer token-"));
        api(asked, token.and_then(|token| token.parse().ok()).unwrap_or(0))
    });
    let mut file = NamedTempFile::new().expect("a temporary file");
    let key = json!({"type": "service_account", "private_key": KEY, "client_email": ACCOUNT,
        "token_uri": format!("{address}/token"), "project_id": "project", "private_key_id": "1"});
    file.write_all(key.to_string().as_bytes()).expect("it can be written");
    let path = file.path().display().to_string();
    let variables = [("GOOGLE_API_CREDS", path), ("GOOGLE_SHEETS_URL", address), ("GOOGLE_SHEET_ID", "usual".into())];
    (variables.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(), file)
}

fn about() -> Answer {
    let sheets = json!([{"properties": {"title": "Load"}}, {"properties": {"title": "My results"}}]);
    answer(200, &json!({"properties": {"timeZone": "America/New_York"}, "sheets": sheets}))
}

/// Half an hour of minutes from 1 July 1995 in New York, one of them missing.
fn load() -> Answer {
    let mut rows = vec![json!(["time", "requests"])];
    rows.extend(
        (0..30).filter(|minute| *minute != 7).map(|minute| json!([34881.0 + f64::from(minute) / 1440.0, minute])),
    );
    answer(200, &json!({"range": "Load!A1:B31", "majorDimension": "ROWS", "values": rows}))
}

fn read(text: &str, variables: &Variables) -> Result<Trace, String> {
    let remote = Some(Arc::new(Places::new(variables.clone())) as _);
    let request = TraceRequest { remote, ..TraceRequest::from_input(text) };
    open(&request).map_err(|error| error.to_string())
}

#[test]
fn a_range_is_a_trace_with_its_gaps_and_its_time_zone() {
    let (variables, _file) = stand_in(3600, |asked, token| {
        assert!(asked.line.starts_with("GET") && token >= 1);
        if asked.path().starts_with("/v4/spreadsheets/usual?") { about() } else { load() }
    });
    for text in ["sheets:", "sheets:?range=Load", "sheets:usual?range=Load!A:B"] {
        let trace = read(text, &variables).expect("it is read");
        assert_eq!(trace.observed.start().to_string(), "1995-07-01T04:00:00Z");
        assert_eq!((trace.observed.len(), trace.observed.missing(), trace.observed.total()), (30, 1, 428.0));
        assert_eq!(trace.source, text);
    }
}

#[test]
fn a_token_that_has_expired_is_asked_for_again() {
    let (variables, _file) = stand_in(0, |asked, token| {
        // The second call comes with a second token.
        if asked.path().starts_with("/v4/spreadsheets/usual?") {
            assert_eq!(token, 1);
            about()
        } else {
            assert_eq!(token, 2);
            load()
        }
    });
    assert_eq!(read("sheets:", &variables).expect("it is read").observed.len(), 30);
}

#[test]
fn a_busy_service_is_asked_again_and_a_used_up_quota_told() {
    let asked_times = Mutex::new(0);
    let (variables, _file) = stand_in(3600, move |asked, _| {
        let mut times = asked_times.lock().expect("no test fails with it");
        *times += 1;
        match *times {
            1 => (429, vec![("retry-after", "0".to_owned())], "{}".to_owned()),
            2 => (503, vec![("retry-after", "0".to_owned())], "busy".to_owned()),
            _ if asked.path().contains("/values/") => load(),
            _ => about(),
        }
    });
    assert_eq!(read("sheets:", &variables).expect("it is read").observed.len(), 30);
    let (variables, _file) = stand_in(3600, |_, _| {
        let (status, _, body) = refusal(429, "Quota exceeded for quota metric 'Read requests'");
        (status, vec![("retry-after", "0".to_owned())], body)
    });
    let error = read("sheets:", &variables).expect_err("the quota is used up");
    assert!(error.contains("429: Quota exceeded") && error.contains("try again in a minute"), "{error}");
}

#[test]
fn rows_whose_fate_is_not_known_are_not_written_again() {
    for (status, writes) in [(503, 1), (429, 2)] {
        let count = Arc::new(Mutex::new(0));
        let seen = Arc::clone(&count);
        let (variables, _file) = stand_in(3600, move |asked, _| {
            if asked.line.starts_with("POST") {
                let mut times = seen.lock().expect("no test fails with it");
                *times += 1;
                return if *times == 1 {
                    (status, vec![("retry-after", "0".to_owned())], "{}".to_owned())
                } else {
                    answer(200, &json!({}))
                };
            }
            if asked.path().contains("/values/") { answer(200, &json!({"values": [["policy"]]})) } else { about() }
        });
        let rows = [["policy"], ["fixed"]].map(|row| row.map(str::to_owned).to_vec());
        let written = append_rows("sheets:abc?range=Load", &variables, &rows);
        assert_eq!(written.is_ok(), status == 429, "{written:?}");
        assert_eq!(*count.lock().expect("no test fails with it"), writes, "{status}");
    }
}

#[test]
fn a_quota_that_comes_back_too_late_is_told_at_once() {
    let (variables, _file) = stand_in(3600, |_, _| {
        let (status, _, body) = refusal(429, "Quota exceeded");
        (status, vec![("retry-after", "3600".to_owned())], body)
    });
    let began = std::time::Instant::now();
    let error = read("sheets:", &variables).expect_err("the quota is used up");
    assert!(error.contains("429: Quota exceeded") && error.contains("the quota is used up"), "{error}");
    assert!(began.elapsed() < std::time::Duration::from_secs(30));
}

#[test]
fn what_the_service_refuses_is_told_without_a_token() {
    for (code, message, hint) in [
        (401, "Request had invalid authentication credentials.", "clock of this machine"),
        (403, "The caller does not have permission", ACCOUNT),
        (404, "Requested entity was not found.", "identifier"),
    ] {
        let (variables, _file) = stand_in(3600, move |_, _| refusal(code, message));
        let error = read("sheets:abc", &variables).expect_err("it is refused");
        assert!(error.starts_with("sheets:abc: ") && error.contains(message) && error.contains(hint), "{error}");
        assert!(!error.contains("token-1") && !error.contains("PRIVATE"), "{error}");
    }
    let (variables, _file) = stand_in(3600, |_, _| about());
    let error = read("sheets:abc?range=Lod!A:B", &variables).expect_err("there is no such tab");
    assert!(error.contains("Lod") && error.contains("Load, My results") && error.contains("did you mean"), "{error}");
    let (variables, _file) = stand_in(3600, |_, _| (200, Vec::new(), "<html>a portal</html>".to_owned()));
    assert!(read("sheets:abc", &variables).is_err());
}

#[test]
fn a_key_that_is_revoked_is_told() {
    let address = serve(|_| answer(400, &json!({"error": "invalid_grant", "error_description": "Invalid JWT"})));
    let (variables, _file) = stand_in(3600, |_, _| about());
    let key = std::fs::read_to_string(variables.get("GOOGLE_API_CREDS").expect("it is set")).expect("a key");
    let mut key: Value = serde_json::from_str(&key).expect("JSON");
    key["token_uri"] = json!(address);
    let file = NamedTempFile::new().expect("a temporary file");
    std::fs::write(&file, key.to_string()).expect("it can be written");
    let path = file.path().display().to_string();
    let variables = Variables::from_iter([("GOOGLE_API_CREDS".to_owned(), path)]);
    let error = read("sheets:abc", &variables).expect_err("the key is revoked");
    assert!(error.contains("invalid_grant") && error.contains("key is still valid"), "{error}");
    assert!(!error.contains("PRIVATE"), "{error}");
}

#[test]
fn a_missing_or_wrong_key_file_is_told_without_its_content() {
    let none = Variables::from_iter([("GOOGLE_API_CREDS".to_owned(), "/nowhere/key.json".to_owned())]);
    let error = read("sheets:abc", &none).expect_err("there is no key");
    assert!(error.contains("/nowhere/key.json") && error.contains("GOOGLE_API_CREDS"), "{error}");
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(b"{\"private_key\": \"secret-words\"}").expect("it can be written");
    let path = file.path().display().to_string();
    let wrong = Variables::from_iter([("GOOGLE_API_CREDS".to_owned(), path)]);
    let error = read("sheets:abc", &wrong).expect_err("it is no key");
    assert!(error.contains("is no key of a service account") && !error.contains("secret-words"), "{error}");
}

#[test]
fn results_are_added_to_a_tab_or_to_a_new_one() {
    let written: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
    let seen = Arc::clone(&written);
    let (variables, _file) = stand_in(3600, move |asked, _| {
        if asked.line.starts_with("POST") {
            let body = serde_json::from_str(&asked.body).expect("JSON");
            seen.lock().expect("no test fails with it").push((asked.path().to_owned(), body));
            return answer(200, &json!({}));
        }
        if asked.path().contains("/values/") { answer(200, &json!({"values": [["policy", "total"]]})) } else { about() }
    });
    let rows = [["policy", "total"], ["fixed", "20.5"]].map(|row| row.map(str::to_owned).to_vec());
    append_rows("sheets:abc?range=My results", &variables, &rows).expect("the tab has these columns");
    append_rows("sheets:abc?range=New", &variables, &rows).expect("a tab is made");
    let other = [["policy", "cost"], ["fixed", "1"]].map(|row| row.map(str::to_owned).to_vec());
    let error = append_rows("sheets:abc?range=My results", &variables, &other).expect_err("other columns");
    assert!(error.to_string().contains("other columns (policy, total)"), "{error}");
    assert!(append_rows("sheets:abc", &variables, &rows).is_err(), "no tab is named");
    let written = written.lock().expect("no test fails with it");
    let values: Vec<&Value> = written.iter().map(|(_, body)| &body["values"]).collect();
    assert_eq!(values[0], &json!([["fixed", 20.5]]));
    assert_eq!(written[1].1["requests"][0]["addSheet"]["properties"]["title"], "New");
    assert_eq!(values[2], &json!([["policy", "total"], ["fixed", 20.5]]));
    assert!(written[0].0.starts_with("/v4/spreadsheets/abc/values/%27My%20results%27:append?"), "{}", written[0].0);
    assert!(written[0].0.contains("valueInputOption=RAW"), "nothing is a formula");
}
