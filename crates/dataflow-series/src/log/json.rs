//! Access logs of one JSON object per line, under the names that nginx (`log_format … escape=json`), Caddy, Traefik,
//! Envoy and Google Cloud give to the fields, flat or in an object named `request`, `httpRequest`, `http` or `response`.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Essentials, LogFormat, Malformed, Record, date, split_request, without_byte_order_mark};
use crate::time::whole_second;

/// A field and the names it goes by, the preferred ones first; case is ignored.
const NAMES: [(Field, &[&str]); FIELDS] = [
    (
        Field::Time,
        &["time", "timestamp", "@timestamp", "ts", "time_iso8601", "time_local", "startutc", "start_time", "msec"],
    ),
    (Field::Status, &["status", "status_code", "statuscode", "downstreamstatus", "response_code"]),
    (
        Field::Size,
        &[
            "body_bytes_sent",
            "bytes",
            "size",
            "bytes_sent",
            "responsesize",
            "response_size",
            "downstreamcontentsize",
            "content_length",
        ],
    ),
    (
        Field::Ip,
        &[
            "client_ip",
            "ip",
            "remote_addr",
            "remote_ip",
            "remoteip",
            "clienthost",
            "remote_host",
            "downstream_remote_address",
            "client",
            "host",
        ],
    ),
    (Field::Identd, &["identd", "ident", "identity"]),
    (Field::User, &["remote_user", "user", "user_id", "clientusername", "username"]),
    (Field::Request, &["request", "request_line"]),
    (Field::Method, &["method", "request_method", "requestmethod"]),
    (Field::Resource, &["path", "uri", "request_uri", "requestpath", "requesturl", "resource", "url"]),
    (Field::Protocol, &["protocol", "proto", "server_protocol", "requestprotocol"]),
    (Field::Referrer, &["referer", "referrer", "http_referer", "http_referrer"]),
    (Field::Agent, &["user_agent", "http_user_agent", "useragent", "agent"]),
];
const FIELDS: usize = 12;
const NAMES_PER_FIELD_MAX: usize = 16;
const NAME_BYTES_MAX: usize = 25;
const NESTED: [&str; 4] = ["request", "httprequest", "http", "response"];
/// From here on a time is in milliseconds: as seconds it would lie in the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Time,
    Status,
    Size,
    Ip,
    Identd,
    User,
    Request,
    Method,
    Resource,
    Protocol,
    Referrer,
    Agent,
}

/// A value that a field may have.
#[derive(Debug, Clone, PartialEq)]
enum Value<'line> {
    Text(Cow<'line, str>),
    Number(f64),
    /// Null, a truth value or a list: as good as absent.
    None,
}

/// What was found for each field: the rank of its name (0 is preferred) and the value.
#[derive(Debug, Default)]
struct Fields<'line>([Option<(usize, Value<'line>)>; FIELDS]);

/// Only what is counted.
pub(super) fn essentials(line: &[u8]) -> Result<Essentials, Malformed> {
    let text = text(line);
    counted(&Fields::read(&text)?).map(|(time, status, size)| Essentials { second: whole_second(time), status, size })
}

/// All fields of a line.
pub(super) fn record(line: &[u8]) -> Result<Record<'_>, Malformed> {
    match text(line) {
        Cow::Borrowed(text) => record_of(Fields::read(text)?),
        Cow::Owned(text) => record_of(Fields::read(&text)?).map(owned),
    }
}

/// JSON is UTF-8; what is not is replaced, character by character.
fn text(line: &[u8]) -> Cow<'_, str> {
    let line = without_byte_order_mark(line);
    // Checking alone is faster than a lossy reading that loses nothing.
    str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed)
}

