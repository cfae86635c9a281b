//! How well a form with given numbers explains the loads, and how that changes with each number.
//!
//! The likelihood of the source (section 5.1) is n ln(Σr²) + 2 Σ ln|f| for errors relative to the forecasts f, and
//! n ln(Σr²) for absolute ones. With G, the geometric mean of the forecasts, both are n ln of a sum of squares, that of
//! G·r and of r; so one search by least squares serves both. Derivatives are carried forward beside the state.

use super::form::{ErrorKind, Form, Season};
use super::layout::Layout;
use super::sample::Sample;
use super::state::{LEAST, State};

/// So many forecasts are multiplied before a logarithm is taken.
const PRODUCTS: usize = 4;
/// So many rows of derivatives are gathered before they enter the products.
const ROWS: usize = 4;

/// A form, the loads, and the places of the free numbers.
pub(super) struct Likelihood<'a> {
    pub(super) form: Form,
    pub(super) sample: &'a Sample<'a>,
    pub(super) layout: Layout,
}

/// Sums over all loads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sums {
    /// Of squared errors, relative to the forecast where the form's errors are.
    pub(super) squares: f64,
    /// Of the logarithms of the forecasts; zero where errors are absolute.
    pub(super) logarithms: f64,
    count: f64,
}

/// The Gauss–Newton approximation around some numbers: the (halved) second and first derivatives of [`Sums::total`], up
/// to a common positive factor.
pub(super) struct Slope {
    /// Lower triangle, row by row.
    pub(super) products: Vec<f64>,
    pub(super) gradient: Vec<f64>,
}

/// The derivatives of the state by all free numbers.
struct Derivatives {
    level: Vec<f64>,
    slope: Vec<f64>,
    /// Slot by slot.
    profile: Vec<f64>,
}

/// The products of derivatives, gathered in blocks of rows.
struct Gathered {
    len: usize,
    rows: Vec<f64>,
    pending: usize,
    slope: Slope,
    /// Σ (∂f/∂number) / f.
    relative: Vec<f64>,
}

impl Sums {
    /// What the search makes small: exp of −2/n times the log-likelihood, up to a constant.
    pub(super) fn total(self) -> f64 {
        self.squares * (2.0 * self.logarithms / self.count).exp()
    }
}

impl Likelihood<'_> {
    /// The sums at some numbers; `None` where a forecast that must be positive is not.
    pub(super) fn sums(&self, numbers: &[f64]) -> Option<Sums> {
        match self.form.season {
            Season::Multiplicative => self.sums_as::<true>(numbers),
            _ => self.sums_as::<false>(numbers),
        }
    }

    fn sums_as<const FACTORS: bool>(&self, numbers: &[f64]) -> Option<Sums> {
        let weights = self.layout.weights(numbers);
        let State { mut level, mut slope, mut profile, .. } = self.layout.state(numbers);
        let relative = self.form.error == ErrorKind::Multiplicative;
        let (mut squares, mut logarithms, mut product, mut pending) = (0.0, 0.0, 1.0, 0);
        for (step, (load, slot)) in self.sample.values.iter().zip(&self.sample.slot_of).enumerate() {
            let trend = level + weights.damping * slope;
            level = trend;
            slope *= weights.damping;
            if self.sample.is_missing(step) {
                continue;
            }
            let slot = if profile.len() == 1 { &mut profile[0] } else { &mut profile[*slot] };
            let season = *slot;
            let forecast = if FACTORS { trend * season } else { trend + season };
            if (relative && forecast < LEAST) || (FACTORS && season < LEAST) {
                return None;
            }
            let error = load - forecast;
            let residual = if relative { error / forecast } else { error };
            squares += residual * residual;
            if relative {
                product *= forecast;
                pending += 1;
                if pending == PRODUCTS {
                    logarithms += product.ln();
                    (product, pending) = (1.0, 0);
                }
            }
            let by_level = if FACTORS { error / season } else { error };
            level += weights.level * by_level;
            slope += weights.slope * by_level;
            *slot += weights.season * if FACTORS { error / trend } else { error };
        }
        logarithms += product.ln();
        let sums = Sums { squares, logarithms, count: self.sample.observed as f64 };
        sums.total().is_finite().then_some(sums)
    }

    /// The derivatives at numbers whose [`Self::sums`] are known.
    pub(super) fn slope(&self, numbers: &[f64], sums: Sums) -> Slope {
        let gathered = match self.form.season {
            Season::Multiplicative => self.gather::<true>(numbers),
            _ => self.gather::<false>(numbers),
        };
        gathered.finish((self.form.error == ErrorKind::Multiplicative).then_some(sums))
    }

    fn gather<const FACTORS: bool>(&self, numbers: &[f64]) -> Gathered {
        let layout = &self.layout;
        let weights = layout.weights(numbers);
        let State { mut level, mut slope, mut profile, .. } = layout.state(numbers);
        let slope_share = layout.slope_share.map_or(0.0, |place| numbers[place]);
        let season_share = layout.season_share.map_or(0.0, |place| numbers[place]);
        let relative = self.form.error == ErrorKind::Multiplicative;
        let mut by = Derivatives::new(layout, profile.len());
        let mut gathered = Gathered::new(layout.len);
        for (step, (load, slot)) in self.sample.values.iter().zip(&self.sample.slot_of).enumerate() {
            // The trend's derivatives take the place of the level's.
            for (level, slope) in by.level.iter_mut().zip(&mut by.slope) {
                *slope *= weights.damping;
                *level += *slope;
            }
            if let Some(place) = layout.damping {
                by.level[place] += slope;
                by.slope[place] += slope;
            }
            let trend = level + weights.damping * slope;
            level = trend;
            slope *= weights.damping;
            if self.sample.is_missing(step) {
                continue;
            }
            let slot = if profile.len() == 1 { 0 } else { *slot };
            let season = profile[slot];
            let forecast = if FACTORS { trend * season } else { trend + season };
            let error = load - forecast;
            let by_profile = &mut by.profile[slot * layout.len..(slot + 1) * layout.len];
            let row = gathered.next_row();
            // The same error as the level and as the profile see it.
            let (for_level, for_season) = if FACTORS { (error / season, error / trend) } else { (error, error) };
            if FACTORS {
                let (per_season, per_trend) = (1.0 / season, 1.0 / trend);
                for (((row, level), slope), profile) in
                    row.iter_mut().zip(&mut by.level).zip(&mut by.slope).zip(by_profile.iter_mut())
                {
                    let of_forecast = *level * season + trend * *profile;
                    let of_level = -(of_forecast + for_level * *profile) * per_season;
                    let of_season = -(of_forecast + for_season * *level) * per_trend;
                    *row = of_forecast;
                    *level += weights.level * of_level;
                    *slope += weights.slope * of_level;
                    *profile += weights.season * of_season;
                }
            } else {
                for (((row, level), slope), profile) in
                    row.iter_mut().zip(&mut by.level).zip(&mut by.slope).zip(by_profile.iter_mut())
                {
                    let of_forecast = *level + *profile;
                    *row = of_forecast;
                    *level -= weights.level * of_forecast;
                    *slope -= weights.slope * of_forecast;
                    *profile -= weights.season * of_forecast;
                }
            }
            by.level[0] += for_level;
            by.slope[0] += slope_share * for_level;
            by_profile[0] -= season_share * for_season;
            if let Some(place) = layout.slope_share {
                by.slope[place] += weights.level * for_level;
            }
            if let Some(place) = layout.season_share {
                by_profile[place] += (1.0 - weights.level) * for_season;
            }
            level += weights.level * for_level;
            slope += weights.slope * for_level;
            profile[slot] += weights.season * for_season;
            if relative {
                gathered.take_relative(*load, forecast);
            } else {
                gathered.take(-1.0, error);
            }
        }
        gathered
    }
}

