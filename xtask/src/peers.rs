//! Access logs read by `dataflow ingest` and by other programs, side by side in one run.
//!
//! The log is the NASA sample of the data folder, repeated to the size asked for. All programs read the same file and
//! give requests, bytes and status classes per minute; only `wc -l` does less, and shows the limit, and `dataflow explore`
//! more: its ratio is to be at most 2. CPU seconds are
//! what the kernel counted for the process (user and system, to 10 ms), memory is its peak.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use dataflow_series::log::{LogInput, Options, Row, read_logs};
use dataflow_series::{Step, open_decompressed};

use crate::measure::data_folder;

const LOG: &str = "nasa_1995-07-01_first_10001_lines.log.gz";
/// The kernel counts CPU time in these.
const TICKS_PER_SECOND: f64 = 100.0;

/// Requests, bytes and status classes per minute, and their totals in the order of [`Totals`].
const AWK: &str = r#"substr($4, 1, 1) == "[" {
    m = substr($4, 2, 17); s = $(NF - 1); b = ($NF == "-") ? 0 : $NF
    requests[m]++; bytes[m] += b
    if (s >= 200 && s < 300) success[m]++
    else if (s == 304) no_change[m]++
    else if (s >= 300 && s < 400) redirected[m]++
    else if (s == 404) not_found[m]++
    else if (s >= 400 && s < 600) error[m]++
}
END {
    for (m in requests) {
        t[1] += requests[m]; t[2] += bytes[m]; t[3] += success[m]; t[4] += no_change[m]
        t[5] += redirected[m]; t[6] += not_found[m]; t[7] += error[m]
    }
    printf "%.0f,%.0f,%d,%d,%d,%d,%d\n", t[1], t[2], t[3], t[4], t[5], t[6], t[7]
}"#;

/// The same in DuckDB, the log read as a table with a blank between the columns.
const DUCKDB: &str = r#"
import sys, duckdb
db = duckdb.connect()
db.sql(f"set threads = {sys.argv[2]}")
db.sql("set enable_progress_bar = false")
names = ["host", "identd", "user", "stamp", "zone", "request", "status", "size"]
columns = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in names) + "}"
print(*db.sql(f"""
    with minutes as (
        select stamp[2:18] as minute, count(*) as requests, sum(coalesce(try_cast(size as bigint), 0)) as bytes,
            count(*) filter (status between '200' and '299') as success, count(*) filter (status = '304') as no_change,
            count(*) filter (status between '300' and '399' and status <> '304') as redirected,
            count(*) filter (status = '404') as not_found,
            count(*) filter (status between '400' and '599' and status <> '404') as error
        from read_csv('{sys.argv[1]}', delim = ' ', quote = '"', escape = '', header = false, auto_detect = false,
            columns = {columns}, strict_mode = false, ignore_errors = true, null_padding = true)
        where stamp[1] = '['
        group by minute)
    select sum(requests), sum(bytes), sum(success), sum(no_change), sum(redirected), sum(not_found), sum(error)
    from minutes
""").fetchall()[0], sep=",")
"#;

/// Requests, bytes, success, no change, redirected, not found, error.
type Totals = [u64; 7];

/// What one program took.
struct Usage {
    wall: Duration,
    cpu_seconds: f64,
    memory_bytes_peak: u64,
    output: String,
}

/// Runs all programs on a log of so many megabytes and prints what each took.
///
/// # Errors
/// When the log cannot be made, or `dataflow` cannot be built or fails.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn run(megabytes: usize) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the project's folder")?;
    let folder = root.join("target/peers");
    fs::create_dir_all(&folder)?;
    let log = folder.join("access.log");
    let expected = write_log(&log, megabytes)?;
    let bytes = fs::metadata(&log)?.len();
    let dataflow = build(root)?;
    let output = folder.join("traffic.csv");
    let all = std::thread::available_parallelism()?.get();
    println!("{} MB of Common Log Format, {} lines; {all} cores\n", bytes / 1_000_000, expected[0]);
    println!(
        "{:<28} {:>8} {:>8} {:>14} {:>9} {:>7}  totals",
        "program", "wall s", "MB/s", "MB/s per core", "peak MB", "ratio"
    );
    let text = log.as_os_str().to_owned();
    let ours = |threads: usize| {
        let arguments = ["ingest", "--quiet", "--threads", &threads.to_string(), "--output"].map(OsString::from);
        let mut command = Command::new(&dataflow);
        command.args(arguments).arg(&output).arg(&text);
        let usage = usage(&mut command)?.context("dataflow was just built")?;
        anyhow::Ok((usage, read_totals(&output)?))
    };
    // Once unmeasured, so that every program finds the file in the system's cache.
    let _ = fs::read(&log).map(drop);
    let (one, totals) = ours(1)?;
    let unit = one.cpu_seconds;
    let row = |name: &str, usage: &Usage, totals: Option<Totals>| {
        let speed = |seconds: f64| bytes as f64 / 1e6 / seconds;
        println!(
            "{name:<28} {:>8.2} {:>8.0} {:>14.0} {:>9.1} {:>7.1}  {}",
            usage.wall.as_secs_f64(),
            speed(usage.wall.as_secs_f64()),
            speed(usage.cpu_seconds.max(1.0 / TICKS_PER_SECOND)),
            usage.memory_bytes_peak as f64 / 1e6,
            usage.cpu_seconds / unit,
            Verdict(totals, expected)
        );
    };
    row("dataflow ingest, 1 thread", &one, Some(totals));
    let (many, totals) = ours(all)?;
    row(&format!("dataflow ingest, {all} threads"), &many, Some(totals));
    for threads in [1, all] {
        let threads_text = threads.to_string();
        let mut command = Command::new(&dataflow);
        command.args(["explore", "--quiet", "--format", "json", "--threads", &threads_text]).arg(&text);
        let usage = usage(&mut command)?.context("dataflow was just built")?;
        let noun = if threads == 1 { "thread" } else { "threads" };
        row(&format!("dataflow explore, {threads} {noun}"), &usage, None);
    }
    match usage(Command::new("wc").arg("-l").arg(&text))? {
        Some(usage) => row("wc -l (counts lines only)", &usage, None),
        None => println!("wc is not installed"),
    }
    match usage(Command::new("mawk").arg(AWK).arg(&text))? {
        Some(usage) => row("mawk", &usage, Some(parse_totals(&usage.output)?)),
        None => println!("mawk is not installed: apt-get install mawk"),
    }
    if Command::new("python3").args(["-c", "import duckdb"]).stderr(Stdio::null()).status().is_ok_and(|it| it.success())
    {
        for threads in [1, all] {
            let mut command = Command::new("python3");
            command.args(["-c", DUCKDB]).arg(&text).arg(threads.to_string());
            if let Some(usage) = usage(&mut command)? {
                row(
                    &format!("DuckDB, {threads} {}", if threads == 1 { "thread" } else { "threads" }),
                    &usage,
                    Some(parse_totals(&usage.output)?),
                );
            }
        }
    } else {
        println!("DuckDB is not installed: pip install duckdb");
    }
    println!("\nMB/s per core is by CPU seconds; ratio is CPU seconds to those of dataflow on one thread.");
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Whether a program's totals are right.
struct Verdict(Option<Totals>, Totals);

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(totals) = self.0 else { return formatter.write_str("-") };
        if totals == self.1 {
            return formatter.write_str("agree");
        }
        write!(formatter, "differ: {} requests, {} bytes; right are {}, {}", totals[0], totals[1], self.1[0], self.1[1])
    }
}

