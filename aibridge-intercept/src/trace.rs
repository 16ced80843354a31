//! The spans of a request.
//!
//! They are `tracing`'s: whoever exports them subscribes to [`TARGET`]. While nobody does, they cost a look at a flag.
//! They hold no word of a user or a model and no credential, only hints.

use crate::answer::Answer;
use crate::error::Error;
use crate::mask;
use crate::observer::ResponseSummary;
use aibridge_recorder::{ErrorType, Interception, Outcome};
use http::{HeaderMap, Response, StatusCode};
use opentelemetry::global;
use opentelemetry_http::HeaderInjector;
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of all spans that are exported, and of nothing else.
pub const TARGET: &str = "aibridge::trace";

const PASSTHROUGH: &str = "Passthrough";

/// What a client can choose is cut beyond so many bytes: a queue of spans must not grow with it.
const LONGEST: usize = 256;

/// The span of an interception, from when it is known whose it is to the end of its answer.
pub fn intercept(provider: &str, user_id: &str, request_path: &str) -> Span {
    info_span!(
        target: TARGET, parent: None, "Intercept",
        otel.kind = "server",
        otel.status_code = Empty,
        provider,
        user_id,
        request_path = cut(&mask::text(request_path)),
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

/// The span of a request that is passed through, to the end of its answer.
pub fn passthrough(provider: &str, user_id: &str, request_path: &str) -> Span {
    info_span!(
        target: TARGET, parent: None, PASSTHROUGH,
        otel.kind = "server",
        otel.status_code = Empty,
        provider,
        user_id,
        request_path = cut(&mask::text(request_path)),
        "error.type" = Empty,
        "http.response.status_code" = Empty,
    )
}

/// The span of making an interceptor: of reading a request.
pub fn create_interceptor() -> Span {
    info_span!(target: TARGET, "Intercept.CreateInterceptor")
}

pub(crate) fn record_interception() -> Span {
    info_span!(target: TARGET, "Intercept.RecordInterception")
}

pub(crate) fn process_request() -> Span {
    info_span!(target: TARGET, "Intercept.ProcessRequest")
}

pub(crate) fn record_interception_ended(intercept: &Span) -> Span {
    info_span!(target: TARGET, parent: intercept, "Intercept.RecordInterceptionEnded")
}

/// The span of one request to a provider, to the head of its answer.
pub(crate) fn upstream(attempt: u32, key_hint: Option<&str>) -> Span {
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
        Some(around) if around.name() == PASSTHROUGH => upstream_span!("Passthrough.Upstream"),
        _ => upstream_span!("Intercept.ProcessRequest.Upstream"),
    }
}

/// Tells a provider the current span, if traces are to be propagated.
pub(crate) fn inject(headers: &mut HeaderMap) {
    let span = Span::current();
    if !span.is_disabled() {
        let context = span.context();
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut HeaderInjector(headers));
        });
    }
}

/// How one request to a provider went.
pub(crate) fn attempted(span: &Span, answered: &Result<Answer, Error>) {
    if span.is_disabled() {
        return;
    }
    match answered {
        Ok(answer) => {
            let status = answer.response.status();
            record_status(span, status);
            if let Some(error_type) = ErrorType::from_status(status.as_u16()) {
                failed(span, error_type.as_str());
            }
        }
        Err(error) => failed(span, error.error_type().as_str()),
    }
}

/// What an interception is about.
pub(crate) fn about(span: &Span, interception: &Interception) {
    if span.is_disabled() {
        return;
    }
    let model = cut(&interception.model);
    span.record("interception_id", tracing::field::display(interception.id));
    span.record("model", model);
    span.record("streaming", interception.streaming);
    span.record("gen_ai.system", interception.provider.as_str());
    span.record("gen_ai.provider.name", interception.provider.as_str());
    span.record("gen_ai.operation.name", "chat");
    span.record("gen_ai.request.model", model);
}

/// What was read from an answer. Input tokens include the cached ones, as the conventions have it.
pub(crate) fn learnt(span: &Span, learnt: &ResponseSummary) {
    if span.is_disabled() {
        return;
    }
    if let Some(id) = &learnt.response_id {
        span.record("gen_ai.response.id", cut(id));
    }
    if let Some(usage) = &learnt.usage {
        span.record(
            "gen_ai.usage.input_tokens",
            usage.input.saturating_add(usage.cache_read).saturating_add(usage.cache_write),
        );
        span.record("gen_ai.usage.output_tokens", usage.output);
        span.record("gen_ai.usage.cache_read.input_tokens", usage.cache_read);
    }
}

/// How an interception ended.
pub(crate) fn ended(span: &Span, outcome: Outcome) {
    span.record("outcome", outcome.as_str());
    if let Some(error_type) = outcome.error_type() {
        failed(span, error_type.as_str());
    }
}

/// That it failed, and of what.
pub(crate) fn failed(span: &Span, error_type: &'static str) {
    span.record("error.type", error_type);
    span.record("otel.status_code", "error");
}

/// What the client was answered. What was refused before there was an interception ends here.
pub fn answered<B>(span: &Span, answered: &Result<Response<B>, Error>) {
    if span.is_disabled() {
        return;
    }
    let status = match answered {
        Ok(response) => response.status(),
        Err(error) => {
            failed(span, error.code());
            error.to_response().status()
        }
    };
    record_status(span, status);
}

/// Signed, for unsigned numbers would be exported as text.
fn record_status(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", i64::from(status.as_u16()));
}

/// `text` up to so many bytes as spans and log lines show of what a client chose.
pub fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_choose_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(LONGEST);
        assert_eq!(cut(&long), "é".repeat(LONGEST / 2));
        assert_eq!(cut(&format!("x{long}")).len(), LONGEST - 1);
    }
}
