//! A load from a Prometheus server, or from what answers like one (Thanos, Mimir, VictoriaMetrics): one query over a
//! range of time, asked for in parts that the server allows.
//!
//! A value that the server has not is missing, never zero: that is how it tells that a series went stale.

mod answer;
mod question;

use std::collections::BTreeSet;
use std::io::Read;

use dataflow_series::source::{Progress, RemoteTrace, SourceError, TraceRequest};
use dataflow_series::{Observed, decompress};
use jiff::Timestamp;
use ureq::http::HeaderMap;

use crate::Variables;
use crate::address::{self, Address, basic};
use crate::client::{Client, Patience, Trouble, header, http_date, status_trouble};
use answer::{Answer, ResultSeries, one_line};
use question::Question;
pub(crate) use question::split_query;

/// What a trace begins with that is asked of a Prometheus.
pub(crate) const PREFIX: &str = "prometheus:";

/// Intervals of one request. Servers refuse more than 11,000 values of a series.
const CHUNK: usize = 10_000;
/// A larger answer is not read.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Clocks that differ by more seconds are worth a word.
const SKEW_SECONDS: u64 = 60;
/// So many series are named where there are several.
const NAMED_SERIES: usize = 5;

/// Asks the query of a text.
pub(crate) fn find(text: &str, variables: &Variables, request: &TraceRequest) -> Result<RemoteTrace, SourceError> {
    let name = || {
        let server = text.get(PREFIX.len()..).unwrap_or_default();
        let server = split_query(server).map_or(server, |(server, _)| server);
        format!("{PREFIX}{}", address::shown(server).trim_end_matches("?…"))
    };
    let wrong = |problem: String| SourceError::Remote { name: name(), problem };
    let question = Question::parse(text, request, Timestamp::now()).map_err(wrong)?;
    let source = question.shown();
    let loads = Loads::ask(&question, variables, request.progress.as_ref());
    let loads = loads.map_err(|problem| SourceError::Remote { name: source.clone(), problem })?;
    let (observed, notes) =
        loads.finish(&question).map_err(|problem| SourceError::Remote { name: source.clone(), problem })?;
    Ok(RemoteTrace::Series { source, observed, extras: Vec::new(), notes })
}

/// The values as they come in.
struct Loads {
    /// One for each interval; NaN is missing.
    values: Vec<f64>,
    series: BTreeSet<String>,
    warnings: BTreeSet<String>,
    /// Values that are no numbers.
    undefined: usize,
    /// How many seconds the server's clock is ahead.
    skew: i64,
}

impl Loads {
    /// Asks for all intervals, one part after the other.
    fn ask(question: &Question, variables: &Variables, progress: Option<&Progress>) -> Result<Self, String> {
        let server = Server::new(question, variables, progress)?;
        let mut loads = Self {
            values: vec![f64::NAN; question.intervals],
            series: BTreeSet::new(),
            warnings: BTreeSet::new(),
            undefined: 0,
            skew: 0,
        };
        for first in (0..question.intervals).step_by(CHUNK) {
            let count = CHUNK.min(question.intervals - first);
            let (answer, skew) = server.ask(&question.chunk(first, count)?)?;
            loads.skew = skew.unwrap_or(loads.skew);
            loads.warnings.extend(answer.warnings.iter().map(|warning| one_line(warning)));
            for series in answer.series()? {
                loads.series.insert(series.labels());
                loads.add(question, &series)?;
            }
            loads.check_series()?;
        }
        Ok(loads)
    }

    /// Puts the values of a series where their times say.
    fn add(&mut self, question: &Question, series: &ResultSeries) -> Result<(), String> {
        let step = f64::from(question.step.seconds());
        let first = question.end_of(0) as f64;
        let factor = question.per.factor(question.step);
        let mut previous = f64::NEG_INFINITY;
        for (time, text) in &series.values {
            let index = ((time - first) / step).round();
            let is_asked = index >= 0.0 && (first + index * step - time).abs() < 0.5 && *time > previous;
            let place = self.values.get_mut(index as usize).filter(|_| is_asked);
            let place = place
                .ok_or(format!("the answer has a value at {time} s, which was not asked for, or is out of order"))?;
            previous = *time;
            let value: f64 =
                text.parse().map_err(|_| format!("the answer has {:?} in the place of a number", one_line(text)))?;
            if !(value * factor).is_finite() {
                self.undefined += 1;
                continue;
            }
            if value < 0.0 {
                let at = Timestamp::from_second(*time as i64).unwrap_or(Timestamp::MAX);
                return Err(format!(
                    "the query gives {value} at {at}; a load is at least zero, as clamp_min(…, 0) makes it"
                ));
            }
            *place = value * factor;
        }
        Ok(())
    }

    /// Refuses a query with several series, of which nobody said which one is the load.
    fn check_series(&self) -> Result<(), String> {
        let count = self.series.len();
        if count < 2 {
            return Ok(());
        }
        let named: Vec<&str> = self.series.iter().take(NAMED_SERIES).map(String::as_str).collect();
        let more = if count > NAMED_SERIES { format!(" and {} more", count - NAMED_SERIES) } else { String::new() };
        Err(format!(
            "the query gives {count} series: {}{more}; add them up with sum(…), or choose one by its labels",
            named.join(", ")
        ))
    }