impl Derivatives {
    fn new(layout: &Layout, slots: usize) -> Self {
        let mut by =
            Self { level: vec![0.0; layout.len], slope: vec![0.0; layout.len], profile: vec![0.0; layout.len * slots] };
        by.level[layout.level] = 1.0;
        if let Some(place) = layout.slope {
            by.slope[place] = 1.0;
        }
        for (slot, place) in layout.profile.clone().enumerate() {
            by.profile[slot * layout.len + place] = 1.0;
            by.profile[(slots - 1) * layout.len + place] = -1.0;
        }
        by
    }
}

impl Gathered {
    fn new(len: usize) -> Self {
        let slope = Slope { products: vec![0.0; len * len], gradient: vec![0.0; len] };
        Self { len, rows: vec![0.0; ROWS * len], pending: 0, slope, relative: vec![0.0; len] }
    }

    /// Where the derivatives of the next forecast go.
    fn next_row(&mut self) -> &mut [f64] {
        &mut self.rows[self.pending * self.len..(self.pending + 1) * self.len]
    }

    /// Takes the row in; `scale` turns the derivatives of the forecast into those of the residual.
    fn take(&mut self, scale: f64, residual: f64) {
        let row = &mut self.rows[self.pending * self.len..(self.pending + 1) * self.len];
        for (derivative, gradient) in row.iter_mut().zip(&mut self.slope.gradient) {
            *derivative *= scale;
            *gradient += *derivative * residual;
        }
        self.pending += 1;
        if self.pending == ROWS {
            self.flush();
        }
    }

    /// As [`Self::take`] for a residual relative to the forecast.
    fn take_relative(&mut self, load: f64, forecast: f64) {
        let inverse = 1.0 / forecast;
        for (sum, derivative) in self.relative.iter_mut().zip(&self.rows[self.pending * self.len..]) {
            *sum += derivative * inverse;
        }
        self.take(-load * inverse * inverse, (load - forecast) * inverse);
    }

    fn flush(&mut self) {
        let (first, rest) = self.rows.split_at(self.len);
        let (second, rest) = rest.split_at(self.len);
        let (third, fourth) = rest.split_at(self.len);
        for (place, row) in self.slope.products.chunks_exact_mut(self.len).enumerate() {
            let (a, b, c, d) = (first[place], second[place], third[place], fourth[place]);
            let columns = first.iter().zip(second).zip(third).zip(fourth);
            for (product, (((first, second), third), fourth)) in row[..=place].iter_mut().zip(columns) {
                *product += a * first + b * second + c * third + d * fourth;
            }
        }
        self.rows.fill(0.0);
        self.pending = 0;
    }

    /// The derivatives of all residuals; where they are relative (and so have sums of logarithms), each times G, which
    /// changes too.
    fn finish(mut self, relative: Option<Sums>) -> Slope {
        self.flush();
        let Some(sums) = relative else { return self.slope };
        let growth: Vec<f64> = self.relative.iter().map(|sum| sum / sums.count).collect();
        let Slope { products, gradient } = &mut self.slope;
        for (place, row) in products.chunks_exact_mut(self.len).enumerate() {
            for (column, product) in row[..=place].iter_mut().enumerate() {
                *product += gradient[place] * growth[column]
                    + growth[place] * gradient[column]
                    + sums.squares * growth[place] * growth[column];
            }
        }
        for (gradient, growth) in gradient.iter_mut().zip(&growth) {
            *gradient += sums.squares * growth;
        }
        self.slope
    }
}
