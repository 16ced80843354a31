//! Exporting with a limit and without a flood of warnings.

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

/// How long one batch may take.
pub(super) const EXPORT_WITHIN: Duration = Duration::from_secs(10);

/// How often a collector that does not take spans is worth a line.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// Sends batches on the gateway's runtime, whichever thread asks.
#[derive(Debug)]
pub(super) struct Exporter {
    otlp: Arc<opentelemetry_otlp::SpanExporter>,
    runtime: Handle,
    lost: Mutex<Lost>,
}

/// What was not sent since the last warning.
#[derive(Debug, Default)]
struct Lost {
    spans: usize,
    warned_at: Option<Instant>,
}

impl Exporter {
    pub(super) fn new(otlp: opentelemetry_otlp::SpanExporter, runtime: Handle) -> Self {
        Self { otlp: Arc::new(otlp), runtime, lost: Mutex::default() }
    }

    fn lose(&self, spans: usize, error: &OTelSdkError) {
        if let Some(lost) = self.lost.lock().add(spans, Instant::now()) {
            tracing::warn!(%error, spans = lost, "traces could not be exported: they are lost");
        }
    }
}

impl Lost {
    /// How many spans to tell of, if it is time to.
    fn add(&mut self, spans: usize, now: Instant) -> Option<usize> {
        self.spans += spans;
        if self.warned_at.is_some_and(|warned_at| now < warned_at + WARN_EVERY) {
            return None;
        }
        self.warned_at = Some(now);
        Some(std::mem::take(&mut self.spans))
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let (otlp, spans) = (self.otlp.clone(), batch.len());
        let sending = self.runtime.spawn(async move { timeout(EXPORT_WITHIN, otlp.export(batch)).await });
        let sent = match sending.await {
            Ok(Ok(sent)) => sent,
            Ok(Err(_)) => Err(OTelSdkError::Timeout(EXPORT_WITHIN)),
            Err(error) => Err(OTelSdkError::InternalFailure(error.to_string())),
        };
        sent.inspect_err(|error| self.lose(spans, error))
    }

    fn shutdown_with_timeout(&self, limit: Duration) -> OTelSdkResult {
        self.otlp.shutdown_with_timeout(limit)
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(otlp) = Arc::get_mut(&mut self.otlp) {
            otlp.set_resource(resource);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_collector_is_told_of_once_a_minute() {
        let (mut lost, start) = (Lost::default(), Instant::now());
        let told = [0, 5, 59, 60, 61, 120].map(|second| lost.add(10, start + Duration::from_secs(second)));
        assert_eq!(told, [Some(10), None, None, Some(30), None, Some(20)]);
    }
}
