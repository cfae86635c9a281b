//! How sure a comparison is: the same contest on traffic that might have been, with start-up times that might have been.
//!
//! Each replicate is one world for all contestants (common random numbers), so that what differs between them is their
//! own doing. Models forecast each replicate anew, from its own past alone. Gaps stay gaps and are filled again. Results
//! are the same for one seed on any number of threads.

mod blocks;
mod noise;
mod random;
mod spread;

use dataflow_forecast::{Exogenous, History, HistoryError};
use dataflow_scale::spec::{PolicySpec, Settings};
use dataflow_scale::{Outcome, StartUps};
use dataflow_series::{Fill, Observed, SeriesError, Step};
use rand_distr::{Distribution, LogNormal};
use rayon::prelude::*;

pub use spread::{Spread, chance_less};

use crate::{ExperimentError, Testbed};
use blocks::{DAYS_MIN, Days};
use noise::Noise;
use random::{Stream, stream};

/// Servers of one tick whose start-up times are drawn apart; further ones share these draws.
const START_UP_COLUMNS: usize = 32;
/// Start-up times are drawn for so many ticks at most, some three months of minutes, and then come again.
const START_UP_ROWS: usize = 131_072;

/// How traffic is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resampling {
    /// Whole days are drawn with replacement, each for one of its kind.
    #[default]
    Blocks,
    /// Each load is drawn anew around the level of its hour.
    Noise,
}

/// What is replicated, and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replication {
    /// Number of replicates.
    pub count: usize,
    /// How traffic is made anew.
    pub resampling: Resampling,
    /// Standard deviation of the start-up time of a server, as a share of its mean, the usual time; it is log-normal. Zero
    /// leaves all at the usual time.
    pub startup_spread: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// How missing intervals are filled.
    pub fill: Fill,
}

/// A policy with the settings it runs under.
#[derive(Debug, Clone, PartialEq)]
pub struct Contestant {
    /// The policy.
    pub policy: PolicySpec,
    /// Its settings.
    pub settings: Settings,
}

/// What one contestant did in one replicate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replicate {
    /// What it cost, dropped and changed.
    pub outcome: Outcome,
    /// What the optimum without cooldown costs in this replicate. Where start-up times vary, its servers all start as fast
    /// as the fastest drawn, so that no policy can beat it.
    pub bound: f64,
}

