//! Counts and measures what the gateway does, for Prometheus.
//!
//! [`Metrics`] is a [`EventSink`](aibridge_intercept::events::EventSink): interceptions and passed-through requests are counted
//! as they go. What others count themselves (key pools, circuit breakers, the store's queue) is read when somebody
//! [scrapes](Metrics::render). Clients name models and tools, so only so many of these have series of their own:
//! the others share `other`.
//!
//! `docs/metrics.md` has them all.

mod buckets;
mod growth;
mod metrics;
mod names;
mod registry;
mod scrape;
mod watch;

pub use metrics::{Limits, Metrics};
pub use prometheus::Error as MetricsError;
pub use scrape::{AtScrape, CONTENT_TYPE};
