//! A regularised linear model on recent loads, rolling means, earlier days and the calendar; one equation per horizon
//! (direct multi-step forecasts), learnt from the whole past.
//!
//! The choices (transform, inputs, penalty) were made on the part of the NASA trace before its hold-out.
//! Source: Hoerl and Kennard, *Ridge Regression* (1970); direct forecasts: Taieb, Bontempi, Atiya, Sorjamaa, *A review
//! and comparison of strategies for multi-step ahead time series forecasting* (2012).

mod features;
mod normal_equations;

use dataflow_series::Step;
use serde::{Deserialize, Serialize};

pub(crate) use self::features::{CALENDAR_INPUTS, Features, from_root, to_root};
pub(crate) use self::normal_equations::{Linear, NormalEquations};
use crate::history::View;
use crate::model::{FitError, FittedMean, MeanModel, SaveError, check_horizons, from_bytes, steps_per_days, to_bytes};

const MODEL: &str = "ridge";
/// Added to the variance of every standardised input.
const PENALTY: f64 = 0.1;
/// The fewest intervals to learn from, whatever the step.
const SHORTEST_PAST: usize = 120;
/// Rows learnt from per day at most: with finer steps only every n-th interval is a row.
const ROWS_PER_DAY_MAX: usize = 1_440;

/// The regularised linear model.
#[derive(Debug, Clone, Copy)]
pub struct Ridge;

#[derive(Debug, Serialize, Deserialize)]
struct FittedRidge {
    features: Features,
    first_origin: usize,
    equations: Vec<Equation>,
    /// Every so many intervals one row is learnt from.
    stride: usize,
    inputs: Vec<f64>,
}

/// The linear model of one horizon.
#[derive(Debug, Serialize, Deserialize)]
struct Equation {
    horizon: usize,
    sums: NormalEquations,
    linear: Linear,
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
        check_horizons(horizons)?;
        let got = past.values().len();
        let needed = self.shortest_past(past.step(), horizons.last().copied().unwrap_or(1));
        if got < needed {
            return Err(FitError::TooShort { model: MODEL, needed, got });
        }
        let features = Features::new(past);
        let inputs = features.inputs();
        let equation = |horizon: &usize| Equation {
            horizon: *horizon,
            sums: NormalEquations::new(inputs),
            linear: Linear { coefficients: vec![0.0; inputs], variance: 0.0 },
        };
        let mut fitted = FittedRidge {
            equations: horizons.iter().map(equation).collect(),
            stride: steps_per_days(past.step(), 1).div_ceil(ROWS_PER_DAY_MAX),
            inputs: vec![0.0; inputs],
            first_origin: Features::first_origin(past.step()),
            features,
        };
        fitted.extend(past);
        fitted.refit()?;
        Ok(Box::new(fitted))
    }

    fn restore(&self, saved: &[u8]) -> Result<Box<dyn FittedMean>, SaveError> {
        let restored: FittedRidge = from_bytes(saved)?;
        Ok(Box::new(restored))
    }
}

impl FittedMean for FittedRidge {
    fn extend(&mut self, new: View<'_>) {
        let furthest = self.equations.last().map_or(1, |equation| equation.horizon);
        for load in new.values() {
            self.features.push(*load, furthest);
            let index = self.features.len() - 1;
            if !index.is_multiple_of(self.stride) {
                continue;
            }
            let target = self.features.root(index);
            for equation in &mut self.equations {
                let origin = index.checked_sub(equation.horizon);
                if let Some(origin) = origin.filter(|origin| *origin >= self.first_origin) {
                    self.features.write(origin, equation.horizon, &mut self.inputs);
                    if self.features.is_ordinary(&self.inputs) {
                        equation.sums.add(&self.inputs, target);
                    }
                }
            }
        }
    }

    fn refit(&mut self) -> Result<(), FitError> {
        let solved: Option<Vec<Linear>> = self.equations.iter().map(|equation| equation.sums.solve(PENALTY)).collect();
        let Some(solved) = solved else {
            let largest = (0..self.features.len()).map(|index| self.features.root(index)).fold(0.0, f64::max);
            return Err(FitError::TooLarge { model: MODEL, largest: largest * largest });
        };
        for (equation, linear) in self.equations.iter_mut().zip(solved) {
            equation.linear = linear;
        }
        Ok(())
    }

    fn means(&self, means: &mut [f64]) {
        let origin = self.features.len() - 1;
        let mut inputs = vec![0.0; self.features.inputs()];
        for (mean, equation) in means.iter_mut().zip(&self.equations) {
            self.features.write(origin, equation.horizon, &mut inputs);
            *mean = from_root(equation.linear.at(&inputs), equation.linear.variance);
        }
    }

    fn save(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(self)
    }
}
