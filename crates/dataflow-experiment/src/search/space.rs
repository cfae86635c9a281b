//! The box that a search looks through: one axis for each number, each on its own scale.

/// Steps into which the range of a number is cut, so that what is found can be written down as it was tried.
const STEPS: f64 = 1_000.0;

/// One number that may be varied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// The least value tried.
    pub low: f64,
    /// The greatest value tried.
    pub high: f64,
    /// Only multiples of this are tried, such as whole numbers with 1; `None` tries any number.
    pub step: Option<f64>,
    /// Whether equal ratios, not equal differences, are searched equally closely.
    pub is_logarithmic: bool,
}

/// Why there is nothing to search.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// No axis at all.
    #[error("there is nothing to vary")]
    Empty,
    /// An axis without room.
    #[error("the range {low}..{high} of axis {axis} holds no number to choose from: {problem}")]
    Range {
        /// Which axis, from 0.
        axis: usize,
        /// Its lower end.
        low: f64,
        /// Its upper end.
        high: f64,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// A box of axes, not empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    axes: Vec<Axis>,
}

impl Space {
    /// A box with these axes.
    ///
    /// # Errors
    /// When there is no axis, or one without two different values.
    pub fn new(axes: Vec<Axis>) -> Result<Self, SpaceError> {
        if axes.is_empty() {
            return Err(SpaceError::Empty);
        }
        for (index, axis) in axes.iter().enumerate() {
            if let Some(problem) = axis.problem() {
                return Err(SpaceError::Range { axis: index, low: axis.low, high: axis.high, problem });
            }
        }
        Ok(Self { axes })
    }

    /// The axes, in order.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The values at a point of the unit cube.
    pub(super) fn values(&self, point: &[f64]) -> Vec<f64> {
        self.axes.iter().zip(point).map(|(axis, share)| axis.value(*share)).collect()
    }

    /// The point of the unit cube where values lie; values outside of the box lie on its faces.
    pub(super) fn point(&self, values: &[f64]) -> Vec<f64> {
        self.axes.iter().zip(values).map(|(axis, value)| axis.share(*value)).collect()
    }
}

impl Axis {
    /// What is wrong with the range, if anything.
    fn problem(&self) -> Option<&'static str> {
        if !(self.low.is_finite() && self.high.is_finite()) {
            Some("both ends must be finite")
        } else if self.low >= self.high {
            Some("the lower end must be below the upper end")
        } else if self.is_logarithmic && self.low <= 0.0 {
            Some("the lower end of a logarithmic range must be above 0")
        } else if self.step.is_some_and(|step| self.multiples(step).is_none()) {
            Some("it needs room for at least two whole steps")
        } else {
            None
        }
    }

    /// The least and the greatest multiple of the step within the range, where they are two.
    fn multiples(&self, step: f64) -> Option<(f64, f64)> {
        let (low, high) = ((self.low / step).ceil() * step, (self.high / step).floor() * step);
        (low < high).then_some((low, high))
    }

    /// Both ends on the scale searched. Half a step more at each end gives each multiple the same room.
    fn ends(&self) -> (f64, f64) {
        let multiples = self.step.and_then(|step| Some((step / 2.0, self.multiples(step)?)));
        let (margin, (low, high)) = multiples.unwrap_or((0.0, (self.low, self.high)));
        if self.is_logarithmic {
            (libm::log((low - margin).max(low / 2.0)), libm::log(high + margin))
        } else {
            (low - margin, high + margin)
        }
    }

    /// The value at a share of the axis, from 0 to 1.
    pub fn value(&self, share: f64) -> f64 {
        let (low, high) = self.ends();
        let place = low + share.clamp(0.0, 1.0) * (high - low);
        let value = if self.is_logarithmic { libm::exp(place) } else { place };
        let (value, (low, high)) = match self.step.and_then(|step| Some((step, self.multiples(step)?))) {
            Some((step, multiples)) => ((value / step).round() * step, multiples),
            None => (round_to(value, self.step_at(value)), (self.low, self.high)),
        };
        // Rounding makes a zero with a sign, which is another zero to whoever compares bits.
        value.clamp(low, high) + 0.0
    }

    /// Where on the axis a value lies, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        let (low, high) = self.ends();
        let value = value.clamp(self.low, self.high);
        let place = if self.is_logarithmic { libm::log(value) } else { value };
        ((place - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// Powers of ten, so that values have few digits: of the range, or of the value where ratios count.
    fn step_at(&self, value: f64) -> f64 {
        let size = if self.is_logarithmic { value } else { self.high - self.low };
        libm::pow(10.0, libm::log10(size).floor()) / STEPS
    }
}

/// The nearest multiple of `step`, as its shortest decimal.
fn round_to(value: f64, step: f64) -> f64 {
    let multiples = (value / step).round();
    // Division by a whole power of ten rounds once, to the number that people write.
    let inverse = (1.0 / step).round();
    if step < 1.0 && inverse.is_finite() { multiples / inverse } else { multiples * step }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn axis(low: f64, high: f64) -> Axis {
        Axis { low, high, step: None, is_logarithmic: false }
    }

    #[test]
    fn values_have_few_digits_and_reach_both_ends() {
        let share = axis(0.5, 0.999);
        assert_eq!((share.value(0.0), share.value(1.0)), (0.5, 0.999));
        assert_eq!(share.value(0.333_333).to_string(), "0.6663");
        let price = Axis { is_logarithmic: true, ..axis(1e-6, 1e-3) };
        assert_eq!(price.value(0.5).to_string(), "0.00003162");
    }

    #[test]
    fn every_whole_number_has_the_same_room() {
        let count = Axis { step: Some(1.0), ..axis(1.0, 4.0) };
        let found: Vec<f64> = (0..8).map(|eighth| count.value((f64::from(eighth) + 0.5) / 8.0)).collect();
        assert_eq!(found, [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
    }

    #[test]
    fn a_box_without_room_is_refused() {
        assert_eq!(Space::new(Vec::new()), Err(SpaceError::Empty));
        let whole = Axis { step: Some(1.0), ..axis(1.2, 2.9) };
        let logarithmic = Axis { is_logarithmic: true, ..axis(0.0, 1.0) };
        for wrong in [axis(1.0, 1.0), axis(2.0, 1.0), axis(f64::NAN, 1.0), axis(0.0, f64::INFINITY), whole, logarithmic]
        {
            assert!(Space::new(vec![axis(0.0, 1.0), wrong]).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn values_lie_in_the_box_and_come_back_to_where_they_were(
            low in 1e-3..1e3f64,
            width in 1.1..1e4f64,
            share in 0.0..=1.0f64,
            is_whole: bool,
            is_logarithmic: bool,
        ) {
            let step = is_whole.then_some(1.0);
            let axis = Axis { low, high: low + width.max(3.0), step, is_logarithmic };
            let value = axis.value(share);
            prop_assert!((axis.low..=axis.high).contains(&value));
            let again = axis.value(axis.share(value));
            prop_assert!((again - value).abs() <= 1.001 * step.unwrap_or(axis.step_at(value)), "{value} {again}");
        }
    }
}
