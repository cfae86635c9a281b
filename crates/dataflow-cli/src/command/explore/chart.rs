//! Small drawings of characters: bars, sparklines and rows of a heat map.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

/// Columns of a sparkline, at most.
const SPARKLINE_WIDTH: usize = 72;
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// A bar of a share of the whole width, to an eighth of a character; something more than nothing is seen.
pub(super) fn bar(share: f64, width: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let mut bar = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        bar.push(EIGHTHS[eighths % 8]);
    }
    bar
}

/// The values as heights, neighbours averaged where there are too many; a gap is a blank.
pub(super) fn sparkline(values: &[Option<f64>]) -> String {
    let per_column = values.len().div_ceil(SPARKLINE_WIDTH).max(1);
    let means: Vec<Option<f64>> = values
        .chunks(per_column)
        .map(|part| {
            let seen = part.iter().flatten().count();
            (seen > 0).then(|| part.iter().flatten().sum::<f64>() / seen as f64)
        })
        .collect();
    let most = means.iter().flatten().fold(0.0, |most: f64, value| most.max(*value));
    let height = |mean: &f64| {
        let height = if most > 0.0 { (mean / most * (HEIGHTS.len() - 1) as f64).round() as usize } else { 0 };
        HEIGHTS[height.min(HEIGHTS.len() - 1)]
    };
    let line: String = means.iter().map(|mean| mean.as_ref().map_or(' ', height)).collect();
    let style = AnsiColor::Cyan.on_default();
    format!("{style}{line}{style:#}")
}

/// Values as shades, two characters each, darkest at `most`; what is not known is a dot.
pub(super) fn heat_row(values: &[Option<f64>], most: f64) -> String {
    let mut row = String::new();
    for value in values {
        let level = value.map(|value| {
            let share = if most > 0.0 { value / most } else { 0.0 };
            // Nothing at all is blank, anything is at least the lightest shade.
            if share > 0.0 { ((share * 4.0).ceil() as usize).clamp(1, SHADES.len() - 1) } else { 0 }
        });
        let style = level.map_or_else(Style::new, heat);
        let shade = level.and_then(|level| SHADES.get(level)).unwrap_or(&'·');
        let _ = write!(row, "{style}{shade}{shade}{style:#}");
    }
    row
}

fn heat(level: usize) -> Style {
    match level {
        0 | 1 => AnsiColor::Blue.on_default(),
        2 => AnsiColor::Cyan.on_default(),
        3 => AnsiColor::Yellow.on_default(),
        _ => AnsiColor::Red.on_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn bars_grow_by_eighths() {
        assert_eq!((bar(0.0, 4), bar(1.0, 4), bar(0.5, 4)), (String::new(), "████".to_owned(), "██".to_owned()));
        assert_eq!((bar(0.001, 4), bar(0.34, 4), bar(7.0, 2)), ("▏".to_owned(), "█▍".to_owned(), "██".to_owned()));
    }

    #[test]
    fn sparklines_keep_gaps_and_their_width() {
        assert_eq!(plain(&sparkline(&[Some(0.0), Some(7.0), None, Some(14.0)])), "▁▅ █");
        assert_eq!(plain(&sparkline(&[Some(1.0); 500])).chars().count(), 72);
        assert_eq!(plain(&sparkline(&[])), "");
    }

    #[test]
    fn heat_maps_tell_nothing_from_unknown() {
        assert_eq!(plain(&heat_row(&[Some(0.0), Some(1.0), Some(100.0), None], 100.0)), "  ░░██··");
    }
}
