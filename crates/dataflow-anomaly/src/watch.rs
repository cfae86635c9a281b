//! From scores to episodes: adjoining alarms are one, with a kind, a start and an end, and what was expected.
//!
//! A [`Watch`] goes along with a detector, value by value, and knows no more than it. So the kind that it tells for a
//! value is what can be said at that time: what turns out to be a level shift begins as a spike or a drop and is renamed
//! once the load has stayed away from what is usual for [`Watch::persistence`] intervals. The kind of an [`Episode`] is
//! the last word.

use std::ops::Range;

use jiff::Timestamp;

use crate::detector::DetectorSettings;
use crate::expectation::Expectation;
use crate::kind::Kind;
use crate::root::{root, value_of};

/// A load that stays away for an hour, within these numbers of intervals, has gone to another level.
const PERSISTENCE_SECONDS: u32 = 3_600;
const PERSISTENCE: (usize, usize) = (6, 60);
/// It has stayed away if this share of the intervals lies on one side of what is usual, on average so many deviations off;
/// no single interval counts for more than so many.
const ASIDE_SHARE: f64 = 0.8;
const ASIDE: f64 = 1.0;
const ASIDE_MOST: f64 = 3.0;
/// An interval that lies so many deviations off on that side keeps the episode open.
const AWAY: f64 = 2.0;
/// Alarms that are no further apart than this share of the persistence, within these limits, are one episode.
const JOINED_SHARE: f64 = 0.25;
const JOINED: (usize, usize) = (2, 15);
/// Less than this share of the expected load is next to none.
const NEXT_TO_NONE: f64 = 0.01;
/// An outage lasts for so many intervals at least, and its loads together lie so many deviations below what is usual.
const OUTAGE_LENGTH: usize = 3;
const OUTAGE_DEVIATIONS: f64 = 4.0;
/// For so long an outage is none of what is usual; what is silent for longer is taken for switched off.
const OUTAGE_SECONDS: u32 = 7 * 86_400;

/// Something wrong that lasts for one or more intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// The intervals from its beginning to its end, counted from the first one watched.
    pub intervals: Range<usize>,
    /// What it turned out to be.
    pub kind: Kind,
    /// The highest score in it; 1 for missing data, which is known and not guessed.
    pub peak_score: f64,
    /// The load per interval: where it was furthest from the expected one, or for what lasts (level shifts and outages)
    /// its mean; `None` where it is missing.
    pub load: Option<f64>,
    /// The load that was expected in the same intervals; `None` where too little was known.
    pub expected: Option<f64>,
}

/// What is to be said of one interval, at its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The load that was expected, from the past alone; `None` while too little is known.
    pub expected: Option<f64>,
    /// The kind of anomaly, as far as it can be told by now; `None` where nothing is wrong.
    pub kind: Option<Kind>,
}

/// Watches a load and its scores and makes episodes of its alarms.
#[derive(Debug)]
pub struct Watch {
    threshold: f64,
    probation: usize,
    persistence: usize,
    joined: usize,
    longest_outage: usize,
    expectation: Expectation,
    next: usize,
    newest: Option<f64>,
    silence: Silence,
    open: Option<Open>,
    done: Vec<Episode>,
}

/// A run of intervals with next to no load.
#[derive(Debug, Default)]
struct Silence {
    length: usize,
    /// The sum of distances from what is usual, in deviations.
    deviations: f64,
    sums: Sums,
    /// The longest run that was no outage.
    longest_usual: usize,
}

/// An episode that may go on.
#[derive(Debug)]
struct Open {
    start: usize,
    /// The interval after the last alarm, and after the last one in which the load was away from what is usual.
    alarmed: usize,
    away: usize,
    /// Of the intervals since the start: how many lie above what is usual, how many below, and the sum of how far.
    above: usize,
    below: usize,
    deviations: f64,
    is_up: bool,
    lasting: Option<Kind>,
    peak_score: f64,
    /// How far off the load was at its furthest, in deviations.
    furthest: f64,
    load: f64,
    expected: Option<f64>,
    /// Up to the newest interval, and up to the end as it is known so far.
    running: Sums,
    sums: Sums,
    /// Of an outage: where its newest silent run begins, and the sums of the runs before it.
    silent_from: usize,
    silent_before: Sums,
}

/// Of load and expected load over the intervals of an episode in which both are known.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: f64,
    load: f64,
    expected: f64,
}

/// A load beside what is usual for it.
#[derive(Debug, Clone, Copy)]
struct Compared {
    load: f64,
    expected: Option<f64>,
    /// How many deviations it lies above (or below) what is usual.
    deviations: f64,
}

