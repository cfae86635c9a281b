//! Rows of inputs, and the same rows with every input replaced by the number of its bin, from which splits are found.

/// The most bins of one input.
pub(super) const BINS: usize = 64;

/// Rows to learn from.
#[derive(Debug)]
pub(super) struct Table<'a> {
    /// Row by row.
    rows: &'a [f64],
    width: usize,
    /// For each input the ascending upper ends of all bins but the last.
    cuts: Vec<Vec<f64>>,
    /// Bin of every row, input by input.
    bins: Vec<u8>,
}

impl<'a> Table<'a> {
    /// Bins hold nearly equal numbers of rows.
    pub(super) fn new(rows: &'a [f64], width: usize) -> Self {
        let cuts: Vec<Vec<f64>> = (0..width).map(|input| cuts(rows.iter().skip(input).step_by(width))).collect();
        let mut bins = Vec::with_capacity(rows.len());
        for (input, cuts) in cuts.iter().enumerate() {
            let values = rows.iter().skip(input).step_by(width);
            bins.extend(values.map(|value| cuts.partition_point(|cut| cut < value) as u8));
        }
        Self { rows, width, cuts, bins }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len() / self.width
    }

    /// Number of inputs.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// All rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = &'a [f64]> + use<'a> {
        self.rows.chunks_exact(self.width)
    }

    /// Upper ends of the bins of an input, but for the last.
    pub(super) fn cuts(&self, input: usize) -> &[f64] {
        &self.cuts[input]
    }

    /// The bin of every row.
    pub(super) fn bins(&self, input: usize) -> &[u8] {
        &self.bins[input * self.len()..(input + 1) * self.len()]
    }
}

/// Cuts halfway between values that follow each other, at the quantiles where there are more values than bins.
fn cuts<'a>(values: impl Iterator<Item = &'a f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.copied().collect();
    sorted.sort_by(f64::total_cmp);
    let places = sorted.len();
    let ends = (1..BINS).map(|bin| bin * places / BINS);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let mut cuts: Vec<f64> = if distinct.len() <= BINS {
        distinct.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).collect()
    } else {
        // A cut after a run of equal values, so that both sides of it differ.
        ends.filter_map(|end| {
            let next = sorted.partition_point(|value| *value <= sorted[end]);
            sorted.get(next).map(|next| f64::midpoint(sorted[end], *next))
        })
        .collect()
    };
    cuts.dedup();
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_keep_order_and_hold_nearly_equal_numbers_of_rows() {
        let rows: Vec<f64> = (0..1_000).flat_map(|row| [f64::from(row * 7_919 % 1_000), f64::from(row % 3)]).collect();
        let table = Table::new(&rows, 2);
        assert_eq!((table.len(), table.width()), (1_000, 2));
        let mut counts = [0; BINS];
        for (row, bin) in table.rows().zip(table.bins(0)) {
            counts[usize::from(*bin)] += 1;
            assert_eq!(usize::from(*bin), table.cuts(0).partition_point(|cut| *cut < row[0]));
        }
        assert!(counts.iter().all(|count| (14..=18).contains(count)), "{counts:?}");
        assert_eq!(table.cuts(1), [0.5, 1.5]);
        assert_eq!(&table.bins(1)[..4], [0, 1, 2, 0]);
    }

    #[test]
    fn an_input_that_does_not_vary_has_one_bin() {
        let table = Table::new(&[5.0; 300], 1);
        assert!(table.cuts(0).is_empty() && table.bins(0).iter().all(|bin| *bin == 0));
    }
}
