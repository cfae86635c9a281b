//! Certificates: one that nobody vouches for is refused, one that the user trusts is not.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use dataflow_remote::Places;
use dataflow_series::source::{TraceRequest, open};

use crate::server::reply;
use crate::{log, variables};

/// Serves a log over TLS with a certificate made for it, and gives the port and the certificate in PEM form.
fn serve() -> (u16, String) {
    let made =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("settings");
    let settings = Arc::new(settings);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Ok(mut connection) = rustls::ServerConnection::new(Arc::clone(&settings)) else { continue };
            let mut secure = rustls::Stream::new(&mut connection, &mut stream);
            // One that does not trust the certificate leaves here.
            if secure.read(&mut [0; 4_096]).is_ok_and(|count| count > 0) {
                let _ = reply(&mut secure, "200 OK", &[], &log(120));
            }
        }
    });
    (port, made.cert.pem())
}

#[test]
fn a_certificate_is_trusted_only_where_it_is_named() {
    let (port, certificate) = serve();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("trusted.pem");
    fs::write(&file, certificate).expect("written");
    let path = file.to_str().expect("text");
    let trace = |told: &[(&str, &str)]| {
        let remote = Some(Arc::new(Places::new(variables(told))) as Arc<_>);
        let request =
            TraceRequest { remote, ..TraceRequest::from_input(format!("https://127.0.0.1:{port}/access.log")) };
        open(&request).map_err(|error| error.to_string())
    };
    let problem = trace(&[]).unwrap_err();
    assert!(problem.contains("no secure connection (TLS)") && problem.contains("SSL_CERT_FILE"), "{problem}");
    assert_eq!(trace(&[("SSL_CERT_FILE", path)]).expect("a trace").observed.total(), 7_140.0);
    fs::write(&file, "no certificate").expect("written");
    for (name, word) in [(path, "no certificate in PEM form"), ("/absent.pem", "/absent.pem")] {
        let problem = trace(&[("SSL_CERT_FILE", name)]).unwrap_err();
        assert!(problem.contains(word), "{problem}");
    }
}
