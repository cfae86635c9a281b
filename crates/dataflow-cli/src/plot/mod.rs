//! `--plot FILE`: one static picture of a comparison, as SVG or PNG by the file's ending.
//!
//! Costs of every policy above, the ticks of the most telling ones below. Shapes are laid out once, in [`drawing`],
//! and rendered by either backend.

mod anomalies;
mod axis;
mod costs;
mod drawing;
mod explore;
mod forecast;
mod palette;
mod panel;
mod regret;
mod replicates;
mod sweep;
mod timeline;
mod tune;

use std::path::Path;

use dataflow_series::source::write_file;

pub(crate) use anomalies::write_anomalies;
use drawing::{Anchor, Drawing};
pub(crate) use explore::write as write_exploration;
pub(crate) use forecast::write_board;
use palette::{INK, SOFT_INK};
pub(crate) use regret::write as write_regret;
pub(crate) use sweep::{write_crossed, write_indices, write_tornado};
pub(crate) use tune::write as write_tuning;

use crate::comparison::{Comparison, Ticks, TraceFacts};
use crate::failure::Failure;
use crate::quantity::{count, duration, load};
use crate::story;

const WIDTH: f64 = 1200.0;
const MARGIN: f64 = 28.0;

/// The forms in which a plot is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Svg,
    Png,
}

impl Form {
    /// The form that a file's ending asks for.
    ///
    /// # Errors
    /// When the ending is neither `.svg` nor `.png`.
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "svg" => Ok(Self::Svg),
            "png" => Ok(Self::Png),
            _ => {
                let shown = path.display();
                Err(Failure::Input(format!("{shown}: a plot is written as .svg or .png; give the file that ending")))
            }
        }
    }
}

/// Draws a comparison into `path`, which is replaced only once the picture is complete.
///
/// # Errors
/// When the ending is neither `.svg` nor `.png`, or the file cannot be written.
pub(crate) fn write(comparison: &Comparison, ticks: &Ticks, path: &Path) -> Result<(), Failure> {
    let form = Form::of(path)?;
    write_drawing(&lay_out(comparison, ticks), form, path)
}

fn write_drawing(drawing: &Drawing, form: Form, path: &Path) -> Result<(), Failure> {
    let contents = match form {
        Form::Svg => drawing.to_svg()?.into_bytes(),
        Form::Png => drawing.to_png()?,
    };
    write_file(path, |file| file.write_all(&contents)).map_err(|error| Failure::Work(error.to_string()))
}

fn lay_out(comparison: &Comparison, ticks: &Ticks) -> Drawing {
    let headline = story::headline(comparison);
    let title = format!("Autoscaling policies on {}", shortened(&comparison.trace.source, 70));
    let mut drawing = Drawing {
        width: WIDTH,
        height: 0.0,
        title: title.clone(),
        description: format!("{headline} {}", facts(&comparison.trace)),
        marks: Vec::new(),
    };
    drawing.bold((MARGIN, 34.0), title, 22.0, Anchor::Start, INK);
    drawing.text((MARGIN, 62.0), headline, 14.0, Anchor::Start, INK);
    drawing.text((MARGIN, 84.0), facts(&comparison.trace), 12.0, Anchor::Start, SOFT_INK);
    let mut bottom = costs::draw(&mut drawing, comparison, 112.0);
    if let Some(facts) = &comparison.replicates {
        bottom = replicates::draw(&mut drawing, facts, bottom + 14.0);
    }
    drawing.height = timeline::draw(&mut drawing, comparison, ticks, bottom + 30.0);
    drawing
}

/// What was simulated, in one line.
fn facts(trace: &TraceFacts) -> String {
    let seconds = trace.ticks as u64 * u64::from(trace.interval_seconds);
    let missing = match trace.missing_ticks {
        0 => String::new(),
        ticks => format!(" · {} of them missing and filled", count(ticks)),
    };
    let interval = duration(u64::from(trace.interval_seconds));
    format!(
        "{} from {} · {} ticks of {interval}{missing} · {} in total",
        duration(seconds),
        trace.start.replace('T', " ").replace('Z', " UTC"),
        count(trace.ticks),
        load(trace.total, &trace.unit),
    )
}

/// A text of at most `most` characters, cut in the middle where it is longer: the end of a path tells most.
fn shortened(text: &str, most: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= most {
        return text.to_owned();
    }
    let kept = most - 1;
    let start: String = characters[..kept / 3].iter().collect();
    let end: String = characters[characters.len() - (kept - kept / 3)..].iter().collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests;
