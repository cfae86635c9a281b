//! Web addresses, and how they are shown: without user, password, and what may be a token or a signature.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ureq::http::Uri;

/// An `http://` or `https://` address, apart from the credentials in it.
#[derive(Clone)]
pub(crate) struct Address {
    /// Without user and password; to be asked for, never to be shown.
    url: String,
    /// What it shows of itself.
    shown: String,
    /// The value of the header that the user and password make.
    authorization: Option<String>,
}

impl Address {
    /// Reads an address as users write it: what must be escaped may be plain.
    ///
    /// # Errors
    /// What is wrong with it, in words that hold no credentials.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or("expected an address such as https://host/path")?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err("expected an address that begins with http:// or https://".to_owned());
        }
        if hidden_end(rest).is_some() {
            return Err(
                "has signs in its user or password, or an @ behind its host, that must be escaped there; write / as \
                        %2F, ? as %3F, # as %23 and @ as %40"
                    .to_owned(),
            );
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = split_authority(rest);
        let (credentials, host) = authority.rsplit_once('@').map_or((None, authority), |(who, host)| (Some(who), host));
        let slash = if path.starts_with('/') { "" } else { "/" };
        let url = format!("{scheme}://{host}{slash}{}", escaped(path));
        let host_is_right = url.parse::<Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()));
        if !host_is_right {
            return Err("is no web address; expected one such as https://host:port/path".to_owned());
        }
        let authorization = credentials.map(|credentials| {
            let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
            basic(&unescaped(user), &unescaped(password))
        });
        Ok(Self { shown: shown(&url), url, authorization })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.starts_with("https:")
    }

    /// For messages and results.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The `Authorization` header that its user and password make, if it has any.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

/// The value of a header of basic authentication (RFC 7617).
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// A web address as messages and results may show it: without user, password, query and fragment, which may hold tokens
/// and signatures.
pub(crate) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "an address".to_owned() };
    // Where it cannot be told what is secret, nothing before the last @ is shown.
    let (mark, rest) = hidden_end(rest).map_or(("", rest), |end| ("…@", &rest[end..]));
    let (authority, path) = split_authority(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (path, query) = path.find(['?', '#']).map_or((path, ""), |mark| (&path[..mark], "?…"));
    format!("{scheme}://{mark}{host}{path}{query}")
}

/// The part of an address before its path, and the path with what follows it.
fn split_authority(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

/// Where an address (behind its `://`) has signs unescaped that end a host, and credentials may go on behind them: the place
/// behind the last `@`. Credentials are what has an `@` at its end, or a `:` that no port follows; an `@` behind a host as
/// it should be is part of a path or a query.
fn hidden_end(rest: &str) -> Option<usize> {
    let (authority, path) = split_authority(rest);
    if is_host(authority) { None } else { path.rfind('@').map(|at| authority.len() + at + 1) }
}

/// Whether an authority is a host and perhaps a port, without credentials or a part of them.
fn is_host(authority: &str) -> bool {
    let behind_brackets = authority.strip_prefix('[').and_then(|address| Some(address.split_once(']')?.1));
    match behind_brackets.unwrap_or(authority).split_once(':') {
        Some((_, port)) => port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok(),
        None => !authority.contains('@'),
    }
}

/// Whether an address may end within its credentials, as it does where it was cut at a `?` of a password.
pub(crate) fn ends_in_credentials(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    !rest.contains('@') && !is_host(split_authority(rest).0)
}

/// A word that may name a place, such as one of a command line, as it may be shown or kept. Queries that only say what is
/// asked of a Prometheus stay.
pub fn shown_word(word: &str) -> String {
    let Some(mark) = word.find("://") else { return word.to_owned() };
    let scheme = word[..mark].rfind(|letter: char| !letter.is_ascii_alphanumeric()).map_or(0, |before| before + 1);
    // What stands before the scheme is one byte per letter at its end.
    let (before, url) = word.split_at(if word.is_char_boundary(scheme) { scheme } else { mark });
    let asked = before.to_ascii_lowercase().ends_with(crate::prometheus::PREFIX);
    match crate::prometheus::split_query(url).filter(|_| asked) {
        Some((server, query)) => format!("{before}{}?{query}", shown(server)),
        None => format!("{before}{}", shown(url)),
    }
}

/// What an address cannot hold as it is, escaped; what is escaped already stays.
fn escaped(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0..=b' ' | 0x7f.. => {
                push_escape(&mut url, byte);
            }
            _ => url.push(char::from(byte)),
        }
    }
    url
}

/// A value of a query, escaped whole.
pub(crate) fn escaped_value(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => value.push(char::from(byte)),
            _ => push_escape(&mut value, byte),
        }
    }
    value
}

fn push_escape(text: &mut String, byte: u8) {
    let _ = write!(text, "%{byte:02X}");
}

