//! Reading the settings again while it serves: on SIGHUP, or when a file that they are in changes.

mod apply;
mod file_watch;
mod restart;

use crate::current::Current;
use crate::settings::Again;
use aibridge_config::Config;
use apply::Applied;
use file_watch::FileWatch;
use tokio::signal::unix::Signal;

/// Puts new settings in force.
pub struct Reloader {
    current: Current,
    /// As they are in force: what needs a restart is as it was at the start.
    settings: Config,
    told: Told,
}

/// Why the settings are read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Someone asked, and wants an answer.
    ParsedRequest,
    /// Something changed beside one of the files, maybe not the file.
    Seen,
}

/// What the log said last, so that the same thing is not said again.
#[derive(Debug, Default)]
struct Told {
    refused: Option<String>,
    needs_restart: Vec<&'static str>,
}

impl Reloader {
    /// Replaces `current`, which was made from `settings`.
    pub fn new(current: Current, settings: Config) -> Self {
        Self { current, settings, told: Told::default() }
    }

    /// Reads the settings from `source` whenever `hangup` or a file asks for it, until it is dropped.
    pub async fn run(mut self, source: Again, mut hangup: Signal) {
        let mut files = FileWatch::new();
        let mut why = Why::Seen; // they may have changed since the start, before anyone watched
        loop {
            let (watch, source) = (files, source.clone());
            let read = tokio::task::spawn_blocking(move || self.reload(why, &source, watch));
            (self, files) = match read.await {
                Ok(both) => both,
                Err(error) => {
                    return tracing::error!(%error, "the settings will not be read again before a restart");
                }
            };
            why = tokio::select! {
                asked = hangup.recv() => match asked {
                    Some(()) => Why::ParsedRequest,
                    None => return,
                },
                () = files.changed() => Why::Seen,
            };
        }
    }

    fn reload(mut self, why: Why, source: &Again, mut files: FileWatch) -> (Self, FileWatch) {
        files.refresh();
        let mut read = source.read();
        if files.follow(&read.files) {
            read = source.read(); // a file may have changed after it was read and before it was watched
            files.follow(&read.files);
        }
        let applied = read
            .config
            .map_err(|error| error.to_string())
            .and_then(|config| self.apply(&config).map_err(|error| error.to_string()));
        match applied {
            Ok(applied) => self.told.applied(why, applied),
            Err(problems) => self.told.refused(why, problems),
        }
        (self, files)
    }
}

impl Told {
    fn applied(&mut self, why: Why, applied: Applied) {
        let Applied { changes, settings, needs_restart } = applied;
        let was_refused = self.refused.take().is_some();
        let is_new = self.needs_restart != needs_restart;
        if !changes.is_empty() || !settings.is_empty() {
            tracing::info!(
                added = ?changes.added,
                removed = ?changes.removed,
                changed = ?changes.changed,
                ?settings,
                "settings reloaded"
            );
        } else if why == Why::ParsedRequest || was_refused {
            tracing::info!("settings reloaded: nothing changed");
        }
        if !needs_restart.is_empty() && (why == Why::ParsedRequest || is_new) {
            tracing::warn!(settings = ?needs_restart, "these settings have changed, which needs a restart");
        }
        self.needs_restart = needs_restart;
    }

    /// One line, whatever the number of problems.
    fn refused(&mut self, why: Why, problems: String) {
        if why == Why::ParsedRequest || self.refused.as_ref() != Some(&problems) {
            let line = problems.replace('\n', "; ");
            tracing::error!("the new settings are refused, and the old ones stay in force: {line}");
        }
        self.refused = Some(problems);
    }
}
