//! Sends spans to a collector by OTLP.
//!
//! Ended spans wait in a bounded queue for a thread that sends them in batches. Spans that do not fit are dropped. No
//! request waits for the collector.

use crate::exporter::{EXPORT_TIMEOUT, Exporter};
use aibridge_config::{OtlpProtocol, Telemetry};
use aibridge_intercept::trace::TARGET;
use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry::{KeyValue, global};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// The longest wait of the ending process for the last spans.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

const TRACEPARENT: &str = "traceparent";

/// The reason why traces cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The settings or OpenTelemetry's environment variables are invalid.
    #[error("cannot set up the export of traces: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// The HTTP client cannot be created.
    #[error("cannot set up the export of traces: {0}")]
    Client(#[from] reqwest::Error),
}

/// Collects the spans of this process and sends them to a collector. Clones share the queue.
#[derive(Clone)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Starts the export on `runtime`. It connects to the collector with the first spans.
    ///
    /// # Errors
    ///
    /// If the settings or OpenTelemetry's environment variables are invalid.
    pub fn start(telemetry: &Telemetry, runtime: &Handle) -> Result<Self, TelemetryError> {
        // Installed once per process; an error means that one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let _runtime = runtime.enter();
        let exporter = Exporter::new(otlp(telemetry)?, runtime.clone());
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(telemetry))
            .with_sampler(sampler(telemetry))
            .with_batch_exporter(exporter)
            .build();
        if telemetry.propagate {
            global::set_text_map_propagator(TraceContextPropagator::new());
        }
        Ok(Self(provider))
    }

    /// Returns a layer that collects the spans of [`TARGET`] and no others.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        let only_ours =
            filter_fn(|metadata| metadata.target() == TARGET).with_max_level_hint(LevelFilter::INFO);
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("aibridge"))
            .with_context_activation(false)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(only_ours)
    }

    /// Sends the remaining spans, within two seconds.
    pub async fn finish(self) {
        let flush = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH_TIMEOUT));
        if !matches!(flush.await, Ok(Ok(()))) {
            tracing::warn!("could not send the last traces: they are lost");
        }
    }
}

/// Logs the variables of OpenTelemetry that are ignored. The log starts after the traces, so [`Traces::start`] cannot.
pub fn warn_about_ignored(telemetry: &Telemetry) {
    for ignored in &telemetry.ignored {
        tracing::warn!("{ignored}");
    }
}

/// Makes `span` a part of the trace that the `traceparent` header names. Ignores a header that is invalid or repeated.
pub fn continue_trace(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() || headers.get_all(TRACEPARENT).iter().count() != 1 {
        return;
    }
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if context.span().span_context().is_valid() {
        let _ = span.set_parent(context);
    }
}

fn otlp(telemetry: &Telemetry) -> Result<SpanExporter, TelemetryError> {
    let endpoint = &telemetry.endpoint;
    Ok(match telemetry.protocol {
        OtlpProtocol::Grpc => {
            let builder = SpanExporter::builder().with_tonic().with_endpoint(endpoint.as_str());
            let builder = match endpoint.scheme() {
                "https" => builder.with_tls_config(ClientTlsConfig::new().with_native_roots()),
                _ => builder,
            };
            builder.with_timeout(EXPORT_TIMEOUT).build()?
        }
        OtlpProtocol::Http => SpanExporter::builder()
            .with_http()
            .with_http_client(reqwest::Client::builder().build()?)
            .with_endpoint(match telemetry.is_endpoint_exact {
                true => endpoint.to_string(),
                false => format!("{endpoint}v1/traces"),
            })
            .with_timeout(EXPORT_TIMEOUT)
            .build()?,
    })
}

/// The attributes of the settings, and the name and version of the library. Its own reader of the variables decodes nothing.
fn resource(telemetry: &Telemetry) -> Resource {
    let attributes = telemetry.resource.iter().cloned();
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(attributes.map(|(name, value)| KeyValue::new(name, value)))
        .build()
}

fn sampler(telemetry: &Telemetry) -> Sampler {
    let ratio = Sampler::TraceIdRatioBased(telemetry.sample_ratio);
    if telemetry.is_parent_based { Sampler::ParentBased(Box::new(ratio)) } else { ratio }
}
