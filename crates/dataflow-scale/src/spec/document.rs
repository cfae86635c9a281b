//! A YAML document as a list of keys with their values and places, each checked against the keys there are.

use std::fmt;

use dataflow_series::did_you_mean;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Error, Location, Spanned};

use super::keys::{KEYS, Key};

/// One value of a document: of which key, written how, and where (from 1).
pub(super) struct Entry {
    pub(super) key: &'static Key,
    pub(super) text: String,
    /// The value as it stands in the document, for errors: a number read may be written otherwise.
    pub(super) written: String,
    /// The key as it stands in the document.
    path: String,
    pub(super) line: u64,
}

/// What is wrong with a document, where, and at which key if it is known.
pub(crate) struct DocumentError {
    pub(crate) line: u64,
    pub(crate) key: Option<String>,
    pub(crate) problem: String,
}

/// A node of the document. A scalar is kept as text: what it may be depends on its key.
#[derive(Debug)]
pub(crate) enum Node {
    Nothing,
    Scalar(String),
    Sequence(Vec<Spanned<Self>>),
    Mapping(Vec<(Spanned<String>, Spanned<Self>)>),
}

/// Reads the document's entries in order.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, DocumentError> {
    let node = tree(text)?;
    let mut entries = Vec::new();
    collect(text, "", &node, node.referenced.line(), &mut entries)?;
    Ok(entries)
}

/// Reads the document as it stands.
pub(crate) fn tree(text: &str) -> Result<Spanned<Node>, DocumentError> {
    // Numbers that are none and keys given twice are read all the same, so that the error can name them.
    let options = serde_saphyr::options! {
        with_snippet: false,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(1, |place| place.line().max(1));
        DocumentError { line, key: None, problem: not_yaml(&error, text, line) }
    })
}

/// Why the document cannot be read, in words that do not presuppose the library that read it.
fn not_yaml(error: &Error, text: &str, line: u64) -> String {
    let wrong = match error.without_snippet() {
        Error::AliasError { error, .. } => return not_yaml(error, text, line),
        Error::MultipleDocuments { .. } => "expected one document, found a second one (--- begins it)",
        Error::UnknownAnchor { .. } => "expected an alias (*name) of an anchor (&name) above it",
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            return "expected a configuration, found a document that is nested or repeated far too much for one"
                .to_owned();
        }
        _ => "expected YAML: lines of `key: value`, the keys of a section indented below its name",
    };
    let index = usize::try_from(line - 1).unwrap_or(usize::MAX);
    match text.lines().nth(index).map(str::trim).filter(|found| !found.is_empty()) {
        Some(found) => format!("{wrong}; the line reads {:?}", shortened(found)),
        None => wrong.to_owned(),
    }
}

/// No more of a text than a message can hold.
fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn collect(
    source: &str,
    path: &str,
    node: &Spanned<Node>,
    line: u64,
    entries: &mut Vec<Entry>,
) -> Result<(), DocumentError> {
    let wrong = |problem: String| DocumentError { line, key: (!path.is_empty()).then(|| path.to_owned()), problem };
    if let Some(key) = Key::find(path) {
        let found = match &node.value {
            Node::Scalar(text) => {
                if let Some(earlier) = entries.iter().find(|entry| entry.key.path == key.path) {
                    return Err(wrong(twice(path, &earlier.path, earlier.line)));
                }
                let written = as_written(source, node.defined).unwrap_or(text).to_owned();
                entries.push(Entry { key, text: text.clone(), written, path: path.to_owned(), line });
                return Ok(());
            }
            Node::Nothing => "nothing",
            Node::Sequence(_) => "a list",
            Node::Mapping(_) => "a section",
        };
        return Err(wrong(format!("expected {}, found {found}", key.expected())));
    }
    match &node.value {
        Node::Nothing => Ok(()),
        Node::Scalar(text) => {
            let found = shortened(as_written(source, node.defined).unwrap_or(text));
            Err(wrong(format!("expected a section with keys, found {found:?}")))
        }
        Node::Sequence(_) => Err(wrong("expected a section with keys, found a list".to_owned())),
        Node::Mapping(members) => members.iter().enumerate().try_for_each(|(index, (name, member))| {
            let path = if path.is_empty() { name.value.clone() } else { format!("{path}.{}", name.value) };
            let line = name.referenced.line();
            let problem = if name.value.contains('.') && (Key::find(&path).is_some() || is_section(&path)) {
                Some(dotted(&name.value))
            } else if Key::find(&path).is_none() && !is_section(&path) {
                Some(unknown_key(&path, Candidates::KeysAndSections))
            } else {
                let earlier = members[..index].iter().find(|(earlier, _)| earlier.value == name.value);
                earlier.map(|(earlier, _)| twice(&path, &path, earlier.referenced.line()))
            };
            match problem {
                Some(problem) => Err(DocumentError { line, key: Some(path), problem }),
                None => collect(source, &path, member, line, entries),
            }
        }),
    }
}

/// The text of the document at a scalar, without its quotes.
fn as_written(source: &str, place: Location) -> Option<&str> {
    let span = place.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let end = start.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
    let written = source.get(start..end)?.trim().trim_matches(['"', '\'']);
    (!written.is_empty()).then_some(written)
}

/// Says that a key is given more than once, and where first.
fn twice(path: &str, earlier: &str, line: u64) -> String {
    let name = if path == earlier { String::new() } else { format!(" as {earlier}, another name for it") };
    format!("is given twice, first in line {line}{name}; keep one of them")
}

/// Says how a key is written that stands in a section.
fn dotted(name: &str) -> String {
    format!(
        "a file has no dots in its keys; write `{}` with each part indented below the one before",
        name.replace('.', ": ")
    )
}

/// Whether keys exist below this path.
fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// What may stand where an unknown name was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Candidates {
    Keys,
    KeysAndSections,
}

/// Says that there is no such key, and which one may have been meant.
pub(super) fn unknown_key(path: &str, candidates: Candidates) -> String {
    if candidates == Candidates::Keys && is_section(path) {
        let inside = |key: &&Key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        let example = KEYS.iter().find(inside).map_or("", |key| key.path);
        return format!("this is a section; expected one of its keys, such as {example}");
    }
    let (_, name) = Key::section_and_name(path);
    // A key in the wrong section is found by its name alone.
    let moved = KEYS.iter().find(|key| Key::section_and_name(key.path).1 == name).map(|key| key.path);
    let names = KEYS.iter().flat_map(|key| {
        let dots = key.path.match_indices('.').map(|(dot, _)| &key.path[..dot]);
        let sections = dots.filter(|_| candidates == Candidates::KeysAndSections);
        sections.chain([key.path]).chain(key.alias)
    });
    let suggestion = match moved {
        Some(path) => format!(" (did you mean {path}?)"),
        None => did_you_mean(path, names),
    };
    format!("there is no such key{suggestion}; `dataflow config init -` shows all keys")
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value or a section")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = sequence.next_element()? {
            members.push(member);
        }
        Ok(Node::Sequence(members))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = mapping.next_entry()? {
            members.push(member);
        }
        Ok(Node::Mapping(members))
    }
}
