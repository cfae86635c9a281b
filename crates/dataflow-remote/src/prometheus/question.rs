//! What a `prometheus:` text asks: a server, a query, and a range of time.

use dataflow_series::source::TraceRequest;
use dataflow_series::{Step, Unit, did_you_mean, parse_duration_seconds};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::PREFIX;
use crate::address::{Address, ends_in_credentials, escaped_value, unescaped};

const PARAMETERS: [&str; 6] = ["query", "start", "end", "step", "per", "unit"];
const EXAMPLE: &str = "prometheus:http://host:9090?query=sum(rate(http_requests_total[5m]))&start=-7d&end=now&step=1m";
const USUAL_START: &str = "-7d";
/// What a user may give of the address besides the server and its prefix.
const ENDPOINTS: [&str; 3] = ["/api/v1/query_range", "/api/v1/query", "/api/v1"];
/// More values than this are a mistake in a time or a step: forty years of minutes.
const VALUES_MAX: i64 = 21_000_000;

/// A range query, its times whole multiples of the step.
#[derive(Clone)]
pub(super) struct Question {
    /// The server and its prefix, which end without a slash.
    pub(super) server: Address,
    pub(super) query: String,
    /// Where the first interval begins.
    pub(super) start: Timestamp,
    pub(super) step: Step,
    /// Number of intervals.
    pub(super) intervals: usize,
    pub(super) per: Per,
    /// What is to be said about `per` where nobody said it.
    pub(super) per_note: Option<String>,
    pub(super) unit: Unit,
}

/// What a value of the query counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Per {
    /// The load of one step.
    Step,
    /// The load of so many seconds, as `rate(…)` gives it for one and `increase(…)` for its range.
    Seconds(f64),
}

impl Per {
    /// The factor from a value to the load of a step.
    pub(super) fn factor(self, step: Step) -> f64 {
        match self {
            Self::Step => 1.0,
            Self::Seconds(seconds) => f64::from(step.seconds()) / seconds,
        }
    }
}

impl Question {
    /// Reads `prometheus:URL?query=…` with everything else by default, at a time.
    ///
    /// # Errors
    /// What is wrong, in words without credentials.
    pub(super) fn parse(text: &str, request: &TraceRequest, now: Timestamp) -> Result<Self, String> {
        let rest = text.get(PREFIX.len()..).unwrap_or_default();
        let (server, parameters) = if let Some(parts) = split_query(rest) {
            parts
        } else {
            // As a whole, so that no part of a password is taken for a parameter and shown.
            Address::parse(rest)?;
            rest.split_once('?').ok_or(format!("has no query; write {EXAMPLE}"))?
        };
        let server = server_of(server)?;
        let found = parameters_of(parameters)?;
        let get = |name: &str| found.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str());
        let query = get("query").filter(|query| !query.trim().is_empty());
        let query = query.ok_or(format!("has no query; write {EXAMPLE}"))?.trim().to_owned();
        if request.start.is_some() || request.step.is_some() {
            return Err("takes its start and step in its name, as in …&start=-7d&step=1m".to_owned());
        }
        let step = get("step").map_or(Ok(Step::MINUTE), step_of)?;
        let zone = request.time_zone.clone().unwrap_or(TimeZone::UTC);
        let time = |name: &str, usual: &str| time_of(name, get(name).unwrap_or(usual), now, &zone);
        let (start, end) = (time("start", USUAL_START)?, time("end", "now")?);
        let seconds = i64::from(step.seconds());
        let (first, last) = (start.as_second().div_euclid(seconds), end.as_second().div_euclid(seconds));
        let intervals = last - first;
        if intervals < 1 {
            return Err(format!("from {start} to {end} there is no whole step of {step}"));
        }
        if intervals > VALUES_MAX {
            return Err(format!("from {start} to {end} there are {intervals} steps of {step}; take a longer step"));
        }
        let start = Timestamp::from_second(first * seconds).map_err(|_| "begins before all time".to_owned())?;
        let unit = unit_of(get("unit"), request.measure)?;
        let (per, per_note) = match get("per") {
            None => {
                let (per, note) = guessed_per(&query, step);
                (per, Some(note))
            }
            Some(text) => (per_of(text)?, None),
        };
        Ok(Self { server, query, start, step, intervals: intervals as usize, per, per_note, unit })
    }

    /// Where the load of an interval ends, which is when the server is asked for it: what `rate(…)` and `increase(…)` give
    /// at a time is of the time before it.
    pub(super) fn end_of(&self, interval: usize) -> i64 {
        self.start.as_second() + (interval as i64 + 1) * i64::from(self.step.seconds())
    }

    /// The request for so many intervals from one on.
    ///
    /// # Errors
    /// When the address and the query make none.
    pub(super) fn chunk(&self, first: usize, count: usize) -> Result<Address, String> {
        Address::parse(&format!(
            "{}/api/v1/query_range?query={}&start={}&end={}&step={}",
            self.server.url().trim_end_matches('/'),
            escaped_value(&self.query),
            self.end_of(first),
            self.end_of(first + count - 1),
            self.step.seconds()
        ))
    }

    /// Its name for messages and results, with the times meant.
    pub(super) fn shown(&self) -> String {
        let end = Timestamp::from_second(self.end_of(self.intervals - 1)).unwrap_or(Timestamp::MAX);
        let server = self.server.shown().trim_end_matches('/');
        format!("{PREFIX}{server}?query={}&start={}&end={end}&step={}", self.query, self.start, self.step)
    }
}

