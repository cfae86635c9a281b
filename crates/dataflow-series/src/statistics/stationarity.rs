//! Tests for stationarity: whether a load swings around one level, or wanders.

/// Lags of both tests by the length of the series: ⌊12 (n / 100)^¼⌋ (G. W. Schwert, *Tests for unit roots*, 1989).
fn schwert_lags(length: usize) -> usize {
    (12.0 * (length as f64 / 100.0).powf(0.25)) as usize
}

/// A test's statistic beside its critical values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StationarityTest {
    /// The statistic.
    pub statistic: f64,
    /// Lags that were taken into account.
    pub lags: usize,
    /// Values that make up the statistic.
    pub length: usize,
    /// Critical values at 10 %, 5 % and 1 %.
    pub critical: [f64; 3],
}

/// The KPSS test of a constant level: a statistic *above* a critical value speaks against stationarity. `None` for
/// fewer than twenty values or a constant.
///
/// Source: Kwiatkowski, Phillips, Schmidt and Shin, *Testing the null hypothesis of stationarity against the alternative
/// of a unit root*, Journal of Econometrics 54 (1992): equation 13 with Bartlett's window, and table 1.
pub fn kpss(values: &[f64]) -> Option<StationarityTest> {
    const CRITICAL: [f64; 3] = [0.347, 0.463, 0.739];
    let (length, lags) = (values.len(), schwert_lags(values.len()));
    if length < SHORTEST {
        return None;
    }
    let mean = values.iter().sum::<f64>() / length as f64;
    let residuals: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let (mut sum, mut squares) = (0.0, 0.0);
    for residual in &residuals {
        sum += residual;
        squares += sum * sum;
    }
    let product = |lag: usize| residuals.iter().zip(&residuals[lag..]).map(|(early, late)| early * late).sum::<f64>();
    let window = |lag: usize| 1.0 - lag as f64 / (lags + 1) as f64;
    let long_run = product(0) + 2.0 * (1..=lags.min(length - 1)).map(|lag| window(lag) * product(lag)).sum::<f64>();
    let statistic = squares / (length as f64 * long_run);
    let is_constant = product(0) <= ROUNDING * mean * mean * length as f64;
    (!is_constant && statistic.is_finite()).then_some(StationarityTest { statistic, lags, length, critical: CRITICAL })
}

/// The augmented Dickey–Fuller test with a constant: a statistic *below* a critical value speaks against a unit root,
/// so for stationarity. `None` for too few values or a constant.
///
/// Source: Said and Dickey (1984); critical values by the response surface of J. G. `MacKinnon`, *Critical values for
/// cointegration tests* (2010), table 2.
pub fn augmented_dickey_fuller(values: &[f64]) -> Option<StationarityTest> {
    const SURFACE: [[f64; 4]; 3] = [
        [-2.566_77, -1.5384, -2.809, 0.0],
        [-2.861_54, -2.8903, -4.234, -40.040],
        [-3.430_35, -6.5393, -16.786, -79.433],
    ];
    if values.len() < SHORTEST {
        return None;
    }
    let lags = schwert_lags(values.len()).min(values.len() / 2 - 3);
    let changes: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // One row per change that has all its lags: the level before it, a constant, and the changes before it.
    let unknowns = lags + 2;
    let mut normal = vec![0.0; unknowns * unknowns];
    let (mut right, mut row, mut total) = (vec![0.0; unknowns], vec![0.0; unknowns], 0.0);
    for time in lags..changes.len() {
        (row[0], row[1]) = (values[time], 1.0);
        row[2..].iter_mut().enumerate().for_each(|(lag, cell)| *cell = changes[time - 1 - lag]);
        for (index, cell) in row.iter().enumerate() {
            right[index] += cell * changes[time];
            let sums = &mut normal[index * unknowns..][..=index];
            sums.iter_mut().zip(&row).for_each(|(sum, other)| *sum += cell * other);
        }
        total += changes[time] * changes[time];
    }
    let length = changes.len() - lags;
    let (level, inverse, explained) = first_coefficient(normal, right)?;
    let variance = (total - explained) / (length - unknowns) as f64;
    let statistic = level / (variance * inverse).sqrt();
    let inverse_length = 1.0 / length as f64;
    let critical = SURFACE.map(|terms| terms.iter().rev().fold(0.0, |sum, term| sum * inverse_length + term));
    statistic.is_finite().then_some(StationarityTest { statistic, lags, length, critical })
}

