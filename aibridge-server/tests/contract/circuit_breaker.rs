//! The circuit breaker: a failing endpoint is not called for a while, and then probed.

use crate::endpoints::{CHAT, Endpoint, KEYS, recorded};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Framing, Gate, ReceivedRequest, Response, Script, ScriptedProvider, Step};
use parking_lot::Mutex;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

mod counts;
mod half_open;
mod model_names;

const SETTINGS: &str = "[provider.circuit_breaker]\nfailure_threshold = 3\nmax_requests = 2\n";
const BODY: &str = r#"{"error":{"message":"circuit breaker is open","type":"server_error","param":null,"code":"service_unavailable"}}"#;
const TIMEOUT: Duration = Duration::from_secs(30);
const OWN_ID: &str = "x-aibridge-interception-id";

/// The reaction of the provider to a request.
#[derive(Debug, Clone)]
enum Behavior {
    Succeeds,
    RespondsWith(u16),
    Resets,
    Stalls,
    BreaksOff,
    /// Sends all events of a stream, and then closes the connection without the end of the body.
    BreaksOffAtTheEnd,
    /// Responds well after the gate opens.
    WaitsBeforeHead(Gate),
    /// Sends the head of a good response, and continues when the gate opens.
    WaitsAfterHead(Gate),
}

/// A gateway with a circuit breaker, and a provider with adjustable behaviour.
struct Setup {
    gateway: Harness,
    provider: ScriptedProvider,
    behavior: Arc<Mutex<Behavior>>,
}

impl Setup {
    async fn new() -> Self {
        Self::with(&KEYS[..1], SETTINGS, "").await
    }

    /// Starts with `before` and `settings` around the settings of the provider.
    async fn with(keys: &[&str], settings: &str, before: &str) -> Self {
        let behavior = Arc::new(Mutex::new(Behavior::Succeeds));
        let current = behavior.clone();
        let provider = ScriptedProvider::start(move |request| current.lock().script(request)).await;
        let settings = format!("{before}{}{settings}", provider_settings(&provider.base_url(), keys));
        Self { gateway: Harness::start(&settings).await, provider, behavior }
    }

    fn set_behavior(&self, behavior: Behavior) {
        *self.behavior.lock() = behavior;
    }

    /// Calls `endpoint`. Returns whether the provider was reached, and the response.
    async fn call(&self, endpoint: &Endpoint, headers: &[(&str, &str)]) -> (bool, Response) {
        let before = self.provider.received().len();
        let response = endpoint.call(&self.gateway, headers).await;
        (self.provider.received().len() > before, response)
    }

    async fn reaches_provider(&self, endpoint: &Endpoint) -> bool {
        self.call(endpoint, &[]).await.0
    }

    /// Sends failing requests until the circuit of `endpoint` is open.
    async fn open(&self, endpoint: &Endpoint) {
        self.set_behavior(Behavior::RespondsWith(500));
        for _ in 0..3 {
            assert!(self.reaches_provider(endpoint).await, "{}", endpoint.name);
        }
        assert_rejected(&self.gateway, &self.call(endpoint, &[]).await, "30", endpoint.name);
    }
}

impl Behavior {
    fn script(&self, request: &ReceivedRequest) -> Script {
        let endpoint = Endpoint::of(request);
        let good = endpoint.good_response();
        match self {
            Self::Succeeds => good,
            Self::RespondsWith(status) => Script::json(*status, r#"{"error":{}}"#),
            Self::Resets => Script::new().then(Step::Reset),
            Self::Stalls => Script::new().then(Step::Stall),
            Self::BreaksOff if endpoint.response.starts_with('{') => {
                Script::head(200, Framing::ContentLength(99)).chunk("{").then(Step::Close)
            }
            Self::BreaksOff => Script::sse_head().chunk("data: {}\n\n").then(Step::Close),
            Self::BreaksOffAtTheEnd => Script::sse_head().events(endpoint.response).then(Step::Close),
            Self::WaitsBeforeHead(gate) => good.wait_after(0, gate),
            Self::WaitsAfterHead(gate) => good.wait_after(1, gate),
        }
    }
}

/// Checks the response of an open circuit, and its record.
fn assert_rejected(
    gateway: &Harness,
    (reached, response): &(bool, Response),
    retry_after: &str,
    about: &str,
) {
    assert!(!reached, "{about}: the provider is not called");
    assert_eq!((response.status(), response.text()), (503, BODY), "{about}");
    assert_eq!(response.header("retry-after"), Some(retry_after), "{about}");
    assert_eq!(response.header("content-type"), Some("application/json"), "{about}");
    assert_eq!(response.header("x-aibridge-error"), Some("service_unavailable"), "{about}");
    let row = recorded(gateway, response);
    assert_eq!(
        [&row["outcome"], &row["error_type"], &row["upstream_status"], &row["credential_hint"]],
        [&"failed".into(), &"circuit_open".into(), &Value::Null, &"".into()],
        "{about}"
    );
    assert!(row["ended_at"].is_string(), "{about}");
}

#[tokio::test]
async fn the_breaker_is_off_by_default() {
    let setup = Setup::with(&KEYS[..1], "", "").await;
    setup.set_behavior(Behavior::RespondsWith(500));
    for _ in 0..20 {
        assert!(setup.reaches_provider(CHAT).await);
    }
}

#[tokio::test]
async fn an_open_circuit_rejects_calls_until_its_timeout() {
    let setup = Setup::new().await;
    setup.open(CHAT).await;
    setup.set_behavior(Behavior::Succeeds);
    for (milliseconds, retry_after) in [(10_500, "20"), (18_500, "1"), (999, "1")] {
        setup.gateway.advance(Duration::from_millis(milliseconds));
        assert_rejected(&setup.gateway, &setup.call(CHAT, &[]).await, retry_after, retry_after);
    }
    setup.gateway.advance(Duration::from_millis(1));
    let (reached, response) = setup.call(CHAT, &[]).await;
    assert_eq!((reached, response.status(), response.text()), (true, 200, CHAT.response));
    assert!(response.header(OWN_ID).is_some());
}
