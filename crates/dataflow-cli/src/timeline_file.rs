//! The timeline file: every tick of every run as CSV, floats in the shortest form that reads back the same.

use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::Path;

use dataflow_experiment::excess;
use dataflow_scale::Reason;

use crate::comparison::{Comparison, Ticks};
use crate::failure::Failure;

/// The last two tell what the optimum had then, and what was paid beyond it; they are empty where it was not recorded.
const HEADER: &str = "policy,tick,time,load,provisioned,ready,change,reason,server_cost,scale_cost,violation_cost,\
                      optimum_provisioned,excess_cost";

/// Writes all timelines to `path`.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write(comparison: &Comparison, ticks: &Ticks, path: &Path) -> Result<(), Failure> {
    let written = std::fs::File::create(path).and_then(|file| {
        let mut file = BufWriter::with_capacity(1 << 16, file);
        rows(comparison, ticks, &mut file)?;
        file.flush()
    });
    written.map_err(|error| Failure::Work(format!("the timeline cannot be written: {error}")))
}

fn rows(comparison: &Comparison, ticks: &Ticks, file: &mut impl Write) -> std::io::Result<()> {
    writeln!(file, "{HEADER}")?;
    let mut reason = String::new();
    for (run, timeline) in comparison.runs.iter().zip(&ticks.timelines) {
        for tick in 0..timeline.len() {
            reason.clear();
            for (index, link) in timeline.reasons(tick).iter().enumerate() {
                reason.push_str(if index == 0 { "" } else { "; " });
                // At full precision, so in the reason's own words where the run knows no more.
                let _ = match (link, &ticks.alarms) {
                    (Reason::Anomaly, Some(alarms)) => write!(reason, "{}", alarms.reason(tick)),
                    _ => write!(reason, "{link}"),
                };
            }
            // Reasons hold commas but no quotes.
            let cost = &timeline.cost[tick];
            let (optimum, beyond) = match ticks.optimum.provisioned.get(tick) {
                Some(servers) => (servers.to_string(), excess(timeline, &ticks.optimum, tick).to_string()),
                None => (String::new(), String::new()),
            };
            writeln!(
                file,
                "{},{tick},{},{},{},{},{},\"{reason}\",{},{},{},{optimum},{beyond}",
                run.policy,
                ticks.load.time(tick),
                ticks.load.values()[tick],
                timeline.provisioned[tick],
                timeline.ready[tick],
                timeline.change[tick],
                cost.server,
                cost.scale,
                cost.violation,
            )?;
        }
    }
    Ok(())
}
