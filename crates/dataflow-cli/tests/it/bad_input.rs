//! Bad input, bad usage, failed work and interrupts: one clear error, the right exit code, nothing written.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::{command, names, run, stderr};

/// Files to be refused.
fn write_files(folder: &Path) {
    let write = |name: &str, contents: &[u8]| fs::write(folder.join(name), contents).expect("writable");
    let numbers = (1_000..1_200).map(|load| load.to_string()).collect::<Vec<_>>().join("\n");
    write("numbers.txt", numbers.as_bytes());
    write("empty.log", b"");
    write("binary.dat", &[0x7f, b'E', b'L', b'F', 0, 1, 2, 3, 0, 0, 0xff, 0xfe, 0, 0]);
    write("no_valid_line.log", b"hello world\nthis is no access log\nat all, it is prose\n");
    write("no_time.csv", b"name,value\na,1\nb,2\n");
    write("unsorted.csv", b"time,value\n2024-01-01T00:01:00Z,1\n2024-01-01T00:00:00Z,2\n2024-01-01T00:02:00Z,2\n");
    write("duplicate.csv", b"time,value\n2024-01-01T00:00:00Z,1\n2024-01-01T00:01:00Z,2\n2024-01-01T00:01:00Z,2\n");
    write("nan.txt", b"1 2 NaN 4\n");
    write("negative.txt", b"1 2 -3 4\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(numbers.as_bytes()).expect("packs");
    let packed = packed.finish().expect("packs");
    write("truncated.gz", &packed[..packed.len() / 2]);
    write("short_forecast.csv", b"mean,lower,upper\n1,1,1\n");
    write("no_mean.csv", b"forecast\n1\n");
    write("crossed.csv", b"mean,lower,upper\n1,-1,-1\n1,2,1.5\n");
    fs::create_dir(folder.join("folder")).expect("a folder");
}

/// Runs `compare` with outputs that must not appear, and returns the one error.
fn refused(folder: &Path, arguments: &[&str], exit_code: i32) -> String {
    let before = names(folder);
    let outputs = ["--quiet", "--out", "results", "--timeline", "ticks.csv"];
    let output = run(folder, &[&["compare"], arguments, &outputs].concat());
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(exit_code), "{arguments:?}: {message}");
    assert_eq!(message.matches("error: ").count(), 1, "{arguments:?}: {message}");
    assert!(message.starts_with("error: "), "{arguments:?}: {message}");
    assert!(!message.contains("panicked"), "{arguments:?}: {message}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
    assert_eq!(names(folder), before, "{arguments:?} left something");
    message
}

#[test]
fn bad_traffic_is_told_by_name_and_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_files(folder);
    let cases: [(&str, &[&str]); 11] = [
        ("missing.log", &["no such file"]),
        ("empty.log", &["is empty"]),
        ("binary.dat", &["binary.dat"]),
        ("folder", &["folder"]),
        ("truncated.gz", &["truncated.gz"]),
        ("no_valid_line.log", &["no_valid_line.log"]),
        ("no_time.csv", &["no_time.csv", "time"]),
        ("unsorted.csv", &["line 3", "sort"]),
        ("duplicate.csv", &["line 4", "twice"]),
        ("nan.txt", &["NaN", "number 3"]),
        ("negative.txt", &["-3", "number 3"]),
    ];
    for (file, words) in cases {
        let message = refused(folder, &[file], 2);
        assert!(words.iter().all(|word| message.contains(word)), "{file}: {message}");
        assert!(message.contains(file), "{file}: {message}");
    }
}

#[test]
fn bad_settings_are_told_by_key_and_layer() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_files(folder);
    fs::write(folder.join("bad.yaml"), "simulation:\n  min_server: 2\n").expect("writable");
    let cases: [(&[&str], &[&str]); 19] = [
        (&["--set", "simulation.min_servers=9"], &["simulation.min_servers", "9", "simulation.max_servers", "5"]),
        (&["--set", "cost_parameters.capacity_per_server=0"], &["capacity_per_server", "--set"]),
        (&["--set", "cost_parameters.startup_time=-3m"], &["startup_time", "from 0 to 366d", "-3m"]),
        (&["--set", "cost_parameters.capacity_per_server=5e-324/d"], &["capacity_per_server", "--set"]),
        (&["--set", "simulation.max_servers"], &["KEY=VALUE"]),
        (&["--set", "thresholds.reactive.low=0.9"], &["thresholds.reactive.low", "below", "0.75"]),
        (&["--config", "bad.yaml"], &["bad.yaml:2", "min_server", "did you mean simulation.min_servers?"]),
        (&["--config", "missing.yaml"], &["missing.yaml"]),
        (&["--interval=-1m"], &["negative"]),
        (&["--interval", "400m"], &["longer than the trace"]),
        (&["--scale=-1"], &["--scale -1", "above 0"]),
        (&["--scale", "0"], &["--scale 0", "above 0"]),
        (&["--window", "soon"], &["--window", "START..END"]),
        (&["--policies", "reactiv"], &["did you mean reactive?"]),
        (&["--policies", "fixed:9"], &["from 1 to 5"]),
        (&["--forecast", "prophet"], &["prophet", "ridge"]),
        (&["--forecast", "short_forecast.csv"], &["short_forecast.csv", "1 row", "200 ticks"]),
        (&["--forecast", "no_mean.csv"], &["no_mean.csv", "\"mean\""]),
        (&["--forecast", "crossed.csv"], &["crossed.csv, line 3", "columns lower and upper", "found 2 and 1.5"]),
    ];
    for (arguments, words) in cases {
        let message = refused(folder, &[&["numbers.txt", "--step", "1m"], arguments].concat(), 2);
        assert!(words.iter().all(|word| message.contains(word)), "{arguments:?}: {message}");
    }
}

