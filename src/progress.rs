//! Says on the terminal that a long scan is alive.

use std::io::{IsTerminal as _, stderr};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A scan that takes less time is not worth a line.
const PATIENCE: Duration = Duration::from_secs(1);

/// A line on the terminal that is gone when the work is done.
pub struct Progress {
    started: Instant,
    read: AtomicUsize,
    bar: ProgressBar,
}

impl Progress {
    /// Starts to wait; nothing is shown at all when the standard error is not a terminal.
    pub fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
            bar.set_message("reading");
        }
        if stderr().is_terminal() {
            let late = bar.clone();
            std::thread::spawn(move || {
                std::thread::sleep(PATIENCE);
                if !late.is_finished() {
                    late.set_draw_target(ProgressDrawTarget::stderr());
                    late.enable_steady_tick(Duration::from_millis(100));
                }
            });
        }
        Progress { started: Instant::now(), read: AtomicUsize::new(0), bar }
    }

    /// Another file was opened.
    pub fn file(&self) {
        let read = self.read.fetch_add(1, Relaxed) + 1;
        if self.started.elapsed() > PATIENCE && read.is_multiple_of(16) {
            self.bar.set_message(format!("reading, {read} files"));
        }
    }

    /// Every file was read.
    pub fn grading(&self) {
        self.bar.set_message(format!("grading {} files", self.read.load(Relaxed)));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
