//! A file of a data set on the Hugging Face hub, or of what stands in for it at `HF_ENDPOINT`.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use hf_hub::api::Progress;
use hf_hub::api::sync::{ApiBuilder, ApiError};
use hf_hub::{Cache, Repo};

use super::beside;
use super::fetch::{Event, FetchError};
use crate::Variables;
use crate::address::shown;
use crate::client::{Patience, Trouble, status_trouble};

const ENDPOINT: &str = "https://huggingface.co";

/// Receives the file into `part`, and says where it is from. The endpoint is `HF_ENDPOINT`; the token is `HF_TOKEN`, or
/// what the file at `HF_TOKEN_PATH` or in the folder `HF_HOME` (`~/.cache/huggingface`) holds.
pub(super) fn receive(
    repository: &str,
    file: &str,
    variables: &Variables,
    part: &Path,
    patience: Patience,
    tell: &dyn Fn(Event<'_>),
) -> Result<String, FetchError> {
    let endpoint = variables.get("HF_ENDPOINT").unwrap_or(ENDPOINT).trim_end_matches('/');
    let from = format!("{}/datasets/{repository}/{file}", shown(endpoint));
    let cache = beside(part, "hub");
    let mut failed = 0;
    let received = loop {
        let attempt = || {
            let builder = ApiBuilder::from_cache(Cache::new(cache.clone()))
                .with_endpoint(endpoint.to_owned())
                .with_token(token(variables));
            let repository = builder.build()?.repo(Repo::dataset(repository.to_owned()));
            repository.download_with_progress(file, Told { tell, received: 0, is_begun: false })
        };
        // It panics on some answers, such as one that redirects to nowhere.
        let trouble = match catch_unwind(AssertUnwindSafe(attempt)) {
            Ok(Ok(path)) => break path,
            Ok(Err(error)) => trouble(error),
            Err(_) => Trouble::lasting("the answer is none of the hub"),
        };
        failed += 1;
        if !trouble.is_passing || failed >= patience.attempts {
            return Err(FetchError::Failed(format!("{from}: {}", trouble.problem)));
        }
        let wait = patience.wait(failed, trouble.asked_wait);
        tell(Event::Waiting { problem: &trouble.problem, wait });
        thread::sleep(wait);
    };
    let moved = fs::canonicalize(received).and_then(|blob| fs::rename(blob, part));
    moved.map_err(|error| FetchError::Failed(format!("{}: cannot be written: {error}", part.display())))?;
    // Nothing is lost where it stays.
    let _ = fs::remove_dir_all(cache);
    Ok(from)
}

/// The token of who asks, if there is one.
fn token(variables: &Variables) -> Option<String> {
    let of_file = |path: PathBuf| {
        let token = fs::read_to_string(path).ok()?.trim().to_owned();
        (!token.is_empty()).then_some(token)
    };
    let home = || match variables.get("HF_HOME") {
        Some(home) => Some(PathBuf::from(home)),
        None => Some(PathBuf::from(variables.get("HOME")?).join(".cache/huggingface")),
    };
    let told = variables.get("HF_TOKEN").map(str::to_owned);
    told.or_else(|| of_file(variables.get("HF_TOKEN_PATH")?.into())).or_else(|| of_file(home()?.join("token")))
}

/// Puts what went wrong in words without addresses, which may be signed.
fn trouble(error: ApiError) -> Trouble {
    match error {
        ApiError::RequestError(error) => {
            let kind = error.kind().to_string();
            match (*error).into_response() {
                Some(answer) => {
                    let seconds = answer.header("retry-after").and_then(|text| text.trim().parse().ok());
                    let status = ureq::http::StatusCode::from_u16(answer.status()).unwrap_or_default();
                    let trouble = status_trouble(status, &ureq::http::HeaderMap::new());
                    let hint =
                        if matches!(answer.status(), 401 | 403) { "; the token is told by HF_TOKEN" } else { "" };
                    Trouble {
                        problem: format!("{}{hint}", trouble.problem),
                        asked_wait: seconds.map(Duration::from_secs).filter(|wait| wait.as_secs() <= 120),
                        ..trouble
                    }
                }
                None => Trouble::lasting(format!("cannot be reached ({kind})")),
            }
        }
        ApiError::IoError(error) => Trouble::passing(format!("the connection or the disk failed ({})", error.kind())),
        ApiError::MissingHeader(header) => {
            Trouble::lasting(format!("the answer is none of the hub: it has no {header}"))
        }
        ApiError::InvalidHeader(header) => {
            Trouble::lasting(format!("the answer is none of the hub: its {header} is wrong"))
        }
        ApiError::LockAcquisition(_) => Trouble::lasting("is being fetched by another program"),
        _ => Trouble::lasting("the answer is none of the hub"),
    }
}

/// Passes on how far it is.
struct Told<'a> {
    tell: &'a dyn Fn(Event<'_>),
    received: u64,
    is_begun: bool,
}

impl Progress for Told<'_> {
    fn init(&mut self, size: usize, _: &str) {
        // Called twice, and what is there already is told by the first update.
        if std::mem::replace(&mut self.is_begun, true) {
            (self.tell)(Event::Receiving { received: self.received, total: Some(size as u64) });
        }
    }

    fn update(&mut self, size: usize) {
        self.received += size as u64;
        (self.tell)(Event::Received { bytes: size as u64 });
    }

    fn finish(&mut self) {}
}
