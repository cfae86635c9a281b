//! The least value of a smooth function of a few unbounded parameters: BFGS with central differences.
//!
//! Source: Nocedal and Wright, *Numerical Optimization* (2006), algorithm 6.1 and section 8.1.

const ITERATIONS_MAX: usize = 200;
/// How far the points of a difference are from the point itself.
const DIFFERENCE: f64 = 1e-5;
/// When a search is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Precision {
    /// When no element of the gradient is larger,
    gradient: f64,
    /// or when two steps in a row gained less than this.
    gain: f64,
    /// Whether slopes are taken from both sides of a point, or from one for half the work.
    central: bool,
}

/// Exact to far less than the standard errors of coefficients.
pub(super) const FINE: Precision = Precision { gradient: 3e-6, gain: 1e-10, central: true };
/// Exact enough to compare models.
pub(super) const ROUGH: Precision = Precision { gradient: 3e-4, gain: 1e-6, central: false };

/// The longest step, in any parameter.
const STEP_MAX: f64 = 3.0;
/// Share of the gain promised by the slope that a step must bring.
const ENOUGH: f64 = 1e-4;

/// A point near which `function` is least, and its value there. Where the function is not finite it is avoided;
/// `None` if that is so at the start.
pub(super) fn minimise(
    function: &mut dyn FnMut(&[f64]) -> f64,
    start: &[f64],
    precision: Precision,
) -> Option<(Vec<f64>, f64)> {
    let size = start.len();
    let mut point = start.to_vec();
    let mut value = finite(function(&point))?;
    if size == 0 {
        return Some((point, value));
    }
    let mut slope = gradient(function, &mut point, value, precision)?;
    let mut inverse = identity(size);
    let mut idle = 0;
    for _ in 0..ITERATIONS_MAX {
        if largest(&slope) < precision.gradient {
            break;
        }
        let mut direction = descent(&inverse, &slope);
        if dot(&direction, &slope) >= 0.0 {
            inverse = identity(size);
            direction = slope.iter().map(|value| -value).collect();
        }
        let Some((next, next_value)) = line_search(function, &point, value, &direction, &slope) else { break };
        let mut next = next;
        let Some(next_slope) = gradient(function, &mut next, next_value, precision) else { break };
        idle = if value - next_value < precision.gain * value.abs().max(1.0) { idle + 1 } else { 0 };
        let moved: Vec<f64> = next.iter().zip(&point).map(|(new, old)| new - old).collect();
        let turned: Vec<f64> = next_slope.iter().zip(&slope).map(|(new, old)| new - old).collect();
        update(&mut inverse, &moved, &turned);
        (point, value, slope) = (next, next_value, next_slope);
        if idle == 2 {
            break;
        }
    }
    Some((point, value))
}

/// A point along a direction whose value has gone down enough, by halving from a full step on.
fn line_search(
    function: &mut dyn FnMut(&[f64]) -> f64,
    point: &[f64],
    value: f64,
    direction: &[f64],
    slope: &[f64],
) -> Option<(Vec<f64>, f64)> {
    let promised = dot(direction, slope);
    let mut length = (STEP_MAX / largest(direction)).min(1.0);
    for _ in 0..30 {
        let next: Vec<f64> = point.iter().zip(direction).map(|(at, step)| at + length * step).collect();
        let next_value = function(&next);
        if next_value.is_finite() && next_value <= value + ENOUGH * length * promised {
            return Some((next, next_value));
        }
        // The least point of the parabola through both values and the slope, kept within a tenth and a half.
        let parabola = -promised * length / (2.0 * (next_value - value - promised * length));
        length *= if parabola.is_finite() { parabola.clamp(0.1, 0.5) } else { 0.2 };
    }
    None
}

/// The slope at a point where the function has this value.
fn gradient(
    function: &mut dyn FnMut(&[f64]) -> f64,
    point: &mut [f64],
    value: f64,
    precision: Precision,
) -> Option<Vec<f64>> {
    let mut slope = vec![0.0; point.len()];
    for index in 0..point.len() {
        let at = point[index];
        let distance = DIFFERENCE * at.abs().max(1.0);
        point[index] = at + distance;
        let above = function(point);
        slope[index] = if precision.central {
            point[index] = at - distance;
            (above - function(point)) / (2.0 * distance)
        } else {
            (above - value) / distance
        };
        point[index] = at;
        finite(slope[index])?;
    }
    Some(slope)
}

/// The change of the inverse Hessian by what one step taught; steps without positive curvature teach nothing.
fn update(inverse: &mut [Vec<f64>], moved: &[f64], turned: &[f64]) {
    let curvature = dot(moved, turned);
    if curvature <= 1e-12 * dot(turned, turned).sqrt() * dot(moved, moved).sqrt() {
        return;
    }
    let along: Vec<f64> = inverse.iter().map(|row| dot(row, turned)).collect();
    let scale = (1.0 + dot(turned, &along) / curvature) / curvature;
    for (row, values) in inverse.iter_mut().enumerate() {
        for (column, value) in values.iter_mut().enumerate() {
            *value += scale * moved[row] * moved[column]
                - (along[row] * moved[column] + moved[row] * along[column]) / curvature;
        }
    }
}

fn descent(inverse: &[Vec<f64>], slope: &[f64]) -> Vec<f64> {
    inverse.iter().map(|row| -dot(row, slope)).collect()
}

fn identity(size: usize) -> Vec<Vec<f64>> {
    (0..size).map(|row| (0..size).map(|column| if row == column { 1.0 } else { 0.0 }).collect()).collect()
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_bottom_of_a_bent_valley() {
        let mut rosenbrock = |x: &[f64]| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2);
        let (point, value) = minimise(&mut rosenbrock, &[-1.2, 1.0], FINE).unwrap();
        assert!(value < 1e-10 && (point[0] - 1.0).abs() < 1e-4, "{point:?} {value}");
    }

    #[test]
    fn walls_are_avoided_and_a_start_on_one_is_told() {
        let mut walled = |x: &[f64]| if x[0] < 0.5 { f64::INFINITY } else { (x[0] - 1.0).powi(2) };
        let (point, _) = minimise(&mut walled, &[9.0], FINE).unwrap();
        assert!((point[0] - 1.0).abs() < 1e-6, "{point:?}");
        assert!(minimise(&mut walled, &[0.0], FINE).is_none());
    }
}
