//! The spans of a request.
//!
//! They are spans of `tracing` with the target [`TARGET`], to which an exporter subscribes. Without a subscriber they cost
//! the check of a flag. They contain no text of a user or a model, and no credential but hints.

pub use aibridge_upstream::trace::TARGET;

pub(crate) use aibridge_upstream::trace::set_error;

use aibridge_error::ErrorResponse;
use aibridge_headers::mask;
use aibridge_observer::ResponseSummary;
use aibridge_recorder::{Interception, Outcome};
use aibridge_upstream::trace::{PASSTHROUGH, set_status};
use http::Response;
use tracing::field::Empty;
use tracing::{Span, info_span};

/// The longest attribute that a client can choose, in bytes. It bounds the memory of a queue of spans.
const MAX_CLIENT_TEXT_BYTES: usize = 256;

/// The span of an interception, from authentication to the end of its response.
pub fn intercept_span(provider: &str, user_id: &str, request_path: &str) -> Span {
    info_span!(
        target: TARGET, parent: None, "Intercept",
        otel.kind = "server",
        otel.status_code = Empty,
        provider,
        user_id,
        request_path = truncate(&mask::text(request_path)),
        interception_id = Empty,
        model = Empty,
        streaming = Empty,
        outcome = Empty,
        "error.type" = Empty,
        "http.response.status_code" = Empty,
        "gen_ai.system" = Empty,
        "gen_ai.provider.name" = Empty,
        "gen_ai.operation.name" = Empty,
        "gen_ai.request.model" = Empty,
        "gen_ai.response.id" = Empty,
        "gen_ai.usage.input_tokens" = Empty,
        "gen_ai.usage.output_tokens" = Empty,
        "gen_ai.usage.cache_read.input_tokens" = Empty,
    )
}

/// The span of a request that is passed through, from authentication to the end of its response.
pub fn passthrough_span(provider: &str, user_id: &str, request_path: &str) -> Span {
    info_span!(
        target: TARGET, parent: None, PASSTHROUGH,
        otel.kind = "server",
        otel.status_code = Empty,
        provider,
        user_id,
        request_path = truncate(&mask::text(request_path)),
        "error.type" = Empty,
        "http.response.status_code" = Empty,
    )
}

/// The span of the creation of an interceptor, which parses the request.
pub fn create_interceptor_span() -> Span {
    info_span!(target: TARGET, "Intercept.CreateInterceptor")
}

pub(crate) fn record_interception_span() -> Span {
    info_span!(target: TARGET, "Intercept.RecordInterception")
}

pub(crate) fn process_request_span() -> Span {
    info_span!(target: TARGET, "Intercept.ProcessRequest")
}

pub(crate) fn record_interception_ended_span(intercept: &Span) -> Span {
    info_span!(target: TARGET, parent: intercept, "Intercept.RecordInterceptionEnded")
}

/// Sets the attributes of an interception.
pub(crate) fn set_interception(span: &Span, interception: &Interception) {
    if span.is_disabled() {
        return;
    }
    let model = truncate(&interception.model);
    span.record("interception_id", tracing::field::display(interception.id));
    span.record("model", model);
    span.record("streaming", interception.streaming);
    span.record("gen_ai.system", interception.provider.as_str());
    span.record("gen_ai.provider.name", interception.provider.as_str());
    let operation = if interception.route.ends_with("/embeddings") { "embeddings" } else { "chat" };
    span.record("gen_ai.operation.name", operation);
    span.record("gen_ai.request.model", model);
}

/// Sets the attributes of a response. Input tokens include cached ones, by the OpenTelemetry conventions.
pub(crate) fn set_summary(span: &Span, summary: &ResponseSummary) {
    if span.is_disabled() {
        return;
    }
    if let Some(id) = &summary.response_id {
        span.record("gen_ai.response.id", truncate(id));
    }
    if let Some(usage) = &summary.usage {
        span.record(
            "gen_ai.usage.input_tokens",
            usage.input.saturating_add(usage.cache_read).saturating_add(usage.cache_write),
        );
        span.record("gen_ai.usage.output_tokens", usage.output);
        span.record("gen_ai.usage.cache_read.input_tokens", usage.cache_read);
    }
}

/// Sets the outcome of an interception.
pub(crate) fn set_outcome(span: &Span, outcome: Outcome) {
    span.record("outcome", outcome.as_str());
    if let Some(error_type) = outcome.error_type() {
        set_error(span, error_type.as_str());
    }
}

/// Sets the status of the client's response, and the error of a request that was refused before its interception began.
pub fn set_client_response<B>(span: &Span, result: &Result<Response<B>, ErrorResponse>) {
    if span.is_disabled() {
        return;
    }
    let status = match result {
        Ok(response) => response.status(),
        Err(error) => {
            set_error(span, error.code);
            error.status
        }
    };
    set_status(span, status);
}

/// The start of a text that a client chose, as spans and log lines contain it: at most 256 bytes.
pub fn truncate(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_CLIENT_TEXT_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncates_between_characters() {
        assert_eq!(truncate("short"), "short");
        let long = "é".repeat(MAX_CLIENT_TEXT_BYTES);
        assert_eq!(truncate(&long), "é".repeat(MAX_CLIENT_TEXT_BYTES / 2));
        assert_eq!(truncate(&format!("x{long}")).len(), MAX_CLIENT_TEXT_BYTES - 1);
    }
}
