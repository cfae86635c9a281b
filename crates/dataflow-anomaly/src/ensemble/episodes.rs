//! Whether a surprise is news: larger than the last one of the same episode, and not one of many alike.
//!
//! What goes wrong goes wrong for a while, and one alarm is enough. How long is not known; a twentieth of all that was
//! seen so far is taken for the same episode, so that the number of alarms grows with the logarithm of time.

use dataflow_forecast::SortedWindow;

/// The share of the values so far that an episode lasts.
const EPISODE: f64 = 0.05;
/// And so many values at least.
const EPISODE_LEAST: u64 = 20;
/// Within an episode only a surprise of so many times the last one is news.
const LARGER: f64 = 1.2;
/// Earlier surprises of this share of the present one are like it.
const ALIKE: f64 = 0.9;
/// So many earlier ones are remembered.
const REMEMBERED: usize = 1_024;

/// The surprises that were news.
#[derive(Debug, Clone)]
pub(crate) struct Episodes {
    count: u64,
    last: Option<(u64, f64)>,
    earlier: SortedWindow,
}

impl Default for Episodes {
    fn default() -> Self {
        Self { count: 0, last: None, earlier: SortedWindow::new(REMEMBERED) }
    }
}

impl Episodes {
    /// What is left of the next surprise: 0 if it tells nothing new, else less the natural logarithm of how many like
    /// it there were.
    pub(crate) fn news(&mut self, surprise: f64) -> f64 {
        let now = self.count;
        self.count += 1;
        let episode = ((EPISODE * now as f64) as u64).max(EPISODE_LEAST);
        // Each within one episode is larger than those before it, so the last one is the largest.
        let bar = self.last.filter(|(at, _)| now - at <= episode).map_or(0.0, |(_, last)| last);
        if surprise <= LARGER * bar {
            return 0.0;
        }
        self.last = Some((now, surprise));
        let earlier = self.earlier.sorted();
        let alike = earlier.len() - earlier.partition_point(|other| *other < ALIKE * surprise);
        self.earlier.push(surprise);
        (surprise - libm::log1p(alike as f64)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alarm_per_episode_and_less_for_each_alike() {
        let mut episodes = Episodes::default();
        assert_eq!(episodes.news(6.0), 6.0);
        assert_eq!(episodes.news(7.0), 0.0, "hardly larger");
        assert_eq!(episodes.news(9.0), 9.0, "much larger");
        assert!((0..20).all(|_| episodes.news(8.0) == 0.0), "the same episode");
        assert!((episodes.news(9.0) - (9.0 - libm::log(2.0))).abs() < 1e-12, "a new one, the second alike");
        assert_eq!(episodes.news(0.0), 0.0);
    }

    #[test]
    fn episodes_grow_with_what_is_known() {
        let mut episodes = Episodes::default();
        for _ in 0..10_000 {
            episodes.news(0.0);
        }
        let alarms = (0..10_000).filter(|_| episodes.news(5.0) > 0.0).count();
        assert!((5..=15).contains(&alarms), "{alarms}");
    }
}
