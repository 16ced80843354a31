//! A span exporter with a timeout and at most one warning a minute.

use aibridge_intercept::warn_throttle::WarnThrottle;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

/// The longest duration of the export of one batch.
pub(crate) const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends batches on the gateway's runtime, also when it is called on another thread.
#[derive(Debug)]
pub(crate) struct Exporter {
    otlp: Arc<opentelemetry_otlp::SpanExporter>,
    runtime: Handle,
    lost: Mutex<WarnThrottle<Instant>>,
}

impl Exporter {
    pub(crate) fn new(otlp: opentelemetry_otlp::SpanExporter, runtime: Handle) -> Self {
        Self { otlp: Arc::new(otlp), runtime, lost: Mutex::default() }
    }

    /// Counts lost spans, and logs the count if a warning is due.
    fn count_lost(&self, spans: u64, error: &OTelSdkError) {
        if let Some(lost) = self.lost.lock().add(spans, Instant::now()) {
            tracing::warn!(%error, spans = lost, "could not export traces: they are lost");
        }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let (otlp, spans) = (self.otlp.clone(), batch.len() as u64);
        let sending = self.runtime.spawn(async move { timeout(EXPORT_TIMEOUT, otlp.export(batch)).await });
        let sent = match sending.await {
            Ok(Ok(sent)) => sent,
            Ok(Err(_)) => Err(OTelSdkError::Timeout(EXPORT_TIMEOUT)),
            Err(error) => Err(OTelSdkError::InternalFailure(error.to_string())),
        };
        sent.inspect_err(|error| self.count_lost(spans, error))
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
    fn lost_spans_are_logged_once_a_minute() {
        let (mut lost, start) = (WarnThrottle::default(), Instant::now());
        let logged = [0, 5, 59, 60, 61, 120].map(|second| lost.add(10, start + Duration::from_secs(second)));
        assert_eq!(logged, [Some(10), None, None, Some(30), None, Some(20)]);
    }
}