fn record_of(mut fields: Fields<'_>) -> Result<Record<'_>, Malformed> {
    let (time, status, size) = counted(&fields)?;
    let mut text = |field| fields.take_text(field);
    let request = text(Field::Request);
    let method = text(Field::Method);
    let resource = text(Field::Resource);
    let protocol = text(Field::Protocol);
    let (split_method, split_resource, split_protocol) = match &request {
        Some(Cow::Borrowed(request)) => {
            let (method, resource, protocol) = split_request(request);
            (Cow::Borrowed(method), Cow::Borrowed(resource), Cow::Borrowed(protocol))
        }
        Some(Cow::Owned(request)) => {
            let (method, resource, protocol) = split_request(request);
            (Cow::Owned(method.to_vec()), Cow::Owned(resource.to_vec()), Cow::Owned(protocol.to_vec()))
        }
        None => Default::default(),
    };
    let method = method.unwrap_or(split_method);
    let resource = resource.unwrap_or(split_resource);
    let protocol = protocol.unwrap_or(split_protocol);
    let request = request.unwrap_or_else(|| {
        let words = [&method[..], &resource[..], &protocol[..]];
        let words: Vec<&[u8]> = words.into_iter().filter(|word| !word.is_empty()).collect();
        Cow::Owned(words.join(&b' '))
    });
    Ok(Record {
        format: LogFormat::JsonLines,
        ip: text(Field::Ip).unwrap_or_default(),
        identd: text(Field::Identd).unwrap_or_default(),
        user: text(Field::User).unwrap_or_default(),
        time_text: text(Field::Time).unwrap_or_default(),
        time,
        request,
        method,
        resource,
        protocol,
        status,
        size,
        referrer: text(Field::Referrer),
        agent: text(Field::Agent),
    })
}

fn owned(record: Record<'_>) -> Record<'static> {
    let own = |text: Cow<'_, [u8]>| Cow::Owned(text.into_owned());
    Record {
        format: record.format,
        ip: own(record.ip),
        identd: own(record.identd),
        user: own(record.user),
        time_text: own(record.time_text),
        time: record.time,
        request: own(record.request),
        method: own(record.method),
        resource: own(record.resource),
        protocol: own(record.protocol),
        status: record.status,
        size: record.size,
        referrer: record.referrer.map(own),
        agent: record.agent.map(own),
    }
}

/// Time, status and size.
fn counted(fields: &Fields<'_>) -> Result<(Timestamp, u16, u64), Malformed> {
    let time = match fields.get(Field::Time) {
        Some(Value::Text(text)) => time_of_text(text),
        Some(Value::Number(number)) => time_of_number(*number),
        Some(Value::None) | None => return Err(Malformed::JsonNoTime),
    };
    let status = match fields.get(Field::Status) {
        Some(Value::Text(text)) => {
            text.parse().ok().filter(|_| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit()))
        }
        Some(Value::Number(number)) => whole(*number, 999.0).map(|status| status as u16),
        Some(Value::None) | None => None,
    };
    let size = match fields.get(Field::Size) {
        Some(Value::Text(text)) if matches!(text.as_ref(), "-" | "") => Some(0),
        Some(Value::Text(text)) => text.parse().ok().and_then(|number| whole(number, 1e15)),
        Some(Value::Number(number)) => whole(*number, 1e15),
        Some(Value::None) | None => Some(0),
    };
    Ok((time.ok_or(Malformed::JsonTime)?, status.ok_or(Malformed::JsonStatus)?, size.ok_or(Malformed::JsonSize)?))
}

/// A number without a fraction, of at least 0 and below a limit (to 999 for a status).
fn whole(number: f64, limit: f64) -> Option<u64> {
    (number >= 0.0 && number <= limit && number.fract() == 0.0).then_some(number as u64)
}

fn time_of_text(text: &str) -> Option<Timestamp> {
    let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
    if let Ok(stamp) = <&date::Stamp>::try_from(bare.as_bytes())
        && date::has_shape(stamp)
    {
        return Timestamp::from_second(date::seconds(stamp)?).ok();
    }
    match bare.parse::<f64>() {
        Ok(number) => time_of_number(number),
        Err(_) => bare.parse().ok(),
    }
}

fn time_of_number(number: f64) -> Option<Timestamp> {
    let seconds = if number.abs() >= MILLISECONDS_FROM { number / 1000.0 } else { number };
    let whole = seconds.floor();
    // Doubles hold seconds of our time to less than a microsecond.
    let microseconds = ((seconds - whole) * 1e6).round().min(999_999.0);
    Timestamp::new(if whole.is_finite() { whole as i64 } else { return None }, microseconds as i32 * 1000).ok()
}

impl<'line> Fields<'line> {
    fn read(line: &'line str) -> Result<Self, Malformed> {
        let mut fields = Self::default();
        let mut reader = serde_json::Deserializer::from_str(line);
        Object { fields: &mut fields, depth: 0 }
            .deserialize(&mut reader)
            .and_then(|_| reader.end())
            .map_err(|_| Malformed::NotJson)?;
        Ok(fields)
    }

    fn get(&self, field: Field) -> Option<&Value<'line>> {
        self.0[field as usize].as_ref().map(|(_, value)| value)
    }

    fn take_text(&mut self, field: Field) -> Option<Cow<'line, [u8]>> {
        match self.0[field as usize].take()?.1 {
            Value::Text(Cow::Borrowed(text)) => Some(Cow::Borrowed(text.as_bytes())),
            Value::Text(Cow::Owned(text)) => Some(Cow::Owned(text.into_bytes())),
            Value::Number(number) => Some(Cow::Owned(number.to_string().into_bytes())),
            Value::None => None,
        }
    }

    /// Keeps a value if no better name gave one; of equal names the last counts, as usual in JSON.
    fn offer(&mut self, field: Field, rank: usize, value: Value<'line>) {
        let place = &mut self.0[field as usize];
        if value != Value::None && place.as_ref().is_none_or(|(other, _)| rank <= *other) {
            *place = Some((rank, value));
        }
    }
}

