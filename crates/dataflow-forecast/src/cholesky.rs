//! Linear equations with a symmetric positive definite matrix, solved in place by a Cholesky factorisation.
//!
//! Source: Golub and Van Loan, *Matrix Computations*, section 4.2.

/// Solves `matrix · x = right`, both overwritten: `right` by the solution, the lower triangle of `matrix` (given row
/// by row) by its factor. `None` if the matrix is not positive definite.
pub(crate) fn solve_in_place(matrix: &mut [f64], right: &mut [f64]) -> Option<()> {
    let size = right.len();
    for row in 0..size {
        let (above, rest) = matrix.split_at_mut(row * size);
        let current = &mut rest[..=row];
        for column in 0..row {
            let other = &above[column * size..=column * size + column];
            current[column] = (current[column] - dot(&current[..column], other)) / other[column];
        }
        let pivot = current[row] - dot(&current[..row], &current[..row]);
        if !(pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        current[row] = pivot.sqrt();
    }
    for row in 0..size {
        let factor = &matrix[row * size..=row * size + row];
        right[row] = (right[row] - dot(factor, &right[..row])) / factor[row];
    }
    for row in (0..size).rev() {
        let factor = &matrix[row * size..=row * size + row];
        right[row] /= factor[row];
        let solved = right[row];
        for (value, coefficient) in right[..row].iter_mut().zip(factor) {
            *value -= coefficient * solved;
        }
    }
    Some(())
}

/// The sum of products over the shorter length.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definite_system_is_solved_and_an_indefinite_one_refused() {
        // A = LLᵀ with L = [[2,0,0],[1,3,0],[-1,0.5,1]].
        let mut matrix = vec![4.0, 0.0, 0.0, 2.0, 10.0, 0.0, -2.0, 0.5, 2.25];
        let mut right = vec![4.0 + 4.0 - 6.0, 2.0 + 20.0 + 1.5, -2.0 + 1.0 + 6.75];
        solve_in_place(&mut matrix, &mut right).unwrap();
        for (value, expected) in right.iter().zip([1.0, 2.0, 3.0]) {
            assert!((value - expected).abs() < 1e-12, "{right:?}");
        }
        assert_eq!(solve_in_place(&mut [1.0, 0.0, 2.0, 1.0], &mut [1.0, 1.0]), None);
        assert_eq!(solve_in_place(&mut [f64::NAN], &mut [1.0]), None);
    }
}
