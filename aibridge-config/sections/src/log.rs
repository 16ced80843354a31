//! `[log]`: the format of log lines.

use aibridge_values::choice::choice;
use aibridge_values::report::Report;
use serde::{Deserialize, Serialize};

/// The log of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The format of log lines.
    pub format: LogFormat,
    /// Whether every record is also written to the log.
    pub records_to_log: bool,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// Text for people to read.
    Text,
    /// One JSON object per line.
    Json,
}

impl LogFormat {
    const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The value in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// The mirror of `[log]`.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawLog {
    format: String,
    records_to_log: bool,
}

impl Default for RawLog {
    fn default() -> Self {
        Self { format: LogFormat::Text.as_str().into(), records_to_log: false }
    }
}

impl From<&Log> for RawLog {
    fn from(log: &Log) -> Self {
        Self { format: log.format.as_str().into(), records_to_log: log.records_to_log }
    }
}

/// Validates `[log]`. `None` if it has a problem.
pub fn resolve(raw: &RawLog, report: &mut Report<'_>) -> Option<Log> {
    let format = report.keep("log.format", choice(&raw.format, &LogFormat::ALL, LogFormat::as_str));
    Some(Log { format: format?, records_to_log: raw.records_to_log })
}
