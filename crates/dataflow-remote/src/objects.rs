//! Objects of Amazon S3 (and what speaks as it does), Google Cloud Storage and Azure Blob Storage: one object, all
//! below a folder, or those that fit a pattern, each read as a file would be.
//!
//! Who asks is told by the variables that the stores' own tools use, such as `AWS_ACCESS_KEY_ID`.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use dataflow_series::source::{RemoteObject, RemoteTrace, SourceError};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use glob::{MatchOptions, Pattern};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, RetryConfig};
use tokio::runtime::Runtime;

use crate::{Variables, innermost};

/// Who is not there will not come: retries beyond this only keep the user waiting.
const RETRIES: RetryConfig = RetryConfig {
    backoff: object_store::BackoffConfig {
        init_backoff: Duration::from_millis(200),
        max_backoff: Duration::from_secs(5),
        base: 2.0,
    },
    max_retries: 4,
    retry_timeout: Duration::from_mins(1),
};

/// A kind of store, with the schemes of its addresses and the beginning of its variables' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Amazon,
    Google,
    Azure,
}

impl Kind {
    fn of(scheme: &str) -> Option<Self> {
        match scheme {
            "s3" | "s3a" => Some(Self::Amazon),
            "gs" => Some(Self::Google),
            "az" | "azure" | "adl" | "abfs" | "abfss" => Some(Self::Azure),
            _ => None,
        }
    }

    const fn how_to_ask(self) -> &'static str {
        match self {
            Self::Amazon => {
                "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (`aws configure export-credentials --format \
                 env` prints the keys of a profile), AWS_ENDPOINT_URL for another server than Amazon's, or \
                 AWS_SKIP_SIGNATURE=true for a public bucket"
            }
            Self::Google => {
                "set GOOGLE_APPLICATION_CREDENTIALS to the file of a key, or GOOGLE_SKIP_SIGNATURE=true for a public bucket"
            }
            Self::Azure => {
                "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY (or AZURE_STORAGE_SAS_TOKEN), or \
                 AZURE_SKIP_SIGNATURE=true for a public container"
            }
        }
    }
}

/// An address such as `s3://bucket/folder/access-*.gz`, in its parts.
#[derive(Debug, Clone)]
struct Address {
    kind: Kind,
    /// With the scheme: `s3://bucket`.
    bucket: String,
    key: String,
}

/// What a text names in an object store; `None` where it is no address of one.
pub(crate) fn find(text: &str, variables: &Variables) -> Option<Result<RemoteTrace, SourceError>> {
    let (scheme, rest) = text.split_once("://")?;
    let kind = Kind::of(&scheme.to_ascii_lowercase())?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    // Azure's addresses may name a container and, behind an @, its account.
    if bucket.contains(':') || (bucket.contains('@') && kind != Kind::Azure) {
        let behind = rest.rsplit_once('@').map_or("", |(_, behind)| without_query(behind));
        let name = format!("{scheme}://…@{behind}");
        let problem = format!("keys do not belong into an address, which others see; {}", kind.how_to_ask());
        return Some(Err(SourceError::Remote { name, problem }));
    }
    let address = Address { kind, bucket: format!("{scheme}://{bucket}"), key: key.to_owned() };
    let found = address.objects(variables);
    Some(found.map_err(|problem| SourceError::Remote { name: without_query(text).to_owned(), problem }))
}

/// What may be shown: a query may be a signature, such as Azure's.
fn without_query(text: &str) -> &str {
    text.split('?').next().unwrap_or_default()
}

impl Address {
    /// Everything that the address names, in the order of the names.
    fn objects(&self, variables: &Variables) -> Result<RemoteTrace, String> {
        let is_pattern = self.key.contains(['*', '?', '[']);
        let keys = if is_pattern || self.key.is_empty() || self.key.ends_with('/') {
            self.list(variables, is_pattern)?
        } else {
            vec![Path::parse(&self.key).map_err(|error| format!("is no name of an object: {error}"))?]
        };
        let object = |key: Path| {
            let (address, variables) = (self.clone(), variables.clone());
            let name = format!("{}/{key}", self.bucket);
            RemoteObject { name, open: Arc::new(move || Ok(Box::new(address.open(&key, &variables)?))) }
        };
        Ok(RemoteTrace::Objects(keys.into_iter().map(object).collect()))
    }

