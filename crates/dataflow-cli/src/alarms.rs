//! What tells a policy that the newest load is an anomaly: a load above the forecast once made for it, or a detector
//! that goes along with the loads as they become known.

use std::sync::Arc;

use dataflow_anomaly::{DetectorSettings, DetectorSpec, Kind, Verdict, Watch};
use dataflow_experiment::{ANOMALY_LEVEL, AlarmMaker};
use dataflow_forecast::View;
use dataflow_scale::Observe;
use dataflow_scale::spec::{Configuration, Origin};

use crate::failure::Failure;
use crate::quantity::percent;
use crate::world::World;

/// The key that names the source of alarms.
pub(crate) const DETECTOR: &str = "forecasting.anomaly_detector";
/// The name of the rule that needs no detector.
const FORECAST: &str = "forecast";

/// Where alarms come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AlarmSource {
    /// A load above a high quantile of its forecast is an anomaly.
    Forecast,
    Detector(DetectorSpec),
}

/// The alarms of a run, for its reasons.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Alarms {
    Forecast,
    Detector {
        name: &'static str,
        threshold: f64,
        /// For each tick the score of the newest load known at its decision.
        scores: Vec<f64>,
    },
}

impl AlarmSource {
    /// What the configuration names.
    ///
    /// # Errors
    /// When there is no such detector.
    pub(crate) fn choose(configuration: &Configuration) -> Result<Self, Failure> {
        let name = configuration.settings().anomaly_detector.trim();
        if name.eq_ignore_ascii_case(FORECAST) {
            return Ok(Self::Forecast);
        }
        name.parse().map(Self::Detector).map_err(|error| {
            let place = match configuration.origin(DETECTOR) {
                Origin::Default => DETECTOR.to_owned(),
                origin => format!("{origin}: {DETECTOR}"),
            };
            Failure::Input(format!("{place}: {error}, and {FORECAST}, which needs none"))
        })
    }
}

impl AlarmSource {
    /// How it judges the loads of any history; `None` where forecasts do.
    pub(crate) fn maker(self, seed: u64) -> Option<AlarmMaker> {
        let Self::Detector(spec) = self else { return None };
        Some(Arc::new(move |view| judge(view, spec, seed).into_iter().map(|(_, is_alarm)| is_alarm).collect()))
    }
}

/// Lets a detector judge every load when it becomes known: its score, and whether it is an alarm. Only a load above the
/// expected one counts: less load than expected is no reason to add servers.
fn judge(view: View<'_>, spec: DetectorSpec, seed: u64) -> Vec<(f64, bool)> {
    let settings = DetectorSettings { seed, ..DetectorSettings::new(view.step()) };
    let mut detector = spec.build(&settings);
    let mut watch = Watch::new(&settings, detector.threshold());
    let judge = |(index, load): (usize, &f64)| {
        let (time, value) = (view.time(index), (!view.is_missing(index)).then_some(*load));
        let score = detector.score(time, value);
        (score, is_more_than_expected(*load, &watch.next(time, value, score)))
    };
    view.values().iter().enumerate().map(judge).collect()
}

impl Alarms {
    /// What the source says of the ticks that are simulated.
    pub(crate) fn of(source: AlarmSource, world: &World, observe: Observe) -> Self {
        let AlarmSource::Detector(spec) = source else { return Self::Forecast };
        let settings = DetectorSettings::new(world.step());
        let threshold = spec.build(&settings).threshold();
        let judged = judge(world.view(), spec, world.configuration.settings().random_seed);
        let behind = usize::from(observe == Observe::Previous);
        let first = judged.len() - world.load.len();
        let newest = |tick: usize| judged.get((first + tick).checked_sub(behind)?).map(|(score, _)| *score);
        let scores = (0..world.load.len()).map(|tick| newest(tick).unwrap_or(0.0)).collect();
        Self::Detector { name: spec.name(), threshold, scores }
    }

    /// Why the newest load known at a tick is an anomaly.
    pub(crate) fn reason(&self, tick: usize) -> String {
        match self {
            Self::Forecast => {
                format!("anomaly in the newest load (above the {} quantile of its forecast)", percent(ANOMALY_LEVEL))
            }
            Self::Detector { name, threshold, scores } => {
                let score = scores.get(tick).copied().unwrap_or_default();
                format!("anomaly in the newest load ({name}: {score:.2}, alarm from {threshold})")
            }
        }
    }
}

fn is_more_than_expected(load: f64, verdict: &Verdict) -> bool {
    match verdict.kind {
        Some(Kind::Spike) => true,
        Some(Kind::LevelShift) => verdict.expected.is_some_and(|expected| load > expected),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(kind: Option<Kind>, expected: f64) -> Verdict {
        Verdict { expected: Some(expected), kind }
    }

    #[test]
    fn less_load_than_expected_is_no_reason_to_add_servers() {
        assert!(is_more_than_expected(5.0, &verdict(Some(Kind::Spike), 1.0)));
        assert!(is_more_than_expected(5.0, &verdict(Some(Kind::LevelShift), 1.0)));
        for (load, kind) in [
            (5.0, None),
            (5.0, Some(Kind::Drop)),
            (0.0, Some(Kind::Outage)),
            (5.0, Some(Kind::MissingData)),
            (0.5, Some(Kind::LevelShift)),
        ] {
            assert!(!is_more_than_expected(load, &verdict(kind, 1.0)), "{kind:?}");
        }
    }

    #[test]
    fn a_reason_tells_detector_score_and_threshold() {
        let alarms = Alarms::Detector { name: "ensemble", threshold: 0.5, scores: vec![0.0, 0.934] };
        assert_eq!(alarms.reason(1), "anomaly in the newest load (ensemble: 0.93, alarm from 0.5)");
        assert!(Alarms::Forecast.reason(0).contains("quantile of its forecast"));
    }

    #[test]
    fn a_detector_is_named_by_the_configuration() {
        let mut configuration = Configuration::default();
        assert_eq!(AlarmSource::choose(&configuration).unwrap(), AlarmSource::Forecast);
        let origin = || Origin::Named("--detector".to_owned());
        configuration.set(DETECTOR, "z_score", origin()).unwrap();
        assert_eq!(AlarmSource::choose(&configuration).unwrap(), AlarmSource::Detector(DetectorSpec::ZScore));
        configuration.set(DETECTOR, "z-scor", origin()).unwrap();
        let failure = AlarmSource::choose(&configuration).unwrap_err().to_string();
        assert!(failure.contains("--detector") && failure.contains("z-score"), "{failure}");
    }
}
