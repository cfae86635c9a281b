//! `dataflow regret`: where the money between each policy and the optimum went, and what accuracy, faster starts and a
//! buffer are worth.

use std::path::PathBuf;

use clap::Args;
use dataflow_experiment::ExperimentError;
use dataflow_experiment::regret::{self, Cause, Regret};
use dataflow_experiment::worth::{self, Worth};
use dataflow_scale::spec::PolicySpec;
use serde::Serialize;

use super::{note_built_in_trace, on_threads};
use crate::arguments::{KnowledgeArguments, SettingsArguments, TraceArguments};
use crate::comparison::TraceFacts;
use crate::failure::Failure;
use crate::laboratory::Laboratory;
use crate::output::{self, Format};
use crate::pipeline::trace_facts;
use crate::plot;
use crate::policy;
use crate::progress::Progress;
use crate::quantity::{duration, grouped, percent};
use crate::staging::Staging;
use crate::table::Table;

/// Shares of the way from naive to perfect forecasts.
const SHARES: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
/// Start-up times, in seconds.
const STARTS: [f64; 8] = [10.0, 30.0, 60.0, 120.0, 180.0, 300.0, 450.0, 600.0];
/// Buffers, as shares of the servers that the policy would have.
const BUFFERS: [f64; 10] = [-0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5];

/// Tell where the money between each policy and the optimum went
///
/// What a policy costs above the optimum is split among its limits: servers take time to start (start-up), it waits before
/// it acts (delays), every change has a price (scaling), the number of servers has bounds, and it does not know the future
/// (foresight). Each limit is lifted for policy and optimum alike, in all 32 combinations; its part is its Shapley value.
/// What is left is the target: more servers than the load needs (too many) or fewer (too few). All parts add up.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dataflow regret access.log.gz --policies reactive,quantile,hpa\n  \
    dataflow regret access.log.gz --policies quantile --worth --plot worth.svg")]
pub(crate) struct RegretArguments {
    #[command(flatten)]
    trace: TraceArguments,
    /// Policies to take apart, as `dataflow compare --policies` takes them
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "fixed,reactive,predictive,hybrid,quantile,hpa",
        help_heading = "Regret"
    )]
    policies: Vec<String>,
    /// Also tell what each policy would cost with forecasts from naive to perfect, starts of 10 seconds to 10 minutes, and
    /// smaller and larger buffers
    #[arg(long, help_heading = "Regret")]
    worth: bool,
    #[command(flatten)]
    knowledge: KnowledgeArguments,
    /// Draw the parts, and what is worth what, as .svg or .png
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArguments,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Results")]
    format: Format,
}

/// The regret of all policies; its serialisation is the JSON of the command. Costs in the currency of the prices.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RegretFacts {
    pub(crate) trace: TraceFacts,
    pub(crate) bound: f64,
    pub(crate) policies: Vec<PolicyRegret>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct PolicyRegret {
    pub(crate) policy: String,
    pub(crate) cost: f64,
    pub(crate) regret: f64,
    /// What each limit is to blame for, and last the target; they add up to the regret.
    pub(crate) parts: Vec<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) worth: Option<Worths>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Part {
    pub(crate) cause: &'static str,
    pub(crate) cost: f64,
}

/// What a policy would cost in other worlds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Worths {
    /// Mean absolute error of its own forecasts; none where it uses none.
    pub(crate) forecast_mae: Option<f64>,
    /// By the share of the way from naive to perfect forecasts.
    pub(crate) accuracy: Vec<WorthFacts>,
    /// By the start-up time in seconds.
    pub(crate) start_up: Vec<WorthFacts>,
    /// By the share of servers more than the policy would have.
    pub(crate) buffer: Vec<WorthFacts>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct WorthFacts {
    pub(crate) at: f64,
    pub(crate) cost: f64,
    pub(crate) dropped_share: f64,
    pub(crate) bound: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mae: Option<f64>,
}

