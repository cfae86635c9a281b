//! The rows that the linear model learns from: what it always looks at, and what some of its forms add.

use serde::{Deserialize, Serialize};

use super::Form;
use super::features::{CALENDAR_INPUTS, Features};
use super::hidden::Hidden;
use super::profile::Profile;
use super::recent::Recent;
use crate::history::View;

/// Differences from the profile that are let vary over the day, each times the waves of the day and the weekend.
const DIFFERENCES: usize = 4;
const WAVES: usize = 5;
/// Intervals over which the second difference is taken.
const SHORT_MEAN: usize = 16;

/// A past as rows of inputs: constant, features (calendar last), recent levels, profile, differences, hidden units.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rows {
    pub(super) features: Features,
    recent: Recent,
    profile: Option<Profile>,
    hidden: Option<Hidden>,
}

impl Rows {
    /// Rows of a past, none of whose loads is taken in yet, for forecasts up to `furthest` steps ahead.
    pub(super) fn new(past: View<'_>, form: Form, furthest: usize) -> Self {
        let features = Features::new(past);
        let recent = Recent::new(past.step(), past.inside().map_or(0, |(parts, _)| parts), furthest + 1);
        let profile = if form.with_profile { Profile::new(past.step()) } else { None };
        let mut rows = Self { features, recent, profile, hidden: None };
        if form.hidden_units > 0 {
            rows.hidden = Some(Hidden::new(form.hidden_units, rows.width(), form.seed));
        }
        rows
    }

    /// Number of inputs, the constant included.
    pub(super) fn width(&self) -> usize {
        let hidden = self.hidden.as_ref().map_or(0, Hidden::units);
        self.features.inputs() + self.recent.width() + self.profile_width() + hidden
    }

    /// Whether its parts fit each other and forecasts so many steps ahead, after it was read from a file.
    pub(super) fn is_sound(&self, ahead: usize) -> bool {
        let length = self.features.len();
        self.features.is_sound(ahead)
            && self.recent.is_sound(length)
            && self.profile.as_ref().is_none_or(|profile| profile.is_sound(length))
            && self.hidden.as_ref().is_none_or(|hidden| hidden.units() > 0)
    }

    fn profile_width(&self) -> usize {
        self.profile.as_ref().map_or(0, |_| Profile::width() + DIFFERENCES * WAVES)
    }

    /// Takes in the intervals that came next one by one, and calls `taken` after each with whether it was missing.
    pub(super) fn extend(&mut self, new: View<'_>, furthest: usize, mut taken: impl FnMut(&Self, bool)) {
        let (parts, inside) = new.inside().unwrap_or((0, &[]));
        for (place, load) in new.values().iter().enumerate() {
            self.features.push(*load, furthest);
            let index = self.features.len() - 1;
            let root = self.features.root(index);
            let inside = inside.get(place * parts..(place + 1) * parts).unwrap_or_default();
            self.recent.push(root, inside, self.features.largest());
            if let Some(profile) = &mut self.profile {
                profile.push(root, new.is_missing(place));
            }
            if self.features.is_warm() {
                self.scale_hidden();
            }
            taken(self, new.is_missing(place));
        }
    }

    fn scale_hidden(&mut self) {
        let (calendar_until, roots_until) = (self.features.inputs(), self.features.inputs() + self.recent.width());
        let calendar = calendar_until - CALENDAR_INPUTS..calendar_until;
        let profile_until = roots_until + self.profile.as_ref().map_or(0, |_| Profile::width());
        if let Some(hidden) = &mut self.hidden {
            let is_root = |place: usize| !calendar.contains(&place) && place < profile_until;
            hidden.scale(self.features.scale(), is_root);
        }
    }

    /// Writes the inputs for the forecast, made when `origin` is the newest known interval, of the interval `horizon`
    /// steps later. Only what was known at the end of `origin` is read; it must be one of the last intervals.
    pub(super) fn write(&self, origin: usize, horizon: usize, inputs: &mut [f64]) {
        let (of_features, rest) = inputs.split_at_mut(self.features.inputs());
        self.features.write(origin, horizon, of_features);
        let levels = self.recent.after(origin);
        let (of_recent, rest) = rest.split_at_mut(self.recent.width());
        of_recent.copy_from_slice(levels);
        let (of_profile, _) = rest.split_at_mut(self.profile_width());
        if let Some(profile) = &self.profile {
            let (profiles, differences) = of_profile.split_at_mut(Profile::width());
            profile.write(origin, horizon, self.features.minute_of_week(origin + horizon), profiles);
            self.write_differences(
                origin,
                profiles[3],
                &of_features[of_features.len() - CALENDAR_INPUTS..],
                differences,
            );
        }
        if let Some(hidden) = &self.hidden {
            let (inputs, outputs) = inputs.split_at_mut(inputs.len() - hidden.units());
            hidden.write(inputs, outputs);
        }
    }

    /// How far the last load, its recent levels and its day lie from what is usual, each times the waves of the day.
    fn write_differences(&self, origin: usize, usual: f64, calendar: &[f64], differences: &mut [f64]) {
        let features = &self.features;
        let last = features.root(origin);
        let (day, week) = (features.season_mean(origin, 1), features.season_mean(origin, 7));
        let level = self.recent.after(origin).get(1).copied().unwrap_or(last);
        let of = [last - usual, level - usual, features.last_mean(origin, SHORT_MEAN) - usual, day - week];
        for (difference, products) in of.iter().zip(differences.chunks_exact_mut(WAVES)) {
            for (product, wave) in products.iter_mut().zip(calendar[..WAVES - 1].iter().chain(calendar.last())) {
                *product = difference * wave;
            }
        }
    }
}
