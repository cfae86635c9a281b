//! `cargo xtask bench policies`: the tuned HPA against the best of ours, on held-out traffic, over seven fleets.
//!
//! Protocol: minutes of the NASA and the Twitter trace; everything is tuned on the fifth before the last one and judged
//! once on the last fifth. Of ours the one is judged that costs least on the tuning part. The margin is the difference of
//! the daily costs; its interval is that of a paired bootstrap over days. Fleets differ in start-up time and size: the
//! capacity is such that the 99th percentile of the tuning part fills nine tenths of the most servers, and a server's
//! whole capacity dropped for a minute costs 120 times what the server does, as with the reference's prices.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use dataflow_experiment::search::Budget;
use dataflow_experiment::tune::{Setup, tuned};
use dataflow_experiment::{Forecasts, LEVELS, Methods, Testbed};
use dataflow_forecast::{History, ModelSettings, ModelSpec, RollingSettings, rolling_forecast};
use dataflow_scale::Observe;
use dataflow_scale::spec::{Configuration, PolicySpec, Rate, Settings};
use dataflow_series::{Fill, Observed, Step, Unit};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::measure::{data_folder, trace::read_numbers};

/// Start-up time in minutes, and the most servers.
const FLEETS: [(u32, u32); 7] = [(1, 5), (3, 5), (3, 20), (5, 10), (10, 20), (15, 40), (30, 40)];
const TRACES: [(&str, &str); 2] =
    [("NASA", "nasa_requests_per_second.tar.bz2"), ("Twitter", "twitter_2021_08_per_second.tar.bz2")];
const BUDGET: Budget = Budget { evaluations: 200, seed: 1995 };
/// Minutes beyond the start-up time for which `quantile` is tried to provision as well.
const AHEAD_MINUTES: [u32; 3] = [0, 6, 12];
const MINUTES_PER_DAY: usize = 1_440;
const FILLED_SHARE: f64 = 0.9;
const LOST_SERVER_MINUTE: f64 = 6.0;
const RESAMPLES: usize = 4_000;

/// Prints the table of both traces.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn run() -> Result<()> {
    for (name, file) in TRACES {
        let testbed = testbed(file)?;
        println!("\n{name}: tuned on the fifth before the last, judged on the last\n");
        println!("| start-up | servers | bound | hpa tuned | ours | our policy | margin | 95% interval |");
        println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
        let (mut wins, mut sure) = (0, 0);
        for (startup, servers) in FLEETS {
            let row = Row::of(&testbed, startup, servers)?;
            wins += usize::from(row.ours < row.hpa);
            sure += usize::from(row.interval[0] > 0.0);
            row.print(startup, servers);
        }
        println!("\nOurs is cheaper in {wins} of {} fleets, in {sure} with confidence.", FLEETS.len());
    }
    Ok(())
}

struct Row {
    bound: f64,
    hpa: f64,
    ours: f64,
    policy: String,
    /// The share of the tuned HPA's cost that ours saves, from the 2.5th to the 97.5th percentile.
    interval: [f64; 2],
}

impl Row {
    fn of(testbed: &Testbed, startup: u32, servers: u32) -> Result<Self> {
        let ticks = testbed.load().len();
        let training = testbed.part(ticks * 3 / 5..ticks * 4 / 5);
        let judged = testbed.part(ticks * 4 / 5..ticks);
        let settings = settings(training.judged().load, startup, servers);
        let hpa = tuned(&training, &Setup { policy: PolicySpec::Hpa, settings: settings.clone() }, BUDGET)?;
        let mut best: Option<(f64, Setup)> = None;
        for setup in contestants(&settings) {
            let found = tuned(&training, &setup, BUDGET)?;
            if best.as_ref().is_none_or(|(cost, _)| found.after.cost < *cost) {
                best = Some((found.after.cost, found.setup));
            }
        }
        let (_, ours) = best.context("there are policies of ours")?;
        let (hpa_days, our_days) = (daily_costs(&judged, &hpa.setup)?, daily_costs(&judged, &ours)?);
        Ok(Self {
            bound: judged.bound(&settings),
            hpa: hpa_days.iter().sum(),
            ours: our_days.iter().sum(),
            policy: described(&ours),
            interval: interval(&hpa_days, &our_days),
        })
    }

