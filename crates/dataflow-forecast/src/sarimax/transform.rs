//! Loads on a scale on which their spread is nearly the same at every level, standardised.
//!
//! Which scale, the likelihood says, with the slope of the scale taken into account (Box and Cox, *An Analysis of
//! Transformations*, 1964). The root is Anscombe's, √(load + 3/8) (1948); the logarithm is that of load + 1.

use serde::{Deserialize, Serialize};

/// A scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Scale {
    Plain,
    Root,
    Logarithm,
}

/// A scale, and what is subtracted and divided by on it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Transform {
    scale: Scale,
    centre: f64,
    spread: f64,
}

impl Scale {
    pub(super) const ALL: [Self; 3] = [Self::Plain, Self::Root, Self::Logarithm];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "load",
            Self::Root => "root of the load",
            Self::Logarithm => "logarithm of the load",
        }
    }

    fn value(self, load: f64) -> f64 {
        match self {
            Self::Plain => load,
            Self::Root => (load + 0.375).sqrt(),
            Self::Logarithm => load.ln_1p(),
        }
    }

    /// Logarithm of the slope at a load.
    fn log_slope(self, load: f64) -> f64 {
        match self {
            Self::Plain => 0.0,
            Self::Root => -(2.0 * (load + 0.375).sqrt()).ln(),
            Self::Logarithm => -load.ln_1p(),
        }
    }
}

impl Transform {
    /// The scale with centre and spread of some loads, NaN where missing; `None` where they do not vary or overflow.
    pub(super) fn of(scale: Scale, loads: &[f64]) -> Option<Self> {
        let values = || loads.iter().filter(|load| !load.is_nan()).map(|load| scale.value(*load));
        let count = values().count() as f64;
        let centre = values().map(|value| value / count).sum::<f64>();
        let spread = (values().map(|value| (value - centre).powi(2)).sum::<f64>() / count).sqrt();
        (spread.is_finite() && spread > 1e-9 * centre.abs()).then_some(Self { scale, centre, spread })
    }

    /// The root without a centre and a spread of its own, for loads that do not vary.
    pub(super) const fn unscaled() -> Self {
        Self { scale: Scale::Root, centre: 0.0, spread: 1.0 }
    }

    pub(super) const fn scale(&self) -> Scale {
        self.scale
    }

    pub(super) fn to(self, load: f64) -> f64 {
        (self.scale.value(load) - self.centre) / self.spread
    }

    /// The load at a value: at least zero, and finite for any value that is.
    pub(super) fn from(self, value: f64) -> f64 {
        self.expected(value, 0.0)
    }

    /// The load expected where the value is expected to be this, with this variance.
    pub(super) fn expected(self, value: f64, variance: f64) -> f64 {
        let (value, variance) = (self.centre + self.spread * value, self.spread * self.spread * variance);
        let load = match self.scale {
            Scale::Plain => value,
            Scale::Root => value.max(0.0).powi(2) + variance - 0.375,
            Scale::Logarithm => (value + 0.5 * variance).min(700.0).exp_m1(),
        };
        load.clamp(0.0, f64::MAX)
    }

    /// Sum of the logarithms of the slopes at some loads, NaN where missing.
    pub(super) fn log_slopes(self, loads: &[f64]) -> f64 {
        let present = loads.iter().filter(|load| !load.is_nan());
        present.map(|load| self.scale.log_slope(*load) - self.spread.ln()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scale_leads_back() {
        let loads = [0.0, 3.0, f64::NAN, 50.0, 1e6];
        for scale in Scale::ALL {
            let transform = Transform::of(scale, &loads).unwrap();
            for load in loads.into_iter().filter(|load| !load.is_nan()) {
                assert!((transform.from(transform.to(load)) - load).abs() < 1e-8 * load.max(1.0), "{scale:?} {load}");
                let slope = (transform.to(load + 1e-4) - transform.to(load)) / 1e-4;
                assert!((slope.ln() - transform.log_slopes(&[load])).abs() < 1e-3, "{scale:?} {load}");
            }
            assert!(Transform::of(scale, &[7.0; 9]).is_none());
        }
    }
}
