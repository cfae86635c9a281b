//! Columns of numbers and texts for the page's scripts: one gzip stream in base64 and a directory of what is where.

use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::failure::Failure;

/// Type (`f32`, `i32`, `text`; little-endian, texts one a line), offset and length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Place(&'static str, usize, usize);

/// Columns as they are gathered.
#[derive(Debug, Default)]
pub(super) struct Columns {
    bytes: Vec<u8>,
    pub(super) directory: BTreeMap<String, Place>,
}

impl Columns {
    /// Adds numbers; their seven digits are more than a plot can show.
    pub(super) fn numbers(&mut self, name: impl Into<String>, values: impl IntoIterator<Item = f64>) {
        let start = self.bytes.len();
        for value in values {
            self.bytes.extend((value as f32).to_le_bytes());
        }
        self.note(name.into(), "f32", start);
    }

    /// Adds whole numbers.
    pub(super) fn integers(&mut self, name: impl Into<String>, values: impl IntoIterator<Item = i32>) {
        let start = self.bytes.len();
        for value in values {
            self.bytes.extend(value.to_le_bytes());
        }
        self.note(name.into(), "i32", start);
    }

    /// Adds texts, none of which may hold a line break.
    pub(super) fn texts(&mut self, name: impl Into<String>, values: impl IntoIterator<Item = String>) {
        let start = self.bytes.len();
        for value in values {
            self.bytes.extend(value.replace('\n', " ").as_bytes());
            self.bytes.push(b'\n');
        }
        self.note(name.into(), "text", start);
    }

    fn note(&mut self, name: String, kind: &'static str, start: usize) {
        self.directory.insert(name, Place(kind, start, self.bytes.len() - start));
    }

    /// All columns, compressed, as base64.
    pub(super) fn packed(&self) -> Result<String, Failure> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(&self.bytes).and_then(|()| encoder.finish());
        let packed = packed.map_err(|error| Failure::Work(format!("the report could not be packed: {error}")))?;
        Ok(STANDARD.encode(packed))
    }
}
