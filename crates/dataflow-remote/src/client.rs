//! The one web client: time-outs, proxies, certificates, attempts, and errors that hold no credentials.

use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy, ProxyProtocol};

use crate::Variables;
use crate::address::{Address, shown};

/// How long is waited, and how often is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long a server may say nothing.
    pub silence: Duration,
    /// How long to wait before the second attempt; each later wait is twice as long, up to half a minute.
    pub first_wait: Duration,
    /// How many attempts without any progress are made in all.
    pub attempts: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence: Duration::from_mins(1), first_wait: Duration::from_secs(1), attempts: 5 }
    }
}

impl Patience {
    /// Makes attempts until one succeeds, its trouble is lasting, or enough were made; before each wait `tell` is told why
    /// and how long.
    pub(crate) fn attempts<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, Trouble>,
        tell: impl Fn(&Trouble, Duration),
    ) -> Result<T, Trouble> {
        let mut failed = 0;
        loop {
            let trouble = match attempt() {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            failed += 1;
            if !trouble.is_passing || failed >= self.attempts {
                return Err(trouble);
            }
            let wait = self.wait(failed, trouble.asked_wait);
            tell(&trouble, wait);
            thread::sleep(wait);
        }
    }

    /// How long to wait after so many attempts that failed, or what the server asks for.
    pub(crate) fn wait(&self, failed: u32, asked: Option<Duration>) -> Duration {
        let own = self.first_wait.saturating_mul(1 << failed.saturating_sub(1).min(10));
        asked.unwrap_or(own.min(WAIT_MAX))
    }
}

const WAIT_MAX: Duration = Duration::from_secs(30);
/// A server that asks for more is not waited for.
const ASKED_WAIT_MAX: Duration = Duration::from_mins(2);
const CONNECT_WAIT: Duration = Duration::from_secs(15);
const REDIRECTS_MAX: u32 = 10;
/// Names a file of certificates to trust instead of those built in, as it does for OpenSSL.
const CERTIFICATES: &str = "SSL_CERT_FILE";

/// Why there is no answer that can be used. The words name no address and hold no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) problem: String,
    /// Whether another attempt may help.
    pub(crate) is_passing: bool,
    /// How long the server asks to wait.
    pub(crate) asked_wait: Option<Duration>,
}

impl Trouble {
    pub(crate) fn lasting(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), is_passing: false, asked_wait: None }
    }

    pub(crate) fn passing(problem: impl Into<String>) -> Self {
        Self { is_passing: true, ..Self::lasting(problem) }
    }
}

/// Asks web servers.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: Agent,
    /// For messages.
    proxy: Option<String>,
    silence: Duration,
}