/// A text with its escapes resolved; a `%` that begins none stays.
pub(crate) fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let digits = bytes.get(index + 1..index + 3).and_then(|digits| str::from_utf8(digits).ok());
        let is_escape =
            *byte == b'%' && digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let escaped = digits.filter(|_| is_escape).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(escaped.unwrap_or(*byte));
        index += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_go_into_the_header_and_nowhere_else() {
        let address = Address::parse("HTTPS://me%40home:pa%3Ass@host:8443/a b?sig=abc#part").unwrap();
        assert_eq!(address.url(), "https://host:8443/a%20b?sig=abc");
        assert_eq!(address.shown(), "https://host:8443/a%20b?…");
        assert_eq!(address.authorization(), Some(basic("me@home", "pa:ss").as_str()));
        assert!(address.is_https());
        assert_eq!(Address::parse("http://host").unwrap().url(), "http://host/");
        assert_eq!(Address::parse("http://host?x=1").unwrap().url(), "http://host/?x=1");
    }

    #[test]
    fn what_is_no_address_is_told_without_its_secrets() {
        for text in ["host/path", "ftp://me:secret@host/", "http://", "http://me:secret@", "http://me:secret@ho st/"] {
            let problem = Address::parse(text).err().unwrap();
            assert!(!problem.contains("secret"), "{text}: {problem}");
        }
    }

    #[test]
    fn signs_that_end_a_host_do_not_end_credentials() {
        for (text, seen) in [
            ("http://me:pa/ssSECRET@127.0.0.1:1/x", "http://…@127.0.0.1:1/x"),
            ("http://me:SECRET?pa@host/x?y", "http://…@host/x?…"),
            ("http://me:SECRET#pa@host", "http://…@host"),
            ("http://me:/SECRET@host/", "http://…@host/"),
            ("http://me:99999/SECRET@host/", "http://…@host/"),
            ("http://me:pSECRET@SECRET/word@host/x", "http://…@host/x"),
            ("http://me:SECRET/a@b/SECRET@host/x", "http://…@host/x"),
            ("http://me:pa SECRET/b@host/x", "http://…@host/x"),
            ("http://[a]:SECRET/b@host/x", "http://…@host/x"),
        ] {
            assert_eq!(shown(text), seen);
            assert_eq!(shown_word(&format!("--mirror={text}")), format!("--mirror={seen}"));
            let problem = Address::parse(text).err().unwrap();
            assert!(problem.contains("/ as %2F") && !problem.contains("SECRET"), "{text}: {problem}");
        }
        for text in [
            "https://host/@user/file",
            "https://host:8080/a/@b:c@d",
            "http://[::1]/@user",
            "http://[::1]:80/@user",
            "https://me@host/file",
        ] {
            let address = Address::parse(text).unwrap();
            let plain = text.replace("me@", "");
            assert_eq!((address.url(), address.shown()), (plain.as_str(), plain.as_str()));
        }
        assert_eq!(Address::parse("https://host?to=a:b@c").unwrap().url(), "https://host/?to=a:b@c");
        for (word, seen) in [
            ("prometheus:http://me:SECRET?x@host?query=up@5", "prometheus:http://…@host?query=up@5"),
            ("prometheus:http://me:SECRET/x@host", "prometheus:http://…@host"),
            ("prometheus:http://host:9090?query=up@5", "prometheus:http://host:9090?query=up@5"),
        ] {
            assert_eq!(shown_word(word), seen);
        }
    }

    proptest! {
        /// Whatever the signs of a password, escaped or not, none of it is shown.
        #[test]
        fn no_password_is_shown_escaped_or_not(
            before in "[!-~]{0,6}",
            after in "[!-~]{0,6}",
            path in "(/[a-z0-9.]{1,4}){0,2}",
        ) {
            let secret = format!("s{before}SECRET{after}");
            let url = format!("http://me:{secret}@host{path}");
            for seen in [shown(&url), shown_word(&url), shown_word(&format!("prometheus:{url}"))] {
                prop_assert!(!seen.contains("SECRET") && seen.contains(&format!("host{path}")), "{}", seen);
            }
            if let Ok(address) = Address::parse(&url) {
                prop_assert!(!address.url().contains("SECRET"), "{}", address.url());
            }
        }

        /// Whatever the credentials, and wherever they stand, no text that is shown has them.
        #[test]
        fn nothing_shown_holds_a_secret(
            user in "[a-z]{1,6}",
            password in "[!-~]{8,20}",
            token in "[A-Za-z0-9%+/=_-]{16,40}",
            path in "(/[a-z0-9.]{1,4}){0,3}",
        ) {
            let password = escaped_value(&format!("S{password}"));
            for text in [
                format!("https://{user}:{password}@host{path}?X-Amz-Signature={token}"),
                format!("http://{user}:{password}@host:9090{path}?token={token}#{token}"),
                format!("http://{password}@host{path}?{token}"),
            ] {
                let address = Address::parse(&text).unwrap();
                let word = format!("--mirror={text}");
                for seen in [address.shown().to_owned(), shown(&text), shown_word(&text), shown_word(&word)] {
                    prop_assert!(!seen.contains(&password) && !seen.contains(&token), "{}", seen);
                    let host_and_path = format!("host{path}");
                    prop_assert!(seen.replace(":9090", "").contains(&host_and_path), "{}", seen);
                }
                prop_assert!(!address.url().contains(&password));
            }
        }

        #[test]
        fn escapes_are_resolved_to_what_was_escaped(text in "\\PC{0,40}") {
            prop_assert_eq!(unescaped(&escaped_value(&text)), text);
        }

        #[test]
        fn words_are_shown_without_credentials(word in "\\PC{0,20}", user in "[a-z]{1,6}") {
            let _ = shown_word(&format!("{word}://{word}"));
            let asked = format!("prometheus:https://{user}:S3cret@host/a?query=up{{x=\"y\"}}");
            prop_assert_eq!(shown_word(&asked), "prometheus:https://host/a?query=up{x=\"y\"}");
            if !word.contains("://") {
                prop_assert_eq!(shown_word(&word), word);
            }
        }

        #[test]
        fn any_text_is_an_address_or_is_refused(text in "\\PC{0,40}") {
            let _ = Address::parse(&text);
            let _ = Address::parse(&format!("http://{text}"));
        }
    }
}