#[test]
fn sums_that_no_number_holds_are_refused_by_what_is_to_be_lowered() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_files(folder);
    fs::write(folder.join("huge.txt"), "1e308\n".repeat(20)).expect("writable");
    fs::write(folder.join("dear.yaml"), "cost_parameters:\n  violation_cost: 1e306\n").expect("writable");
    let (numbers, step) = ("numbers.txt", ["--step", "1m"]);
    let cases: [(&str, &[&str], &[&str]); 6] = [
        (numbers, &["--set", "cost_parameters.server_cost=1e308"], &["--set", "server_cost: with", "lower"]),
        (numbers, &["--set", "cost_parameters.scale_cost=1e307"], &["--set", "scale_cost: with 1e307", "lower"]),
        (numbers, &["--config", "dear.yaml"], &["dear.yaml:2: cost_parameters.violation_cost", "lower"]),
        (numbers, &["--set", "cost_parameters.capacity_per_server=1e-304"], &["raise cost_parameters.capacity_per"]),
        (numbers, &["--scale", "1e303"], &["numbers.txt", "lower the load, or --scale"]),
        ("huge.txt", &[], &["huge.txt", "lower the load"]),
    ];
    for (file, arguments, words) in cases {
        let message = refused(folder, &[&[file], &step[..], arguments].concat(), 2);
        assert!(words.iter().all(|word| message.contains(word)), "{arguments:?}: {message}");
        let output = run(folder, &[&["optimize", file, "--quiet"], &step[..], arguments].concat());
        assert_eq!((output.status.code(), stderr(&output)), (Some(2), message), "{arguments:?}");
    }
}

#[test]
fn bad_usage_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [&["explode"][..], &["compare", "--wat"], &["compare", "--threads", "0"], &[]] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!stderr(&output).is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_number_of_threads_that_cannot_be_meant_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for subcommand in ["compare", "optimize", "ingest"] {
        for threads in ["0", "1025", "100000", "two"] {
            let output = run(folder.path(), &[subcommand, "missing.log", "--threads", threads]);
            let message = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{subcommand} {threads}: {message}");
            assert!(message.contains("--threads") && message.contains("from 1 to 1024"), "{subcommand}: {message}");
        }
    }
}

#[test]
fn places_for_results_are_checked_before_the_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_files(folder);
    let trace = ["compare", "numbers.txt", "--step", "1m"];
    for (arguments, word) in [
        (&["--timeline", "folder"][..], "is a folder"),
        (&["--timeline", "nowhere/ticks.csv"], "make its folder first"),
        (&["--out", "numbers.txt"], "is a file"),
        (&["--plot", "plot.gif"], ".svg or .png"),
        (&["--plot", "same.svg", "--timeline", "same.svg"], "same.svg: is asked for twice"),
        (&["--out", "folder", "--plot", "./folder/plot.svg"], "plot.svg: is asked for twice"),
    ] {
        let before = names(folder);
        let output = run(folder, &[&trace[..], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
        assert_eq!(names(folder), before);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_fails_the_work_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_files(folder);
    let results = folder.join("results");
    fs::create_dir(&results).expect("a folder");
    std::os::unix::fs::symlink("/dev/full", results.join("timeline.csv")).expect("a link");
    let output = run(folder, &["compare", "numbers.txt", "--step", "1m", "--quiet", "--out", "results"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(stderr(&output).matches("error: ").count(), 1);
    assert!(stderr(&output).contains("No space left"), "{}", stderr(&output));
    assert_eq!(names(&results), ["timeline.csv"]);

    let full = fs::File::options().write(true).open("/dev/full").expect("a full disk");
    let output = command(folder, &["compare", "numbers.txt", "--step", "1m", "--quiet"])
        .stdout(full)
        .output()
        .expect("the command starts");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = command(folder.path(), &["config", "schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert_eq!(stderr(&output), "");
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    // Standard input that never ends keeps the run reading while it is interrupted.
    let mut child = command(folder, &["compare", "-", "--quiet", "--out", "results", "--timeline", "ticks.csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let _held_open = child.stdin.take();
    let waiting = std::time::Instant::now();
    while names(folder).len() < 2 {
        assert!(waiting.elapsed() < Duration::from_secs(30), "nothing was staged");
        std::thread::sleep(Duration::from_millis(5));
    }
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupt.expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("interrupted"), "{}", stderr(&output));
    assert_eq!(names(folder), Vec::<String>::new());
}
