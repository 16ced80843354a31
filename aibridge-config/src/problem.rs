use std::fmt;

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it was set: the path of the file, the name of the environment variable, or the flag.
    pub origin: String,
    /// Which it is, e.g. `provider[1].base_url`; list positions count from 0. `None` if the source could
    /// not be read that far.
    pub setting: Option<String>,
    /// What is wrong and what to write instead, without any secret.
    pub message: String,
}

/// Every problem that was found. Displays as one line for each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError {
    /// At least one, in the order of the sources, then of the sections.
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
