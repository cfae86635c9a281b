//! One policy over one stretch of time: load, capacity, forecast, drops and actions, bucketed to the pixels there are.

use std::ops::Range;

use dataflow_scale::Timeline;

use super::axis::{Scale, number_ticks, time_ticks};
use super::drawing::{Anchor, Drawing};
use super::palette::{DROP, FORECAST, IN, INK, LOAD, MISSING, OUT, Paint, RULE, SCALE, SERVER, SOFT_INK};
use crate::aggregate::{Bucket, buckets};
use crate::comparison::Ticks;
use crate::quantity::Prefix;
use crate::story;

/// About half of the width of a label on the time axis.
const LABEL_HALF: f64 = 24.0;
/// Up to this many ticks in a bucket a forecast band is more than a smear.
const FORECAST_TICKS: usize = 6;
/// Heights of the strips below a panel: drops, actions out, actions in.
const STRIP: f64 = 6.0;
const STRIP_GAP: f64 = 3.0;

/// Where a panel lies and what it spans.
pub(super) struct Frame {
    pub(super) window: Range<usize>,
    /// From ticks to pixels.
    pub(super) time: Scale,
    /// From loads to pixels.
    pub(super) load: Scale,
    pub(super) prefix: Prefix,
    pub(super) first_column: bool,
    pub(super) last_column: bool,
    pub(super) last_row: bool,
}

/// Draws one panel.
pub(super) fn draw(drawing: &mut Drawing, ticks: &Ticks, run: &Timeline, frame: &Frame) {
    // Ticks that have a whole pixel each, or half of one, are drawn one by one.
    let pixels = frame.time.pixels.1 - frame.time.pixels.0;
    let pixels = if frame.window.len() as f64 > 2.0 * pixels { pixels } else { 2.0 * pixels } as usize;
    let buckets = buckets(ticks, run, frame.window.clone(), pixels);
    shade_missing(drawing, frame, &buckets);
    grid(drawing, ticks, run, frame);
    capacity(drawing, ticks.capacity, frame, &buckets);
    if buckets.first().is_some_and(|bucket| bucket.ticks.len() <= FORECAST_TICKS) {
        forecast(drawing, ticks, frame, &buckets);
    }
    load(drawing, frame, &buckets);
    drops(drawing, frame, &buckets);
    strips(drawing, frame, &buckets);
}

/// Frames the stretch of a panel that its neighbour shows tick by tick.
pub(super) fn mark_detail(drawing: &mut Drawing, frame: &Frame, detail: &Range<usize>) {
    let (from, to) = (frame.time.at(detail.start as f64) - 1.5, frame.time.at(detail.end as f64) + 1.5);
    let (top, bottom) = (frame.load.pixels.1 - 2.0, frame.bottom());
    drawing.line(vec![(from, bottom), (from, top), (to, top), (to, bottom)], INK, 0.5);
}

impl Frame {
    fn span(&self, bucket: &Bucket) -> (f64, f64) {
        (self.time.at(bucket.ticks.start as f64), self.time.at(bucket.ticks.end as f64))
    }

    fn bottom(&self) -> f64 {
        self.load.pixels.0
    }

    /// The outline of a quantity that is constant within each bucket.
    fn steps(&self, buckets: &[Bucket], load: impl Fn(&Bucket) -> f64) -> Vec<(f64, f64)> {
        let mut points: Vec<(f64, f64)> = Vec::new();
        for bucket in buckets {
            let (from, to) = self.span(bucket);
            let y = self.load.at(load(bucket));
            // A level that goes on needs no new corner.
            match points.last_mut() {
                Some(last) if last.1 == y => last.0 = to,
                _ => points.extend([(from, y), (to, y)]),
            }
        }
        points
    }

    /// The area between two quantities.
    fn band(&self, buckets: &[Bucket], low: impl Fn(&Bucket) -> f64, high: impl Fn(&Bucket) -> f64) -> Vec<(f64, f64)> {
        let mut points = self.steps(buckets, high);
        points.extend(self.steps(buckets, low).into_iter().rev());
        points
    }
}

