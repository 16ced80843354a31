//! Logs the outcome of reloads, each problem once.

use crate::reload::active_settings::ReloadOutcome;

/// The trigger of a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// An operator sent SIGHUP: the outcome is always logged.
    Signal,
    /// A file changed next to one of the settings files, or one of these did.
    FileChange,
}

/// Logs the outcome of reloads, and remembers the last one so that it is not logged again.
#[derive(Debug, Default)]
pub(super) struct ReloadLog {
    problems: Option<String>,
    needs_restart: Vec<&'static str>,
}

impl ReloadLog {
    /// Logs a reload that succeeded.
    pub(super) fn applied(&mut self, trigger: Trigger, outcome: ReloadOutcome) {
        let ReloadOutcome { providers, settings, needs_restart } = outcome;
        let was_refused = self.problems.take().is_some();
        let is_new = self.needs_restart != needs_restart;
        if !providers.is_empty() || !settings.is_empty() {
            tracing::info!(
                added = ?providers.added,
                removed = ?providers.removed,
                changed = ?providers.changed,
                ?settings,
                "settings reloaded"
            );
        } else if trigger == Trigger::Signal || was_refused {
            tracing::info!("settings reloaded: nothing changed");
        }
        if !needs_restart.is_empty() && (trigger == Trigger::Signal || is_new) {
            tracing::warn!(settings = ?needs_restart, "restart to apply these changed settings");
        }
        self.needs_restart = needs_restart;
    }

    /// Logs a reload that failed, in one line whatever the number of problems.
    pub(super) fn refused(&mut self, trigger: Trigger, problems: String) {
        if trigger == Trigger::Signal || self.problems.as_ref() != Some(&problems) {
            let line = problems.replace('\n', "; ");
            tracing::error!("the new settings are refused, and the old ones stay in force: {line}");
        }
        self.problems = Some(problems);
    }
}