impl Watch {
    /// A watch over values of which the first `settings.probation` raise no alarm; scores from `threshold` on do.
    pub fn new(settings: &DetectorSettings, threshold: f64) -> Self {
        let persistence = (PERSISTENCE_SECONDS / settings.step.seconds()) as usize;
        let persistence = persistence.clamp(PERSISTENCE.0, PERSISTENCE.1);
        Self {
            threshold,
            probation: settings.probation,
            persistence,
            joined: ((persistence as f64 * JOINED_SHARE) as usize).clamp(JOINED.0, JOINED.1),
            longest_outage: (OUTAGE_SECONDS / settings.step.seconds()) as usize,
            expectation: Expectation::new(settings),
            next: 0,
            newest: None,
            silence: Silence::default(),
            open: None,
            done: Vec::new(),
        }
    }

    /// So many intervals must a load stay away from what is usual before it is said to have shifted.
    pub const fn persistence(&self) -> usize {
        self.persistence
    }

    /// Takes in the next interval: its load (`None` is missing) and its score.
    pub fn next(&mut self, time: Timestamp, value: Option<f64>, score: f64) -> Verdict {
        let index = self.next;
        self.next += 1;
        let Some(load) = value else {
            self.miss(index);
            let expected = self.expectation.at(time).map(|usual| value_of(usual.root));
            return Verdict { expected, kind: Some(Kind::MissingData) };
        };
        let compared = self.compare(time, load);
        self.newest = Some(load);
        let is_alarm = index >= self.probation && score >= self.threshold;
        // A run that is not unusual by its length may still be by its time, which a detector tells.
        let is_learning = index < self.probation;
        let is_silent = self.silence.next(&compared, is_learning);
        let is_outage = !is_learning && is_silent && (is_alarm || self.silence.is_outage());
        let is_alarm = is_alarm || is_outage;
        // What is known by its length alone is as good as an alarm.
        let score = if is_outage { score.max(self.threshold) } else { score };
        if !is_outage || self.silence.length > self.longest_outage {
            self.expectation.learn(time, load);
        }
        self.close_where_over(index);
        if is_alarm {
            let start = if is_outage { index + 1 - self.silence.length } else { index };
            self.open.get_or_insert_with(|| Open::new(start, &compared));
        }
        let Some(open) = &mut self.open else { return Verdict { expected: compared.expected, kind: None } };
        open.take(index, &compared, is_alarm.then_some(score));
        if is_outage {
            open.silent(&self.silence, index);
        } else if open.lasting == Some(Kind::Outage) {
            // The load is back, and what is unusual about that is another matter.
            return Verdict {
                expected: compared.expected,
                kind: is_alarm.then_some(kind_of(compared.deviations >= 0.0)),
            };
        } else if open.has_stayed_away(index, self.persistence) {
            open.lasting.get_or_insert(Kind::LevelShift);
        }
        let kind = is_alarm.then(|| open.lasting.unwrap_or(kind_of(compared.deviations >= 0.0)));
        Verdict { expected: compared.expected, kind }
    }

    /// The episodes of all that was seen, in order of time.
    pub fn finish(mut self) -> Vec<Episode> {
        self.close();
        self.done
    }

    fn compare(&self, time: Timestamp, load: f64) -> Compared {
        let Some(usual) = self.expectation.at(time) else {
            // The value before is all that there is to compare with.
            let deviations = if self.newest.is_some_and(|newest| load < newest) { -1.0 } else { 1.0 };
            return Compared { load, expected: None, deviations };
        };
        let distance = root(load) - usual.root;
        let deviations = if distance == 0.0 { 0.0 } else { distance / usual.deviation };
        Compared { load, expected: Some(value_of(usual.root)), deviations }
    }

    fn miss(&mut self, index: usize) {
        self.silence.end(false);
        match self.done.last_mut().filter(|_| self.open.is_none()) {
            Some(last) if last.kind == Kind::MissingData && last.intervals.end == index => last.intervals.end += 1,
            _ => {
                self.close();
                let intervals = index..index + 1;
                let missing =
                    Episode { intervals, kind: Kind::MissingData, peak_score: 1.0, load: None, expected: None };
                self.done.push(missing);
            }
        }
    }

    fn close_where_over(&mut self, index: usize) {
        if self.open.as_ref().is_some_and(|open| index - open.alarmed.max(open.away) >= self.joined) {
            self.close();
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let mut episode = open.close();
        // An outage is seen late, maybe only after an earlier episode was over.
        let before = self.done.last().map_or(0, |last| last.intervals.end);
        episode.intervals.start = episode.intervals.start.max(before);
        self.done.push(episode);
    }
}

impl Silence {
    /// Takes in a load and tells whether it is next to none where there usually is one. Whatever is silent in the time
    /// to learn from is usual.
    fn next(&mut self, compared: &Compared, is_learning: bool) -> bool {
        let Some(expected) = compared.expected.filter(|expected| compared.load.abs() < NEXT_TO_NONE * expected) else {
            self.end(self.is_outage() && !is_learning);
            return false;
        };
        self.length += 1;
        self.deviations -= compared.deviations;
        self.sums.add(compared.load, expected);
        true
    }

