//! Fitted models as files: saved after a fit on everything, loaded to forecast on from where their past ends, or from the
//! end of a trace that continues it.

use std::path::Path;

use dataflow_forecast::{Fitted, ModelSettings, ModelSpec, SavedModel};

use super::future::{LEVELS, Row, rows};
use crate::failure::Failure;
use crate::world::World;

/// Writes a model that was fitted on a world.
///
/// # Errors
/// When it has no form in a file, or the file cannot be written.
pub(crate) fn save(
    world: &World,
    spec: ModelSpec,
    settings: ModelSettings,
    fitted: Box<dyn Fitted>,
    path: &Path,
) -> Result<(), Failure> {
    let (step, unit, next) = (world.step(), world.load.unit(), world.history.series().end());
    write(&SavedModel { spec, settings, step, unit, next, fitted }, path)
}

/// Writes a model.
///
/// # Errors
/// As [`save`].
pub(crate) fn write(model: &SavedModel, path: &Path) -> Result<(), Failure> {
    let bytes = model.to_bytes().map_err(|error| Failure::Work(error.to_string()))?;
    std::fs::write(path, bytes).map_err(|error| Failure::Work(format!("the model cannot be written: {error}")))
}

/// Reads a model.
///
/// # Errors
/// When the file cannot be read or holds no model that can be used.
pub(crate) fn load(path: &Path) -> Result<SavedModel, Failure> {
    let name = path.display();
    let bytes =
        std::fs::read(path).map_err(|error| Failure::Input(format!("{name}: the model cannot be read: {error}")))?;
    SavedModel::from_bytes(&bytes).map_err(|error| Failure::Input(format!("{name}: {error}")))
}

/// Tells a model of everything in a world that comes after its past, and returns how many intervals that is.
///
/// # Errors
/// When the loads are of another interval or unit, or do not continue the model's past without a gap.
pub(crate) fn extend(model: &mut SavedModel, world: &World) -> Result<usize, Failure> {
    let source = &world.source;
    let (view, unit) = (world.view(), world.load.unit());
    if view.step() != model.step {
        return Err(Failure::Input(format!(
            "{source}: the model was fitted on intervals of {}, but the trace has {}; give --interval {}",
            model.step,
            view.step(),
            model.step
        )));
    }
    if unit != model.unit {
        return Err(Failure::Input(format!(
            "{source}: the model was fitted on {}, but the trace is read as {unit}; give --measure {}",
            model.unit, model.unit
        )));
    }
    let ahead = model.next.as_second() - view.start().as_second();
    let step = i64::from(view.step().seconds());
    let end = world.history.series().end();
    if ahead < 0 || ahead % step != 0 {
        return Err(Failure::Input(format!(
            "{source}: does not continue the model's past, which ends at {}: the trace begins at {}; give a trace that \
             holds that time at the beginning of an interval",
            model.next,
            view.start()
        )));
    }
    let known = ((ahead / step) as usize).min(view.len());
    let new = view.len() - known;
    if new > 0 {
        model.fitted.extend(view.slice(known..view.len()));
        model.next = end;
    }
    Ok(new)
}

/// What a model forecasts from the end of its past.
pub(crate) fn forecast(model: &SavedModel) -> Vec<Row> {
    rows(&model.spec.into(), model.step, model.next, &model.fitted.predict(&LEVELS))
}
