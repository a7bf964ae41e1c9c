use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;
use wirelab_model::RunEvent;

/// What a run says while it goes on, on standard error: a line an arm, and on a terminal a bar below them.
pub(crate) struct Progress {
    bar: ProgressBar,
    color: bool,
    /// Several clients are tested, so each line names its own.
    several: bool,
}

impl Progress {
    pub(crate) fn new(color: bool, several: bool) -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(1) } else { ProgressBar::hidden() };
        let template =
            if color { "{bar:24.cyan} {pos}/{len} {wide_msg}" } else { "{bar:24} {pos}/{len} {wide_msg}" };
        // The template is a constant, and right.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, color, several }
    }

    pub(crate) fn tell(&self, event: &RunEvent) {
        match event {
            RunEvent::ClientSkipped(client) => {
                let why = client.skipped.as_deref().unwrap_or_default();
                self.bar.suspend(|| eprintln!("- {} is skipped: {why}", client.name));
            }
            RunEvent::Started { trials } => self.bar.set_length(*trials as u64),
            RunEvent::TrialStarted { name, arm, client } => {
                self.bar.set_message(format!("{name} {arm}: {client}"));
            }
            RunEvent::Control(_) | RunEvent::TrialEnded => self.bar.inc(1),
            RunEvent::Arm(arm) => {
                let client = if self.several { arm.client.as_str() } else { "" };
                let line = wirelab_report::arm_line(arm, client, self.color);
                self.bar.suspend(|| eprintln!("{line}"));
            }
        }
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// How long a bench still takes, on standard error of a terminal.
pub(crate) struct Clock(ProgressBar);

impl Clock {
    pub(crate) fn new(color: bool) -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(1) } else { ProgressBar::hidden() };
        let template = if color { "{bar:24.cyan} {wide_msg}" } else { "{bar:24} {wide_msg}" };
        // The template is a constant, and right.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self(bar)
    }

    pub(crate) fn tell(&self, progress: &wirelab_bench::Progress) {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.0.set_length(millis(progress.passed + progress.left));
        self.0.set_position(millis(progress.passed));
        self.0.set_message(format!("{} s left  {}", progress.left.as_secs_f64().ceil(), progress.what));
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
