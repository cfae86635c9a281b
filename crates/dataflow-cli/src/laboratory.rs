//! A world with everything that policies may learn of it: what commands open that run policies.

use std::time::Instant;

use dataflow_experiment::Testbed;
use dataflow_scale::Observe;
use dataflow_scale::spec::Settings;

use crate::alarms::{AlarmSource, DETECTOR};
use crate::arguments::{KnowledgeArguments, ObserveArgument, SettingsArguments, TraceArguments};
use crate::cache::Cache;
use crate::failure::Failure;
use crate::forecasting::{self, ForecastSource, Forecasts, Note};
use crate::output;
use crate::pipeline::refuse_overflow;
use crate::progress::Progress;
use crate::world::World;

/// A world and its testbed, with where forecasts and alarms come from.
pub(crate) struct Laboratory {
    pub(crate) world: World,
    pub(crate) testbed: Testbed,
    pub(crate) forecast: ForecastSource,
    alarms: AlarmSource,
    note: Note,
}

impl Laboratory {
    /// Reads settings and trace, and finds what makes the forecasts; none are made yet.
    ///
    /// # Errors
    /// When a setting, the trace or a file of forecasts is wrong, or costs could add up to more than a number can hold.
    pub(crate) fn open(
        trace: &TraceArguments,
        settings: &SettingsArguments,
        knowledge: &KnowledgeArguments,
        progress: &Progress,
        quiet: bool,
    ) -> Result<Self, Failure> {
        let detector = knowledge.detector.iter().map(|name| (DETECTOR, name.clone(), format!("--detector {name}")));
        let world = World::open(trace, settings, detector.collect(), progress, quiet)?;
        refuse_overflow(&world)?;
        let (forecast, warning) = ForecastSource::choose(knowledge.forecast.as_deref(), &world.configuration)?;
        if let Some(warning) = warning.filter(|_| !quiet) {
            output::warn(&warning);
        }
        let alarms = AlarmSource::choose(&world.configuration)?;
        if let (ForecastSource::File(path), Some(name)) = (&forecast, &knowledge.detector) {
            return Err(Failure::Input(format!(
                "--detector {name}: {} tells itself what is an anomaly, in its column of that name; leave one of the two \
                 away",
                path.display()
            )));
        }
        let observe = match knowledge.observe {
            ObserveArgument::Previous => Observe::Previous,
            ObserveArgument::Current => Observe::Current,
        };
        let cache = if knowledge.no_cache { None } else { Cache::of_user() };
        let note = Note::default();
        let methods = forecasting::methods(&world, &forecast, alarms, observe, cache.as_ref(), progress, &note)?;
        let testbed = world.testbed(methods)?;
        Ok(Self { world, testbed, forecast, alarms, note })
    }

    /// The settings of the world.
    pub(crate) fn settings(&self) -> &Settings {
        self.world.configuration.settings()
    }

    /// The forecasts at the start-up time, made now.
    ///
    /// # Errors
    /// When the model cannot forecast the trace.
    pub(crate) fn forecasts(&self) -> Result<Forecasts, Failure> {
        let started = Instant::now();
        let made = Forecasts::of(&self.world, &self.testbed, &self.forecast, self.alarms)?;
        Ok(Forecasts { seconds: started.elapsed().as_secs_f64(), ..made })
    }

    /// The traffic, to be resampled: forecasts of replicates are kept nowhere and show no bars.
    ///
    /// # Errors
    /// When the forecasts come from a file, which knows this trace alone.
    pub(crate) fn testbed_to_resample(&self) -> Result<Testbed, Failure> {
        if let ForecastSource::File(path) = &self.forecast {
            return Err(Failure::Input(format!(
                "--replicates: {} forecasts this trace and none of its replicates; name a model with --forecast",
                path.display()
            )));
        }
        let (hidden, observe) = (Progress::new(true), self.testbed.methods().observe);
        let methods =
            forecasting::methods(&self.world, &self.forecast, self.alarms, observe, None, &hidden, &Note::default())?;
        self.world.testbed(methods)
    }

    /// What the user should know of world and forecasts, one sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.world.notes.iter().chain(self.note.get()).cloned().collect()
    }
}
