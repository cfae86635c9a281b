//! A YAML document as a list of keys with their values and places, each checked against the keys there are.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use serde_saphyr::options::NonFiniteFloatPolicy;

use super::keys::{KEYS, Key};

/// One value of a document: of which key, written how, and where (from 1).
pub(super) struct Entry {
    pub(super) key: &'static Key,
    pub(super) text: String,
    pub(super) line: u64,
}

/// What is wrong with a document, where, and at which key if it is known.
pub(super) struct DocumentError {
    pub(super) line: u64,
    pub(super) key: Option<String>,
    pub(super) problem: String,
}

/// A node of the document. A scalar is kept as text: what it may be depends on its key.
enum Node {
    Nothing,
    Scalar(String),
    Sequence,
    Mapping(Vec<(Spanned<String>, Spanned<Self>)>),
}

/// Reads the document's entries in order.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, DocumentError> {
    // Numbers that are none reach their key as text, so that the error can name it.
    let options = serde_saphyr::options! {
        with_snippet: false,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
    };
    let node: Spanned<Node> = serde_saphyr::from_str_with_options(text, options).map_err(|error| DocumentError {
        line: error.location().map_or(1, |place| place.line()),
        key: None,
        problem: error.to_string(),
    })?;
    let mut entries = Vec::new();
    collect("", &node, node.referenced.line(), &mut entries)?;
    Ok(entries)
}

fn collect(path: &str, node: &Spanned<Node>, line: u64, entries: &mut Vec<Entry>) -> Result<(), DocumentError> {
    let wrong = |expected: &str, found: &str| DocumentError {
        line,
        key: (!path.is_empty()).then(|| path.to_owned()),
        problem: format!("expected {expected}, found {found}"),
    };
    if let Some(key) = Key::find(path) {
        let found = match &node.value {
            Node::Scalar(text) => {
                entries.push(Entry { key, text: text.clone(), line });
                return Ok(());
            }
            Node::Nothing => "nothing",
            Node::Sequence => "a list",
            Node::Mapping(_) => "a section",
        };
        return Err(wrong(key.expected(), found));
    }
    match &node.value {
        Node::Nothing => Ok(()),
        Node::Scalar(text) => Err(wrong("a section with keys", &format!("{text:?}"))),
        Node::Sequence => Err(wrong("a section with keys", "a list")),
        Node::Mapping(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.value.clone() } else { format!("{path}.{}", name.value) };
                let line = name.referenced.line();
                if Key::find(&path).is_none() && !is_section(&path) {
                    let problem = unknown_key(&path);
                    return Err(DocumentError { line, key: Some(path), problem });
                }
                collect(&path, member, line, entries)?;
            }
            Ok(())
        }
    }
}

/// Whether keys exist below this path.
fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// Says that there is no such key, and which one may have been meant.
pub(super) fn unknown_key(path: &str) -> String {
    let (_, name) = Key::section_and_name(path);
    // A key in the wrong section is found by its name alone.
    let moved = KEYS.iter().find(|key| Key::section_and_name(key.path).1 == name).map(|key| key.path);
    let sections = KEYS.iter().flat_map(|key| {
        let dots = key.path.match_indices('.').map(|(dot, _)| &key.path[..dot]);
        dots.chain([key.path]).chain(key.alias)
    });
    let suggestion = match moved {
        Some(path) => format!(" (did you mean {path}?)"),
        None => did_you_mean(path, sections),
    };
    format!("there is no such key{suggestion}; `dataflow config init -` shows all keys")
}

/// The nearest candidate in brackets, or nothing where none is near.
pub(super) fn did_you_mean<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(text, candidate);
    let nearest = candidates.into_iter().min_by_key(distance);
    // A third of the letters wrong is another word, not a slip.
    match nearest.filter(|candidate| distance(candidate) * 3 <= candidate.len()) {
        Some(candidate) => format!(" (did you mean {candidate}?)"),
        None => String::new(),
    }
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
        while sequence.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Node::Sequence)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = mapping.next_entry()? {
            members.push(member);
        }
        Ok(Node::Mapping(members))
    }
}
