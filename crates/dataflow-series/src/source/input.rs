//! Which files or objects a trace is read from, and what each of them holds, told by its first bytes.

use std::fs::{self, File};
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::dialect::{Dialect, delimiter_of};
use super::error::{SourceError, unusable};
use super::remote::{OpenObject, Remote, RemoteObject, RemoteTrace};
use super::{Extra, Progress, TraceRequest};
use crate::decompress::read_up_to;
use crate::log::recognise;
use crate::{Compression, Observed, OpenError, decompress};

const HEAD_BYTES: usize = 64 * 1024;

/// Something to read, under the name that messages give it.
#[derive(Clone)]
pub(super) struct Input {
    pub(super) name: String,
    place: Place,
}

#[derive(Clone)]
enum Place {
    StandardInput,
    File(PathBuf),
    Object(OpenObject),
}

/// What the user named.
pub(super) enum Named {
    /// Bytes, one input after the other, and a name for all of them.
    Inputs { inputs: Vec<Input>, source: String },
    /// A load that some other place keeps on a regular grid.
    Series { source: String, observed: Observed, extras: Vec<Extra>, notes: Vec<String> },
}

/// What an input holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Log,
    Table(Dialect),
    Numbers,
    Parquet,
}

/// An input whose kind is known, from its first byte on, decompressed.
pub(super) struct Opened {
    pub(super) kind: Kind,
    pub(super) reader: Box<dyn Read + Send>,
}

/// What the user named: `-`, paths, places that `remote` knows, and patterns in their place, in the order of their names.
pub(super) fn named(request: &TraceRequest, remote: Option<&dyn Remote>) -> Result<Named, SourceError> {
    let mut inputs = Vec::new();
    let mut sources = Vec::new();
    let texts = &request.inputs;
    for text in texts {
        if text.starts_with("synthetic:") {
            return Err(unusable(text, "cannot be read together with other inputs"));
        }
        let before = inputs.len();
        let mut source = text.clone();
        if text == "-" {
            inputs.push(Input { name: "standard input".to_owned(), place: Place::StandardInput });
        } else if let Some(found) = remote.and_then(|remote| remote.find(text, request)) {
            match found? {
                RemoteTrace::Objects(objects) => {
                    let named = |object: RemoteObject| Input { name: object.name, place: Place::Object(object.open) };
                    inputs.extend(objects.into_iter().map(named));
                    source = name_of(&inputs[before..]);
                }
                RemoteTrace::Series { source, observed, extras, notes } if texts.len() == 1 => {
                    return Ok(Named::Series { source, observed, extras, notes });
                }
                RemoteTrace::Series { source, .. } => {
                    return Err(unusable(&source, "cannot be read together with other inputs"));
                }
            }
        } else if let Some((scheme, _)) = text.split_once("://") {
            // The rest may hold credentials.
            let name = format!("{}://…", scheme.chars().take(20).collect::<String>());
            let problem =
                "no place of this kind is known here; give a file, or a web address that begins with https://";
            return Err(SourceError::Remote { name, problem: problem.to_owned() });
        } else if text.contains(['*', '?', '[']) && !Path::new(text).exists() {
            inputs.extend(matching(text)?);
        } else if fs::metadata(text).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Err(SourceError::Missing { name: text.clone() });
        } else {
            inputs.push(Input { name: text.clone(), place: Place::File(PathBuf::from(text)) });
        }
        sources.push(source);
    }
    if inputs.len() > 1 && inputs.iter().filter(|input| matches!(input.place, Place::StandardInput)).count() > 1 {
        return Err(unusable("standard input", "can be read once only; name `-` once"));
    }
    let source = if let [only] = inputs.as_slice() { only.name.clone() } else { sources.join(" ") };
    Ok(Named::Inputs { inputs, source })
}

/// What objects of one place are called together, which holds no credentials, as a text of the user may.
fn name_of(objects: &[Input]) -> String {
    match objects {
        [] => "nothing".to_owned(),
        [only] => only.name.clone(),
        [first, others @ ..] => format!("{} and {} more", first.name, others.len()),
    }
}

fn matching(pattern: &str) -> Result<Vec<Input>, SourceError> {
    let wrong = |problem: String| SourceError::Pattern { pattern: pattern.to_owned(), problem };
    let mut paths = Vec::new();
    for path in glob::glob(pattern).map_err(|error| wrong(error.to_string()))? {
        let path = path.map_err(|error| wrong(error.to_string()))?;
        // A pattern such as `logs/*` also fits folders, which nobody means.
        if !path.is_dir() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(wrong("fits no file".to_owned()));
    }
    Ok(paths.into_iter().map(|path| Input { name: path.display().to_string(), place: Place::File(path) }).collect())
}

impl Input {
    /// Opens the input and tells what it holds, decompressed where it must be.
    pub(super) fn open(&self, progress: Option<&Progress>) -> Result<Opened, SourceError> {
        let (_, mut reader) = self.open_stream(progress)?;
        let mut head = head_of(&mut reader).map_err(|source| SourceError::Read { name: self.name.clone(), source })?;
        // The mark that some editors put before a text is not part of it.
        if head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        let kind = kind_of(&self.name, &head)?;
        Ok(Opened { kind, reader: Box::new(Cursor::new(head).chain(reader)) })
    }