fn shade_missing(drawing: &mut Drawing, frame: &Frame, buckets: &[Bucket]) {
    for gap in buckets.chunk_by(|one, other| one.is_missing() == other.is_missing()).filter(|gap| gap[0].is_missing()) {
        let (from, to) = (frame.span(&gap[0]).0, frame.span(&gap[gap.len() - 1]).1);
        drawing.rectangle((from, frame.load.pixels.1), (to.max(from + 0.5), frame.bottom()), MISSING);
        if to - from > 52.0 {
            drawing.text(
                (f64::midpoint(from, to), frame.load.pixels.1 + 10.0),
                "missing",
                10.0,
                Anchor::Middle,
                SOFT_INK,
            );
        }
    }
}

fn grid(drawing: &mut Drawing, ticks: &Ticks, run: &Timeline, frame: &Frame) {
    let (left, right) = frame.time.pixels;
    for value in number_ticks(frame.load.values.1 / frame.prefix.factor, 3) {
        let y = frame.load.at(value * frame.prefix.factor);
        drawing.line(vec![(left, y), (right, y)], RULE, 0.5);
        // The zero stands a little higher, clear of the strips' names.
        let label = if value == 0.0 { y - 4.0 } else { y };
        drawing.text((left - 8.0, label), number_label(value), 11.0, Anchor::End, SOFT_INK);
    }
    if frame.last_column {
        server_axis(drawing, ticks.capacity, run, frame);
    }
    let second = |tick: usize| ticks.load.time(tick).as_second();
    let seconds = second(frame.window.start)..second(frame.window.end);
    let moments = Scale { values: (seconds.start as f64, seconds.end as f64), pixels: frame.time.pixels };
    for tick in time_ticks(&seconds, ((right - left) / 62.0) as usize) {
        let x = moments.at(tick.second as f64);
        drawing.line(vec![(x, frame.load.pixels.1), (x, frame.bottom())], RULE, 0.5);
        if frame.last_row {
            let labels = frame.bottom() + 3.0 * (STRIP + STRIP_GAP) + 12.0;
            // A label stays within its panel, or it would run into that of the panel beside it.
            let anchor = match x {
                _ if x < left + LABEL_HALF => Anchor::Start,
                _ if x > right - LABEL_HALF => Anchor::End,
                _ => Anchor::Middle,
            };
            drawing.text((x, labels), tick.label, 11.0, anchor, SOFT_INK);
            if let Some(date) = tick.date {
                drawing.text((x, labels + 13.0), date, 11.0, anchor, SOFT_INK);
            }
        }
    }
}

/// A tick's number without the rounding errors of its making.
fn number_label(value: f64) -> String {
    format!("{}", (value * 1e9).round() / 1e9)
}

/// Whole numbers of servers at the capacity they have, on the right.
fn server_axis(drawing: &mut Drawing, capacity: f64, run: &Timeline, frame: &Frame) {
    let most = run.provisioned.get(frame.window.clone()).and_then(|servers| servers.iter().max().copied());
    let most = f64::from(most.unwrap_or(0));
    let height = frame.bottom() - frame.load.at(most * capacity);
    let wanted = ((height / 13.0) as usize).clamp(1, 5);
    for servers in number_ticks(most, wanted).into_iter().filter(|servers| servers.fract() == 0.0) {
        let y = frame.load.at(servers * capacity);
        let right = frame.time.pixels.1;
        drawing.line(vec![(right, y), (right + 4.0, y)], SOFT_INK, 0.5);
        drawing.text((right + 8.0, y), format!("{servers}"), 11.0, Anchor::Start, SOFT_INK);
    }
}

fn capacity(drawing: &mut Drawing, capacity: f64, frame: &Frame, buckets: &[Bucket]) {
    let ready = |bucket: &Bucket| capacity * bucket.ready.mean;
    let provisioned = |bucket: &Bucket| capacity * bucket.provisioned.mean;
    drawing.polygon(frame.band(buckets, |_| 0.0, ready), SERVER.at(0.16));
    for booting in
        buckets.chunk_by(|one, other| is_booting(one) == is_booting(other)).filter(|some| is_booting(&some[0]))
    {
        drawing.polygon(frame.band(booting, ready, provisioned), SCALE.at(0.75));
    }
    drawing.line(frame.steps(buckets, ready), SERVER, 1.0);
}

