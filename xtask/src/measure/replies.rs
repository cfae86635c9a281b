//! The figures of the replies, from the first lines of the log: shares of the status classes and sizes.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use dataflow_series::open_decompressed;

/// The probabilities at which the sizes of successful replies are told; the Pareto tail begins at the last.
const PROBABILITIES: [f64; 12] = [0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95];

pub(super) fn measure(log: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    open_decompressed(log)?.read_to_end(&mut bytes).with_context(|| format!("cannot read {}", log.display()))?;
    let mut sizes: [Vec<f64>; 5] = Default::default();
    for line in String::from_utf8_lossy(&bytes).lines() {
        let mut fields = line.rsplit(' ');
        let (Some(size), Some(Ok(status))) = (fields.next(), fields.next().map(str::parse::<u16>)) else { continue };
        let class = match status {
            200..=299 => 0,
            304 => 1,
            300..=399 => 2,
            404 => 3,
            _ => 4,
        };
        sizes[class].push(size.parse().unwrap_or(0.0));
    }
    let all: usize = sizes.iter().map(Vec::len).sum();
    ensure!(!sizes[0].is_empty(), "{} holds no successful reply", log.display());
    let mut text = String::new();
    let shares: Vec<String> = sizes.iter().map(|sizes| format!("{:.4}", sizes.len() as f64 / all as f64)).collect();
    writeln!(text, "CLASS_SHARES: {}", shares.join(", "))?;
    let means = sizes[1..].iter().map(|sizes| format!("{:.0}", sizes.iter().sum::<f64>() / sizes.len().max(1) as f64));
    writeln!(text, "OTHER_BYTES: {}", means.collect::<Vec<_>>().join(", "))?;
    let success = &mut sizes[0];
    success.sort_by(f64::total_cmp);
    let quantile = |probability: f64| success[((success.len() - 1) as f64 * probability) as usize].max(1.0);
    let quantiles = PROBABILITIES.map(|probability| format!("({probability:?}, {:?})", quantile(probability)));
    writeln!(text, "SIZE_QUANTILES: {}", quantiles.join(", "))?;
    // Hill's estimate of the tail index (B. M. Hill, Annals of Statistics 3(5), 1975).
    let from = quantile(PROBABILITIES[PROBABILITIES.len() - 1]);
    let tail: Vec<f64> = success.iter().filter(|size| **size > from).map(|size| (size / from).ln()).collect();
    writeln!(text, "SIZE_TAIL_INDEX: {:.2}", tail.len() as f64 / tail.iter().sum::<f64>())?;
    writeln!(text, "SIZE_MAX: {:?}", quantile(1.0))?;
    Ok(text)
}
