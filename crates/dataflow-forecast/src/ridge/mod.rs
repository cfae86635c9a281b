//! A regularised linear model on recent loads, rolling means, earlier days and the calendar; one equation per horizon
//! (direct multi-step forecasts), learnt from the whole past.
//!
//! The choices (transform, inputs, penalty) were made on the part of the NASA trace before its hold-out.
//! Source: Hoerl and Kennard, *Ridge Regression* (1970); direct forecasts: Taieb, Bontempi, Atiya, Sorjamaa, *A review
//! and comparison of strategies for multi-step ahead time series forecasting* (2012).

mod features;
mod hidden;
mod normal_equations;
mod profile;
mod recent;
mod rows;

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

pub(crate) use self::features::{CALENDAR_INPUTS, Features, from_root, to_root};
pub(crate) use self::normal_equations::{Linear, NormalEquations};
use self::rows::Rows;
use crate::history::View;
use crate::model::{
    FitError, FittedMean, Learnt, MeanModel, SaveError, check_horizons, check_past, from_bytes, steps_per_days,
    to_bytes,
};

const MODEL: &str = "ridge";
/// Added to the variance of every standardised input.
const PENALTY: f64 = 0.1;
/// The same, where the inputs of the profile, many of which say nearly the same, are looked at too.
const PENALTY_PROFILE: f64 = 0.3;
const HIDDEN_UNITS: usize = 150;
/// The fewest intervals to learn from, whatever the step.
const SHORTEST_PAST: usize = 120;
/// Rows learnt from per day at most: with finer steps only every n-th interval is a row.
const ROWS_PER_DAY_MAX: usize = 1_440;

/// The regularised linear model.
#[derive(Debug, Clone, Copy)]
pub struct Ridge {
    form: Form,
}

/// What the model looks at besides its usual inputs.
#[derive(Debug, Clone, Copy)]
struct Form {
    with_profile: bool,
    hidden_units: usize,
    seed: u64,
    penalty: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct FittedRidge {
    rows: Rows,
    first_origin: usize,
    equations: Vec<Equation>,
    /// Every so many intervals one row is learnt from.
    stride: usize,
    penalty: f64,
    inputs: Vec<f64>,
}

/// The linear model of one horizon.
#[derive(Debug, Serialize, Deserialize)]
struct Equation {
    horizon: usize,
    sums: NormalEquations,
    linear: Linear,
}

impl Ridge {
    /// The usual form.
    pub const fn new() -> Self {
        Self { form: Form { with_profile: false, hidden_units: 0, seed: 0, penalty: PENALTY } }
    }

    /// The form that also looks at profiles of the day by kind of day, and at the present difference from them, which
    /// may weigh otherwise at each time of the day.
    pub(crate) const fn with_profile() -> Self {
        Self { form: Form { with_profile: true, hidden_units: 0, seed: 0, penalty: PENALTY_PROFILE } }
    }

    /// The form with a layer of random units.
    pub(crate) const fn with_hidden(seed: u64) -> Self {
        Self { form: Form { with_profile: false, hidden_units: HIDDEN_UNITS, seed, penalty: PENALTY } }
    }
}

impl Default for Ridge {
    fn default() -> Self {
        Self::new()
    }
}

impl MeanModel for Ridge {
    fn name(&self) -> &'static str {
        MODEL
    }

    fn shortest_past(&self, step: Step, furthest: usize) -> usize {
        let day = steps_per_days(step, 1);
        (day + day / 4).max(SHORTEST_PAST).max(Features::first_origin(step) + furthest + 1)
    }