/// A name, the field it stands for, and its rank.
type Known = (&'static str, Field, usize);

/// The field that a name stands for, and the rank of the name.
fn field_named(name: &str) -> Option<(Field, usize)> {
    // Names of one length are few, and most names in a log are of none.
    static BY_LENGTH: LazyLock<[Vec<Known>; NAME_BYTES_MAX + 1]> = LazyLock::new(|| {
        let mut by_length = std::array::from_fn(|_| Vec::new());
        for (field, names) in NAMES {
            for (rank, name) in names.iter().enumerate() {
                by_length[name.len()].push((*name, field, rank));
            }
        }
        by_length
    });
    let known = BY_LENGTH.get(name.len())?.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
    known.map(|(_, field, rank)| (*field, *rank))
}

/// Reads an object into fields: the line itself, or a nested one.
struct Object<'fields, 'line> {
    fields: &'fields mut Fields<'line>,
    depth: usize,
}

impl<'line> DeserializeSeed<'line> for Object<'_, 'line> {
    type Value = Value<'line>;

    fn deserialize<D: Deserializer<'line>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.depth == 0 { deserializer.deserialize_map(self) } else { deserializer.deserialize_any(self) }
    }
}

impl<'line> Visitor<'line> for Object<'_, 'line> {
    type Value = Value<'line>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'line str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Value::None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Value::None)
    }

    fn visit_seq<A: SeqAccess<'line>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::None)
    }

    fn visit_map<A: MapAccess<'line>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            let field = field_named(&name);
            if field.is_none() && !NESTED.iter().any(|nested| nested.eq_ignore_ascii_case(&name)) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value_seed(Object { fields: &mut *self.fields, depth: self.depth + 1 })?;
            if let Some((field, rank)) = field {
                // What stands further in is about a part, so it comes after every name further out.
                self.fields.offer(field, rank + self.depth * NAMES_PER_FIELD_MAX, value);
            }
        }
        Ok(Value::None)
    }
}

/// The name of a field, borrowed where it has no escapes.
struct Name;

impl<'line> DeserializeSeed<'line> for Name {
    type Value = Cow<'line, str>;

    fn deserialize<D: Deserializer<'line>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'line> Visitor<'line> for Name {
    type Value = Cow<'line, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'line str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case_with_their_rank() {
        assert_eq!(field_named("TIMESTAMP"), Some((Field::Time, 1)));
        assert_eq!(field_named("downstream_remote_address"), Some((Field::Ip, 7)));
        assert_eq!(field_named(&"x".repeat(99)), None);
        assert!(
            NAMES
                .iter()
                .enumerate()
                .all(|(index, (field, names))| { *field as usize == index && names.len() < NAMES_PER_FIELD_MAX })
        );
    }

    #[test]
    fn what_stands_further_out_and_under_the_better_name_counts() {
        let line =
            br#"{"request":{"time":0.25,"status":1},"start_time":7,"time":1e3,"status":200,"host":"h","ip":"i"}"#;
        let record = record(line).unwrap();
        assert_eq!((record.time.as_second(), record.status, &record.ip[..]), (1_000, 200, &b"i"[..]));
        let milliseconds = super::record(br#"{"ts":1715940303250,"status":"204"}"#).unwrap();
        assert_eq!(milliseconds.time.to_string(), "2024-05-17T10:05:03.25Z");
        let replaced = super::record(b"{\"ts\":1,\"status\":200,\"ip\":\"\xff\"}").unwrap();
        assert_eq!(replaced.ip, "\u{fffd}".as_bytes());
    }
}