/// The server of a text and its parameters, at the first `?` that a parameter follows; a password may have others.
pub(crate) fn split_query(text: &str) -> Option<(&str, &str)> {
    let begins = |parameters: &str| {
        let name = parameters.split_once('=').map_or("", |(name, _)| name);
        PARAMETERS.contains(&name)
    };
    let mut parts = text.match_indices('?').map(|(mark, _)| (&text[..mark], &text[mark + 1..]));
    parts.find(|(server, parameters)| begins(parameters) && !ends_in_credentials(server))
}

fn server_of(text: &str) -> Result<Address, String> {
    let address = Address::parse(text)?;
    let trimmed = text.trim_end_matches('/');
    match ENDPOINTS.iter().find_map(|endpoint| trimmed.strip_suffix(endpoint)) {
        Some(server) => Address::parse(server),
        None => Ok(address),
    }
}

/// The parameters by name. Each `&` begins a new one; within the query it is written `%26`.
fn parameters_of(text: &str) -> Result<Vec<(&'static str, String)>, String> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let known = PARAMETERS.into_iter().find(|known| *known == name).ok_or_else(|| {
            let meant = did_you_mean(name, PARAMETERS);
            let known = PARAMETERS.join(", ");
            format!("has a parameter {name:?}{meant}; there are {known}, and a & within the query is written %26")
        })?;
        if found.iter().any(|(name, _)| *name == known) {
            return Err(format!("has the parameter {known} twice"));
        }
        found.push((known, decoded(value)));
    }
    Ok(found)
}

/// A value written plainly or as web forms write it. A plus is one, unless everything else is escaped: then it is how
/// forms write a space.
fn decoded(text: &str) -> String {
    let is_form = text.contains('%') && !text.contains([' ', '(', ')', '{', '}', '[', ']', '"', '\'']);
    if is_form { unescaped(&text.replace('+', " ")) } else { unescaped(text) }
}

fn step_of(text: &str) -> Result<Step, String> {
    let seconds = text.parse().ok().and_then(Step::from_seconds);
    seconds.map_or_else(|| text.parse(), Ok).map_err(|error: dataflow_series::DurationError| format!("step: {error}"))
}

