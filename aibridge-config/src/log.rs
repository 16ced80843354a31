use crate::choice::choice;
use crate::report::Report;
use serde::{Deserialize, Serialize};

/// What the gateway says while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How a line is written.
    pub format: LogFormat,
    /// Whether everything that is recorded is a line too.
    pub records_to_log: bool,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

impl LogFormat {
    const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// How it is written in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct RawLog {
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

pub(crate) fn resolve(raw: &RawLog, report: &mut Report<'_>) -> Option<Log> {
    let format = report.keep("log.format", choice(&raw.format, &LogFormat::ALL, LogFormat::as_str));
    Some(Log { format: format?, records_to_log: raw.records_to_log })
}