/// Writes the sample's lines again and again; gives the right totals, counted line by line on one copy.
fn write_log(path: &Path, megabytes: usize) -> anyhow::Result<Totals> {
    let sample = data_folder().join(LOG);
    let mut lines = Vec::new();
    open_decompressed(&sample)
        .with_context(|| format!("the NASA lines are needed: set DATAFLOW_DATA to the folder of {LOG}"))?
        .read_to_end(&mut lines)?;
    if !lines.ends_with(b"\n") {
        lines.push(b'\n');
    }
    let copies = (megabytes * 1_000_000).div_ceil(lines.len());
    let mut file = BufWriter::new(File::create(path)?);
    for _ in 0..copies {
        file.write_all(&lines)?;
    }
    file.flush()?;
    let options = Options { step: Step::MINUTE, ..Options::default() };
    let total = read_logs([Ok(LogInput::new(LOG, &lines[..]))], &options)?.total();
    let Row { requests, bytes, success, no_change, redirected, not_found, error } = total;
    let totals = [requests, bytes, success, no_change, redirected, not_found, error];
    Ok(totals.map(|count| count * copies as u64))
}

fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status =
        Command::new(cargo).current_dir(root).args(["build", "--release", "--package", "dataflow-cli"]).status()?;
    if !status.success() {
        bail!("dataflow does not build");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    Ok(target.join("release/dataflow"))
}

/// Runs a program to its end; `None` when it is not installed.
fn usage(command: &mut Command) -> anyhow::Result<Option<Usage>> {
    let started = Instant::now();
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let mut memory_bytes_peak = 0;
    // An ended process keeps its times until it is waited for, but not its memory.
    let cpu_seconds = loop {
        memory_bytes_peak = memory_peak(&process).unwrap_or(memory_bytes_peak);
        let (state, ticks) = state(&process).context("peers are measured by /proc, which only Linux has")?;
        if state == 'Z' {
            break ticks / TICKS_PER_SECOND;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let wall = started.elapsed();
    let mut output = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        std::io::Read::read_to_string(&mut stdout, &mut output)?;
    }
    if !child.wait()?.success() {
        bail!("{command:?} failed");
    }
    Ok(Some(Usage { wall, cpu_seconds, memory_bytes_peak, output }))
}

/// A process's state letter, and its user and system time.
fn state(process: &Path) -> Option<(char, f64)> {
    let text = fs::read_to_string(process.join("stat")).ok()?;
    // The name in parentheses may hold spaces.
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((fields.first()?.chars().next()?, ticks(11)? + ticks(12)?))
}

fn memory_peak(process: &Path) -> Option<u64> {
    let text = fs::read_to_string(process.join("status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

fn parse_totals(text: &str) -> anyhow::Result<Totals> {
    let counts: Vec<u64> = text.trim().split(',').map(str::parse).collect::<Result<_, _>>()?;
    counts.try_into().ok().context("seven totals were expected")
}

/// The sums of the columns that `dataflow ingest` wrote.
fn read_totals(path: &Path) -> anyhow::Result<Totals> {
    let mut totals = [0; 7];
    for line in fs::read_to_string(path)?.lines().skip(1) {
        for (total, cell) in totals.iter_mut().zip(line.split(',').skip(1)) {
            *total += cell.parse::<u64>()?;
        }
    }
    Ok(totals)
}