/// Takes the policies apart, and shows what came of it.
///
/// # Errors
/// When an argument or the trace is wrong, or results cannot be written.
pub(crate) fn run(arguments: &RegretArguments, quiet: bool) -> Result<(), Failure> {
    let progress = Progress::new(quiet);
    let mut staging = Staging::default();
    arguments.plot.as_deref().map(plot::Form::of).transpose()?;
    let plot = arguments.plot.as_ref().map(|target| staging.file(target)).transpose()?;
    note_built_in_trace(&arguments.trace.trace, "regret", quiet);
    let (facts, notes) = on_threads(arguments.settings.threads, || measure(arguments, &progress, quiet))?;
    drop(progress);
    if !quiet {
        for note in &notes {
            output::note(note);
        }
    }
    if let Some(path) = plot {
        plot::write_regret(&facts, &path)?;
    }
    staging.commit()?;
    output::print(&render(&facts, arguments.format))
}

fn measure(
    arguments: &RegretArguments,
    progress: &Progress,
    quiet: bool,
) -> Result<(RegretFacts, Vec<String>), Failure> {
    let laboratory = Laboratory::open(&arguments.trace, &arguments.settings, &arguments.knowledge, progress, quiet)?;
    let mut policies = policy::all_named(&arguments.policies, "--policies", laboratory.settings())?;
    if !arguments.policies.iter().any(|text| text.trim() == PolicySpec::Optimal.to_string()) {
        // It is there because all were asked for.
        policies.retain(|policy| *policy != PolicySpec::Optimal);
    }
    if let Some(optimal) = policies.iter().find(|policy| **policy == PolicySpec::Optimal) {
        return Err(Failure::Input(format!(
            "--policies {optimal}: the replay of the optimum knows the future, so no limit is to blame for what it costs; \
             leave it away"
        )));
    }
    let bar = progress.steps("regret", policies.len());
    let mut told = Vec::new();
    for policy in &policies {
        told.push(of_policy(&laboratory, policy, arguments.worth).map_err(|error| Failure::Work(error.to_string()))?);
        bar.add(1);
    }
    let facts = RegretFacts {
        trace: trace_facts(&laboratory.world),
        bound: laboratory.testbed.bound(laboratory.settings()),
        policies: told,
    };
    Ok((facts, laboratory.notes()))
}

fn of_policy(laboratory: &Laboratory, policy: &PolicySpec, worth: bool) -> Result<PolicyRegret, ExperimentError> {
    let (testbed, settings) = (&laboratory.testbed, laboratory.settings());
    let regret = regret::regret(testbed, policy, settings)?;
    let worths = || -> Result<Worths, ExperimentError> {
        let uses_model = policy.uses_forecast();
        Ok(Worths {
            forecast_mae: if uses_model { worth::own_error(testbed, settings)? } else { None },
            accuracy: facts(&worth::of_accuracy(testbed, policy, settings, &SHARES)?),
            start_up: facts(&worth::of_start_up(testbed, policy, settings, &STARTS)?),
            buffer: facts(&worth::of_buffer(testbed, policy, settings, &BUFFERS)?),
        })
    };
    Ok(PolicyRegret {
        policy: policy.to_string(),
        cost: regret.cost,
        regret: regret.total(),
        parts: parts(&regret),
        worth: worth.then(worths).transpose()?,
    })
}

fn facts(worth: &[Worth]) -> Vec<WorthFacts> {
    let fact = |worth: &Worth| WorthFacts {
        at: worth.at,
        cost: worth.cost,
        dropped_share: worth.dropped_share,
        bound: worth.bound,
        mae: worth.mae,
    };
    worth.iter().map(fact).collect()
}

fn parts(regret: &Regret) -> Vec<Part> {
    let limits = Cause::ALL.into_iter().zip(regret.causes).map(|(cause, cost)| Part { cause: cause.name(), cost });
    let target = [("too many", regret.too_many_servers), ("too few", regret.too_few_servers)];
    limits.chain(target.map(|(cause, cost)| Part { cause, cost })).collect()
}

fn render(facts: &RegretFacts, format: Format) -> String {
    match format {
        // No key or value can fail to be written.
        Format::Json => serde_json::to_string_pretty(facts).unwrap_or_default() + "\n",
        Format::Csv => csv(facts),
        Format::Table | Format::Markdown => page(facts, format == Format::Markdown),
    }
}

