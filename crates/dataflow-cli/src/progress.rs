//! Progress bars on standard error, drawn on terminals only.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dataflow_forecast::ModelSpec;
use dataflow_series::source;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Steps of a bar that tells a share.
const SHARE_STEPS: u64 = 1_000;
/// How often a bar of long steps is drawn anew, so that its time goes on.
const TICK: Duration = Duration::from_millis(500);

/// Where bars are drawn, if anywhere.
#[derive(Clone)]
pub(crate) struct Progress {
    bars: MultiProgress,
}

/// One piece of work under way; its bar goes with it.
pub(crate) struct Bar(ProgressBar);

impl Progress {
    /// Bars that are drawn unless they are unwanted or standard error is no terminal.
    pub(crate) fn new(quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self { bars: MultiProgress::with_draw_target(target) }
    }

    /// A bar for work that knows its share.
    pub(crate) fn share(&self, what: &'static str) -> Bar {
        Bar(self.bars.add(share_bar(what)))
    }

    /// What a model is given to tell how far it is: each of its trainings has a bar of its own while it goes on.
    pub(crate) fn training(&self, model: ModelSpec) -> dataflow_forecast::Progress {
        let bars = self.bars.clone();
        let shown: Mutex<Option<Bar>> = Mutex::new(None);
        Arc::new(move |share| {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.get_or_insert_with(|| Bar(bars.add(share_bar(model.name())))).set(share);
            if share >= 1.0 {
                *shown = None;
            }
        })
    }

    /// A bar for work that is done in so many steps.
    pub(crate) fn steps(&self, what: &'static str, count: usize) -> Bar {
        let style = ProgressStyle::with_template("{msg:<12} {bar:40.cyan} {pos}/{len}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(count as u64).with_style(style).with_message(what);
        let bar = self.bars.add(bar);
        bar.enable_steady_tick(TICK);
        Bar(bar)
    }

    /// A count of bytes for work whose end is not known.
    pub(crate) fn bytes(&self, what: &'static str) -> Bar {
        let style = ProgressStyle::with_template("{msg:<12} {decimal_bytes} {decimal_bytes_per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        Bar(self.bars.add(ProgressBar::no_length().with_style(style).with_message(what)))
    }
}

/// A download under way: its bar knows its length as soon as the server has told it.
impl Bar {
    /// Starts at so many bytes of a whole.
    pub(crate) fn begin(&self, bytes: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.0.set_length(total);
            if let Ok(style) = ProgressStyle::with_template(
                "{msg:<12} {bar:40.cyan} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}, {eta} left",
            ) {
                self.0.set_style(style);
            }
        }
        self.0.set_position(bytes);
        self.0.reset_eta();
    }

    /// Tells that so many bytes more are there.
    pub(crate) fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Tells what is done now.
    pub(crate) fn say(&self, what: &'static str) {
        self.0.set_message(what);
    }

    /// Prints above the bar.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }
}

fn share_bar(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:<12} {bar:40.cyan} {percent:>3}%")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(SHARE_STEPS).with_style(style).with_message(what)
}

impl Bar {
    /// Tells the share done, from 0 to 1.
    pub(crate) fn set(&self, share: f64) {
        self.0.set_position((share * SHARE_STEPS as f64) as u64);
    }

    /// Tells that one step more is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// What a reader calls with the bytes it has read.
    pub(crate) fn byte_counter(&self) -> source::Progress {
        let bar = self.0.clone();
        Arc::new(move |bytes| bar.inc(bytes))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
