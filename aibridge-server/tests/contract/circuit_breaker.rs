//! What keeps failing is not called for a while, and then tried with a few.

use crate::harness::{Harness, provider_settings};
use crate::ways::{CHAT, KEYS, Way, recorded};
use aibridge_testkit::{Answer, Framing, Gate, Received, Script, ScriptedProvider, Step};
use parking_lot::Mutex;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

mod counts;
mod half_open;
mod invented;

const SETTINGS: &str = "[provider.circuit_breaker]\nfailure_threshold = 3\nmax_requests = 2\n";
const BODY: &str = r#"{"error":{"message":"circuit breaker is open","type":"server_error","param":null,"code":"service_unavailable"}}"#;
const TIMEOUT: Duration = Duration::from_secs(30);
const OWN_ID: &str = "x-aibridge-interception-id";

/// What the provider does with a request.
#[derive(Debug, Clone)]
enum Does {
    Well,
    Answers(u16),
    Resets,
    Stalls,
    BreaksOff,
    /// Sends all events of a stream, but not the end of the body.
    BreaksOffAtTheEnd,
    /// Answers well once the gate is open.
    Waits(Gate),
    /// Begins to answer well, and goes on once the gate is open.
    Begins(Gate),
}

/// A gateway with a breaker, and a provider that does what it is told.
struct Bench {
    gateway: Harness,
    provider: ScriptedProvider,
    does: Arc<Mutex<Does>>,
}

impl Bench {
    async fn new() -> Self {
        Self::with(&KEYS[..1], SETTINGS, "").await
    }

    /// With settings before and after the provider's.
    async fn with(keys: &[&str], settings: &str, before: &str) -> Self {
        let does = Arc::new(Mutex::new(Does::Well));
        let told = does.clone();
        let provider = ScriptedProvider::start(move |request| told.lock().script(request)).await;
        let settings = format!("{before}{}{settings}", provider_settings(&provider.base_url(), keys));
        Self { gateway: Harness::start(&settings).await, provider, does }
    }

    fn provider_does(&self, does: Does) {
        *self.does.lock() = does;
    }

    /// Asks `way`; says whether that reached the provider, and what it was answered.
    async fn ask(&self, way: &Way, headers: &[(&str, &str)]) -> (bool, Answer) {
        let before = self.provider.received().len();
        let answer = way.ask(&self.gateway, headers).await;
        (self.provider.received().len() > before, answer)
    }

    async fn reaches(&self, way: &Way) -> bool {
        self.ask(way, &[]).await.0
    }

    /// Lets it fail until the circuit of `way` is open.
    async fn open(&self, way: &Way) {
        self.provider_does(Does::Answers(500));
        for _ in 0..3 {
            assert!(self.reaches(way).await, "{}", way.name);
        }
        assert_rejected(&self.gateway, &self.ask(way, &[]).await, "30", way.name);
    }
}

impl Does {
    fn script(&self, request: &Received) -> Script {
        let way = Way::of(request);
        let good = way.good_answer();
        match self {
            Self::Well => good,
            Self::Answers(status) => Script::json(*status, r#"{"error":{}}"#),
            Self::Resets => Script::new().then(Step::Reset),
            Self::Stalls => Script::new().then(Step::Stall),
            Self::BreaksOff if way.answer.starts_with('{') => {
                Script::head(200, Framing::ContentLength(99)).chunk("{").then(Step::Close)
            }
            Self::BreaksOff => Script::sse_head().chunk("data: {}\n\n").then(Step::Close),
            Self::BreaksOffAtTheEnd => Script::sse_head().events(way.answer).then(Step::Close),
            Self::Waits(gate) => Script { steps: [vec![Step::Await(gate.clone())], good.steps].concat() },
            Self::Begins(gate) => {
                let mut steps = good.steps;
                steps.insert(1, Step::Await(gate.clone()));
                Script { steps }
            }
        }
    }
}

/// The answer of an open circuit, and its record.
fn assert_rejected(gateway: &Harness, (reached, answer): &(bool, Answer), retry_after: &str, about: &str) {
    assert!(!reached, "{about}: the provider is not called");
    assert_eq!((answer.status(), answer.text()), (503, BODY), "{about}");
    assert_eq!(answer.header("retry-after"), Some(retry_after), "{about}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{about}");
    assert_eq!(answer.header("x-aibridge-error"), Some("service_unavailable"), "{about}");
    let row = recorded(gateway, answer);
    assert_eq!(
        [&row["outcome"], &row["error_type"], &row["upstream_status"], &row["credential_hint"]],
        [&"failed".into(), &"circuit_open".into(), &Value::Null, &"".into()],
        "{about}"
    );
    assert!(row["ended_at"].is_string(), "{about}");
}

#[tokio::test]
async fn it_is_off_unless_it_is_configured() {
    let bench = Bench::with(&KEYS[..1], "", "").await;
    bench.provider_does(Does::Answers(500));
    for _ in 0..20 {
        assert!(bench.reaches(CHAT).await);
    }
}

#[tokio::test]
async fn open_it_answers_itself_until_its_time_is_over() {
    let bench = Bench::new().await;
    bench.open(CHAT).await;
    bench.provider_does(Does::Well);
    for (milliseconds, retry_after) in [(10_500, "20"), (18_500, "1"), (999, "1")] {
        bench.gateway.advance(Duration::from_millis(milliseconds));
        assert_rejected(&bench.gateway, &bench.ask(CHAT, &[]).await, retry_after, retry_after);
    }
    bench.gateway.advance(Duration::from_millis(1));
    let (reached, answer) = bench.ask(CHAT, &[]).await;
    assert_eq!((reached, answer.status(), answer.text()), (true, 200, CHAT.answer));
    assert!(answer.header(OWN_ID).is_some());
}
