//! A file at a web address, read as it comes: logs, tables, numbers or Parquet, compressed or not.

use std::io::{self, Read};
use std::sync::Arc;

use dataflow_series::source::{RemoteObject, RemoteTrace, SourceError};
use ureq::BodyReader;

use crate::address::Address;
use crate::client::{Client, Patience, Trouble, checked};
use crate::{Variables, address};

/// The file, which is asked for when it is opened.
pub(crate) fn find(text: &str, variables: &Variables) -> Result<RemoteTrace, SourceError> {
    let wrong = |problem: String| SourceError::Remote { name: address::shown(text), problem };
    let address = Address::parse(text).map_err(wrong)?;
    let client = Client::new(&address, variables, Patience::default().silence).map_err(wrong)?;
    let name = address.shown().to_owned();
    let open = Arc::new(move || {
        // As it is: what the file holds and how it is packed is told by its content.
        let answer = client.get(&address, &[("accept-encoding", "identity")]).and_then(checked);
        let answer = answer.map_err(|trouble| io::Error::other(trouble.problem))?;
        let body = answer.into_body().into_reader();
        Ok(Box::new(WebFile { body, client: client.clone(), received: 0 }) as Box<dyn Read + Send>)
    });
    Ok(RemoteTrace::Objects(vec![RemoteObject { name, open }]))
}

/// The bytes of an answer.
struct WebFile {
    body: BodyReader<'static>,
    client: Client,
    received: u64,
}

impl Read for WebFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
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
