//! Traffic on which policies are tried under any settings: loads, what is known of them when, forecasts and optima, each
//! made once.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use dataflow_forecast::{FitError, History, RollingForecast, View};
use dataflow_scale::optimum::{self, Plan};
use dataflow_scale::spec::{PolicySpec, Settings};
use dataflow_scale::{
    Fleet, ForecastTrack, Observe, Outcome, Policy, Prices, QuantileTrack, Scenario, SimulationError, StartUps,
    Timeline, Watch, simulate_watched,
};
use dataflow_series::Step;
use jiff::tz::TimeZone;

use crate::forecast_rows::forecast_track;
use crate::learner::learning;

/// Makes the forecasts of a whole history at a lead of so many ticks, with the quantiles of [`LEVELS`](crate::LEVELS);
/// it must see no load before its time.
pub type ForecastMaker = Arc<dyn Fn(View<'_>, usize) -> Result<RollingForecast, FitError> + Send + Sync>;

/// Judges for every interval of a history whether its load is an anomaly, from what came before it alone.
pub type AlarmMaker = Arc<dyn Fn(View<'_>) -> Vec<bool> + Send + Sync>;

/// Where the forecasts of policies come from.
#[derive(Clone)]
pub enum Forecasts {
    /// Made by a model, for any history at any lead.
    Made(ForecastMaker),
    /// Made elsewhere: a row for each interval of this one history, whatever the lead.
    Given(Arc<ForecastTrack>),
}

/// How forecasts and alarms are made.
#[derive(Clone)]
pub struct Methods {
    /// What a policy knows of the newest load.
    pub observe: Observe,
    /// Where forecasts come from.
    pub forecasts: Forecasts,
    /// Where alarms come from; `None` where a load above a high quantile of its forecast is one, or given forecasts say.
    pub alarms: Option<AlarmMaker>,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// The forecasts could not be made.
    #[error(transparent)]
    Forecast(#[from] FitError),
    /// Loads, known loads and forecasts are not of one length.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
}

/// What is judged: the loads of the judged ticks, and what policies come to know of them.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The load of each tick.
    pub load: &'a [f64],
    /// The load as policies come to know it.
    pub known: &'a [f64],
    /// The first judged tick, counted from the beginning of the history.
    pub first: usize,
}

/// Traffic on which policies are tried; cheap to clone, and to cut into parts that share forecasts.
#[derive(Clone)]
pub struct Testbed {
    traffic: Arc<Traffic>,
    judged: Range<usize>,
    /// The forecasts of the judged ticks, by leads.
    tracks: Kept<Vec<usize>, Result<Arc<ForecastTrack>, FitError>>,
    /// The optima without cooldown, by fleet and prices.
    plans: Kept<OptimumKey, Arc<Plan>>,
    /// Start-up times of each server's own, where they are not all the usual one.
    start_ups: Option<Arc<StartUps>>,
    /// Whether policies know the load at their lead.
    foresight: bool,
    /// Whether policies are judged on the load as it became known.
    as_known: bool,
}

struct Traffic {
    history: History,
    zone: TimeZone,
    load: Vec<f64>,
    methods: Methods,
    /// The forecasts of the whole history, by lead.
    rolling: Kept<usize, Result<Arc<RollingForecast>, FitError>>,
    alarms: OnceLock<Option<Vec<bool>>>,
}

/// All that the optimum without cooldown depends on, besides the load.
pub(crate) type OptimumKey = [u64; 7];

/// The key of a fleet and prices.
pub(crate) fn optimum_key(fleet: &Fleet, prices: &Prices) -> OptimumKey {
    [
        fleet.capacity.to_bits(),
        u64::from(fleet.startup_ticks),
        u64::from(fleet.min_servers),
        u64::from(fleet.max_servers),
        prices.server.to_bits(),
        prices.scale.to_bits(),
        prices.violation.to_bits(),
    ]
}

/// Values made once for each key, whoever asks first; others wait for that key alone.
type Kept<K, V> = Arc<Mutex<HashMap<K, Arc<OnceLock<V>>>>>;

fn keep<K: std::hash::Hash + Eq, V: Clone>(kept: &Kept<K, V>, key: K, make: impl FnOnce() -> V) -> V {
    // A thread that panicked with the lock left a map that is whole.
    let place = kept.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
    place.get_or_init(make).clone()
}

impl Testbed {
    /// Traffic whose last `judged` intervals are judged. `load` is the load of every interval of the history, gaps filled
    /// as well as can be, while the history is filled from the past alone.
    ///
    /// # Errors
    /// When there is not a load for each interval.
    pub fn new(
        history: History,
        load: Vec<f64>,
        judged: usize,
        zone: TimeZone,
        methods: Methods,
    ) -> Result<Self, ExperimentError> {
        let ticks = load.len();
        let known = history.series().len();
        if known != ticks {
            return Err(SimulationError::KnownTooShort { known, ticks }.into());
        }
        let traffic = Traffic { history, zone, load, methods, rolling: Arc::default(), alarms: OnceLock::new() };
        let judged = ticks.saturating_sub(judged)..ticks;
        Ok(Self {
            traffic: Arc::new(traffic),
            judged,
            tracks: Arc::default(),
            plans: Arc::default(),
            start_ups: None,
            foresight: false,
            as_known: false,
        })
    }

    /// The same traffic, judged on other ticks, counted from the beginning of the history. The fleet starts afresh there;
    /// forecasts know all that came before.
    #[must_use]
    pub fn part(&self, ticks: Range<usize>) -> Self {
        let end = ticks.end.min(self.traffic.load.len());
        Self {
            traffic: Arc::clone(&self.traffic),
            judged: ticks.start.min(end)..end,
            tracks: Arc::default(),
            plans: Arc::default(),
            start_ups: self.start_ups.clone(),
            foresight: self.foresight,
            as_known: self.as_known,
        }
    }

    /// The same traffic, judged on the load as it became known, gaps filled from the past alone: what a controller can
    /// learn from.
    #[must_use]
    pub fn as_known(&self) -> Self {
        Self { plans: Arc::default(), as_known: true, ..self.clone() }
    }

    /// The same traffic, with start-up times of each server's own.
    #[must_use]
    pub fn with_start_ups(self, start_ups: StartUps) -> Self {
        Self { start_ups: Some(Arc::new(start_ups)), ..self }
    }

    /// The same traffic for policies that know it: their forecasts are the loads themselves, and the newest load known is
    /// that of the tick for which a server ordered now is ready. What a policy costs here says what its errors cost it.
    #[must_use]
    pub fn with_foresight(&self) -> Self {
        Self { tracks: Arc::default(), foresight: true, ..self.clone() }
    }

    /// The same traffic, forecast otherwise.
    #[must_use]
    pub fn with_methods(&self, methods: Methods) -> Self {
        let Traffic { history, zone, load, .. } = &*self.traffic;
        let traffic = Traffic {
            history: history.clone(),
            zone: zone.clone(),
            load: load.clone(),
            methods,
            rolling: Arc::default(),
            alarms: OnceLock::new(),
        };
        Self { traffic: Arc::new(traffic), tracks: Arc::default(), ..self.clone() }
    }

    /// What is judged.
    pub fn judged(&self) -> Judged<'_> {
        let known = &self.traffic.history.series().values()[self.judged.clone()];
        let load = if self.as_known { known } else { &self.traffic.load[self.judged.clone()] };
        Judged { load, known, first: self.judged.start }
    }

    /// What models may look at: the history from its beginning to the end of the judged ticks.
    pub fn view(&self) -> View<'_> {
        self.traffic.history.view(&self.traffic.zone).first(self.judged.end)
    }

    /// All of the history, with its marks and columns.
    pub fn history(&self) -> &History {
        &self.traffic.history
    }

    /// The load of every interval of the history.
    pub fn load(&self) -> &[f64] {
        &self.traffic.load
    }

    /// The zone whose clocks the traffic follows.
    pub fn zone(&self) -> &TimeZone {
        &self.traffic.zone
    }

    /// How forecasts and alarms are made.
    pub fn methods(&self) -> &Methods {
        &self.traffic.methods
    }

    /// The length of one tick.
    pub fn step(&self) -> Step {
        self.traffic.history.series().step()
    }

    /// Runs a policy under these settings over the judged ticks.
    ///
    /// # Errors
    /// When the forecasts that it needs cannot be made.
    pub fn run(&self, policy: &PolicySpec, settings: &Settings) -> Result<Outcome, ExperimentError> {
        self.simulate(self.build(policy, settings)?.as_mut(), policy, settings, None)
    }

    /// As [`Self::run`], with every tick and its reasons.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn record(&self, policy: &PolicySpec, settings: &Settings) -> Result<(Outcome, Timeline), ExperimentError> {
        let mut timeline = Timeline::default();
        let outcome = self.simulate(self.build(policy, settings)?.as_mut(), policy, settings, Some(&mut timeline))?;
        Ok((outcome, timeline))
    }

    /// Runs a policy that was built elsewhere; `spec` tells which forecasts it needs.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn simulate<P: Policy + ?Sized>(
        &self,
        policy: &mut P,
        spec: &PolicySpec,
        settings: &Settings,
        timeline: Option<&mut Timeline>,
    ) -> Result<Outcome, ExperimentError> {
        match timeline {
            Some(timeline) => self.watch(policy, spec, settings, timeline),
            None => self.watch(policy, spec, settings, &mut ()),
        }
    }

    /// As [`Self::simulate`], before the eyes of `watch`.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn watch<P: Policy + ?Sized, W: Watch>(
        &self,
        policy: &mut P,
        spec: &PolicySpec,
        settings: &Settings,
        watch: &mut W,
    ) -> Result<Outcome, ExperimentError> {
        let track = spec.uses_forecast().then(|| self.track(&spec.leads(settings, self.step()))).transpose()?;
        let Judged { load, known, .. } = self.judged();
        let foreseen = self.foresight.then(|| self.foreseen(settings.lead_ticks(self.step()) as usize));
        let known = foreseen.as_deref().unwrap_or(known);
        let scenario = Scenario {
            fleet: &settings.fleet(self.step()),
            prices: &settings.prices(self.step()),
            load,
            known,
            observe: self.traffic.methods.observe,
            forecast: track.as_deref(),
        };
        Ok(simulate_watched(&scenario, self.start_ups.as_deref(), policy, watch)?)
    }

    /// What is known of the load to those who know the one at this lead.
    fn foreseen(&self, lead: usize) -> Vec<f64> {
        let load = self.judged().load;
        let ahead = lead + usize::from(self.traffic.methods.observe == Observe::Previous);
        (0..load.len()).map(|tick| load[(tick + ahead).min(load.len() - 1)]).collect()
    }

    /// The loads themselves as forecasts for these leads.
    fn perfect_track(&self, leads: &[usize]) -> ForecastTrack {
        let load = self.judged().load;
        let at = |lead: usize| (0..load.len()).map(move |tick| load[(tick + lead).min(load.len() - 1)]).collect();
        let of_lead = |lead: &usize| QuantileTrack { lead_ticks: *lead, levels: vec![0.5], values: at(*lead) };
        let mean: Vec<f64> = at(leads.first().copied().unwrap_or(0));
        ForecastTrack {
            lower: mean.clone(),
            upper: mean.clone(),
            anomaly: vec![false; load.len()],
            quantiles: leads.iter().map(of_lead).collect(),
            mean,
        }
    }

    /// The policy ready to play on the judged ticks; one that learns has its lessons with it.
    ///
    /// # Errors
    /// When the forecasts that it needs to learn cannot be made.
    pub fn build(&self, policy: &PolicySpec, settings: &Settings) -> Result<Box<dyn Policy>, ExperimentError> {
        Ok(match policy {
            PolicySpec::Tuned(base) => learning(self, base, settings)?,
            PolicySpec::Optimal => policy.build(settings, self.step(), &self.limited_plan(settings).provisioned),
            _ => policy.build(settings, self.step(), &[]),
        })
    }

    /// The optimum under the cooldown and step limits, or without them where that one is too large to find.
    pub fn limited_plan(&self, settings: &Settings) -> Plan {
        let (fleet, prices) = (settings.fleet(self.step()), settings.prices(self.step()));
        let limits = settings.step_limits();
        optimum::under_limits(&fleet, &prices, self.judged().load, &limits, &mut |_| {})
            .unwrap_or_else(|_| (*self.plan(settings)).clone())
    }

    /// The optimum without cooldown: what no policy can beat.
    pub fn plan(&self, settings: &Settings) -> Arc<Plan> {
        let (fleet, prices) = (settings.fleet(self.step()), settings.prices(self.step()));
        let key = optimum_key(&fleet, &prices);
        keep(&self.plans, key, || Arc::new(optimum::by_levels(&fleet, &prices, self.judged().load)))
    }

    /// What the optimum without cooldown costs.
    pub fn bound(&self, settings: &Settings) -> f64 {
        self.plan(settings).cost
    }

    /// The forecasts of the judged ticks at these leads.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn track(&self, leads: &[usize]) -> Result<Arc<ForecastTrack>, ExperimentError> {
        let traffic = &self.traffic;
        let make = || {
            if self.foresight {
                return Ok(Arc::new(self.perfect_track(leads)));
            }
            let mut track = match &traffic.methods.forecasts {
                Forecasts::Given(track) => (**track).clone(),
                Forecasts::Made(maker) => {
                    let rolling: Result<Vec<_>, FitError> =
                        leads.iter().map(|lead| traffic.rolling(maker, *lead)).collect();
                    let rolling = rolling?;
                    let rolling: Vec<&RollingForecast> = rolling.iter().map(Arc::as_ref).collect();
                    forecast_track(traffic.history.series().values(), &rolling, traffic.methods.observe)
                }
            };
            if let Some(alarms) = traffic.alarms() {
                let behind = usize::from(traffic.methods.observe == Observe::Previous);
                let at = |tick: usize| tick.checked_sub(behind).and_then(|newest| alarms.get(newest).copied());
                track.anomaly = (0..track.anomaly.len()).map(|tick| at(tick).unwrap_or(false)).collect();
            }
            Ok(Arc::new(track.cut(self.judged.clone())))
        };
        Ok(keep(&self.tracks, leads.to_vec(), make)?)
    }

    /// The forecasts of the whole history at a lead of so many ticks; `None` where they were made elsewhere.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn rolling(&self, lead: usize) -> Result<Option<Arc<RollingForecast>>, FitError> {
        match &self.traffic.methods.forecasts {
            Forecasts::Made(maker) => self.traffic.rolling(maker, lead).map(Some),
            Forecasts::Given(_) => Ok(None),
        }
    }
}