impl Client {
    /// A client for one address. The proxy is told by the variables `HTTPS_PROXY`, `HTTP_PROXY` (by what is asked for),
    /// `ALL_PROXY` and `NO_PROXY`, in capitals or not; certificates to trust by `SSL_CERT_FILE`.
    ///
    /// # Errors
    /// When one of the variables cannot be used.
    pub(crate) fn new(address: &Address, variables: &Variables, silence: Duration) -> Result<Self, String> {
        let proxy = proxy(address, variables)?;
        let tls = TlsConfig::builder().root_certs(certificates(variables)?).build();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(REDIRECTS_MAX)
            .user_agent(concat!("dataflow/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_WAIT.min(silence)))
            .timeout_per_read(Some(silence))
            .timeout_per_write(Some(silence))
            .tls_config(tls)
            .proxy(proxy.as_ref().map(|(_, proxy)| proxy.clone()))
            .build()
            .new_agent();
        Ok(Self { agent, proxy: proxy.map(|(name, _)| name), silence })
    }

    /// Asks once. The status is checked by [`checked`].
    pub(crate) fn get(&self, address: &Address, headers: &[(&str, &str)]) -> Result<Response<Body>, Trouble> {
        let mut request = self.agent.get(address.url());
        let own = address.authorization().filter(|_| !headers.iter().any(|(name, _)| *name == "authorization"));
        for (name, value) in headers.iter().copied().chain(own.map(|value| ("authorization", value))) {
            request = request.header(name, value);
        }
        request.call().map_err(|error| self.trouble(&error))
    }

    /// Puts what went wrong in words.
    pub(crate) fn trouble(&self, error: &ureq::Error) -> Trouble {
        match error {
            ureq::Error::Io(error) => self.io_trouble(error),
            ureq::Error::Timeout(_) => self.silent(),
            ureq::Error::HostNotFound => self.nameless(),
            ureq::Error::ConnectionFailed => Trouble::lasting(format!("cannot be reached{}", self.by_proxy())),
            ureq::Error::ConnectProxyFailed(reason) => Trouble::lasting(format!(
                "the proxy{} does not connect: {reason}",
                self.proxy.as_ref().map_or_else(String::new, |proxy| format!(" {proxy}"))
            )),
            ureq::Error::TooManyRedirects => Trouble::lasting("the server sends on and on to other addresses"),
            ureq::Error::Rustls(error) => tls_trouble(&error.to_string()),
            ureq::Error::Tls(error) => tls_trouble(error),
            ureq::Error::Protocol(error) => {
                Trouble::lasting(format!("what answers there does not speak HTTP as it should ({error})"))
            }
            ureq::Error::LargeResponseHeader(..) => Trouble::lasting("the header of the answer is too large"),
            // Their words may hold the address.
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Trouble::lasting("the address, or one that it leads to, is no web address")
            }
            _ => Trouble::lasting("the request failed"),
        }
    }

    /// Puts into words why reading an answer, or asking for it, broke off.
    pub(crate) fn io_trouble(&self, error: &io::Error) -> Trouble {
        if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            return self.trouble(inner);
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Trouble::lasting(format!(
                "nothing answers there (connection refused){}; check that the server runs, and host and port",
                self.by_proxy()
            )),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => self.silent(),
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Trouble::passing("the connection was cut"),
            // What the layer of TLS says of what it was sent.
            io::ErrorKind::InvalidData => tls_trouble(&error.to_string()),
            // The standard library has no kind for it.
            _ if error.to_string().contains("lookup address") => self.nameless(),
            _ => Trouble::lasting(format!("cannot be reached{}: {error}", self.by_proxy())),
        }
    }

    fn nameless(&self) -> Trouble {
        let by_proxy = self.by_proxy();
        Trouble::lasting(format!("there is no host of this name{by_proxy}; check the address and the network"))
    }

    fn silent(&self) -> Trouble {
        Trouble::passing(format!("no answer came within {} s{}", self.silence.as_secs_f64(), self.by_proxy()))
    }

    fn by_proxy(&self) -> String {
        self.proxy.as_ref().map_or_else(String::new, |proxy| format!(" (by way of the proxy {proxy})"))
    }
}

fn tls_trouble(problem: &str) -> Trouble {
    let hint = if problem.contains("InvalidContentType") || problem.contains("corrupt message") {
        "; what answers there speaks no TLS, so try http://"
    } else if problem.contains("certificate") {
        "; to trust the certificates of a file, name it in SSL_CERT_FILE"
    } else {
        ""
    };
    Trouble::lasting(format!("no secure connection (TLS): {problem}{hint}"))
}

/// The answer, where its status is one of success.
pub(crate) fn checked(answer: Response<Body>) -> Result<Response<Body>, Trouble> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    Err(status_trouble(answer.status(), answer.headers()))
}

/// Puts a status that is no success in words.
pub(crate) fn status_trouble(status: StatusCode, headers: &HeaderMap) -> Trouble {
    let meaning = match status.as_u16() {
        401 => "the credentials are missing or wrong",
        403 => "access is denied to whom these credentials name, or without any",
        404 | 410 => "there is nothing at this address",
        407 => "the proxy asks for credentials; give them in the address of HTTPS_PROXY or HTTP_PROXY",
        408 | 504 => "it took too long",
        416 => "the part asked for is not there",
        429 => "too many requests",
        500..=599 => "the server failed",
        300..=399 => "the server sends on to nowhere",
        _ => "the server refuses",
    };
    let reason = status.canonical_reason().map_or_else(String::new, |reason| format!(" {reason}"));
    let problem = format!("the server answers {}{reason}: {meaning}", status.as_u16());
    if !matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504) {
        return Trouble::lasting(problem);
    }
    match asked_wait(headers) {
        Some(wait) if wait > ASKED_WAIT_MAX => {
            Trouble::lasting(format!("{problem}; it asks to come back in {} s", wait.as_secs()))
        }
        asked_wait => Trouble { asked_wait, ..Trouble::passing(problem) },
    }
}

