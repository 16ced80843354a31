//! Reloads the settings while the gateway runs: on SIGHUP, or when one of their files changes.

mod active_settings;
mod file_watch;
mod reload_log;
mod restart;

use crate::settings::SettingsSource;
use active_settings::ActiveSettings;
use aibridge_config::Config;
use aibridge_handler::runtime_config::RuntimeConfig;
use file_watch::FileWatch;
use reload_log::{ReloadLog, Trigger};
use tokio::signal::unix::Signal;

/// Reads changed settings and puts them in force.
pub struct Reloader {
    settings: ActiveSettings,
    log: ReloadLog,
}

impl Reloader {
    /// Creates a reloader of `runtime_config`, which was created from `settings`.
    pub fn new(runtime_config: RuntimeConfig, settings: Config) -> Self {
        Self { settings: ActiveSettings::new(runtime_config, settings), log: ReloadLog::default() }
    }

    /// Reloads the settings from `source` on every `hangup` signal and file change, until it is dropped.
    pub async fn run(mut self, source: SettingsSource, mut hangup: Signal) {
        let mut files = FileWatch::new();
        // The files may have changed after the start and before the watch.
        let mut trigger = Trigger::FileChange;
        loop {
            let (watch, source) = (files, source.clone());
            let reload = tokio::task::spawn_blocking(move || self.reload(trigger, &source, watch));
            (self, files) = match reload.await {
                Ok(both) => both,
                Err(error) => {
                    return tracing::error!(%error, "reloading failed: restart to apply changed settings");
                }
            };
            trigger = tokio::select! {
                signal = hangup.recv() => match signal {
                    Some(()) => Trigger::Signal,
                    None => return,
                },
                () = files.changed() => Trigger::FileChange,
            };
        }
    }

    fn reload(
        mut self,
        trigger: Trigger,
        source: &SettingsSource,
        mut files: FileWatch,
    ) -> (Self, FileWatch) {
        files.refresh();
        let mut loaded = source.load();
        if files.follow(&loaded.files) {
            loaded = source.load(); // a file may have changed after it was read and before it was watched
            files.follow(&loaded.files);
        }
        let outcome = loaded
            .config
            .map_err(|error| error.to_string())
            .and_then(|config| self.settings.apply(&config).map_err(|error| error.to_string()));
        match outcome {
            Ok(outcome) => self.log.applied(trigger, outcome),
            Err(problems) => self.log.refused(trigger, problems),
        }
        (self, files)
    }
}