/// Fewer values tell nothing.
const SHORTEST: usize = 20;
/// Below this share of its scale a sum of squares is rounding.
const ROUNDING: f64 = 1e-20;

/// Solves normal equations (lower triangle) by Cholesky's method: the first unknown, the first diagonal element of the
/// inverse, and the explained sum of squares. `None` where the columns depend on each other.
fn first_coefficient(mut lower: Vec<f64>, mut right: Vec<f64>) -> Option<(f64, f64, f64)> {
    let size = right.len();
    // In reverse order, so that the first unknown is the last to be solved for and needs no substitution backwards.
    let at = |row: usize, column: usize| row * size + column;
    let original = std::mem::take(&mut lower);
    lower = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..=row {
            lower[at(row, column)] = original[at(size - 1 - column, size - 1 - row)];
        }
    }
    right.reverse();
    for row in 0..size {
        for column in 0..=row {
            let sum: f64 = (0..column).map(|inner| lower[at(row, inner)] * lower[at(column, inner)]).sum();
            let rest = lower[at(row, column)] - sum;
            if row > column {
                lower[at(row, column)] = rest / lower[at(column, column)];
            } else if rest > 1e-12 * lower[at(row, row)] && rest > 0.0 {
                lower[at(row, row)] = rest.sqrt();
            } else {
                return None;
            }
        }
        let sum: f64 = (0..row).map(|inner| lower[at(row, inner)] * right[inner]).sum();
        right[row] = (right[row] - sum) / lower[at(row, row)];
    }
    let last = lower[at(size - 1, size - 1)];
    let explained = right.iter().map(|value| value * value).sum();
    Some((right[size - 1] / last, 1.0 / (last * last), explained))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300 numbers from −½ to ½ of a linear congruential generator, summed up with a memory.
    fn series(start: f64, memory: f64) -> Vec<f64> {
        let mut state = 7_u64;
        let mut values = vec![start];
        for _ in 0..300 {
            state = (state * 1_664_525 + 1_013_904_223) % (1 << 32);
            values.push(memory * values[values.len() - 1] + state as f64 / (1_u64 << 32) as f64 - 0.5);
        }
        values
    }

    /// The figures of statsmodels 0.15.0: `kpss(x, "c", nlags=15)` and `adfuller(x, maxlag=15, autolag=None)`.
    #[test]
    fn statistics_are_those_of_statsmodels() {
        for (values, level, root) in [
            (series(0.0, 0.5), 0.072_751_565_689_608_03, -3.874_335_194_176_403),
            (series(100.0, 1.0), 0.313_159_905_791_411_95, -2.529_220_466_170_157_6),
        ] {
            let (kpss, adf) = (kpss(&values).unwrap(), augmented_dickey_fuller(&values).unwrap());
            assert_eq!((kpss.lags, adf.lags, adf.length), (15, 15, 285));
            assert!((kpss.statistic - level).abs() < 1e-9, "{kpss:?}");
            assert!((adf.statistic - root).abs() < 1e-7, "{adf:?}");
            let expected = [-2.572_202_477_685_441_7, -2.871_735_259_972_029_4, -3.453_505_004_152_424_5];
            for (critical, expected) in adf.critical.iter().zip(expected) {
                assert!((critical - expected).abs() < 1e-9, "{adf:?}");
            }
        }
    }

    #[test]
    fn what_is_short_or_constant_has_no_answer() {
        assert_eq!(kpss(&[5.0; 100]), None);
        assert_eq!(augmented_dickey_fuller(&[5.0; 100]), None);
        assert_eq!(kpss(&[1.0, 2.0]), None);
        assert_eq!(augmented_dickey_fuller(&[1.0; 19]), None);
    }
}
