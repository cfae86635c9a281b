//! Start-up times that differ from server to server, as multiples of the usual one.

/// For each server that may be ordered, how much longer or shorter than usual it takes to start.
///
/// Policies that are run with the same draws meet the same fate where they order in the same tick: common random numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct StartUps {
    /// Row by row, one row per tick.
    factors: Vec<f32>,
    /// Servers of one tick that have draws of their own; further ones share these.
    columns: usize,
}

impl StartUps {
    /// From factors of the usual time, `columns` for each tick, above 0. Ticks after the last row go on with the first.
    pub const fn new(factors: Vec<f32>, columns: usize) -> Self {
        Self { factors, columns }
    }

    /// The start-up time, in ticks, of a server ordered in `tick` as the n-th, from 0, where `usual` ticks are usual: to
    /// the nearest tick, and at least one unless servers start at once.
    #[inline]
    pub fn ticks(&self, usual: u32, tick: usize, server: u32) -> u32 {
        let place = tick * self.columns + server as usize % self.columns.max(1);
        let factor = self.factors.get(place % self.factors.len().max(1)).copied();
        scaled(usual, factor.unwrap_or(1.0))
    }

    /// The shortest start-up time that any server may have, where `usual` ticks are usual.
    pub fn fewest_ticks(&self, usual: u32) -> u32 {
        let least = self.factors.iter().copied().min_by(f32::total_cmp);
        scaled(usual, least.unwrap_or(1.0))
    }
}

fn scaled(usual: u32, factor: f32) -> u32 {
    // A cast keeps to the bounds of its type, whatever the product.
    ((f64::from(usual) * f64::from(factor)).round() as u32).max(usual.min(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_ticks_and_never_none_where_there_were_some() {
        let draws = StartUps::new(vec![0.1, 1.0, 1.6, 1e30], 2);
        assert_eq!(
            [(0, 0), (0, 1), (1, 0), (1, 3), (2, 0)].map(|(tick, n)| draws.ticks(3, tick, n)),
            [1, 3, 5, u32::MAX, 1]
        );
        assert_eq!((draws.fewest_ticks(20), draws.fewest_ticks(0)), (2, 0));
        assert_eq!(StartUps::new(Vec::new(), 0).ticks(3, 7, 7), 3);
    }
}