    /// Whether the run alone is an outage, whatever a detector says.
    fn is_outage(&self) -> bool {
        self.length >= OUTAGE_LENGTH
            && self.length > self.longest_usual + self.longest_usual / 2
            && self.deviations >= OUTAGE_DEVIATIONS * (self.length as f64).sqrt()
    }

    fn end(&mut self, was_outage: bool) {
        let longest_usual = if was_outage { self.longest_usual } else { self.longest_usual.max(self.length) };
        *self = Self { longest_usual, ..Self::default() };
    }
}

impl Sums {
    fn add(&mut self, load: f64, expected: f64) {
        self.count += 1.0;
        self.load += load;
        self.expected += expected;
    }
}

impl Open {
    fn new(start: usize, compared: &Compared) -> Self {
        Self {
            start,
            alarmed: start,
            away: start,
            above: 0,
            below: 0,
            deviations: 0.0,
            is_up: compared.deviations >= 0.0,
            lasting: None,
            peak_score: 0.0,
            furthest: -1.0,
            load: compared.load,
            expected: compared.expected,
            running: Sums::default(),
            sums: Sums::default(),
            silent_from: start,
            silent_before: Sums::default(),
        }
    }

    /// Takes in an interval; `alarm` is its score where it is one.
    fn take(&mut self, index: usize, compared: &Compared, alarm: Option<f64>) {
        if self.lasting == Some(Kind::Outage) {
            self.peak_score = self.peak_score.max(alarm.unwrap_or_default());
            return;
        }
        let side = if self.is_up { compared.deviations } else { -compared.deviations };
        let is_away = compared.expected.is_some() && side > AWAY;
        if is_away {
            self.away = index + 1;
        }
        if compared.expected.is_some() {
            self.above += usize::from(compared.deviations > 0.0);
            self.below += usize::from(compared.deviations < 0.0);
            self.deviations += compared.deviations.clamp(-ASIDE_MOST, ASIDE_MOST);
        }
        if let Some(score) = alarm {
            self.alarmed = index + 1;
            self.peak_score = self.peak_score.max(score);
            if compared.deviations.abs() > self.furthest {
                self.furthest = compared.deviations.abs();
                (self.load, self.expected) = (compared.load, compared.expected);
                if self.lasting.is_none() {
                    self.is_up = compared.deviations >= 0.0;
                }
            }
        }
        if let Some(expected) = compared.expected {
            self.running.add(compared.load, expected);
        }
        if is_away || alarm.is_some() {
            self.sums = self.running;
        }
    }

    /// All of the run so far belongs to it.
    fn silent(&mut self, silence: &Silence, index: usize) {
        let start = index + 1 - silence.length;
        self.start = self.start.min(start);
        self.alarmed = index + 1;
        self.away = index + 1;
        if self.lasting.replace(Kind::Outage) != Some(Kind::Outage) {
            (self.sums, self.silent_before) = (Sums::default(), Sums::default());
        } else if start != self.silent_from {
            self.silent_before = self.sums;
        }
        self.silent_from = start;
        self.sums = self.silent_before;
        self.sums.count += silence.sums.count;
        self.sums.load += silence.sums.load;
        self.sums.expected += silence.sums.expected;
    }

    fn has_stayed_away(&self, index: usize, persistence: usize) -> bool {
        let length = index + 1 - self.start;
        let (aside, deviations) =
            if self.is_up { (self.above, self.deviations) } else { (self.below, -self.deviations) };
        length >= persistence && aside as f64 >= ASIDE_SHARE * length as f64 && deviations >= ASIDE * length as f64
    }

    fn close(self) -> Episode {
        let kind = self.lasting.unwrap_or(kind_of(self.is_up));
        let end = if kind == Kind::LevelShift { self.alarmed.max(self.away) } else { self.alarmed };
        let (load, expected) = match self.lasting {
            Some(_) if self.sums.count > 0.0 => {
                (self.sums.load / self.sums.count, Some(self.sums.expected / self.sums.count))
            }
            _ => (self.load, self.expected),
        };
        Episode { intervals: self.start..end, kind, peak_score: self.peak_score, load: Some(load), expected }
    }
}

const fn kind_of(is_up: bool) -> Kind {
    if is_up { Kind::Spike } else { Kind::Drop }
}

#[cfg(test)]
mod tests;
