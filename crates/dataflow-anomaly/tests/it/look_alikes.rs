//! The ensemble on loads of other characters than those it was chosen on: few false alarms, and what is planted found.

use super::*;

/// Draws that look like real loads.
struct Draws(ChaCha8Rng);

impl Draws {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Five minutes of every day, with a wave from 0 to 1.
fn wave(index: usize) -> f64 {
    0.5 - 0.5 * libm::cos((index % 288) as f64 / 288.0 * std::f64::consts::TAU)
}

/// Mentions of a name: overdispersed counts with a day, a mood of hours, and a tail.
fn mentions(seed: u64, count: usize) -> Vec<f64> {
    let mut draws = Draws::new(seed);
    let mut mood = 0.0;
    let mention = |index: usize| {
        mood = 0.97 * mood + 0.07 * draws.normal();
        let rate = 30.0 * libm::exp(wave(index) + mood);
        (rate * (0..4).map(|_| draws.exponential() / 4.0).sum::<f64>()).round()
    };
    (0..count).map(mention).collect()
}

/// Speeds on a road: slow at two hours of the day, noisy, rounded.
fn speeds(seed: u64, count: usize) -> Vec<f64> {
    let mut draws = Draws::new(seed);
    let mut speed = |index: usize| {
        let hour = (index % 288) as f64 / 12.0;
        let rush = |at: f64| libm::exp(-((hour - at) / 1.5).powi(2));
        let slower = 20.0 * (rush(8.0) + rush(17.5)) * (1.0 + 0.3 * draws.normal());
        (70.0 - slower + 4.0 * draws.normal()).round()
    };
    (0..count).map(&mut speed).collect()
}

/// A temperature that drifts over days.
fn temperatures(seed: u64, count: usize) -> Vec<f64> {
    let mut draws = Draws::new(seed);
    let mut drift = 0.0;
    let mut temperature = |index: usize| {
        drift = 0.999 * drift + 0.1 * draws.normal();
        80.0 + drift + 2.0 * wave(index) + 0.6 * draws.normal()
    };
    (0..count).map(&mut temperature).collect()
}

/// Alarms after three days, of rows of which a share is not there at all.
fn alarms(values: &[f64], absent: f64) -> Vec<usize> {
    let mut draws = Draws::new(99);
    let mut detector = DetectorSpec::Ensemble.build(&settings());
    let mut alarms = Vec::new();
    for (index, value) in values.iter().enumerate() {
        if draws.uniform() < absent {
            continue;
        }
        if detector.score(time(index), Some(*value)) >= detector.threshold() && index > 864 {
            alarms.push(index);
        }
    }
    alarms
}

type Generator = fn(u64, usize) -> Vec<f64>;

const CHARACTERS: [(&str, Generator); 3] = [("mentions", mentions), ("speeds", speeds), ("temperatures", temperatures)];

/// About one in a thousand values at the most, as the other detectors promise.
#[test]
fn false_alarms_are_few() {
    const SERIES: u64 = 4;
    for (name, generator) in CHARACTERS {
        for absent in [0.0, 0.3] {
            let counts: Vec<usize> = (0..SERIES).map(|seed| alarms(&generator(seed, 15_000), absent).len()).collect();
            eprintln!("{name}, {absent} absent: {counts:?} alarms in 15,000 values");
            assert!(counts.iter().sum::<usize>() <= 18 * SERIES as usize, "{name}: {counts:?}");
        }
    }
}

#[test]
fn what_is_planted_is_found() {
    let plants: [(&str, Generator, f64, usize); 3] =
        [("mentions", mentions, 400.0, 6), ("speeds", speeds, -45.0, 10), ("temperatures", temperatures, -12.0, 40)];
    for (name, generator, size, length) in plants {
        let mut found = 0;
        for seed in 0..4 {
            let mut values = generator(seed, 9_000);
            let at = 8_000 + 50 * seed as usize;
            values[at..at + length].iter_mut().for_each(|value| *value = (*value + size).max(0.0));
            let alarms = alarms(&values, 0.0);
            found += usize::from(alarms.iter().any(|alarm| (at..at + length + 12).contains(alarm)));
        }
        assert!(found >= 3, "{name}: {found} of 4");
    }
}