    fn fit(&self, past: View<'_>, horizons: &[usize]) -> Result<Box<dyn FittedMean>, FitError> {
        let furthest = check_past(self, past, horizons)?;
        let rows = Rows::new(past, self.form, furthest);
        let inputs = rows.width();
        let equation = |horizon: &usize| Equation {
            horizon: *horizon,
            sums: NormalEquations::new(inputs),
            linear: Linear { coefficients: vec![0.0; inputs], variance: 0.0 },
        };
        let mut fitted = FittedRidge {
            equations: horizons.iter().map(equation).collect(),
            stride: steps_per_days(past.step(), 1).div_ceil(ROWS_PER_DAY_MAX),
            penalty: self.form.penalty,
            inputs: vec![0.0; inputs],
            first_origin: Features::first_origin(past.step()),
            rows,
        };
        fitted.extend(past);
        fitted.refit()?;
        Ok(Box::new(fitted))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let restored: FittedRidge = from_bytes(saved)?;
        if !restored.is_sound() {
            return Err(SaveError::NotRestored("its equations do not fit its inputs".to_owned()));
        }
        Ok(Box::new(restored))
    }
}

impl FittedRidge {
    /// Whether its parts fit each other, after it was read from a file.
    fn is_sound(&self) -> bool {
        let width = self.rows.width();
        let horizons: Vec<usize> = self.equations.iter().map(|equation| equation.horizon).collect();
        let fits = |Equation { sums, linear, .. }: &Equation| {
            sums.is_sound(width)
                && linear.coefficients.len() == width
                && linear.coefficients.iter().chain([&linear.variance]).all(|value| value.is_finite())
        };
        check_horizons(&horizons).is_ok()
            && self.rows.is_sound(horizons.last().copied().unwrap_or(1))
            && self.inputs.len() == width
            && self.stride > 0
            && self.equations.iter().all(fits)
    }
}

impl FittedMean for FittedRidge {
    fn extend(&mut self, new: View<'_>) {
        let Self { rows, first_origin, equations, stride, inputs, .. } = self;
        let furthest = equations.last().map_or(1, |equation| equation.horizon);
        rows.extend(new, furthest, |rows, is_missing| {
            let index = rows.features.len() - 1;
            if is_missing || !index.is_multiple_of(*stride) {
                return;
            }
            for equation in &mut *equations {
                let origin = index.checked_sub(equation.horizon);
                if let Some(origin) = origin.filter(|origin| *origin >= *first_origin) {
                    rows.write(origin, equation.horizon, inputs);
                    if rows.features.is_ordinary(inputs) {
                        equation.sums.add(inputs, rows.features.root(index));
                    }
                }
            }
        });
    }

    fn refit(&mut self) -> Result<(), FitError> {
        if self.equations.iter().any(|equation| equation.sums.rows() == 0) {
            return Err(FitError::NothingToLearn { model: MODEL });
        }
        let solved = self.equations.iter().map(|equation| equation.sums.solve(self.penalty));
        let Some(solved) = solved.collect::<Option<Vec<Linear>>>() else {
            let features = &self.rows.features;
            let largest = (0..features.len()).map(|index| features.root(index)).fold(0.0, f64::max);
            return Err(FitError::TooLarge { model: MODEL, largest: largest * largest });
        };
        for (equation, linear) in self.equations.iter_mut().zip(solved) {
            equation.linear = linear;
        }
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        let origin = self.rows.features.len() - 1;
        let mut inputs = vec![0.0; self.rows.width()];
        for (mean, equation) in means.iter_mut().zip(&self.equations) {
            self.rows.write(origin, equation.horizon, &mut inputs);
            *mean = from_root(equation.linear.at(&inputs), equation.linear.variance);
        }
    }

    fn learnt(&self) -> Vec<Learnt> {
        let mut learnt = vec![
            Learnt { name: "inputs", value: self.inputs.len().to_string() },
            Learnt { name: "penalty", value: self.penalty.to_string() },
        ];
        learnt.extend(self.equations.iter().map(|Equation { horizon, sums, linear }| Learnt {
            name: "rows",
            value: format!(
                "{} for {horizon} ahead, root mean squared error {:.4} of √(load + 3/8)",
                sums.rows(),
                linear.variance.sqrt()
            ),
        }));
        learnt
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(self)
    }
}
