//! A place in a manifest: a value with its path and line, which every error names.

use std::fmt::Write as _;
use std::ops::Range;

use dataflow_series::did_you_mean;
use serde_saphyr::Spanned;

use crate::spec::document::{self, Node};

/// One document of a file that may hold several, parted by `---`.
pub(crate) struct Document<'a> {
    file: &'a str,
    text: &'a str,
    /// Where it begins in the file, in bytes and lines.
    start: usize,
    lines_before: u64,
    root: Spanned<Node>,
}

/// A value of a document.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    document: &'a Document<'a>,
    path: String,
    line: u64,
    node: &'a Spanned<Node>,
}

/// The documents of a file.
pub(crate) fn documents<'a>(file: &'a str, text: &'a str) -> Result<Vec<Document<'a>>, String> {
    let mut parts = Vec::new();
    let (mut start, mut at, mut first_line) = (0, 0, 0);
    for (line, content) in text.split_inclusive('\n').enumerate() {
        if content.trim_end() == "---" || content.starts_with("--- ") {
            parts.push((start..at, first_line));
            (start, first_line) = (at + content.len(), line as u64 + 1);
        }
        at += content.len();
    }
    parts.push((start..at, first_line));
    let mut documents = Vec::new();
    for (range, lines_before) in parts {
        let part = &text[range.clone()];
        let root =
            document::tree(part).map_err(|error| format!("{file}:{}: {}", error.line + lines_before, error.problem))?;
        if !matches!(root.value, Node::Nothing) {
            documents.push(Document { file, text: part, start: range.start, lines_before, root });
        }
    }
    Ok(documents)
}

impl<'a> Document<'a> {
    pub(crate) fn root(&'a self) -> Place<'a> {
        let line = self.root.referenced.line().max(1);
        Place { document: self, path: String::new(), line, node: &self.root }
    }

    /// The bytes of the file that hold a value, without what surrounds it.
    fn range(&self, node: &Spanned<Node>) -> Option<Range<usize>> {
        let span = node.defined.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let end = start.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
        let written = self.text.get(start..end)?.trim_end();
        Some(self.start + start..self.start + start + written.len())
    }
}

impl<'a> Place<'a> {
    /// Says what is wrong here.
    pub(crate) fn wrong(&self, problem: impl std::fmt::Display) -> String {
        let line = self.line + self.document.lines_before;
        let path = if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) };
        format!("{}:{line}: {path}{problem}", self.document.file)
    }

    /// Says what was expected instead of what is here.
    pub(crate) fn expected(&self, expected: impl std::fmt::Display) -> String {
        let found = match &self.node.value {
            Node::Nothing => "nothing".to_owned(),
            Node::Scalar(text) => format!("{text:?}"),
            Node::Sequence(_) => "a list".to_owned(),
            Node::Mapping(_) => "a section".to_owned(),
        };
        self.wrong(format!("expected {expected}, found {found}"))
    }

    /// The path of this place, such as `spec.metrics[0]`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The value of a field, where it has one.
    pub(crate) fn get(&self, name: &str) -> Option<Place<'a>> {
        let Node::Mapping(members) = &self.node.value else { return None };
        let (key, node) = members.iter().find(|(key, _)| key.value == name)?;
        if matches!(node.value, Node::Nothing) {
            return None;
        }
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Some(Place { document: self.document, path, line: key.referenced.line(), node })
    }

    /// The value of a field that there must be.
    pub(crate) fn need(&self, name: &str) -> Result<Place<'a>, String> {
        self.get(name).ok_or_else(|| self.wrong(format!("expected the field {name}, found none")))
    }

    /// Checks that this is a section, of none but known fields, each given once.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), String> {
        let Node::Mapping(members) = &self.node.value else {
            return Err(self.expected(format!("a section with {}", known.join(", "))));
        };
        for (index, (key, _)) in members.iter().enumerate() {
            let line = key.referenced.line() + self.document.lines_before;
            let dot = if self.path.is_empty() { "" } else { "." };
            let place = format!("{}:{line}: {}{dot}{}", self.document.file, self.path, key.value);
            if !known.contains(&key.value.as_str()) {
                let meant = did_you_mean(&key.value, known.iter().copied());
                return Err(format!("{place}: there is no such field{meant}; expected one of {}", known.join(", ")));
            }
            if members[..index].iter().any(|(earlier, _)| earlier.value == key.value) {
                return Err(format!("{place}: is given twice; keep one of them"));
            }
        }
        Ok(())
    }

    /// The members of a section as names and texts; those that are no text are left out.
    pub(crate) fn texts(&self) -> Vec<(&'a str, &'a str)> {
        let Node::Mapping(members) = &self.node.value else { return Vec::new() };
        let text = |(key, node): &'a (Spanned<String>, Spanned<Node>)| match &node.value {
            Node::Scalar(text) => Some((key.value.as_str(), text.as_str())),
            _ => None,
        };
        members.iter().filter_map(text).collect()
    }

    /// The members of a list.
    pub(crate) fn items(&self) -> Result<Vec<Place<'a>>, String> {
        let Node::Sequence(members) = &self.node.value else { return Err(self.expected("a list")) };
        let item = |(index, node): (usize, &'a Spanned<Node>)| Place {
            document: self.document,
            path: format!("{}[{index}]", self.path),
            line: node.referenced.line(),
            node,
        };
        Ok(members.iter().enumerate().map(item).collect())
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Result<&'a str, String> {
        match &self.node.value {
            Node::Scalar(text) => Ok(text),
            _ => Err(self.expected("a value")),
        }
    }

    /// A whole number from `low` to `high`.
    pub(crate) fn whole(&self, low: i32, high: i32) -> Result<i32, String> {
        let number = self.text().ok().and_then(|text| text.parse().ok());
        let expected = || match high {
            i32::MAX => format!("a whole number of at least {low}"),
            high => format!("a whole number from {low} to {high}"),
        };
        number.filter(|number| (low..=high).contains(number)).ok_or_else(|| self.expected(expected()))
    }

    /// A quantity as Kubernetes writes them (`500m`, `2`, `1k`, `1Gi`), in milli-units, rounded up; above zero.
    pub(crate) fn quantity(&self) -> Result<i64, String> {
        let milli = self.text().ok().and_then(milli_units).filter(|milli| *milli > 0);
        milli.ok_or_else(|| self.expected("a quantity above 0, such as 500m, 100 or 2k"))
    }

    /// One of some words.
    pub(crate) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, String> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text);
        let list = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" or ");
        found.map(|(_, value)| *value).ok_or_else(|| self.expected(list()))
    }
}

