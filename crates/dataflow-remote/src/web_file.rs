//! A file at a web address, read as it comes: logs, tables, numbers or Parquet, compressed or not.

use std::io::{self, Cursor, Read};
use std::sync::Arc;

use dataflow_series::source::{RemoteObject, RemoteTrace, SourceError};
use ureq::BodyReader;

use crate::address::Address;
use crate::client::{Client, Patience, Trouble, checked};
use crate::{Variables, address};

const FIRST_BYTES: usize = 8 * 1024;

/// The file, which is asked for when it is opened.
pub(crate) fn find(text: &str, variables: &Variables) -> Result<RemoteTrace, SourceError> {
    let wrong = |problem: String| SourceError::Remote { name: address::shown(text), problem };
    let address = Address::parse(text).map_err(wrong)?;
    let client = Client::new(&address, variables, Patience::default().silence).map_err(wrong)?;
    let name = address.shown().to_owned();
    let open = Arc::new(move || {
        let file = Patience::default().attempts(|| WebFile::begin(&client, &address), |_, _| {});
        let file = file.map_err(|trouble| io::Error::other(trouble.problem))?;
        Ok(Box::new(file) as Box<dyn Read + Send>)
    });
    Ok(RemoteTrace::Objects(vec![RemoteObject { name, open }]))
}

/// The bytes of an answer.
struct WebFile {
    /// Those that were read to see that any come.
    first: Cursor<Vec<u8>>,
    body: BodyReader<'static>,
    client: Client,
    received: u64,
}

impl WebFile {
    /// Asks once, up to the first bytes: where these come, what follows cannot be asked for again.
    fn begin(client: &Client, address: &Address) -> Result<Self, Trouble> {
        // As it is: what the file holds and how it is packed is told by its content.
        let answer = client.get(address, &[("accept-encoding", "identity")]).and_then(checked)?;
        let mut body = answer.into_body().into_reader();
        let mut first = vec![0; FIRST_BYTES];
        let count = loop {
            match body.read(&mut first) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(|error| client.io_trouble(&error))?,
            }
        };
        first.truncate(count);
        Ok(Self { first: Cursor::new(first), body, client: client.clone(), received: count as u64 })
    }
}

impl Read for WebFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.first.read(buffer)?;
        if count > 0 {
            return Ok(count);
        }
        match self.body.read(buffer) {
            Ok(count) => {
                self.received += count as u64;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let Trouble { problem, .. } = self.client.io_trouble(&error);
                // Not of a kind that decoders take for a word of their own.
                Err(io::Error::new(
                    io::ErrorKind::ConnectionAborted,
                    format!("{problem} after {} bytes", self.received),
                ))
            }
        }
    }
}