    #[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
    fn print(&self, startup: u32, servers: u32) {
        let percent = |share: f64| format!("{:+.1}%", 100.0 * share);
        let [low, high] = self.interval.map(percent);
        let margin = percent(1.0 - self.ours / self.hpa);
        let (bound, hpa, ours, policy) = (self.bound, self.hpa, self.ours, &self.policy);
        println!(
            "| {startup} min | {servers} | {bound:.0} | {hpa:.0} | {ours:.0} | {policy} | {margin} | {low} to {high} |"
        );
        if self.interval[0] <= 0.0 {
            println!("| | | | | | tune your HPA: ours is not cheaper with confidence | | |");
        }
    }
}

/// Ours, each as it stands before tuning.
fn contestants(settings: &Settings) -> Vec<Setup> {
    let ahead = AHEAD_MINUTES.map(|minutes| Setup {
        policy: PolicySpec::Quantile,
        settings: Settings { quantile_ahead_seconds: 60.0 * f64::from(minutes), ..settings.clone() },
    });
    let others = [PolicySpec::Newsvendor, PolicySpec::ChanceConstrained];
    let others = others.map(|policy| Setup { policy, settings: settings.clone() });
    ahead.into_iter().chain(others).collect()
}

fn described(setup: &Setup) -> String {
    let parameters = setup.policy.parameters(&setup.settings);
    let numbers: Vec<String> = parameters
        .iter()
        .map(|parameter| format!("{} {:.3}{}", parameter.name, parameter.value, parameter.unit))
        .collect();
    let ahead = match setup.settings.quantile_ahead_seconds {
        seconds if setup.policy == PolicySpec::Quantile => format!(", quantile.ahead {seconds}s"),
        _ => String::new(),
    };
    format!("{} ({}{ahead})", setup.policy, numbers.join(", "))
}

/// A fleet that fits the traffic, at the reference's prices.
fn settings(load: &[f64], startup: u32, servers: u32) -> Settings {
    let mut sorted = load.to_vec();
    sorted.sort_by(f64::total_cmp);
    let high = sorted.get(sorted.len() * 99 / 100).copied().unwrap_or(1.0).max(1.0);
    let capacity = high / (FILLED_SHARE * f64::from(servers));
    Settings {
        startup_seconds: 60.0 * f64::from(startup),
        max_servers: servers,
        capacity_per_server: Rate { amount: capacity, per_seconds: Some(60.0) },
        violation_cost: LOST_SERVER_MINUTE / capacity,
        ..Configuration::default().settings().clone()
    }
}

/// Minutes of a trace of requests per second, forecast by `ridge`.
fn testbed(file: &str) -> Result<Testbed> {
    let seconds = read_numbers(&data_folder().join(file))?;
    let minutes = seconds.chunks_exact(60).map(|minute| Some(minute.iter().sum()));
    let observed = Observed::new(Timestamp::UNIX_EPOCH, Step::MINUTE, Unit::Requests, minutes)?;
    let series = observed.fill(Fill::Zero)?;
    let load = series.values().to_vec();
    let forecasts = Forecasts::Made(Arc::new(|view, lead| {
        let settings = ModelSettings::default();
        let model = ModelSpec::Ridge.model(settings)?;
        let rolling = RollingSettings { lead, observe_current: false, levels: LEVELS.to_vec(), model: settings };
        rolling_forecast(view, model.as_ref(), &rolling, None)
    }));
    let methods = Methods { observe: Observe::Previous, forecasts, alarms: None };
    let ticks = load.len();
    Ok(Testbed::new(History::new(series), load, ticks, TimeZone::UTC, methods)?)
}

fn daily_costs(testbed: &Testbed, setup: &Setup) -> Result<Vec<f64>> {
    let (_, timeline) = testbed.record(&setup.policy, &setup.settings)?;
    let days = timeline.cost.chunks(MINUTES_PER_DAY);
    Ok(days.map(|day| day.iter().map(dataflow_scale::Cost::total).sum()).collect())
}

/// The interval of the share that `ours` saves of `theirs`, over resampled days.
fn interval(theirs: &[f64], ours: &[f64]) -> [f64; 2] {
    let mut random = ChaCha8Rng::seed_from_u64(BUDGET.seed);
    let mut shares: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let (mut all, mut saved) = (0.0, 0.0);
            for _ in 0..theirs.len() {
                let day = (random.next_u64() % theirs.len() as u64) as usize;
                all += theirs[day];
                saved += theirs[day] - ours[day];
            }
            saved / all
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    [shares[RESAMPLES / 40], shares[RESAMPLES - 1 - RESAMPLES / 40]]
}
