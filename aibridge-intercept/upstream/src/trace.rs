//! The spans of the requests to a provider, and what the other spans of a request share with them.
//!
//! They are spans of `tracing` with the target [`TARGET`], to which an exporter subscribes. Without a subscriber they cost
//! the check of a flag. They contain no text of a user or a model, and no credential but hints.

use crate::response::UpstreamResponse;
use aibridge_error::Error;
use aibridge_recorder::ErrorType;
use http::{HeaderMap, StatusCode};
use opentelemetry::global;
use opentelemetry_http::HeaderInjector;
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of the exported spans. Nothing else has it.
pub const TARGET: &str = "aibridge::trace";

/// The name of the span of a request that is passed through.
pub const PASSTHROUGH: &str = "Passthrough";

/// The span of one request to a provider, up to the head of its response.
pub(crate) fn upstream_span(attempt: u32, key_hint: Option<&str>) -> Span {
    macro_rules! upstream_span {
        ($name:expr) => {
            info_span!(
                target: TARGET, $name,
                otel.kind = "client",
                otel.status_code = Empty,
                attempt = i64::from(attempt),
                key_hint,
                "error.type" = Empty,
                "http.response.status_code" = Empty,
            )
        };
    }
    match Span::current().metadata() {
        Some(parent) if parent.name() == PASSTHROUGH => upstream_span!("Passthrough.Upstream"),
        _ => upstream_span!("Intercept.ProcessRequest.Upstream"),
    }
}

/// Adds the context of the current span to the headers of an upstream request, if traces are propagated.
pub(crate) fn inject(headers: &mut HeaderMap) {
    let span = Span::current();
    if !span.is_disabled() {
        let context = span.context();
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut HeaderInjector(headers));
        });
    }
}

/// Sets the result of one request to a provider.
pub(crate) fn set_attempt(span: &Span, result: &Result<UpstreamResponse, Error>) {
    if span.is_disabled() {
        return;
    }
    match result {
        Ok(response) => {
            let status = response.http.status();
            set_status(span, status);
            if let Some(error_type) = ErrorType::from_status(status.as_u16()) {
                set_error(span, error_type.as_str());
            }
        }
        Err(error) => set_error(span, error.error_type().as_str()),
    }
}

/// Marks a span as failed, with the type of the error.
pub fn set_error(span: &Span, error_type: &'static str) {
    span.record("error.type", error_type);
    span.record("otel.status_code", "error");
}

/// Sets the status of a response, as a signed number: unsigned ones are exported as text.
pub fn set_status(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", i64::from(status.as_u16()));
}
