//! The spans that the real binary exports.

use crate::harness::provider_settings;
use aibridge_testkit::{
    Gateway, Launch, RawClient, ReceivedRequest, Script, ScriptedProvider, Step, request,
};
use collector::{Collector, Span, tree};

mod collector;
mod context;
mod loss;
mod variables;

const KEYS: [&str; 2] = ["sk-first-secret-0123456789", "sk-other-secret-0123456789"];
const HINTS: [&str; 2] = ["sk-f...6789", "sk-o...6789"];
const CHAT: &str = "/openai/v1/chat/completions";
const BLOCKING: &str = r#"{"model":"gpt-x","messages":[{"role":"user","content":"asked-words"}]}"#;
const STREAM: &str =
    r#"{"model":"gpt-x","stream":true,"messages":[{"role":"user","content":"asked-words"}]}"#;
const WHOLE: &str = r#"{"id":"c-1","choices":[{"index":0,"message":{"content":"answered-words"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#;
const EVENTS: [&str; 3] = [
    "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"answered-words\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"c-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
];

/// The tree of spans of most interceptions.
const TREE: &str = "\
Intercept
  Intercept.CreateInterceptor
  Intercept.RecordInterception
  Intercept.ProcessRequest
    Intercept.ProcessRequest.Upstream
  Intercept.RecordInterceptionEnded
";

/// A gateway that exports spans to `collector` without delay.
async fn gateway(collector: &Collector, provider: &str, configure: impl FnOnce(Launch) -> Launch) -> Gateway {
    let settings = collector.settings() + &provider_settings(provider, &KEYS);
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings);
    configure(launch.env("OTEL_BSP_SCHEDULE_DELAY", "10")).start().await
}

fn unchanged(launch: Launch) -> Launch {
    launch
}