fn is_booting(bucket: &Bucket) -> bool {
    bucket.provisioned.mean > bucket.ready.mean
}

/// The band that was forecast for each bucket's load.
fn forecast(drawing: &mut Drawing, ticks: &Ticks, frame: &Frame, buckets: &[Bucket]) {
    let Some(forecast) = &ticks.forecast else { return };
    let Some((low, high)) = story::band(forecast) else { return };
    let (low, high) = (&forecast.quantiles[low], &forecast.quantiles[high]);
    let value = |column: &[f64], bucket: &Bucket| {
        let rows = bucket.ticks.start.saturating_sub(forecast.lead)..bucket.ticks.end.saturating_sub(forecast.lead);
        let known: Vec<f64> =
            column.get(rows).unwrap_or_default().iter().copied().filter(|load| load.is_finite()).collect();
        if known.is_empty() { f64::NAN } else { known.iter().sum::<f64>() / known.len() as f64 }
    };
    let known = |bucket: &Bucket| !value(low, bucket).is_nan() && !value(high, bucket).is_nan();
    for stretch in buckets.chunk_by(|one, other| known(one) == known(other)).filter(|stretch| known(&stretch[0])) {
        drawing
            .polygon(frame.band(stretch, |bucket| value(low, bucket), |bucket| value(high, bucket)), FORECAST.at(0.3));
    }
}

fn load(drawing: &mut Drawing, frame: &Frame, buckets: &[Bucket]) {
    for stretch in buckets.chunk_by(|one, other| one.is_missing() == other.is_missing()) {
        let faded = if stretch[0].is_missing() { 0.3 } else { 1.0 };
        if stretch.iter().any(|bucket| bucket.ticks.len() > 1) {
            let band = frame.band(stretch, |bucket| bucket.load.least, |bucket| bucket.load.most);
            drawing.polygon(band, LOAD.at(0.28 * faded));
        }
        drawing.line(frame.steps(stretch, |bucket| bucket.load.mean), LOAD.at(faded), 0.5);
    }
}

/// The part of the load that no server took: at the worst tick of each bucket, never thinner than a pixel.
fn drops(drawing: &mut Drawing, frame: &Frame, buckets: &[Bucket]) {
    for bucket in buckets.iter().filter(|bucket| bucket.worst_drop > 0.0) {
        let (from, to) = frame.span(bucket);
        let top = frame.load.at(bucket.load_at_worst_drop);
        let base = frame.load.at(bucket.load_at_worst_drop - bucket.worst_drop);
        drawing.rectangle((from, top), (to.max(from + 0.5), base.max(top + 0.5)), DROP);
    }
}

/// How much of something there is in a bucket.
type Amount = fn(&Bucket) -> f64;

fn strips(drawing: &mut Drawing, frame: &Frame, buckets: &[Bucket]) {
    let rows: [(&str, Paint, Amount); 3] = [
        ("dropped", DROP, |bucket| bucket.dropped),
        ("out", OUT, |bucket| bucket.outs as f64),
        ("in", IN, |bucket| bucket.ins as f64),
    ];
    for (index, (name, paint, amount)) in rows.into_iter().enumerate() {
        let top = frame.bottom() + STRIP_GAP + index as f64 * (STRIP + STRIP_GAP);
        if frame.first_column {
            drawing.text((frame.time.pixels.0 - 8.0, top + STRIP / 2.0), name, 9.0, Anchor::End, SOFT_INK);
        }
        let most = buckets.iter().map(amount).fold(0.0, f64::max);
        // Three shades tell few from many, and neighbours of one shade become one mark.
        let shade = |bucket: &Bucket| (3.0 * amount(bucket) / most).ceil();
        for stretch in buckets.chunk_by(|one, other| shade(one) == shade(other)).filter(|some| amount(&some[0]) > 0.0) {
            let (from, to) = (frame.span(&stretch[0]).0, frame.span(&stretch[stretch.len() - 1]).1);
            let opacity = 0.25 + 0.25 * shade(&stretch[0]);
            drawing.rectangle((from, top), (to.max(from + 1.0), top + STRIP), paint.at(opacity));
        }
    }
}
