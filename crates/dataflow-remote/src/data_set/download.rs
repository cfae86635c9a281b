//! A file from a web address, gone on with where an earlier attempt broke off (RFC 9110, sections 13.1.5 and 14).

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ureq::Body;
use ureq::http::{HeaderMap, Response};

use super::fetch::{Event, FetchError};
use crate::address::Address;
use crate::client::{Client, Patience, Trouble, checked, header, status_trouble};

const BUFFER_BYTES: usize = 256 * 1024;

/// What is fetched, and where to.
pub(super) struct Download<'a> {
    pub(super) client: &'a Client,
    pub(super) address: &'a Address,
    pub(super) patience: Patience,
    /// Whether only the server can say where the file ends, as nothing is known of it.
    pub(super) needs_end: bool,
    /// The file under way.
    pub(super) part: PathBuf,
    /// What tells whether the file on the server is still the one that was begun.
    pub(super) state: PathBuf,
    pub(super) tell: &'a dyn Fn(Event<'_>),
}

/// What is kept beside a file under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    from: String,
    validator: String,
}

impl Download<'_> {
    /// Fetches the whole file into its part, with as many attempts as patience allows.
    pub(super) fn run(&self) -> Result<(), FetchError> {
        let mut failed = 0;
        // What was received once and is only received again is no progress.
        let mut longest = self.begun().map_or(0, |(length, _)| length);
        loop {
            let mut reached = 0;
            let trouble = match self.attempt(&mut reached) {
                Ok(()) => return Ok(()),
                Err(trouble) => trouble,
            };
            let shown = self.address.shown();
            if !trouble.is_passing {
                return Err(FetchError::Failed(format!("{shown}: {}", trouble.problem)));
            }
            failed = if reached > longest { 1 } else { failed + 1 };
            longest = longest.max(reached);
            if failed >= self.patience.attempts {
                let kept =
                    if self.begun().is_some() { "; the same command goes on from what was received" } else { "" };
                let problem = &trouble.problem;
                return Err(FetchError::Failed(format!("{shown}: {problem}, in {failed} attempts{kept}")));
            }
            let wait = self.patience.wait(failed, trouble.asked_wait);
            (self.tell)(Event::Waiting { problem: &trouble.problem, wait });
            thread::sleep(wait);
        }
    }

    /// What was received before and can be gone on with: its length and what the server is to compare.
    fn begun(&self) -> Option<(u64, State)> {
        let state: State = serde_json::from_slice(&fs::read(&self.state).ok()?).ok()?;
        let length = fs::metadata(&self.part).ok()?.len();
        (length > 0 && state.from == self.address.shown()).then_some((length, state))
    }

    /// Begins anew: what was received is written over.
    fn discard(&self) {
        // Where it cannot be removed, it cannot be written either, which is told then.
        let _ = fs::remove_file(&self.state);
    }

    /// Asks once for what is still to come; `reached` tells how long the part has become.
    fn attempt(&self, reached: &mut u64) -> Result<(), Trouble> {
        let begun = self.begun();
        let range = begun.as_ref().map(|(length, _)| format!("bytes={length}-"));
        // As it is, so that its bytes can be counted.
        let mut headers = vec![("accept-encoding", "identity")];
        if let (Some(range), Some((_, state))) = (&range, &begun) {
            headers.extend([("range", range.as_str()), ("if-range", state.validator.as_str())]);
        }
        let answer = self.client.get(self.address, &headers)?;
        match (answer.status().as_u16(), begun) {
            (206, Some((length, _))) => match content_range(answer.headers()) {
                Some((start, total)) if start == length => self.receive(answer, length, Some(total), reached),
                _ => {
                    self.discard();
                    Err(Trouble::passing("the server sends another part than was asked for"))
                }
            },
            (416, Some((length, _))) if unsatisfied(answer.headers()) == Some(length) => Ok(()),
            (416, Some(_)) => {
                self.discard();
                Err(Trouble { asked_wait: Some(Duration::ZERO), ..Trouble::passing("the file on the server changed") })
            }
            (206, None) => Err(status_trouble(answer.status(), answer.headers())),
            _ => {
                let answer = checked(answer)?;
                self.discard();
                self.keep_state(answer.headers()).map_err(|error| self.unwritten(&error))?;
                let total = header(answer.headers(), "content-length").and_then(|text| text.parse().ok());
                self.receive(answer, 0, total, reached)
            }
        }
    }

    /// Keeps what tells this version of the file from others: a strong entity tag, else the time of its last change.
    fn keep_state(&self, headers: &HeaderMap) -> io::Result<()> {
        let tag = header(headers, "etag").filter(|tag| !tag.starts_with("W/"));
        let Some(validator) = tag.or_else(|| header(headers, "last-modified")) else { return Ok(()) };
        let state = State { from: self.address.shown().to_owned(), validator: validator.to_owned() };
        fs::write(&self.state, serde_json::to_vec(&state)?)
    }

    /// Appends the answer's body to the part, of which `length` bytes are there.
    fn receive(
        &self,
        answer: Response<Body>,
        length: u64,
        total: Option<u64>,
        reached: &mut u64,
    ) -> Result<(), Trouble> {
        let is_chunked = header(answer.headers(), "transfer-encoding")
            .is_some_and(|encoding| encoding.to_ascii_lowercase().contains("chunked"));
        if self.needs_end && total.is_none() && !is_chunked {
            return Err(Trouble::lasting(
                "the server does not say how long the file is, and nothing is known to compare with, so that a cut would \
                 not be seen; name another mirror",
            ));
        }
        (self.tell)(Event::Receiving { received: length, total });
        *reached = length;
        let file =
            if length == 0 { File::create(&self.part) } else { OpenOptions::new().append(true).open(&self.part) };
        let mut file = file.map_err(|error| self.unwritten(&error))?;
        let mut body = answer.into_body().into_reader();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    let trouble = self.client.io_trouble(&error);
                    return Err(Trouble { is_passing: true, ..trouble });
                }
            };
            file.write_all(&buffer[..count]).map_err(|error| self.unwritten(&error))?;
            *reached += count as u64;
            (self.tell)(Event::Received { bytes: count as u64 });
        }
        file.sync_all()
            .or_else(|error| is_no_disk(&error).then_some(()).ok_or(error))
            .map_err(|error| self.unwritten(&error))?;
        match total {
            Some(total) if *reached < total => {
                Err(Trouble::passing(format!("the connection was cut after {reached} of {total} bytes")))
            }
            _ => Ok(()),
        }
    }

    fn unwritten(&self, error: &io::Error) -> Trouble {
        let hint = if error.kind() == ErrorKind::StorageFull {
            "; make room, and the same command goes on from what was received"
        } else {
            ""
        };
        Trouble::lasting(format!("{} cannot be written: {error}{hint}", self.part.display()))
    }
}

/// Whether the system cannot sync what is no file on a disk.
fn is_no_disk(error: &io::Error) -> bool {
    error.kind() == ErrorKind::InvalidInput
}

/// The first byte and the size of the whole in `bytes 100-199/200`.
fn content_range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let (range, total) = header(headers, "content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.trim().parse().ok()?, total.trim().parse().ok()?))
}

/// The size of the whole in `bytes */200`.
fn unsatisfied(headers: &HeaderMap) -> Option<u64> {
    header(headers, "content-range")?.strip_prefix("bytes */")?.trim().parse().ok()
}
