//! Forecasts as policies are given them: one row per tick, made from what was known at the decision of that tick.

/// Forecasts made elsewhere, one row per tick: row `t` is what a policy is given at the decision of tick `t`.
///
/// Loads are in the unit of the trace, per tick. All columns have one length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ForecastTrack {
    /// Expected load.
    pub mean: Vec<f64>,
    /// Lower end of the prediction interval.
    pub lower: Vec<f64>,
    /// Upper end of the prediction interval.
    pub upper: Vec<f64>,
    /// Whether the newest load known at this tick was anomalous.
    pub anomaly: Vec<bool>,
    /// Quantiles of the load at one or more leads; that of `mean`, `lower` and `upper` first. None where forecasts came
    /// without them.
    pub quantiles: Vec<QuantileTrack>,
}

/// Quantiles of the forecast at one lead, row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QuantileTrack {
    /// Ticks from the decision to the load that is forecast.
    pub lead_ticks: usize,
    /// The levels, ascending, each in (0, 1).
    pub levels: Vec<f64>,
    /// A row of as many quantiles as there are levels for each tick, one after the other; NaN where no forecast could
    /// be made.
    pub values: Vec<f64>,
}

/// One forecast as a policy sees it, in the unit of the trace per tick. NaN where no forecast could be made.
#[derive(Debug, Clone, Copy)]
pub struct ForecastPoint<'a> {
    /// Expected load.
    pub mean: f64,
    /// Lower end of the prediction interval.
    pub lower: f64,
    /// Upper end of the prediction interval.
    pub upper: f64,
    /// Whether the newest known load was judged anomalous.
    pub anomaly: bool,
    quantiles: &'a [QuantileTrack],
    tick: usize,
}

impl ForecastTrack {
    /// Number of rows that every column has.
    pub fn rows(&self) -> usize {
        let columns = [&self.mean, &self.lower, &self.upper].map(Vec::len);
        let quantiles = self.quantiles.iter().map(QuantileTrack::rows);
        columns.into_iter().chain(quantiles).chain([self.anomaly.len()]).min().unwrap_or(0)
    }

    /// The rows of some ticks, as those of a trace that has no others.
    #[must_use]
    pub fn cut(&self, ticks: std::ops::Range<usize>) -> Self {
        let end = ticks.end.min(self.rows());
        let ticks = ticks.start.min(end)..end;
        Self {
            mean: self.mean[ticks.clone()].to_vec(),
            lower: self.lower[ticks.clone()].to_vec(),
            upper: self.upper[ticks.clone()].to_vec(),
            anomaly: self.anomaly[ticks.clone()].to_vec(),
            quantiles: self.quantiles.iter().map(|track| track.cut(ticks.clone())).collect(),
        }
    }

    /// What is given at the decision of a tick, which must be one of the rows.
    #[inline]
    pub(crate) fn at(&self, tick: usize) -> ForecastPoint<'_> {
        ForecastPoint {
            mean: self.mean[tick],
            lower: self.lower[tick],
            upper: self.upper[tick],
            anomaly: self.anomaly[tick],
            quantiles: &self.quantiles,
            tick,
        }
    }
}

impl QuantileTrack {
    /// Number of whole rows.
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.levels.len()).unwrap_or(0)
    }

    fn cut(&self, ticks: std::ops::Range<usize>) -> Self {
        let width = self.levels.len();
        Self {
            lead_ticks: self.lead_ticks,
            levels: self.levels.clone(),
            values: self.values[ticks.start * width..ticks.end * width].to_vec(),
        }
    }

    /// The quantile of a level at a tick: that of the level itself, or linear between the two next to it; beyond the
    /// outermost levels theirs.
    #[inline]
    fn quantile(&self, tick: usize, level: f64) -> f64 {
        let width = self.levels.len();
        let Some(row) = self.values.get(tick * width..(tick + 1) * width) else { return f64::NAN };
        let above = self.levels.partition_point(|known| *known < level);
        let (Some(&upper), Some(&upper_level)) = (row.get(above), self.levels.get(above)) else {
            return row.last().copied().unwrap_or(f64::NAN);
        };
        if upper_level == level || above == 0 {
            return upper;
        }
        let (lower, lower_level) = (row[above - 1], self.levels[above - 1]);
        lower + (upper - lower) * (level - lower_level) / (upper_level - lower_level)
    }
}

