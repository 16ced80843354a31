//! The log and the traces of the process.
//!
//! [`log::start`] writes log lines to stderr. [`Traces`] sends spans to a collector by OTLP. [`RecordLog`] logs every
//! stored record as a line. Metrics are not here: see `aibridge-metrics`.

mod exporter;
pub mod log;
mod record_log;
mod traces;

pub use record_log::RecordLog;
pub use traces::{TelemetryError, Traces, continue_trace, warn_about_ignored};