impl Traffic {
    fn rolling(&self, maker: &ForecastMaker, lead: usize) -> Result<Arc<RollingForecast>, FitError> {
        keep(&self.rolling, lead, || maker(self.history.view(&self.zone), lead).map(Arc::new))
    }

    /// For every interval of the history whether a detector says that it is an anomaly.
    fn alarms(&self) -> Option<&Vec<bool>> {
        let make = || self.methods.alarms.as_ref().map(|alarms| alarms(self.history.view(&self.zone)));
        self.alarms.get_or_init(make).as_ref()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use dataflow_forecast::{ModelSettings, ModelSpec, RollingSettings, rolling_forecast};
    use dataflow_scale::spec::Configuration;
    use dataflow_series::{Fill, Observed, Unit};
    use jiff::Timestamp;

    use super::*;
    use crate::LEVELS;

    fn methods() -> Methods {
        let forecast: ForecastMaker = Arc::new(|view, lead| {
            let model = ModelSpec::Naive.model(ModelSettings::default())?;
            let settings = RollingSettings {
                lead,
                observe_current: false,
                levels: LEVELS.to_vec(),
                model: ModelSettings::default(),
            };
            rolling_forecast(view, model.as_ref(), &settings, None)
        });
        Methods { observe: Observe::Previous, forecasts: Forecasts::Made(forecast), alarms: None }
    }

    /// Minutes of these loads, in bytes, all of them judged, forecast naively.
    pub(crate) fn testbed_of(loads: &[f64]) -> Testbed {
        let observed =
            Observed::new(Timestamp::UNIX_EPOCH, Step::MINUTE, Unit::Bytes, loads.iter().copied().map(Some)).unwrap();
        let history = History::new(observed.fill(Fill::Zero).unwrap());
        Testbed::new(history, loads.to_vec(), loads.len(), TimeZone::UTC, methods()).unwrap()
    }

    fn testbed(judged: usize) -> Testbed {
        let loads: Vec<f64> = (0..400).map(|tick| 1e6 * f64::from(1 + tick % 7)).collect();
        testbed_of(&loads).part(400 - judged..400)
    }

    #[test]
    fn a_part_costs_what_the_same_ticks_cost_alone_and_none_beats_its_bound() {
        let settings = Configuration::default().settings().clone();
        let (all, tail) = (testbed(400), testbed(100));
        assert_eq!((all.judged().load.len(), tail.judged().first), (400, 300));
        for policy in PolicySpec::DEFAULT {
            let outcome = all.part(300..400).run(&policy, &settings).unwrap();
            assert_eq!(outcome, tail.run(&policy, &settings).unwrap(), "{policy}");
            assert!(outcome.cost.total() >= tail.bound(&settings) - 1e-9, "{policy}");
            assert_eq!(tail.record(&policy, &settings).unwrap().0, outcome, "{policy}");
        }
    }

    #[test]
    fn forecasts_are_made_once_for_each_lead_and_alarms_come_one_tick_later() {
        let marked =
            Methods { alarms: Some(Arc::new(|view| (0..view.len()).map(|at| at == 350).collect())), ..methods() };
        let plain = testbed(100);
        let testbed = Testbed::new(plain.history().clone(), plain.load().to_vec(), 100, TimeZone::UTC, marked).unwrap();
        let track = testbed.track(&[3]).unwrap();
        assert!(Arc::ptr_eq(&track, &testbed.track(&[3]).unwrap()));
        assert_eq!(track.anomaly.iter().position(|alarm| *alarm), Some(51));
        assert_eq!(track.rows(), 100);
    }
}