/// A quantity of Kubernetes in milli-units, rounded up.
pub(crate) fn milli_units(text: &str) -> Option<i64> {
    const SUFFIXES: [(&str, f64); 13] = [
        ("Ki", 1_024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("u", 1e-6),
        ("n", 1e-9),
    ];
    let (digits, factor) = SUFFIXES
        .iter()
        .find_map(|(suffix, factor)| text.strip_suffix(suffix).map(|digits| (digits, *factor)))
        .unwrap_or((text, 1.0));
    let amount: f64 = digits.parse().ok().filter(|amount: &f64| amount.is_finite())?;
    // Rounded up as Kubernetes does, but not by what a double cannot hold.
    Some((amount * factor * 1_000.0 - 1e-6).ceil() as i64)
}

/// The text with the value at a path of one document replaced, or put where the fields on the way to it are missing.
pub(crate) fn with_value(file: &str, text: &str, document: usize, path: &str, value: &str) -> Result<String, String> {
    let documents = documents(file, text)?;
    let document = documents.get(document).ok_or_else(|| format!("{file}: the document is gone"))?;
    let mut place = document.root();
    let mut missing = Vec::new();
    for part in path.split('.') {
        let (name, index) = match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
            Some((name, index)) => (name, index.parse::<usize>().ok()),
            None => (part, None),
        };
        let next = if missing.is_empty() { place.get(name) } else { None };
        match next {
            Some(field) => {
                place = match index {
                    Some(index) => field.items()?.get(index).cloned().ok_or_else(|| field.wrong("is too short"))?,
                    None => field,
                };
            }
            None => missing.push(name),
        }
    }
    let (range, written) = if missing.is_empty() { place.replacement(value) } else { place.insertion(&missing, value) }
        .ok_or_else(|| place.wrong(format!("the value of {path} cannot be written here; write it as a block")))?;
    Ok(format!("{}{written}{}", &text[..range.start], &text[range.end..]))
}

impl Place<'_> {
    fn replacement(&self, value: &str) -> Option<(Range<usize>, String)> {
        let range = self.document.range(self.node)?;
        let written = &self.document.text[range.start - self.document.start..range.end - self.document.start];
        let quote = written.chars().next().filter(|first| matches!(first, '"' | '\''));
        Some((range, quote.map_or_else(|| value.to_owned(), |quote| format!("{quote}{value}{quote}"))))
    }

    /// Where and how the missing fields go into this section: before its first field.
    fn insertion(&self, missing: &[&str], value: &str) -> Option<(Range<usize>, String)> {
        let flow = || format!("{}: {value}{}", missing.join(": {"), "}".repeat(missing.len().saturating_sub(1)));
        let Node::Mapping(members) = &self.node.value else { return None };
        let Some((first, _)) = members.first() else {
            // The span of an empty section is that of its first bracket.
            let start = self.document.range(self.node)?.start;
            let length = self.document.text[start - self.document.start..].find('}')? + 1;
            return Some((start..start + length, format!("{{{}}}", flow())));
        };
        let at = usize::try_from(first.referenced.span().byte_offset()?).ok()?;
        let line_start = self.document.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let before = &self.document.text[line_start..at];
        if !before.trim().is_empty() {
            let at = self.document.start + at;
            return Some((at..at, format!("{}, ", flow())));
        }
        let mut block = String::new();
        for (depth, name) in missing.iter().enumerate() {
            let end = if depth + 1 == missing.len() { format!(" {value}") } else { String::new() };
            let _ = writeln!(block, "{before}{}{name}:{end}", "  ".repeat(depth));
        }
        let at = self.document.start + line_start;
        Some((at..at, block))
    }
}
