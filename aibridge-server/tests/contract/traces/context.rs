//! Trace context (`traceparent`): continued from the client, and forwarded to the provider only if configured.

use super::{BLOCKING, CHAT, Collector, WHOLE, gateway, named, tree, unchanged};
use aibridge_testkit::{Launch, RawClient, Script, ScriptedProvider};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn with(setting: &'static str) -> impl FnOnce(Launch) -> Launch {
    move |launch| {
        let (name, value) = setting.split_once('=').unwrap();
        launch.env(format!("AIBRIDGE_TELEMETRY__{name}"), value)
    }
}

#[tokio::test]
async fn the_trace_of_a_client_is_continued() {
    let collector = Collector::grpc().await;
    let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let gateway = gateway(&collector, &provider.base_url(), unchanged).await;
    let context = format!("00-{TRACE}-{PARENT}-01");
    let headers = [("traceparent", context.as_str()), ("tracestate", "vendor=state")];
    for (path, name) in [(CHAT, "Intercept"), ("/openai/v1/conversations", "Passthrough")] {
        RawClient::post(gateway.address(), path, &headers, BLOCKING).await;
        let spans = collector.spans_with(name, 1).await;
        assert!(spans.iter().all(|span| span.trace_id == TRACE), "{spans:?}");
        assert_eq!(named(&spans, name)[0].parent_id, PARENT);
    }
    for request in provider.received() {
        assert_eq!((request.header("traceparent"), request.header("tracestate")), (None, None));
    }
}

#[tokio::test]
async fn an_invalid_trace_context_is_ignored() {
    let collector = Collector::grpc().await;
    let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let gateway = gateway(&collector, &provider.base_url(), unchanged).await;
    let broken = [
        "nonsense".to_owned(),
        String::new(),
        format!("00-{}-{PARENT}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("00-{TRACE}-{PARENT}"),
        format!("ff-{TRACE}-{PARENT}-01"),
    ];
    for (index, broken) in broken.iter().enumerate() {
        let response =
            RawClient::post(gateway.address(), CHAT, &[("traceparent", broken.as_str())], BLOCKING).await;
        assert_eq!(response.status(), 200, "{broken}");
        collector.spans_with("Intercept", index + 1).await;
    }
    let twice = format!("00-{TRACE}-{PARENT}-01");
    let twice = [("traceparent", twice.as_str()), ("traceparent", twice.as_str())];
    RawClient::post(gateway.address(), CHAT, &twice, BLOCKING).await;
    let spans = collector.spans_with("Intercept", broken.len() + 1).await;
    let roots = named(&spans, "Intercept");
    assert!(roots.iter().all(|span| span.trace_id != TRACE && span.parent_id.is_empty()), "{roots:?}");
}

#[tokio::test]
async fn the_trace_context_is_forwarded_if_configured() {
    let collector = Collector::grpc().await;
    let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let gateway = gateway(&collector, &provider.base_url(), with("PROPAGATE=true")).await;
    let context = format!("00-{TRACE}-{PARENT}-01");
    let headers = [("traceparent", context.as_str()), ("tracestate", "vendor=state")];
    for (number, (path, root, upstream)) in [
        (CHAT, "Intercept", "Intercept.ProcessRequest.Upstream"),
        ("/openai/v1/conversations", "Passthrough", "Passthrough.Upstream"),
    ]
    .into_iter()
    .enumerate()
    {
        RawClient::post(gateway.address(), path, &headers, BLOCKING).await;
        let spans = collector.spans_with(root, 1).await;
        let expected = format!("00-{TRACE}-{}-01", named(&spans, upstream)[0].id);
        let request = &provider.received()[number];
        assert_eq!(request.header_values("traceparent"), [expected]);
        assert_eq!(request.header_values("tracestate"), ["vendor=state"]);
    }
}

#[tokio::test]
async fn the_sampling_ratio_applies_only_to_new_traces() {
    let collector = Collector::grpc().await;
    let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let gateway = gateway(&collector, &provider.base_url(), with("SAMPLE_RATIO=0.0")).await;
    let unsampled = format!("00-{TRACE}-{PARENT}-00");
    let sampled = format!("00-{TRACE}-{PARENT}-01");
    RawClient::post(gateway.address(), CHAT, &[], BLOCKING).await;
    RawClient::post(gateway.address(), CHAT, &[("traceparent", unsampled.as_str())], BLOCKING).await;
    RawClient::post(gateway.address(), CHAT, &[("traceparent", sampled.as_str())], BLOCKING).await;
    gateway.terminate();
    assert_eq!(gateway.wait_exit().await.status.code(), Some(0));
    let spans = collector.spans();
    assert_eq!(tree(&spans), super::TREE);
    assert_eq!(spans[0].parent_id, PARENT);
}