/// One row per policy and cause, at full precision; what is worth what follows with its own causes.
fn csv(facts: &RegretFacts) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let mut row = |cells: [String; 4]| drop(writer.write_record(cells));
    row(["policy", "cause", "at", "cost"].map(str::to_owned));
    for policy in &facts.policies {
        for part in &policy.parts {
            row([policy.policy.clone(), part.cause.to_owned(), String::new(), part.cost.to_string()]);
        }
        let worths = policy.worth.iter().flat_map(|worth| {
            [("accuracy", &worth.accuracy), ("start-up time", &worth.start_up), ("buffer", &worth.buffer)]
        });
        for (name, worths) in worths {
            for worth in worths {
                row([policy.policy.clone(), name.to_owned(), worth.at.to_string(), worth.cost.to_string()]);
            }
        }
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn page(facts: &RegretFacts, markdown: bool) -> String {
    let show = |table: &Table| if markdown { table.markdown() } else { table.text() };
    let causes = facts.policies.first().map(|policy| policy.parts.iter().map(|part| part.cause)).into_iter().flatten();
    let mut table = Table::new(["policy", "cost", "regret"].into_iter().chain(causes));
    for policy in &facts.policies {
        let mut row = vec![policy.policy.clone(), grouped(policy.cost), grouped(policy.regret)];
        row.extend(policy.parts.iter().map(|part| grouped(part.cost)));
        table.push(&row);
    }
    let mut text = format!(
        "{}\nRegret: cost above the least possible, {}, and how much of it each limit is to blame for; the parts of a row add \
         up.\nA negative part: that limit keeps the policy from dearer mistakes. Costs: in the currency of the prices.\n",
        show(&table),
        grouped(facts.bound)
    );
    for policy in &facts.policies {
        if let Some(worth) = &policy.worth {
            text.push('\n');
            text.push_str(&worth_page(policy, worth, &show));
        }
    }
    text
}

fn worth_page(policy: &PolicyRegret, worth: &Worths, show: &dyn Fn(&Table) -> String) -> String {
    let mut text = String::new();
    let mut part = |head: &str, rows: &[WorthFacts], at: &dyn Fn(&WorthFacts) -> String| {
        if rows.is_empty() {
            return;
        }
        let mut table = Table::new([head, "cost", "least possible", "dropped"]);
        for row in rows {
            table.push(&[at(row), grouped(row.cost), grouped(row.bound), percent(row.dropped_share)]);
        }
        text.push_str(&show(&table));
        text.push('\n');
    };
    part(&format!("{}: way from naive to perfect", policy.policy), &worth.accuracy, &|row| percent(row.at));
    part(&format!("{}: start-up time", policy.policy), &worth.start_up, &|row| duration(row.at as u64));
    part(&format!("{}: buffer", policy.policy), &worth.buffer, &|row| signed(row.at));
    text + &advice(policy, worth).join(" ") + "\n"
}

fn signed(share: f64) -> String {
    if share > 0.0 { format!("+{}", percent(share)) } else { percent(share) }
}

/// What pays: a better model, a faster start, or another buffer; a sentence for each.
pub(crate) fn advice(policy: &PolicyRegret, worth: &Worths) -> Vec<String> {
    let saved = |cost: f64| {
        let share = if policy.cost > 0.0 { percent((policy.cost - cost) / policy.cost) } else { percent(0.0) };
        format!("{} ({share})", grouped(policy.cost - cost))
    };
    let model = match (worth.accuracy.last(), worth.accuracy.first(), worth.forecast_mae) {
        (Some(perfect), Some(naive), Some(mae)) => {
            let way = naive.mae.filter(|naive| *naive > 0.0).map_or(f64::NAN, |naive| 1.0 - mae / naive);
            format!(
                "With perfect forecasts {} would save {}; its own have gone {} of the way from naive to perfect.",
                policy.policy,
                saved(perfect.cost),
                percent(way)
            )
        }
        _ => format!("{} uses no forecasts of a model.", policy.policy),
    };
    let fastest = worth.start_up.first().map(|fast| {
        let start = duration(fast.at as u64);
        if fast.cost < policy.cost {
            format!("Starts within {start} would save {}.", saved(fast.cost))
        } else {
            format!("Starts within {start} would save nothing.")
        }
    });
    let best = worth.buffer.iter().min_by(|one, other| one.cost.total_cmp(&other.cost));
    let buffer = best.map(|best| {
        if best.at == 0.0 || best.cost >= policy.cost {
            "No other buffer among those tried would have been cheaper.".to_owned()
        } else {
            format!("The cheapest buffer, {} in hindsight, would save {}.", signed(best.at), saved(best.cost))
        }
    });
    [Some(model), fastest, buffer].into_iter().flatten().collect()
}