    /// Opens the input, decompressed where it must be.
    pub(super) fn open_stream(
        &self,
        progress: Option<&Progress>,
    ) -> Result<(Compression, Box<dyn Read + Send>), OpenError> {
        let failed = |source| OpenError::Io { name: self.name.clone(), source };
        let inner: Box<dyn Read + Send> = match &self.place {
            Place::StandardInput => Box::new(io::stdin()),
            // Opening a directory succeeds on some systems; only reading it would fail, with a less helpful word.
            Place::File(path) if path.is_dir() => return Err(OpenError::Directory { path: path.clone() }),
            Place::File(path) => Box::new(File::open(path).map_err(failed)?),
            Place::Object(open) => open().map_err(failed)?,
        };
        decompress(&self.name, Counted { inner, progress: progress.cloned() })
    }
}

#[cfg(feature = "parquet")]
impl Opened {
    /// The whole stream as a file that can be read at any place.
    pub(super) fn into_file(mut self, name: &str) -> Result<File, SourceError> {
        let spooled = tempfile::tempfile().and_then(|mut file| {
            io::copy(&mut self.reader, &mut file)?;
            Ok(file)
        });
        spooled.map_err(|source| SourceError::Read { name: name.to_owned(), source })
    }
}

/// The first bytes but for NUL bytes before them: such a hole is left of what was written to a log before it was cut
/// short under a server that kept its place. One that has nothing behind it is kept in part.
fn head_of(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let begin = head.len();
        head.resize(HEAD_BYTES, 0);
        let length = begin + read_up_to(reader, &mut head[begin..])?;
        head.truncate(length);
        let hole = head.iter().take_while(|byte| **byte == 0).count();
        if hole == 0 || (hole == length && length < HEAD_BYTES) {
            return Ok(head);
        }
        head.drain(..hole);
        if length < HEAD_BYTES {
            return Ok(head);
        }
    }
}

fn kind_of(name: &str, head: &[u8]) -> Result<Kind, SourceError> {
    if head.starts_with(b"PAR1") {
        return Ok(Kind::Parquet);
    }
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let Some(first) = lines.next() else {
        return Err(SourceError::Empty { name: name.to_owned() });
    };
    if is_web_page(head) {
        let (kind, hint) = ("a web page (HTML)", "; the page may ask to log in, or tell that nothing is there");
        return Err(SourceError::Binary { name: name.to_owned(), kind, hint });
    }
    // A log may begin with any line, even one that names columns.
    if recognise(head).is_some() {
        return Ok(Kind::Log);
    }
    if let Some(dialect) = Dialect::of(head) {
        return Ok(Kind::Table(dialect));
    }
    if is_nearly_log(first) {
        return Ok(Kind::Log);
    }
    if let Some((kind, hint)) = binary(head) {
        return Err(SourceError::Binary { name: name.to_owned(), kind, hint });
    }
    let mut words = head.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(2);
    if words.all(|word| str::from_utf8(word).is_ok_and(|word| word.parse::<f64>().is_ok())) {
        return Ok(Kind::Numbers);
    }
    let is_number = |line: &[u8]| str::from_utf8(line).is_ok_and(|text| text.parse::<f64>().is_ok());
    // A name above numbers is the header of a table of one column, and the table tells best what is missing.
    let delimiter = delimiter_of(first).or_else(|| lines.next().is_some_and(is_number).then_some(b','));
    Ok(delimiter.map_or(Kind::Log, |delimiter| Kind::Table(Dialect::plain(delimiter))))
}

/// Whether the first bytes are those of a web page: what servers send in the place of data they do not have, or only to
/// those who are logged in.
pub fn is_web_page(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let begins = |tag: &[u8]| head.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") || begins(b"<body")
}

/// Whether a line, although it is none of an access log, is more like one than like a table: then the log reader tells
/// best what is wrong with it.
fn is_nearly_log(line: &[u8]) -> bool {
    line.starts_with(b"{") || memchr::memmem::find(line, b"] \"").is_some()
}

/// What a binary file seems to be, and what to do about it.
fn binary(head: &[u8]) -> Option<(&'static str, &'static str)> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Some(("text in UTF-16", "; convert it to UTF-8"));
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some(("a tar archive", "; unpack it first"));
    }
    let known = match head {
        [0x7f, b'E', b'L', b'F', ..] => "a program (ELF)",
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] | [b'G', b'I', b'F', b'8', ..] => "an image",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document",
        _ if head.contains(&0) => "a binary file",
        _ => return None,
    };
    Some((known, ""))
}

/// Tells how many bytes were read.
struct Counted {
    inner: Box<dyn Read + Send>,
    progress: Option<Progress>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(progress) = &self.progress {
            progress(count as u64);
        }
        Ok(count)
    }
}
