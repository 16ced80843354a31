//! Problems with settings.

use std::fmt;

/// A setting that cannot be used, and the fix for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The source of the setting: the path of the file, the name of the environment variable, or the flag.
    pub origin: String,
    /// The setting, e.g. `provider[1].base_url`; list positions count from 0. `None` if the whole source cannot be read.
    pub setting: Option<String>,
    /// The problem, and what to write instead. It contains no secret.
    pub message: String,
}

/// All problems with the settings. Displays as one line for each problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError {
    /// At least one problem, in the order of the sources, then of the sections.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if let Some(setting) = &self.setting {
            write!(f, "{setting}: ")?;
        }
        f.write_str(&self.message)
    }
}