/// How long the server asks to wait: so many seconds, or until a time (RFC 9110, section 10.2.3).
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let seconds = http_date(text)?.as_second() - Timestamp::now().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// A time as headers write it, such as `Tue, 24 Nov 2026 12:00:00 GMT`.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

/// The text of a header.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The proxy for an address and its name for messages.
fn proxy(address: &Address, variables: &Variables) -> Result<Option<(String, Proxy)>, String> {
    let own = if address.is_https() { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    let named = [own, "ALL_PROXY"].into_iter().find_map(|name| Some((name, either_case(variables, name)?)));
    let Some((name, text)) = named else { return Ok(None) };
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let wrong = || format!("{name}: is no address of a proxy; expected one such as http://proxy:3128");
    let parsed = Proxy::new(text).map_err(|_| wrong())?;
    if !matches!(parsed.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return Err(format!("{name}: only proxies at http:// and https:// are known here"));
    }
    // It would be the user that is asked for, in the place of the host.
    Address::parse(&whole).map_err(|problem| format!("{name}: {problem}"))?;
    let mut proxy = Proxy::builder(parsed.protocol()).host(parsed.host()).port(parsed.port());
    if let Some(user) = parsed.username() {
        proxy = proxy.username(user);
    }
    if let Some(password) = parsed.password() {
        proxy = proxy.password(password);
    }
    for host in either_case(variables, "NO_PROXY").unwrap_or_default().split(',').map(str::trim) {
        proxy = proxy.no_proxy(host);
        // As curl and others have it, a name stands for the names below it as well.
        if !host.is_empty() && !host.starts_with(['*', '.']) {
            proxy = proxy.no_proxy(&format!(".{host}"));
        }
    }
    Ok(Some((shown(&whole), proxy.build().map_err(|_| wrong())?)))
}

fn either_case<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    variables.get(&name.to_lowercase()).or_else(|| variables.get(name))
}

fn certificates(variables: &Variables) -> Result<RootCerts, String> {
    let Some(path) = variables.get(CERTIFICATES) else { return Ok(RootCerts::WebPki) };
    let pem = fs::read(path).map_err(|error| format!("{CERTIFICATES}: {path}: {error}"))?;
    let found: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(format!("{CERTIFICATES}: {path}: holds no certificate in PEM form"));
    }
    Ok(RootCerts::from(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_proxy_is_chosen_by_scheme_and_shown_without_its_password() {
        let http = Address::parse("http://host/").unwrap();
        let https = Address::parse("https://host/").unwrap();
        let told = variables(&[("https_proxy", "http://me:secret@one:1"), ("HTTP_PROXY", "two:2")]);
        assert_eq!(proxy(&https, &told).unwrap().unwrap().0, "http://one:1");
        assert_eq!(proxy(&http, &told).unwrap().unwrap().0, "http://two:2");
        assert!(proxy(&http, &variables(&[])).unwrap().is_none());
        let all = variables(&[("ALL_PROXY", "http://three:3"), ("NO_PROXY", "host, .local")]);
        let (_, chosen) = proxy(&http, &all).unwrap().unwrap();
        for (url, is_direct) in [("http://host/", true), ("http://a.host/", true), ("http://ghost/", false)] {
            assert_eq!(chosen.is_no_proxy(&url.parse().unwrap()), is_direct, "{url}");
        }
        for wrong in ["socks5://me:secret@host", "http://me:80secret/x@host:1", "me:p@ss/secret@host:1"] {
            let problem = proxy(&http, &variables(&[("HTTP_PROXY", wrong)])).err().unwrap();
            assert!(problem.contains("HTTP_PROXY") && !problem.contains("secret"), "{problem}");
        }
    }

    #[test]
    fn waits_grow_and_servers_may_ask_for_others() {
        let patience = Patience::default();
        let waits = [1, 2, 3, 20].map(|failed| patience.wait(failed, None).as_secs());
        assert_eq!(waits, [1, 2, 4, 30]);
        assert_eq!(patience.wait(1, Some(Duration::from_secs(7))).as_secs(), 7);
        let after = |text: &str| {
            let headers = HeaderMap::from_iter([("retry-after".parse().unwrap(), text.parse().unwrap())]);
            status_trouble(StatusCode::TOO_MANY_REQUESTS, &headers)
        };
        assert_eq!(after("3").asked_wait, Some(Duration::from_secs(3)));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT").asked_wait, Some(Duration::ZERO));
        assert!(!after("86400").is_passing && after("soon").asked_wait.is_none());
    }
}
