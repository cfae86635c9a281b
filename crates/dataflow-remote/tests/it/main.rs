//! Places elsewhere: real servers that run here, and stand-ins on loopback of those that do not.

mod data_sets;
#[cfg(feature = "google-sheets")]
mod google_sheets;
#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "object-stores")]
mod objects;
mod prometheus;
mod server;
mod tls;
mod web_files;

use std::io::Write as _;

use dataflow_remote::Variables;

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A log of so many lines, one each second, in the manner of the NASA's.
fn log(lines: usize) -> Vec<u8> {
    let mut log = Vec::new();
    for line in 0..lines {
        let (minute, second) = (line / 60 % 60, line % 60);
        let time = format!("01/Jul/1995:{:02}:{minute:02}:{second:02} -0400", line / 3600);
        log.extend(format!("host{}.example - - [{time}] \"GET /{line} HTTP/1.0\" 200 {line}\n", line % 7).bytes());
    }
    log
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(content).expect("packs");
    writer.finish().expect("packs")
}
