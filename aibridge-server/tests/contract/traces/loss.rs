//! Collectors that are unreachable or unresponsive, and the export at shutdown.

use super::{BLOCKING, CHAT, Collector, KEYS, TREE, WHOLE, tree};
use crate::harness::provider_settings;
use aibridge_testkit::{Launch, ProcessOutput, RawClient, Script, ScriptedProvider};
use tokio::net::TcpListener;

const REQUESTS: usize = 20;
const LOST: &str = "could not export traces";

/// Runs a gateway that exports traces to `endpoint`, and returns its output.
async fn run_gateway(protocol: &str, endpoint: &str) -> ProcessOutput {
    let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge"))
        .config(provider_settings(&provider.base_url(), &KEYS))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .env("OTEL_BSP_MAX_QUEUE_SIZE", "16")
        .env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
        .env("OTEL_BSP_SCHEDULE_DELAY", "10");
    let gateway = launch.start().await;
    for _ in 0..REQUESTS {
        let response = RawClient::post(gateway.address(), CHAT, &[], BLOCKING).await;
        assert_eq!((response.status(), response.text()), (200, WHOLE));
    }
    gateway.terminate();
    gateway.wait_exit().await
}

#[tokio::test]
async fn an_unreachable_collector_is_logged_once() {
    let endpoint = ScriptedProvider::unreachable_base_url().await;
    for protocol in ["grpc", "http/protobuf"] {
        let output = run_gateway(protocol, &endpoint).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(output.stderr.matches(LOST).count(), 1, "{output:?}");
    }
}

#[tokio::test]
async fn an_unresponsive_collector_delays_nothing() {
    // The system accepts connections for a listener that never accepts them itself.
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for protocol in ["grpc", "http/protobuf"] {
        let output = run_gateway(protocol, &format!("http://{}", collector.local_addr().unwrap())).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.contains("could not send the last traces"), "{output:?}");
    }
}

#[tokio::test]
async fn remaining_spans_are_exported_at_shutdown() {
    for collector in [Collector::grpc().await, Collector::http().await] {
        let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
        let settings = collector.settings() + &provider_settings(&provider.base_url(), &KEYS);
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings);
        let gateway = launch.env("OTEL_BSP_SCHEDULE_DELAY", "3600000").start().await;
        RawClient::post(gateway.address(), CHAT, &[], BLOCKING).await;
        gateway.terminate();
        assert_eq!(gateway.wait_exit().await.status.code(), Some(0));
        assert_eq!(tree(&collector.spans()), TREE);
    }
}