/// The spans of one interception with the request `body` and the response `script`.
async fn trace_interception(
    body: &str,
    script: impl Fn(&ReceivedRequest) -> Script + Send + Sync + 'static,
) -> Vec<Span> {
    let collector = Collector::grpc().await;
    let provider = ScriptedProvider::start(script).await;
    let gateway = gateway(&collector, &provider.base_url(), unchanged).await;
    RawClient::post(gateway.address(), CHAT, &[], body).await;
    collector.spans_with("Intercept", 1).await
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

#[tokio::test]
async fn a_blocking_response_is_a_tree_of_spans_on_both_protocols() {
    for collector in [Collector::grpc().await, Collector::http().await] {
        let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
        let gateway = gateway(&collector, &provider.base_url(), unchanged).await;
        let response = RawClient::post(gateway.address(), CHAT, &[], BLOCKING).await;
        let spans = collector.spans_with("Intercept", 1).await;
        assert_eq!(tree(&spans), TREE);
        let id = response.header("x-aibridge-interception-id");
        assert_eq!(spans[0].have(["interception_id"]), [id]);
        let expected = [
            ("provider", "openai"),
            ("user_id", "anonymous"),
            ("model", "gpt-x"),
            ("streaming", "false"),
            ("request_path", CHAT),
            ("outcome", "completed"),
            ("http.response.status_code", "200"),
            ("gen_ai.system", "openai"),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.model", "gpt-x"),
            ("gen_ai.response.id", "c-1"),
            ("gen_ai.usage.input_tokens", "9"),
            ("gen_ai.usage.output_tokens", "2"),
            ("gen_ai.usage.cache_read.input_tokens", "4"),
        ];
        for (name, value) in expected {
            assert_eq!(spans[0].have([name]), [Some(value)], "{name} in {spans:?}");
        }
        assert!(spans.iter().all(|span| !span.failed), "{spans:?}");
        assert_eq!(collector.resource()["service.name"], "aibridge");
    }
}

#[tokio::test]
async fn a_stream_has_the_same_tree_of_spans() {
    let spans = trace_interception(STREAM, |_| Script::sse(EVENTS.concat())).await;
    assert_eq!(tree(&spans), TREE);
    let names = ["streaming", "outcome", "gen_ai.response.id", "gen_ai.usage.input_tokens"];
    assert_eq!(spans[0].have(names), [Some("true"), Some("completed"), Some("c-1"), Some("9")]);
}

#[tokio::test]
async fn each_attempt_is_a_span() {
    let spans = trace_interception(BLOCKING, |request| match request.bearer() == Some(KEYS[0]) {
        true => Script::json(429, "{}"),
        false => Script::json(200, WHOLE),
    })
    .await;
    let attempts = named(&spans, "Intercept.ProcessRequest.Upstream");
    let names = ["attempt", "key_hint", "http.response.status_code", "error.type"];
    let actual: Vec<_> = attempts.iter().map(|span| (span.have(names), span.failed)).collect();
    let expected = [
        ([Some("1"), Some(HINTS[0]), Some("429"), Some("rate_limited")], true),
        ([Some("2"), Some(HINTS[1]), Some("200"), None], false),
    ];
    assert_eq!(actual, expected);
    assert!(attempts.iter().all(|span| span.parent_id == named(&spans, "Intercept.ProcessRequest")[0].id));
    assert!(!spans[0].failed, "{spans:?}");
}

#[tokio::test]
async fn failed_spans_have_their_error() {
    let names = ["outcome", "error.type", "http.response.status_code"];
    let spans = trace_interception(BLOCKING, |_| Script::json(500, "{}")).await;
    assert_eq!(spans[0].have(names), [Some("failed"), Some("upstream_5xx"), Some("500")]);
    assert!(spans[0].failed, "{spans:?}");

    let spans = trace_interception(BLOCKING, |_| Script::new().then(Step::Reset)).await;
    assert_eq!(tree(&spans), TREE);
    assert_eq!(spans[0].have(names), [Some("failed"), Some("upstream_unreachable"), Some("502")]);
    let upstream = named(&spans, "Intercept.ProcessRequest.Upstream")[0];
    assert_eq!(upstream.have(["error.type"]), [Some("upstream_unreachable")]);
    assert!(spans[0].failed && upstream.failed, "{spans:?}");

    let spans = trace_interception(STREAM, |_| Script::sse(EVENTS[1])).await;
    assert_eq!(spans[0].have(names), [Some("failed"), Some("stream_error"), Some("200")]);

    let spans = trace_interception("not JSON", |_| Script::json(200, WHOLE)).await;
    assert_eq!(tree(&spans), "Intercept\n  Intercept.CreateInterceptor\n");
    assert_eq!(spans[0].have(names), [None, Some("invalid_json"), Some("400")]);
}

#[tokio::test]
async fn a_disconnect_ends_the_spans() {
    for script in [Script::new(), Script::sse_head().chunk(EVENTS[0])] {
        let collector = Collector::grpc().await;
        let streams = !script.steps.is_empty();
        let script = script.then(Step::Stall);
        let mut provider = ScriptedProvider::start(move |_| script.clone()).await;
        let gateway = gateway(&collector, &provider.base_url(), unchanged).await;
        let mut client = RawClient::connect(gateway.address()).await;
        client.send(&request("POST", CHAT, &[], STREAM.as_bytes())).await;
        provider.next_received().await;
        if streams {
            client.head().await;
            client.read_until(EVENTS[0]).await;
        }
        drop(client);
        let spans = collector.spans_with("Intercept", 1).await;
        assert_eq!(tree(&spans), TREE);
        assert_eq!(spans[0].have(["outcome", "error.type"]), [Some("cancelled"), None]);
        assert!(spans.iter().all(|span| !span.failed), "{spans:?}");
    }
}

#[tokio::test]
async fn a_passthrough_request_is_a_span() {
    let collector = Collector::grpc().await;
    let provider = ScriptedProvider::start(|_| Script::json(404, "{}")).await;
    let gateway = gateway(&collector, &provider.base_url(), unchanged).await;
    RawClient::get(gateway.address(), "/openai/v1/models/x?secret=query-words").await;
    let spans = collector.spans_with("Passthrough", 1).await;
    assert_eq!(tree(&spans), "Passthrough\n  Passthrough.Upstream\n");
    let names = ["provider", "user_id", "request_path", "http.response.status_code"];
    let expected = [Some("openai"), Some("anonymous"), Some("/openai/v1/models/x"), Some("404")];
    assert_eq!(spans[0].have(names), expected);
}

#[tokio::test]
async fn spans_have_no_content_and_no_credentials() {
    const COLLECTOR_KEY: &str = "collector-secret-0123456789";
    for collector in [Collector::grpc().await, Collector::http().await] {
        let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
        let gateway = gateway(&collector, &provider.base_url(), |launch| {
            let launch = launch.env("OTEL_EXPORTER_OTLP_HEADERS", format!("x-key={COLLECTOR_KEY}"));
            launch.env("RUST_LOG", "trace").env("OTEL_SERVICE_NAME", "ours")
        })
        .await;
        let path = format!("{CHAT}?secret=query-words");
        RawClient::post(gateway.address(), &path, &[("x-other", "header-words")], BLOCKING).await;
        collector.spans_with("Intercept", 1).await;
        assert_eq!(collector.resource()["service.name"], "ours");
        assert!(collector.keys().iter().all(|key| key.as_deref() == Some(COLLECTOR_KEY)));
        gateway.terminate();
        let log = gateway.wait_exit().await.stderr;
        let exported = String::from_utf8_lossy(&collector.bytes()).into_owned();
        assert!(exported.contains("gpt-x") && exported.contains(HINTS[0]));
        for word in ["asked-words", "answered-words", "query-words", "header-words", KEYS[0], COLLECTOR_KEY] {
            assert!(!exported.contains(word), "{word} in {exported}");
        }
        for word in ["asked-words", "answered-words", KEYS[0], COLLECTOR_KEY] {
            assert!(!log.contains(word), "{word} in {log}");
        }
    }
}

#[tokio::test]
async fn log_and_trace_levels_are_independent() {
    for level in ["off", "info"] {
        let collector = Collector::grpc().await;
        let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
        let gateway = gateway(&collector, &provider.base_url(), |launch| launch.env("RUST_LOG", level)).await;
        RawClient::post(gateway.address(), CHAT, &[], BLOCKING).await;
        assert_eq!(tree(&collector.spans_with("Intercept", 1).await), TREE);
        gateway.terminate();
        let log = gateway.wait_exit().await.stderr;
        assert_eq!(log.is_empty(), level == "off", "{log}");
        for line in log.lines() {
            assert!(
                line.split_whitespace().nth(2).is_some_and(|target| target.starts_with("aibridge_")),
                "{line}"
            );
        }
    }
}