impl<'a> ForecastPoint<'a> {
    /// The levels and quantiles of the first lead, both ascending; nothing where forecasts came without quantiles.
    #[inline]
    pub fn distribution(&self) -> (&'a [f64], &'a [f64]) {
        let row = self.quantiles.first().and_then(|track| {
            let width = track.levels.len();
            Some((track.levels.as_slice(), track.values.get(self.tick * width..(self.tick + 1) * width)?))
        });
        row.unwrap_or_default()
    }

    /// The quantile of this level at the first lead; the upper end of the interval where forecasts came without
    /// quantiles.
    #[inline]
    pub fn quantile(&self, level: f64) -> f64 {
        self.quantiles.first().map_or(self.upper, |track| track.quantile(self.tick, level))
    }

    /// The quantile of this level so many ticks ahead: linear between the leads that are there, beyond them that of the
    /// outermost; the upper end of the interval where forecasts came without quantiles.
    pub fn quantile_at(&self, lead_ticks: usize, level: f64) -> f64 {
        let at = |track: &QuantileTrack| track.quantile(self.tick, level);
        let mut below: Option<&QuantileTrack> = None;
        let mut above: Option<&QuantileTrack> = None;
        for track in self.quantiles {
            if track.lead_ticks <= lead_ticks && below.is_none_or(|kept| kept.lead_ticks < track.lead_ticks) {
                below = Some(track);
            }
            if track.lead_ticks >= lead_ticks && above.is_none_or(|kept| kept.lead_ticks > track.lead_ticks) {
                above = Some(track);
            }
        }
        match (below, above) {
            (Some(below), Some(above)) if below.lead_ticks < above.lead_ticks => {
                let share = (lead_ticks - below.lead_ticks) as f64 / (above.lead_ticks - below.lead_ticks) as f64;
                at(below) + (at(above) - at(below)) * share
            }
            (Some(track), _) | (None, Some(track)) => at(track),
            (None, None) => self.upper,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track() -> ForecastTrack {
        let quantiles = |lead_ticks, values: [f64; 4]| QuantileTrack {
            lead_ticks,
            levels: vec![0.5, 0.9],
            values: values.to_vec(),
        };
        ForecastTrack {
            mean: vec![1.0, 2.0],
            lower: vec![0.0, 1.0],
            upper: vec![3.0, 4.0],
            anomaly: vec![false, true],
            quantiles: vec![quantiles(2, [1.0, 2.0, 10.0, 20.0]), quantiles(4, [3.0, 4.0, 30.0, 40.0])],
        }
    }

    #[test]
    fn quantiles_are_read_between_levels_and_leads() {
        let track = track();
        let point = track.at(1);
        assert_eq!((point.quantile(0.5), point.quantile(0.9), point.quantile(0.6)), (10.0, 20.0, 12.5));
        assert_eq!((point.quantile(0.1), point.quantile(0.99)), (10.0, 20.0));
        assert_eq!(point.quantile_at(3, 0.9), 30.0);
        assert_eq!((point.quantile_at(0, 0.9), point.quantile_at(9, 0.9)), (20.0, 40.0));
    }

    #[test]
    fn without_quantiles_the_upper_end_stands_in() {
        let track = ForecastTrack { quantiles: Vec::new(), ..track() };
        assert_eq!((track.at(0).quantile(0.5), track.at(0).quantile_at(7, 0.5)), (3.0, 3.0));
    }

    #[test]
    fn a_cut_keeps_the_rows_of_its_ticks() {
        let cut = track().cut(1..9);
        assert_eq!((cut.rows(), cut.mean[0], cut.at(0).quantile(0.9)), (1, 2.0, 20.0));
        assert_eq!(track().cut(5..9).rows(), 0);
    }
}