/// Why a contest could not be replicated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicateError {
    /// Too few days to draw from.
    #[error("only {found} whole days are judged; blocks of days need at least {DAYS_MIN} to draw from")]
    FewDays {
        /// Whole days found.
        found: usize,
    },
    /// The intervals are longer than blocks.
    #[error("at intervals of {0} there are no days to draw from")]
    LongIntervals(Step),
    /// A run failed.
    #[error(transparent)]
    Run(#[from] ExperimentError),
    /// A replicate's traffic cannot be used.
    #[error("the traffic of a replicate: {0}")]
    Series(#[from] SeriesError),
    /// A replicate's columns do not fit.
    #[error("the traffic of a replicate: {0}")]
    History(#[from] HistoryError),
}

/// Runs every contestant in every replicate: a row for each replicate, a cell for each contestant. `told` is called
/// whenever a replicate is done.
///
/// # Errors
/// When the traffic is too short for what is asked, or a run fails.
pub fn replicate(
    testbed: &Testbed,
    contestants: &[Contestant],
    replication: &Replication,
    told: &(dyn Fn() + Sync),
) -> Result<Vec<Vec<Replicate>>, ReplicateError> {
    let resampler = Resampler::new(testbed, replication)?;
    (0..replication.count)
        .into_par_iter()
        .map(|number| {
            let world = resampler.world(number)?;
            let row = contestants.iter().map(|contestant| contest(&world, contestant)).collect();
            told();
            row
        })
        .collect()
}

fn contest(world: &World, Contestant { policy, settings }: &Contestant) -> Result<Replicate, ReplicateError> {
    let outcome = world.testbed.run(policy, settings)?;
    let step = world.testbed.step();
    let fastest = world.start_ups.as_ref().map(|draws| draws.fewest_ticks(settings.fleet(step).startup_ticks));
    let mut settings = settings.clone();
    if let Some(ticks) = fastest {
        settings.startup_seconds = f64::from(ticks) * f64::from(step.seconds());
    }
    Ok(Replicate { outcome, bound: world.testbed.bound(&settings) })
}

/// One replicate of the world.
struct World {
    testbed: Testbed,
    start_ups: Option<StartUps>,
}

/// Makes the traffic of replicates.
struct Resampler<'a> {
    testbed: &'a Testbed,
    replication: &'a Replication,
    /// The load as it was seen, gaps and all.
    seen: Vec<Option<f64>>,
    source: Source,
}

enum Source {
    /// The days before the judged ticks, and those of them: neither lends to the other, so that what is judged stays the
    /// same kind of traffic and no model meets a day of it before its time.
    Days {
        before: Days,
        judged: Days,
    },
    Level(Noise),
}

impl<'a> Resampler<'a> {
    fn new(testbed: &'a Testbed, replication: &'a Replication) -> Result<Self, ReplicateError> {
        let (view, step) = (testbed.view(), testbed.step());
        let loads = testbed.load().iter().take(view.len());
        // What is judged is the load as well as it can be filled; where it was missing it is filled again.
        let seen: Vec<Option<f64>> =
            loads.enumerate().map(|(tick, load)| (!view.is_missing(tick)).then_some(*load)).collect();
        let source = match replication.resampling {
            Resampling::Noise => Source::Level(Noise::of(&seen, step, testbed.history().series().unit())),
            Resampling::Blocks => {
                let days = |stretch| Days::of(view.start(), step, testbed.zone(), stretch);
                let first = testbed.judged().first;
                if step >= Step::DAY {
                    return Err(ReplicateError::LongIntervals(step));
                }
                let (before, judged) = (days(0..first), days(first..view.len()));
                if judged.whole() < DAYS_MIN {
                    return Err(ReplicateError::FewDays { found: judged.whole() });
                }
                Source::Days { before, judged }
            }
        };
        Ok(Self { testbed, replication, seen, source })
    }

    /// The world of a replicate, by its number.
    fn world(&self, number: usize) -> Result<World, ReplicateError> {
        let (seed, judged) = (self.replication.seed, self.testbed.judged().load.len());
        let mut random = stream(seed, number, Stream::Traffic);
        let (load, history) = match &self.source {
            Source::Days { before, judged } => {
                let sources = [before.draw(&mut random), judged.draw(&mut random)].concat();
                self.rearranged(&sources)?
            }
            Source::Level(noise) => self.redrawn(&noise.draw(&mut random))?,
        };
        let (zone, methods) = (self.testbed.zone().clone(), self.testbed.methods().clone());
        let mut testbed = Testbed::new(history, load, judged, zone, methods)?;
        let start_ups = self.start_ups(number, judged);
        if let Some(draws) = &start_ups {
            testbed = testbed.with_start_ups(draws.clone());
        }
        Ok(World { testbed, start_ups })
    }

    /// The traffic with each tick taken from another one, and all that was measured with it.
    fn rearranged(&self, sources: &[usize]) -> Result<(Vec<f64>, History), ReplicateError> {
        let loads: Vec<Option<f64>> = sources.iter().map(|source| self.seen[*source]).collect();
        let (load, mut history) = self.filled(&loads)?;
        let view = self.testbed.view();
        for (name, values) in view.exogenous() {
            let values = sources.iter().map(|source| values[*source]).collect();
            history = history.with_exogenous(Exogenous { name: name.to_owned(), values })?;
        }
        if let Some((parts, inside)) = view.inside() {
            let loads = sources.iter().flat_map(|source| &inside[source * parts..(source + 1) * parts]);
            history = history.with_inside(parts, loads.copied().collect())?;
        }
        Ok((load, history))
    }

    /// The traffic with other loads, whose parts inside of intervals change in proportion. What was measured beside the old
    /// loads says nothing of the new ones and is left out.
    fn redrawn(&self, loads: &[Option<f64>]) -> Result<(Vec<f64>, History), ReplicateError> {
        let (load, mut history) = self.filled(loads)?;
        let view = self.testbed.view();
        if let Some((parts, inside)) = view.inside() {
            let old = view.values().iter();
            let new = history.series().values().iter();
            let ratios = new.zip(old).map(|(new, old)| if *old > 0.0 { new / old } else { 1.0 });
            let loads =
                ratios.zip(inside.chunks(parts)).flat_map(|(ratio, parts)| parts.iter().map(move |part| part * ratio));
            let loads = loads.collect();
            history = history.with_inside(parts, loads)?;
        }
        Ok((load, history))
    }

    /// The loads filled as well as they can be, and the history of what is known of them.
    fn filled(&self, loads: &[Option<f64>]) -> Result<(Vec<f64>, History), ReplicateError> {
        let series = self.testbed.history().series();
        let observed = Observed::new(series.start(), series.step(), series.unit(), loads.iter().copied())?;
        let load = observed.fill(self.replication.fill)?.values().to_vec();
        let known = observed.fill_from_past(self.replication.fill)?;
        Ok((load, History::new(known).with_missing(loads.iter().map(Option::is_none).collect())?))
    }

    /// The start-up times of the servers of a replicate; `None` where all take the usual time.
    fn start_ups(&self, number: usize, ticks: usize) -> Option<StartUps> {
        let spread = self.replication.startup_spread;
        // A log-normal variate of mean one: its logarithm has variance ln(1 + spread²) and minus half of that as mean.
        let variance = (spread * spread).ln_1p();
        let factors = LogNormal::new(-variance / 2.0, variance.sqrt()).ok().filter(|_| spread > 0.0)?;
        let mut random = stream(self.replication.seed, number, Stream::StartUps);
        let draws = ticks.min(START_UP_ROWS) * START_UP_COLUMNS;
        let factors = (0..draws).map(|_| factors.sample(&mut random) as f32).collect();
        Some(StartUps::new(factors, START_UP_COLUMNS))
    }
}
