//! Tables as other programs write them: what stands before the rows, and cells that carry a unit.
//!
//! Told by content: `sadf -d` of sysstat (sadf(1)), logs of `kubectl top` with a time before each row and Kubernetes
//! quantities (*Resource Management for Pods and Containers*), Grafana's *Download CSV* with its line for Excel, and
//! metrics with lines of `name,value` before the header, as consoles of cloud monitoring write them.

use std::io::{self, Read};

use super::table::is_time_name;

/// Lines in which a header is looked for.
const LINES_MAX: usize = 40;
/// First cells of lines that describe what follows.
const METADATA: [&str; 16] = [
    "full label",
    "label",
    "id",
    "metric",
    "metricname",
    "metric name",
    "namespace",
    "period",
    "region",
    "statistic",
    "stat",
    "unit",
    "account",
    "accountid",
    "account id",
    "dimensions",
];
/// Columns that tell of whom a row is, not how much.
const LABELS: [&str; 13] = [
    "name",
    "namespace",
    "pod",
    "node",
    "container",
    "host",
    "hostname",
    "instance",
    "unit",
    "label",
    "metric",
    "interval",
    "cpu",
];
/// A column of every output of `kubectl top`.
const KUBECTL_COLUMN: &str = "cpu(cores)";

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// Lines before the header.
    pub(super) skipped: usize,
    pub(super) writer: Writer,
}

/// Who wrote a table, where that changes what its rows mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    Any,
    /// `sadf -d`: times are some seconds late, and restarts have rows of their own.
    Sadf,
    /// `kubectl top`: rows of the same time are of different pods.
    Kubectl,
}

impl Dialect {
    /// Of a table whose first line is its header.
    pub(super) const fn plain(delimiter: u8) -> Self {
        Self { delimiter, skipped: 0, writer: Writer::Any }
    }

    /// Tells the dialect from the beginning of a text; `None` where no line names a time column.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let lines: Vec<&[u8]> = head.split(|byte| *byte == b'\n').take(LINES_MAX).map(<[u8]>::trim_ascii).collect();
        let first = lines.iter().position(|line| !line.is_empty())?;
        if let Some([delimiter]) =
            lines[first].strip_prefix(b"sep=").map(|rest| if rest.is_empty() { b"\t" } else { rest })
        {
            let header = (first + 1..lines.len()).find(|place| !lines[*place].is_empty())?;
            return Some(Self { delimiter: *delimiter, skipped: header, writer: Writer::Any });
        }
        if let Some(header) = lines[first].strip_prefix(b"#") {
            let delimiter = header_delimiter(header.trim_ascii_start())?;
            return Some(Self { delimiter, skipped: first, writer: Writer::Sadf });
        }
        if let Some(delimiter) = header_delimiter(lines[first]) {
            let writer = if has_cell(lines[first], delimiter, KUBECTL_COLUMN) { Writer::Kubectl } else { Writer::Any };
            return Some(Self { delimiter, skipped: first, writer });
        }
        let describes = |line: &[u8]| {
            let name = cells(line, b',').next().unwrap_or_default().trim_end_matches(':').to_ascii_lowercase();
            METADATA.contains(&name.as_str())
        };
        if !describes(lines[first]) {
            return None;
        }
        (first + 1..lines.len()).find_map(|place| {
            Some(Self { delimiter: header_delimiter(lines[place])?, skipped: place, writer: Writer::Any })
        })
    }
}

/// Whether a column of this name cannot be a load.
pub(super) fn is_label(name: &str) -> bool {
    LABELS.contains(&name.trim().to_ascii_lowercase().as_str())
}

/// The name of a column without what only its first one has: the hash of `sadf`.
pub(super) fn column_name(cell: &str) -> String {
    cell.trim().trim_start_matches('#').trim().to_owned()
}

/// Whether a row says that a machine was started, holds somebody's remark, or is the header once more, as it is after
/// every start.
pub(super) fn is_remark(record: &csv::ByteRecord) -> bool {
    record.get(0).is_some_and(|cell| cell.starts_with(b"#"))
        || record.get(3).is_some_and(|cell| cell.starts_with(b"LINUX-RESTART") || cell.starts_with(b"COM "))
}

/// The delimiter of a line that names a time column.
pub(super) fn header_delimiter(line: &[u8]) -> Option<u8> {
    let delimiter = delimiter_of(line).unwrap_or(b',');
    if cells(line, delimiter).any(|cell| is_time_name(&cell)) {
        return Some(delimiter);
    }
    // Columns that are only lined up, with blanks between them.
    let is_lined_up = has_cell(line, b' ', KUBECTL_COLUMN) && cells(line, b' ').any(|cell| is_time_name(&cell));
    is_lined_up.then_some(b' ')
}