    /// The objects below the folder of the key, or those that fit its pattern; empty ones, such as the marks that some
    /// tools leave for folders, are left out.
    fn list(&self, variables: &Variables, is_pattern: bool) -> Result<Vec<Path>, String> {
        let literal = self.key.split(['*', '?', '[']).next().unwrap_or_default();
        let folder = literal.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = Path::parse(folder).map_err(|error| format!("is no name of a folder: {error}"))?;
        let pattern = if is_pattern { self.key.as_str() } else { "**" };
        let pattern = Pattern::new(pattern).map_err(|error| format!("is no pattern: {error}"))?;
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let runtime = runtime().map_err(|error| error.to_string())?;
        let store = self.store(variables).map_err(|error| self.told(&error))?;
        let listed = runtime.block_on(store.list(Some(&folder)).try_collect::<Vec<_>>());
        let mut keys: Vec<Path> = listed
            .map_err(|error| self.told(&error))?
            .into_iter()
            .filter(|object| object.size > 0 && pattern.matches_with(object.location.as_ref(), options))
            .map(|object| object.location)
            .collect();
        keys.sort();
        if keys.is_empty() {
            return Err(
                "fits no object; patterns are such as s3://bucket/logs/2026-*.gz, and a name that ends in / is \
                        a folder"
                    .to_owned(),
            );
        }
        Ok(keys)
    }

    /// Begins to read an object.
    fn open(&self, key: &Path, variables: &Variables) -> io::Result<ObjectReader> {
        let runtime = runtime()?;
        let told = |error: Error| io::Error::other(self.told(&error));
        let store = self.store(variables).map_err(told)?;
        let stream = runtime.block_on(store.get(key)).map_err(told)?.into_stream();
        let address = self.clone();
        let chunks = stream.map_err(move |error| io::Error::other(address.told(&error))).boxed();
        Ok(ObjectReader { chunks, rest: bytes::Bytes::new(), runtime })
    }

    fn store(&self, variables: &Variables) -> Result<Box<dyn ObjectStore>, Error> {
        // Fails only where the process has chosen its provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let of = |prefix: &'static str| {
            variables.iter().filter(move |(name, value)| name.starts_with(prefix) && !value.is_empty())
        };
        // Whoever names a server without TLS wants it.
        let is_plain = |(name, value): (&str, &str)| name.contains("ENDPOINT") && value.starts_with("http://");
        macro_rules! built {
            ($builder:ty, $prefix:literal) => {{
                let mut builder = <$builder>::new().with_url(&self.bucket).with_retry(RETRIES);
                for (name, value) in of($prefix) {
                    if let Ok(key) = name.to_ascii_lowercase().parse() {
                        builder = builder.with_config(key, value);
                    }
                }
                if let (true, Ok(key)) = (of($prefix).any(is_plain), "allow_http".parse()) {
                    builder = builder.with_config(key, "true");
                }
                Ok(Box::new(builder.build()?))
            }};
        }
        match self.kind {
            Kind::Amazon => built!(AmazonS3Builder, "AWS_"),
            Kind::Google => built!(GoogleCloudStorageBuilder, "GOOGLE_"),
            Kind::Azure => built!(MicrosoftAzureBuilder, "AZURE_"),
        }
    }

    /// What went wrong and how to mend it.
    fn told(&self, error: &Error) -> String {
        match error {
            Error::NotFound { .. } => {
                "there is no such bucket or object; a name that ends in / is a folder, and * fits any letters"
                    .to_owned()
            }
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                format!("the store refuses these keys, or has no such bucket for them; {}", self.kind.how_to_ask())
            }
            other => format!("{}; {}", innermost(other), self.kind.how_to_ask()),
        }
    }
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// An object's bytes, fetched as they are read. It has a runtime of its own, so that it can be read on any thread.
struct ObjectReader {
    chunks: BoxStream<'static, io::Result<bytes::Bytes>>,
    rest: bytes::Bytes,
    runtime: Runtime,
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.runtime.block_on(self.chunks.next()) {
                Some(chunk) => self.rest = chunk?,
                None => return Ok(0),
            }
        }
        let count = self.rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest.split_to(count));
        Ok(count)
    }
}
