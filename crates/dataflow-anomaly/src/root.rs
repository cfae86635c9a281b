//! Roots of loads, in which counts of any size spread alike (Bartlett 1936), with the sign of the value: what is below
//! zero, as a temperature may be, is as far from zero as what is above.

pub(crate) fn root(value: f64) -> f64 {
    value.abs().sqrt().copysign(value)
}

/// The value of a root.
pub(crate) fn value_of(root: f64) -> f64 {
    root * root.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_kept() {
        for (value, expected) in [(9.0, 3.0), (-9.0, -3.0), (0.0, 0.0)] {
            assert_eq!((root(value), value_of(expected)), (expected, value));
        }
    }
}
