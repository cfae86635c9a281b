//! The pictures of `dataflow sweep`: heat maps of crossed settings, tornados, and Sobol indices.

mod heat;
mod indices;
mod tornado;

pub(crate) use heat::write as write_crossed;
pub(crate) use indices::write as write_indices;
pub(crate) use tornado::write as write_tornado;

use super::drawing::{Anchor, Drawing};
use super::palette::{INK, SOFT_INK};
use super::{MARGIN, WIDTH, facts, shortened};
use crate::command::sweep::Facts;

/// A drawing with its title and what the trace is.
fn titled(title: &str, words: &str, facts_of: &Facts) -> Drawing {
    let title = format!("{title} on {}", shortened(&facts_of.trace.source, 60));
    let mut drawing =
        Drawing { width: WIDTH, height: 0.0, title: title.clone(), description: words.to_owned(), marks: Vec::new() };
    drawing.bold((MARGIN, 34.0), title, 22.0, Anchor::Start, INK);
    drawing.text((MARGIN, 62.0), words, 13.0, Anchor::Start, INK);
    drawing.text((MARGIN, 84.0), facts(&facts_of.trace), 12.0, Anchor::Start, SOFT_INK);
    drawing
}