fn has_cell(line: &[u8], delimiter: u8, name: &str) -> bool {
    cells(line, delimiter).any(|cell| cell.eq_ignore_ascii_case(name))
}

fn cells(line: &[u8], delimiter: u8) -> impl Iterator<Item = String> + '_ {
    line.split(move |byte| *byte == delimiter)
        .map(|cell| String::from_utf8_lossy(cell).trim().trim_matches('"').to_owned())
}

/// The commonest of the usual delimiters in a line.
pub(super) fn delimiter_of(line: &[u8]) -> Option<u8> {
    let count = |delimiter: u8| memchr::memchr_iter(delimiter, line).count();
    // Of equally common ones the last in this list.
    b"|;,\t".iter().copied().max_by_key(|delimiter| count(*delimiter)).filter(|delimiter| count(*delimiter) > 0)
}

/// A number with a unit behind it: Kubernetes quantities (`250m`, `512Mi`, `2k`), bytes (`1.5 MiB`, `20 kB`), shares
/// (`45%`) and rates (`12 req/s`).
pub(super) fn quantity(text: &str) -> Option<f64> {
    let end = text.find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | '-' | '+')))?;
    let (number, unit) = (text[..end].parse::<f64>().ok()?, text[end..].trim());
    let unit = ["B/s", "B", "req/s", "reqps", "ops/s", "c/s", "rps"]
        .iter()
        .find_map(|end| unit.strip_suffix(end))
        .unwrap_or(unit);
    let factor = match unit.trim() {
        "" | "%" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" | "K" => 1e3,
        "M" | "Mil" => 1e6,
        "G" | "Bil" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        _ => return None,
    };
    Some(number * factor)
}

/// A text in which every run of blanks is one, and none stands at the beginning or the end of a line.
pub(super) struct SingleBlanks<Inner> {
    inner: Inner,
    at_line_start: bool,
    /// A blank that is written only before something else of its line.
    is_blank_due: bool,
}

impl<Inner> SingleBlanks<Inner> {
    pub(super) const fn new(inner: Inner) -> Self {
        Self { inner, at_line_start: true, is_blank_due: false }
    }
}

impl<Inner: Read> Read for SingleBlanks<Inner> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Each byte may be written with the blank before it.
        let mut bytes = [0; 4096];
        let most = bytes.len().min(buffer.len() / 2);
        if most == 0 {
            return Ok(0);
        }
        loop {
            let count = self.inner.read(&mut bytes[..most])?;
            let mut written = 0;
            for byte in &bytes[..count] {
                if matches!(byte, b' ' | b'\t' | b'\r') {
                    self.is_blank_due = !self.at_line_start;
                    continue;
                }
                if std::mem::take(&mut self.is_blank_due) && *byte != b'\n' {
                    buffer[written] = b' ';
                    written += 1;
                }
                self.at_line_start = *byte == b'\n';
                buffer[written] = *byte;
                written += 1;
            }
            if written > 0 || count == 0 {
                return Ok(written);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_carry_their_units() {
        for (text, expected) in [
            ("250m", Some(0.25)),
            ("512Mi", Some(536_870_912.0)),
            ("1.5 MiB", Some(1_572_864.0)),
            ("20 kB", Some(20_000.0)),
            ("45%", Some(45.0)),
            ("12 req/s", Some(12.0)),
            ("1.2 K", Some(1200.0)),
            ("12 apples", None),
            ("many", None),
            ("m", None),
        ] {
            assert_eq!(quantity(text), expected, "{text}");
        }
    }

    #[test]
    fn columns_that_are_lined_up_become_single_cells() {
        let mut text = String::new();
        SingleBlanks::new(&b"  A   B  \r\n\n1 \t 2\n   "[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, "A B\n\n1 2\n");
    }

    #[test]
    fn dialects_are_told_by_what_stands_first() {
        let of = |text: &str| {
            Dialect::of(text.as_bytes()).map(|dialect| (dialect.delimiter, dialect.skipped, dialect.writer))
        };
        assert_eq!(of("# hostname;interval;timestamp;CPU;%user"), Some((b';', 0, Writer::Sadf)));
        assert_eq!(of("sep=;\n\"Time\";\"Value\""), Some((b';', 1, Writer::Any)));
        assert_eq!(of("Label,CPU\nPeriod,300\n\nTimestamp,Average"), Some((b',', 3, Writer::Any)));
        assert_eq!(of("TIMESTAMP  NAME  CPU(cores)  MEMORY(bytes)"), Some((b' ', 0, Writer::Kubectl)));
        assert_eq!(of("time,value"), Some((b',', 0, Writer::Any)));
        assert_eq!(of("name,value\na,1\ntime,2"), None);
        assert_eq!(of(""), None);
    }
}
