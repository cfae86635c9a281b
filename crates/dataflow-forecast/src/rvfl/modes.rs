//! The empirical modes of the last loads as inputs. Each origin is decomposed anew from what is known there, so that no
//! mode sees the future; a decomposition of the whole trace would.

use super::decomposition::{Decomposition, decompose};
use crate::inputs::Inputs;

/// Loads that are decomposed.
const WINDOW: usize = 256;
const MODES: usize = 8;
/// The last so many values of every mode are inputs.
const LAST_VALUES: usize = 3;
/// Number of inputs that [`write_modes`] appends.
pub(super) const MODE_INPUTS: usize = MODES * LAST_VALUES + 1;

/// Appends the last values of the modes, the newest first, and of the rest. A mode that is not there is zero.
pub(super) fn write_modes(inputs: &Inputs, origin: usize, row: &mut Vec<f64>) {
    let window: Vec<f64> =
        ((origin + 1).saturating_sub(WINDOW)..=origin).map(|interval| inputs.root(interval)).collect();
    let Decomposition { modes, rest } = decompose(&window, MODES);
    for mode in 0..MODES {
        let values = modes.get(mode).map_or(&[][..], |mode| mode);
        let newest = values.iter().rev().copied().chain(std::iter::repeat(0.0));
        row.extend(newest.take(LAST_VALUES));
    }
    row.push(rest.last().copied().unwrap_or(0.0));
}