    /// The load from the first interval with a value to the last one, and what there is to say about it.
    fn finish(self, question: &Question) -> Result<(Observed, Vec<String>), String> {
        let has_value = |value: &f64| !value.is_nan();
        let (Some(first), Some(last)) =
            (self.values.iter().position(has_value), self.values.iter().rposition(has_value))
        else {
            let undefined = if self.undefined > 0 { " that is a number" } else { "" };
            return Err(format!(
                "the query gives no value{undefined} in this time; check the names, the labels and the time"
            ));
        };
        let mut notes: Vec<String> = question.per_note.iter().cloned().collect();
        let cut = first + self.values.len() - 1 - last;
        if cut > 0 {
            notes.push(format!("{cut} intervals before the first value or after the last one are left out"));
        }
        if self.undefined > 0 {
            notes.push(format!("{} values are no finite numbers, and count as missing", self.undefined));
        }
        if self.skew.unsigned_abs() > SKEW_SECONDS {
            let side = if self.skew > 0 { "ahead of" } else { "behind" };
            let seconds = self.skew.unsigned_abs();
            notes.push(format!(
                "the server's clock is {seconds} s {side} this one; times such as now are meant by this one"
            ));
        }
        notes.extend(self.warnings.iter().take(3).map(|warning| format!("the server warns: {warning}")));
        let start = Timestamp::from_second(question.end_of(first) - i64::from(question.step.seconds()));
        let start = start.map_err(|error| error.to_string())?;
        let values = self.values[first..=last].iter().map(|value| (!value.is_nan()).then_some(*value));
        let observed = Observed::new(start, question.step, question.unit, values).map_err(|error| error.to_string())?;
        Ok((observed, notes))
    }
}

/// A server that is asked.
struct Server<'a> {
    client: Client,
    authorization: Option<String>,
    progress: Option<&'a Progress>,
}

impl<'a> Server<'a> {
    fn new(question: &Question, variables: &Variables, progress: Option<&'a Progress>) -> Result<Self, String> {
        let client = Client::new(&question.server, variables, Patience::default().silence)?;
        let variable = |name: &str| variables.get(&format!("DATAFLOW_PROMETHEUS_{name}"));
        let told = match (variable("TOKEN"), variable("USER")) {
            (Some(token), _) => Some(format!("Bearer {token}")),
            (None, Some(user)) => Some(basic(user, variable("PASSWORD").unwrap_or_default())),
            (None, None) => None,
        };
        let authorization = question.server.authorization().map(str::to_owned).or(told);
        Ok(Self { client, authorization, progress })
    }

    /// The answer to one request, with as many attempts as patience allows, and how many seconds the server's clock is
    /// ahead.
    fn ask(&self, address: &Address) -> Result<(Answer, Option<i64>), String> {
        Patience::default().attempts(|| self.attempt(address), |_, _| {}).map_err(|trouble| trouble.problem)
    }

    fn attempt(&self, address: &Address) -> Result<(Answer, Option<i64>), Trouble> {
        let mut headers = vec![("accept", "application/json"), ("accept-encoding", "gzip")];
        headers.extend(self.authorization.as_deref().map(|value| ("authorization", value)));
        let answer = self.client.get(address, &headers)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.into_body().into_reader();
        // The answer may be packed, which its content tells.
        let (_, mut body) = decompress("the answer", body).map_err(|_| Trouble::passing("the connection was cut"))?;
        let body = self.read(&mut body);
        if !status.is_success() {
            // A Prometheus says what is wrong; what stands before it answers by itself.
            let refusal = body.ok().and_then(|body| Answer::read(&body).ok()?.refusal());
            return Err(match refusal {
                Some(refusal) if status.as_u16() != 429 => Trouble::lasting(refusal),
                _ => of_status(status_trouble(status, &headers), status.as_u16()),
            });
        }
        let answer = Answer::read(&body?).map_err(Trouble::lasting)?;
        match answer.refusal() {
            Some(refusal) => Err(Trouble::lasting(refusal)),
            None => Ok((answer, skew(&headers))),
        }
    }

    fn read(&self, body: &mut dyn Read) -> Result<Vec<u8>, Trouble> {
        let mut bytes = Vec::new();
        let read = body.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.client.io_trouble(&error))?;
        if bytes.len() as u64 > ANSWER_BYTES_MAX {
            let mebibytes = ANSWER_BYTES_MAX >> 20;
            return Err(Trouble::lasting(format!(
                "the answer has more than {mebibytes} MiB, so the query likely gives many series; add them up with sum(…)"
            )));
        }
        if let Some(progress) = self.progress {
            progress(bytes.len() as u64);
        }
        Ok(bytes)
    }
}

/// What a status means, with the variables that tell who asks.
fn of_status(mut trouble: Trouble, status: u16) -> Trouble {
    let hint = match status {
        401 | 403 => {
            "; DATAFLOW_PROMETHEUS_USER and DATAFLOW_PROMETHEUS_PASSWORD, or DATAFLOW_PROMETHEUS_TOKEN, tell who asks"
        }
        404 => "; check the address and its prefix",
        _ => "",
    };
    trouble.problem.push_str(hint);
    trouble
}

fn skew(headers: &HeaderMap) -> Option<i64> {
    Some(http_date(header(headers, "date")?)?.as_second() - Timestamp::now().as_second())
}
