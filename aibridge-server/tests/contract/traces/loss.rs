//! Collectors that are not there, or do not answer, and the end of the process.

use super::{BLOCKING, CHAT, Collector, KEYS, TREE, WHOLE, tree};
use crate::harness::provider_settings;
use aibridge_testkit::{Exited, Launch, RawClient, Script, ScriptedProvider};
use tokio::net::TcpListener;

const REQUESTS: usize = 20;
const LOST: &str = "could not export traces";

/// What becomes of a gateway whose requests are traced to `endpoint`.
async fn served(protocol: &str, endpoint: &str) -> Exited {
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
        let answer = RawClient::post(gateway.address(), CHAT, &[], BLOCKING).await;
        assert_eq!((answer.status(), answer.text()), (200, WHOLE));
    }
    gateway.terminate();
    gateway.exited().await
}

#[tokio::test]
async fn a_dead_collector_costs_one_warning() {
    let endpoint = ScriptedProvider::unreachable_base_url().await;
    for protocol in ["grpc", "http/protobuf"] {
        let exited = served(protocol, &endpoint).await;
        assert_eq!(exited.status.code(), Some(0), "{exited:?}");
        assert_eq!(exited.stderr.matches(LOST).count(), 1, "{exited:?}");
    }
}

#[tokio::test]
async fn a_collector_that_does_not_answer_holds_up_nothing() {
    // The system takes connections for a listener that never looks at them.
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for protocol in ["grpc", "http/protobuf"] {
        let exited = served(protocol, &format!("http://{}", collector.local_addr().unwrap())).await;
        assert_eq!(exited.status.code(), Some(0), "{exited:?}");
        assert!(exited.stderr.contains("could not send the last traces"), "{exited:?}");
    }
}

#[tokio::test]
async fn what_is_left_is_sent_at_the_end() {
    for collector in [Collector::grpc().await, Collector::http().await] {
        let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
        let settings = collector.settings() + &provider_settings(&provider.base_url(), &KEYS);
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings);
        let gateway = launch.env("OTEL_BSP_SCHEDULE_DELAY", "3600000").start().await;
        RawClient::post(gateway.address(), CHAT, &[], BLOCKING).await;
        gateway.terminate();
        assert_eq!(gateway.exited().await.status.code(), Some(0));
        assert_eq!(tree(&collector.spans()), TREE);
    }
}
