//! Prometheus metrics of the gateway.
//!
//! [`Metrics`] is an [`EventSink`](aibridge_intercept::events::EventSink) that counts interceptions and passthrough requests
//! as they happen. Key pools, circuit breakers and the store keep their own counts; [`Metrics::render`] reads them at each
//! scrape. Clients choose the names of models and tools, so the number of names with their own time series is
//! [limited](LabelLimits); further names share the label `other`.
//!
//! `docs/metrics.md` lists every metric.

mod buckets;
mod event_sink;
mod journal;
mod label_names;
mod metrics;
mod readings;
mod registry;
mod scrape;

pub use journal::JournalFigures;
pub use metrics::{LabelLimits, Metrics};
pub use prometheus::Error as MetricsError;
pub use scrape::{CONTENT_TYPE, ScrapeInput};