/// An instant, a date or local time in the zone, seconds since 1970, `now`, or a time before now such as `-7d`.
fn time_of(name: &str, text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let wrong = || {
        format!(
            "{name}: {text:?} is no time; write 2026-01-31, 2026-01-31T12:00:00Z, seconds since 1970, now, or a time before \
             now such as -7d"
        )
    };
    let relative = text.strip_prefix("now").unwrap_or(text);
    if relative.is_empty() {
        return Ok(now);
    }
    if let Some(before) = relative.strip_prefix('-') {
        let seconds = parse_duration_seconds(before).map_err(|_| wrong())?;
        let before = SignedDuration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
        return now.checked_sub(before).map_err(|_| wrong());
    }
    if let Some(seconds) = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite()) {
        // Times that no calendar here knows become none.
        return Timestamp::from_second(seconds as i64).map_err(|_| wrong());
    }
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let local = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(DateTime::from));
    local.and_then(|local| zone.to_timestamp(local).ok()).ok_or_else(wrong)
}

fn unit_of(told: Option<&str>, asked: Option<Unit>) -> Result<Unit, String> {
    let told: Option<Unit> = told.map(str::parse).transpose().map_err(|error| format!("unit: {error}"))?;
    match (told, asked) {
        (Some(told), Some(asked)) if told != asked => Err(format!("is told to hold {told} and asked for {asked}")),
        (told, asked) => Ok(told.or(asked).unwrap_or(Unit::Value)),
    }
}

fn per_of(text: &str) -> Result<Per, String> {
    Ok(match text {
        "step" => Per::Step,
        "second" => Per::Seconds(1.0),
        "minute" => Per::Seconds(60.0),
        "hour" => Per::Seconds(3_600.0),
        _ => return Err(format!("per: {text:?} is none of step, second, minute and hour")),
    })
}

/// What the query's values count, told by its functions, and a word on it.
fn guessed_per(query: &str, step: Step) -> (Per, String) {
    let plain = without_texts(query);
    let ranges = ["rate", "irate"].map(|name| calls(&plain, name).count());
    let increases: Vec<Option<f64>> = calls(&plain, "increase").map(range_seconds).collect();
    // A product or a quotient may be anything.
    let is_other = plain.contains(['/', '*']) || plain.contains("histogram_quantile");
    let (per, what) = match (ranges, increases.as_slice()) {
        _ if is_other => (Per::Step, None),
        ([0, 0], [Some(seconds), others @ ..])
            if *seconds > 0.0 && others.iter().all(|other| *other == Some(*seconds)) =>
        {
            (Per::Seconds(*seconds), Some(format!("the increase of {seconds} s")))
        }
        ([0, 0], _) | (_, [_, ..]) => (Per::Step, None),
        _ => (Per::Seconds(1.0), Some("a rate per second".to_owned())),
    };
    let note = what.map_or_else(
        || {
            format!(
                "what the query gives is taken for the load of an interval of {step} as it is (&per=second, &per=minute or \
                 &per=hour says otherwise)"
            )
        },
        |what| {
            let factor = per.factor(step);
            format!(
                "the query gives {what}; times {factor} it is the load of an interval of {step} (&per=step takes values as \
                 they are)"
            )
        },
    );
    (per, note)
}

/// The query with nothing in its quotes and braces, and without comments: labels may hold any sign.
fn without_texts(query: &str) -> String {
    let mut plain = String::with_capacity(query.len());
    let mut letters = query.chars();
    let mut depth = 0_usize;
    while let Some(letter) = letters.next() {
        match letter {
            '"' | '\'' | '`' => {
                while let Some(inner) = letters.next() {
                    if inner == letter {
                        break;
                    }
                    if inner == '\\' && letter != '`' {
                        letters.next();
                    }
                }
            }
            '#' => {
                let _ = letters.find(|inner| *inner == '\n');
            }
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    plain
}

/// What stands behind each call of a function, from its bracket on.
fn calls<'a>(query: &'a str, name: &'static str) -> impl Iterator<Item = &'a str> {
    query.match_indices(name).filter_map(move |(place, _)| {
        let before = query[..place].chars().next_back();
        let after = query[place + name.len()..].trim_start();
        let is_whole = !before.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '_' | ':'));
        (is_whole && after.starts_with('(')).then_some(after)
    })
}

