//! Least squares of a few columns by normal equations.

/// Sums of products of all columns of some rows, the last column being the one to explain.
pub(super) struct Products {
    columns: usize,
    /// Lower triangle, row by row, in a square.
    sums: Vec<f64>,
}

/// A solution of [`Products`].
pub(super) struct Solution {
    /// One coefficient per explaining column; zero for one that others (or nothing) make up.
    pub(super) coefficients: Vec<f64>,
    /// Sum of the squared rest.
    pub(super) rest: f64,
    /// The same if only the first 0, 1, 2, … columns explain.
    pub(super) rests: Vec<f64>,
}

/// A column is left out if the others explain all but this share of its squares.
const REDUNDANT: f64 = 1e-10;

impl Products {
    pub(super) fn new(columns: usize) -> Self {
        Self { columns, sums: vec![0.0; columns * columns] }
    }

    /// Takes in one row.
    pub(super) fn add(&mut self, row: &[f64]) {
        for (index, value) in row.iter().enumerate() {
            let sums = &mut self.sums[index * self.columns..=index * self.columns + index];
            for (sum, other) in sums.iter_mut().zip(row) {
                *sum += value * other;
            }
        }
    }

    /// The coefficients with the least squared rest, by Cholesky factorisation.
    pub(super) fn solve(&self) -> Solution {
        let size = self.columns;
        let mut factor = self.sums.clone();
        for row in 0..size {
            for column in 0..=row {
                let dot: f64 = (0..column).map(|k| factor[row * size + k] * factor[column * size + k]).sum();
                let rest = self.sums[row * size + column] - dot;
                let diagonal = factor[column * size + column];
                factor[row * size + column] = if row == column {
                    if rest > REDUNDANT * self.sums[row * size + row] || row + 1 == size {
                        rest.max(0.0).sqrt()
                    } else {
                        0.0
                    }
                } else if diagonal > 0.0 {
                    rest / diagonal
                } else {
                    0.0
                };
            }
        }
        let last = (size - 1) * size;
        let mut coefficients = vec![0.0; size - 1];
        for row in (0..size - 1).rev() {
            let dot: f64 = (row + 1..size - 1).map(|k| factor[k * size + row] * coefficients[k]).sum();
            let diagonal = factor[row * size + row];
            coefficients[row] = if diagonal > 0.0 { (factor[last + row] - dot) / diagonal } else { 0.0 };
        }
        let rest = factor[last + size - 1].powi(2);
        let mut rests = vec![rest; size];
        for count in (0..size - 1).rev() {
            rests[count] = rests[count + 1] + factor[last + count].powi(2);
        }
        Solution { coefficients, rest, rests }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_relation_is_found_and_a_redundant_column_left_out() {
        let mut products = Products::new(5);
        for row in 0..40 {
            let (a, b) = (f64::from(row % 7), f64::from(row * row % 11));
            products.add(&[1.0, a, b, a + b, 3.0 + 2.0 * a - b]);
        }
        let solution = products.solve();
        for (value, expected) in solution.coefficients.iter().zip([3.0, 2.0, -1.0, 0.0]) {
            assert!((value - expected).abs() < 1e-9, "{:?}", solution.coefficients);
        }
        assert!(solution.rest < 1e-9 && solution.rests[3] < 1e-9 && solution.rests[2] > 1.0);
    }
}