/// The seconds of the range that a call takes: `300` of `(x[5m])`, of `(x[5m:1m])` and of `(x[5m] offset 1d)`.
fn range_seconds(call: &str) -> Option<f64> {
    let mut depth = 0_usize;
    for (place, letter) in call.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1).filter(|depth| *depth > 0)?,
            '[' if depth == 1 => {
                let range = call[place + 1..].split([']', ':']).next()?;
                return range.trim().parse().ok().or_else(|| parse_duration_seconds(range).ok());
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-10T12:00:30Z".parse().unwrap()
    }

    fn parse(rest: &str) -> Result<Question, String> {
        Question::parse(&format!("prometheus:{rest}"), &TraceRequest::default(), now())
    }

    #[test]
    fn everything_but_the_query_has_a_default() {
        let question = parse("http://host:9090?query=up").unwrap();
        assert_eq!((question.query.as_str(), question.step, question.unit), ("up", Step::MINUTE, Unit::Value));
        assert_eq!((question.intervals, question.start.to_string().as_str()), (7 * 1440, "2026-03-03T12:00:00Z"));
        let whole = "prometheus:http://host:9090?query=up&start=2026-03-03T12:00:00Z&end=2026-03-10T12:00:00Z&step=1m";
        assert_eq!(question.shown(), whole);
        assert_eq!(parse(whole.strip_prefix("prometheus:").unwrap()).unwrap().shown(), whole);
    }

    #[test]
    fn queries_are_written_plainly_or_escaped() {
        let plain = r#"sum(rate(x{job="a b",y=~"c+|d"}[5m])) + 100 % 7"#;
        for written in [plain.to_owned(), escaped_value(plain), escaped_value(plain).replace("%20", "+")] {
            assert_eq!(parse(&format!("http://host?query={written}&step=30s")).unwrap().query, plain);
        }
        assert_eq!(parse("http://host?query=a+b").unwrap().query, "a+b");
        assert_eq!(parse("http://host?query=a%2Bb+c").unwrap().query, "a+b c");
    }

    #[test]
    fn a_value_is_asked_for_where_its_interval_ends() {
        let question = parse("http://me:secret@host/prefix/?query=a b&start=1200&end=1500&step=60").unwrap();
        assert_eq!(question.intervals, 5);
        let url = "http://host/prefix/api/v1/query_range?query=a%20b&start=1260&end=1380&step=60";
        assert_eq!(question.chunk(0, 3).unwrap().url(), url);
        assert!(!question.shown().contains("secret"));
        for endpoint in ["/api/v1/query_range", "/api/v1", "/", ""] {
            let question = parse(&format!("https://host/mimir{endpoint}?query=up")).unwrap();
            assert!(
                question.chunk(0, 1).unwrap().url().starts_with("https://host/mimir/api/v1/query_range?"),
                "{endpoint}"
            );
        }
    }

    #[test]
    fn rates_are_per_second_unless_something_else_is_said() {
        let per = |rest: &str| parse(&format!("http://host?query={rest}")).unwrap().per;
        for query in [
            "sum(rate(a_total[5m]))",
            "sum by (x) (irate (a_total[5m]))",
            r#"rate(x{path="/api"}[5m])"#,
            r#"rate(x{path=~"a.*"}[5m])"#,
            r#"rate({__name__="x",a='/}"\'*'}[5m]) # 1/2"#,
        ] {
            assert_eq!(per(&escaped_value(query)), Per::Seconds(1.0), "{query}");
        }
        assert_eq!(per("sum(rate(a_total[5m]))&per=step"), Per::Step);
        assert_eq!(per("sum(rate(a_total[5m]))&per=minute"), Per::Seconds(60.0));
        for query in [
            "my_rate",
            "job:rate(x)",
            "rate(a[5m]) / rate(b[5m])",
            "hit_rate{}",
            r#"x{a="rate(b)"}"#,
            "increase(a[5m]) / 5",
            "increase(a[5m]) + increase(b[1m])",
            "increase(a[soon])",
            "increase(a[0s])",
        ] {
            assert_eq!(per(&escaped_value(query)), Per::Step, "{query}");
        }
        assert_eq!(Per::Seconds(1.0).factor(Step::MINUTE), 60.0);
        assert_eq!(Per::Seconds(3_600.0).factor(Step::MINUTE), 1.0 / 60.0);
    }

    #[test]
    fn an_increase_counts_for_its_range() {
        for (query, seconds) in [
            ("increase(a_total[1m])", 60.0),
            ("sum(increase(a_total{path=\"/\"}[5m]))", 300.0),
            ("increase(a[5m] offset 1h) + increase(b[300s])", 300.0),
            ("increase(max_over_time(a[9m])[1h:5m])", 3_600.0),
            ("increase(a[90])", 90.0),
        ] {
            assert_eq!(guessed_per(query, Step::MINUTE).0, Per::Seconds(seconds), "{query}");
        }
        assert_eq!(Per::Seconds(300.0).factor(Step::MINUTE), 0.2);
    }

    #[test]
    fn what_is_guessed_is_told() {
        let note = |rest: &str| parse(&format!("http://host?query={rest}")).unwrap().per_note;
        for (query, word) in [
            ("rate(a[5m])", "rate per second; times 60 "),
            ("increase(a[5m])", "increase of 300 s; times 0.2 "),
            ("up", "as it is"),
        ] {
            assert!(note(query).unwrap().contains(word), "{query}");
            assert_eq!(note(&format!("{query}&per=step")), None);
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_how_to_mend_it() {
        for (rest, word) in [
            ("http://host", "has no query"),
            ("http://host?start=-1d", "has no query"),
            ("host?query=up", "https://host"),
            ("http://host?query=up&strat=-1d", "did you mean start?"),
            ("http://host?query=up&start=soon", "start: \"soon\" is no time"),
            ("http://host?query=up&start=-1", "is no time"),
            ("http://host?query=up&start=nan", "start: \"nan\" is no time"),
            ("http://host?query=up&end=-NaN", "end: \"-NaN\" is no time"),
            ("http://host?query=up&start=inf", "is no time"),
            ("http://me:S3cr3t/x@host?query=up", "/ as %2F"),
            ("http://me:S3cr3t?x@host?query=up", "/ as %2F"),
            ("http://me:S3cr3t?per=x@host?query=up", "/ as %2F"),
            ("http://me:x?S3cr3t@host", "/ as %2F"),
            ("http://host?query=up&step=0", "step:"),
            ("http://host?query=up&start=now", "no whole step"),
            ("http://host?query=up&start=0&step=1s", "take a longer step"),
            ("http://host?query=up&per=fortnight", "step, second, minute and hour"),
            ("http://host?query=up&unit=apples", "unit:"),
            ("http://host?query=up&query=down", "twice"),
        ] {
            let problem = parse(rest).err().unwrap();
            assert!(problem.contains(word) && !problem.contains("S3cr3t"), "{rest}: {problem}");
        }
        let asked = TraceRequest { step: Some(Step::HOUR), ..TraceRequest::default() };
        assert!(Question::parse("prometheus:http://host?query=up", &asked, now()).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics_or_shows_its_password(rest in "\\PC{0,60}", query in "\\PC{1,30}") {
            let _ = parse(&rest);
            let _ = guessed_per(&query, Step::MINUTE);
            let _ = guessed_per(&format!("increase({query}[{rest}])"), Step::MINUTE);
            let text = format!("http://me:S3cr3t@host?query={query}&start={rest}");
            match parse(&text) {
                Ok(question) => prop_assert!(!question.shown().contains("S3cr3t")),
                Err(problem) => prop_assert!(!problem.contains("S3cr3t")),
            }
        }
    }
}
